//! What a guardrail says of what it has found, in the form of a trace.

use serde_json::{Map, Value, json};

use super::{Action, Guard, GuardedWord, Policy, Trace};
use crate::bedrock::json::text;

/// The types of content filters.
const FILTERS: &[&str] = &[
    "INSULTS",
    "HATE",
    "SEXUAL",
    "VIOLENCE",
    "MISCONDUCT",
    "PROMPT_ATTACK",
];

// === impl Guard ===

impl Guard<'_> {
    /// The assessment of a text in which these were found.
    pub(super) fn assessment(&self, found: &[&GuardedWord]) -> Value {
        let of = |pick: fn(&GuardedWord) -> Option<Value>| -> Vec<Value> {
            found.iter().filter_map(|guarded| pick(guarded)).collect()
        };
        let mut filters = of(GuardedWord::content);
        if self.trace == Trace::Full {
            filters.extend(not_found(&filters));
        }
        let policies = [
            ("topicPolicy", json!({"topics": of(GuardedWord::topic)})),
            ("contentPolicy", json!({"filters": filters})),
            (
                "wordPolicy",
                json!({"customWords": of(GuardedWord::custom_word), "managedWordLists": of(GuardedWord::managed_word)}),
            ),
            (
                "sensitiveInformationPolicy",
                json!({"piiEntities": of(GuardedWord::sensitive), "regexes": []}),
            ),
        ];
        let said = policies.into_iter().filter(|(_, lists)| {
            let mut lists = lists.as_object().into_iter().flat_map(Map::values);
            lists.any(|list| list.as_array().is_some_and(|list| !list.is_empty()))
        });
        said.chain(self.details())
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Map<String, Value>>()
            .into()
    }

    /// What is said whatever was found.
    fn details(&self) -> [(&'static str, Value); 2] {
        let origin = if self.asked_for {
            "REQUEST"
        } else {
            "ACCOUNT_ENFORCED"
        };
        [
            (
                "invocationMetrics",
                json!({"guardrailProcessingLatency": 120, "guardrailCoverage": {"textCharacters": {"guarded": 1, "total": 1}}}),
            ),
            (
                "appliedGuardrailDetails",
                json!({
                    "guardrailId": self.rail.id,
                    "guardrailVersion": self.rail.version,
                    "guardrailOrigin": [origin],
                    "guardrailOwnership": "SELF",
                }),
            ),
        ]
    }
}

/// The full trace also tells of what was looked for and not found.
fn not_found(filters: &[Value]) -> Vec<Value> {
    let missing = FILTERS.iter().filter(|kind| {
        !filters
            .iter()
            .any(|filter| text(filter, "type") == Some(**kind))
    });
    let none = |kind: &&str| {
        json!({
            "action": "NONE", "confidence": "NONE", "detected": false, "filterStrength": "HIGH", "type": kind,
        })
    };
    missing.map(none).collect()
}

// === impl GuardedWord ===

impl GuardedWord {
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
