//! What may be mirrored and assigned, and the closed list of reasons why something was not.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::Side;

closed_enum! {
    /// Why a request may not be mirrored or assigned. Decided before assignment, by the request
    /// alone, so it is the same for both arms.
    pub enum IneligibleReason {
        /// The operation is not one that is mirrored.
        Operation = "operation",
        /// No configured route covers the deployment.
        Unrouted = "unrouted",
        /// The body is over the mirror's bound.
        TooLarge = "too_large",
        /// The candidate cannot be asked this faithfully.
        Unsupported = "unsupported",
        /// It names state that only the primary holds.
        Stateful = "stateful",
        /// The caller asked not to be mirrored.
        OptedOut = "opted_out",
        /// The proxy was over its own concurrency bound.
        Shed = "shed",
        /// The request's body never arrived in full.
        Incomplete = "incomplete",
    }
}

closed_enum! {
    /// What is asked for, of the operations that may be mirrored.
    pub enum Operation {
        /// A chat completion.
        Chat = "chat",
        /// A response of the Responses API.
        Responses = "responses",
        /// Embeddings.
        Embeddings = "embeddings",
    }
}

closed_enum! {
    /// Why an eligible request is mirrored, and only the primary may answer it. Decided before assignment, by the request
    /// alone: such a request is never drawn.
    pub enum MirrorOnlyReason {
        /// The route's policy for one of the translation's losses.
        Loss = "loss",
        /// Embeddings of two models never mix, and the configuration does not state that the index was rebuilt.
        Embeddings = "embeddings",
        /// The candidate's answer would leave state behind that later requests look for at the primary.
        Stored = "stored",
    }
}

/// What may become of a request that the candidate can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// Mirrored, and drawn: either side may answer.
    Either,
    /// Mirrored; only the primary answers.
    MirrorOnly(MirrorOnlyReason),
    /// It names state that only the candidate holds: the candidate answers, nobody is drawn, nothing is mirrored.
    CandidateOnly,
}

closed_enum! {
    /// Why an eligible request was not compared.
    pub enum SkipReason {
        /// Not selected by the mirror's sampling; coverage leaves it out.
        SampledOut = "sampled_out",
        /// No mirror slot was free.
        Slots = "slots",
        /// The byte budget was spent.
        Bytes = "bytes",
        /// The queue of finished exchanges was full.
        QueueFull = "queue_full",
        /// The money cap was reached.
        Money = "money",
        /// The candidate's breaker was open.
        Breaker = "breaker",
        /// The primary failed it: 408, 429, 5xx, connection or time-out.
        PrimaryFailed = "primary_failed",
        /// The primary refused it with another 4xx; coverage leaves it out.
        PrimaryRefused = "primary_refused",
        /// The client went away from the primary, which was asked first; coverage leaves it out.
        ClientAbort = "client_abort",
        /// The client went away from the candidate, or from the primary that was asked when the candidate had failed.
        CandidateAbort = "candidate_abort",
        /// The mirror took longer than its deadline.
        Deadline = "deadline",
        /// The candidate could not be reached or said that the other side should answer.
        CandidateUnavailable = "candidate_unavailable",
        /// Mirroring is switched off.
        Disabled = "disabled",
        /// The process was draining.
        Draining = "draining",
        /// A task panicked, or ended without saying how.
        Panic = "panic",
    }
}

closed_enum! {
    /// What became of a pair's side that was drawn to be asked the same once more.
    pub enum RepeatOutcome {
        /// Asked; its answer is on its way to the comparison.
        Asked = "asked",
        /// Azure did not show more than half of its quota left, or showed none of it and the trickle was spent.
        Quota = "quota",
        /// Azure answered with 429 on this route within the last minute.
        Throttled = "throttled",
        /// The candidate's breaker was not closed.
        Breaker = "breaker",
        /// No slot for repeats was free.
        Slots = "slots",
        /// The mirror's byte budget was spent.
        Bytes = "bytes",
        /// The mirror's money cap was reached.
        Money = "money",
        /// Mirroring has been switched off.
        Disabled = "disabled",
        /// The process was draining.
        Draining = "draining",
        /// The pair took so long that the caller's credential was not kept for it.
        Late = "late",
        /// It took longer than the mirror's deadline.
        Deadline = "deadline",
        /// The side gave no whole 2xx answer, or a task panicked.
        Failed = "failed",
        /// The queue of finished exchanges was full.
        QueueFull = "queue_full",
        /// The candidate was not asked because the primary gave no second answer to compare with.
        NoPrimary = "no_primary",
    }
}

closed_enum! {
    /// The size of a request's body: the strata of coverage.
    pub enum SizeClass {
        /// Up to 4 KiB.
        K4 = "4k",
        /// Up to 32 KiB.
        K32 = "32k",
        /// Up to 256 KiB.
        K256 = "256k",
        /// Up to 2 MiB, the most that is mirrored by default.
        M2 = "2m",
    }
}

impl SizeClass {
    /// The class of a body of `bytes` bytes.
    pub const fn of(bytes: usize) -> Self {
        match bytes {
            0..=0x1000 => Self::K4,
            0x1001..=0x8000 => Self::K32,
            0x8001..=0x4_0000 => Self::K256,
            _ => Self::M2,
        }
    }
}

/// A request that the candidate cannot be asked faithfully, and the field that says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("field {field:?} cannot be mapped to the candidate: {why}")]
pub struct Unsupported {
    /// The path of the field in the request, without any of the caller's values: `messages[2].content[0].file.file_id`.
    pub field: String,
    /// What about it cannot be mapped; no caller's text.
    pub why: Cow<'static, str>,
    /// The reason it is counted under: [`IneligibleReason::Unsupported`] or [`IneligibleReason::Stateful`].
    pub reason: IneligibleReason,
}

impl SkipReason {
    /// Why a request is not compared whose caller went away, by the side that was to answer it.
    pub const fn of_abort(asked_first: Side) -> Self {
        match asked_first {
            Side::Primary => Self::ClientAbort,
            Side::Candidate => Self::CandidateAbort,
        }
    }

    /// Whether coverage counts such a request as one that should have been compared.
    ///
    /// Not what nobody could have compared, and what the candidate had no part in: what was not selected, what the primary refused for
    /// what it is, and what the caller gave up while the primary, asked first, answered. A caller does not see the shadow, so how
    /// the candidate does cannot choose these. Who gives the candidate up may do so because of it, and counts. What the primary
    /// failed counts too: the gate of transport takes it as alike on both sides, so that a primary in trouble must not make
    /// evidence of nothing else.
    pub const fn lowers_coverage(self) -> bool {
        match self {
            Self::SampledOut | Self::PrimaryRefused | Self::ClientAbort => false,
            Self::Slots
            | Self::Bytes
            | Self::QueueFull
            | Self::Money
            | Self::Breaker
            | Self::PrimaryFailed
            | Self::CandidateAbort
            | Self::Deadline
            | Self::CandidateUnavailable
            | Self::Disabled
            | Self::Draining
            | Self::Panic => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_have_inclusive_upper_bounds() {
        for (bytes, class) in [
            (0, SizeClass::K4),
            (4096, SizeClass::K4),
            (4097, SizeClass::K32),
            (32768, SizeClass::K32),
            (32769, SizeClass::K256),
            (262_144, SizeClass::K256),
            (262_145, SizeClass::M2),
        ] {
            assert_eq!(SizeClass::of(bytes), class, "{bytes}");
        }
    }
}
