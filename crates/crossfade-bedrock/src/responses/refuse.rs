//! Refusals by a field's name, and which names may be shown: another key may be the caller's own text.

use std::borrow::Cow;

use crossfade_exchange::{IneligibleReason, Unsupported};
use crossfade_openai::{chat::Fields, responses};

/// What stands for any other name.
const UNKNOWN: &str = "(unknown)";

/// Fields of what stands within a request.
const WITHIN: &[&str] = &[
    "action",
    "allowed_callers",
    "annotations",
    "arguments",
    "cache_control",
    "call_id",
    "content",
    "context",
    "defer_loading",
    "description",
    "detail",
    "effort",
    "encrypted_content",
    "file_data",
    "file_id",
    "file_url",
    "filename",
    "format",
    "generate_summary",
    "id",
    "image_url",
    "include_obfuscation",
    "input_schema",
    "instructions",
    "logprobs",
    "mode",
    "name",
    "namespace",
    "output",
    "parameters",
    "parsed",
    "parsed_arguments",
    "phase",
    "prompt_cache_breakpoint",
    "provider_data",
    "role",
    "schema",
    "status",
    "strict",
    "summary",
    "tools",
    "type",
    "verbosity",
];

/// Fields of a request that other wires have, spoken here by mistake.
const OF_OTHERS: &[&str] = &[
    "frequency_penalty",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "n",
    "presence_penalty",
    "reasoning_effort",
    "response_format",
    "seed",
    "stop",
    "top_k",
];

/// A field that has no counterpart.
pub(super) fn refused(field: impl Into<String>, why: &'static str) -> Unsupported {
    Unsupported {
        field: field.into(),
        why: Cow::Borrowed(why),
        reason: IneligibleReason::Unsupported,
    }
}

/// A field that names state which only the primary holds.
pub(super) fn stateful(field: impl Into<String>) -> Unsupported {
    Unsupported {
        field: field.into(),
        why: Cow::Borrowed("names state that only the primary holds"),
        reason: IneligibleReason::Stateful,
    }
}

/// Refuses members that nobody knows; `null` says nothing, and is no member.
pub(super) fn no_others(path: &str, others: &Fields) -> Result<(), Unsupported> {
    let unknown = others.iter().find(|(_, value)| !value.is_null());
    match unknown {
        None => Ok(()),
        Some((name, _)) => Err(refused(
            within(path, shown(name)),
            "not a field that is known here",
        )),
    }
}

/// A field within another.
pub(super) fn within(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn shown(name: &str) -> &'static str {
    [responses::Request::FIELDS, WITHIN, OF_OTHERS]
        .into_iter()
        .flatten()
        .copied()
        .find(|known| *known == name)
        .unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_names_of_the_wire_are_shown() {
        for (fields, path, expected) in [
            (json!({}), "", None),
            (json!({"seed": null}), "", None),
            (json!({"seed": 1}), "", Some("seed")),
            (json!({"sk-live-1": 1}), "", Some("(unknown)")),
            (json!({"phase": 1}), "input[0]", Some("input[0].phase")),
            (json!({"alice": 1}), "input[0]", Some("input[0].(unknown)")),
        ] {
            let found = no_others(path, fields.as_object().unwrap());
            let field = found.err().map(|unsupported| unsupported.field);
            assert_eq!(field.as_deref(), expected);
        }
    }
}
