//! A guardrail's word on these endpoints: an action and a trace, as the provider adds them to a chat answer when the
//! request named a guardrail.

use serde_json::{Map, Value, json};

use crate::converse::{Guarded, Trace};

const ACTION: &str = "amazon-bedrock-guardrailAction";
const TRACE: &str = "amazon-bedrock-trace";

/// What was said of it so far.
#[derive(Debug, Default)]
pub(super) struct Guard {
    intervened: bool,
    trace: Option<Value>,
}

// === impl Guard ===

impl Guard {
    /// Looks at an answer's or a chunk's members beside the wire's own.
    pub(super) fn look(&mut self, members: &Map<String, Value>) {
        if let Some(action) = members.get(ACTION).and_then(Value::as_str) {
            self.intervened |= action == "INTERVENED" || action == "GUARDRAIL_INTERVENED";
        }
        if let Some(trace) = members.get(TRACE).and_then(|trace| trace.get("guardrail")) {
            self.trace = Some(trace.clone());
        }
    }

    /// Whether it acted.
    pub(super) const fn intervened(&self) -> bool {
        self.intervened
    }

    /// What it did, in the form of the provider's other answers.
    pub(super) fn guarded(&self) -> Option<Guarded> {
        let trace = self.trace.as_ref()?;
        let input = trace.get("inputAssessment").or_else(|| trace.get("input"));
        let outputs = match trace
            .get("outputAssessments")
            .or_else(|| trace.get("outputs"))
        {
            Some(Value::Array(outputs)) => merged(outputs),
            Some(outputs) => outputs.clone(),
            None => Value::Null,
        };
        let told =
            json!({ "guardrail": { "inputAssessment": input, "outputAssessments": outputs } });
        let trace: Trace = serde_json::from_value(told).ok()?;
        trace.guarded()
    }
}

/// Assessments in a list, by guardrail.
fn merged(outputs: &[Value]) -> Value {
    let mut by_guardrail: Map<String, Value> = Map::new();
    for (id, assessment) in outputs.iter().filter_map(Value::as_object).flatten() {
        let all = by_guardrail
            .entry(id.clone())
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(all) = all {
            all.push(assessment.clone());
        }
    }
    Value::Object(by_guardrail)
}
