//! The conversation: items go on as they came, but for ids and reasoning that mean nothing to the target.

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::{
    chat::Open,
    responses::{Content, Input, Item, Part, Request, Role},
};

use super::{Context, refused, settle::says};
use crate::{
    compatible::chat::stateful,
    responses::{Opened, SealedReasoning},
};

/// Settles the items.
pub(super) fn items(request: &mut Request, context: &mut Context<'_>) -> Result<(), Unsupported> {
    if let Some(id) = request.previous_response_id.take() {
        match open(&id, context) {
            Some(Opened::Kept(theirs)) if context.keeps_state() => {
                request.previous_response_id = Some(theirs);
            }
            Some(_) | None => return Err(stateful("previous_response_id")),
        }
    }
    let Some(Input::Items(items)) = &mut request.input else {
        return Ok(());
    };
    let all = std::mem::take(items);
    for (at, item) in all.into_iter().enumerate() {
        items.extend(one(at, item, context)?);
    }
    Ok(())
}

fn open(id: &str, context: &Context<'_>) -> Option<Opened> {
    context.settings.sealer.as_ref()?.open_id(id)
}

/// An item's id, if the target knows it; a whole item needs none.
fn known(id: Option<String>, context: &Context<'_>) -> Option<String> {
    match open(&id?, context)? {
        Opened::Kept(theirs) if context.keeps_state() => Some(theirs),
        Opened::Kept(_) | Opened::Unstored => None,
    }
}

fn one(at: usize, mut item: Item, context: &mut Context<'_>) -> Result<Option<Item>, Unsupported> {
    let field = |name: &str| format!("input[{at}].{name}");
    match &mut item {
        Item::Message(message) => {
            message.id = known(message.id.take(), context);
            // Whether an answer was final is said by newer models alone.
            if message
                .phase
                .take_if(|_| context.rules.efforts.is_empty())
                .is_some()
            {
                context.lose(LossKind::HintDropped, field("phase"));
            }
            let is_newer = matches!(message.role, Open::Known(Role::Developer));
            if is_newer && context.rules.efforts.is_empty() {
                message.role = Role::System.into();
            }
            if matches!(message.role, Open::Other(_)) {
                return Err(refused(field("role"), "not a role that is known here"));
            }
            if message.other.values().any(says) {
                return Err(refused(
                    field("(unknown)"),
                    "not a field that is known here",
                ));
            }
            parts(&mut message.content, &field("content"), context)?;
        }
        Item::FunctionCall(call) => call.id = known(call.id.take(), context),
        Item::CustomToolCall(call) => call.id = known(call.id.take(), context),
        Item::FunctionCallOutput(output) => {
            output.id = known(output.id.take(), context);
            parts(&mut output.output, &field("output"), context)?;
        }
        Item::CustomToolCallOutput(output) => {
            output.id = known(output.id.take(), context);
            parts(&mut output.output, &field("output"), context)?;
        }
        Item::Reasoning(reasoning) => {
            let sealed = reasoning.encrypted_content.take();
            let keys = context.settings.sealer.as_ref();
            let opened = sealed.and_then(|sealed| keys?.open_reasoning(&sealed));
            let Some(SealedReasoning::Encrypted(theirs)) = opened else {
                // Another model's, which alone can read it; or none at all.
                context.lose(LossKind::ThinkingMissing, format!("input[{at}]"));
                return Ok(None);
            };
            reasoning.encrypted_content = Some(theirs);
            reasoning.id = known(reasoning.id.take(), context);
            reasoning.content = None;
        }
        Item::ItemReference(reference) => match open(&reference.id, context) {
            Some(Opened::Kept(theirs)) if context.keeps_state() => reference.id = theirs,
            Some(_) | None => return Err(stateful(field("id"))),
        },
        Item::Other(_) => {
            return Err(refused(field("type"), "not an item that is known here"));
        }
    }
    Ok(Some(item))
}

fn parts(said: &mut Content, path: &str, context: &mut Context<'_>) -> Result<(), Unsupported> {
    let Content::Parts(parts) = said else {
        return Ok(());
    };
    for (at, part) in parts.iter_mut().enumerate() {
        let field = |name: &str| format!("{path}[{at}].{name}");
        let hint = match part {
            Part::InputText(part) => part.prompt_cache_breakpoint.take(),
            Part::OutputText(_) | Part::Refusal(_) => None,
            Part::InputImage(part) => {
                if part.file_id.is_some() {
                    return Err(stateful(field("file_id")));
                }
                if context.capabilities.images.is_empty() {
                    return Err(refused(field("image_url"), "the model takes no pictures"));
                }
                let url = part.image_url.as_deref();
                address(url, &field("image_url"))?;
                part.prompt_cache_breakpoint.take()
            }
            Part::InputFile(part) => {
                if part.file_id.is_some() {
                    return Err(stateful(field("file_id")));
                }
                if context.capabilities.documents == 0 {
                    return Err(refused(field("file_data"), "the model takes no documents"));
                }
                let url = part.file_url.as_deref();
                address(url, &field("file_url"))?;
                part.prompt_cache_breakpoint.take()
            }
            Part::InputAudio(_) => {
                if context.capabilities.audio.is_empty() {
                    return Err(refused(field("input_audio"), "the model takes no sound"));
                }
                None
            }
            Part::Other(_) => {
                return Err(refused(field("type"), "not a part that is known here"));
            }
        };
        if hint.is_some() {
            context.lose(LossKind::HintDropped, field("prompt_cache_breakpoint"));
        }
    }
    Ok(())
}

/// The target fetches nothing; what is fetched for it stands there as data by then.
fn address(url: Option<&str>, field: &str) -> Result<(), Unsupported> {
    let Some(url) = url else { return Ok(()) };
    let is_inline = url
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("data:"));
    if !is_inline {
        return Err(refused(field, "the target fetches nothing"));
    }
    Ok(())
}
