//! Text similarity: the larger of ROUGE-L and chrF of the candidate's text against the primary's. It measures shared
//! wording, and two good answers may share little: without a threshold it is only reported. Only where no other check
//! has compared what was said, a pair that shares next to nothing is not let pass for the same.

use crossfade_exchange::{DifferenceKind, Severity};

use super::Weighed;
use crate::{answer::Answer, finding::Finding, similarity::similarity};

/// Similarity under which two free texts are taken for different answers, if nothing else compared them. Two good
/// answers of different models to one question mostly score between 0.3 and 0.6, and one pair in ten scores less than
/// this; answers to different questions mostly score less than 0.2. Low on purpose: it is to catch another answer, not
/// other words.
const FLOOR: f64 = 0.2;

/// Compares two texts; `compared` says whether another check has compared what they say.
pub(crate) fn pair(
    primary: &Answer,
    candidate: &Answer,
    threshold: Option<f64>,
    compared: Compared,
) -> Weighed {
    let reported = if threshold.is_some() {
        Severity::Minor
    } else {
        Severity::Info
    };
    if primary.text.trim().is_empty() || candidate.text.trim().is_empty() {
        return Weighed::new(Finding::na(), reported);
    }
    let score = similarity(&primary.text, &candidate.text);
    if threshold.is_some_and(|threshold| score < threshold) {
        return Weighed::new(
            Finding::fail_with(score, "under_threshold").at("text.wording", DifferenceKind::Value),
            reported,
        );
    }
    match compared {
        Compared::No if score < FLOOR => Weighed::new(
            Finding::fail_with(score, "under_floor").at("text.wording", DifferenceKind::Value),
            Severity::Minor,
        ),
        Compared::No | Compared::Yes => Weighed::new(Finding::pass().scored(score), reported),
    }
}

/// Whether some check has compared what two answers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    Yes,
    No,
}
