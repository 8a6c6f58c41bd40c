//! The closed label sets that belong to the control plane alone.

use crossfade_exchange::{Side, VerdictClass};
use crossfade_rollout::Freeze;

/// Declares a fieldless enum with its fixed names, as metric labels show them.
macro_rules! labels {
    ($(#[$meta:meta])* pub enum $name:ident { $( $(#[$vmeta:meta])* $variant:ident = $text:literal ),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $( $(#[$vmeta])* $variant ),+ }

        impl $name {
            /// Every variant, in order of declaration.
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),+ ];

            /// The fixed name.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text ),+ }
            }

            /// Position in [`Self::ALL`].
            pub const fn index(self) -> usize {
                self as usize
            }
        }
    };
}

labels! {
    /// Why a route's split changed.
    pub enum TransitionReason {
        /// A stage, or a step of the ramp, was left for the next.
        Advance = "advance",
        /// An operator raised the share.
        Raise = "raise",
        /// An owner raised it beyond what the stage allows.
        Override = "override",
        /// An operator lowered the share.
        Lower = "lower",
        /// An operator rolled back.
        Operator = "operator",
        /// The sequential test rolled back.
        Alarm = "alarm",
        /// An owner re-armed the route after a roll-back.
        Resume = "resume",
    }
}

labels! {
    /// Why the ramp stands still by itself.
    pub enum FreezeCause {
        /// The primary fails more than it usually does.
        Primary = "primary",
        /// An answer was not on the side that its unit draws.
        Assignment = "assignment",
        /// The sides' shares of the drawn units do not fit the split.
        SampleRatio = "sample_ratio",
    }
}

impl FreezeCause {
    /// The label of a freeze.
    pub const fn of(freeze: &Freeze) -> Self {
        match freeze {
            Freeze::PrimaryTrouble { .. } => Self::Primary,
            Freeze::Assignment => Self::Assignment,
            Freeze::SampleRatio => Self::SampleRatio,
        }
    }
}

labels! {
    /// What became of a drawn answer's outcome.
    pub enum OutcomeFate {
        /// Decided, logged and applied.
        Decided = "decided",
        /// Of an attempt that is over.
        Stale = "stale",
        /// A bad event that showed after its answer had been decided; it does not enter.
        Late = "late",
        /// Decided before it was resolved, for its age or for want of room.
        Forced = "forced",
        /// Announced too late, never announced, or resolved without having been announced.
        Lost = "lost",
        /// A group of a mirrored request that said nothing of either side: a bound, a caller who left, a switch, an answer that could not
        /// be judged.
        Void = "void",
    }
}

labels! {
    /// Which two answers a check compared.
    pub enum Pairing {
        /// The primary's and the candidate's.
        Candidate = "candidate",
        /// The primary's and what it answered when asked the same once more: the noise floor.
        Noise = "noise",
        /// The candidate's and what it answered when asked the same once more.
        CandidateNoise = "candidate_noise",
    }
}

impl Pairing {
    /// The pairing of a side with itself.
    pub const fn of_repeat(side: Side) -> Self {
        match side {
            Side::Primary => Self::Noise,
            Side::Candidate => Self::CandidateNoise,
        }
    }
}

labels! {
    /// The class of tokens, as they are priced.
    pub enum TokenKind {
        /// Prompt tokens neither read from nor written to a cache.
        Input = "input",
        /// Prompt tokens read from a cache.
        Cached = "cached",
        /// Prompt tokens written to a cache.
        CacheWrite = "cache_write",
        /// Completion tokens, reasoning included.
        Output = "output",
        /// Of the completion tokens, those spent on reasoning.
        Reasoning = "reasoning",
    }
}

labels! {
    /// What became of an exchange that was to be kept as evidence.
    pub enum EvidenceOutcome {
        /// It is kept, redacted and sealed.
        Kept = "kept",
        /// It found no room in the queue before the disk.
        Dropped = "dropped",
        /// It could not be written.
        Failed = "failed",
        /// Its caller was forgotten while it was under way.
        Forgotten = "forgotten",
        /// No key is configured, so that nothing is kept.
        NoKey = "no_key",
    }
}

labels! {
    /// Which model is asked about a pair.
    pub enum OpinionKind {
        /// A model of embeddings: how near the answers are.
        Similarity = "similarity",
        /// A judge: which answer is better.
        Judge = "judge",
    }
}

labels! {
    /// What became of an opinion that was to be asked for.
    pub enum OpinionOutcome {
        /// It was given.
        Given = "given",
        /// The judge preferred another answer when the order was turned round: a tie.
        Contradiction = "contradiction",
        /// The answer was none of those that may be given, or the texts hold nothing that the model knows.
        Unclear = "unclear",
        /// The money is spent.
        Money = "money",
        /// As much waits, or is under way, as may.
        Full = "full",
        /// The call failed.
        Failed = "failed",
        /// The last calls all failed, so that the model is left alone for half a minute.
        Resting = "resting",
    }
}

labels! {
    /// What became of a pair that a person should look at.
    pub enum ReviewOutcome {
        /// It waits, or waited.
        Opened = "opened",
        /// One with the same differences waits already, and stands for it too.
        Joined = "joined",
        /// Somebody has said that such differences do not matter.
        Accepted = "accepted",
        /// As much waits as may, and nothing that waits is less urgent.
        Full = "full",
        /// It had to go for a more urgent one.
        Displaced = "displaced",
        /// Nobody looked in time.
        Expired = "expired",
        /// A person decided it.
        Decided = "decided",
        /// It could not be written.
        Failed = "failed",
        /// Drawn for the test on what people say, and left out of it: as much was drawn and waits as may.
        LeftOut = "left_out",
        /// It entered that test with what a person had said in time.
        Tested = "tested",
        /// It entered that test, and nobody had said anything in time.
        Undecided = "undecided",
    }
}

/// The verdict of an exchange as a label: a class, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeLabel {
    /// A pair was compared.
    Class(VerdictClass),
    /// One side only was recorded, and judged alone.
    Unpaired,
    /// The comparison failed.
    Error,
}

impl ExchangeLabel {
    /// Every label, in the order of [`Self::index`].
    pub fn names() -> impl Iterator<Item = &'static str> {
        VerdictClass::ALL
            .iter()
            .map(|class| class.as_str())
            .chain(["unpaired", "error"])
    }

    /// Position in [`Self::names`].
    pub const fn index(self) -> usize {
        match self {
            Self::Class(class) => class.index(),
            Self::Unpaired => VerdictClass::ALL.len(),
            Self::Error => VerdictClass::ALL.len() + 1,
        }
    }
}
