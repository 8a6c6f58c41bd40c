//! Why an answer ended, from the target's ten words to the caller's five.

/// What the target's word means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Done.
    Done,
    /// Tools are called.
    ToolCalls,
    /// The token limit was reached.
    Length,
    /// The context was full before or while answering.
    ContextFull,
    /// A filter, or the model's own refusal.
    Filtered,
    /// A guardrail looked at it; whether it blocked is in its trace.
    Guarded,
    /// What the model produced is no answer.
    Malformed,
    /// A word that this table does not know.
    Unknown,
}

/// The meaning of a stop reason.
pub(super) fn meaning(stop_reason: &str) -> Meaning {
    match stop_reason {
        "end_turn" | "stop_sequence" => Meaning::Done,
        "tool_use" => Meaning::ToolCalls,
        "max_tokens" => Meaning::Length,
        "model_context_window_exceeded" => Meaning::ContextFull,
        "content_filtered" | "refusal" => Meaning::Filtered,
        "guardrail_intervened" => Meaning::Guarded,
        "malformed_model_output" | "malformed_tool_use" => Meaning::Malformed,
        _ => Meaning::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ten_words_bug_25() {
        for (word, expected) in [
            ("end_turn", Meaning::Done),
            ("stop_sequence", Meaning::Done),
            ("tool_use", Meaning::ToolCalls),
            ("max_tokens", Meaning::Length),
            ("model_context_window_exceeded", Meaning::ContextFull),
            ("content_filtered", Meaning::Filtered),
            ("refusal", Meaning::Filtered),
            ("guardrail_intervened", Meaning::Guarded),
            ("malformed_model_output", Meaning::Malformed),
            ("malformed_tool_use", Meaning::Malformed),
            ("pause_turn", Meaning::Unknown),
            ("", Meaning::Unknown),
        ] {
            assert_eq!(meaning(word), expected, "{word}");
        }
    }
}
