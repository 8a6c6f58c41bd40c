//! Two texts side by side, with the words that only one of them has marked.

use std::fmt::Write as _;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::escape::Escaped;

/// Words of each text that are compared. Longer texts are shown without marks after that: the work grows with the square of
/// what differs.
const MOST_WORDS: usize = 3000;

/// Both texts as HTML: the first with `<del>`, the second with `<ins>`.
pub(super) fn marked(first: &str, second: &str) -> (String, String) {
    let (from, to) = (words(first), words(second));
    let (from_head, from_rest) = from.split_at(from.len().min(MOST_WORDS));
    let (to_head, to_rest) = to.split_at(to.len().min(MOST_WORDS));
    let (mut left, mut right) = (String::new(), String::new());
    for change in capture_diff_slices(Algorithm::Myers, from_head, to_head) {
        let (before, after) = (change.old_range(), change.new_range());
        let old = from_head.get(before).unwrap_or_default();
        let new = to_head.get(after).unwrap_or_default();
        match change {
            DiffOp::Equal { .. } => {
                put(&mut left, old);
                put(&mut right, new);
            }
            DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => {
                mark(&mut left, "del", old);
                mark(&mut right, "ins", new);
            }
        }
    }
    put(&mut left, from_rest);
    put(&mut right, to_rest);
    (left, right)
}

fn put(out: &mut String, words: &[&str]) {
    for word in words {
        // Writing to a string cannot fail.
        let _infallible = write!(out, "{}", Escaped(word));
    }
}

fn mark(out: &mut String, tag: &str, words: &[&str]) {
    if words.is_empty() {
        return;
    }
    let _infallible = write!(out, "<{tag}>");
    put(out, words);
    let _infallible = write!(out, "</{tag}>");
}

/// Runs of letters and digits, runs of white space, and every other character for itself.
fn words(text: &str) -> Vec<&str> {
    #[derive(PartialEq, Clone, Copy)]
    enum Kind {
        Word,
        Space,
        Other,
    }
    let kind = |character: char| {
        if character.is_alphanumeric() {
            Kind::Word
        } else if character.is_whitespace() {
            Kind::Space
        } else {
            Kind::Other
        }
    };
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next().map(kind) {
        let end = match first {
            Kind::Other => rest.chars().next().map_or(rest.len(), char::len_utf8),
            Kind::Word | Kind::Space => rest
                .find(|character| kind(character) != first)
                .unwrap_or(rest.len()),
        };
        let (word, after) = rest.split_at(end);
        found.push(word);
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(first: &str, second: &str, left: &str, right: &str) {
        assert_eq!(marked(first, second), (left.to_owned(), right.to_owned()));
    }

    #[test]
    fn words_that_differ_are_marked() {
        check("same", "same", "same", "same");
        check(
            "pay $12.50 now",
            "pay $13.50 now",
            "pay $<del>12</del>.50 now",
            "pay $<ins>13</ins>.50 now",
        );
        check("", "new", "", "<ins>new</ins>");
        check("a <b> c", "a c", "a <del>&lt;b&gt; </del>c", "a c");
        check(
            "naïve 東京",
            "naïve 大阪",
            "naïve <del>東京</del>",
            "naïve <ins>大阪</ins>",
        );
    }

    #[test]
    fn long_texts_are_bounded() {
        let (first, second) = ("a ".repeat(20_000), "b ".repeat(20_000));
        let (left, right) = marked(&first, &second);
        assert!(left.matches('a').count() >= 20_000);
        assert!(right.matches('b').count() >= 20_000);
    }
}
