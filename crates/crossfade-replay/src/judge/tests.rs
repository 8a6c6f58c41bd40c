use std::fmt::Write as _;

use crossfade_compare::{CheckSettings, LabelSettings, Price};
use serde_json::{Value, json};

use super::*;
use crate::{
    report::SuiteVerdict,
    sides::{SideSource, Sides},
};

/// A completion that says this.
fn says(text: &str) -> CaseAnswer {
    CaseAnswer::of_response(json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": text, "refusal": null}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    }))
}

/// Cases that want the word `yes`, with these members beside.
fn dataset(cases: &[Value]) -> Dataset {
    let mut text = String::new();
    for (at, more) in cases.iter().enumerate() {
        let mut case = json!({
            "id": format!("case-{at}"),
            "request": {"messages": [{"role": "user", "content": "yes or no?"}]},
            "assert": [{"type": "contains", "value": "yes"}],
        });
        for (key, value) in more.as_object().unwrap() {
            case[key] = value.clone();
        }
        writeln!(text, "{case}").unwrap();
    }
    Dataset::parse(text.as_bytes()).unwrap()
}

/// Judges these answers of the candidate, by case and repeat; `!` is no answer.
fn judged(cases: &[Value], candidate: &[&[&str]], primary: &[&[&str]]) -> RunReport {
    judged_by(CheckSettings::default(), cases, candidate, primary)
}

fn judged_by(
    settings: CheckSettings,
    cases: &[Value],
    candidate: &[&[&str]],
    primary: &[&[&str]],
) -> RunReport {
    let dataset = dataset(cases);
    let checks = Checks::new(settings).unwrap();
    let sides = Sides {
        primary: if primary.is_empty() {
            SideSource::Absent
        } else {
            SideSource::Recorded
        },
        candidate: SideSource::Recorded,
    };
    let mut answers = Answers::new();
    for (side, all) in [(Side::Candidate, candidate), (Side::Primary, primary)] {
        for (case, repeats) in all.iter().enumerate() {
            for (repeat, text) in repeats.iter().enumerate() {
                let answer = match *text {
                    "!" => CaseAnswer::failed(Some(503), crossfade_exchange::Ending::Complete),
                    text => says(text),
                };
                let repeat = u32::try_from(repeat).unwrap();
                answers.insert(Asking { case, repeat, side }, answer);
            }
        }
    }
    let most = candidate
        .iter()
        .map(|repeats| repeats.len())
        .max()
        .unwrap_or(1);
    let judging = Judging {
        dataset: &dataset,
        left_out: 0,
        route: &RouteId::new("r"),
        checks: &checks,
        sides: &sides,
        repeat: u32::try_from(most).unwrap(),
        cosine: None,
    };
    judging.report(&answers, Stopped::Done, Amount::default())
}

/// One case with these answers and members comes out like this, and so does its suite.
fn check(more: &Value, answers: &[&str], outcome: CaseOutcome, suite: SuiteVerdict) {
    let report = judged(std::slice::from_ref(more), &[answers], &[]);
    assert_eq!(report.cases[0].outcome, outcome, "{more} {answers:?}");
    assert_eq!(report.verdict, suite, "{more} {answers:?}");
}

#[test]
fn a_case_passes_by_its_own_rate() {
    use CaseOutcome::{Failed, Inconclusive, Passed};
    let two_of_three = || json!({"min_pass_rate": 0.67});
    check(&json!({}), &["yes"], Passed, SuiteVerdict::Pass);
    check(&json!({}), &["no"], Failed, SuiteVerdict::Failed);
    check(&json!({}), &["yes", "no"], Failed, SuiteVerdict::Failed);
    check(
        &two_of_three(),
        &["yes", "no", "yes"],
        Passed,
        SuiteVerdict::Pass,
    );
    check(
        &two_of_three(),
        &["yes", "no", "no"],
        Failed,
        SuiteVerdict::Failed,
    );
    check(
        &two_of_three(),
        &["yes", "!", "yes"],
        Passed,
        SuiteVerdict::Pass,
    );
    check(
        &two_of_three(),
        &["yes", "no", "!"],
        Inconclusive,
        SuiteVerdict::Inconclusive,
    );
    check(
        &two_of_three(),
        &["no", "no", "!"],
        Failed,
        SuiteVerdict::Failed,
    );
    check(&json!({}), &["!"], Inconclusive, SuiteVerdict::Inconclusive);
    check(
        &json!({"min_pass_rate": 0.0}),
        &["!"],
        Inconclusive,
        SuiteVerdict::Inconclusive,
    );
    check(
        &json!({"severity": "info"}),
        &["no"],
        Failed,
        SuiteVerdict::Inconclusive,
    );
    let reported = json!({"assert": [{"type": "contains", "value": "yes"}, {"type": "contains", "value": "no", "weight": 0}]});
    check(&reported, &["yes"], Passed, SuiteVerdict::Pass);
    check(&reported, &["no"], Failed, SuiteVerdict::Failed);
    let nothing = json!({"assert": [{"type": "contains", "value": "yes", "weight": 0}]});
    check(&nothing, &["yes"], Inconclusive, SuiteVerdict::Inconclusive);
    let similar = json!({"assert": [{"type": "similar", "value": "x"}]});
    check(&similar, &["yes"], Inconclusive, SuiteVerdict::Inconclusive);
}

#[test]
fn one_case_that_always_fails_is_shown_whatever_the_mean_says() {
    let cases = vec![json!({}); 200];
    let mut answers: Vec<&[&str]> = vec![&["yes"]; 200];
    answers[117] = &["no"];
    let report = judged(&cases, &answers, &[]);
    assert_eq!(report.verdict, SuiteVerdict::Failed);
    assert_eq!(report.totals.pass_rate, Some(0.995));
    assert_eq!(report.totals.always_failing, 1);
    assert_eq!(
        report.why,
        ["1 case failed every time, whatever the mean pass rate of 99.5 % says: case-117"]
    );
}

#[test]
fn a_case_for_information_alone_is_told_apart() {
    let cases = [json!({}), json!({"severity": "info"})];
    let report = judged(&cases, &[&["yes"], &["no"]], &[]);
    assert_eq!(report.verdict, SuiteVerdict::Pass);
    assert_eq!((report.totals.passed, report.totals.failed), (1, 1));
}

#[test]
fn a_budget_that_is_spent_is_its_own_verdict() {
    let dataset = dataset(&[json!({}), json!({})]);
    let checks = Checks::new(CheckSettings::default()).unwrap();
    let judging = Judging {
        dataset: &dataset,
        left_out: 3,
        route: &RouteId::new("r"),
        checks: &checks,
        sides: &Sides {
            primary: SideSource::Absent,
            candidate: SideSource::Recorded,
        },
        repeat: 1,
        cosine: None,
    };
    let asking = Asking {
        case: 0,
        repeat: 0,
        side: Side::Candidate,
    };
    let answers = Answers::from([(asking, says("yes"))]);
    let report = judging.report(&answers, Stopped::Budget, Amount::default());
    assert_eq!(report.verdict, SuiteVerdict::BudgetSpent);
    assert_eq!(report.totals.inconclusive, 1);
    assert_eq!(report.candidate.missing, 1);
    assert_eq!(report.dataset.left_out, 3);
    assert_eq!(
        report.why[0],
        "the run stopped before it would spend more than it may"
    );
}

#[test]
fn repeats_show_what_each_side_agrees_with_itself() {
    let settings = CheckSettings {
        label: Some(LabelSettings {
            path: None,
            pattern: Some("(yes|no)".to_owned()),
            number: None,
            values: vec!["yes".to_owned(), "no".to_owned()],
            risky: Vec::new(),
        }),
        ..CheckSettings::default()
    };
    let report = judged_by(
        settings,
        &[json!({}), json!({})],
        &[&["yes", "yes"], &["no", "no"]],
        &[&["yes", "no"], &["yes", "yes"]],
    );
    let label = report
        .agreement
        .iter()
        .find(|found| found.check == Check::Label)
        .unwrap();
    let near = |interval: Option<crossfade_statistics::confidence::Interval>, value: f64| {
        let interval = interval.unwrap();
        assert!((interval.estimate - value).abs() < 1e-9, "{interval:?}");
        assert!(
            interval.low <= value && value <= interval.high,
            "{interval:?}"
        );
    };
    assert_eq!(label.cases, 2);
    // The first case differs in one of two pairs, the second in both.
    near(Some(label.candidate), 0.75);
    near(label.noise, 0.5);
    near(label.candidate_noise, 0.0);
    near(label.over_noise, 0.25);
    assert_eq!(
        report.confusion.unwrap().cells,
        [[1, 2, 0], [1, 0, 0], [0, 0, 0]]
    );
    assert_eq!(report.totals.primary_pass_rate, Some(0.75));
    assert_eq!(report.statistics.unwrap().pairs, 2, "a case is one sample");
}

#[test]
fn three_answers_make_a_ring() {
    let report = judged(&[json!({})], &[&["a", "b", "c"]], &[&["a", "b", "c"]]);
    assert_eq!(report.cases[0].repeats.len(), 3);
    let classes: Vec<_> = report.cases[0]
        .repeats
        .iter()
        .map(|repeat| repeat.class)
        .collect();
    assert_eq!(classes, [Some(VerdictClass::Equal); 3]);
}

#[test]
fn costs_and_tokens_are_counted_where_there_is_a_price() {
    let price = Price {
        input: 1.0,
        cached: None,
        cache_write: None,
        output: 2.0,
    };
    let settings = CheckSettings {
        price: Some(price),
        ..CheckSettings::default()
    };
    let report = judged_by(settings, &[json!({})], &[&["yes"]], &[&["yes"]]);
    assert_eq!(report.candidate.tokens, 15);
    assert!((report.candidate.cost_usd.unwrap() - 2e-5).abs() < 1e-12);
    assert_eq!(report.primary.unwrap().cost_usd, None);
    assert_eq!(report.measured.candidate.cost_usd.len(), 1);
}

#[test]
fn the_same_answers_give_the_same_bytes() {
    let cases = vec![json!({}); 5];
    let answers: Vec<&[&str]> = vec![
        &["yes", "no"],
        &["yes", "yes"],
        &["no", "no"],
        &["!", "yes"],
        &["a"],
    ];
    let report = || judged(&cases, &answers, &answers);
    assert_eq!(report().to_json().unwrap(), report().to_json().unwrap());
    let read: RunReport = serde_json::from_slice(&report().to_json().unwrap()).unwrap();
    assert_eq!(read.cases, report().cases);
}

#[test]
fn details_show_what_did_not_pass_first() {
    let dataset = dataset(&[json!({}), json!({})]);
    let checks = Checks::new(CheckSettings::default()).unwrap();
    let judging = Judging {
        dataset: &dataset,
        left_out: 0,
        route: &RouteId::new("r"),
        checks: &checks,
        sides: &Sides {
            primary: SideSource::Absent,
            candidate: SideSource::Recorded,
        },
        repeat: 1,
        cosine: None,
    };
    let answers: Answers = [(0, says("yes")), (1, says("{\"answer\":\"no\"}"))]
        .into_iter()
        .map(|(case, answer)| {
            let asking = Asking {
                case,
                repeat: 0,
                side: Side::Candidate,
            };
            (asking, answer)
        })
        .collect();
    let report = judging.report(&answers, Stopped::Done, Amount::default());
    let details = judging.details(&answers, &report);
    assert_eq!(details.shown.len(), 1);
    let shown = &details.shown[0];
    assert_eq!(shown.case, 1);
    assert_eq!(shown.prompt, "user: yes or no?");
    assert_eq!(shown.primary, None);
    assert_eq!(
        shown.candidate.as_deref(),
        Some("{\n  \"answer\": \"no\"\n}")
    );
}

#[test]
fn calls_without_an_answer_say_how_they_ended() {
    let report = judged(&[json!({}), json!({})], &[&["!", "yes"], &["!", "!"]], &[]);
    let said = report.why.last().unwrap();
    assert_eq!(
        said,
        "calls of the candidate without an answer: status 503 (3)"
    );
}
