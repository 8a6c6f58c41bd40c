//! The ledger: the hash-chained, append-only history of every change, one JSON line an entry.
//!
//! A line is `{"prev":…,"hash":…,"entry":…}` with hash = SHA-256(prev ‖ the entry's bytes as they stand), so a
//! change to any byte of history breaks the chain from there on. It does not judge whether a change is allowed.

use std::{
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

use crossfade_rollout::Entry;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::{DataDirectory, append_file::AppendFile, directory::sync_directory, reserve::Reserve};

/// What the first entry follows.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The opened ledger: the only writer of its file.
#[derive(Debug)]
pub struct Ledger {
    file: AppendFile,
    reserve: Reserve,
    next: u64,
    head: String,
}

/// Why the ledger cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// An entry is not what was written.
    #[error(
        "ledger {path:?} is broken at entry {sequence}: {what}; restore the file from a backup, history cannot be repaired"
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// The number of the first entry that does not fit, from 0.
        sequence: u64,
        /// What does not fit.
        what: &'static str,
    },
    /// An entry has not the next number.
    #[error("ledger entry {given} does not fit, the next is {next}: propose the change again")]
    Sequence {
        /// The number given.
        given: u64,
        /// The number that would fit.
        next: u64,
    },
    /// An entry has no JSON form.
    #[error("ledger entry cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The file system refused; nothing of the entry is left in the file.
    #[error("cannot write the ledger: make room in the data directory or make it writable")]
    Write(#[source] io::Error),
    /// The file system refused.
    #[error("cannot read ledger {path:?}: check that the data directory is readable")]
    Read {
        /// The file.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
}

/// A ledger whose chain holds.
#[derive(Debug)]
pub struct Verified {
    /// Its entries.
    pub entries: Vec<Entry>,
    /// The hash of the last one.
    pub head: String,
    /// Bytes of whole lines; what follows was torn by a crash before it was complete.
    pub whole_bytes: u64,
    /// Whether the last line lacks only its line feed.
    pub unterminated: bool,
}

/// A line as it stands; the order of the fields is the order in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    prev: &'a str,
    #[serde(borrow)]
    hash: &'a str,
    #[serde(borrow)]
    entry: &'a RawValue,
}

/// Reads a ledger without locking or changing it, and recomputes its chain.
pub fn verify(path: &Path) -> Result<Verified, LedgerError> {
    let bytes = std::fs::read(path).map_err(|source| LedgerError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    verify_bytes(path, &bytes)
}

// === impl Ledger ===

impl Ledger {
    /// Opens the directory's ledger, recomputes its chain, cuts a last line that a crash left incomplete, and gives
    /// back the entries, oldest first.
    pub fn open(directory: &DataDirectory) -> Result<(Self, Vec<Entry>), LedgerError> {
        let path = directory.path().join("ledger.jsonl");
        let read = |source| LedgerError::Read {
            path: path.clone(),
            source,
        };
        let (mut file, bytes) = AppendFile::open(&path).map_err(read)?;
        let verified = verify_bytes(&path, &bytes)?;
        if verified.whole_bytes < file.length() {
            tracing::warn!(
                kept_bytes = verified.whole_bytes,
                cut_bytes = file.length() - verified.whole_bytes,
                "backplane.ledger.torn_line_cut"
            );
            file.cut(verified.whole_bytes).map_err(LedgerError::Write)?;
        }
        if verified.unterminated {
            file.append_durably(b"\n").map_err(LedgerError::Write)?;
        }
        sync_directory(directory.path()).map_err(read)?;
        let mut reserve = Reserve::new(directory.path());
        if let Err(error) = reserve.make() {
            tracing::warn!(%error, "backplane.reserve.not_made");
        }
        let next = verified.entries.len() as u64;
        Ok((
            Self {
                file,
                reserve,
                next,
                head: verified.head,
            },
            verified.entries,
        ))
    }

    /// The hash of the last entry: whoever keeps it can tell later whether history was rewritten or cut.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// The number that the next entry must have.
    pub const fn next_sequence(&self) -> u64 {
        self.next
    }

    /// Appends an entry. When it returns, the entry is durable; when it fails, nothing of it is left.
    pub fn append(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        if let Err(error) = self.reserve.make() {
            tracing::warn!(%error, "backplane.reserve.not_made");
        }
        self.write(entry)
    }

    /// Takes the reserve again, if a roll-back has used it. Without it a full disk would hold back the next roll-back's entry, so
    /// nothing should move toward the candidate before it is held.
    pub fn hold_reserve(&mut self) -> io::Result<()> {
        self.reserve.make()
    }

    /// As [`Self::append`], for a change toward the primary: when the disk is full, the reserve is given up for it.
    pub fn append_rollback(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        match self.write(entry) {
            Err(LedgerError::Write(error)) if is_full(&error) && self.reserve.is_held() => {
                tracing::warn!(%error, "backplane.reserve.released");
                self.reserve.release().map_err(LedgerError::Write)?;
                self.write(entry)
            }
            result => result,
        }
    }

    fn write(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        if entry.sequence != self.next {
            return Err(LedgerError::Sequence {
                given: entry.sequence,
                next: self.next,
            });
        }
        let json = serde_json::to_string(entry)?;
        let hash = chain(&self.head, &json);
        let mut line = render(&self.head, &hash, &json);
        line.push('\n');
        self.file
            .append_durably(line.as_bytes())
            .map_err(LedgerError::Write)?;
        self.next += 1;
        self.head = hash;
        Ok(())
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

fn verify_bytes(path: &Path, bytes: &[u8]) -> Result<Verified, LedgerError> {
    let mut verified = Verified {
        entries: Vec::new(),
        head: GENESIS.to_owned(),
        whole_bytes: 0,
        unterminated: false,
    };
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let sequence = verified.entries.len() as u64;
        let terminated = line.last() == Some(&b'\n');
        let text = if terminated {
            line.get(..line.len() - 1).unwrap_or_default()
        } else {
            line
        };
        match read_line(&verified.head, sequence, text) {
            Ok((entry, hash)) => {
                verified.entries.push(entry);
                verified.head = hash;
                verified.whole_bytes += line.len() as u64;
                verified.unterminated = !terminated;
            }
            // An append writes the line feed last; and a file system that lost power can leave zeros, which no
            // line holds. Either way this line never was complete, so nobody was told that it is.
            Err(_) if !terminated || text.contains(&0) => {
                let rest = bytes.len() as u64 - verified.whole_bytes;
                if rest > line.len() as u64 {
                    return Err(broken(path, sequence, "whole lines follow a torn one"));
                }
                break;
            }
            Err(what) => return Err(broken(path, sequence, what)),
        }
    }
    Ok(verified)
}

fn read_line(prev: &str, sequence: u64, text: &[u8]) -> Result<(Entry, String), &'static str> {
    let text = std::str::from_utf8(text).map_err(|_| "the line is not UTF-8")?;
    let line: Line<'_> = serde_json::from_str(text).map_err(|_| "the line is not an entry")?;
    if line.prev != prev {
        return Err("its hash of the entry before does not fit");
    }
    let json = line.entry.get();
    if line.hash != chain(prev, json) {
        return Err("its own hash does not fit its content");
    }
    if text != render(prev, line.hash, json) {
        return Err("the line is not in the form that is written");
    }
    let entry: Entry = serde_json::from_str(json)
        .map_err(|_| "the entry is of a form that this version does not know")?;
    if entry.sequence != sequence {
        return Err("its number does not follow the one before");
    }
    Ok((entry, line.hash.to_owned()))
}

fn chain(prev: &str, entry: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(prev.as_bytes());
    hasher.update(entry.as_bytes());
    hasher
        .finalize()
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ignored = write!(hex, "{byte:02x}");
            hex
        })
}

fn render(prev: &str, hash: &str, entry: &str) -> String {
    format!(r#"{{"prev":"{prev}","hash":"{hash}","entry":{entry}}}"#)
}

fn broken(path: &Path, sequence: u64, what: &'static str) -> LedgerError {
    LedgerError::Broken {
        path: path.to_path_buf(),
        sequence,
        what,
    }
}

#[cfg(test)]
mod tests;
