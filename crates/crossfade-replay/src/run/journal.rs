//! What a run has been answered so far, on disk: so that what was paid for is never asked again.
//!
//! A file of lines: a heading that names the data set and the sides, then one answer a line, appended and synced. A last
//! line without its end was torn by a crash and is cut off. A run with another data set or other sides is refused.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    answer::RecordedAnswer,
    meaning::{BEGINNING, RecordedCosine},
};

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

/// What a journal holds of an earlier part of its run.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Answers of live sides.
    pub answers: Vec<RecordedAnswer>,
    /// Cosines of embeddings.
    pub cosines: Vec<RecordedCosine>,
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
    /// Another process writes it.
    #[error("{0} is being written by another run: wait for its end, or name another directory")]
    Busy(PathBuf),
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
        let mut file = open(&path, true).map_err(at)?;
        lock(&file, &path)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(at)?;
        if !text.is_empty() && !text.trim_ascii_end().ends_with(END.as_bytes()) {
            return Err(JournalError::Unfinished(path));
        }
        file.set_len(0).map_err(at)?;
        file.seek(SeekFrom::Start(0)).map_err(at)?;
        let mut journal = Self { file };
        let line = serde_json::to_string(heading).map_err(|error| at(error.into()))?;
        journal.line(line).map_err(at)?;
        Ok(journal)
    }

    /// Goes on with a run; gives what it was answered so far.
    pub fn resume(directory: &Path, heading: &Heading) -> Result<(Self, Kept), JournalError> {
        let path = directory.join(FILE);
        let at = |source| JournalError::Io {
            path: path.clone(),
            source,
        };
        let mut file = match open(&path, false) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(JournalError::Nothing(path));
            }
            Err(error) => return Err(at(error)),
        };
        lock(&file, &path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(at)?;
        // Everything after the last line's end was torn.
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |last| last + 1);
        bytes.truncate(whole);
        let text = String::from_utf8_lossy(&bytes);
        let (found, kept) = read(&text, heading, &path)?;
        file.set_len(kept as u64).map_err(at)?;
        file.seek(SeekFrom::End(0)).map_err(at)?;
        let mut journal = Self { file };
        if kept == 0 {
            let line = serde_json::to_string(heading).map_err(|error| at(error.into()))?;
            journal.line(line).map_err(at)?;
        }
        Ok((journal, found))
    }

    /// Keeps an answer; it is on disk when this returns.
    pub(crate) fn keep(&mut self, answer: &RecordedAnswer) -> io::Result<()> {
        self.line(serde_json::to_string(answer)?)
    }

    /// Keeps cosines; they are on disk when this returns.
    pub fn keep_cosines(&mut self, cosines: &[RecordedCosine]) -> io::Result<()> {
        let lines: Result<Vec<String>, _> = cosines.iter().map(serde_json::to_string).collect();
        let lines = lines?;
        if lines.is_empty() {
            return Ok(());
        }
        self.line(lines.join("\n"))
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

fn open(path: &Path, create: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(create).mode(0o600);
    options.truncate(false).open(path)
}

/// Two runs would write into each other's lines, and pay for the same answers.
fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => JournalError::Busy(path.to_owned()),
        TryLockError::Error(source) => JournalError::Io {
            path: path.to_owned(),
            source,
        },
    })
}

/// What a journal holds, and how many of its bytes that and the heading take: the end of a finished run is left off.
fn read(text: &str, heading: &Heading, path: &Path) -> Result<(Kept, usize), JournalError> {
    let mut found = Kept::default();
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
        } else if trimmed.starts_with(BEGINNING) {
            found
                .cosines
                .push(serde_json::from_str(trimmed).map_err(damaged)?);
        } else {
            found
                .answers
                .push(serde_json::from_str(trimmed).map_err(damaged)?);
        }
        kept += line.len();
    }
    Ok((found, kept))
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
        assert_eq!(cases(&found.answers), ["a"]);
        journal.keep(&answer("b")).unwrap();
        drop(journal);
        let (journal, found) = Journal::resume(home.path(), &heading("d")).unwrap();
        assert_eq!(cases(&found.answers), ["a", "b"]);
        journal.finish().unwrap();
        let (_journal, found) = Journal::resume(home.path(), &heading("d")).unwrap();
        assert_eq!(
            cases(&found.answers),
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
            assert_eq!(cases(&found.answers), ["a"], "{end}");
            journal.keep(&answer("b")).unwrap();
            assert_eq!(std::fs::read(&file).unwrap(), whole, "{end}");
        }
        std::fs::write(&file, &whole[..5]).unwrap();
        let (journal, found) = Journal::resume(home.path(), &heading("d")).unwrap();
        assert!(found.answers.is_empty());
        drop(journal);
        let (_journal, found) = Journal::resume(home.path(), &heading("d")).unwrap();
        assert!(found.answers.is_empty(), "the heading stands again");
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
        drop(Journal::begin(home.path(), &heading("d")).unwrap());
        refused(
            Journal::begin(home.path(), &heading("d")).unwrap_err(),
            "add --resume",
        );
        refused(
            Journal::resume(home.path(), &heading("e")).unwrap_err(),
            "another data set (d); this one is e",
        );
        let (journal, _) = Journal::resume(home.path(), &heading("d")).unwrap();
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
    fn two_runs_do_not_share_one() {
        let home = tempfile::tempdir().unwrap();
        let first = Journal::begin(home.path(), &heading("d")).unwrap();
        let busy = |error: JournalError| assert!(matches!(error, JournalError::Busy(_)), "{error}");
        busy(Journal::begin(home.path(), &heading("d")).unwrap_err());
        busy(Journal::resume(home.path(), &heading("d")).unwrap_err());
        drop(first);
        Journal::resume(home.path(), &heading("d")).unwrap();
    }

    #[test]
    fn cosines_stand_among_answers() {
        let home = tempfile::tempdir().unwrap();
        let texts = ["a".to_owned(), "b".to_owned()];
        let cosine = RecordedCosine::new(&texts, 0.25, "m");
        let mut journal = Journal::begin(home.path(), &heading("d")).unwrap();
        journal.keep(&answer("a")).unwrap();
        journal.keep_cosines(&[]).unwrap();
        journal
            .keep_cosines(&[cosine.clone(), cosine.clone()])
            .unwrap();
        drop(journal);
        let text = std::fs::read_to_string(home.path().join(FILE)).unwrap();
        let recordings = crate::sides::Recordings::parse(&text).unwrap();
        assert_eq!(
            recordings.cosines().len(),
            2,
            "a journal is a file of recordings too"
        );
        let (_, found) = Journal::resume(home.path(), &heading("d")).unwrap();
        assert_eq!(cases(&found.answers), ["a"]);
        assert_eq!(found.cosines, [cosine.clone(), cosine]);
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
