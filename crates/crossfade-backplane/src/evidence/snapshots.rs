//! Snapshots of statistics: opaque bytes by route, each replaced as a whole, sealed where a key is configured.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
};

use crossfade_exchange::RouteId;

use super::{
    EvidenceError,
    segment::{Segment, Tail, io_error},
    vault::{EvidenceKeys, Vault},
};
use crate::{DataDirectory, directory::sync_directory};

/// The snapshots of a data directory.
#[derive(Debug)]
pub struct Snapshots {
    directory: PathBuf,
    vault: Vault,
}

// === impl Snapshots ===

impl Snapshots {
    /// In a data directory. Where its folder cannot be made nothing is kept, and every [`Snapshots::put`] says so.
    pub fn open(directory: &DataDirectory, keys: &EvidenceKeys) -> Result<Self, EvidenceError> {
        let directory = directory.path().join("statistics");
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory);
        if let Err(error) = made {
            tracing::error!(path = %directory.display(), %error, "backplane.statistics.no_directory");
        }
        Ok(Self {
            directory,
            vault: Vault::new(keys)?,
        })
    }

    /// Replaces a route's snapshot. Durable when it returns; on failure the old one stands.
    pub fn put(&self, route: &RouteId, snapshot: &[u8]) -> Result<(), EvidenceError> {
        let path = self.path(route);
        let fresh = path.with_extension("new");
        let mut segment = Segment::create(fresh.clone(), &self.vault)?;
        segment.append(route.as_str().as_bytes(), snapshot)?;
        segment.sync()?;
        fs::rename(&fresh, &path)
            .and_then(|()| sync_directory(&self.directory))
            .map_err(|source| io_error("replace", &path, source))
    }

    /// A route's snapshot, if there is one that can be read whole.
    ///
    /// # Errors
    /// If it was sealed under a key that is not at hand, is damaged, or cannot be read.
    pub fn get(&self, route: &RouteId) -> Result<Option<Vec<u8>>, EvidenceError> {
        let path = self.path(route);
        if !path.exists() {
            return Ok(None);
        }
        let Some(opened) = Segment::open(path.clone(), &self.vault, Tail::Keep)? else {
            return Ok(None);
        };
        let whole = |name: &[u8]| name == route.as_str().as_bytes();
        match opened.records.first() {
            Some((place, name)) if whole(name) => opened.segment.body(place).map(Some),
            Some(_) | None => Err(EvidenceError::Damaged { path, offset: 0 }),
        }
    }

    /// A route's name may hold anything; its hash is a file's name everywhere.
    fn path(&self, route: &RouteId) -> PathBuf {
        let hash = blake3::hash(route.as_str().as_bytes()).to_hex();
        let name: String = hash.chars().take(32).collect();
        self.directory.join(format!("{name}.seg"))
    }
}
