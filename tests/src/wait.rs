//! Waiting for facts.

use std::time::Duration;

/// How long anything may take before it counts as hung; only what fails takes as long, so a busy machine has time.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// Looks until it is so, and returns what was seen.
///
/// The test fails if it is not so within [`PATIENCE`].
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    within(PATIENCE, what, async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(LOOK).await;
        }
    })
    .await
}

/// Waits for something at most this long.
///
/// The test fails if it takes longer.
pub async fn within<T>(limit: Duration, what: &str, work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(limit, work).await;
    done.unwrap_or_else(|_| panic!("not within {limit:?}: {what}"))
}
