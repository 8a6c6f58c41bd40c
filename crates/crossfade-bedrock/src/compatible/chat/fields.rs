//! The request's plain fields.

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::{Request, ResponseFormat};
use serde_json::{Value, value::RawValue};

use super::{Context, RawObject, refused};
use crate::{
    capabilities::Stop,
    settings::{Penalties, Surface},
};

/// The most stop sequences, by the primary's own documentation.
const MOST_STOPS: usize = 4;

/// Refuses what no endpoint of this kind gives.
pub(super) fn refuse(typed: &Request) -> Result<(), Unsupported> {
    let sound = typed.modalities.as_ref();
    let sound = sound.is_some_and(|kinds| kinds.iter().any(|kind| kind != "text"));
    let absent = [
        ("data_sources", typed.data_sources.is_some()),
        (
            "user_security_context",
            typed.user_security_context.is_some(),
        ),
        ("audio", typed.audio.is_some()),
        ("modalities", sound),
        ("moderation", typed.moderation.is_some()),
        ("web_search_options", typed.web_search_options.is_some()),
    ];
    if let Some((field, _)) = absent.iter().find(|(_, there)| *there) {
        return Err(refused(*field, "has no counterpart"));
    }
    let unknown = typed.other.iter().find(|(_, value)| !value.is_null());
    match unknown {
        // The name is the caller's own text.
        Some(_) => Err(refused("(unknown)", "not a field that is known here")),
        None => Ok(()),
    }
}

/// Temperature and its like, log-probabilities, and how many answers.
pub(super) fn sampling(
    typed: &Request,
    object: &mut RawObject,
    context: &mut Context<'_>,
) -> Result<(), Unsupported> {
    let taken = context.rules.sampling_while_reasoning || !context.reasons;
    for (field, stated) in [("temperature", typed.temperature), ("top_p", typed.top_p)] {
        if stated.is_some() && !taken {
            object.take(field);
            context.lose(LossKind::SamplingDropped, field);
        }
    }
    let penalty = |value: Option<f64>| value.is_some_and(|value| value.abs() > 0.0);
    let biased = typed
        .logit_bias
        .as_ref()
        .is_some_and(|bias| !bias.is_empty());
    for (field, stated, taken) in [
        ("frequency_penalty", penalty(typed.frequency_penalty), taken),
        ("presence_penalty", penalty(typed.presence_penalty), taken),
        ("logit_bias", biased, taken && context.rules.logit_bias),
    ] {
        if stated && taken {
            continue;
        }
        object.take(field);
        if stated {
            match context.settings.penalties {
                Penalties::Refuse => return Err(refused(field, "not taken by the model")),
                Penalties::Drop => context.lose(LossKind::SamplingDropped, field),
            }
        }
    }
    if typed.logprobs == Some(true) {
        if !taken || !context.rules.logprobs {
            return Err(refused("logprobs", "not given by the model"));
        }
    } else if typed.top_logprobs.is_some_and(|n| n > 0) {
        return Err(refused("top_logprobs", "only taken with logprobs"));
    } else {
        object.take("logprobs");
        object.take("top_logprobs");
    }
    if typed.n.is_some_and(|n| n != 1) {
        return Err(refused("n", "one answer is given"));
    }
    if typed.n == Some(1) {
        object.take("n");
    }
    Ok(())
}

/// The token limit, and where to stop.
pub(super) fn limits(
    typed: &Request,
    object: &mut RawObject,
    context: &mut Context<'_>,
) -> Result<(), Unsupported> {
    let stated = typed.token_limit();
    let limit = stated.or_else(|| context.settings.default_max_tokens.map(u64::from));
    let floor = u64::from(context.capabilities.token_floor);
    let newer = "max_completion_tokens";
    let older = "max_tokens";
    let field = if typed.max_completion_tokens.is_some() || typed.max_tokens.is_none() {
        newer
    } else {
        older
    };
    match limit {
        Some(0) => return Err(refused(field, "must be at least 1")),
        Some(limit) => {
            let sent = limit.max(floor);
            if sent != limit {
                context.lose(LossKind::TokenFloor, field);
            }
            let name = if context.rules.completion_limit {
                newer
            } else {
                field
            };
            if name != field || sent != limit || stated.is_none() {
                object.take(field);
                object.set(name, &sent);
            }
            object.take(if name == newer { older } else { newer });
        }
        None => {}
    }
    if let Some(stop) = &typed.stop {
        stops(stop.sequences(), object, context)?;
    }
    Ok(())
}

fn stops(
    stated: &[String],
    object: &mut RawObject,
    context: &mut Context<'_>,
) -> Result<(), Unsupported> {
    if stated.len() > MOST_STOPS {
        return Err(refused("stop", "at most four"));
    }
    let taken = |text: &&String| match context.capabilities.stop {
        Stop::Any => !text.is_empty(),
        Stop::Visible => !text.trim().is_empty(),
        Stop::None => false,
    };
    let kept: Vec<&String> = stated.iter().filter(taken).collect();
    if kept.len() == stated.len() && !kept.is_empty() {
        return Ok(());
    }
    // An empty one stops nothing, so that nothing is lost with it.
    let lost = stated.iter().filter(|text| !text.is_empty()).count() > kept.len();
    if kept.is_empty() {
        object.take("stop");
    } else {
        object.set("stop", &kept);
    }
    if lost {
        context.lose(LossKind::StopDropped, "stop");
    }
    Ok(())
}

/// The form of the answer: enforced by the target, or asked for in words as well.
pub(super) fn format(
    typed: &Request,
    object: &mut RawObject,
    context: &mut Context<'_>,
) -> Result<(), Unsupported> {
    let field = "response_format";
    let words = "Answer with one JSON object and nothing else: no words around it, no code fence.";
    match &typed.response_format {
        None => {}
        Some(ResponseFormat::Text(_)) => {
            object.take(field);
        }
        Some(ResponseFormat::JsonObject(_)) => {
            let messages = object.get("messages").map(RawValue::get);
            let said = messages.is_some_and(says_json);
            if !said || !context.rules.enforces_format {
                context.instructions.push(words.to_owned());
                context.lose(LossKind::JsonByInstruction, field);
            }
            context.reply.unfence = !context.rules.enforces_format;
        }
        Some(ResponseFormat::JsonSchema(_)) if context.rules.enforces_format => {}
        Some(ResponseFormat::JsonSchema(asked)) => {
            let schema = asked.json_schema.schema.clone();
            let schema = schema.unwrap_or(Value::Bool(true));
            context.instructions.push(format!(
                "Answer with JSON that is valid under this JSON Schema and with nothing else: no words around it, no \
                 code fence.\n{schema}"
            ));
            context.lose(LossKind::JsonByInstruction, field);
            context.reply.unfence = true;
        }
        Some(ResponseFormat::Other(_)) => {
            return Err(refused(field, "not a format that is known here"));
        }
    }
    Ok(())
}

/// Whether the word stands anywhere, in any case: the target refuses a JSON answer that nobody spoke of.
fn says_json(text: &str) -> bool {
    text.as_bytes()
        .windows(4)
        .any(|window| window.eq_ignore_ascii_case(b"json"))
}

/// Hints: what changes no answer's meaning, and what the target has no place for.
pub(super) fn hints(typed: &Request, object: &mut RawObject, context: &mut Context<'_>) {
    for (field, stated) in [
        ("prediction", typed.prediction.is_some()),
        ("metadata", typed.metadata.is_some()),
        ("user", typed.user.is_some()),
        ("safety_identifier", typed.safety_identifier.is_some()),
        ("prompt_cache_key", typed.prompt_cache_key.is_some()),
        ("prompt_cache_options", typed.prompt_cache_options.is_some()),
        (
            "prompt_cache_retention",
            typed.prompt_cache_retention.is_some(),
        ),
        (
            "verbosity",
            typed.verbosity.is_some() && context.rules.efforts.is_empty(),
        ),
    ] {
        if stated {
            object.take(field);
            context.lose(LossKind::HintDropped, field);
        }
    }
    if typed.modalities.is_some() {
        object.take("modalities");
    }
    if let Some(store) = typed.store {
        object.take("store");
        if store {
            context.lose(LossKind::Unstored, "store");
        }
    }
    tier(typed.service_tier.as_deref(), object, context);
}

fn tier(stated: Option<&str>, object: &mut RawObject, context: &mut Context<'_>) {
    let taken = match (stated, context.settings.surface) {
        (None | Some("auto" | "default"), _) => true,
        (Some("flex" | "priority"), Surface::Runtime) => context.capabilities.tiers,
        (Some(_), Surface::Runtime | Surface::Mantle) => false,
    };
    if !taken {
        object.take("service_tier");
        context.lose(LossKind::HintDropped, "service_tier");
    }
}

/// What the route changes for the candidate.
pub(super) fn adapt(object: &mut RawObject, context: &mut Context<'_>) {
    let adapt = &context.settings.adapt;
    if let Some(text) = &adapt.system_append {
        context.instructions.push(text.clone());
        context.lose(LossKind::Adapted, "messages");
    }
    if let Some(temperature) = adapt.temperature
        && (context.rules.sampling_while_reasoning || !context.reasons)
    {
        object.set("temperature", &temperature);
        context.lose(LossKind::Adapted, "temperature");
    }
}
