//! Any sequence of the service's events becomes an answer or an error: never an end mark without an end, and the same
//! words, calls and end however the pieces are cut.

use arbitrary::{Result, Unstructured};
use crossfade_bedrock::{
    Api, CandidateSettings,
    converse::{Delta, Event, Start, TokenUsage},
    rehearse::Rehearsal,
};
use crossfade_exchange::Operation;
use crossfade_openai::sse;
use serde_json::{Value, json};

use crate::{MODELS, make};

/// Plays an answer that is made of the bytes, whole and cut.
pub fn answers(input: &[u8]) {
    let mut bytes = Unstructured::new(input);
    if play(&mut bytes).is_err() {
        // Too few bytes for an answer.
    }
}

fn play(bytes: &mut Unstructured<'_>) -> Result<()> {
    let stream = bytes.arbitrary()?;
    if bytes.ratio(1, 3)? {
        return compatible(bytes, stream);
    }
    let model = make::pick(bytes, MODELS)?;
    let settings = CandidateSettings::new(model);
    let body = request(stream);
    let count = bytes.int_in_range(0..=12)?;
    let events: Result<Vec<Event>> = (0..count).map(|_| event(bytes)).collect();
    let events = events?;
    let cuts: Vec<u8> = bytes.arbitrary()?;
    let cut = cut(&events, &cuts);
    let (whole, pieces) = (
        converse(&body, &settings, events),
        converse(&body, &settings, cut),
    );
    same(stream, &whole, &pieces);
    Ok(())
}

/// Chunks of an OpenAI-compatible endpoint: the bytes may be cut anywhere.
fn compatible(bytes: &mut Unstructured<'_>, stream: bool) -> Result<()> {
    let mut settings = CandidateSettings::new("openai.gpt-oss-120b-1:0");
    settings.api = Api::OpenaiChat;
    let body = request(stream);
    let mut wire = Vec::new();
    for _ in 0..bytes.int_in_range(0..=10)? {
        let data = chunk(bytes)?;
        wire.extend_from_slice(&sse::encode_data(&data));
    }
    let size = bytes.int_in_range(1..=40)?;
    let read = |size: usize| {
        let mut decoder = sse::Decoder::new();
        let pieces = wire.chunks(size);
        let events: Vec<sse::Event> = pieces.flat_map(|piece| decoder.feed(piece)).collect();
        let Ok(mut rehearsal) = Rehearsal::new(Operation::Chat, body.as_bytes(), &settings) else {
            panic!("a plain request is refused");
        };
        let mut output = Output::default();
        for event in events {
            let done = rehearsal.sse(event);
            if output.take(&mut rehearsal, done) {
                return output;
            }
        }
        let finished = rehearsal.finish().map(|()| true);
        output.take(&mut rehearsal, finished);
        output
    };
    same(stream, &read(usize::MAX), &read(size));
    Ok(())
}

/// What came out.
#[derive(Debug, Default)]
struct Output {
    bytes: Vec<u8>,
    complete: bool,
    failed: Option<String>,
}

// === impl Output ===

impl Output {
    /// Takes what there is; whether it is over.
    fn take<E: std::fmt::Display>(
        &mut self,
        rehearsal: &mut Rehearsal,
        done: std::result::Result<bool, E>,
    ) -> bool {
        while let Some(bytes) = rehearsal.take() {
            self.bytes.extend_from_slice(&bytes);
        }
        match done {
            Ok(done) => self.complete = done,
            Err(error) => self.failed = Some(error.to_string()),
        }
        self.complete || self.failed.is_some()
    }

    /// What the caller reads: text, calls and the reason for the end.
    fn said(&self, stream: bool) -> Value {
        let text = String::from_utf8_lossy(&self.bytes);
        if !stream {
            let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
            return json!([
                body["choices"][0]["message"],
                body["choices"][0]["finish_reason"]
            ]);
        }
        let (mut content, mut calls, mut finish) = (String::new(), Vec::new(), Value::Null);
        for data in text.lines().filter_map(|line| line.strip_prefix("data: ")) {
            let Ok(chunk) = serde_json::from_str::<Value>(data) else {
                assert_eq!(data, sse::DONE, "a chunk is no JSON");
                continue;
            };
            let choice = &chunk["choices"][0];
            content.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
            for call in choice["delta"]["tool_calls"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let Ok(index) = usize::try_from(call["index"].as_u64().unwrap_or_default()) else {
                    panic!("an index out of all bounds");
                };
                if call["id"].is_string() {
                    assert_eq!(index, calls.len(), "calls are numbered in order");
                    calls.push((call["function"]["name"].clone(), String::new()));
                }
                let Some((_, arguments)) = calls.get_mut(index) else {
                    panic!("arguments before their call");
                };
                arguments.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
            }
            if !choice["finish_reason"].is_null() {
                finish = choice["finish_reason"].clone();
            }
        }
        json!([content, calls, finish])
    }
}

fn same(stream: bool, whole: &Output, pieces: &Output) {
    assert_eq!(
        whole.complete, pieces.complete,
        "complete only in one of two cuts"
    );
    assert_eq!(
        whole.failed, pieces.failed,
        "failed otherwise in other cuts"
    );
    assert_eq!(
        whole.said(stream),
        pieces.said(stream),
        "said otherwise in other cuts"
    );
    let ends = whole.bytes.ends_with(b"data: [DONE]\n\n");
    assert!(!ends || whole.complete, "an end mark without an end");
    if stream && whole.complete {
        assert!(ends, "a complete stream without its end mark");
        let finish = whole.said(stream)[2].clone();
        let known = ["stop", "length", "tool_calls", "content_filter"];
        let known = known.iter().any(|word| finish == *word);
        assert!(known, "an end by no known word: {finish}");
    }
}

fn converse(body: &str, settings: &CandidateSettings, events: Vec<Event>) -> Output {
    let Ok(mut rehearsal) = Rehearsal::new(Operation::Chat, body.as_bytes(), settings) else {
        panic!("a plain request is refused");
    };
    let mut output = Output::default();
    for event in events {
        let done = rehearsal.event(event);
        if output.take(&mut rehearsal, done) {
            return output;
        }
    }
    let finished = rehearsal.finish().map(|()| true);
    output.take(&mut rehearsal, finished);
    output
}

fn request(stream: bool) -> String {
    let tool = json!({"type": "function", "function": {"name": "get.weather"}});
    json!({"messages": [{"role": "user", "content": "hi"}], "tools": [tool], "stream": stream})
        .to_string()
}

/// The same events with every text and every piece of arguments cut in two.
fn cut(events: &[Event], cuts: &[u8]) -> Vec<Event> {
    let mut cuts = cuts.iter().copied().chain(std::iter::repeat(1));
    let mut pieces = Vec::new();
    for event in events {
        let (Event::BlockDelta { index, delta }, Some(at)) = (event, cuts.next()) else {
            pieces.push(event.clone());
            continue;
        };
        let split = |text: &str| {
            let at = (0..=usize::from(at).min(text.len()))
                .rev()
                .find(|at| text.is_char_boundary(*at));
            let (first, second) = text.split_at(at.unwrap_or(0));
            [first.to_owned(), second.to_owned()]
        };
        let halves = match delta {
            Delta::Text(text) => split(text).map(Delta::Text),
            Delta::ToolInput(text) => split(text).map(Delta::ToolInput),
            _ => {
                pieces.push(event.clone());
                continue;
            }
        };
        pieces.extend(halves.map(|delta| Event::BlockDelta {
            index: *index,
            delta,
        }));
    }
    pieces
}

fn event(bytes: &mut Unstructured<'_>) -> Result<Event> {
    let index = bytes.int_in_range(0..=3)?;
    Ok(match bytes.int_in_range(0..=11)? {
        0 => Event::MessageStart,
        1 | 2 => Event::BlockStart {
            index,
            start: Start::ToolUse {
                name: make::pick(bytes, &["get_weather", "get.weather", "unknown"])?.to_owned(),
                server: bytes.ratio(1, 8)?,
            },
        },
        3..=5 => Event::BlockDelta {
            index,
            delta: Delta::Text(make::text(bytes)?),
        },
        6 | 7 => Event::BlockDelta {
            index,
            delta: Delta::ToolInput(make::text(bytes)?),
        },
        8 => Event::BlockStop { index },
        9 => Event::MessageStop {
            stop_reason: make::pick(bytes, STOPS)?.to_owned(),
            reasoning_tokens: None,
        },
        10 => Event::Metadata {
            usage: Some(TokenUsage::default()),
            guardrail: None,
        },
        _ => Event::Other,
    })
}

const STOPS: &[&str] = &[
    "end_turn",
    "tool_use",
    "max_tokens",
    "stop_sequence",
    "guardrail_intervened",
    "content_filtered",
    "malformed_tool_use",
    "model_context_window_exceeded",
    "something_new",
];

/// One chunk of a compatible endpoint.
fn chunk(bytes: &mut Unstructured<'_>) -> Result<String> {
    let delta = match bytes.int_in_range(0..=5)? {
        0 => return Ok(sse::DONE.to_owned()),
        1 => return Ok(json!({"error": {"message": make::text(bytes)?}}).to_string()),
        2 => json!({"tool_calls": [{
            "index": bytes.int_in_range(0..=3)?, "id": "call_0", "type": "function",
            "function": {"name": "get_weather", "arguments": make::text(bytes)?},
        }]}),
        3 => {
            json!({"content": make::pick(bytes, &["<reasoning>", "</reasoning>", "<reas", "oning>a"])?})
        }
        _ => json!({"role": "assistant", "content": make::text(bytes)?}),
    };
    let finish = if bytes.ratio(1, 5)? {
        json!(make::pick(
            bytes,
            &["stop", "length", "tool_calls", "content_filter", "new"]
        )?)
    } else {
        Value::Null
    };
    Ok(
        json!({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
            .to_string(),
    )
}
