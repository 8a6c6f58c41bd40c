//! The cases: real requests, answers and streams with what other translators make of them, and the fixtures that
//! those translators are tested with.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use anyhow::{Context as _, Result};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::{Map, Value};

/// One case; which members it has depends on its kind.
#[derive(Debug, Deserialize)]
pub(super) struct Case {
    /// `request`, `response`, `stream`, each also with `:responses` or `:messages`; or `error`.
    pub(super) kind: String,
    #[serde(rename = "case_id")]
    pub(super) id: String,
    /// `oracle`, or the place of a fixture in its project.
    pub(super) source: String,
    pub(super) target_model: Option<String>,
    pub(super) openai_request: Option<Value>,
    /// What `LiteLLM` makes of it.
    pub(super) litellm: Option<Value>,
    /// What bedrock-access-gateway makes of it.
    pub(super) bag: Option<Value>,
    pub(super) bedrock_response: Option<Value>,
    pub(super) bedrock_eventstream_b64: Option<String>,
    pub(super) litellm_chunks: Option<Vec<Value>>,
    pub(super) expected_bedrock_request: Option<Value>,
    pub(super) expected_openai_response: Option<Value>,
    pub(super) expected_openai_sse: Option<String>,
    /// The headers of an error.
    #[serde(rename = "responseHeaders")]
    pub(super) response_headers: Option<Map<String, Value>>,
    /// What a peer makes of an error.
    pub(super) output: Option<Value>,
}

// === impl Case ===

impl Case {
    /// Whether real traffic was given to translators, rather than a fixture of one of them.
    pub(super) fn is_oracle(&self) -> bool {
        self.source == "oracle"
    }

    /// A name that tells it from the others.
    pub(super) fn name(&self) -> String {
        if self.is_oracle() {
            self.id.clone()
        } else {
            format!("{} {}", self.project(), self.id)
        }
    }

    /// The project whose fixture it is.
    pub(super) fn project(&self) -> &str {
        let place = self.source.split('@').next().unwrap_or_default();
        place.rsplit('/').next().unwrap_or_default()
    }
}

/// Reads all of them, in their order.
pub(super) fn read(data: &Path) -> Result<Vec<Case>> {
    let path = data.join("translator_cases.jsonl.gz");
    let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    BufReader::new(GzDecoder::new(file))
        .lines()
        .map(|line| {
            let line = line.context("cannot read the cases")?;
            serde_json::from_str(&line).context("cannot read a case")
        })
        .collect()
}
