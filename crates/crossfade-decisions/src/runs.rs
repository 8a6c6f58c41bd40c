//! Many runs of one figure over all cores. The same scale gives the same results, however many threads there are.

use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

use rand::{SeedableRng as _, rngs::Xoshiro256PlusPlus};

/// What every simulation draws from.
pub(crate) type Random = Xoshiro256PlusPlus;

/// How much to simulate, and from which seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) runs: u32,
    pub(crate) seed: u64,
}

// === impl Scale ===

impl Scale {
    pub(crate) const fn new(runs: u32, seed: u64) -> Self {
        Self { runs, seed }
    }

    /// For the figure of this number, which has random numbers of its own.
    pub(crate) const fn at(self, number: u64) -> Self {
        Self {
            seed: self.seed.wrapping_mul(1_000).wrapping_add(number),
            ..self
        }
    }

    /// With fewer runs, for what takes long.
    pub(crate) const fn one_in(self, divisor: u32) -> Self {
        let runs = self.runs.div_ceil(divisor);
        Self { runs, ..self }
    }

    /// The seed of one run.
    pub(crate) const fn seed_of(self, run: u32) -> u64 {
        self.seed.wrapping_mul(1_000_000).wrapping_add(run as u64)
    }

    /// Plays every run, and gives back what came of each, in order.
    pub(crate) fn play<T: Send>(self, play: impl Fn(u32, Random) -> T + Sync) -> Vec<T> {
        let next = AtomicU32::new(0);
        let done = Mutex::new(Vec::with_capacity(self.runs as usize));
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    loop {
                        let run = next.fetch_add(1, Ordering::Relaxed);
                        if run >= self.runs {
                            break;
                        }
                        let random = Random::seed_from_u64(self.seed_of(run));
                        mine.push((run, play(run, random)));
                    }
                    match done.lock() {
                        Ok(mut done) => done.append(&mut mine),
                        Err(poisoned) => poisoned.into_inner().append(&mut mine),
                    }
                });
            }
        });
        let mut done = match done.into_inner() {
            Ok(done) => done,
            Err(poisoned) => poisoned.into_inner(),
        };
        done.sort_by_key(|(run, _)| *run);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

/// As a number to calculate with.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a simulation are far below 2^52"
)]
pub(crate) const fn number(count: usize) -> f64 {
    count as f64
}

/// The mean and its standard error; of nothing, no number.
pub(crate) fn mean(values: &[f64]) -> (f64, f64) {
    let n = number(values.len());
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    (mean, (squares / (n - 1.0) / n).sqrt())
}

/// A quantile by the nearest rank; of nothing, no number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank between 0 and the number of values"
)]
pub(crate) fn quantile(mut values: Vec<f64>, q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (q * number(values.len())).ceil() as usize;
    values
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}
