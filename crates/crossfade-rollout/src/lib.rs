//! Who answers a request, and when that changes.
//!
//! [`decide`] is the one function that says which side answers. [`RouteRollout`] is what it is allowed to say: a
//! fold of the ledger's [`Entry`]s and of the [`Record`]s of decided outcomes, which the sequential tests turn into an
//! [`Alarm`] ([`EngineR`] on the live split, [`EngineP`] on mirrored pairs) or let pass a gate ([`EngineG`]).
//! [`OrderBuffer`] puts the outcomes into the order that keeps the tests valid.
//!
//! Nothing here reads a clock, draws a random number, spawns, logs or does IO: time and randomness are arguments, so
//! that every decision can be computed again from the ledger and the outcome log, to the bit.

mod alarm;
mod attempt;
mod bets;
mod coverage;
mod decide;
mod engine;
mod engine_g;
mod engine_p;
mod entry;
mod evidence;
mod expect;
mod filter;
mod gate;
mod micros;
mod obstacles;
mod order;
mod plan;
mod propose;
mod ratio;
mod record;
mod refold;
mod refusal;
mod replica;
mod running;
mod signoff;
mod split;
mod state;
mod status;
#[cfg(test)]
mod testing;
mod tick;
mod trouble;
mod verify;
mod windows;
mod words;

pub use alarm::{Alarm, Engine};
pub use attempt::{AttemptFacts, BASELINE_ANSWERS, Phase};
pub use coverage::{CoverageGroup, coverage_groups};
pub use decide::{DecideFacts, MirrorPlan, decide, draw, selection};
pub use engine::EngineR;
pub use engine_g::EngineG;
pub use engine_p::EngineP;
pub use entry::{Actor, ActorRole, Cause, Change, DrillResult, Entry, ReplayResult, Requirements};
pub use evidence::{
    Evidence, Freeze, GateEvidence, GroupEvidence, MetricEvidence, PairCounts, SideCounts,
    SizeCoverage,
};
pub use expect::{ExpectedSamples, expected_samples, usual_rate};
pub use filter::UnitFilter;
pub use order::{Ages, OrderBuffer, OrderCounts};
pub use plan::{Baseline, GateRules, MOST_UNITS, PlanError, RoutePlan};
pub use propose::{Closing, Command, LogRoom, Proposal, ProposeContext, propose_mirror};
pub use record::{Coverage, Decided, DecidedPair, DecodeError, Differences, PairResult, Record};
pub use refold::refold;
pub use refusal::{Refusal, RefusalKind};
pub use signoff::Signoff;
pub use split::{Split, Stage};
pub use state::RouteRollout;
pub use status::{
    AttemptStatus, GateStanding, GateState, GroupStatus, LastChange, MetricStatus, Next,
    RolledBack, RouteStatus,
};
pub use verify::{Mismatch, VerifiedAttempt, VerifiedHistory, verify_history};
