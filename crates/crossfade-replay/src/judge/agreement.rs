//! How far the sides agree, check by check, against what each agrees with itself.
//!
//! A case is one sample. Its disagreement by a check is the share of its pairs that fail it, so that repeats sharpen a sample
//! and never pass for more of them. Bounds are confidence sequences over the cases.

use crossfade_exchange::{Check, CheckOutcome, Verdict};
use crossfade_statistics::confidence::{MeanSequence, Range};

use super::{Judged, is_timing};
use crate::report::CheckAgreement;

/// Every check that applies to a pair of some case.
pub(super) fn agreement(judged: &[Judged<'_>]) -> Vec<CheckAgreement> {
    let checks = Check::ALL
        .iter()
        .copied()
        .filter(|check| !is_timing(*check));
    checks.filter_map(|check| of(check, judged)).collect()
}

fn of(check: Check, judged: &[Judged<'_>]) -> Option<CheckAgreement> {
    let unit = || MeanSequence::new(Range::Unit);
    let (mut candidate, mut noise, mut itself) = (unit(), unit(), unit());
    let mut over = MeanSequence::new(Range::Signed);
    for case in judged {
        let Some(differs) = share(check, &case.pairs) else {
            continue;
        };
        candidate.push(differs);
        if let Some(own) = share(check, &case.noise) {
            noise.push(own);
            over.push(differs - own);
        }
        if let Some(own) = share(check, &case.candidate_noise) {
            itself.push(own);
        }
    }
    let known = |sequence: &MeanSequence| (sequence.count() > 0).then(|| sequence.interval());
    Some(CheckAgreement {
        check,
        cases: candidate.count(),
        candidate: known(&candidate)?,
        noise: known(&noise),
        candidate_noise: known(&itself),
        over_noise: known(&over),
    })
}

/// The share of pairs that fail a check, of those it applies to.
fn share(check: Check, pairs: &[Verdict]) -> Option<f64> {
    let (mut failed, mut of) = (0_u32, 0_u32);
    for result in pairs.iter().filter_map(|pair| pair.check(check)) {
        match result.outcome {
            CheckOutcome::Pass => of += 1,
            CheckOutcome::Fail => {
                of += 1;
                failed += 1;
            }
            CheckOutcome::Na | CheckOutcome::Error => {}
        }
    }
    (of > 0).then(|| f64::from(failed) / f64::from(of))
}
