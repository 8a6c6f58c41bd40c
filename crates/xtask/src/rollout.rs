//! `cargo xtask rollout`: whole rollouts with recorded answers of real models. The simulated Azure says what one model was
//! recorded to say, the simulated Bedrock what another one was; the program between them is the real one, driven by the
//! operator's verbs, with clocks sped up by its configuration.
//!
//! A benign pair must reach `complete`; a pair with a real regression must be stopped in `shadow` by the check that names it;
//! one that begins at 25 % must be rolled back. The recordings are not part of the project; they are named by an argument or
//! by `CROSSFADE_DATA`.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::{print, workspace};

mod cast;
mod drive;
mod load;
mod plays;
mod theatre;

use plays::Play;

/// What `rollout` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The directory of recorded data
    #[arg(env = "CROSSFADE_DATA")]
    data: Option<PathBuf>,
    /// Only these
    #[arg(long, value_enum)]
    only: Vec<Play>,
}

/// Runs every play, even after one has failed.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Some(data) = &arguments.data else {
        print::line("SKIPPED: no recorded data (give its directory, or set CROSSFADE_DATA)");
        return Ok(());
    };
    ensure!(
        data.is_dir(),
        "{} is no directory of recorded data",
        data.display()
    );
    let program = workspace::build_crossfade()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut failures = Vec::new();
    for play in <Play as clap::ValueEnum>::value_variants() {
        if !arguments.only.is_empty() && !arguments.only.contains(play) {
            continue;
        }
        match runtime.block_on(play.stage(&program, data)) {
            Ok(said) => print::line(format_args!("{}: {said}", play.name())),
            Err(error) => {
                print::line(format_args!("{}: FAILED: {error:#}", play.name()));
                failures.push(play.name());
            }
        }
    }
    ensure!(failures.is_empty(), "failed: {}", failures.join(", "));
    Ok(())
}
