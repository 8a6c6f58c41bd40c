//! A file that only grows, by whole pieces or not at all. It knows no format.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

/// An append-only file. A piece that could not be written whole is cut away again, so that what follows it
/// stays readable; if even that fails, it is cut before the next piece.
#[derive(Debug)]
pub(crate) struct AppendFile {
    file: File,
    /// Bytes that are whole pieces.
    length: u64,
    /// Bytes beyond `length` may exist.
    torn: bool,
}

impl AppendFile {
    /// Opens or creates a file that only its owner may read, and gives back its bytes.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Vec<u8>)> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut &file, &mut bytes)?;
        let length = bytes.len() as u64;
        Ok((
            Self {
                file,
                length,
                torn: false,
            },
            bytes,
        ))
    }

    /// Opens or creates a file that only its owner may read, without reading it: all of it counts as whole.
    pub(crate) fn open_unread(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        let length = file.metadata()?.len();
        Ok(Self {
            file,
            length,
            torn: false,
        })
    }

    /// Reads bytes that were appended.
    pub(crate) fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(bytes, offset)
    }

    /// Bytes that are whole pieces.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Cuts everything behind `length` away, durably.
    pub(crate) fn cut(&mut self, length: u64) -> io::Result<()> {
        self.length = self.length.min(length);
        self.torn = true;
        self.heal()
    }

    /// Appends a piece; it may not be durable yet.
    pub(crate) fn append(&mut self, piece: &[u8]) -> io::Result<()> {
        self.heal()?;
        if let Err(error) = self.file.write_all_at(piece, self.length) {
            return Err(self.undo(error));
        }
        self.length += piece.len() as u64;
        Ok(())
    }

    /// Appends a piece, and returns when it is durable.
    pub(crate) fn append_durably(&mut self, piece: &[u8]) -> io::Result<()> {
        self.heal()?;
        if let Err(error) = self
            .file
            .write_all_at(piece, self.length)
            .and_then(|()| self.file.sync_data())
        {
            return Err(self.undo(error));
        }
        self.length += piece.len() as u64;
        Ok(())
    }

    /// Makes what was appended durable.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.heal()?;
        self.file.sync_data()
    }

    /// Takes back a piece that failed; the failure is what the caller hears of.
    fn undo(&mut self, error: io::Error) -> io::Error {
        self.torn = true;
        if let Err(second) = self.heal() {
            tracing::warn!(error = %second, "backplane.append.cut_failed");
        }
        error
    }

    fn heal(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.length)?;
            self.file.sync_data()?;
            self.torn = false;
        }
        Ok(())
    }
}
