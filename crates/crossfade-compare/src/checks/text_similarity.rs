//! Text similarity: the larger of ROUGE-L and chrF of the candidate's text against the primary's. It measures shared
//! wording, and two good answers may share little: without a threshold it is only reported.

use crossfade_exchange::Severity;

use super::Weighed;
use crate::{answer::Answer, finding::Finding, similarity::similarity};

/// Compares two texts.
pub(crate) fn pair(primary: &Answer, candidate: &Answer, threshold: Option<f64>) -> Weighed {
    let severity = if threshold.is_some() {
        Severity::Minor
    } else {
        Severity::Info
    };
    if primary.text.trim().is_empty() || candidate.text.trim().is_empty() {
        return Weighed::new(Finding::na(), severity);
    }
    let score = similarity(&primary.text, &candidate.text);
    let finding = if threshold.is_some_and(|threshold| score < threshold) {
        Finding::fail_with(score, "under_threshold")
    } else {
        Finding::pass().scored(score)
    };
    Weighed::new(finding, severity)
}
