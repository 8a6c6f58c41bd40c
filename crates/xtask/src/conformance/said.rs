//! What an answer says, read off the candidate's own wire here and off Azure's by the official client: the two must agree.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use crossfade_sim::eventstream::Frame;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use super::Counts;
use crate::{python::Python, workspace};

/// The classes of tokens that are billed, and do not overlap.
const TOKENS: &[&str] = &[
    "inputTokens",
    "outputTokens",
    "cacheReadInputTokens",
    "cacheWriteInputTokens",
];

/// What an answer says, by whoever read it.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Said {
    content: String,
    /// Name and arguments.
    calls: Vec<(String, String)>,
    finish: Option<String>,
    total_tokens: Option<u64>,
}

/// Translated answers, and what each should say to the official client.
#[derive(Debug)]
pub(super) struct Expectations {
    directory: TempDir,
    expected: BTreeMap<String, (String, Said)>,
}

/// What the client understood of one.
#[derive(Debug, Deserialize)]
struct Understood {
    name: String,
    error: Option<String>,
    #[serde(flatten)]
    said: Option<Said>,
}

// === impl Said ===

impl Said {
    /// Reads the events of a stream.
    pub(super) fn of_frames(frames: &[Frame]) -> Result<Self> {
        let mut said = Self::default();
        let blocked = frames.iter().any(|frame| is_blocked(&frame.payload));
        for frame in frames {
            let payload: Value =
                serde_json::from_slice(&frame.payload).context("a payload is no JSON")?;
            let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str);
            said.content
                .push_str(text("/delta/text").unwrap_or_default());
            if let Some(name) = text("/start/toolUse/name") {
                said.calls.push((name.to_owned(), String::new()));
            }
            if let Some(input) = text("/delta/toolUse/input") {
                let call = said
                    .calls
                    .last_mut()
                    .context("a call's input before its name")?;
                call.1.push_str(input);
            }
            said.end(&payload, blocked)?;
        }
        for (_, arguments) in said
            .calls
            .iter_mut()
            .filter(|(_, arguments)| arguments.is_empty())
        {
            arguments.push_str("{}");
        }
        said.settle();
        Ok(said)
    }

    /// Reads a whole answer.
    pub(super) fn of_answer(body: &[u8]) -> Result<Self> {
        let answer: Value = serde_json::from_slice(body).context("an answer is no JSON")?;
        let content = answer
            .pointer("/output/message/content")
            .and_then(Value::as_array);
        let mut said = Self::default();
        for block in content.into_iter().flatten() {
            let cited = block
                .pointer("/citationsContent/content")
                .and_then(Value::as_array);
            for text in std::iter::once(block).chain(cited.into_iter().flatten()) {
                said.content
                    .push_str(text.get("text").and_then(Value::as_str).unwrap_or_default());
            }
            if let Some(call) = block.get("toolUse") {
                let name = call.get("name").and_then(Value::as_str).unwrap_or_default();
                let input = call.get("input").context("a call without input")?;
                said.calls.push((name.to_owned(), input.to_string()));
            }
        }
        said.end(&answer, is_blocked(body))?;
        said.settle();
        Ok(said)
    }

    fn end(&mut self, payload: &Value, blocked: bool) -> Result<()> {
        if let Some(reason) = payload.get("stopReason").and_then(Value::as_str) {
            self.finish = Some(finish(reason, blocked)?.to_owned());
        }
        if let Some(usage) = payload.get("usage").and_then(Value::as_object) {
            let count = |name: &&str| usage.get(*name).and_then(Value::as_u64).unwrap_or(0);
            self.total_tokens = Some(TOKENS.iter().map(count).sum());
        }
        Ok(())
    }

    /// Spacing in arguments says nothing; and an answer that is silent about its end, as no real one is, ends by what
    /// it holds.
    fn settle(&mut self) {
        let end = if self.calls.is_empty() {
            "stop"
        } else {
            "tool_calls"
        };
        self.finish.get_or_insert_with(|| end.to_owned());
        for (_, arguments) in &mut self.calls {
            if let Ok(value) = serde_json::from_str::<Value>(arguments) {
                *arguments = value.to_string();
            }
        }
    }
}

fn is_blocked(payload: &[u8]) -> bool {
    payload.windows(9).any(|window| window == b"\"BLOCKED\"")
}

fn finish(stop_reason: &str, blocked: bool) -> Result<&'static str> {
    Ok(match stop_reason {
        "end_turn" | "stop_sequence" => "stop",
        // A guardrail that only masked something has not ended the answer; only its trace tells.
        "guardrail_intervened" if !blocked => "stop",
        "tool_use" => "tool_calls",
        "max_tokens" | "model_context_window_exceeded" => "length",
        "content_filtered" | "guardrail_intervened" => "content_filter",
        other => bail!("no rule for the stop reason {other}"),
    })
}

// === impl Expectations ===

impl Expectations {
    pub(super) fn new() -> Result<Self> {
        let directory = tempfile::tempdir().context("cannot make a directory")?;
        Ok(Self {
            directory,
            expected: BTreeMap::new(),
        })
    }

    /// Notes a translated answer. Those of kind `whole` are read as one body, others as streams.
    pub(super) fn add(&mut self, kind: &str, id: &str, body: &Bytes, said: Said) -> Result<()> {
        let name = format!("{kind}-{:04}", self.expected.len());
        fs::write(self.directory.path().join(&name), body).context("cannot write an answer")?;
        self.expected.insert(name, (id.to_owned(), said));
        Ok(())
    }

    /// Has the official client read all of them; returns those that it understood otherwise, and how.
    pub(super) fn check(
        &self,
        python: &Python,
        mut counts: Option<&mut Counts>,
    ) -> Result<Vec<(String, String)>> {
        let script = workspace::root().join("crates/xtask/python/read_answers.py");
        let directory: &Path = self.directory.path();
        let output = python.run(&script, &[directory.as_os_str()])?;
        let mut failures = Vec::new();
        let mut seen = 0;
        for line in output.lines() {
            let understood: Understood =
                serde_json::from_str(line).context("the client's words are not understood")?;
            let name = understood.name;
            let (id, expected) = self
                .expected
                .get(&name)
                .context("the client read another file")?;
            seen += 1;
            let failure = match (understood.error, understood.said) {
                (Some(error), _) => Some(error),
                (None, Some(mut said)) => {
                    let silent = said.finish.is_none();
                    said.settle();
                    if silent {
                        said.finish = None;
                    }
                    (said != *expected).then(|| format!("{said:?} instead of {expected:?}"))
                }
                (None, None) => Some("nothing".to_owned()),
            };
            let kind = name.split('-').next().unwrap_or_default();
            let word = if failure.is_none() {
                "understood"
            } else {
                "misunderstood"
            };
            if let Some(counts) = &mut counts {
                counts.add(format!("answers.{kind}.{word}"));
            }
            failures.extend(failure.map(|failure| {
                let what = format!("{id}: the client understood {failure}");
                (id.clone(), what)
            }));
        }
        let all = self.expected.len();
        ensure!(seen == all, "the client read {seen} answers of {all}");
        Ok(failures)
    }
}
