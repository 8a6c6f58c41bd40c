//! What was found of each side alone, and of the pairs as a whole: tokens, costs, times, stances, labels, losses.

use std::collections::BTreeMap;

use crossfade_exchange::{LossKind, Side, SideVerdict, Stance};

use super::{Judged, Judging};
use crate::{
    report::{CaseOutcome, Confusion, LossReport, SideMeasured, SideReport, StanceCell},
    run::repeats,
    sides::{Answers, SideSource},
};

/// One side over the run; `None` where it is no part of it.
pub(super) fn side(
    judging: &Judging<'_>,
    side: Side,
    answers: &Answers,
    judged: &[Judged<'_>],
) -> Option<SideReport> {
    let source = judging.sides.of(side);
    match source {
        SideSource::Absent => return None,
        SideSource::Recorded | SideSource::Live(_) => {}
    }
    let wanted: usize = judging
        .dataset
        .cases
        .iter()
        .map(|case| repeats(case, judging.repeat) as usize)
        .sum();
    let own = answers.iter().filter(|(asking, _)| asking.side == side);
    let present = own.filter(|(_, answer)| !answer.is_missing()).count();
    let mut report = SideReport {
        source: source.identity().to_owned(),
        answers: present,
        missing: wanted.saturating_sub(present),
        ..SideReport::default()
    };
    for found in of_side(judged, side) {
        report.tokens += found.usage.map_or(0, |usage| usage.total());
        if let Some(usd) = found.cost_usd {
            *report.cost_usd.get_or_insert(0.0) += usd;
        }
        if let Some(form) = found.json {
            *report.json.entry(form).or_default() += 1;
        }
    }
    Some(report)
}

/// Times and costs of a side's answers, in the order of the cases.
pub(super) fn measured(side: Side, answers: &Answers, judged: &[Judged<'_>]) -> SideMeasured {
    let own = || {
        let present = answers.iter().filter(|(asking, _)| asking.side == side);
        present.filter(|(_, answer)| !answer.is_missing())
    };
    SideMeasured {
        first_content_ms: own()
            .filter_map(|(_, answer)| answer.first_content_ms)
            .collect(),
        total_ms: own().filter_map(|(_, answer)| answer.total_ms).collect(),
        cost_usd: of_side(judged, side)
            .filter_map(|found| found.cost_usd)
            .collect(),
    }
}

/// How many pairs have which two stances.
pub(super) fn stances(judged: &[Judged<'_>]) -> Vec<StanceCell> {
    let mut cells: BTreeMap<(Stance, Stance), u64> = BTreeMap::new();
    for pair in judged.iter().flat_map(|case| &case.pairs) {
        let stance = |side| pair.side(side).and_then(|found| found.stance);
        if let (Some(primary), Some(candidate)) = (stance(Side::Primary), stance(Side::Candidate)) {
            *cells.entry((primary, candidate)).or_default() += 1;
        }
    }
    cells
        .into_iter()
        .map(|((primary, candidate), pairs)| StanceCell {
            primary,
            candidate,
            pairs,
        })
        .collect()
}

/// Labels against labels, where the route has some.
pub(super) fn confusion(labels: &[String], judged: &[Judged<'_>]) -> Option<Confusion> {
    if labels.is_empty() {
        return None;
    }
    let size = labels.len() + 1;
    let mut cells = vec![vec![0; size]; size];
    let index = |side: Option<&SideVerdict>| {
        let label = side.and_then(|side| side.label);
        label.map_or(labels.len(), usize::from)
    };
    for pair in judged.iter().flat_map(|case| &case.pairs) {
        let row = index(pair.side(Side::Primary));
        let column = index(pair.side(Side::Candidate));
        if let Some(cell) = cells.get_mut(row).and_then(|row| row.get_mut(column)) {
            *cell += 1;
        }
    }
    Some(Confusion {
        labels: labels.to_vec(),
        cells,
    })
}

/// What the candidate's translation lost, and how the cases with each loss came out.
pub(super) fn losses(answers: &Answers, judged: &[Judged<'_>]) -> Vec<LossReport> {
    let mut found: BTreeMap<LossKind, LossReport> = BTreeMap::new();
    let mut seen: BTreeMap<LossKind, usize> = BTreeMap::new();
    let candidates = answers
        .iter()
        .filter(|(asking, _)| asking.side == Side::Candidate);
    for (asking, answer) in candidates {
        let mut kinds: Vec<LossKind> = answer.losses.iter().map(|loss| loss.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let failed = judged
            .get(asking.case)
            .is_some_and(|case| case.report.outcome == CaseOutcome::Failed);
        for kind in kinds {
            let report = found.entry(kind).or_insert(LossReport {
                kind,
                answers: 0,
                failed_cases: 0,
                cases: 0,
            });
            report.answers += 1;
            // Answers come case by case.
            if seen.insert(kind, asking.case) != Some(asking.case) {
                report.cases += 1;
                report.failed_cases += u64::from(failed);
            }
        }
    }
    found.into_values().collect()
}

fn of_side<'j>(judged: &'j [Judged<'_>], side: Side) -> impl Iterator<Item = &'j SideVerdict> {
    judged.iter().flat_map(move |case| {
        let own = case.alone.iter().filter(move |((of, _), _)| *of == side);
        own.filter_map(move |(_, verdict)| verdict.side(side))
    })
}
