//! What a person sees of one review.

use crossfade_exchange::{
    Check, Difference, DifferenceKind, Ending, Loss, LossKind, Operation, Opinions, Role, RouteId,
    Severity, VerdictClass,
};
use serde_json::Value;

use super::*;
use crate::{
    cli::reviews::tests::line,
    review::{BodyPage, DecisionLine, ExchangeLine, RuleLine},
};

fn answer(says: &str, losses: Vec<Loss>) -> AnswerPage {
    AnswerPage {
        role: Role::Answering,
        ending: Ending::Complete,
        status: Some(200),
        first_content_seconds: None,
        total_seconds: Some(1.204),
        usage: None,
        losses,
        body: BodyPage {
            says: says.to_owned(),
            body: Value::Null,
        },
    }
}

fn page() -> ReviewPage {
    let verdict = Verdict {
        class: Some(VerdictClass::CandidateInvalid),
        parity: Some(0.0),
        checks: vec![
            result(Check::Transport, CheckOutcome::Pass),
            CheckResult {
                evidence: Some("refund -> cancel".to_owned()),
                differences: vec![Difference {
                    path: "$.class".to_owned(),
                    kind: DifferenceKind::Value,
                }],
                ..result(Check::Label, CheckOutcome::Fail)
            },
            result(Check::Judge, CheckOutcome::Na),
        ],
        primary: None,
        candidate: None,
    };
    let kept = ExchangeLine {
        id: "e1".to_owned(),
        route: RouteId::new("support"),
        operation: Operation::Chat,
        received_unix_ms: 0,
        class: verdict.class,
        parity: verdict.parity,
        signature: None,
        why: "review".to_owned(),
        bytes: 10,
        bodies: true,
    };
    ReviewPage {
        review: line(),
        verdict: verdict.clone(),
        exchange: Some(ExchangePage {
            line: kept,
            streamed: true,
            request: BodyPage {
                says: "user: I want\u{1b}[2J my money".to_owned(),
                body: Value::Null,
            },
            primary: Some(answer("{\n  \"class\": \"refund\"\n}", Vec::new())),
            candidate: Some(answer(
                "{\n  \"class\": \"cancel\"\n}",
                vec![Loss::new(LossKind::SeedDropped, "seed")],
            )),
            verdict,
            opinions: Opinions::default(),
        }),
    }
}

fn result(check: Check, outcome: CheckOutcome) -> CheckResult {
    CheckResult {
        check,
        outcome,
        score: 0.0,
        severity: Severity::Blocker,
        evidence: None,
        differences: Vec::new(),
    }
}

#[test]
fn a_review_shows_why_and_where_and_both_answers() {
    let shown = text(&page(), 80, 61_000);
    let expected = [
        "review 1   support   open   opened 60 s ago",
        "  why       risky_label, new_signature",
        "  what      candidate_invalid: label",
        "  like it   2 more while it waits",
        "  verdict   candidate_invalid   parity 0.00   signature 8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d",
        "  checks    fail  label (blocker, score 0.00)   refund -> cancel",
        "                    $.class value",
        "            pass  transport",
        "  losses    candidate: seed_dropped (seed)",
        "",
        "REQUEST  chat, streamed",
        "  user: I want\\u{1b}[2J my money",
        "",
        "PRIMARY  200, 1.20 s                     CANDIDATE  200, 1.20 s",
        "--------------------------------------   --------------------------------------",
        "{                                        {",
        "  \"class\": [\"refund\"]                  |   \"class\": [\"cancel\"]",
        "}                                        }",
        "",
        "decide it:  crossfade review 1 --verdict candidate_better|same|candidate_worse|both_wrong|acceptable",
    ];
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines, expected, "{shown}");
}

#[test]
fn what_is_not_kept_is_said() {
    let gone = ReviewPage {
        exchange: None,
        ..page()
    };
    let shown = text(&gone, 80, 61_000);
    assert!(shown.contains("the exchange is not kept"), "{shown}");
}

#[test]
fn long_requests_show_their_end() {
    let mut long = page();
    if let Some(exchange) = &mut long.exchange {
        exchange.request.says =
            (0..100).fold(String::new(), |said, n| said + &format!("turn {n}\n"));
    }
    let shown = text(&long, 80, 61_000);
    assert!(shown.contains("… 60 lines before"), "{shown}");
    assert!(shown.contains("  turn 60\n") && shown.contains("  turn 99\n"));
    assert!(!shown.contains("  turn 59\n"));
}

#[test]
fn a_decision_says_how_to_take_its_rule_back() {
    let mut review = line();
    review.state = "decided".to_owned();
    review.decision = Some(DecisionLine {
        verdict: ReviewVerdict::Acceptable,
        note: String::new(),
        by: "ana".to_owned(),
        at_unix_ms: 61_000,
    });
    let page = DecidedPage {
        review,
        unchanged: true,
        rule: Some(RuleLine {
            route: RouteId::new("support"),
            signature: "8d".to_owned(),
            by: "ana".to_owned(),
            reason: "agreed".to_owned(),
            at_unix_ms: 61_000,
        }),
    };
    let shown = decided(&page, 61_000);
    assert_eq!(
        shown,
        "review 1: acceptable by ana, 0 s ago\nit was decided so already: nothing was recorded\n\
         differences of signature 8d are accepted on support from now on; take it back with\n  \
         crossfade rules support --withdraw 8d\n"
    );
}
