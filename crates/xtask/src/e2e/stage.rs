//! Both providers, saying what the programs need to hear.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use crossfade_sim::{
    azure::{AzureOptions, AzureSim},
    bedrock::{BedrockOptions, BedrockSim, Surface},
    script::{Answer, Finish, Prompt, Script},
};

const TICKET: &str = r#"{"subject":"printer","urgent":false}"#;

/// A deployment, and the candidate that may replace it, as the configuration has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) deployment: &'static str,
    pub(super) candidate: &'static str,
    /// The candidate in words.
    pub(super) what: &'static str,
}

/// The deployment that most programs ask, and its candidate of another family.
pub(super) const SUPPORT: Route = Route {
    deployment: "support",
    candidate: r#"{ model = "us.anthropic.claude-sonnet-4-6" }"#,
    what: "another family over Converse",
};

/// The deployment that embeds.
pub(super) const EMBED: Route = Route {
    deployment: "embed",
    candidate: r#"{ model = "amazon.titan-embed-text-v2:0", api = "invoke", index_rebuilt = true }"#,
    what: "another model's vectors",
};

/// Deployments that move to the same family, on each of the OpenAI-compatible endpoints.
pub(super) const FAMILY: &[Route] = &[
    Route {
        deployment: "family-chat",
        candidate: r#"{ model = "us.openai.gpt-5.6-terra", api = "openai-chat" }"#,
        what: "the same family over chat completions of the runtime",
    },
    Route {
        deployment: "family-responses",
        candidate: r#"{ model = "us.openai.gpt-5.6-terra", api = "openai-responses" }"#,
        what: "the same family over responses of the runtime",
    },
    Route {
        deployment: "family-chat-on-mantle",
        candidate: r#"{ model = "openai.gpt-oss-120b", api = "openai-chat", surface = "mantle" }"#,
        what: "the open weights of the family over chat completions of mantle",
    },
    Route {
        deployment: "family-responses-on-mantle",
        candidate: r#"{ model = "openai.gpt-5.6-terra", api = "openai-responses", surface = "mantle" }"#,
        what: "the same family over responses of mantle",
    },
];

/// The running simulators.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) azure: AzureSim,
    pub(super) bedrock: BedrockSim,
    /// Bedrock's other host, with the OpenAI-compatible endpoints alone.
    pub(super) mantle: BedrockSim,
}

/// All routes.
pub(super) fn routes() -> impl Iterator<Item = Route> {
    [SUPPORT, EMBED].into_iter().chain(FAMILY.iter().copied())
}

// === impl Stage ===

impl Stage {
    /// An Azure that repeats itself to the byte, and both hosts of a Bedrock.
    pub(super) async fn new() -> Result<Self> {
        let azure = AzureOptions {
            script: Script::new(Arc::new(answer)),
            api_keys: vec!["the-key".to_owned()],
            deployments: routes().map(|route| route.deployment.to_owned()).collect(),
            steady: true,
            ..AzureOptions::default()
        };
        let bedrock = |surface| BedrockOptions {
            script: Script::new(Arc::new(answer)),
            surface,
            ..BedrockOptions::default()
        };
        Ok(Self {
            azure: AzureSim::start(azure)
                .await
                .context("cannot start the simulated Azure")?,
            bedrock: BedrockSim::start(bedrock(Surface::Runtime))
                .await
                .context("cannot start the simulated Bedrock")?,
            mantle: BedrockSim::start(bedrock(Surface::Mantle))
                .await
                .context("cannot start the simulated mantle")?,
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
