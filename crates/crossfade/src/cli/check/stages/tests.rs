//! How long stages are likely to take, and what of a plan deserves a warning.

use super::super::tests::config;
use super::*;

const ROUTE: &str = "[azure]\nendpoint = \"https://a.example.com\"\n[bedrock]\nregion = \"us-east-1\"\n[routes.a]\nowner = \"o\"\ncandidate = { model = \"m\" }\n";

fn lines(text: &str, rate: Option<f64>) -> Vec<String> {
    let config = config(&format!("{ROUTE}{text}"));
    let plan = config.plans().remove(0);
    let forecasts = forecasts(&config.mirror, &plan, rate);
    forecasts.iter().map(Forecast::line).collect()
}

#[test]
fn days_follow_from_rate_share_and_margin() {
    let check = |text: &str, rate: f64, expected: &str| {
        assert_eq!(lines(text, Some(rate)), [expected], "{text}");
    };
    let stages = "[routes.a.rollout]\nstages = [\"shadow\", \"slice\"]\n";
    // Refusals take 3 800 requests in nine of ten cases: an hour at one a second.
    check(
        &format!("{stages}success = {{ refusal = 0.01 }}"),
        1.0,
        "1 requests/s: shadow 1.0 d, slice 1 % 1.0 d; 2.0 d in all",
    );
    check(
        &format!(
            "{stages}success = {{ refusal = 0.01 }}\nminimum_time = {{ shadow = \"1h\", slice = \"0s\" }}"
        ),
        1.0,
        "1 requests/s: shadow 1.1 h (refusal), slice 1 % 1.1 h (refusal); 2.2 h in all",
    );
    // Twenty times as many, and only a twentieth of them asked twice.
    check(
        &format!("{stages}success = {{ tool_selection = 0.02 }}"),
        1.0,
        "1 requests/s: shadow 1.7 d (tool_selection), slice 1 % 1.8 d (tool_selection); 3.5 d in all",
    );
    // Nothing is compared once the candidate answers everything.
    check(
        "[routes.a.rollout]\nsuccess = { refusal = 0.01 }",
        1.0,
        "1 requests/s: shadow 1.0 d, slice 1 % 1.0 d, ramp 5 % 1.0 d, ramp 10 % 1.0 d, ramp 25 % 1.0 d, ramp 50 % 1.0 d, ramp 100 % never, window never; it does not end",
    );
    check(
        "[mirror]\nreverse_share = 10\n[routes.a.rollout]\nsuccess = { refusal = 0.01 }",
        0.1,
        "0.1 requests/s: shadow 1.0 d, slice 1 % 1.0 d, ramp 5 % 1.0 d, ramp 10 % 1.0 d, ramp 25 % 1.0 d, ramp 50 % 1.0 d, ramp 100 % 4.5 d (refusal), window 7.0 d; 18 d in all",
    );
    assert_eq!(lines("", None).len(), RATES.len());
    assert!(lines("[mirror]\nenabled = false", None).is_empty());
    assert!(lines("[routes.a.rollout]\nsuccess = {}", None).is_empty());
}

#[test]
fn warnings_know_the_rate() {
    let check = |text: &str, rate: Option<f64>, expected: &[&str]| {
        let config = config(&format!("{ROUTE}{text}"));
        let mut said = Vec::new();
        super::warnings(&config.mirror, &config.plans()[0], rate, &mut said);
        assert_eq!(said.len(), expected.len(), "{said:#?}");
        for (said, part) in said.iter().zip(expected) {
            assert!(said.contains(part), "{said}");
        }
    };
    let stages = "[routes.a.rollout]\nstages = [\"shadow\", \"slice\"]\n";
    check("", None, &["100 % and stage window are refused"]);
    check(stages, None, &[]);
    check(stages, Some(10.0), &[]);
    check(
        &format!("{stages}success = {{ refusal = 0.01 }}"),
        Some(0.01),
        &["the candidate answers about 9 in 1d"],
    );
    check(
        &format!("{stages}success = {{ tool_selection = 0.02 }}"),
        Some(1.0),
        &["set mirror.ask_primary_twice to about 9,"],
    );
    check(
        &format!("{stages}success = {{ tool_selection = 0.001 }}"),
        Some(1.0),
        &["even asked twice always"],
    );
}
