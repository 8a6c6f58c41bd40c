//! The nouns that travel between the parts of Crossfade.
//!
//! A request becomes an [`Assignment`], each side's answer a [`Recording`], both together an
//! [`Exchange`], its comparison a [`Verdict`], and what the statistics need of it a [`Settled`].
//! These types hold their own invariants and nothing else: no IO, no clock, no decisions, and no
//! knowledge of AWS or of JSON bodies.

#[macro_use]
mod closed;

mod assignment;
mod check;
mod eligibility;
mod exchange;
mod gate;
mod loss;
mod metric;
mod outcome;
mod recording;
mod review;
mod service;
mod side;
mod usage;

pub use assignment::{AnswerReason, Assignment, Unit};
pub use check::{
    Check, CheckOutcome, CheckResult, Difference, DifferenceKind, JsonForm, Opinions, Preference,
    Severity, SideVerdict, Stance, Verdict, VerdictClass,
};
pub use eligibility::{
    Allowance, IneligibleReason, MirrorOnlyReason, Operation, RepeatOutcome, SizeClass, SkipReason,
    Unsupported,
};
pub use exchange::{Announcement, Caller, Exchange};
pub use gate::Gate;
pub use loss::{Loss, LossKind, LossPolicies, LossPolicy};
pub use metric::{Group, Metric, MetricSet};
pub use outcome::{Drawn, Mirrored, OutcomeKey, OutcomeMessage, Settled, Settlement};
pub use recording::{Ending, Recording, Timings};
pub use review::{ReviewReason, ReviewVerdict};
pub use service::{
    BoxError, Face, Failover, LateFacts, Patience, SideBody, SideReport, SideRequest, SideResponse,
    full_body,
};
pub use side::{Percent, PercentError, Role, RouteId, Side};
pub use usage::Usage;
