//! The comparison worker: exchanges become verdicts and metrics, drawn answers become outcomes in their order.
//!
//! Two tasks: [`Comparer`] judges what the data plane recorded, [`Outcomes`] puts what was drawn and what was judged
//! into order and hands it to the controller. Neither is ever waited for by the data plane.

mod compare;
mod outcomes;

pub use compare::{Comparer, Sink};
pub use outcomes::Outcomes;

/// Resolved answers that may wait between the two tasks.
pub const SETTLEMENTS: usize = 4_096;

#[cfg(test)]
mod tests;
