//! Whether two texts say the same words and yet something else: another number, amount or date in the same place, or a "not"
//! on one side alone. Their wording is as alike as can be, so that no measure of it notices.

use crate::facts::facts;

/// Of a text, the bytes that are looked at.
const MOST_BYTES: usize = 64 * 1024;

/// Words that deny.
const DENIALS: &[&str] = &[
    "not", "no", "never", "cannot", "nicht", "kein", "keine", "keinen", "nie", "pas", "jamais",
    "no", "nunca", "não", "non", "mai", "niet", "geen", "nooit",
];

/// A text's words without its facts and denials.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    words: Vec<String>,
}

/// What two texts of the same words say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Otherwise {
    /// Other facts, or the same in another order.
    Facts,
    /// One denies what the other says.
    Denial,
}

/// What two texts say otherwise, if all else of them is the same.
pub(crate) fn otherwise(a: &str, b: &str) -> Option<Otherwise> {
    let (a, b) = (bounded(a), bounded(b));
    let ((frame, denials), (other, other_denials)) = (read(a), read(b));
    if frame != other {
        return None;
    }
    if denials != other_denials {
        return Some(Otherwise::Denial);
    }
    (facts(a) != facts(b)).then_some(Otherwise::Facts)
}

fn bounded(text: &str) -> &str {
    text.split_at_checked(text.floor_char_boundary(MOST_BYTES))
        .map_or(text, |(head, _)| head)
}

/// The frame of a text, and how often it denies.
fn read(text: &str) -> (Frame, usize) {
    let mut denials = 0;
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        // What holds a digit is a fact or a part of one; units stand beside it or in it.
        if word.is_empty() || word.contains(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let word = word.to_lowercase().replace('\u{2019}', "'");
        if DENIALS.contains(&word.as_str()) {
            denials += 1;
            if word == "cannot" {
                words.push("can".to_owned());
            }
        } else if let Some(verb) = word.strip_suffix("n't") {
            denials += 1;
            words.push(match verb {
                "ca" => "can".to_owned(),
                "wo" => "will".to_owned(),
                verb => verb.to_owned(),
            });
        } else {
            words.push(word);
        }
    }
    (Frame { words }, denials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_may_say_something_else() {
        let check = |a: &str, b: &str, expected: Option<Otherwise>| {
            assert_eq!(otherwise(a, b), expected, "{a} | {b}");
            assert_eq!(otherwise(b, a), expected, "{b} | {a}");
        };
        let (facts, denial) = (Some(Otherwise::Facts), Some(Otherwise::Denial));
        check("Your refund is $50.", "Your refund is $500.", facts);
        check(
            "Anna pays $50 and Ben $70.",
            "Anna pays $70 and Ben $50.",
            facts,
        );
        check("18", "19", facts);
        check("Due 2026-03-12.", "Due 2026-03-13.", facts);
        check("It is refundable.", "It is not refundable.", denial);
        check("You can return it.", "You can\u{2019}t return it.", denial);
        check("Es ist erstattbar.", "Es ist nicht erstattbar.", denial);
        check("It isn't so.", "It is **not** so.", None);
        check("You cannot.", "You can't.", None);
        check("Your refund is $50.", "Your refund: $500.", None);
        check("It costs $1,234.50.", "It costs 1234.5 USD.", None);
        check("Paris", "Paris.", None);
        check("", "", None);
    }
}
