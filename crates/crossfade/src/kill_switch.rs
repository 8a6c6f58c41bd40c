//! The local kill switch: while it is on, only the primary answers here, nothing is mirrored, and mirrors under way end.
//!
//! It needs neither controller nor ledger nor admin listener: the signal `SIGUSR1` switches it on and `SIGUSR2` off again, and it is on
//! for as long as the data directory holds a file named [`FILE`], which also survives a restart. It changes nothing of the rollout:
//! the route's share stays, its lease is renewed, and what this process sends to the primary meanwhile is not drawn.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use crossfade_proxy::{ProxyHandle, WeakProxyHandle};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// While the data directory holds a file of this name, the switch is on.
pub(crate) const FILE: &str = "kill-switch";
/// How often the file is looked for.
const LOOK: Duration = Duration::from_secs(1);

/// What switches it on and what off, heard from the process's first moment: until then the system's default for them ends the process.
#[derive(Debug)]
pub(crate) struct Switching(Option<(Signal, Signal)>);

/// What the switch of one process stands at, by each of the two ways.
#[derive(Debug)]
pub(crate) struct KillSwitch {
    file: PathBuf,
    by_file: AtomicBool,
    by_signal: AtomicBool,
    plane: WeakProxyHandle,
    signals: Switching,
}

// === impl Switching ===

impl Switching {
    /// Listens from now on: what is told before the switch is there is heard by it.
    pub(crate) fn new() -> Self {
        let heard = (
            signal(SignalKind::user_defined1()),
            signal(SignalKind::user_defined2()),
        );
        Self(match heard {
            (Ok(on), Ok(off)) => Some((on, off)),
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(%error, "kill_switch.signals_unavailable");
                None
            }
        })
    }
}

// === impl KillSwitch ===

impl KillSwitch {
    /// As the data directory has it now, and as it was switched by signal since `signals` are heard, so that no request comes before it.
    pub(crate) async fn new(directory: &Path, plane: &ProxyHandle, signals: Switching) -> Self {
        let switch = Self {
            file: directory.join(FILE),
            by_file: AtomicBool::default(),
            by_signal: AtomicBool::default(),
            plane: plane.downgrade(),
            signals,
        };
        switch.look().await;
        switch
    }

    /// Follows the signals and the file for as long as it is polled.
    pub(crate) async fn run(mut self) {
        let signals = self.signals.0.take();
        tokio::join!(self.follow_signals(signals), self.follow_file());
    }

    async fn follow_signals(&self, signals: Option<(Signal, Signal)>) {
        let Some((mut on, mut off)) = signals else {
            return;
        };
        loop {
            let switched_on = tokio::select! {
                () = heard_one(&mut on) => true,
                () = heard_one(&mut off) => false,
            };
            self.by_signal.store(switched_on, Ordering::Relaxed);
            self.apply();
        }
    }

    async fn follow_file(&self) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look().await;
        }
    }

    /// Looks for the file. A directory that cannot be read leaves the switch as it is.
    async fn look(&self) {
        if let Ok(there) = tokio::fs::try_exists(&self.file).await {
            self.by_file.store(there, Ordering::Relaxed);
            self.apply();
        }
    }

    fn apply(&self) {
        let Some(plane) = self.plane.upgrade() else {
            return;
        };
        let (by_signal, by_file) = (
            self.by_signal.load(Ordering::Relaxed),
            self.by_file.load(Ordering::Relaxed),
        );
        let on = by_signal || by_file;
        if plane.is_killed() != on {
            plane.kill(on);
            tracing::warn!(on, by_signal, by_file, "kill_switch.switched");
        }
    }
}

/// Waits for a signal; for ever, once there can be none any more.
async fn heard_one(signal: &mut Signal) {
    if signal.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}
