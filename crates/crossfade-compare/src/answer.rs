//! A completion or a response reduced to what the checks compare, with the first defect of its form. It judges form, not
//! content.

mod response;

use crossfade_openai::chat::{Choice, Completion, FinishReason, Open, TokenCounts, ToolCall};

/// What one side answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// The text; empty if there is none.
    pub(crate) text: String,
    /// The API's own refusal field.
    pub(crate) refusal: Option<String>,
    /// Why it ended.
    pub(crate) finish: Finish,
    /// The tools it calls, in their order.
    pub(crate) calls: Vec<Call>,
    /// Tokens, if the answer says them.
    pub(crate) counts: Option<TokenCounts>,
    /// The first thing that is wrong with its form.
    pub(crate) defect: Option<&'static str>,
}

/// One call of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The tool's name.
    pub(crate) name: String,
    /// The arguments as they were written: JSON, or free text.
    pub(crate) arguments: String,
    /// Whether they are free text by the kind of the tool.
    pub(crate) free_text: bool,
}

/// The classes of finish reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It came to its own end.
    Stop,
    /// It ran into a limit of tokens.
    Length,
    /// It calls tools, whatever the reason is called.
    ToolCalls,
    /// A filter cut it off.
    ContentFilter,
    /// A word that clients do not know, or none.
    Unknown,
}

// === impl Answer ===

impl Answer {
    /// Reduces a completion. Only the first choice is compared.
    pub(crate) fn of(completion: Completion) -> Self {
        let usable = completion.object == Completion::OBJECT && !completion.id.is_empty();
        let counts = completion
            .usage
            .as_ref()
            .map(crossfade_openai::chat::Usage::counts);
        let Some(choice) = completion
            .choices
            .into_iter()
            .min_by_key(|choice| choice.index)
        else {
            return Self::defective("no_choices", counts);
        };
        let mut answer = Self::of_choice(choice, counts);
        if answer.defect.is_none() && !usable {
            answer.defect = Some("no_id_or_object");
        }
        answer
    }

    fn of_choice(choice: Choice, counts: Option<TokenCounts>) -> Self {
        let reason = Finish::of(choice.finish_reason.as_ref());
        let Some(message) = choice.message else {
            // A filtered answer may come without a message.
            let defect = (reason != Finish::ContentFilter).then_some("no_message");
            return Self {
                finish: reason,
                defect,
                ..Self::defective("", counts)
            };
        };
        let mut defect = None;
        let mut found = |wrong: bool, what: &'static str| {
            if wrong {
                defect.get_or_insert(what);
            }
        };
        found(message.role != "assistant", "wrong_role");
        found(choice.finish_reason.is_none(), "no_finish_reason");
        found(reason == Finish::Unknown, "unknown_finish_reason");
        let calls = message.tool_calls.unwrap_or_default();
        for call in &calls {
            found(call.id.is_empty(), "tool_call_without_id");
            found(call.kind.known().is_none(), "unknown_tool_kind");
            found(
                call.name().is_none_or(str::is_empty),
                "tool_call_without_name",
            );
        }
        let mut calls: Vec<Call> = calls.into_iter().map(Call::of).collect();
        calls.extend(message.function_call.map(|call| Call {
            name: call.name,
            arguments: call.arguments,
            free_text: false,
        }));
        found(
            reason == Finish::ToolCalls && calls.is_empty(),
            "no_tool_calls",
        );
        let spoken = message.audio.is_some();
        let text = message.content.unwrap_or_default();
        let refusal = message.refusal.filter(|refusal| !refusal.is_empty());
        let finish = if calls.is_empty() {
            reason
        } else {
            Finish::ToolCalls
        };
        let answer = Self {
            text,
            refusal,
            finish,
            calls,
            counts,
            defect: None,
        };
        found(
            answer.is_empty() && !spoken && finish == Finish::Stop,
            "empty_answer",
        );
        Self { defect, ..answer }
    }

    const fn defective(defect: &'static str, counts: Option<TokenCounts>) -> Self {
        Self {
            text: String::new(),
            refusal: None,
            finish: Finish::Unknown,
            calls: Vec::new(),
            counts,
            defect: Some(defect),
        }
    }

    /// Whether it holds nothing that a caller could use.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && self.refusal.is_none() && self.calls.is_empty()
    }

    /// Whether both say the same, byte for byte.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        self.text == other.text
            && self.refusal == other.refusal
            && self.finish == other.finish
            && self.calls == other.calls
    }
}

// === impl Call ===

impl Call {
    fn of(call: ToolCall) -> Self {
        match (call.function, call.custom) {
            (Some(function), _) => Self {
                name: function.name,
                arguments: function.arguments,
                free_text: false,
            },
            (None, Some(custom)) => Self {
                name: custom.name,
                arguments: custom.input,
                free_text: true,
            },
            (None, None) => Self {
                name: String::new(),
                arguments: String::new(),
                free_text: false,
            },
        }
    }
}

// === impl Finish ===

impl Finish {
    fn of(reason: Option<&Open<FinishReason>>) -> Self {
        match reason.and_then(Open::known) {
            Some(FinishReason::Stop) => Self::Stop,
            Some(FinishReason::Length) => Self::Length,
            Some(FinishReason::ToolCalls | FinishReason::FunctionCall) => Self::ToolCalls,
            Some(FinishReason::ContentFilter) => Self::ContentFilter,
            None => Self::Unknown,
        }
    }

    /// The fixed name for evidence.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, finish: Finish, defect: Option<&str>) {
        let answer = Answer::of(Completion::from_slice(body.as_bytes()).unwrap());
        assert_eq!((answer.finish, answer.defect), (finish, defect), "{body}");
    }

    /// A body with this choice.
    fn body(choice: &str) -> String {
        format!("{{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"choices\":[{choice}]}}")
    }

    /// A body with this message and finish reason.
    fn said(message: &str, reason: &str) -> String {
        body(&format!(
            "{{\"message\":{{\"role\":\"assistant\",{message}}},\"finish_reason\":{reason}}}"
        ))
    }

    #[test]
    fn defects_of_form_are_named() {
        check(&said("\"content\":\"x\"", "\"stop\""), Finish::Stop, None);
        check(
            &said("\"content\":\"x\"", "\"length\""),
            Finish::Length,
            None,
        );
        check(
            &said("\"content\":\"\"", "\"length\""),
            Finish::Length,
            None,
        );
        check(
            &said("\"content\":\" \"", "\"stop\""),
            Finish::Stop,
            Some("empty_answer"),
        );
        check(
            &said("\"content\":null", "\"stop\""),
            Finish::Stop,
            Some("empty_answer"),
        );
        check(&said("\"refusal\":\"no\"", "\"stop\""), Finish::Stop, None);
        check(
            &said("\"content\":\"x\"", "null"),
            Finish::Unknown,
            Some("no_finish_reason"),
        );
        check(
            &said("\"content\":\"x\"", "\"end\""),
            Finish::Unknown,
            Some("unknown_finish_reason"),
        );
        check(
            &said("\"content\":null", "\"tool_calls\""),
            Finish::ToolCalls,
            Some("no_tool_calls"),
        );
    }

    #[test]
    fn defects_of_calls_and_choices_are_named() {
        let call = |id: &str, kind: &str, name: &str| {
            format!(
                "\"tool_calls\":[{{\"id\":\"{id}\",\"type\":\"{kind}\",\"function\":{{\"name\":\"{name}\",\"arguments\":\"\"}}}}]"
            )
        };
        check(
            &said(&call("c", "function", "f"), "\"stop\""),
            Finish::ToolCalls,
            None,
        );
        check(
            &said(&call("", "function", "f"), "\"stop\""),
            Finish::ToolCalls,
            Some("tool_call_without_id"),
        );
        check(
            &said(&call("c", "other", "f"), "\"stop\""),
            Finish::ToolCalls,
            Some("unknown_tool_kind"),
        );
        check(
            &said(&call("c", "function", ""), "\"stop\""),
            Finish::ToolCalls,
            Some("tool_call_without_name"),
        );
        check(&body(""), Finish::Unknown, Some("no_choices"));
        check(
            &body("{\"finish_reason\":\"stop\"}"),
            Finish::Stop,
            Some("no_message"),
        );
        check(
            &body("{\"finish_reason\":\"content_filter\"}"),
            Finish::ContentFilter,
            None,
        );
        check(
            &body("{\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}"),
            Finish::Stop,
            Some("wrong_role"),
        );
        check(
            "{\"object\":\"x\",\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"x\"},\"finish_reason\":\"stop\"}]}",
            Finish::Stop,
            Some("no_id_or_object"),
        );
    }

    #[test]
    fn every_kind_of_call_is_kept() {
        let body = r#"{"id":"a","object":"chat.completion","choices":[{"finish_reason":"tool_calls","message":{"role":"assistant",
            "tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}},
                          {"id":"2","type":"custom","custom":{"name":"g","input":"free"}}],
            "function_call":{"name":"h","arguments":"{}"}}}]}"#;
        let answer = Answer::of(Completion::from_slice(body.as_bytes()).unwrap());
        let call = |name: &str, arguments: &str, free_text| Call {
            name: name.into(),
            arguments: arguments.into(),
            free_text,
        };
        assert_eq!(
            answer.calls,
            [
                call("f", "{}", false),
                call("g", "free", true),
                call("h", "{}", false)
            ]
        );
        assert_eq!(answer.defect, None);
    }
}
