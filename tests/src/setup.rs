//! What a world is made of: the simulators' options, and a configuration file with the pieces that a test adds.

use std::{net::SocketAddr, path::Path, sync::Arc};

use crossfade_sim::{
    azure::AzureOptions,
    bedrock::{ACCESS_KEY, BedrockOptions, SECRET},
    script::{Answer, Prompt, Script},
};
use sha2::{Digest, Sha256};

use crate::chat::{CANDIDATE_SAYS, DEPLOYMENT, PRIMARY_SAYS};

/// The environment variables that the configuration names, with their values.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("E2E_ACCESS_KEY", ACCESS_KEY),
    ("E2E_SECRET_KEY", SECRET),
    ("E2E_EVIDENCE_KEY", EVIDENCE_KEY),
];

/// What the tests seal evidence under.
const EVIDENCE_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Tokens of the admin API, by role.
pub const TOKENS: &[(&str, &str)] = &[
    ("viewer", "viewer-token-of-the-tests"),
    ("operator", "operator-token-of-the-tests"),
    ("owner", "owner-token-of-the-tests"),
];

/// A world in the making. Every piece is TOML, added to the table of its name.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The simulated Azure.
    pub azure: AzureOptions,
    /// The simulated Bedrock.
    pub bedrock: BedrockOptions,
    listen: String,
    mirror: String,
    bedrock_table: String,
    route: String,
    candidate: String,
    mantle: bool,
    tables: String,
    owner: bool,
    sticky_by: String,
    level: &'static str,
    twice: (f64, f64),
}

/// A script that always says the same.
pub fn says(text: &'static str) -> Script {
    Script::new(Arc::new(move |_: &Prompt, _: u64| Answer::text(text)))
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl Setup {
    /// One route, `support`, with an owner, a unit for each request, and simulators that say who they are.
    pub fn new() -> Self {
        Self {
            azure: AzureOptions {
                script: says(PRIMARY_SAYS),
                ..AzureOptions::default()
            },
            bedrock: BedrockOptions {
                script: says(CANDIDATE_SAYS),
                ..BedrockOptions::default()
            },
            listen: String::new(),
            mirror: String::new(),
            bedrock_table: String::new(),
            route: String::new(),
            candidate: "model = \"us.anthropic.claude-sonnet-4-6\"".to_owned(),
            mantle: false,
            tables: String::new(),
            owner: true,
            sticky_by: "request".to_owned(),
            level: "info",
            twice: (0.0, 0.0),
        }
    }

    /// Adds to `[listen]`.
    #[must_use]
    pub fn listen(mut self, toml: &str) -> Self {
        self.listen += toml;
        self
    }

    /// Adds to `[mirror]`.
    #[must_use]
    pub fn mirror(mut self, toml: &str) -> Self {
        self.mirror += toml;
        self
    }

    /// Adds to `[bedrock]`.
    #[must_use]
    pub fn bedrock(mut self, toml: &str) -> Self {
        self.bedrock_table += toml;
        self
    }

    /// Adds to the route.
    #[must_use]
    pub fn route(mut self, toml: &str) -> Self {
        self.route += toml;
        self
    }

    /// Another candidate: its whole table.
    #[must_use]
    pub fn candidate(mut self, toml: &str) -> Self {
        toml.clone_into(&mut self.candidate);
        self
    }

    /// The host of the OpenAI-compatible endpoints alone is simulated too.
    #[must_use]
    pub fn with_mantle(mut self) -> Self {
        self.mantle = true;
        self
    }

    /// Whether it is.
    pub(crate) fn has_mantle(&self) -> bool {
        self.mantle
    }

    /// Adds whole tables at the end of the file.
    #[must_use]
    pub fn tables(mut self, toml: &str) -> Self {
        self.tables += toml;
        self
    }

    /// The route has no owner.
    #[must_use]
    pub fn without_owner(mut self) -> Self {
        self.owner = false;
        self
    }

    /// What is assigned as a whole.
    #[must_use]
    pub fn sticky_by(mut self, unit: &str) -> Self {
        unit.clone_into(&mut self.sticky_by);
        self
    }

    /// Logs this much.
    #[must_use]
    pub fn level(mut self, level: &'static str) -> Self {
        self.level = level;
        self
    }

    /// These shares of compared pairs have their primary, and their candidate too, asked once more; nothing is without this.
    #[must_use]
    pub fn twice(mut self, primary: f64, candidate: f64) -> Self {
        self.twice = (primary, candidate);
        self
    }

    /// Callers with these keys may name the side.
    #[must_use]
    pub fn internal(self, keys: &[&str]) -> Self {
        let digests: Vec<String> = keys
            .iter()
            .map(|key| format!("\"{}\"", sha256_hex(key)))
            .collect();
        let list = digests.join(", ");
        self.tables(&format!(
            "\n[routes.{DEPLOYMENT}.internal]\ncredentials = [{list}]\n"
        ))
    }

    /// The configuration file for providers at these addresses.
    pub fn config(&self, azure: SocketAddr, bedrock: SocketAddr, data: &Path) -> String {
        let Self {
            listen,
            mirror,
            bedrock_table,
            route,
            candidate,
            tables,
            sticky_by,
            level,
            twice: (primary_twice, candidate_twice),
            ..
        } = self;
        let owner = if self.owner {
            "owner = \"team@example.com\""
        } else {
            ""
        };
        let token = |(role, token): &(&str, &str)| {
            let digest = sha256_hex(token);
            format!(
                "[[admin.tokens]]\nname = \"{role}-of-the-tests\"\nsha256 = \"{digest}\"\nrole = \"{role}\""
            )
        };
        let tokens = TOKENS.iter().map(token).collect::<Vec<_>>().join("\n");
        let data = data.display();
        // A busy machine must not turn an answer into a fallback.
        let patience = if bedrock_table.contains("fallback_after") {
            ""
        } else {
            "fallback_after = \"60s\""
        };
        format!(
            "[listen]\naddress = \"127.0.0.1:0\"\n{listen}\n\
             [admin]\naddress = \"127.0.0.1:0\"\n{tokens}\n\
             [data]\ndirectory = \"{data}\"\n\
             [azure]\nendpoint = \"http://{azure}\"\n\
             [bedrock]\nregion = \"us-east-1\"\nendpoint = \"http://{bedrock}\"\nauth = \"static\"\n\
             access_key_env = \"E2E_ACCESS_KEY\"\nsecret_key_env = \"E2E_SECRET_KEY\"\n{patience}\n{bedrock_table}\n\
             [mirror]\nask_primary_twice = {primary_twice:.1}\nask_candidate_twice = {candidate_twice:.1}\n{mirror}\n\
             [logging]\nlevel = \"{level}\"\n\
             [routes.{DEPLOYMENT}]\n{owner}\nsticky_by = \"{sticky_by}\"\n{route}\n\
             [routes.{DEPLOYMENT}.candidate]\n{candidate}\n\
             {tables}\n"
        )
    }
}

/// Lower-case hexadecimal SHA-256.
pub fn sha256_hex(text: &str) -> String {
    use std::fmt::Write as _;

    Sha256::digest(text.as_bytes())
        .iter()
        .fold(String::new(), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _infallible = write!(hex, "{byte:02x}");
            hex
        })
}
