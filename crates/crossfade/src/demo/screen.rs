//! What is seen while the story goes on: lines that stay, and on a terminal one line that changes.

use std::{
    fmt::Display,
    io::IsTerminal as _,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::cli::print;

/// Where there is no line that can change, one is printed this often.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// The screen. Everything goes to standard error: the summary is the data.
#[derive(Debug)]
pub(super) struct Screen {
    begun: Instant,
    terminal: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether the changing line stands there now.
    open: bool,
    /// When a plain line was last printed.
    printed: Option<Instant>,
}

impl Screen {
    /// Begins to count the time.
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            terminal: std::io::stderr().is_terminal(),
            state: Mutex::default(),
        }
    }

    /// A line that stays.
    pub(super) fn say(&self, text: impl Display) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        close(&mut state);
        state.printed = Some(Instant::now());
        print::note(&format!("{:>4} s  {text}", self.begun.elapsed().as_secs()));
    }

    /// The line that changes.
    pub(super) fn update(&self, text: impl Display) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let due = state.printed.is_none_or(|at| at.elapsed() >= PLAIN_EVERY);
        let line = format!("{:>4} s    {text}", self.begun.elapsed().as_secs());
        if self.terminal {
            print::over(&line);
            state.open = true;
        } else if due {
            print::note(&line);
            state.printed = Some(Instant::now());
        }
    }

    /// Nothing changes any more.
    pub(super) fn end(&self) {
        close(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn close(state: &mut State) {
    if std::mem::take(&mut state.open) {
        print::over("");
    }
}
