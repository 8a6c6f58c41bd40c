//! What translation lost, and whether answers are worse where it lost it.

use std::collections::BTreeMap;

use crossfade_exchange::{Check, CheckOutcome, CheckResult, LossKind};
use serde::{Deserialize, Serialize};

/// How often a check was judged and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Judged {
    pub(crate) judged: u64,
    pub(crate) failed: u64,
}

/// The pairs that had one loss.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stratum {
    pub(crate) pairs: u64,
    pub(crate) checks: BTreeMap<Check, Judged>,
}

/// The pairs by loss, and those without any.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Losses {
    pub(crate) by_kind: BTreeMap<LossKind, Stratum>,
    pub(crate) lossless: u64,
}

// === impl Stratum ===

impl Stratum {
    pub(crate) fn add(&mut self, results: &[CheckResult]) {
        for result in results {
            let failed = match result.outcome {
                CheckOutcome::Pass => 0,
                CheckOutcome::Fail => 1,
                CheckOutcome::Na | CheckOutcome::Error => continue,
            };
            let judged = self.checks.entry(result.check).or_default();
            judged.judged += 1;
            judged.failed += failed;
        }
    }
}

// === impl Losses ===

impl Losses {
    /// Counts a pair; `results` are those that say something of the candidate.
    pub(crate) fn add<'k>(
        &mut self,
        kinds: impl IntoIterator<Item = &'k LossKind>,
        results: &[CheckResult],
    ) {
        let mut any = false;
        for kind in kinds {
            any = true;
            let stratum = self.by_kind.entry(*kind).or_default();
            stratum.pairs += 1;
            stratum.add(results);
        }
        if !any {
            self.lossless += 1;
        }
    }
}
