//! Everything that runs during the story: two simulated providers, and Crossfade itself between them, as `serve` would
//! start it from a configuration text.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crossfade_sim::{
    azure::{AzureOptions, AzureSim},
    bedrock::{ACCESS_KEY, BedrockOptions, BedrockSim, SECRET},
    corpus::{Corpus, Voice},
    load::LoadPlan,
    script::{Answers, Pace, Prompt, Script},
};

use crate::{
    cli::print,
    config::{Config, Secret},
    serve::Server,
    signals::Signals,
};

use super::{operator::Operator, screen::Screen};

/// The deployment that everybody asks.
pub(super) const ROUTE: &str = "support";
/// The other deployment: an Azure GPT that moves to the same family on Bedrock.
pub(super) const FAMILY: &str = "assistant";
/// What answers there.
const FAMILY_MODEL: &str = "us.openai.gpt-5.6-terra";
/// The callers' keys; Azure knows no others.
pub(super) const KEYS: [&str; 4] = ["web-key", "app-key", "desk-key", "batch-key"];
/// Requests a second after the story, with `--keep`.
const GENTLE: f64 = 5.0;

/// How fast both answer while the overhead is measured: what does not depend on the proxy would only be waited for.
const QUICK: Pace = pace(5);
/// How fast the simulated Azure answers in the story: several times as fast as the real one.
const PRIMARY_PACE: Pace = pace(150);
/// How fast the simulated Bedrock answers in the story: sooner, so that what a busy machine adds does not make it slow.
const CANDIDATE_PACE: Pace = pace(80);

/// All of the time is spent before the first content: waiting before each piece of a stream would add up whatever each
/// of the waits is late by, on the side that streams more.
const fn pace(first_content_ms: u64) -> Pace {
    Pace {
        first_content: Duration::from_millis(first_content_ms),
        tokens_per_second: 0.0,
    }
}

/// The stage and everybody on it. Dropping it ends everything.
pub(super) struct World {
    pub(super) azure: AzureSim,
    pub(super) bedrock: BedrockSim,
    pub(super) server: Server,
    pub(super) operator: Operator,
    /// The same operator, at the other route.
    pub(super) family: Operator,
    pub(super) corpus: Arc<Corpus>,
    token: Secret,
    // Last, so that it is removed after everything that writes to it has ended.
    directory: Directory,
}

/// The data directory: of this run alone, and removed at the end unless it is kept.
struct Directory {
    path: PathBuf,
    keep: bool,
}

// === impl World ===

impl World {
    /// Starts everything on free ports of this machine.
    pub(super) async fn start(keep: bool) -> anyhow::Result<Self> {
        let corpus = Arc::new(Corpus::new());
        let azure = AzureSim::start(AzureOptions {
            script: script(corpus.voice(Voice::Primary)),
            api_keys: KEYS.map(str::to_owned).to_vec(),
            deployments: vec![ROUTE.to_owned(), FAMILY.to_owned()],
            ..AzureOptions::default()
        })
        .await
        .context("the simulated Azure does not start")?;
        let bedrock = BedrockSim::start(BedrockOptions {
            script: script(models(&corpus, corpus.voice(Voice::Candidate))),
            ..BedrockOptions::default()
        })
        .await
        .context("the simulated Bedrock does not start")?;
        // Nobody looks at the requests themselves.
        azure.server().keep_received(0);
        bedrock.server().keep_received(0);

        let directory = Directory::make(keep)?;
        let token = random_hex();
        let text = config(
            &azure.url(),
            &bedrock.url(),
            &directory.path.join("data"),
            &token,
        );
        // What waits for a person is kept, sealed under a key that ends with the process.
        let evidence = random_hex();
        let environment = |name: &str| match name {
            "DEMO_EVIDENCE_KEY" => Some(evidence.clone()),
            "DEMO_ACCESS_KEY" => Some(ACCESS_KEY.to_owned()),
            "DEMO_SECRET_KEY" => Some(SECRET.to_owned()),
            _ => None,
        };
        if keep {
            fs::write(directory.path.join("crossfade.toml"), &text)?;
        }
        let config = Config::parse_with(&text, "the demo's configuration", &environment)?;
        let server = Server::start(config)
            .await
            .context("the proxy does not start")?;
        let token = Secret::new(token);
        let operator = |route| Operator::new(server.admin_address(), token.clone(), route);
        let (operator, family) = (operator(ROUTE), operator(FAMILY));
        Ok(Self {
            azure,
            bedrock,
            server,
            operator,
            family,
            corpus,
            token,
            directory,
        })
    }

    /// From now on both answer as models do.
    pub(super) fn take_time(&self) {
        self.azure.script().set_pace(PRIMARY_PACE);
        self.bedrock.script().set_pace(CANDIDATE_PACE);
    }

    /// From now on the candidate of the first route answers with this voice; the other route's model stays itself.
    pub(super) fn speak(&self, voice: Arc<dyn Answers>) {
        self.bedrock
            .script()
            .set_answers(models(&self.corpus, voice));
    }

    /// The ledger's file.
    pub(super) fn ledger(&self) -> PathBuf {
        self.directory.path.join("data/ledger.jsonl")
    }

    /// Ends everything in good order.
    pub(super) async fn end(self) {
        self.server.stop().await;
    }

    /// Stays up, with the candidate repaired and a few requests a second, until the process is told to stop.
    pub(super) async fn stay(self, screen: &Screen) -> anyhow::Result<()> {
        let signals = Signals::new()?;
        self.speak(self.corpus.voice(Voice::Candidate));
        print::data(&self.invitation());
        let plan = LoadPlan {
            credentials: KEYS.map(str::to_owned).to_vec(),
            rate: GENTLE,
            duration: Duration::from_secs(365 * 86_400),
            first_serial: 1 << 40,
            ..LoadPlan::new(self.server.address(), ROUTE, Arc::clone(&self.corpus))
        };
        let stop = plan.stop.clone();
        let load = crossfade_sim::load::run(plan, |_| {});
        let serve = async {
            self.server.run_until(signals).await;
            stop.cancel();
        };
        let (report, ()) = tokio::join!(load, serve);
        report?;
        screen.say(format_args!(
            "stopped; the files stay in {}",
            self.directory.path.display()
        ));
        Ok(())
    }

    fn invitation(&self) -> String {
        let (proxy, admin) = (self.server.address(), self.server.admin_address());
        let (token, data) = (self.token.expose(), self.directory.path.display());
        let key = KEYS.first().copied().unwrap_or_default();
        format!(
            "\nEverything stays up; the candidate is healthy again, and {GENTLE} requests a second go on. Stop with Ctrl-C.\n\n\
             \x20 applications  http://{proxy}      api-key: {key}\n\
             \x20 operators     http://{admin}      metrics at /metrics, API at /api/v1/openapi.json\n\
             \x20 Azure         {azure}      simulated\n\
             \x20 Bedrock       {bedrock}      simulated\n\
             \x20 files         {data}\n\n\
             \x20 export CROSSFADE_ADMIN=http://{admin} CROSSFADE_ADMIN_TOKEN={token}\n\
             \x20 crossfade status\n\
             \x20 crossfade ledger --route {ROUTE}\n\
             \x20 crossfade findings {ROUTE}\n\
             \x20 crossfade reviews --route {ROUTE}\n\
             \x20 crossfade review 0\n\
             \x20 crossfade resume {ROUTE} --reason \"candidate repaired\"\n\
             \x20 crossfade report {ROUTE}\n\
             \x20 curl -i 'http://{proxy}/openai/deployments/{ROUTE}/chat/completions?api-version=2024-10-21' \\\n\
             \x20   -H 'api-key: {key}' -H 'content-type: application/json' \\\n\
             \x20   -d '{{\"messages\":[{{\"role\":\"user\",\"content\":\"How do I break in new leather boots quickly?\"}}]}}'\n",
            azure = self.azure.url(),
            bedrock = self.bedrock.url(),
        )
    }
}

/// The models of the simulated Bedrock: the other route's, and the voice that all others have.
fn models(corpus: &Arc<Corpus>, voice: Arc<dyn Answers>) -> Arc<dyn Answers> {
    let same = corpus.same_model();
    Arc::new(move |prompt: &Prompt, sequence: u64| {
        if prompt.model == FAMILY_MODEL {
            same.answer(prompt, sequence)
        } else {
            voice.answer(prompt, sequence)
        }
    })
}

fn script(answers: Arc<dyn Answers>) -> Script {
    let script = Script::new(answers);
    script.set_pace(QUICK);
    script
}

/// The configuration, as an operator would write it.
#[expect(clippy::too_many_lines, reason = "one text")]
fn config(azure: &str, bedrock: &str, data: &Path, token: &str) -> String {
    let digest = hex(&Sha256::digest(token.as_bytes()));
    let data = data.display().to_string();
    // A JSON string is a TOML string.
    let data = serde_json::Value::from(data.replace("${", "$${"));
    format!(
        r#"
[listen]
address = "127.0.0.1:0"
expose_side = true
drain = "5s"

[admin]
address = "127.0.0.1:0"
tokens = [{{ name = "demo", sha256 = "{digest}", role = "owner" }}]

[data]
directory = {data}

[azure]
endpoint = "{azure}"

[bedrock]
region = "us-east-1"
endpoint = "{bedrock}"
auth = "static"
access_key_env = "DEMO_ACCESS_KEY"
secret_key_env = "DEMO_SECRET_KEY"

[mirror]
reverse_share = 100.0

[evidence]
key_env = "DEMO_EVIDENCE_KEY"
share = 0.0

[routes.{ROUTE}]
owner = "team-support@example.com"
candidate = {{ model = "us.anthropic.claude-sonnet-4-6" }}
price = {{ input = 3.0, cached = 0.3, cache_write = 3.75, output = 15.0 }}
primary_price = {{ input = 0.4, cached = 0.1, output = 1.6 }}

[routes.{ROUTE}.checks]
# Beside what is extracted the corpus' JSON holds a sentence of free text, and how sure the model is of a label.
json_paths = [{{ path = "$.note", rule = "text" }}, {{ path = "$.confidence", rule = "ignore" }}]
label = {{ path = "$.category", values = ["billing", "delivery", "technical", "account", "other"] }}
tool_arguments = {{ ignore = ["issue_refund.reason"] }}

[routes.{ROUTE}.rollout]
# What takes days in production takes seconds here.
stages = ["shadow", "slice", "ramp", "window", "complete"]
slice = 10.0
ramp = [50.0, 100.0]
success = {{ transport = 0.03, stream = 0.03, envelope = 0.03, json_parse = 0.05, json_schema = 0.05, refusal = 0.05 }}
minimum_time = {{ shadow = "3s", slice = "3s", ramp = "1h" }}
unit_window = "1s"

# An Azure GPT that moves to the same family on Bedrock. Chat completions there refuse tools while it thinks, so the
# Responses API is spoken to it.
[routes.{FAMILY}]
owner = "team-assistant@example.com"
candidate = {{ model = "{FAMILY_MODEL}", api = "openai-responses" }}
price = {{ input = 2.2, cached = 0.22, output = 13.2 }}
primary_price = {{ input = 2.0, cached = 0.2, output = 12.0 }}

[routes.{FAMILY}.checks]
json_paths = [{{ path = "$.note", rule = "text" }}, {{ path = "$.confidence", rule = "ignore" }}]
label = {{ path = "$.category", values = ["billing", "delivery", "technical", "account", "other"] }}
tool_arguments = {{ ignore = ["issue_refund.reason"] }}

[routes.{FAMILY}.rollout]
# What takes days in production takes seconds here.
stages = ["shadow", "slice", "ramp", "window", "complete"]
slice = 10.0
ramp = [50.0, 100.0]
success = {{ transport = 0.03, stream = 0.03, envelope = 0.03, json_parse = 0.05, json_schema = 0.05, refusal = 0.05 }}
minimum_time = {{ shadow = "3s", slice = "3s", ramp = "1h" }}
unit_window = "1s"
"#
    )
}

fn random_hex() -> String {
    hex(&rand::random::<[u8; 32]>())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ignored = write!(hex, "{byte:02x}");
        hex
    })
}

// === impl Directory ===

impl Directory {
    /// Makes one that only this user can look into.
    fn make(keep: bool) -> anyhow::Result<Self> {
        let name = random_hex();
        let name = name.get(..12).unwrap_or(&name);
        let path = std::env::temp_dir().join(format!("crossfade-demo-{name}"));
        let made = fs::DirBuilder::new().mode(0o700).create(&path);
        made.with_context(|| format!("cannot make {}: set TMPDIR", path.display()))?;
        Ok(Self { path, keep })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        if let Err(error) = fs::remove_dir_all(&self.path) {
            print::note(&format!("cannot remove {}: {error}", self.path.display()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_valid_and_opens_nothing_to_others() {
        let path = Path::new("/tmp/a \"b\" ${c}");
        let text = config("http://127.0.0.1:1", "http://127.0.0.1:2", path, "token");
        let key = |name: &str| match name {
            "DEMO_EVIDENCE_KEY" => Some(random_hex()),
            other => Some(other.to_owned()),
        };
        let config = Config::parse_with(&text, "demo", &key).unwrap();
        assert_eq!(config.data.directory, path);
        assert!(config.listen.address.ip().is_loopback() && config.listen.expose_side);
        assert!(config.admin.address.ip().is_loopback());
        assert!(!text.contains("token\"") && config.admin.tokens.len() == 1);
        assert_eq!(config.routes.len(), 2);
    }

    #[test]
    fn the_directory_goes_unless_it_is_kept() {
        let check = |keep: bool| {
            let directory = Directory::make(keep).unwrap();
            let path = directory.path.clone();
            assert!(path.is_dir());
            drop(directory);
            assert_eq!(path.exists(), keep);
            if keep {
                fs::remove_dir_all(path).unwrap();
            }
        };
        check(false);
        check(true);
    }
}
