//! What gates an advance. Not what is known of each gate: that is the statistics' and the rollout's.

use crate::{Check, Metric};

closed_enum! {
    /// A number in -1..=1 per exchange whose mean must stay under a margin: how much worse the candidate is than the primary,
    /// or how much more it differs from the primary than the primary from itself.
    pub enum Gate {
        /// Bad transport, the candidate's less the primary's.
        Transport = "transport",
        /// First content later than τ, likewise.
        Slow = "slow",
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

impl Gate {
    /// The margin unless the route says otherwise: 1 percentage point for bad events, flips of refusal; 2 above the noise for
    /// labels, tools and what is extracted; 5 for late first content, and for similarity, in hundredths of it.
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
            Self::Slow | Self::TextSimilarity | Self::SemanticSimilarity => 0.05,
        }
    }

    /// The bad event whose difference between the sides gates; `None` where the gate's number is measured above the
    /// primary's disagreement with itself, so that it is known only where the primary was asked twice.
    pub const fn metric(self) -> Option<Metric> {
        match self {
            Self::Transport => Some(Metric::Transport),
            Self::Slow => Some(Metric::Slow),
            Self::Stream => Some(Metric::Stream),
            Self::Envelope => Some(Metric::Envelope),
            Self::JsonParse => Some(Metric::JsonParse),
            Self::JsonSchema => Some(Metric::JsonSchema),
            Self::RequiredFields => Some(Metric::RequiredFields),
            Self::Refusal => Some(Metric::Refusal),
            Self::Cost => Some(Metric::Cost),
            Self::AnsweredRefused
            | Self::RefusedAnswered
            | Self::JsonStructure
            | Self::Label
            | Self::ToolSelection
            | Self::ToolArguments
            | Self::Citations
            | Self::Extraction
            | Self::Embeddings
            | Self::TextSimilarity
            | Self::SemanticSimilarity => None,
        }
    }

    /// The check whose disagreement the gate measures; `None` of those that count bad events.
    pub const fn check(self) -> Option<Check> {
        match self {
            Self::Transport
            | Self::Slow
            | Self::Stream
            | Self::Envelope
            | Self::JsonParse
            | Self::JsonSchema
            | Self::RequiredFields
            | Self::Refusal
            | Self::Cost => None,
            Self::AnsweredRefused | Self::RefusedAnswered => Some(Check::Refusal),
            Self::JsonStructure => Some(Check::JsonStructure),
            Self::Label => Some(Check::Label),
            Self::ToolSelection => Some(Check::ToolSelection),
            Self::ToolArguments => Some(Check::ToolArguments),
            Self::Citations => Some(Check::Citations),
            Self::Extraction => Some(Check::Extraction),
            Self::Embeddings => Some(Check::Embeddings),
            Self::TextSimilarity => Some(Check::TextSimilarity),
            Self::SemanticSimilarity => Some(Check::SemanticSimilarity),
        }
    }

    /// Whether the gate's number is measured against the primary's disagreement with itself, so that it is known only where
    /// the primary was asked twice.
    pub const fn needs_repeats(self) -> bool {
        self.metric().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gate_counts_a_bad_event_or_measures_a_check() {
        for gate in Gate::ALL.iter().copied() {
            assert_ne!(gate.metric().is_some(), gate.check().is_some(), "{gate}");
        }
    }
}
