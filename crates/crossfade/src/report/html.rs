//! The report as one page that holds everything: no request leaves it, its policy forbids any, and it runs no script. The
//! style is that of the page of a replay, light and dark, and made to be printed.

use std::fmt::Write as _;

use crossfade_replay::report::{Escaped, STYLE};

use super::{Answer, Mark, MigrationReport, Section, said::moment};

/// What the answers look like, beside the style of the page of a replay.
const ANSWERS: &str = include_str!("style.css");

/// The report as a page of HTML.
pub fn html(report: &MigrationReport) -> String {
    let content = &report.content;
    let title = format!("Migration report: {}", content.route);
    let mut out = String::with_capacity(32 << 10);
    // Writing to a string cannot fail.
    let _infallible = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>{STYLE}{ANSWERS}</style></head><body><main>\n",
        Escaped(&title)
    );
    head(&mut out, report);
    for (number, section) in (1..).zip(&content.sections) {
        show(&mut out, number, section);
    }
    foot(&mut out, report);
    out.push_str("</main></body></html>\n");
    out
}

fn head(out: &mut String, report: &MigrationReport) {
    let content = &report.content;
    let answer = content.answer;
    let _infallible = write!(
        out,
        "<section class=\"card head {answer}\"><div class=\"top\"><h1>Migration report: {}</h1><span class=\"badge {answer}\">{}</span></div>\n\
         <p class=\"soft\">candidate {} · owner {} · made {}</p>\n<div class=\"tiles\">",
        Escaped(content.route.as_str()),
        overall(answer),
        Escaped(&content.candidate),
        Escaped(content.owner.as_deref().unwrap_or("nobody")),
        moment(report.made_unix_ms),
    );
    let mut tile = |number: &str, what: &str| {
        let _infallible = write!(
            out,
            "<div class=\"tile\"><b>{number}</b><span class=\"soft\">{what}</span></div>"
        );
    };
    tile(content.stage.as_str(), "stage");
    tile(&content.share.to_string(), "answered by the candidate");
    tile(&content.pairs.to_string(), "compared pairs");
    tile(&content.decided.to_string(), "decided outcomes");
    tile(&content.ledger_entries.to_string(), "entries of the ledger");
    out.push_str("</div>\n<ol class=\"answers\">");
    for section in &content.sections {
        let (question, answer) = (section.question, section.answer);
        let _infallible = write!(
            out,
            "<li><a href=\"#{question}\">{}</a> <span class=\"badge {answer}\">{}</span></li>",
            question.text(),
            answer.text()
        );
    }
    out.push_str("</ol>\n<h2>What happens next</h2>\n");
    if content.next.is_empty() {
        out.push_str("<p>Nothing is missing.</p>");
    } else {
        out.push_str("<ul>");
        for line in &content.next {
            let _infallible = write!(out, "<li>{}</li>", Escaped(line));
        }
        out.push_str("</ul>");
    }
    out.push_str("</section>\n");
}

fn show(out: &mut String, number: u32, section: &Section) {
    let (question, answer) = (section.question, section.answer);
    let _infallible = write!(
        out,
        "<section class=\"card question {answer}\" id=\"{question}\"><div class=\"top\"><h2>{number}. {}</h2><span class=\"badge {answer}\">{}</span></div>\n\
         <div class=\"wide\"><table><thead><tr><th></th><th>what</th><th>evidence</th></tr></thead><tbody>",
        question.text(),
        answer.text()
    );
    for line in &section.lines {
        let _infallible = write!(
            out,
            "<tr class=\"{}\"><td class=\"mark\">{}</td><td class=\"what\">{}</td><td class=\"says\">{}</td></tr>",
            line.mark,
            sign(line.mark),
            Escaped(&line.what),
            Escaped(&line.says)
        );
    }
    out.push_str("</tbody></table></div></section>\n");
}

fn foot(out: &mut String, report: &MigrationReport) {
    let content = &report.content;
    let _infallible = write!(
        out,
        "<section class=\"card\"><h2>What a sign-off names</h2>\n<p class=\"id whole\">{}</p>\n\
         <p class=\"soft\">SHA-256 of the report's content. Configuration <span class=\"id\">{}</span>, head of the ledger <span class=\"id\">{}</span>.</p>\n\
         <pre>crossfade signoff {} --report {} --reason …</pre></section>\n",
        Escaped(&report.hash),
        Escaped(if content.fingerprint.is_empty() {
            "none yet"
        } else {
            &content.fingerprint
        }),
        Escaped(content.ledger_head.as_deref().unwrap_or("none")),
        Escaped(content.route.as_str()),
        Escaped(&report.hash),
    );
}

const fn overall(answer: Answer) -> &'static str {
    match answer {
        Answer::Yes => "every question is answered with yes",
        Answer::NotYet | Answer::NotAsked => "not every question is answered yet",
        Answer::No => "something is not as it should be",
    }
}

/// What a mark looks like to those who see it, with its word for those who hear it.
const fn sign(mark: Mark) -> &'static str {
    match mark {
        Mark::Note => "<span aria-label=\"to be known\">·</span>",
        Mark::Good => "<span aria-label=\"good\">✓</span>",
        Mark::Open => "<span aria-label=\"open\">…</span>",
        Mark::Bad => "<span aria-label=\"bad\">✗</span>",
    }
}
