//! Why a translated answer may differ from other translators': one policy for each field, held to what it says.

use serde_json::{Value, json};

use crate::{
    differ::Difference,
    reason::{Context, Reason},
};

/// All of them.
pub(super) const REASONS: &[Reason] = &[
    Reason {
        name: "findings_are_told",
        path: "choices.[].content_filter_results",
        why: "What the guardrail's trace holds is told in Azure's member: no peer does.",
        holds: |difference, context| {
            difference.theirs.is_none() && context.source.get("trace").is_some()
        },
    },
    Reason {
        name: "masking_is_no_block",
        path: "choices.[].finish_reason",
        why: "A guardrail that only masked something has not ended the answer: peers pass on the service's own word, which \
              strict clients raise on.",
        holds: |difference, context| {
            let stop = context.source.get("stopReason");
            let trace = context.source.get("trace");
            let blocked = trace.is_some_and(|trace| trace.to_string().contains("\"BLOCKED\""));
            stop == Some(&json!("guardrail_intervened"))
                && !blocked
                && difference.ours == Some(json!("stop"))
                && difference.theirs == stop.cloned()
        },
    },
    Reason {
        name: "every_text_block",
        path: "choices.[].message.content",
        why: "The content is every text block as it is, without the reasoning, and null where there is only a call: one peer \
              writes an empty text there and takes out what a model put between tags of its own, one puts the reasoning \
              into the text, two keep one block of several.",
        holds: |difference, context| {
            let texts = texts(context.source);
            let theirs = difference.theirs.as_ref().and_then(Value::as_str);
            if texts.is_empty() {
                return difference.ours.is_none() && theirs == Some("");
            }
            let expected = json!(texts.concat());
            let one = |theirs: &str| texts.contains(&theirs) || theirs.starts_with("<think>");
            let ours = difference.ours.as_ref().and_then(Value::as_str);
            // A model of its own accord: nobody marked that as reasoning.
            let tagged = |theirs: &str| {
                ours.is_some_and(|ours| ours.starts_with("<thinking>") && ours.ends_with(theirs))
            };
            difference.ours == Some(expected)
                && theirs.is_none_or(|theirs| one(theirs) || tagged(theirs))
        },
    },
    Reason {
        name: "reasoning_stays",
        path: "choices.[].message.reasoning_content",
        why: "Azure's chat answers have no reasoning: its text is not shown under another vendor's name.",
        holds: has_reasoning,
    },
    Reason {
        name: "reasoning_signature_stays",
        path: "choices.[].message.reasoning_signature",
        why: "As for the reasoning itself.",
        holds: has_reasoning,
    },
    Reason {
        name: "thinking_blocks_stay",
        path: "choices.[].message.thinking_blocks",
        why: "As for the reasoning itself.",
        holds: has_reasoning,
    },
    Reason {
        name: "provider_fields_stay",
        path: "choices.[].message.provider_specific_fields",
        why: "As for the reasoning itself: nothing of the service surfaces.",
        holds: has_reasoning,
    },
    Reason {
        name: "calls_by_content",
        path: "choices.[].message.tool_calls",
        why: "Every call in the answer is a call: a peer looks at the reason for the end first, and finds none in an old \
              recording.",
        holds: |difference, context| {
            let calls = blocks(context.source).filter(|block| block.get("toolUse").is_some());
            let ours = difference.ours.as_ref().and_then(Value::as_array);
            difference.theirs.is_none() && ours.is_some_and(|ours| ours.len() == calls.count())
        },
    },
    Reason {
        name: "index_in_streams_only",
        path: "choices.[].message.tool_calls.[].index",
        why: "A call of a whole answer has no index on Azure's wire: a peer shows the number of the block.",
        holds: |difference, _| difference.ours.is_none(),
    },
    Reason {
        name: "trace_stays",
        path: "trace",
        why: "A guardrail's trace holds what it masked: it never goes out.",
        holds: |difference, context| {
            difference.ours.is_none() && context.source.get("trace").is_some()
        },
    },
    Reason {
        name: "calls_end_as_calls",
        path: "choices.[].finish_reason",
        why: "An answer with calls that is silent about its end, as the service never is, ends for its calls.",
        holds: |difference, context| {
            let mut blocks = blocks(context.source);
            context.source.get("stopReason").is_none()
                && blocks.any(|block| block.get("toolUse").is_some())
                && difference.ours == Some(json!("tool_calls"))
        },
    },
    Reason {
        name: "cache_writes_are_prompt",
        path: "usage.cache_creation_input_tokens",
        why: "Another vendor's member: what went to the cache is among the prompt's tokens.",
        holds: |difference, context| is_written(difference, context),
    },
    Reason {
        name: "cache_reads_are_details",
        path: "usage.cache_read_input_tokens",
        why: "Another vendor's member: Azure's is cached_tokens.",
        holds: |difference, context| {
            let read = context.source.pointer("/usage/cacheReadInputTokens");
            difference.ours.is_none() && difference.theirs.as_ref() == read
        },
    },
    Reason {
        name: "cache_writes_have_no_detail",
        path: "usage.prompt_tokens_details.cache_creation_tokens",
        why: "A peer's own member, as above.",
        holds: |difference, context| is_written(difference, context),
    },
    Reason {
        name: "cache_writes_have_no_detail_either",
        path: "usage.prompt_tokens_details.cache_creation_input_tokens",
        why: "Another peer's own member, as above.",
        holds: |difference, context| is_written(difference, context),
    },
    Reason {
        name: "reasoning_is_not_estimated",
        path: "usage.completion_tokens_details.reasoning_tokens",
        why: "The tokens of reasoning are told where the model counted them: a peer estimates them by the length of the text.",
        holds: has_reasoning,
    },
    Reason {
        name: "tier_is_not_told",
        path: "service_tier",
        why: "The tier is told where the primary tells it, in its own words, and not in the service's.",
        holds: |difference, context| {
            let applied = context.source.pointer("/serviceTier/type");
            difference.ours.is_none() && difference.theirs.as_ref() == applied
        },
    },
    Reason {
        name: "cached_prompt_counts",
        path: "usage.prompt_tokens",
        why: "Azure's prompt tokens include what came from the cache and what went there: a peer forgets both.",
        holds: cache_is_counted,
    },
];

/// A peer tells what went to the cache.
fn is_written(difference: &Difference, context: &Context<'_>) -> bool {
    let written = context.source.pointer("/usage/cacheWriteInputTokens");
    difference.ours.is_none() && difference.theirs.as_ref() == written
}

/// What came from the cache and what went there is among the prompt's tokens here, and not at the peer.
pub(super) fn cache_is_counted(difference: &Difference, context: &Context<'_>) -> bool {
    let usage = |name: &str| {
        let count = context.source.pointer(&format!("/usage/{name}"));
        count.and_then(Value::as_u64).unwrap_or(0)
    };
    let fresh = usage("inputTokens");
    let all = fresh + usage("cacheReadInputTokens") + usage("cacheWriteInputTokens");
    difference.ours == Some(json!(all)) && difference.theirs == Some(json!(fresh))
}

/// A peer shows reasoning that the answer has.
fn has_reasoning(difference: &Difference, context: &Context<'_>) -> bool {
    let mut blocks = blocks(context.source);
    let reasons = blocks.any(|block| {
        let text = block
            .get("text")
            .and_then(Value::as_str)
            .unwrap_or_default();
        block.get("reasoningContent").is_some() || text.contains("<thinking>")
    });
    reasons && difference.ours.is_none()
}

fn blocks(source: &Value) -> impl Iterator<Item = &Value> {
    let blocks = source.pointer("/output/message/content");
    blocks.and_then(Value::as_array).into_iter().flatten()
}

/// The texts of an answer, cited ones too.
fn texts(source: &Value) -> Vec<&str> {
    let texts = blocks(source).flat_map(|block| {
        let cited = block
            .pointer("/citationsContent/content")
            .and_then(Value::as_array);
        std::iter::once(block).chain(cited.into_iter().flatten())
    });
    texts
        .filter_map(|block| block.get("text").and_then(Value::as_str))
        .collect()
}
