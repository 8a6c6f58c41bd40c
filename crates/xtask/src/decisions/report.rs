//! The printed table: one line a figure, with its bound, its seed and whether it holds.
#![expect(clippy::print_stdout, reason = "printing is what this module is for")]

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use super::Scale;

/// Prints as figures come in, and counts the bounds that are broken.
#[derive(Debug)]
pub(super) struct Report {
    started: Instant,
    last: Instant,
    broken: u32,
}

impl Report {
    /// Prints the head.
    pub(super) fn begin(scale: Scale) -> Self {
        println!(
            "engine R behind the ordering buffer; {} runs a figure, seed {}",
            scale.runs, scale.seed
        );
        println!(
            "{:<80} {:>14}  {:<30} {:>7}",
            "scenario", "measured", "bound", "seconds"
        );
        let now = Instant::now();
        Self {
            started: now,
            last: now,
            broken: 0,
        }
    }

    /// A figure with its bound.
    pub(super) fn bound(
        &mut self,
        what: impl Display,
        got: impl Display,
        bound: impl Display,
        holds: bool,
    ) {
        if !holds {
            self.broken += 1;
        }
        let mark = if holds { "ok" } else { "BROKEN" };
        self.line(what, got, format!("{bound}: {mark}"));
    }

    /// A figure that shows what a bound is worth: the same without what keeps it.
    pub(super) fn figure(&mut self, what: impl Display, got: impl Display) {
        self.line(what, got, "for comparison");
    }

    /// Prints the end and says how many bounds are broken.
    pub(super) fn end(self) -> u32 {
        println!(
            "{} broken, {:.1} s",
            self.broken,
            self.started.elapsed().as_secs_f64()
        );
        self.broken
    }

    fn line(&mut self, what: impl Display, got: impl Display, note: impl Display) {
        let took: Duration = self.last.elapsed();
        self.last = Instant::now();
        println!(
            "{:<80} {:>14}  {:<30} {:>7.1}",
            what.to_string(),
            got.to_string(),
            note.to_string(),
            took.as_secs_f64()
        );
    }
}
