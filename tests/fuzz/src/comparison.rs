//! Whatever two sides answer, the comparison gives a verdict: without a panic, within its bounds, the same after it was
//! written and read, never worse than equal for an answer compared with itself, and without a word that a model wrote.

use std::{sync::OnceLock, time::Duration};

use arbitrary::{Result, Unstructured};
use crossfade_compare::{CheckSettings, Checks};
use crossfade_exchange::{
    AnswerReason, Assignment, Caller, CheckResult, Ending, Exchange, Operation, Opinions,
    Preference, Recording, Role, RouteId, Side, SizeClass, Timings, Verdict, VerdictClass,
};
use crossfade_statistics::Signature;
use serde_json::{Value, json};

use crate::make;

/// Stands in answers only: no verdict may repeat it.
const CANARY: &str = "canary4711";

/// The largest verdict, as JSON: every check, each with as many places as are kept.
const LARGEST: usize = 512 << 10;

/// What has been trouble, in what models answer.
const ANSWERS: &[&str] = &[
    "I'm sorry, but I can't help with that.",
    "I'm sorry to hear that. Here is how to return it: use the form.",
    "```json\n{\"class\":\"refund\",\"items\":[{\"price\":1.50}]}\n```",
    "{\"class\":\"refund\",\"class\":\"sale\"}",
    "{\"a\":1e999,\"b\":123456789012345678901234567890}",
    "{\"note\":\"line\nbreak\"}",
    "{\"class\":\"\\ud800\"}",
    "Label: sale. It costs 1,234.50 EUR, due 2026-03-01 [1][2], see https://example.com/a.",
    "# Title\n\n- a\n- b\n\n```rust\nfn main() {}\n```",
    "Das kostet 12,50 € und kommt am 1. März.",
    "申し訳ありませんが、お手伝いできません。",
    "[[[[[[[[[[[[[[[[",
    "NaN",
];

/// Compares two answers that are made of the bytes.
pub fn comparison(input: &[u8]) {
    let mut bytes = Unstructured::new(input);
    if play(&mut bytes).is_err() {
        // Too few bytes for a pair.
    }
}

/// Routes with every check set, with none, and with JSON everywhere. Compiled once.
fn routes() -> &'static [Checks] {
    static ROUTES: OnceLock<Vec<Checks>> = OnceLock::new();
    ROUTES.get_or_init(|| {
        let every = json!({
            "retrieval": true,
            "citations": {},
            "extraction": {},
            "required_fields": ["$.class", "$.items[*].price"],
            "label": {"path": "$.class", "values": ["refund", "sale"], "risky": [["refund", "*"]]},
            "side_effecting_tools": ["hi"],
            "semantic_similarity": {"threshold": 0.8},
            "text_similarity": {"threshold": 0.5},
            "max_output_tokens": 10,
            "max_cost_usd": 0.0001,
            "price": {"input": 3.0, "output": 15.0},
            "primary_price": {"input": 2.0, "output": 8.0},
        });
        let json = json!({
            "json": true,
            "lenient_json": true,
            "schema": {"type": "object", "required": ["class"], "properties": {"class": {"enum": ["refund", "sale"]}}},
            "label": {"pattern": "Label: (\\w+)", "values": ["refund", "sale"]},
        });
        [every, json!({}), json]
            .into_iter()
            .map(|settings| {
                let settings: CheckSettings = match serde_json::from_value(settings) {
                    Ok(settings) => settings,
                    Err(error) => panic!("the settings of the target: {error}"),
                };
                match Checks::new(settings) {
                    Ok(checks) => checks,
                    Err(error) => panic!("the settings of the target: {error}"),
                }
            })
            .collect()
    })
}

fn play(bytes: &mut Unstructured<'_>) -> Result<()> {
    let checks = bytes.choose(routes())?;
    let operation = *bytes.choose(Operation::ALL)?;
    let request = match operation {
        Operation::Chat => make::chat(bytes)?.to_string(),
        Operation::Responses => make::responses(bytes)?.to_string(),
        Operation::Embeddings => make::embeddings(bytes)?.to_string(),
    };
    let mut exchange = exchange(operation, &request, bytes)?;
    let opinions = Opinions {
        cosine: bytes
            .arbitrary::<Option<i8>>()?
            .map(|of| f64::from(of) / 127.0),
        judge: bytes.arbitrary::<bool>()?.then_some(Preference::Candidate),
    };
    check(checks, &exchange, &opinions);
    // An answer compared with itself: what is bad is bad on both sides.
    exchange.candidate.clone_from(&exchange.primary);
    if let Some(candidate) = &mut exchange.candidate {
        candidate.side = Side::Candidate;
    }
    let verdict = checks.compare(&exchange);
    let alike = match verdict.class {
        Some(class) => match class {
            VerdictClass::Equal
            | VerdictClass::Equivalent
            | VerdictClass::BothBad
            | VerdictClass::Incomparable => true,
            VerdictClass::DifferentMinor
            | VerdictClass::DifferentMajor
            | VerdictClass::CandidateInvalid
            | VerdictClass::CandidateError
            | VerdictClass::PrimaryBad => false,
        },
        None => false,
    };
    assert!(alike, "an answer differs from itself: {verdict:?}");
    Ok(())
}

/// What must hold of every verdict.
fn check(checks: &Checks, exchange: &Exchange, opinions: &Opinions) {
    let verdict = checks.compare_with(exchange, opinions);
    assert!(verdict.class.is_some(), "a pair without a class");
    assert_eq!(
        verdict,
        checks.compare_with(exchange, opinions),
        "the same pair gets another verdict"
    );
    holds(&verdict);
    for side in Side::ALL {
        if let Some(noise) = checks.compare_repeat(exchange, *side) {
            holds(&noise);
        }
    }
}

fn holds(verdict: &Verdict) {
    let within = |score: f64| (0.0..=1.0).contains(&score);
    assert!(
        verdict.parity.is_none_or(within),
        "parity: {:?}",
        verdict.parity
    );
    for (place, result) in verdict.checks.iter().enumerate() {
        assert!(within(result.score), "{result:?}");
        assert!(result.differences.len() <= CheckResult::MOST_DIFFERENCES);
        let again = verdict.checks.iter().skip(place + 1);
        assert!(
            again.clone().all(|other| other.check != result.check),
            "{} twice",
            result.check
        );
    }
    let text = match serde_json::to_string(verdict) {
        Ok(text) => text,
        Err(error) => panic!("a verdict cannot be written: {error}"),
    };
    assert!(text.len() <= LARGEST, "a verdict of {} bytes", text.len());
    assert!(
        !text.contains(CANARY),
        "a verdict repeats what a model wrote: {text}"
    );
    match serde_json::from_str::<Verdict>(&text) {
        Ok(read) => assert_eq!(&read, verdict, "a verdict changes when it is written"),
        Err(error) => panic!("a verdict cannot be read: {error}"),
    }
    if let Some(signature) = Signature::of(verdict) {
        assert_eq!(signature.to_string().parse(), Ok(signature));
    }
}

fn exchange(operation: Operation, request: &str, bytes: &mut Unstructured<'_>) -> Result<Exchange> {
    let request = request.as_bytes().to_vec();
    let mut recorded = |side, role| recording(operation, side, role, bytes);
    Ok(Exchange {
        id: "00000000-0000-4000-8000-000000000000".to_owned(),
        route: RouteId::new("fuzz"),
        received_unix_ms: 1,
        operation,
        path: "/openai/deployments/fuzz".to_owned(),
        size: SizeClass::of(request.len()),
        request: request.into(),
        streamed: false,
        assignment: Assignment {
            answer: Side::Primary,
            shadow: Some(Side::Candidate),
            probability: 0.0,
            salt: 0,
            drawn: false,
            inclusion: 1.0,
            reason: AnswerReason::Share,
        },
        draw: None,
        mirrored: None,
        primary: Some(recorded(Side::Primary, Role::Answering)?),
        candidate: Some(recorded(Side::Candidate, Role::Shadow)?),
        secondary: Some(recorded(Side::Primary, Role::Repeat)?),
        candidate_again: Some(recorded(Side::Candidate, Role::Repeat)?),
        caller: Caller::default(),
    })
}

fn recording(
    operation: Operation,
    side: Side,
    role: Role,
    bytes: &mut Unstructured<'_>,
) -> Result<Recording> {
    let whole = bytes.ratio(7, 8)?;
    let streamed = bytes.ratio(1, 4)?;
    let body = if bytes.ratio(1, 8)? {
        let raw: Vec<u8> = bytes.arbitrary()?;
        raw
    } else {
        answer(operation, streamed, bytes)?
    };
    let after = |millis: u16| Some(Duration::from_millis(u64::from(millis)));
    Ok(Recording {
        side,
        role,
        ending: if whole {
            Ending::Complete
        } else {
            *bytes.choose(Ending::ALL)?
        },
        status: Some(if whole {
            200
        } else {
            *bytes.choose(&[200, 400, 429, 500])?
        }),
        content_type: Some(
            if streamed {
                "text/event-stream"
            } else {
                "application/json"
            }
            .to_owned(),
        ),
        content_encoding: bytes.ratio(1, 16)?.then(|| "gzip".to_owned()),
        body: body.into(),
        truncated: bytes.ratio(1, 32)?,
        timings: Timings {
            headers: after(bytes.arbitrary()?),
            first_byte: after(bytes.arbitrary()?),
            first_content: after(bytes.arbitrary()?),
            total: after(bytes.arbitrary()?),
            kept_up: true,
        },
        failover: None,
        losses: Vec::new(),
        usage: None,
    })
}

fn answer(operation: Operation, streamed: bool, bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let usage = json!({"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12});
    let body = match operation {
        Operation::Chat if streamed => {
            let mut stream = String::new();
            for _ in 0..bytes.int_in_range(0..=4)? {
                let delta = json!({"choices": [{"index": 0, "delta": message(bytes)?, "finish_reason": null}]});
                stream = format!("{stream}data: {delta}\n\n");
            }
            return Ok((stream + "data: [DONE]\n\n").into_bytes());
        }
        Operation::Chat => {
            let finish = make::pick(
                bytes,
                &["stop", "length", "tool_calls", "content_filter", ""],
            )?;
            json!({"object": "chat.completion", "id": "c", "created": 1, "model": "m", "usage": usage,
                "choices": [{"index": 0, "finish_reason": finish, "message": message(bytes)?}]})
        }
        Operation::Responses => {
            let text = content(bytes)?;
            let call = json!({"type": "function_call", "call_id": "c", "name": make::text(bytes)?, "arguments": content(bytes)?});
            let said = json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]});
            let output = if bytes.arbitrary()? {
                json!([said])
            } else {
                json!([said, call])
            };
            json!({"object": "response", "id": "r", "status": "completed", "output": output,
                "usage": {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}})
        }
        Operation::Embeddings => {
            let vectors: Result<Vec<Value>> = (0..bytes.int_in_range(0..=4)?)
                .map(|index| {
                    let vector: [i8; 3] = bytes.arbitrary()?;
                    Ok(json!({"object": "embedding", "index": index, "embedding": vector}))
                })
                .collect();
            json!({"object": "list", "data": vectors?, "model": "m", "usage": usage})
        }
    };
    Ok(body.to_string().into_bytes())
}

fn message(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let mut message = json!({"role": "assistant", "content": content(bytes)?});
    if bytes.ratio(1, 3)? {
        let calls: Result<Vec<Value>> = (0..bytes.int_in_range(0..=3)?)
            .map(|index| {
                let function = json!({"name": make::text(bytes)?, "arguments": content(bytes)?});
                Ok(json!({"index": index, "id": format!("call_{index}"), "type": "function", "function": function}))
            })
            .collect();
        message["tool_calls"] = Value::Array(calls?);
    }
    if bytes.ratio(1, 8)? {
        message["refusal"] = content(bytes)?.into();
    }
    Ok(message)
}

/// What an answer says: often with the canary, as a word, a value or a name.
fn content(bytes: &mut Unstructured<'_>) -> Result<String> {
    Ok(match bytes.int_in_range(0..=5)? {
        0 => make::text(bytes)?,
        1 => make::pick(bytes, ANSWERS)?.to_owned(),
        2 => format!(
            "{} {CANARY} {}",
            make::pick(bytes, ANSWERS)?,
            make::text(bytes)?
        ),
        3 => format!("```json\n{}\n```", value(bytes, 3)?),
        _ => value(bytes, 3)?.to_string(),
    })
}

fn value(bytes: &mut Unstructured<'_>, depth: u8) -> Result<Value> {
    let most = if depth == 0 { 4 } else { 7 };
    Ok(match bytes.int_in_range(0..=most)? {
        0 => Value::Null,
        1 => json!(bytes.arbitrary::<i64>()?),
        2 => json!(f64::from(bytes.arbitrary::<i32>()?) / 8.0),
        3 => json!(make::pick(bytes, &["refund", "sale", CANARY])?),
        4 => json!(make::text(bytes)?),
        5 => {
            let items: Result<Vec<Value>> = (0..bytes.int_in_range(0..=3)?)
                .map(|_| value(bytes, depth - 1))
                .collect();
            Value::Array(items?)
        }
        _ => {
            let mut object = serde_json::Map::new();
            for _ in 0..bytes.int_in_range(0..=3)? {
                let name = make::pick(bytes, &["class", "items", "price", "a", CANARY])?;
                object.insert(name.to_owned(), value(bytes, depth - 1)?);
            }
            Value::Object(object)
        }
    })
}
