//! Cases for chat completions' bodies.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn head() -> Head {
    Head {
        id: "chatcmpl-1".to_owned(),
        created: 7,
        model: "gpt-4.1-mini-2025-04-14".to_owned(),
        fingerprint: Some("fp_0".to_owned()),
    }
}

fn counts() -> TokenCounts {
    TokenCounts {
        prompt: 8,
        completion: 1,
        ..TokenCounts::default()
    }
}

const USAGE: &str = concat!(
    r#"{"completion_tokens":1,"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"#,
    r#""reasoning_tokens":0,"rejected_prediction_tokens":0},"prompt_tokens":8,"prompt_tokens_details":"#,
    r#"{"audio_tokens":0,"cached_tokens":0},"total_tokens":9}"#,
);

#[test]
fn a_whole_answer_has_azures_form() {
    let check = |completion: Completion, expected: String| {
        let body = completion.to_body();
        assert_eq!(std::str::from_utf8(&body).unwrap(), expected);
        assert_eq!(Completion::from_slice(&body).unwrap(), completion);
    };
    check(
        head()
            .completion(
                AnswerMessage::text("Hi"),
                FinishReason::Stop,
                counts().into(),
            )
            .with_filter_results(json!({}), &content_filter_not_run()),
        format!(
            r#"{{"choices":[{{"content_filter_results":{{"error":{{"code":"content_filter_error","message":"The contents are not filtered"}}}},"finish_reason":"stop","index":0,"logprobs":null,"message":{{"annotations":[],"content":"Hi","refusal":null,"role":"assistant"}}}}],"created":7,"id":"chatcmpl-1","model":"gpt-4.1-mini-2025-04-14","object":"chat.completion","prompt_filter_results":[{{"prompt_index":0,"content_filter_results":{{}}}}],"system_fingerprint":"fp_0","usage":{USAGE}}}
"#
        ),
    );
    check(
        Head {
            fingerprint: None,
            ..head()
        }
        .completion(
            AnswerMessage::calls(vec![ToolCall::function("call_1", "f", "{}")]),
            FinishReason::ToolCalls,
            counts().into(),
        ),
        format!(
            r#"{{"choices":[{{"finish_reason":"tool_calls","index":0,"logprobs":null,"message":{{"annotations":[],"content":null,"refusal":null,"role":"assistant","tool_calls":[{{"function":{{"arguments":"{{}}","name":"f"}},"id":"call_1","type":"function"}}]}}}}],"created":7,"id":"chatcmpl-1","model":"gpt-4.1-mini-2025-04-14","object":"chat.completion","system_fingerprint":null,"usage":{USAGE}}}
"#
        ),
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn chunks_have_azures_form() {
    let check = |chunk: &Chunk, expected: &str| {
        let event = chunk.to_event();
        assert_eq!(
            std::str::from_utf8(&event).unwrap(),
            format!("data: {expected}\n\n")
        );
        assert_eq!(&serde_json::from_str::<Chunk>(expected).unwrap(), chunk);
    };
    let tail = r#""created":7,"id":"chatcmpl-1","model":"gpt-4.1-mini-2025-04-14","object":"chat.completion.chunk","system_fingerprint":"fp_0""#;
    let choice = |delta: &str, filter: &str, finish: &str| {
        format!(
            r#"{{"choices":[{{"content_filter_results":{filter},"delta":{delta},"finish_reason":{finish},"index":0,"logprobs":null}}],{tail},"usage":null}}"#
        )
    };
    let chunks = ChunkBuilder {
        head: head(),
        include_usage: true,
    };
    check(
        &chunks.prompt_filter(json!({"hate": {}})),
        r#"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{}}}]}"#,
    );
    check(
        &chunks.role(),
        &choice(
            r#"{"content":"","refusal":null,"role":"assistant"}"#,
            "{}",
            "null",
        ),
    );
    check(
        &chunks.role_with_tool_call("call_1", "f"),
        &choice(
            r#"{"content":null,"refusal":null,"role":"assistant","tool_calls":[{"function":{"arguments":"","name":"f"},"id":"call_1","index":0,"type":"function"}]}"#,
            "{}",
            "null",
        ),
    );
    check(
        &chunks.text("é\n", json!({"a": 1})),
        &choice(r#"{"content":"é\n"}"#, r#"{"a":1}"#, "null"),
    );
    check(
        &chunks.refusal("no"),
        &choice(r#"{"refusal":"no"}"#, "{}", "null"),
    );
    check(
        &chunks.tool_call_start(1, "call_2", "g"),
        &choice(
            r#"{"tool_calls":[{"function":{"arguments":"","name":"g"},"id":"call_2","index":1,"type":"function"}]}"#,
            "{}",
            "null",
        ),
    );
    check(
        &chunks.tool_arguments(1, "{\"a"),
        &choice(
            r#"{"tool_calls":[{"function":{"arguments":"{\"a"},"index":1}]}"#,
            "{}",
            "null",
        ),
    );
    check(
        &chunks.finish(FinishReason::Length),
        &choice("{}", "{}", r#""length""#),
    );
    check(
        &chunks.usage(counts().into()).unwrap(),
        &format!(r#"{{"choices":[],{tail},"usage":{USAGE}}}"#),
    );

    let without = ChunkBuilder {
        include_usage: false,
        ..chunks
    };
    assert_eq!(without.usage(counts().into()), None);
    check(
        &without.finish(FinishReason::ContentFilter),
        &format!(
            r#"{{"choices":[{{"content_filter_results":{{}},"delta":{{}},"finish_reason":"content_filter","index":0,"logprobs":null}}],{tail}}}"#
        ),
    );
    let padded = Chunk {
        obfuscation: Some("xy".to_owned()),
        ..Chunk::default()
    };
    check(
        &padded,
        r#"{"choices":[],"created":0,"id":"","model":"","obfuscation":"xy","object":""}"#,
    );
}

#[test]
fn chunks_know_whether_they_have_content() {
    let chunks = ChunkBuilder {
        head: head(),
        include_usage: false,
    };
    let check = |chunk: Chunk, expected: bool| assert_eq!(chunk.has_content(), expected);
    check(chunks.prompt_filter(json!({})), false);
    check(chunks.role(), false);
    check(chunks.role_with_tool_call("a", "f"), true);
    check(chunks.text("", json!({})), false);
    check(chunks.text("a", json!({})), true);
    check(chunks.refusal("a"), true);
    check(chunks.finish(FinishReason::Stop), false);
}

#[test]
fn usage_both_ways() {
    let counts = TokenCounts {
        prompt: 100,
        cached: 60,
        cache_write: 0,
        completion: 20,
        reasoning: 5,
    };
    let usage = Usage::from(counts);
    assert_eq!(usage.total_tokens, 120);
    assert_eq!(usage.counts(), counts);
    let read = |text: &str| serde_json::from_str::<Usage>(text).unwrap().counts();
    assert_eq!(
        read(
            r#"{"prompt_tokens":3,"completion_tokens":null,"prompt_tokens_details":{"cached_tokens":1,"cache_write_tokens":2}}"#
        ),
        TokenCounts {
            prompt: 3,
            cached: 1,
            cache_write: 2,
            completion: 0,
            reasoning: 0
        }
    );
    assert_eq!(read("{}"), TokenCounts::default());
}

/// Requests that come back as they were, unknown fields included.
#[test]
fn requests_round_trip() {
    let check = |body: Value| {
        let request = Request::from_slice(body.to_string().as_bytes()).unwrap();
        assert_eq!(serde_json::to_value(&request).unwrap(), body);
        request
    };
    check(json!({"messages": []}));
    let request = check(json!({
        "model": "m", "messages": [
            {"role": "system", "content": "a", "x": 1},
            {"role": "developer", "content": [{"type": "text", "text": "b", "y": {}}]},
            {"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "https://x", "detail": "low", "q": 1}},
                {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "hologram", "hologram": 3},
                {"type": "text", "text": 5},
                "bare",
            ], "name": "n"},
            {"role": "assistant", "content": "c", "tool_calls": [
                {"custom": {"input": "i", "name": "g"}, "id": "2", "type": "custom"},
                {"function": {"arguments": "{", "name": "f", "z": 1}, "id": "1", "type": "function", "extra": 1},
                {"id": "3", "type": "hologram", "hologram": {}},
            ], "context": {"citations": []}},
            {"role": "tool", "content": "r", "tool_call_id": "1"},
            {"role": "function", "content": "r", "name": "f"},
            {"role": "critic", "content": 1},
            {"content": "no role"},
            7,
        ],
        "stop": ["a", "b"], "temperature": 0.5, "seed": -1, "logit_bias": {"1": -100}, "n": 1,
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}, "strict": true}},
        "tools": [
            {"type": "function", "function": {"name": "f", "parameters": {}, "strict": false}},
            {"type": "custom", "custom": {"name": "g", "format": {"type": "text"}}},
            {"type": "hologram"},
        ],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function"}]}},
        "stream": true, "stream_options": {"include_usage": true, "w": null},
        "data_sources": [{}], "something_new": {"deep": [1, null]},
    }));
    assert!(request.is_stream() && request.includes_usage());
    assert!(matches!(
        request.messages[6..],
        [Message::Other(_), Message::Other(_), Message::Other(_)]
    ));
    assert_eq!(request.other.keys().collect::<Vec<_>>(), ["something_new"]);
}

#[test]
fn choices_and_formats_are_told_apart() {
    let request = |field: &str, value: Value| {
        let body = json!({"messages": [], field: value});
        Request::from_slice(body.to_string().as_bytes()).unwrap()
    };
    let choice = |value: Value| request("tool_choice", value).tool_choice.unwrap();
    assert_eq!(
        choice(json!("none")),
        ToolChoice::Mode(ToolChoiceMode::None)
    );
    assert_eq!(
        choice(json!("required")),
        ToolChoice::Mode(ToolChoiceMode::Required)
    );
    assert!(matches!(choice(json!("any")), ToolChoice::Other(_)));
    assert!(matches!(
        choice(json!({"type": "mcp"})),
        ToolChoice::Other(_)
    ));
    assert!(matches!(
        choice(json!({"type": "function", "function": {"name": "f"}})),
        ToolChoice::Named(NamedToolChoice::Function(choice)) if choice.function.name == "f"
    ));
    let format = |value: Value| request("response_format", value).response_format.unwrap();
    assert!(matches!(
        format(json!({"type": "text"})),
        ResponseFormat::Text(_)
    ));
    assert!(matches!(
        format(json!({"type": "json_object"})),
        ResponseFormat::JsonObject(_)
    ));
    assert!(matches!(
        format(json!({"type": "json_schema"})),
        ResponseFormat::Other(_)
    ));
    assert!(matches!(format(json!("auto")), ResponseFormat::Other(_)));
    let stop = |value: Value| request("stop", value).stop.unwrap();
    assert_eq!(stop(json!("a")).sequences(), ["a"]);
    assert_eq!(stop(json!(["a", "b"])).sequences(), ["a", "b"]);
    assert_eq!(request("stop", Value::Null).stop, None);
    assert_eq!(request("max_tokens", json!(5)).token_limit(), Some(5));
}

#[test]
fn bad_requests_name_the_field_and_not_the_value() {
    let check = |body: &str, expected: &str| {
        let error = Request::from_slice(body.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{body}: {error}");
        assert!(!error.contains("secret"), "{body}: {error}");
    };
    check("", "line 1, column 0");
    check("{\"messages\": [secret", "line 1, column 15");
    check("[\"secret\"]", "object");
    check("{}", "messages");
    check(r#"{"messages": "secret"}"#, "messages");
    check(
        r#"{"messages": [], "temperature": "secret"}"#,
        "temperature",
    );
    check(r#"{"secret": 1, "messages": [], "stop": [1]}"#, "stop");
    check(r#"{"messages": [], "n": -1}"#, "n:");
    check(
        &format!("{{\"messages\":{}", "[".repeat(1_000)),
        "not valid json",
    );
}

#[test]
fn the_last_of_equal_keys_counts() {
    let request =
        Request::from_slice(br#"{"messages":[7],"model":"a","model":"b","messages":[]}"#).unwrap();
    assert_eq!(
        (request.model.as_deref(), request.messages.len()),
        (Some("b"), 0)
    );
}

#[test]
fn every_field_is_listed() {
    // A field that is not listed could not be named in an error.
    let mut body = Fields::new();
    for name in Request::FIELDS {
        body.insert((*name).to_owned(), json!([]));
    }
    for name in Request::FIELDS {
        let mut wrong = Fields::new();
        wrong.insert("messages".to_owned(), json!([]));
        wrong.insert((*name).to_owned(), json!({"messages": 1}));
        let known = Request::from_slice(Value::Object(wrong).to_string().as_bytes());
        assert!(
            known.is_err() || known.is_ok_and(|request| request.other.is_empty()),
            "{name}"
        );
    }
}

#[test]
fn words_that_are_not_known_are_kept() {
    let body = r#"{"choices":[{"finish_reason":"pause","index":0,"logprobs":null,"message":{"content":"a","refusal":null,"role":"assistant","tool_calls":[{"id":"1","type":"x"}],"mood":"good"},"more":1}],"created":0,"id":"","model":"","object":"","service_tier":null,"system_fingerprint":null,"latency_checkpoint":{"a":1}}"#;
    let completion = Completion::from_slice(body.as_bytes()).unwrap();
    let reason = completion.choices[0].finish_reason.as_ref().unwrap();
    assert_eq!(
        (reason, reason.known()),
        (&Open::Other("pause".to_owned()), None)
    );
    assert_eq!(
        String::from_utf8(completion.to_body().to_vec())
            .unwrap()
            .trim_end(),
        body
    );
}

/// Any JSON, often with the names and shapes of a request.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i16>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        "[a-z]{0,4}".prop_map(Value::from),
        proptest::sample::select(vec![
            "user",
            "assistant",
            "text",
            "function",
            "json_schema",
            "tool"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let names = [
            Request::FIELDS,
            &[
                "role",
                "content",
                "type",
                "text",
                "function",
                "name",
                "tool_call_id",
                "json_schema",
            ],
        ];
        let key = prop_oneof![proptest::sample::select(names.concat()), Just("unknown")];
        let object = proptest::collection::vec((key, inner.clone()), 0..6).prop_map(|pairs| {
            pairs
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<Value>()
        });
        prop_oneof![
            proptest::collection::vec(inner, 0..5).prop_map(Value::from),
            object
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in any::<Vec<u8>>()) {
        let _request = Request::from_slice(&body);
        let _completion = Completion::from_slice(&body);
        let _detail = crate::error::parse(&body);
    }

    #[test]
    fn any_json_is_read_or_refused(messages in json_value(), rest in json_value()) {
        let mut body = match rest {
            Value::Object(fields) => fields,
            other => Fields::from_iter([("other".to_owned(), other)]),
        };
        body.insert("messages".to_owned(), messages);
        let bytes = Value::Object(body).to_string();
        if let Ok(request) = Request::from_slice(bytes.as_bytes()) {
            let written = serde_json::to_vec(&request).unwrap();
            prop_assert_eq!(Request::from_slice(&written).unwrap(), request);
        }
        let _completion = Completion::from_slice(bytes.as_bytes());
    }

    #[test]
    fn unknown_fields_come_back(name in "x_[a-z]{1,8}", value in json_value()) {
        let mut body = Fields::from_iter([("messages".to_owned(), json!([{"role": "user", "content": "", &name: &value}]))]);
        body.insert(name, value);
        let body = Value::Object(body);
        let request = Request::from_slice(body.to_string().as_bytes()).unwrap();
        prop_assert_eq!(serde_json::to_value(&request).unwrap(), serde_json::from_str::<Value>(&body.to_string()).unwrap());
    }
}
