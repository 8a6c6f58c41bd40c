//! Recorded outputs of several models on the same prompts, as they lie in the data.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use anyhow::{Context as _, Result};
use flate2::read::GzDecoder;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// One prompt with what every model made of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Prompt {
    /// Its name in the recordings.
    pub(crate) id: String,
    /// The conversation, in the form of a chat request.
    pub(crate) messages: Value,
    /// Definitions of tools, in the benchmark's own form; null without.
    #[serde(default)]
    pub(crate) tools: Value,
    /// The right answer, in the benchmark's own form; null without.
    #[serde(default)]
    pub(crate) truth: Value,
    /// What else is known of the prompt.
    #[serde(default)]
    pub(crate) meta: Value,
    /// By model, its runs.
    pub(crate) outputs: BTreeMap<String, Vec<Output>>,
}

/// One run of one model.
#[derive(Debug, Deserialize)]
pub(crate) struct Output {
    /// What it wrote, where the recording is of text.
    #[serde(default)]
    pub(crate) text: Option<String>,
    /// What it called or wrote, where the recording is of calls.
    #[serde(default)]
    pub(crate) result: Value,
    /// Everything else that was recorded of the run.
    #[serde(flatten)]
    pub(crate) more: BTreeMap<String, Value>,
}

/// The prompts of one file of `paired/`, by its name without the endings.
pub(crate) fn prompts(data: &Path, name: &str) -> Result<Vec<Prompt>> {
    lines(data, &format!("paired/{name}.jsonl.gz"))
}

/// Every line of a packed file of JSON lines.
pub(crate) fn lines<T: DeserializeOwned>(data: &Path, name: &str) -> Result<Vec<T>> {
    let path = data.join(name);
    let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    BufReader::new(GzDecoder::new(file))
        .lines()
        .zip(1..)
        .map(|(line, number)| {
            let line = line.with_context(|| format!("cannot read {name}"))?;
            serde_json::from_str(&line).with_context(|| format!("cannot read {name}:{number}"))
        })
        .collect()
}

// === impl Output ===

impl Output {
    /// The text, or nothing.
    pub(crate) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }
}
