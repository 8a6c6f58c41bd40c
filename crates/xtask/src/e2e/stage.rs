//! Both providers, saying what the programs need to hear.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use crossfade_sim::{
    azure::{AzureOptions, AzureSim},
    bedrock::{BedrockOptions, BedrockSim},
    script::{Answer, Finish, Prompt, Script},
};

const TICKET: &str = r#"{"subject":"printer","urgent":false}"#;

/// The running simulators.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) azure: AzureSim,
    pub(super) bedrock: BedrockSim,
}

// === impl Stage ===

impl Stage {
    /// An Azure that repeats itself to the byte, and a Bedrock.
    pub(super) async fn new() -> Result<Self> {
        let azure = AzureOptions {
            script: Script::new(Arc::new(answer)),
            api_keys: vec!["the-key".to_owned()],
            deployments: vec!["support".to_owned(), "embed".to_owned()],
            steady: true,
            ..AzureOptions::default()
        };
        let bedrock = BedrockOptions {
            script: Script::new(Arc::new(answer)),
            ..BedrockOptions::default()
        };
        Ok(Self {
            azure: AzureSim::start(azure)
                .await
                .context("cannot start the simulated Azure")?,
            bedrock: BedrockSim::start(bedrock)
                .await
                .context("cannot start the simulated Bedrock")?,
        })
    }
}

/// What either model says.
fn answer(prompt: &Prompt, _: u64) -> Answer {
    let asks = |word: &str| prompt.user.contains(word);
    if asks("blocked") {
        return Answer {
            finish: Finish::Filtered,
            ..Answer::default()
        };
    }
    if asks("ticket") {
        // Where the wire has no schema, the translation forces a tool that stands for it.
        return match &prompt.forced_tool {
            Some(tool) => Answer::call(tool, TICKET),
            None => Answer::text(TICKET),
        };
    }
    if asks("weather") && prompt.tool_result.is_none() && !prompt.tools.is_empty() {
        return Answer::call("get_weather", r#"{"city":"Oslo"}"#);
    }
    match &prompt.tool_result {
        Some(result) => Answer::text(format!("In Oslo: {result}.")),
        None => Answer::text("Hello to you, whoever you are."),
    }
}
