//! A data directory that refuses: by a name that is taken, or on a file system of its own that is really full.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

/// How the disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Fine,
    /// What a raise must be able to write first cannot be written; everything else can.
    Probe,
    /// It is full, but for a few pages.
    Full,
}

/// A data directory on a disk that can be broken.
#[derive(Debug)]
pub(super) struct Home {
    directory: tempfile::TempDir,
    /// Where to write until it is full, where that can be done.
    filler: Option<PathBuf>,
    state: State,
}

impl Home {
    /// On `small`, a small file system, or where temporary files are.
    pub(super) fn new(small: Option<&Path>) -> Self {
        let memory = Path::new("/dev/shm");
        let directory = match small {
            Some(small) => tempfile::tempdir_in(small),
            None if memory.is_dir() => {
                tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir())
            }
            None => tempfile::tempdir(),
        };
        Self {
            directory: directory.unwrap(),
            filler: small.map(|small| small.join("filler")),
            state: State::Fine,
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    /// Breaks it; leaves `pages` free if it is filled.
    pub(super) fn refuse(&mut self, pages: u64) {
        assert_eq!(self.state, State::Fine);
        self.state = match &self.filler {
            Some(filler) => {
                fill(filler, pages);
                State::Full
            }
            None => {
                fs::create_dir(self.path().join("probe")).unwrap();
                State::Probe
            }
        };
    }

    /// Fills what has become free since.
    pub(super) fn fill_again(&mut self, pages: u64) {
        if let (State::Full, Some(filler)) = (self.state, &self.filler) {
            fill(filler, pages);
        }
    }

    pub(super) fn mend(&mut self) {
        match self.state {
            State::Fine => {}
            State::Probe => fs::remove_dir(self.path().join("probe")).unwrap(),
            State::Full => fs::remove_file(self.filler.as_ref().unwrap()).unwrap(),
        }
        self.state = State::Fine;
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.mend();
    }
}

fn fill(filler: &Path, pages: u64) {
    let mut file = File::options()
        .append(true)
        .create(true)
        .open(filler)
        .unwrap();
    for piece in [1 << 16, 1 << 12] {
        let bytes = vec![1; piece];
        while file.write_all(&bytes).is_ok() {}
    }
    let length = file.metadata().unwrap().len();
    file.set_len((length & !4_095).saturating_sub(pages * 4_096))
        .unwrap();
}
