//! The end of outcome logs: they live as long as their attempt, and then as long as somebody may want to verify it, and there is
//! room.

use std::{
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

use crossfade_exchange::RouteId;

use super::{FOLDER, path_of, safe_name};

/// What the outcome logs of one route take on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeSizes {
    /// That of the running attempt or shadow watch.
    pub running_bytes: u64,
    /// Those of attempts and watches that have ended.
    pub ended_bytes: u64,
}

/// Whether the data directory at `directory` holds any outcome log.
pub fn holds_outcomes(directory: &Path) -> io::Result<bool> {
    let files = match fs::read_dir(directory.join(FOLDER)) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    for file in files {
        if is_log(&file?.path()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_log(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "log")
}

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
        if !is_log(&path) || kept.contains(&path) {
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

/// Removes logs of a route's ended attempts, the oldest first, until all of its logs take at most `bound` bytes. That of the
/// attempt that is `running` stays, and so does the newest, whatever they take. Gives back what is left, and how many went.
pub fn bound_outcomes(
    directory: &Path,
    route: &RouteId,
    running: Option<u64>,
    bound: u64,
) -> io::Result<(OutcomeSizes, u64)> {
    let of_route = format!("{}.", safe_name(route.as_str()));
    let mut logs: Vec<(u64, u64)> = Vec::new();
    for file in fs::read_dir(directory.join(FOLDER))? {
        let file = file?;
        let name = file.file_name();
        let attempt = name
            .to_str()
            .and_then(|name| name.strip_prefix(&of_route)?.strip_suffix(".log"))
            .and_then(|attempt| attempt.parse().ok());
        if let Some(attempt) = attempt {
            logs.push((attempt, file.metadata()?.len()));
        }
    }
    logs.sort_unstable();
    let newest = logs.last().map(|(attempt, _)| *attempt);
    let mut sizes = OutcomeSizes::default();
    let mut total: u64 = logs.iter().map(|(_, bytes)| bytes).sum();
    let mut removed = 0;
    for (attempt, bytes) in logs {
        let runs = running == Some(attempt);
        if total > bound && !runs && newest != Some(attempt) {
            fs::remove_file(path_of(directory, route, attempt))?;
            total -= bytes;
            removed += 1;
        } else if runs {
            sizes.running_bytes += bytes;
        } else {
            sizes.ended_bytes += bytes;
        }
    }
    Ok((sizes, removed))
}
