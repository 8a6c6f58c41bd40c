//! Extraction: two free texts hold the same numbers, percentages, amounts, dates, ids and addresses, as multisets of their normal
//! forms; the score is F1 (twice what they share by what both have). It fails under the route's threshold, by default
//! where anything differs: major if the route asks for it, else reported only, because two good free texts seldom choose the same
//! facts. The evidence says kinds and counts, never a value. Where neither text holds a fact: `na`.

use crossfade_exchange::{DifferenceKind, Severity};

use super::Weighed;
use crate::{
    facts::{Fact, facts},
    finding::Finding,
    multiset::Overlap,
    settings::{ExtractionSettings, FactKind},
};

/// Compares the facts of two free texts.
pub(crate) fn pair(primary: &str, candidate: &str, asked: Option<&ExtractionSettings>) -> Weighed {
    let severity = if asked.is_some() {
        Severity::Major
    } else {
        Severity::Info
    };
    let kinds = asked.map_or(&[][..], |asked| asked.kinds.as_slice());
    let counts = |kind: FactKind| kinds.is_empty() || kinds.contains(&kind);
    let (from, to) = (facts(primary), facts(candidate));
    let of = |kind: FactKind| {
        let values = |facts: &'_ [Fact]| -> Vec<String> {
            let of_kind = facts.iter().filter(|fact| fact.kind == kind);
            of_kind.map(|fact| fact.value.clone()).collect()
        };
        (kind, Overlap::of(values(&from), values(&to)))
    };
    let overlaps: Vec<(FactKind, Overlap)> = FactKind::ALL
        .iter()
        .filter(|kind| counts(**kind))
        .map(|kind| of(*kind))
        .collect();
    let all = overlaps
        .iter()
        .fold(Overlap::default(), |sum, (_, overlap)| sum.and(*overlap));
    if all.is_empty() {
        return Weighed::new(Finding::na(), severity);
    }
    let threshold = asked.and_then(|asked| asked.threshold).unwrap_or(1.0);
    let finding = if all.f1() < threshold {
        failed(&overlaps, all)
    } else {
        Finding::pass().scored(all.f1())
    };
    Weighed::new(finding, severity)
}

fn failed(overlaps: &[(FactKind, Overlap)], all: Overlap) -> Finding {
    let differing = || overlaps.iter().filter(|(_, overlap)| overlap.differs());
    let told: Vec<String> = differing()
        .map(|(kind, overlap)| {
            let Overlap { missing, extra, .. } = overlap;
            format!("{}: {missing} missing, {extra} extra", kind.as_str())
        })
        .collect();
    differing().fold(
        Finding::fail_with(all.f1(), told.join("; ")),
        |finding, (kind, overlap)| {
            let how = match (overlap.missing, overlap.extra) {
                (_, 0) => DifferenceKind::Missing,
                (0, _) => DifferenceKind::Extra,
                (_, _) => DifferenceKind::Value,
            };
            finding.at(format!("text.{}", kind.as_str()), how)
        },
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(primary: &str, candidate: &str, asked: Option<&ExtractionSettings>) -> String {
        let Weighed {
            finding, severity, ..
        } = pair(primary, candidate, asked);
        let evidence = finding.evidence.as_deref().unwrap_or("-").to_owned();
        let Finding { outcome, score, .. } = finding;
        format!("{outcome} {severity} {score:.2} {evidence}")
    }

    #[test]
    fn facts_are_compared_by_kind() {
        let check = |primary: &str, candidate: &str, expected: &str| {
            assert_eq!(told(primary, candidate, None), expected, "{candidate}");
        };
        check("a", "b", "na info 0.00 -");
        check(
            "It costs $1,234.50.",
            "1234.5 USD is the price.",
            "pass info 1.00 -",
        );
        check("5 and 7", "7 and 5", "pass info 1.00 -");
        check("5 and 5", "5", "fail info 0.67 numbers: 1 missing, 0 extra");
        check("5", "6", "fail info 0.00 numbers: 1 missing, 1 extra");
        check(
            "5 on 2026-11-12",
            "5, 10% off",
            "fail info 0.50 percentages: 0 missing, 1 extra; dates: 1 missing, 0 extra",
        );
    }

    #[test]
    fn routes_choose_kinds_and_threshold() {
        let dates = ExtractionSettings {
            kinds: vec![FactKind::Dates],
            threshold: None,
        };
        let check = |asked: &ExtractionSettings, primary: &str, candidate: &str, expected: &str| {
            assert_eq!(
                told(primary, candidate, Some(asked)),
                expected,
                "{candidate}"
            );
        };
        check(&dates, "5", "6", "na major 0.00 -");
        check(
            &dates,
            "5 on 2026-11-12",
            "6 on 12 Nov 2026",
            "pass major 1.00 -",
        );
        check(
            &dates,
            "on 2026-11-12",
            "soon",
            "fail major 0.00 dates: 1 missing, 0 extra",
        );
        let half = ExtractionSettings {
            kinds: Vec::new(),
            threshold: Some(0.5),
        };
        check(&half, "5 and 6", "5 and 7", "pass major 0.50 -");
        check(
            &half,
            "5 and 6",
            "8 and 7",
            "fail major 0.00 numbers: 2 missing, 2 extra",
        );
    }

    #[test]
    fn differences_name_kinds() {
        let found = pair("5 and a@b.example", "6", None).finding;
        let places: Vec<String> = found
            .differences
            .iter()
            .map(|difference| format!("{} {}", difference.path, difference.kind))
            .collect();
        assert_eq!(places, ["text.numbers value", "text.emails missing"]);
    }

    proptest! {
        #[test]
        fn extraction_is_symmetric(a in "[0-9a-c$%. ]{0,40}", b in "[0-9a-c$%. ]{0,40}") {
            let (there, back) = (pair(&a, &b, None).finding, pair(&b, &a, None).finding);
            prop_assert_eq!((there.outcome, there.score.to_bits()), (back.outcome, back.score.to_bits()));
            prop_assert!(!pair(&a, &a, None).finding.failed());
        }
    }
}
