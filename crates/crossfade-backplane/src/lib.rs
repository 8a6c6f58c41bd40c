//! What replicas share, kept in one data directory: the ledger of changes and the log of outcomes.
//!
//! It stores and reads back; it decides nothing, and knows nothing of HTTP. [`DataDirectory`] is the
//! lock and the key, [`Ledger`] the hash-chained history of every change, [`OutcomeLog`] the decided
//! answers of one attempt. State is a fold of the two. The implementation is the embedded one: one
//! process, one directory, one writer.

mod append_file;
mod directory;
mod ledger;
mod outcome_log;
mod reserve;

pub use directory::{DataDirectory, DirectoryError, Key};
pub use ledger::{Ledger, LedgerError, Verified, verify};
pub use outcome_log::{OutcomeLog, OutcomeLogError};
