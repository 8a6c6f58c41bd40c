//! Length: how many times as long the longer of two free texts is, in characters without white space. The score is
//! `min(a, b) ÷ max(a, b) = e^−|ln(a ÷ b)|`; it fails over the route's ratio. A longer answer is no worse one: reported.
//! White space is left out because markdown and lists differ in it alone. JSON is compared by its leaves, not by its length.

use crossfade_exchange::{DifferenceKind, Severity};

use super::Weighed;
use crate::{
    finding::{Finding, share},
    settings::LengthSettings,
};

/// Times as long from which on a difference in length is told, if the route says nothing.
const RATIO: f64 = 1.25;

/// Compares the lengths of two free texts.
pub(crate) fn pair(primary: &str, candidate: &str, settings: &LengthSettings) -> Weighed {
    let (from, to) = (size(primary), size(candidate));
    let score = share(from.min(to), from.max(to));
    let within = score * settings.ratio.unwrap_or(RATIO) >= 1.0;
    let finding = if within {
        Finding::pass().scored(score)
    } else if to > from {
        Finding::fail_with(score, "longer").at("text.length.longer", DifferenceKind::Length)
    } else {
        Finding::fail_with(score, "shorter").at("text.length.shorter", DifferenceKind::Length)
    };
    Weighed::new(finding, Severity::Info)
}

fn size(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use crossfade_exchange::CheckOutcome;
    use proptest::prelude::*;

    use super::*;

    fn compare(primary: &str, candidate: &str, ratio: Option<f64>) -> Finding {
        pair(primary, candidate, &LengthSettings { ratio }).finding
    }

    #[test]
    fn texts_are_longer_shorter_or_alike() {
        let check = |primary: &str, candidate: &str, ratio, expected: &str| {
            let found = compare(primary, candidate, ratio);
            let told = found.evidence.as_deref().unwrap_or("alike");
            assert_eq!(
                format!("{told} {:.2}", found.score),
                expected,
                "{candidate}"
            );
        };
        check("abc", "abc", None, "alike 1.00");
        check("abc", "a b\n c", None, "alike 1.00");
        check("abcde", "abcd", None, "alike 0.80");
        check("abcdef", "abcd", None, "shorter 0.67");
        check("abcdef", "abc", None, "shorter 0.50");
        check("abc", "abcdef", None, "longer 0.50");
        check("abc", "abcdef", Some(2.0), "alike 0.50");
        check("abc", "abcdefg", Some(2.0), "longer 0.43");
        check("東京", "東京は晴れ", None, "longer 0.40");
        check("", "", None, "alike 1.00");
        check("", "a", None, "longer 0.00");
    }

    proptest! {
        #[test]
        fn the_score_is_symmetric_and_white_space_does_not_matter(a in "\\PC{0,60}", b in "\\PC{0,60}") {
            let (there, back) = (compare(&a, &b, None), compare(&b, &a, None));
            prop_assert_eq!((there.outcome, there.score.to_bits()), (back.outcome, back.score.to_bits()));
            prop_assert_eq!(&compare(&a, &b.replace(' ', " \n "), None), &there);
            prop_assert_eq!(compare(&a, &a, None).outcome, CheckOutcome::Pass);
        }
    }
}
