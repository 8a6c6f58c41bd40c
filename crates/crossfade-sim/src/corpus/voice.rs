//! The two voices: what each model says, and how often it slips.
//!
//! The slips are drawn from the prompt and the repeat alone, so that a run can be repeated whatever the order of arrival.

use serde_json::{Map, Value, json};

use super::{CorpusPrompt, Truth};
use crate::script::{Answer, Finish, ToolCall};

/// Share of JSON answers that are no JSON, for both voices alike.
const BROKEN_JSON: f64 = 0.01;

/// One of the two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Speaks on the primary's side: compact JSON, curt labels.
    Primary,
    /// Speaks on the candidate's side: other words, spaced JSON, the same substance.
    Candidate,
}

impl Voice {
    /// What it says to a prompt.
    pub fn answer(self, prompt: &CorpusPrompt, serial: u64) -> Answer {
        if prompt.luck(self.name("balks"), serial) < self.balks(prompt) {
            return Answer::text(self.refusal());
        }
        match &prompt.truth {
            Truth::Label {
                right,
                labels,
                json,
            } => {
                let slips = prompt.luck(self.name("label"), serial) < self.mislabels();
                let label = if slips { next(labels, right) } else { right };
                if *json {
                    self.object(prompt, serial, &self.label(label))
                } else {
                    Answer::text(label)
                }
            }
            Truth::Object { right, .. } => self.object(prompt, serial, &self.noted(right)),
            Truth::Calls(calls) => {
                let calls = calls
                    .iter()
                    .map(|call| self.call(prompt, serial, call))
                    .collect();
                Answer {
                    tool_calls: calls,
                    ..Answer::default()
                }
            }
            Truth::Says { primary, candidate } => Answer::text(match self {
                Self::Primary => primary,
                Self::Candidate => candidate,
            }),
            Truth::Refusal { filtered: true } if self == Self::Primary => Answer {
                finish: Finish::Filtered,
                ..Answer::default()
            },
            Truth::Refusal { .. } => Answer::text(self.refusal()),
        }
    }

    /// How it refuses.
    pub(super) fn refusal(self) -> &'static str {
        match self {
            Self::Primary => "I'm sorry, but I can't help with that.",
            Self::Candidate => {
                "I can't assist with this request. If there is something else about your order, please ask."
            }
        }
    }

    /// How often it refuses what it should answer: rarely, and sooner where it sounds dangerous.
    fn balks(self, prompt: &CorpusPrompt) -> f64 {
        use super::Family::{Borderline, Extraction, Label, Refuse, Text, Tools};
        match (prompt.family, self) {
            (Borderline, Self::Primary) => 0.012,
            (Borderline, Self::Candidate) => 0.016,
            (Text, _) => 0.003,
            (Label | Extraction | Tools | Refuse, _) => 0.0,
        }
    }

    /// How often it takes the wrong label: together about three in a hundred disagree.
    fn mislabels(self) -> f64 {
        match self {
            Self::Primary => 0.012,
            Self::Candidate => 0.018,
        }
    }

    fn label(self, label: &str) -> Value {
        let confidence = match self {
            Self::Primary => 0.97,
            Self::Candidate => 0.9,
        };
        json!({"category": label, "confidence": confidence})
    }

    /// Free text is worded by each voice for itself.
    fn noted(self, right: &Value) -> Value {
        let mut object = right.clone();
        if let (Self::Candidate, Some(note)) = (self, object.get_mut("note")) {
            *note = json!(format!("Also: {}", note.as_str().unwrap_or_default()));
        }
        object
    }

    fn object(self, prompt: &CorpusPrompt, serial: u64, value: &Value) -> Answer {
        let text = match self {
            Self::Primary => value.to_string(),
            Self::Candidate => spaced(value),
        };
        if prompt.luck(self.name("json"), serial) >= BROKEN_JSON {
            return Answer::text(text);
        }
        // Two ways in which models break JSON: they stop early, or they talk around it.
        if prompt.luck(self.name("how"), serial) < 0.5 {
            Answer::text(text.trim_end_matches('}'))
        } else {
            Answer::text(format!("Here is the JSON you asked for:\n{text}"))
        }
    }

    fn call(self, prompt: &CorpusPrompt, serial: u64, call: &ToolCall) -> ToolCall {
        let mut arguments: Map<String, Value> =
            serde_json::from_str(&call.arguments).unwrap_or_default();
        if let (Self::Candidate, Some(reason)) = (self, arguments.get_mut("reason")) {
            *reason = json!(format!(
                "customer says: {}",
                reason.as_str().unwrap_or_default()
            ));
        }
        // One in two hundred copies the order's number wrongly.
        let slips = prompt.luck(self.name("call"), serial) < 0.005;
        if let (true, Some(order)) = (slips, arguments.get_mut("order_id")) {
            *order = json!(order.as_str().unwrap_or_default().replace('-', ""));
        }
        ToolCall {
            name: call.name.clone(),
            arguments: Value::Object(arguments).to_string(),
        }
    }

    /// A name to draw luck under; each voice has its own.
    fn name(self, purpose: &'static str) -> &'static str {
        match (self, purpose) {
            (Self::Primary, "balks") => "primary balks",
            (Self::Primary, "label") => "primary label",
            (Self::Primary, "json") => "primary json",
            (Self::Primary, "how") => "primary how",
            (Self::Primary, _) => "primary call",
            (Self::Candidate, "balks") => "candidate balks",
            (Self::Candidate, "label") => "candidate label",
            (Self::Candidate, "json") => "candidate json",
            (Self::Candidate, "how") => "candidate how",
            (Self::Candidate, _) => "candidate call",
        }
    }
}

/// The label after this one in the list.
fn next(labels: &[&'static str], right: &str) -> &'static str {
    let after = labels
        .iter()
        .cycle()
        .skip_while(|label| **label != right)
        .nth(1);
    after.copied().unwrap_or("other")
}

/// JSON with a blank after each colon and comma, as some models write it.
fn spaced(value: &Value) -> String {
    format!("{value:#}")
        .lines()
        .map(str::trim_start)
        .collect::<Vec<_>>()
        .join(" ")
}
