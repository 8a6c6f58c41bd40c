//! What a run has been answered so far, on disk: so that what was paid for is never asked again.
//!
//! A file of lines: a heading that names the data set and the sides, then one answer a line, appended and synced. A last
//! line without its end was torn by a crash and is cut off. A run with another data set or other sides is refused.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::answer::RecordedAnswer;

/// The file's name in a report's directory.
pub const FILE: &str = "answers.jsonl";
const FORMAT: u32 = 1;

/// What a journal belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heading {
    format: u32,
    /// The data set's digest.
    pub dataset: String,
    /// The route whose settings hold.
    pub route: String,
    /// What the primary is.
    pub primary: String,
    /// What the candidate is.
    pub candidate: String,
}

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    file: File,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is an unfinished run, and nobody said that it is to be resumed.
    #[error(
        "{0} holds an unfinished run: add --resume to go on with it, or name another directory"
    )]
    Unfinished(PathBuf),
    /// There is nothing to resume.
    #[error("{0} does not exist: there is no run to resume, leave --resume out")]
    Nothing(PathBuf),
    /// It belongs to something else.
    #[error(
        "{path}: the run was begun with another {what} ({was}); this one is {is}: name another directory"
    )]
    Other {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// As begun.
        was: String,
        /// As asked for.
        is: String,
    },
    /// A line that is neither the last one nor readable.
    #[error("{path}: line {line} is damaged: {why}; name another directory")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

/// The line that ends a journal of a run that came to its end.
const END: &str = "{\"format\":1,\"finished\":true}";

// === impl Heading ===

impl Heading {
    /// A heading of the current format.
    pub fn new(dataset: &str, route: &str, primary: &str, candidate: &str) -> Self {
        Self {
            format: FORMAT,
            dataset: dataset.to_owned(),
            route: route.to_owned(),
            primary: primary.to_owned(),
            candidate: candidate.to_owned(),
        }
    }

    /// What differs first between two headings, as it was and as it is.
    fn differs(&self, is: &Self) -> Option<(&'static str, String, String)> {
        let pairs = [
            ("format", self.format.to_string(), is.format.to_string()),
            ("data set", self.dataset.clone(), is.dataset.clone()),
            ("route", self.route.clone(), is.route.clone()),
            ("primary", self.primary.clone(), is.primary.clone()),
            ("candidate", self.candidate.clone(), is.candidate.clone()),
        ];
        pairs.into_iter().find(|(_, was, is)| was != is)
    }
}

// === impl Journal ===

impl Journal {
    /// Begins anew. An unfinished run is not written over; a finished one is.
    pub fn begin(directory: &Path, heading: &Heading) -> Result<Self, JournalError> {
        let path = directory.join(FILE);
        let at = |source| JournalError::Io {
            path: path.clone(),
            source,
        };
        match std::fs::read_to_string(&path) {
            Ok(text) if !text.is_empty() && text.trim_end().lines().next_back() != Some(END) => {
                return Err(JournalError::Unfinished(path));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(error)),
        }
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(at)?;
        let mut journal = Self { file };
        let line = serde_json::to_string(heading).map_err(|error| at(error.into()))?;
        journal.line(line).map_err(at)?;
        Ok(journal)
    }

    /// Goes on with a run; gives what it was answered so far.
    pub fn resume(
        directory: &Path,
        heading: &Heading,
    ) -> Result<(Self, Vec<RecordedAnswer>), JournalError> {
        let path = directory.join(FILE);
        let at = |source| JournalError::Io {
            path: path.clone(),
            source,
        };
        let opened = OpenOptions::new().read(true).write(true).open(&path);
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(JournalError::Nothing(path));
            }
            Err(error) => return Err(at(error)),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(at)?;
        // Everything after the last line's end was torn.
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |last| last + 1);
        bytes.truncate(whole);
        let text = String::from_utf8_lossy(&bytes);
        let (answers, kept) = read(&text, heading, &path)?;
        file.set_len(kept as u64).map_err(at)?;
        file.seek(SeekFrom::End(0)).map_err(at)?;
        let mut journal = Self { file };
        if kept == 0 {
            let line = serde_json::to_string(heading).map_err(|error| at(error.into()))?;
            journal.line(line).map_err(at)?;
        }
        Ok((journal, answers))
    }

    /// Keeps an answer; it is on disk when this returns.
    pub(crate) fn keep(&mut self, answer: &RecordedAnswer) -> io::Result<()> {
        self.line(serde_json::to_string(answer)?)
    }

    /// The run has come to its end.
    pub fn finish(mut self) -> io::Result<()> {
        self.line(END.to_owned())
    }

    fn line(&mut self, mut line: String) -> io::Result<()> {
        line.push('\n');
        self.file.write_all(line.as_bytes())?;
        self.file.sync_data()
    }
}

/// The answers of a journal, and how many of its bytes they and the heading take: the end of a finished run is left off.
fn read(
    text: &str,
    heading: &Heading,
    path: &Path,
) -> Result<(Vec<RecordedAnswer>, usize), JournalError> {
    let mut answers = Vec::new();
    let mut kept = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let damaged = |error: serde_json::Error| JournalError::Damaged {
            path: path.to_owned(),
            line: index + 1,
            why: error.to_string(),
        };
        let trimmed = line.trim_end();
        if index == 0 {
            let was: Heading = serde_json::from_str(trimmed).map_err(damaged)?;
            if let Some((what, was, is)) = was.differs(heading) {
                return Err(JournalError::Other {
                    path: path.to_owned(),
                    what,
                    was,
                    is,
                });
            }
        } else if trimmed == END {
            break;
        } else {
            answers.push(serde_json::from_str(trimmed).map_err(damaged)?);
        }
        kept += line.len();
    }
    Ok((answers, kept))
}

#[cfg(test)]
mod tests {
    use crossfade_exchange::Side;
    use serde_json::json;

    use super::*;
    use crate::answer::CaseAnswer;

    fn heading(dataset: &str) -> Heading {
        Heading::new(dataset, "support", "recorded", "live")
    }

    fn answer(case: &str) -> RecordedAnswer {
        RecordedAnswer {
            case: case.to_owned(),
            side: Side::Candidate,
            repeat: 0,
            request: None,
            answer: CaseAnswer::of_response(json!({"says": case})),
        }
    }

    fn cases(answers: &[RecordedAnswer]) -> Vec<&str> {
        answers.iter().map(|answer| answer.case.as_str()).collect()
    }

    #[test]
    fn a_run_goes_on_where_it_stopped() {
        let home = tempfile::tempdir().unwrap();
        let mut journal = Journal::begin(home.path(), &heading("d")).unwrap();
        journal.keep(&answer("a")).unwrap();
        drop(journal);
        let (mut journal, found) = Journal::resume(home.path(), &heading("d")).unwrap();
        assert_eq!(cases(&found), ["a"]);
        journal.keep(&answer("b")).unwrap();
        drop(journal);
        let (journal, found) = Journal::resume(home.path(), &heading("d")).unwrap();
        assert_eq!(cases(&found), ["a", "b"]);
        journal.finish().unwrap();
        let (_journal, found) = Journal::resume(home.path(), &heading("d")).unwrap();
        assert_eq!(
            cases(&found),
            ["a", "b"],
            "a finished run may be gone on with too"
        );
    }

    #[test]
    fn a_torn_line_is_cut_off_wherever_it_tore() {
        let home = tempfile::tempdir().unwrap();
        let mut journal = Journal::begin(home.path(), &heading("d")).unwrap();
        journal.keep(&answer("a")).unwrap();
        let file = home.path().join(FILE);
        let before = std::fs::read(&file).unwrap();
        journal.keep(&answer("b")).unwrap();
        drop(journal);
        let whole = std::fs::read(&file).unwrap();
        for end in before.len()..whole.len() {
            std::fs::write(&file, &whole[..end]).unwrap();
            let (mut journal, found) = Journal::resume(home.path(), &heading("d")).unwrap();
            assert_eq!(cases(&found), ["a"], "{end}");
            journal.keep(&answer("b")).unwrap();
            assert_eq!(std::fs::read(&file).unwrap(), whole, "{end}");
        }
        std::fs::write(&file, &whole[..5]).unwrap();
        let (_journal, found) = Journal::resume(home.path(), &heading("d")).unwrap();
        assert!(found.is_empty());
        let (_journal, found) = Journal::resume(home.path(), &heading("d")).unwrap();
        assert!(found.is_empty(), "the heading stands again");
    }

    #[test]
    fn what_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let refused = |error: JournalError, part: &str| {
            assert!(error.to_string().contains(part), "{error}");
        };
        refused(
            Journal::resume(home.path(), &heading("d")).unwrap_err(),
            "there is no run to resume",
        );
        let journal = Journal::begin(home.path(), &heading("d")).unwrap();
        refused(
            Journal::begin(home.path(), &heading("d")).unwrap_err(),
            "add --resume",
        );
        refused(
            Journal::resume(home.path(), &heading("e")).unwrap_err(),
            "another data set (d); this one is e",
        );
        journal.finish().unwrap();
        drop(Journal::begin(home.path(), &heading("e")).unwrap());
        let file = home.path().join(FILE);
        let mut text = std::fs::read_to_string(&file).unwrap();
        text.push_str("no json\n");
        std::fs::write(&file, text).unwrap();
        refused(
            Journal::resume(home.path(), &heading("e")).unwrap_err(),
            "line 2 is damaged",
        );
    }

    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        drop(Journal::begin(home.path(), &heading("d")).unwrap());
        let mode = std::fs::metadata(home.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
