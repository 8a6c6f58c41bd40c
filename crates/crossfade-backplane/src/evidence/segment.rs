//! One file of records. Its head names its form, its key and itself; each record is a short head, which is read when the
//! process starts, and a body, which is read when somebody asks for it. It knows nothing of what they hold.

use std::{fs, io, path::PathBuf, time::UNIX_EPOCH};

use super::{
    EvidenceError,
    vault::{Form, KEY_ID, Vault},
};
use crate::append_file::AppendFile;

/// Magic and version.
const MAGIC: [u8; 7] = *b"CFEVID1";
/// Bytes of a file's head: magic, form, key id, the file's own random id.
const HEAD: usize = 32;
/// Bytes before each record: the two lengths.
const FRAME: u64 = 8;
/// Bytes that are looked through at once for the next record behind a damaged one.
const WINDOW: usize = 64 << 10;
/// The longest head that is looked for there: heads are summaries and events.
const LIKELY_HEAD: u32 = 256 << 10;
/// The most that one piece may take.
pub(super) const LARGEST_PIECE: usize = 64 << 20;

/// Where a record stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    offset: u64,
    head: u32,
    body: u32,
}

/// An opened segment.
pub(super) struct Segment {
    path: PathBuf,
    file: AppendFile,
    head: [u8; HEAD],
    form: Form,
    /// Its head is none that is known, so that nothing in it can be read and nothing is appended.
    opaque: bool,
}

/// The records of a segment by their places and heads, in order.
pub(super) type Heads = Vec<(Place, Vec<u8>)>;

/// What a segment holds when it is opened.
pub(super) struct Opened {
    /// It.
    pub(super) segment: Segment,
    /// The records' places and heads, in order.
    pub(super) records: Heads,
    /// Records that could not be read.
    pub(super) damaged: u64,
}

/// What is done with bytes behind the last whole record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// They are what a crash left of the last write: cut.
    Cut,
    /// The file was complete once, so they are damage: kept, and counted.
    Keep,
}

/// Which piece of a record.
#[derive(Clone, Copy)]
enum Piece {
    Head = 0,
    Body = 1,
}

// === impl Place ===

impl Place {
    /// Bytes of the record with its frame.
    pub(super) fn bytes(&self) -> u64 {
        FRAME + u64::from(self.head) + u64::from(self.body)
    }

    /// Whether it has a body.
    const fn end(&self) -> Option<u64> {
        let both = self.head as u64 + self.body as u64;
        self.offset.checked_add(FRAME + both)
    }
}

// === impl Segment ===

impl Segment {
    /// A new, empty file in the vault's current form.
    pub(super) fn create(path: PathBuf, vault: &Vault) -> Result<Self, EvidenceError> {
        let failed = |source| io_error("create", &path, source);
        let mut file = AppendFile::open_unread(&path).map_err(failed)?;
        file.cut(0).map_err(failed)?;
        let form = vault.current().clone();
        let head = file_head(&form);
        file.append(&head).map_err(failed)?;
        Ok(Self {
            path,
            file,
            head,
            form,
            opaque: false,
        })
    }

    /// Opens a file and reads its records' heads. Of the `last` file, which a crash may have torn, the tail is cut; `None` if
    /// not even the file's head was whole, and then the file is gone. A file of another head counts as one damaged record: callers
    /// are to be answered whatever a disk has made of it.
    pub(super) fn open(
        path: PathBuf,
        vault: &Vault,
        tail: Tail,
    ) -> Result<Option<Opened>, EvidenceError> {
        let failed = |source| io_error("read", &path, source);
        let file = AppendFile::open_unread(&path).map_err(failed)?;
        let mut head = [0; HEAD];
        if file.length() < HEAD as u64 {
            if !file.is_read_only() {
                fs::remove_file(&path).map_err(failed)?;
            }
            return Ok(None);
        }
        file.read_exact_at(&mut head, 0).map_err(failed)?;
        let (form, opaque) = match form_of(&head, vault) {
            Known::Form(form) => (form, false),
            Known::Unknown => (vault.current().clone(), true),
            Known::NoKey if vault.has_keys() => return Err(EvidenceError::OtherKey { path }),
            Known::NoKey => return Err(EvidenceError::NoKey { path }),
        };
        let mut segment = Self {
            path,
            file,
            head,
            form,
            opaque,
        };
        let (records, damaged) = if opaque {
            tracing::error!(path = %segment.path.display(), "backplane.evidence.unreadable_file");
            (Vec::new(), 1)
        } else {
            segment.scan(tail)?
        };
        Ok(Some(Opened {
            segment,
            records,
            damaged,
        }))
    }

    /// Reads every record's head, and sees to what stands behind the last whole one.
    fn scan(&mut self, tail: Tail) -> Result<(Heads, u64), EvidenceError> {
        let failed = |path: &PathBuf| {
            let path = path.clone();
            move |source| io_error("read", &path, source)
        };
        let (mut records, mut damaged) = (Vec::new(), 0);
        let mut offset = HEAD as u64;
        let mut whole = offset;
        while let Some((place, head)) = self.next(offset)? {
            damaged += u64::from(place.offset > offset);
            offset = place.offset + place.bytes();
            whole = offset;
            records.push((place, head));
        }
        if tail == Tail::Keep {
            damaged += u64::from(offset < self.file.length());
            return Ok((records, damaged));
        }
        // The last record may have its length and not all of its body.
        if let Some((place, _)) = records.last()
            && self.piece(place, Piece::Body)?.is_none()
        {
            whole = place.offset;
            records.pop();
            damaged += 1;
        }
        if whole < self.file.length() {
            tracing::warn!(path = %self.path.display(), cut_bytes = self.file.length() - whole,
                "backplane.evidence.torn_tail_cut");
            self.file.cut(whole).map_err(failed(&self.path))?;
        }
        Ok((records, damaged))
    }

    /// The record at an offset by its place and head; or, where none can be read, the next one behind it: what is damaged costs
    /// itself, and no more. `None` if there is no further one.
    fn next(&self, offset: u64) -> Result<Option<(Place, Vec<u8>)>, EvidenceError> {
        if let Some(found) = self.readable(offset)? {
            return Ok(Some(found));
        }
        let mut window = vec![0; WINDOW];
        let mut from = offset.saturating_add(1);
        while from.saturating_add(FRAME) < self.file.length() {
            let left = usize::try_from(self.file.length() - from).unwrap_or(usize::MAX);
            window.truncate(left);
            self.file
                .read_exact_at(&mut window, from)
                .map_err(|source| io_error("read", &self.path, source))?;
            for (lengths, at) in window.windows(4).zip(from..) {
                let head = lengths.first_chunk().map(|head| u32::from_le_bytes(*head));
                if head.is_some_and(|head| (1..=LIKELY_HEAD).contains(&head))
                    && let Some(found) = self.readable(at)?
                {
                    return Ok(Some(found));
                }
            }
            // The last three bytes have not been looked at as a beginning.
            from += (window.len() as u64).saturating_sub(3).max(1);
        }
        Ok(None)
    }

    fn readable(&self, offset: u64) -> Result<Option<(Place, Vec<u8>)>, EvidenceError> {
        let place = self.frame(offset);
        let place = place.map_err(|source| io_error("read", &self.path, source))?;
        let Some(place) = place else { return Ok(None) };
        let head = self.piece(&place, Piece::Head)?;
        Ok(head.map(|head| (place, head)))
    }

    /// The frame at an offset, if a whole record of possible size stands there.
    fn frame(&self, offset: u64) -> io::Result<Option<Place>> {
        if offset.saturating_add(FRAME) > self.file.length() {
            return Ok(None);
        }
        let (mut head, mut body) = ([0; 4], [0; 4]);
        self.file.read_exact_at(&mut head, offset)?;
        self.file.read_exact_at(&mut body, offset + 4)?;
        let place = Place {
            offset,
            head: u32::from_le_bytes(head),
            body: u32::from_le_bytes(body),
        };
        // No record is empty: zeros are what some file systems leave of a write that did not happen.
        let fits = place.end().is_some_and(|end| end <= self.file.length());
        Ok((fits && place.head > 0).then_some(place))
    }

    fn piece(&self, place: &Place, piece: Piece) -> Result<Option<Vec<u8>>, EvidenceError> {
        let (start, length) = match piece {
            Piece::Head => (place.offset + FRAME, place.head),
            Piece::Body => (place.offset + FRAME + u64::from(place.head), place.body),
        };
        let mut sealed = vec![0; length as usize];
        self.file
            .read_exact_at(&mut sealed, start)
            .map_err(|source| io_error("read", &self.path, source))?;
        Ok(self.form.open(&self.bound(place.offset, piece), sealed))
    }

    /// What a piece is bound to: its file, its place, and which piece it is.
    fn bound(&self, offset: u64, piece: Piece) -> Vec<u8> {
        let mut bound = self.head.to_vec();
        bound.extend_from_slice(&offset.to_le_bytes());
        bound.push(piece as u8);
        bound
    }

    /// A record's head.
    pub(super) fn head(&self, place: &Place) -> Result<Vec<u8>, EvidenceError> {
        let found = self.piece(place, Piece::Head)?;
        found.ok_or_else(|| self.damaged(place))
    }

    /// A record's body.
    pub(super) fn body(&self, place: &Place) -> Result<Vec<u8>, EvidenceError> {
        let found = self.piece(place, Piece::Body)?;
        found.ok_or_else(|| self.damaged(place))
    }

    fn damaged(&self, place: &Place) -> EvidenceError {
        EvidenceError::Damaged {
            path: self.path.clone(),
            offset: place.offset,
        }
    }

    /// Appends a record. Nothing of it is left if it fails.
    pub(super) fn append(&mut self, head: &[u8], body: &[u8]) -> Result<Place, EvidenceError> {
        let offset = self.file.length();
        let bytes = head.len() + body.len();
        let large = || EvidenceError::TooLarge { bytes };
        if bytes > LARGEST_PIECE {
            return Err(large());
        }
        let seal = |piece: Piece, bytes: &[u8]| {
            let sealed = self.form.seal(&self.bound(offset, piece), bytes.to_vec());
            sealed.ok_or_else(large)
        };
        let (head, body) = (seal(Piece::Head, head)?, seal(Piece::Body, body)?);
        let place = Place {
            offset,
            head: u32::try_from(head.len()).map_err(|_| large())?,
            body: u32::try_from(body.len()).map_err(|_| large())?,
        };
        let mut record = Vec::with_capacity(8 + head.len() + body.len());
        record.extend_from_slice(&place.head.to_le_bytes());
        record.extend_from_slice(&place.body.to_le_bytes());
        record.extend_from_slice(&head);
        record.extend_from_slice(&body);
        self.file
            .append(&record)
            .map_err(|source| io_error("write", &self.path, source))?;
        Ok(place)
    }

    /// Makes what was appended durable.
    pub(super) fn sync(&mut self) -> Result<(), EvidenceError> {
        self.file
            .sync()
            .map_err(|source| io_error("write", &self.path, source))
    }

    /// Bytes of the file.
    pub(super) fn bytes(&self) -> u64 {
        self.file.length()
    }

    /// When the file was last written, in milliseconds since the Unix epoch; never, if the file system does not say.
    pub(super) fn modified_ms(&self) -> u64 {
        let modified = fs::metadata(&self.path).and_then(|about| about.modified());
        let since = modified
            .ok()
            .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        since.map_or(u64::MAX, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
    }

    /// Whether it is written in this form, so that it can be continued.
    pub(super) fn is_of(&self, form: &Form) -> bool {
        !self.opaque && self.form.id() == form.id()
    }

    /// The file.
    pub(super) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// The file has another name now.
    pub(super) fn renamed(&mut self, path: PathBuf) {
        self.path = path;
    }
}

enum Known {
    Form(Form),
    NoKey,
    Unknown,
}

fn form_of(head: &[u8; HEAD], vault: &Vault) -> Known {
    let known = || {
        let (magic, rest) = head.split_first_chunk::<7>()?;
        let (form, rest) = rest.split_first()?;
        let (id, _) = rest.split_first_chunk::<KEY_ID>()?;
        (*magic == MAGIC).then_some((*form, *id))
    };
    let form = match known() {
        Some((0, _)) => vault.by_id(None),
        Some((1, id)) => vault.by_id(Some(id)),
        Some(_) | None => return Known::Unknown,
    };
    form.map_or(Known::NoKey, Known::Form)
}

fn file_head(form: &Form) -> [u8; HEAD] {
    let id = form.id();
    let own: [u8; 16] = rand::random();
    let bytes = MAGIC
        .into_iter()
        .chain([u8::from(id.is_some())])
        .chain(id.unwrap_or_default())
        .chain(own);
    let mut head = [0; HEAD];
    for (place, byte) in head.iter_mut().zip(bytes) {
        *place = byte;
    }
    head
}

pub(super) fn io_error(
    action: &'static str,
    path: &std::path::Path,
    source: io::Error,
) -> EvidenceError {
    EvidenceError::Io {
        action,
        path: path.to_path_buf(),
        source,
    }
}
