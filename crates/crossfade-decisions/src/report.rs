//! The printed table: a line a figure, with what the design says, its bound and whether it holds.
#![expect(clippy::print_stdout, reason = "printing is what this module is for")]

use std::{fmt::Display, time::Instant};

use crate::{exact, runs::Scale};

/// Prints as figures come in, and counts the bounds that are broken.
#[derive(Debug)]
pub(crate) struct Report {
    started: Instant,
    last: Instant,
    broken: u32,
    runs: u32,
}

/// A full command's runs: enough to hold a measured rate itself, and not only its interval, against its bound.
const MANY: usize = 10_000;

// === impl Report ===

impl Report {
    /// Prints the head.
    pub(crate) fn begin(scale: Scale) -> Self {
        println!(
            "{} runs behind each rate, seed {}; a rate stands with its exact 95 % interval",
            scale.runs, scale.seed
        );
        let now = Instant::now();
        Self {
            started: now,
            last: now,
            broken: 0,
            runs: scale.runs,
        }
    }

    /// The head of a part.
    pub(crate) fn part(&mut self, name: &str) {
        self.last = Instant::now();
        println!(
            "\n{:<86} {:>12} {:>26}  {:<26} {:>6}",
            name, "design", "measured", "bound", "s"
        );
    }

    /// A figure with its bound.
    pub(crate) fn bound(
        &mut self,
        what: impl Display,
        design: impl Display,
        got: impl Display,
        bound: impl Display,
        holds: bool,
    ) {
        if !holds {
            self.broken += 1;
        }
        let mark = if holds { "ok" } else { "BROKEN" };
        self.line(what, design, got, format!("{bound}: {mark}"));
    }

    /// How often something happened that may happen in at most `most` of all runs.
    pub(crate) fn at_most(
        &mut self,
        what: impl Display,
        design: impl Display,
        (hits, runs): (usize, usize),
        most: f64,
    ) {
        let (low, _) = exact::interval(hits, runs);
        let rate = crate::runs::number(hits) / crate::runs::number(runs);
        let holds = low <= most && (runs < MANY || rate <= most);
        let bound = format!("<= {}", percent(most));
        self.bound(what, design, share(hits, runs), bound, holds);
    }

    /// A figure that shows what a bound is worth: another rule, or the same without what keeps it.
    pub(crate) fn figure(&mut self, what: impl Display, design: impl Display, got: impl Display) {
        self.line(what, design, got, "for comparison");
    }

    /// How far a mean may be from what the design says: a tenth, or what so few runs allow.
    pub(crate) fn slack(&self) -> f64 {
        // Three standard errors of a delay whose standard deviation is at most its mean.
        (3.0 / f64::from(self.runs).sqrt()).max(0.1)
    }

    /// Prints the end and says how many bounds are broken.
    pub(crate) fn end(self) -> u32 {
        println!(
            "\n{} broken, {:.0} s",
            self.broken,
            self.started.elapsed().as_secs_f64()
        );
        self.broken
    }

    fn line(
        &mut self,
        what: impl Display,
        design: impl Display,
        got: impl Display,
        note: impl Display,
    ) {
        let took = self.last.elapsed();
        self.last = Instant::now();
        println!(
            "{:<86} {:>12} {:>26}  {:<26} {:>6.1}",
            what.to_string(),
            design.to_string(),
            got.to_string(),
            note.to_string(),
            took.as_secs_f64()
        );
    }
}

/// A rate with its interval.
pub(crate) fn share(hits: usize, runs: usize) -> String {
    let (low, high) = exact::interval(hits, runs);
    let rate = crate::runs::number(hits) / crate::runs::number(runs);
    format!("{} ({}-{})", percent(rate), bare(low), bare(high))
}

/// A rate in percent.
pub(crate) fn percent(rate: f64) -> String {
    format!("{} %", bare(rate))
}

fn bare(rate: f64) -> String {
    let digits = if rate >= 0.1 { 1 } else { 2 };
    format!("{:.digits$}", rate * 100.0)
}
