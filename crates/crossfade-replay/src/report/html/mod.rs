//! One page that holds everything: no request leaves it, and its policy forbids any. It shows prompts and answers, so that a
//! person can judge; all of that text goes through [`escape`], and the one script is allowed by its digest alone.

mod cases;
mod differ;
mod escape;
mod plots;
mod sections;

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use super::{CaseOutcome, RunReport, SuiteVerdict};
use crate::judge::suite::percent;

pub(crate) use cases::rank;
pub use escape::Escaped;

/// How a page of this project's reports looks: light and dark, wide, narrow and printed.
pub const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// Squares of the strip of cases; with more cases there is none.
const MOST_SQUARES: usize = 2000;

/// What is shown of a case beside its report: the prompt and both answers, already shortened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The case's position in the report.
    pub case: usize,
    /// Which of its repeats is shown.
    pub repeat: u32,
    /// The prompt.
    pub prompt: String,
    /// The primary's answer as the checks read it.
    pub primary: Option<String>,
    /// The candidate's.
    pub candidate: Option<String>,
}

/// The cases that are shown side by side, the most important first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// What is shown.
    pub shown: Vec<Detail>,
    /// Cases that would be worth showing and are only counted.
    pub more: usize,
}

/// The report as a page of HTML.
pub fn html(report: &RunReport, details: &Details) -> String {
    let digest = STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    let title = format!("Replay of {}: {}", report.route, said(report.verdict));
    let mut out = String::with_capacity(64 << 10);
    // Writing to a string cannot fail.
    let _infallible = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>{STYLE}</style></head><body><main>\n",
        Escaped(&title)
    );
    head(&mut out, report);
    sections::all(&mut out, report);
    cases::table(&mut out, report);
    cases::details(&mut out, report, details);
    sections::foot(&mut out, report);
    let _infallible = writeln!(out, "</main><script>{SCRIPT}</script></body></html>");
    out
}

const fn said(verdict: SuiteVerdict) -> &'static str {
    match verdict {
        SuiteVerdict::Pass => "passed",
        SuiteVerdict::Failed => "failed",
        SuiteVerdict::Inconclusive => "inconclusive",
        SuiteVerdict::BudgetSpent => "budget spent",
    }
}

fn head(out: &mut String, report: &RunReport) {
    let totals = report.totals;
    let verdict = report.verdict;
    let _infallible = write!(
        out,
        "<section class=\"card head {verdict}\"><div class=\"top\"><h1>Replay of {}</h1><span class=\"badge {verdict}\">{}</span></div>\n<ul>",
        Escaped(&report.route),
        said(verdict)
    );
    for reason in &report.why {
        let _infallible = write!(out, "<li>{}</li>", Escaped(reason));
    }
    out.push_str("</ul>\n<div class=\"tiles\">");
    let mut tile = |class: &str, number: String, what: &str| {
        let _infallible = write!(
            out,
            "<div class=\"tile {class}\"><b>{number}</b><span class=\"soft\">{what}</span></div>"
        );
    };
    let class_if = |count: usize, class: &'static str| if count > 0 { class } else { "" };
    tile("", report.dataset.cases.to_string(), "cases");
    tile("good", totals.passed.to_string(), "passed");
    tile(
        class_if(totals.failed, "bad"),
        totals.failed.to_string(),
        "failed",
    );
    tile(
        class_if(totals.always_failing, "bad"),
        totals.always_failing.to_string(),
        "fail every time",
    );
    tile(
        class_if(totals.inconclusive, "open"),
        totals.inconclusive.to_string(),
        "inconclusive",
    );
    let share = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), percent);
    tile("", share(totals.pass_rate), "mean pass rate, candidate");
    if report.primary.is_some() {
        tile(
            "",
            share(totals.primary_pass_rate),
            "mean pass rate, primary",
        );
    }
    out.push_str("</div>\n");
    strip(out, report);
    out.push_str("</section>\n");
}

/// A square for each case, in the data set's order: what a mean hides is a red square here.
fn strip(out: &mut String, report: &RunReport) {
    if report.cases.len() > MOST_SQUARES {
        return;
    }
    out.push_str("<div class=\"strip\" aria-hidden=\"true\">");
    for case in &report.cases {
        let class = match case.outcome {
            CaseOutcome::Passed => "",
            CaseOutcome::Failed => " class=\"failed\"",
            CaseOutcome::Inconclusive => " class=\"inconclusive\"",
        };
        let _infallible = write!(
            out,
            "<i{class} title=\"{}: {}\"></i>",
            Escaped(&case.id),
            case.outcome
        );
    }
    out.push_str("</div>\n");
}

#[cfg(test)]
mod tests;
