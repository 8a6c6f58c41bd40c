//! The data directory: one process at a time, one secret key, one replica number.
//!
//! It holds files for others ([`crate::Ledger`], [`crate::OutcomeLog`]) and does not look into them.

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::append_file::or_to_read;

/// Bytes that [`DataDirectory::probe`] must be able to write: more than any one append.
const PROBE_BYTES: usize = 32 * 1024;

/// How long another process may take to let go of the directory, and how often that is tried.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const LOCK_RETRY: Duration = Duration::from_millis(20);

/// The secret under which units and credentials are hashed.
#[derive(Clone)]
pub struct Key([u8; 32]);

/// An opened and locked data directory. The lock is held until it is dropped.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    key: Key,
    replica: u32,
    /// Held for its lock only.
    _lock: File,
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Another process holds it.
    #[error(
        "data directory {path:?} is in use by another process: stop it, or give this one its own [data] directory"
    )]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// Somebody else could read it.
    #[error(
        "{path:?} has mode {mode:04o}, so that others may read it: run `chmod {wanted:04o}` on it"
    )]
    Permissions {
        /// The file or directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The widest mode that is accepted.
        wanted: u32,
    },
    /// A file does not hold what it should.
    #[error(
        "{path:?} does not hold {what}: restore it from a backup, or start with an empty data directory"
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// The file system refused.
    #[error("cannot {action} {path:?}: check that the directory exists, is writable and has room")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
}

// === impl Key ===

impl Key {
    /// A key from elsewhere, for replicas that share one.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a keyed hash.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

// === impl DataDirectory ===

impl DataDirectory {
    /// Opens a directory, which is made if it does not exist, and locks it against every other process. One that has it and is just
    /// ending is waited for, for 2 s; blocks.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        let path = path.into();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|source| io_error("create", &path, source))?;
        let lock = lock(&path)?;
        let outcomes = path.join("outcomes");
        // Callers are answered without it: no outcome can be logged then, so no share is leased.
        if !outcomes.is_dir()
            && let Err(error) = DirBuilder::new().mode(0o700).create(&outcomes)
        {
            tracing::error!(path = %outcomes.display(), %error, "backplane.outcomes.no_directory");
        }
        let key = read_or_make(&path, "key", "32 random bytes")?;
        let replica = u32::from_le_bytes(read_or_make(&path, "replica", "a replica number")?);
        Ok(Self {
            path,
            key: Key(key),
            replica,
            _lock: lock,
        })
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key, made once when the directory was first opened.
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// This replica's number, made once.
    pub const fn replica(&self) -> u32 {
        self.replica
    }

    /// Replaces a small file of the directory, which only its owner may read. Durable when it returns; on failure the file is what it
    /// was.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let fresh = self.path.join(format!("{name}.new"));
        write_durably(&fresh, bytes)?;
        fs::rename(&fresh, self.path.join(name))?;
        sync_directory(&self.path)
    }

    /// Whether there is room for an append: writes more than any append does, durably, and removes it again.
    pub fn probe(&self) -> io::Result<()> {
        let path = self.path.join("probe");
        let result = write_durably(&path, &vec![0x5a; PROBE_BYTES]);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => result.and(Err(error)),
            _ => result,
        }
    }
}

fn lock(directory: &Path) -> Result<File, DirectoryError> {
    let path = directory.join("lock");
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path);
    // A disk that has become read-only keeps nobody from being answered.
    let (file, _refused) =
        or_to_read(&path, opened).map_err(|source| io_error("open", &path, source))?;
    let patience = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            // Who had it may just be ending, or have a child that has not become another program yet.
            Err(TryLockError::WouldBlock) if Instant::now() < patience => thread::sleep(LOCK_RETRY),
            Err(TryLockError::WouldBlock) => {
                return Err(DirectoryError::InUse {
                    path: directory.to_path_buf(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(io_error("lock", &path, source)),
        }
    }
}

/// Reads a small secret, or makes it: complete and durable under its name, or not there at all.
fn read_or_make<const N: usize>(
    directory: &Path,
    name: &str,
    what: &'static str,
) -> Result<[u8; N], DirectoryError> {
    let path = directory.join(name);
    match File::open(&path) {
        Ok(file) => read_secret(&file, &path, what),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let bytes: [u8; N] = std::array::from_fn(|_| rand::random());
            let fresh = directory.join(format!("{name}.new"));
            write_durably(&fresh, &bytes)
                .and_then(|()| fs::rename(&fresh, &path))
                .and_then(|()| sync_directory(directory))
                .map_err(|source| io_error("create", &path, source))?;
            Ok(bytes)
        }
        Err(source) => Err(io_error("open", &path, source)),
    }
}

fn read_secret<const N: usize>(
    mut file: &File,
    path: &Path,
    what: &'static str,
) -> Result<[u8; N], DirectoryError> {
    let read = |source| io_error("read", path, source);
    let content = || DirectoryError::Content {
        path: path.to_path_buf(),
        what,
    };
    let metadata = file.metadata().map_err(read)?;
    if !metadata.is_file() {
        return Err(content());
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(DirectoryError::Permissions {
            path: path.to_path_buf(),
            mode,
            wanted: 0o600,
        });
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(read)?;
    bytes.try_into().map_err(|_| content())
}

/// Writes a file that only its owner may read, and returns when its content is durable.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> DirectoryError {
    DirectoryError::Io {
        action,
        path: path.to_path_buf(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let first = DataDirectory::open(home.path()).unwrap();
        let refused = DataDirectory::open(home.path()).unwrap_err();
        assert!(matches!(refused, DirectoryError::InUse { .. }), "{refused}");
        drop(first);
        DataDirectory::open(home.path()).unwrap();
    }

    #[test]
    fn the_key_is_made_once_and_shown_to_nobody() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("data");
        let first = DataDirectory::open(&path).unwrap();
        let (key, replica) = (*first.key().expose(), first.replica());
        assert_eq!(format!("{:?}", first.key()), "Key(..)");
        drop(first);
        let again = DataDirectory::open(&path).unwrap();
        assert_eq!((*again.key().expose(), again.replica()), (key, replica));
        let mode = |name: &str| fs::metadata(path.join(name)).unwrap().mode() & 0o7777;
        assert_eq!(
            (mode(""), mode("key"), mode("replica")),
            (0o700, 0o600, 0o600)
        );
        again.probe().unwrap();
        assert!(!path.join("probe").exists());
    }

    #[test]
    fn a_key_that_others_may_read_or_that_is_short_is_refused() {
        let home = tempfile::tempdir().unwrap();
        drop(DataDirectory::open(home.path()).unwrap());
        let key = home.path().join("key");
        fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
        let refused = DataDirectory::open(home.path()).unwrap_err().to_string();
        assert!(
            refused.contains("mode 0640") && refused.contains("chmod 0600"),
            "{refused}"
        );
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        fs::write(&key, b"short").unwrap();
        let refused = DataDirectory::open(home.path()).unwrap_err();
        assert!(
            matches!(refused, DirectoryError::Content { .. }),
            "{refused}"
        );
        fs::remove_file(&key).unwrap();
        fs::create_dir(&key).unwrap();
        let refused = DataDirectory::open(home.path()).unwrap_err().to_string();
        assert!(
            refused.contains("does not hold 32 random bytes"),
            "{refused}"
        );
    }

    #[test]
    fn a_file_where_outcomes_belong_stops_nobody() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("outcomes"), b"").unwrap();
        let directory = DataDirectory::open(home.path()).unwrap();
        directory.probe().unwrap();
    }
}
