//! The calls' answers as the one answer that the caller gets.

use bytes::Bytes;
use crossfade_exchange::Usage;
use crossfade_openai::{embeddings::Embeddings, error::AzureError};

use super::{
    dialect::{self, Given},
    request::Expected,
};
use crate::answer::{AnswerError, Facts, Frame, Progress, Writer};

/// Puts vectors together. They come in the order of their texts.
#[derive(Debug)]
pub(crate) struct EmbeddingsWriter {
    expected: Expected,
    /// What the answer shows as its model.
    model: String,
    vectors: Vec<Vec<f32>>,
    calls: usize,
    tokens: u64,
    body: Option<Bytes>,
}

// === impl EmbeddingsWriter ===

impl EmbeddingsWriter {
    /// Nothing yet.
    pub(crate) const fn new(expected: Expected, model: String) -> Self {
        Self {
            expected,
            model,
            vectors: Vec::new(),
            calls: 0,
            tokens: 0,
            body: None,
        }
    }

    /// Takes one call's answer.
    fn take_call(&mut self, body: &[u8], tokens: Option<u64>) -> Result<(), AnswerError> {
        let Given {
            vectors,
            tokens: counted,
        } = dialect::read(body)?;
        if self.expected.counts.get(self.calls) != Some(&vectors.len()) {
            return Err(AnswerError::Malformed);
        }
        self.calls += 1;
        for vector in vectors {
            let length = u64::try_from(vector.len()).unwrap_or(u64::MAX);
            let first = self.vectors.first().map(Vec::len);
            if first.is_some_and(|first| first != vector.len())
                || self.expected.length.is_some_and(|asked| asked != length)
            {
                return Err(AnswerError::Malformed);
            }
            self.vectors.push(dialect::unit(vector)?);
        }
        self.tokens = self.tokens.saturating_add(counted.or(tokens).unwrap_or(0));
        Ok(())
    }

    fn complete(&mut self) {
        let answer = Embeddings::new(
            std::mem::take(&mut self.vectors),
            self.expected.format,
            std::mem::take(&mut self.model),
            self.tokens,
        );
        self.body = Some(answer.to_body());
    }
}

impl Writer for EmbeddingsWriter {
    fn push(&mut self, frame: Frame) -> Result<Progress, AnswerError> {
        match frame {
            Frame::Invoked(answer) => self.take_call(&answer.body, answer.tokens)?,
            // Only calls in the model's own form are made.
            Frame::Converse(_) | Frame::Sse(_) | Frame::Body(_) => {
                return Err(AnswerError::Malformed);
            }
        }
        if self.calls < self.expected.counts.len() {
            return Ok(Progress::Waiting);
        }
        self.complete();
        Ok(Progress::Complete)
    }

    fn finish(&mut self) -> Result<(), AnswerError> {
        Err(AnswerError::Unfinished)
    }

    fn take(&mut self) -> Option<Bytes> {
        self.body.take()
    }

    fn fail(&mut self, error: &AzureError) -> Bytes {
        error.to_event()
    }

    fn facts(&mut self) -> Facts {
        Facts {
            usage: Some(Usage {
                input: self.tokens,
                ..Usage::default()
            }),
            losses: Vec::new(),
        }
    }
}
