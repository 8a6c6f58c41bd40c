//! What is said of times, tokens and opinions, which are not read from the answers.

use std::time::Duration;

use crossfade_exchange::{Exchange, Preference, Recording, Usage};
use serde_json::{Value, json};

use super::{
    super::*,
    build::{body, exchange, recorded, sse},
    checks::{checks, result, told},
};

/// A pair of the same answers of which each is changed.
fn pair(text: &str, change: [&dyn Fn(&mut Recording); 2]) -> Exchange {
    let side = |change: &dyn Fn(&mut Recording)| {
        let mut recording = recorded(200, text);
        recording.timings.kept_up = true;
        change(&mut recording);
        Some(recording)
    };
    let mut exchange = exchange(&json!({}), side(change[0]), side(change[1]));
    exchange.streamed = text.starts_with("data:");
    exchange
}

fn says(settings: Value, exchange: &Exchange, check: Check, expected: &str) {
    let verdict = checks(settings).compare(exchange);
    assert_eq!(told(result(&verdict, check)), expected);
}

#[test]
fn times_are_ratios_and_perhaps_limits() {
    let at = |first: u64, total: u64| {
        move |recording: &mut Recording| {
            recording.timings.first_content = Some(Duration::from_millis(first));
            recording.timings.total = Some(Duration::from_millis(total));
        }
    };
    let check = |settings: Value, candidate: (u64, u64), which: Check, expected: &str| {
        let exchange = pair(&body("x"), [&at(100, 1000), &at(candidate.0, candidate.1)]);
        says(settings, &exchange, which, expected);
    };
    let first = |settings, candidate, expected| {
        check(settings, (candidate, 1000), Check::FirstContent, expected);
    };
    first(json!({}), 50, "pass info 1.00 0.50 of primary");
    first(json!({}), 100, "pass info 1.00 -");
    first(json!({}), 400, "pass info 0.25 4.00 of primary");
    let limit = || json!({"latency": {"first_content_ms": 300, "total_ms": 1500}});
    first(limit(), 400, "fail info 0.25 over_limit, 4.00 of primary");
    let total = |settings, candidate, expected| {
        check(settings, (100, candidate), Check::TotalTime, expected);
    };
    total(json!({}), 500, "pass info 1.00 0.50 of primary");
    total(limit(), 1500, "pass info 0.67 1.50 of primary");
    total(limit(), 2000, "fail info 0.50 over_limit, 2.00 of primary");

    let slow_reader = |recording: &mut Recording| {
        at(100, 1000)(recording);
        recording.timings.kept_up = false;
    };
    let exchange = pair(&body("x"), [&at(100, 1000), &slow_reader]);
    says(limit(), &exchange, Check::TotalTime, "na info 0.00 -");
    let exchange = pair(&body("x"), [&slow_reader, &at(100, 2000)]);
    says(
        limit(),
        &exchange,
        Check::TotalTime,
        "fail info 0.00 over_limit",
    );
    says(
        json!({}),
        &exchange,
        Check::TotalTime,
        "na info 0.00 primary unknown",
    );
}

#[test]
fn streams_have_a_rate() {
    let at = |output: u64, total: u64| {
        move |recording: &mut Recording| {
            recording.timings.first_content = Some(Duration::from_millis(100));
            recording.timings.total = Some(Duration::from_millis(total));
            recording.usage = Some(Usage {
                output,
                ..Usage::default()
            });
        }
    };
    let check = |settings: Value, text: &str, candidate: (u64, u64), expected: &str| {
        // 100 tokens per second.
        let exchange = pair(text, [&at(100, 1100), &at(candidate.0, candidate.1)]);
        says(settings, &exchange, Check::OutputRate, expected);
    };
    let stream = sse("It is done.");
    let half = "pass info 0.50 2.00 of primary";
    check(json!({}), &stream, (50, 1100), half);
    check(json!({}), &stream, (100, 2100), half);
    check(json!({}), &stream, (100, 1100), "pass info 1.00 -");
    let least = || json!({"latency": {"tokens_per_second": 60}});
    let under = "fail info 0.50 over_limit, 2.00 of primary";
    check(least(), &stream, (50, 1100), under);
    check(
        least(),
        &stream,
        (70, 1100),
        "pass info 0.70 1.43 of primary",
    );
    check(least(), &stream, (0, 1100), "na info 0.00 -");
    check(least(), &stream, (50, 101), "na info 0.00 -");
    check(least(), &stream, (50, 50), "na info 0.00 -");
    check(least(), &body("It is done."), (50, 1100), "na info 0.00 -");
}

#[test]
fn tokens_are_a_ratio_and_perhaps_a_limit() {
    let of = |output: u64| {
        move |recording: &mut Recording| {
            recording.usage = Some(Usage {
                output,
                ..Usage::default()
            });
        }
    };
    let check = |settings: Value, candidate: u64, expected: &str| {
        let exchange = pair(&body("x"), [&of(100), &of(candidate)]);
        says(settings, &exchange, Check::Tokens, expected);
    };
    check(json!({}), 100, "pass info 1.00 -");
    check(json!({}), 125, "pass info 0.80 1.25 of primary");
    let limit = || json!({"max_output_tokens": 120});
    check(limit(), 120, "pass info 0.83 1.20 of primary");
    check(limit(), 125, "fail info 0.80 over_limit, 1.25 of primary");
    let failed = recorded(503, "{}");
    let exchange = exchange(&json!({}), Some(recorded(200, &body("x"))), Some(failed));
    says(limit(), &exchange, Check::Tokens, "na info 0.00 -");
}

/// What a check says of two texts with others' opinions, what their wording is taken for, and the class.
fn asked(settings: Value, candidate: &str, opinions: Opinions, check: Check) -> String {
    let exchange = exchange(
        &json!({}),
        Some(recorded(200, &body("alpha beta"))),
        Some(recorded(200, &body(candidate))),
    );
    let verdict = checks(settings).compare_with(&exchange, &opinions);
    let class = verdict.class.unwrap();
    let wording = result(&verdict, Check::TextSimilarity).outcome;
    let of_check = verdict.check(check).map_or("off".to_owned(), told);
    format!("{of_check}; wording {wording}; {class}")
}

#[test]
fn a_cosine_takes_the_place_of_the_wording() {
    let near = |settings: Value, cosine: Option<f64>, expected: &str| {
        let opinions = Opinions {
            cosine,
            ..Opinions::default()
        };
        let found = asked(settings, "xyz", opinions, Check::SemanticSimilarity);
        assert_eq!(found, expected);
    };
    let threshold = || json!({"semantic_similarity": {"threshold": 0.8}});
    near(
        threshold(),
        None,
        "na minor 0.00 -; wording fail; different_minor",
    );
    // A cosine takes the place of the wording only if the route says what it means.
    near(
        json!({}),
        Some(0.9),
        "pass info 0.90 -; wording fail; different_minor",
    );
    near(
        threshold(),
        Some(0.9),
        "pass minor 0.90 -; wording pass; equivalent",
    );
    near(
        threshold(),
        Some(0.5),
        "fail minor 0.50 under_threshold; wording pass; different_minor",
    );
    near(
        json!({"semantic_similarity": {"threshold": 0.8}, "off": ["semantic_similarity"]}),
        Some(0.9),
        "off; wording fail; different_minor",
    );
}

#[test]
fn preferences_are_reported_until_they_count() {
    let prefers = |settings: Value, judge: Option<Preference>, expected: &str| {
        let opinions = Opinions {
            cosine: None,
            judge,
        };
        let found = asked(settings, "alpha gamma", opinions, Check::Judge);
        assert_eq!(found, expected);
    };
    prefers(json!({}), None, "na info 0.00 -; wording pass; equivalent");
    prefers(
        json!({}),
        Some(Preference::Primary),
        "fail info 0.00 primary; wording pass; equivalent",
    );
    prefers(
        json!({"severity": {"judge": "major"}}),
        Some(Preference::Primary),
        "fail major 0.00 primary; wording pass; different_major",
    );
    prefers(
        json!({}),
        Some(Preference::Same),
        "pass info 1.00 same; wording pass; equivalent",
    );
}
