//! Gives an answer as a whole chat completion.

use bytes::Bytes;
use crossfade_exchange::LossKind;
use crossfade_openai::{
    chat::{AnswerMessage, Completion, CustomCall, Fields, FunctionCall, ToolCall, ToolKind},
    error::AzureError,
};
use serde_json::{Map, Value};

use super::{
    AnswerError,
    chat_stream::{finish_reason, nested_citation},
    guardrail,
    reply::Reply,
    stamp::{Mint, Stamp},
    step::{CallKind, End, FilterFindings, Finish, Step},
    usage,
    writer::{Face, Facts},
};
use crate::settings::Annotations;

/// The state of one answer.
#[derive(Debug)]
pub(crate) struct ChatWhole {
    stamp: Stamp,
    functions: bool,
    mint: Mint,
    /// Bytes that may still come.
    room: usize,
    text: String,
    refusal: Option<String>,
    calls: Vec<Call>,
    citations: Vec<Value>,
    findings: FilterFindings,
    /// A filter looked at it.
    looked: bool,
    /// A choice's `logprobs`, its lists joined.
    logprobs: Map<String, Value>,
    body: Option<Bytes>,
}

#[derive(Debug)]
struct Call {
    id: String,
    name: String,
    kind: CallKind,
    input: String,
}

// === impl ChatWhole ===

impl ChatWhole {
    /// Nothing yet; at most `limit` bytes of content.
    pub(crate) fn new(reply: &Reply, stamp: Stamp, limit: usize) -> Self {
        Self {
            functions: reply.functions,
            mint: Mint::new(stamp.seed),
            room: limit,
            text: String::new(),
            refusal: None,
            calls: Vec::new(),
            citations: Vec::new(),
            findings: FilterFindings::default(),
            looked: stamp.guarded,
            logprobs: Map::new(),
            body: None,
            stamp,
        }
    }

    fn take_room(&mut self, text: &str) -> Result<(), AnswerError> {
        let room = self.room.checked_sub(text.len());
        self.room = room.ok_or(AnswerError::TooLarge)?;
        Ok(())
    }

    fn completion(&mut self, end: End) -> Completion {
        let findings = std::mem::take(&mut self.findings);
        let message = self.message(end.finish, findings.blocked);
        let shown = end.usage.map(usage::shown);
        let finish = finish_reason(end.finish, self.functions);
        let head = &self.stamp.head;
        let mut completion = head.completion(message, finish, shown.clone().unwrap_or_default());
        completion.usage = shown;
        completion = self.with_logprobs(completion);
        match self.stamp.annotations {
            Annotations::NotRun => {
                let [prompt, answer] = [findings.prompt, findings.completion]
                    .map(|side| guardrail::shown(side, self.looked));
                completion.with_filter_results(prompt, &answer)
            }
            Annotations::Absent => completion,
        }
    }

    /// Joins the lists of all pieces.
    fn add_logprobs(&mut self, logprobs: Value) -> Result<(), AnswerError> {
        self.take_room(&logprobs.to_string())?;
        let Value::Object(members) = logprobs else {
            return Ok(());
        };
        for (name, value) in members {
            let so_far = self.logprobs.entry(name).or_insert(Value::Null);
            match (so_far, value) {
                (Value::Array(so_far), Value::Array(more)) => so_far.extend(more),
                (_, Value::Null) => {}
                (so_far, value) => *so_far = value,
            }
        }
        Ok(())
    }

    fn with_logprobs(&mut self, mut completion: Completion) -> Completion {
        let logprobs = std::mem::take(&mut self.logprobs);
        if !logprobs.is_empty()
            && let Some(choice) = completion.choices.first_mut()
        {
            choice.logprobs = Some(Value::Object(logprobs));
        }
        completion
    }

    fn message(&mut self, finish: Finish, blocked: bool) -> AnswerMessage {
        let text = std::mem::take(&mut self.text);
        let mut calls = std::mem::take(&mut self.calls);
        // A filter blocked it: what stands there instead is not the model's.
        if finish == Finish::Filtered && blocked {
            return AnswerMessage::default();
        }
        let refusal = self.refusal.take();
        // Nothing is said where something else is, or where a filter let nothing through.
        let silent = !calls.is_empty() || refusal.is_some() || finish == Finish::Filtered;
        let says = !text.is_empty() || !silent;
        let function_call = if self.functions && !calls.is_empty() {
            let call = calls.remove(0);
            Some(FunctionCall {
                arguments: call.input,
                name: call.name,
                other: Fields::new(),
            })
        } else {
            None
        };
        let calls: Vec<ToolCall> = calls.into_iter().map(Call::into_wire).collect();
        AnswerMessage {
            annotations: Some(std::mem::take(&mut self.citations)),
            content: says.then_some(text),
            function_call,
            refusal,
            tool_calls: (!calls.is_empty()).then_some(calls),
            ..AnswerMessage::default()
        }
    }
}

impl Face for ChatWhole {
    fn give(&mut self, step: Step, facts: &mut Facts) -> Result<(), AnswerError> {
        match step {
            Step::Text(text) => {
                self.take_room(&text)?;
                self.text.push_str(&text);
            }
            Step::Refusal(text) => {
                self.take_room(&text)?;
                self.refusal.get_or_insert_default().push_str(&text);
            }
            Step::Thought(_) => facts.lose(LossKind::ReasoningHidden, "message.reasoning"),
            Step::Call { id, name, kind, .. } => {
                let id = id.unwrap_or_else(|| self.mint.call_id());
                let input = String::new();
                self.calls.push(Call {
                    id,
                    name,
                    kind,
                    input,
                });
            }
            Step::CallInput { index, text } => {
                self.take_room(&text)?;
                let index = usize::try_from(index).unwrap_or(usize::MAX);
                if let Some(call) = self.calls.get_mut(index) {
                    call.input.push_str(&text);
                }
            }
            Step::CallDone { .. } | Step::Lost(..) | Step::Tokens(_) => {}
            Step::Citation(annotation) => self.citations.push(nested_citation(annotation)),
            Step::Logprobs(logprobs) => self.add_logprobs(logprobs)?,
            Step::Filter(findings) => {
                self.looked = true;
                self.findings.merge(findings);
            }
            Step::End(end) => self.body = Some(self.completion(end).to_body()),
        }
        Ok(())
    }

    fn take(&mut self) -> Option<Bytes> {
        self.body.take()
    }

    fn fail(&mut self, error: &AzureError) -> Bytes {
        error.body.clone()
    }
}

// === impl Call ===

impl Call {
    fn into_wire(self) -> ToolCall {
        match self.kind {
            CallKind::Function => ToolCall::function(self.id, self.name, self.input),
            CallKind::Custom => ToolCall {
                custom: Some(CustomCall {
                    input: self.input,
                    name: self.name,
                    other: Fields::new(),
                }),
                function: None,
                id: self.id,
                kind: ToolKind::Custom.into(),
                other: Fields::new(),
            },
        }
    }
}
