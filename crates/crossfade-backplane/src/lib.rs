//! What replicas share, kept in one data directory: the ledger of changes and the log of outcomes.
//!
//! It stores and reads back; it decides nothing, and knows nothing of HTTP. [`DataDirectory`] is the
//! lock and the key, [`Ledger`] the hash-chained history of every change, [`OutcomeLog`] the decided
//! answers of one attempt. State is a fold of the two. [`Marks`] are what the ledger could not take in time. The implementation is the embedded one: one
//! process, one directory, one writer.

mod append_file;
mod directory;
mod ledger;
mod marks;
mod outcome_log;
mod reserve;

pub use directory::{DataDirectory, DirectoryError, Key};
pub use ledger::{Ledger, LedgerError, Verified, verify};
pub use marks::{Mark, Marks, MarksError};
pub use outcome_log::{OutcomeLog, OutcomeLogError};
