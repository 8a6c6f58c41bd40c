//! A model that says which of two answers is better. It is asked in both orders, because models prefer a place; what it says in one
//! and not in the other is a tie. Its word counts for as much as people agree with it, which is measured elsewhere.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use bytes::Bytes;
use crossfade_exchange::Preference;
use futures_util::future::join;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::{
    Asked, CallError, Caps, Price,
    budget::{Budget, Reserved},
    call::call,
};

/// What it is told.
const PROMPT: &str = include_str!("prompt.txt");

/// How a judge is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgeSettings {
    /// The path of the chat operation, with its query string.
    pub path: String,
    /// The `model` in the body, where the path does not name the deployment.
    pub model: Option<String>,
    /// The token limit of its answer; models that think need room for it.
    pub max_tokens: u32,
    /// Characters of the request and of each answer that it sees: the middle of a longer one is left out.
    pub longest_text: usize,
    /// How long one call may take.
    pub deadline: Duration,
    /// Pairs that are judged at once.
    pub concurrency: usize,
    /// What its tokens cost; without a price the caps cannot be kept, and nothing is asked where there are any.
    pub price: Option<Price>,
    /// The most that it may cost.
    pub caps: Caps,
}

/// A pair to judge.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What was asked.
    pub request: &'a str,
    /// What the primary answered.
    pub primary: &'a str,
    /// What the candidate answered.
    pub candidate: &'a str,
}

/// What the judge says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// Which answer is better; [`Preference::Same`] too where the two orders disagree.
    pub preference: Preference,
    /// Each order preferred another answer: the judge contradicts itself. (One order's "same" is a tie, and no contradiction.)
    pub contradiction: bool,
    /// What both calls cost in USD, where a price is known.
    pub cost_usd: Option<f64>,
}

/// Why there is no judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum JudgeError {
    /// As many pairs are judged as may be.
    #[error("as many pairs are judged already as may be at once")]
    Busy,
    /// The money is spent, or a cap stands without a price.
    #[error("the judge's money is spent")]
    Money,
    /// It did not answer in the form that it was asked for.
    #[error("the judge's answer is not one of those it was given")]
    Unclear,
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// A judge. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Judge {
    service: Asked,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: JudgeSettings,
    budget: Budget,
    permits: Semaphore,
}

#[derive(Deserialize)]
struct Answer {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
struct Tokens {
    prompt_tokens: u64,
    completion_tokens: u64,
}

/// The judge's own words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Word {
    better: Better,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Better {
    #[serde(rename = "A")]
    First,
    #[serde(rename = "B")]
    Second,
    #[serde(rename = "same")]
    Same,
}

// === impl JudgeSettings ===

impl JudgeSettings {
    /// The usual bounds for a path.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            model: None,
            max_tokens: 1_024,
            longest_text: 24_000,
            deadline: Duration::from_secs(60),
            concurrency: 4,
            price: None,
            caps: Caps::default(),
        }
    }
}

// === impl Judge ===

impl Judge {
    /// Over a service.
    pub fn new(service: Asked, settings: JudgeSettings) -> Self {
        let permits = Semaphore::new(settings.concurrency.max(1));
        let budget = Budget::new(settings.caps);
        let shared = Shared {
            settings,
            budget,
            permits,
        };
        Self {
            service,
            shared: Arc::new(shared),
        }
    }

    /// Asks which answer is better, in both orders at once. Who comes while as many pairs are judged as may be is turned
    /// away. `unix_seconds` is now, for the caps.
    pub async fn prefer(
        &self,
        question: &Question<'_>,
        unix_seconds: u64,
    ) -> Result<Judgement, JudgeError> {
        let _permit = self
            .shared
            .permits
            .try_acquire()
            .map_err(|_| JudgeError::Busy)?;
        let turned = Question {
            primary: question.candidate,
            candidate: question.primary,
            ..*question
        };
        let bodies = [self.body(question), self.body(&turned)];
        let [there, back] = &bodies;
        // Both or none: half a judgement is worth nothing.
        let (first, second) = (
            self.reserve(there, unix_seconds)?,
            self.reserve(back, unix_seconds)?,
        );
        let (there, back) = join(self.ask(there, first), self.ask(back, second)).await;
        let ((there, paid), (back, paid_back)) = (there?, back?);
        let (preference, contradiction) = settle(there, back);
        Ok(Judgement {
            preference,
            contradiction,
            cost_usd: paid.zip(paid_back).map(|(there, back)| there + back),
        })
    }

    fn reserve(&self, body: &Bytes, unix_seconds: u64) -> Result<Reserved<'_>, JudgeError> {
        let settings = &self.shared.settings;
        let capped = settings.caps != Caps::default();
        let most = match settings.price {
            Some(price) => price.most(body.len(), settings.max_tokens.into()),
            None if capped => return Err(JudgeError::Money),
            None => 0.0,
        };
        let reserved = self.shared.budget.reserve(most, unix_seconds);
        reserved.ok_or(JudgeError::Money)
    }

    /// One order. An answer that did not come may have cost all the same.
    async fn ask(
        &self,
        body: &Bytes,
        reserved: Reserved<'_>,
    ) -> Result<(Better, Option<f64>), JudgeError> {
        let settings = &self.shared.settings;
        let service = self.service.clone();
        let answer = call(service, &settings.path, body.clone(), settings.deadline).await;
        let answer: Answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                match error {
                    // Refused requests are not charged.
                    CallError::Status(_) | CallError::Path => drop(reserved),
                    CallError::Deadline | CallError::Transport | CallError::Malformed => {
                        reserved.keep();
                    }
                }
                return Err(error.into());
            }
        };
        let cost = settings
            .price
            .zip(answer.usage)
            .map(|(price, tokens)| price.of(tokens.prompt_tokens, tokens.completion_tokens));
        match cost {
            Some(usd) => reserved.settle(usd),
            None => reserved.keep(),
        }
        let said = answer.choices.into_iter().next();
        let content = said.and_then(|choice| choice.message.content);
        // An object and nothing else: serde would take a list for a struct too.
        let word: Word = content
            .as_deref()
            .map(str::trim)
            .filter(|content| content.starts_with('{'))
            .and_then(|content| serde_json::from_str(content).ok())
            .ok_or(JudgeError::Unclear)?;
        Ok((word.better, cost))
    }

    fn body(&self, question: &Question<'_>) -> Bytes {
        let settings = &self.shared.settings;
        let nonce = format!("{:032x}", rand::random::<u128>());
        let mut data = String::new();
        for (name, text) in [
            ("request", question.request),
            ("answer A", question.primary),
            ("answer B", question.candidate),
        ] {
            let text = shortened(text, settings.longest_text);
            // Writing to a string cannot fail.
            let _ = write!(data, "<{name} {nonce}>\n{text}\n</{name} {nonce}>\n\n");
        }
        let mut body = json!({
            "messages": [
                { "role": "system", "content": PROMPT.replace("{nonce}", &nonce) },
                { "role": "user", "content": data },
            ],
            "max_completion_tokens": settings.max_tokens,
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "preference",
                    "strict": true,
                    "schema": {
                        "type": "object",
                        "properties": { "better": { "type": "string", "enum": ["A", "B", "same"] } },
                        "required": ["better"],
                        "additionalProperties": false,
                    },
                },
            },
        });
        if let (Some(model), Some(body)) = (&settings.model, body.as_object_mut()) {
            body.insert("model".to_owned(), json!(model));
        }
        Bytes::from(body.to_string())
    }
}

/// Both orders' words: in the first the primary's answer is shown first, in the second the candidate's.
const fn settle(there: Better, back: Better) -> (Preference, bool) {
    match (there, back) {
        (Better::First, Better::Second) => (Preference::Primary, false),
        (Better::Second, Better::First) => (Preference::Candidate, false),
        (Better::First, Better::First) | (Better::Second, Better::Second) => {
            (Preference::Same, true)
        }
        (Better::Same, _) | (_, Better::Same) => (Preference::Same, false),
    }
}

/// A text without its middle, if it is long: what is asked stands at the beginning or at the end.
fn shortened(text: &str, most: usize) -> String {
    let characters = text.chars().count();
    if characters <= most {
        return text.to_owned();
    }
    let half = most / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(characters - half).collect();
    format!(
        "{head}\n[{} characters left out]\n{tail}",
        characters - 2 * half
    )
}
