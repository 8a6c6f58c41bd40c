//! Several turns of one conversation: what the model thought before it called tools goes back with their results.

use crossfade_exchange::LossKind;
use http_body_util::BodyExt;

use super::*;

/// A model that thinks within a budget, and signs its thoughts.
const THINKER: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

fn delta(index: u32, delta: &Value) -> Step {
    event(
        "contentBlockDelta",
        &json!({"contentBlockIndex": index, "delta": delta}),
    )
}

/// A turn that thinks and calls a tool, of a model that signs its thoughts or does not.
fn thinking_turn(signed: bool) -> Vec<Step> {
    let start = json!({"toolUse": {"toolUseId": "tooluse_1", "name": "rain"}});
    let mut steps = vec![
        stream_head(),
        delta(0, &json!({"reasoningContent": {"text": "Look it up."}})),
    ];
    if signed {
        let signature = json!({"reasoningContent": {"signature": "c2ln"}});
        steps.push(delta(0, &signature));
    }
    let rest = vec![
        event("contentBlockStop", &json!({"contentBlockIndex": 0})),
        event(
            "contentBlockStart",
            &json!({"contentBlockIndex": 1, "start": start}),
        ),
        event("contentBlockStop", &json!({"contentBlockIndex": 1})),
        event("messageStop", &json!({"stopReason": "tool_use"})),
        event(
            "metadata",
            &json!({"usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 1}}),
        ),
    ];
    then(steps, rest)
}

fn request(messages: &Value) -> Value {
    json!({"messages": messages, "reasoning_effort": "low", "max_completion_tokens": 4000,
           "tools": [{"type": "function", "function": {"name": "rain"}}]})
}

async fn ask(candidate: &Candidate, body: &Value) -> (Value, Vec<LossKind>) {
    let path = "/openai/deployments/chat-prod/chat/completions?api-version=2024-10-21";
    let request = http::Request::post(path)
        .body(body.to_string().into())
        .unwrap();
    let response = candidate.clone().oneshot(request).await.unwrap();
    let report = response.extensions().get::<SideReport>().unwrap();
    let losses = report.losses.iter().map(|loss| loss.kind).collect();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (serde_json::from_slice(&body).unwrap(), losses)
}

/// Both turns of a conversation with a tool; what the second one asked the provider, and its losses.
async fn second_turn(signed: bool, forget: bool) -> (Value, Vec<LossKind>) {
    let (endpoint, asked) = serve_and_keep(vec![
        thinking_turn(signed),
        then(vec![stream_head()], rest()),
    ]);
    let connection = connect(endpoint).await;
    let candidate = Candidate::new(connection.clone(), CandidateSettings::new(THINKER));
    let user = json!({"role": "user", "content": "Rain in Oslo?"});
    let (first, _) = ask(&candidate, &request(&json!([user]))).await;
    let message = &first["choices"][0]["message"];
    assert!(!first.to_string().contains("Look it up."));
    let id = &message["tool_calls"][0]["id"];
    let result = json!({"role": "tool", "tool_call_id": id, "content": "yes"});
    let candidate = if forget {
        Candidate::new(connection, CandidateSettings::new(THINKER))
    } else {
        candidate
    };
    let (second, losses) = ask(&candidate, &request(&json!([user, message, result]))).await;
    assert_eq!(second["choices"][0]["message"]["content"], "Hi");
    asked.recv().unwrap();
    (asked.recv().unwrap(), losses)
}

#[tokio::test]
async fn signed_thoughts_go_back_with_the_results_bug_48() {
    let (asked, losses) = second_turn(true, false).await;
    let thought = json!({"reasoningContent": {"reasoningText": {"text": "Look it up.", "signature": "c2ln"}}});
    assert_eq!(asked["messages"][1]["content"][0], thought);
    assert_eq!(
        asked["messages"][1]["content"][1]["toolUse"]["name"],
        "rain"
    );
    assert_eq!(
        asked["additionalModelRequestFields"]["thinking"]["type"],
        "enabled"
    );
    assert!(!losses.contains(&LossKind::ThinkingMissing));
}

#[tokio::test]
async fn without_its_thoughts_a_turn_goes_on_without_thinking_bug_48() {
    for (signed, forget) in [(false, false), (true, true)] {
        let (asked, losses) = second_turn(signed, forget).await;
        let block = &asked["messages"][1]["content"][0];
        assert_eq!(block["toolUse"]["name"], "rain");
        let thinking = asked.pointer("/additionalModelRequestFields/thinking");
        assert_eq!(thinking, None, "{asked}");
        assert!(losses.contains(&LossKind::ThinkingMissing), "{losses:?}");
    }
}
