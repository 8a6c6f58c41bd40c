//! The number that a text ends with: `18`, `$1,234.50`, `-3.5e2`, `**42** dollars`, `75 %`. Units and currencies are not
//! read: two answers to the same question give theirs in the same one, or not at all.

/// The last number in a text; `None` without one.
///
/// A number is a sign, digits (in groups of three if they are parted by commas), a fraction and an exponent. A sign counts
/// only where no word or number stands before it, so that `2020-21` ends with 21. What touches a letter in front is part of
/// a word (`B12`), not a number.
pub(super) fn last(text: &str) -> Option<f64> {
    let mut found = None;
    let mut rest = text;
    let mut before: Option<char> = None;
    while let Some(first) = rest.chars().next() {
        let sign = matches!(first, '-' | '−' | '+');
        let after_sign = rest.trim_start_matches(['-', '−', '+']);
        let starts_word = before.is_none_or(|c| !c.is_alphanumeric());
        let from = if sign && starts_word {
            after_sign
        } else {
            rest
        };
        if starts_word && let Some((number, tail)) = unsigned(from) {
            let negative = sign && first != '+';
            found = Some(if negative { -number } else { number });
            before = Some('0');
            rest = tail;
        } else {
            before = Some(first);
            let mut characters = rest.chars();
            let _ = characters.next();
            rest = characters.as_str();
        }
    }
    found
}

/// A number at the very start, and what follows it.
fn unsigned(text: &str) -> Option<(f64, &str)> {
    let (whole, mut rest) = whole(text)?;
    let mut written = whole;
    if let Some(tail) = rest.strip_prefix('.') {
        let (fraction, tail) = digits(tail);
        if !fraction.is_empty() {
            written.push('.');
            written.push_str(fraction);
            rest = tail;
        }
    }
    if written.is_empty() {
        return None;
    }
    if let Some(tail) = rest.strip_prefix(['e', 'E']) {
        let unsigned = tail.strip_prefix(['-', '+']).unwrap_or(tail);
        let (exponent, after) = digits(unsigned);
        // More digits would overflow anyway.
        if (1..=3).contains(&exponent.len()) && !after.starts_with(char::is_alphanumeric) {
            written.push('e');
            written.push_str(if tail.starts_with('-') { "-" } else { "" });
            written.push_str(exponent);
            rest = after;
        }
    }
    let number: f64 = written.parse().ok()?;
    number.is_finite().then_some((number, rest))
}

/// The digits before the point, without the commas that part them; empty where the point comes first.
fn whole(text: &str) -> Option<(String, &str)> {
    let (first, mut rest) = digits(text);
    if first.is_empty() {
        let fraction = text.strip_prefix('.')?;
        return fraction
            .starts_with(|c: char| c.is_ascii_digit())
            .then(|| (String::new(), text));
    }
    let mut all = first.to_owned();
    if first.len() <= 3 {
        while let Some(tail) = rest.strip_prefix(',') {
            let (group, tail) = digits(tail);
            if group.len() != 3 {
                break;
            }
            all.push_str(group);
            rest = tail;
        }
    }
    Some((all, rest))
}

fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_number_is_read() {
        let check = |text: &str, expected: Option<f64>| assert_eq!(last(text), expected, "{text}");
        check("18", Some(18.0));
        check("# 18", Some(18.0));
        check("$1,234.50", Some(1234.5));
        check("1,2,3", Some(3.0));
        check("12,345,678", Some(12_345_678.0));
        check("1234,567", Some(567.0));
        check("53 feet.", Some(53.0));
        check("75%", Some(75.0));
        check("-3.5e2", Some(-350.0));
        check("−4", Some(-4.0));
        check("+4", Some(4.0));
        check("2020-21", Some(21.0));
        check("x = -5", Some(-5.0));
        check("3 of 4", Some(4.0));
        check(".5", Some(0.5));
        check("9.11", Some(9.11));
        check("9.", Some(9.0));
        check("2e", Some(2.0));
        check("2eggs", Some(2.0));
        check("B12", None);
        check("B12 or 7", Some(7.0));
        check("**42** dollars", Some(42.0));
        check("none", None);
        check("", None);
        check("- -", None);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[-+0-9eE., ab−]{0,24}") {
            if let Some(number) = last(&text) {
                prop_assert!(number.is_finite());
            }
        }

        #[test]
        fn what_was_written_is_read(number in -1.0e9..1.0e9_f64) {
            prop_assert_eq!(last(&format!("It is {number}.")), Some(number));
        }
    }
}
