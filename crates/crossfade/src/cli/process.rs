//! The commands that stay: they load what they need, start a runtime and hand over.

use std::{future::Future, time::Duration};

use crate::config::Config;

use super::{
    args::{Role, ServeArgs},
    failure::Failure,
};

/// How long what still blocks when a process ends is waited for.
const LEFT_BEHIND: Duration = Duration::from_secs(2);

/// `serve`: until the process is told to stop.
pub(super) fn serve(args: &ServeArgs) -> Result<(), Failure> {
    match args.role {
        Role::All => {}
        Role::Proxy | Role::Worker => {
            return Err(Failure::usage(
                "a process of one role needs a backplane that is shared, and there is only \"local\" yet",
                "leave --role out",
            ));
        }
    }
    let config = Config::load(&args.config)?;
    on_all_cores(crate::serve::run(config))
}

/// `demo`: the whole story, then its summary.
#[cfg(feature = "demo")]
pub(super) fn demo(args: &super::args::DemoArgs) -> Result<(), Failure> {
    let length = Duration::from_secs(args.seconds);
    on_all_cores(crate::demo::run(length, args.keep))
}

/// Runs something that serves on a runtime with a thread for each core.
pub(super) fn on_all_cores<F: Future<Output = anyhow::Result<()>>>(work: F) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime =
        runtime.map_err(|error| Failure::plain(format!("cannot start threads: {error}")))?;
    let done = runtime.block_on(work);
    // All that is waited for has been; what still hangs at a disk must not keep the process.
    runtime.shutdown_timeout(LEFT_BEHIND);
    Ok(done?)
}

/// Runs one exchange with the network on this thread.
pub(super) fn on_this_thread<T, F: Future<Output = Result<T, Failure>>>(
    work: F,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime =
        runtime.map_err(|error| Failure::plain(format!("cannot start a runtime: {error}")))?;
    runtime.block_on(work)
}
