//! The report as Markdown: for a ticket, a pull request, a terminal.

use std::fmt::Write as _;

use super::{Answer, Mark, MigrationReport, said::moment};

/// The report as Markdown. It ends with what a sign-off names.
pub fn markdown(report: &MigrationReport) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _infallible = write_all(&mut out, report);
    out
}

fn write_all(out: &mut String, report: &MigrationReport) -> std::fmt::Result {
    let content = &report.content;
    let route = escape(content.route.as_str());
    writeln!(out, "# Migration report: {route}\n")?;
    writeln!(
        out,
        "Stage **{}** at **{}**, candidate {}, owner {}. Made {}.\n",
        content.stage,
        content.share,
        escape(&content.candidate),
        escape(content.owner.as_deref().unwrap_or("nobody")),
        moment(report.made_unix_ms),
    )?;
    writeln!(out, "| | question | answer |\n|---:|---|---|")?;
    for (number, section) in (1..).zip(&content.sections) {
        let answer = shown(section.answer);
        writeln!(out, "| {number} | {} | {answer} |", section.question.text())?;
    }
    writeln!(out, "\n## What happens next\n")?;
    for line in &content.next {
        writeln!(out, "- {}", escape(line))?;
    }
    if content.next.is_empty() {
        writeln!(out, "Nothing is missing.")?;
    }
    for (number, section) in (1..).zip(&content.sections) {
        let (text, answer) = (section.question.text(), shown(section.answer));
        writeln!(out, "\n## {number}. {text} {answer}\n")?;
        writeln!(out, "| | what | says |\n|---|---|---|")?;
        for line in &section.lines {
            let (what, says) = (escape(&line.what), escape(&line.says));
            writeln!(out, "| {} | {what} | {says} |", sign(line.mark))?;
        }
    }
    writeln!(
        out,
        "\nReport `{}`: of {} decided outcomes, {} compared pairs, {} entries of the ledger (head `{}`), configuration `{}`.",
        report.hash,
        content.decided,
        content.pairs,
        content.ledger_entries,
        content.ledger_head.as_deref().unwrap_or("none"),
        escape(if content.fingerprint.is_empty() {
            "none yet"
        } else {
            &content.fingerprint
        }),
    )?;
    writeln!(
        out,
        "\nTo agree that the stage may be left: `crossfade signoff {route} --report {} --reason …`",
        report.hash
    )
}

fn shown(answer: Answer) -> String {
    format!("**{}**", answer.text())
}

/// What a mark looks like.
const fn sign(mark: Mark) -> &'static str {
    match mark {
        Mark::Note => "",
        Mark::Good => "✓",
        Mark::Open => "…",
        Mark::Bad => "✗",
    }
}

/// Text of other people within a line or a table of Markdown.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in crate::text::plain(text).chars() {
        if matches!(
            letter,
            '\\' | '`' | '*' | '_' | '|' | '<' | '>' | '[' | ']' | '#' | '&'
        ) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_is_text() {
        for (text, shown) in [
            ("plain – “ok”", "plain – “ok”"),
            ("a|b", "a\\|b"),
            ("<img src=x>", "\\<img src=x\\>"),
            ("a\nb", "a\\\\nb"),
            ("**no**", "\\*\\*no\\*\\*"),
        ] {
            assert_eq!(escape(text), shown);
        }
    }
}
