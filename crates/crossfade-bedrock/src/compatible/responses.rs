//! A request of the Responses API for the endpoint that speaks the same wire: what the model takes there goes on, what it
//! does not take is dropped as a named loss, mapped to the nearest, or refused by its name.

mod input;
mod settle;

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "cases are literals")]
mod tests;

use std::collections::HashSet;

use bytes::Bytes;
use crossfade_exchange::{Loss, LossKind, Unsupported};
use crossfade_openai::responses::Request;
use http::Method;

use super::{
    Call, Compatible,
    chat::{prefix, refused},
};
use crate::{
    answer::{Delivery, Reply},
    capabilities::Capabilities,
    responses::keeps_state,
    settings::CandidateSettings,
};

/// A request that can be sent, and what its answer's reader must know.
#[derive(Clone, Debug)]
pub(crate) struct AskedResponses {
    pub(crate) call: Call,
    /// A stream is asked for, whatever the caller wants.
    pub(crate) streams: bool,
    pub(crate) losses: Vec<Loss>,
    pub(crate) reply: Reply,
}

/// What the parts of one request's preparation share.
struct Context<'a> {
    settings: &'a CandidateSettings,
    capabilities: Capabilities,
    rules: Compatible,
    losses: Vec<Loss>,
    /// The losses again: there may be one for every item of the input.
    named: HashSet<Loss>,
}

/// Prepares a request: a caller's own, or one made of a chat request. Ids and reasoning that the candidate made are
/// opened here; whose state a request names was settled before.
///
/// # Errors
/// Names the field that the target cannot be asked.
pub(crate) fn ask_responses(
    mut request: Request,
    settings: &CandidateSettings,
) -> Result<AskedResponses, Unsupported> {
    if settings.guardrail.is_some() {
        let why = "this endpoint cannot be asked under the route's guardrail";
        return Err(refused("(guardrail)", why));
    }
    let mut context = Context {
        settings,
        capabilities: settings.resolved_capabilities(),
        rules: settings.resolved_capabilities().compatible,
        losses: Vec::new(),
        named: HashSet::new(),
    };
    let context = &mut context;
    let mut reply = Reply {
        delivery: if request.is_stream() {
            Delivery::Stream {
                include_usage: true,
            }
        } else {
            Delivery::Whole
        },
        ..Reply::default()
    };
    settle::refuse(&request)?;
    settle::tools(&mut request, &mut reply, context)?;
    let reasons = settle::effort(&mut request, context)?;
    settle::sampling(&mut request, reasons, context)?;
    settle::format(&mut request, context)?;
    settle::hints(&mut request, context);
    settle::store(&mut request, context);
    input::items(&mut request, context)?;
    settle::adapt(&mut request, reasons, context);
    let streams = context.capabilities.streams && (request.is_stream() || settings.stream_always);
    request.model = Some(settings.model.clone());
    request.stream = Some(streams);
    request.stream_options = None;
    let body = serde_json::to_vec(&request).map_err(|_| refused("(body)", "not valid json"))?;
    let call = Call {
        surface: settings.surface,
        method: Method::POST,
        path: format!("{}/responses", prefix(settings, context.rules)),
        headers: http::HeaderMap::new(),
        body: Bytes::from(body),
    };
    Ok(AskedResponses {
        call,
        streams,
        losses: std::mem::take(&mut context.losses),
        reply,
    })
}

// === impl Context ===

impl Context<'_> {
    /// Names a loss, once.
    fn lose(&mut self, kind: LossKind, field: impl Into<String>) {
        let loss = Loss::new(kind, field);
        if self.named.insert(loss.clone()) {
            self.losses.push(loss);
        }
    }

    /// Whether the target keeps what it answers.
    fn keeps_state(&self) -> bool {
        keeps_state(self.settings)
    }
}
