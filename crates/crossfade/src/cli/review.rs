//! `review`: one pair with everything to decide it by, and the decision. What was written by callers and models is escaped
//! before it comes to the terminal.

use std::fmt::Write as _;

use crossfade_exchange::{CheckOutcome, CheckResult, ReviewVerdict, Verdict};
use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::{
    config::environment,
    review::{AnswerPage, DecidedPage, ExchangePage, ReviewPage},
    text::plain,
};

use super::{
    admin::{Admin, Ask},
    args::{Output, ReviewArgs},
    beside::beside,
    failure::Failure,
    print,
    reviews::{decision, reasons, what},
    status::{ago, count, foreign, now_ms},
};

/// Cells of a line where the terminal does not say its own.
const WIDTH: usize = 120;
/// Lines of a request that are shown; the newest, as the last turn is what was asked.
const REQUEST_LINES: usize = 40;
/// Places of one check that are shown.
const PLACES: usize = 8;

/// `review`
pub(super) fn run(args: &ReviewArgs) -> Result<(), Failure> {
    match args.verdict {
        Some(verdict) => decide(args, verdict),
        None => show(args),
    }
}

fn show(args: &ReviewArgs) -> Result<(), Failure> {
    let path = format!("/api/v1/reviews/{}", args.id);
    let answer = Admin::new(&args.admin)?.ask(Ask::get(path))?;
    match args.admin.output {
        Output::Json => print::json(&answer),
        Output::Text => {
            let page = ReviewPage::deserialize(&answer).map_err(|error| foreign(&error))?;
            print::data(&text(&page, width(), now_ms()));
        }
    }
    Ok(())
}

fn decide(args: &ReviewArgs, verdict: ReviewVerdict) -> Result<(), Failure> {
    let mut body = json!({
        "verdict": verdict,
        "note": args.note.as_deref().unwrap_or_default(),
        "accept_signature": args.accept_difference,
    });
    if let (Some(reason), Some(body)) = (&args.reason, body.as_object_mut()) {
        body.insert("reason".to_owned(), json!(reason));
    }
    let path = format!("/api/v1/reviews/{}", args.id);
    let answer = Admin::new(&args.admin)?.ask(Ask::change(Method::POST, path, body))?;
    match args.admin.output {
        Output::Json => print::json(&answer),
        Output::Text => {
            let page = DecidedPage::deserialize(&answer).map_err(|error| foreign(&error))?;
            print::data(&decided(&page, now_ms()));
        }
    }
    Ok(())
}

fn decided(page: &DecidedPage, now_ms: u64) -> String {
    let review = &page.review;
    let said = decision(review, now_ms).unwrap_or_else(|| plain(&review.state));
    let mut out = format!("review {}: {said}\n", review.id);
    if page.unchanged {
        out.push_str("it was decided so already: nothing was recorded\n");
    }
    if let Some(rule) = &page.rule {
        let _ = writeln!(
            out,
            "differences of signature {} are accepted on {} from now on; take it back with\n  crossfade rules {} --withdraw {}",
            plain(&rule.signature),
            plain(rule.route.as_str()),
            plain(rule.route.as_str()),
            plain(&rule.signature),
        );
    }
    out
}

/// Cells of a line of this terminal.
pub(super) fn width() -> usize {
    let columns = environment("COLUMNS").and_then(|columns| columns.parse().ok());
    columns.unwrap_or(WIDTH).clamp(60, 400)
}

fn text(page: &ReviewPage, width: usize, now_ms: u64) -> String {
    let review = &page.review;
    let mut out = format!(
        "review {}   {}   {}   opened {}\n",
        review.id,
        plain(review.route.as_str()),
        plain(&review.state),
        ago(review.opened_unix_ms, now_ms)
    );
    let _ = writeln!(out, "  why       {}", reasons(review));
    let _ = writeln!(out, "  what      {}", plain(&what(review)));
    if review.stands_for > 1 {
        let others = review.stands_for - 1;
        let _ = writeln!(out, "  like it   {} more while it waits", count(others));
    }
    if let Some(said) = decision(review, now_ms) {
        let _ = writeln!(out, "  decided   {said}");
    }
    put_verdict(&mut out, &page.verdict, review.signature.as_deref());
    match &page.exchange {
        Some(exchange) => put_exchange(&mut out, exchange, width),
        None => out.push_str(
            "\n  the exchange is not kept: evidence needs a key ([evidence] key_env), and ends with its age or its caller's deletion\n",
        ),
    }
    if review.state == "open" {
        let verdicts: Vec<&str> = ReviewVerdict::ALL.iter().map(|v| v.as_str()).collect();
        let _ = writeln!(
            out,
            "\ndecide it:  crossfade review {} --verdict {}",
            review.id,
            verdicts.join("|")
        );
    }
    out
}

/// The checks that failed or could not be judged, with their places, and how many passed.
pub(super) fn put_verdict(out: &mut String, verdict: &Verdict, signature: Option<&str>) {
    let mut line = String::from("  verdict  ");
    if let Some(class) = verdict.class {
        let _ = write!(line, " {class}");
    }
    if let Some(parity) = verdict.parity {
        let _ = write!(line, "   parity {parity:.2}");
    }
    if let Some(signature) = signature {
        let _ = write!(line, "   signature {}", plain(signature));
    }
    let _ = writeln!(out, "{line}");
    let said = |outcome: CheckOutcome| {
        let results = verdict.checks.iter();
        results.filter(move |result| result.outcome == outcome)
    };
    let mut label = "checks";
    for result in said(CheckOutcome::Fail).chain(said(CheckOutcome::Error)) {
        put_check(out, label, result);
        label = "";
    }
    let passed: Vec<&str> = said(CheckOutcome::Pass)
        .map(|result| result.check.as_str())
        .collect();
    if !passed.is_empty() {
        let _ = writeln!(out, "  {label:<9} pass  {}", passed.join(", "));
    }
}

fn put_check(out: &mut String, label: &str, result: &CheckResult) {
    let evidence = result.evidence.as_deref().unwrap_or_default();
    let _ = writeln!(
        out,
        "  {label:<9} {:<5} {} ({}, score {:.2})   {}",
        result.outcome.as_str(),
        result.check,
        result.severity,
        result.score,
        plain(evidence)
    );
    for place in result.differences.iter().take(PLACES) {
        let _ = writeln!(
            out,
            "                    {} {}",
            plain(&place.path),
            place.kind
        );
    }
    if result.differences.len() > PLACES {
        let more = result.differences.len() - PLACES;
        let _ = writeln!(out, "                    and {more} more");
    }
}

/// The request, what was lost of it, and both answers.
pub(super) fn put_exchange(out: &mut String, exchange: &ExchangePage, width: usize) {
    let sides = [
        ("primary", &exchange.primary),
        ("candidate", &exchange.candidate),
    ];
    for (side, answer) in sides {
        let losses: Vec<String> = answer
            .iter()
            .flat_map(|answer| &answer.losses)
            .map(|loss| format!("{} ({})", loss.kind, plain(&loss.field)))
            .collect();
        if !losses.is_empty() {
            let _ = writeln!(out, "  losses    {side}: {}", losses.join(", "));
        }
    }
    let streamed = if exchange.streamed { ", streamed" } else { "" };
    let operation = exchange.line.operation;
    let _ = writeln!(out, "\nREQUEST  {operation}{streamed}");
    let lines: Vec<&str> = exchange.request.says.lines().collect();
    let left_out = lines.len().saturating_sub(REQUEST_LINES);
    if left_out > 0 {
        let _ = writeln!(
            out,
            "  … {left_out} lines before; all of it with --output json"
        );
    }
    for line in lines.iter().skip(left_out) {
        let _ = writeln!(out, "  {}", plain(&line.replace('\t', "    ")));
    }
    out.push('\n');
    let title = |name: &str, answer: &Option<AnswerPage>| match answer {
        Some(answer) => format!("{name}  {}", facts(answer)),
        None => format!("{name}  not recorded"),
    };
    let says = |answer: &Option<AnswerPage>| {
        let says = answer.as_ref().map(|answer| answer.body.says.clone());
        says.unwrap_or_default()
    };
    let titles = (
        title("PRIMARY", &exchange.primary),
        title("CANDIDATE", &exchange.candidate),
    );
    out.push_str(&beside(
        (&titles.0, &titles.1),
        &says(&exchange.primary),
        &says(&exchange.candidate),
        width,
    ));
}

/// Status, time and tokens of an answer.
fn facts(answer: &AnswerPage) -> String {
    let mut facts = match answer.status {
        Some(status) => status.to_string(),
        None => answer.ending.to_string(),
    };
    if let Some(seconds) = answer.total_seconds {
        let _ = write!(facts, ", {seconds:.2} s");
    }
    if let Some(usage) = answer.usage {
        let _ = write!(facts, ", {} tokens", count(usage.output));
    }
    facts
}

#[cfg(test)]
mod tests;
