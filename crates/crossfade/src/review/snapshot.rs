//! Statistics on disk, so that a restart forgets nothing; taken up only while they are comparable.

use std::sync::{PoisonError, atomic::Ordering};

use crossfade_backplane::{EvidenceError, Snapshots};
use crossfade_exchange::RouteId;
use crossfade_statistics::RouteStatistics;
use serde::{Deserialize, Serialize};

use super::records::{RecordedRoute, RouteRecords};

/// What is written of one route.
#[derive(Serialize)]
struct Written<'a> {
    fingerprint: &'a str,
    statistics: &'a RouteStatistics,
}

/// What is read of one route.
#[derive(Deserialize)]
struct Read {
    fingerprint: String,
    statistics: RouteStatistics,
}

/// Statistics of a route: those on disk if they are comparable, else new ones.
pub(super) fn load(
    snapshots: &Snapshots,
    route: &RecordedRoute,
) -> Result<RouteStatistics, EvidenceError> {
    let anew = || RouteStatistics::new(route.statistics.clone());
    let read = match snapshots.get(&route.id) {
        Ok(None) => return Ok(anew()),
        Ok(Some(bytes)) => serde_json::from_slice::<Read>(&bytes),
        // Callers are answered without statistics too.
        Err(error @ (EvidenceError::Damaged { .. } | EvidenceError::Io { .. })) => {
            tracing::error!(route = %route.id, %error, "review.statistics.started_anew");
            return Ok(anew());
        }
        Err(error) => return Err(error),
    };
    let why = match read {
        Ok(read) if read.fingerprint == route.fingerprint => return Ok(read.statistics),
        Ok(_) => {
            "the route's checks, labels or candidate have changed, so that they are not comparable"
        }
        Err(_) => "they were written by another version",
    };
    tracing::warn!(route = %route.id, why, "review.statistics.started_anew");
    Ok(anew())
}

/// Writes a route's statistics if anything was told since the last time.
pub(super) fn save(
    snapshots: &Snapshots,
    route: &RouteId,
    record: &RouteRecords,
) -> Result<(), EvidenceError> {
    let _one = record.saving.lock().unwrap_or_else(PoisonError::into_inner);
    if !record.told.swap(false, Ordering::Relaxed) {
        return Ok(());
    }
    // Copied, so that nobody waits while they are written out.
    let statistics = record.statistics().clone();
    let written = Written {
        fingerprint: &record.fingerprint,
        statistics: &statistics,
    };
    let saved = serde_json::to_vec(&written)
        .map_err(EvidenceError::Form)
        .and_then(|bytes| snapshots.put(route, &bytes));
    if saved.is_err() {
        record.told.store(true, Ordering::Relaxed);
    }
    saved
}
