//! The states of the candidate under which the primary is measured.

use std::time::Duration;

use crossfade_exchange::closed_enum;
use crossfade_sim::script::{Fault, Pace, Script};

closed_enum! {
    /// What the candidate does, or what the mirror is allowed.
    pub enum State {
        /// It answers at once.
        Healthy = "healthy",
        /// It answers after half a second, some hundred times later than the primary.
        Slow = "slow",
        /// It reads the request and never answers.
        Hang = "hang",
        /// It accepts connections and reads nothing.
        NoRead = "no-read",
        /// It answers one byte a second.
        Drip = "drip",
        /// It resets the connection.
        Reset = "reset",
        /// It answers 500.
        ServerError = "500",
        /// It answers 429.
        Throttled = "429",
        /// It answers 200 with bytes that are no answer.
        Garbage = "garbage",
        /// It answers 50 MB.
        Huge = "huge",
        /// It is slow, and every bound of the mirror is tiny.
        Bounds = "bounds",
    }
}

/// Bytes of a huge answer.
const HUGE: usize = 50 << 20;

impl State {
    /// Puts the simulated Bedrock in this state.
    pub fn direct(self, script: &Script) {
        let first_content = match self {
            Self::Slow | Self::Bounds => Duration::from_millis(500),
            Self::Healthy
            | Self::Hang
            | Self::NoRead
            | Self::Drip
            | Self::Reset
            | Self::ServerError
            | Self::Throttled
            | Self::Garbage
            | Self::Huge => Duration::ZERO,
        };
        script.set_pace(Pace {
            first_content,
            tokens_per_second: 0.0,
        });
        script.set_fault(match self {
            Self::Healthy | Self::Slow | Self::Bounds => Fault::None,
            Self::Hang => Fault::Hang,
            Self::NoRead => Fault::NoRead,
            Self::Drip => Fault::SlowDrip {
                interval: Duration::from_secs(1),
            },
            Self::Reset => Fault::Reset,
            Self::ServerError => Fault::Status {
                status: 500,
                retry_after: None,
            },
            Self::Throttled => Fault::Status {
                status: 429,
                retry_after: Some(1),
            },
            Self::Garbage => Fault::Garbage,
            Self::Huge => Fault::Huge { bytes: HUGE },
        });
    }

    /// The lines of `[mirror]`. Where they are empty the defaults hold.
    pub fn mirror(self) -> &'static str {
        match self {
            Self::Bounds => {
                "slots = 2\nbytes = \"12KiB\"\nrequest_bytes = \"4KiB\"\nanswer_bytes = \"1KiB\"\nqueue_items = 1"
            }
            // The machine would otherwise be busy with making and reading such answers, and that is what would be measured.
            Self::Huge => "rate = 1.0",
            Self::Healthy
            | Self::Slow
            | Self::Hang
            | Self::NoRead
            | Self::Drip
            | Self::Reset
            | Self::ServerError
            | Self::Throttled
            | Self::Garbage => "",
        }
    }
}
