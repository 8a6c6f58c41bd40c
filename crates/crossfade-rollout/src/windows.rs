//! What one unit says within ten minutes, kept until the ten minutes are over: then its mean is one sample of each gate. A bounded
//! table; not the tests that eat the samples.

use std::collections::{HashMap, VecDeque};

use crossfade_exchange::{Gate, Unit};

/// What one unit has said of one gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    /// In the gate's own parts: whole numbers add up to the same in any order.
    total: i32,
    count: u32,
}

/// What one unit has said since its window was opened.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    key: u64,
    opened: u64,
    sums: [Sum; Gate::ALL.len()],
}

/// The open windows, oldest first. Times are microseconds since the Unix epoch, of the records, and never go back.
///
/// At most [`Self::MOST`] are open, 176 bytes each and 40 more to find it: about 7 MiB, reached by 55 new units a second. Beyond,
/// the oldest is closed before its time and counted: its unit's next request opens another, so that a unit may then give
/// two samples within ten minutes, which depend on each other a little more than the test assumes.
#[derive(Clone, Debug)]
pub(crate) struct Windows {
    length: u64,
    open: VecDeque<Window>,
    /// How many windows were closed before the oldest that is open.
    closed: u64,
    /// Which window, counted from the first ever, is the unit's.
    places: HashMap<u64, u64>,
    closed_early: u64,
}

// === impl Window ===

impl Window {
    /// Adds what one request says of `gate`, in ten-thousandths where the gate's number is measured above the noise, else −1, 0 or
    /// 1. What would overflow, after 200 000 requests of one unit, is left out: the mean hardly moves any more.
    pub(crate) fn add(&mut self, gate: Gate, value: i32) {
        if let Some(sum) = self.sums.get_mut(gate.index())
            && let (Some(total), Some(count)) =
                (sum.total.checked_add(value), sum.count.checked_add(1))
        {
            *sum = Sum { total, count };
        }
    }

    /// The mean of what the unit has said of `gate`, −1..=1; `None` if nothing.
    pub(crate) fn mean(&self, gate: Gate) -> Option<f64> {
        let sum = self.sums.get(gate.index()).filter(|sum| sum.count > 0)?;
        let whole = if gate.needs_repeats() { 10_000.0 } else { 1.0 };
        Some(f64::from(sum.total) / (f64::from(sum.count) * whole))
    }
}

// === impl Windows ===

impl Windows {
    /// The most windows that are open at once.
    pub(crate) const MOST: usize = 1 << 15;

    /// No window, each to be open for `length` microseconds.
    pub(crate) fn new(length: u64) -> Self {
        Self {
            length,
            open: VecDeque::new(),
            closed: 0,
            places: HashMap::new(),
            closed_early: 0,
        }
    }

    /// Forgets what is open.
    pub(crate) fn restart(&mut self, length: u64) {
        self.length = length;
        self.closed += self.open.len() as u64;
        self.open.clear();
        self.places.clear();
    }

    /// Closes the oldest window whose time is over; to be called until there is none.
    pub(crate) fn close_due(&mut self, clock: u64) -> Option<Window> {
        let due = self.open.front()?.opened.saturating_add(self.length) <= clock;
        if due { self.close() } else { None }
    }

    /// Closes the oldest window if `unit` needs a new one and there is no room.
    pub(crate) fn close_for(&mut self, unit: Unit) -> Option<Window> {
        if self.open.len() < Self::MOST || self.places.contains_key(&key(unit)) {
            return None;
        }
        self.closed_early += 1;
        self.close()
    }

    /// The unit's window, opened at `clock` if it has none.
    pub(crate) fn of(&mut self, unit: Unit, clock: u64) -> Option<&mut Window> {
        let key = key(unit);
        let next = self.closed + self.open.len() as u64;
        let place = *self.places.entry(key).or_insert(next);
        if place == next {
            self.open.push_back(Window {
                key,
                opened: clock,
                sums: [Sum::default(); Gate::ALL.len()],
            });
        }
        let at = usize::try_from(place.checked_sub(self.closed)?).ok()?;
        self.open.get_mut(at)
    }

    /// Windows that were closed before their time, for want of room.
    pub(crate) const fn closed_early(&self) -> u64 {
        self.closed_early
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.open.capacity() * size_of::<Window>() + self.places.capacity() * 20
    }

    fn close(&mut self) -> Option<Window> {
        let window = self.open.pop_front()?;
        self.closed += 1;
        self.places.remove(&window.key);
        Some(window)
    }
}

/// Half of a unit's bits: units are keyed hashes, and two that were taken for one would only be averaged.
pub(crate) fn key(unit: Unit) -> u64 {
    let [low, high] = [unit.0, unit.0 >> 64]
        .map(|half| u64::try_from(half & u128::from(u64::MAX)).unwrap_or(u64::MAX));
    low ^ high
}

#[cfg(test)]
mod tests;
