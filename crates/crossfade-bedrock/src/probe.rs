//! Probing: a few small real calls that tell what the capability table leaves open, or has wrong.
//!
//! Each question is an ordinary request of the caller's wire, translated under a table that claims the capability asked for;
//! the endpoint then takes it or refuses it. What can neither be shown nor ruled out stays unknown and is never guessed.
//! Nothing of a caller's is sent.

mod ask;
mod questions;

use crossfade_exchange::closed_enum;

use crate::{
    capabilities::{Capabilities, Overrides},
    sdk::Connection,
    settings::{Api, CandidateSettings},
};
use ask::Asker;

closed_enum! {
    /// What is asked.
    pub enum Topic {
        /// Whether the endpoint answers at all: address, credentials, permissions, model.
        Reach = "reach",
        /// Whether it answers as a stream.
        Streams = "streams",
        /// `temperature` and `top_p`.
        Sampling = "sampling",
        /// Stop sequences.
        Stop = "stop",
        /// Tool choices beyond `auto`.
        Choice = "choice",
        /// A tool's `strict`.
        Strict = "strict",
        /// A schema for the answer.
        Structured = "structured",
        /// Reasoning effort.
        Reasoning = "reasoning",
        /// The least token limit.
        TokenFloor = "token_floor",
    }
}

/// What the endpoint showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This, in the words of the table.
    Shown(String),
    /// Nothing; why not.
    Unknown(&'static str),
}

/// One question with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was asked.
    pub topic: Topic,
    /// What the table holds, the route's own capabilities included.
    pub table: String,
    /// What the endpoint showed.
    pub found: Found,
}

/// What came of probing one route.
#[derive(Clone, Debug, PartialEq)]
pub struct Probed {
    /// Question by question.
    pub findings: Vec<Finding>,
    /// The route's capabilities with what was shown to differ from the table in its place: to be stated under `capabilities`.
    pub overrides: Overrides,
    /// Calls made.
    pub calls: u32,
}

impl Probed {
    /// Whether the endpoint answered at all.
    pub fn is_reached(&self) -> bool {
        self.findings
            .iter()
            .any(|f| f.topic == Topic::Reach && matches!(f.found, Found::Shown(_)))
    }
}

/// The most calls that [`probe`] makes for a route.
pub fn most_calls(settings: &CandidateSettings) -> u32 {
    let of = |topic: &Topic| match topic {
        Topic::Reach | Topic::Streams | Topic::Strict | Topic::Structured => 1,
        Topic::Sampling | Topic::Stop | Topic::Choice | Topic::TokenFloor => 2,
        Topic::Reasoning => questions::STYLES,
    };
    topics(settings).iter().map(of).sum()
}

/// What is asked of an API: the columns of the table that its translation reads.
fn topics(settings: &CandidateSettings) -> &'static [Topic] {
    match settings.api {
        Api::Converse => Topic::ALL,
        Api::OpenaiChat | Api::OpenaiResponses => {
            &[Topic::Reach, Topic::Streams, Topic::TokenFloor]
        }
        Api::Invoke => &[Topic::Reach],
    }
}

/// Asks a route's real endpoint, one call after the other. Each call is small, costs money, and has a time limit. If the
/// endpoint cannot be reached, nothing else is asked.
pub async fn probe(connection: Connection, settings: &CandidateSettings) -> Probed {
    let mut asker = Asker::new(connection, settings);
    let table = settings.resolved_capabilities();
    let mut findings = Vec::new();
    let mut overrides = settings.capabilities;
    for topic in topics(settings) {
        let found = questions::answer(*topic, &mut asker, &table, &mut overrides).await;
        let stop = *topic == Topic::Reach && matches!(found, Found::Unknown(_));
        findings.push(Finding {
            topic: *topic,
            table: questions::stated(*topic, &table),
            found,
        });
        if stop {
            break;
        }
    }
    Probed {
        findings,
        overrides: changed(overrides, settings, &table),
        calls: asker.calls(),
    }
}

/// Only what differs from the table is worth stating.
fn changed(found: Overrides, settings: &CandidateSettings, table: &Capabilities) -> Overrides {
    let mut kept = settings.capabilities;
    if found.streams.is_some_and(|found| found != table.streams) {
        kept.streams = found.streams;
    }
    if found.sampling.is_some_and(|found| found != table.sampling) {
        kept.sampling = found.sampling;
    }
    if found.stop.is_some_and(|found| found != table.stop) {
        kept.stop = found.stop;
    }
    if found.choice.is_some_and(|found| found != table.choice) {
        kept.choice = found.choice;
    }
    if found.strict.is_some_and(|found| found != table.strict) {
        kept.strict = found.strict;
    }
    if found
        .structured
        .is_some_and(|found| found != table.structured)
    {
        kept.structured = found.structured;
    }
    if found
        .reasoning
        .is_some_and(|found| found != table.reasoning)
    {
        kept.reasoning = found.reasoning;
    }
    // A floor that was not reached says nothing against a lower one.
    if found
        .token_floor
        .is_some_and(|found| found > table.token_floor)
    {
        kept.token_floor = found.token_floor;
    }
    kept
}
