//! The proxy under test: the real program with a real configuration, as a child process.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use super::client;
use crate::workspace;

/// How long the program may take to be ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// The deployment that has a route.
pub(super) const ROUTE: &str = "support";

/// A running proxy; it ends when dropped.
#[derive(Debug)]
pub(super) struct Proxy {
    child: Child,
    /// Where applications connect.
    pub(super) address: SocketAddr,
    /// Goes with the proxy.
    directory: TempDir,
}

// === impl Proxy ===

impl Proxy {
    /// Starts the proxy between these two providers, and waits until it is ready. One deployment is mirrored.
    pub(super) async fn start(azure_url: &str, bedrock_url: &str) -> Result<Self> {
        let program = workspace::build_crossfade()?;
        let directory = TempDir::new().context("cannot make a directory")?;
        let (address, admin) = (free_address()?, free_address()?);
        let config = configuration(azure_url, bedrock_url, address, admin, &directory);
        let file = directory.path().join("crossfade.toml");
        fs::write(&file, config).context("cannot write the configuration")?;
        let log = fs::File::create(directory.path().join("log")).context("cannot make a log")?;
        let child = Command::new(program)
            .args(["serve", "--config"])
            .arg(&file)
            .env("CONFORMANCE_ACCESS_KEY", crossfade_sim::bedrock::ACCESS_KEY)
            .env("CONFORMANCE_SECRET", crossfade_sim::bedrock::SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("cannot start the proxy")?;
        let mut proxy = Self {
            child,
            address,
            directory,
        };
        proxy.ready(admin).await?;
        Ok(proxy)
    }

    async fn ready(&mut self, admin: SocketAddr) -> Result<()> {
        let asked = tokio::time::Instant::now();
        while asked.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().context("cannot see the proxy")? {
                let log = fs::read_to_string(self.directory.path().join("log"));
                bail!(
                    "the proxy ended with {status}: {}",
                    log.unwrap_or_default().trim()
                );
            }
            let answer = client::ask(admin, "GET", "/readyz", &[], b"").await;
            if answer.is_ok_and(|answer| answer.status_line.contains(" 200 ")) {
                return Ok(());
            }
            // Another process: there is nothing to wait on but its answers.
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        bail!("the proxy was not ready within {PATIENCE:?}")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// An address that was free a moment ago.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    listener.local_addr().context("no address")
}

fn configuration(
    azure_url: &str,
    bedrock_url: &str,
    address: SocketAddr,
    admin: SocketAddr,
    directory: &TempDir,
) -> String {
    let data = directory.path().join("data");
    let data = data.display();
    format!(
        r#"
[listen]
address = "{address}"
[admin]
address = "{admin}"
[data]
directory = "{data}"
[azure]
endpoint = "{azure_url}"
# The last request that reaches the primary has to be the one that was sent.
[mirror]
ask_primary_twice = 0.0
ask_candidate_twice = 0.0

[bedrock]
region = "us-east-1"
endpoint = "{bedrock_url}"
auth = "static"
access_key_env = "CONFORMANCE_ACCESS_KEY"
secret_key_env = "CONFORMANCE_SECRET"
[routes.{ROUTE}]
owner = "conformance"
candidate = {{ model = "us.anthropic.claude-sonnet-4-6" }}
"#
    )
}
