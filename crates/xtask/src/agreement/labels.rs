//! Labels and numbers against right answers. What is right is told by another reading of the outputs, made of nothing but
//! text search: where exactly one of two models is right, the check must say that they differ; where both are, that they
//! agree. Where both are wrong nothing is known, and nothing is held against the check.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use crossfade_compare::Checks;
use crossfade_exchange::{Check, CheckOutcome};
use serde_json::{Value, json};

use super::{
    build,
    recorded::{self, Output, Prompt},
    table::{Goal, Table},
};
use crate::print;

/// Recordings with right answers, and how two answers are compared.
struct Corpus {
    name: &'static str,
    check: Check,
    settings: fn() -> Value,
    /// Whether an output is right, by text search.
    right: fn(text: &str, truth: &str) -> Option<bool>,
}

const CORPORA: [Corpus; 4] = [
    Corpus {
        name: "zeroeval_gsm",
        check: Check::Label,
        settings: number,
        right: same_number,
    },
    Corpus {
        name: "zeroeval_numersense-v2",
        check: Check::Label,
        settings: number,
        right: same_number,
    },
    Corpus {
        name: "zeroeval_numersense_sampling",
        check: Check::Label,
        settings: number,
        right: same_number,
    },
    Corpus {
        name: "zeroeval_crux",
        check: Check::JsonStructure,
        settings: answer_alone,
        right: same_text,
    },
];

/// The answer is a number.
fn number() -> Value {
    json!({"json": true, "lenient_json": true, "label": {"path": "$.answer", "number": {}}})
}

/// Of the JSON only the answer counts, to the letter but for letter case, white space and punctuation.
fn answer_alone() -> Value {
    json!({"json": true, "lenient_json": true, "json_paths": [
        {"path": "$.*", "rule": "ignore"}, {"path": "$.answer", "rule": "words"},
    ]})
}

/// What the check said where it is known what it should say.
#[derive(Default)]
struct Told {
    /// Both right, and told to agree.
    agree: usize,
    both: usize,
    /// One right, and told to differ.
    differ: usize,
    one: usize,
    /// Not judged: no JSON, which another check tells.
    unread: usize,
}

/// Contradictions that are shown by name.
const MOST_SHOWN: usize = 5;

/// Measures the section.
pub(super) fn section(data: &Path, table: &mut Table) -> Result<()> {
    for corpus in &CORPORA {
        let checks = Checks::new(serde_json::from_value((corpus.settings)())?)
            .context("the settings do not compile")?;
        let mut told = Told::default();
        let mut accuracy = BTreeMap::<String, [usize; 2]>::new();
        let mut shown = 0;
        for prompt in recorded::prompts(data, corpus.name)? {
            let truth = prompt.truth.as_str().unwrap_or_default().to_owned();
            let judged: Vec<(&str, bool)> = outputs(&prompt)
                .filter_map(|(model, output)| {
                    let right = (corpus.right)(output.text(), &truth)?;
                    let count = accuracy.entry(model.to_owned()).or_default();
                    count[0] += usize::from(right);
                    count[1] += 1;
                    Some((output.text(), right))
                })
                .collect();
            for wrong in told.pairs(&checks, corpus.check, &prompt, &judged) {
                shown += 1;
                if shown <= MOST_SHOWN {
                    print::line(format_args!(
                        "labels: {} {}: {wrong}",
                        corpus.name, prompt.id
                    ));
                }
            }
        }
        for (model, [right, all]) in accuracy {
            let what = format!("{} {model} right, of those read", corpus.name);
            table.share(what, right, all, Goal::None);
        }
        let unread = format!("{} not judged: no JSON on one side", corpus.name);
        table.count(unread, told.unread);
        let both = format!("{} both right: told to agree", corpus.name);
        table.share(both, told.agree, told.both, Goal::AtLeast(0.995));
        let one = format!("{} one right: told to differ", corpus.name);
        table.share(one, told.differ, told.one, Goal::AtLeast(0.995));
    }
    stability(data, table)
}

/// The first run of every model.
fn outputs(prompt: &Prompt) -> impl Iterator<Item = (&str, &Output)> {
    let runs = prompt.outputs.iter();
    runs.filter_map(|(model, runs)| Some((model.as_str(), runs.first()?)))
}

// === impl Told ===

impl Told {
    /// Compares each output that is right with the next two of the others, and says what is told wrongly.
    fn pairs(
        &mut self,
        checks: &Checks,
        check: Check,
        prompt: &Prompt,
        judged: &[(&str, bool)],
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        for (place, (first, _)) in judged.iter().enumerate().filter(|(_, (_, right))| *right) {
            let others = judged.iter().cycle().skip(place + 1);
            for (second, right) in others.take(2.min(judged.len() - 1)) {
                let outcome = outcome(checks, check, prompt, [first, second]);
                let (counted, all, expected) = if *right {
                    (&mut self.agree, &mut self.both, CheckOutcome::Pass)
                } else {
                    (&mut self.differ, &mut self.one, CheckOutcome::Fail)
                };
                if outcome == Some(CheckOutcome::Na) {
                    self.unread += 1;
                    continue;
                }
                *all += 1;
                if outcome == Some(expected) {
                    *counted += 1;
                } else {
                    let told = outcome.map_or("nothing", CheckOutcome::as_str);
                    wrong.push(format!(
                        "should {expected}, told {told} {first:?} {second:?}"
                    ));
                }
            }
        }
        wrong
    }
}

fn outcome(
    checks: &Checks,
    check: Check,
    prompt: &Prompt,
    texts: [&str; 2],
) -> Option<CheckOutcome> {
    let request = json!({ "messages": prompt.messages });
    let [primary, candidate] = texts.map(|text| Some(build::text(text)));
    let verdict = checks.compare(&build::exchange(&prompt.id, &request, primary, candidate));
    verdict.check(check).map(|result| result.outcome)
}

/// What stands in quotes, or bare, behind the only `"answer":` of a text. A text that answers twice, to correct itself, is
/// read by nobody for certain.
fn answer(text: &str) -> Option<&str> {
    let (before, behind) = text.rsplit_once("\"answer\"")?;
    if before.contains("\"answer\"") {
        return None;
    }
    let value = behind.trim_start().strip_prefix(':')?.trim_start();
    match value.strip_prefix('"') {
        Some(quoted) => {
            let end = quoted.match_indices('"').find(|(at, _)| {
                // A quote behind an odd number of backslashes is part of the text.
                let before = quoted.as_bytes().iter().take(*at).rev();
                before.take_while(|byte| **byte == b'\\').count() % 2 == 0
            });
            end.and_then(|(at, _)| quoted.get(..at))
        }
        None => value.split([',', '}', '\n']).next(),
    }
}

/// Whether the answer's last number is the truth's; `None` where no answer is found.
fn same_number(text: &str, truth: &str) -> Option<bool> {
    let read = |text: &str| -> Option<f64> {
        let plain = text.replace(',', "");
        let is_part = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
        let pieces = plain.split(|c: char| !is_part(c));
        let numbers = pieces.map(|piece| piece.trim_end_matches(['.', '-']));
        numbers.filter_map(|piece| piece.parse().ok()).next_back()
    };
    let (answer, truth) = (read(answer(text)?)?, read(truth)?);
    Some((answer - truth).abs() < 1e-9)
}

/// Whether the answer is the truth but for punctuation; `None` where no answer is found, or nothing but punctuation, or an
/// escape whose levels a text search does not see through.
fn same_text(text: &str, truth: &str) -> Option<bool> {
    let bare = |text: &str| -> String {
        text.replace("\\\"", "")
            .chars()
            .filter(|c| c.is_alphanumeric() || *c == '\\')
            .flat_map(char::to_lowercase)
            .collect()
    };
    let (answer, truth) = (bare(answer(text)?), bare(truth));
    let usable = !truth.is_empty() && !truth.contains('\\') && !answer.contains('\\');
    usable.then(|| answer == truth)
}

/// Letters that were asked for by a schema: every one is read, and runs that wrote the same letter agree.
fn stability(data: &Path, table: &mut Table) -> Result<()> {
    let letters = ('A'..='Z').map(String::from);
    let values: Vec<String> = letters.chain(["Yes".to_owned(), "No".to_owned()]).collect();
    let settings = json!({"label": {"path": "$.Answer", "values": values}});
    let checks =
        Checks::new(serde_json::from_value(settings)?).context("the settings do not compile")?;
    let (mut told, mut all, mut right, mut outputs) = (0, 0, 0, 0);
    for prompt in recorded::prompts(data, "llm_stability")? {
        let asked = |output: &&Output| {
            output.more.get("experiment").and_then(Value::as_str) == Some("strict_json_schema")
        };
        let runs = prompt.outputs.values().flatten().filter(asked);
        // As written: {"Answer":"C"}.
        let letters: Vec<(&str, &str)> = runs
            .filter_map(|run| {
                let (_, behind) = run.text().split_once("\"Answer\":")?;
                let letter = behind.split('"').nth(1)?;
                Some((run.text(), letter.trim_matches(['(', ')'])))
            })
            .collect();
        let truth = prompt.truth.as_str().unwrap_or_default();
        outputs += letters.len();
        right += letters
            .iter()
            .filter(|(_, letter)| truth.trim_matches(['(', ')']) == *letter)
            .count();
        for pair in letters.windows(2) {
            let [(first, letter), (second, other)] = pair else {
                continue;
            };
            let expected = if letter == other {
                CheckOutcome::Pass
            } else {
                CheckOutcome::Fail
            };
            all += 1;
            let outcome = outcome(&checks, Check::Label, &prompt, [first, second]);
            told += usize::from(outcome == Some(expected));
        }
    }
    table.share("llm_stability letters right", right, outputs, Goal::None);
    table.share(
        "llm_stability runs told to agree or differ as their letters do",
        told,
        all,
        Goal::AtLeast(1.0),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_found_by_text_search() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(answer(text), expected, "{text}");
        check("{\"answer\": \"42\"}", Some("42"));
        check("{\"answer\":\"a \\\"b\\\"\"}", Some("a \\\"b\\\""));
        check("{\"answer\": 7.5\n}", Some("7.5"));
        check("none", None);
        check("{\"answer\": 1} No: {\"answer\": 2}", None);
        assert_eq!(
            same_number("{\"answer\": \"$1,200.\"}", "# 1200"),
            Some(true)
        );
        assert_eq!(same_number("{\"answer\": \"12\"}", "# 1200"), Some(false));
        assert_eq!(same_number("{\"answer\": \"twelve\"}", "# 12"), None);
        assert_eq!(
            same_text("{\"answer\": \"['a', 'b']\"}", "['a','b']"),
            Some(true)
        );
        assert_eq!(same_text("{\"answer\": \"\"}", "[]"), None);
    }
}
