//! A file that only grows, by whole pieces or not at all. It knows no format.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// An append-only file. A piece that could not be written whole is cut away again, so that what follows it
/// stays readable; if even that fails, it is cut before the next piece.
#[derive(Debug)]
pub(crate) struct AppendFile {
    path: PathBuf,
    file: File,
    /// Bytes that are whole pieces.
    length: u64,
    /// Bytes beyond `length` may exist.
    torn: bool,
    /// Why it could only be opened to be read, if that is so. Every write tries again.
    refused: Option<io::ErrorKind>,
}

impl AppendFile {
    /// Opens or creates a file that only its owner may read, and gives back its bytes. On a disk that takes no writes it is opened all
    /// the same, and every append fails until it does.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Vec<u8>)> {
        let mut file = Self::open_unread(path)?;
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut &file.file, &mut bytes)?;
        file.length = bytes.len() as u64;
        Ok((file, bytes))
    }

    /// As [`Self::open`], without reading it: all of it counts as whole.
    pub(crate) fn open_unread(path: &Path) -> io::Result<Self> {
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path);
        Self::of(path, opened)
    }

    fn of(path: &Path, opened: io::Result<File>) -> io::Result<Self> {
        let (file, refused) = or_to_read(path, opened)?;
        let length = file.metadata()?.len();
        Ok(Self {
            path: path.to_path_buf(),
            file,
            length,
            torn: false,
            refused,
        })
    }

    /// Whether nothing can be written.
    pub(crate) const fn is_read_only(&self) -> bool {
        self.refused.is_some()
    }

    /// Reads bytes that were appended.
    pub(crate) fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(bytes, offset)
    }

    /// Bytes that are whole pieces.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Cuts everything behind `length` away, durably. Of a file that can only be read it is done before the next append.
    pub(crate) fn cut(&mut self, length: u64) -> io::Result<()> {
        self.length = self.length.min(length);
        self.torn = true;
        if self.is_read_only() {
            return Ok(());
        }
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

    /// The same file, if it can be written by now. Another one of its name is nobody's to go on with.
    fn to_write(&self) -> Option<File> {
        let file = OpenOptions::new().read(true).write(true).open(&self.path);
        let file = file.ok()?;
        let (there, here) = (file.metadata().ok()?, self.file.metadata().ok()?);
        ((there.dev(), there.ino()) == (here.dev(), here.ino())).then_some(file)
    }

    fn heal(&mut self) -> io::Result<()> {
        if let Some(refused) = self.refused {
            self.file = self.to_write().ok_or(refused)?;
            self.refused = None;
        }
        if self.torn {
            self.file.set_len(self.length)?;
            self.file.sync_data()?;
            self.torn = false;
        }
        Ok(())
    }
}

/// A file that could not be opened to be written because its disk, or its mode, allows nobody to write is opened to be read; with why.
pub(crate) fn or_to_read(
    path: &Path,
    opened: io::Result<File>,
) -> io::Result<(File, Option<io::ErrorKind>)> {
    let refusal = match opened {
        Ok(file) => return Ok((file, None)),
        Err(refusal) => refusal,
    };
    match refusal.kind() {
        kind @ (io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied) => {
            // Where it cannot be read either, the first refusal says why.
            let file = File::open(path).map_err(|_| refusal)?;
            tracing::error!(path = %path.display(), problem = %io::Error::from(kind), "backplane.file.read_only");
            Ok((file, Some(kind)))
        }
        _ => Err(refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_on_a_read_only_disk_is_read_and_written_once_it_can_be() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        let refused = || Err(io::ErrorKind::ReadOnlyFilesystem.into());
        let missing = AppendFile::of(&path, refused()).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::ReadOnlyFilesystem);
        std::fs::write(&path, b"whole and torn").unwrap();
        let mut file = AppendFile::of(&path, refused()).unwrap();
        assert!(file.is_read_only());
        file.cut(5).unwrap();
        let mut bytes = [0; 5];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!((&bytes, file.length()), (b"whole", 5));
        // Until it can be written under its name it takes nothing.
        let away = home.path().join("away");
        std::fs::rename(&path, &away).unwrap();
        for other in [false, true] {
            if other {
                std::fs::write(&path, b"another file").unwrap();
            }
            for failed in [file.append(b"x"), file.append_durably(b"x"), file.sync()] {
                let kind = failed.unwrap_err().kind();
                assert_eq!(kind, io::ErrorKind::ReadOnlyFilesystem);
            }
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"another file");
        assert_eq!(std::fs::read(&away).unwrap(), b"whole and torn");
        std::fs::rename(&away, &path).unwrap();
        file.append_durably(b" again").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole again");
        assert!(!file.is_read_only());
        let other = AppendFile::of(&path, Err(io::ErrorKind::StorageFull.into()));
        assert_eq!(other.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
