//! A mixture of bets with a reserve that goes on betting that trouble starts later, so that a long good history does not bury
//! the alarm. For the processes that only freeze; the engines that move traffic have theirs written out.

use crate::engine::{CLAMP, RESERVE};

/// `N` bets of equal stakes. W is an e-process as long as each factor's mean, given the past, is at most 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bets<const N: usize> {
    stakes: [f64; N],
    reserve: f64,
    /// Answers so far; a whole number.
    answers: f64,
}

impl<const N: usize> Bets<N> {
    pub(crate) fn new() -> Self {
        Self {
            stakes: [(1.0 - RESERVE) * Self::part(); N],
            reserve: RESERVE,
            answers: 0.0,
        }
    }

    /// Takes one answer in; returns W.
    pub(crate) fn multiply(&mut self, factors: &[f64; N]) -> f64 {
        for (stake, factor) in self.stakes.iter_mut().zip(factors) {
            *stake = (*stake * factor).min(CLAMP);
        }
        let w = self.reserve + self.stakes.iter().sum::<f64>();
        // After the test: before it, the reserve would bet on this very answer.
        let h = 0.25 / (self.answers + 500.0);
        self.answers += 1.0;
        for stake in &mut self.stakes {
            *stake += Self::part() * h * self.reserve;
        }
        self.reserve *= 1.0 - h;
        w
    }

    fn part() -> f64 {
        1.0 / f64::from(u32::try_from(N).unwrap_or(u32::MAX))
    }
}
