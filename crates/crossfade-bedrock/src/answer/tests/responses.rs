//! Answers as responses of the Responses API.

use crossfade_openai::responses::{Echo, Request};

use super::*;
use crate::responses::{Opened, SealedReasoning, Sealer};

pub(super) fn wanted(streamed: bool, change: impl FnOnce(&mut Wanted)) -> Wanted {
    let request = Request::from_slice(br#"{"input":"hi","store":false}"#).unwrap();
    let mut wanted = Wanted {
        echo: Echo::of(&request, "chat-prod"),
        streamed,
        summary: false,
        encrypted: false,
        obfuscated: false,
        sealer: Some(Sealer::new(&[7; 32])),
        model: "test.model".to_owned(),
    };
    change(&mut wanted);
    wanted
}

pub(super) fn run_wanted(
    wanted: Wanted,
    stamp: &Stamp,
    events: Vec<Event>,
) -> (String, Result<(), AnswerError>) {
    let reply = if wanted.streamed {
        plain_stream()
    } else {
        Reply::default()
    };
    let shape = Shape::new(reply, stamp.seed, stamp.guarded, Misconduct::default());
    let face = ResponsesFace::new(wanted, stamp, 1 << 20);
    let mut writer = Translated::new(ConverseReader::new(shape), face, None);
    let mut out = Vec::new();
    let mut result = Ok(());
    let mut complete = false;
    for event in events {
        match writer.push(Frame::Converse(event)) {
            Ok(progress) => complete = progress == Progress::Complete,
            Err(error) => result = Err(error),
        }
        out.extend(writer.take().unwrap_or_default());
    }
    if result.is_ok() && !complete {
        result = writer.finish();
        out.extend(writer.take().unwrap_or_default());
    }
    if let Err(error) = &result
        && !out.is_empty()
    {
        let problem = Fault::from(FaultKind::from(error.clone())).problem();
        out.extend(writer.fail(&problem.error));
    }
    (String::from_utf8(out).unwrap(), result)
}

/// Each event's name, and what it adds: the delta, or the kind of item.
pub(super) fn short_events(stream: &str) -> Vec<Value> {
    let (events, _) = sse::decode(stream.as_bytes());
    let numbers: Vec<Value> = events
        .iter()
        .map(|event| serde_json::from_str::<Value>(&event.data).unwrap()["sequence_number"].take())
        .collect();
    let counted: Vec<Value> = (0..events.len()).map(Value::from).collect();
    assert_eq!(numbers, counted);
    events
        .iter()
        .map(|event| {
            let data: Value = serde_json::from_str(&event.data).unwrap();
            let name = data["type"].as_str().unwrap();
            assert_eq!(event.event.as_deref(), Some(name));
            let name = name.trim_start_matches("response.");
            match (data["delta"].as_str(), data["item"]["type"].as_str()) {
                (Some(delta), _) => json!([name, delta]),
                (None, Some(kind)) => json!([name, kind]),
                (None, None) => json!(name),
            }
        })
        .collect()
}

fn thought(index: i32, delta: ReasoningDelta) -> Event {
    let delta = Delta::Reasoning(delta);
    Event::BlockDelta { index, delta }
}

fn signed_thinking() -> Vec<Event> {
    vec![
        thought(0, ReasoningDelta::Text("hm ".to_owned())),
        thought(0, ReasoningDelta::Text("so".to_owned())),
        thought(0, ReasoningDelta::Signature("sig".to_owned())),
        close(0),
    ]
}

fn thinking_then_tool() -> Vec<Event> {
    let call = vec![start(1, "f"), input(1, "{\"a\":"), input(1, "1}"), close(1)];
    [
        vec![Event::MessageStart],
        signed_thinking(),
        call,
        end("tool_use"),
    ]
    .concat()
}

/// The order that Azure was captured with for a turn that reasons and calls a tool.
#[test]
fn a_tool_turn_has_the_captured_order() {
    let (stream, result) = run_wanted(wanted(true, |_| ()), &stamp(), thinking_then_tool());
    assert_eq!(result, Ok(()));
    let expected = json!([
        "created",
        "in_progress",
        ["output_item.added", "reasoning"],
        ["output_item.done", "reasoning"],
        ["output_item.added", "function_call"],
        ["function_call_arguments.delta", "{\"a\":"],
        ["function_call_arguments.delta", "1}"],
        "function_call_arguments.done",
        ["output_item.done", "function_call"],
        "completed"
    ]);
    assert_eq!(json!(short_events(&stream)), expected);
    assert!(!stream.contains("[DONE]") && !stream.contains("hm "));
}

#[test]
fn text_has_its_parts_and_nothing_goes_before_it() {
    let face = ResponsesFace::new(wanted(true, |_| ()), &stamp(), 1 << 20);
    let shape = Shape::new(plain_stream(), [0; 32], false, Misconduct::default());
    let mut writer = Translated::new(ConverseReader::new(shape), face, None);
    for event in [Event::MessageStart, reasoning(0), close(0)] {
        assert_eq!(writer.push(Frame::Converse(event)), Ok(Progress::Waiting));
        assert_eq!(writer.take(), None);
    }
    writer.push(Frame::Converse(text(1, "Hi"))).unwrap();
    assert!(writer.take().is_some());
    let events = [
        vec![text(0, "a"), text(0, "b"), close(0)],
        end("max_tokens"),
    ]
    .concat();
    let (stream, _) = run_wanted(wanted(true, |_| ()), &stamp(), events);
    let expected = json!([
        "created",
        "in_progress",
        ["output_item.added", "message"],
        "content_part.added",
        ["output_text.delta", "a"],
        ["output_text.delta", "b"],
        "output_text.done",
        "content_part.done",
        ["output_item.done", "message"],
        "incomplete"
    ]);
    assert_eq!(json!(short_events(&stream)), expected);
}

/// The last event's response.
fn last_response(stream: &str) -> Value {
    let (events, _) = sse::decode(stream.as_bytes());
    let data: Value = serde_json::from_str(&events.last().unwrap().data).unwrap();
    data["response"].clone()
}

#[test]
fn ends_have_a_status_each() {
    let check = |reason: &str, status: &str, details: Value| {
        for streamed in [true, false] {
            let events = [vec![text(0, "a"), close(0)], end(reason)].concat();
            let (out, result) = run_wanted(wanted(streamed, |_| ()), &stamp(), events);
            assert_eq!(result, Ok(()));
            let response = if streamed {
                last_response(&out)
            } else {
                serde_json::from_str(&out).unwrap()
            };
            assert_eq!(response["status"], status, "{reason}");
            assert_eq!(response["incomplete_details"], details, "{reason}");
            assert_eq!(response["model"], "chat-prod");
            assert_eq!(response["usage"]["input_tokens"], 62);
            assert_eq!(response["output"][0]["content"][0]["text"], "a");
        }
    };
    check("end_turn", "completed", Value::Null);
    check(
        "max_tokens",
        "incomplete",
        json!({"reason": "max_output_tokens"}),
    );
    check(
        "content_filtered",
        "incomplete",
        json!({"reason": "content_filter"}),
    );
}

#[test]
fn reasoning_is_shown_and_sealed_only_if_asked() {
    let sealer = Sealer::new(&[7; 32]);
    let check = |summary: bool, encrypted: bool| {
        let wanted = wanted(false, |wanted| {
            wanted.summary = summary;
            wanted.encrypted = encrypted;
        });
        let (body, result) = run_wanted(wanted, &stamp(), thinking_then_tool());
        assert_eq!(result, Ok(()));
        let response: Value = serde_json::from_str(&body).unwrap();
        let item = &response["output"][0];
        assert_eq!(item["type"], "reasoning");
        let shown = if summary {
            json!([{"type": "summary_text", "text": "hm so"}])
        } else {
            json!([])
        };
        assert_eq!(item["summary"], shown);
        let opened = item["encrypted_content"]
            .as_str()
            .map(|sealed| sealer.open_reasoning(sealed).unwrap());
        let blocks = vec![json!({"reasoningText": {"text": "hm so", "signature": "sig"}})];
        let model = "test.model".to_owned();
        let expected = encrypted.then(|| SealedReasoning::Blocks { model, blocks });
        assert_eq!(opened, expected);
        assert_eq!(response["output"][1]["type"], "function_call");
    };
    for summary in [false, true] {
        for encrypted in [false, true] {
            check(summary, encrypted);
        }
    }
}

#[test]
fn ids_bear_the_mark_and_are_unlike() {
    let sealer = Sealer::new(&[7; 32]);
    let (body, _) = run_wanted(wanted(false, |_| ()), &stamp(), thinking_then_tool());
    let response: Value = serde_json::from_str(&body).unwrap();
    let ids = ["/id", "/output/0/id", "/output/1/id"].map(|at| response.pointer(at).unwrap());
    for (id, prefix) in ids.iter().zip(["resp_", "rs_", "fc_"]) {
        let id = id.as_str().unwrap();
        assert_eq!(
            (id.len(), id.starts_with(prefix)),
            (prefix.len() + 50, true)
        );
        assert_eq!(sealer.open_id(id), Some(Opened::Unstored));
    }
    let unmarked = wanted(false, |wanted| wanted.sealer = None);
    let (body, _) = run_wanted(unmarked, &stamp(), thinking_then_tool());
    let response: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(response["id"].as_str().unwrap().len(), 55);
}

#[test]
fn a_stream_that_breaks_ends_in_an_error_event_bug_29() {
    let (stream, result) = run_wanted(wanted(true, |_| ()), &stamp(), vec![text(0, "a")]);
    assert_eq!(result, Err(AnswerError::Unfinished));
    let events = short_events(&stream);
    assert_eq!(events.last(), Some(&json!("error")));
    let (decoded, _) = sse::decode(stream.as_bytes());
    let data: Value = serde_json::from_str(&decoded.last().unwrap().data).unwrap();
    assert_eq!(data["error"]["type"], "server_error");
    assert!(
        data["message"]
            .as_str()
            .unwrap()
            .starts_with("The server had an error")
    );
}

#[test]
fn a_blocked_answer_says_nothing_of_the_filter_s_own_words() {
    let blocked = json!({"outputAssessments": {"g": [{"contentPolicy": {"filters": [
        {"type": "HATE", "confidence": "HIGH", "action": "BLOCKED"}]}}]}});
    let trace = crate::converse::Trace {
        guardrail: Some(blocked),
    };
    let metadata = Event::Metadata {
        usage: None,
        guardrail: trace.guarded(),
    };
    let events = vec![
        text(0, "Sorry."),
        close(0),
        stop("guardrail_intervened"),
        metadata,
    ];
    let stamp = Stamp {
        annotations: Annotations::NotRun,
        guarded: true,
        ..stamp()
    };
    let (body, result) = run_wanted(wanted(false, |_| ()), &stamp, events);
    assert_eq!(result, Ok(()));
    let response: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(response["status"], "incomplete");
    assert_eq!(response["output"], json!([]));
    let filters = &response["content_filters"];
    assert_eq!(filters[0]["content_filter_results"], json!({}));
    assert_eq!(
        filters[1]["content_filter_results"]["hate"]["severity"],
        "high"
    );
    assert_eq!(
        (&filters[0]["blocked"], &filters[1]["blocked"]),
        (&json!(false), &json!(true))
    );
}

#[test]
fn custom_tools_have_their_own_items() {
    let reply = Reply {
        custom: ["sql".to_owned()].into(),
        ..Reply::default()
    };
    let shape = Shape::new(reply, [0; 32], false, Misconduct::default());
    let face = ResponsesFace::new(wanted(false, |_| ()), &stamp(), 1 << 20);
    let mut writer = Translated::new(ConverseReader::new(shape), face, None);
    let call = vec![
        start(0, "sql"),
        input(0, "{\"input\":\"SELECT 1\"}"),
        close(0),
    ];
    for event in [call, end("tool_use")].concat() {
        writer.push(Frame::Converse(event)).unwrap();
    }
    let response: Value = serde_json::from_slice(&writer.take().unwrap()).unwrap();
    let item = &response["output"][0];
    assert_eq!(
        (&item["type"], &item["input"]),
        (&json!("custom_tool_call"), &json!("SELECT 1"))
    );
    assert!(item["call_id"].as_str().unwrap().starts_with("call_"));
}

/// A whole response and the same as a stream end in one and the same response, but for times.
#[test]
fn a_stream_s_last_event_is_the_whole() {
    let call = || {
        vec![
            start(1, "f"),
            input(1, "{}"),
            close(1),
            start(2, "g"),
            close(2),
        ]
    };
    for (said, reason) in [
        (vec![text(0, "a"), text(0, "b"), close(0)], "end_turn"),
        (signed_thinking(), "end_turn"),
        (
            [signed_thinking(), vec![text(1, "a")], call()].concat(),
            "tool_use",
        ),
        ([call(), vec![text(3, "a")]].concat(), "max_tokens"),
        (vec![], "content_filtered"),
    ] {
        let events = [said, end(reason)].concat();
        let asked = |streamed| {
            wanted(streamed, |wanted| {
                wanted.summary = true;
                wanted.encrypted = true;
            })
        };
        let (stream, _) = run_wanted(asked(true), &stamp(), events.clone());
        let (body, _) = run_wanted(asked(false), &stamp(), events);
        let whole: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(last_response(&stream), whole, "{reason}");
    }
}
