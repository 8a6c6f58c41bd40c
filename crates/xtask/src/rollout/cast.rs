//! Who says what: prompts with the recorded answers of two models.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Result, ensure};
use crossfade_sim::script::{Answer, Answers, Prompt, ToolCall};
use serde_json::{Map, Value, json};

use crate::agreement::{recorded, tools};

/// How a reference begins, at the end of a user's text: with it every request is a conversation of its own.
const REFERENCE: &str = "\n\n(ref ";

/// One prompt with what both sides say to it.
#[derive(Debug)]
pub(super) struct Scene {
    /// The request without its user's turn.
    pub(super) body: Map<String, Value>,
    /// The user's turn.
    pub(super) user: String,
    primary: Vec<Answer>,
    candidate: Vec<Answer>,
    /// What the candidate says once it has become worse.
    worse: Vec<Answer>,
}

/// Two models, and a third that takes the candidate's place later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Models {
    pub(super) primary: &'static str,
    pub(super) candidate: &'static str,
    pub(super) worse: Option<&'static str>,
}

/// Every scene, and whether the candidate has become worse.
#[derive(Debug)]
pub(super) struct Cast {
    pub(super) scenes: Vec<Scene>,
    by_user: HashMap<String, usize>,
    worse: AtomicBool,
}

/// One side of a cast.
struct Voice {
    cast: Arc<Cast>,
    candidate: bool,
}

// === impl Cast ===

impl Cast {
    /// The prompts of a file of `paired/` to which both models were recorded.
    pub(super) fn new(data: &Path, file: &str, models: Models) -> Result<Arc<Self>> {
        let mut scenes = Vec::new();
        for prompt in recorded::prompts(data, file)? {
            let said = |model: &str| prompt.outputs.get(model).map(|runs| answers(runs));
            let (Some(primary), Some(candidate)) = (said(models.primary), said(models.candidate))
            else {
                continue;
            };
            let worse = models.worse.and_then(said).unwrap_or_default();
            let worse_fits = models.worse.is_none() || !worse.is_empty();
            let Some((body, user)) = request(&prompt) else {
                continue;
            };
            if primary.is_empty() || candidate.is_empty() || !worse_fits {
                continue;
            }
            scenes.push(Scene {
                body,
                user,
                primary,
                candidate,
                worse,
            });
        }
        ensure!(
            scenes.len() >= 100,
            "{file} has only {} prompts for {models:?}",
            scenes.len()
        );
        let by_user = scenes
            .iter()
            .enumerate()
            .map(|(at, scene)| (scene.user.clone(), at))
            .collect();
        Ok(Arc::new(Self {
            scenes,
            by_user,
            worse: AtomicBool::new(false),
        }))
    }

    /// From now on the candidate says what the third model was recorded to say.
    pub(super) fn become_worse(&self) {
        self.worse.store(true, Ordering::Relaxed);
    }

    /// What a side says.
    pub(super) fn voice(self: &Arc<Self>, candidate: bool) -> Arc<dyn Answers> {
        Arc::new(Voice {
            cast: Arc::clone(self),
            candidate,
        })
    }
}

impl Scene {
    /// The request with this number.
    pub(super) fn request(&self, number: u64, caller: &str) -> Value {
        let mut body = self.body.clone();
        let turn = json!({"role": "user", "content": format!("{}{REFERENCE}{number})", self.user)});
        if let Some(messages) = body.get_mut("messages").and_then(Value::as_array_mut) {
            messages.push(turn);
        }
        body.insert("user".to_owned(), caller.into());
        Value::Object(body)
    }
}

// === impl Voice ===

impl Answers for Voice {
    /// Repeats of a prompt get the model's other runs, where there are any.
    fn answer(&self, prompt: &Prompt, sequence: u64) -> Answer {
        let user = prompt
            .user
            .rsplit_once(REFERENCE)
            .map_or(prompt.user.as_str(), |(text, _)| text);
        let scene = self
            .cast
            .by_user
            .get(user)
            .and_then(|at| self.cast.scenes.get(*at));
        let Some(scene) = scene else {
            return Answer::text("This prompt was not recorded.");
        };
        let runs = match self.candidate {
            false => &scene.primary,
            true if self.cast.worse.load(Ordering::Relaxed) => &scene.worse,
            true => &scene.candidate,
        };
        let place = usize::try_from(sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33);
        let run = place.unwrap_or_default() % runs.len().max(1);
        runs.get(run).cloned().unwrap_or_default()
    }
}

/// System and other turns before the user's one, with tools; `None` where the prompt does not end in one turn of a user.
fn request(prompt: &recorded::Prompt) -> Option<(Map<String, Value>, String)> {
    let mut messages = prompt.messages.as_array()?.clone();
    let last = messages.pop()?;
    let user = last.get("content").and_then(Value::as_str)?.to_owned();
    if last.get("role").and_then(Value::as_str) != Some("user") || messages.iter().any(is_users) {
        return None;
    }
    let mut body = Map::new();
    body.insert("messages".to_owned(), messages.into());
    let declared = tools::declared(prompt);
    if !declared.is_empty() {
        body.insert("tools".to_owned(), declared.into());
    }
    Some((body, user))
}

fn is_users(message: &Value) -> bool {
    message.get("role").and_then(Value::as_str) == Some("user")
}

/// What a model was recorded to say, run by run.
fn answers(runs: &[recorded::Output]) -> Vec<Answer> {
    let answer = |run: &recorded::Output| match &run.text {
        Some(text) => Answer::text(text.clone()),
        None => match tools::called(&run.result) {
            Some(calls) => Answer {
                tool_calls: calls
                    .into_iter()
                    .map(|(name, arguments)| ToolCall {
                        name: tools::plain(&name),
                        arguments: arguments.to_string(),
                    })
                    .collect(),
                ..Answer::default()
            },
            None => Answer::text(run.result.as_str().unwrap_or("None of the tools fits.")),
        },
    };
    runs.iter().map(answer).collect()
}
