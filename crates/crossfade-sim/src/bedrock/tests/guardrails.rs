//! Guardrails on the wire, thoughts that are switched on, and words that nobody knows.

use super::*;

fn guarded(text: &str, more: &Value) -> Value {
    let mut config = json!({"guardrailIdentifier": "simguard0001", "guardrailVersion": "DRAFT", "trace": "enabled"});
    let members = more.as_object().cloned().unwrap();
    config.as_object_mut().unwrap().extend(members);
    json!({"messages": [{"role": "user", "content": [{"text": text}]}], "guardrailConfig": config})
}

/// Asks whole and as a stream; text, stop reason and trace must be the same. Returns them.
async fn both(answer: &str, body: &Value) -> (String, String, Value) {
    let sim = start(Answer::text(answer)).await;
    let whole = post(&sim, "converse", body).await.json();
    let events = events(&post(&sim, "converse-stream", body).await);
    let (_, metadata) = events.last().unwrap();
    let (text, reason) = (
        joined(&events, "/delta/text"),
        joined(&events, "/stopReason"),
    );
    assert_eq!(
        whole["output"]["message"]["content"][0]["text"],
        text.as_str()
    );
    assert_eq!(
        (&whole["stopReason"], &whole["trace"]),
        (&json!(reason), &metadata["trace"])
    );
    (text, reason, whole["trace"]["guardrail"].clone())
}

#[tokio::test]
async fn prompts_and_answers_are_blocked_and_masked() {
    let none = json!({});
    let (text, reason, trace) = both("hello", &guarded("a violent-word", &none)).await;
    assert_eq!(
        (text.as_str(), reason.as_str()),
        (
            "The guardrail does not take this question.",
            "guardrail_intervened"
        )
    );
    let filter = &trace["inputAssessment"]["simguard0001"]["contentPolicy"]["filters"][0];
    assert_eq!(
        (&filter["type"], &filter["action"]),
        (&json!("VIOLENCE"), &json!("BLOCKED"))
    );
    assert_eq!(
        trace.get("outputAssessments"),
        None,
        "the model was not asked"
    );

    let (text, reason, trace) = both("a listed-word", &guarded("hi", &none)).await;
    assert_eq!(
        (text.as_str(), reason.as_str()),
        (
            "The guardrail does not give this answer.",
            "guardrail_intervened"
        )
    );
    let found = &trace["outputAssessments"]["simguard0001"][0]["wordPolicy"]["customWords"][0];
    assert_eq!(
        (&found["match"], &trace["modelOutput"][0]),
        (&json!("listed-word"), &json!("a listed-word"))
    );

    let (text, reason, trace) = both("at secret-address", &guarded("hi", &none)).await;
    assert_eq!(
        (text.as_str(), reason.as_str()),
        ("at {ADDRESS}", "guardrail_intervened")
    );
    assert_eq!(trace["actionReason"], "Guardrail masked.");

    let (text, reason, trace) = both("a harsh-word", &guarded("hi", &none)).await;
    assert_eq!(
        (text.as_str(), reason.as_str()),
        ("a harsh-word", "end_turn")
    );
    assert_eq!(trace["actionReason"], "No action.");
    let (_, reason, trace) = both(
        "a listed-word",
        &guarded("hi", &json!({"trace": "disabled"})),
    )
    .await;
    assert_eq!(
        (reason.as_str(), trace),
        ("guardrail_intervened", Value::Null)
    );
}

#[tokio::test]
async fn an_asynchronous_guardrail_lets_text_out_first() {
    let body = guarded("hi", &json!({"streamProcessingMode": "async"}));
    let check = async |said: &str, reason: &str| {
        let sim = start(Answer::text(said)).await;
        let events = events(&post(&sim, "converse-stream", &body).await);
        assert_eq!(
            (
                joined(&events, "/delta/text"),
                joined(&events, "/stopReason")
            ),
            (said.to_owned(), reason.to_owned())
        );
    };
    check("a listed-word", "guardrail_intervened").await;
    check("at secret-address", "end_turn").await;
}

#[tokio::test]
async fn a_guardrail_must_exist_and_may_be_the_accounts() {
    let sim = start(Answer::text("x")).await;
    let raw = post(
        &sim,
        "converse",
        &guarded("hi", &json!({"guardrailVersion": "7"})),
    )
    .await;
    assert_eq!(
        (raw.status(), error_type(&raw)),
        (400, "ValidationException")
    );
    let law = Guardrail {
        enforced: true,
        ..Guardrail::default()
    };
    let options = BedrockOptions {
        guardrails: vec![law],
        ..BedrockOptions::default()
    };
    let sim = start_with(Answer::text("a listed-word"), options).await;
    let body = post(&sim, "converse", &hello()).await.json();
    assert_eq!(body["stopReason"], "guardrail_intervened");
}

#[tokio::test]
async fn thoughts_are_signed_and_counted_if_asked_for() {
    let sim = start(Answer::text("x")).await;
    let mut body = hello();
    body["additionalModelRequestFields"] =
        json!({"thinking": {"type": "enabled", "budget_tokens": 1024}});
    body["additionalModelResponseFieldPaths"] = json!(["/usage/output_tokens_details"]);
    let whole = post(&sim, "converse", &body).await.json();
    let thought = &whole["output"]["message"]["content"][0]["reasoningContent"]["reasoningText"];
    assert_eq!(
        thought["signature"],
        thinking::sign(thought["text"].as_str().unwrap())
    );
    let details = json!({"usage": {"output_tokens_details": {"thinking_tokens": 7}}});
    assert_eq!(whole["additionalModelResponseFields"], details);
    let events = events(&post(&sim, "converse-stream", &body).await);
    let stop = events
        .iter()
        .find(|(name, _)| name == "messageStop")
        .unwrap();
    assert_eq!(stop.1["additionalModelResponseFields"], details);
}

#[tokio::test]
async fn strange_events_and_words_are_told_as_scripted() {
    let sim = start(Answer::text("x")).await;
    sim.script().set_fault(Fault::UnknownEvents);
    let told = events(&post(&sim, "converse-stream", &hello()).await);
    assert!(names(&told).contains(&"unheardOfEvent") && joined(&told, "/delta/text") == "x");
    sim.script().set_fault(Fault::UnknownFinish {
        word: "bored".to_owned(),
    });
    assert_eq!(
        post(&sim, "converse", &hello()).await.json()["stopReason"],
        "bored"
    );
    sim.script().set_fault(Fault::NoEvents);
    let raw = post(&sim, "converse-stream", &hello()).await;
    assert_eq!((raw.status(), raw.body.len(), raw.whole), (200, 0, true));
}
