//! Tools, choices and formats: nested on the one wire, flat on the other.

use std::collections::HashSet;

use crossfade_exchange::{Loss, LossKind, Unsupported};
use crossfade_openai::{
    chat::{self, Fields, Open},
    responses,
};
use serde_json::{Map, Value, json};

use super::refuse::{no_others, refused};

/// Tools, from flat to nested.
pub(super) fn nested(
    tools: Vec<responses::Tool>,
    losses: &mut Vec<Loss>,
) -> Result<Vec<chat::Tool>, Unsupported> {
    let tools = tools.into_iter().enumerate();
    tools
        .map(|(at, tool)| {
            let path = format!("tools[{at}]");
            match tool {
                responses::Tool::Function(tool) => {
                    no_others(&path, &tool.other)?;
                    let strict = strict(tool.strict, tool.parameters.as_ref());
                    if strict.is_none() {
                        losses.push(Loss::new(LossKind::StrictDropped, format!("{path}.strict")));
                    }
                    Ok(chat::Tool::Function(chat::FunctionTool {
                        function: chat::FunctionDefinition {
                            name: tool.name,
                            description: tool.description,
                            parameters: tool.parameters,
                            strict,
                            other: Fields::new(),
                        },
                        other: Fields::new(),
                    }))
                }
                responses::Tool::Custom(tool) => {
                    no_others(&path, &tool.other)?;
                    Ok(chat::Tool::Custom(chat::CustomTool {
                        custom: chat::CustomDefinition {
                            name: tool.name,
                            description: tool.description,
                            format: tool.format.map(nested_grammar),
                            other: Fields::new(),
                        },
                        other: Fields::new(),
                    }))
                }
                responses::Tool::Other(_) => Err(refused(path, "a tool of the provider's own")),
            }
        })
        .collect()
}

/// On this wire arguments follow the schema unless the caller says otherwise, and the provider brings the schema into the form that
/// this takes. Here it is not changed: one that is in that form is strict, another one is not, which is a loss (`None`).
fn strict(stated: Option<bool>, schema: Option<&Value>) -> Option<bool> {
    stated.or_else(|| schema.is_none_or(is_strict_form).then_some(true))
}

/// Whether every object of a schema names all its properties as required, and allows no others.
fn is_strict_form(schema: &Value) -> bool {
    let Value::Object(fields) = schema else {
        return true;
    };
    let is_object = match fields.get("type") {
        Some(Value::String(word)) => word == "object",
        Some(Value::Array(words)) => words.iter().any(|word| word == "object"),
        Some(_) => false,
        None => fields.contains_key("properties"),
    };
    let closed = !is_object || is_closed(fields);
    closed && subschemas(fields).all(is_strict_form)
}

fn is_closed(fields: &Map<String, Value>) -> bool {
    let none = Map::new();
    let properties = fields.get("properties").and_then(Value::as_object);
    let required = fields.get("required").and_then(Value::as_array);
    let required: HashSet<&str> = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut names = properties.unwrap_or(&none).keys();
    fields.get("additionalProperties") == Some(&Value::Bool(false))
        && names.all(|name| required.contains(name.as_str()))
}

/// The schemas within a schema: of its members, its items, its choices and its definitions.
fn subschemas(fields: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let named = ["properties", "$defs", "definitions"]
        .into_iter()
        .filter_map(|name| fields.get(name)?.as_object())
        .flat_map(Map::values);
    let listed = ["anyOf", "oneOf", "allOf", "prefixItems"]
        .into_iter()
        .filter_map(|name| fields.get(name)?.as_array())
        .flatten();
    named.chain(listed).chain(fields.get("items"))
}

fn nested_grammar(format: Value) -> Value {
    match format {
        Value::Object(mut fields) if fields.get("type") == Some(&json!("grammar")) => {
            fields.shift_remove("type");
            json!({"type": "grammar", "grammar": fields})
        }
        other => other,
    }
}

/// A choice, from flat to nested.
pub(super) fn nested_choice(
    choice: responses::ToolChoice,
) -> Result<chat::ToolChoice, Unsupported> {
    use chat::NamedToolChoice as To;
    use responses::NamedToolChoice as From;
    let path = "tool_choice";
    let named = match choice {
        responses::ToolChoice::Mode(mode) => return Ok(chat::ToolChoice::Mode(mode)),
        responses::ToolChoice::Other(_) => {
            return Err(refused(path, "not a choice that is known here"));
        }
        responses::ToolChoice::Named(named) => named,
    };
    Ok(chat::ToolChoice::Named(match named {
        From::Function(tool) => {
            no_others(path, &tool.other)?;
            To::Function(chat::FunctionToolChoice {
                function: tool_name(tool.name),
                other: Fields::new(),
            })
        }
        From::Custom(tool) => {
            no_others(path, &tool.other)?;
            To::Custom(chat::CustomToolChoice {
                custom: tool_name(tool.name),
                other: Fields::new(),
            })
        }
        From::AllowedTools(allowed) => {
            no_others(path, &allowed.other)?;
            let tools = allowed.tools.into_iter().map(nested_reference);
            To::AllowedTools(chat::AllowedToolsChoice {
                allowed_tools: chat::AllowedTools {
                    mode: allowed.mode,
                    tools: tools.collect(),
                    other: Fields::new(),
                },
                other: Fields::new(),
            })
        }
    }))
}

fn tool_name(name: String) -> chat::ToolName {
    chat::ToolName {
        name,
        other: Fields::new(),
    }
}

/// `{type, name}` as `{type, function: {name}}`; another shape as it came, for the translation to refuse.
fn nested_reference(tool: Value) -> Value {
    let kind = tool.get("type").and_then(Value::as_str);
    match (kind, tool.get("name")) {
        (Some("function"), Some(name)) => json!({"type": "function", "function": {"name": name}}),
        (Some("custom"), Some(name)) => json!({"type": "custom", "custom": {"name": name}}),
        _ => tool,
    }
}

/// The answer's form, from flat to nested.
pub(super) fn nested_format(
    format: responses::Format,
) -> Result<chat::ResponseFormat, Unsupported> {
    let path = "text.format";
    Ok(match format {
        responses::Format::Text(others) => {
            no_others(path, &others)?;
            chat::ResponseFormat::Text(Fields::new())
        }
        responses::Format::JsonObject(others) => {
            no_others(path, &others)?;
            chat::ResponseFormat::JsonObject(Fields::new())
        }
        responses::Format::JsonSchema(format) => {
            no_others(path, &format.other)?;
            chat::ResponseFormat::JsonSchema(chat::JsonSchemaFormat {
                json_schema: chat::JsonSchema {
                    name: format.name,
                    description: format.description,
                    schema: format.schema,
                    strict: format.strict,
                    other: Fields::new(),
                },
                other: Fields::new(),
            })
        }
        responses::Format::Other(_) => {
            return Err(refused(path, "not a format that is known here"));
        }
    })
}

/// Tools, from nested to flat.
pub(super) fn flat(tools: Vec<chat::Tool>) -> Result<Vec<responses::Tool>, Unsupported> {
    let tools = tools.into_iter().enumerate();
    tools
        .map(|(at, tool)| {
            let path = format!("tools[{at}]");
            match tool {
                chat::Tool::Function(tool) => {
                    no_others(&path, &tool.other)?;
                    flat_function(tool.function, &format!("{path}.function"))
                }
                chat::Tool::Custom(tool) => {
                    no_others(&path, &tool.other)?;
                    no_others(&format!("{path}.custom"), &tool.custom.other)?;
                    Ok(responses::Tool::Custom(responses::CustomTool {
                        description: tool.custom.description,
                        format: tool.custom.format.map(flat_grammar),
                        name: tool.custom.name,
                        other: Fields::new(),
                    }))
                }
                chat::Tool::Other(_) => Err(refused(path, "not a tool that is known here")),
            }
        })
        .collect()
}

/// A function; in chat it is strict only if the caller says so, which here must be said.
pub(super) fn flat_function(
    function: chat::FunctionDefinition,
    path: &str,
) -> Result<responses::Tool, Unsupported> {
    no_others(path, &function.other)?;
    let nothing = || json!({"type": "object", "properties": {}});
    Ok(responses::Tool::Function(responses::FunctionTool {
        description: function.description,
        name: function.name,
        parameters: Some(function.parameters.unwrap_or_else(nothing)),
        strict: Some(function.strict.unwrap_or(false)),
        other: Fields::new(),
    }))
}

fn flat_grammar(mut format: Value) -> Value {
    let grammar = format.get_mut("grammar").map(Value::take);
    match grammar {
        Some(Value::Object(mut fields)) => {
            fields.shift_insert(0, "type".to_owned(), json!("grammar"));
            Value::Object(fields)
        }
        Some(_) | None => format,
    }
}

/// A choice, from nested to flat.
pub(super) fn flat_choice(choice: chat::ToolChoice) -> Result<responses::ToolChoice, Unsupported> {
    use chat::NamedToolChoice as From;
    use responses::NamedToolChoice as To;
    let path = "tool_choice";
    let named = match choice {
        chat::ToolChoice::Mode(mode) => return Ok(responses::ToolChoice::Mode(mode)),
        chat::ToolChoice::Other(_) => {
            return Err(refused(path, "not a choice that is known here"));
        }
        chat::ToolChoice::Named(named) => named,
    };
    Ok(responses::ToolChoice::Named(match named {
        From::Function(choice) => {
            no_others(path, &choice.other)?;
            To::Function(named_tool(choice.function.name))
        }
        From::Custom(choice) => {
            no_others(path, &choice.other)?;
            To::Custom(named_tool(choice.custom.name))
        }
        From::AllowedTools(choice) => {
            no_others(path, &choice.other)?;
            no_others(path, &choice.allowed_tools.other)?;
            To::AllowedTools(allowed(
                choice.allowed_tools.mode,
                choice
                    .allowed_tools
                    .tools
                    .into_iter()
                    .map(flat_reference)
                    .collect(),
            ))
        }
    }))
}

fn allowed(mode: Open<chat::ToolChoiceMode>, tools: Vec<Value>) -> responses::AllowedToolsChoice {
    responses::AllowedToolsChoice {
        mode,
        tools,
        other: Fields::new(),
    }
}

pub(super) fn named_tool(name: String) -> responses::NamedTool {
    responses::NamedTool {
        name,
        other: Fields::new(),
    }
}

fn flat_reference(tool: Value) -> Value {
    let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
    match tool.get(kind).and_then(|nested| nested.get("name")) {
        Some(name) => json!({"type": kind, "name": name}),
        None => tool,
    }
}

/// The answer's form, from nested to flat.
pub(super) fn flat_format(format: chat::ResponseFormat) -> Result<responses::Format, Unsupported> {
    let path = "response_format";
    Ok(match format {
        chat::ResponseFormat::Text(others) => {
            no_others(path, &others)?;
            responses::Format::Text(Fields::new())
        }
        chat::ResponseFormat::JsonObject(others) => {
            no_others(path, &others)?;
            responses::Format::JsonObject(Fields::new())
        }
        chat::ResponseFormat::JsonSchema(format) => {
            no_others(path, &format.other)?;
            no_others("response_format.json_schema", &format.json_schema.other)?;
            responses::Format::JsonSchema(responses::JsonSchemaFormat {
                description: format.json_schema.description,
                name: format.json_schema.name,
                schema: format.json_schema.schema,
                strict: Some(format.json_schema.strict.unwrap_or(false)),
                other: Fields::new(),
            })
        }
        chat::ResponseFormat::Other(_) => {
            return Err(refused(path, "not a format that is known here"));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_is_the_default_where_the_schema_is_in_its_form() {
        let closed = json!({"type": "object", "properties": {"a": {"type": "string"}},
                            "required": ["a"], "additionalProperties": false});
        let with = |inner: &Value| {
            json!({"type": "object", "properties": {"a": inner}, "required": ["a"],
                   "additionalProperties": false})
        };
        let open = json!({"type": "object", "properties": {"a": {}}, "required": ["a"]});
        for (stated, schema, expected) in [
            (Some(true), Some(&open), Some(true)),
            (Some(false), Some(&closed), Some(false)),
            (None, Some(&closed), Some(true)),
            (None, None, Some(true)),
            (None, Some(&open), None),
            (
                None,
                Some(&json!({"type": "object", "properties": {"a": {}},
                                "additionalProperties": false})),
                None,
            ),
            (None, Some(&with(&closed)), Some(true)),
            (None, Some(&with(&open)), None),
            (
                None,
                Some(&with(&json!({"anyOf": [{"type": "null"}, open]}))),
                None,
            ),
            (
                None,
                Some(&with(&json!({"type": "array", "items": open}))),
                None,
            ),
            (
                None,
                Some(&with(&json!({"type": ["object", "null"]}))),
                None,
            ),
        ] {
            assert_eq!(strict(stated, schema), expected, "{stated:?} {schema:?}");
        }
    }

    #[test]
    fn grammars_and_references_are_nested_and_flattened() {
        let flat = json!({"type": "grammar", "syntax": "lark", "definition": "start: x"});
        let nested =
            json!({"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: x"}});
        assert_eq!(nested_grammar(flat.clone()), nested);
        assert_eq!(flat_grammar(nested), flat);
        assert_eq!(
            flat_grammar(json!({"type": "text"})),
            json!({"type": "text"})
        );
        for kind in ["function", "custom"] {
            let flat = json!({"type": kind, "name": "f"});
            assert_eq!(flat_reference(nested_reference(flat.clone())), flat);
        }
    }
}
