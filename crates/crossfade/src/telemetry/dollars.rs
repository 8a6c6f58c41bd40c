//! Counters of money. The metrics façade counts whole numbers only, so these keep billionths of a dollar and write
//! their own lines of the exposition.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

const NANOS: f64 = 1e9;

/// One series of money spent, in US dollars.
#[derive(Debug)]
pub struct Dollars {
    labels: String,
    nanos: AtomicU64,
}

impl Dollars {
    /// A series at zero.
    pub(super) fn new(labels: &[(&str, &str)]) -> Self {
        let mut text = String::new();
        for (name, value) in labels {
            let separator = if text.is_empty() { "" } else { "," };
            let value = value
                .replace('\\', r"\\")
                .replace('"', r#"\""#)
                .replace('\n', r"\n");
            // Writing to a string cannot fail.
            let _ignored = write!(text, "{separator}{name}=\"{value}\"");
        }
        Self {
            labels: text,
            nanos: AtomicU64::new(0),
        }
    }

    /// Adds an amount; what is negative or not a number adds nothing.
    pub fn add(&self, usd: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the cast saturates, and what is negative or not a number becomes zero"
        )]
        let nanos = (usd * NANOS).round() as u64;
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// What was added.
    pub fn get(&self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a sum beyond 2^53 billionths is nine million dollars"
        )]
        let nanos = self.nanos.load(Ordering::Relaxed) as f64;
        nanos / NANOS
    }

    pub(super) fn write(&self, name: &str, out: &mut String) {
        let _ignored = writeln!(out, "{name}{{{}}} {}", self.labels, self.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_adds_up_and_labels_are_escaped() {
        let dollars = Dollars::new(&[("route", "a\"b"), ("side", "primary")]);
        for amount in [0.000_003, 1.5, -4.0, f64::NAN] {
            dollars.add(amount);
        }
        let mut out = String::new();
        dollars.write("m", &mut out);
        assert_eq!(out, "m{route=\"a\\\"b\",side=\"primary\"} 1.500003\n");
    }
}
