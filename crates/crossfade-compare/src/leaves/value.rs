//! Two leaves, or two values of different kinds, by one rule.

use crossfade_exchange::DifferenceKind;

use crate::{
    document::{Digits, Node},
    rules::Rule,
    settings::NumberSettings,
    similarity,
};

/// What a comparison of two leaves says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Compared {
    /// It was not made.
    Nothing,
    Equal,
    /// How they differ, and how far they agree all the same, 0..=1.
    Different(DifferenceKind, f64),
}

/// Compares two values, of which either may be missing; a missing one equals null.
pub(super) fn compare(rule: Rule, a: Option<&Node>, b: Option<&Node>) -> Compared {
    if rule == Rule::Ignore {
        return Compared::Nothing;
    }
    let (a, b) = match (a, b) {
        (Some(a), Some(b)) => (a, b),
        (Some(Node::Null), None) | (None, Some(Node::Null) | None) => return Compared::Equal,
        (Some(_), None) => return Compared::Different(DifferenceKind::Missing, 0.0),
        (None, Some(_)) => return Compared::Different(DifferenceKind::Extra, 0.0),
    };
    if a == b {
        return Compared::Equal;
    }
    let alike = match (rule, a, b) {
        (Rule::Casefold, Node::String(a), Node::String(b)) => whole(folded(a) == folded(b)),
        (Rule::Words, Node::String(a), Node::String(b)) => whole(words(a) == words(b)),
        (Rule::Numeric(within), Node::Number(a), Node::Number(b)) => whole(near(a, b, within)),
        (Rule::Numeric(within), Node::String(a), Node::String(b)) => {
            let number = |text: &str| Digits::parse(text.trim());
            let numbers = number(a).zip(number(b));
            whole(numbers.is_some_and(|(a, b)| a == b || near(&a, &b, within)))
        }
        (Rule::Text { threshold }, Node::String(a), Node::String(b)) => {
            let similarity = similarity::similarity(a, b);
            if similarity >= threshold {
                1.0
            } else {
                // Never so near that it would be taken for equal.
                similarity.min(0.999)
            }
        }
        _ => 0.0,
    };
    if alike >= 1.0 {
        Compared::Equal
    } else if std::mem::discriminant(a) == std::mem::discriminant(b) {
        Compared::Different(DifferenceKind::Value, alike)
    } else {
        Compared::Different(DifferenceKind::Type, alike)
    }
}

fn whole(equal: bool) -> f64 {
    f64::from(u8::from(equal))
}

/// Within a distance. Numbers that a float cannot tell apart are near only where a distance is stated.
fn near(a: &Digits, b: &Digits, within: NumberSettings) -> bool {
    let stated = within.abs > 0.0 || within.rel > 0.0;
    let floats = a.float().zip(b.float());
    stated && floats.is_some_and(|(a, b)| within.near(a, b))
}

fn folded(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// Letters and digits alone, in lower case.
fn words(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    #[test]
    fn leaves_are_equal_by_their_rule() {
        let check = |rule: Rule, a: &str, b: &str, equal: bool| {
            let (x, y) = (Document::parse(a).unwrap(), Document::parse(b).unwrap());
            let there = compare(rule, Some(&x.root), Some(&y.root)) == Compared::Equal;
            let back = compare(rule, Some(&y.root), Some(&x.root)) == Compared::Equal;
            assert_eq!((there, back), (equal, equal), "{rule:?} {a} {b}");
        };
        check(Rule::Exact, "1.0", "1", true);
        check(Rule::Exact, "\"A\"", "\"a\"", false);
        check(Rule::Casefold, "\"A  b\"", "\"a B \"", true);
        check(Rule::Casefold, "\"a,b\"", "\"ab\"", false);
        check(Rule::Words, "\"New-York, NY\"", "\"new york NY\"", true);
        check(Rule::Words, "\"a\"", "\"b\"", false);
        let numeric = |abs, rel| Rule::Numeric(NumberSettings { abs, rel });
        check(numeric(0.1, 0.0), "0.2", "0.3", true);
        check(numeric(0.1, 0.0), "0.2", "0.31", false);
        check(numeric(0.0, 0.01), "100", "101", true);
        check(numeric(0.0, 0.01), "100", "102", false);
        check(numeric(0.0, 0.01), "-100", "100", false);
        check(numeric(0.0, 0.0), "100", "100.0", true);
        check(
            numeric(0.0, 0.0),
            "9007199254740993",
            "9007199254740992",
            false,
        );
        check(numeric(0.0, 1.0), "1e999", "1e998", false);
        check(numeric(0.01, 0.0), "\"12.50\"", "\" 12.5\"", true);
        check(numeric(0.01, 0.0), "\"12.50 EUR\"", "\"12.5\"", false);
        // A number is no text, whatever stands in it.
        check(numeric(1.0, 0.0), "\"12\"", "12", false);
        let text = |threshold| Rule::Text { threshold };
        check(
            text(0.5),
            "\"the cat sat on the mat\"",
            "\"The cat sat on a mat\"",
            true,
        );
        check(
            text(0.5),
            "\"the cat sat on the mat\"",
            "\"nothing of it\"",
            false,
        );
        check(text(0.0), "\"a\"", "\"z\"", true);
        check(Rule::Set, "\"a\"", "\"a\"", true);
    }

    #[test]
    fn what_is_missing_is_null_or_a_difference() {
        let check = |a: Option<&Node>, b: Option<&Node>, expected: Compared| {
            assert_eq!(compare(Rule::Exact, a, b), expected);
        };
        let one = Document::parse("1").unwrap().root;
        check(None, Some(&Node::Null), Compared::Equal);
        check(None, None, Compared::Equal);
        check(
            None,
            Some(&one),
            Compared::Different(DifferenceKind::Extra, 0.0),
        );
        check(
            Some(&one),
            None,
            Compared::Different(DifferenceKind::Missing, 0.0),
        );
        check(
            Some(&one),
            Some(&Node::Null),
            Compared::Different(DifferenceKind::Type, 0.0),
        );
        assert_eq!(compare(Rule::Ignore, Some(&one), None), Compared::Nothing);
    }
}
