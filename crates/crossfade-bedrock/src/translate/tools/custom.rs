//! Custom tools: their input is free text, which the target's tools do not have. Each is offered as a function of one
//! text, and its calls come back as calls of a custom tool.

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::CustomDefinition;
use serde_json::{Map, Value, json};

use super::super::context::{Context, no_others, refused};
use crate::{
    answer::Reply,
    converse::{InputSchema, Tool as Spec, ToolSpec},
};

/// Translates one definition; `path` names it.
pub(super) fn spec(
    path: &str,
    custom: CustomDefinition,
    context: &mut Context<'_>,
) -> Result<Spec, Unsupported> {
    no_others(path, &custom.other)?;
    check_format(path, custom.format.as_ref())?;
    let name = super::name(path, &custom.name, context)?;
    context.lose(LossKind::CustomToolEmulated, path);
    context.custom.insert(name.clone());
    let mut properties = Map::new();
    let text = json!({"type": "string", "description": "The tool's whole input, as plain text."});
    properties.insert(Reply::CUSTOM_INPUT.to_owned(), text);
    let json = json!({
        "type": "object",
        "properties": properties,
        "required": [Reply::CUSTOM_INPUT],
        "additionalProperties": false,
    });
    let description = custom.description.filter(|text| !text.trim().is_empty());
    Ok(Spec {
        tool_spec: ToolSpec {
            name,
            description,
            input_schema: InputSchema { json },
            strict: context.capabilities.strict.then_some(true),
        },
    })
}

/// Text is what is offered; nobody at the target keeps to a grammar.
fn check_format(path: &str, format: Option<&Value>) -> Result<(), Unsupported> {
    let Some(format) = format.filter(|format| !format.is_null()) else {
        return Ok(());
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(()),
        Some("grammar") => Err(refused(
            format!("{path}.format.grammar"),
            "the candidate keeps to no grammar",
        )),
        _ => Err(refused(
            format!("{path}.format"),
            "not a format that is known here",
        )),
    }
}
