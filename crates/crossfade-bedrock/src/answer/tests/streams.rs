//! Streams as data: events in, chunks out.

use crossfade_exchange::LossKind;
use crossfade_openai::sse;
use serde_json::{Value, json};

use super::{
    super::{AnswerError, Collector, Delivery, Reply, Streamer, answer},
    answers::stamp,
};
use crate::{
    converse::{Delta, Event, Guarded, Start, TokenUsage},
    settings::Annotations,
};

/// A stream that ends with its usage.
fn streamed() -> Reply {
    Reply {
        delivery: Delivery::Stream {
            include_usage: true,
        },
        ..Reply::default()
    }
}

fn text(index: i32, text: &str) -> Event {
    Event::BlockDelta {
        index,
        delta: Delta::Text(text.to_owned()),
    }
}

fn start(index: i32, name: &str) -> Event {
    Event::BlockStart {
        index,
        start: Start::ToolUse {
            name: name.to_owned(),
            server: false,
        },
    }
}

fn input(index: i32, json: &str) -> Event {
    Event::BlockDelta {
        index,
        delta: Delta::ToolInput(json.to_owned()),
    }
}

fn reasoning(index: i32) -> Event {
    Event::BlockDelta {
        index,
        delta: Delta::Reasoning,
    }
}

fn close(index: i32) -> Event {
    Event::BlockStop { index }
}

fn end(reason: &str) -> Vec<Event> {
    let usage = TokenUsage {
        input_tokens: 62,
        output_tokens: 1,
        ..TokenUsage::default()
    };
    vec![
        Event::MessageStop {
            stop_reason: reason.to_owned(),
        },
        Event::Metadata {
            usage: Some(usage),
            guardrail: None,
        },
    ]
}

fn run(reply: Reply, events: Vec<Event>) -> (Vec<u8>, Result<(), AnswerError>, Vec<LossKind>) {
    let mut streamer = Streamer::new(reply, stamp());
    let mut out = Vec::new();
    let mut result = Ok(());
    let mut complete = false;
    for event in events {
        match streamer.push(event) {
            Ok(done) => complete = done,
            Err(error) => result = Err(error),
        }
        out.extend(streamer.take().unwrap_or_default());
    }
    if result.is_ok() && !complete {
        result = streamer.finish();
        out.extend(streamer.take().unwrap_or_default());
    }
    let losses = streamer
        .facts()
        .losses
        .iter()
        .map(|loss| loss.kind)
        .collect();
    (out, result, losses)
}

/// What chunks say, in short: `role`, `"text"`, `[index, id?, name?, arguments]`, `finish:reason`, `usage`, `done`.
fn short(bytes: &[u8]) -> Vec<Value> {
    let (events, _) = sse::decode(bytes);
    let mut said = Vec::new();
    for event in events {
        if event.is_done() {
            said.push(json!("done"));
            continue;
        }
        let chunk: Value = serde_json::from_str(&event.data).unwrap();
        let Some(choice) = chunk["choices"].get(0) else {
            said.push(json!(if chunk["usage"].is_object() {
                "usage"
            } else {
                "filter"
            }));
            continue;
        };
        let delta = &choice["delta"];
        if delta.get("role").is_some() {
            said.push(json!("role"));
        }
        if let Some(text) = delta["content"].as_str().filter(|text| !text.is_empty()) {
            said.push(json!({ "text": text }));
        }
        if let Some(call) = delta["tool_calls"].get(0) {
            let function = &call["function"];
            said.push(match call.get("id") {
                Some(_) => json!([call["index"], function["name"]]),
                None => json!([call["index"], { "args": function["arguments"] }]),
            });
        }
        if let Some(finish) = choice["finish_reason"].as_str() {
            said.push(json!(format!("finish:{finish}")));
        }
    }
    said
}

#[track_caller]
fn check(
    reply: &Reply,
    mut events: Vec<Event>,
    reason: &str,
    expected: Value,
    losses: &[LossKind],
) {
    events.insert(0, Event::MessageStart);
    events.extend(end(reason));
    let (bytes, result, found_losses) = run(reply.clone(), events.clone());
    assert_eq!(result, Ok(()));
    assert_eq!(json!(short(&bytes)), expected);
    assert_eq!(found_losses, losses);
    agrees_with_the_whole(reply, events, &bytes);
}

/// The chunks put together are the completion that the same events give as a whole.
fn agrees_with_the_whole(reply: &Reply, events: Vec<Event>, bytes: &[u8]) {
    let mut collector = Collector::new(1 << 20);
    for event in events {
        collector.push(event).unwrap();
    }
    let whole = answer(collector.finish().unwrap(), reply, &stamp())
        .unwrap()
        .completion;
    let streamed = crossfade_openai::assemble::assemble(bytes).unwrap();
    let shown = |completion: &crossfade_openai::chat::Completion| {
        let message = completion.message().cloned().unwrap_or_default();
        let calls: Vec<_> = message
            .tool_calls()
            .iter()
            .map(|c| (c.id.clone(), c.function.clone()))
            .collect();
        (
            message.content.unwrap_or_default(),
            calls,
            completion.choices[0].finish_reason.clone(),
        )
    };
    assert_eq!(shown(&streamed), shown(&whole));
}

#[test]
fn the_worked_example_to_the_byte() {
    let mut stamp = stamp();
    stamp.annotations = Annotations::NotRun;
    let reply = streamed();
    let mut streamer = Streamer::new(reply, stamp);
    let head = r#""created":7,"id":"chatcmpl-1","model":"gpt-x-2026","object":"chat.completion.chunk","system_fingerprint":"fp_1""#;
    let cf =
        r#"{"error":{"code":"content_filter_error","message":"The contents are not filtered"}}"#;
    assert_eq!(streamer.push(Event::MessageStart), Ok(false));
    assert_eq!(streamer.take(), None, "nothing before the first content");
    let mut out = Vec::new();
    let mut events = vec![text(0, "Yes"), close(0)];
    events.extend(end("end_turn"));
    for event in events {
        let _complete = streamer.push(event).unwrap();
        out.extend(streamer.take().unwrap_or_default());
    }
    let choice = |cf: &str, delta: &str, finish: &str| {
        format!(
            "data: {{\"choices\":[{{\"content_filter_results\":{cf},\"delta\":{delta},\"finish_reason\":{finish},\
             \"index\":0,\"logprobs\":null}}],{head},\"usage\":null}}\n\n"
        )
    };
    let expected = [
        format!(
            "data: {{\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":\
             [{{\"prompt_index\":0,\"content_filter_results\":{cf}}}]}}\n\n"
        ),
        choice("{}", r#"{"content":"","refusal":null,"role":"assistant"}"#, "null"),
        choice(cf, r#"{"content":"Yes"}"#, "null"),
        choice("{}", "{}", "\"stop\""),
        format!(
            "data: {{\"choices\":[],{head},\"usage\":{{\"completion_tokens\":1,\"completion_tokens_details\":\
             {{\"accepted_prediction_tokens\":0,\"audio_tokens\":0,\"reasoning_tokens\":0,\
             \"rejected_prediction_tokens\":0}},\"prompt_tokens\":62,\"prompt_tokens_details\":\
             {{\"audio_tokens\":0,\"cached_tokens\":0}},\"total_tokens\":63}}}}\n\n"
        ),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat();
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn text_and_tools_edges_47_48_49() {
    let plain = streamed();
    check(
        &plain,
        vec![
            reasoning(0),
            close(0),
            text(1, "a"),
            text(1, ""),
            text(1, "b"),
            close(1),
        ],
        "end_turn",
        json!(["role", {"text": "a"}, {"text": "b"}, "finish:stop", "usage", "done"]),
        &[],
    );
    // Edge 48, bug 17: calls are counted by themselves.
    check(
        &plain,
        vec![
            text(0, "Let me."),
            close(0),
            start(1, "f"),
            input(1, ""),
            input(1, "{\"a\""),
            input(1, ":1}"),
            close(1),
            start(2, "g"),
            close(2),
        ],
        "tool_use",
        json!(["role", {"text": "Let me."}, [0, "f"], [0, {"args": "{\"a\""}], [0, {"args": ":1}"}],
               [1, "g"], [1, {"args": "{}"}], "finish:tool_calls", "usage", "done"]),
        &[],
    );
    // The first chunk carries a call if it comes first, bugs 16 and 21.
    check(
        &Reply::default(),
        vec![start(0, "f"), input(0, "{}"), close(0)],
        "end_turn",
        json!(["role", [0, "f"], [0, {"args": "{}"}], "finish:tool_calls", "done"]),
        &[],
    );
    check(
        &Reply::default(),
        vec![],
        "end_turn",
        json!(["role", "finish:stop", "done"]),
        &[],
    );
    check(
        &Reply::default(),
        vec![text(0, "a")],
        "max_tokens",
        json!(["role", {"text": "a"}, "finish:length", "done"]),
        &[],
    );
}

#[test]
fn what_has_no_place_is_dropped_with_a_word() {
    use LossKind::{BlockDropped, StopReasonUnknown, ToolCallsTrimmed};
    let plain = Reply::default();
    let server = Event::BlockStart {
        index: 0,
        start: Start::ToolUse {
            name: "s".to_owned(),
            server: true,
        },
    };
    let cited = Event::BlockDelta {
        index: 1,
        delta: Delta::Other("citations"),
    };
    check(
        &plain,
        vec![
            server,
            input(0, "{}"),
            close(0),
            text(1, "a"),
            cited,
            close(1),
        ],
        "end_turn",
        json!(["role", {"text": "a"}, "finish:stop", "done"]),
        &[BlockDropped, BlockDropped],
    );
    check(
        &plain,
        vec![text(0, "a")],
        "new_word",
        json!(["role", {"text": "a"}, "finish:stop", "done"]),
        &[StopReasonUnknown],
    );
    let one = Reply {
        one_call: true,
        ..Reply::default()
    };
    check(
        &one,
        vec![
            start(0, "f"),
            input(0, "{}"),
            close(0),
            start(1, "f"),
            input(1, "{}"),
            close(1),
        ],
        "tool_use",
        json!(["role", [0, "f"], [0, {"args": "{}"}], "finish:tool_calls", "done"]),
        &[ToolCallsTrimmed],
    );
}

#[test]
fn json_by_a_tool_streams_as_text_edge_30() {
    let reply = Reply {
        json_tool: Some("j".to_owned()),
        ..Reply::default()
    };
    let json_call = || vec![start(0, "j"), input(0, "{\"a\""), input(0, ":1}"), close(0)];
    let said = json!(["role", {"text": "{\"a\""}, {"text": ":1}"}, "finish:stop", "done"]);
    check(&reply, json_call(), "tool_use", said.clone(), &[]);
    let after_text = [vec![text(9, "Sure: ")], json_call()].concat();
    check(
        &reply,
        after_text,
        "tool_use",
        said,
        &[LossKind::BlockDropped],
    );
    let real = [
        vec![text(0, "Sure."), start(1, "f"), close(1)],
        vec![start(2, "j"), input(2, "{}"), close(2)],
    ]
    .concat();
    check(
        &reply,
        real,
        "tool_use",
        json!(["role", {"text": "Sure."}, [0, "f"], [0, {"args": "{}"}], "finish:tool_calls", "done"]),
        &[LossKind::BlockDropped],
    );
    check(
        &reply,
        vec![text(0, "```json\n{}\n```")],
        "end_turn",
        json!(["role", {"text": "{}"}, "finish:stop", "done"]),
        &[],
    );
}

#[test]
fn fences_do_not_stream() {
    let reply = Reply {
        unfence: true,
        ..Reply::default()
    };
    check(
        &reply,
        vec![
            text(0, "```"),
            text(0, "json\n{\"a\":"),
            text(0, "1}\n"),
            text(0, "```"),
        ],
        "end_turn",
        json!(["role", {"text": "{\"a\":"}, {"text": "1}"}, "finish:stop", "done"]),
        &[],
    );
    check(
        &reply,
        vec![text(0, "{}")],
        "end_turn",
        json!(["role", {"text": "{}"}, "finish:stop", "done"]),
        &[],
    );
}

#[test]
fn a_stream_without_its_end_is_no_answer_bugs_24_30() {
    for events in [
        vec![],
        vec![Event::MessageStart],
        vec![text(0, "a"), close(0)],
        vec![start(0, "f")],
    ] {
        let (bytes, result, _) = run(Reply::default(), events);
        assert_eq!(result, Err(AnswerError::Unfinished));
        assert!(!short(&bytes).contains(&json!("done")));
    }
    // The message ended, and only the tokens are missing.
    let stopped = vec![
        text(0, "a"),
        Event::MessageStop {
            stop_reason: "end_turn".to_owned(),
        },
    ];
    let (bytes, result, _) = run(streamed(), stopped);
    assert_eq!(result, Ok(()));
    assert_eq!(
        json!(short(&bytes)),
        json!(["role", {"text": "a"}, "finish:stop", "done"])
    );
}

#[test]
fn ends_that_are_errors_show_nothing_first() {
    for (reason, expected) in [
        ("malformed_tool_use", AnswerError::Malformed),
        ("model_context_window_exceeded", AnswerError::ContextFull),
        ("new_word", AnswerError::UnknownEnd),
    ] {
        let (bytes, result, _) = run(
            Reply::default(),
            [vec![Event::MessageStart], end(reason)].concat(),
        );
        assert_eq!((result, bytes.len()), (Err(expected), 0), "{reason}");
    }
}

#[test]
fn a_guardrail_s_word_comes_last() {
    let ends = |guarded: Guarded| {
        let stop = Event::MessageStop {
            stop_reason: "guardrail_intervened".to_owned(),
        };
        let events = vec![
            text(0, "a"),
            stop,
            Event::Metadata {
                usage: None,
                guardrail: Some(guarded),
            },
        ];
        let (bytes, result, _) = run(Reply::default(), events);
        assert_eq!(result, Ok(()));
        short(&bytes)
            .iter()
            .filter_map(Value::as_str)
            .find(|s| s.starts_with("finish"))
            .unwrap()
            .to_owned()
    };
    let guarded = |input_blocked, output_blocked| Guarded {
        input_blocked,
        output_blocked,
    };
    assert_eq!(ends(guarded(false, false)), "finish:stop");
    assert_eq!(ends(guarded(false, true)), "finish:content_filter");
    assert_eq!(ends(guarded(true, false)), "finish:content_filter");
}
