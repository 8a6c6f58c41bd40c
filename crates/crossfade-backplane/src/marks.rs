//! Marks: changes toward the primary that are in effect and could not be put on the ledger, kept so that a restart knows of
//! them. One small file, a JSON line a route, replaced as a whole. It is no history: a mark goes when its change is on the
//! ledger.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use crossfade_exchange::RouteId;
use crossfade_rollout::{Actor, Change};
use serde::{Deserialize, Serialize};

use crate::{
    DataDirectory,
    directory::{sync_directory, write_durably},
};

/// The file's name in the data directory.
const NAME: &str = "rolled-back.json";

/// One change that the ledger does not hold yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Which route.
    pub route: RouteId,
    /// Since when, in milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// Who.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// What.
    pub change: Change,
}

/// The marks of a data directory. At most two a route: the one that holds the share lowest, and one that lets nothing advance.
#[derive(Debug)]
pub struct Marks {
    directory: PathBuf,
    marks: BTreeMap<(RouteId, Kind), Mark>,
}

/// What a mark is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Share,
    Hold,
}

/// Why the marks cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MarksError {
    /// The file system refused.
    #[error("cannot read {path:?}: make it readable and restart")]
    Read {
        /// The file.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// The file does not hold what was written.
    #[error(
        "{path:?} is damaged at line {line}: look in it for the routes that were rolled back, then move it away and restart"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What does not fit.
        source: serde_json::Error,
    },
}

// === impl Marks ===

impl Marks {
    /// Reads what an earlier process left.
    pub fn open(directory: &DataDirectory) -> Result<Self, MarksError> {
        let directory = directory.path().to_path_buf();
        let path = directory.join(NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(MarksError::Read { path, source }),
        };
        let mut marks = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let mark: Mark = serde_json::from_str(line).map_err(|source| MarksError::Damaged {
                path: path.clone(),
                line: index + 1,
                source,
            })?;
            marks.insert(key(&mark), mark);
        }
        Ok(Self { directory, marks })
    }

    /// Every mark, by route.
    pub fn iter(&self) -> impl Iterator<Item = &Mark> {
        self.marks.values()
    }

    /// Keeps a mark, unless one of its route that is as low is kept already. Durable when it returns; on failure the file is as
    /// it was.
    pub fn put(&mut self, mark: Mark) -> io::Result<()> {
        let mut marks = self.marks.clone();
        let lower = marks
            .get(&key(&mark))
            .is_some_and(|kept| height(&kept.change) <= height(&mark.change));
        if !lower {
            marks.insert(key(&mark), mark);
        }
        self.replace(marks)
    }

    /// Lets go of the marks of other routes than these.
    pub fn retain(&mut self, keep: impl Fn(&RouteId) -> bool) -> io::Result<()> {
        if self.marks.keys().all(|(route, _)| keep(route)) {
            return Ok(());
        }
        let mut marks = self.marks.clone();
        marks.retain(|(route, _), _| keep(route));
        self.replace(marks)
    }

    /// Whether a mark could be kept: writes what is kept as it is, durably, beside it, and removes it again.
    pub fn probe(&self) -> io::Result<()> {
        let fresh = self.directory.join(format!("{NAME}.new"));
        write_durably(&fresh, text_of(&self.marks)?.as_bytes())?;
        remove(&fresh)
    }

    fn replace(&mut self, marks: BTreeMap<(RouteId, Kind), Mark>) -> io::Result<()> {
        let path = self.directory.join(NAME);
        if marks.is_empty() {
            remove(&path)?;
        } else {
            let text = text_of(&marks)?;
            let fresh = self.directory.join(format!("{NAME}.new"));
            write_durably(&fresh, text.as_bytes())?;
            fs::rename(&fresh, &path)?;
        }
        sync_directory(&self.directory)?;
        self.marks = marks;
        Ok(())
    }
}

fn key(mark: &Mark) -> (RouteId, Kind) {
    let kind = match mark.change {
        Change::Hold => Kind::Hold,
        Change::Started
        | Change::Split { .. }
        | Change::Observe { .. }
        | Change::GatesRestarted { .. }
        | Change::Advance { .. }
        | Change::Release
        | Change::Signoff { .. }
        | Change::Replayed { .. }
        | Change::Drilled { .. }
        | Change::Rollback { .. }
        | Change::Resume
        | Change::MirrorSwitched { .. } => Kind::Share,
    };
    (mark.route.clone(), kind)
}

fn text_of(marks: &BTreeMap<(RouteId, Kind), Mark>) -> io::Result<String> {
    let mut text = String::new();
    for mark in marks.values() {
        text.push_str(&serde_json::to_string(mark)?);
        text.push('\n');
    }
    Ok(text)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// How high a change leaves the share, in percent; a roll-back, which also stays, is under everything.
fn height(change: &Change) -> f64 {
    match change {
        Change::Rollback { .. } => -1.0,
        Change::Split { to, .. } => to.percent(),
        Change::Advance { share_to, .. } => share_to.percent(),
        Change::Started
        | Change::Resume
        | Change::MirrorSwitched { .. }
        | Change::Observe { .. }
        | Change::GatesRestarted { .. }
        | Change::Hold
        | Change::Release
        | Change::Signoff { .. }
        | Change::Replayed { .. }
        | Change::Drilled { .. } => f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use crossfade_exchange::Percent;
    use crossfade_rollout::{ActorRole, Cause};

    use super::*;

    fn mark(route: &str, change: Change) -> Mark {
        Mark {
            route: RouteId::new(route),
            at_unix_ms: 7,
            actor: Actor::new("ana", ActorRole::Operator),
            reason: "odd\nanswers".to_owned(),
            change,
        }
    }

    fn rollback() -> Change {
        Change::Rollback {
            from: Percent::HUNDRED,
            cause: Cause::Manual,
        }
    }

    fn lower(percent: f64) -> Change {
        Change::Split {
            from: Percent::HUNDRED,
            to: Percent::new(percent).unwrap(),
            salt: 1,
            attempt: Some(1),
            new_attempt: None,
            override_: false,
            stage: None,
        }
    }

    #[test]
    fn marks_survive_and_the_lowest_stays() {
        let home = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(home.path()).unwrap();
        let check = |expected: &[Mark]| {
            let kept = Marks::open(&directory).unwrap();
            let kept: Vec<Mark> = kept.iter().cloned().collect();
            assert_eq!(kept, expected);
        };
        check(&[]);
        let mut marks = Marks::open(&directory).unwrap();
        marks.put(mark("a", lower(10.0))).unwrap();
        marks.put(mark("a", lower(5.0))).unwrap();
        marks.put(mark("a", lower(8.0))).unwrap();
        check(&[mark("a", lower(5.0))]);
        marks.put(mark("b", rollback())).unwrap();
        marks.put(mark("b", lower(0.0))).unwrap();
        check(&[mark("a", lower(5.0)), mark("b", rollback())]);
        marks.put(mark("a", Change::Hold)).unwrap();
        marks.put(mark("a", Change::Hold)).unwrap();
        marks.probe().unwrap();
        check(&[
            mark("a", lower(5.0)),
            mark("a", Change::Hold),
            mark("b", rollback()),
        ]);
        let path = home.path().join(NAME);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        marks.retain(|route| route.as_str() == "b").unwrap();
        check(&[mark("b", rollback())]);
        marks.retain(|_| false).unwrap();
        check(&[]);
        assert!(!path.exists());
    }

    #[test]
    fn what_cannot_be_written_is_not_believed_to_be() {
        let home = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(home.path()).unwrap();
        let mut marks = Marks::open(&directory).unwrap();
        let blocked = home.path().join(format!("{NAME}.new"));
        fs::create_dir(&blocked).unwrap();
        marks.put(mark("a", rollback())).unwrap_err();
        assert_eq!(marks.iter().count(), 0);
        fs::remove_dir(&blocked).unwrap();
        marks.put(mark("a", rollback())).unwrap();
        assert_eq!(marks.iter().count(), 1);
    }

    #[test]
    fn damage_is_named() {
        let home = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(home.path()).unwrap();
        fs::write(home.path().join(NAME), "{\"route\":\n").unwrap();
        let error = Marks::open(&directory).unwrap_err().to_string();
        assert!(
            error.contains("rolled-back.json\" is damaged at line 1"),
            "{error}"
        );
    }
}
