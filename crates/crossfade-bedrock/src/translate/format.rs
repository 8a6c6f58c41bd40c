//! The form of the answer: a schema the target enforces, a tool that must be called, or an instruction.

use std::collections::HashSet;

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::{JsonSchema as Asked, ResponseFormat};
use serde_json::Value;

use super::{
    context::{Context, no_others, refused},
    schema,
};
use crate::{
    capabilities::{Choice, Structured},
    converse::{
        InputSchema, JsonSchema, Structure, System, TextFormat, Tool, ToolChoice, ToolConfig,
        ToolSpec,
    },
};

/// The name of the tool whose arguments are the answer.
const ANSWER_TOOL: &str = "answer_as_json";

/// How the form is asked for.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// A schema the target enforces.
    pub(super) format: Option<TextFormat>,
    /// The tool whose arguments are the answer.
    pub(super) json_tool: Option<String>,
    /// No property of the answer is called as the member that some models put around it.
    pub(super) json_unwrap: bool,
    /// The answer is JSON by instruction only.
    pub(super) unfence: bool,
}

/// Translates the form of the answer; may add a tool or an instruction.
pub(super) fn format(
    asked: Option<ResponseFormat>,
    tools: &mut Option<ToolConfig>,
    system: &mut Vec<System>,
    context: &mut Context<'_>,
) -> Result<Told, Unsupported> {
    match asked {
        None => Ok(Told::default()),
        Some(ResponseFormat::Text(others)) => {
            no_others("response_format", &others)?;
            Ok(Told::default())
        }
        Some(ResponseFormat::JsonObject(others)) => {
            no_others("response_format", &others)?;
            let text =
                "Answer with one JSON object and nothing else: no words around it, no code fence.";
            Ok(instruct(text.to_owned(), system, context))
        }
        Some(ResponseFormat::JsonSchema(asked)) => {
            no_others("response_format", &asked.other)?;
            no_others("response_format.json_schema", &asked.json_schema.other)?;
            Ok(by_schema(asked.json_schema, tools, system, context))
        }
        Some(ResponseFormat::Other(_)) => Err(refused(
            "response_format",
            "not a format that is known here",
        )),
    }
}

fn by_schema(
    asked: Asked,
    tools: &mut Option<ToolConfig>,
    system: &mut Vec<System>,
    context: &mut Context<'_>,
) -> Told {
    let Some(schema) = asked.schema.as_ref().filter(|schema| schema.is_object()) else {
        let text = "Answer with JSON and nothing else: no words around it, no code fence.";
        return instruct(text.to_owned(), system, context);
    };
    let limits = schema::Limits::of(&context.capabilities);
    if context.capabilities.structured == Structured::Native
        && let Some(enforced) = schema::enforceable(schema, limits)
    {
        if enforced.changed {
            context.lose(
                LossKind::SchemaChanged,
                "response_format.json_schema.schema",
            );
        }
        return native(&asked, &enforced.schema, context);
    }
    let named_tool = tools
        .as_ref()
        .is_some_and(|c| matches!(c.tool_choice, Some(ToolChoice::Tool { .. })));
    let can_force = context.capabilities.tools
        && match context.capabilities.choice {
            Choice::None => false,
            Choice::Any | Choice::All => true,
        };
    let target = schema::Target::of(&context.capabilities);
    match schema::arguments(Some(schema), target) {
        Some((json, changed)) if can_force && !named_tool => {
            if changed {
                let field = "response_format.json_schema.schema";
                context.lose(LossKind::SchemaChanged, field);
            }
            by_tool(asked, json, tools, context)
        }
        _ => {
            let text = format!(
                "Answer with JSON that is valid under this JSON Schema and with nothing else: no words around it, \
                 no code fence.\n{schema}"
            );
            instruct(text, system, context)
        }
    }
}

fn native(asked: &Asked, schema: &Value, context: &mut Context<'_>) -> Told {
    let (name, changed) = context.names.to_target(&asked.name);
    if changed {
        context.lose(LossKind::SchemaChanged, "response_format.json_schema.name");
    }
    let json_schema = JsonSchema {
        schema: schema.to_string(),
        name: Some(name),
        description: asked
            .description
            .clone()
            .filter(|text| !text.trim().is_empty()),
    };
    let format = TextFormat {
        kind: "json_schema",
        structure: Structure { json_schema },
    };
    Told {
        format: Some(format),
        ..Told::default()
    }
}

/// Beside other tools, one of them all must be called: the answer's own, or a real one.
fn by_tool(
    asked: Asked,
    json: Value,
    tools: &mut Option<ToolConfig>,
    context: &mut Context<'_>,
) -> Told {
    context.lose(LossKind::JsonByTool, "response_format");
    let others = tools.take().map(|config| config.tools).unwrap_or_default();
    let name = answer_tool(&others);
    let description = asked.description.filter(|text| !text.trim().is_empty());
    let description = description.unwrap_or_else(|| "Gives the final answer.".to_owned());
    let tool_choice = if others.is_empty() && context.capabilities.choice == Choice::All {
        ToolChoice::Tool { name: name.clone() }
    } else {
        ToolChoice::Any {}
    };
    let json_unwrap = json.pointer("/properties/properties").is_none();
    let tool_spec = ToolSpec {
        name: name.clone(),
        description: Some(description),
        input_schema: InputSchema { json },
        strict: None,
    };
    let mut all = others;
    all.push(Tool { tool_spec });
    *tools = Some(ToolConfig {
        tools: all,
        tool_choice: Some(tool_choice),
    });
    Told {
        json_tool: Some(name),
        json_unwrap,
        ..Told::default()
    }
}

/// A name that no other tool has.
fn answer_tool(others: &[Tool]) -> String {
    let taken: HashSet<&str> = others
        .iter()
        .map(|tool| tool.tool_spec.name.as_str())
        .collect();
    let mut name = ANSWER_TOOL.to_owned();
    let mut next = 2_u32;
    while taken.contains(name.as_str()) {
        name = format!("{ANSWER_TOOL}_{next}");
        next += 1;
    }
    name
}

fn instruct(text: String, system: &mut Vec<System>, context: &mut Context<'_>) -> Told {
    context.lose(LossKind::JsonByInstruction, "response_format");
    system.push(System::Text(text));
    Told {
        unfence: true,
        ..Told::default()
    }
}
