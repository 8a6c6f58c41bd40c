//! From counts to a report.

use std::cmp::Reverse;

use crossfade_exchange::{
    Check, CheckOutcome, JsonForm, Metric, ReviewVerdict, Side, Stance, VerdictClass,
};

use crate::{
    Bin, CheckReport, ClassReport, Gate, GateState, GateView, JsonReport, JudgeReport, LabelCell,
    LabelReport, LossCheck, LossReport, PathReport, Quantiles, RefusalReport, ReviewReport,
    ReviewedCheck, RouteReport, RouteStatistics, ScoreReport, SideStatistics, StanceCell,
    UnitReport,
    checks::Tally,
    confidence::{Interval, Rate},
    histogram::Histogram,
    losses::Stratum,
    paths::PathCount,
    report::{findings, text},
    reviews::Said,
    route::GateTally,
    sides::SideTally,
    stances::Stances,
};

/// Places that are shown.
const MOST_PATHS: usize = 20;
/// Reviews before a judge may gate.
const LEAST_REVIEWS: u64 = 50;
/// What the lower bound of a judge's agreement with people must reach before it may gate.
const LEAST_AGREEMENT: f64 = 0.7;

pub(crate) fn build(statistics: &RouteStatistics) -> RouteReport {
    let of = |class: VerdictClass| statistics.classes.get(&class).copied().unwrap_or(0);
    let pairs = statistics.pairs();
    let left_out = [
        VerdictClass::PrimaryBad,
        VerdictClass::BothBad,
        VerdictClass::Incomparable,
    ];
    let judged = pairs - left_out.map(of).iter().sum::<u64>();
    let classes = statistics.classes.iter().map(|(class, count)| ClassReport {
        class: *class,
        share: Rate::new(*count, pairs),
    });
    let (findings, rest, accepted) = findings::build(statistics, judged);
    let (paths, noisy_paths) = paths(statistics);
    let mut report = RouteReport {
        headline: String::new(),
        since_unix_ms: statistics.first_unix_ms,
        until_unix_ms: statistics.last_unix_ms,
        pairs,
        judged,
        unpaired: statistics.unpaired,
        noise_pairs: statistics.noise_pairs,
        candidate_noise_pairs: statistics.candidate_noise_pairs,
        classes: classes.collect(),
        parity: scores(&statistics.parity),
        parity_mean: (statistics.parity_mean.count() > 0)
            .then(|| statistics.parity_mean.interval()),
        checks: checks(statistics),
        gates: gates(statistics),
        findings,
        rest,
        accepted,
        refusals: refusals(&statistics.stances, &statistics.noise_stances),
        json: Side::ALL
            .iter()
            .filter_map(|side| json(statistics, *side))
            .collect(),
        labels: labels(statistics),
        sides: Side::ALL
            .iter()
            .map(|side| side_report(*side, tally(statistics, *side)))
            .collect(),
        lossless: Rate::new(statistics.losses.lossless, pairs),
        losses: losses(statistics, pairs),
        paths,
        noisy_paths,
        reviews: reviews(statistics),
        units: UnitReport {
            closed: statistics.units.closed(),
            open: statistics.units.open(),
            closed_early: statistics.units.closed_early(),
        },
    };
    report.headline = text::headline(&report);
    report
}

fn bins(histogram: &Histogram) -> Vec<Bin> {
    histogram
        .bins()
        .map(|(from, to, count)| Bin { from, to, count })
        .collect()
}

fn scores(histogram: &Histogram) -> Option<ScoreReport> {
    Some(ScoreReport {
        count: histogram.count(),
        mean: histogram.mean()?,
        p5: histogram.quantile(0.05)?,
        p50: histogram.quantile(0.5)?,
        bins: bins(histogram),
    })
}

fn quantiles(histogram: &Histogram) -> Option<Quantiles> {
    Some(Quantiles {
        count: histogram.count(),
        sum: histogram.sum(),
        mean: histogram.mean()?,
        p50: histogram.quantile(0.5)?,
        p90: histogram.quantile(0.9)?,
        p95: histogram.quantile(0.95)?,
        p99: histogram.quantile(0.99)?,
        bins: bins(histogram),
    })
}

fn checks(statistics: &RouteStatistics) -> Vec<CheckReport> {
    let seen = |tally: &Tally| tally.judged() + tally.count(CheckOutcome::Error) > 0;
    let checks = statistics.checks.iter();
    checks
        .filter(|(_, tallies)| seen(&tallies.pairs) || seen(&tallies.noise))
        .map(|(check, tallies)| CheckReport {
            check: *check,
            disagreement: tallies.pairs.failures(),
            noise: tallies.noise.failures(),
            candidate_noise: tallies.candidate_noise.failures(),
            na: tallies.pairs.count(CheckOutcome::Na),
            errors: tallies.pairs.count(CheckOutcome::Error),
            scores: scores(tallies.pairs.scores()),
            noise_scores: scores(tallies.noise.scores()),
        })
        .collect()
}

fn gates(statistics: &RouteStatistics) -> Vec<GateView> {
    let of = |(gate, tally): (&Gate, &GateTally)| {
        let margins = &statistics.settings.margins;
        let margin = margins.get(gate).copied().unwrap_or(gate.margin());
        let excess = tally.excess.interval();
        let state = if excess.high < margin {
            GateState::Passes
        } else if excess.low > margin {
            GateState::Fails
        } else {
            GateState::Inconclusive
        };
        GateView {
            gate: *gate,
            units: tally.excess.count(),
            exchanges: tally.exchanges,
            candidate: mean(tally.candidate_sum, tally.exchanges),
            primary: mean(tally.primary_sum, tally.exchanges),
            candidate_noise: mean(tally.again_sum, tally.again),
            excess,
            adjusted: (tally.adjusted.count() > 0).then(|| tally.adjusted.interval()),
            margin,
            state,
            needed: (state == GateState::Inconclusive)
                .then(|| tally.excess.needed(margin))
                .flatten(),
        }
    };
    statistics.gates.iter().map(of).collect()
}

fn mean(sum: f64, count: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let of = count as f64;
    (count > 0).then(|| sum / of)
}

fn refusals(pairs: &Stances, noise: &Stances) -> RefusalReport {
    let mut cells = Vec::new();
    for primary in Stance::ALL.iter().copied() {
        for candidate in Stance::ALL.iter().copied() {
            let count = pairs.cell(primary, candidate);
            if count > 0 {
                cells.push(StanceCell {
                    primary,
                    candidate,
                    count,
                });
            }
        }
    }
    let ((to, from), (noise_to, noise_from)) = (pairs.flips(), noise.flips());
    RefusalReport {
        cells,
        answered_refused: Rate::new(to, pairs.total()),
        refused_answered: Rate::new(from, pairs.total()),
        noise_answered_refused: Rate::new(noise_to, noise.total()),
        noise_refused_answered: Rate::new(noise_from, noise.total()),
    }
}

const fn tally(statistics: &RouteStatistics, side: Side) -> &SideTally {
    match side {
        Side::Primary => &statistics.primary,
        Side::Candidate => &statistics.candidate,
    }
}

fn json(statistics: &RouteStatistics, side: Side) -> Option<JsonReport> {
    let tally = tally(statistics, side);
    let forms: Vec<(JsonForm, u64)> = JsonForm::ALL
        .iter()
        .map(|form| (*form, tally.json(*form)))
        .collect();
    let total: u64 = forms.iter().map(|(_, count)| count).sum();
    let strict = tally.json(JsonForm::Strict);
    (total > 0).then(|| JsonReport {
        side,
        strict: Rate::new(strict, total),
        lenient: Rate::new(strict + tally.json(JsonForm::Lenient), total),
        forms,
    })
}

fn labels(statistics: &RouteStatistics) -> Option<LabelReport> {
    let mut cells: Vec<LabelCell> = Vec::new();
    let cell = |(primary, candidate): (Option<u16>, Option<u16>)| LabelCell {
        primary,
        candidate,
        pairs: 0,
        noise: 0,
    };
    for (place, count) in statistics.labels.iter() {
        cells.push(LabelCell {
            pairs: count,
            ..cell(place)
        });
    }
    for (place, count) in statistics.noise_labels.iter() {
        let found = cells
            .iter_mut()
            .find(|cell| (cell.primary, cell.candidate) == place);
        match found {
            Some(cell) => cell.noise = count,
            None => cells.push(LabelCell {
                noise: count,
                ..cell(place)
            }),
        }
    }
    let beyond = statistics.labels.beyond();
    if cells.is_empty() && statistics.settings.labels.is_empty() {
        return None;
    }
    let agreement = |count: fn(&LabelCell) -> u64, beyond: u64| {
        let same = cells
            .iter()
            .filter(|cell| cell.primary.is_some() && cell.primary == cell.candidate);
        let all: u64 = cells.iter().map(count).sum();
        Rate::new(same.map(count).sum(), all + beyond)
    };
    Some(LabelReport {
        labels: statistics.settings.labels.clone(),
        beyond,
        agreement: agreement(|cell| cell.pairs, beyond),
        noise_agreement: agreement(|cell| cell.noise, statistics.noise_labels.beyond()),
        cells,
    })
}

fn side_report(side: Side, tally: &SideTally) -> SideStatistics {
    SideStatistics {
        side,
        judged: tally.judged(),
        bad: Metric::ALL
            .iter()
            .map(|metric| (*metric, tally.bad(*metric)))
            .filter(|(_, count)| *count > 0)
            .collect(),
        seconds: quantiles(&tally.seconds),
        first_content_seconds: quantiles(&tally.first_content_seconds),
        input_tokens: quantiles(&tally.input_tokens),
        output_tokens: quantiles(&tally.output_tokens),
        cost_usd: quantiles(&tally.cost_usd),
    }
}

fn losses(statistics: &RouteStatistics, pairs: u64) -> Vec<LossReport> {
    let check = |stratum: &Stratum, check: Check| {
        let with = stratum.checks.get(&check).copied().unwrap_or_default();
        let all = statistics.checks.get(&check).map(|tallies| &tallies.pairs);
        let (judged, failed) =
            all.map_or((0, 0), |all| (all.judged(), all.count(CheckOutcome::Fail)));
        let without = Rate::new(
            failed.saturating_sub(with.failed),
            judged.saturating_sub(with.judged),
        );
        let with = Rate::new(with.failed, with.judged);
        LossCheck {
            check,
            worse: with.low > without.high,
            with,
            without,
        }
    };
    let by_kind = &statistics.losses.by_kind;
    let mut losses: Vec<LossReport> = by_kind
        .iter()
        .map(|(loss, stratum)| LossReport {
            loss: *loss,
            share: Rate::new(stratum.pairs, pairs),
            checks: stratum
                .checks
                .keys()
                .map(|kind| check(stratum, *kind))
                .filter(|check| check.with.events + check.without.events > 0)
                .collect(),
        })
        .collect();
    losses.sort_by_key(|loss| (Reverse(loss.share.events), loss.loss));
    losses
}

/// The places that differ above the noise, and those that the primary cannot reproduce.
fn paths(statistics: &RouteStatistics) -> (Vec<PathReport>, Vec<PathReport>) {
    let report = |check: Check, path: &str, count: &PathCount| {
        let tallies = statistics.checks.get(&check);
        let judged = tallies.map_or(0, |tallies| tallies.pairs.judged());
        let repeated = tallies.map_or(0, |tallies| tallies.noise.judged());
        PathReport {
            check,
            path: path.to_owned(),
            kinds: count.kinds(),
            pairs: Rate::new(count.pairs, judged),
            noise: Rate::new(count.noise, repeated),
        }
    };
    let limit = statistics.settings.noisy_path_rate;
    let (mut differing, mut noisy) = (Vec::new(), Vec::new());
    for (check, path, count) in statistics.paths.iter() {
        let found = report(check, path, count);
        let configurable = matches!(check, Check::JsonStructure | Check::ToolArguments);
        if configurable && count.placed && found.noise.low > limit {
            noisy.push(found.clone());
        }
        differing.push(found);
    }
    noisy.sort_by(|a, b| b.noise.low.total_cmp(&a.noise.low));
    noisy.truncate(MOST_PATHS);
    // Pairs that differ there beyond what noise explains: a place of few pairs is no more than a few pairs.
    let excess = |path: &PathReport| {
        let share = path.pairs.share.unwrap_or_default() - path.noise.share.unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let pairs = path.pairs.of as f64;
        share * pairs
    };
    differing.retain(|path| path.pairs.events > 0 && excess(path) > 0.0);
    differing.sort_by(|a, b| excess(b).total_cmp(&excess(a)));
    differing.truncate(MOST_PATHS);
    (differing, noisy)
}

fn reviews(statistics: &RouteStatistics) -> ReviewReport {
    let reviews = &statistics.reviews;
    let checks = reviews.by_check.iter().map(|(check, tally)| ReviewedCheck {
        check: *check,
        failed: said(&tally.failed),
        passed: said(&tally.passed),
        precision: Rate::new(tally.failed.worse(), tally.failed.decided()),
        recall: Rate::new(
            tally.failed.worse(),
            tally.failed.worse() + tally.passed.worse(),
        ),
    });
    let drawn = &reviews.drawn;
    let differing_worse = Rate::new(reviews.differing.worse(), reviews.differing.decided());
    let missed = Rate::new(drawn.said.worse(), drawn.said.decided());
    ReviewReport {
        verdicts: said(&reviews.said),
        checks: checks.collect(),
        differing_worse,
        missed,
        missed_weighted: (drawn.weight > 0.0).then(|| drawn.weight_worse / drawn.weight),
        found: found(statistics, &differing_worse, &missed),
        judge: judge(statistics),
    }
}

fn said(said: &Said) -> Vec<(ReviewVerdict, u64)> {
    ReviewVerdict::ALL
        .iter()
        .map(|human| (*human, said.count(*human)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// What part of the worse pairs the checks find: those among the differing ones, of those and the ones missed.
fn found(statistics: &RouteStatistics, differing: &Rate, missed: &Rate) -> Option<Interval> {
    let of = |classes: &[VerdictClass]| {
        let counts = classes.iter().filter_map(|c| statistics.classes.get(c));
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let count = counts.sum::<u64>() as f64;
        count
    };
    let differ = of(&[
        VerdictClass::DifferentMinor,
        VerdictClass::DifferentMajor,
        VerdictClass::CandidateInvalid,
        VerdictClass::CandidateError,
    ]);
    let same = of(&[VerdictClass::Equal, VerdictClass::Equivalent]);
    let part = |worse: f64, missed: f64| {
        let (found, all) = (differ * worse, differ * worse + same * missed);
        if all > 0.0 { found / all } else { 1.0 }
    };
    Some(Interval {
        estimate: part(differing.share?, missed.share?),
        low: part(differing.low, missed.high),
        high: part(differing.high, missed.low),
    })
}

fn judge(statistics: &RouteStatistics) -> JudgeReport {
    let reviews = &statistics.reviews;
    let mut cells = Vec::new();
    for (preference, said) in &reviews.judge {
        for human in ReviewVerdict::ALL.iter().copied() {
            let count = said.count(human);
            if count > 0 {
                cells.push((*preference, human, count));
            }
        }
    }
    let (agreed, of, commonest) = reviews.judge_agreement();
    let agreement = Rate::new(agreed, of);
    let commonest = Rate::new(commonest, of).share;
    JudgeReport {
        cells,
        may_gate: of >= LEAST_REVIEWS
            && agreement.low >= LEAST_AGREEMENT
            && commonest.is_some_and(|share| agreement.low > share),
        agreement,
        commonest,
    }
}
