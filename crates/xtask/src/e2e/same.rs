//! What a program sees when the candidate answers, beside what it sees when the primary does: equal, or different at a
//! field for a written reason.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::{
    differ::{Depth, Difference, differences},
    reason::{Context, Reason, judge},
};

/// Characters of a value that are shown.
const LONGEST: usize = 300;

/// Every field is compared by itself.
const DEPTH: Depth = Depth {
    whole: &[],
    optional: &[],
};

/// What lies under these counts as one field.
const WHOLE: &[&str] = &["content_filter_results", "prompt_filter_results"];

/// Why a program may see something else when the candidate answers. Clients nest fields in ways of their own, so that a
/// field is named by itself here.
pub(super) const REASONS: &[Reason] = &[
    Reason {
        name: "no_invented_verdicts",
        path: "content_filter_results",
        why: "No filter of Azure's ran over the answer, and none is invented: Azure's own member says so.",
        holds: not_invented,
    },
    Reason {
        name: "no_invented_verdicts_on_prompts",
        path: "prompt_filter_results",
        why: "As for the answer, of the prompt.",
        holds: not_invented,
    },
    Reason {
        name: "own_prompt_tokens",
        path: "prompt_tokens",
        why: "Another model counts by another tokenizer.",
        holds: counted,
    },
    Reason {
        name: "own_total_tokens",
        path: "total_tokens",
        why: "As for the prompt, of all.",
        holds: counted,
    },
    Reason {
        name: "own_input_tokens",
        path: "input_tokens",
        why: "As prompt_tokens, in LangChain's words.",
        holds: counted,
    },
    Reason {
        name: "own_input_tokens_of_vercel",
        path: "inputTokens",
        why: "As prompt_tokens, in the Vercel AI SDK's words.",
        holds: counted,
    },
    Reason {
        name: "own_uncached_tokens_of_vercel",
        path: "noCacheTokens",
        why: "As prompt_tokens, less those from a cache, in the Vercel AI SDK's words.",
        holds: counted,
    },
    Reason {
        name: "own_total_tokens_of_vercel",
        path: "totalTokens",
        why: "As total_tokens, in the Vercel AI SDK's words.",
        holds: counted,
    },
    Reason {
        name: "own_vectors",
        path: "embedding",
        why: "Another model's vectors: they are only answered where the operator says that the index was rebuilt.",
        holds: |found, _| found.ours.as_ref().is_some_and(Value::is_array),
    },
    Reason {
        name: "own_lengths",
        path: "lengths",
        why: "As for the vectors: their number of dimensions.",
        holds: |found, _| {
            found
                .ours
                .as_ref()
                .and_then(Value::as_u64)
                .is_some_and(|ours| ours > 0)
        },
    },
    Reason {
        name: "own_filler",
        path: "obfuscation",
        why: "Chunks are filled up against guessing by length, with letters that say nothing; no client reads them.",
        holds: |found, _| {
            let is_filler = |value: &Value| value.is_null() || value.is_string();
            found.ours.as_ref().is_none_or(is_filler)
        },
    },
    Reason {
        name: "no_raw_verdicts",
        path: "content_filter_raw",
        why: "As for the verdicts of a filter: its raw ones, in the Responses API. Azure itself leaves them out, too.",
        holds: |found, _| found.ours.as_ref().is_none_or(Value::is_null),
    },
    Reason {
        name: "nothing_was_filtered",
        path: "end_offset",
        why: "As for the verdicts of a filter: how far it looked, in the Responses API. None looked at anything.",
        holds: |found, _| found.ours == Some(json!(0)),
    },
];

/// Absent, or Azure's word that the filter did not run.
fn not_invented(found: &Difference, _: &Context<'_>) -> bool {
    let ours = found.ours.as_ref();
    let failed = json!("content_filter_error");
    ours.is_none_or(|ours| ours.is_null() || ours.get("code") == Some(&failed))
}

fn counted(found: &Difference, _: &Context<'_>) -> bool {
    let count = |value: &Option<Value>| value.as_ref().and_then(Value::as_u64);
    count(&found.ours).is_some_and(|ours| ours > 0) && count(&found.theirs).is_some()
}

/// Ids begin with these, and go on with letters and digits that whoever answers makes up.
const IDS: &[&str] = &[
    "chatcmpl-",
    "call_",
    "resp_",
    "msg_",
    "fc_",
    "rs_",
    "lc_run--",
];

/// Compares the results of the same programs of one client; returns what nothing explains, once for each field.
pub(super) fn check(
    client: &str,
    primary: &[Value],
    candidate: &[Value],
    needed: &mut BTreeSet<&'static str>,
) -> Result<Vec<String>> {
    let mut unexplained = BTreeMap::new();
    for theirs in candidate {
        let program = |result: &Value| {
            [
                result.get("program").cloned(),
                result.get("client").cloned(),
            ]
        };
        let mut known = primary.iter();
        let ours = known
            .find(|result| program(result) == program(theirs))
            .context("a program that the primary never ran")?;
        let mut found = differences(&steady(theirs), &steady(ours), DEPTH);
        for found in &mut found {
            found.path = field(&found.at);
        }
        let judgement = judge(REASONS, theirs, vec![("the primary", found)]);
        needed.extend(judgement.reasons);
        for (_, found) in judgement.unexplained {
            let show = |value: &Option<Value>| {
                let text = value
                    .as_ref()
                    .map_or("nothing".to_owned(), Value::to_string);
                text.chars().take(LONGEST).collect::<String>()
            };
            let what = format!(
                "{client}: {} at {}: {} by the candidate, {} by the primary",
                theirs
                    .get("program")
                    .and_then(Value::as_str)
                    .unwrap_or_default(),
                found.at.join("."),
                show(&found.ours),
                show(&found.theirs)
            );
            unexplained.entry(found.path).or_insert(what);
        }
    }
    Ok(unexplained.into_values().collect())
}

/// The name of the field at which something lies: of the list that holds it, and of what counts as one field.
fn field(at: &[String]) -> String {
    let is_name = |piece: &&String| !piece.bytes().all(|byte| byte.is_ascii_digit());
    let whole = at.iter().find(|piece| WHOLE.contains(&piece.as_str()));
    let name = whole.or_else(|| at.iter().rfind(is_name));
    name.cloned().unwrap_or_default()
}

/// A result without what differs from call to call: ids keep their form, times are no more than that.
fn steady(result: &Value) -> Value {
    match result {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let value = match name.as_str() {
                    "created" | "created_at" | "completed_at" if value.is_number() => {
                        json!("(time)")
                    }
                    _ => steady(value),
                };
                (name.clone(), value)
            });
            Value::Object(members.collect())
        }
        Value::Array(items) => items.iter().map(steady).collect(),
        Value::String(text) => {
            let prefix = IDS.iter().find(|prefix| text.starts_with(**prefix));
            match prefix {
                Some(prefix) => json!(format!("{prefix}({})", text.len() - prefix.len())),
                None => result.clone(),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => result.clone(),
    }
}

/// A result without the ids that the client itself makes up for each run.
pub(super) fn steady_runs(result: &Value) -> Value {
    match result {
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, value)| (name.clone(), steady_runs(value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(steady_runs).collect(),
        Value::String(text) if text.starts_with("lc_run--") => json!("lc_run--"),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => result.clone(),
    }
}
