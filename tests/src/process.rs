//! The program in a process of its own: for what only a process can show (signals, crashes, standard error, exit codes).

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Admin, setup::ENVIRONMENT, wait::eventually};

/// A command that is killed when it is dropped.
#[derive(Debug)]
struct Running {
    child: Child,
    output: TempDir,
}

/// A running `serve`.
#[derive(Debug)]
pub struct Process {
    running: Running,
    address: SocketAddr,
    admin: SocketAddr,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// A program with these arguments, in the tests' environment.
pub fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(ENVIRONMENT.iter().copied())
        .env_remove("CROSSFADE_ADMIN")
        .env_remove("CROSSFADE_ADMIN_TOKEN")
        .stdin(Stdio::null());
    command
}

/// Runs a command that ends by itself.
pub async fn run(command: Command) -> Ended {
    let mut running = Running::start(command);
    let status = running.end().await;
    Ended {
        status,
        stdout: running.read("stdout"),
        stderr: running.read("stderr"),
    }
}

// === impl Running ===

impl Running {
    fn start(mut command: Command) -> Self {
        let output = tempfile::tempdir().expect("a directory");
        let file = |name: &str| File::create(output.path().join(name)).expect("a file");
        let child = command
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn();
        Self {
            child: child.expect("a program"),
            output,
        }
    }

    fn read(&self, name: &str) -> String {
        let bytes = fs::read(self.output.path().join(name)).expect("a file");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    async fn end(&mut self) -> ExitStatus {
        eventually("the program's end", async || {
            self.child.try_wait().expect("a child")
        })
        .await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

// === impl Process ===

impl Process {
    /// Starts `serve` with this configuration, and waits until it says where it listens.
    pub async fn serve(program: &str, config: &Path) -> Self {
        let config = config.to_str().expect("a path of text");
        Self::start(command(program, &["serve", "--config", config])).await
    }

    /// Starts a command that ends up as `serve`.
    pub async fn start(command: Command) -> Self {
        let mut running = Running::start(command);
        let (address, admin) = eventually("a process that serves", async || {
            if let Some(status) = running.child.try_wait().expect("a child") {
                panic!("ended with {status}: {}", running.read("stderr"));
            }
            addresses(&running.read("stderr"))
        })
        .await;
        Self {
            running,
            address,
            admin,
        }
    }

    /// Where applications connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The operator's side.
    pub fn admin(&self) -> Admin {
        Admin::new(self.admin)
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.running.child.id()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.running.read("stderr")
    }

    /// Sends it a signal by name.
    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.expect("kill").success(), "signal {name} to {id}");
    }

    /// Kills it: no handler runs, nothing is flushed.
    pub async fn kill(mut self) {
        self.running.child.kill().expect("a process that runs");
        self.running.end().await;
    }

    /// Waits for its end, and returns how it ended and what it logged.
    pub async fn ended(mut self) -> (ExitStatus, String) {
        let status = self.running.end().await;
        (status, self.running.read("stderr"))
    }
}

/// Where a process listens, by its own log.
fn addresses(log: &str) -> Option<(SocketAddr, SocketAddr)> {
    log.lines().find_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let find = |name: &str| {
            let top = line.get(name);
            let found = top.or_else(|| line.get("fields")?.get(name))?;
            found.as_str()?.parse().ok()
        };
        Some((find("address")?, find("admin_address")?))
    })
}
