//! How far a run is: a bar on a terminal, a line for each tenth elsewhere.

use std::io::IsTerminal as _;

use crossfade_replay::run::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::print;

/// What is shown of a run.
pub(super) enum Shown {
    /// A bar.
    Bar(ProgressBar),
    /// Lines; the tenths that were said already.
    Lines(usize),
}

// === impl Shown ===

impl Shown {
    /// For standard error.
    pub(super) fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines(0);
        }
        let bar = ProgressBar::new(0);
        // The template is a constant; a bar without it is a bar all the same.
        if let Ok(style) =
            ProgressStyle::with_template("{bar:32} {pos}/{len} answers  {elapsed} ({eta})  {msg}")
        {
            bar.set_style(style);
        }
        Self::Bar(bar)
    }

    /// Something was answered.
    pub(super) fn at(&mut self, progress: Progress) {
        let Progress {
            done,
            total,
            missing,
            spent,
        } = progress;
        match self {
            Self::Bar(bar) => {
                bar.set_length(total as u64);
                bar.set_position(done as u64);
                bar.set_message(format!("{missing} missing, {:.4} USD", spent.usd));
            }
            Self::Lines(said) => {
                let tenth = (done * 10).checked_div(total).unwrap_or(0);
                if tenth > *said {
                    *said = tenth;
                    print::note(&format!(
                        "{done} of {total} answers, {missing} missing, {:.4} USD",
                        spent.usd
                    ));
                }
            }
        }
    }

    /// The run is over.
    pub(super) fn done(&self) {
        match self {
            Self::Bar(bar) => bar.finish_and_clear(),
            Self::Lines(_) => {}
        }
    }
}
