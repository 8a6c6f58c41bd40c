//! `JUnit` XML, as continuous integration reads it: a test case for each case. A failed case is a failure, an inconclusive one an
//! error, so that neither is taken for a pass; what is only for information is a skipped test that says how it came out.

use std::fmt::Write as _;

use super::{CaseOutcome, CaseReport, RepeatOutcome, RunReport};
use crate::judge::{counts, suite::percent};

/// The report as `JUnit` XML.
pub fn junit(report: &RunReport) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (mut failures, mut errors, mut skipped) = (0, 0, 0);
    let mut cases = String::new();
    for case in &report.cases {
        let kind = kind(case);
        match kind {
            Kind::Passed => {}
            Kind::Failure => failures += 1,
            Kind::Error => errors += 1,
            Kind::Skipped => skipped += 1,
        }
        write_case(&mut cases, report, case, kind);
    }
    let name = escape(&report.route);
    let counts = format!(
        "tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"",
        report.cases.len()
    );
    // Writing to a string cannot fail.
    let _infallible = write!(
        out,
        "<testsuites name=\"crossfade replay\" {counts}>\n  <testsuite name=\"{name}\" {counts}>\n    \
         <properties>\n      <property name=\"verdict\" value=\"{}\"/>\n      \
         <property name=\"dataset.sha256\" value=\"{}\"/>\n    </properties>\n{cases}  </testsuite>\n</testsuites>\n",
        report.verdict,
        escape(&report.dataset.sha256),
    );
    out
}

#[derive(Clone, Copy)]
enum Kind {
    Passed,
    Failure,
    Error,
    Skipped,
}

fn kind(case: &CaseReport) -> Kind {
    match (case.outcome, counts(case.severity)) {
        (CaseOutcome::Passed, _) => Kind::Passed,
        (CaseOutcome::Failed | CaseOutcome::Inconclusive, false) => Kind::Skipped,
        (CaseOutcome::Failed, true) => Kind::Failure,
        (CaseOutcome::Inconclusive, true) => Kind::Error,
    }
}

fn write_case(out: &mut String, report: &RunReport, case: &CaseReport, kind: Kind) {
    let name = escape(&case.id);
    let class = escape(&report.route);
    let open = format!("    <testcase classname=\"{class}\" name=\"{name}\"");
    let element = match kind {
        Kind::Passed => {
            out.push_str(&open);
            out.push_str("/>\n");
            return;
        }
        Kind::Failure => "failure",
        Kind::Error => "error",
        Kind::Skipped => "skipped",
    };
    let message = escape(&headline(case));
    let reasons = match kind {
        Kind::Passed | Kind::Skipped => String::new(),
        Kind::Failure | Kind::Error => escape(&reasons(case)),
    };
    let kind = match kind {
        Kind::Passed | Kind::Skipped => String::new(),
        Kind::Failure | Kind::Error => format!(" type=\"{}\"", case.severity),
    };
    let _infallible = writeln!(
        out,
        "{open}>\n      <{element} message=\"{message}\"{kind}>{reasons}</{element}>\n    </testcase>"
    );
}

/// A case in one line.
pub(super) fn headline(case: &CaseReport) -> String {
    let rate = case.candidate;
    let of = rate.passed + rate.failed + rate.open;
    let always = if case.always_fails {
        ", fails every time"
    } else {
        ""
    };
    format!(
        "{}: {} of {of} passed, {} wanted{always}",
        case.outcome,
        rate.passed,
        percent(case.min_pass_rate)
    )
}

/// What failed, repeat by repeat.
fn reasons(case: &CaseReport) -> String {
    let mut out = String::new();
    for repeat in &case.repeats {
        match repeat.outcome {
            RepeatOutcome::Passed => continue,
            RepeatOutcome::Unanswered => {
                let _infallible = writeln!(out, "repeat {}: no answer", repeat.repeat);
            }
            RepeatOutcome::Failed | RepeatOutcome::Unjudged => {}
        }
        for assertion in repeat.assertions.iter().filter(|a| !a.reason.is_empty()) {
            let _infallible = writeln!(
                out,
                "repeat {}: {} {}: {}",
                repeat.repeat, assertion.name, assertion.outcome, assertion.reason
            );
        }
    }
    out
}

/// Text for XML 1.0, within an element or a quoted attribute. Characters that XML cannot hold become U+FFFD.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
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
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(
            escape("a<b>&\"c\"\u{1b}[2J\r\n]]>\u{ffff}"),
            "a&lt;b&gt;&amp;&quot;c&quot;\u{fffd}[2J\u{fffd}&#10;]]&gt;\u{fffd}"
        );
    }

    #[test]
    fn failures_errors_and_what_is_for_information() {
        let xml = junit(&samples::report());
        for part in [
            "tests=\"5\" failures=\"2\" errors=\"1\" skipped=\"1\"",
            "<testcase classname=\"support\" name=\"always\">\n      <failure message=\"failed: 0 of 3 passed, 100 % wanted, fails every time\" type=\"blocker\">",
            "repeat 0: contains fail: no &lt;b&gt;",
            "<testcase classname=\"support\" name=\"well\"/>",
            "<error message=\"inconclusive: 0 of 1 passed, 100 % wanted\" type=\"major\">repeat 0: no answer&#10;</error>",
            "<skipped message=\"failed: 0 of 1 passed, 100 % wanted, fails every time\"></skipped>",
            "<property name=\"verdict\" value=\"failed\"/>",
        ] {
            assert!(xml.contains(part), "{part}\n{xml}");
        }
    }
}
