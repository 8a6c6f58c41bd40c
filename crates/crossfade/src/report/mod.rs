//! The migration report of a route: eight questions that somebody has to answer before traffic moves, each with its
//! evidence. It holds counts, names and reasons, and not a word of a prompt or an answer. Nothing is decided here: what the
//! rollout, the statistics and the ledger know is put together, and hashed, so that a sign-off names what was seen.

mod facts;
mod html;
mod markdown;
mod power;
mod questions;
mod said;
mod setup;

use crossfade_exchange::{Percent, RouteId, closed_enum};
use crossfade_replay::{canonical, sha256};
use crossfade_rollout::Stage;
use serde::{Deserialize, Serialize};

pub(crate) use facts::Facts;
pub use html::html;
pub use markdown::markdown;
pub(crate) use said::micros;
pub use setup::RouteSetup;

/// The form of the report.
const FORMAT: u32 = 1;

closed_enum! {
    /// What is asked.
    pub enum Question {
        /// Does the output still satisfy the process?
        Process = "process",
        /// Do structured outputs validate?
        StructuredOutputs = "structured_outputs",
        /// Do tools stay safe?
        Tools = "tools",
        /// Do permissions match?
        Permissions = "permissions",
        /// Do logs explain?
        Logs = "logs",
        /// Do checks catch regressions?
        Checks = "checks",
        /// Can we go back?
        WayBack = "way_back",
        /// What changed for the owner?
        Owner = "owner",
    }
}

closed_enum! {
    /// The answer to a question: that of the worst of its lines.
    pub enum Answer {
        /// No request has asked for such a thing, so that there is nothing to say.
        NotAsked = "not_asked",
        /// Everything looked at is as it should be.
        Yes = "yes",
        /// Something is not known yet, or not done yet.
        NotYet = "not_yet",
        /// Something is not as it should be.
        No = "no",
    }
}

closed_enum! {
    /// What a line says for the answer.
    pub enum Mark {
        /// Nothing: it is to be known.
        Note = "note",
        /// It is as it should be.
        Good = "good",
        /// It is not known or not done yet.
        Open = "open",
        /// It is not as it should be.
        Bad = "bad",
    }
}

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it is of: a gate, a test, a part of the configuration.
    pub what: String,
    /// What is known, with numbers.
    pub says: String,
    /// What that says for the answer.
    pub mark: Mark,
}

/// One question with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Which.
    pub question: Question,
    /// The answer.
    pub answer: Answer,
    /// Why.
    pub lines: Vec<Line>,
}

/// What the hash is of: everything that the report says, and no time at which it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// The form of this report.
    pub format: u32,
    /// The route.
    pub route: RouteId,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The stage that it is in.
    pub stage: Stage,
    /// The candidate's share.
    pub share: Percent,
    /// What is asked instead of the primary.
    pub candidate: String,
    /// The hash of the configuration that the evidence is of; empty before any was gathered.
    pub fingerprint: String,
    /// The running attempt or shadow watch.
    pub attempt: Option<u64>,
    /// Outcomes that the rollout's tests have seen of it.
    pub decided: u64,
    /// Pairs that the comparison has seen.
    pub pairs: u64,
    /// Entries of the ledger.
    pub ledger_entries: u64,
    /// The hash of the last of them.
    pub ledger_head: Option<String>,
    /// The worst of all answers.
    pub answer: Answer,
    /// What would happen next, and what it waits for.
    pub next: Vec<String>,
    /// The questions, in their order.
    pub sections: Vec<Section>,
}

/// A report, as the admin API gives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MigrationReport {
    /// SHA-256 of [`MigrationReport::content`] as JSON with sorted names and without white space, in hexadecimal: what a
    /// sign-off names.
    pub hash: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_unix_ms: u64,
    /// What it says.
    pub content: Content,
}

// === impl Question ===

impl Question {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Process => "Does the output still satisfy the process?",
            Self::StructuredOutputs => "Do structured outputs validate?",
            Self::Tools => "Do tools stay safe?",
            Self::Permissions => "Do permissions match?",
            Self::Logs => "Do logs explain?",
            Self::Checks => "Do checks catch regressions?",
            Self::WayBack => "Can we go back?",
            Self::Owner => "What changed for the owner?",
        }
    }
}

// === impl Answer ===

impl Answer {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotAsked => "nothing of it was asked for",
            Self::Yes => "yes",
            Self::NotYet => "not yet",
            Self::No => "no",
        }
    }

    /// The worst of the marks; `NotAsked` where none says anything.
    fn of(lines: &[Line]) -> Self {
        let worst = lines.iter().map(|line| line.mark).max();
        match worst.unwrap_or(Mark::Note) {
            Mark::Note => Self::NotAsked,
            Mark::Good => Self::Yes,
            Mark::Open => Self::NotYet,
            Mark::Bad => Self::No,
        }
    }
}

// === impl Line ===

impl Line {
    fn new(mark: Mark, what: impl Into<String>, says: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            says: says.into(),
            mark,
        }
    }
}

// === impl MigrationReport ===

impl MigrationReport {
    /// What is known now.
    pub(crate) fn make(facts: &Facts<'_>, made_unix_ms: u64) -> Self {
        let content = Content::of(facts);
        Self {
            hash: content.hash(),
            made_unix_ms,
            content,
        }
    }

    /// Whether the hash is of the content.
    pub fn is_whole(&self) -> bool {
        self.content.hash() == self.hash
    }
}

impl Content {
    fn of(facts: &Facts<'_>) -> Self {
        let rollout = &facts.view.rollout;
        let sections: Vec<Section> = Question::ALL
            .iter()
            .map(|question| questions::answer(*question, facts))
            .collect();
        let answer = sections.iter().map(|section| section.answer).max();
        let attempt = rollout.attempt.as_ref();
        Self {
            format: FORMAT,
            route: rollout.route.clone(),
            owner: rollout.owner.clone(),
            stage: rollout.stage,
            share: rollout.share,
            candidate: facts.setup.candidate.clone(),
            fingerprint: attempt
                .map(|attempt| attempt.facts.gates.fingerprint.clone())
                .unwrap_or_default(),
            attempt: attempt.map(|attempt| attempt.facts.id),
            decided: attempt.map_or(0, |attempt| attempt.decided),
            pairs: facts.findings.map_or(0, |found| found.pairs),
            ledger_entries: facts.ledger.entries,
            ledger_head: facts.ledger.head.clone(),
            answer: answer.unwrap_or(Answer::NotYet),
            next: facts.next(),
            sections,
        }
    }

    /// SHA-256 of the canonical JSON.
    fn hash(&self) -> String {
        // Names, strings and finite numbers: this always is JSON.
        let json = serde_json::to_value(self).unwrap_or_default();
        sha256(&canonical(&json))
    }
}

#[cfg(test)]
mod tests;
