//! Two texts beside each other, with the places marked at which they differ. Bounded; what controls a terminal is escaped.

use std::fmt::Write as _;

use crate::text::plain;

/// Lines of one text that are shown; further ones are counted.
const MOST_LINES: usize = 300;
/// Words of one line that are compared word by word; longer lines are marked as a whole.
const MOST_WORDS: usize = 400;
/// The narrowest column.
const NARROWEST: usize = 24;

/// What stands between the two columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Same,
    Differs,
    LeftOnly,
    RightOnly,
}

/// One row: a line of either text, or of one.
#[derive(Debug)]
struct Row {
    mark: Mark,
    left: String,
    right: String,
}

// === impl Mark ===

impl Mark {
    const fn sign(self) -> &'static str {
        match self {
            Self::Same => "   ",
            Self::Differs => " | ",
            Self::LeftOnly => " < ",
            Self::RightOnly => " > ",
        }
    }
}

/// Both texts in two columns under their titles, `width` cells in all. Lines that differ carry `|`, lines of one text only
/// `<` or `>`; words that differ stand in `[ ]`.
pub(super) fn beside(titles: (&str, &str), left: &str, right: &str, width: usize) -> String {
    let column = (width.saturating_sub(3) / 2).max(NARROWEST);
    let mut out = String::new();
    put(&mut out, titles.0, "   ", titles.1, column);
    let rule = "-".repeat(column);
    put(&mut out, &rule, "   ", &rule, column);
    let (left, left_more) = lines(left);
    let (right, right_more) = lines(right);
    for row in rows(&left, &right) {
        put(&mut out, &row.left, row.mark.sign(), &row.right, column);
    }
    if left_more + right_more > 0 {
        let note = |more: usize| match more {
            0 => String::new(),
            more => format!("… and {more} lines more"),
        };
        put(&mut out, &note(left_more), "   ", &note(right_more), column);
    }
    out
}

/// The lines that are shown, escaped, and how many are not.
fn lines(text: &str) -> (Vec<String>, usize) {
    let all = || text.lines();
    let shown = all().take(MOST_LINES);
    let shown = shown.map(|line| plain(&line.replace('\t', "    ")));
    (shown.collect(), all().count().saturating_sub(MOST_LINES))
}

fn rows(left: &[String], right: &[String]) -> Vec<Row> {
    let mut rows = Vec::new();
    let (mut from, mut to) = (0, 0);
    let mut common = common(left, right);
    common.push((left.len(), right.len()));
    for (l, r) in common {
        let only_left = left.get(from..l).unwrap_or_default();
        let only_right = right.get(to..r).unwrap_or_default();
        rows.extend(differing(only_left, only_right));
        if let (Some(left), Some(right)) = (left.get(l), right.get(r)) {
            rows.push(Row {
                mark: Mark::Same,
                left: left.clone(),
                right: right.clone(),
            });
        }
        (from, to) = (l + 1, r + 1);
    }
    rows
}

/// Lines between two that are the same, in pairs as far as there are any.
fn differing(left: &[String], right: &[String]) -> Vec<Row> {
    let most = left.len().max(right.len());
    let row = |place: usize| match (left.get(place), right.get(place)) {
        (Some(left), Some(right)) => {
            let (left, right) = marked(left, right);
            Some(Row {
                mark: Mark::Differs,
                left,
                right,
            })
        }
        (Some(left), None) => Some(Row {
            mark: Mark::LeftOnly,
            left: left.clone(),
            right: String::new(),
        }),
        (None, Some(right)) => Some(Row {
            mark: Mark::RightOnly,
            left: String::new(),
            right: right.clone(),
        }),
        (None, None) => None,
    };
    (0..most).filter_map(row).collect()
}

/// Two lines with the words in brackets that the other does not have.
fn marked(left: &str, right: &str) -> (String, String) {
    let words = |line: &str| -> Vec<String> {
        let words = line.split_inclusive(' ').map(str::to_owned);
        words.take(MOST_WORDS + 1).collect()
    };
    let (l, r) = (words(left), words(right));
    if l.len() > MOST_WORDS || r.len() > MOST_WORDS {
        return (left.to_owned(), right.to_owned());
    }
    // By what is written, without the space behind it.
    let bare = |words: &[String]| -> Vec<String> {
        let bare = words.iter().map(|word| word.trim_end().to_owned());
        bare.collect()
    };
    let common = common(&bare(&l), &bare(&r));
    if common.is_empty() {
        return (left.to_owned(), right.to_owned());
    }
    let kept_left: Vec<usize> = common.iter().map(|(place, _)| *place).collect();
    let kept_right: Vec<usize> = common.iter().map(|(_, place)| *place).collect();
    (bracketed(&l, &kept_left), bracketed(&r, &kept_right))
}

fn bracketed(words: &[String], kept: &[usize]) -> String {
    let mut out = String::new();
    let mut open = false;
    for (place, word) in words.iter().enumerate() {
        let differs = kept.binary_search(&place).is_err();
        match (open, differs) {
            (false, true) => out.push('['),
            (true, false) => close(&mut out),
            (true, true) | (false, false) => {}
        }
        open = differs;
        out.push_str(word);
    }
    if open {
        close(&mut out);
    }
    out
}

/// Closes a bracket before the space behind the last word.
fn close(out: &mut String) {
    if out.ends_with(' ') {
        out.pop();
        out.push_str("] ");
    } else {
        out.push(']');
    }
}

/// The places of a longest common subsequence, in order. Quadratic, and both sides are bounded.
fn common(left: &[String], right: &[String]) -> Vec<(usize, usize)> {
    let wide = right.len() + 1;
    let mut longest = vec![0_u32; (left.len() + 1) * wide];
    let at = |table: &[u32], l: usize, r: usize| table.get(l * wide + r).copied().unwrap_or(0);
    for (l, a) in left.iter().enumerate().rev() {
        for (r, b) in right.iter().enumerate().rev() {
            let value = if a == b {
                at(&longest, l + 1, r + 1) + 1
            } else {
                at(&longest, l + 1, r).max(at(&longest, l, r + 1))
            };
            if let Some(cell) = longest.get_mut(l * wide + r) {
                *cell = value;
            }
        }
    }
    let (mut l, mut r, mut found) = (0, 0, Vec::new());
    while let (Some(a), Some(b)) = (left.get(l), right.get(r)) {
        if a == b {
            found.push((l, r));
            (l, r) = (l + 1, r + 1);
        } else if at(&longest, l + 1, r) >= at(&longest, l, r + 1) {
            l += 1;
        } else {
            r += 1;
        }
    }
    found
}

/// One row, wrapped in its columns.
fn put(out: &mut String, left: &str, sign: &str, right: &str, column: usize) {
    let (left, right) = (wrap(left, column), wrap(right, column));
    for place in 0..left.len().max(right.len()).max(1) {
        let empty = (String::new(), 0);
        let (text, cells) = left.get(place).unwrap_or(&empty);
        let (other, _) = right.get(place).unwrap_or(&empty);
        let padding = " ".repeat(column.saturating_sub(*cells));
        let line = format!("{text}{padding}{sign}{other}");
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// A line in pieces of at most `column` cells, each with its cells; broken behind a space where there is one.
fn wrap(line: &str, column: usize) -> Vec<(String, usize)> {
    let mut pieces = Vec::new();
    let (mut piece, mut cells) = (String::new(), 0);
    for letter in line.chars() {
        let wide = cells_of(letter);
        if cells + wide > column {
            let rest = match piece.rfind(' ') {
                Some(space) if space + 1 < piece.len() && space > piece.len() / 3 => {
                    piece.split_off(space + 1)
                }
                _ => String::new(),
            };
            cells = rest.chars().map(cells_of).sum();
            let full = std::mem::replace(&mut piece, rest);
            let taken = full.chars().map(cells_of).sum();
            pieces.push((full, taken));
        }
        piece.push(letter);
        cells += wide;
    }
    pieces.push((piece, cells));
    pieces
}

/// Cells of a terminal that a character takes: two for East Asian wide ones and pictures, none for what combines (Unicode
/// UAX #11, by its large blocks).
pub(super) const fn cells_of(letter: char) -> usize {
    match letter as u32 {
        0x0300..=0x036f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(left: &str, right: &str, expected: &[&str]) {
        let shown = beside(("A", "B"), left, right, 51);
        let lines: Vec<&str> = shown.lines().skip(2).collect();
        assert_eq!(lines, expected, "{left:?} {right:?}");
    }

    #[test]
    fn lines_are_put_beside_each_other() {
        check("one", "one", &["one                        one"]);
        check(
            "one\ntwo\nthree",
            "one\nthree",
            &[
                "one                        one",
                "two                      <",
                "three                      three",
            ],
        );
        check(
            "one",
            "zero\none",
            &[
                "                         > zero",
                "one                        one",
            ],
        );
        check("", "", &[]);
        check("", "x", &["                         > x"]);
    }

    #[test]
    fn words_that_differ_are_marked() {
        check(
            "refund of 20 EUR",
            "refund of 25 EUR",
            &["refund of [20] EUR       | refund of [25] EUR"],
        );
        check("a b", "a b c d", &["a b                      | a b [c d]"]);
        check("yes", "no", &["yes                      | no"]);
    }

    #[test]
    fn long_lines_are_wrapped_and_long_texts_cut() {
        check(
            "the quick brown fox jumps over",
            "the quick brown fox jumps over",
            &[
                "the quick brown fox        the quick brown fox",
                "jumps over                 jumps over",
            ],
        );
        check(
            "日本語日本語日本語日本語日",
            "",
            &["日本語日本語日本語日本語 <", "日                       <"],
        );
        let long = "x\n".repeat(MOST_LINES + 2);
        let shown = beside(("A", "B"), &long, "x", 51);
        assert!(shown.contains("… and 2 lines more"), "{shown}");
        assert_eq!(shown.lines().count(), 2 + MOST_LINES + 1);
    }

    #[test]
    fn nothing_controls_the_terminal() {
        let shown = beside(("A", "B"), "a\u{1b}[2J\tb\r", "\u{202e}x", 80);
        let controls = |letter: char| letter != '\n' && crate::text::is_control(letter);
        assert!(!shown.chars().any(controls), "{shown:?}");
        assert!(shown.contains("\\u{1b}[2J    b"), "{shown}");
    }
}
