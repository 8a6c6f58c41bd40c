//! What is read is what was written, and what is written has Azure's form.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::chat::Open;

/// Azure's own body of April 2026, shortened in its content.
const AZURE: &str = r#"{
  "id": "resp_0d80ad9adad65fca0069f23d0c904c8194862acae4bd866cf5",
  "object": "response",
  "created_at": 1777483020,
  "status": "completed",
  "background": false,
  "completed_at": 1777483022,
  "content_filters": [
    {
      "blocked": false,
      "source_type": "prompt",
      "content_filter_raw": [],
      "content_filter_results": {
        "hate": {
          "filtered": false,
          "severity": "safe"
        }
      },
      "content_filter_offsets": {
        "start_offset": 0,
        "end_offset": 19017,
        "check_offset": 0
      }
    }
  ],
  "error": null,
  "frequency_penalty": 0.0,
  "incomplete_details": null,
  "instructions": null,
  "max_output_tokens": null,
  "max_tool_calls": null,
  "model": "chat-prod",
  "output": [
    {
      "id": "rs_0d80ad9adad65fca0069f23d0d8b8c8194b1a9ab61ddc3420d",
      "type": "reasoning",
      "summary": []
    },
    {
      "id": "msg_0d80ad9adad65fca0069f23d0e262081949c36d6cc1958eeed",
      "type": "message",
      "status": "completed",
      "content": [
        {
          "type": "output_text",
          "annotations": [],
          "logprobs": [],
          "text": "2 + 2 = 4."
        }
      ],
      "role": "assistant"
    },
    {
      "id": "fc_0a2fa1b539ba14ba00698c519ebab0819494302fc0b5c31440",
      "type": "function_call",
      "status": "completed",
      "arguments": "{\"location\":\"San Francisco\"}",
      "call_id": "call_YunNGbIwdVJ2i0y0Mybva4Pw",
      "name": "weather"
    }
  ],
  "parallel_tool_calls": true,
  "presence_penalty": 0.0,
  "previous_response_id": null,
  "prompt_cache_key": null,
  "prompt_cache_retention": null,
  "reasoning": {
    "effort": "medium",
    "summary": null
  },
  "safety_identifier": null,
  "service_tier": "default",
  "store": true,
  "temperature": 1.0,
  "text": {
    "format": {
      "type": "text"
    },
    "verbosity": "medium"
  },
  "tool_choice": "auto",
  "tools": [],
  "top_logprobs": 0,
  "top_p": 0.85,
  "truncation": "disabled",
  "usage": {
    "input_tokens": 4312,
    "input_tokens_details": {
      "cached_tokens": 0
    },
    "output_tokens": 28,
    "output_tokens_details": {
      "reasoning_tokens": 0
    },
    "total_tokens": 4340
  },
  "user": null,
  "metadata": {}
}"#;

#[test]
fn azures_body_is_written_as_it_was_read() {
    let response = Response::from_slice(AZURE.as_bytes()).unwrap();
    assert_eq!(std::str::from_utf8(&response.to_body()).unwrap(), AZURE);
    assert_eq!(response.status(), Some(Status::Completed));
    assert_eq!(response.text(), "2 + 2 = 4.");
    assert_eq!(response.refusal(), None);
    let counts = response.usage.value().unwrap().counts();
    assert_eq!((counts.prompt, counts.completion), (4312, 28));
}

/// An item is read as this variant, and written as it came.
fn item(value: &Value, is: fn(&Item) -> bool) {
    let item = Item::from(value.clone());
    assert!(is(&item), "{value} is read as {item:?}");
    assert_eq!(&serde_json::to_value(&item).unwrap(), value);
}

#[test]
fn items_are_read_by_their_type() {
    item(
        &json!({"id": "msg_1", "type": "message", "status": "completed", "content": [
            {"type": "output_text", "annotations": [], "logprobs": [], "text": "a"},
            {"type": "refusal", "refusal": "b"},
            {"type": "hologram", "x": 1}
        ], "role": "assistant"}),
        |item| matches!(item, Item::Message(_)),
    );
    item(
        &json!({"type": "message", "content": "a", "role": "critic"}),
        |item| matches!(item, Item::Message(message) if message.role == Open::Other("critic".into())),
    );
    item(
        &json!({"type": "message", "content": [
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "input_image", "detail": "low", "image_url": "data:image/png;base64,AA=="},
            {"type": "input_file", "file_data": "AA==", "filename": "a.pdf"},
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
        ], "role": "user"}),
        |item| matches!(item, Item::Message(message) if message.content.parts().iter().all(|part| !matches!(part, Part::Other(_)))),
    );
    item(
        &json!({"type": "function_call", "arguments": "{}", "call_id": "call_1", "name": "f", "namespace": "n"}),
        |item| matches!(item, Item::FunctionCall(_)),
    );
    item(
        &json!({"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "a"}]}),
        |item| matches!(item, Item::FunctionCallOutput(_)),
    );
    item(
        &json!({"id": "ctc_1", "type": "custom_tool_call", "status": "completed", "call_id": "call_1", "input": "x", "name": "f"}),
        |item| matches!(item, Item::CustomToolCall(_)),
    );
    item(
        &json!({"type": "custom_tool_call_output", "call_id": "call_1", "output": "x"}),
        |item| matches!(item, Item::CustomToolCallOutput(_)),
    );
    item(
        &json!({"id": "rs_1", "type": "reasoning", "content": [{"type": "reasoning_text", "text": "a"}], "encrypted_content": "g", "summary": [{"type": "summary_text", "text": "b"}]}),
        |item| matches!(item, Item::Reasoning(_)),
    );
    item(&json!({"id": "msg_1", "type": "item_reference"}), |item| {
        matches!(item, Item::ItemReference(_))
    });
    item(
        &json!({"id": "ws_1", "type": "web_search_call", "status": "completed"}),
        |item| matches!(item, Item::Other(_)) && item.id() == Some("ws_1"),
    );
    for other in [
        json!("text"),
        json!({"type": "message", "role": "user"}),
        json!({"type": 3, "role": "user", "content": "a"}),
        json!({"type": "foo", "role": "user", "content": "a"}),
        json!({"id": "msg_1", "text": "a"}),
    ] {
        item(&other, |item| matches!(item, Item::Other(_)));
    }
}

#[test]
fn a_type_may_be_missing() {
    let easy = Item::from(json!({"role": "user", "content": "a"}));
    assert!(matches!(&easy, Item::Message(message) if message.role == Open::Known(Role::User)));
    let null = Item::from(json!({"type": null, "role": "user", "content": "a"}));
    assert_eq!(easy, null);
    let reference = Item::from(json!({"id": "msg_1"}));
    assert!(matches!(reference, Item::ItemReference(_)));
}

/// A request is read, and written with nothing lost.
fn request(value: &Value) -> Request {
    let request = Request::from_slice(value.to_string().as_bytes()).unwrap();
    assert_eq!(&serde_json::to_value(&request).unwrap(), value);
    request
}

#[test]
fn requests_keep_all_their_fields() {
    let asked = request(&json!({
        "model": "chat-prod", "input": "hi", "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low", "generate_summary": "concise", "budget": 3},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": true}, "verbosity": "low"},
        "tools": [
            {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": false},
            {"type": "custom", "format": {"type": "text"}, "name": "c"},
            {"type": "web_search", "search_context_size": "low"}
        ],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        "conversation": {"id": "conv_1"}, "store": false, "stream": true,
        "stream_options": {"include_obfuscation": false}, "hologram": {"a": 1}
    }));
    assert!(asked.is_stream() && !asked.is_stored() && !asked.is_obfuscated());
    assert!(asked.includes_encrypted_reasoning());
    assert_eq!(asked.reasoning.unwrap().summary(), Some("concise"));
    assert!(matches!(
        asked.tools.as_deref(),
        Some([Tool::Function(_), Tool::Custom(_), Tool::Other(_)])
    ));
    let asked = request(&json!({"model": "m"}));
    assert!(asked.is_stored() && asked.is_obfuscated() && asked.items().is_empty());
    let choice = |value: Value| request(&json!({"tool_choice": value})).tool_choice.unwrap();
    assert!(matches!(choice(json!("required")), ToolChoice::Mode(_)));
    assert!(matches!(
        choice(json!({"type": "function", "name": "f"})),
        ToolChoice::Named(NamedToolChoice::Function(_))
    ));
    assert!(matches!(
        choice(json!({"type": "mcp"})),
        ToolChoice::Other(_)
    ));
}

#[test]
fn a_wrong_field_is_named_and_its_value_is_not() {
    for (body, message) in [
        (
            &b"{"[..],
            "the body is not valid json: see line 1, column 1",
        ),
        (
            b"[]",
            "the body is not a json object: send the request's fields in one object",
        ),
        (br#"{"input": 3}"#, "input: missing or of the wrong type"),
        (
            br#"{"input": "a", "store": "secret"}"#,
            "store: missing or of the wrong type",
        ),
        (
            br#"{"tools": {"secret": 1}}"#,
            "tools: missing or of the wrong type",
        ),
    ] {
        assert_eq!(Request::from_slice(body).unwrap_err().to_string(), message);
    }
}

/// An event's data is read as a known event, and written byte by byte.
fn event(data: &str) {
    let event = Event::from_data(data).unwrap();
    assert!(!matches!(event, Event::Other(_)), "{data}");
    assert_eq!(String::from_utf8(event.to_json()).unwrap(), data);
    assert!(data.contains(&format!(r#"{{"type":"{}","#, event.name())));
}

#[test]
fn events_are_written_as_azure_writes_them() {
    event(
        r#"{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"fc_1","type":"function_call","status":"in_progress","arguments":"","call_id":"call_1","name":"weather"}}"#,
    );
    event(
        r#"{"type":"response.function_call_arguments.delta","sequence_number":3,"item_id":"fc_1","output_index":0,"delta":"{\"","obfuscation":"nWru1sTmaAzi9O"}"#,
    );
    event(
        r#"{"type":"response.function_call_arguments.done","sequence_number":9,"item_id":"fc_1","output_index":0,"arguments":"{}"}"#,
    );
    event(
        r#"{"type":"response.content_part.added","sequence_number":7,"item_id":"msg_1","output_index":1,"content_index":0,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""}}"#,
    );
    event(
        r#"{"type":"response.output_text.delta","sequence_number":8,"item_id":"msg_1","output_index":1,"content_index":0,"delta":"Here","logprobs":[],"obfuscation":"ibL5UNoyJag2"}"#,
    );
    event(
        r#"{"type":"response.output_text.annotation.added","sequence_number":354,"item_id":"msg_1","output_index":1,"content_index":0,"annotation_index":0,"annotation":{"type":"url_citation","end_index":577,"start_index":458,"title":"t","url":"https://example.com"}}"#,
    );
    event(
        r#"{"type":"response.output_text.done","sequence_number":355,"item_id":"msg_1","output_index":1,"content_index":0,"text":"Here","logprobs":[]}"#,
    );
    event(
        r#"{"type":"response.content_part.done","sequence_number":356,"item_id":"msg_1","output_index":1,"content_index":0,"part":{"type":"refusal","refusal":"no"}}"#,
    );
    event(
        r#"{"type":"response.refusal.delta","sequence_number":8,"item_id":"msg_1","output_index":1,"content_index":0,"delta":"n"}"#,
    );
    event(
        r#"{"type":"response.refusal.done","sequence_number":8,"item_id":"msg_1","output_index":1,"content_index":0,"refusal":"no"}"#,
    );
    event(
        r#"{"type":"response.custom_tool_call_input.delta","sequence_number":3,"item_id":"ctc_1","output_index":0,"delta":"x","obfuscation":"n"}"#,
    );
    event(
        r#"{"type":"response.custom_tool_call_input.done","sequence_number":3,"item_id":"ctc_1","output_index":0,"input":"x"}"#,
    );
    event(
        r#"{"type":"response.reasoning_summary_part.added","sequence_number":3,"item_id":"rs_1","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}"#,
    );
    event(
        r#"{"type":"response.reasoning_summary_text.delta","sequence_number":4,"item_id":"rs_1","output_index":0,"summary_index":0,"delta":"a","obfuscation":"n"}"#,
    );
    event(
        r#"{"type":"response.reasoning_summary_text.done","sequence_number":4,"item_id":"rs_1","output_index":0,"summary_index":0,"text":"a"}"#,
    );
    event(
        r#"{"type":"error","sequence_number":4,"code":"server_error","message":"m","param":null}"#,
    );
}

#[test]
fn an_unknown_event_is_kept() {
    let data = r#"{"type":"response.hologram","sequence_number":1}"#;
    let event = Event::from_data(data).unwrap();
    assert_eq!(event.name(), "response.hologram");
    let mut stream = bytes::BytesMut::new();
    event.write(&mut stream);
    assert_eq!(
        std::str::from_utf8(&stream).unwrap(),
        format!("event: response.hologram\ndata: {data}\n\n")
    );
    let mut stream = bytes::BytesMut::new();
    Event::Other(json!({"type": "a\nb"})).write(&mut stream);
    assert_eq!(&stream[..], b"data: {\"type\":\"a\\nb\"}\n\n");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z_]{0,12}".prop_map(Value::from),
        Just(json!("message")),
        Just(json!("function_call")),
        Just(json!("output_text")),
    ];
    let key = prop_oneof![
        "[a-z]{1,4}",
        Just("type".to_owned()),
        Just("role".to_owned()),
        Just("content".to_owned()),
        Just("id".to_owned()),
        Just("name".to_owned()),
        Just("input".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reading_never_panics_and_is_stable(value in any_json()) {
        let item = Item::from(value.clone());
        let written = serde_json::to_value(&item).unwrap();
        prop_assert_eq!(Item::from(written), item);
        let body = value.to_string();
        if let Ok(request) = Request::from_slice(body.as_bytes()) {
            let again = serde_json::to_vec(&request).unwrap();
            prop_assert_eq!(Request::from_slice(&again).unwrap(), request);
        }
        drop(Event::from_data(&body));
        drop(Response::from_slice(body.as_bytes()));
    }
}
