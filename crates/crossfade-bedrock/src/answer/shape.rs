//! What a request's emulations demand of its answer, whichever wire the answer comes on: the caller's names come back, the
//! JSON tool's arguments become the text, custom tools get their bare text, one call stays one.

use std::{borrow::Cow, collections::BTreeMap};

use crossfade_exchange::{LossKind, Usage};
use serde_json::{Map, Value};

use super::{
    end::{AnswerError, Verdict, verdict},
    fences::Unfence,
    guardrail,
    json_tool::JsonInput,
    reply::Reply,
    stamp::Mint,
    step::{CallKind, End, Finish, Step},
    stop::Meaning,
    text_calls,
};
use crate::{converse::Guarded, settings::Misconduct};

/// The most text that is held back while it is not known what it is.
pub(super) const MOST_HELD: usize = 4 << 20;
/// The most calls of one answer.
const MOST_CALLS: u32 = 1024;

/// How the provider says that its answer ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its word's meaning.
    pub(crate) meaning: Meaning,
    /// What its filter did, if one looked.
    pub(crate) guarded: Option<Guarded>,
    /// Tokens.
    pub(crate) usage: Option<Usage>,
}

/// The state of one answer.
#[derive(Debug)]
pub(crate) struct Shape {
    reply: Reply,
    misconduct: Misconduct,
    mint: Mint,
    calls: u32,
    blocks: BTreeMap<i64, Block>,
    /// Text was given.
    spoke: bool,
    json: Json,
    held: String,
    unfence: Option<Unfence>,
    first: First,
    /// Something was given that the caller may have by now.
    given: bool,
}

/// A block that is open, by the provider's own index.
#[derive(Debug)]
enum Block {
    Call { index: u32, has_input: bool },
    Custom { index: u32, input: String },
    Json(JsonInput),
    Dropped,
}

/// What text may turn out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Json {
    /// Text.
    No,
    /// Words beside the JSON that comes by a tool: held back.
    Maybe,
    /// The same, and the tool was called.
    Yes,
    /// A tool call that the model wrote as text: held back while it looks like one.
    Call,
}

/// The first text of an answer that a filter looks at: it may be the filter's own words instead of an answer, which the
/// next event tells.
#[derive(Debug)]
enum First {
    /// It need not wait.
    Free,
    /// It has not come.
    Awaited,
    /// It waits.
    Held(Step),
}

// === impl Shape ===

impl Shape {
    /// Nothing yet. `guarded`: a filter of the route's own looks at the answer.
    pub(crate) fn new(reply: Reply, seed: [u8; 32], guarded: bool, misconduct: Misconduct) -> Self {
        let json = if reply.json_tool.is_some() {
            Json::Maybe
        } else if reply.calls_as_text.is_empty() {
            Json::No
        } else {
            Json::Call
        };
        let unfence = (reply.unfence || reply.json_tool.is_some()).then(Unfence::default);
        Self {
            reply,
            misconduct,
            mint: Mint::new(seed),
            calls: 0,
            blocks: BTreeMap::new(),
            spoke: false,
            json,
            held: String::new(),
            unfence,
            first: if guarded { First::Awaited } else { First::Free },
            given: false,
        }
    }

    /// More text.
    pub(crate) fn text(&mut self, text: &str, steps: &mut Vec<Step>) -> Result<(), AnswerError> {
        if text.is_empty() {
            return Ok(());
        }
        match self.json {
            Json::No => self.speak(text, steps),
            Json::Maybe if self.calls > 0 => self.speak(text, steps),
            Json::Maybe => {
                if self.held.len() + text.len() > MOST_HELD {
                    return Err(AnswerError::TooLarge);
                }
                self.held.push_str(text);
            }
            Json::Yes => self.lose(LossKind::BlockDropped, "text", steps),
            Json::Call => {
                self.held.push_str(text);
                if self.held.len() > MOST_HELD || !text_calls::may_be(&self.held) {
                    self.json = Json::No;
                    self.release_held(steps);
                }
            }
        }
        Ok(())
    }

    /// Any step that needs no shaping: a refusal, a thought, a citation.
    pub(crate) fn other(&mut self, step: Step, steps: &mut Vec<Step>) {
        self.spoke |= step.is_content();
        self.give(step, steps);
    }

    /// A tool is called in the provider's block `key`, by the target's name.
    pub(crate) fn call(
        &mut self,
        key: i64,
        name: &str,
        steps: &mut Vec<Step>,
    ) -> Result<(), AnswerError> {
        self.done(key, steps);
        let block = if self.reply.json_tool.as_deref() == Some(name) {
            self.begin_json(steps)
        } else if (self.reply.one_call || self.reply.functions) && self.calls > 0 {
            self.lose(LossKind::ToolCallsTrimmed, "message.tool_calls", steps);
            Block::Dropped
        } else {
            self.begin_call(name, steps)?
        };
        self.blocks.insert(key, block);
        Ok(())
    }

    /// Nothing of the provider's block `key` is given.
    pub(crate) fn drop_block(&mut self, key: i64, name: &'static str, steps: &mut Vec<Step>) {
        self.done(key, steps);
        self.lose(LossKind::BlockDropped, name, steps);
        self.blocks.insert(key, Block::Dropped);
    }

    /// More of a call's input.
    pub(crate) fn input(
        &mut self,
        key: i64,
        fragment: String,
        steps: &mut Vec<Step>,
    ) -> Result<(), AnswerError> {
        if fragment.is_empty() {
            return Ok(());
        }
        match self.blocks.get_mut(&key) {
            Some(Block::Call { index, has_input }) => {
                // White space alone is no arguments; what completes them follows it.
                *has_input |= !fragment.trim().is_empty();
                let index = *index;
                let text = fragment;
                self.give(Step::CallInput { index, text }, steps);
            }
            Some(Block::Custom { input, .. }) => {
                if input.len() + fragment.len() > MOST_HELD {
                    return Err(AnswerError::TooLarge);
                }
                input.push_str(&fragment);
            }
            Some(Block::Json(input)) => {
                let ready = input.feed(&fragment);
                self.speak_bare(ready, steps);
            }
            Some(Block::Dropped) | None => {}
        }
        Ok(())
    }

    /// The provider's block `key` is complete.
    pub(crate) fn done(&mut self, key: i64, steps: &mut Vec<Step>) {
        match self.blocks.remove(&key) {
            Some(Block::Call { index, has_input }) => {
                if !has_input {
                    let text = "{}".to_owned();
                    self.give(Step::CallInput { index, text }, steps);
                }
                self.give(Step::CallDone { index }, steps);
            }
            Some(Block::Custom { index, input }) => {
                let text = bare_input(input);
                self.give(Step::CallInput { index, text }, steps);
                self.give(Step::CallDone { index }, steps);
            }
            Some(Block::Json(input)) => {
                let (rest, unwrapped) = input.finish();
                self.speak_bare(rest, steps);
                if unwrapped {
                    self.lose(LossKind::JsonUnwrapped, "message.content", steps);
                }
            }
            Some(Block::Dropped) | None => {}
        }
    }

    /// Names a loss.
    #[expect(
        clippy::unused_self,
        reason = "losses are named where everything else is said"
    )]
    pub(crate) fn lose(
        &mut self,
        kind: LossKind,
        field: impl Into<Cow<'static, str>>,
        steps: &mut Vec<Step>,
    ) {
        steps.push(Step::Lost(kind, field.into()));
    }

    /// It is over.
    ///
    /// # Errors
    /// When it ended in a way that makes it no answer.
    pub(crate) fn end(&mut self, ended: &Ended, steps: &mut Vec<Step>) -> Result<(), AnswerError> {
        let open: Vec<i64> = self.blocks.keys().copied().collect();
        for key in open {
            self.done(key, steps);
        }
        if self.calls == 0 {
            self.call_in_text(steps)?;
        }
        let guarded = ended.guarded.as_ref();
        let findings = guarded.map(|guarded| guardrail::findings(guarded, self.misconduct));
        let says = self.spoke || !self.held.is_empty() || self.unfence_holds();
        let verdict = match verdict(ended.meaning, guarded, says, self.calls > 0) {
            Ok(verdict) => verdict,
            Err(error) => {
                steps.extend(ended.usage.map(Step::Tokens));
                return Err(error);
            }
        };
        let finish = match verdict {
            Verdict::Known(finish) => finish,
            Verdict::Unknown => {
                self.lose(LossKind::StopReasonUnknown, "finish_reason", steps);
                if self.calls > 0 {
                    Finish::Calls
                } else {
                    Finish::Stop
                }
            }
            Verdict::PromptBlocked if self.is_on_its_way() => Finish::Filtered,
            Verdict::PromptBlocked => {
                steps.extend(ended.usage.map(Step::Tokens));
                let prompt = findings.and_then(|findings| findings.prompt);
                return Err(AnswerError::PromptBlocked(prompt.unwrap_or_default()));
            }
        };
        self.release_held(steps);
        self.close_fence(steps);
        self.release_first(steps);
        steps.extend(findings.map(Step::Filter));
        let usage = ended.usage;
        steps.push(Step::End(End { finish, usage }));
        Ok(())
    }

    /// Whether the caller may have a part of the answer by now.
    fn is_on_its_way(&self) -> bool {
        self.given && self.reply.delivery.is_stream()
    }

    fn begin_json(&mut self, steps: &mut Vec<Step>) -> Block {
        if self.calls > 0 || self.json == Json::Yes {
            self.lose(LossKind::BlockDropped, "json", steps);
            return Block::Dropped;
        }
        if !std::mem::take(&mut self.held).is_empty() {
            self.lose(LossKind::BlockDropped, "text", steps);
        }
        self.unfence = None;
        self.json = Json::Yes;
        Block::Json(JsonInput::new(self.reply.json_unwrap))
    }

    fn begin_call(&mut self, name: &str, steps: &mut Vec<Step>) -> Result<Block, AnswerError> {
        if self.calls >= MOST_CALLS {
            return Err(AnswerError::TooLarge);
        }
        if matches!(self.json, Json::Maybe | Json::Call) {
            self.release_held(steps);
        }
        if self.json == Json::Call {
            self.json = Json::No;
        }
        let index = self.calls;
        self.calls += 1;
        let id = self.mint.call_id();
        let custom = self.reply.custom.contains(name);
        let kind = if custom {
            CallKind::Custom
        } else {
            CallKind::Function
        };
        let name = self.reply.names.to_caller(name).to_owned();
        let id = Some(id);
        self.give(
            Step::Call {
                index,
                id,
                name,
                kind,
            },
            steps,
        );
        Ok(match kind {
            CallKind::Custom => Block::Custom {
                index,
                input: String::new(),
            },
            CallKind::Function => Block::Call {
                index,
                has_input: false,
            },
        })
    }

    /// Calls that the model wrote as its text become calls.
    fn call_in_text(&mut self, steps: &mut Vec<Step>) -> Result<(), AnswerError> {
        if self.json == Json::Yes || self.reply.calls_as_text.is_empty() {
            return Ok(());
        }
        let Some(calls) = text_calls::read(&self.held, &self.reply.calls_as_text) else {
            return Ok(());
        };
        self.held.clear();
        for (key, (name, arguments)) in (i64::MIN..).zip(calls) {
            self.lose(LossKind::ToolCallFromText, "message.content", steps);
            self.call(key, &name, steps)?;
            self.input(key, arguments, steps)?;
            self.done(key, steps);
        }
        Ok(())
    }

    fn release_held(&mut self, steps: &mut Vec<Step>) {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            self.speak(&held, steps);
        }
    }

    /// Gives text without a fence where none should be.
    fn speak(&mut self, text: &str, steps: &mut Vec<Step>) {
        let bare = match &mut self.unfence {
            Some(unfence) => unfence.feed(text),
            None => text.to_owned(),
        };
        self.speak_bare(bare, steps);
    }

    fn speak_bare(&mut self, text: String, steps: &mut Vec<Step>) {
        if !text.is_empty() {
            self.spoke = true;
            self.give(Step::Text(text), steps);
        }
    }

    fn unfence_holds(&self) -> bool {
        self.unfence.as_ref().is_some_and(Unfence::holds)
    }

    fn close_fence(&mut self, steps: &mut Vec<Step>) {
        if let Some(mut unfence) = self.unfence.take() {
            let rest = unfence.finish();
            self.speak_bare(rest, steps);
            if unfence.is_inside() {
                self.lose(LossKind::JsonUnwrapped, "message.content", steps);
            }
        }
    }

    /// Every step that a caller may see goes through here.
    fn give(&mut self, step: Step, steps: &mut Vec<Step>) {
        match &mut self.first {
            First::Awaited if matches!(step, Step::Text(_)) => {
                self.first = First::Held(step);
                return;
            }
            // They come before the text, and say nothing of whether it is the guardrail's.
            First::Awaited if matches!(step, Step::Thought(_) | Step::Logprobs(_)) => {}
            First::Awaited | First::Held(_) => self.release_first(steps),
            First::Free => {}
        }
        self.given |= step.is_content();
        steps.push(step);
    }

    fn release_first(&mut self, steps: &mut Vec<Step>) {
        if let First::Held(held) = std::mem::replace(&mut self.first, First::Free) {
            self.given = true;
            steps.push(held);
        }
    }
}

/// The bare text of a custom tool's input, which came as a function's arguments.
fn bare_input(arguments: String) -> String {
    let Ok(object) = serde_json::from_str::<Map<String, Value>>(&arguments) else {
        return arguments;
    };
    match object.get(Reply::CUSTOM_INPUT) {
        Some(Value::String(text)) => text.clone(),
        _ => arguments,
    }
}
