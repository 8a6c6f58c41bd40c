//! What Azure shows of itself, learned from its answers, so that the candidate's can show the same.

use serde::Deserialize;

use crossfade_exchange::{Face, Operation, Recording};
use crossfade_openai::sse::Decoder;

use crate::route::RouteState;

#[derive(Deserialize)]
struct Shown {
    model: Option<String>,
    system_fingerprint: Option<String>,
}

/// Whether the primary's answers show the base model. A response of the Responses API repeats the name that the caller used.
pub(crate) const fn shows(operation: Operation) -> bool {
    match operation {
        Operation::Chat | Operation::Embeddings => true,
        Operation::Responses => false,
    }
}

/// Learns from an answer of the primary, if nothing is known yet and it was captured in the clear.
pub(crate) fn learn(state: &RouteState, deployment: &str, recording: &Recording) {
    let is_2xx = recording.status.is_some_and(|s| (200..300).contains(&s));
    if !is_2xx || recording.content_encoding.is_some() || !state.is_faceless(deployment) {
        return;
    }
    let is_events = recording
        .content_type
        .as_deref()
        .is_some_and(|t| t.starts_with("text/event-stream"));
    let shown = if is_events {
        from_events(&recording.body)
    } else {
        from_json(&recording.body)
    };
    if let Some(shown) = shown {
        let face = Face {
            model: shown.model,
            fingerprint: shown.system_fingerprint,
            region: None,
        };
        state.learn_face(deployment, face);
    }
}

fn from_json(body: &[u8]) -> Option<Shown> {
    serde_json::from_slice::<Shown>(body)
        .ok()
        .filter(names_a_model)
}

/// The first chunk that names a model; Azure's first, the prompt filter's, does not.
fn from_events(body: &[u8]) -> Option<Shown> {
    let events = Decoder::new().feed(body);
    events
        .into_iter()
        .find_map(|event| from_json(event.data.as_bytes()))
}

fn names_a_model(shown: &Shown) -> bool {
    shown.model.as_deref().is_some_and(|m| !m.is_empty())
}
