//! Whole answers as data.

use super::*;
use crate::translate::Names;

/// An answer of these blocks.
pub(super) fn response(content: &Value, stop_reason: &str) -> Value {
    json!({"output": {"message": {"role": "assistant", "content": content}}, "stopReason": stop_reason,
           "usage": {"inputTokens": 10, "outputTokens": 2, "totalTokens": 17, "cacheReadInputTokens": 5,
                     "serverToolUsage": {}}, "metrics": {"latencyMs": 1}, "p": "abc"})
}

#[track_caller]
fn check(
    reply: &Reply,
    content: Value,
    stop: &str,
    expected: Result<(Value, Value, &str), AnswerError>,
    losses: &[LossKind],
) {
    let found = answered(&response(&content, stop), reply, stamp());
    match (found, expected) {
        (Ok((body, found_losses)), Ok((text, calls, finish))) => {
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
            assert_eq!(found_losses, losses);
        }
        (Err(found), Err(expected)) => assert_eq!(found, expected),
        (found, expected) => panic!("{found:?} is not {expected:?}"),
    }
}

#[test]
fn the_body_is_the_primary_s_to_the_byte() {
    let mut stamp = stamp();
    stamp.annotations = Annotations::NotRun;
    let response = response(&json!([{"text": "Hi"}]), "end_turn");
    let response: Response = serde_json::from_value(response).unwrap();
    let (body, ..) = run_stamped(&Reply::default(), stamp, events(response).unwrap());
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
    assert_eq!(String::from_utf8(body).unwrap(), expected);
}

/// What is said by text alone, and ends by itself.
#[track_caller]
fn says(content: Value, text: &str, losses: &[LossKind]) {
    let expected = Ok((json!(text), json!([]), "stop"));
    check(&Reply::default(), content, "end_turn", expected, losses);
}

#[test]
fn pieces_become_one_message_edges_40_41() {
    use LossKind::{BlockDropped, ReasoningHidden};
    says(json!([]), "", &[]);
    says(json!([{"text": "a"}, {"text": "b"}]), "ab", &[]);
    let thought = json!({"reasoningContent": {"reasoningText": {"text": "hm"}}});
    says(json!([thought, {"text": "a"}]), "a", &[ReasoningHidden]);
    let cited = |citations: Value| json!([{"citationsContent": {"content": [{"text": "a"}, {"text": "b"}], "citations": citations}}]);
    says(cited(json!([])), "ab", &[]);
    let page = json!({"documentPage": {"documentIndex": 0, "start": 1, "end": 2}});
    let citations = json!([{"title": "t", "location": page}]);
    says(cited(citations), "ab", &[BlockDropped]);
    let served =
        json!({"toolUse": {"toolUseId": "t", "name": "f", "input": {}, "type": "server_tool_use"}});
    says(json!([served, {"text": "a"}]), "a", &[BlockDropped]);
    says(
        json!([{"hologram": {}}, {"text": "a"}]),
        "a",
        &[BlockDropped],
    );
}

#[test]
fn calls_stand_beside_the_text_edges_40_48() {
    let use_of = |kind: Value| {
        let mut call =
            json!({"toolUse": {"toolUseId": "tooluse_1", "name": "f", "input": {"b": 1, "a": 2}}});
        if !kind.is_null() {
            call["toolUse"]["type"] = kind;
        }
        call
    };
    let calls = |content: Value, reason: &str, text: Value| {
        let called = json!([["f", "{\"b\":1,\"a\":2}"]]);
        let expected = Ok((text, called, "tool_calls"));
        check(&Reply::default(), content, reason, expected, &[]);
    };
    let plain = use_of(Value::Null);
    calls(json!([plain]), "tool_use", Value::Null);
    calls(
        json!([{"text": "Let me."}, plain]),
        "tool_use",
        json!("Let me."),
    );
    calls(json!([use_of(json!("tool_use"))]), "tool_use", Value::Null);
    // Bug 21: the calls decide.
    calls(json!([plain]), "end_turn", Value::Null);
}

#[test]
fn ends_edge_43() {
    let ends = |said: bool, reason: &str, expected: Result<&str, AnswerError>| {
        let content = if said {
            json!([{"text": "a"}])
        } else {
            json!([])
        };
        let text = if said { json!("a") } else { Value::Null };
        let losses: &[LossKind] = match (reason, &expected) {
            ("something_new", Ok(_)) => &[LossKind::StopReasonUnknown],
            _ => &[],
        };
        let expected = expected.map(|finish| (text, json!([]), finish));
        check(&Reply::default(), content, reason, expected, losses);
    };
    ends(true, "stop_sequence", Ok("stop"));
    ends(true, "max_tokens", Ok("length"));
    ends(true, "model_context_window_exceeded", Ok("length"));
    let full = Err(AnswerError::ContextFull);
    ends(false, "model_context_window_exceeded", full);
    ends(true, "content_filtered", Ok("content_filter"));
    ends(true, "refusal", Ok("content_filter"));
    ends(false, "refusal", Ok("content_filter"));
    ends(true, "malformed_model_output", Err(AnswerError::Malformed));
    ends(true, "malformed_tool_use", Err(AnswerError::Malformed));
    ends(true, "something_new", Ok("stop"));
    ends(false, "something_new", Err(AnswerError::UnknownEnd));
    // Bug 27: a guardrail that does not say what it did is a block.
    ends(true, "guardrail_intervened", Ok("content_filter"));
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
        &[LossKind::JsonUnwrapped],
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
    let two = response(&json!([call("f"), call("f")]), "tool_use");
    let (body, _) = answered(&two, &Reply::default(), stamp()).unwrap();
    let calls = body["choices"][0]["message"]["tool_calls"].clone();
    let ids: Vec<&str> = [&calls[0], &calls[1]]
        .map(|call| call["id"].as_str().unwrap())
        .into();
    assert!(
        ids[0] != ids[1]
            && ids
                .iter()
                .all(|id| id.starts_with("call_") && id.len() == 29)
    );
}

#[test]
fn an_answer_without_a_message_is_none_edge_42() {
    let none = answered(&json!({"message": "slow down"}), &Reply::default(), stamp());
    assert_eq!(none, Err(AnswerError::Missing));
}

#[test]
fn an_answer_over_the_limit_is_none() {
    let long = "x".repeat((1 << 20) + 1);
    let found = answered(
        &response(&json!([{"text": long}]), "end_turn"),
        &Reply::default(),
        stamp(),
    );
    assert_eq!(found, Err(AnswerError::TooLarge));
}

#[test]
fn pages_of_the_web_are_annotations_edge_41() {
    let cited = json!([{"text": "So: "}, {"citationsContent": {"content": [{"text": "rain"}], "citations": [
        {"title": "Oslo", "source": "s", "location": {"web": {"url": "https://a.test/", "domain": "a.test"}}}]}}]);
    let (body, losses) =
        answered(&response(&cited, "end_turn"), &Reply::default(), stamp()).unwrap();
    let message = &body["choices"][0]["message"];
    assert_eq!(message["content"], "So: rain");
    let expected = json!([{"type": "url_citation", "url_citation":
        {"end_index": 8, "start_index": 4, "title": "Oslo", "url": "https://a.test/"}}]);
    assert_eq!((&message["annotations"], losses), (&expected, vec![]));
}

#[test]
fn older_functions_are_answered_in_their_form() {
    let call = |name: &str| json!({"toolUse": {"toolUseId": "t", "name": name, "input": {"a": 1}}});
    let reply = Reply {
        functions: true,
        ..Reply::default()
    };
    let two = response(&json!([call("f"), call("g")]), "tool_use");
    let (body, losses) = answered(&two, &reply, stamp()).unwrap();
    let choice = &body["choices"][0];
    assert_eq!(choice["finish_reason"], "function_call");
    let expected = json!({"annotations": [], "content": null,
        "function_call": {"arguments": "{\"a\":1}", "name": "f"}, "refusal": null, "role": "assistant"});
    assert_eq!(choice["message"], expected);
    assert_eq!(losses, [LossKind::ToolCallsTrimmed]);
}

#[test]
fn custom_tools_get_their_bare_text() {
    let check = |arguments: Value, expected: &str| {
        let call = json!({"toolUse": {"toolUseId": "t", "name": "sql", "input": arguments}});
        let reply = Reply {
            custom: ["sql".to_owned()].into(),
            ..Reply::default()
        };
        let (body, _) = answered(&response(&json!([call]), "tool_use"), &reply, stamp()).unwrap();
        let call = &body["choices"][0]["message"]["tool_calls"][0];
        assert_eq!(call["custom"], json!({"input": expected, "name": "sql"}));
        assert_eq!(
            (&call["type"], call.get("function")),
            (&json!("custom"), None)
        );
    };
    check(json!({"input": "SELECT 1"}), "SELECT 1");
    check(json!({"query": "SELECT 1"}), "{\"query\":\"SELECT 1\"}");
    check(json!({"input": 1}), "{\"input\":1}");
}

#[test]
fn calls_written_as_text_become_calls_edge_28() {
    let reply = Reply {
        calls_as_text: ["rain".to_owned(), "j".to_owned()].into(),
        ..Reply::default()
    };
    let call = |name: &str| json!([{"text": format!("{{\"name\": \"{name}\", \"parameters\": {{\"c\": 1}}}}")}]);
    let calls = json!([["rain", "{\"c\":1}"]]);
    check(
        &reply,
        call("rain"),
        "end_turn",
        Ok((Value::Null, calls, "tool_calls")),
        &[LossKind::ToolCallFromText],
    );
    let other = "{\"name\": \"snow\", \"parameters\": {\"c\": 1}}";
    check(
        &reply,
        call("snow"),
        "end_turn",
        Ok((json!(other), json!([]), "stop")),
        &[],
    );
    // The JSON tool's own call may be written as text too.
    let json_reply = Reply {
        json_tool: Some("j".to_owned()),
        ..reply
    };
    check(
        &json_reply,
        call("j"),
        "end_turn",
        Ok((json!("{\"c\":1}"), json!([]), "stop")),
        &[LossKind::ToolCallFromText],
    );
}

#[test]
fn reasoning_tokens_are_shown_edge_45() {
    let check = |additional: Value, expected: u64| {
        let mut response = response(&json!([{"text": "a"}]), "end_turn");
        response["usage"]["outputTokens"] = json!(50);
        response["additionalModelResponseFields"] = additional;
        let (body, _) = answered(&response, &Reply::default(), stamp()).unwrap();
        let usage = &body["usage"];
        assert_eq!(
            usage["completion_tokens_details"]["reasoning_tokens"],
            expected
        );
        assert_eq!(usage["completion_tokens"], 50);
    };
    check(
        json!({"usage": {"output_tokens_details": {"thinking_tokens": 33}}}),
        33,
    );
    check(json!({"output_tokens_details": {"reasoning_tokens": 7}}), 7);
    check(
        json!({"usage": {"output_tokens_details": {"thinking_tokens": 900}}}),
        50,
    );
    check(json!({"usage": {}}), 0);
    check(Value::Null, 0);
}
