//! The table for people, and what no run may show.

use std::fmt::Write as _;

use super::{Block, Row};
use crate::stats::{median, paired_ratio};

/// Resamples behind an interval.
const DRAWS: usize = 2_000;
/// What one mirror under way may take beside what the byte budget counts: its connection, its buffers, its task.
const BYTES_PER_MIRROR: u64 = 192 << 10;
/// Mirrors under way at most, by default.
const SLOTS: u64 = 1024;
/// What any process may grow by while it works.
const SLACK: u64 = 64 << 20;

/// The rows as Markdown.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| candidate | p50 off | p50 on/off | p99 off | p99 on/off | CPU off | CPU on/off | failed | memory | held of bound | compared | skipped |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n",
    );
    for row in rows {
        // Writing to a string cannot fail.
        let _ignored = writeln!(text, "{}", line(row));
    }
    text
}

fn line(row: &Row) -> String {
    let ratio = |what: &dyn Fn(&Block) -> f64| {
        let pairs = row.pairs.of(what);
        let off = median(pairs.iter().map(|(off, _)| *off).collect()).unwrap_or_default();
        let ratio = paired_ratio(&pairs, DRAWS).map_or_else(|| "–".to_owned(), |r| r.to_string());
        format!("{off:.0} µs | {ratio}")
    };
    let skips: Vec<String> = row
        .counts
        .skips()
        .iter()
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    format!(
        "| {} | {} | {} | {} | {} of {} | {:+.1} MiB | {} of {} KiB | {} | {} |",
        row.state,
        ratio(&|b| b.quantile(0.5)),
        ratio(&|b| b.quantile(0.99)),
        ratio(&Block::cpu),
        row.failed,
        row.sent,
        mib(row.resident_peak) - mib(row.resident_before),
        row.held_peak.div_ceil(1024),
        row.held_bound / 1024,
        row.counts.compared(),
        skips.join(", "),
    )
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// What is wrong whatever the machine: nothing of this depends on how fast it is.
pub fn problems(row: &Row) -> Vec<String> {
    let mut problems = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            problems.push(format!("{}: {what}", row.state));
        }
    };
    expect(
        row.failed == 0,
        format!(
            "{} of {} answers were not the primary's",
            row.failed, row.sent
        ),
    );
    expect(
        row.counts.hold(),
        format!("the accounting does not add up: {:?}", row.counts),
    );
    expect(
        row.counts.seen == row.sent && row.counts.in_flight == 0,
        format!(
            "{} requests were sent, and {:?} counted",
            row.sent, row.counts
        ),
    );
    expect(
        row.held_peak <= row.held_bound,
        format!("{} bytes are held, over the bound", row.held_peak),
    );
    let most = row.held_bound + SLOTS * BYTES_PER_MIRROR + SLACK;
    let grown = row.resident_peak.saturating_sub(row.resident_before);
    expect(
        grown <= most,
        format!("memory grew by {grown} bytes, over {most}"),
    );
    expect(
        row.asked > 0,
        "nothing was mirrored, so nothing was measured".to_owned(),
    );
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overhead::{Counts, Pairs, State};

    fn row() -> Row {
        Row {
            state: State::Healthy,
            pairs: Pairs::default(),
            sent: 10,
            failed: 0,
            resident_before: 1 << 20,
            resident_peak: 2 << 20,
            held_peak: 5,
            held_bound: 10,
            counts: Counts {
                seen: 10,
                finished: 10,
                eligible: [("4k".to_owned(), 10)].into(),
                compared: [("4k".to_owned(), 10)].into(),
                ..Counts::default()
            },
            asked: 10,
        }
    }

    #[test]
    fn each_thing_that_no_run_may_show_is_found() {
        let check = |change: fn(&mut Row), expected: &[&str]| {
            let mut row = row();
            change(&mut row);
            let problems = problems(&row);
            assert_eq!(problems.len(), expected.len(), "{problems:?}");
            for (problem, part) in problems.iter().zip(expected) {
                assert!(problem.contains(part), "{problem}");
            }
        };
        check(|_| {}, &[]);
        check(|r| r.failed = 1, &["not the primary's"]);
        check(|r| r.counts.mirror_in_flight = 1, &["add up"]);
        check(|r| r.sent = 11, &["11 requests were sent"]);
        check(|r| r.held_peak = 11, &["over the bound"]);
        check(|r| r.resident_peak = 1 << 40, &["memory grew"]);
        check(|r| r.asked = 0, &["nothing was mirrored"]);
    }

    #[test]
    fn a_row_has_a_cell_for_each_column() {
        let text = table(&[row()]);
        let cells: Vec<usize> = text.lines().map(|line| line.matches('|').count()).collect();
        assert!(cells.iter().all(|count| *count == cells[0]), "{text}");
    }
}
