//! Cases for the first content.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::chat::{ChunkBuilder, FinishReason};

#[test]
fn data() {
    let check = |data: &str, expected: bool| assert_eq!(shows(data), expected, "{data}");
    let delta =
        |delta: &str| format!(r#"{{"choices":[{{"delta":{delta},"index":0}}],"usage":null}}"#);
    check("[DONE]", false);
    check("", false);
    check("{}", false);
    check(r#"{"error":{"message":"x"}}"#, false);
    check(r#"{"choices":[],"prompt_filter_results":[{}]}"#, false);
    check(
        r#"{"choices":[{"index":0,"content_filter_offsets":{}}]}"#,
        false,
    );
    check(r#"{"choices":[{"delta":null}]}"#, false);
    check(
        &delta(r#"{"content":"","refusal":null,"role":"assistant"}"#),
        false,
    );
    check(&delta(r#"{"content":null,"tool_calls":[]}"#), false);
    check(&delta(r#"{"reasoning_content":"hm"}"#), false);
    check(&delta("{}"), false);
    check(&delta(r#"{"content":7}"#), false);
    check(&delta(r#"{"content":"a"}"#), true);
    check(&delta(r#"{"content":"\n"}"#), true);
    check(&delta(r#"{"refusal":"no"}"#), true);
    check(
        &delta(r#"{"content":null,"tool_calls":[{"index":0}]}"#),
        true,
    );
    check(&delta(r#"{"audio":{"transcript":"a"}}"#), true);
    check(&delta(r#"{"function_call":{"name":"f"}}"#), true);
    check(
        r#"{"choices":[{"delta":{}},{"delta":{"content":"b"}}]}"#,
        true,
    );
    check(r#"{"choices":[{"text":"a","index":0}]}"#, true);
    check(r#"{"choices":[{"text":"","index":0}]}"#, false);
}

#[test]
fn events_of_the_responses_api() {
    let check = |data: &str, expected: bool| assert_eq!(shows(data), expected, "{data}");
    let item = |kind: &str| {
        format!(
            r#"{{"type":"response.output_item.added","output_index":0,"item":{{"id":"x","type":"{kind}"}}}}"#
        )
    };
    let delta = |kind: &str, delta: &str| {
        format!(r#"{{"type":"response.{kind}.delta","sequence_number":4,"delta":{delta}}}"#)
    };
    check(
        r#"{"type":"response.created","response":{"output":[],"text":{"format":{}}}}"#,
        false,
    );
    check(&item("reasoning"), false);
    check(&item("message"), false);
    check(&item("web_search_call"), false);
    check(&item("function_call"), true);
    check(&item("custom_tool_call"), true);
    check(
        r#"{"type":"response.content_part.added","part":{"text":"a"}}"#,
        false,
    );
    check(&delta("reasoning_summary_text", r#""a""#), false);
    check(&delta("reasoning_text", r#""a""#), false);
    check(&delta("output_text", r#""""#), false);
    check(&delta("output_text", r#""\u0061""#), true);
    check(&delta("refusal", r#""a""#), true);
    check(&delta("function_call_arguments", r#""{""#), true);
    check(&delta("custom_tool_call_input", r#""{""#), true);
    check(r#"{"type":"error","message":"m"}"#, false);
}

#[test]
fn an_event_that_is_too_long_counts() {
    let mut first = FirstContent::new();
    let piece = vec![b'x'; 1 << 19];
    assert!(!first.feed(&piece));
    assert!(!first.feed(&piece));
    assert!(first.feed(&piece));
    assert!(first.seen());
}

proptest! {
    #[test]
    fn it_is_seen_with_the_last_byte_of_its_event(size in 1_usize..50) {
        let chunks = ChunkBuilder::default();
        let before = [
            b": hello\n\n".to_vec(),
            chunks.prompt_filter(json!({})).to_event().to_vec(),
            chunks.role().to_event().to_vec(),
        ]
        .concat();
        let upto = [before, chunks.text("a", json!({})).to_event().to_vec()].concat();
        let after = chunks.finish(FinishReason::Stop).to_event();
        let mut first = FirstContent::new();
        let mut fed = 0;
        for piece in [&upto[..], &after[..]].concat().chunks(size) {
            fed += piece.len();
            prop_assert_eq!(first.feed(piece), fed >= upto.len());
        }
    }
}

#[test]
fn a_failure_before_any_content() {
    let check = |data: &[&str], expected: bool| {
        let mut first = FirstContent::new();
        for data in data {
            first.feed(format!("data: {data}\n\n").as_bytes());
        }
        assert_eq!(first.failed(), expected, "{data:?}");
    };
    let created = r#"{"type":"response.created","response":{"id":"resp_1","error":null}}"#;
    let text = r#"{"type":"response.output_text.delta","delta":"a"}"#;
    let failed =
        r#"{"type":"response.failed","response":{"error":{"code":"server_error","message":"m"}}}"#;
    check(&[created], false);
    check(&[created, failed], true);
    check(&[created, text, failed], false);
    check(
        &[r#"{"type":"response.failed","response":{"error":null}}"#],
        true,
    );
    check(&[r#"{"type":"error","code":"c","message":"m"}"#], true);
    check(&[r#"{"error":{"message":"m","code":500}}"#], true);
    check(&[r#"{"error":null,"choices":[]}"#], false);
    // A filter's word is an answer.
    check(
        &[r#"{"error":{"message":"m","code":"content_filter"}}"#],
        false,
    );
    check(&[r#"{"type":"error","code":"content_filter"}"#], false);
    check(
        &[r#"{"type":"response.failed","response":{"error":{"code":"content_filter"}}}"#],
        false,
    );
    check(&["[DONE]", "rubbish"], false);
}
