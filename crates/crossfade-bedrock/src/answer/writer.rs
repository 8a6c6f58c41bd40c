//! The seams of an answer: what comes from the provider's side ([`Frame`]), who reads it into steps ([`Reader`]), who gives
//! steps to the caller ([`Face`]), and the whole of it as the service drives it ([`Writer`]). All of it is pure: bytes are
//! pulled and sent by others.

use std::{fmt, sync::Arc, time::Instant};

use bytes::Bytes;
use crossfade_exchange::{Loss, LossKind, Usage};
use crossfade_openai::{error::AzureError, sse};

use super::{
    AnswerError,
    step::{End, Step},
    thinking::SignedBlocks,
};
use crate::{converse, embeddings::Invoked, thoughts::Thoughts};

/// A piece of an answer as it comes from the provider.
#[derive(Debug)]
pub(crate) enum Frame {
    /// An event of Converse.
    Converse(converse::Event),
    /// An event of a compatible endpoint's stream.
    Sse(sse::Event),
    /// A compatible endpoint's whole answer.
    Body(Bytes),
    /// The answer to one call in a model's own form.
    Invoked(Invoked),
}

/// How far an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing that a caller waits for was said yet.
    Waiting,
    /// Something was.
    Speaking,
    /// It is complete; what follows is not read.
    Complete,
}

/// What is known at the end.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    /// The tokens, if the provider said.
    pub(crate) usage: Option<Usage>,
    /// What was lost on the way, each once.
    pub(crate) losses: Vec<Loss>,
}

/// One answer on its way to the caller. Nothing can be taken before the first content, so that whoever drives this can still
/// answer with an error; and of an answer that is given whole, nothing before it is complete.
pub(crate) trait Writer: fmt::Debug + Send {
    /// Takes a piece.
    ///
    /// # Errors
    /// When there is no answer. What can be taken until then was well said.
    fn push(&mut self, frame: Frame) -> Result<Progress, AnswerError>;

    /// The provider's bytes ended: complete if its message had.
    ///
    /// # Errors
    /// When the message had not ended.
    fn finish(&mut self) -> Result<(), AnswerError>;

    /// What can be given out, if anything: a part of a stream, or the whole body.
    fn take(&mut self) -> Option<Bytes>;

    /// The failure as the last words of a stream that has begun: clients raise it, and no end mark follows.
    fn fail(&mut self, error: &AzureError) -> Bytes;

    /// Tokens and losses so far; they are given once.
    fn facts(&mut self) -> Facts;
}

/// Turns a provider's wire into steps.
pub(crate) trait Reader: fmt::Debug + Send {
    /// Takes a piece; `true` once the answer is complete, that is: [`Step::End`] was given.
    ///
    /// # Errors
    /// When there is no answer. The steps until then hold.
    fn push(&mut self, frame: Frame, steps: &mut Vec<Step>) -> Result<bool, AnswerError>;

    /// The provider's bytes ended.
    ///
    /// # Errors
    /// When the message had not ended.
    fn finish(&mut self, steps: &mut Vec<Step>) -> Result<(), AnswerError>;
}

impl Reader for Box<dyn Reader> {
    fn push(&mut self, frame: Frame, steps: &mut Vec<Step>) -> Result<bool, AnswerError> {
        self.as_mut().push(frame, steps)
    }

    fn finish(&mut self, steps: &mut Vec<Step>) -> Result<(), AnswerError> {
        self.as_mut().finish(steps)
    }
}

/// Turns steps into what the caller gets.
pub(crate) trait Face: fmt::Debug + Send {
    /// Takes a step. Losses are not for faces.
    ///
    /// # Errors
    /// When the answer is over a limit.
    fn give(&mut self, step: Step, facts: &mut Facts) -> Result<(), AnswerError>;

    /// See [`Writer::take`].
    fn take(&mut self) -> Option<Bytes>;

    /// See [`Writer::fail`].
    fn fail(&mut self, error: &AzureError) -> Bytes;
}

/// An answer that is read from one wire and given on another.
#[derive(Debug)]
pub(crate) struct Translated<R, F> {
    reader: R,
    face: F,
    thoughts: Option<Arc<Thoughts>>,
    steps: Vec<Step>,
    facts: Facts,
    spoke: bool,
    /// The turn's thinking and the ids of its calls, for the store.
    thinking: SignedBlocks,
    calls: Vec<String>,
}

// === impl Facts ===

impl Facts {
    /// Names a loss, once.
    pub(crate) fn lose(&mut self, kind: LossKind, field: &str) {
        let known = |loss: &Loss| loss.kind == kind && loss.field == field;
        if !self.losses.iter().any(known) {
            self.losses.push(Loss::new(kind, field));
        }
    }
}

// === impl Translated ===

impl<R: Reader, F: Face> Translated<R, F> {
    /// Nothing yet. What the next turn needs goes to `thoughts`, if there is a store.
    pub(crate) fn new(reader: R, face: F, thoughts: Option<Arc<Thoughts>>) -> Self {
        Self {
            reader,
            face,
            thoughts,
            steps: Vec::new(),
            facts: Facts::default(),
            spoke: false,
            thinking: SignedBlocks::default(),
            calls: Vec::new(),
        }
    }

    /// Gives the steps so far to the face.
    fn hand_over(&mut self) -> Result<(), AnswerError> {
        for step in self.steps.drain(..) {
            if let Step::Thought(thought) = &step {
                self.thinking.add(thought);
            }
            if let Step::Call { id: Some(id), .. } = &step {
                self.calls.push(id.clone());
            }
            match step {
                Step::Lost(kind, field) => self.facts.lose(kind, &field),
                Step::Tokens(usage) => self.facts.usage = Some(usage),
                step => {
                    self.spoke |= step.is_content();
                    if let Step::End(End { usage, .. }) = &step {
                        self.facts.usage = *usage;
                    }
                    self.face.give(step, &mut self.facts)?;
                }
            }
        }
        Ok(())
    }

    fn ended(&mut self) {
        if let Some(thoughts) = &self.thoughts {
            let (blocks, bytes) = self.thinking.take();
            let calls = std::mem::take(&mut self.calls);
            thoughts.keep(calls, blocks, bytes, Instant::now());
        }
    }
}

impl<R: Reader, F: Face> Writer for Translated<R, F> {
    fn push(&mut self, frame: Frame) -> Result<Progress, AnswerError> {
        let pushed = self.reader.push(frame, &mut self.steps);
        self.hand_over()?;
        if pushed? {
            self.ended();
            return Ok(Progress::Complete);
        }
        Ok(if self.spoke {
            Progress::Speaking
        } else {
            Progress::Waiting
        })
    }

    fn finish(&mut self) -> Result<(), AnswerError> {
        let finished = self.reader.finish(&mut self.steps);
        self.hand_over()?;
        finished?;
        self.ended();
        Ok(())
    }

    fn take(&mut self) -> Option<Bytes> {
        self.face.take()
    }

    fn fail(&mut self, error: &AzureError) -> Bytes {
        self.face.fail(error)
    }

    fn facts(&mut self) -> Facts {
        std::mem::take(&mut self.facts)
    }
}
