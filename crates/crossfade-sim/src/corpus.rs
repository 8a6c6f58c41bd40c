//! A corpus of the project's own: support tickets to classify, texts to extract from, tools to call, questions to answer,
//! requests to refuse, and requests that only sound as if they should be.
//!
//! It knows the truth of every prompt, so that a client can tell a good answer from a bad one, and it speaks with two
//! voices that disagree about as often as two real models do. It knows nothing of either wire but the request's JSON.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value, json};

use crate::script::{Answer, Answers, Finish, ToolCall, unit_interval};

mod degraded;
mod extraction;
mod judge;
mod labels;
mod questions;
mod refusals;
#[cfg(test)]
mod tests;
mod tools;
mod voice;

pub use degraded::Degraded;
pub use judge::{Flaw, Judgement};
pub use voice::Voice;

/// What a prompt asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// A ticket to sort under a closed list of labels.
    Label,
    /// A text to turn into JSON.
    Extraction,
    /// Tools to call.
    Tools,
    /// A question, or the result of a tool to report.
    Text,
    /// Something that only sounds as if it should be refused.
    Borderline,
    /// Something that should be refused.
    Refuse,
}

/// What is right.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Truth {
    /// One of the labels; `json` says in which form it was asked for.
    Label {
        right: &'static str,
        labels: &'static [&'static str],
        json: bool,
    },
    /// An object that fits the schema. Text under `note` is free.
    Object { schema: Value, right: Value },
    /// These calls, in any order. Text under `reason` is free.
    Calls(Vec<ToolCall>),
    /// An answer; what each voice says.
    Says { primary: String, candidate: String },
    /// A refusal; whether Azure's filter already blocks the prompt.
    Refusal { filtered: bool },
}

/// One prompt with its truth.
#[derive(Clone, Debug, PartialEq)]
pub struct CorpusPrompt {
    /// Its name, unique in the corpus.
    pub id: String,
    /// What it asks for.
    pub family: Family,
    /// The user's text, without a reference.
    pub user: String,
    /// Whether it is asked for as a stream.
    pub stream: bool,
    /// Whether a stream ends with token counts.
    pub include_usage: bool,
    /// How often it is asked, relative to the others.
    pub weight: f64,
    pub(crate) truth: Truth,
    system: String,
    history: Vec<Value>,
    extra: Map<String, Value>,
}

/// All prompts.
#[derive(Debug)]
pub struct Corpus {
    prompts: Vec<CorpusPrompt>,
    by_user: HashMap<String, usize>,
    weight: f64,
}

/// How a reference begins, at the end of a user's text.
const REFERENCE: &str = "\n\n(ref ";

impl Default for Corpus {
    fn default() -> Self {
        Self::new()
    }
}

impl Corpus {
    /// The corpus; always the same.
    pub fn new() -> Self {
        let mut prompts = labels::prompts();
        prompts.extend(extraction::prompts());
        prompts.extend(tools::prompts());
        prompts.extend(questions::prompts());
        prompts.extend(refusals::prompts());
        for prompt in &mut prompts {
            // Six in ten stream, and two of three streams ask for token counts, as a mixed fleet of clients does.
            prompt.stream = prompt.luck("stream", 0) < 0.6;
            prompt.include_usage = prompt.stream && prompt.luck("usage", 0) < 0.67;
        }
        let by_user = prompts
            .iter()
            .enumerate()
            .map(|(i, p)| (p.user.clone(), i))
            .collect();
        let weight = prompts.iter().map(|p| p.weight).sum();
        Self {
            prompts,
            by_user,
            weight,
        }
    }

    /// Every prompt.
    pub fn prompts(&self) -> &[CorpusPrompt] {
        &self.prompts
    }

    /// The prompt at a point of the weighted whole, 0..=1.
    pub fn pick(&self, at: f64) -> Option<&CorpusPrompt> {
        let mut left = at * self.weight;
        let hit = self.prompts.iter().find(|prompt| {
            left -= prompt.weight;
            left < 0.0
        });
        hit.or(self.prompts.last())
    }

    /// The prompt that a user's text comes from, and the reference it carries (0 if none).
    pub fn find(&self, user: &str) -> Option<(&CorpusPrompt, u64)> {
        let (text, serial) = match user.rsplit_once(REFERENCE) {
            Some((text, tail)) => {
                let digits: String = tail.chars().take_while(char::is_ascii_digit).collect();
                (text, digits.parse().unwrap_or(0))
            }
            None => (user, 0),
        };
        let exact = self
            .by_user
            .get(text)
            .and_then(|&index| self.prompts.get(index));
        // A translation may have put words of its own around the user's.
        let prompt = exact.or_else(|| self.prompts.iter().find(|p| text.contains(&p.user)))?;
        Some((prompt, serial))
    }

    /// One of the two voices as a source of answers.
    pub fn voice(self: &Arc<Self>, voice: Voice) -> Arc<dyn Answers> {
        let corpus = Arc::clone(self);
        Arc::new(
            move |prompt: &crate::script::Prompt, _: u64| match corpus.find(&prompt.user) {
                Some((known, serial)) => voice.answer(known, serial),
                None => Answer::text("I have nothing to say about this."),
            },
        )
    }
}

/// What turns a reference into another repeat of the same prompt.
const ANOTHER: u64 = 1 << 62;

impl Corpus {
    /// The primary's model where the candidate stands: its words, and slips of its own, as one model differs from itself.
    /// It says no where the primary's service would not let a prompt in.
    pub fn same_model(self: &Arc<Self>) -> Arc<dyn Answers> {
        let corpus = Arc::clone(self);
        Arc::new(move |prompt: &crate::script::Prompt, _: u64| {
            let Some((known, serial)) = corpus.find(&prompt.user) else {
                return Answer::text("I have nothing to say about this.");
            };
            let answer = Voice::Primary.answer(known, serial ^ ANOTHER);
            if answer == blocked() {
                Answer::text(Voice::Primary.refusal())
            } else {
                answer
            }
        })
    }
}

/// What the primary's filter makes of a prompt.
fn blocked() -> Answer {
    Answer {
        finish: Finish::Filtered,
        ..Answer::default()
    }
}

impl CorpusPrompt {
    fn new(
        id: String,
        family: Family,
        system: &str,
        user: impl Into<String>,
        truth: Truth,
    ) -> Self {
        Self {
            id,
            family,
            user: user.into(),
            stream: false,
            include_usage: false,
            weight: 1.0,
            truth,
            system: system.to_owned(),
            history: Vec::new(),
            extra: Map::new(),
        }
    }

    /// Adds a member to the request's body.
    fn with(mut self, name: &str, value: Value) -> Self {
        self.extra.insert(name.to_owned(), value);
        self
    }

    /// Asks for JSON of this schema.
    fn with_schema(self, name: &str, schema: &Value) -> Self {
        let schema = json!({"name": name, "schema": schema, "strict": true});
        self.with(
            "response_format",
            json!({"type": "json_schema", "json_schema": schema}),
        )
    }

    /// Continues the conversation after the user's message.
    fn after(mut self, messages: Vec<Value>) -> Self {
        self.history = messages;
        self
    }

    fn weighing(mut self, weight: f64) -> Self {
        self.weight = weight;
        self
    }

    /// The request as Azure's chat JSON. The serial makes the conversation a new one, and lets answers vary between
    /// repeats of a prompt; `model` names the deployment for v1 paths.
    pub fn request(&self, model: &str, serial: u64) -> Value {
        let user = format!("{}{REFERENCE}{serial:06})", self.user);
        let mut messages = vec![
            json!({"role": "system", "content": self.system}),
            json!({"role": "user", "content": user}),
        ];
        messages.extend(self.history.iter().cloned());
        let mut body =
            json!({"model": model, "messages": messages, "temperature": 0.2, "max_tokens": 800});
        if let Value::Object(body) = &mut body {
            body.extend(self.extra.clone());
            if self.stream {
                body.insert("stream".to_owned(), Value::Bool(true));
            }
            if self.include_usage {
                body.insert("stream_options".to_owned(), json!({"include_usage": true}));
            }
        }
        body
    }

    /// Whether the answer must be JSON.
    pub fn wants_json(&self) -> bool {
        match &self.truth {
            Truth::Label { json, .. } => *json,
            Truth::Object { .. } => true,
            Truth::Calls(_) | Truth::Says { .. } | Truth::Refusal { .. } => false,
        }
    }

    /// Whether an answer, as it reached the caller, is good.
    pub fn judge(&self, answer: &Answer) -> Judgement {
        judge::judge(self, answer)
    }

    /// A number in [0, 1) that depends only on the prompt, the repeat and what it is drawn for.
    pub(crate) fn luck(&self, purpose: &str, serial: u64) -> f64 {
        // FNV-1a: short keys, and the same on every machine.
        let bytes = self
            .id
            .bytes()
            .chain([0])
            .chain(purpose.bytes())
            .chain(serial.to_le_bytes());
        unit_interval(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }
}
