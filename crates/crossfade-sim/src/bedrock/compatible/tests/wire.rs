//! What stands on the wire: thoughts, calls, events, state.

use super::*;
use crate::script::ToolCall;

fn thoughtful() -> Answer {
    Answer {
        reasoning: Some("let me see".to_owned()),
        ..Answer::text("Hello there")
    }
}

fn chunks(raw: &Raw) -> Vec<Value> {
    assert_eq!(raw.header("Content-Type"), Some("text/event-stream"));
    let text = raw.text();
    let text = text.strip_suffix("data: [DONE]\n\n").expect("the end");
    let data = |event: &str| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
    text.split_terminator("\n\n").map(data).collect()
}

fn joined(chunks: &[Value], member: &str) -> String {
    chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"][member].as_str())
        .collect()
}

#[tokio::test]
async fn thoughts_are_shown_as_the_surface_does() {
    let runtime = start(Surface::Runtime, thoughtful()).await;
    let mantle = start(Surface::Mantle, thoughtful()).await;
    let streamed = json!({"stream": true, "stream_options": {"include_usage": true}});
    let inline = "<reasoning>let me see</reasoning>Hello there";
    let whole = post(&runtime, CHAT, &hello(OSS, &json!({}))).await.json();
    assert_eq!(whole["choices"][0]["message"]["content"], inline);
    let stream = chunks(&post(&runtime, CHAT, &hello(OSS, &streamed)).await);
    assert_eq!(joined(&stream, "content"), inline);
    assert_eq!(
        stream.last().unwrap()["usage"]["total_tokens"],
        whole["usage"]["total_tokens"]
    );

    let route = "/v1/chat/completions";
    let whole = post(&mantle, route, &hello(OSS_ON_MANTLE, &json!({})))
        .await
        .json();
    let message = &whole["choices"][0]["message"];
    assert_eq!(
        (&message["content"], &message["reasoning"]),
        (&json!("Hello there"), &json!("let me see"))
    );
    let stream = chunks(&post(&mantle, route, &hello(OSS_ON_MANTLE, &streamed)).await);
    assert_eq!(
        (joined(&stream, "content"), joined(&stream, "reasoning")),
        ("Hello there".to_owned(), "let me see".to_owned())
    );

    let hidden = post(&runtime, CHAT, &hello(TERRA, &json!({}))).await.json();
    assert_eq!(hidden["choices"][0]["message"]["content"], "Hello there");
    assert_eq!(
        hidden["usage"]["completion_tokens_details"]["reasoning_tokens"],
        3
    );
    let none = post(
        &runtime,
        CHAT,
        &hello(TERRA, &json!({"reasoning_effort": "none"})),
    )
    .await
    .json();
    assert_eq!(
        none["usage"]["completion_tokens_details"]["reasoning_tokens"],
        0
    );
    let open = post(&mantle, "/v1/responses", &ask(OSS_ON_MANTLE, &json!({})))
        .await
        .json();
    assert_eq!(
        open["output"][0]["content"][0],
        json!({"type": "reasoning_text", "text": "let me see"})
    );
}

#[tokio::test]
async fn calls_have_the_models_ids_and_indexes() {
    let mut answer = Answer::call("f", "{\"a\":1}");
    answer.tool_calls.push(ToolCall {
        name: "g".to_owned(),
        arguments: "{}".to_owned(),
    });
    let runtime = start(Surface::Runtime, answer.clone()).await;
    let mantle = start(Surface::Mantle, answer).await;
    let more = json!({"stream": true, "tools": [{"type": "function", "function": {"name": "f"}}]});
    let begun = |chunks: &[Value]| -> Vec<(Value, Value)> {
        let calls = chunks
            .iter()
            .map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0]);
        calls
            .filter(|call| call["id"].is_string())
            .map(|call| (call["id"].clone(), call["index"].clone()))
            .collect()
    };
    let on_runtime = begun(&chunks(&post(&runtime, CHAT, &hello(OSS, &more)).await));
    assert_eq!(
        on_runtime,
        [(json!("call_0"), json!(0)), (json!("call_1"), json!(1))]
    );
    let on_mantle = begun(&chunks(
        &post(
            &mantle,
            "/v1/chat/completions",
            &hello(OSS_ON_MANTLE, &more),
        )
        .await,
    ));
    assert_eq!(
        on_mantle,
        [(json!("call_0"), json!(1)), (json!("call_1"), json!(2))]
    );
    let closed = begun(&chunks(
        &post(&runtime, CHAT, &hello("us.openai.gpt-6-sol", &more)).await,
    ));
    assert!(closed[0].0.as_str().is_some_and(|id| id.len() == 29) && closed[0] != closed[1]);
    let flat = json!({"tools": [{"type": "function", "name": "f"}]});
    let open = post(&mantle, "/v1/responses", &ask(OSS_ON_MANTLE, &flat))
        .await
        .json();
    assert_eq!(
        (&open["output"][0]["call_id"], &open["output"][1]["call_id"]),
        (&json!("call_0"), &json!("call_1"))
    );
}

#[tokio::test]
async fn mantle_says_the_data_before_the_event() {
    let first_lines = async |surface: Surface, model: &str| {
        let sim = start(surface, Answer::text("x")).await;
        let raw = post(&sim, RESPONSES, &ask(model, &json!({"stream": true}))).await;
        let text = raw.text();
        let first = text.split("\n\n").next().unwrap().split('\n');
        assert!(!text.contains("[DONE]") && !text.contains("obfuscation"));
        first
            .map(|line| line.split(':').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        first_lines(Surface::Mantle, TERRA_ON_MANTLE).await,
        ["data", "event"]
    );
    assert_eq!(
        first_lines(Surface::Runtime, TERRA).await,
        ["event", "data"]
    );
}

#[tokio::test]
async fn only_mantle_keeps_responses() {
    let sim = start(Surface::Mantle, Answer::text("x")).await;
    let get = async |sim: &BedrockSim, id: &str| {
        testing::request(
            sim.address(),
            "GET",
            &format!("{RESPONSES}/{id}"),
            &[KEY],
            b"",
        )
        .await
    };
    let kept = post(&sim, RESPONSES, &ask(TERRA_ON_MANTLE, &json!({})))
        .await
        .json();
    let id = kept["id"].as_str().unwrap();
    assert_eq!(
        (kept.get("content_filters"), &kept["store"]),
        (None, &json!(true))
    );
    assert_eq!(get(&sim, id).await.json(), kept);
    let next = ask(TERRA_ON_MANTLE, &json!({"previous_response_id": id}));
    assert_eq!(post(&sim, RESPONSES, &next).await.status(), 200);
    let unknown = ask(
        TERRA_ON_MANTLE,
        &json!({"previous_response_id": "resp_azure"}),
    );
    assert_eq!(post(&sim, RESPONSES, &unknown).await.status(), 404);
    let runtime = start(Surface::Runtime, Answer::text("x")).await;
    let unkept = post(&runtime, RESPONSES, &ask(TERRA, &json!({})))
        .await
        .json();
    assert_eq!(unkept["store"], false);
    assert_eq!(
        get(&runtime, unkept["id"].as_str().unwrap()).await.status(),
        404
    );
}

#[tokio::test]
async fn errors_come_in_the_middle_and_nothing_follows() {
    let sim = start(Surface::Runtime, Answer::text("12345678")).await;
    sim.script().set_fault(Fault::ExceptionInStream {
        name: "throttlingException".to_owned(),
        after: 1,
    });
    let text = post(&sim, CHAT, &hello(OSS, &json!({"stream": true})))
        .await
        .text();
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    assert!(
        last.contains("rate_limit_exceeded")
            && text.contains("\"1234\"")
            && !text.contains("\"5678\""),
        "{text}"
    );
    sim.script().set_fault(Fault::NoEvents);
    let raw = post(&sim, CHAT, &hello(OSS, &json!({"stream": true}))).await;
    assert_eq!((raw.status(), raw.body.len(), raw.whole), (200, 0, true));
    sim.script().set_fault(Fault::EndEarly { after: 1 });
    let raw = post(&sim, CHAT, &hello(OSS, &json!({"stream": true}))).await;
    assert!(raw.whole && !raw.text().contains("[DONE]"));
}

/// Asks under a guardrail, and checks what came through and what the guardrail says it did.
async fn check_guarded(said: &str, asked: &str, text: &str, action: &str) {
    let sim = start(Surface::Runtime, Answer::text(said)).await;
    let headers = [
        KEY,
        ("x-amzn-bedrock-guardrailidentifier", "simguard0001"),
        ("x-amzn-bedrock-guardrailversion", "DRAFT"),
        ("x-amzn-bedrock-trace", "ENABLED"),
    ];
    for stream in [false, true] {
        let mut body = hello(OSS, &json!({"stream": stream}));
        body["messages"][0]["content"] = json!(asked);
        let body = body.to_string();
        let raw = testing::request(sim.address(), "POST", CHAT, &headers, body.as_bytes()).await;
        let (found, last) = if stream {
            let chunks = chunks(&raw);
            (json!(joined(&chunks, "content")), chunks[0].clone())
        } else {
            let body = raw.json();
            (body["choices"][0]["message"]["content"].clone(), body)
        };
        assert_eq!(
            (found, &last["amazon-bedrock-guardrailAction"]),
            (json!(text), &json!(action))
        );
        assert!(
            last["amazon-bedrock-trace"]["guardrail"].is_object(),
            "{last}"
        );
    }
}

#[tokio::test]
async fn guardrails_are_named_by_header_lines() {
    let (prompt, answer) = (
        "The guardrail does not take this question.",
        "The guardrail does not give this answer.",
    );
    check_guarded("hello", "hi", "hello", "NONE").await;
    check_guarded("hello", "a listed-word", prompt, "INTERVENED").await;
    check_guarded("a listed-word", "hi", answer, "INTERVENED").await;
    check_guarded("at secret-address", "hi", "at {ADDRESS}", "INTERVENED").await;
}
