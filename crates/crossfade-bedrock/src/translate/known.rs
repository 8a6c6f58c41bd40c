//! The names that a refusal or a loss may show. A key that is not on these lists may be the caller's own text, and where a field's
//! path goes (logs, error bodies) no caller's text belongs. Not a list of what is taken: every name here may be refused.

use crossfade_openai::chat;

use crate::unsupported::of_lists;

/// Fields of a request beside those of [`chat::Request`]: older and newer ones of the primary, of its other operations,
/// and of wires that are spoken to it by mistake.
const OF_REQUESTS: &[&str] = &[
    "background",
    "best_of",
    "chat_template_kwargs",
    "context_management",
    "conversation",
    "dataSources",
    "echo",
    "enable_thinking",
    "enhancements",
    "extra_body",
    "extra_headers",
    "include",
    "input",
    "input_type",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "min_p",
    "previous_response_id",
    "prompt",
    "reasoning",
    "repetition_penalty",
    "stop_sequences",
    "suffix",
    "system",
    "thinking",
    "timeout",
    "top_k",
    "truncation",
];

/// Fields of what stands within a request: messages, parts, tools, calls, choices, formats and options.
const WITHIN: &[&str] = &[
    "additionalProperties",
    "allowed_tools",
    "annotations",
    "arguments",
    "cache_control",
    "content",
    "context",
    "custom",
    "data",
    "defer_loading",
    "description",
    "detail",
    "file",
    "file_data",
    "file_id",
    "file_url",
    "filename",
    "format",
    "function",
    "grammar",
    "id",
    "image",
    "image_url",
    "include_obfuscation",
    "include_usage",
    "index",
    "input_audio",
    "input_image",
    "input_text",
    "json_schema",
    "media_type",
    "mime_type",
    "mode",
    "name",
    "namespace",
    "output",
    "parameters",
    "parsed",
    "parsed_arguments",
    "prompt_cache_breakpoint",
    "reasoning_content",
    "reasoning_details",
    "reasoning_text",
    "refusal",
    "role",
    "schema",
    "signature",
    "source",
    "status",
    "strict",
    "text",
    "token_count",
    "tool_call_id",
    "tool_calls",
    "type",
    "url",
    "weight",
];

/// Blocks of an answer that have no counterpart on the caller's wire.
const BLOCKS: &[&str] = &[
    "audio",
    "cachePoint",
    "document",
    "guardContent",
    "searchResult",
    "video",
];

/// The name itself if it is one of a request's, anywhere in it.
pub(crate) fn shown(name: &str) -> &'static str {
    of_lists(&[chat::Request::FIELDS, OF_REQUESTS, WITHIN], name)
}

/// The name itself if it is one of the target's blocks.
pub(crate) fn block(name: &str) -> &'static str {
    of_lists(&[BLOCKS], name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unsupported::UNKNOWN;

    #[test]
    fn only_names_of_the_wire_are_shown() {
        for (name, expected) in [
            ("enhancements", "enhancements"),
            ("n", "n"),
            ("data_sources", "data_sources"),
            ("cache_control", "cache_control"),
            ("top_k", "top_k"),
            ("Top_K", UNKNOWN),
            ("hunter2", UNKNOWN),
            ("sk_live_0123456789", UNKNOWN),
            ("alice", UNKNOWN),
            ("my secret", UNKNOWN),
            ("", UNKNOWN),
        ] {
            assert_eq!(shown(name), expected, "{name}");
        }
    }
}
