//! Any bytes are a golden set or are refused with reasons; what was read is the same after it was written; and its
//! assertions judge any answer without a panic and within their bounds.

use std::sync::OnceLock;

use arbitrary::{Result, Unstructured};
use crossfade_compare::{CheckSettings, Checks};
use crossfade_replay::{
    Case, CaseAnswer, Dataset,
    assertion::{AssertionResult, Context, judge},
};
use serde_json::{Value, json};

use crate::make;

const TYPES: &[&str] = &[
    "equals",
    "contains",
    "contains-any",
    "contains-all",
    "icontains",
    "icontains-any",
    "icontains-all",
    "regex",
    "starts-with",
    "is-json",
    "contains-json",
    "label",
    "required-fields",
    "is-valid-openai-tools-call",
    "tool-call-f1",
    "tool-args",
    "finish-reason",
    "is-refusal",
    "levenshtein",
    "rouge-n",
    "similar",
    "latency",
    "cost",
    "citations",
    "numbers",
    "matches-baseline",
    "assert-set",
    "javascript",
];

/// Reads a set that is the bytes, and one that is made of them.
pub fn golden(input: &[u8]) {
    read(input);
    let mut bytes = Unstructured::new(input);
    if play(&mut bytes).is_err() {
        // Too few bytes for a case.
    }
}

fn checks() -> &'static Checks {
    static CHECKS: OnceLock<Checks> = OnceLock::new();
    CHECKS.get_or_init(|| match Checks::new(CheckSettings::default()) {
        Ok(checks) => checks,
        Err(error) => panic!("the settings by default: {error}"),
    })
}

/// A set of the bytes; the same after it was written, line by line.
fn read(bytes: &[u8]) -> Option<Dataset> {
    let dataset = match Dataset::parse(bytes) {
        Ok(dataset) => dataset,
        Err(errors) => {
            assert!(
                !errors.to_string().is_empty(),
                "a set is refused for nothing"
            );
            return None;
        }
    };
    let lines: Vec<String> = dataset.cases.iter().map(Case::line).collect();
    match Dataset::parse(lines.join("\n").as_bytes()) {
        Ok(again) => assert_eq!(
            again.sha256, dataset.sha256,
            "a set changes when it is written"
        ),
        Err(errors) => panic!("what was read is refused when it was written: {errors}"),
    }
    Some(dataset)
}

fn play(bytes: &mut Unstructured<'_>) -> Result<()> {
    let asserted: Result<Vec<Value>> = (0..bytes.int_in_range(1..=4)?)
        .map(|_| assertion(bytes, 2))
        .collect();
    let mut case = json!({"id": "a", "request": make::chat(bytes)?, "assert": asserted?});
    if bytes.ratio(1, 3)? {
        case["baseline"] = json!({"response": answer(bytes)?});
    }
    let Some(dataset) = read(case.to_string().as_bytes()) else {
        return Ok(());
    };
    let answer = CaseAnswer::of_response(answer(bytes)?);
    let cosine = |_: &str, _: &str| Ok(0.5);
    let context = Context {
        checks: checks(),
        cost_usd: Some(0.001),
        cosine: Some(&cosine),
    };
    for case in &dataset.cases {
        let results = judge(case, &answer, &context);
        assert!(!results.is_empty(), "a case that expects nothing was read");
        results.iter().for_each(holds);
    }
    Ok(())
}

fn holds(result: &AssertionResult) {
    assert!((0.0..=1.0).contains(&result.score), "{result:?}");
    result.parts.iter().for_each(holds);
}

fn assertion(bytes: &mut Unstructured<'_>, depth: u8) -> Result<Value> {
    let kind = make::pick(bytes, TYPES)?;
    let negated = if bytes.ratio(1, 4)? { "not-" } else { "" };
    let mut assertion = json!({"type": format!("{negated}{kind}")});
    if kind == "assert-set" && depth > 0 {
        let inner: Result<Vec<Value>> = (0..bytes.int_in_range(0..=3)?)
            .map(|_| self::assertion(bytes, depth - 1))
            .collect();
        assertion["assert"] = Value::Array(inner?);
    }
    let value = match bytes.int_in_range(0..=5)? {
        0 => json!(make::text(bytes)?),
        1 => json!([make::text(bytes)?, "a"]),
        2 => json!({"type": "object", "required": ["a"]}),
        3 => json!(["$.a", "$.b[*].c"]),
        4 => json!(0.5),
        _ => return Ok(assertion),
    };
    assertion["value"] = value;
    for name in ["threshold", "weight"] {
        if bytes.ratio(1, 3)? {
            assertion[name] = json!(bytes.arbitrary::<u8>()?);
        }
    }
    if bytes.ratio(1, 3)? {
        assertion["path"] = json!(make::pick(bytes, &["$.a", "a", "$", ""])?);
    }
    Ok(assertion)
}

fn answer(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let call = json!({"id": "c", "type": "function", "function": {"name": make::text(bytes)?, "arguments": make::text(bytes)?}});
    let calls = if bytes.arbitrary()? {
        json!([call])
    } else {
        json!([])
    };
    let message = json!({"role": "assistant", "content": make::text(bytes)?, "tool_calls": calls});
    let finish = make::pick(bytes, &["stop", "length", "tool_calls", "content_filter"])?;
    Ok(
        json!({"object": "chat.completion", "choices": [{"index": 0, "finish_reason": finish, "message": message}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}}),
    )
}
