//! Golden sets as files: `import`, `export` and `capture`. What becomes of a case is decided in [`crossfade_replay`].

use std::{
    fs::{OpenOptions, Permissions},
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use crossfade_replay::{Case, import::Unsupported};

use crate::text::plain;

use super::{failure::Failure, print};

pub(super) mod capture;
pub(super) mod export;
pub(super) mod import;

/// Things that are named one by one; the rest is counted.
const MOST_NAMED: usize = 50;

/// Writes a new file, readable by its owner only. One that is there already is written over only by force.
fn write(path: &Path, force: bool, text: &str) -> Result<(), Failure> {
    let write = || {
        let mut options = OpenOptions::new();
        options.write(true).mode(0o600);
        if force {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        let mut file = options.open(path)?;
        // A file that was there before keeps its mode when it is opened.
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())
    };
    write().map_err(|error| {
        let what = format!("{} cannot be written: {error}", path.display());
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            Failure::new(what, "name another file, or write over it with --force")
        } else {
            Failure::new(what, "name a file in a directory that can be written")
        }
    })
}

/// The cases as a file.
fn lines(cases: &[Case]) -> String {
    let lines = cases.iter().map(Case::line);
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// Names what is missing, the first so many.
fn name(missing: &[Unsupported], more: usize) {
    for one in missing.iter().take(MOST_NAMED) {
        print::note(&plain(&one.to_string()));
    }
    let more = more + missing.len().saturating_sub(MOST_NAMED);
    if more > 0 {
        print::note(&format!("and {more} more"));
    }
}

/// A number of cases.
pub(super) fn cases(count: usize) -> String {
    match count {
        1 => "1 case".to_owned(),
        many => format!("{many} cases"),
    }
}

/// A number of things that were named.
fn things(count: usize) -> String {
    match count {
        1 => "1 thing".to_owned(),
        many => format!("{many} things"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_for_its_owner_and_is_not_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("golden.jsonl");
        write(&path, false, "a").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let refused = write(&path, false, "b").unwrap_err().to_string();
        assert!(refused.contains("--force"), "{refused}");
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        write(&path, true, "c").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "c");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write(&directory.path().join("no/file"), false, "x").is_err());
    }
}
