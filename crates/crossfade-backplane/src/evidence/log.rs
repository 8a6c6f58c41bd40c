//! Segments in one directory, as one log: appended at the end, dropped whole at the beginning, rewritten without some
//! records when these must go. It knows nothing of what the records hold.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    EvidenceError,
    segment::{Opened, Place, Segment, Tail, io_error},
    vault::Vault,
};
use crate::directory::sync_directory;

/// Ending of a segment's name.
const ENDING: &str = ".seg";
/// Ending of a segment that is being written anew.
const FRESH: &str = ".new";

/// When a segment is full.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fullness {
    /// Bytes after which a new one is begun.
    pub(super) bytes: u64,
    /// Milliseconds between its first and its last record after which a new one is begun.
    pub(super) span_ms: u64,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Location {
    /// The number of its segment.
    pub(super) segment: u64,
    place: Place,
}

/// One log.
pub(super) struct SegmentLog {
    directory: PathBuf,
    vault: Arc<Vault>,
    fullness: Fullness,
    segments: BTreeMap<u64, Kept>,
    /// The number of the next segment is at least this: those under it may be there and not readable.
    floor: u64,
    /// What is in the directory is not known, so that nothing may be begun in it.
    unknown: bool,
}

/// A segment, and when its oldest record was made.
struct Kept {
    segment: Segment,
    places: Vec<Place>,
    first_ms: u64,
}

/// What a log holds when it is opened.
pub(super) struct Read {
    /// It.
    pub(super) log: SegmentLog,
    /// Records that could not be read.
    pub(super) damaged: u64,
}

// === impl SegmentLog ===

impl SegmentLog {
    /// Opens or creates a log. `each` gets every record's head, oldest first, and gives back its time in milliseconds since
    /// the Unix epoch; what it cannot read it calls damaged by `None`. What the disk refuses counts as damaged too: callers are to be
    /// answered whatever has become of it.
    pub(super) fn open(
        directory: PathBuf,
        vault: Arc<Vault>,
        fullness: Fullness,
        mut each: impl FnMut(Location, &[u8]) -> Option<u64>,
    ) -> Result<Read, EvidenceError> {
        let mut log = Self {
            directory,
            vault,
            fullness,
            segments: BTreeMap::new(),
            floor: 0,
            unknown: false,
        };
        let mut damaged = 0;
        let numbers = log.numbers().unwrap_or_else(|error| {
            tracing::error!(%error, source = source(&error), "backplane.evidence.unreadable_directory");
            log.unknown = true;
            damaged += 1;
            Vec::new()
        });
        let last = numbers.last().copied();
        for number in numbers {
            let tail = if Some(number) == last {
                Tail::Cut
            } else {
                Tail::Keep
            };
            let path = log.path(number);
            match Segment::open(path, &log.vault, tail) {
                Ok(Some(opened)) => damaged += log.take(number, opened, &mut each),
                Ok(None) => {}
                Err(error @ EvidenceError::Io { .. }) => {
                    tracing::error!(%error, source = source(&error), "backplane.evidence.unreadable_file");
                    log.floor = number.saturating_add(1);
                    damaged += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Read { log, damaged })
    }

    fn take(
        &mut self,
        number: u64,
        opened: Opened,
        each: &mut impl FnMut(Location, &[u8]) -> Option<u64>,
    ) -> u64 {
        let Opened {
            segment,
            records,
            mut damaged,
        } = opened;
        let mut kept = Kept::new(segment);
        for (place, head) in records {
            let location = Location {
                segment: number,
                place,
            };
            match each(location, &head) {
                Some(at_ms) => kept.note(place, at_ms),
                None => damaged += 1,
            }
        }
        if kept.places.is_empty() && damaged > 0 {
            // Nobody can say how old it is; it is not younger than its file.
            kept.first_ms = kept.segment.modified_ms();
        }
        self.segments.insert(number, kept);
        damaged
    }

    /// The segments there are, oldest first. What an interrupted rewrite left is removed.
    fn numbers(&self) -> Result<Vec<u64>, EvidenceError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .map_err(|source| io_error("create", &self.directory, source))?;
        let failed = |source| io_error("read", &self.directory, source);
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(FRESH) {
                if let Err(error) = fs::remove_file(entry.path()) {
                    // It is in nobody's way: the next rewrite writes over it.
                    tracing::warn!(%error, "backplane.evidence.rewrite_not_removed");
                }
            } else if let Some(number) = name.strip_suffix(ENDING).and_then(|n| n.parse().ok()) {
                numbers.push(number);
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:010}{ENDING}"))
    }

    /// Appends a record of this time. A full segment is made durable before the next begins.
    pub(super) fn append(
        &mut self,
        head: &[u8],
        body: &[u8],
        at_ms: u64,
    ) -> Result<Location, EvidenceError> {
        let number = self.writable(at_ms)?;
        let Some(kept) = self.segments.get_mut(&number) else {
            // `writable` gives the number of a segment that it holds.
            return Err(io_error(
                "find",
                &self.directory,
                std::io::ErrorKind::NotFound.into(),
            ));
        };
        let place = kept.segment.append(head, body)?;
        kept.note(place, at_ms);
        Ok(Location {
            segment: number,
            place,
        })
    }

    fn writable(&mut self, at_ms: u64) -> Result<u64, EvidenceError> {
        if let Some((number, kept)) = self.segments.iter_mut().next_back() {
            let spans = !kept.places.is_empty()
                && at_ms.saturating_sub(kept.first_ms) > self.fullness.span_ms;
            let full = kept.segment.bytes() >= self.fullness.bytes || spans;
            if !full && *number >= self.floor && kept.segment.is_of(self.vault.current()) {
                return Ok(*number);
            }
            kept.segment.sync()?;
        }
        self.begin()
    }

    /// Begins a new segment, and gives back its number.
    pub(super) fn begin(&mut self) -> Result<u64, EvidenceError> {
        if self.unknown {
            // It may be readable by now, and hold segments that must not be written over.
            self.is_known()?;
        }
        let last = self.segments.last_key_value();
        let next = last.map_or(0, |(number, _)| number.saturating_add(1));
        let next = next.max(self.floor);
        let segment = Segment::create(self.path(next), &self.vault)?;
        sync_directory(&self.directory)
            .map_err(|source| io_error("write", &self.directory, source))?;
        self.segments.insert(next, Kept::new(segment));
        Ok(next)
    }

    /// An error if there is, or may be, something here that could not be read when it was opened.
    pub(super) fn is_known(&self) -> Result<(), EvidenceError> {
        if self.unknown || self.floor > 0 {
            let why = "not all of it could be read when the process started";
            return Err(io_error(
                "read",
                &self.directory,
                std::io::Error::other(why),
            ));
        }
        Ok(())
    }

    /// A record's body.
    pub(super) fn body(&self, location: &Location) -> Result<Option<Vec<u8>>, EvidenceError> {
        match self.segments.get(&location.segment) {
            Some(kept) => kept.segment.body(&location.place).map(Some),
            None => Ok(None),
        }
    }

    /// Makes everything that was appended durable.
    pub(super) fn sync(&mut self) -> Result<(), EvidenceError> {
        match self.segments.last_entry() {
            Some(mut last) => last.get_mut().segment.sync(),
            None => Ok(()),
        }
    }

    /// The oldest segment's number.
    pub(super) fn oldest(&self) -> Option<u64> {
        let (number, _) = self.segments.first_key_value()?;
        Some(*number)
    }

    /// The numbers of all segments with a record from before a time, wherever they stand: one that holds nothing, or whose clock was
    /// wrong, keeps none behind it.
    pub(super) fn begun_before(&self, ms: u64) -> Vec<u64> {
        let old = self.segments.iter().filter(|(_, kept)| kept.first_ms < ms);
        old.map(|(number, _)| *number).collect()
    }

    /// The numbers of all segments, oldest first.
    pub(super) fn segments(&self) -> Vec<u64> {
        self.segments.keys().copied().collect()
    }

    /// Removes a segment with all it holds.
    pub(super) fn remove(&mut self, number: u64) -> Result<(), EvidenceError> {
        let Some(kept) = self.segments.get(&number) else {
            return Ok(());
        };
        let path = kept.segment.path();
        fs::remove_file(path).map_err(|source| io_error("remove", path, source))?;
        self.segments.remove(&number);
        sync_directory(&self.directory).map_err(|source| io_error("write", &self.directory, source))
    }

    /// Writes a segment anew without the records whose heads `goes` names, so that their bytes are no longer in the file;
    /// gives back how many went, and where the others stand now, or that they were damaged and are no more. The old file is replaced in one step: after a crash either it
    /// or the new one is there.
    pub(super) fn without(
        &mut self,
        number: u64,
        mut goes: impl FnMut(&[u8]) -> bool,
        mut moved: impl FnMut(&[u8], Option<Location>),
    ) -> Result<u64, EvidenceError> {
        let Some(kept) = self.segments.get(&number) else {
            return Ok(0);
        };
        let mut stays = Vec::with_capacity(kept.places.len());
        let mut gone = 0;
        for place in &kept.places {
            match kept.segment.head(place) {
                Ok(head) if !goes(&head) => stays.push((*place, head)),
                // What nobody can read any more may have been theirs.
                Ok(_) | Err(EvidenceError::Damaged { .. }) => gone += 1,
                Err(error) => return Err(error),
            }
        }
        if gone == 0 {
            return Ok(0);
        }
        let path = self.path(number);
        let fresh = self.directory.join(format!("{number:010}{FRESH}"));
        let mut rewritten = Kept::new(Segment::create(fresh.clone(), &self.vault)?);
        // An older time than its oldest record's now: it goes early rather than late.
        rewritten.first_ms = kept.first_ms;
        let copied = copy(&kept.segment, &mut rewritten, &stays).and_then(|places| {
            rename(&fresh, &path, &self.directory)?;
            Ok(places)
        });
        let places = match copied {
            Ok(places) => places,
            Err(error) => {
                drop(fs::remove_file(&fresh));
                return Err(error);
            }
        };
        rewritten.segment.renamed(path);
        for ((_, head), place) in stays.iter().zip(places) {
            let segment = number;
            moved(head, place.map(|place| Location { segment, place }));
        }
        self.segments.insert(number, rewritten);
        Ok(gone)
    }

    /// Bytes of all segments.
    pub(super) fn bytes(&self) -> u64 {
        self.segments
            .values()
            .map(|kept| kept.segment.bytes())
            .sum()
    }
}

// === impl Kept ===

impl Kept {
    fn new(segment: Segment) -> Self {
        Self {
            segment,
            places: Vec::new(),
            first_ms: u64::MAX,
        }
    }

    fn note(&mut self, place: Place, at_ms: u64) {
        self.places.push(place);
        self.first_ms = self.first_ms.min(at_ms);
    }
}

/// What an error comes from, for the log.
fn source(error: &EvidenceError) -> String {
    std::error::Error::source(error).map_or_else(String::new, ToString::to_string)
}

/// Copies records, durably; where each stands now, or `None` where it was damaged.
fn copy(
    from: &Segment,
    to: &mut Kept,
    stays: &[(Place, Vec<u8>)],
) -> Result<Vec<Option<Place>>, EvidenceError> {
    let mut places = Vec::with_capacity(stays.len());
    for (place, head) in stays {
        places.push(match from.body(place) {
            Ok(body) => Some(to.segment.append(head, &body)?),
            Err(error @ EvidenceError::Damaged { .. }) => {
                tracing::warn!(%error, "backplane.evidence.damaged_record_dropped");
                None
            }
            Err(error) => return Err(error),
        });
    }
    to.places.extend(places.iter().flatten());
    to.segment.sync()?;
    Ok(places)
}

fn rename(fresh: &Path, path: &Path, directory: &Path) -> Result<(), EvidenceError> {
    fs::rename(fresh, path)
        .and_then(|()| sync_directory(directory))
        .map_err(|source| io_error("replace", path, source))
}
