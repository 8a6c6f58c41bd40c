//! A summary in Markdown, as a pull request or a job's page shows it: the verdict, what failed, and how the sides compare.

use std::fmt::Write as _;

use super::{CaseOutcome, RunReport, SideReport, junit::headline};
use crate::judge::suite::percent;

/// Cases that are listed; the rest are counted.
const MOST_CASES: usize = 50;

/// The report as Markdown.
pub fn markdown(report: &RunReport) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _infallible = write_all(&mut out, report);
    out
}

fn write_all(out: &mut String, report: &RunReport) -> std::fmt::Result {
    let totals = report.totals;
    writeln!(
        out,
        "# Replay of {}: {}\n",
        escape(&report.route),
        report.verdict.as_str().replace('_', " ")
    )?;
    for reason in &report.why {
        writeln!(out, "- {}", escape(reason))?;
    }
    writeln!(
        out,
        "\n| cases | passed | failed | inconclusive | mean pass rate |\n|---:|---:|---:|---:|---:|\n| {} | {} | {} | {} | {} |",
        report.dataset.cases,
        totals.passed,
        totals.failed,
        totals.inconclusive,
        share(totals.pass_rate),
    )?;
    if report.dataset.left_out > 0 {
        writeln!(
            out,
            "\n{} cases of other routes were left out.",
            report.dataset.left_out
        )?;
    }
    cases(out, report)?;
    sides(out, report)?;
    agreement(out, report)?;
    writeln!(out, "\nData set `{}`.", escape(&report.dataset.sha256))
}

fn cases(out: &mut String, report: &RunReport) -> std::fmt::Result {
    let open = report
        .cases
        .iter()
        .filter(|case| case.outcome != CaseOutcome::Passed);
    let mut listed = open.clone().take(MOST_CASES).peekable();
    if listed.peek().is_none() {
        return Ok(());
    }
    writeln!(
        out,
        "\n## Cases that did not pass\n\n| case | severity | result | why |\n|---|---|---|---|"
    )?;
    for case in listed {
        let reasons = case.repeats.iter().flat_map(|repeat| &repeat.assertions);
        let reason = reasons
            .filter(|assertion| !assertion.reason.is_empty())
            .map(|assertion| format!("{}: {}", assertion.name, assertion.reason))
            .next();
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            escape(&case.id),
            case.severity,
            escape(&headline(case)),
            escape(&shortened(reason.as_deref().unwrap_or_default())),
        )?;
    }
    let more = open.count().saturating_sub(MOST_CASES);
    if more > 0 {
        writeln!(out, "\nand {more} more.")?;
    }
    Ok(())
}

fn sides(out: &mut String, report: &RunReport) -> std::fmt::Result {
    writeln!(
        out,
        "\n## Sides\n\n| side | source | answers | missing | pass rate | tokens | USD |\n|---|---|---:|---:|---:|---:|---:|"
    )?;
    let mut row = |name: &str, side: &SideReport, rate: Option<f64>| {
        let usd = side
            .cost_usd
            .map_or_else(|| "no price".to_owned(), |usd| format!("{usd:.4}"));
        writeln!(
            out,
            "| {name} | {} | {} | {} | {} | {} | {usd} |",
            escape(&side.source),
            side.answers,
            side.missing,
            share(rate),
            side.tokens,
        )
    };
    if let Some(primary) = &report.primary {
        row("primary", primary, report.totals.primary_pass_rate)?;
    }
    row("candidate", &report.candidate, report.totals.pass_rate)
}

fn agreement(out: &mut String, report: &RunReport) -> std::fmt::Result {
    if report.agreement.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n## Disagreement by check\n\nD: candidate against primary; N: primary against itself; C: candidate against itself. In brackets, bounds that hold at 95 % whenever one looks.\n\n| check | cases | D | N | C | D − N |\n|---|---:|---|---|---|---|"
    )?;
    let interval = |found: Option<&crossfade_statistics::confidence::Interval>| {
        found.map_or_else(
            || "not asked twice".to_owned(),
            |i| {
                format!(
                    "{:.1} % [{:.1}, {:.1}]",
                    i.estimate * 100.0,
                    i.low * 100.0,
                    i.high * 100.0
                )
            },
        )
    };
    for found in &report.agreement {
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            found.check,
            found.cases,
            interval(Some(&found.candidate)),
            interval(found.noise.as_ref()),
            interval(found.candidate_noise.as_ref()),
            interval(found.over_noise.as_ref()),
        )?;
    }
    Ok(())
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "none judged".to_owned(), percent)
}

/// At most so many characters of a reason, which may quote an answer.
fn shortened(text: &str) -> String {
    const MOST: usize = 160;
    let mut short: String = text.chars().take(MOST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Text within a table's cell or a list: no markup, no line breaks, no control characters.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '|' | '!' | '~' => {
                out.push('\\');
                out.push(character);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            other if other.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn what_a_model_wrote_is_no_markup() {
        assert_eq!(
            escape("a|b\n<img src=x>[x](y) `c` \u{1b}"),
            "a\\|b &lt;img src=x&gt;\\[x\\]\\(y\\) \\`c\\`  "
        );
    }

    #[test]
    fn the_summary_says_what_decided() {
        let text = markdown(&samples::report());
        for part in [
            "# Replay of support: failed",
            "- 1 case failed that must not: always",
            "| 5 | 1 | 3 | 1 |",
            "| always | blocker | failed: 0 of 3 passed, 100 % wanted, fails every time | contains: no &lt;b&gt; |",
            "2 cases of other routes were left out.",
            "| label | 4 | 25.0 % [1.0, 60.0] | not asked twice |",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }
}
