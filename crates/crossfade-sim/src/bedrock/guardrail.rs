//! Guardrails: words that are found in prompts and answers, what becomes of them, and the trace that tells of it.
//!
//! A guardrail knows the words of its own list. That is far less than the real one sees, and enough for everything that
//! follows from what it finds.

use serde_json::{Value, json};

use super::{
    exception::Exception,
    json::{items, object, text},
};

mod assessment;

/// A guardrail of the simulated account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guardrail {
    /// Its identifier, or its ARN.
    pub id: String,
    /// Its version: `DRAFT` or a number.
    pub version: String,
    /// Whether it holds for every request of the account, asked for or not.
    pub enforced: bool,
    /// What is said instead of an answer when a prompt is blocked.
    pub blocked_prompt: String,
    /// What is said instead of a blocked answer.
    pub blocked_answer: String,
    /// The words that it finds, by any case.
    pub words: Vec<GuardedWord>,
}

/// A word that a guardrail finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardedWord {
    /// The word.
    pub word: String,
    /// Which of the policies finds it.
    pub policy: Policy,
    /// What becomes of the text.
    pub action: Action,
}

/// A policy with what it calls its findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// A content filter: its type (`VIOLENCE`, `PROMPT_ATTACK`, …) and its confidence.
    Content(&'static str, &'static str),
    /// A denied topic, by its name.
    Topic(&'static str),
    /// A word of the owner's list.
    Word,
    /// A word of the managed list.
    Profanity,
    /// Sensitive information, by its type.
    Sensitive(&'static str),
}

/// What becomes of a text in which something is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is not let through.
    Block,
    /// The word is replaced by its type.
    Mask,
    /// It is only noted.
    Note,
}

/// A guardrail at work on one request.
#[derive(Clone, Debug)]
pub(super) struct Guard<'g> {
    rail: &'g Guardrail,
    asked_for: bool,
    trace: Trace,
    /// Whether streams are let out before they are judged.
    async_mode: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trace {
    Off,
    On,
    Full,
}

/// What a guardrail makes of a text.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    /// The text that is let through; the guardrail's own words if it is blocked.
    pub(super) text: String,
    pub(super) blocked: bool,
    pub(super) masked: bool,
    assessment: Value,
}

const REFUSED: &str = "The guardrail identifier or version provided in the request does not exist.";

impl Default for Guardrail {
    /// One that anybody may ask for: it knows a word for each policy.
    fn default() -> Self {
        let word = |word: &str, policy, action| GuardedWord {
            word: word.to_owned(),
            policy,
            action,
        };
        Self {
            id: "simguard0001".to_owned(),
            version: "DRAFT".to_owned(),
            enforced: false,
            blocked_prompt: "The guardrail does not take this question.".to_owned(),
            blocked_answer: "The guardrail does not give this answer.".to_owned(),
            words: vec![
                word(
                    "violent-word",
                    Policy::Content("VIOLENCE", "HIGH"),
                    Action::Block,
                ),
                word(
                    "hateful-word",
                    Policy::Content("HATE", "MEDIUM"),
                    Action::Block,
                ),
                word(
                    "insulting-word",
                    Policy::Content("INSULTS", "HIGH"),
                    Action::Block,
                ),
                word(
                    "sexual-word",
                    Policy::Content("SEXUAL", "HIGH"),
                    Action::Block,
                ),
                word(
                    "misconduct-word",
                    Policy::Content("MISCONDUCT", "HIGH"),
                    Action::Block,
                ),
                word(
                    "attack-word",
                    Policy::Content("PROMPT_ATTACK", "HIGH"),
                    Action::Block,
                ),
                word(
                    "harsh-word",
                    Policy::Content("VIOLENCE", "LOW"),
                    Action::Note,
                ),
                word("denied-topic", Policy::Topic("denied topic"), Action::Block),
                word("listed-word", Policy::Word, Action::Block),
                word("profane-word", Policy::Profanity, Action::Block),
                word("secret-address", Policy::Sensitive("ADDRESS"), Action::Mask),
                word(
                    "secret-number",
                    Policy::Sensitive("CREDIT_DEBIT_CARD_NUMBER"),
                    Action::Block,
                ),
            ],
        }
    }
}

/// The guardrail that a request meets: the one it asks for, or the account's.
pub(super) fn of_request<'g>(
    rails: &'g [Guardrail],
    body: &Value,
) -> Result<Option<Guard<'g>>, Exception> {
    let config = body
        .get("guardrailConfig")
        .filter(|config| !config.is_null());
    let enforced = || rails.iter().find(|rail| rail.enforced);
    let Some(config) = config else {
        return Ok(enforced().map(|rail| Guard::new(rail, None)));
    };
    let (id, version) = (
        text(config, "guardrailIdentifier"),
        text(config, "guardrailVersion"),
    );
    let (Some(id), Some(version)) = (id, version) else {
        return Err(Exception::validation(
            "Both guardrailIdentifier and guardrailVersion must be given to use a guardrail.",
        ));
    };
    let asked = rails.iter().find(|rail| {
        let name = id.rsplit('/').next().unwrap_or_default();
        (rail.id == id || rail.id == name) && rail.version == version
    });
    match asked {
        Some(rail) => Ok(Some(Guard::new(rail, Some(config)))),
        None => Err(Exception::validation(REFUSED)),
    }
}

/// The guardrail that the header lines of an InvokeModel or a compatible request name.
pub(super) fn of_headers(
    rails: &[Guardrail],
    header: impl Fn(&str) -> Option<String>,
) -> Result<Option<Guard<'_>>, Exception> {
    let config = header("x-amzn-bedrock-guardrailidentifier").map(|id| {
        object([
            ("guardrailIdentifier", Some(json!(id))),
            (
                "guardrailVersion",
                header("x-amzn-bedrock-guardrailversion").map(|version| json!(version)),
            ),
            (
                "trace",
                header("x-amzn-bedrock-trace").map(|trace| json!(trace.to_lowercase())),
            ),
        ])
    });
    of_request(rails, &json!({ "guardrailConfig": config }))
}

/// All text of a prompt that a guardrail looks at: the marked parts, or everything if none is marked.
pub(super) fn prompt_text(body: &Value) -> String {
    let messages = items(body, "messages");
    let blocks = || {
        messages
            .iter()
            .flat_map(|message| items(message, "content"))
    };
    let marked: Vec<&str> = blocks()
        .filter_map(|block| block.pointer("/guardContent/text/text")?.as_str())
        .collect();
    if marked.is_empty() {
        blocks()
            .filter_map(|block| text(block, "text"))
            .collect::<Vec<_>>()
            .join("\n")
    } else {
        marked.join("\n")
    }
}

// === impl Guard ===

impl<'g> Guard<'g> {
    fn new(rail: &'g Guardrail, config: Option<&Value>) -> Self {
        let setting = |name| config.and_then(|config| text(config, name));
        Self {
            rail,
            asked_for: config.is_some(),
            trace: match setting("trace") {
                Some("enabled") => Trace::On,
                Some("enabled_full") => Trace::Full,
                _ => Trace::Off,
            },
            async_mode: setting("streamProcessingMode") == Some("async"),
        }
    }

    /// Whether streams are let out before they are judged.
    pub(super) fn lets_out_first(&self) -> bool {
        self.async_mode
    }

    /// Judges a prompt.
    pub(super) fn prompt(&self, prompt: &str) -> Verdict {
        self.judge(prompt, &self.rail.blocked_prompt)
    }

    /// Judges an answer.
    pub(super) fn answer(&self, answer: &str) -> Verdict {
        self.judge(answer, &self.rail.blocked_answer)
    }

    /// The verdict on an answer that the script says is cut off, whatever its words.
    pub(super) fn cut_off(&self, said: &str) -> Verdict {
        let found = GuardedWord {
            word: String::new(),
            policy: Policy::Content("VIOLENCE", "HIGH"),
            action: Action::Block,
        };
        Verdict {
            text: said.to_owned(),
            blocked: true,
            masked: false,
            assessment: self.assessment(&[&found]),
        }
    }

    fn judge(&self, said: &str, instead: &str) -> Verdict {
        let lower = said.to_lowercase();
        let found: Vec<&GuardedWord> = self
            .rail
            .words
            .iter()
            .filter(|guarded| lower.contains(&guarded.word.to_lowercase()))
            .collect();
        let any = |action: Action| found.iter().any(|guarded| guarded.action == action);
        let (blocked, masked) = (any(Action::Block), any(Action::Mask));
        let text = if blocked {
            instead.to_owned()
        } else {
            found
                .iter()
                .fold(said.to_owned(), |text, guarded| guarded.mask(&text))
        };
        Verdict {
            text,
            blocked,
            masked: masked && !blocked,
            assessment: self.assessment(&found),
        }
    }

    /// The trace of a request, if one is wanted: of the prompt, and of the answer if there was one.
    pub(super) fn trace(
        &self,
        prompt: &Verdict,
        answer: Option<(&Verdict, &str)>,
    ) -> Option<Value> {
        if self.trace == Trace::Off {
            return None;
        }
        let id = self.rail.id.as_str();
        let acted = |verdict: &Verdict| match (verdict.blocked, verdict.masked) {
            (true, _) => Some("Guardrail blocked."),
            (false, true) => Some("Guardrail masked."),
            (false, false) => None,
        };
        let reason = acted(prompt)
            .filter(|_| prompt.blocked)
            .or_else(|| acted(answer?.0))
            .unwrap_or("No action.");
        let found = object([
            ("actionReason", Some(json!(reason))),
            ("inputAssessment", Some(json!({id: prompt.assessment}))),
            ("modelOutput", answer.map(|(_, said)| json!([said]))),
            (
                "outputAssessments",
                answer.map(|(verdict, _)| json!({id: [verdict.assessment]})),
            ),
        ]);
        Some(json!({"guardrail": found}))
    }
}

// === impl GuardedWord ===

impl GuardedWord {
    fn mask(&self, text: &str) -> String {
        match (self.action, self.policy) {
            (Action::Mask, Policy::Sensitive(kind)) => {
                text.replace(&self.word, &format!("{{{kind}}}"))
            }
            (Action::Mask, _) => text.replace(&self.word, "{MASKED}"),
            (Action::Block | Action::Note, _) => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
