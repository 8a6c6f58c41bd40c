//! `crossfade demo`: the whole story on one machine, with simulated providers, real sockets and no credentials.
//!
//! It drives what `serve` runs, from outside: load by the applications' wire, changes by the admin API, figures from
//! `status`, `/metrics`, the ledger file and the callers' own notes. It knows no way round any of them.

use std::time::Duration;

use anyhow::bail;

use crate::{cli::print, telemetry};

mod exposition;
mod facts;
mod operator;
mod overhead;
mod phase;
mod screen;
mod story;
mod summary;
mod tally;
mod world;

use screen::Screen;
use world::World;

/// Tells the story in about this long, prints its summary, and fails if it did not happen. With `keep` everything
/// stays up afterwards until the process is told to stop.
pub async fn run(length: Duration, keep: bool) -> anyhow::Result<()> {
    telemetry::init_logging(telemetry::LogFormat::Text, "error")?;
    telemetry::quiet_panics();
    let screen = Screen::new();
    let told = tokio::select! {
        told = tell(&screen, length, keep) => told,
        interrupted = interrupted() => {
            screen.end();
            interrupted?;
            bail!("interrupted before the story was over")
        }
    };
    let (world, failures) = told?;
    if keep {
        world.stay(&screen).await?;
    } else {
        world.end().await;
    }
    if failures.is_empty() {
        return Ok(());
    }
    bail!(
        "the story did not happen: {} of its parts failed, see above",
        failures.len()
    )
}

async fn tell(
    screen: &Screen,
    length: Duration,
    keep: bool,
) -> anyhow::Result<(World, Vec<String>)> {
    let world = World::start(keep).await?;
    let facts = story::tell(&world, screen, length).await?;
    let failures = facts.failures();
    screen.end();
    print::data(&summary::text(&facts, &failures));
    Ok((world, failures))
}

/// Until the process is told to stop: then what it has made is removed on the way out.
async fn interrupted() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminated.recv() => Ok(()),
    }
}
