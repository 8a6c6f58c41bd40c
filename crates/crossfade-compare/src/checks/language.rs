//! Language: two free texts are written in the same natural language, by the trigrams of their first prose (whatlang). Code between
//! fences and web addresses do not count; texts that share half of their words are not looked at further. It is reported only. Too short a text, or one whose language is in doubt: `na`.

use std::collections::HashSet;

use crossfade_exchange::{DifferenceKind, Severity};
use whatlang::Lang;

use super::Weighed;
use crate::finding::{Finding, share};

/// Of a text, the bytes of prose that are looked at.
const MOST_BYTES: usize = 1024;
/// Different words that both texts must have, for those that they share to say something.
const FEWEST_WORDS: usize = 12;
/// The share of the words of the shorter text that two languages do not have in common, however near.
const SHARED: f64 = 0.5;
/// Fewer letters than this are too few to tell related languages apart.
const FEWEST_LETTERS: usize = 40;
/// The same for scripts that write a word with one or two characters.
const FEWEST_IDEOGRAPHS: usize = 10;

/// Compares the languages of two free texts.
pub(crate) fn pair(primary: &str, candidate: &str) -> Weighed {
    let (from, to) = (prose(primary), prose(candidate));
    if share_words(&from, &to) {
        return Weighed::new(Finding::pass(), Severity::Info);
    }
    let finding = match (language(&from), language(&to)) {
        (Some(from), Some(to)) if from == to => Finding::pass(),
        (Some(from), Some(to)) => Finding::fail(format!("{} -> {}", from.code(), to.code()))
            .at("text.language", DifferenceKind::Value),
        (None | Some(_), None) | (None, Some(_)) => Finding::na_because("language in doubt"),
    };
    Weighed::new(finding, Severity::Info)
}

fn language(prose: &str) -> Option<Lang> {
    let letters = prose.chars().filter(|c| c.is_alphabetic()).count();
    let wide = prose.chars().filter(|c| is_ideograph(*c)).count();
    if letters < FEWEST_LETTERS && wide < FEWEST_IDEOGRAPHS {
        return None;
    }
    let found = whatlang::detect(prose)?;
    found.is_reliable().then(|| found.lang())
}

/// Whether two texts have so many words in common that they cannot but be in one language. Detecting it costs a hundred
/// times more.
fn share_words(from: &str, to: &str) -> bool {
    let words = |text: &str| -> HashSet<String> {
        text.split(|c: char| !c.is_alphabetic())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect()
    };
    let (from, to) = (words(from), words(to));
    let least = from.len().min(to.len());
    least >= FEWEST_WORDS && share(from.intersection(&to).count(), least) >= SHARED
}

const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

/// The first prose of a text: no code, no addresses.
fn prose(text: &str) -> String {
    let mut prose = String::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            continue;
        }
        if in_code {
            continue;
        }
        for word in line.split_whitespace() {
            let room = MOST_BYTES.saturating_sub(prose.len());
            if room == 0 {
                return prose;
            }
            if word.contains("://") || word.contains('@') {
                continue;
            }
            let word = word
                .split_at_checked(word.floor_char_boundary(room))
                .map_or(word, |(head, _)| head);
            prose.push_str(word);
            prose.push(' ');
        }
    }
    prose
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENGLISH: &str =
        "The parcel left our warehouse yesterday and should reach you before the end of the week.";
    const GERMAN: &str = "Das Paket hat unser Lager gestern verlassen und sollte vor dem Ende der Woche bei Ihnen sein.";
    const JAPANESE: &str = "お荷物は昨日倉庫を出発し、今週末までに届く予定です。";

    #[test]
    fn languages_are_told_apart() {
        let check = |primary: &str, candidate: &str, expected: &str| {
            let found = pair(primary, candidate).finding;
            let told = found.evidence.as_deref().unwrap_or("-");
            assert_eq!(format!("{} {told}", found.outcome), expected, "{candidate}");
        };
        check(ENGLISH, ENGLISH, "pass -");
        check(ENGLISH, GERMAN, "fail eng -> deu");
        check(GERMAN, JAPANESE, "fail deu -> jpn");
        check(ENGLISH, "Yes.", "na language in doubt");
        check("", "", "na language in doubt");
        let code = format!("{GERMAN}\n```\nfor the love of the loop and the end of the file\n```");
        check(GERMAN, &code, "pass -");
        check(
            GERMAN,
            &format!("{GERMAN} https://example.com/the/end"),
            "pass -",
        );
        check(GERMAN, &GERMAN.repeat(10_000), "pass -");
    }

    #[test]
    fn texts_that_share_their_words_are_in_one_language() {
        assert!(share_words(ENGLISH, &ENGLISH.replace("parcel", "box")));
        assert!(!share_words(ENGLISH, GERMAN));
        assert!(!share_words("Yes", "Yes"));
    }

    proptest! {
        #[test]
        fn no_text_panics_and_order_does_not_matter(a in "\\PC{0,300}", b in "\\PC{0,300}") {
            prop_assert_eq!(pair(&a, &b).finding.outcome, pair(&b, &a).finding.outcome);
            prop_assert!(!pair(&a, &a).finding.failed());
        }
    }
}
