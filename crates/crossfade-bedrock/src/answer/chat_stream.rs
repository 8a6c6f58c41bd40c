//! Gives an answer as a chat completion's stream.

use bytes::{Bytes, BytesMut};
use crossfade_exchange::LossKind;
use crossfade_openai::{
    chat::{
        Chunk, ChunkBuilder, Delta, FinishReason, FunctionCallDelta, Nullable, ToolCallDelta,
        ToolKind, content_filter_not_run,
    },
    error::AzureError,
    sse,
};
use serde_json::{Map, Value, json};

use super::{
    AnswerError, guardrail,
    reply::{Delivery, Reply},
    stamp::{Mint, Stamp},
    step::{CallKind, End, FilterFindings, Finish, Step},
    usage,
    writer::{Face, Facts},
};
use crate::settings::Annotations;

/// The state of one stream.
#[derive(Debug)]
pub(crate) struct ChatStream {
    chunks: ChunkBuilder,
    annotations: Annotations,
    guarded: bool,
    functions: bool,
    mint: Mint,
    out: BytesMut,
    begun: bool,
    kinds: Vec<CallKind>,
    citations: Vec<Value>,
    findings: FilterFindings,
    /// For the next piece of text.
    logprobs: Option<Value>,
}

// === impl ChatStream ===

impl ChatStream {
    /// Nothing yet.
    pub(crate) fn new(reply: &Reply, stamp: Stamp) -> Self {
        let include_usage = matches!(
            reply.delivery,
            Delivery::Stream {
                include_usage: true
            }
        );
        Self {
            chunks: ChunkBuilder {
                head: stamp.head,
                include_usage,
            },
            annotations: stamp.annotations,
            guarded: stamp.guarded,
            functions: reply.functions,
            mint: Mint::new(stamp.seed),
            out: BytesMut::new(),
            begun: false,
            kinds: Vec::new(),
            citations: Vec::new(),
            findings: FilterFindings::default(),
            logprobs: None,
        }
    }

    fn text(&mut self, text: String) {
        self.begin_with_role();
        let annotations = if self.says_not_run() {
            content_filter_not_run()
        } else {
            Value::Object(Map::new())
        };
        let chunk = self.chunks.text(text, annotations);
        self.send_with_logprobs(chunk);
    }

    fn call(&mut self, index: u32, id: Option<String>, name: &str, kind: CallKind) {
        self.kinds.push(kind);
        let delta = if self.functions {
            Delta {
                function_call: Some(FunctionCallDelta {
                    arguments: Some(String::new()),
                    name: Some(name.to_owned()),
                    ..FunctionCallDelta::default()
                }),
                ..Delta::default()
            }
        } else {
            let id = id.unwrap_or_else(|| self.mint.call_id());
            let call = match kind {
                CallKind::Function => ToolCallDelta::start(index.into(), &id, name),
                CallKind::Custom => custom_start(index, id, name),
            };
            Delta {
                tool_calls: Some(vec![call]),
                ..Delta::default()
            }
        };
        let delta = if self.begun {
            delta
        } else {
            // The first chunk carries the role too.
            self.begin();
            Delta {
                content: Nullable::Null,
                refusal: Nullable::Null,
                role: Some("assistant".to_owned()),
                ..delta
            }
        };
        let chunk = self.chunks.delta(delta);
        self.send(&chunk);
    }

    fn call_input(&mut self, index: u32, text: String) {
        let kind = usize::try_from(index)
            .ok()
            .and_then(|index| self.kinds.get(index));
        let chunk = if self.functions {
            self.chunks.delta(Delta {
                function_call: Some(FunctionCallDelta {
                    arguments: Some(text),
                    ..FunctionCallDelta::default()
                }),
                ..Delta::default()
            })
        } else if kind == Some(&CallKind::Custom) {
            self.chunks.delta(Delta {
                tool_calls: Some(vec![custom_input(index, &text)]),
                ..Delta::default()
            })
        } else {
            self.chunks.tool_arguments(index.into(), text)
        };
        self.send(&chunk);
    }

    /// The end: what a filter found, why it ended, the tokens if they were asked for, and the mark.
    fn end(&mut self, end: End) {
        self.begin_with_role();
        if !self.citations.is_empty() {
            let citations = std::mem::take(&mut self.citations);
            let mut delta = Delta::default();
            let name = "annotations".to_owned();
            delta.other.insert(name, Value::Array(citations));
            let chunk = self.chunks.delta(delta);
            self.send(&chunk);
        }
        let findings = std::mem::take(&mut self.findings);
        let shown = self.annotations != Annotations::Absent;
        if shown && (self.guarded || findings.prompt.is_some()) {
            // It looked, or this would have been said at the beginning.
            let prompt = guardrail::shown(findings.prompt, true);
            let chunk = self.chunks.prompt_filter(prompt);
            self.send(&chunk);
        }
        let mut chunk = self
            .chunks
            .finish(finish_reason(end.finish, self.functions));
        if let Some(found) = findings.completion.filter(|_| shown) {
            for choice in &mut chunk.choices {
                choice.content_filter_results = Some(Value::Object(found.clone()));
            }
        }
        self.send(&chunk);
        if let Some(tokens) = end.usage
            && let Some(chunk) = self.chunks.usage(usage::shown(tokens))
        {
            self.send(&chunk);
        }
        self.out.extend_from_slice(&sse::encode_data(sse::DONE));
    }

    fn begin_with_role(&mut self) {
        if !self.begun {
            self.begin();
            let chunk = self.chunks.role();
            self.send(&chunk);
        }
    }

    fn begin(&mut self) {
        self.begun = true;
        if self.says_not_run() {
            let chunk = self.chunks.prompt_filter(content_filter_not_run());
            self.send(&chunk);
        }
    }

    /// Whether it is known from the beginning that no filter looks.
    fn says_not_run(&self) -> bool {
        self.annotations == Annotations::NotRun && !self.guarded
    }

    fn send_with_logprobs(&mut self, mut chunk: Chunk) {
        if let Some(choice) = chunk.choices.first_mut() {
            choice.logprobs = self.logprobs.take();
        }
        self.send(&chunk);
    }

    fn send(&mut self, chunk: &Chunk) {
        self.out.extend_from_slice(&chunk.to_event());
    }
}

impl Face for ChatStream {
    fn give(&mut self, step: Step, facts: &mut Facts) -> Result<(), AnswerError> {
        match step {
            Step::Text(text) => self.text(text),
            Step::Refusal(text) => {
                self.begin_with_role();
                let chunk = self.chunks.refusal(text);
                self.send_with_logprobs(chunk);
            }
            Step::Thought(_) => facts.lose(LossKind::ReasoningHidden, "message.reasoning"),
            Step::Call {
                index,
                id,
                name,
                kind,
            } => self.call(index, id, &name, kind),
            Step::CallInput { index, text } => self.call_input(index, text),
            Step::CallDone { .. } | Step::Lost(..) | Step::Tokens(_) => {}
            Step::Citation(annotation) => self.citations.push(nested_citation(annotation)),
            Step::Logprobs(logprobs) => self.logprobs = Some(logprobs),
            Step::Filter(findings) => self.findings.merge(findings),
            Step::End(end) => self.end(end),
        }
        Ok(())
    }

    fn take(&mut self) -> Option<Bytes> {
        (!self.out.is_empty()).then(|| self.out.split().freeze())
    }

    fn fail(&mut self, error: &AzureError) -> Bytes {
        error.to_event()
    }
}

/// The caller's word for an end.
pub(super) const fn finish_reason(finish: Finish, functions: bool) -> FinishReason {
    match finish {
        Finish::Stop => FinishReason::Stop,
        Finish::Length => FinishReason::Length,
        Finish::Calls if functions => FinishReason::FunctionCall,
        Finish::Calls => FinishReason::ToolCalls,
        Finish::Filtered => FinishReason::ContentFilter,
    }
}

/// A citation as chat completions nest it.
pub(super) fn nested_citation(annotation: Value) -> Value {
    let Value::Object(mut members) = annotation else {
        return annotation;
    };
    members.remove("type");
    json!({ "type": "url_citation", "url_citation": members })
}

fn custom_start(index: u32, id: String, name: &str) -> ToolCallDelta {
    let mut call = custom_input(index, "");
    call.id = Some(id);
    call.kind = Some(ToolKind::Custom.into());
    let custom = json!({ "input": "", "name": name });
    call.other.insert("custom".to_owned(), custom);
    call
}

fn custom_input(index: u32, text: &str) -> ToolCallDelta {
    let mut call = ToolCallDelta {
        index: index.into(),
        ..ToolCallDelta::default()
    };
    let custom = json!({ "input": text });
    call.other.insert("custom".to_owned(), custom);
    call
}
