//! Reads an outcome log that somebody else may be writing, record by record, without locking or changing it.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use crossfade_exchange::RouteId;
use crossfade_rollout::Record;

use super::{FRAME, OutcomeLogError, path_of, read_frame};

/// The records of a log, in order. It ends at a torn tail, as a crash or a writer in the middle of a record leaves it; a record
/// in the middle that does not fit is an error, and the last thing that is read.
#[derive(Debug)]
pub struct OutcomeReader {
    path: PathBuf,
    file: BufReader<File>,
    records: usize,
    ended: bool,
}

/// Opens the log of an attempt of the data directory at `directory`; `None` if there is none.
pub fn read_outcomes(
    directory: &Path,
    route: &RouteId,
    attempt: u64,
) -> Result<Option<OutcomeReader>, OutcomeLogError> {
    let path = path_of(directory, route, attempt);
    match File::open(&path) {
        Ok(file) => Ok(Some(OutcomeReader {
            path,
            file: BufReader::with_capacity(FRAME * 1024, file),
            records: 0,
            ended: false,
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(OutcomeLogError::Io { path, source }),
    }
}

// === impl OutcomeReader ===

impl OutcomeReader {
    /// Records read so far.
    pub const fn records(&self) -> usize {
        self.records
    }

    /// The next whole frame; `None` at the end, torn or not.
    fn frame(&mut self) -> io::Result<Option<[u8; FRAME]>> {
        let mut frame = [0; FRAME];
        match self.file.read_exact(&mut frame) {
            Ok(()) => Ok(Some(frame)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Behind a torn tail there is nothing; behind a damaged record there is.
    fn read(&mut self) -> Result<Option<Record>, OutcomeLogError> {
        let failed = |path: &PathBuf, source| OutcomeLogError::Io {
            path: path.clone(),
            source,
        };
        let Some(frame) = self.frame().map_err(|source| failed(&self.path, source))? else {
            return Ok(None);
        };
        if let Some(record) = read_frame(&frame) {
            self.records += 1;
            return Ok(Some(record));
        }
        while let Some(later) = self.frame().map_err(|source| failed(&self.path, source))? {
            if read_frame(&later).is_some() {
                return Err(OutcomeLogError::Broken {
                    path: self.path.clone(),
                    record: self.records,
                });
            }
        }
        Ok(None)
    }
}

impl Iterator for OutcomeReader {
    type Item = Result<Record, OutcomeLogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}
