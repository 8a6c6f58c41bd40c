//! Both providers and the program between them.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use crossfade_sim::{
    azure::{AzureOptions, AzureSim},
    bedrock::{BedrockOptions, BedrockSim},
    script::{Pace, Script},
};

use super::cast::Cast;
use crate::e2e::Program;

/// The deployment.
pub(super) const ROUTE: &str = "support";
/// The callers' key.
pub(super) const KEY: &str = "the-key";

/// What a play asks of the program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asks<'a> {
    /// What the route's tables say beside owner, candidate and prices.
    pub(super) route: &'a str,
    /// The share of requests that the primary is asked twice, in percent: what is judged above its own noise needs it.
    pub(super) twice: f64,
}

/// Everything that runs.
pub(super) struct Theatre {
    pub(super) program: Program,
    _azure: AzureSim,
    _bedrock: BedrockSim,
}

impl Theatre {
    /// Starts it.
    pub(super) async fn new(program: &Path, cast: &Arc<Cast>, asks: &Asks<'_>) -> Result<Self> {
        let script = |candidate| {
            let script = Script::new(cast.voice(candidate));
            script.set_pace(Pace::default());
            script
        };
        let azure = AzureSim::start(AzureOptions {
            script: script(false),
            api_keys: vec![KEY.to_owned()],
            deployments: vec![ROUTE.to_owned()],
            requests_per_minute: 100_000_000,
            tokens_per_minute: 100_000_000_000,
            ..AzureOptions::default()
        })
        .await
        .context("the simulated Azure does not start")?;
        let bedrock = BedrockSim::start(BedrockOptions {
            script: script(true),
            ..BedrockOptions::default()
        })
        .await
        .context("the simulated Bedrock does not start")?;
        azure.server().keep_received(0);
        bedrock.server().keep_received(0);
        let text = configuration(&azure.url(), &bedrock.url(), asks);
        let program = Program::serve_with(&[], program, &text)?;
        Ok(Self {
            program,
            _azure: azure,
            _bedrock: bedrock,
        })
    }
}

/// Times as short as they can be: what is a day and ten minutes for people is a second here.
fn configuration(azure: &str, bedrock: &str, asks: &Asks<'_>) -> String {
    let Asks { route, twice } = asks;
    format!(
        r#"
[listen]
address = "127.0.0.1:0"
expose_side = true
[azure]
endpoint = "{azure}"
[bedrock]
region = "us-east-1"
endpoint = "{bedrock}"
# A loaded machine is no silent candidate.
fallback_after = "60s"
auth = "static"
access_key_env = "E2E_ACCESS_KEY"
secret_key_env = "E2E_SECRET_KEY"
[mirror]
reverse_share = 100.0
ask_primary_twice = {twice:.1}
ask_candidate_twice = 0.0
[routes.{ROUTE}]
owner = "owner@example.com"
candidate = {{ model = "us.anthropic.claude-sonnet-4-6" }}
price = {{ input = 3.0, output = 15.0 }}
primary_price = {{ input = 2.5, output = 10.0 }}
slow_after = "90s"
{route}
"#
    )
}
