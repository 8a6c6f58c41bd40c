//! `reviews`: what waits for a person, one line each with the reason. Only shows.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::{
    review::{ReviewLine, ReviewList},
    text::plain,
};

use super::{
    admin::{Admin, Ask, escape},
    args::{Output, ReviewsArgs, State},
    failure::Failure,
    print,
    status::{ago, count, foreign, now_ms},
};

/// `reviews`
pub(super) fn run(args: &ReviewsArgs) -> Result<(), Failure> {
    let mut path = format!("/api/v1/reviews?limit={}", args.limit);
    if let Some(route) = &args.route {
        let _ = write!(path, "&route={}", escape(route));
    }
    let state = match args.state {
        State::Open => Some("open"),
        State::Decided => Some("decided"),
        State::Expired => Some("expired"),
        State::All => None,
    };
    if let Some(state) = state {
        let _ = write!(path, "&state={state}");
    }
    let answer = Admin::new(&args.admin)?.ask(Ask::get(path))?;
    match args.admin.output {
        Output::Json => print::json(&answer),
        Output::Text => {
            let list = ReviewList::deserialize(&answer).map_err(|error| foreign(&error))?;
            print::data(&text(&list.reviews, state, now_ms()));
        }
    }
    Ok(())
}

fn text(reviews: &[ReviewLine], state: Option<&str>, now_ms: u64) -> String {
    if reviews.is_empty() {
        return match state {
            Some("open") => "nothing waits for a person\n".to_owned(),
            Some(state) => format!("nothing is {state}\n"),
            None => "nothing has been queued yet\n".to_owned(),
        };
    }
    let mut out = String::new();
    for review in reviews {
        let _ = writeln!(
            out,
            "{:>6}  {:<12} {:<16} {}",
            review.id,
            ago(review.opened_unix_ms, now_ms),
            plain(review.route.as_str()),
            reasons(review),
        );
        let _ = writeln!(out, "        {}{}", plain(&what(review)), like(review));
        if let Some(said) = decision(review, now_ms) {
            let _ = writeln!(out, "        {said}");
        }
    }
    out
}

fn like(review: &ReviewLine) -> String {
    match review.stands_for {
        0 | 1 => String::new(),
        many => format!("   and {} like it", count(many - 1)),
    }
}

/// Why it is here.
pub(super) fn reasons(review: &ReviewLine) -> String {
    let reasons: Vec<&str> = review
        .reasons
        .iter()
        .map(|reason| reason.as_str())
        .collect();
    reasons.join(", ")
}

/// Class and places.
pub(super) fn what(review: &ReviewLine) -> String {
    match (review.class, review.what.as_str()) {
        (None, what) => what.to_owned(),
        (Some(class), "") => class.to_string(),
        (Some(class), what) => format!("{class}: {what}"),
    }
}

/// What became of it, if it is open no more.
pub(super) fn decision(review: &ReviewLine, now_ms: u64) -> Option<String> {
    let Some(decision) = &review.decision else {
        let closed = review.state != "open";
        return closed.then(|| plain(&review.state));
    };
    let mut said = format!(
        "{} by {}, {}",
        decision.verdict,
        plain(&decision.by),
        ago(decision.at_unix_ms, now_ms)
    );
    if !decision.note.is_empty() {
        let _ = write!(said, ": {}", plain(&decision.note));
    }
    Some(said)
}

#[cfg(test)]
pub(super) mod tests {
    use crossfade_exchange::{ReviewReason, ReviewVerdict, RouteId, VerdictClass};

    use super::*;
    use crate::review::DecisionLine;

    pub(in crate::cli) fn line() -> ReviewLine {
        ReviewLine {
            id: 1,
            exchange: "e1".to_owned(),
            route: RouteId::new("support"),
            reasons: vec![ReviewReason::RiskyLabel, ReviewReason::NewSignature],
            class: Some(VerdictClass::CandidateInvalid),
            signature: Some("8d".repeat(16)),
            what: "label".to_owned(),
            stands_for: 3,
            opened_unix_ms: 1_000,
            state: "open".to_owned(),
            decision: None,
        }
    }

    #[test]
    fn each_review_says_why_it_is_here() {
        let decided = ReviewLine {
            state: "decided".to_owned(),
            decision: Some(DecisionLine {
                verdict: ReviewVerdict::Same,
                note: "only\nwording".to_owned(),
                by: "ana".to_owned(),
                at_unix_ms: 31_000,
            }),
            ..line()
        };
        let shown = text(&[line(), decided], None, 61_000);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(
            lines,
            [
                "     1  60 s ago     support          risky_label, new_signature",
                "        candidate_invalid: label   and 2 like it",
                "     1  60 s ago     support          risky_label, new_signature",
                "        candidate_invalid: label   and 2 like it",
                "        same by ana, 30 s ago: only\\nwording",
            ]
        );
        let nothing = "nothing waits for a person\n";
        assert_eq!(text(&[], Some("open"), 0), nothing);
        assert_eq!(text(&[], Some("expired"), 0), "nothing is expired\n");
    }
}
