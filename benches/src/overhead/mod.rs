//! What mirroring adds to the primary: blocks with the mirror on and off in turn, through the whole program, while the candidate is in
//! one state after another.
//!
//! The program runs as a process of its own, so that its memory and its CPU are its own; the simulated providers and the load share
//! this one.

mod counts;
mod load;
mod process;
mod run;
mod state;
mod table;

pub use counts::Counts;
pub use load::{Block, Caller, Pairs, Sample};
pub use process::Crossfade;
pub use run::{Plan, Row, run};
pub use state::State;
pub use table::{problems, table};
