//! Converse bodies, judged by the published service model with another's validator.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{python::Python, workspace};

/// Bodies on their way to the validator.
#[derive(Debug)]
pub(super) struct Bodies {
    directory: TempDir,
    file: BufWriter<File>,
    written: u64,
}

/// What the validator says.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Judged {
    Invalid { id: String, error: String },
    Read { read: u64 },
}

// === impl Bodies ===

impl Bodies {
    pub(super) fn new() -> Result<Self> {
        let directory = tempfile::tempdir().context("cannot make a directory")?;
        let file = File::create(place(&directory)).context("cannot write the bodies")?;
        Ok(Self {
            directory,
            file: BufWriter::new(file),
            written: 0,
        })
    }

    /// Adds a body under a name.
    pub(super) fn add(&mut self, name: &str, model: &str, body: &Value) -> Result<()> {
        self.written += 1;
        writeln!(
            self.file,
            "{}",
            json!({ "id": name, "model": model, "body": body })
        )
        .context("cannot write a body")
    }

    /// Has all of them judged; returns those that the service model refuses, with what is wrong.
    pub(super) fn judge(
        mut self,
        data: &Path,
        python: &Python,
    ) -> Result<BTreeMap<String, String>> {
        self.file.flush().context("cannot write the bodies")?;
        let script = workspace::root().join("crates/xtask/python/validate_requests.py");
        let model = data.join("specs/bedrock-runtime-service-2.json");
        let bodies = place(&self.directory);
        let output = python.run(&script, &[model.as_os_str(), bodies.as_os_str()])?;
        let mut invalid = BTreeMap::new();
        let mut judged = 0;
        for line in output.lines() {
            match serde_json::from_str(line).context("the validator's words are not understood")? {
                Judged::Invalid { id, error } => {
                    invalid.insert(id, error);
                }
                Judged::Read { read } => judged = read,
            }
        }
        ensure!(
            judged == self.written,
            "the validator read {judged} bodies of {}",
            self.written
        );
        Ok(invalid)
    }
}

fn place(directory: &TempDir) -> PathBuf {
    directory.path().join("bodies.jsonl")
}
