//! Whole answers as data, whole or collected from a stream.

use crossfade_exchange::LossKind;
use crossfade_openai::{chat, error::AzureError};
use serde_json::{Value, json};

use super::super::{AnswerError, Answered, Collector, Fault, Reply, Stamp, Whole, answer};
use crate::{converse::Response, settings::Annotations, translate::Names};

pub(super) fn stamp() -> Stamp {
    Stamp {
        head: chat::Head {
            id: "chatcmpl-1".to_owned(),
            created: 7,
            model: "gpt-x-2026".to_owned(),
            fingerprint: Some("fp_1".to_owned()),
        },
        annotations: Annotations::Absent,
        seed: [0; 32],
    }
}

/// An answer of these blocks.
pub(super) fn response(content: &Value, stop_reason: &str) -> Value {
    json!({"output": {"message": {"role": "assistant", "content": content}}, "stopReason": stop_reason,
           "usage": {"inputTokens": 10, "outputTokens": 2, "totalTokens": 17, "cacheReadInputTokens": 5,
                     "serverToolUsage": {}}, "metrics": {"latencyMs": 1}, "p": "abc"})
}

fn whole(response: &Value) -> Result<Whole, AnswerError> {
    let response: Response = serde_json::from_value(response.clone()).unwrap();
    Whole::try_from(response)
}

fn answered(response: &Value, reply: &Reply) -> Result<Answered, AnswerError> {
    answer(whole(response)?, reply, &stamp())
}

#[track_caller]
fn check(
    reply: &Reply,
    content: Value,
    stop: &str,
    expected: Result<(Value, Value, &str), AnswerError>,
    losses: &[LossKind],
) {
    let found = answered(&response(&content, stop), reply);
    match (found, expected) {
        (Ok(found), Ok((text, calls, finish))) => {
            let body: Value = serde_json::from_slice(&found.completion.to_body()).unwrap();
            let choice = &body["choices"][0];
            assert_eq!(choice["message"]["content"], text);
            let shown: Vec<Value> = choice["message"]["tool_calls"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|call| json!([call["function"]["name"], call["function"]["arguments"]]))
                .collect();
            assert_eq!(json!(shown), calls);
            assert_eq!(choice["finish_reason"], finish);
            assert_eq!(
                found
                    .losses
                    .iter()
                    .map(|loss| loss.kind)
                    .collect::<Vec<_>>(),
                losses
            );
        }
        (Err(found), Err(expected)) => assert_eq!(found, expected),
        (found, expected) => panic!("{found:?} is not {expected:?}"),
    }
}

#[test]
fn the_body_is_the_primary_s_to_the_byte() {
    let mut stamp = stamp();
    stamp.annotations = Annotations::NotRun;
    let whole = whole(&response(&json!([{"text": "Hi"}]), "end_turn")).unwrap();
    let found = answer(whole, &Reply::default(), &stamp).unwrap();
    let not_run =
        r#"{"error":{"code":"content_filter_error","message":"The contents are not filtered"}}"#;
    let expected = format!(
        concat!(
            r#"{{"choices":[{{"content_filter_results":{0},"finish_reason":"stop","index":0,"logprobs":null,"#,
            r#""message":{{"annotations":[],"content":"Hi","refusal":null,"role":"assistant"}}}}],"created":7,"#,
            r#""id":"chatcmpl-1","model":"gpt-x-2026","object":"chat.completion","prompt_filter_results":"#,
            r#"[{{"prompt_index":0,"content_filter_results":{0}}}],"system_fingerprint":"fp_1","#,
            r#""usage":{{"completion_tokens":2,"completion_tokens_details":{{"accepted_prediction_tokens":0,"#,
            r#""audio_tokens":0,"reasoning_tokens":0,"rejected_prediction_tokens":0}},"prompt_tokens":15,"#,
            r#""prompt_tokens_details":{{"audio_tokens":0,"cached_tokens":5}},"total_tokens":17}}}}"#,
            "\n"
        ),
        not_run
    );
    assert_eq!(
        String::from_utf8(found.completion.to_body().to_vec()).unwrap(),
        expected
    );
}

#[test]
fn pieces_become_one_message_edges_40_41() {
    use LossKind::BlockDropped;
    let plain = Reply::default();
    let none = json!([]);
    check(
        &plain,
        json!([{"text": "a"}, {"text": "b"}]),
        "end_turn",
        Ok((json!("ab"), none.clone(), "stop")),
        &[],
    );
    let reasoned = json!([{"reasoningContent": {"reasoningText": {"text": "hm"}}}, {"text": "a"}]);
    check(
        &plain,
        reasoned,
        "end_turn",
        Ok((json!("a"), none.clone(), "stop")),
        &[],
    );
    let cited =
        json!([{"citationsContent": {"content": [{"text": "a"}, {"text": "b"}], "citations": []}}]);
    check(
        &plain,
        cited,
        "end_turn",
        Ok((json!("ab"), none.clone(), "stop")),
        &[BlockDropped],
    );
    let tool =
        json!({"toolUse": {"toolUseId": "tooluse_1", "name": "f", "input": {"b": 1, "a": 2}}});
    let calls = json!([["f", "{\"b\":1,\"a\":2}"]]);
    check(
        &plain,
        json!([tool]),
        "tool_use",
        Ok((Value::Null, calls.clone(), "tool_calls")),
        &[],
    );
    check(
        &plain,
        json!([{"text": "Let me."}, tool]),
        "tool_use",
        Ok((json!("Let me."), calls.clone(), "tool_calls")),
        &[],
    );
    let typed = json!([{"toolUse": {"toolUseId": "t", "name": "f", "input": {"b": 1, "a": 2}, "type": "tool_use"}}]);
    check(
        &plain,
        typed,
        "tool_use",
        Ok((Value::Null, calls.clone(), "tool_calls")),
        &[],
    );
    // Bug 21: the calls decide.
    check(
        &plain,
        json!([tool]),
        "end_turn",
        Ok((Value::Null, calls, "tool_calls")),
        &[],
    );
    let served = json!([{"toolUse": {"toolUseId": "t", "name": "f", "input": {}, "type": "server_tool_use"}}, {"text": "a"}]);
    check(
        &plain,
        served,
        "end_turn",
        Ok((json!("a"), none.clone(), "stop")),
        &[BlockDropped],
    );
    check(
        &plain,
        json!([{"hologram": {}}, {"text": "a"}]),
        "end_turn",
        Ok((json!("a"), none.clone(), "stop")),
        &[BlockDropped],
    );
    check(
        &plain,
        json!([]),
        "end_turn",
        Ok((json!(""), none, "stop")),
        &[],
    );
}

#[test]
fn ends_edge_43() {
    let plain = Reply::default();
    let text = || json!([{"text": "a"}]);
    let ok = |finish| Ok((json!("a"), json!([]), finish));
    check(&plain, text(), "stop_sequence", ok("stop"), &[]);
    check(&plain, text(), "max_tokens", ok("length"), &[]);
    check(
        &plain,
        text(),
        "model_context_window_exceeded",
        ok("length"),
        &[],
    );
    check(
        &plain,
        json!([]),
        "model_context_window_exceeded",
        Err(AnswerError::ContextFull),
        &[],
    );
    check(
        &plain,
        text(),
        "content_filtered",
        ok("content_filter"),
        &[],
    );
    check(&plain, text(), "refusal", ok("content_filter"), &[]);
    check(
        &plain,
        text(),
        "malformed_model_output",
        Err(AnswerError::Malformed),
        &[],
    );
    check(
        &plain,
        text(),
        "malformed_tool_use",
        Err(AnswerError::Malformed),
        &[],
    );
    check(
        &plain,
        text(),
        "something_new",
        ok("stop"),
        &[LossKind::StopReasonUnknown],
    );
    check(
        &plain,
        json!([]),
        "something_new",
        Err(AnswerError::UnknownEnd),
        &[],
    );
    // Bug 27: a guardrail that does not say what it did is a block.
    check(
        &plain,
        text(),
        "guardrail_intervened",
        ok("content_filter"),
        &[],
    );
}

#[test]
fn a_guardrail_s_trace_decides() {
    let check = |trace: Value, expected: Result<(Value, &str), AnswerError>| {
        let mut response = response(
            &json!([{"text": "Live at {ADDRESS}"}]),
            "guardrail_intervened",
        );
        response["trace"] = json!({ "guardrail": trace });
        let found = answered(&response, &Reply::default()).map(|found| {
            let body: Value = serde_json::from_slice(&found.completion.to_body()).unwrap();
            let choice = &body["choices"][0];
            (
                choice["message"]["content"].clone(),
                choice["finish_reason"].as_str().unwrap().to_owned(),
            )
        });
        assert_eq!(
            found,
            expected.map(|(text, finish)| (text, finish.to_owned()))
        );
    };
    let masked = json!({"g": [{"sensitiveInformationPolicy": {"piiEntities": [{"type": "ADDRESS", "action": "ANONYMIZED"}]}}]});
    check(
        json!({"outputAssessments": masked}),
        Ok((json!("Live at {ADDRESS}"), "stop")),
    );
    let blocked =
        json!({"topicPolicy": {"topics": [{"name": "n", "type": "DENY", "action": "BLOCKED"}]}});
    check(
        json!({"outputAssessments": {"g": [blocked]}}),
        Ok((Value::Null, "content_filter")),
    );
    check(
        json!({"inputAssessment": {"g": blocked}}),
        Err(AnswerError::PromptBlocked),
    );
    let problem = Fault::from(super::super::FaultKind::from(AnswerError::PromptBlocked)).problem();
    assert_eq!(
        (problem.error, problem.failover),
        (AzureError::content_filter(&json!({})), None)
    );
}

#[test]
fn json_by_a_tool_becomes_text_edge_30() {
    use LossKind::BlockDropped;
    let reply = Reply {
        json_tool: Some("j".to_owned()),
        ..Reply::default()
    };
    let json_call = json!({"toolUse": {"toolUseId": "t", "name": "j", "input": {"a": 1}}});
    let real = json!({"toolUse": {"toolUseId": "u", "name": "f", "input": {}}});
    let text = json!({"text": "Sure."});
    let json_text = json!("{\"a\":1}");
    let none = json!([]);
    check(
        &reply,
        json!([json_call]),
        "tool_use",
        Ok((json_text.clone(), none.clone(), "stop")),
        &[],
    );
    check(
        &reply,
        json!([text, json_call]),
        "tool_use",
        Ok((json_text, none.clone(), "stop")),
        &[BlockDropped],
    );
    let calls = json!([["f", "{}"]]);
    check(
        &reply,
        json!([real, json_call]),
        "tool_use",
        Ok((Value::Null, calls, "tool_calls")),
        &[BlockDropped],
    );
    check(
        &reply,
        json!([{"text": "```json\n{}\n```"}]),
        "end_turn",
        Ok((json!("{}"), none, "stop")),
        &[],
    );
}

#[test]
fn names_and_counts_of_calls() {
    let mut names = Names::default();
    let (target, _) = names.to_target("get weather");
    let call = |name: &str| json!({"toolUse": {"toolUseId": "t", "name": name, "input": {}}});
    let reply = Reply {
        names,
        one_call: true,
        ..Reply::default()
    };
    let calls = json!([["get weather", "{}"]]);
    let expected = Ok((Value::Null, calls, "tool_calls"));
    check(
        &reply,
        json!([call(&target), call("f")]),
        "tool_use",
        expected,
        &[LossKind::ToolCallsTrimmed],
    );
    let two = answered(
        &response(&json!([call("f"), call("f")]), "tool_use"),
        &Reply::default(),
    )
    .unwrap();
    let ids: Vec<String> = two
        .completion
        .message()
        .unwrap()
        .tool_calls()
        .iter()
        .map(|c| c.id.clone())
        .collect();
    assert!(
        ids[0] != ids[1]
            && ids
                .iter()
                .all(|id| id.starts_with("call_") && id.len() == 29)
    );
}

#[test]
fn an_answer_without_a_message_is_none_edge_42() {
    assert_eq!(
        answered(&json!({"message": "slow down"}), &Reply::default()),
        Err(AnswerError::Missing)
    );
    assert_eq!(Collector::new(10).finish(), Err(AnswerError::Unfinished));
}
