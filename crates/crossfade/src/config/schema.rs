//! The JSON Schema of the configuration file: made from the types that read it. What other crates read is described
//! here, and compared with what they read.

mod checks;

use std::{collections::BTreeSet, path::PathBuf};

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crossfade_bedrock::{CandidateSettings, FetchSettings, Overrides};
use crossfade_compare::{
    CheckSettings, CitationSettings, ExtractionSettings, FactKind, LabelSettings, NumberSettings,
    ValueRuleSettings,
};
use crossfade_exchange::{Gate, LossKind, LossPolicy, Metric};
use crossfade_rollout::Stage;

use crossfade_redact::Detector;

use super::raw::RawConfig;

pub(super) use checks::checks;

const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

pub(super) fn percent(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "number", "minimum": 0, "maximum": 100 })
}

pub(super) fn some_percent(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["number", "null"], "minimum": 0, "maximum": 100 })
}

pub(super) fn percents(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "minItems": 1, "maxItems": 20, "items": percent(generator) })
}

pub(super) fn stages(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = Stage::ALL.iter().map(|stage| stage.as_str()).collect();
    json_schema!({ "type": ["array", "null"], "items": { "enum": names }, "uniqueItems": true })
}

pub(super) fn success(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = Gate::ALL.iter().map(|gate| gate.as_str()).collect();
    json_schema!({
        "type": ["object", "null"],
        "propertyNames": { "enum": names },
        "additionalProperties": { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 },
    })
}

pub(super) fn detectors(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = Detector::ALL
        .iter()
        .map(|detector| detector.as_str())
        .collect();
    json_schema!({ "type": ["array", "null"], "items": { "enum": names } })
}

fn metric_names() -> Vec<&'static str> {
    Metric::ALL.iter().map(|metric| metric.as_str()).collect()
}

pub(super) fn metrics(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["array", "null"], "items": { "enum": metric_names() } })
}

pub(super) fn shares(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": { "enum": metric_names() },
        "additionalProperties": { "type": "number", "exclusiveMinimum": 0 },
    })
}

pub(super) fn price(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["object", "null"],
        "properties": {
            "input": { "type": "number", "minimum": 0, "description": "Prompt tokens that no cache was used for." },
            "cached": { "type": "number", "minimum": 0, "description": "Prompt tokens read from a cache; as input if absent." },
            "cache_write": { "type": "number", "minimum": 0, "description": "Prompt tokens written to a cache; as input if absent." },
            "output": { "type": "number", "minimum": 0, "description": "Completion tokens, reasoning included." },
        },
        "required": ["input", "output"],
        "additionalProperties": false,
    })
}

pub(super) fn adapt(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["object", "null"],
        "properties": {
            "system_append": { "type": "string", "description": "Text after the caller's own instructions." },
            "temperature": { "type": "number", "minimum": 0, "maximum": 1, "description": "Instead of the caller's temperature." },
        },
        "additionalProperties": false,
    })
}

pub(super) fn candidate(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "model": { "type": "string", "description": "Model id, inference profile id or ARN." },
            "api": { "enum": ["converse", "openai-chat", "openai-responses", "invoke"], "description": "The API that is asked: Converse for every model, chat completions or responses on the OpenAI-compatible endpoints, or the model's own form for embeddings." },
            "surface": { "enum": ["runtime", "mantle"], "description": "The host at which an OpenAI-compatible endpoint is asked." },
            "path_prefix": { "type": "string", "pattern": "^/.*[^/]$", "description": "The path before the operation of an OpenAI-compatible endpoint, where the table has it wrong." },
            "fetch": fetch(),
            "losses": losses(),
            "late_system": { "enum": ["front", "in_place"], "description": "Where a system message goes that does not stand at the front." },
            "temperature_scale": { "enum": ["clamp", "halve"], "description": "How a temperature over 1 is brought into the target's range." },
            "penalties": { "enum": ["refuse", "drop"], "description": "What is done with penalties and biases, which have no counterpart." },
            "guardrail": guardrail(),
            "store": { "enum": ["primary", "unstored", "candidate"], "description": "Who keeps the responses that a caller leaves to the provider to keep." },
            "index_rebuilt": { "type": "boolean", "description": "The vectors that callers compare with were made anew with this model, so that it may answer for embeddings." },
            "base_model": { "type": "string", "description": "The model id that says what the model can do, where model is an ARN that does not tell." },
            "default_max_tokens": { "type": "integer", "minimum": 1, "description": "The token limit of a request that states none; the model's own if absent." },
            "stream_always": { "type": "boolean", "description": "Ask for a stream even if the caller did not, so that silence can be told from work." },
            "annotations": { "enum": ["not_run", "absent"], "description": "Content-filter members of answers, which no filter of the primary's looked at." },
            "answer_model": { "type": "string", "description": "The model that answers show until the primary's own is known." },
            "capabilities": {
                "type": "object",
                "description": "Capabilities that the built-in table has wrong or does not know.",
                "properties": capabilities(),
                "additionalProperties": false,
            },
        },
        "required": ["model"],
        "additionalProperties": false,
    })
}

/// A model that is asked about pairs: the keys that say which, and how it is asked.
pub(super) fn some_candidate(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["object", "null"],
        "properties": { "model": { "type": "string" } },
        "required": ["model"],
    })
}

/// `losses`: a policy for all, and others by kind.
fn losses() -> Value {
    let words: Vec<&str> = LossPolicy::ALL
        .iter()
        .map(|policy| policy.as_str())
        .collect();
    let kinds = LossKind::ALL.iter().map(|kind| kind.as_str());
    let names: Vec<&str> = std::iter::once("default").chain(kinds).collect();
    json!({
        "type": "object",
        "description": "What is done with a request whose translation loses something: allow, mirror-only (never answered by the candidate) or refuse; default for all kinds, and others by kind.",
        "propertyNames": { "enum": names },
        "additionalProperties": { "enum": words },
    })
}

/// `guardrail`: absent is none.
fn guardrail() -> Value {
    json!({
        "type": "object",
        "description": "The guardrail that looks at requests and answers.",
        "properties": {
            "id": { "type": "string", "description": "Its id or ARN." },
            "version": { "type": "string", "description": "Its version: DRAFT or a number." },
            "trace": { "enum": ["enabled", "full", "disabled"], "description": "How much of what it found is told." },
            "stream_mode": { "enum": ["sync", "async"], "description": "Whether a stream waits for it." },
            "misconduct": { "enum": ["custom_blocklists", "hate", "violence", "self_harm", "sexual", "hidden"], "description": "The primary's category that findings of misconduct are shown in." },
        },
        "required": ["id", "version"],
        "additionalProperties": false,
    })
}

/// `capabilities`: the table's columns.
#[expect(clippy::too_many_lines, reason = "a list of columns")]
fn capabilities() -> Value {
    let (flag, count) = (
        json!({ "type": "boolean" }),
        json!({ "type": "integer", "minimum": 0 }),
    );
    let list = |words: Value| json!({ "type": "array", "items": { "enum": words } });
    let apis = || {
        list(json!([
            "converse",
            "openai-chat",
            "openai-responses",
            "invoke"
        ]))
    };
    let flags = [
        "strict",
        "inline_refs",
        "lookaround",
        "tools",
        "stream_tools",
        "text_calls",
        "parallel_switch",
        "system",
        "system_turns",
        "leading_user",
        "prefill",
        "result_alone",
        "result_json",
        "result_images",
        "result_documents",
        "reasoning_usage",
        "streams",
        "cache_hour",
        "tiers",
    ];
    let counts = [
        "schema_properties",
        "schema_optional",
        "schema_unions",
        "stops",
        "token_floor",
        "budget_least",
        "budget_most",
        "images_most",
        "documents",
        "cache_points",
        "texts",
        "text_characters",
    ];
    let others = [
        ("structured", json!({ "enum": ["native", "tool"] })),
        ("choice", json!({ "enum": ["none", "any", "all"] })),
        ("sampling", json!({ "enum": ["both", "one", "none"] })),
        ("stop", json!({ "enum": ["any", "visible", "none"] })),
        (
            "reasoning",
            json!({ "enum": ["none", "budget", "adaptive", "effort", "nested", "nova", "word"] }),
        ),
        ("efforts", list(json!(EFFORTS))),
        ("images", list(json!(["png", "jpeg", "gif", "webp"]))),
        ("audio", list(json!(["wav", "mp3"]))),
        (
            "embeds",
            json!({ "enum": ["none", "input_text", "input_text_sized", "texts", "texts_sized", "task"] }),
        ),
        (
            "lengths",
            json!({ "type": "array", "items": { "type": "integer", "minimum": 1 }, "maxItems": 8 }),
        ),
        (
            "endpoints",
            json!({
                "type": "object",
                "properties": { "runtime": apis(), "mantle": apis() },
                "additionalProperties": false,
            }),
        ),
        (
            "price",
            json!({
                "type": "object",
                "properties": {
                    "input": { "type": "number", "minimum": 0 },
                    "cached": { "type": "number", "minimum": 0 },
                    "cache_write": { "type": "number", "minimum": 0 },
                    "output": { "type": "number", "minimum": 0 },
                },
                "required": ["input", "output"],
                "additionalProperties": false,
            }),
        ),
        ("compatible", compatible()),
    ];
    let flags = flags.map(|name| (name, flag.clone()));
    let counts = counts.map(|name| (name, count.clone()));
    let all = flags.into_iter().chain(counts).chain(others);
    all.map(|(name, schema)| (name.to_owned(), schema))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// `fetch`: absent is off.
fn fetch() -> Value {
    json!({
        "type": "object",
        "description": "Fetch pictures and files that requests name by URL, and send them inline; without it such requests are the primary's.",
        "properties": {
            "http": { "type": "boolean", "description": "Plain http too, not only https." },
            "ports": { "type": "array", "items": { "type": "integer", "minimum": 1, "maximum": 65535 }, "description": "The ports that may be connected to." },
            "hosts": { "type": "array", "items": { "type": "string" }, "description": "The hosts that may be asked, each a name or *. and a domain; empty means any." },
            "max_bytes": { "type": "integer", "minimum": 1, "description": "The most bytes of one file." },
            "max_request_bytes": { "type": "integer", "minimum": 1, "description": "The most bytes of all files of one request." },
            "max_urls": { "type": "integer", "minimum": 1, "description": "The most URLs of one request." },
            "max_redirects": { "type": "integer", "minimum": 0, "description": "The most redirects that are followed for one URL." },
            "concurrency": { "type": "integer", "minimum": 1, "description": "The most files under way at once." },
            "timeout_ms": { "type": "integer", "minimum": 1, "description": "The longest time for one URL in milliseconds, redirects and waiting included." },
            "allow_private": { "type": "boolean", "description": "Allow this machine and private networks: for tests." },
        },
        "additionalProperties": false,
    })
}

/// `capabilities.compatible`.
fn compatible() -> Value {
    json!({
        "type": "object",
        "description": "What the model takes on the OpenAI-compatible endpoints.",
        "properties": {
            "mantle_prefix": { "enum": ["/openai/v1", "/v1"] },
            "completion_limit": { "type": "boolean" },
            "tools_while_reasoning": { "type": "boolean" },
            "sampling_while_reasoning": { "type": "boolean" },
            "default_effort": { "enum": EFFORTS },
            "efforts": { "type": "array", "items": { "enum": EFFORTS } },
            "logprobs": { "type": "boolean" },
            "logit_bias": { "type": "boolean" },
            "enforces_format": { "type": "boolean" },
            "inline_reasoning": { "type": "boolean" },
        },
        "additionalProperties": false,
    })
}

pub(super) fn generate() -> Value {
    serde_json::to_value(schemars::schema_for!(RawConfig)).unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The schema beside the example is the one these types make. `UPDATE_SCHEMA=1` writes it.
#[test]
fn schema_is_in_step() {
    let path = root().join("config/crossfade.schema.json");
    let made = format!("{:#}\n", generate());
    if super::environment("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stands == made,
        "config/crossfade.schema.json is not what the types say: run `UPDATE_SCHEMA=1 cargo test -p crossfade schema`"
    );
}

/// The members of an object schema are those that a type reads: every one that it writes, and no other.
fn same_keys(schema: &Value, full: &Value, elsewhere: &[&str]) {
    let keys = |value: &Value| -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let mut written = keys(full);
    for key in elsewhere {
        assert!(written.remove(*key), "{key}");
    }
    assert_eq!(keys(&schema["properties"]), written);
}

#[test]
fn what_other_crates_read_is_described_in_full() {
    let mut generator = SchemaGenerator::default();
    let checks = checks(&mut generator).to_value();
    let full = serde_json::to_value(CheckSettings::default()).unwrap();
    same_keys(&checks, &full, &["price", "primary_price", "max_cost_usd"]);
    for table in [
        "tool_arguments",
        "refusal",
        "text_similarity",
        "semantic_similarity",
        "groundedness",
        "length",
        "latency",
        "embeddings",
    ] {
        same_keys(&checks["properties"][table], &full[table], &[]);
    }
    let full = serde_json::to_value(CitationSettings::default()).unwrap();
    same_keys(&checks["properties"]["citations"], &full, &[]);
    let full = serde_json::to_value(ExtractionSettings::default()).unwrap();
    same_keys(&checks["properties"]["extraction"], &full, &[]);
    for kind in FactKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
    let label = LabelSettings {
        path: None,
        pattern: None,
        values: Vec::new(),
        number: None,
        risky: Vec::new(),
    };
    same_keys(
        &checks["properties"]["label"],
        &serde_json::to_value(label).unwrap(),
        &[],
    );

    let full = serde_json::to_value(NumberSettings::default()).unwrap();
    let number = &checks["properties"]["label"]["properties"]["number"];
    same_keys(number, &full, &[]);
    let full = serde_json::to_value(ValueRuleSettings::at("$")).unwrap();
    same_keys(&checks["properties"]["json_paths"]["items"], &full, &[]);

    let candidate = candidate(&mut generator).to_value();
    let mut full = CandidateSettings::new("m");
    full.base_model = Some(String::new());
    full.default_max_tokens = Some(1);
    full.answer_model = Some(String::new());
    full.path_prefix = Some(String::new());
    full.fetch = Some(FetchSettings::default());
    let guardrail = json!({ "id": "g", "version": "1" });
    full.guardrail = Some(serde_json::from_value(guardrail).unwrap());
    same_keys(
        &candidate["properties"]["guardrail"],
        &serde_json::to_value(&full.guardrail).unwrap(),
        &[],
    );
    same_keys(&candidate, &serde_json::to_value(full).unwrap(), &["adapt"]);
    let fetch = serde_json::to_value(FetchSettings::default()).unwrap();
    same_keys(&candidate["properties"]["fetch"], &fetch, &[]);
    let overrides = serde_json::to_value(Overrides::default()).unwrap();
    same_keys(&candidate["properties"]["capabilities"], &overrides, &[]);
}
