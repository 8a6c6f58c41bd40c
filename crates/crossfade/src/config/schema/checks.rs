//! The form of a route's checks, which another crate reads.

use crossfade_compare::FactKind;
use crossfade_exchange::{Check, Severity};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

#[expect(clippy::too_many_lines, reason = "a list of keys")]
pub(in crate::config) fn checks(_: &mut SchemaGenerator) -> Schema {
    let checks: Vec<&str> = Check::ALL.iter().map(|check| check.as_str()).collect();
    let severities: Vec<&str> = Severity::ALL
        .iter()
        .map(|severity| severity.as_str())
        .collect();
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let mut properties = json!({
            "off": { "type": "array", "items": { "enum": checks }, "description": "Checks that are switched off, with the metrics they feed." },
            "severity": {
                "type": "object",
                "propertyNames": { "enum": checks },
                "additionalProperties": { "enum": severities },
                "description": "How much a failure matters here, where the default does not fit.",
            },
            "json": { "type": "boolean", "description": "Every answer must be JSON, even if the request does not say so." },
            "lenient_json": { "type": "boolean", "description": "JSON that parses only after a repair passes." },
            "schema": { "type": ["object", "string"], "description": "The JSON schema of the answers: a table, JSON text, or the name of a file." },
            "required_fields": texts,
            "json_paths": {
                "type": "array",
                "items": value_rule(),
                "maxItems": 64,
                "description": "How the values of two JSON answers are compared, by path; elsewhere exactly. The most specific path wins.",
            },
            "label": {
                "type": "object",
                "description": "Where the answer's label stands, by a path or a pattern, and what it is: one of a list of values, or a number.",
                "properties": {
                    "path": { "type": "string" },
                    "pattern": { "type": "string" },
                    "values": texts,
                    "number": {
                        "type": "object",
                        "description": "How near two numbers must be: the larger of a distance and a share.",
                        "properties": { "abs": { "type": "number", "minimum": 0 }, "rel": { "type": "number", "minimum": 0 } },
                        "additionalProperties": false,
                    },
                    "risky": { "type": "array", "items": { "type": "array", "items": { "type": "string" }, "minItems": 2, "maxItems": 2 } },
                },
                "oneOf": [{ "required": ["values"] }, { "required": ["number"] }],
                "additionalProperties": false,
            },
            "side_effecting_tools": texts,
            "tool_arguments": {
                "type": "object",
                "description": "How tool arguments may differ; each entry, and each rule's path, is tool.parameter.",
                "properties": { "ignore": texts, "casefold": texts, "rules": { "type": "array", "items": value_rule(), "maxItems": 64 } },
                "additionalProperties": false,
            },
            "refusal": {
                "type": "object",
                "description": "How a sentence starts that refuses.",
                "properties": { "phrases": texts },
                "additionalProperties": false,
            },
            "embeddings": {
                "type": "object",
                "description": "How far the two models must order the same neighbours, and whether their vectors may differ in length.",
                "properties": {
                    "neighbours": { "type": "number", "minimum": 0, "maximum": 1 },
                    "any_dimensions": { "type": "boolean" },
                },
                "additionalProperties": false,
            },
    });
    if let (Value::Object(all), Value::Object(of_text)) = (&mut properties, text_checks()) {
        all.extend(of_text);
    }
    json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// How the values at a path are compared.
fn value_rule() -> Value {
    let severities: Vec<&str> = Severity::ALL
        .iter()
        .map(|severity| severity.as_str())
        .collect();
    json!({
        "type": "object",
        "properties": {
            "path": { "type": "string", "description": "$.items[*].price, $.meta.*, or $..price at any depth; of tools, tool.parameter." },
            "rule": {
                "enum": ["exact", "numeric", "set", "multiset", "casefold", "words", "text", "ignore"],
                "description": "set: lists without order and repetition. multiset: lists without order. words: letters and digits alone.",
            },
            "abs": { "type": "number", "minimum": 0, "description": "For numeric: the distance within which numbers are equal." },
            "rel": { "type": "number", "minimum": 0, "description": "For numeric: the same as a share of the larger one." },
            "threshold": { "type": "number", "minimum": 0, "maximum": 1, "description": "For text: the least similarity; 0.5 if absent." },
            "weight": { "type": "number", "exclusiveMinimum": 0, "maximum": 1000, "description": "How much each leaf counts; 1 if absent." },
            "severity": { "enum": severities, "description": "How much a difference matters; major if absent, of text minor." },
        },
        "required": ["path"],
        "additionalProperties": false,
    })
}

/// What is said of the checks of free text, time and tokens.
fn text_checks() -> Value {
    let share = || json!({ "type": "number", "minimum": 0, "maximum": 1 });
    let only = |description: &str, properties: Value| {
        json!({
            "type": "object",
            "description": description,
            "properties": properties,
            "additionalProperties": false,
        })
    };
    let kinds: Vec<&str> = FactKind::ALL.iter().map(|kind| kind.as_str()).collect();
    json!({
        "text_similarity": only("Similarity under which the check fails.", json!({ "threshold": share() })),
        "semantic_similarity": only("Cosine of the embeddings under which the check fails; it then takes the place of the wording.", json!({ "threshold": share() })),
        "retrieval": { "type": "boolean", "description": "Answers are to be taken from what the request brings: what they name and cite must stand there." },
        "groundedness": only("Share of the answer's numbers, names and quotations found in the request under which the check fails, where retrieval is set.", json!({ "threshold": share() })),
        "citations": only("Which citations two answers have to share: found by these patterns, or by those of all routes; the least F1.", json!({
            "patterns": { "type": "array", "items": { "type": "string" } },
            "threshold": share(),
        })),
        "extraction": only("Which facts of free text two answers have to share: these kinds, or all; the least F1.", json!({
            "kinds": { "type": "array", "items": { "enum": kinds } },
            "threshold": share(),
        })),
        "length": only("How many times as long the longer text may be before that is reported.", json!({ "ratio": { "type": "number", "minimum": 1 } })),
        "latency": only("When the candidate's first content must come and its answer end, in milliseconds, and how many tokens per second its streams must bring.", json!({
            "first_content_ms": { "type": "integer", "minimum": 1 },
            "total_ms": { "type": "integer", "minimum": 1 },
            "tokens_per_second": { "type": "number", "minimum": 0 },
        })),
        "max_output_tokens": { "type": "integer", "minimum": 1, "description": "The most tokens that one answer of the candidate may take." },
    })
}
