//! Format: two free texts have the same shape of markdown (headings, lists, tables, code, paragraphs), and begin and end
//! alike: with a preamble ("Sure, here is …"), a conclusion, an offer of more. The score is the mean, over the
//! features that either text has, of `min ÷ max` of their counts. It fails where one text has a feature that the other lacks, or has twice
//! as much of it. It is reported only: shape is a matter of taste, unless an application parses it. Preambles, conclusions and offers
//! are known in English.

use crossfade_exchange::{DifferenceKind, Severity};

use super::Weighed;
use crate::{
    finding::{Finding, share},
    shape::{Feature, Shape},
};

/// Compares the shapes of two free texts.
pub(crate) fn pair(primary: &str, candidate: &str) -> Weighed {
    let (from, to) = (Shape::of(primary), Shape::of(candidate));
    let (mut sum, mut features) = (0.0, 0.0);
    let mut differing = Vec::new();
    for feature in Feature::ALL {
        let (a, b) = (from.count(*feature), to.count(*feature));
        let (least, most) = (a.min(b), a.max(b));
        if most == 0 {
            continue;
        }
        sum += share(least, most);
        features += 1.0;
        match (a, b) {
            (0, _) => differing.push((feature, DifferenceKind::Extra)),
            (_, 0) => differing.push((feature, DifferenceKind::Missing)),
            _ if most >= least * 2 => differing.push((feature, DifferenceKind::Length)),
            _ => {}
        }
    }
    let score = if features > 0.0 { sum / features } else { 1.0 };
    if differing.is_empty() {
        return Weighed::new(Finding::pass().scored(score), Severity::Info);
    }
    let told: Vec<String> = differing
        .iter()
        .map(|(feature, kind)| format!("{} {}", feature.as_str(), kind.as_str()))
        .collect();
    let mut finding = Finding::fail_with(score, told.join(", "));
    for (feature, kind) in differing {
        finding = finding.at(format!("text.format.{}", feature.as_str()), kind);
    }
    Weighed::new(finding, Severity::Info)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shapes_are_compared_by_feature() {
        let check = |primary: &str, candidate: &str, expected: &str| {
            let found = pair(primary, candidate).finding;
            let told = found.evidence.as_deref().unwrap_or("alike");
            assert_eq!(
                format!("{:.2} {told}", found.score),
                expected,
                "{candidate}"
            );
        };
        check("", "", "1.00 alike");
        check("One line.", "Another line.", "1.00 alike");
        check("- a\n- b", "* c\n+ d", "1.00 alike");
        check("- a\n- b", "- c\n- d\n- e", "0.67 alike");
        check("- a\n- b", "1. c\n2. d\n3. e\n4. f", "0.50 lists length");
        check("# A\ntext", "text", "0.50 headings missing");
        check(
            "text",
            "# A\n\ntext\n```\ncode\n```",
            "0.33 headings extra, code extra",
        );
        check("one", "one\n\ntwo", "0.50 paragraphs length");
        check(
            "The sum is 4.",
            "Sure, the sum is 4.",
            "0.50 preamble extra",
        );
        check(
            "The sum is 4. Let me know if you need more.",
            "The sum is 4.",
            "0.50 offer missing",
        );
    }

    #[test]
    fn differences_name_their_place() {
        let found = pair("text", "| a |\n|---|\n| b |").finding;
        let places: Vec<String> = found
            .differences
            .iter()
            .map(|difference| format!("{} {}", difference.path, difference.kind))
            .collect();
        assert_eq!(
            places,
            ["text.format.tables extra", "text.format.paragraphs missing"]
        );
    }

    proptest! {
        #[test]
        fn shape_is_symmetric(a in "[-#|`*\\n a-c1.]{0,60}", b in "[-#|`*\\n a-c1.]{0,60}") {
            let (there, back) = (pair(&a, &b).finding, pair(&b, &a).finding);
            prop_assert_eq!((there.outcome, there.score.to_bits()), (back.outcome, back.score.to_bits()));
            prop_assert!(!pair(&a, &a).finding.failed());
        }
    }
}
