//! Groundedness: of the numbers, dates, amounts, ids, addresses, names and quotations of a free text, the share that the request
//! holds. Each side is judged alone; it fails under the route's threshold, by default a half. Names are words with a capital
//! letter inside a sentence; quotations are three words or more between quotation marks. It applies to routes whose answers
//! are to be taken from what the request brings (`retrieval`); a text with fewer than three of these says too little: `na`.

use std::collections::BTreeSet;

use crate::{
    context::Context,
    facts::{facts, is_unit},
    finding::{Finding, share},
};

/// The share under which a text stands on its own, if the route says nothing.
const THRESHOLD: f64 = 0.5;
/// Fewer claims than these say too little.
const FEWEST: usize = 3;
/// Of a text, the bytes that are searched.
const MOST_BYTES: usize = 64 * 1024;
/// Of a text, the names and quotations that count, of each.
const MOST: usize = 256;

/// Judges one side.
pub(crate) fn own(context: &Context, text: &str, threshold: Option<f64>) -> Finding {
    let text = text
        .split_at_checked(text.floor_char_boundary(MOST_BYTES))
        .map_or(text, |(head, _)| head);
    let mut values: Vec<String> = facts(text).into_iter().map(|fact| fact.value).collect();
    values.sort();
    values.dedup();
    values.truncate(MOST);
    let phrases: BTreeSet<&str> = names(text).into_iter().chain(quotations(text)).collect();
    let all = values.len() + phrases.len();
    if all < FEWEST || context.is_empty() {
        return Finding::na();
    }
    let of_values = values
        .iter()
        .filter(|value| context.holds_value(value) || context.holds_phrase(value))
        .count();
    let of_phrases = phrases
        .iter()
        .filter(|phrase| context.holds_phrase(phrase))
        .count();
    let grounded = of_values + of_phrases;
    let score = share(grounded, all);
    if score < threshold.unwrap_or(THRESHOLD) {
        let told = format!("{} of {all} are not in the request", all - grounded);
        Finding::fail_with(score, told)
    } else {
        Finding::pass().scored(score)
    }
}

/// Words with a capital letter that do not begin a sentence.
fn names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut begins = true;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_matches(|c: char| !c.is_alphanumeric());
        let is_name = !begins
            && word.chars().count() >= 3
            && word.starts_with(char::is_uppercase)
            && !is_unit(word)
            && word
                .chars()
                .all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '\u{2019}'));
        if is_name && names.len() < MOST {
            names.push(word);
        }
        let line_ends = piece.ends_with('\n');
        let ends = piece
            .trim_end()
            .ends_with(['.', '!', '?', ':', '"', '\u{201d}', '*', '#', '-', '|']);
        if line_ends || ends {
            begins = true;
        } else if !word.is_empty() {
            begins = false;
        }
    }
    names
}

/// What stands between quotation marks on one line.
fn quotations(text: &str) -> Vec<&str> {
    const FEWEST_WORDS: usize = 3;
    const LONGEST: usize = 400;
    text.lines()
        .flat_map(|line| {
            line.split(['"', '\u{201c}', '\u{201d}', '\u{ab}', '\u{bb}'])
                .skip(1)
                .step_by(2)
        })
        .filter(|quoted| {
            quoted.len() <= LONGEST && quoted.split_whitespace().count() >= FEWEST_WORDS
        })
        .take(MOST)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_stand_in_the_request() {
        let context = Context::of(
            "Ms Okafor bought 3 lamps for $120 on 12 Nov 2026 in Lisbon. She wrote: the box was open.",
        );
        let check = |text: &str, threshold, expected: &str| {
            let found = own(&context, text, threshold);
            let told = found.evidence.as_deref().unwrap_or("-");
            let found = format!("{} {:.2} {told}", found.outcome, found.score);
            assert_eq!(found, expected, "{text}");
        };
        check("The lamps came to Lisbon.", None, "na 0.00 -");
        check(
            "On 2026-11-12 Ms Okafor paid 120 USD in Lisbon.",
            None,
            "pass 1.00 -",
        );
        check(
            "On 2026-11-13 Ms Okafor paid 120 USD in Porto.",
            None,
            "pass 0.50 -",
        );
        let invented = "4 of 4 are not in the request";
        check(
            "On 2025-01-01 Mr Fernandes paid 99 EUR in Porto.",
            None,
            &format!("fail 0.00 {invented}"),
        );
        check(
            "She wrote \"the box was open\" on 12 Nov 2026 and paid 7.",
            Some(0.9),
            "fail 0.67 1 of 3 are not in the request",
        );
    }

    #[test]
    fn without_a_request_nothing_is_judged() {
        let found = own(&Context::default(), "1 and 2 and 3", None);
        assert_eq!(found, Finding::na());
    }

    #[test]
    fn names_and_quotations_are_found() {
        assert_eq!(
            names("Here Ann met Bo-Li and Carla. Dana left.\nEve came"),
            ["Ann", "Bo-Li", "Carla"]
        );
        assert_eq!(
            quotations("he said \"one two three\" and \"no\" and “four five six”"),
            ["one two three", "four five six"]
        );
        assert_eq!(names(&"a Name ".repeat(100_000)).len(), MOST);
    }
}
