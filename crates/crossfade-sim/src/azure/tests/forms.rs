//! The forms of a call beside the ordinary one, and errors in the middle of a stream.

use super::*;

fn streamed(body: Value) -> Value {
    with(body, "stream", json!(true))
}

#[tokio::test]
async fn custom_tools_are_called_with_text() {
    let sim = start(Answer::call("write", "SELECT 1")).await;
    let body = with(
        hello(),
        "tools",
        json!([{"type": "custom", "custom": {"name": "write"}}]),
    );
    let call =
        post(&sim, CHAT, &body).await.json()["choices"][0]["message"]["tool_calls"][0].clone();
    assert_eq!(
        (&call["type"], &call["custom"]),
        (
            &json!("custom"),
            &json!({"input": "SELECT 1", "name": "write"})
        )
    );
    let events = events(&post(&sim, CHAT, &streamed(body)).await);
    let deltas = events
        .iter()
        .filter_map(|e| e["choices"][0]["delta"]["tool_calls"][0]["custom"]["input"].as_str());
    assert_eq!(deltas.collect::<String>(), "SELECT 1");
}

#[tokio::test]
async fn the_old_form_has_one_call_without_an_id() {
    let mut answer = Answer::call("look_up", "{\"id\":1}");
    answer.tool_calls.push(ToolCall {
        name: "second".to_owned(),
        arguments: "{}".to_owned(),
    });
    let sim = start(answer).await;
    let body = with(
        hello(),
        "functions",
        json!([{"name": "look_up"}, {"name": "second"}]),
    );
    let choice = post(&sim, CHAT, &body).await.json()["choices"][0].clone();
    assert_eq!(choice["finish_reason"], "function_call");
    assert_eq!(
        choice["message"]["function_call"],
        json!({"arguments": "{\"id\":1}", "name": "look_up"})
    );
    assert_eq!(choice["message"].get("tool_calls"), None);
    let events = events(&post(&sim, CHAT, &streamed(body)).await);
    events.iter().for_each(assert_alphabetical);
    let pieces = events
        .iter()
        .filter_map(|e| e["choices"][0]["delta"]["function_call"]["arguments"].as_str());
    assert_eq!(pieces.collect::<String>(), "{\"id\":1}");
    assert_eq!(
        events.last().unwrap()["choices"][0]["finish_reason"],
        "function_call"
    );
}

#[tokio::test]
async fn an_error_in_the_middle_ends_without_done() {
    let sim = start(Answer::text("12345678")).await;
    sim.script().set_fault(Fault::ExceptionInStream {
        name: "overloaded".to_owned(),
        after: 1,
    });
    let text = post(&sim, CHAT, &streamed(hello())).await.text();
    assert!(
        text.contains("data: {\"error\":{") && !text.contains("[DONE]"),
        "{text}"
    );
    assert_eq!(
        text.matches("\"content\":\"").count(),
        2,
        "the role's, and one of two pieces"
    );
    sim.script().set_fault(Fault::UnknownFinish {
        word: "bored".to_owned(),
    });
    let raw = post(&sim, CHAT, &hello()).await;
    assert_eq!(raw.json()["choices"][0]["finish_reason"], "bored");
}
