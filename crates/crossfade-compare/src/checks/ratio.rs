//! What the checks of times, tokens and cost share: a score `min(1, primary ÷ candidate)` and the candidate's ratio to the primary
//! as evidence. Not a check.

use crossfade_exchange::Severity;

use super::Weighed;
use crate::finding::Finding;

/// The finding on two quantities of which less is better; `over` says that the candidate is over its limit. Without a value of
/// the primary's there is no ratio, but still a limit.
pub(crate) fn of(primary: Option<f64>, candidate: Option<f64>, over: bool) -> Weighed {
    let Some(to) = candidate else {
        return Weighed::new(Finding::na(), Severity::Info);
    };
    let score = primary.map(|from| if to > 0.0 { from / to } else { 1.0 });
    let finding = match (over, score) {
        (true, score) => Finding::fail_with(score.unwrap_or_default(), "over_limit"),
        (false, Some(score)) => Finding::pass().scored(score),
        (false, None) => Finding::na_because("primary unknown"),
    };
    let finding = match primary.filter(|from| *from > 0.0).map(|from| to / from) {
        Some(ratio) if over => finding.because(format!("over_limit, {ratio:.2} of primary")),
        Some(ratio) if (ratio - 1.0).abs() >= 0.005 => {
            finding.because(format!("{ratio:.2} of primary"))
        }
        Some(_) | None => finding,
    };
    Weighed::new(finding, Severity::Info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_is_better() {
        let check = |from: Option<f64>, to: Option<f64>, over, expected: &str| {
            let found = of(from, to, over).finding;
            let told = found.evidence.as_deref().unwrap_or("-");
            let found = format!("{} {:.2} {told}", found.outcome, found.score);
            assert_eq!(found, expected, "{from:?} {to:?}");
        };
        check(None, None, false, "na 0.00 -");
        check(Some(1.0), None, false, "na 0.00 -");
        check(None, Some(1.0), false, "na 0.00 primary unknown");
        check(None, Some(1.0), true, "fail 0.00 over_limit");
        check(Some(2.0), Some(2.0), false, "pass 1.00 -");
        check(Some(2.0), Some(4.0), false, "pass 0.50 2.00 of primary");
        check(Some(2.0), Some(1.0), false, "pass 1.00 0.50 of primary");
        check(Some(2.0), Some(0.0), false, "pass 1.00 0.00 of primary");
        check(Some(0.0), Some(1.0), false, "pass 0.00 -");
        check(
            Some(2.0),
            Some(4.0),
            true,
            "fail 0.50 over_limit, 2.00 of primary",
        );
    }
}
