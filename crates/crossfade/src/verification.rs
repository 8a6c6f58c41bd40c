//! Verifies the ledger of a data directory against its outcome logs, without its lock and without changing anything: the
//! directory may be in use.

use std::{io, path::Path};

use crossfade_backplane::{LedgerError, holds_outcomes, read_outcomes};
use crossfade_exchange::RouteId;
use crossfade_rollout::{Mismatch, VerifiedHistory, verify_history};
use serde::Serialize;

/// A ledger in which everything holds.
#[derive(Debug, Serialize)]
pub struct VerifiedLedger {
    /// The hash of the last entry. Kept elsewhere, it shows later whether history was cut or written anew.
    pub head: String,
    /// What was computed again.
    #[serde(flatten)]
    pub history: VerifiedHistory,
}

/// What does not hold.
#[derive(Debug, thiserror::Error)]
pub enum NotVerified {
    /// The chain.
    #[error(transparent)]
    Chain(#[from] LedgerError),
    /// An entry.
    #[error("the ledger does not hold at {0}")]
    Entry(Mismatch),
    /// A roll-back is missing at its end.
    #[error(
        "the outcomes of route {route} demand a roll-back ({alarm}) that is not on the ledger: its last entries were cut away, or the controller ended before it could write it, which its next start does"
    )]
    Due {
        /// The route.
        route: RouteId,
        /// The alarm, in words.
        alarm: String,
    },
    /// The head that was known earlier is of no entry.
    #[error(
        "no entry of the ledger has the hash {0}: entries were cut away, or history was written anew"
    )]
    Head(String),
    /// There is no ledger, and there was one.
    #[error(
        "there is no ledger.jsonl, and there are outcome logs, which nobody writes without one: it was removed or moved away"
    )]
    Gone,
    /// A file could not be read.
    #[error("cannot read the ledger")]
    Read(#[from] io::Error),
}

/// Verifies the ledger in `directory`, its decisions of `only` one route if it is given. No ledger at all holds, as one without
/// entries does, where there is no outcome log either. Blocks, for about a second for each million outcomes.
pub fn verify_directory(
    directory: &Path,
    only: Option<&RouteId>,
) -> Result<VerifiedLedger, NotVerified> {
    let path = directory.join("ledger.jsonl");
    if !path.try_exists()? {
        if holds_outcomes(directory)? {
            return Err(NotVerified::Gone);
        }
        return Ok(VerifiedLedger {
            head: String::new(),
            history: VerifiedHistory::default(),
        });
    }
    // The ledger before the logs: whatever an entry stands on was logged before it.
    let chain = crossfade_backplane::verify(&path)?;
    let history = verify_history(&chain.entries, only, |route, attempt| {
        let log = read_outcomes(directory, route, attempt).map_err(|error| error.to_string())?;
        Ok(log.map(|log| log.map(|record| record.map_err(|error| error.to_string()))))
    })
    .map_err(NotVerified::Entry)?;
    if let Some((route, alarm)) = history.due.first() {
        return Err(NotVerified::Due {
            route: route.clone(),
            alarm: alarm.to_string(),
        });
    }
    Ok(VerifiedLedger {
        head: chain.head,
        history,
    })
}

/// Whether `head` is the hash of an entry: then everything up to that entry is what it was when `head` was the last.
pub fn knows_head(directory: &Path, head: &str) -> Result<(), NotVerified> {
    let text = std::fs::read_to_string(directory.join("ledger.jsonl"))?;
    let found = text
        .lines()
        .filter_map(|line| line.split_once(r#","hash":""#))
        .filter_map(|(_, rest)| rest.split_once('"'))
        .any(|(hash, _)| hash == head);
    if found {
        Ok(())
    } else {
        Err(NotVerified::Head(head.to_owned()))
    }
}

#[cfg(test)]
mod tests;
