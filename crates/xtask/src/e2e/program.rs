//! The program as a child process: `serve` with a configuration, and the operator's verbs.

use std::{
    ffi::OsStr,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::{Stage, stage};

/// How long the program may take to be ready, or to end; only what fails takes as long, so a busy machine has time.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
/// The token of the one operator, and its SHA-256 as the configuration has it.
const TOKEN: &str = "e2e-owner-token";
const DIGEST: &str = "4a0e57d8566d8556bf0f689f69bdea2362a4255b4256563114348d6a89537c0f";

/// A running `serve`; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    path: PathBuf,
    child: Child,
    /// Goes with the process, if nothing else needs it.
    home: Option<TempDir>,
    /// Where applications connect.
    pub(crate) address: SocketAddr,
    /// Where operators connect.
    pub(super) admin: SocketAddr,
}

// === impl Program ===

impl Program {
    /// Starts it between the two providers, and waits until it says where it listens.
    pub(super) fn serve(program: &Path, stage: &Stage) -> Result<Self> {
        Self::serve_under(&[], program, stage)
    }

    /// The same, started by another program.
    pub(super) fn serve_under(wrapper: &[&OsStr], program: &Path, stage: &Stage) -> Result<Self> {
        Self::serve_with(wrapper, program, &configuration(stage))
    }

    /// With this configuration, to which the data directory and the operator's token are added.
    pub(crate) fn serve_with(wrapper: &[&OsStr], program: &Path, text: &str) -> Result<Self> {
        let home = TempDir::new().context("cannot make a directory")?;
        let mut program = Self::serve_in(wrapper, program, text, home.path(), |_| ())?;
        program.home = Some(home);
        Ok(program)
    }

    /// The same in a directory that outlives it; `started` hears the child's number before it is ready.
    pub(super) fn serve_in(
        wrapper: &[&OsStr],
        program: &Path,
        text: &str,
        home: &Path,
        started: impl FnOnce(u32),
    ) -> Result<Self> {
        let config = home.join("crossfade.toml");
        let text = format!("{}{text}", own(home));
        fs::write(&config, text).context("cannot write the configuration")?;
        let log = File::create(home.join("log")).context("cannot make a log")?;
        let mut words = wrapper.iter().copied().chain([program.as_os_str()]);
        let first = words.next().context("nothing to run")?;
        let mut child = Command::new(first)
            .args(words)
            .args(["serve", "--config"])
            .arg(&config)
            .env("E2E_ACCESS_KEY", crossfade_sim::bedrock::ACCESS_KEY)
            .env("E2E_SECRET_KEY", crossfade_sim::bedrock::SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", first.display()))?;
        started(child.id());
        let (address, admin) = match ready(&mut child, home) {
            Ok(addresses) => addresses,
            Err(error) => {
                child.kill().ok();
                child.wait().ok();
                return Err(error);
            }
        };
        Ok(Self {
            path: program.to_owned(),
            child,
            home: None,
            address,
            admin,
        })
    }

    /// The child's number: the wrapper's, if there is one.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// An operator's verb for this process; returns what it printed.
    pub(crate) fn operate(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.path)
            .args(arguments)
            .env("CROSSFADE_ADMIN", format!("http://{}", self.admin))
            .env("CROSSFADE_ADMIN_TOKEN", TOKEN)
            .output()
            .context("cannot run the operator's verb")?;
        let problem = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{}: {problem}",
            arguments.join(" ")
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// `verify-ledger` on the data of a process that has a directory of its own; returns what it printed.
    pub(crate) fn verify_ledger(&self) -> Result<String> {
        let home = self.home.as_ref().context("the directory is another's")?;
        let data = home.path().join("data");
        let data = data.to_str().context("the directory's name is no UTF-8")?;
        self.operate(&["verify-ledger", "--data", data])
    }

    /// What `status` says of a route, as JSON, once it is as wanted.
    pub(super) fn until(
        &self,
        route: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let asked = Instant::now();
        loop {
            let status = self.operate(&["status", route, "--output", "json"])?;
            let status: Value = serde_json::from_str(&status).context("the status is no JSON")?;
            let route = status.pointer("/routes/0").context("no route")?;
            if wanted(route) {
                return Ok(route.clone());
            }
            ensure!(
                asked.elapsed() < PATIENCE,
                "not within {PATIENCE:?}: {what}: {route}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The addresses that the log names.
fn ready(child: &mut Child, home: &Path) -> Result<(SocketAddr, SocketAddr)> {
    let asked = Instant::now();
    loop {
        let log = fs::read_to_string(home.join("log")).context("cannot read the log")?;
        if let Some(addresses) = log.lines().find_map(addresses) {
            return Ok(addresses);
        }
        if let Some(status) = child.try_wait().context("cannot see the program")? {
            bail!("it ended with {status}: {}", log.trim());
        }
        ensure!(
            asked.elapsed() < PATIENCE,
            "not ready within {PATIENCE:?}: {}",
            log.trim()
        );
        // Another process: there is nothing to wait on but what it writes.
        std::thread::sleep(Duration::from_millis(25));
    }
}

fn addresses(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let named = |name: &str| line.get(name)?.as_str()?.parse().ok();
    Some((named("address")?, named("admin_address")?))
}

/// The operator's token and the data directory.
fn own(home: &Path) -> String {
    let data = home.join("data");
    let data = data.display();
    format!(
        r#"
[admin]
address = "127.0.0.1:0"
[[admin.tokens]]
name = "e2e"
sha256 = "{DIGEST}"
role = "owner"
[data]
directory = "{data}"
"#
    )
}

pub(super) fn configuration(stage: &Stage) -> String {
    let (azure, bedrock) = (stage.azure.url(), stage.bedrock.url());
    let mantle = stage.mantle.url();
    let routes: Vec<String> = stage::routes()
        .map(|route| {
            let (name, candidate) = (route.deployment, route.candidate);
            format!("[routes.{name}]\nowner = \"e2e\"\ncandidate = {candidate}")
        })
        .collect();
    let routes = routes.join("\n");
    format!(
        r#"
[listen]
address = "127.0.0.1:0"
[azure]
endpoint = "{azure}"
[bedrock]
region = "us-east-1"
endpoint = "{bedrock}"
mantle_endpoint = "{mantle}"
auth = "static"
access_key_env = "E2E_ACCESS_KEY"
secret_key_env = "E2E_SECRET_KEY"
{routes}
"#
    )
}
