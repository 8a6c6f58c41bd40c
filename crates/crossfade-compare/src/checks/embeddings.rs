//! Embeddings: the vectors of both models are equally long and of unit length, and the two models order the same
//! neighbours. Vectors of different models cannot be compared with each other; how like each other the texts of one
//! request are to each model can. The agreement is the rank correlation (Spearman's, ties shared) of all pairs' cosines.

use crossfade_exchange::Severity;

use super::Weighed;
use crate::{finding::Finding, settings::EmbeddingSettings, vectors::Vectors};

/// The most texts of a request that are compared with each other: 1 128 pairs. Of more, so many are taken at even steps.
const MOST: usize = 48;

/// The fewest texts that have an order of neighbours: three pairs.
const FEWEST: usize = 3;

/// Agreement under which two models are taken to order their neighbours differently, if the route states no threshold of
/// its own. Unrelated orders are about 0.
const FLOOR: f64 = 0.2;

/// How far a length may be from 1.
const UNIT: f64 = 0.01;

/// Compares two sides' vectors.
pub(crate) fn pair(
    primary: &Vectors,
    candidate: &Vectors,
    settings: &EmbeddingSettings,
) -> Weighed {
    let (from, to) = (primary.dimensions(), candidate.dimensions());
    if primary.rows.len() != candidate.rows.len() || from == 0 || to == 0 {
        // That is the envelope's.
        return Weighed::new(Finding::na(), Severity::Blocker);
    }
    if from != to && !settings.any_dimensions {
        let finding = Finding::fail(format!("dimensions {from} -> {to}"));
        return Weighed::new(finding, Severity::Blocker);
    }
    if is_unit(primary) && !is_unit(candidate) {
        return Weighed::new(Finding::fail("norms"), Severity::Blocker);
    }
    let Some(agreement) = agreement(primary, candidate) else {
        return Weighed::new(Finding::na_because("no_neighbours"), Severity::Info);
    };
    match settings.neighbours {
        Some(threshold) if agreement < threshold => Weighed::new(
            Finding::fail_with(agreement, "under_threshold"),
            Severity::Major,
        ),
        Some(_) => Weighed::new(Finding::pass().scored(agreement), Severity::Major),
        None if agreement < FLOOR => Weighed::new(
            Finding::fail_with(agreement, "under_floor"),
            Severity::Minor,
        ),
        None => Weighed::new(Finding::pass().scored(agreement), Severity::Minor),
    }
}

fn is_unit(vectors: &Vectors) -> bool {
    let unit = |row: &Vec<f32>| (dot(row, row).sqrt() - 1.0).abs() <= UNIT;
    vectors.rows.iter().all(unit)
}

/// How far two models order the neighbours alike; `None` where there is no order.
fn agreement(primary: &Vectors, candidate: &Vectors) -> Option<f64> {
    let count = primary.rows.len();
    if count < FEWEST {
        return None;
    }
    let taken = count.min(MOST);
    let places: Vec<usize> = (0..taken).map(|n| n * count / taken).collect();
    correlation(
        &ranks(&cosines(primary, &places)),
        &ranks(&cosines(candidate, &places)),
    )
}

/// The cosines of all pairs, in the pairs' order.
fn cosines(vectors: &Vectors, places: &[usize]) -> Vec<f64> {
    let rows: Vec<(&[f32], f64)> = places
        .iter()
        .filter_map(|place| vectors.rows.get(*place))
        .map(|row| (row.as_slice(), dot(row, row).sqrt()))
        .collect();
    let mut cosines = Vec::with_capacity(rows.len() * rows.len() / 2);
    for (place, (one, norm)) in rows.iter().enumerate() {
        for (other, other_norm) in rows.iter().skip(place + 1) {
            let norms = norm * other_norm;
            cosines.push(if norms > 0.0 {
                dot(one, other) / norms
            } else {
                0.0
            });
        }
    }
    cosines
}

fn dot(one: &[f32], other: &[f32]) -> f64 {
    let products = one.iter().zip(other);
    products.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// Each value's rank from 0; equal values share the middle of theirs.
#[expect(
    clippy::cast_precision_loss,
    reason = "ranks of at most a few thousand pairs"
)]
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = values.iter().copied().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for equal in order.chunk_by(|(_, a), (_, b)| (a - b).abs() < 1e-9) {
        let middle = first as f64 + (equal.len() - 1) as f64 / 2.0;
        for (place, _) in equal {
            if let Some(rank) = ranks.get_mut(*place) {
                *rank = middle;
            }
        }
        first += equal.len();
    }
    ranks
}

/// Pearson's correlation; `None` where one side does not vary.
#[expect(clippy::cast_precision_loss, reason = "at most a few thousand pairs")]
fn correlation(one: &[f64], other: &[f64]) -> Option<f64> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_one, mean_other) = (mean(one), mean(other));
    let (mut both, mut square_one, mut square_other) = (0.0, 0.0, 0.0);
    for (a, b) in one.iter().zip(other) {
        let (a, b) = (a - mean_one, b - mean_other);
        both += a * b;
        square_one += a * a;
        square_other += b * b;
    }
    let scale = (square_one * square_other).sqrt();
    (scale > 0.0).then(|| both / scale)
}

#[cfg(test)]
mod tests {
    use crossfade_exchange::CheckOutcome;
    use proptest::prelude::*;

    use super::*;

    fn vectors(rows: &[&[f32]]) -> Vectors {
        Vectors {
            rows: rows.iter().map(|row| row.to_vec()).collect(),
            counts: None,
            defect: None,
        }
    }

    /// Points on a circle at these angles, in degrees.
    fn circle(angles: &[f32]) -> Vectors {
        let rows = angles.iter().map(|angle| {
            let (sin, cos) = angle.to_radians().sin_cos();
            vec![cos, sin]
        });
        Vectors {
            rows: rows.collect(),
            counts: None,
            defect: None,
        }
    }

    #[test]
    fn what_is_compared() {
        let settings = EmbeddingSettings::default();
        let check = |one: &Vectors, other: &Vectors, settings: &EmbeddingSettings| {
            let weighed = pair(one, other, settings);
            let evidence = weighed.finding.evidence.unwrap_or_default().into_owned();
            (weighed.finding.outcome, weighed.severity, evidence)
        };
        let outcome = |outcome, severity, evidence: &str| (outcome, severity, evidence.to_owned());
        let near = circle(&[0.0, 10.0, 30.0, 80.0]);
        let same = circle(&[5.0, 17.0, 40.0, 85.0]);
        let turned = circle(&[0.0, 80.0, 30.0, 10.0]);
        assert_eq!(
            check(&near, &same, &settings),
            outcome(CheckOutcome::Pass, Severity::Minor, "")
        );
        assert_eq!(
            check(&near, &turned, &settings),
            outcome(CheckOutcome::Fail, Severity::Minor, "under_floor")
        );
        let strict = EmbeddingSettings {
            neighbours: Some(0.9999),
            ..settings.clone()
        };
        assert_eq!(
            check(&near, &turned, &strict),
            outcome(CheckOutcome::Fail, Severity::Major, "under_threshold")
        );
        let short = vectors(&[&[1.0, 0.0]]);
        let long = vectors(&[&[1.0, 0.0, 0.0]]);
        assert_eq!(
            check(&short, &long, &settings),
            outcome(CheckOutcome::Fail, Severity::Blocker, "dimensions 2 -> 3")
        );
        let any = EmbeddingSettings {
            any_dimensions: true,
            ..settings.clone()
        };
        let none = outcome(CheckOutcome::Na, Severity::Info, "no_neighbours");
        assert_eq!(check(&short, &long, &any), none);
        assert_eq!(
            check(&circle(&[0.0, 1.0]), &circle(&[0.0, 1.0]), &any),
            none
        );
        let alike = circle(&[3.0, 3.0, 3.0]);
        assert_eq!(check(&alike, &alike, &any), none);
        assert_eq!(
            check(&short, &vectors(&[&[3.0, 0.0]]), &settings),
            outcome(CheckOutcome::Fail, Severity::Blocker, "norms")
        );
        // Where the primary's are not of unit length either, nobody counts on it.
        assert_eq!(
            check(
                &vectors(&[&[3.0, 0.0]]),
                &vectors(&[&[2.0, 0.0]]),
                &settings
            ),
            none
        );
        assert_eq!(
            check(&short, &near, &settings),
            outcome(CheckOutcome::Na, Severity::Blocker, "")
        );
    }

    proptest! {
        #[test]
        fn a_model_agrees_with_itself_and_with_its_rotation(
            angles in proptest::collection::vec(0.0_f32..170.0, 3..70),
            turn in 0.0_f32..180.0,
        ) {
            let one = circle(&angles);
            let turned: Vec<f32> = angles.iter().map(|angle| angle + turn).collect();
            if let Some(agreement) = agreement(&one, &one) {
                prop_assert!((agreement - 1.0).abs() < 1e-9);
            }
            if let Some(agreement) = agreement(&one, &circle(&turned)) {
                // Rounding may swap neighbours that are all but equally far.
                prop_assert!(agreement > 0.9, "{agreement}");
            }
        }
    }
}
