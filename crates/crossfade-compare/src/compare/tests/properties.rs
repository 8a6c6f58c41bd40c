//! What holds for any exchange.

use std::sync::LazyLock;

use crossfade_exchange::{CheckOutcome, Exchange, Verdict, VerdictClass};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{
    super::*,
    build::{body, calls, exchange, recorded, sse},
};

/// A route with every check on.
static CHECKS: LazyLock<Checks> = LazyLock::new(|| {
    let settings = json!({
        "schema": {"type": "object", "properties": {"class": {"type": "string"}, "n": {"type": "integer"}}},
        "required_fields": ["$.class", "$.items[*].price"],
        "label": {"path": "$.class", "values": ["a", "b"], "risky": [["a", "b"]]},
        "side_effecting_tools": ["f"],
        "price": {"input": 1.0, "output": 2.0},
        "max_cost_usd": 0.1,
        "extraction": {},
        "citations": {},
        "length": {"ratio": 1.2},
        "latency": {"first_content_ms": 300, "total_ms": 300, "tokens_per_second": 1.0},
        "max_output_tokens": 10,
    });
    Checks::new(serde_json::from_value(settings).unwrap()).unwrap()
});

/// A route whose answers are to be taken from their requests.
static RETRIEVAL: LazyLock<Checks> = LazyLock::new(|| {
    let settings = json!({"retrieval": true, "extraction": {"threshold": 0.5}});
    Checks::new(serde_json::from_value(settings).unwrap()).unwrap()
});

fn request() -> Value {
    json!({
        "messages": [{"role": "user", "content": "x"}],
        "response_format": {"type": "json_object"},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    })
}

fn pair(primary: &str, candidate: &str) -> Exchange {
    exchange(
        &request(),
        Some(recorded(200, primary)),
        Some(recorded(200, candidate)),
    )
}

fn outcomes(verdict: &Verdict) -> Vec<(Check, CheckOutcome, String)> {
    verdict
        .checks
        .iter()
        .map(|r| (r.check, r.outcome, format!("{:.6}", r.score)))
        .collect()
}

/// Some JSON, with names that the settings know among them.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop_oneof!["a", "b", "c", "\\PC{0,8}"].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let name = prop_oneof!["class", "items", "price", "n", "[a-z]{1,3}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Value> {
    any_json().prop_map(|value| match value {
        Value::Object(_) => value,
        other => json!({"class": "a", "n": 1, "other": other}),
    })
}

/// The same value with its keys in reverse order.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let pairs: Map<String, Value> = object
                .iter()
                .rev()
                .map(|(key, value)| (key.clone(), reversed(value)))
                .collect();
            Value::Object(pairs)
        }
        Value::Array(list) => list.iter().map(reversed).collect(),
        leaf => leaf.clone(),
    }
}

/// An answer's body: JSON text, free text, or a call.
fn any_answer() -> impl Strategy<Value = String> {
    prop_oneof![
        any_json().prop_map(|value| body(&value.to_string())),
        "\\PC{0,60}".prop_map(|text| body(&text)),
        Just(body("I'm sorry, but I can't help with that.")),
        any_object().prop_map(|value| calls(&[("f", &value.to_string())])),
    ]
}

/// Bytes, some of them close to what is expected.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        (any_answer(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(text, at, byte)| {
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
        (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(at, twice)| {
            let mut bytes = sse("a b c").into_bytes();
            bytes.truncate(at.index(bytes.len()));
            if twice { bytes.repeat(2) } else { bytes }
        }),
    ]
}

proptest! {
    #[test]
    fn any_words_are_held_against_their_request(
        context in "[A-Za-z0-9$%.,@:/\"\\[\\]【】 \n年é-]{0,120}",
        a in "[A-Za-z0-9$%.,@:/\"\\[\\]【】 \n年é-]{0,120}",
    ) {
        let mut exchange = pair(&body(&a), &body(&a));
        exchange.request = json!({"messages": [{"role": "user", "content": context}]}).to_string().into();
        let verdict = RETRIEVAL.compare(&exchange);
        for result in verdict.checks.iter().filter(|r| r.outcome == CheckOutcome::Fail) {
            // What both invent is no difference between them.
            prop_assert!(result.evidence.as_deref().is_some_and(|e| e.starts_with("both: ")), "{:?}", result);
        }
    }

    #[test]
    fn an_answer_equals_itself(answer in any_answer()) {
        let verdict = CHECKS.compare(&pair(&answer, &answer));
        let failed = |result: &&crossfade_exchange::CheckResult| result.outcome == CheckOutcome::Fail;
        // What is bad on both sides is bad on neither account; nothing else may fail.
        let expected = if verdict.checks.iter().any(|r| failed(&r)) { VerdictClass::BothBad } else { VerdictClass::Equal };
        prop_assert_eq!(verdict.class, Some(expected));
        for result in verdict.checks.iter().filter(failed) {
            prop_assert!(result.evidence.as_deref().is_some_and(|e| e.starts_with("both: ")), "{:?}", result);
        }
        prop_assert_eq!(verdict.bad(Which::Primary), verdict.bad(Which::Candidate));
    }

    #[test]
    fn the_order_of_keys_and_white_space_do_not_matter(a in any_object(), b in any_object()) {
        let spread = serde_json::to_string_pretty(&reversed(&b)).unwrap();
        let plain = CHECKS.compare(&pair(&body(&a.to_string()), &body(&b.to_string())));
        let other = CHECKS.compare(&pair(&body(&a.to_string()), &body(&spread)));
        let compared = |verdict: &Verdict| -> Vec<_> {
            outcomes(verdict).into_iter().filter(|(check, ..)| *check != Check::TextSimilarity).collect()
        };
        prop_assert_eq!(compared(&plain), compared(&other));
        prop_assert_eq!(plain.bad(Which::Candidate), other.bad(Which::Candidate));

        let call = |arguments: &str| calls(&[("f", arguments)]);
        let verdict = CHECKS.compare(&pair(&call(&b.to_string()), &call(&spread)));
        prop_assert!(verdict.checks.iter().all(|r| r.outcome != CheckOutcome::Fail), "{:?}", verdict);
    }

    #[test]
    fn sides_are_judged_alike(a in any_answer(), b in any_answer()) {
        let (there, back) = (CHECKS.compare(&pair(&a, &b)), CHECKS.compare(&pair(&b, &a)));
        prop_assert_eq!(there.bad(Which::Primary), back.bad(Which::Candidate));
        prop_assert_eq!(there.bad(Which::Candidate), back.bad(Which::Primary));
        let symmetric = [Check::ToolSelection, Check::FinishReason];
        for (x, y) in there.checks.iter().zip(&back.checks).filter(|(x, _)| symmetric.contains(&x.check)) {
            prop_assert_eq!((x.outcome, x.score.to_bits()), (y.outcome, y.score.to_bits()));
        }
        // Alone, a side is judged as it is beside another.
        let mut alone = pair(&a, &b);
        alone.primary = None;
        prop_assert_eq!(CHECKS.compare(&alone).bad(Which::Candidate), there.bad(Which::Candidate));
    }

    #[test]
    fn no_bytes_panic(
        request in any_bytes(),
        a in any_bytes(),
        b in any_bytes(),
        streamed in any::<bool>(),
        status in prop_oneof![Just(200u16), Just(400), any::<u16>()],
        encoding in prop_oneof![Just(None), Just(Some("gzip")), Just(Some("br")), Just(Some("deflate"))],
    ) {
        let mut exchange = pair("", "");
        exchange.request = request.into();
        exchange.streamed = streamed;
        for (recording, bytes) in [(&mut exchange.primary, a), (&mut exchange.candidate, b)] {
            let recording = recording.as_mut().unwrap();
            recording.body = bytes.into();
            recording.status = Some(status);
            recording.content_type = streamed.then(|| "text/event-stream".to_owned());
            recording.content_encoding = encoding.map(str::to_owned);
        }
        for route in [&CHECKS, &RETRIEVAL] {
            let verdict = route.compare(&exchange);
            prop_assert!(verdict.checks.iter().all(|r| (0.0..=1.0).contains(&r.score)));
            prop_assert!(verdict.parity.is_none_or(|parity| (0.0..=1.0).contains(&parity)));
        }
    }

    #[test]
    fn evidence_repeats_nothing_that_was_said(secret in "[g-z]{12}") {
        let said = [
            body(&format!("{{\"class\":\"{secret}\",\"{secret}\":[\"{secret}\"]}}")),
            body(&format!("I'm sorry, but I can't help with {secret}.")),
            body(&format!("{secret}: {{")),
            calls(&[(secret.as_str(), &format!("{{\"{secret}\":\"{secret}\"}}"))]),
            calls(&[("f", &format!("{{\"{secret}\":\"{secret}\"}}"))]),
            format!("{{\"error\":{{\"code\":\"{secret}\",\"message\":\"{secret}\"}}}}"),
            secret.clone(),
        ];
        for a in &said {
            for b in &said {
                for status in [200, 400, 500] {
                    let mut exchange = pair(a, b);
                    exchange.candidate.as_mut().unwrap().status = Some(status);
                    let verdict = format!("{:?}", CHECKS.compare(&exchange));
                    prop_assert!(!verdict.contains(&secret), "{}", verdict);
                }
            }
        }
    }
}
