//! Streams as data: events in, chunks out.

use crossfade_openai::assemble::assemble;

use super::*;

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
    let (bytes, result, found_losses) = run(reply, events.clone());
    assert_eq!(result, Ok(()));
    assert_eq!(json!(short(&bytes)), expected);
    assert_eq!(found_losses, losses);
    agrees_with_the_whole(reply, events, &bytes);
}

/// The chunks put together are the completion that the same events give as a whole.
pub(super) fn agrees_with_the_whole(reply: &Reply, events: Vec<Event>, bytes: &[u8]) {
    let whole = Reply {
        delivery: Delivery::Whole,
        ..reply.clone()
    };
    let (body, result, _) = run(&whole, events);
    assert_eq!(result, Ok(()));
    let whole = chat::Completion::from_slice(&body).unwrap();
    let streamed = assemble(bytes).unwrap();
    assert_eq!(shown(&streamed), shown(&whole));
}

fn shown(completion: &chat::Completion) -> Value {
    let message = completion.message().cloned().unwrap_or_default();
    let calls: Vec<Value> = message
        .tool_calls()
        .iter()
        .map(|call| json!([call.id, call.function, call.custom]))
        .collect();
    let finish = &completion.choices[0].finish_reason;
    json!([
        message.content.unwrap_or_default(),
        calls,
        message.function_call,
        finish
    ])
}

#[test]
fn the_worked_example_to_the_byte() {
    let mut stamp = stamp();
    stamp.annotations = Annotations::NotRun;
    let reply = streamed();
    let mut writer = writer(&reply, stamp);
    let head = r#""created":7,"id":"chatcmpl-1","model":"gpt-x-2026","object":"chat.completion.chunk","system_fingerprint":"fp_1""#;
    let cf =
        r#"{"error":{"code":"content_filter_error","message":"The contents are not filtered"}}"#;
    let begun = writer.push(Frame::Converse(Event::MessageStart));
    assert_eq!(begun, Ok(Progress::Waiting));
    assert_eq!(writer.take(), None, "nothing before the first content");
    let mut out = Vec::new();
    let mut events = vec![text(0, "Yes"), close(0)];
    events.extend(end("end_turn"));
    for event in events {
        writer.push(Frame::Converse(event)).unwrap();
        out.extend(writer.take().unwrap_or_default());
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
        &[LossKind::ReasoningHidden],
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
        &plain_stream(),
        vec![start(0, "f"), input(0, "{}"), close(0)],
        "end_turn",
        json!(["role", [0, "f"], [0, {"args": "{}"}], "finish:tool_calls", "done"]),
        &[],
    );
    check(
        &plain_stream(),
        vec![],
        "end_turn",
        json!(["role", "finish:stop", "done"]),
        &[],
    );
    check(
        &plain_stream(),
        vec![text(0, "a")],
        "max_tokens",
        json!(["role", {"text": "a"}, "finish:length", "done"]),
        &[],
    );
}

#[test]
fn what_has_no_place_is_dropped_with_a_word() {
    use LossKind::{BlockDropped, StopReasonUnknown, ToolCallsTrimmed};
    let plain = plain_stream();
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
        ..plain_stream()
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
        ..plain_stream()
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
        &[LossKind::JsonUnwrapped],
    );
}

#[test]
fn fences_do_not_stream() {
    let reply = Reply {
        unfence: true,
        ..plain_stream()
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
        &[LossKind::JsonUnwrapped],
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
        let (bytes, result, _) = run(&plain_stream(), events);
        assert_eq!(result, Err(AnswerError::Unfinished));
        assert!(!short(&bytes).contains(&json!("done")));
    }
    // The message ended, and only the tokens are missing.
    let stopped = vec![text(0, "a"), stop("end_turn")];
    let (bytes, result, _) = run(&streamed(), stopped);
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
            &plain_stream(),
            [vec![Event::MessageStart], end(reason)].concat(),
        );
        assert_eq!((result, bytes.len()), (Err(expected), 0), "{reason}");
    }
}
