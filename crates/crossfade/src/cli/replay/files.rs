//! Files that hold prompts and answers: for their owner's eyes only.

use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use crate::cli::failure::Failure;

/// Makes a directory where there is none, readable by its owner only.
pub(super) fn directory(path: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| failure(path, &error))
}

/// Writes a file anew, readable by its owner only.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        // A file that was there before keeps its mode when it is opened.
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        file.write_all(bytes)
    };
    write().map_err(|error| failure(path, &error))
}

/// Takes a file away, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failure(path, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn failure(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        format!("{} cannot be written: {error}", path.display()),
        "name a directory that can be written",
    )
}
