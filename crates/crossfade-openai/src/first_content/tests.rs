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
