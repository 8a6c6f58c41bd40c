//! What a request may be refused for: fields without a counterpart on Converse, each by its name.

use serde_json::{Value, json};

/// A field for which a request may be refused.
pub(super) struct Refusal {
    /// As it is named, without indexes.
    pub(super) field: &'static str,
    /// Why nothing can be said in its place.
    pub(super) why: &'static str,
    /// Whether the request has it in the form that cannot be said.
    pub(super) holds: fn(&Value) -> bool,
}

/// All of them.
pub(super) const REFUSALS: &[Refusal] = &[
    Refusal {
        field: "n",
        why: "Converse gives one answer",
        holds: |caller| {
            caller
                .get("n")
                .and_then(Value::as_u64)
                .is_some_and(|n| n > 1)
        },
    },
    Refusal {
        field: "frequency_penalty",
        why: "no counterpart, and sampling without it is another",
        holds: |caller| differs(caller.get("frequency_penalty"), &json!(0)),
    },
    Refusal {
        field: "logprobs",
        why: "no counterpart",
        holds: |caller| caller.get("logprobs") == Some(&json!(true)),
    },
    Refusal {
        field: "moderation",
        why: "a judgement by the primary's own provider",
        holds: |caller| caller.get("moderation").is_some(),
    },
    Refusal {
        field: "web_search_options",
        why: "a search that the primary's provider makes",
        holds: |caller| caller.get("web_search_options").is_some(),
    },
    Refusal {
        field: "audio",
        why: "no answer can be spoken",
        holds: |caller| caller.get("audio").is_some(),
    },
    Refusal {
        field: "thinking",
        why: "an unknown field: another vendor's",
        holds: |caller| caller.get("thinking").is_some(),
    },
    Refusal {
        field: "messages[].reasoning_content",
        why: "an unknown member: another vendor's",
        holds: |caller| {
            let mut messages = messages(caller);
            messages.any(|message| message.get("reasoning_content").is_some())
        },
    },
    Refusal {
        field: "messages[].content[]",
        why: "an unknown kind of part: another vendor's",
        holds: |caller| {
            let parts = messages(caller).filter_map(|message| message.get("content")?.as_array());
            let mut parts = parts.flatten();
            let kinds = ["thinking", "tool_use", "tool_result"].map(|kind| json!(kind));
            parts.any(|part| part.get("type").is_some_and(|kind| kinds.contains(kind)))
        },
    },
    Refusal {
        field: "tool_choice.function.name",
        why: "names no tool: the primary itself refuses it",
        holds: |caller| {
            let chosen = caller.pointer("/tool_choice/function/name");
            let tools = caller.get("tools").and_then(Value::as_array);
            let mut tools = tools.into_iter().flatten();
            chosen.is_some() && !tools.any(|tool| tool.pointer("/function/name") == chosen)
        },
    },
];

/// Whether a request may be refused for a field, named without indexes.
pub(super) fn is_known(field: &str, caller: &Value) -> bool {
    let mut known = REFUSALS.iter().filter(|refusal| refusal.field == field);
    known.any(|refusal| (refusal.holds)(caller))
}

fn messages(caller: &Value) -> impl Iterator<Item = &Value> {
    let messages = caller.get("messages").and_then(Value::as_array);
    messages.into_iter().flatten()
}

fn differs(value: Option<&Value>, neutral: &Value) -> bool {
    value.is_some_and(|value| !value.is_null() && value.as_f64() != neutral.as_f64())
}
