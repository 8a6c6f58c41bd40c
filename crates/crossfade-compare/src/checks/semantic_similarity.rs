//! Semantic similarity: the cosine of the embeddings of two free texts, as it was asked for apart; the score is `max(0, cosine)`. It
//! fails under the route's threshold, and then takes the place of the wording; without a threshold it is only reported,
//! because what cosine two good answers have depends on the model of the embeddings. Without an opinion: `na`; one that is no
//! cosine: error.

use crossfade_exchange::{DifferenceKind, Severity};

use super::Weighed;
use crate::finding::Finding;

/// Judges a cosine.
pub(crate) fn pair(cosine: Option<f64>, threshold: Option<f64>) -> Weighed {
    let severity = if threshold.is_some() {
        Severity::Minor
    } else {
        Severity::Info
    };
    let finding = match cosine {
        None => Finding::na(),
        Some(cosine) if !(-1.000_001..=1.000_001).contains(&cosine) => {
            Finding::error("not a cosine")
        }
        Some(cosine) if threshold.is_some_and(|threshold| cosine < threshold) => {
            Finding::fail_with(cosine, "under_threshold").at("text.meaning", DifferenceKind::Value)
        }
        Some(cosine) => Finding::pass().scored(cosine),
    };
    Weighed::new(finding, severity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_is_held_against_its_threshold() {
        let check = |cosine, threshold, expected: &str| {
            let Weighed {
                finding, severity, ..
            } = pair(cosine, threshold);
            let found = format!("{} {severity} {:.2}", finding.outcome, finding.score);
            assert_eq!(found, expected, "{cosine:?}");
        };
        check(None, Some(0.8), "na minor 0.00");
        check(Some(0.9), Some(0.8), "pass minor 0.90");
        check(Some(0.8), Some(0.8), "pass minor 0.80");
        check(Some(0.7), Some(0.8), "fail minor 0.70");
        check(Some(-0.7), Some(0.8), "fail minor 0.00");
        check(Some(0.1), None, "pass info 0.10");
        check(Some(f64::NAN), None, "error info 0.00");
        check(Some(7.0), Some(0.8), "error minor 0.00");
    }
}
