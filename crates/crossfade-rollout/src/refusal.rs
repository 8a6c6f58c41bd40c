//! Why a change was refused: a closed list, each naming what is missing, with numbers. Anything toward the primary is refused
//! only to somebody without the right, or without a reason.
//!
//! Every text reads "what is wrong: what to do".

use std::time::Duration;

use crossfade_exchange::{Gate, Percent, closed_enum};

use crate::{
    ActorRole, Alarm, CoverageGroup, Freeze, PlanError, Stage,
    words::{About, AtThisRate, Count, Share},
};

/// The most characters a reason may have.
pub(crate) const REASON_LIMIT: usize = 1_000;

closed_enum! {
    /// What kind of answer a refusal is.
    pub enum RefusalKind {
        /// The actor has not the right.
        Forbidden = "forbidden",
        /// The request itself is not in order.
        Malformed = "malformed",
        /// The route has changed since the actor looked.
        Stale = "stale",
        /// Something is missing.
        Refused = "refused",
    }
}

/// Why a change was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The actor's role may not do this.
    #[error("role {has} may not do this: use a token of role {needs}")]
    Role {
        /// What the actor has.
        has: ActorRole,
        /// The least that is needed.
        needs: ActorRole,
    },
    /// No reason was given.
    #[error("reason is empty: say why, it is kept in the ledger")]
    ReasonMissing,
    /// The reason is too long.
    #[error("reason has over {REASON_LIMIT} characters: shorten it")]
    ReasonTooLong,
    /// The route has changed since the caller looked.
    #[error("route is at revision {current}, not {given}: look at its status and send it again")]
    Stale {
        /// The revision that the caller knew.
        given: u64,
        /// The revision that stands.
        current: u64,
    },
    /// A test demands a roll-back that is not in the ledger yet.
    #[error(
        "route is being rolled back: wait until the roll-back is recorded, then an owner may `resume` it"
    )]
    AlarmRaised,
    /// The route was rolled back and not resumed.
    #[error("route was rolled back: an owner must `resume` it before it can be raised")]
    RolledBack,
    /// The candidate proved worse while it was only watched.
    #[error(
        "route fails in stage shadow ({alarm}): mend the candidate, its prompt or the checks; or an owner may `resume` it, which counts anew"
    )]
    Failing {
        /// What was found.
        alarm: Alarm,
    },
    /// There is nothing to resume.
    #[error(
        "route is not rolled back, held or failing: there is nothing to resume, use `advance` or `split`"
    )]
    NotRolledBack,
    /// Nothing may advance.
    #[error("route is held by {by} ({reason}): `resume` it")]
    Held {
        /// Who holds it.
        by: String,
        /// Why.
        reason: String,
    },
    /// The local kill switch is on.
    #[error(
        "the local kill switch is on, so the candidate answers nobody here and nothing is raised: end it first, by SIGUSR2 or by removing the file kill-switch from the data directory, whichever set it"
    )]
    KillSwitch,
    /// The plan cannot decide anything.
    #[error("the route's rollout settings do not fit: {0}")]
    Plan(#[from] PlanError),
    /// The route has no owner.
    #[error(
        "route has no owner: set `owner` in the route's configuration before it goes beyond stage shadow"
    )]
    OwnerMissing,
    /// Nothing says what success is.
    #[error(
        "route has no success metric: set `success` in the route's rollout settings, or switch on a check that can gate, before it goes beyond stage shadow"
    )]
    SuccessMetricMissing,
    /// Nothing could roll the route back.
    #[error(
        "route has no roll-back trigger: switch on a check that may roll back before it goes beyond stage shadow"
    )]
    TriggerMissing,
    /// The share is more than the evidence has reached.
    #[error(
        "the evidence of this attempt has reached {reached}: use `advance`, or an owner may go beyond it with `--override`"
    )]
    OverrideNeeded {
        /// The largest share that an advance, or an owner, has granted in this attempt.
        reached: Percent,
    },
    /// No golden set was replayed.
    #[error("stage replay needs a golden set that passed: run `crossfade replay … --post ROUTE`")]
    ReplayMissing,
    /// The last golden set failed.
    #[error(
        "the last golden set failed, {} of {} cases passed: mend it and run `crossfade replay … --post ROUTE` again",
        Count(*.passed), Count(*.cases)
    )]
    ReplayFailed {
        /// Cases that passed.
        passed: u64,
        /// Cases that were run.
        cases: u64,
    },
    /// The golden set was replayed under another configuration.
    #[error(
        "the golden set was replayed under another configuration: run `crossfade replay … --post ROUTE` again"
    )]
    ReplayOutdated,
    /// Nothing is counted yet.
    #[error("counting has not begun: wait until the controller has begun it")]
    NotWatched,
    /// The gates are of another configuration.
    #[error("the configuration has changed: wait until the gates have begun anew under it")]
    GatesOutdated,
    /// The ramp stands still by itself.
    #[error("{}", frozen(*.0))]
    Frozen(Freeze),
    /// The stage is too young.
    #[error(
        "stage {stage} asks for {} and has had {}: about {} to go",
        About(.needed.as_secs()), About(.had.as_secs()),
        About(.needed.saturating_sub(*.had).as_secs())
    )]
    MinimumTime {
        /// The stage.
        stage: Stage,
        /// What it asks for.
        needed: Duration,
        /// What it has had.
        had: Duration,
    },
    /// Too few units.
    #[error(
        "only {} of {} units seen: {} more needed, {}",
        Count(*.seen), Count(*.needed), Count(.needed.saturating_sub(*.seen)), AtThisRate(*.seconds)
    )]
    Units {
        /// Distinct units of the stage.
        seen: u64,
        /// What it asks for.
        needed: u64,
        /// In how many seconds they will have come, at the rate so far.
        seconds: Option<u64>,
    },
    /// Nothing of the stage was compared.
    #[error(
        "nothing of this stage is counted as compared yet, which is done once a minute: if it stays so, see that the route has eligible traffic and that mirroring is on"
    )]
    NothingCompared,
    /// Too little of a size was compared, or of sizes that are judged together.
    #[error(
        "coverage of requests of size {} is {} of at least {} ({} of {} compared): see what the mirror skips",
        .short.names(), Share(.short.ratio()), Share(*.least), Count(.short.compared), Count(.short.selected)
    )]
    Coverage {
        /// The sizes, and what was compared of them.
        short: CoverageGroup,
        /// What the stage asks for, 0..=1.
        least: f64,
    },
    /// No request says anything of any gate.
    #[error(
        "no request of this stage says anything of a success metric: name one that fits its traffic"
    )]
    NoGateApplies,
    /// A named gate of which no request says anything.
    #[error(
        "gate {gate} is named as a success metric and no request of this stage says anything of it: {}",
        if .gate.needs_repeats() { "see that the primary is asked twice (`ask_primary_twice`) and that the check applies" } else { "see that the check applies to its traffic" }
    )]
    GateSilent {
        /// Which.
        gate: Gate,
    },
    /// Too little is known.
    #[error("gate {gate} is inconclusive, {}", open(*.samples, *.needed, *.seconds))]
    GateOpen {
        /// Which.
        gate: Gate,
        /// Samples so far: units in ten minutes.
        samples: u64,
        /// About so many more.
        needed: Option<u64>,
        /// In how many seconds they will have come, at the rate so far.
        seconds: Option<u64>,
    },
    /// The candidate is worse than the margin allows, or as bad as it allows.
    #[error(
        "gate {gate} does not pass after {} samples, mean {} against a margin of {}: going on will not help, mend the candidate or agree on another margin",
        Count(*.samples), Share(*.mean), Share(*.margin)
    )]
    GateWorse {
        /// Which.
        gate: Gate,
        /// Samples so far.
        samples: u64,
        /// Their mean.
        mean: f64,
        /// By how much the candidate may be worse.
        margin: f64,
    },
    /// Something is not decided that should be.
    #[error(
        "a request of {} ago is not decided yet, and all are after {}: wait, or see why outcomes do not arrive",
        About(.age.as_secs()), About(.limit.as_secs())
    )]
    Unresolved {
        /// How old the oldest undecided request is.
        age: Duration,
        /// When all are decided.
        limit: Duration,
    },
    /// Nobody has signed.
    #[error(
        "the owner has not signed stage {stage} off: run `crossfade report ROUTE`, read it, sign its hash with `crossfade signoff ROUTE --report HASH`"
    )]
    SignoffMissing {
        /// The stage.
        stage: Stage,
    },
    /// What was signed is not what stands.
    #[error(
        "the sign-off of report {report} is void, the configuration or the evidence has changed since: run `crossfade report ROUTE`, read it, sign its hash"
    )]
    SignoffExpired {
        /// The report that was signed.
        report: String,
    },
    /// The named report is none that could be signed now.
    #[error(
        "report {report:?} is unknown or out of date: run `crossfade report ROUTE`, read it, sign its hash"
    )]
    ReportUnknown {
        /// What was named.
        report: String,
    },
    /// The stage needs no sign-off.
    #[error("stage {stage} is left without a sign-off: there is nothing to sign")]
    NothingToSign {
        /// The stage.
        stage: Stage,
    },
    /// Nothing would be left to compare with.
    #[error(
        "at 100 % nothing would watch the candidate: set `reverse_share` under [mirror] above 0"
    )]
    ReverseMissing,
    /// Copies are switched off for all routes.
    #[error("mirroring is off, so nothing new is compared: `crossfade mirror on` ends that")]
    MirrorOff,
    /// Reviews are open.
    #[error("{} reviews of the route are open: close them", Count(*.open))]
    ReviewsOpen {
        /// How many.
        open: u64,
    },
    /// The ledger is not in order.
    #[error("the ledger does not verify ({problem}): run `crossfade verify-ledger`")]
    LedgerProblem {
        /// What was found.
        problem: String,
    },
    /// There is no further stage.
    #[error("{stage} is the last of the route's stages: there is nothing to advance to")]
    LastStage {
        /// The stage.
        stage: Stage,
    },
}

impl Refusal {
    /// What kind of answer it is.
    pub const fn kind(&self) -> RefusalKind {
        match self {
            Self::Role { .. } => RefusalKind::Forbidden,
            Self::ReasonMissing | Self::ReasonTooLong => RefusalKind::Malformed,
            Self::Stale { .. } => RefusalKind::Stale,
            Self::AlarmRaised
            | Self::RolledBack
            | Self::Failing { .. }
            | Self::NotRolledBack
            | Self::Held { .. }
            | Self::KillSwitch
            | Self::Plan(_)
            | Self::OwnerMissing
            | Self::SuccessMetricMissing
            | Self::TriggerMissing
            | Self::OverrideNeeded { .. }
            | Self::ReplayMissing
            | Self::ReplayFailed { .. }
            | Self::ReplayOutdated
            | Self::NotWatched
            | Self::GatesOutdated
            | Self::Frozen(_)
            | Self::MinimumTime { .. }
            | Self::Units { .. }
            | Self::NothingCompared
            | Self::Coverage { .. }
            | Self::NoGateApplies
            | Self::GateSilent { .. }
            | Self::GateOpen { .. }
            | Self::GateWorse { .. }
            | Self::Unresolved { .. }
            | Self::SignoffMissing { .. }
            | Self::SignoffExpired { .. }
            | Self::ReportUnknown { .. }
            | Self::NothingToSign { .. }
            | Self::ReverseMissing
            | Self::MirrorOff
            | Self::ReviewsOpen { .. }
            | Self::LedgerProblem { .. }
            | Self::LastStage { .. } => RefusalKind::Refused,
        }
    }

    /// A fixed name, for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Role { .. } => "role",
            Self::ReasonMissing => "reason_missing",
            Self::ReasonTooLong => "reason_too_long",
            Self::Stale { .. } => "stale",
            Self::AlarmRaised => "alarm_raised",
            Self::RolledBack => "rolled_back",
            Self::Failing { .. } => "failing",
            Self::NotRolledBack => "nothing_to_resume",
            Self::Held { .. } => "held",
            Self::KillSwitch => "kill_switch",
            Self::Plan(_) => "plan",
            Self::OwnerMissing => "owner_missing",
            Self::SuccessMetricMissing => "success_metric_missing",
            Self::TriggerMissing => "trigger_missing",
            Self::OverrideNeeded { .. } => "override_needed",
            Self::ReplayMissing => "replay_missing",
            Self::ReplayFailed { .. } => "replay_failed",
            Self::ReplayOutdated => "replay_outdated",
            Self::NotWatched => "not_watched",
            Self::GatesOutdated => "gates_outdated",
            Self::Frozen(_) => "frozen",
            Self::MinimumTime { .. } => "minimum_time",
            Self::Units { .. } => "units",
            Self::NothingCompared => "nothing_compared",
            Self::Coverage { .. } => "coverage",
            Self::NoGateApplies => "no_gate_applies",
            Self::GateSilent { .. } => "gate_silent",
            Self::GateOpen { .. } => "gate_open",
            Self::GateWorse { .. } => "gate_worse",
            Self::Unresolved { .. } => "unresolved",
            Self::SignoffMissing { .. } => "signoff_missing",
            Self::SignoffExpired { .. } => "signoff_expired",
            Self::ReportUnknown { .. } => "report_unknown",
            Self::NothingToSign { .. } => "nothing_to_sign",
            Self::ReverseMissing => "reverse_missing",
            Self::MirrorOff => "mirror_off",
            Self::ReviewsOpen { .. } => "reviews_open",
            Self::LedgerProblem { .. } => "ledger_problem",
            Self::LastStage { .. } => "last_stage",
        }
    }
}

const fn frozen(freeze: Freeze) -> &'static str {
    match freeze {
        Freeze::PrimaryTrouble { .. } => {
            "the primary itself fails more than it usually does: wait until 15 minutes after the last sign of it"
        }
        Freeze::Assignment => {
            "an answer was not on the side that its unit draws, so the assignment is broken: roll the route back and report it"
        }
        Freeze::SampleRatio => {
            "the sides' shares of the units do not fit the split, so answers of one side get lost: see that all outcomes arrive, then roll back and resume"
        }
    }
}

fn open(samples: u64, needed: Option<u64>, seconds: Option<u64>) -> String {
    match needed {
        Some(needed) => format!(
            "{} of about {} samples: about {} more needed, {}",
            Count(samples),
            Count(samples.saturating_add(needed)),
            Count(needed),
            AtThisRate(seconds)
        ),
        None => format!("{} samples: wait for more", Count(samples)),
    }
}
