//! Any request is translated to one that the service and the model accept, or refused by the name of a field.

use arbitrary::Unstructured;
use crossfade_bedrock::{Api, CandidateSettings, rehearse::Rehearsal};
use crossfade_exchange::{IneligibleReason, Operation};
use serde_json::Value;

use crate::{MODELS, make};

/// Translates the request that the bytes are, or that is made of them.
pub fn requests(input: &[u8]) {
    let mut bytes = Unstructured::new(input);
    let Ok((operation, settings, body)) = prepared(&mut bytes) else {
        return;
    };
    let Ok(rehearsal) = Rehearsal::new(operation, &body, &settings).map_err(|unsupported| {
        let named =
            !unsupported.field.is_empty() || unsupported.reason == IneligibleReason::Operation;
        assert!(named, "refused without naming a field: {unsupported:?}");
    }) else {
        return;
    };
    for asked in rehearsal.asked() {
        let Ok(asked) = serde_json::from_slice::<Value>(asked) else {
            panic!("what is sent is no JSON");
        };
        if settings.api == Api::Converse {
            let refused = crossfade_sim::bedrock::refusal(&settings.model, &asked);
            assert!(
                refused.is_none(),
                "{}: {refused:?}: {asked}",
                settings.model
            );
        }
    }
}

/// What is asked, of which model, and the body.
fn prepared(
    bytes: &mut Unstructured<'_>,
) -> arbitrary::Result<(Operation, CandidateSettings, Vec<u8>)> {
    let mut settings = CandidateSettings::new(make::pick(bytes, MODELS)?);
    let operation = match bytes.int_in_range(0..=7)? {
        0 => Operation::Embeddings,
        1 | 2 => Operation::Responses,
        _ => Operation::Chat,
    };
    if bytes.ratio(1, 5)? {
        settings.api = *bytes.choose(&[Api::OpenaiChat, Api::OpenaiResponses, Api::Invoke])?;
    }
    let rest = bytes.peek_bytes(bytes.len()).unwrap_or_default();
    if serde_json::from_slice::<Value>(rest).is_ok() {
        return Ok((operation, settings, rest.to_vec()));
    }
    let body = match operation {
        Operation::Chat => make::chat(bytes)?,
        Operation::Responses => make::responses(bytes)?,
        Operation::Embeddings => make::embeddings(bytes)?,
    };
    Ok((operation, settings, body.to_string().into_bytes()))
}
