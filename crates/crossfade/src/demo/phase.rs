//! The parts of the story, in order.

/// A part of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Direct calls and calls through the proxy, in turn.
    Overhead,
    /// The primary answers everything, the candidate is asked too.
    Shadow,
    /// The candidate answers one conversation in ten.
    Tenth,
    /// The candidate answers every second conversation.
    Half,
    /// As before, and the candidate has become worse.
    Degraded,
    /// The roll-back has happened.
    After,
}

impl Phase {
    /// In a word.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Overhead => "overhead",
            Self::Shadow => "shadow",
            Self::Tenth => "10 %",
            Self::Half => "50 %",
            Self::Degraded => "worse",
            Self::After => "after",
        }
    }

    /// In a sentence, as it is announced.
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::Overhead => "overhead: each prompt goes to Azure directly and through the proxy",
            Self::Shadow => {
                "shadow: Azure answers everybody, Bedrock is asked too, pairs are compared"
            }
            Self::Tenth => "split: Bedrock answers one conversation in ten",
            Self::Half => "split: Bedrock answers every second conversation",
            Self::Degraded => {
                "fault: one in ten of Bedrock's answers turns into wrong JSON or a wrongful refusal, with status 200"
            }
            Self::After => "rolled back: Azure answers everybody again",
        }
    }
}
