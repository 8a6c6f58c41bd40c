use serde_json::{Value, json};

use super::*;
use crate::{
    script::{Answer, Finish, Pace, Prompt, ToolCall},
    testing::{self, Raw},
};

mod forms;
mod responses;

const KEY: (&str, &str) = ("api-key", "k1");
const CHAT: &str = "/openai/deployments/support/chat/completions?api-version=2024-10-21";

async fn start(answer: Answer) -> AzureSim {
    let script = Script::new(Arc::new(move |_: &Prompt, _: u64| answer.clone()));
    let options = AzureOptions {
        script,
        api_keys: vec!["k1".to_owned()],
        deployments: vec!["support".to_owned()],
        steady: true,
        ..AzureOptions::default()
    };
    AzureSim::start(options).await.unwrap()
}

async fn post(sim: &AzureSim, target: &str, body: &Value) -> Raw {
    testing::request(
        sim.address(),
        "POST",
        target,
        &[KEY],
        body.to_string().as_bytes(),
    )
    .await
}

fn hello() -> Value {
    json!({"messages": [{"role": "user", "content": "Say hi"}]})
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

/// The events of a stream, without `[DONE]`, which must come last.
fn events(raw: &Raw) -> Vec<Value> {
    let text = raw.text();
    let mut events: Vec<&str> = text.strip_suffix("\n\n").unwrap().split("\n\n").collect();
    assert_eq!(events.pop(), Some("data: [DONE]"));
    let data = |event: &str| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
    events.into_iter().map(data).collect()
}

/// Keys of every object stand in alphabetical order, but for the prompt filter's own exceptions.
fn assert_alphabetical(value: &Value) {
    match value {
        Value::Object(object) => {
            let keys: Vec<_> = object.keys().collect();
            assert!(
                keys.is_sorted()
                    || keys == ["prompt_index", "content_filter_results"]
                    || keys == ["filtered", "detected"],
                "{keys:?}"
            );
            object.values().for_each(assert_alphabetical);
        }
        Value::Array(list) => list.iter().for_each(assert_alphabetical),
        _ => {}
    }
}

#[tokio::test]
async fn a_whole_answer_has_azures_bytes() {
    let sim = start(Answer {
        cached_tokens: 2,
        ..Answer::text("Hi \"you\"")
    })
    .await;
    let raw = post(&sim, CHAT, &hello()).await;
    assert_eq!(raw.status_line, "HTTP/1.1 200 OK");
    assert_eq!(raw.header("Content-Type"), Some("application/json"));
    assert_eq!(raw.header("x-ms-deployment-name"), Some("support"));
    assert_eq!(
        raw.header("apim-request-id"),
        raw.header("x-ms-client-request-id")
    );
    let body = raw.json();
    let id = body["id"].as_str().unwrap();
    assert!(
        id.strip_prefix("chatcmpl-")
            .is_some_and(|rest| rest.len() == 29),
        "{id}"
    );
    let expected = format!(
        concat!(
            r#"{{"choices":[{{"content_filter_results":{clean},"finish_reason":"stop","index":0,"logprobs":null,"#,
            r#""message":{{"annotations":[],"content":"Hi \"you\"","refusal":null,"role":"assistant"}}}}],"#,
            r#""created":1770000000,"id":"{id}","model":"gpt-4.1-mini-2025-04-14","object":"chat.completion","#,
            r#""prompt_filter_results":{prompt},"system_fingerprint":"fp_5a1b2c3d4e","usage":{{"completion_tokens":2,"#,
            r#""completion_tokens_details":{{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":0,"#,
            r#""rejected_prediction_tokens":0}},"prompt_tokens":5,"prompt_tokens_details":{{"audio_tokens":0,"#,
            r#""cached_tokens":2}},"total_tokens":7}}}}{end}"#,
        ),
        clean = shape::CLEAN,
        prompt = shape::PROMPT_FILTER,
        id = id,
        end = "\n",
    );
    assert_eq!(raw.text(), expected);
    assert_alphabetical(&body);
    let again = post(&sim, CHAT, &hello()).await;
    assert_eq!(
        (again.headers, again.body),
        (raw.headers, raw.body),
        "steady"
    );
}

#[tokio::test]
async fn a_stream_has_azures_chunks_in_order() {
    let sim = start(Answer::text("Hi there")).await;
    let options = json!({"include_usage": true});
    let body = with(
        with(hello(), "stream", json!(true)),
        "stream_options",
        options,
    );
    let raw = post(&sim, CHAT, &body).await;
    assert_eq!(
        raw.header("Content-Type"),
        Some("text/event-stream; charset=utf-8")
    );
    assert!(raw.whole);
    let events = events(&raw);
    let first = format!(
        r#"data: {{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":{}}}{}"#,
        shape::PROMPT_FILTER,
        "\n\n",
    );
    assert!(raw.text().starts_with(&first));
    events.iter().for_each(assert_alphabetical);
    let deltas: Vec<_> = events[1..5]
        .iter()
        .map(|e| e["choices"][0]["delta"].to_string())
        .collect();
    let role = r#"{"content":"","refusal":null,"role":"assistant"}"#;
    assert_eq!(
        deltas,
        [role, r#"{"content":"Hi t"}"#, r#"{"content":"here"}"#, "{}"]
    );
    assert_eq!(events[4]["choices"][0]["finish_reason"], "stop");
    assert_eq!(events[5]["choices"], json!([]));
    assert_eq!(events[5]["usage"]["total_tokens"], 7);
    assert_eq!(events.len(), 6);
    for event in &events[1..5] {
        assert_eq!(event.get("usage"), Some(&Value::Null));
        assert_eq!(event["id"], events[1]["id"]);
        assert!(event["obfuscation"].is_string());
    }
    let options = json!({"include_obfuscation": false});
    let body = with(
        with(hello(), "stream", json!(true)),
        "stream_options",
        options,
    );
    let text = post(&sim, CHAT, &body).await.text();
    assert!(
        !text.contains("usage") && !text.contains("obfuscation"),
        "{text}"
    );
}

#[tokio::test]
async fn tool_calls_open_with_their_names() {
    let call = |name: &str| ToolCall {
        name: name.to_owned(),
        arguments: r#"{"a":1}"#.to_owned(),
    };
    let calls = Answer {
        tool_calls: vec![call("one"), call("two")],
        ..Answer::default()
    };
    let sim = start(calls.clone()).await;
    let streamed = with(hello(), "stream", json!(true));
    let deltas: Vec<Value> = events(&post(&sim, CHAT, &streamed).await)
        .iter()
        .map(|event| event["choices"][0]["delta"].clone())
        .collect();
    assert_eq!(deltas[1]["role"], "assistant");
    assert_eq!(deltas[1]["content"], Value::Null);
    assert_eq!(
        deltas[1]["tool_calls"][0]["function"],
        json!({"arguments": "", "name": "one"})
    );
    assert_eq!(
        deltas[2],
        json!({"tool_calls": [{"function": {"arguments": "{\"a\""}, "index": 0}]})
    );
    assert_eq!(deltas[4]["tool_calls"][0]["index"], 1);
    assert_eq!(deltas[4]["tool_calls"][0]["type"], "function");
    assert!(deltas[4].get("role").is_none());
    let raw = post(&sim, CHAT, &hello()).await;
    let choice = &raw.json()["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["content_filter_results"], json!({}));
    assert_eq!(
        choice["message"]["tool_calls"][1]["function"]["name"],
        "two"
    );
    // Text before the calls: the role comes with the text.
    sim.script()
        .set_answers(Arc::new(move |_: &Prompt, _: u64| Answer {
            text: Some("Wait.".to_owned()),
            ..calls.clone()
        }));
    let deltas = events(&post(&sim, CHAT, &streamed).await);
    assert_eq!(deltas[1]["choices"][0]["delta"]["content"], "");
    assert!(deltas[4]["choices"][0]["delta"].get("role").is_none());
}

#[tokio::test]
async fn every_ending_has_its_word() {
    let refusal = Answer {
        refusal: Some("No.".to_owned()),
        ..Answer::default()
    };
    let cut = |finish| Answer {
        finish,
        ..Answer::text("some text that is longer")
    };
    let cases = [
        (
            refusal,
            hello(),
            "stop",
            json!({"content": null, "refusal": "No."}),
        ),
        (
            cut(Finish::Length),
            hello(),
            "length",
            json!({"refusal": null}),
        ),
        (
            cut(Finish::Filtered),
            hello(),
            "content_filter",
            json!({"refusal": null}),
        ),
        (
            cut(Finish::Natural),
            with(hello(), "max_tokens", json!(2)),
            "length",
            json!({"content": "some tex"}),
        ),
    ];
    for (answer, body, finish, message) in cases {
        let sim = start(answer).await;
        let choice = post(&sim, CHAT, &body).await.json()["choices"][0].clone();
        assert_eq!(choice["finish_reason"], finish);
        for (key, value) in message.as_object().unwrap() {
            assert_eq!(&choice["message"][key], value);
        }
        let streamed = events(&post(&sim, CHAT, &with(body, "stream", json!(true))).await);
        assert_eq!(
            streamed.last().unwrap()["choices"][0]["finish_reason"],
            finish
        );
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn refusals_come_before_any_model() {
    let sim = start(Answer::text("hi")).await;
    let v1 = "/openai/v1/chat/completions";
    let other = "/openai/deployments/other/chat/completions?api-version=1";
    let no_version = "/openai/deployments/support/chat/completions";
    let cases: [(&str, Value, u16, &str); 9] = [
        (other, hello(), 404, "DeploymentNotFound"),
        (no_version, hello(), 404, "Resource not found"),
        (
            "/openai/threads?api-version=1",
            hello(),
            404,
            "Resource not found",
        ),
        ("/somewhere", hello(), 404, "Resource not found"),
        (v1, hello(), 400, "missing_required_parameter"),
        (
            v1,
            with(hello(), "model", json!("other")),
            404,
            "DeploymentNotFound",
        ),
        (
            v1,
            with(hello(), "model", json!("support")),
            200,
            "chat.completion",
        ),
        (
            CHAT,
            with(hello(), "made_up", json!(1)),
            400,
            "Unrecognized request argument supplied: made_up",
        ),
        (CHAT, json!([1]), 400, "JSON object"),
    ];
    for (target, body, status, part) in cases {
        let raw = post(&sim, target, &body).await;
        assert_eq!(raw.status(), status, "{target}");
        assert!(raw.text().contains(part), "{}", raw.text());
    }
    let pretty = post(&sim, other, &hello()).await;
    assert!(
        pretty.text().starts_with("{\n  \"error\": {\n"),
        "{}",
        pretty.text()
    );
    assert_eq!(pretty.header("Content-Type"), None);
    let long = json!({"messages": [{"role": "user", "content": "word".repeat(130_000)}]});
    assert!(
        post(&sim, CHAT, &long)
            .await
            .text()
            .contains("context_length_exceeded")
    );
    let blocked = Answer {
        finish: Finish::Filtered,
        ..Answer::default()
    };
    sim.script()
        .set_answers(Arc::new(move |_: &Prompt, _: u64| blocked.clone()));
    let blocked = post(&sim, CHAT, &hello()).await.json();
    assert_eq!(
        blocked["error"]["innererror"]["code"],
        "ResponsibleAIPolicyViolation"
    );
}

#[tokio::test]
async fn keys_are_checked_in_both_headers() {
    let sim = start(Answer::text("hi")).await;
    let check = async |headers: &[(&str, &str)], status: u16| {
        let body = hello().to_string();
        let raw = testing::request(sim.address(), "POST", CHAT, headers, body.as_bytes()).await;
        assert_eq!(raw.status(), status, "{headers:?}");
        raw
    };
    check(&[("Api-Key", "k1")], 200).await;
    check(&[("authorization", "bearer k1")], 200).await;
    check(&[("authorization", "Basic k1")], 401).await;
    check(&[], 401).await;
    let raw = check(&[("api-key", "k2")], 401).await;
    assert_eq!(raw.status_line, "HTTP/1.1 401 PermissionDenied");
    assert_eq!(raw.json()["error"]["code"], "401");
    sim.set_api_keys(vec!["k2".to_owned()]);
    check(&[("api-key", "k2")], 200).await;
    check(&[("api-key", "k1")], 401).await;
}

#[tokio::test]
async fn scripted_statuses_and_cuts_show() {
    let sim = start(Answer::text("one two three four five six")).await;
    sim.script().set_fault(Fault::Status {
        status: 429,
        retry_after: Some(12),
    });
    let raw = post(&sim, CHAT, &hello()).await;
    assert_eq!((raw.status(), raw.header("retry-after")), (429, Some("12")));
    assert_eq!(raw.header("x-ratelimit-remaining-tokens"), Some("0"));
    assert_eq!(raw.json()["error"]["code"], "429");
    let streamed = with(hello(), "stream", json!(true));
    for (fault, whole) in [
        (Fault::Truncate { after: 2 }, false),
        (Fault::EndEarly { after: 2 }, true),
    ] {
        sim.script().set_fault(fault);
        let raw = post(&sim, CHAT, &streamed).await;
        assert_eq!(raw.whole, whole);
        let text = raw.text();
        assert_eq!(
            text.matches("\"delta\":{\"content\":\"").count(),
            3,
            "role and two: {text}"
        );
        assert!(!text.contains("[DONE]"));
    }
    sim.script().set_fault(Fault::Huge { bytes: 300_000 });
    let huge = post(&sim, CHAT, &hello()).await.json();
    assert_eq!(
        huge["choices"][0]["message"]["content"]
            .as_str()
            .map(str::len),
        Some(300_000)
    );
    let deltas = events(&post(&sim, CHAT, &streamed).await).len();
    assert!(deltas < 25_000, "{deltas}");
}

#[tokio::test]
async fn the_pace_is_kept() {
    let sim = start(Answer::text("abcdefgh")).await;
    let first_content = std::time::Duration::from_millis(40);
    sim.script().set_pace(Pace {
        first_content,
        tokens_per_second: 50.0,
    });
    for (body, least) in [(with(hello(), "stream", json!(true)), 60), (hello(), 80)] {
        let begun = std::time::Instant::now();
        post(&sim, CHAT, &body).await;
        assert!(
            begun.elapsed().as_millis() >= least,
            "{:?}",
            begun.elapsed()
        );
    }
}

#[tokio::test]
async fn embeddings_models_and_uploads_answer() {
    let sim = start(Answer::text("hi")).await;
    let target = "/openai/deployments/support/embeddings?api-version=2024-10-21";
    let floats = post(&sim, target, &json!({"input": ["a", "b"], "dimensions": 8}))
        .await
        .json();
    assert_eq!(
        floats["data"][1]["embedding"].as_array().map(Vec::len),
        Some(8)
    );
    assert_eq!(
        floats["usage"],
        json!({"prompt_tokens": 2, "total_tokens": 2})
    );
    let body = json!({"input": "a", "dimensions": 8, "encoding_format": "base64"});
    let text = post(&sim, target, &body).await.json()["data"][0]["embedding"].clone();
    assert_eq!(text.as_str().map(str::len), Some(44));
    for target in ["/openai/models?api-version=1", "/openai/v1/models"] {
        let raw = testing::request(sim.address(), "GET", target, &[KEY], b"").await;
        assert_eq!(raw.json()["data"][0]["id"], "gpt-4.1-mini-2025-04-14");
    }
    let raw = testing::request(sim.address(), "POST", "/openai/v1/files", &[KEY], b"abc").await;
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(
        (&raw.json()["sha256"], &raw.json()["bytes"]),
        (&json!(expected), &json!(3))
    );
    let large = vec![7; 70 << 20];
    let raw = testing::request(sim.address(), "POST", "/openai/v1/files", &[KEY], &large).await;
    assert_eq!(raw.json()["sha256"], sha256_hex(&large));
}
