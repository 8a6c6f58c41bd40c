use serde_json::{Value, json};

use super::*;
use crate::{
    eventstream::{Decoder, Frame},
    script::{Answer, Finish, Pace, Prompt, Recorded, ToolCall},
    testing::{self, Raw},
};

mod door;
mod faults;
mod guardrails;

const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0";
const KEY: (&str, &str) = ("authorization", "Bearer sim-key");

async fn start(answer: Answer) -> BedrockSim {
    start_with(answer, BedrockOptions::default()).await
}

async fn start_with(answer: Answer, options: BedrockOptions) -> BedrockSim {
    let script = Script::new(Arc::new(move |_: &Prompt, _: u64| answer.clone()));
    let api_keys = vec!["sim-key".to_owned()];
    BedrockSim::start(BedrockOptions {
        script,
        api_keys,
        ..options
    })
    .await
    .unwrap()
}

async fn post(sim: &BedrockSim, operation: &str, body: &Value) -> Raw {
    let target = format!("/model/{MODEL}/{operation}");
    testing::request(
        sim.address(),
        "POST",
        &target,
        &[KEY],
        body.to_string().as_bytes(),
    )
    .await
}

fn hello() -> Value {
    json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]})
}

fn forced() -> Value {
    let mut body = hello();
    let tool = json!({"toolSpec": {"name": "answer", "inputSchema": {"json": {"type": "object"}}}});
    body["toolConfig"] = json!({"tools": [tool], "toolChoice": {"tool": {"name": "answer"}}});
    body
}

fn frames(body: &[u8]) -> Vec<Frame> {
    let (mut decoder, mut frames) = (Decoder::new(), Vec::new());
    for piece in body.chunks(13) {
        decoder.feed(piece);
        while let Some(frame) = decoder.next_frame().unwrap() {
            frames.push(frame);
        }
    }
    decoder.finish().unwrap();
    frames
}

/// The events of a stream by name, without their padding, which each must have.
fn events(raw: &Raw) -> Vec<(String, Value)> {
    assert_eq!(
        raw.header("Content-Type"),
        Some("application/vnd.amazon.eventstream")
    );
    let event = |frame: Frame| {
        let mut payload: Value = serde_json::from_slice(&frame.payload).unwrap();
        assert_eq!(frame.text(":message-type"), Some("event"));
        assert!(payload.as_object_mut().unwrap().remove("p").is_some());
        (frame.text(":event-type").unwrap().to_owned(), payload)
    };
    frames(&raw.body).into_iter().map(event).collect()
}

fn names(events: &[(String, Value)]) -> Vec<&str> {
    let mut names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    names
}

/// All text under a pointer of the deltas, in order.
fn joined(events: &[(String, Value)], pointer: &str) -> String {
    events
        .iter()
        .filter_map(|(_, payload)| payload.pointer(pointer)?.as_str())
        .collect()
}

fn error_type(raw: &Raw) -> &str {
    raw.header("x-amzn-ErrorType")
        .unwrap()
        .split(':')
        .next()
        .unwrap()
}

#[tokio::test]
async fn a_whole_answer_has_the_wires_form() {
    let mut answer = Answer::text("Hello there");
    answer.cached_tokens = 2;
    answer.reasoning = Some("hm".to_owned());
    let sim = start(answer).await;
    let raw = post(&sim, "converse", &hello()).await;
    assert_eq!(
        (raw.status(), raw.header("Content-Type")),
        (200, Some("application/json"))
    );
    assert!(
        raw.header("x-amzn-RequestId")
            .is_some_and(|id| id.len() == 36)
    );
    assert!(
        raw.header("Date")
            .is_some_and(|date| date.ends_with(" GMT"))
    );
    let body = raw.json();
    let content = &body["output"]["message"]["content"];
    assert_eq!(
        content[0]["reasoningContent"]["reasoningText"]["text"],
        "hm"
    );
    assert_eq!(content[1], json!({"text": "Hello there"}));
    assert_eq!(body["stopReason"], "end_turn");
    let usage = &body["usage"];
    assert_eq!(
        usage["cacheReadInputTokens"],
        usage["cacheReadInputTokenCount"]
    );
    let sum = |names: &[&str]| {
        names
            .iter()
            .map(|n| usage[n].as_u64().unwrap())
            .sum::<u64>()
    };
    let parts = [
        "inputTokens",
        "cacheReadInputTokens",
        "cacheWriteInputTokens",
        "outputTokens",
    ];
    assert_eq!(sum(&["totalTokens"]), sum(&parts));
    assert_eq!(sim.received()[0].target, format!("/model/{MODEL}/converse"));
}

#[tokio::test]
async fn a_stream_has_the_wires_events() {
    let mut answer = Answer::text("Hello there");
    answer.reasoning = Some("Let me see".to_owned());
    answer.tool_calls = vec![
        ToolCall {
            name: "rain".to_owned(),
            arguments: r#"{"city":"Oslo"}"#.to_owned(),
        },
        ToolCall {
            name: "now".to_owned(),
            arguments: String::new(),
        },
    ];
    let sim = start(answer).await;
    let raw = post(&sim, "converse-stream", &hello()).await;
    let events = events(&raw);
    let block =
        |start: &'static [&str]| [start, &["contentBlockDelta", "contentBlockStop"]].concat();
    let expected = [
        vec!["messageStart"],
        block(&[]),
        block(&[]),
        block(&["contentBlockStart"]),
        block(&["contentBlockStart"]),
        vec!["messageStop", "metadata"],
    ];
    assert_eq!(names(&events), expected.concat());
    assert_eq!(joined(&events, "/delta/text"), "Hello there");
    assert_eq!(
        joined(&events, "/delta/reasoningContent/text"),
        "Let me see"
    );
    assert_eq!(
        joined(&events, "/delta/reasoningContent/signature").len(),
        88
    );
    assert_eq!(
        joined(&events, "/delta/toolUse/input"),
        r#"{"city":"Oslo"}"#
    );
    assert_eq!(joined(&events, "/start/toolUse/name"), "rainnow");
    assert_eq!(joined(&events, "/start/toolUse/type"), "tool_use".repeat(2));
    assert_eq!(joined(&events, "/stopReason"), "tool_use");
    let last = events
        .iter()
        .rev()
        .find_map(|(_, p)| p["contentBlockIndex"].as_u64());
    assert_eq!(last, Some(3));
    assert!(events.last().unwrap().1["usage"]["totalTokens"].as_u64() > Some(0));
}

#[tokio::test]
async fn answers_end_for_a_reason() {
    async fn check(answer: Answer, body: Value, reason: &str, text: &str) {
        let sim = start(answer).await;
        let whole = post(&sim, "converse", &body).await.json();
        let events = events(&post(&sim, "converse-stream", &body).await);
        assert_eq!(whole["stopReason"], reason);
        assert_eq!(joined(&events, "/stopReason"), reason);
        assert_eq!(
            whole["output"]["message"]["content"][0]["text"]
                .as_str()
                .unwrap_or(""),
            text
        );
        assert_eq!(joined(&events, "/delta/text"), text);
    }
    let with = |name: &str, value: Value| {
        let mut body = hello();
        body[name] = value;
        body
    };
    let filtered = Answer {
        finish: Finish::Filtered,
        ..Answer::text("no")
    };
    let refusal = Answer {
        refusal: Some("I cannot".to_owned()),
        ..Answer::default()
    };
    check(Answer::text("12345678"), hello(), "end_turn", "12345678").await;
    let limit = with("inferenceConfig", json!({"maxTokens": 1}));
    check(Answer::text("12345678"), limit, "max_tokens", "1234").await;
    check(filtered.clone(), hello(), "content_filtered", "no").await;
    let guarded = with(
        "guardrailConfig",
        json!({"guardrailIdentifier": "simguard0001", "guardrailVersion": "DRAFT"}),
    );
    check(filtered, guarded, "guardrail_intervened", "no").await;
    check(refusal, hello(), "end_turn", "I cannot").await;
    check(Answer::call("rain", "{}"), hello(), "tool_use", "").await;
    // A forced tool takes the object in; text that is none stays text.
    check(Answer::text(r#"{"a":1}"#), forced(), "tool_use", "").await;
    check(Answer::text(r#"{"a":"#), forced(), "end_turn", r#"{"a":"#).await;
}

#[tokio::test]
async fn a_forced_tool_carries_the_object() {
    let sim = start(Answer::text(r#"{"label": "billing"}"#)).await;
    let body = post(&sim, "converse", &forced()).await.json();
    let call = &body["output"]["message"]["content"][0]["toolUse"];
    assert_eq!(
        (&call["name"], &call["input"]),
        (&json!("answer"), &json!({"label": "billing"}))
    );
    assert!(call["toolUseId"].as_str().unwrap().starts_with("tooluse_"));
    let events = events(&post(&sim, "converse-stream", &forced()).await);
    assert_eq!(
        joined(&events, "/delta/toolUse/input"),
        r#"{"label": "billing"}"#
    );
}

#[tokio::test]
async fn requests_are_validated() {
    async fn check(body: &[u8], with: &str) {
        let sim = start(Answer::text("x")).await;
        for operation in ["converse", "converse-stream"] {
            let target = format!("/model/{MODEL}/{operation}");
            let raw = testing::request(sim.address(), "POST", &target, &[KEY], body).await;
            assert_eq!(
                (raw.status(), error_type(&raw)),
                (400, "ValidationException")
            );
            assert!(
                raw.json()["message"].as_str().unwrap().contains(with),
                "{}",
                raw.text()
            );
        }
    }
    check(b"{", "not valid JSON").await;
    check(b"{}", "must start with a user message").await;
    check(
        br#"{"messages": [{"role": "user", "content": "hi"}]}"#,
        "expected a list",
    )
    .await;
    check(
        br#"{"messages": [], "model": "x"}"#,
        "extraneous key [model]",
    )
    .await;
    let long = format!(
        r#"{{"messages":[{{"role":"user","content":[{{"text":"{}"}}]}}]}}"#,
        "x".repeat(900_000)
    );
    check(long.as_bytes(), "Input is too long for requested model.").await;
}

#[tokio::test]
async fn paths_and_models_are_checked() {
    let options = BedrockOptions {
        models: vec!["a.b".to_owned()],
        ..BedrockOptions::default()
    };
    let sim = start_with(Answer::text("x"), options).await;
    let ask = async |method: &'static str, target: &'static str| {
        let body = hello().to_string();
        let raw = testing::request(sim.address(), method, target, &[KEY], body.as_bytes()).await;
        let kind = (raw.status() != 200).then(|| error_type(&raw).to_owned());
        (raw.status(), kind)
    };
    let failed = |status: u16, kind: &str| (status, Some(kind.to_owned()));
    assert_eq!(ask("POST", "/model/a.b/converse").await, (200, None));
    assert_eq!(
        ask("POST", "/model/a.c/converse").await,
        failed(400, "ValidationException")
    );
    assert_eq!(
        ask("GET", "/model/a.b/converse").await,
        failed(404, "UnknownOperationException")
    );
    assert_eq!(
        ask("POST", "/other").await,
        failed(404, "UnknownOperationException")
    );
}

#[tokio::test]
async fn thoughts_fill_the_time_to_the_first_content() {
    let answer = Answer {
        reasoning: Some("long thoughts".to_owned()),
        ..Answer::text("x")
    };
    let sim = start(answer).await;
    let wait = Duration::from_millis(60);
    sim.script().set_pace(Pace {
        first_content: wait,
        tokens_per_second: 0.0,
    });
    let begun = std::time::Instant::now();
    let events = events(&post(&sim, "converse-stream", &hello()).await);
    assert!(begun.elapsed() >= wait);
    assert_eq!(
        joined(&events, "/delta/reasoningContent/text"),
        "long thoughts"
    );
}

#[tokio::test]
async fn recorded_bytes_come_out_the_same() {
    let sim = start(Answer::text("x")).await;
    let body = Frame::event("messageStop", r#"{"stopReason":"end_turn"}"#).encode();
    sim.script().set_recorded(Some(Recorded {
        status: 200,
        reason: None,
        headers: vec![(
            "content-type".to_owned(),
            "application/vnd.amazon.eventstream".to_owned(),
        )],
        body: body.clone(),
        pieces: vec![1, 5],
    }));
    let raw = post(&sim, "converse-stream", &hello()).await;
    assert_eq!(
        raw.header("content-type"),
        Some("application/vnd.amazon.eventstream")
    );
    assert_eq!(raw.body, body);
}

#[tokio::test]
async fn embeddings_are_answered() {
    let sim = start(Answer::default()).await;
    let target = "/model/amazon.titan-embed-text-v2%3A0/invoke";
    let body = json!({"inputText": "hello", "dimensions": 256}).to_string();
    let raw = testing::request(sim.address(), "POST", target, &[KEY], body.as_bytes()).await;
    assert_eq!(raw.header("X-Amzn-Bedrock-Input-Token-Count"), Some("2"));
    assert_eq!(raw.json()["embedding"].as_array().unwrap().len(), 256);
}

#[test]
fn debug_shows_no_key() {
    let options = BedrockOptions {
        api_keys: vec!["secret-key".to_owned()],
        ..BedrockOptions::default()
    };
    let shown = format!("{options:?}");
    assert!(
        !shown.contains("secret-key") && !shown.contains(SECRET),
        "{shown}"
    );
}
