//! What the strictest client would fail on: a status other than 200, an end or a kind of tool that it does not know, an empty
//! word where a word should be. Asserted on the wire, for whole answers and for streams.

use std::collections::HashSet;

use super::{
    got::{Got, ask, ask_at},
    *,
};

/// The ends that clients know; any other, an empty one too, is thrown on.
const ENDS: [&str; 5] = [
    "stop",
    "length",
    "tool_calls",
    "content_filter",
    "function_call",
];

fn delta(index: u32, delta: &Value) -> Step {
    event(
        "contentBlockDelta",
        &json!({"contentBlockIndex": index, "delta": delta}),
    )
}

fn start(index: u32, name: &str) -> Step {
    let start = json!({"toolUse": {"toolUseId": format!("tooluse_{index}"), "name": name}});
    event(
        "contentBlockStart",
        &json!({"contentBlockIndex": index, "start": start}),
    )
}

fn stop(index: u32) -> Step {
    event("contentBlockStop", &json!({"contentBlockIndex": index}))
}

fn end(reason: &str) -> Vec<Step> {
    let usage =
        json!({"inputTokens": 3, "outputTokens": 4, "totalTokens": 12, "cacheReadInputTokens": 5});
    vec![
        event("messageStop", &json!({"stopReason": reason})),
        event(
            "metadata",
            &json!({"usage": usage, "metrics": {"latencyMs": 1}, "p": "abcd"}),
        ),
    ]
}

/// Everything that an answer may be made of.
fn full(reason: &str) -> Vec<Step> {
    let said = vec![
        stream_head(),
        event("messageStart", &json!({"role": "assistant", "p": "ab"})),
        delta(0, &json!({"reasoningContent": {"text": "hm"}})),
        delta(0, &json!({"reasoningContent": {"signature": "sig"}})),
        stop(0),
        delta(1, &json!({"text": "Let me look."})),
        stop(1),
        start(2, "rain"),
        delta(2, &json!({"toolUse": {"input": "{\"city\":"}})),
        delta(2, &json!({"toolUse": {"input": "\"Oslo\"}"}})),
        stop(2),
        start(3, "now"),
        stop(3),
    ];
    then(said, end(reason))
}

fn tools() -> Value {
    json!({"tools": [
        {"type": "function", "function": {"name": "rain"}},
        {"type": "function", "function": {"name": "now"}}]})
}

/// Checks one choice's words; `first` says whether a call with this index was not seen before.
fn check_choice(choice: &Value, message: &Value, seen: &mut HashSet<u64>) {
    assert_eq!(choice["index"], 0);
    let finish = &choice["finish_reason"];
    assert!(
        finish.is_null() || ENDS.contains(&finish.as_str().unwrap()),
        "{finish}"
    );
    let role = message.get("role");
    assert!(role.is_none_or(|role| role == "assistant"), "{role:?}");
    for (place, call) in message["tool_calls"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let index = call
            .get("index")
            .map_or(place as u64, |index| index.as_u64().unwrap());
        assert!(call["function"]["arguments"].is_string(), "{call}");
        if seen.insert(index) {
            assert_eq!(call["type"], "function");
            assert_eq!(call["id"].as_str().unwrap().len(), "call_".len() + 24);
            assert!(!call["function"]["name"].as_str().unwrap().is_empty());
        } else {
            assert!(
                call.get("type").is_none() && call.get("id").is_none(),
                "{call}"
            );
        }
    }
}

/// The chunks of a stream that ended well.
fn chunks(got: &Got) -> Vec<Value> {
    let events: Vec<&str> = got.body.split_terminator("\n\n").collect();
    let (last, events) = events.split_last().unwrap();
    assert_eq!(*last, "data: [DONE]");
    events
        .iter()
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect()
}

#[tokio::test]
async fn every_word_is_one_that_strict_clients_know() {
    let reasons = [
        "end_turn",
        "tool_use",
        "max_tokens",
        "stop_sequence",
        "content_filtered",
        "refusal",
        "model_context_window_exceeded",
        "guardrail_intervened",
        "something_new",
        "",
    ];
    for reason in reasons {
        let got = ask(
            CandidateSettings::new("test.model"),
            true,
            tools(),
            vec![full(reason)],
        )
        .await;
        assert_eq!(got.status, 200);
        assert_eq!(
            got.header("content-type"),
            Some("text/event-stream; charset=utf-8")
        );
        let chunks = chunks(&got);
        let mut seen = HashSet::new();
        let mut ends = 0;
        for chunk in &chunks {
            assert!(chunk.get("error").is_none(), "{chunk}");
            for choice in chunk["choices"].as_array().unwrap() {
                check_choice(choice, &choice["delta"], &mut seen);
                ends += usize::from(!choice["finish_reason"].is_null());
            }
        }
        assert_eq!((seen.len(), ends), (2, 1), "{reason}");
        let heads: HashSet<String> = chunks
            .iter()
            .filter(|chunk| chunk["id"] != "")
            .map(|chunk| format!("{}{}{}", chunk["id"], chunk["created"], chunk["model"]))
            .collect();
        assert_eq!(heads.len(), 1, "one id, time and model");

        let got = ask(
            CandidateSettings::new("test.model"),
            false,
            tools(),
            vec![full(reason)],
        )
        .await;
        assert_eq!(got.status, 200);
        let body = got.json();
        let choice = &body["choices"][0];
        check_choice(choice, &choice["message"], &mut HashSet::new());
        assert!(ENDS.contains(&choice["finish_reason"].as_str().unwrap()));
        assert_eq!(body["object"], "chat.completion");
        assert!(body["id"].as_str().unwrap().starts_with("chatcmpl-"));
        assert_eq!(body["model"], "chat-prod");
        assert_eq!(body["usage"]["prompt_tokens"], 8);
        assert_eq!(body["usage"]["total_tokens"], 12);
    }
}

#[tokio::test]
async fn headers_are_the_primary_s() {
    let got = ask(
        CandidateSettings::new("test.model"),
        false,
        tools(),
        vec![full("end_turn")],
    )
    .await;
    for (name, expected) in [
        ("content-type", "application/json"),
        ("x-ms-deployment-name", "chat-prod"),
        ("x-content-type-options", "nosniff"),
        (
            "strict-transport-security",
            "max-age=31536000; includeSubDomains; preload",
        ),
    ] {
        assert_eq!(got.header(name), Some(expected), "{name}");
    }
    for name in ["x-request-id", "apim-request-id"] {
        assert_eq!(got.header(name).unwrap().len(), 36, "{name}");
    }
}

#[tokio::test]
async fn an_end_without_its_tokens_is_an_end() {
    let script = then(
        vec![stream_head(), delta(0, &json!({"text": "a"}))],
        vec![event("messageStop", &json!({"stopReason": "end_turn"}))],
    );
    let fields = json!({"stream_options": {"include_usage": true}});
    let got = ask(
        CandidateSettings::new("test.model"),
        true,
        fields,
        vec![script],
    )
    .await;
    assert!(chunks(&got).iter().all(|chunk| !chunk["usage"].is_object()));
    assert_eq!(got.late().usage, None);
}

#[tokio::test]
async fn frames_may_be_cut_anywhere_edge_51() {
    let mut bytes = Vec::new();
    let mut script = full("tool_use");
    let head = script.remove(0);
    for step in script {
        if let Say(frame) = step {
            bytes.extend(frame);
        }
    }
    let Say(head) = head else {
        unreachable!("said")
    };
    // What differs from answer to answer: ids, times.
    let same = |got: &Got| {
        let chunks = chunks(got).into_iter().map(|mut chunk| {
            chunk["id"] = Value::Null;
            chunk["created"] = Value::Null;
            let call = chunk.pointer_mut("/choices/0/delta/tool_calls/0");
            if let Some(id) = call.and_then(|call| call.get_mut("id")) {
                *id = Value::Null;
            }
            chunk
        });
        chunks.collect::<Vec<Value>>()
    };
    let mut seen: Vec<Vec<Value>> = Vec::new();
    for size in [1, 2, 3, 11, 12, 13, 64, 1000, bytes.len()] {
        let mut pieces = vec![Say(head.clone())];
        pieces.extend(bytes.chunks(size).map(|piece| Say(piece.to_vec())));
        let got = ask(
            CandidateSettings::new("test.model"),
            true,
            tools(),
            vec![pieces],
        )
        .await;
        seen.push(same(&got));
    }
    assert!(seen.iter().all(|chunks| Some(chunks) == seen.first()));
    assert!(seen.first().is_some_and(|chunks| chunks.len() > 7));
}

#[tokio::test]
async fn the_body_names_the_deployment_where_the_path_does_not() {
    let path = "/openai/v1/chat/completions";
    let fields = json!({"model": "chat-eu"});
    let settings = CandidateSettings::new("test.model");
    let got = ask_at(path, settings, false, fields, vec![full("end_turn")]).await;
    assert_eq!(got.json()["model"], "chat-eu");
    assert_eq!(got.header("x-ms-deployment-name"), Some("chat-eu"));
}
