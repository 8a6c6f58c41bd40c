//! The store of kept exchanges: two logs, one of exchanges and one of the summaries that stay when bodies go, and an index
//! of summaries in memory. Every bound drops the oldest.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crossfade_exchange::{Caller, Exchange, Recording};
use serde::Serialize;

use super::{
    EvidenceError,
    kept::{BodyHashes, Filter, KeptExchange, KeptSummary},
    log::{Fullness, Location, SegmentLog},
    vault::{EvidenceKeys, Vault},
};
use crate::DataDirectory;

/// A segment takes this part of the bound.
const PARTS: u64 = 16;
/// The largest and the smallest segment.
const SEGMENT_BYTES: (u64, u64) = (64 << 10, 32 << 20);
/// The part of the bound that summaries may take beside it.
const SUMMARY_PART: u64 = 8;
/// The most exchanges that are known, with bodies or without: about 100 MB of memory.
const MOST_KNOWN: usize = 100_000;
/// The most summaries in one answer.
const MOST_LISTED: usize = 1_000;

/// The bounds of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvidenceSettings {
    /// Bytes of exchanges on disk; summaries take up to an eighth of it besides.
    pub max_bytes: u64,
    /// How long bodies are kept, at most: a segment goes as a whole with the first of its records that is too old, and spans
    /// at most a sixteenth of this.
    pub retention: Duration,
    /// How long summaries are kept.
    pub summaries: Duration,
}

/// Kept exchanges. All calls may wait for the disk; none is for an asynchronous task.
pub struct EvidenceStore {
    inner: Mutex<Inner>,
    hash_key: [u8; 32],
}

/// What the store holds, and what became of the rest since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EvidenceStats {
    /// Exchanges with bodies.
    pub exchanges: u64,
    /// Summaries of which the bodies are gone.
    pub summaries: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Exchanges whose bodies were dropped for a bound of bytes, count or age.
    pub dropped: u64,
    /// Records that could not be read.
    pub damaged: u64,
    /// When the oldest exchange with bodies was kept, in milliseconds since the Unix epoch.
    pub oldest_unix_ms: Option<u64>,
}

/// What was deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// The ids of the exchanges.
    pub ids: Vec<String>,
}

struct Inner {
    bodies: SegmentLog,
    summaries: SegmentLog,
    index: Index,
    settings: EvidenceSettings,
    dropped: u64,
    damaged: u64,
}

/// Summaries in the order in which they were kept.
#[derive(Default)]
struct Index {
    entries: BTreeMap<u64, Entry>,
    by_id: HashMap<String, u64>,
    next: u64,
    with_bodies: u64,
}

struct Entry {
    summary: KeptSummary,
    at: Location,
}

// === impl EvidenceStore ===

impl std::fmt::Debug for EvidenceStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EvidenceStore(…)")
    }
}

impl EvidenceStore {
    /// Opens the store in a data directory and reads the summaries of what it holds.
    ///
    /// # Errors
    /// Without a current key, under another key than the files', or if the directory cannot be read.
    pub fn open(
        directory: &DataDirectory,
        settings: EvidenceSettings,
        keys: &EvidenceKeys,
    ) -> Result<Self, EvidenceError> {
        let path = directory.path().join("evidence");
        if keys.current.is_none() {
            return Err(EvidenceError::NoKey { path });
        }
        let vault = Arc::new(Vault::new(keys)?);
        let (smallest, largest) = SEGMENT_BYTES;
        let span = millis(settings.retention) / PARTS;
        let fullness = Fullness {
            bytes: (settings.max_bytes / PARTS).clamp(smallest, largest),
            span_ms: span,
        };
        let mut index = Index::default();
        let mut damaged = 0;
        let mut read = |name: &str, bodies: bool, fullness| {
            let index = &mut index;
            let each = |at: Location, head: &[u8]| {
                let mut summary: KeptSummary = serde_json::from_slice(head).ok()?;
                summary.bodies = bodies;
                let kept_unix_ms = summary.kept_unix_ms;
                index.insert(summary, at);
                Some(kept_unix_ms)
            };
            let read = SegmentLog::open(path.join(name), Arc::clone(&vault), fullness, each)?;
            damaged += read.damaged;
            Ok::<_, EvidenceError>(read.log)
        };
        let of_summaries = Fullness {
            bytes: (fullness.bytes / SUMMARY_PART).max(smallest),
            span_ms: millis(settings.summaries) / PARTS,
        };
        let summaries = read("summaries", false, of_summaries)?;
        let bodies = read("exchanges", true, fullness)?;
        if damaged > 0 {
            tracing::warn!(damaged, "backplane.evidence.damaged");
        }
        Ok(Self {
            inner: Mutex::new(Inner {
                bodies,
                summaries,
                index,
                settings,
                dropped: 0,
                damaged,
            }),
            hash_key: blake3::derive_key("crossfade 2026 body hash", directory.key().expose()),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is made on disk first, so what a panic leaves is still true.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hashes of an exchange's bodies as they came: to be made before they are redacted.
    pub fn hashes(&self, exchange: &Exchange) -> BodyHashes {
        let hash = |body: &[u8]| {
            let hash = blake3::keyed_hash(&self.hash_key, body).to_hex();
            hash.chars().take(32).collect::<String>()
        };
        let of = |recording: &Option<Recording>| recording.as_ref().map(|r| hash(&r.body));
        BodyHashes {
            request: hash(&exchange.request),
            primary: of(&exchange.primary),
            candidate: of(&exchange.candidate),
        }
    }

    /// Keeps an exchange; one that was kept under the same id is replaced. What this puts over a bound goes, oldest first.
    ///
    /// # Errors
    /// If it cannot be written; nothing of it is left then, and the store goes on.
    pub fn put(&self, kept: &KeptExchange) -> Result<(), EvidenceError> {
        let summary = kept.summary();
        let head = serde_json::to_vec(&summary).map_err(EvidenceError::Form)?;
        let body = kept.encode()?;
        let mut inner = self.lock();
        // Before, so that a full disk gets its room back.
        inner.enforce(kept.kept_unix_ms);
        let at = inner.bodies.append(&head, &body, kept.kept_unix_ms)?;
        inner.index.insert(summary, at);
        inner.enforce(kept.kept_unix_ms);
        Ok(())
    }

    /// An exchange with its bodies; `None` if it is not known or they are gone.
    pub fn get(&self, id: &str) -> Result<Option<KeptExchange>, EvidenceError> {
        let (body, summary) = {
            let inner = self.lock();
            let Some(entry) = inner.index.get(id).filter(|entry| entry.summary.bodies) else {
                return Ok(None);
            };
            (inner.bodies.body(&entry.at)?, entry.summary.clone())
        };
        body.map(|body| KeptExchange::decode(&body, &summary))
            .transpose()
    }

    /// What is known of an exchange without its bodies.
    pub fn summary(&self, id: &str) -> Option<KeptSummary> {
        let inner = self.lock();
        inner.index.get(id).map(|entry| entry.summary.clone())
    }

    /// Summaries, the last kept first: at most `limit`, and at most a thousand.
    pub fn list(&self, filter: &Filter, limit: usize) -> Vec<KeptSummary> {
        let inner = self.lock();
        let index = &inner.index;
        let end = match &filter.before {
            Some(id) => match index.by_id.get(id) {
                Some(number) => *number,
                None => return Vec::new(),
            },
            None => u64::MAX,
        };
        let newest_first = index.entries.range(..end).rev();
        newest_first
            .map(|(_, entry)| &entry.summary)
            .filter(|summary| filter.takes(summary))
            .take(limit.min(MOST_LISTED))
            .cloned()
            .collect()
    }

    /// Deletes everything of a caller, by the credential or by the user, whichever is named: the records' bytes are no longer in
    /// any file when it returns. (The file system may still have them, sealed, in blocks it has freed.)
    ///
    /// # Errors
    /// If a file cannot be rewritten, or could not be read when the store was opened; what was deleted until then stays deleted, and the
    /// call can be repeated.
    pub fn delete_caller(&self, caller: &Caller) -> Result<Deleted, EvidenceError> {
        let segments = {
            let inner = self.lock();
            [inner.bodies.segments(), inner.summaries.segments()]
        };
        let [bodies, summaries] = segments;
        let mut ids = HashSet::new();
        // The lock is given up between files, so that what comes in meanwhile waits for one at most. Nothing is appended to
        // files that were full, and what is appended after this call began is not its matter.
        for (number, of_bodies) in bodies
            .into_iter()
            .map(|number| (number, true))
            .chain(summaries.into_iter().map(|number| (number, false)))
        {
            self.lock().delete(number, of_bodies, caller, &mut ids)?;
        }
        let inner = self.lock();
        inner.bodies.is_known()?;
        inner.summaries.is_known()?;
        let mut ids: Vec<String> = ids.into_iter().collect();
        ids.sort_unstable();
        Ok(Deleted { ids })
    }

    /// Drops what is too old, and makes what was kept durable. To be called every few seconds.
    pub fn sweep(&self, now_unix_ms: u64) -> Result<(), EvidenceError> {
        let mut inner = self.lock();
        inner.enforce(now_unix_ms);
        inner.bodies.sync()?;
        inner.summaries.sync()
    }

    /// Makes what was kept durable.
    pub fn sync(&self) -> Result<(), EvidenceError> {
        let mut inner = self.lock();
        inner.bodies.sync()?;
        inner.summaries.sync()
    }

    /// What it holds.
    pub fn stats(&self) -> EvidenceStats {
        let inner = self.lock();
        let index = &inner.index;
        let oldest = index.entries.values().find(|entry| entry.summary.bodies);
        EvidenceStats {
            exchanges: index.with_bodies,
            summaries: (index.entries.len() as u64).saturating_sub(index.with_bodies),
            bytes: inner.bodies.bytes() + inner.summaries.bytes(),
            dropped: inner.dropped,
            damaged: inner.damaged,
            oldest_unix_ms: oldest.map(|entry| entry.summary.kept_unix_ms),
        }
    }
}

// === impl Inner ===

impl Inner {
    /// Drops the oldest until every bound is kept.
    fn enforce(&mut self, now_unix_ms: u64) {
        let before = |keep: Duration| now_unix_ms.saturating_sub(millis(keep));
        for number in self.bodies.begun_before(before(self.settings.retention)) {
            self.drop_bodies(number);
        }
        for number in self.summaries.begun_before(before(self.settings.summaries)) {
            self.drop_summaries(number);
        }
        let over = |log: &SegmentLog, most: u64| log.oldest().filter(|_| log.bytes() > most);
        while let Some(number) = over(&self.bodies, self.settings.max_bytes) {
            if !self.drop_bodies(number) {
                break;
            }
        }
        let most = self.settings.max_bytes / SUMMARY_PART;
        while let Some(number) = over(&self.summaries, most) {
            if !self.drop_summaries(number) {
                break;
            }
        }
        while self.index.entries.len() > MOST_KNOWN {
            let done = match (self.summaries.oldest(), self.bodies.oldest()) {
                (Some(number), _) => self.drop_summaries(number),
                (None, Some(number)) => self.drop_bodies(number) && self.drop_all_summaries(),
                (None, None) => false,
            };
            if !done {
                break;
            }
        }
    }

    /// Turns a segment of exchanges into summaries. A summary that cannot be written is given up: the room matters more.
    fn drop_bodies(&mut self, number: u64) -> bool {
        let Self {
            bodies,
            summaries,
            index,
            ..
        } = self;
        let mut lost = Vec::new();
        for entry in index.entries.values_mut() {
            if !entry.summary.bodies || entry.at.segment != number {
                continue;
            }
            entry.summary.bodies = false;
            index.with_bodies = index.with_bodies.saturating_sub(1);
            self.dropped += 1;
            let written = serde_json::to_vec(&entry.summary)
                .map_err(EvidenceError::Form)
                .and_then(|head| summaries.append(&head, &[], entry.summary.kept_unix_ms));
            match written {
                Ok(at) => entry.at = at,
                Err(error) => {
                    tracing::debug!(%error, "backplane.evidence.summary_lost");
                    lost.push(entry.summary.id.clone());
                }
            }
        }
        for id in &lost {
            index.remove(id);
        }
        if let Err(error) = summaries.sync() {
            tracing::warn!(%error, "backplane.evidence.summaries_not_durable");
        }
        removed(&bodies.remove(number))
    }

    fn drop_summaries(&mut self, number: u64) -> bool {
        let gone = |entry: &Entry| !entry.summary.bodies && entry.at.segment == number;
        let entries = self.index.entries.values();
        let ids: Vec<String> = entries
            .filter(|entry| gone(entry))
            .map(|entry| entry.summary.id.clone())
            .collect();
        for id in &ids {
            self.index.remove(id);
        }
        removed(&self.summaries.remove(number))
    }

    fn drop_all_summaries(&mut self) -> bool {
        while let Some(number) = self.summaries.oldest() {
            if !self.drop_summaries(number) {
                return false;
            }
        }
        true
    }

    fn delete(
        &mut self,
        number: u64,
        of_bodies: bool,
        caller: &Caller,
        ids: &mut HashSet<String>,
    ) -> Result<(), EvidenceError> {
        let Self {
            bodies,
            summaries,
            index,
            ..
        } = self;
        let log = if of_bodies { bodies } else { summaries };
        let read = |head: &[u8]| serde_json::from_slice::<KeptSummary>(head).ok();
        let mut gone = Vec::new();
        log.without(
            number,
            |head| {
                let id = read(head).filter(|summary| summary.is_of(caller));
                let goes = id.is_some();
                gone.extend(id.map(|summary| summary.id));
                goes
            },
            |head, at| {
                if let Some(summary) = read(head) {
                    index.moved(&summary.id, of_bodies, number, at);
                }
            },
        )?;
        for id in gone {
            index.remove(&id);
            ids.insert(id);
        }
        Ok(())
    }
}

fn removed(result: &Result<(), EvidenceError>) -> bool {
    if let Err(error) = result {
        tracing::warn!(%error, "backplane.evidence.drop_failed");
    }
    result.is_ok()
}

// === impl Index ===

impl Index {
    fn insert(&mut self, summary: KeptSummary, at: Location) {
        self.remove(&summary.id);
        self.with_bodies += u64::from(summary.bodies);
        self.by_id.insert(summary.id.clone(), self.next);
        self.entries.insert(self.next, Entry { summary, at });
        self.next += 1;
    }

    fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(self.by_id.get(id)?)
    }

    fn remove(&mut self, id: &str) {
        let Some(number) = self.by_id.remove(id) else {
            return;
        };
        if let Some(entry) = self.entries.remove(&number) {
            self.with_bodies -= u64::from(entry.summary.bodies);
        }
    }

    /// A record stands elsewhere in its segment now, or is no more.
    fn moved(&mut self, id: &str, of_bodies: bool, segment: u64, at: Option<Location>) {
        let Some(number) = self.by_id.get(id) else {
            return;
        };
        let Some(entry) = self.entries.get_mut(number) else {
            return;
        };
        if entry.summary.bodies != of_bodies || entry.at.segment != segment {
            return;
        }
        match at {
            Some(at) => entry.at = at,
            None => self.remove(id),
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
