//! What replicas share, kept in one data directory: the ledger of changes and the log of outcomes.
//!
//! It stores and reads back; it decides nothing, and knows nothing of HTTP. [`DataDirectory`] is the
//! lock and the key, [`Ledger`] the hash-chained history of every change, [`OutcomeLog`] the decided
//! answers of one attempt. State is a fold of the two. [`Marks`] are what the ledger could not take in time.
//! [`EvidenceStore`], [`ReviewQueue`] and [`Snapshots`] are what people judge by. The implementation is the embedded one: one
//! process, one directory, one writer.

mod append_file;
mod directory;
mod evidence;
mod ledger;
mod marks;
mod outcome_log;
mod reserve;

pub use directory::{DataDirectory, DirectoryError, Key};
pub use evidence::{
    BodyHashes, Deleted, DifferenceRule, EvidenceError, EvidenceKeys, EvidenceSettings,
    EvidenceStats, EvidenceStore, Filter, KeepReason, KeptExchange, KeptSummary, Offered,
    QueueSettings, ReviewItem, ReviewQueue, ReviewState, Sample, Sampled, Snapshots, Swept,
};
pub use ledger::{Ledger, LedgerError, Verified, verify};
pub use marks::{Mark, Marks, MarksError};
pub use outcome_log::{
    OutcomeLog, OutcomeLogError, OutcomeReader, OutcomeSizes, bound_outcomes, holds_outcomes,
    read_outcomes, remove_old_outcomes,
};
