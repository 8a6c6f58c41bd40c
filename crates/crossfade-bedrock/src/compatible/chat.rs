//! A chat completion's request for the endpoint that speaks the same wire: what the model takes there goes on as it
//! came, byte for byte; what it does not take is emulated, dropped as a named loss, or refused by its name.

mod effort;
mod fields;
mod messages;
mod tools;

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "cases are literals")]
mod tests;

use std::collections::HashSet;

use bytes::Bytes;
use crossfade_exchange::{Loss, LossKind, Unsupported};
use crossfade_openai::chat::{Request, RequestError};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::{Call, Compatible, Prefix, raw::RawObject};
pub(super) use crate::unsupported::{refused, stateful};
use crate::{
    answer::{Delivery, Reply},
    capabilities::Capabilities,
    settings::{CandidateSettings, Surface},
};

/// A request that can be sent, and what its answer's reader must know.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) call: Call,
    /// A stream is asked for, whatever the caller wants.
    pub(crate) streams: bool,
    pub(crate) losses: Vec<Loss>,
    pub(crate) reply: Reply,
    /// Reasoning may stand within the text.
    pub(crate) inline_reasoning: bool,
}

/// What the parts of one request's preparation share.
struct Context<'a> {
    settings: &'a CandidateSettings,
    capabilities: Capabilities,
    rules: Compatible,
    /// Whether the model will reason, by the request and by its own default.
    reasons: bool,
    reply: Reply,
    losses: Vec<Loss>,
    /// The losses again: there may be one for every part of a message.
    named: HashSet<Loss>,
    /// Text for the model beside the caller's own instructions.
    instructions: Vec<String>,
}

/// Prepares a caller's body.
///
/// # Errors
/// Names the field that the target cannot be asked.
pub(crate) fn prepare(body: &[u8], settings: &CandidateSettings) -> Result<Asked, Unsupported> {
    let typed = Request::from_slice(body).map_err(|error| match error {
        RequestError::Field { field } => refused(field, "missing or of the wrong type"),
        RequestError::NotJson { .. } => refused("(body)", "not valid json"),
        RequestError::NotAnObject => refused("(body)", "not a json object"),
    })?;
    let object: RawObject =
        serde_json::from_slice(body).map_err(|_| refused("(body)", "too many fields"))?;
    request(&typed, object, settings)
}

/// Prepares a request that is already read; `object` is the same request as it came.
pub(crate) fn request(
    typed: &Request,
    mut object: RawObject,
    settings: &CandidateSettings,
) -> Result<Asked, Unsupported> {
    let headers = guardrail(settings)?;
    object.drop_nulls();
    let mut context = Context::new(settings);
    let context = &mut context;
    fields::refuse(typed)?;
    tools::tools(typed, &mut object, context)?;
    effort::effort(typed, &mut object, context)?;
    fields::sampling(typed, &mut object, context)?;
    fields::limits(typed, &mut object, context)?;
    fields::format(typed, &mut object, context)?;
    fields::hints(typed, &mut object, context);
    fields::adapt(&mut object, context);
    messages::messages(&mut object, context)?;
    let streams = stream(typed, &mut object, context)?;
    object.set("model", &settings.model);
    let body = serde_json::to_vec(&object).map_err(|_| refused("(body)", "not valid json"))?;
    let call = Call {
        surface: settings.surface,
        method: Method::POST,
        path: format!("{}/chat/completions", prefix(settings, context.rules)),
        headers,
        body: Bytes::from(body),
    };
    Ok(Asked {
        call,
        streams,
        losses: std::mem::take(&mut context.losses),
        reply: std::mem::take(&mut context.reply),
        inline_reasoning: context.rules.inline_reasoning,
    })
}

/// What stands before the operation in the path.
pub(super) fn prefix(settings: &CandidateSettings, rules: Compatible) -> String {
    match &settings.path_prefix {
        Some(stated) => format!("/{}", stated.trim_matches('/')),
        None => match settings.surface {
            Surface::Runtime => Prefix::OpenaiV1,
            Surface::Mantle => rules.mantle_prefix,
        }
        .as_str()
        .to_owned(),
    }
}

/// The headers that name the guardrail. Where it could not be named, nothing is asked: what must be guarded must not
/// pass unguarded.
pub(super) fn guardrail(settings: &CandidateSettings) -> Result<HeaderMap, Unsupported> {
    let mut headers = HeaderMap::new();
    let Some(guardrail) = &settings.guardrail else {
        return Ok(headers);
    };
    let why = "this endpoint cannot be asked under the route's guardrail";
    if settings.surface == Surface::Mantle {
        return Err(refused("(guardrail)", why));
    }
    let trace = guardrail.trace.as_str().to_ascii_uppercase();
    for (name, value) in [
        ("x-amzn-bedrock-guardrailidentifier", guardrail.id.as_str()),
        (
            "x-amzn-bedrock-guardrailversion",
            guardrail.version.as_str(),
        ),
        ("x-amzn-bedrock-trace", trace.as_str()),
    ] {
        let value = HeaderValue::from_str(value).map_err(|_| refused("(guardrail)", why))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

/// Whether a stream is asked for, and in the form that tells the tokens.
fn stream(
    typed: &Request,
    object: &mut RawObject,
    context: &mut Context<'_>,
) -> Result<bool, Unsupported> {
    if let Some(options) = &typed.stream_options {
        if !typed.is_stream() {
            return Err(refused("stream_options", "only taken with stream"));
        }
        if options.other.values().any(|value| !value.is_null()) {
            return Err(refused("stream_options", "not a field that is known here"));
        }
    }
    context.reply.delivery = if typed.is_stream() {
        Delivery::Stream {
            include_usage: typed.includes_usage(),
        }
    } else {
        Delivery::Whole
    };
    let capabilities = &context.capabilities;
    let able = capabilities.streams && (capabilities.stream_tools || object.get("tools").is_none());
    let streams = able && (typed.is_stream() || context.settings.stream_always);
    object.take("stream_options");
    object.set("stream", &streams);
    if streams {
        object.set(
            "stream_options",
            &serde_json::json!({ "include_usage": true }),
        );
    }
    Ok(streams)
}

// === impl Context ===

impl<'a> Context<'a> {
    fn new(settings: &'a CandidateSettings) -> Self {
        let capabilities = settings.resolved_capabilities();
        Self {
            settings,
            capabilities,
            rules: capabilities.compatible,
            reasons: false,
            reply: Reply::default(),
            losses: Vec::new(),
            named: HashSet::new(),
            instructions: Vec::new(),
        }
    }

    /// Names a loss, once.
    fn lose(&mut self, kind: LossKind, field: impl Into<String>) {
        let loss = Loss::new(kind, field);
        if self.named.insert(loss.clone()) {
            self.losses.push(loss);
        }
    }
}
