//! Judge: which of two answers a third model prefers, asked in both orders, with disagreement with itself taken for none. It
//! fails where the primary's is preferred. Reported only, unless the route's `severity` says more: before it may count, it
//! has to be held against what people said. Without an opinion: `na`.

use crossfade_exchange::{DifferenceKind, Preference, Severity};

use super::Weighed;
use crate::finding::Finding;

/// Judges a preference.
pub(crate) fn pair(preference: Option<Preference>) -> Weighed {
    let finding = match preference {
        None => Finding::na(),
        Some(preference @ (Preference::Candidate | Preference::Same)) => {
            Finding::pass().because(preference.as_str())
        }
        Some(preference @ Preference::Primary) => {
            Finding::fail(preference.as_str()).at("text.preference", DifferenceKind::Value)
        }
    };
    Weighed::new(finding, Severity::Info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_primarys_answer_being_better_fails() {
        let check = |preference, expected: &str| {
            let Weighed {
                finding, severity, ..
            } = pair(preference);
            let found = format!("{} {severity} {:.0}", finding.outcome, finding.score);
            assert_eq!(found, expected, "{preference:?}");
        };
        check(None, "na info 0");
        check(Some(Preference::Candidate), "pass info 1");
        check(Some(Preference::Same), "pass info 1");
        check(Some(Preference::Primary), "fail info 0");
    }
}
