//! The conversation: messages go on as they came but for what only the primary knows of, and for calls in a form that
//! the target does not take.

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::{
    chat::{Open, ToolCall, ToolKind},
    id,
};
use serde_json::{Value, json, value::RawValue};

use super::{Context, RawObject, refused, stateful};
use crate::{
    answer::Reply,
    compatible::raw::{self, value},
};

/// The members a message may have.
const MEMBERS: [&str; 9] = [
    "role",
    "content",
    "name",
    "refusal",
    "tool_calls",
    "tool_call_id",
    "function_call",
    "context",
    "annotations",
];

/// Settles the messages, and puts our own instructions after the caller's first ones.
pub(super) fn messages(
    object: &mut RawObject,
    context: &mut Context<'_>,
) -> Result<(), Unsupported> {
    let raws: Vec<Box<RawValue>> = object
        .get("messages")
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .ok_or_else(|| refused("messages", "missing or of the wrong type"))?;
    if raws.is_empty() {
        return Err(refused("messages", "must not be empty"));
    }
    let mut told: Vec<Box<RawValue>> = Vec::with_capacity(raws.len() + 1);
    let mut older = Older::default();
    for (at, message) in raws.into_iter().enumerate() {
        told.push(one(at, &message, &mut older, context)?);
    }
    if !context.instructions.is_empty() {
        let text = std::mem::take(&mut context.instructions).join("\n\n");
        let leading = told
            .iter()
            .take_while(|message| is_instruction(message))
            .count();
        let message = json!({ "role": "system", "content": text });
        told.insert(leading, raw::raw(&message));
    }
    object.set("messages", &told);
    Ok(())
}

fn is_instruction(message: &RawValue) -> bool {
    let role = RawObject::of(message).and_then(|message| message.text("role"));
    matches!(role.as_deref(), Some("system" | "developer"))
}

/// Calls of the older form have no ids: each gets one, and the result that follows the same.
#[derive(Debug, Default)]
struct Older {
    calls: u64,
    open: Option<String>,
}

fn one(
    at: usize,
    message: &RawValue,
    older: &mut Older,
    context: &mut Context<'_>,
) -> Result<Box<RawValue>, Unsupported> {
    let field = |name: &str| format!("messages[{at}].{name}");
    let mut object =
        RawObject::of(message).ok_or_else(|| refused(field("(message)"), "too many fields"))?;
    object.drop_nulls();
    if object.get("audio").is_some() {
        return Err(refused(field("audio"), "has no counterpart"));
    }
    if object.names().any(|name| !MEMBERS.contains(&name)) {
        return Err(refused(
            field("(unknown)"),
            "not a field that is known here",
        ));
    }
    let role = object.text("role").unwrap_or_default();
    match role.as_str() {
        // Only models that were made for it know the newer word.
        "developer" if context.rules.efforts.is_empty() => object.set("role", "system"),
        "system" | "user" | "assistant" | "tool" | "developer" => {}
        "function" => older_result(at, &mut object, older)?,
        _ => return Err(refused(field("role"), "not a role that is known here")),
    }
    object.take("annotations");
    if object.take("context").is_some() {
        context.lose(LossKind::HintDropped, field("context"));
    }
    parts(at, &mut object, context)?;
    calls(at, &mut object, context)?;
    older_call(&mut object, older);
    if role == "assistant" && object.get("content").is_none() {
        // The member may be missing, and some targets want it.
        object.set("content", &Value::Null);
    }
    Ok(raw::raw(&object))
}

/// The parts of a message's content.
fn parts(at: usize, object: &mut RawObject, context: &mut Context<'_>) -> Result<(), Unsupported> {
    let Some(stated) = object
        .get("content")
        .filter(|raw| raw.get().starts_with('['))
    else {
        return Ok(());
    };
    let raws: Vec<Box<RawValue>> = serde_json::from_str(stated.get()).unwrap_or_default();
    let mut told = Vec::with_capacity(raws.len());
    let mut changed = false;
    for (part_at, part) in raws.into_iter().enumerate() {
        let field = format!("messages[{at}].content[{part_at}]");
        let Some(mut members) = RawObject::of(&part) else {
            return Err(refused(field, "missing or of the wrong type"));
        };
        check_part(&field, &members, context)?;
        if members.take("prompt_cache_breakpoint").is_some() {
            let field = format!("{field}.prompt_cache_breakpoint");
            context.lose(LossKind::HintDropped, field);
            changed = true;
            told.push(raw::raw(&members));
        } else {
            told.push(part);
        }
    }
    if changed {
        object.set("content", &told);
    }
    Ok(())
}

fn check_part(field: &str, part: &RawObject, context: &mut Context<'_>) -> Result<(), Unsupported> {
    let kind = part.text("type").unwrap_or_default();
    match kind.as_str() {
        "text" | "refusal" => Ok(()),
        "image_url" if context.capabilities.images.is_empty() => Err(refused(
            format!("{field}.image_url"),
            "the model takes no pictures",
        )),
        "image_url" => {
            let image = part.get("image_url").map(value).unwrap_or_default();
            let url = image.get("url").and_then(Value::as_str).unwrap_or_default();
            let is_inline = url
                .get(..5)
                .is_some_and(|start| start.eq_ignore_ascii_case("data:"));
            if is_inline {
                return Ok(());
            }
            let field = format!("{field}.image_url.url");
            if context.settings.fetch.is_none() {
                return Err(refused(field, "the target fetches nothing"));
            }
            context.lose(LossKind::UrlFetched, field);
            Ok(())
        }
        "input_audio" if !context.capabilities.audio.is_empty() => Ok(()),
        "input_audio" => Err(refused(
            format!("{field}.input_audio"),
            "the model takes no sound",
        )),
        "file" => {
            let file = part.get("file").map(value).unwrap_or_default();
            if file.get("file_id").is_some_and(|id| !id.is_null()) {
                return Err(stateful(format!("{field}.file.file_id")));
            }
            if context.capabilities.documents == 0 {
                return Err(refused(
                    format!("{field}.file"),
                    "the model takes no documents",
                ));
            }
            Ok(())
        }
        _ => Err(refused(
            format!("{field}.type"),
            "not a part that is known here",
        )),
    }
}

/// Calls in the history: those of free text become calls of functions.
fn calls(at: usize, object: &mut RawObject, context: &mut Context<'_>) -> Result<(), Unsupported> {
    let Some(stated) = object.get("tool_calls") else {
        return Ok(());
    };
    let calls: Vec<ToolCall> = serde_json::from_str(stated.get()).map_err(|_| {
        refused(
            format!("messages[{at}].tool_calls"),
            "missing or of the wrong type",
        )
    })?;
    if calls.is_empty() {
        object.take("tool_calls");
        return Ok(());
    }
    if calls
        .iter()
        .all(|call| call.kind != Open::Known(ToolKind::Custom))
    {
        return Ok(());
    }
    let mut told = Vec::with_capacity(calls.len());
    for (place, call) in calls.into_iter().enumerate() {
        if call.kind != Open::Known(ToolKind::Custom) {
            told.push(call);
            continue;
        }
        let field = format!("messages[{at}].tool_calls[{place}]");
        let Some(custom) = call.custom else {
            return Err(refused(field, "missing or of the wrong type"));
        };
        let arguments = json!({ (Reply::CUSTOM_INPUT): custom.input }).to_string();
        told.push(ToolCall::function(call.id, custom.name, arguments));
        context.lose(LossKind::CustomToolEmulated, field);
    }
    object.set("tool_calls", &told);
    Ok(())
}

/// A call of the older form becomes one with an id.
fn older_call(object: &mut RawObject, older: &mut Older) {
    let Some(call) = object.take("function_call") else {
        return;
    };
    let id = older.mint();
    let mut told = RawObject::default();
    told.set("id", &id);
    told.set("type", "function");
    told.set("function", &call);
    object.set("tool_calls", &[told]);
    older.open = Some(id);
}

/// A result of the older form answers the call before it.
fn older_result(at: usize, object: &mut RawObject, older: &mut Older) -> Result<(), Unsupported> {
    let Some(id) = older.open.take() else {
        let field = format!("messages[{at}].role");
        return Err(refused(field, "a function's result without its call"));
    };
    object.take("name");
    object.set("role", "tool");
    object.set("tool_call_id", &id);
    if object.get("content").is_none() {
        object.set("content", "");
    }
    Ok(())
}

// === impl Older ===

impl Older {
    /// A function of the call's place alone: the next request of the conversation says the same.
    fn mint(&mut self) -> String {
        let mut bytes = [0; 24];
        let mut hasher = blake3::Hasher::new_derive_key("crossfade older call id");
        hasher.update(&self.calls.to_le_bytes());
        hasher.finalize_xof().fill(&mut bytes);
        self.calls += 1;
        id::tool_call_id(bytes)
    }
}
