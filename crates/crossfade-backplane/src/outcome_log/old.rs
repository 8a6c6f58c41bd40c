//! The end of outcome logs: they live as long as their attempt, and then as long as somebody may want to verify it.

use std::{
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

use crossfade_exchange::RouteId;

use super::{FOLDER, path_of};

/// Removes the logs in the data directory at `directory` that were last written more than `age` before `now`, but for those of the
/// attempts that are `running`. Gives back how many.
pub fn remove_old_outcomes<'a>(
    directory: &Path,
    running: impl Iterator<Item = (&'a RouteId, u64)>,
    now: SystemTime,
    age: Duration,
) -> io::Result<u64> {
    let kept: Vec<_> = running
        .map(|(route, attempt)| path_of(directory, route, attempt))
        .collect();
    let mut removed = 0;
    for file in fs::read_dir(directory.join(FOLDER))? {
        let path = file?.path();
        let is_log = path.extension().is_some_and(|extension| extension == "log");
        if !is_log || kept.contains(&path) {
            continue;
        }
        let written = fs::metadata(&path)?.modified()?;
        if now.duration_since(written).is_ok_and(|old| old > age) {
            fs::remove_file(&path)?;
            removed += 1;
        }
    }
    Ok(removed)
}
