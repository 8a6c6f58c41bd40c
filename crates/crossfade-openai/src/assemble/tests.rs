//! Cases for the assembly of streams.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::chat::{ChunkBuilder, Head, TokenCounts, Usage};

fn events(chunks: &[Chunk]) -> Vec<u8> {
    let mut body: Vec<u8> = chunks
        .iter()
        .flat_map(|chunk| chunk.to_event().to_vec())
        .collect();
    body.extend_from_slice(&sse::encode_data(sse::DONE));
    body
}

fn data(lines: &[&str]) -> Vec<u8> {
    lines
        .iter()
        .flat_map(|line| sse::encode_data(line).to_vec())
        .collect()
}

#[test]
fn what_is_no_whole_answer() {
    let check = |lines: &[&str], expected: AssembleError| {
        assert_eq!(assemble(&data(lines)), Err(expected), "{lines:?}");
    };
    let open = r#"{"choices":[{"delta":{"content":"a"},"index":0}]}"#;
    let end = r#"{"choices":[{"delta":{},"finish_reason":"stop","index":0}]}"#;
    let failed = |code: Option<&str>| AssembleError::Failed {
        code: code.map(str::to_owned),
    };
    assert!(assemble(&data(&[open, end, "[DONE]"])).is_ok());
    assert!(assemble(&data(&[open, end, "[DONE]", "rubbish"])).is_ok());
    check(&[], AssembleError::Empty);
    check(&["[DONE]"], AssembleError::Empty);
    check(
        &[r#"{"object":"chat.completion.chunk"}"#, "[DONE]"],
        AssembleError::Empty,
    );
    check(&[open, "[DONE]"], AssembleError::Unfinished);
    check(&[open], AssembleError::Unfinished);
    check(&[open, end], AssembleError::NotDone);
    check(&["rubbish", "[DONE]"], AssembleError::NotAChunk);
    check(&["{}", "[DONE]"], AssembleError::NotAChunk);
    check(&[r#"{"answer":42}"#, "[DONE]"], AssembleError::NotAChunk);
    check(&[r#"{"choices":5}"#], AssembleError::NotAChunk);
    check(
        &[open, r#"{"error":{"message":"m","code":"x"}}"#],
        failed(Some("x")),
    );
    check(
        &[open, r#"{"choices":[],"error":{"message":"m","code":500}}"#],
        failed(Some("500")),
    );
    check(&[r#"{"error":{}}"#], failed(None));
    assert_eq!(
        assemble(&data(&[open, end, "[DONE]"])[..100]),
        Err(AssembleError::Unfinished),
        "a cut stream"
    );
    let long = format!("data: {}\n\n", "x".repeat(sse::DEFAULT_EVENT_LIMIT));
    let limit = sse::DEFAULT_EVENT_LIMIT;
    assert_eq!(
        assemble(long.as_bytes()),
        Err(AssembleError::TooLarge(EventTooLarge { limit }))
    );
}

/// What these chunks make of a completion at this place.
fn piece(lines: &[&str], pointer: &str, expected: &Value) {
    let mut body = data(lines);
    body.extend(data(&[
        r#"{"choices":[{"delta":{},"finish_reason":"stop","index":0}]}"#,
        "[DONE]",
    ]));
    let completion = serde_json::to_value(assemble(&body).unwrap()).unwrap();
    assert_eq!(
        completion.pointer(pointer),
        Some(expected),
        "{lines:?}: {completion}"
    );
}

#[test]
fn pieces_of_every_kind() {
    let message = "/choices/0/message";
    piece(
        &[],
        message,
        &json!({"annotations": [], "content": null, "refusal": null, "role": "assistant"}),
    );
    piece(
        &[
            r#"{"choices":[{"delta":{"content":"","role":"assistant"}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"}}]}"#,
            r#"{"choices":[{"delta":{"content":"b"}}]}"#,
        ],
        "/choices/0/message/content",
        &json!("ab"),
    );
    piece(
        &[
            r#"{"choices":[{"delta":{"content":""}}]}"#,
            r#"{"choices":[{"delta":{"refusal":"n"}}]}"#,
            r#"{"choices":[{"delta":{"refusal":"o"}}]}"#,
        ],
        message,
        &json!({"annotations": [], "content": null, "refusal": "no", "role": "assistant"}),
    );
    piece(
        &[
            r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"b","type":"custom","custom":{"name":"g","input":""}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"}"}},{"index":1,"custom":{"input":"in"}}]}}]}"#,
        ],
        "/choices/0/message/tool_calls",
        &json!([
            {"function": {"arguments": "{}", "name": "f"}, "id": "a", "type": "function"},
            {"custom": {"input": "in", "name": "g"}, "id": "b", "type": "custom"},
        ]),
    );
    piece(
        &[
            r#"{"choices":[{"delta":{"function_call":{"name":"f","arguments":"1"}}}]}"#,
            r#"{"choices":[{"delta":{"function_call":{"arguments":"2"}}}]}"#,
        ],
        "/choices/0/message/function_call",
        &json!({"arguments": "12", "name": "f"}),
    );
}

#[test]
fn what_stands_beside_a_message() {
    let message = "/choices/0/message";
    piece(
        &[
            r#"{"choices":[{"delta":{},"logprobs":{"content":[1],"refusal":null}}]}"#,
            r#"{"choices":[{"delta":{},"logprobs":{"content":[2]}}]}"#,
        ],
        "/choices/0/logprobs",
        &json!({"content": [1, 2], "refusal": null}),
    );
    piece(
        &[
            r#"{"choices":[{"delta":{"reasoning_content":"h"}}]}"#,
            r#"{"choices":[{"delta":{"reasoning_content":"m","annotations":[1]}}]}"#,
        ],
        message,
        &json!({"annotations": [1], "content": null, "refusal": null, "role": "assistant", "reasoning_content": "hm"}),
    );
    piece(
        &[
            r#"{"choices":[{"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}"#,
            r#"{"choices":[{"content_filter_results":{"hate":{"filtered":true,"severity":"high"},"sexual":{"filtered":false}}}]}"#,
            r#"{"choices":[{"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}"#,
        ],
        "/choices/0/content_filter_results",
        &json!({"hate": {"filtered": true, "severity": "high"}, "sexual": {"filtered": false}}),
    );
    piece(
        &[r#"{"choices":[{"index":2,"delta":{"content":"c"},"finish_reason":"length"}]}"#],
        "/choices/1",
        &json!({"finish_reason": "length", "index": 2, "logprobs": null, "message": {"annotations": [], "content": "c", "refusal": null, "role": "assistant"}}),
    );
    piece(
        &[r#"{"choices":[],"id":"i","system_fingerprint":null,"service_tier":"default"}"#],
        "/service_tier",
        &json!("default"),
    );
    piece(
        &[r#"{"choices":[],"id":"i","system_fingerprint":null,"x":1}"#],
        "/system_fingerprint",
        &json!(null),
    );
    piece(&[r#"{"choices":[],"id":"i","x":1}"#], "/x", &json!(1));
}

#[test]
fn a_cut_stream_gives_what_there_was() {
    let mut assembler = Assembler::new();
    assembler
        .push_data(r#"{"choices":[{"delta":{"content":"half"},"index":0}]}"#)
        .unwrap();
    assert!(!assembler.is_done());
    assert_eq!(assembler.clone().finish(), Err(AssembleError::Unfinished));
    let partial = assembler.into_partial();
    assert_eq!(partial.message().unwrap().content.as_deref(), Some("half"));
    assert_eq!(partial.choices[0].finish_reason, None);
}

/// Cuts text after some of its characters.
fn pieces(text: &str, cuts: &[usize]) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for (place, character) in text.chars().enumerate() {
        if cuts.contains(&place) {
            pieces.push(String::new());
        }
        pieces.last_mut().unwrap().push(character);
    }
    pieces
}

/// The stream that Azure would send for a whole answer.
fn stream(chunks: &ChunkBuilder, completion: &Completion, cuts: &[usize]) -> Vec<Chunk> {
    let mut sent = vec![];
    for results in completion.prompt_filter_results.iter().flatten() {
        sent.push(chunks.prompt_filter(results.content_filter_results.clone()));
    }
    let choice = &completion.choices[0];
    let message = choice.message.as_ref().unwrap();
    let calls = message.tool_calls();
    sent.push(match (&message.content, calls.first()) {
        (None, Some(first)) => chunks.role_with_tool_call(&first.id, first.name().unwrap()),
        _ => chunks.role(),
    });
    let filter = choice.content_filter_results.clone().unwrap();
    for piece in message.content.iter().flat_map(|text| pieces(text, cuts)) {
        sent.push(chunks.text(piece, filter.clone()));
    }
    for piece in message.refusal.iter().flat_map(|text| pieces(text, cuts)) {
        sent.push(chunks.refusal(piece));
    }
    for (index, call) in (0..).zip(calls) {
        if index > 0 || message.content.is_some() {
            sent.push(chunks.tool_call_start(index, &call.id, call.name().unwrap()));
        }
        for piece in pieces(&call.function.as_ref().unwrap().arguments, cuts) {
            sent.push(chunks.tool_arguments(index, piece));
        }
    }
    sent.push(chunks.finish(choice.finish_reason.as_ref().unwrap().known().unwrap()));
    sent.extend(chunks.usage(completion.usage.clone().unwrap_or_default()));
    sent
}

fn answer() -> impl Strategy<Value = (AnswerMessage, FinishReason)> {
    let calls = proptest::collection::vec(("[a-z]{1,5}", ".{0,12}"), 1..4).prop_map(|calls| {
        let calls = calls.into_iter().enumerate();
        calls
            .map(|(place, (name, arguments))| {
                ToolCall::function(format!("call_{place}"), name, arguments)
            })
            .collect::<Vec<_>>()
    });
    prop_oneof![
        ".{0,40}".prop_map(|text| (AnswerMessage::text(text), FinishReason::Stop)),
        ".{1,40}".prop_map(|text| {
            (
                AnswerMessage {
                    refusal: Some(text),
                    ..AnswerMessage::default()
                },
                FinishReason::Stop,
            )
        }),
        calls
            .clone()
            .prop_map(|calls| (AnswerMessage::calls(calls), FinishReason::ToolCalls)),
        (".{1,20}", calls).prop_map(|(text, calls)| {
            (
                AnswerMessage {
                    content: Some(text),
                    ..AnswerMessage::calls(calls)
                },
                FinishReason::ToolCalls,
            )
        }),
    ]
}

proptest! {
    #[test]
    fn a_streamed_answer_is_the_answer(
        (message, reason) in answer(),
        cuts in proptest::collection::vec(0_usize..20, 0..5),
        fingerprint in proptest::option::of("[a-z0-9]{3}"),
        prompt in 0_u64..1000,
    ) {
        let head = Head { id: "chatcmpl-1".into(), created: 3, model: "m".into(), fingerprint };
        let usage = Usage::from(TokenCounts { prompt, completion: 4, ..TokenCounts::default() });
        let completion = head
            .completion(message.clone(), reason, usage)
            .with_filter_results(json!({"hate": {}}), &json!({}));
        let chunks = ChunkBuilder { head, include_usage: true };
        let body = events(&stream(&chunks, &completion, &cuts));
        prop_assert_eq!(assemble(&body).unwrap(), completion.clone());

        // Without the usage nothing else changes.
        let chunks = ChunkBuilder { include_usage: false, ..chunks };
        let body = events(&stream(&chunks, &completion, &cuts));
        prop_assert_eq!(assemble(&body).unwrap(), Completion { usage: None, ..completion });
    }

    #[test]
    fn any_bytes_are_assembled_or_refused(body in any::<Vec<u8>>(), text in ".{0,60}") {
        let _answer = assemble(&body);
        let _answer = assemble(&data(&[&text, "[DONE]"]));
    }
}
