//! Evidence: exchanges kept for people to look at, what they decided, and snapshots of statistics, at rest.
//!
//! Everything stands in segments of records ([`segment`]) under one vault ([`vault`]): sealed where a key is configured.
//! Without a key no exchange is kept ([`EvidenceStore`] is not opened); the review queue and the snapshots then hold
//! names, numbers and places only, which is all they ever hold. What is kept was redacted by whoever calls.
//!
//! Durability: an exchange survives the end of the process at once and that of the machine after [`EvidenceStore::sync`]
//! (called every few seconds) or when its segment is full; a person's decision is durable when its call returns. A
//! failed write leaves nothing behind and stops nothing.

use std::{io, path::PathBuf};

mod kept;
mod log;
mod queue;
mod review;
mod segment;
mod snapshots;
mod store;
mod vault;

pub use kept::{BodyHashes, Filter, KeepReason, KeptExchange, KeptSummary};
pub use queue::{Offered, QueueSettings, ReviewQueue, Swept};
pub use review::{DifferenceRule, ReviewItem, ReviewState, Sample, Sampled};
pub use snapshots::Snapshots;
pub use store::{Deleted, EvidenceSettings, EvidenceStats, EvidenceStore};
pub use vault::EvidenceKeys;

/// Why evidence cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The files were sealed under a key that is not at hand.
    #[error(
        "{path:?} was sealed under another key: name that key by [evidence] previous_key_env, or move the directory away"
    )]
    OtherKey {
        /// The file.
        path: PathBuf,
    },
    /// The files were sealed, and no key is configured.
    #[error("{path:?} is sealed: set [evidence] key_env or key_file, or move the directory away")]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A record is not what was written.
    #[error("{path:?} is damaged at byte {offset}: restore it from a backup, or move it away")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the record begins.
        offset: u64,
    },
    /// One record would be larger than the store allows.
    #[error("an exchange of {bytes} bytes is too large to be kept")]
    TooLarge {
        /// Its size, compressed.
        bytes: usize,
    },
    /// The key cannot be used.
    #[error("the evidence key cannot be used: it must be 32 bytes")]
    Key,
    /// The file system refused; nothing of the record is left.
    #[error("cannot {action} {path:?}: make room in the data directory or make it writable")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// What was opened is in no form that this version knows.
    #[error("a kept record cannot be read: it was written by another version")]
    Form(#[source] serde_json::Error),
}

#[cfg(test)]
mod tests;
