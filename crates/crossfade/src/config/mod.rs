//! The configuration file: read once, checked as a whole, and from then on a [`Config`] of real types.
//!
//! Unknown keys are errors, and every error names the file, the line, the key and what to do. This is the only module
//! that reads the environment. It opens no connection and starts nothing.

use std::path::Path;

mod build;
mod document;
mod error;
mod evidence;
#[cfg(test)]
mod example;
mod internal;
mod model;
mod nearest;
mod opinions;
mod raw;
mod rollout;
mod route;
mod routes;
#[cfg(test)]
mod schema;
mod secret;
#[cfg(test)]
mod tests;
mod units;

pub use crossfade_proxy::{InternalCallers, StickyBy};
pub use error::{ConfigError, Problem};
pub use evidence::{Evidence, Review, RouteEvidence};
pub use model::{
    Admin, AdminToken, Azure, AzureAuth, Backplane, Bedrock, BedrockAuth, Config, Data, HashKey,
    Listen, LogFormat, LogLevel, Logging, Mirror, Tls, TokenRole,
};
pub use opinions::{JudgePlan, ModelPlace, RouteOpinions, Similarity, SimilaritySource};
pub use rollout::Rollout;
pub use routes::Route;
pub(crate) use routes::{fingerprint, show_sticky_by};
pub use secret::Secret;
pub use units::{Digest, Endpoint, Size, Span};

use crossfade_rollout::RoutePlan;

use document::{Document, Environment, Refused};

/// What `build` refuses though its types know it: keys that have their place elsewhere, values that are not available yet.
const REFUSED: Refused = &[
    ("checks", "max_cost_usd"),
    ("checks", "price"),
    ("checks", "primary_price"),
    ("candidate", "adapt"),
    ("auth", "entra"),
    ("kind", "nats"),
];

impl Config {
    /// Reads and checks a file, with the process's environment.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::whole(&name, format!("cannot be read: {error}")))?;
        Self::parse(&text, &name)
    }

    /// Checks a text, with the process's environment; `name` is the file's name in errors.
    pub fn parse(text: &str, name: &str) -> Result<Self, ConfigError> {
        Self::parse_with(text, name, &environment)
    }

    /// Checks a text with another environment than the process's.
    pub fn parse_with(
        text: &str,
        name: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        parse(text, name, environment)
    }

    /// The rollout's plan of each route.
    pub fn plans(&self) -> Vec<RoutePlan> {
        self.routes.iter().map(|route| route.plan(self)).collect()
    }
}

fn parse(text: &str, name: &str, environment: Environment<'_>) -> Result<Config, ConfigError> {
    let (raw, places) = Document::parse(text, name, environment)?.read(REFUSED)?;
    build::build(raw, &places, environment)
}

/// One variable of the process's environment. What is not Unicode counts as not set.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the module that reads the environment"
)]
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
