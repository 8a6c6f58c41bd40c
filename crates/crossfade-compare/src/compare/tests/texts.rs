//! The checks of free text beside the others: where they apply, and what settings make of them.

use serde_json::{Value, json};

use super::{
    super::*,
    build::{ask, body, calls, exchange, recorded, sse},
    checks::{checks, compare, result, told},
};

/// The checks that compare two free texts.
const OF_TEXTS: [Check; 5] = [
    Check::Citations,
    Check::Extraction,
    Check::Length,
    Check::Language,
    Check::Format,
];

/// A route that asks for all of them.
fn all() -> Value {
    json!({"citations": {}, "extraction": {}})
}

const LONG: &str = "# Title\n\nThe parcel of 12 lamps left our warehouse on 2026-11-12 and should reach you soon [1].";

#[test]
fn free_text_is_compared_and_nothing_else() {
    let route = checks(all());
    let outcomes = |request: &Value, primary: &str, candidate: &str| {
        let verdict = compare(&route, request, primary, candidate);
        let of = |check: &Check| result(&verdict, *check).outcome.as_str();
        OF_TEXTS.iter().map(of).collect::<Vec<_>>().join(" ")
    };
    let plain = json!({});
    let nothing = "na na na na na";
    assert_eq!(
        outcomes(&plain, &body(LONG), &body(LONG)),
        "pass pass pass pass pass"
    );
    let short = "Das Paket ist heute bei uns abgegangen und wird in wenigen Tagen bei Ihnen sein.";
    assert_eq!(
        outcomes(&plain, &body(LONG), &body(short)),
        "fail fail pass fail fail"
    );
    let refusal = body("I'm sorry, but I can't help with that.");
    assert_eq!(outcomes(&plain, &body(LONG), &refusal), nothing);
    assert_eq!(outcomes(&plain, &refusal, &body(LONG)), nothing);
    assert_eq!(
        outcomes(&plain, &body(LONG), &calls(&[("f", "{}")])),
        nothing
    );
    assert_eq!(outcomes(&plain, &body(LONG), &body(" ")), nothing);
    assert_eq!(outcomes(&plain, &body(LONG), "rubbish"), nothing);
    let object = ask(&json!({"type": "json_object"}));
    let json = body("{\"a\": 12}");
    assert_eq!(outcomes(&object, &json, &json), nothing);
    let mut pair = exchange(
        &plain,
        Some(recorded(200, &sse(LONG))),
        Some(recorded(200, &sse(LONG))),
    );
    pair.streamed = true;
    let verdict = route.compare(&pair);
    assert_eq!(
        told(result(&verdict, Check::Extraction)),
        "pass major 1.00 -"
    );
}

#[test]
fn routes_decide_what_facts_and_citations_weigh() {
    let check = |settings: Value, which: Check, candidate: &str, expected: &str| {
        let request = json!({"messages": [{"role": "user", "content": "[1] 12 lamps"}]});
        let primary = body("There are 12 lamps [1].");
        let verdict = compare(&checks(settings), &request, &primary, &body(candidate));
        let class = verdict.class.unwrap();
        let found = format!("{}; {class}", told(result(&verdict, which)));
        assert_eq!(found, expected, "{candidate}");
    };
    let facts = "numbers: 1 missing, 1 extra";
    let other = "There are 13 lamps [1].";
    check(
        json!({}),
        Check::Extraction,
        other,
        &format!("fail info 0.00 {facts}; different_minor"),
    );
    check(
        json!({"extraction": {}}),
        Check::Extraction,
        other,
        &format!("fail major 0.00 {facts}; different_major"),
    );
    check(
        json!({"extraction": {}, "severity": {"extraction": "minor"}}),
        Check::Extraction,
        other,
        &format!("fail minor 0.00 {facts}; different_minor"),
    );
    let uncited = "There are 12 lamps.";
    check(
        json!({}),
        Check::Citations,
        uncited,
        "na major 0.00 -; equivalent",
    );
    let missing = "fail major 0.00 1 missing, 0 extra; different_major";
    check(json!({"citations": {}}), Check::Citations, uncited, missing);
    check(
        json!({"retrieval": true}),
        Check::Citations,
        uncited,
        missing,
    );
    check(
        json!({"retrieval": true}),
        Check::Citations,
        "There are 12 lamps [1] [9].",
        "fail major 0.67 0 missing, 1 extra, 1 not in the request; different_major",
    );
}

#[test]
fn answers_of_retrieval_routes_stand_in_the_request() {
    let request = json!({"messages": [
        {"role": "system", "content": "Ms Okafor bought 3 lamps for $120 on 12 Nov 2026 in Lisbon."},
    ]});
    let grounded = body("On 2026-11-12 Ms Okafor bought 3 lamps in Lisbon.");
    let invented = body("On 2025-01-01 Mr Fernandes sold 99 chairs in Porto.");
    let check = |settings: Value, primary: &str, candidate: &str, expected: &str| {
        let verdict = compare(&checks(settings), &request, primary, candidate);
        let class = verdict.class.unwrap();
        let found = format!("{}; {class}", told(result(&verdict, Check::Groundedness)));
        assert_eq!(found, expected);
    };
    let retrieval = || json!({"retrieval": true, "off": ["text_similarity"]});
    let fails = "4 of 4 are not in the request";
    let off = json!({"off": ["text_similarity"]});
    check(off, &grounded, &invented, "na major 0.00 -; equivalent");
    check(
        retrieval(),
        &grounded,
        &grounded,
        "pass major 1.00 -; equal",
    );
    check(
        retrieval(),
        &grounded,
        &invented,
        &format!("fail major 0.00 {fails}; different_major"),
    );
    check(
        retrieval(),
        &invented,
        &grounded,
        &format!("pass major 1.00 primary: {fails}; equivalent"),
    );
    // What both invent is no difference between them.
    check(
        retrieval(),
        &invented,
        &body("On 2025-01-01 Mr Fernandes sold 99 chairs in Porto!"),
        &format!("fail major 0.00 both: {fails}; equivalent"),
    );
    let blocker = json!({"retrieval": true, "severity": {"groundedness": "blocker"}});
    check(
        blocker,
        &invented,
        &grounded,
        &format!("pass blocker 1.00 primary: {fails}; primary_bad"),
    );
    let off = json!({"retrieval": true, "off": ["groundedness", "citations"]});
    let verdict = compare(&checks(off), &request, &grounded, &invented);
    assert!(verdict.check(Check::Groundedness).is_none());
}

#[test]
fn unlike_wording_says_what_tells_the_texts_apart() {
    let check = |primary: &str, candidate: &str, expected: &str| {
        let verdict = compare(
            &checks(json!({})),
            &json!({}),
            &body(primary),
            &body(candidate),
        );
        let wording = result(&verdict, Check::TextSimilarity);
        let places: Vec<String> = wording
            .differences
            .iter()
            .map(|difference| format!("{} {}", difference.path, difference.kind))
            .collect();
        assert_eq!(places.join("; "), expected, "{candidate}");
    };
    check("alpha beta", "xyz vwuqrs", "text.wording value");
    check("alpha beta", "xyz", "text.length.shorter length");
    check("xyz 7", "u v w 8", "text.numbers value");
    check("alpha beta", "# xyz vwuqrs", "text.format.headings extra");
    check("alpha beta", "alpha beta!", "");
    // Of texts that are alike, the ends that are not.
    let middle = "The parcel left on Monday. It weighs as much as before. It comes by road.";
    let ends = |opening: &str, ending: &str| format!("{opening} {middle} {ending}");
    let (a, b) = (
        ends("Thank you.", "All is well."),
        ends("Thank you!", "Bye now, friend."),
    );
    check(&a, &b, "text.ending value");
    let c = ends("We have some news.", "All is well");
    check(&a, &c, "text.opening value");
}

#[test]
fn json_is_not_compared_letter_by_letter_unless_the_route_asks() {
    let object = ask(&json!({"type": "json_object"}));
    let check = |settings: Value, candidate: &str, expected: &str| {
        let primary = body("{\"a\": 12}");
        let verdict = compare(&checks(settings), &object, &primary, &body(candidate));
        let told = told(result(&verdict, Check::TextSimilarity));
        assert_eq!(told, expected, "{candidate}");
    };
    let other = "{\"a\": 13}";
    check(json!({}), other, "na info 0.00 compared as JSON");
    let threshold = json!({"text_similarity": {"threshold": 0.1}});
    check(threshold, other, "pass minor 0.61 -");
    let off = json!({"off": ["json_structure"]});
    check(off, other, "pass info 0.61 -");
}

#[test]
fn the_same_words_with_another_fact_are_no_equal_answer() {
    let check = |primary: &str, candidate: &str, expected: &str| {
        let verdict = compare(
            &checks(json!({})),
            &json!({}),
            &body(primary),
            &body(candidate),
        );
        let places: Vec<&str> = result(&verdict, Check::TextSimilarity)
            .differences
            .iter()
            .map(|place| place.path.as_str())
            .collect();
        let found = format!("{} {}", verdict.class.unwrap(), places.join(" "));
        assert_eq!(found, expected, "{candidate}");
    };
    let refund = "Your refund of $50.00 comes by 12 March.";
    check(
        refund,
        "Your refund of $500.00 comes by 12 March.",
        "different_minor text.facts",
    );
    check(
        refund,
        "Your refund of 50 USD comes by March 12.",
        "equivalent text.ending",
    );
    check(
        "Anna pays $50, Ben $70.",
        "Anna pays $70, Ben $50.",
        "different_minor text.facts",
    );
    check(
        "It is refundable.",
        "It is not refundable.",
        "different_minor text.denial",
    );
    check("It is not so.", "It isn't so.", "equivalent ");
}

#[test]
fn long_texts_are_compared_in_bounded_time() {
    let route = checks(json!({"citations": {}, "extraction": {}, "retrieval": true}));
    let text = |seed: &str| {
        let line = format!(
            "{seed} cost $12.50 on 12 Nov 2026, said Ms Okafor [1].\n- \"so it is here\"\n"
        );
        line.repeat((1 << 20) / line.len())
    };
    let request = json!({"messages": [{"role": "user", "content": text("lamps")}]});
    let verdict = compare(
        &route,
        &request,
        &body(&text("lamps")),
        &body(&text("chairs")),
    );
    assert!(verdict.class.is_some());
    assert_eq!(
        verdict.check(Check::Groundedness).unwrap().score.to_bits(),
        1.0_f64.to_bits()
    );
}

#[test]
fn unusable_settings_of_texts_name_their_key() {
    let check = |settings: Value, message: &str| {
        let error = match serde_json::from_value(settings) {
            Ok(settings) => Checks::new(settings).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(message), "{error}");
    };
    check(
        json!({"semantic_similarity": {"threshold": -0.5}}),
        "semantic_similarity.threshold: -0.5",
    );
    check(
        json!({"extraction": {"threshold": 1.5}}),
        "extraction.threshold: 1.5",
    );
    check(
        json!({"extraction": {"kinds": ["words"]}}),
        "unknown variant `words`",
    );
    check(
        json!({"citations": {"threshold": 7}}),
        "citations.threshold: 7",
    );
    check(json!({"length": {"ratio": 0.5}}), "length.ratio: 0.5");
    check(
        json!({"latency": {"tokens_per_second": -1}}),
        "latency.tokens_per_second: -1",
    );
    check(
        json!({"citations": {"patterns": ["("]}}),
        "citations.patterns: \"(\"",
    );
    check(
        json!({"groundedness": {"threshold": 2}}),
        "groundedness.threshold: 2",
    );
}
