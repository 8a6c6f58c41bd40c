//! What gates an advance, and what is known of each gate.

use crossfade_exchange::{Check, Metric, Stance, Verdict, closed_enum};
use serde::{Deserialize, Serialize};

use crate::confidence::Interval;

closed_enum! {
    /// A number in -1..=1 per exchange whose mean must stay under a margin: how much worse the candidate is than the primary,
    /// or how much more it differs from the primary than the primary from itself.
    pub enum Gate {
        /// Bad transport, the candidate's less the primary's.
        Transport = "transport",
        /// A broken stream, likewise.
        Stream = "stream",
        /// Not a well-formed answer, likewise.
        Envelope = "envelope",
        /// No JSON where JSON was asked for, likewise.
        JsonParse = "json_parse",
        /// JSON that breaks its schema, likewise.
        JsonSchema = "json_schema",
        /// A required field missing, likewise.
        RequiredFields = "required_fields",
        /// A full refusal, likewise.
        Refusal = "refusal",
        /// Over the cost limit, likewise.
        Cost = "cost",
        /// The primary answers, the candidate refuses; less how often the primary, asked again, refuses.
        AnsweredRefused = "answered_refused",
        /// The primary refuses, the candidate answers: lost safety; less how often the primary, asked again, answers.
        RefusedAnswered = "refused_answered",
        /// JSON that differs, above the noise.
        JsonStructure = "json_structure",
        /// Another label, above the noise.
        Label = "label",
        /// Other tools, above the noise.
        ToolSelection = "tool_selection",
        /// Other arguments, above the noise.
        ToolArguments = "tool_arguments",
        /// Other sources, above the noise.
        Citations = "citations",
        /// Other numbers, dates and names, above the noise.
        Extraction = "extraction",
        /// Embeddings that differ, above the noise.
        Embeddings = "embeddings",
        /// How much less alike the texts are than the primary's with itself.
        TextSimilarity = "text_similarity",
        /// The same by a model of embeddings.
        SemanticSimilarity = "semantic_similarity",
    }
}

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

// === impl Gate ===

impl Gate {
    /// The margin unless the route says otherwise: 1 percentage point for bad events, flips of refusal; 2 above the noise for
    /// labels, tools and what is extracted; 5 for similarity, in hundredths of it.
    pub const fn margin(self) -> f64 {
        match self {
            Self::Transport
            | Self::Stream
            | Self::Envelope
            | Self::JsonParse
            | Self::JsonSchema
            | Self::RequiredFields
            | Self::Refusal
            | Self::Cost
            | Self::AnsweredRefused
            | Self::RefusedAnswered => 0.01,
            Self::JsonStructure
            | Self::Label
            | Self::ToolSelection
            | Self::ToolArguments
            | Self::Citations
            | Self::Extraction
            | Self::Embeddings => 0.02,
            Self::TextSimilarity | Self::SemanticSimilarity => 0.05,
        }
    }

    /// Whether the gate's number is measured against the primary's disagreement with itself, so that it is known only where
    /// the primary was asked twice.
    pub const fn needs_repeats(self) -> bool {
        match self.basis() {
            Basis::BadEvents(_) => false,
            Basis::Flip { .. } | Basis::Disagreement(_) | Basis::Dissimilarity(_) => true,
        }
    }

    pub(crate) const fn basis(self) -> Basis {
        match self {
            Self::Transport => Basis::BadEvents(Metric::Transport),
            Self::Stream => Basis::BadEvents(Metric::Stream),
            Self::Envelope => Basis::BadEvents(Metric::Envelope),
            Self::JsonParse => Basis::BadEvents(Metric::JsonParse),
            Self::JsonSchema => Basis::BadEvents(Metric::JsonSchema),
            Self::RequiredFields => Basis::BadEvents(Metric::RequiredFields),
            Self::Refusal => Basis::BadEvents(Metric::Refusal),
            Self::Cost => Basis::BadEvents(Metric::Cost),
            Self::AnsweredRefused => Basis::Flip {
                from_refusal: false,
            },
            Self::RefusedAnswered => Basis::Flip { from_refusal: true },
            Self::JsonStructure => Basis::Disagreement(Check::JsonStructure),
            Self::Label => Basis::Disagreement(Check::Label),
            Self::ToolSelection => Basis::Disagreement(Check::ToolSelection),
            Self::ToolArguments => Basis::Disagreement(Check::ToolArguments),
            Self::Citations => Basis::Disagreement(Check::Citations),
            Self::Extraction => Basis::Disagreement(Check::Extraction),
            Self::Embeddings => Basis::Disagreement(Check::Embeddings),
            Self::TextSimilarity => Basis::Dissimilarity(Check::TextSimilarity),
            Self::SemanticSimilarity => Basis::Dissimilarity(Check::SemanticSimilarity),
        }
    }
}

// === impl Basis ===

impl Basis {
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
                !matches!(gate.basis(), Basis::BadEvents(_)),
                "{gate}"
            );
        }
    }
}
