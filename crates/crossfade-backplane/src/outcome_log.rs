//! The outcome log: the decided outcomes of one attempt, or shadow watch, of one route, in their order, as fixed-size
//! records.
//!
//! A record is rollout's own encoding of an outcome and its CRC-32. It holds keyed hashes and bad events,
//! never anything of a request or an answer.

mod old;
mod reader;

use std::{
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

use crossfade_exchange::RouteId;
use crossfade_rollout::Record;

use crate::{DataDirectory, append_file::AppendFile, directory::sync_directory};

pub use old::{OutcomeSizes, bound_outcomes, holds_outcomes, remove_old_outcomes};
pub use reader::{OutcomeReader, read_outcomes};

const FRAME: usize = Record::SIZE + 4;
const FOLDER: &str = "outcomes";
/// The longest part of a file's name that a route's name makes.
const LONGEST_NAME: usize = 160;

/// The opened log of one attempt.
#[derive(Debug)]
pub struct OutcomeLog {
    file: AppendFile,
    synced: bool,
}

/// Why an outcome log cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum OutcomeLogError {
    /// A record in the middle is not what was written.
    #[error(
        "outcome log {path:?} is broken at record {record}: restore the file from a backup, or resume the route, which starts a new one"
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// The first record that does not fit, from 0.
        record: usize,
    },
    /// The file system refused; nothing of the batch is left.
    #[error(
        "cannot write outcome log {path:?}: make room in the data directory or make it writable"
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
}

// === impl OutcomeLog ===

impl OutcomeLog {
    /// Opens or creates the log of an attempt and reads it back. A torn tail, as a crash leaves it, is cut. For logs that are
    /// short: see [`OutcomeLog::resume`].
    pub fn open(
        directory: &DataDirectory,
        route: &RouteId,
        attempt: u64,
    ) -> Result<(Self, Vec<Record>), OutcomeLogError> {
        let reader = read_outcomes(directory.path(), route, attempt)?;
        let records = reader
            .into_iter()
            .flatten()
            .collect::<Result<Vec<_>, _>>()?;
        let log = Self::resume(directory, route, attempt, records.len() as u64)?;
        Ok((log, records))
    }

    /// Opens or creates the log of an attempt to go on behind its first `records`, which are all that an
    /// [`OutcomeReader`] found in it: what is behind them is a torn tail, and cut.
    pub fn resume(
        directory: &DataDirectory,
        route: &RouteId,
        attempt: u64,
        records: u64,
    ) -> Result<Self, OutcomeLogError> {
        let path = path_of(directory.path(), route, attempt);
        let failed = |source| OutcomeLogError::Io {
            path: path.clone(),
            source,
        };
        let mut file = AppendFile::open_unread(&path).map_err(failed)?;
        let whole = records * FRAME as u64;
        if whole < file.length() {
            tracing::warn!(
                %route, kept_records = records, cut_bytes = file.length() - whole,
                "backplane.outcomes.torn_tail_cut"
            );
            file.cut(whole).map_err(failed)?;
        }
        sync_directory(&directory.path().join(FOLDER)).map_err(failed)?;
        Ok(Self { file, synced: true })
    }

    /// Appends a batch in one write; a batch that fails leaves nothing. Durable after [`Self::sync`].
    pub fn append(&mut self, batch: &[Record]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(batch.len() * FRAME);
        for record in batch {
            let record = record.encode();
            bytes.extend_from_slice(&record);
            bytes.extend_from_slice(&crc32fast::hash(&record).to_le_bytes());
        }
        self.synced = false;
        self.file.append(&bytes)
    }

    /// Makes everything appended durable.
    pub fn sync(&mut self) -> io::Result<()> {
        if !self.synced {
            self.file.sync()?;
            self.synced = true;
        }
        Ok(())
    }

    /// Records in the log.
    pub fn records(&self) -> u64 {
        self.file.length() / FRAME as u64
    }
}

fn path_of(directory: &Path, route: &RouteId, attempt: u64) -> PathBuf {
    let name = format!("{}.{attempt}.log", safe_name(route.as_str()));
    directory.join(FOLDER).join(name)
}

fn read_frame(frame: &[u8]) -> Option<Record> {
    let (record, crc) = frame.split_last_chunk::<4>()?;
    if crc32fast::hash(record) != u32::from_le_bytes(*crc) {
        return None;
    }
    Record::decode(record).ok()
}

/// A route's name as a part of a file name: other characters than letters, digits, `-` and `_` as `%XX`. A very long
/// name is cut and told apart by its checksum.
fn safe_name(route: &str) -> String {
    let mut name = route.bytes().fold(String::new(), |mut name, byte| {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            name.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ignored = write!(name, "%{byte:02X}");
        }
        name
    });
    if name.len() > LONGEST_NAME {
        name.truncate(LONGEST_NAME);
        let _ignored = write!(name, "%{:08x}", crc32fast::hash(route.as_bytes()));
    }
    name
}

#[cfg(test)]
mod tests;
