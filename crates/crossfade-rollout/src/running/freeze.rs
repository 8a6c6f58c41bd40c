//! What makes the ramp stand still by itself: the primary in trouble, a broken assignment, answers of one side that get lost. None
//! of it rolls back.

use crossfade_exchange::{Group, Metric, Side};

use crate::{
    AttemptFacts, Decided, DecidedPair, Freeze, PairResult, Phase, draw, ratio::SampleRatio,
    trouble::PrimaryTrouble,
};

/// Fewer requests than this say nothing of how often the primary usually fails.
const KNOWN: u64 = 200;

/// What is watched.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    trouble: PrimaryTrouble,
    ratio: SampleRatio,
    misplaced: bool,
    /// Requests of the shadow watch that the primary was to answer.
    primary_asked: u64,
    /// Of them, those that it failed.
    primary_failed: u64,
}

impl Watch {
    pub(super) fn new(facts: &AttemptFacts) -> Self {
        Self {
            trouble: PrimaryTrouble::new(facts.shadow_bad_rate),
            ratio: SampleRatio::new(),
            misplaced: false,
            primary_asked: 0,
            primary_failed: 0,
        }
    }

    /// A drawn answer.
    pub(super) fn answer(&mut self, decided: &Decided, clock: u64) {
        let Decided {
            side,
            probability,
            salt,
            unit,
            ..
        } = *decided;
        let expected = if draw(salt, unit) < probability {
            Side::Candidate
        } else {
            Side::Primary
        };
        self.misplaced |= side != expected;
        self.ratio.answer(side, probability, salt, unit);
        if side == Side::Primary && decided.applies.contains(Metric::Transport) {
            let bad = decided.bad.contains(Metric::Transport);
            self.trouble.answer(bad, clock);
        }
    }

    /// A mirrored request. Of an attempt's, only those that the candidate answers tell of the primary here: where the primary
    /// answers, its drawn answer has told of it already, and nothing may count twice.
    pub(super) fn pair(&mut self, pair: &DecidedPair, phase: Phase, clock: u64) {
        if pair.group != Group::Arrival || !pair.applies.contains(Metric::Transport) {
            return;
        }
        let bad = match pair.result {
            PairResult::Compared { primary, .. } | PairResult::BreakerOpen { primary } => {
                primary.contains(Metric::Transport)
            }
            PairResult::PrimaryFailed => true,
        };
        match (phase, pair.answer) {
            (Phase::Shadow, _) => {
                self.primary_asked += 1;
                self.primary_failed += u64::from(bad);
            }
            (Phase::Attempt, Side::Candidate) => self.trouble.answer(bad, clock),
            (Phase::Attempt, Side::Primary) => {}
        }
    }

    pub(super) fn freeze(&self, clock: u64) -> Option<Freeze> {
        if self.misplaced {
            Some(Freeze::Assignment)
        } else if self.ratio.is_broken() {
            Some(Freeze::SampleRatio)
        } else {
            let last = self.trouble.last_sign(clock)?;
            Some(Freeze::PrimaryTrouble {
                last_unix_ms: last / 1_000,
            })
        }
    }

    pub(super) fn primary_bad_rate(&self) -> Option<f64> {
        (self.primary_asked >= KNOWN).then(|| {
            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
            let rate = self.primary_failed as f64 / self.primary_asked as f64;
            rate
        })
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.ratio.memory_bytes()
    }
}
