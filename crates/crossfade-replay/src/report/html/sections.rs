//! The page's sections between its head and its cases: agreement, times and costs, labels, stances, losses, findings.

use std::fmt::Write as _;

use crossfade_exchange::{JsonForm, Stance};
use crossfade_statistics::confidence::Rate;

use super::{
    escape::Escaped,
    plots::{self, quantile, sorted},
};
use crate::{
    judge::suite::percent,
    report::{CheckAgreement, Confusion, RunReport, SideMeasured, SideReport},
};

/// Labels of a matrix that is drawn; a larger one is only counted.
const MOST_LABELS: usize = 24;

/// All sections that have something to show.
pub(super) fn all(out: &mut String, report: &RunReport) {
    out.push_str("<div class=\"grid\"><div class=\"stack\">");
    sides(out, report);
    stances(out, report);
    losses(out, report);
    out.push_str("</div><div class=\"stack\">");
    agreement(out, report);
    if let Some(confusion) = &report.confusion {
        labels(out, confusion);
    }
    out.push_str("</div></div>\n<div class=\"grid three\">");
    curves(out, report);
    out.push_str("</div>\n");
    findings(out, report);
}

/// What the page rests on.
pub(super) fn foot(out: &mut String, report: &RunReport) {
    // Writing to a string cannot fail.
    let _infallible = write!(
        out,
        "<p class=\"soft\" style=\"margin-top:20px\">Data set <span class=\"id\">{}</span>. Bounds are confidence sequences: they hold at 95 % however often one looks. A case is one sample, whatever its repeats.",
        Escaped(&report.dataset.sha256)
    );
    if report.dataset.left_out > 0 {
        let _infallible = write!(
            out,
            " {} cases of other routes were left out.",
            report.dataset.left_out
        );
    }
    out.push_str("</p>\n");
}

fn sides(out: &mut String, report: &RunReport) {
    out.push_str("<section class=\"card\"><h2>Sides</h2><div class=\"wide\"><table><thead><tr><th></th><th class=\"n\">primary</th><th class=\"n\">candidate</th></tr></thead><tbody>");
    let (primary, candidate) = (report.primary.as_ref(), &report.candidate);
    let mut row = |what: &str, show: &dyn Fn(&SideReport) -> String| {
        let of_primary = primary.map_or_else(|| "–".to_owned(), show);
        let _infallible = write!(
            out,
            "<tr><td>{what}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            Escaped(&of_primary),
            Escaped(&show(candidate))
        );
    };
    row("source", &|side| side.source.clone());
    row("answers", &|side| side.answers.to_string());
    row("without an answer", &|side| side.missing.to_string());
    row("tokens", &|side| side.tokens.to_string());
    row("cost", &|side| {
        side.cost_usd.map_or_else(|| "no price".to_owned(), dollars)
    });
    let wants_json = |side: &SideReport| !side.json.is_empty();
    if wants_json(candidate) || primary.is_some_and(wants_json) {
        let names = ["JSON, strict", "JSON after repair", "JSON, invalid"];
        for (form, name) in JsonForm::ALL.iter().zip(names) {
            row(name, &|side| {
                side.json.get(form).copied().unwrap_or_default().to_string()
            });
        }
    }
    out.push_str("</tbody></table></div></section>\n");
}

fn agreement(out: &mut String, report: &RunReport) {
    if report.agreement.is_empty() {
        return;
    }
    out.push_str(
        "<section class=\"card\"><h2>Disagreement by check</h2><p class=\"soft\">The share of cases in which a check fails, with its bounds. What the primary does not agree on with itself cannot be held against the candidate.</p>\
         <div class=\"legend\"><span class=\"D\">candidate with primary</span><span class=\"N\">primary with itself</span><span class=\"C\">candidate with itself</span></div>",
    );
    // What never differs is named and not drawn: the rest has more room.
    let differs = |found: &&CheckAgreement| {
        let intervals = [Some(found.candidate), found.noise, found.candidate_noise];
        let mut known = intervals.into_iter().flatten();
        known.any(|interval| interval.estimate > 0.0)
    };
    let drawn: Vec<&CheckAgreement> = report.agreement.iter().filter(differs).collect();
    if !drawn.is_empty() {
        // Its names would be too small to read on a narrow page.
        let _infallible = write!(
            out,
            "<div class=\"wide\">{}</div>",
            plots::agreement(&drawn)
        );
    }
    let same: Vec<String> = report
        .agreement
        .iter()
        .filter(|found| !differs(found))
        .map(|found| {
            format!(
                "{} ({} case{})",
                found.check.as_str().replace('_', " "),
                found.cases,
                if found.cases == 1 { "" } else { "s" }
            )
        })
        .collect();
    if !same.is_empty() {
        let _infallible = write!(
            out,
            "<p class=\"soft\">Never different: {}.</p>",
            Escaped(&same.join(", "))
        );
    }
    out.push_str("</section>\n");
}

fn curves(out: &mut String, report: &RunReport) {
    type Pick = fn(&SideMeasured) -> &[f64];
    type Unit = fn(f64) -> String;
    let measured = &report.measured;
    let plots: [(&str, Pick, Unit); 3] = [
        (
            "Time to the first content",
            |side| &side.first_content_ms,
            time,
        ),
        ("Time to the end", |side| &side.total_ms, time),
        ("Cost of an answer", |side| &side.cost_usd, dollars),
    ];
    for (name, pick, unit) in plots {
        let (primary, candidate) = (pick(&measured.primary), pick(&measured.candidate));
        let Some(plot) = plots::cumulative(primary, candidate, &unit) else {
            continue;
        };
        let _infallible = writeln!(
            out,
            "<section class=\"card\"><h2>{name}</h2><p class=\"soft\">The share of answers that took at most so much.</p><div class=\"legend\"><span class=\"P\">primary{}</span><span class=\"K\">candidate{}</span></div>{plot}</section>",
            Escaped(&quantiles(primary, &unit)),
            Escaped(&quantiles(candidate, &unit))
        );
    }
}

fn quantiles(values: &[f64], unit: &dyn Fn(f64) -> String) -> String {
    let values = sorted(values);
    let at = |share| quantile(&values, share).map(unit);
    match (at(0.5), at(0.9), at(0.99)) {
        (Some(half), Some(nine), Some(most)) => {
            format!(": median {half}, p90 {nine}, p99 {most}")
        }
        (None | Some(_), _, _) => ": none known".to_owned(),
    }
}

fn labels(out: &mut String, confusion: &Confusion) {
    out.push_str("<section class=\"card\"><h2>Labels</h2><p class=\"soft\">Rows are the primary's, columns the candidate's.</p>");
    if confusion.labels.len() > MOST_LABELS {
        let _infallible = writeln!(
            out,
            "<p>{} labels are too many to draw; the matrix stands in report.json.</p></section>",
            confusion.labels.len()
        );
        return;
    }
    // Pairs without any label say nothing and would outshine all others.
    let unlabelled = confusion.labels.len();
    let rows = confusion.cells.iter().enumerate();
    let all = rows.flat_map(|(row, cells)| {
        let cells = cells.iter().enumerate();
        cells.filter(move |(column, _)| row != unlabelled || *column != unlabelled)
    });
    let most = all.map(|(_, count)| *count).max().unwrap_or(0);
    let names = || confusion.labels.iter().map(String::as_str).chain(["none"]);
    out.push_str("<div class=\"wide\"><table class=\"matrix\"><thead><tr><th></th>");
    for name in names() {
        let _infallible = write!(out, "<th>{}</th>", Escaped(name));
    }
    out.push_str("</tr></thead><tbody>");
    for (row, (name, cells)) in names().zip(&confusion.cells).enumerate() {
        let _infallible = write!(out, "<tr><th class=\"row\">{}</th>", Escaped(name));
        for (column, count) in cells.iter().enumerate() {
            let most = if (row, column) == (unlabelled, unlabelled) {
                0
            } else {
                most
            };
            cell(out, *count, most, row == column);
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div></section>\n");
}

/// A cell of a matrix: the fuller the darker.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of pairs stay far below 2^52"
)]
fn cell(out: &mut String, count: u64, most: u64, same: bool) {
    let class = if same { " class=\"same\"" } else { "" };
    let shade = if most > 0 {
        (count as f64 / most as f64).min(1.0).sqrt()
    } else {
        0.0
    };
    let shown = if count > 0 {
        count.to_string()
    } else {
        String::new()
    };
    let _infallible = write!(out, "<td{class} style=\"--v:{shade:.2}\">{shown}</td>");
}

fn stances(out: &mut String, report: &RunReport) {
    if report.stances.is_empty() {
        return;
    }
    let of = |primary: Stance, candidate: Stance| {
        let cells = report.stances.iter();
        let found = cells.filter(|cell| cell.primary == primary && cell.candidate == candidate);
        found.map(|cell| cell.pairs).sum::<u64>()
    };
    let flips = |more: bool| {
        let cells = report.stances.iter();
        let flipped = cells.filter(|cell| {
            if more {
                cell.candidate > cell.primary
            } else {
                cell.candidate < cell.primary
            }
        });
        flipped.map(|cell| cell.pairs).sum::<u64>()
    };
    let _infallible = write!(
        out,
        "<section class=\"card\"><h2>Refusals</h2><p>{} answers were lost: the candidate refuses more than the primary does. {} were gained: it answers what the primary refuses.</p><p class=\"soft\">Rows are the primary, columns the candidate.</p><div class=\"wide\"><table class=\"matrix\"><thead><tr><th></th>",
        flips(true),
        flips(false)
    );
    let names = [
        (Stance::Comply, "answers"),
        (Stance::Partial, "refuses in part"),
        (Stance::Full, "refuses"),
    ];
    for (_, name) in names {
        let _infallible = write!(out, "<th>{name}</th>");
    }
    out.push_str("</tr></thead><tbody>");
    let most = report
        .stances
        .iter()
        .map(|cell| cell.pairs)
        .max()
        .unwrap_or(0);
    for (primary, name) in names {
        let _infallible = write!(out, "<tr><th class=\"row\">{name}</th>");
        for (candidate, _) in names {
            cell(out, of(primary, candidate), most, primary == candidate);
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div></section>\n");
}

fn losses(out: &mut String, report: &RunReport) {
    if report.losses.is_empty() {
        return;
    }
    out.push_str("<section class=\"card\"><h2>Lost in translation</h2><p class=\"soft\">What the candidate could not be asked as it was written.</p><div class=\"wide\"><table><thead><tr><th>loss</th><th class=\"n\">answers</th><th class=\"n\">cases</th><th class=\"n\">of them failed</th></tr></thead><tbody>");
    for loss in &report.losses {
        let _infallible = write!(
            out,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            Escaped(&loss.kind.as_str().replace('_', " ")),
            loss.answers,
            loss.cases,
            loss.failed_cases
        );
    }
    out.push_str("</tbody></table></div></section>\n");
}

/// Like differences together, the ones that matter most first.
fn findings(out: &mut String, report: &RunReport) {
    let Some(statistics) = &report.statistics else {
        return;
    };
    if statistics.findings.is_empty() {
        return;
    }
    let _infallible = write!(
        out,
        "<section class=\"card\"><h2>Findings</h2><p class=\"soft\">Like differences between the sides, over the first pair of each case: {}.</p><div class=\"wide\"><table><thead><tr><th>what differs</th><th>severity</th><th class=\"n\">cases</th><th class=\"n\">share</th><th class=\"n\">primary with itself</th><th>such as</th></tr></thead><tbody>",
        Escaped(&statistics.headline)
    );
    for finding in &statistics.findings {
        let share = |rate: &Rate| rate.share.map_or_else(|| "–".to_owned(), percent);
        let examples: Vec<&str> = finding
            .examples
            .iter()
            .map(|example| example.id.as_str())
            .collect();
        let _infallible = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"id\">{}</td></tr>",
            Escaped(&finding.title),
            finding.severity,
            finding.share.events,
            share(&finding.share),
            share(&finding.noise),
            Escaped(&examples.join(", "))
        );
    }
    out.push_str("</tbody></table></div>");
    if statistics.rest.findings > 0 {
        let _infallible = write!(
            out,
            "<p class=\"soft\">and {} more kinds in {} cases</p>",
            statistics.rest.findings, statistics.rest.pairs
        );
    }
    out.push_str("</section>\n");
}

/// Milliseconds as people say them.
fn time(ms: f64) -> String {
    if ms >= 10_000.0 {
        format!("{:.0} s", ms / 1000.0)
    } else if ms >= 1000.0 {
        format!("{:.1} s", ms / 1000.0)
    } else if ms >= 10.0 || ms == 0.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{ms:.1} ms")
    }
}

/// Dollars, with as many places as say something.
fn dollars(usd: f64) -> String {
    if usd >= 1.0 || usd == 0.0 {
        return format!("${usd:.2}");
    }
    let places = if usd >= 0.01 { 4 } else { 5 };
    let written = format!("{usd:.places$}");
    format!("${}", written.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_dollars_are_short() {
        for (ms, said) in [
            (0.0, "0 ms"),
            (1.25, "1.2 ms"),
            (431.4, "431 ms"),
            (1250.0, "1.2 s"),
            (61_000.0, "61 s"),
        ] {
            assert_eq!(time(ms), said);
        }
        for (usd, said) in [
            (0.0, "$0.00"),
            (0.002, "$0.002"),
            (0.00133, "$0.00133"),
            (0.396, "$0.396"),
            (12.5, "$12.50"),
        ] {
            assert_eq!(dollars(usd), said);
        }
    }
}
