//! What an answer of the primary's says it used, for the money that was set aside for it. Not what the comparison counts: that reads
//! the whole answer.

use serde::Deserialize;

use crossfade_exchange::{Recording, Usage};
use crossfade_openai::sse::Decoder;

/// The part of an answer, or of an event, that says it: chat completions' names and those of the Responses API.
#[derive(Deserialize)]
struct Says {
    usage: Option<Said>,
    response: Option<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    usage: Option<Said>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(alias = "prompt_tokens")]
    input_tokens: u64,
    #[serde(alias = "completion_tokens")]
    output_tokens: u64,
    #[serde(alias = "prompt_tokens_details")]
    input_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    cached_tokens: Option<u64>,
}

/// The tokens of an answer; `None` where it does not say, or is compressed.
pub(crate) fn used(recording: &Recording) -> Option<Usage> {
    if recording.content_encoding.is_some() {
        return None;
    }
    let is_events = recording
        .content_type
        .as_deref()
        .is_some_and(|kind| kind.starts_with("text/event-stream"));
    let said = if is_events {
        let events = Decoder::new().feed(&recording.body);
        // Near its end, in the last chunk or in the event that ends a response.
        events
            .iter()
            .rev()
            .find_map(|event| said(event.data.as_bytes()))
    } else {
        said(&recording.body)
    }?;
    let cached = said.input_tokens_details.and_then(|d| d.cached_tokens);
    let cached = cached.unwrap_or_default().min(said.input_tokens);
    Some(Usage {
        input: said.input_tokens - cached,
        cached,
        output: said.output_tokens,
        ..Usage::default()
    })
}

fn said(json: &[u8]) -> Option<Said> {
    let says: Says = serde_json::from_slice(json).ok()?;
    says.usage.or_else(|| says.response?.usage)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use crossfade_exchange::{Ending, Role, Side, Timings};

    use super::*;

    fn check(kind: &str, body: &'static str, want: Option<(u64, u64, u64)>) {
        let recording = Recording {
            side: Side::Primary,
            role: Role::Repeat,
            ending: Ending::Complete,
            status: Some(200),
            content_type: Some(kind.to_owned()),
            content_encoding: None,
            body: Bytes::from_static(body.as_bytes()),
            truncated: false,
            timings: Timings::default(),
            failover: None,
            losses: Vec::new(),
            usage: None,
        };
        let got = used(&recording).map(|usage| (usage.input, usage.cached, usage.output));
        assert_eq!(got, want, "{body}");
        let opaque = Recording {
            content_encoding: Some("gzip".to_owned()),
            ..recording
        };
        assert_eq!(used(&opaque), None, "{body}");
    }

    #[test]
    fn what_each_form_of_answer_says() {
        let (json, events) = ("application/json", "text/event-stream; charset=utf-8");
        check(
            json,
            r#"{"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}"#,
            Some((7, 0, 5)),
        );
        check(
            json,
            r#"{"usage":{"prompt_tokens":7,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4}}}"#,
            Some((3, 4, 5)),
        );
        check(
            json,
            r#"{"usage":{"input_tokens":7,"output_tokens":5,"input_tokens_details":{"cached_tokens":9}}}"#,
            Some((0, 7, 5)),
        );
        check(
            events,
            "data: {\"usage\":null}\n\ndata: {\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5}}\n\ndata: [DONE]\n\n",
            Some((7, 0, 5)),
        );
        check(
            events,
            "event: response.completed\ndata: {\"response\":{\"usage\":{\"input_tokens\":7,\"output_tokens\":5}}}\n\n",
            Some((7, 0, 5)),
        );
        check(json, r#"{"usage":null}"#, None);
        check(json, "", None);
        check(events, "data: [DONE]\n\n", None);
    }
}
