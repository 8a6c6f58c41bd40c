//! The checks, a module each. A check judges one side alone (`own`) where it can, and both together (`pair`) where it
//! cannot. It gives a finding; severity and verdict are given elsewhere.

pub(crate) mod citations;
pub(crate) mod cost;
pub(crate) mod embeddings;
pub(crate) mod envelope;
pub(crate) mod extraction;
pub(crate) mod finish_reason;
pub(crate) mod first_content;
pub(crate) mod format;
pub(crate) mod groundedness;
pub(crate) mod json_parse;
pub(crate) mod json_schema;
pub(crate) mod json_structure;
pub(crate) mod judge;
pub(crate) mod label;
pub(crate) mod language;
pub(crate) mod length;
pub(crate) mod output_rate;
pub(crate) mod ratio;
pub(crate) mod refusal;
pub(crate) mod required_fields;
pub(crate) mod semantic_similarity;
pub(crate) mod text_similarity;
pub(crate) mod tokens;
pub(crate) mod tool_arguments;
pub(crate) mod tool_selection;
pub(crate) mod total_time;

use crossfade_exchange::Severity;

use crate::finding::Finding;

/// A finding on a pair, with how much it matters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Weighed {
    pub(crate) finding: Finding,
    pub(crate) severity: Severity,
    /// Whether the severity stands whatever the settings say, because the route itself named this case.
    pub(crate) fixed: bool,
}

// === impl Weighed ===

impl Weighed {
    /// A finding whose severity the settings may change.
    pub(crate) const fn new(finding: Finding, severity: Severity) -> Self {
        Self {
            finding,
            severity,
            fixed: false,
        }
    }

    /// A finding that the route itself named a blocker.
    pub(crate) const fn blocker(finding: Finding) -> Self {
        Self {
            finding,
            severity: Severity::Blocker,
            fixed: true,
        }
    }
}
