//! Guardrails: words that are found in prompts and answers, what becomes of them, and the trace that tells of it.
//!
//! A guardrail knows the words of its own list. That is far less than the real one sees, and enough for everything that
//! follows from what it finds.

use serde_json::{Map, Value, json};

use super::{
    exception::Exception,
    json::{items, object, text},
};

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

    fn assessment(&self, found: &[&GuardedWord]) -> Value {
        let full = self.trace == Trace::Full;
        let mut members = Map::new();
        let mut policy = |name: &str, lists: Value| {
            let lists = lists.as_object().cloned().unwrap_or_default();
            let empty = lists
                .values()
                .all(|list| list.as_array().is_some_and(Vec::is_empty));
            if !empty {
                members.insert(name.to_owned(), Value::Object(lists));
            }
        };
        let of = |pick: fn(&GuardedWord) -> Option<Value>| -> Vec<Value> {
            found.iter().filter_map(|guarded| pick(guarded)).collect()
        };
        let mut filters = of(GuardedWord::content);
        if full {
            // The full trace also tells of what was looked for and not found.
            for kind in [
                "INSULTS",
                "HATE",
                "SEXUAL",
                "VIOLENCE",
                "MISCONDUCT",
                "PROMPT_ATTACK",
            ] {
                if !filters
                    .iter()
                    .any(|filter| text(filter, "type") == Some(kind))
                {
                    filters.push(json!({
                        "action": "NONE", "confidence": "NONE", "detected": false, "filterStrength": "HIGH",
                        "type": kind,
                    }));
                }
            }
        }
        policy("topicPolicy", json!({"topics": of(GuardedWord::topic)}));
        policy("contentPolicy", json!({"filters": filters}));
        policy(
            "wordPolicy",
            json!({"customWords": of(GuardedWord::custom_word), "managedWordLists": of(GuardedWord::managed_word)}),
        );
        policy(
            "sensitiveInformationPolicy",
            json!({"piiEntities": of(GuardedWord::sensitive), "regexes": []}),
        );
        members.insert(
            "invocationMetrics".to_owned(),
            json!({"guardrailProcessingLatency": 120, "guardrailCoverage": {"textCharacters": {"guarded": 1, "total": 1}}}),
        );
        let origin = if self.asked_for {
            "REQUEST"
        } else {
            "ACCOUNT_ENFORCED"
        };
        members.insert(
            "appliedGuardrailDetails".to_owned(),
            json!({
                "guardrailId": self.rail.id,
                "guardrailVersion": self.rail.version,
                "guardrailOrigin": [origin],
                "guardrailOwnership": "SELF",
            }),
        );
        Value::Object(members)
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

    fn did(&self) -> &'static str {
        match self.action {
            Action::Block => "BLOCKED",
            Action::Mask => "ANONYMIZED",
            Action::Note => "NONE",
        }
    }

    fn content(&self) -> Option<Value> {
        let Policy::Content(kind, confidence) = self.policy else {
            return None;
        };
        Some(json!({
            "action": self.did(), "confidence": confidence, "detected": true, "filterStrength": "HIGH", "type": kind,
        }))
    }

    fn topic(&self) -> Option<Value> {
        let Policy::Topic(name) = self.policy else {
            return None;
        };
        Some(json!({"action": self.did(), "detected": true, "name": name, "type": "DENY"}))
    }

    fn custom_word(&self) -> Option<Value> {
        (self.policy == Policy::Word)
            .then(|| json!({"action": self.did(), "detected": true, "match": self.word}))
    }

    fn managed_word(&self) -> Option<Value> {
        (self.policy == Policy::Profanity).then(
            || json!({"action": self.did(), "detected": true, "match": self.word, "type": "PROFANITY"}),
        )
    }

    fn sensitive(&self) -> Option<Value> {
        let Policy::Sensitive(kind) = self.policy else {
            return None;
        };
        Some(json!({"action": self.did(), "detected": true, "match": self.word, "type": kind}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(rail: &Guardrail, trace: &str) -> Guard<'static> {
        let rail = Box::leak(Box::new(rail.clone()));
        Guard::new(rail, Some(&json!({"trace": trace})))
    }

    #[test]
    fn words_are_blocked_masked_or_noted() {
        let guard = guard(&Guardrail::default(), "enabled");
        let check = |said: &str, text: &str, blocked: bool, masked: bool| {
            let verdict = guard.answer(said);
            assert_eq!(
                (verdict.text.as_str(), verdict.blocked, verdict.masked),
                (text, blocked, masked),
                "{said}"
            );
        };
        let instead = "The guardrail does not give this answer.";
        check("all is well", "all is well", false, false);
        check("a Violent-Word!", instead, true, false);
        check("at secret-address 1", "at {ADDRESS} 1", false, true);
        check("secret-address and profane-word", instead, true, false);
        check("a harsh-word", "a harsh-word", false, false);
    }

    #[test]
    fn the_trace_tells_what_was_found() {
        let rail = Guardrail::default();
        let trace = |mode: &str, prompt: &str, answer: &str| {
            let guard = guard(&rail, mode);
            let (prompt, verdict) = (guard.prompt(prompt), guard.answer(answer));
            guard.trace(&prompt, Some((&verdict, answer)))
        };
        assert_eq!(trace("disabled", "hi", "violent-word"), None);
        let masked = trace("enabled", "hi", "secret-address").unwrap();
        let pointer = "/guardrail/outputAssessments/simguard0001/0/sensitiveInformationPolicy/piiEntities/0/action";
        assert_eq!(masked.pointer(pointer), Some(&json!("ANONYMIZED")));
        assert_eq!(masked["guardrail"]["actionReason"], "Guardrail masked.");
        let input = "/guardrail/inputAssessment/simguard0001";
        assert_eq!(masked.pointer(&format!("{input}/contentPolicy")), None);
        let full = trace("enabled_full", "harsh-word", "hi").unwrap();
        let filters = full
            .pointer(&format!("{input}/contentPolicy/filters"))
            .unwrap();
        assert_eq!(filters.as_array().unwrap().len(), 6);
        assert_eq!(
            (&filters[0]["action"], &filters[0]["confidence"]),
            (&json!("NONE"), &json!("LOW"))
        );
    }

    #[test]
    fn only_marked_parts_are_looked_at_if_there_are_any() {
        let check = |content: Value, expected: &str| {
            assert_eq!(
                prompt_text(&json!({"messages": [{"role": "user", "content": content}]})),
                expected
            );
        };
        check(json!([{"text": "a"}, {"text": "b"}]), "a\nb");
        check(
            json!([{"text": "a"}, {"guardContent": {"text": {"text": "b"}}}]),
            "b",
        );
    }

    #[test]
    fn a_request_meets_the_one_it_names_or_the_accounts() {
        let enforced = Guardrail {
            id: "law".to_owned(),
            version: "1".to_owned(),
            enforced: true,
            ..Guardrail::default()
        };
        let rails = [Guardrail::default(), enforced];
        let check = |config: Value, expected: Option<&str>| {
            let found = of_request(&rails, &json!({"guardrailConfig": config}));
            assert_eq!(
                found.ok().flatten().map(|guard| guard.rail.id.as_str()),
                expected
            );
        };
        let named = |id: &str, version: &str| json!({"guardrailIdentifier": id, "guardrailVersion": version});
        check(Value::Null, Some("law"));
        check(named("simguard0001", "DRAFT"), Some("simguard0001"));
        check(
            named(
                "arn:aws:bedrock:us-east-1:123456789012:guardrail/simguard0001",
                "DRAFT",
            ),
            Some("simguard0001"),
        );
        check(named("simguard0001", "2"), None);
        check(named("unknown", "1"), None);
        check(json!({"guardrailIdentifier": "law"}), None);
    }
}
