//! The eight questions, each answered with lines of evidence: what is known, and what that says for the answer.

mod gates;
mod output;
mod owner;
mod trust;
mod way_back;

use super::{Answer, Facts, Line, Mark, Question, Section};

/// Answers one question.
pub(super) fn answer(question: Question, facts: &Facts<'_>) -> Section {
    let lines = match question {
        Question::Process => output::process(facts),
        Question::StructuredOutputs => output::structured(facts),
        Question::Tools => output::tools(facts),
        Question::Permissions => trust::permissions(facts),
        Question::Logs => trust::logs(facts),
        Question::Checks => trust::checks(facts),
        Question::WayBack => way_back::way_back(facts),
        Question::Owner => owner::owner(facts),
    };
    Section {
        question,
        answer: answered(question, facts, &lines),
        lines,
    }
}

/// Where no request was compared, that none asked for a form or a tool says nothing yet.
fn answered(question: Question, facts: &Facts<'_>, lines: &[Line]) -> Answer {
    let compared = facts.findings.is_some_and(|found| found.judged > 0);
    match (question, Answer::of(lines)) {
        (Question::StructuredOutputs | Question::Tools, Answer::NotAsked) if compared => {
            Answer::NotAsked
        }
        (_, Answer::NotAsked) => Answer::NotYet,
        (_, answer) => answer,
    }
}

fn note(what: impl Into<String>, says: impl Into<String>) -> Line {
    Line::new(Mark::Note, what, says)
}

fn good(what: impl Into<String>, says: impl Into<String>) -> Line {
    Line::new(Mark::Good, what, says)
}

fn open(what: impl Into<String>, says: impl Into<String>) -> Line {
    Line::new(Mark::Open, what, says)
}

fn bad(what: impl Into<String>, says: impl Into<String>) -> Line {
    Line::new(Mark::Bad, what, says)
}
