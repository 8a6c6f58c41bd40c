//! Thoughts that are vouched for: when a model thinks, how thoughts are signed, and what of them a caller may see.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha512};

use super::{
    converse::Block,
    json::{items, text},
    prompt,
};

/// What is thought where the script has no thoughts.
pub(super) const THOUGHT: &str = "I consider what is asked.";

/// Whether the request switches Claude's or Nova's thinking on.
pub(super) fn is_on(body: &Value) -> bool {
    let kind = |pointer: &str| {
        body.pointer(pointer)
            .and_then(|setting| text(setting, "type"))
    };
    let claude = kind("/additionalModelRequestFields/thinking");
    let nova = kind("/additionalModelRequestFields/reasoningConfig");
    claude.or(nova).is_some_and(|kind| kind != "disabled")
}

/// The signature of thoughts: only what this service signed is taken back.
pub(super) fn sign(thoughts: &str) -> String {
    let digest = Sha512::new()
        .chain_update("signed by the simulated service\0")
        .chain_update(thoughts)
        .finalize();
    STANDARD.encode(digest)
}

/// The paths into the model's own answer that the caller asks for.
pub(super) fn wanted(body: &Value) -> Vec<String> {
    let paths = items(body, "additionalModelResponseFieldPaths").iter();
    paths.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What stands at these paths, of what is known here; paths to nothing are left out.
pub(super) fn additional(paths: &[String], blocks: &[Block]) -> Option<Value> {
    let thoughts: u64 = blocks
        .iter()
        .filter_map(|block| match block {
            Block::Reasoning { text, .. } => Some(prompt::tokens(text)),
            Block::Text(_) | Block::ToolUse { .. } => None,
        })
        .sum();
    let own = json!({"usage": {"output_tokens_details": {"thinking_tokens": thoughts}}});
    let mut found = Map::new();
    for path in paths {
        if let Some(value) = own.pointer(path) {
            put(&mut found, path, value.clone());
        }
    }
    (!found.is_empty()).then_some(Value::Object(found))
}

/// Puts a value at the place that a JSON pointer names.
fn put(found: &mut Map<String, Value>, path: &str, value: Value) {
    let path = path.trim_start_matches('/');
    match path.split_once('/') {
        None => {
            found.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = found.entry(first).or_insert_with(|| json!({}));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_models_own_fields_are_given_if_asked_for() {
        let blocks = [Block::Reasoning {
            text: "12345678".to_owned(),
            signature: sign("12345678"),
        }];
        let check = |paths: &[&str], expected: Option<Value>| {
            let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
            assert_eq!(additional(&paths, &blocks), expected);
        };
        let details = json!({"usage": {"output_tokens_details": {"thinking_tokens": 2}}});
        check(&["/usage/output_tokens_details"], Some(details));
        check(&["/nothing"], None);
        check(&[], None);
    }

    #[test]
    fn signatures_have_the_wires_length_and_vouch_for_the_text() {
        assert_eq!(sign("a").len(), 88);
        assert_ne!(sign("a"), sign("b"));
    }
}
