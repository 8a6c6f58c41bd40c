//! One user in ten minutes is one sample: a conversation in which everything goes wrong is one piece of bad luck.

use std::collections::{BTreeMap, VecDeque};

use crossfade_exchange::{Unit, closed_enum};
use serde::{Deserialize, Serialize};

use crate::{Gate, frequent::as_list};

/// Users whose windows may be open at a time: at most 6 MB.
const MOST_OPEN: usize = 8_192;

closed_enum! {
    /// Which of a gate's numbers.
    pub enum Number {
        /// The candidate's less the primary's.
        Excess = "excess",
        /// The candidate's less the mean of both sides' own noise.
        Adjusted = "adjusted",
    }
}

/// A number of one exchange, or the mean of one user's numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) gate: Gate,
    pub(crate) number: Number,
    pub(crate) value: f64,
}

/// The windows that are open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Units {
    #[serde(with = "as_list")]
    open: BTreeMap<Unit, Open>,
    /// Who opened a window when, the oldest first.
    order: VecDeque<(u64, Unit)>,
    closed: u64,
    closed_early: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Open {
    sums: Vec<(Gate, Number, u32, f64)>,
}

// === impl Units ===

impl Units {
    /// Takes the numbers of one user's exchange, and gives the means of every window that has ended by now.
    pub(crate) fn add(
        &mut self,
        unit: Unit,
        now_unix_ms: u64,
        window_ms: u64,
        samples: &[Sample],
    ) -> Vec<Sample> {
        let mut ended = self.end_before(now_unix_ms.saturating_sub(window_ms));
        if samples.is_empty() {
            return ended;
        }
        if !self.open.contains_key(&unit) {
            if self.open.len() >= MOST_OPEN {
                self.closed_early += 1;
                ended.extend(self.end_oldest());
            }
            self.order.push_back((now_unix_ms, unit));
        }
        let open = self.open.entry(unit).or_default();
        for sample in samples {
            let found = open
                .sums
                .iter_mut()
                .find(|(gate, number, ..)| (*gate, *number) == (sample.gate, sample.number));
            match found {
                Some((_, _, count, sum)) => {
                    *count = count.saturating_add(1);
                    *sum += sample.value;
                }
                None => open
                    .sums
                    .push((sample.gate, sample.number, 1, sample.value)),
            }
        }
        ended
    }

    /// Ends every window, whatever its age.
    pub(crate) fn end_all(&mut self) -> Vec<Sample> {
        self.end_before(u64::MAX)
    }

    /// Windows that are open.
    pub(crate) fn open(&self) -> u64 {
        self.open.len() as u64
    }

    /// Windows that have ended.
    pub(crate) const fn closed(&self) -> u64 {
        self.closed
    }

    /// Windows that ended before their time because too many were open.
    pub(crate) const fn closed_early(&self) -> u64 {
        self.closed_early
    }

    fn end_before(&mut self, unix_ms: u64) -> Vec<Sample> {
        let mut ended = Vec::new();
        while self
            .order
            .front()
            .is_some_and(|(started, _)| *started < unix_ms)
        {
            ended.extend(self.end_oldest());
        }
        ended
    }

    fn end_oldest(&mut self) -> Vec<Sample> {
        let oldest = self.order.pop_front();
        let Some(open) = oldest.and_then(|(_, unit)| self.open.remove(&unit)) else {
            return Vec::new();
        };
        self.closed += 1;
        let means = open.sums.into_iter();
        means
            .map(|(gate, number, count, sum)| Sample {
                gate,
                number,
                value: sum / f64::from(count.max(1)),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(value: f64) -> Sample {
        Sample {
            gate: Gate::Label,
            number: Number::Excess,
            value,
        }
    }

    #[test]
    fn a_users_ten_minutes_are_one_sample() {
        let mut units = Units::default();
        let values = |samples: Vec<Sample>| samples.iter().map(|s| s.value).collect::<Vec<_>>();
        for (at, value) in [(0, 1.0), (10, 0.0), (90, 0.5)] {
            assert!(units.add(Unit(1), at, 100, &[sample(value)]).is_empty());
        }
        assert!(units.add(Unit(2), 100, 100, &[sample(-1.0)]).is_empty());
        let ended = units.add(Unit(1), 101, 100, &[sample(0.25)]);
        assert_eq!(values(ended), [0.5]);
        assert_eq!((units.open(), units.closed()), (2, 1));
        assert_eq!(values(units.end_all()), [-1.0, 0.25]);
        assert_eq!((units.open(), units.closed_early()), (0, 0));
    }

    #[test]
    fn open_windows_are_bounded() {
        let mut units = Units::default();
        for unit in 0..MOST_OPEN as u128 + 5 {
            units.add(Unit(unit), 0, 100, &[sample(0.0)]);
        }
        assert_eq!(units.open(), MOST_OPEN as u64);
        assert_eq!((units.closed(), units.closed_early()), (5, 5));
    }
}
