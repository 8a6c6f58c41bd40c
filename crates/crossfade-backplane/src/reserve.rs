//! Room on the disk that is kept for roll-backs: real bytes in a file, given up when the disk is full.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::directory::write_durably;

/// Bytes held back: some fifty roll-backs with all their evidence.
const RESERVE_BYTES: usize = 512 * 1024;

/// The file that holds the room.
#[derive(Debug)]
pub(crate) struct Reserve {
    path: PathBuf,
    held: bool,
}

impl Reserve {
    /// The reserve of a directory, not made yet.
    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            path: directory.join("ledger.reserve"),
            held: false,
        }
    }

    /// Whether the room is held.
    pub(crate) const fn is_held(&self) -> bool {
        self.held
    }

    /// Takes the room, if it is not held. Without it a roll-back still works; only its entry would wait for room.
    pub(crate) fn make(&mut self) -> io::Result<()> {
        if self.held {
            return Ok(());
        }
        let whole = fs::metadata(&self.path).is_ok_and(|m| m.len() == RESERVE_BYTES as u64);
        if !whole {
            // No two bytes alike in a row, so that no file system stores it as a hole.
            let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(RESERVE_BYTES).collect();
            if let Err(error) = write_durably(&self.path, &bytes) {
                if let Err(second) = fs::remove_file(&self.path) {
                    tracing::warn!(error = %second, "backplane.reserve.remove_failed");
                }
                return Err(error);
            }
        }
        self.held = true;
        Ok(())
    }

    /// Gives the room up.
    pub(crate) fn release(&mut self) -> io::Result<()> {
        self.held = false;
        fs::remove_file(&self.path)
    }
}
