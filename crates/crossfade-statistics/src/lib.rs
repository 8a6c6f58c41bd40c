//! From many verdicts to what a route's owner reads: rates with confidence sequences, the noise floor, clusters of like
//! differences, losses, confusion matrices. Pure: no IO, no clock, no randomness; memory is bounded per route.
//!
//! [`RouteStatistics::observe`] takes one compared exchange, [`RouteStatistics::reviewed`] what a person said of one,
//! [`RouteStatistics::report`] says what is known. Whatever is kept of an exchange is counts, hashes, ids, and the names of
//! checks and places: never a prompt's or an answer's text.

mod checks;
mod clusters;
pub mod confidence;
mod frequent;
mod gate;
mod histogram;
mod labels;
mod losses;
mod observation;
mod paths;
mod places;
mod report;
mod reviews;
mod route;
mod settings;
mod sides;
mod signature;
mod stances;
mod units;

pub use crossfade_exchange::Gate;
pub use gate::{GateState, GateView};
pub use observation::{Observation, Observed, Reviewed, Telling};
pub use report::{
    AcceptedFinding, Bin, CheckReport, ClassReport, Example, Finding, FindingSignature, JsonReport,
    JudgeReport, LabelCell, LabelReport, LossCheck, LossReport, PathReport, Quantiles,
    RefusalReport, Rest, ReviewReport, ReviewedCheck, RouteReport, ScoreReport, SideStatistics,
    StanceCell, UnitReport,
};
pub use route::{RouteStatistics, differences};
pub use settings::StatisticsSettings;
pub use signature::{NotASignature, Signature};
