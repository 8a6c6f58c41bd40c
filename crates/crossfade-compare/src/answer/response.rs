//! A response of the Responses API reduced to what the checks compare.

use crossfade_openai::{
    chat::Open,
    responses::{IncompleteReason, Item, Message, Response, Role, Status, Usage},
};

use super::{Answer, Call, Finish};

/// The first thing that is wrong with a form.
#[derive(Default)]
struct Defect(Option<&'static str>);

// === impl Defect ===

impl Defect {
    fn found(&mut self, wrong: bool, what: &'static str) {
        if wrong {
            self.0.get_or_insert(what);
        }
    }

    fn of_call(&mut self, id: &str, name: &str) {
        self.found(id.is_empty(), "tool_call_without_id");
        self.found(name.is_empty(), "tool_call_without_name");
    }
}

// === impl Answer ===

impl Answer {
    /// Reduces a response. Items of the provider's own tools are passed over.
    pub(crate) fn of_response(response: Response) -> Self {
        let mut defect = Defect::default();
        let finish = Finish::of_response(&response);
        defect.found(response.status.is_none(), "no_status");
        defect.found(finish == Finish::Unknown, "unknown_status");
        let text = response.text();
        let refusal = response.refusal().filter(|refusal| !refusal.is_empty());
        let counts = response.usage.value().map(Usage::counts);
        let usable = response.object == Response::OBJECT && !response.id.is_empty();
        let mut calls = Vec::new();
        let mut others = false;
        for item in response.output {
            match item {
                Item::Message(message) => {
                    defect.found(!is_assistants(&message), "wrong_role");
                }
                Item::FunctionCall(call) => {
                    defect.of_call(&call.call_id, &call.name);
                    calls.push(Call {
                        name: call.name,
                        arguments: call.arguments,
                        free_text: false,
                    });
                }
                Item::CustomToolCall(call) => {
                    defect.of_call(&call.call_id, &call.name);
                    calls.push(Call {
                        name: call.name,
                        arguments: call.input,
                        free_text: true,
                    });
                }
                Item::Reasoning(_) => {}
                Item::FunctionCallOutput(_)
                | Item::CustomToolCallOutput(_)
                | Item::ItemReference(_)
                | Item::Other(_) => others = true,
            }
        }
        let finish = if calls.is_empty() {
            finish
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
        defect.found(
            answer.is_empty() && !others && finish == Finish::Stop,
            "empty_answer",
        );
        defect.found(!usable, "no_id_or_object");
        Self {
            defect: defect.0,
            ..answer
        }
    }
}

fn is_assistants(message: &Message) -> bool {
    message.role == Open::Known(Role::Assistant)
}

// === impl Finish ===

impl Finish {
    /// A response says how far it came, and why no further.
    fn of_response(response: &Response) -> Self {
        match response.status() {
            Some(Status::Completed) => Self::Stop,
            Some(Status::Incomplete) => {
                let details = response.incomplete_details.value();
                match details.and_then(|details| details.reason.known()) {
                    Some(IncompleteReason::MaxOutputTokens) => Self::Length,
                    Some(IncompleteReason::ContentFilter) => Self::ContentFilter,
                    None => Self::Unknown,
                }
            }
            // An answer that one is waited for is none of these.
            Some(Status::Failed | Status::InProgress | Status::Cancelled | Status::Queued)
            | None => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn answer(mut body: Value) -> Answer {
        body["id"] = json!("resp_1");
        body["object"] = json!("response");
        Answer::of_response(Response::from_slice(body.to_string().as_bytes()).unwrap())
    }

    fn said(text: &str) -> Value {
        json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]})
    }

    #[test]
    fn defects_of_form_are_named() {
        let check = |body: Value, finish: Finish, defect: Option<&str>| {
            let shown = body.to_string();
            let answer = answer(body);
            assert_eq!((answer.finish, answer.defect), (finish, defect), "{shown}");
        };
        let done = |output: Value| json!({"status": "completed", "output": output});
        check(done(json!([said("x")])), Finish::Stop, None);
        check(done(json!([])), Finish::Stop, Some("empty_answer"));
        check(done(json!([said(" ")])), Finish::Stop, Some("empty_answer"));
        check(
            done(json!([{"type": "reasoning", "summary": []}])),
            Finish::Stop,
            Some("empty_answer"),
        );
        check(
            done(json!([{"type": "image_generation_call"}])),
            Finish::Stop,
            None,
        );
        check(
            done(json!([{"type": "message", "role": "user", "content": "x"}])),
            Finish::Stop,
            Some("wrong_role"),
        );
        let call = |id: &str, name: &str| json!([{"type": "function_call", "call_id": id, "name": name, "arguments": "{}"}]);
        check(done(call("c", "f")), Finish::ToolCalls, None);
        check(
            done(call("", "f")),
            Finish::ToolCalls,
            Some("tool_call_without_id"),
        );
        check(
            done(call("c", "")),
            Finish::ToolCalls,
            Some("tool_call_without_name"),
        );
        let cut = |reason: &str| json!({"status": "incomplete", "incomplete_details": {"reason": reason}, "output": []});
        check(cut("max_output_tokens"), Finish::Length, None);
        check(cut("content_filter"), Finish::ContentFilter, None);
        check(cut("max_tokens"), Finish::Unknown, Some("unknown_status"));
        check(
            json!({"status": "queued", "output": []}),
            Finish::Unknown,
            Some("unknown_status"),
        );
        check(
            json!({"output": [said("x")]}),
            Finish::Unknown,
            Some("no_status"),
        );
        let anonymous = Response::from_slice(
            br#"{"status":"completed","output":[{"type":"message","role":"assistant","content":"x"}]}"#,
        );
        let answer = Answer::of_response(anonymous.unwrap());
        assert_eq!(answer.defect, Some("empty_answer"), "content is in parts");
    }

    #[test]
    fn all_that_was_said_is_kept() {
        let answer = answer(json!({
            "status": "completed",
            "output": [
                said("a"),
                {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
                {"type": "custom_tool_call", "call_id": "c", "name": "g", "input": "free"},
                said("b")
            ],
            "usage": {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 2}, "output_tokens": 3, "total_tokens": 8}
        }));
        assert_eq!(
            (answer.text.as_str(), answer.refusal.as_deref()),
            ("ab", Some("no"))
        );
        assert_eq!(answer.calls.len(), 1);
        assert!(answer.calls[0].free_text);
        let counts = answer.counts.unwrap();
        assert_eq!((counts.prompt, counts.cached, counts.completion), (5, 2, 3));
    }
}
