//! Answers of a candidate that keeps them, as the caller gets them.

use crossfade_openai::responses::Request;

use super::*;
use crate::responses::Opened;

fn sealer() -> Sealer {
    Sealer::new(&[5; 32])
}

fn passage(streamed: bool) -> Passage {
    let request = json!({"model": "dep", "input": "Hi", "metadata": {"mine": "1"}});
    let request = Request::from_slice(request.to_string().as_bytes()).unwrap();
    Passage::new(Carried {
        echo: Echo::of(&request, "gpt-x"),
        streamed,
        encrypted: true,
        sealer: sealer(),
        annotations: Annotations::NotRun,
    })
}

fn frame(data: &Value) -> Frame {
    Frame::Sse(sse::Event {
        event: None,
        data: data.to_string(),
    })
}

fn theirs(status: &str, output: &Value) -> Value {
    json!({"id": "resp_k7a", "object": "response", "created_at": 7, "completed_at": 9, "status": status, "model": "openai.big",
        "billing": {"payer": "developer"}, "output": output, "service_tier": "default", "store": true,
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}})
}

fn output() -> Value {
    json!([
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "theirs", "content": [{"type": "reasoning_text", "text": "secret"}]},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "acme": 1, "content": [{"type": "output_text", "text": "Hi", "annotations": []}]},
    ])
}

/// The events of a stream, each numbered by the provider from 5.
fn stream() -> Vec<Value> {
    let none = json!([]);
    vec![
        json!({"type": "response.created", "sequence_number": 5, "response": theirs("in_progress", &none)}),
        json!({"type": "response.output_item.added", "sequence_number": 6, "output_index": 0, "item": {"type": "reasoning", "id": "rs_1", "summary": []}}),
        json!({"type": "response.reasoning_text.delta", "sequence_number": 7, "output_index": 0, "item_id": "rs_1", "delta": "secret"}),
        json!({"type": "response.output_item.done", "sequence_number": 8, "output_index": 0, "item": output()[0]}),
        json!({"type": "response.output_text.delta", "sequence_number": 9, "output_index": 1, "content_index": 0, "item_id": "msg_1", "delta": "Hi", "acme": 1}),
        json!({"type": "response.completed", "sequence_number": 10, "response": theirs("completed", &output())}),
    ]
}

fn told(bytes: &[u8]) -> Vec<Value> {
    let (events, _) = sse::decode(bytes);
    let mut told = Vec::new();
    for event in events {
        let data: Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!(event.event.as_deref(), data["type"].as_str());
        told.push(data);
    }
    told
}

#[test]
fn nothing_of_the_provider_s_shows_in_a_stream() {
    let mut passage = passage(true);
    let mut bytes = Vec::new();
    let all = stream();
    for (at, event) in all.iter().enumerate() {
        let progress = passage.push(frame(event)).unwrap();
        let given = passage.take();
        assert_eq!(
            given.is_some(),
            at >= 4,
            "nothing before the first content: {at}"
        );
        assert_eq!(progress == Progress::Complete, at + 1 == all.len());
        bytes.extend(given.unwrap_or_default());
    }
    let text = String::from_utf8(bytes.clone()).unwrap();
    for theirs in [
        "resp_k7a",
        "rs_1\"",
        "msg_1\"",
        "openai.big",
        "secret",
        "theirs",
        "acme",
        "billing",
    ] {
        assert!(!text.contains(theirs), "{theirs}");
    }
    let events = told(&bytes);
    let numbers: Vec<u64> = events
        .iter()
        .map(|event| event["sequence_number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
    let id = events[0]["response"]["id"].as_str().unwrap();
    assert_eq!(
        sealer().open_id(id),
        Some(Opened::Kept("resp_k7a".to_owned()))
    );
    assert_eq!(events[4]["response"]["id"], id, "one answer, one id");
    assert_eq!(
        events[3]["item_id"],
        events[4]["response"]["output"][1]["id"]
    );
    assert_eq!(events[4]["response"]["model"], "gpt-x");
    assert_eq!(events[4]["response"]["metadata"]["mine"], "1");
    assert_eq!(events[0]["response"]["content_filters"], Value::Null);
    assert_eq!(
        events[4]["response"]["content_filters"][0]["source_type"],
        "prompt"
    );
    let facts = passage.facts();
    assert_eq!(facts.usage.unwrap().output, 2);
    assert_eq!(
        facts.losses.len(),
        1,
        "the reasoning was hidden: {:?}",
        facts.losses
    );
}

/// Some tell reasoning as parts of a message are told.
#[test]
fn parts_of_reasoning_and_of_unknown_kinds_are_not_passed_on() {
    let mut passage = passage(true);
    let part = |name: &str, kind: &str, text: &str| {
        json!({"type": format!("response.content_part.{name}"), "output_index": 1, "item_id": "msg_1", "content_index": 0,
            "part": {"type": kind, "text": text, "annotations": []}})
    };
    let mut all = stream();
    let last = all.len() - 1;
    all.splice(
        last..last,
        [
            part("added", "reasoning_text", ""),
            part("done", "reasoning_text", "secret"),
            part("done", "hologram", "secret"),
            part("done", "output_text", "Hi"),
        ],
    );
    for event in &all {
        passage.push(frame(event)).unwrap();
    }
    let events = told(&passage.take().unwrap());
    let parts: Vec<&Value> = events
        .iter()
        .filter_map(|event| event.get("part"))
        .collect();
    assert_eq!(parts.len(), 1, "{parts:?}");
    assert_eq!(parts[0]["type"], "output_text");
    let kinds: Vec<LossKind> = passage
        .facts()
        .losses
        .iter()
        .map(|loss| loss.kind)
        .collect();
    assert_eq!(kinds, [LossKind::ReasoningHidden, LossKind::BlockDropped]);
}

#[test]
fn reasoning_goes_out_sealed_and_comes_back() {
    let mut passage = passage(false);
    let body = theirs("completed", &output()).to_string();
    assert_eq!(
        passage.push(Frame::Body(body.into())),
        Ok(Progress::Complete)
    );
    let body: Value = serde_json::from_slice(&passage.take().unwrap()).unwrap();
    let sealed = body["output"][0]["encrypted_content"].as_str().unwrap();
    assert_eq!(
        sealer().open_reasoning(sealed),
        Some(SealedReasoning::Encrypted("theirs".to_owned()))
    );
    assert_eq!(body["output"][1]["content"][0]["text"], "Hi");
    assert_eq!(body["completed_at"], 9);
    assert_eq!(passage.take(), None);
}

#[test]
fn a_stream_is_given_whole_to_who_wants_it_so() {
    let mut passage = passage(false);
    for event in stream() {
        assert_eq!(passage.take(), None);
        passage.push(frame(&event)).unwrap();
    }
    let body: Value = serde_json::from_slice(&passage.take().unwrap()).unwrap();
    assert_eq!(
        (&body["status"], &body["model"]),
        (&json!("completed"), &json!("gpt-x"))
    );
}

#[test]
fn what_failed_is_no_answer() {
    let check = |event: Value, expected: AnswerError| {
        assert_eq!(passage(true).push(frame(&event)), Err(expected), "{event}");
    };
    let mut failed = theirs("failed", &json!([]));
    failed["error"] = json!({"code": "rate_limit_exceeded", "message": "m"});
    check(
        json!({"type": "response.failed", "response": failed}),
        AnswerError::Failed(FaultKind::Throttled),
    );
    check(
        json!({"type": "error", "code": "server_error"}),
        AnswerError::Failed(FaultKind::Internal),
    );
    let cut = theirs("in_progress", &json!([]));
    check(
        json!({"type": "response.completed", "response": cut}),
        AnswerError::Unfinished,
    );
    assert_eq!(passage(true).finish(), Err(AnswerError::Unfinished));
    let mut begun = passage(true);
    for event in stream().iter().take(5) {
        begun.push(frame(event)).unwrap();
    }
    drop(begun.take());
    let last = told(&begun.fail(&AzureError::server_error()));
    assert_eq!(last[0]["type"], "error");
    assert_eq!(last[0]["sequence_number"], 4);
    assert!(last[0]["error"]["message"].is_string());
}

#[test]
fn unknown_events_and_items_are_skipped_and_counted() {
    let mut passage = passage(true);
    passage
        .push(frame(&json!({"type": "response.acme.delta"})))
        .unwrap();
    passage.push(frame(&json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "web_search_call", "id": "ws_1"}}))).unwrap();
    passage.push(frame(&stream()[4])).unwrap();
    let kinds: Vec<LossKind> = passage
        .facts()
        .losses
        .iter()
        .map(|loss| loss.kind)
        .collect();
    assert_eq!(kinds, [LossKind::EventSkipped, LossKind::BlockDropped]);
    assert_eq!(told(&passage.take().unwrap()).len(), 1);
}
