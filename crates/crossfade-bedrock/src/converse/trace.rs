//! A guardrail's trace as JSON, read into findings. An action that no known policy states counts all the same.

use serde_json::Value;

use super::{Action, Confidence, Finding, Guarded, Policy, Trace};

/// Where a trace has its findings: the policy's member, the list in it, and what names one.
const LISTS: [(&str, &str, &str, Policy); 8] = [
    ("contentPolicy", "filters", "type", Policy::Content),
    ("topicPolicy", "topics", "name", Policy::Topic),
    ("wordPolicy", "customWords", "", Policy::Word),
    ("wordPolicy", "managedWordLists", "type", Policy::Profanity),
    (
        "sensitiveInformationPolicy",
        "piiEntities",
        "type",
        Policy::Sensitive,
    ),
    (
        "sensitiveInformationPolicy",
        "regexes",
        "",
        Policy::Sensitive,
    ),
    (
        "contextualGroundingPolicy",
        "filters",
        "type",
        Policy::Grounding,
    ),
    (
        "automatedReasoningPolicy",
        "findings",
        "",
        Policy::Grounding,
    ),
];

impl Trace {
    /// What the guardrail did, if one looked at it.
    pub fn guarded(&self) -> Option<Guarded> {
        let trace = self.guardrail.as_ref()?;
        let mut guarded = Guarded::default();
        // By guardrail: one assessment of the prompt, any number of the answer.
        let values = |name: &str| {
            let sides = trace.get(name).and_then(Value::as_object);
            sides.into_iter().flat_map(|side| side.values())
        };
        for assessment in values("inputAssessment") {
            read(assessment, &mut guarded.input);
        }
        for assessments in values("outputAssessments") {
            for assessment in assessments.as_array().into_iter().flatten() {
                read(assessment, &mut guarded.output);
            }
        }
        let (input, output) = (trace.get("inputAssessment"), trace.get("outputAssessments"));
        guarded.input_blocked = input.is_some_and(|side| any_action(side, |a| a == "BLOCKED"));
        guarded.output_blocked = output.is_some_and(|side| any_action(side, |a| a == "BLOCKED"));
        let sides = input.into_iter().chain(output);
        guarded.assessed = sides.into_iter().any(|side| any_action(side, |_| true));
        Some(guarded)
    }
}

fn read(assessment: &Value, findings: &mut Vec<Finding>) {
    for (policy, list, name, kind) in LISTS {
        let items = assessment.get(policy).and_then(|policy| policy.get(list));
        for item in items.and_then(Value::as_array).into_iter().flatten() {
            findings.push(finding(item, name, kind));
        }
    }
}

fn finding(item: &Value, name: &str, policy: Policy) -> Finding {
    let word = |member: &str| item.get(member).and_then(Value::as_str).unwrap_or_default();
    let action = Action::of(word("action"));
    let confidence = Confidence::of(word("confidence"));
    let detected = item.get("detected").and_then(Value::as_bool);
    let name = if name.is_empty() { "" } else { word(name) };
    Finding::new(policy, name, confidence, action, detected)
}

/// Whether any policy's action under this assessment is one of these.
fn any_action(assessment: &Value, is: fn(&str) -> bool) -> bool {
    match assessment {
        Value::Object(members) => members.iter().any(|(name, value)| match value {
            Value::String(action) => name == "action" && is(action),
            other => any_action(other, is),
        }),
        Value::Array(items) => items.iter().any(|item| any_action(item, is)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

// === impl Finding ===

impl Finding {
    /// A finding; one that does not say whether it was detected was, if anything was done or its filter is sure.
    pub fn new(
        policy: Policy,
        name: impl Into<String>,
        confidence: Confidence,
        action: Action,
        detected: Option<bool>,
    ) -> Self {
        let noticed = action != Action::None || confidence != Confidence::None;
        Self {
            policy,
            name: name.into(),
            confidence,
            action,
            detected: detected.unwrap_or(noticed),
        }
    }
}

impl Action {
    /// The provider's word.
    pub fn of(word: &str) -> Self {
        match word {
            "BLOCKED" => Self::Blocked,
            "ANONYMIZED" => Self::Masked,
            _ => Self::None,
        }
    }
}

impl Confidence {
    /// The provider's word.
    pub fn of(word: &str) -> Self {
        match word {
            "LOW" => Self::Low,
            "MEDIUM" => Self::Medium,
            "HIGH" => Self::High,
            _ => Self::None,
        }
    }
}
