//! What a guardrail found, in the primary's content-filter categories.
//!
//! A category that the guardrail says nothing of has no member: nobody looked, and no verdict is invented. Neither words
//! nor personal data that were found are repeated.

use std::collections::BTreeMap;

use crossfade_openai::chat::content_filter_not_run;
use serde_json::{Map, Value, json};

use super::step::FilterFindings;
use crate::{
    converse::{Action, Confidence, Finding, Guarded, Policy},
    settings::Misconduct,
};

/// What is known of one category.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    filtered: bool,
    detected: bool,
    severity: Confidence,
}

/// Categories so far, by name.
#[derive(Debug, Default)]
struct Categories {
    /// Those with a severity.
    harms: BTreeMap<&'static str, Seen>,
    /// Those that were detected or not.
    marks: BTreeMap<&'static str, Seen>,
    /// Lists of one's own, by id.
    lists: BTreeMap<String, bool>,
}

/// The findings of both sides.
pub(super) fn findings(guarded: &Guarded, misconduct: Misconduct) -> FilterFindings {
    FilterFindings {
        prompt: side(&guarded.input, misconduct),
        completion: side(&guarded.output, misconduct),
        blocked: guarded.input_blocked || guarded.output_blocked,
    }
}

/// What is shown of one side: what was found, or that no filter ran. Where one did and tells nothing of this side, no category
/// is shown, as the primary does for a category that is switched off.
pub(super) fn shown(found: Option<Map<String, Value>>, looked: bool) -> Value {
    match found {
        Some(found) => Value::Object(found),
        None if looked => Value::Object(Map::new()),
        None => content_filter_not_run(),
    }
}

fn side(findings: &[Finding], misconduct: Misconduct) -> Option<Map<String, Value>> {
    let mut categories = Categories::default();
    for finding in findings {
        categories.add(finding, misconduct);
    }
    let members = categories.members();
    (!members.is_empty()).then_some(members)
}

// === impl Categories ===

impl Categories {
    fn add(&mut self, finding: &Finding, misconduct: Misconduct) {
        match finding.policy {
            Policy::Content => match finding.name.as_str() {
                "HATE" | "INSULTS" => self.harm("hate", finding),
                "SEXUAL" => self.harm("sexual", finding),
                "VIOLENCE" => self.harm("violence", finding),
                "MISCONDUCT" => self.misconduct(finding, misconduct),
                "PROMPT_ATTACK" => self.mark("jailbreak", finding),
                // A filter that is newer than this table.
                _ => self.list("content_filter", finding),
            },
            Policy::Profanity => self.mark("profanity", finding),
            Policy::Topic => self.list(&finding.name, finding),
            Policy::Word => self.list("custom_words", finding),
            Policy::Sensitive => self.list("sensitive_information", finding),
            Policy::Grounding => self.list("grounding", finding),
        }
    }

    fn misconduct(&mut self, finding: &Finding, shown_as: Misconduct) {
        match shown_as {
            Misconduct::CustomBlocklists => self.list("misconduct", finding),
            Misconduct::Hate => self.harm("hate", finding),
            Misconduct::Violence => self.harm("violence", finding),
            Misconduct::SelfHarm => self.harm("self_harm", finding),
            Misconduct::Sexual => self.harm("sexual", finding),
            Misconduct::Hidden => {}
        }
    }

    fn harm(&mut self, category: &'static str, finding: &Finding) {
        self.harms.entry(category).or_default().add(finding);
    }

    fn mark(&mut self, category: &'static str, finding: &Finding) {
        self.marks.entry(category).or_default().add(finding);
    }

    /// Only what was found: a list that found nothing is not shown.
    fn list(&mut self, id: &str, finding: &Finding) {
        if finding.detected {
            *self.lists.entry(id.to_owned()).or_default() |= finding.action == Action::Blocked;
        }
    }

    /// As the primary writes them: by the alphabet.
    fn members(self) -> Map<String, Value> {
        let mut members = BTreeMap::new();
        for (name, seen) in self.harms {
            let severity = severity(seen.severity);
            members.insert(
                name,
                json!({"filtered": seen.filtered, "severity": severity}),
            );
        }
        for (name, seen) in self.marks {
            members.insert(
                name,
                json!({"detected": seen.detected, "filtered": seen.filtered}),
            );
        }
        if !self.lists.is_empty() {
            let filtered = self.lists.values().any(|filtered| *filtered);
            let details: Vec<Value> = self
                .lists
                .into_iter()
                .map(|(id, filtered)| json!({"filtered": filtered, "id": id}))
                .collect();
            let lists = json!({"details": details, "filtered": filtered});
            members.insert("custom_blocklists", lists);
        }
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

// === impl Seen ===

impl Seen {
    fn add(&mut self, finding: &Finding) {
        self.filtered |= finding.action == Action::Blocked;
        self.detected |= finding.detected;
        self.severity = self.severity.max(finding.confidence);
    }
}

/// The primary's word: some clients fail on any other.
const fn severity(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::None => "safe",
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}
