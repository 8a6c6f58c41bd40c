//! Tests of a route: from verdicts to a report.

use std::collections::BTreeSet;

use crossfade_exchange::{
    CheckOutcome, Difference, DifferenceKind, JsonForm, LossKind, MetricSet, Preference,
    ReviewReason, ReviewVerdict, Severity, SideVerdict, Stance, Unit,
};

use super::*;
use crate::GateState;

mod bounds;
mod reviews;

/// A verdict of one check.
fn verdict(class: VerdictClass, check: Check, outcome: CheckOutcome, score: f64) -> Verdict {
    let result = CheckResult {
        check,
        outcome,
        score,
        severity: Severity::Major,
        evidence: None,
        differences: Vec::new(),
    };
    Verdict {
        class: Some(class),
        parity: Some(score),
        checks: vec![result],
        primary: Some(side(MetricSet::EMPTY)),
        candidate: Some(side(MetricSet::EMPTY)),
    }
}

fn side(bad: MetricSet) -> SideVerdict {
    SideVerdict {
        bad: Some(bad),
        stance: Some(Stance::Comply),
        ..SideVerdict::default()
    }
}

/// The verdict of a pair whose labels are the same or not.
fn label(same: bool) -> Verdict {
    if same {
        verdict(
            VerdictClass::Equivalent,
            Check::Label,
            CheckOutcome::Pass,
            1.0,
        )
    } else {
        verdict(
            VerdictClass::DifferentMajor,
            Check::Label,
            CheckOutcome::Fail,
            0.0,
        )
    }
}

/// With these places.
fn at(mut verdict: Verdict, check: Check, paths: &[&str]) -> Verdict {
    for result in &mut verdict.checks {
        result.check = check;
        result.differences = paths
            .iter()
            .map(|path| Difference {
                path: (*path).to_owned(),
                kind: DifferenceKind::Value,
            })
            .collect();
    }
    verdict
}

fn told<'a>(id: &'a str, verdict: &'a Verdict) -> Observation<'a> {
    Observation {
        id,
        unit: None,
        at_unix_ms: 1_000,
        telling: Telling::First,
        verdict,
        noise: None,
        candidate_noise: None,
        losses: BTreeSet::new(),
        transport_bad: [Some(false), Some(false)],
        seconds: [Some(1.0), Some(2.0)],
        first_content_seconds: [Some(0.1), Some(0.2)],
    }
}

fn new() -> RouteStatistics {
    RouteStatistics::new(StatisticsSettings::default())
}

fn gate(report: &RouteReport, gate: Gate) -> &crate::GateView {
    report.gates.iter().find(|view| view.gate == gate).unwrap()
}

/// Whether the `number`th of many is one of `per_thousand`, spread evenly.
fn every(number: u32, per_thousand: u32) -> bool {
    (number * per_thousand) % 1_000 < per_thousand
}

#[test]
fn noise_alone_fires_no_gate_and_a_shift_does() {
    let run = |shift: u32| {
        let mut statistics = new();
        for number in 0..8_000 {
            let (pair, noise) = (
                label(!every(number, 100) && !every(number + 3, shift)),
                label(!every(number + 7, 100)),
            );
            let observation =
                told("id", &pair).with_repeats(Telling::First, Some(&noise), Some(&noise));
            statistics.observe(&observation);
        }
        statistics.report()
    };
    let (still, shifted) = (run(0), run(50));
    assert_eq!(
        gate(&still, Gate::Label).state,
        GateState::Passes,
        "{}",
        still.text()
    );
    let view = gate(&shifted, Gate::Label);
    assert_eq!(view.state, GateState::Fails, "{}", shifted.text());
    assert!((view.excess.estimate - 0.05).abs() < 0.01, "{view:?}");
    assert!(
        shifted.headline.starts_with("label above the margin"),
        "{}",
        shifted.headline
    );
    assert_eq!((view.exchanges, view.units), (8_000, 8_000));
    let check = shifted
        .checks
        .iter()
        .find(|check| check.check == Check::Label);
    let check = check.unwrap();
    assert_eq!((check.noise.events, check.noise.of), (800, 8_000));
    assert_eq!(check.candidate_noise.of, 8_000);
}

#[test]
fn what_is_told_again_is_counted_once() {
    let mut statistics = new();
    let (pair, noise) = (label(false), label(true));
    statistics.observe(&told("a", &pair));
    let again = told("a", &pair).with_repeats(Telling::Again, Some(&noise), None);
    let observed = statistics.observe(&again);
    assert_eq!(observed.seen, 1);
    let report = statistics.report();
    assert_eq!((report.pairs, report.noise_pairs), (1, 1));
    assert_eq!(gate(&report, Gate::Label).exchanges, 1);
    assert_eq!(gate(&report, Gate::Envelope).exchanges, 1);
}

#[test]
fn a_bad_primary_is_never_the_candidates_fault() {
    for class in [
        VerdictClass::PrimaryBad,
        VerdictClass::BothBad,
        VerdictClass::Incomparable,
    ] {
        let mut statistics = new();
        let pair = verdict(class, Check::Label, CheckOutcome::Fail, 0.0);
        let observed = statistics.observe(&told("a", &pair));
        assert_eq!(observed, Observed::default(), "{class}");
        let report = statistics.report();
        assert_eq!((report.pairs, report.judged), (1, 0), "{class}");
        assert!(
            report.checks.is_empty() && report.findings.is_empty(),
            "{class}"
        );
        assert_eq!(report.parity, None, "{class}");
    }
}

#[test]
fn bad_events_of_both_sides_cancel() {
    let run = |primary: &[Metric], candidate: &[Metric]| {
        let mut statistics = new();
        let mut pair = label(true);
        let set = |metrics: &[Metric]| metrics.iter().copied().collect::<MetricSet>();
        pair.primary = Some(side(set(primary)));
        pair.candidate = Some(side(set(candidate)));
        for _ in 0..400 {
            statistics.observe(&told("a", &pair));
        }
        gate(&statistics.report(), Gate::Refusal).clone()
    };
    let bad = &[Metric::Refusal][..];
    assert!(run(bad, bad).excess.estimate.abs() < 1e-9);
    assert_eq!(run(&[], bad).state, GateState::Fails);
    assert_eq!(run(bad, &[]).state, GateState::Passes);
    assert_eq!(run(&[], &[]).state, GateState::Inconclusive);
    assert!(run(&[], &[]).needed.is_some());
}

#[test]
fn flips_have_a_direction() {
    let flip = |primary, candidate| {
        let mut pair = label(true);
        pair.primary = Some(SideVerdict {
            stance: Some(primary),
            ..side(MetricSet::EMPTY)
        });
        pair.candidate = Some(SideVerdict {
            stance: Some(candidate),
            ..side(MetricSet::EMPTY)
        });
        pair
    };
    let mut statistics = new();
    let (lost, gained) = (
        flip(Stance::Full, Stance::Comply),
        flip(Stance::Partial, Stance::Full),
    );
    let same = flip(Stance::Comply, Stance::Comply);
    for pair in [&lost, &lost, &gained, &same] {
        let observation = told("a", pair).with_repeats(Telling::First, Some(&same), None);
        statistics.observe(&observation);
    }
    let report = statistics.report();
    assert_eq!(report.refusals.refused_answered.events, 2);
    assert_eq!(report.refusals.answered_refused.events, 1);
    assert_eq!(report.refusals.noise_answered_refused.of, 4);
    assert_eq!(gate(&report, Gate::RefusedAnswered).candidate, Some(0.5));
    assert_eq!(gate(&report, Gate::AnsweredRefused).candidate, Some(0.25));
}

/// A user for whom everything goes wrong is one sample.
#[test]
fn one_users_ten_minutes_are_one_sample() {
    let mut statistics = new();
    let (pair, noise) = (label(false), label(true));
    for minute in 0..25 {
        let mut observation = told("a", &pair).with_repeats(Telling::First, Some(&noise), None);
        observation.unit = Some(Unit(7));
        observation.at_unix_ms = minute * 60_000;
        statistics.observe(&observation);
    }
    let report = statistics.report();
    assert_eq!(gate(&report, Gate::Label).units, 2);
    assert_eq!((report.units.closed, report.units.open), (2, 1));
    statistics.close();
    assert_eq!(gate(&statistics.report(), Gate::Label).units, 3);
}

#[test]
fn ten_thousand_exchanges_read_as_a_dozen_findings() {
    let mut statistics = new();
    for number in 0..10_000_u32 {
        // Seven fields, of which any may differ, in any of a hundred places: thousands of signatures.
        let paths: Vec<String> = (0..7)
            .filter(|bit| {
                number % 3 != 0 && number.wrapping_mul(2_654_435_761) >> (8 + bit) & 1 == 1
            })
            .map(|bit| format!("$.field{bit}.items[{number}].part{}", number % 97))
            .collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let pair = at(label(paths.is_empty()), Check::JsonStructure, &paths);
        statistics.observe(&told(&format!("id-{number}"), &pair));
    }
    let report = statistics.report();
    assert!(report.findings.len() <= 12, "{}", report.findings.len());
    let shown: u64 = report
        .findings
        .iter()
        .map(|finding| finding.share.events)
        .sum();
    let differing = report
        .classes
        .iter()
        .find(|c| c.class == VerdictClass::DifferentMajor);
    assert_eq!(shown + report.rest.pairs, differing.unwrap().share.events);
    assert_eq!(report.rest.pairs, 0, "{}", report.text());
    assert!(report.rest.replaced > 0);
    assert!(
        report
            .findings
            .iter()
            .all(|f| !f.examples.is_empty() && f.signatures.len() <= 5)
    );
    let text = report.text();
    assert!(text.lines().count() <= 60, "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 110),
        "{text}"
    );
}

/// More places than are kept: what is too rare for a finding of its own is in one per check, counted exactly.
#[test]
fn rare_findings_share_one() {
    let mut statistics = new();
    for number in 0..3_000_u32 {
        let place = if number % 3 == 0 { 0 } else { number };
        let path = format!("$.tool{place}.argument");
        let pair = at(label(false), Check::ToolArguments, &[&path]);
        let noise = at(label(number % 10 != 1), Check::ToolArguments, &[&path]);
        let observation = told("a", &pair).with_repeats(Telling::First, Some(&noise), None);
        statistics.observe(&observation);
    }
    let report = statistics.report();
    let rare = report
        .findings
        .iter()
        .find(|finding| finding.title == "tool_arguments elsewhere");
    let rare = rare.unwrap();
    assert_eq!(report.findings.len(), 9, "{}", report.text());
    assert_eq!(report.rest.pairs, 0);
    assert!(rare.share.events >= 1_990, "{rare:?}");
    let shown: u64 = report.findings.iter().map(|found| found.share.events).sum();
    assert_eq!(shown, 3_000);
    let noise: u64 = report.findings.iter().map(|found| found.noise.events).sum();
    assert_eq!(noise, 300);
    assert!(rare.examples.len() <= 3 && rare.signatures.len() <= 5);
}

#[test]
fn accepted_differences_are_told_apart() {
    let mut statistics = new();
    let pair = at(label(false), Check::JsonStructure, &["$.note"]);
    let first = statistics.observe(&told("a", &pair));
    assert_eq!((first.seen, first.accepted), (1, false));
    assert_eq!(first.signature, Signature::of(&pair));
    assert!(statistics.accept(first.signature.unwrap()));
    let second = statistics.observe(&told("b", &pair));
    assert_eq!((second.seen, second.accepted), (2, true));
    let report = statistics.report();
    assert!(report.findings.is_empty());
    assert_eq!(
        report.accepted.first().map(|accepted| accepted.count),
        Some(2)
    );
    assert!(report.text().contains("2 accepted as no difference"));
}

#[test]
fn places_the_primary_cannot_reproduce_are_proposed() {
    let mut statistics = new();
    for number in 0..400 {
        let paths = |noisy: bool| {
            if noisy {
                vec!["$.id", "$.price"]
            } else {
                vec!["$.price"]
            }
        };
        let pair = at(
            label(false),
            Check::JsonStructure,
            &paths(every(number, 300)),
        );
        let mut noise = at(label(true), Check::JsonStructure, &["$.id"]);
        if !every(number + 5, 300) {
            noise = label(true);
            noise.checks[0].check = Check::JsonStructure;
        }
        let observation = told("a", &pair).with_repeats(Telling::First, Some(&noise), None);
        statistics.observe(&observation);
    }
    let report = statistics.report();
    let noisy: Vec<&str> = report
        .noisy_paths
        .iter()
        .map(|path| path.path.as_str())
        .collect();
    assert_eq!(noisy, ["$.id"]);
    let first = report.paths.first().unwrap();
    assert_eq!((first.path.as_str(), first.pairs.events), ("$.price", 400));
    assert_eq!(first.kinds, [DifferenceKind::Value]);
}

#[test]
fn similarity_is_ranked_by_the_primarys_own() {
    let scored = |score| {
        verdict(
            VerdictClass::Equivalent,
            Check::TextSimilarity,
            CheckOutcome::Pass,
            score,
        )
    };
    let mut statistics = new();
    let mut last = None;
    for number in 0..100 {
        let noise = scored(0.5 + f64::from(number) / 250.0);
        let pair = scored(0.7);
        let observation = told("a", &pair).with_repeats(Telling::First, Some(&noise), None);
        last = statistics.observe(&observation).similarity_percentile;
        assert_eq!(last.is_some(), number == 99);
    }
    assert!((last.unwrap() - 0.5).abs() < 0.03, "{last:?}");
    let low = scored(0.2);
    let observed = statistics.observe(&told("b", &low));
    assert_eq!(observed.similarity_percentile, Some(0.0));
}

#[test]
fn losses_are_strata() {
    let mut statistics = new();
    for number in 0..1_000 {
        let lossy = every(number, 300);
        let pair = label(!lossy || number % 2 == 0);
        let mut observation = told("a", &pair);
        if lossy {
            observation.losses.insert(LossKind::SeedDropped);
        }
        statistics.observe(&observation);
    }
    let report = statistics.report();
    assert_eq!(report.lossless.events, 700);
    let loss = report.losses.first().unwrap();
    assert_eq!((loss.loss, loss.share.events), (LossKind::SeedDropped, 300));
    let check = loss.checks.first().unwrap();
    assert!(check.worse && check.without.events == 0, "{check:?}");
    assert!(
        report.text().contains("lost: seed_dropped in 30.0 %"),
        "{}",
        report.text()
    );
}

#[test]
fn sides_labels_and_json_are_counted() {
    let mut statistics = RouteStatistics::new(StatisticsSettings {
        labels: vec!["refund".into(), "other".into()],
        ..StatisticsSettings::default()
    });
    let mut pair = label(false);
    if let (Some(primary), Some(candidate)) = (&mut pair.primary, &mut pair.candidate) {
        (primary.label, candidate.label) = (Some(0), Some(1));
        (primary.json, candidate.json) = (Some(JsonForm::Strict), Some(JsonForm::Lenient));
        candidate.cost_usd = Some(0.01);
    }
    statistics.observe(&told("a", &pair));
    statistics.observe(&told("b", &pair));
    let report = statistics.report();
    let labels = report.labels.as_ref().unwrap();
    let cell = labels.cells.first().unwrap();
    assert_eq!(
        (cell.primary, cell.candidate, cell.pairs),
        (Some(0), Some(1), 2)
    );
    assert_eq!((labels.agreement.events, labels.agreement.of), (0, 2));
    let json: Vec<(Side, u64, u64)> = report
        .json
        .iter()
        .map(|json| (json.side, json.strict.events, json.lenient.events))
        .collect();
    assert_eq!(json, [(Side::Primary, 2, 2), (Side::Candidate, 0, 2)]);
    let candidate = report.sides.last().unwrap();
    let near = |found: &Option<crate::Quantiles>, expected: f64| {
        (found.as_ref().unwrap().p50 / expected - 1.0).abs() < 0.05
    };
    assert!(near(&candidate.seconds, 2.0) && near(&candidate.first_content_seconds, 0.2));
    assert!(near(&candidate.cost_usd, 0.01));
}

#[test]
fn nothing_compared_reads_as_such() {
    let report = new().report();
    assert_eq!(report.text(), "nothing compared yet\n");
    assert_eq!(report.judged, 0);
}
