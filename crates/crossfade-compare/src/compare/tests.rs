//! Exchanges in, verdicts out: what each check says, what is bad on which side, and what class it makes.

mod build;
mod checks;
mod content;
mod measures;
mod operations;
mod places;
mod properties;
mod texts;

use build::{ask, body, error, exchange, recorded, sse};
use crossfade_exchange::{
    CheckOutcome, Ending, Failover, Loss, LossKind, Recording, Role, Timings, Usage,
    VerdictClass as Class,
};
use serde_json::json;

use super::*;

/// The class, and what is bad on either side.
fn verdict(checks: &Checks, exchange: &Exchange) -> (Option<Class>, String, String) {
    let verdict = checks.compare(exchange);
    let bad = |set: Option<MetricSet>| {
        set.map_or("unjudged".to_owned(), |set| {
            set.iter().map(Metric::as_str).collect::<Vec<_>>().join(" ")
        })
    };
    (
        verdict.class,
        bad(verdict.bad(Which::Primary)),
        bad(verdict.bad(Which::Candidate)),
    )
}

const NONE: &str = "";

/// Compares two answers under default settings.
fn check_pair(primary: Recording, candidate: Recording, class: Class, bad: [&str; 2]) {
    let checks = Checks::new(CheckSettings::default()).unwrap();
    let exchange = exchange(&json!({}), Some(primary), Some(candidate));
    let expected = (Some(class), bad[0].to_owned(), bad[1].to_owned());
    assert_eq!(verdict(&checks, &exchange), expected, "{exchange:?}");
}

fn good() -> Recording {
    recorded(200, &body("It is done."))
}

#[test]
fn what_became_of_the_sides_makes_the_class() {
    let check = check_pair;
    let other = || recorded(200, &body("All is well."));
    let status = |status| recorded(status, "{}");
    check(good(), good(), Class::Equal, [NONE, NONE]);
    check(good(), other(), Class::Equivalent, [NONE, NONE]);
    check(good(), status(503), Class::CandidateError, [NONE, NONE]);
    check(good(), status(429), Class::CandidateError, [NONE, NONE]);
    check(status(500), good(), Class::PrimaryBad, [NONE, NONE]);
    check(status(500), status(408), Class::BothBad, [NONE, NONE]);
    let too_long = recorded(400, &error("context_length_exceeded"));
    check(
        good(),
        too_long,
        Class::CandidateInvalid,
        [NONE, "envelope"],
    );
    check(
        status(404),
        status(404),
        Class::BothBad,
        ["envelope", "envelope"],
    );
    let garbage = || recorded(200, "garbage");
    check(
        good(),
        garbage(),
        Class::CandidateInvalid,
        [NONE, "envelope"],
    );
    check(garbage(), good(), Class::PrimaryBad, ["envelope", NONE]);
    check(
        good(),
        recorded(200, ""),
        Class::CandidateInvalid,
        [NONE, "envelope"],
    );
    check(status(200), good(), Class::PrimaryBad, ["envelope", NONE]);
}

#[test]
fn refusals_have_a_direction() {
    let check = check_pair;
    let filtered = || recorded(400, &error("content_filter"));
    let refusal = || recorded(200, &body("I'm sorry, but I can't help with that."));
    check(
        good(),
        filtered(),
        Class::CandidateInvalid,
        [NONE, "refusal"],
    );
    check(
        filtered(),
        good(),
        Class::CandidateInvalid,
        ["refusal", NONE],
    );
    check(
        filtered(),
        filtered(),
        Class::Equivalent,
        ["refusal", "refusal"],
    );
    check(
        good(),
        refusal(),
        Class::CandidateInvalid,
        [NONE, "refusal"],
    );
    check(refusal(), good(), Class::DifferentMajor, ["refusal", NONE]);
    check(refusal(), refusal(), Class::Equal, ["refusal", "refusal"]);
    check(
        refusal(),
        filtered(),
        Class::Equivalent,
        ["refusal", "refusal"],
    );
}

#[test]
fn what_was_not_seen_in_full_is_not_judged() {
    let check = |change: &dyn Fn(&mut Recording), class, bad: &str| {
        let mut candidate = recorded(200, "{");
        change(&mut candidate);
        check_pair(good(), candidate, class, [NONE, bad]);
    };
    let unjudged = |change: &dyn Fn(&mut Recording)| check(change, Class::Incomparable, "unjudged");
    unjudged(&|r| r.truncated = true);
    unjudged(&|r| r.ending = Ending::ClientAbort);
    unjudged(&|r| r.ending = Ending::Deadline);
    unjudged(&|r| r.content_encoding = Some("zstd".into()));
    let corrupt = |r: &mut Recording| r.content_encoding = Some("gzip".into());
    check(&corrupt, Class::CandidateInvalid, "envelope");

    let failed = |change: &dyn Fn(&mut Recording), bad| check(change, Class::CandidateError, bad);
    let headless = |ending, failover| {
        move |r: &mut Recording| {
            (r.ending, r.failover, r.status) = (ending, failover, None);
            r.timings = Timings::default();
        }
    };
    failed(&headless(Ending::TimedOut, None), NONE);
    failed(&headless(Ending::Failed, Some(Failover::Silent)), NONE);
    // After its first content a break is the stream's, before it the arrival group's.
    let broken = |begun: bool| {
        move |r: &mut Recording| {
            r.ending = Ending::Broken;
            r.timings.first_content = begun.then_some(std::time::Duration::from_millis(5));
        }
    };
    failed(&broken(false), NONE);
    failed(&broken(true), "stream");
}

#[test]
fn streams_are_assembled_and_their_protocol_is_judged() {
    let checks = Checks::new(CheckSettings::default()).unwrap();
    let check = |candidate: &str, class, bad: &str| {
        let mut exchange = exchange(
            &json!({"stream": true}),
            Some(recorded(200, &sse("It is done."))),
            Some(recorded(200, candidate)),
        );
        exchange.streamed = true;
        let expected = (Some(class), NONE.to_owned(), bad.to_owned());
        assert_eq!(verdict(&checks, &exchange), expected, "{candidate}");
    };
    let whole = sse("It is done.");
    check(&whole, Class::Equal, NONE);
    check(
        &whole.replace("data: [DONE]\n\n", ""),
        Class::CandidateError,
        "stream",
    );
    check(
        &whole.replace("\"stop\"", "null"),
        Class::CandidateError,
        "stream",
    );
    let failed = whole.replace(
        "data: [DONE]",
        "data: {\"error\":{\"message\":\"x\",\"code\":\"500\"}}",
    );
    check(&failed, Class::CandidateError, "stream");
    check(
        &failed.replace("\"500\"", "\"content_filter\""),
        Class::CandidateInvalid,
        "refusal",
    );
    check("data: {\"x\":1}\n\n", Class::CandidateInvalid, "envelope");
    check("data: [DONE]\n\n", Class::CandidateInvalid, "envelope");
    check(&body("It is done."), Class::CandidateInvalid, "envelope");
}

#[test]
fn a_failure_counts_once_in_its_own_metric() {
    let settings = CheckSettings {
        schema: Some(json!({"type": "object", "properties": {"class": {"enum": ["a", "b"]}}})),
        required_fields: vec!["$.class".into()],
        ..CheckSettings::default()
    };
    let checks = Checks::new(settings).unwrap();
    let request = json!({"response_format": {"type": "json_object"}});
    let check = |text: &str, bad: &str| {
        let exchange = exchange(&request, None, Some(recorded(200, &body(text))));
        let expected = (None, "unjudged".to_owned(), bad.to_owned());
        assert_eq!(verdict(&checks, &exchange), expected, "{text}");
    };
    check("{\"class\":\"a\"}", NONE);
    check("{\"class\":\"c\"}", "json_schema");
    check("{}", "required_fields");
    check("{\"class\":null}", "json_schema required_fields");
    check("[]", "json_parse");
    check("It is an a.", "json_parse");
    check("```json\n{\"class\":\"a\"}\n```", "json_parse");
    check("I'm sorry, but I can't help with that.", "refusal");
    check(
        "{\"class\":\"I'm sorry, but I can't help with that.\"}",
        "refusal",
    );
    check(
        "{\"class\":\"c\",\"note\":\"I'm sorry, but I can't help with that.\"}",
        "json_schema",
    );
    check("", "envelope");
}

#[test]
fn one_recording_is_judged_alone() {
    let checks = Checks::new(CheckSettings::default()).unwrap();
    let exchange = exchange(&json!({}), Some(recorded(200, &body("It is done."))), None);
    let verdict = checks.compare(&exchange);
    assert_eq!((verdict.class, verdict.parity), (None, None));
    assert_eq!(
        (verdict.bad(Which::Primary), verdict.bad(Which::Candidate)),
        (Some(MetricSet::EMPTY), None)
    );
    let names: Vec<Check> = verdict.checks.iter().map(|result| result.check).collect();
    let own = [
        Check::Transport,
        Check::Envelope,
        Check::JsonParse,
        Check::JsonSchema,
        Check::RequiredFields,
        Check::ToolArguments,
        Check::Refusal,
        Check::Cost,
        Check::Citations,
        Check::Groundedness,
    ];
    assert_eq!(names, own);
    assert_eq!(
        verdict
            .primary
            .unwrap()
            .usage
            .map(|usage| (usage.input, usage.output)),
        Some((10, 5))
    );
}

#[test]
fn a_loss_that_changes_the_task_makes_a_pair_incomparable() {
    let checks = Checks::new(CheckSettings::default()).unwrap();
    let check = |kind: LossKind, class: Class| {
        let mut candidate = recorded(200, &body("All is well."));
        candidate.losses = vec![Loss::new(kind, "stop")];
        let exchange = exchange(
            &json!({}),
            Some(recorded(200, &body("It is done."))),
            Some(candidate),
        );
        assert_eq!(checks.compare(&exchange).class, Some(class), "{kind}");
    };
    check(LossKind::StopDropped, Class::Incomparable);
    check(LossKind::SeedDropped, Class::Equivalent);
}

#[test]
fn usage_and_cost_are_told_by_side() {
    let price = |input: f64| Price {
        input,
        cached: None,
        cache_write: None,
        output: 2.0 * input,
    };
    let settings = CheckSettings {
        price: Some(price(1.0)),
        primary_price: Some(price(10.0)),
        max_cost_usd: Some(0.0001),
        ..CheckSettings::default()
    };
    let checks = Checks::new(settings).unwrap();
    let mut candidate = recorded(200, &body("All is well."));
    candidate.usage = Some(Usage {
        input: 1000,
        output: 50,
        ..Usage::default()
    });
    candidate.role = Role::Answering;
    let exchange = exchange(
        &json!({}),
        Some(recorded(200, &body("It is done."))),
        Some(candidate),
    );
    let verdict = checks.compare(&exchange);
    let near = |found: Option<f64>, expected: f64| {
        assert!((found.unwrap() - expected).abs() < 1e-12, "{found:?}");
    };
    near(
        verdict.primary.as_ref().unwrap().cost_usd,
        20.0 * 10.0 / 1e6,
    );
    near(verdict.candidate.as_ref().unwrap().cost_usd, 1100.0 / 1e6);
    let cost = Some(MetricSet::EMPTY.with(Metric::Cost));
    assert_eq!(
        (verdict.bad(Which::Primary), verdict.bad(Which::Candidate)),
        (cost, cost)
    );
    assert_eq!(verdict.class, Some(Class::Equivalent));
}

#[test]
fn what_counts_follows_from_settings_and_request() {
    let names = |set: MetricSet| format!("{set:?}");
    let plain = Checks::new(CheckSettings::default()).unwrap();
    assert_eq!(
        names(plain.metrics_on()),
        "{\"transport\", \"slow\", \"stream\", \"envelope\", \"json_parse\", \"json_schema\", \"refusal\"}"
    );
    assert_eq!(
        names(plain.applies(Operation::Chat, JsonMode::None)),
        "{\"transport\", \"slow\", \"stream\", \"envelope\", \"refusal\"}"
    );
    assert_eq!(
        plain.applies(Operation::Chat, JsonMode::Schema),
        plain.metrics_on()
    );
    assert_eq!(
        plain.applies(Operation::Chat, JsonMode::Schema),
        plain.metrics_on()
    );
    // Without a schema nothing can break one.
    assert_eq!(
        names(plain.applies(Operation::Chat, JsonMode::Object)),
        "{\"transport\", \"slow\", \"stream\", \"envelope\", \"json_parse\", \"refusal\"}"
    );
    let with_schema = |json: bool| {
        let settings = CheckSettings {
            json,
            schema: Some(json!({"type": "object"})),
            ..CheckSettings::default()
        };
        Checks::new(settings).unwrap()
    };
    let schema = |json: bool, mode| {
        with_schema(json)
            .applies(Operation::Chat, mode)
            .contains(Metric::JsonSchema)
    };
    assert!(schema(false, JsonMode::Object) && schema(true, JsonMode::None));
    assert!(!schema(false, JsonMode::None));
    let settings = CheckSettings {
        json: true,
        required_fields: vec!["$.a".into()],
        off: vec![Check::FirstContent, Check::JsonSchema],
        ..CheckSettings::default()
    };
    let route = Checks::new(settings).unwrap();
    assert_eq!(
        names(route.applies(Operation::Chat, JsonMode::None)),
        "{\"transport\", \"stream\", \"envelope\", \"json_parse\", \"required_fields\", \"refusal\"}"
    );
}

#[test]
fn unusable_settings_name_their_key() {
    let check = |settings: serde_json::Value, message: &str| {
        let error = match serde_json::from_value(settings) {
            Ok(settings) => Checks::new(settings).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(message), "{error}");
    };
    check(json!({"jsn": true}), "unknown field `jsn`");
    check(
        json!({"label": {"values": ["a", "b"], "paths": "x"}}),
        "unknown field `paths`",
    );
    check(
        json!({"required_fields": ["class"]}),
        "required_fields: \"class\"",
    );
    check(
        json!({"schema": {"type": "dict"}}),
        "schema: not a valid schema",
    );
    check(json!({"off": ["transport"]}), "off: transport");
    check(json!({"off": ["nothing"]}), "nothing");
    check(json!({"severity": {"label": "fatal"}}), "fatal");
    check(json!({"max_cost_usd": -1}), "max_cost_usd: -1");
    check(
        json!({"max_cost_usd": 1}),
        "max_cost_usd: set the candidate's price",
    );
    check(json!({"price": {"input": -1, "output": 1}}), "price: -1");
    check(
        json!({"text_similarity": {"threshold": 2}}),
        "text_similarity.threshold: 2",
    );
    check(
        json!({"tool_arguments": {"ignore": ["q"]}}),
        "tool_arguments: \"q\"",
    );
    check(
        json!({"refusal": {"phrases": ["..."]}}),
        "refusal.phrases: \"...\"",
    );
}

#[test]
fn a_check_that_cannot_judge_is_no_pass() {
    let checks = Checks::new(CheckSettings::default()).unwrap();
    let schema = json!({"pattern": "(?=a)b"});
    let request =
        ask(&json!({"json_schema": {"name": "x", "schema": schema}, "type": "json_schema"}));
    let check = |candidate: &str, class: Class| {
        let exchange = exchange(
            &request,
            Some(recorded(200, &body("\"ab\""))),
            Some(recorded(200, &body(candidate))),
        );
        let verdict = checks.compare(&exchange);
        let schema = verdict
            .checks
            .iter()
            .find(|r| r.check == Check::JsonSchema)
            .unwrap();
        assert_eq!(schema.outcome, CheckOutcome::Error);
        assert_eq!(verdict.class, Some(class));
        assert_eq!(verdict.bad(Which::Candidate), Some(MetricSet::EMPTY));
    };
    check("\"ab\"", Class::Equal);
    check("\"b\"", Class::Incomparable);
}
