//! The cases: a table that can be sorted and searched, and the most telling ones side by side.

use std::fmt::Write as _;

use crossfade_exchange::{CheckOutcome, Severity};

use super::{Detail, Details, differ, escape::Escaped};
use crate::{
    judge::{badness, suite::percent},
    report::{CaseOutcome, CaseReport, RepeatReport, RunReport, SideRate},
};

/// Rows of the table, those that did not pass first; the rest are counted.
const MOST_ROWS: usize = 1000;
/// Places that are listed for one check.
const MOST_PLACES: usize = 8;

pub(super) fn table(out: &mut String, report: &RunReport) {
    out.push_str(
        "<section class=\"card cases\"><h2>Cases</h2><div class=\"tools\"><button data-show=\"all\" aria-pressed=\"true\">all</button><button data-show=\"failed\" aria-pressed=\"false\">failed</button><button data-show=\"inconclusive\" aria-pressed=\"false\">inconclusive</button><button data-show=\"passed\" aria-pressed=\"false\">passed</button><input id=\"search\" type=\"search\" placeholder=\"search\" aria-label=\"search the cases\"><span id=\"shown\" class=\"soft\"></span></div>\
         <div class=\"wide\"><table id=\"cases\"><thead><tr>",
    );
    for (name, class) in [
        ("case", ""),
        ("severity", ""),
        ("result", ""),
        ("candidate", " class=\"n\""),
        ("primary", " class=\"n\""),
        ("worst pair", ""),
        ("why", ""),
    ] {
        // Writing to a string cannot fail.
        let _infallible = write!(out, "<th{class}><button>{name}</button></th>");
    }
    out.push_str("</tr></thead><tbody>\n");
    let mut cases: Vec<&CaseReport> = report.cases.iter().collect();
    cases.sort_by_key(|case| rank(case));
    for case in cases.iter().take(MOST_ROWS) {
        row(out, case);
    }
    out.push_str("</tbody></table></div>");
    let more = cases.len().saturating_sub(MOST_ROWS);
    if more > 0 {
        let _infallible = write!(out, "<p class=\"soft\">and {more} more in report.json</p>");
    }
    out.push_str("</section>\n");
}

/// What has to be looked at comes first.
pub(crate) fn rank(case: &CaseReport) -> (u8, std::cmp::Reverse<Severity>, bool) {
    let outcome = match case.outcome {
        CaseOutcome::Failed => 0,
        CaseOutcome::Inconclusive => 1,
        CaseOutcome::Passed => 2,
    };
    (
        outcome,
        std::cmp::Reverse(case.severity),
        !case.always_fails,
    )
}

fn row(out: &mut String, case: &CaseReport) {
    let (id, severity, outcome) = (Escaped(&case.id), case.severity, case.outcome);
    let severity_key = severity.index();
    let _infallible = write!(
        out,
        "<tr data-outcome=\"{outcome}\"><td class=\"id\">{id}</td><td data-key=\"{severity_key}\">{severity}</td><td><span class=\"badge {outcome}\">{}</span></td>",
        if case.always_fails && outcome == CaseOutcome::Failed {
            "always fails"
        } else {
            outcome.as_str()
        }
    );
    rate(out, Some(case.candidate), outcome.as_str());
    rate(out, case.primary, "");
    let worst = case.worst.map(|class| class.as_str().replace('_', " "));
    let worst_key = case.worst.map_or(0, badness);
    let _infallible = writeln!(
        out,
        "<td data-key=\"{worst_key}\">{}</td><td class=\"why\">{}</td></tr>",
        worst.unwrap_or_default(),
        Escaped(&why(case))
    );
}

fn rate(out: &mut String, rate: Option<SideRate>, class: &str) {
    let Some(rate) = rate else {
        out.push_str("<td class=\"n\" data-key=\"-1\">–</td>");
        return;
    };
    let of = rate.passed + rate.failed + rate.open;
    let share = f64::from(rate.passed) / f64::from(of.max(1));
    let bar = if class.is_empty() {
        String::new()
    } else {
        format!(
            "<span class=\"bar {class}\"><i style=\"width:{:.0}%\"></i></span>",
            share * 100.0
        )
    };
    let _infallible = write!(
        out,
        "<td class=\"n\" data-key=\"{share:.4}\">{bar}{} of {of}</td>",
        rate.passed
    );
}

/// The first thing that failed, in one line.
fn why(case: &CaseReport) -> String {
    const MOST: usize = 140;
    if case.outcome == CaseOutcome::Passed {
        return String::new();
    }
    let reasons = case.repeats.iter().flat_map(|repeat| &repeat.assertions);
    let reason = reasons
        .filter(|assertion| !assertion.reason.is_empty())
        .map(|assertion| format!("{}: {}", assertion.name, assertion.reason))
        .next()
        .unwrap_or_else(|| "no answer".to_owned());
    let mut short: String = reason.chars().take(MOST).collect();
    if short.len() < reason.len() {
        short.push('…');
    }
    short
}

pub(super) fn details(out: &mut String, report: &RunReport, details: &Details) {
    if details.shown.is_empty() {
        return;
    }
    out.push_str("<section class=\"card found\" id=\"found\"><h2>Side by side</h2><p class=\"soft\">One repeat of each case that did not pass, then of those that differ most. Words that only one side has are marked.</p>\n");
    for (index, detail) in details.shown.iter().enumerate() {
        let found = report.cases.get(detail.case).and_then(|case| {
            let mut repeats = case.repeats.iter();
            Some((case, repeats.find(|repeat| repeat.repeat == detail.repeat)?))
        });
        if let Some((case, repeat)) = found {
            one(out, case, repeat, detail, index == 0);
        }
    }
    if details.more > 0 {
        let _infallible = write!(
            out,
            "<p class=\"soft\">and {} more, whose answers stand in answers.jsonl</p>",
            details.more
        );
    }
    out.push_str("</section>\n");
}

fn one(out: &mut String, case: &CaseReport, repeat: &RepeatReport, detail: &Detail, open: bool) {
    let class = repeat.class.map(|class| class.as_str().replace('_', " "));
    let _infallible = write!(
        out,
        "<details{}><summary><span class=\"id\">{}</span><span class=\"badge {}\">{}</span><span class=\"soft\">repeat {}, {}{}</span></summary>",
        if open { " open" } else { "" },
        Escaped(&case.id),
        repeat.outcome,
        repeat.outcome,
        repeat.repeat,
        class.unwrap_or_else(|| "no pair".to_owned()),
        repeat.parity.map_or_else(String::new, |parity| format!(
            ", parity {}",
            percent(parity)
        ))
    );
    places(out, repeat);
    let _infallible = write!(
        out,
        "<div class=\"prompt\"><div class=\"label\">prompt</div><pre>{}</pre></div><div class=\"two\">",
        Escaped(&detail.prompt)
    );
    let (left, right) = match (&detail.primary, &detail.candidate) {
        (Some(primary), Some(candidate)) => differ::marked(primary, candidate),
        (primary, candidate) => {
            let plain = |text: &Option<String>| {
                text.as_ref()
                    .map_or_else(|| "no answer".to_owned(), |text| Escaped(text).to_string())
            };
            (plain(primary), plain(candidate))
        }
    };
    let _infallible = writeln!(
        out,
        "<div><div class=\"label\">primary</div><pre>{left}</pre></div><div><div class=\"label\">candidate</div><pre>{right}</pre></div></div></details>"
    );
}

/// What failed and where.
fn places(out: &mut String, repeat: &RepeatReport) {
    let assertions = repeat
        .assertions
        .iter()
        .filter(|assertion| assertion.outcome != CheckOutcome::Pass);
    let mut assertions = assertions.peekable();
    if assertions.peek().is_none() && repeat.failed_checks.is_empty() {
        return;
    }
    out.push_str("<ul class=\"places\">");
    for assertion in assertions {
        let _infallible = write!(
            out,
            "<li><span class=\"badge {}\">{}</span> {}</li>",
            assertion.outcome,
            Escaped(&assertion.name),
            Escaped(&assertion.reason)
        );
    }
    for check in &repeat.failed_checks {
        let places: Vec<String> = check
            .differences
            .iter()
            .take(MOST_PLACES)
            .map(|difference| format!("{} {}", difference.path, difference.kind))
            .collect();
        let more = check.differences.len().saturating_sub(MOST_PLACES);
        let mut said = check.evidence.clone().unwrap_or_default();
        if !places.is_empty() {
            said = places.join(", ");
        }
        if more > 0 {
            let _infallible = write!(said, " and {more} more");
        }
        let _infallible = write!(
            out,
            "<li>{} ({}, score {:.2}) {}</li>",
            check.check.as_str().replace('_', " "),
            check.severity,
            check.score,
            Escaped(&said)
        );
    }
    out.push_str("</ul>");
}
