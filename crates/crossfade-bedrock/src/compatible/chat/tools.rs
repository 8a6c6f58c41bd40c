//! Tools: functions go on as they came; what only some endpoints take is asked for as a function.

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::{
    CustomTool, FunctionChoice, NamedToolChoice, Open, Request, Tool, ToolChoice, ToolChoiceMode,
};
use serde_json::{Value, json, value::RawValue};

use super::{Context, RawObject, refused};
use crate::answer::Reply;

/// The most tools, by the primary's own documentation.
const MOST_TOOLS: usize = 128;

/// Settles the tools and which of them to call.
pub(super) fn tools(
    typed: &Request,
    object: &mut RawObject,
    context: &mut Context<'_>,
) -> Result<(), Unsupported> {
    if typed.functions.is_some() || typed.function_call.is_some() {
        older(typed, object, context)?;
    } else if let Some(tools) = typed.tools.as_ref().filter(|tools| !tools.is_empty()) {
        defined(tools, object, context)?;
        chosen(typed.tool_choice.as_ref(), object, context)?;
    } else {
        if let Some(choice) = &typed.tool_choice
            && !matches!(
                choice,
                ToolChoice::Mode(ToolChoiceMode::None | ToolChoiceMode::Auto)
            )
        {
            return Err(refused(
                "tool_choice",
                "demands a tool where there are none",
            ));
        }
        object.take("tools");
        // The target refuses both where there is nothing to choose from.
        object.take("tool_choice");
        object.take("parallel_tool_calls");
    }
    if object.get("tools").is_some() && !context.capabilities.tools {
        return Err(refused("tools", "not taken by the model"));
    }
    Ok(())
}

/// The definitions, those of free text as functions with one parameter.
fn defined(
    tools: &[Tool],
    object: &mut RawObject,
    context: &mut Context<'_>,
) -> Result<(), Unsupported> {
    if tools.len() > MOST_TOOLS {
        return Err(refused("tools", "at most 128"));
    }
    let mut raws: Vec<Box<RawValue>> = object.get("tools").map(list).unwrap_or_default();
    let mut changed = false;
    for ((at, tool), raw) in tools.iter().enumerate().zip(&mut raws) {
        match tool {
            Tool::Function(_) => {}
            Tool::Custom(tool) => {
                *raw = super::super::raw::raw(&emulated(at, tool)?);
                changed = true;
                context.reply.custom.insert(tool.custom.name.clone());
                context.lose(LossKind::CustomToolEmulated, format!("tools[{at}]"));
            }
            Tool::Other(_) => {
                return Err(refused(
                    format!("tools[{at}].type"),
                    "not a tool that is known here",
                ));
            }
        }
    }
    if changed {
        object.set("tools", &raws);
    }
    Ok(())
}

fn list(raw: &RawValue) -> Vec<Box<RawValue>> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

fn emulated(at: usize, tool: &CustomTool) -> Result<Value, Unsupported> {
    let format = tool.custom.format.as_ref();
    let free = format.is_none_or(|format| format.get("type").is_none_or(|kind| kind == "text"));
    if !free {
        let field = format!("tools[{at}].custom.format");
        return Err(refused(field, "a grammar cannot be enforced"));
    }
    let mut function = json!({
        "name": tool.custom.name,
        "parameters": {
            "type": "object",
            "properties": { (Reply::CUSTOM_INPUT): { "type": "string" } },
            "required": [Reply::CUSTOM_INPUT],
            "additionalProperties": false,
        },
    });
    if let (Some(text), Some(members)) = (&tool.custom.description, function.as_object_mut()) {
        members.insert("description".to_owned(), Value::String(text.clone()));
    }
    Ok(json!({ "type": "function", "function": function }))
}

/// Which tool to call.
fn chosen(
    choice: Option<&ToolChoice>,
    object: &mut RawObject,
    context: &mut Context<'_>,
) -> Result<(), Unsupported> {
    let field = "tool_choice";
    match choice {
        None | Some(ToolChoice::Mode(_) | ToolChoice::Named(NamedToolChoice::Function(_))) => {
            Ok(())
        }
        Some(ToolChoice::Named(NamedToolChoice::Custom(named))) => {
            let name = &named.custom.name;
            object.set(
                field,
                &json!({ "type": "function", "function": { "name": name } }),
            );
            Ok(())
        }
        Some(ToolChoice::Named(NamedToolChoice::AllowedTools(allowed))) => {
            let allowed = &allowed.allowed_tools;
            let mode = match &allowed.mode {
                Open::Known(mode @ (ToolChoiceMode::Auto | ToolChoiceMode::Required)) => *mode,
                Open::Known(ToolChoiceMode::None) | Open::Other(_) => {
                    return Err(refused(
                        "tool_choice.allowed_tools.mode",
                        "auto or required",
                    ));
                }
            };
            let names: Vec<&str> = allowed.tools.iter().filter_map(allowed_name).collect();
            let tools = object.get("tools").map(list).unwrap_or_default();
            let kept: Vec<Box<RawValue>> = tools
                .into_iter()
                .filter(|tool| {
                    let tool = super::super::raw::value(tool);
                    let name = tool.pointer("/function/name").and_then(Value::as_str);
                    name.is_some_and(|name| names.contains(&name))
                })
                .collect();
            if kept.is_empty() {
                return Err(refused(
                    "tool_choice.allowed_tools.tools",
                    "names no tool of the request",
                ));
            }
            object.set("tools", &kept);
            object.set(field, &mode);
            context.lose(LossKind::ToolChoiceEmulated, field);
            Ok(())
        }
        Some(ToolChoice::Other(_)) => Err(refused(field, "not a choice that is known here")),
    }
}

fn allowed_name(tool: &Value) -> Option<&str> {
    ["/function/name", "/custom/name", "/name"]
        .iter()
        .find_map(|path| tool.pointer(path)?.as_str())
}

/// Functions of the older form, asked for as tools; the answer is given back in the older form.
fn older(
    typed: &Request,
    object: &mut RawObject,
    context: &mut Context<'_>,
) -> Result<(), Unsupported> {
    if typed.tools.is_some() || typed.tool_choice.is_some() {
        return Err(refused("functions", "not beside tools"));
    }
    let functions = object
        .take("functions")
        .map(|raw| list(&raw))
        .unwrap_or_default();
    object.take("function_call");
    if functions.len() > MOST_TOOLS {
        return Err(refused("functions", "at most 128"));
    }
    if functions.is_empty() {
        return Ok(());
    }
    let tools: Vec<RawObject> = functions
        .into_iter()
        .map(|function| {
            let mut tool = RawObject::default();
            tool.set("type", "function");
            tool.set("function", &function);
            tool
        })
        .collect();
    object.set("tools", &tools);
    // The older form has one call to an answer.
    object.set("parallel_tool_calls", &false);
    context.reply.one_call = true;
    context.reply.functions = true;
    context.lose(LossKind::FunctionsEmulated, "functions");
    match &typed.function_call {
        None => {}
        Some(FunctionChoice::Mode(mode)) => object.set("tool_choice", mode),
        Some(FunctionChoice::Named(named)) => {
            let name = &named.name;
            let choice = json!({ "type": "function", "function": { "name": name } });
            object.set("tool_choice", &choice);
        }
        Some(FunctionChoice::Other(_)) => {
            return Err(refused("function_call", "not a choice that is known here"));
        }
    }
    Ok(())
}
