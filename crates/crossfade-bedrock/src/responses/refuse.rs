//! Refusals by a field's name, and which names may be shown: another key may be the caller's own text.

use crossfade_exchange::Unsupported;
use crossfade_openai::{chat::Fields, responses};

use crate::unsupported::{no_others_but, of_lists};
pub(super) use crate::unsupported::{refused, stateful};

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

/// Refuses members that nobody knows; `null` says nothing, and is no member.
pub(super) fn no_others(path: &str, others: &Fields) -> Result<(), Unsupported> {
    no_others_but(path, others, &[], shown)
}

fn shown(name: &str) -> &'static str {
    of_lists(&[responses::Request::FIELDS, WITHIN, OF_OTHERS], name)
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
