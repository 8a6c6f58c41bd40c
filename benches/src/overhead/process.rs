//! Crossfade as a process of its own: started, switched, watched, ended.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crossfade_sim::bedrock::{ACCESS_KEY, SECRET};

use super::Counts;

/// The deployment that is asked.
pub(super) const ROUTE: &str = "bench";
/// Lets the bench in as an owner; it opens nothing but a process of this run on the loopback.
const TOKEN: &str = "token-of-a-benchmark";
/// How long the process may take to start.
const START: Duration = Duration::from_secs(30);

/// A running process. Dropping it ends it.
#[derive(Debug)]
pub struct Crossfade {
    child: Child,
    address: SocketAddr,
    admin: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    _directory: TempDir,
}

/// What the kernel says of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes resident.
    pub resident: u64,
    /// Nanoseconds of CPU, over all threads alive.
    pub cpu_nanos: u64,
}

impl Crossfade {
    /// Starts `serve` between two endpoints, with these lines of `[mirror]`.
    pub fn start(azure: &str, bedrock: &str, mirror: &str) -> anyhow::Result<Self> {
        let directory = TempDir::new().context("cannot make a data directory")?;
        let file = directory.path().join("crossfade.toml");
        fs::write(&file, config(azure, bedrock, mirror, directory.path()))?;
        // This binary is the program too, when it is told to serve.
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", "--config"])
            .arg(&file)
            .env("BENCH_ACCESS_KEY", ACCESS_KEY)
            .env("BENCH_SECRET_KEY", SECRET)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let (started, addresses) = mpsc::sync_channel(1);
        let log = child.stderr.take().context("the process has no log")?;
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                if let Some(addresses) = addresses_of(&line) {
                    // Nobody waits any more once the process is up.
                    let _ignored = started.try_send(addresses);
                }
            }
        });
        let Ok((address, admin)) = addresses.recv_timeout(START) else {
            drop(child.kill());
            drop(child.wait());
            anyhow::bail!("the proxy did not start within {START:?}");
        };
        Ok(Self {
            child,
            address,
            admin,
            client: Client::builder(TokioExecutor::new()).build_http(),
            _directory: directory,
        })
    }

    /// Where applications connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Switches the mirror, as an operator would.
    pub async fn mirror(&self, enabled: bool) -> anyhow::Result<()> {
        let body = json!({"enabled": enabled, "reason": "benchmark"});
        self.admin(Method::PUT, "/api/v1/mirror", Some(&body))
            .await
            .map(drop)
    }

    /// The route's counts.
    pub async fn counts(&self) -> anyhow::Result<Counts> {
        let status = self.admin(Method::GET, "/api/v1/status", None).await?;
        Counts::of_status(&serde_json::from_slice(&status)?, ROUTE)
    }

    /// Bytes held for the mirror.
    pub async fn held_bytes(&self) -> anyhow::Result<u64> {
        let metrics = self.admin(Method::GET, "/metrics", None).await?;
        let metrics = std::str::from_utf8(&metrics)?;
        let held = metrics
            .lines()
            .find_map(|line| line.strip_prefix("crossfade_mirror_bytes "));
        let held: f64 = held
            .context("the metrics have no crossfade_mirror_bytes")?
            .parse()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of bytes, printed as a float"
        )]
        Ok(held as u64)
    }

    /// What the kernel says of it now.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        let process = format!("/proc/{}", self.child.id());
        let status = fs::read_to_string(format!("{process}/status"))?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.trim().strip_suffix(" kB"))
            .context("the kernel does not say how much memory is resident")?;
        let mut cpu_nanos = 0;
        for task in fs::read_dir(format!("{process}/task"))? {
            // A thread may have ended in between.
            let Ok(schedule) = fs::read_to_string(task?.path().join("schedstat")) else {
                continue;
            };
            let nanos = schedule.split_whitespace().next().unwrap_or_default();
            cpu_nanos += nanos.parse::<u64>().unwrap_or_default();
        }
        Ok(Usage {
            resident: resident.parse::<u64>()? * 1024,
            cpu_nanos,
        })
    }

    async fn admin(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.admin))
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(
                body.map(|b| b.to_string().into()).unwrap_or_default(),
            ))?;
        let answer = self.client.request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        anyhow::ensure!(
            status.is_success(),
            "{path} answered {status}: {}",
            String::from_utf8_lossy(&body)
        );
        Ok(body)
    }
}

impl Drop for Crossfade {
    fn drop(&mut self) {
        // It keeps nothing that anyone will read: no need to drain.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn addresses_of(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let address = |key: &str| line.get(key)?.as_str()?.parse().ok();
    Some((address("address")?, address("admin_address")?))
}

fn config(azure: &str, bedrock: &str, mirror: &str, directory: &std::path::Path) -> String {
    let digest = Sha256::digest(TOKEN)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ignored = write!(hex, "{byte:02x}");
            hex
        });
    let data = Value::from(directory.join("data").display().to_string());
    format!(
        r#"
[listen]
address = "127.0.0.1:0"
[admin]
address = "127.0.0.1:0"
tokens = [{{ name = "bench", sha256 = "{digest}", role = "owner" }}]
[data]
directory = {data}
[azure]
endpoint = "{azure}"
[bedrock]
region = "us-east-1"
endpoint = "{bedrock}"
auth = "static"
access_key_env = "BENCH_ACCESS_KEY"
secret_key_env = "BENCH_SECRET_KEY"
[mirror]
{mirror}
[routes.{ROUTE}]
candidate = {{ model = "us.anthropic.claude-sonnet-4-6" }}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overhead::State;

    #[test]
    fn the_configuration_is_valid_in_every_state() {
        for state in State::ALL {
            let text = config(
                "http://127.0.0.1:1",
                "http://127.0.0.1:2",
                state.mirror(),
                std::path::Path::new("/tmp/x"),
            );
            let parsed = crossfade::config::Config::parse_with(&text, "bench", &|name| {
                Some(name.to_owned())
            });
            assert!(parsed.is_ok(), "{state}: {:?}", parsed.err());
        }
    }

    #[test]
    fn addresses_are_read_off_the_log() {
        let line = r#"{"level":"INFO","address":"127.0.0.1:1","admin_address":"127.0.0.1:2"}"#;
        assert!(addresses_of(line).is_some());
        assert_eq!(addresses_of(r#"{"address":"127.0.0.1:1"}"#), None);
        assert_eq!(addresses_of("no log line"), None);
    }
}
