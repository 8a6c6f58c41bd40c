//! Why a translated response of the Responses API may differ from a peer's: one policy for each field, held to what it
//! says.

use serde_json::{Value, json};

use super::answer_reasons::cache_is_counted;
use crate::reason::Reason;

/// All of them.
pub(super) const REASONS: &[Reason] = &[
    Reason {
        name: "reasoning_is_no_output",
        path: "text",
        why: "The text is the model's text: a peer writes its reasoning in front of it.",
        holds: |difference, context| {
            let blocks = context.source.pointer("/output/message/content");
            let blocks = blocks.and_then(Value::as_array).into_iter().flatten();
            let pieces = |name: &str| {
                let texts = blocks
                    .clone()
                    .filter_map(|block| block.pointer(name)?.as_str());
                texts.collect::<String>()
            };
            let (text, reasoning) = (
                pieces("/text"),
                pieces("/reasoningContent/reasoningText/text"),
            );
            let with = format!("{reasoning}{text}");
            difference.ours == Some(json!(text)) && difference.theirs == Some(json!(with))
        },
    },
    Reason {
        name: "cache_writes_are_untold",
        path: "usage.input_tokens_details.cache_write_tokens",
        why: "What went to the cache is among the input tokens, and not told apart: Azure's recorded answers do not either.",
        holds: |difference, context| {
            let written = context.source.pointer("/usage/cacheWriteInputTokens");
            difference.ours.is_none() && difference.theirs.as_ref() == written
        },
    },
    Reason {
        name: "cached_input_counts",
        path: "usage.input_tokens",
        why: "Azure's input tokens include what went to the cache and what came from it: a peer tells them apart.",
        holds: cache_is_counted,
    },
];
