//! A model that has quietly got worse: some of its answers are wrong JSON, or refusals nobody asked for, inside a 200.

use std::sync::Arc;

use super::{Corpus, CorpusPrompt, Family, Voice};
use crate::script::{Answer, Answers, Prompt};

/// Spoils a share of another source's answers.
pub struct Degraded {
    inner: Arc<dyn Answers>,
    corpus: Arc<Corpus>,
    share: f64,
}

impl std::fmt::Debug for Degraded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Degraded")
            .field("share", &self.share)
            .finish_non_exhaustive()
    }
}

impl Degraded {
    /// Spoils this share (0..=1) of the answers that `inner` gives to the corpus; which ones depends only on prompt and
    /// repeat. What should be refused stays refused.
    pub fn new(inner: Arc<dyn Answers>, corpus: Arc<Corpus>, share: f64) -> Self {
        Self {
            inner,
            corpus,
            share,
        }
    }
}

impl Answers for Degraded {
    fn answer(&self, prompt: &Prompt, sequence: u64) -> Answer {
        let answer = self.inner.answer(prompt, sequence);
        match self.corpus.find(&prompt.user) {
            Some((known, serial)) if known.luck("degraded", serial) < self.share => {
                spoil(known, serial, answer)
            }
            _ => answer,
        }
    }
}

fn spoil(prompt: &CorpusPrompt, serial: u64, answer: Answer) -> Answer {
    if prompt.family == Family::Refuse {
        return answer;
    }
    let way = prompt.luck("way", serial);
    match answer.text {
        // Most of what breaks keeps the look of JSON.
        Some(text) if prompt.wants_json() && way < 0.4 => Answer::text(text.replace('"', "'")),
        Some(text) if prompt.wants_json() && way < 0.8 => Answer::text(renamed(&text)),
        _ => Answer::text(Voice::Candidate.refusal()),
    }
}

/// Valid JSON with its first member under another name: one is missing, one is not allowed.
fn renamed(text: &str) -> String {
    match text.split_once('"') {
        Some((before, rest)) => format!("{before}\"the_{rest}"),
        None => text.to_owned(),
    }
}
