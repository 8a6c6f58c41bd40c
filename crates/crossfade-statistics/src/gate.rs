//! What is known of each gate, and what its number is made of.

use crossfade_exchange::{Check, Gate, Metric, Stance, Verdict, closed_enum};
use serde::{Deserialize, Serialize};

use crate::confidence::Interval;

closed_enum! {
    /// What is known of a gate.
    pub enum GateState {
        /// The mean is under the margin.
        Passes = "passes",
        /// The mean is over the margin.
        Fails = "fails",
        /// Not yet known.
        Inconclusive = "inconclusive",
    }
}

/// What a gate's number is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// `c − p`: bad events of each side alone, on every pair.
    BadEvents(Metric),
    /// `D − N` of flips in one direction, on requests where the primary was asked twice.
    Flip {
        /// Whether the first answer refuses.
        from_refusal: bool,
    },
    /// `D − N` of a failed check, likewise, unless the check is only reported.
    Disagreement(Check),
    /// `D − N` of what a score lacks to 1, likewise.
    Dissimilarity(Check),
}

/// What is known of one gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateView {
    /// Which.
    pub gate: Gate,
    /// Samples: users in ten minutes, or exchanges of nobody known.
    pub units: u64,
    /// Exchanges that the samples hold.
    pub exchanges: u64,
    /// On the exchanges that count here, the candidate's mean: its bad events, or its disagreement with the primary, `D`.
    pub candidate: Option<f64>,
    /// Likewise the primary's: its bad events, or its disagreement with itself, `N`.
    pub primary: Option<f64>,
    /// The candidate's disagreement with itself, `C`, where it was asked twice too.
    pub candidate_noise: Option<f64>,
    /// The mean of the samples' difference with its bounds: `c − p`, or `D − N`.
    pub excess: Interval,
    /// The mean of `D − (N + C)/2` with its bounds, where the candidate was asked twice too: what is left when a candidate
    /// does not get credit for being steadier than the primary.
    pub adjusted: Option<Interval>,
    /// How large the mean difference may be.
    pub margin: f64,
    /// Whether the bounds leave out the margin.
    pub state: GateState,
    /// If inconclusive: about so many more samples are needed; `None` where there is no saying.
    pub needed: Option<u64>,
}

// === impl Basis ===

impl Basis {
    /// What a gate's number is made of; `None` of one that neither counts bad events nor measures a check.
    pub(crate) const fn of(gate: Gate) -> Option<Self> {
        if let Some(metric) = gate.metric() {
            return Some(Self::BadEvents(metric));
        }
        let Some(check) = gate.check() else {
            return None;
        };
        Some(match gate {
            Gate::AnsweredRefused => Self::Flip {
                from_refusal: false,
            },
            Gate::RefusedAnswered => Self::Flip { from_refusal: true },
            Gate::TextSimilarity | Gate::SemanticSimilarity => Self::Dissimilarity(check),
            Gate::Transport
            | Gate::Slow
            | Gate::Stream
            | Gate::Envelope
            | Gate::JsonParse
            | Gate::JsonSchema
            | Gate::RequiredFields
            | Gate::Refusal
            | Gate::Cost
            | Gate::JsonStructure
            | Gate::Label
            | Gate::ToolSelection
            | Gate::ToolArguments
            | Gate::Citations
            | Gate::Extraction
            | Gate::Embeddings => Self::Disagreement(check),
        })
    }

    /// How much the second answer of a verdict differs from the first, 0..=1; `None` where that cannot be judged, or says
    /// nothing of the second answer.
    pub(crate) fn disagreement(self, verdict: &Verdict) -> Option<f64> {
        use crossfade_exchange::{CheckOutcome, Severity, VerdictClass};
        match verdict.class? {
            VerdictClass::PrimaryBad | VerdictClass::BothBad | VerdictClass::Incomparable => {
                return None;
            }
            VerdictClass::Equal
            | VerdictClass::Equivalent
            | VerdictClass::DifferentMinor
            | VerdictClass::DifferentMajor
            | VerdictClass::CandidateInvalid
            | VerdictClass::CandidateError => {}
        }
        let judged = |check: Check| {
            let result = verdict.check(check)?;
            match result.outcome {
                CheckOutcome::Pass | CheckOutcome::Fail => Some(result),
                CheckOutcome::Na | CheckOutcome::Error => None,
            }
        };
        let event = |happened: bool| if happened { 1.0 } else { 0.0 };
        match self {
            Self::BadEvents(_) => None,
            Self::Flip { from_refusal } => {
                let refuses = |stance: Option<Stance>| Some(stance? == Stance::Full);
                let first = refuses(verdict.primary.as_ref()?.stance)?;
                let second = refuses(verdict.candidate.as_ref()?.stance)?;
                Some(event(first == from_refusal && second != from_refusal))
            }
            Self::Disagreement(check) => {
                // What is only reported gates nothing.
                let result = judged(check).filter(|result| result.severity > Severity::Info)?;
                Some(event(result.outcome == CheckOutcome::Fail))
            }
            Self::Dissimilarity(check) => Some((1.0 - judged(check)?.score).clamp(0.0, 1.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_and_bases() {
        for gate in Gate::ALL.iter().copied() {
            assert!((0.01..=0.05).contains(&gate.margin()), "{gate}");
            assert_eq!(
                gate.needs_repeats(),
                !matches!(Basis::of(gate), Some(Basis::BadEvents(_))),
                "{gate}"
            );
        }
    }
}
