//! JSON as models write it: strictly, and with the repairs that applications commonly make, so that both numbers can
//! be reported. What strict means stands in [`crate::document`].
//!
//! | what a model wrote | strict | lenient |
//! |---|---|---|
//! | white space around it, escapes, numbers of any size, a name twice | yes | yes |
//! | a byte order mark in front | no | yes: `byte_order_mark` |
//! | a markdown fence around it | no | yes: `fenced` |
//! | words before or after it | no | yes: `surrounded`, the longest object or list that parses |
//! | a raw line break or another control character in a text | no | yes: `raw_newline` |
//! | a comma before a closing bracket | no | yes: `trailing_comma` |
//! | comments, `//` or `/* */` | no | yes: `comment` |
//! | `NaN`, `Infinity` | no | no: `not_a_number`; no JSON value stands for it, and parsers that take it differ |
//! | single quotes, names without quotes, unknown escapes, missing commas or brackets | no | no: it would have to be guessed |
//! | cut off | no | no: `cut_off` |
//!
//! Repairs are named together, as `fenced+raw_newline`. Every attempt is linear in the text, and there is a fixed number
//! of them.

use crossfade_exchange::JsonForm;
use serde_json::Value;

use crate::document::{DEEPEST, Document};

/// A text read as JSON.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// It parses as it stands.
    Strict(Document),
    /// It parses after repairs, which are named.
    Lenient(Document, String),
    /// It does not parse, and why.
    No(&'static str),
    /// Nested more deeply than is judged here.
    TooDeep,
}

// === impl Json ===

impl Json {
    /// Reads a text.
    pub(crate) fn read(text: &str) -> Self {
        match Document::parse(text) {
            Some(document) => Self::Strict(document),
            None if text.trim().is_empty() => Self::No("empty"),
            None => match lenient(text) {
                Some((document, repairs)) => Self::Lenient(document, repairs),
                None => Self::hopeless(text),
            },
        }
    }

    /// In which form it was written.
    pub(crate) const fn form(&self) -> JsonForm {
        match self {
            Self::Strict(_) => JsonForm::Strict,
            Self::Lenient(..) => JsonForm::Lenient,
            Self::No(_) | Self::TooDeep => JsonForm::Invalid,
        }
    }

    /// What was read, however it was reached.
    pub(crate) fn document(&self) -> Option<&Document> {
        match self {
            Self::Strict(document) | Self::Lenient(document, _) => Some(document),
            Self::No(_) | Self::TooDeep => None,
        }
    }

    /// The value, however it was reached.
    pub(crate) fn value(&self) -> Option<&Value> {
        self.document().map(Document::value)
    }

    fn hopeless(text: &str) -> Self {
        let shape = Shape::of(text);
        if shape.deepest > DEEPEST {
            Self::TooDeep
        } else if shape.deepest == 0 {
            Self::No("no_json")
        } else if shape.not_a_number {
            Self::No("not_a_number")
        } else if shape.open > 0 {
            Self::No("cut_off")
        } else {
            Self::No("not_json")
        }
    }
}

/// Tries the repairs, the mildest first.
fn lenient(text: &str) -> Option<(Document, String)> {
    let plain = text.trim_start_matches('\u{feff}').trim();
    let marked = text.trim_start().starts_with('\u{feff}');
    if let Some((document, repairs)) = fenced(plain) {
        return Some((document, named("fenced", &repairs)));
    }
    if let Some((document, repairs)) = repaired(plain) {
        let around = if marked { "byte_order_mark" } else { "" };
        return Some((document, named(around, &repairs)));
    }
    let (document, repairs) = embedded(plain)?;
    Some((document, named("surrounded", &repairs)))
}

/// What was in the way around the JSON, and inside it.
fn named(around: &str, inside: &[&str]) -> String {
    let mut names = Vec::with_capacity(1 + inside.len());
    if !around.is_empty() {
        names.push(around);
    }
    names.extend(inside);
    names.join("+")
}

/// Parses a text, as it stands or mended, with what was mended.
fn repaired(text: &str) -> Option<(Document, Vec<&'static str>)> {
    if let Some(document) = Document::parse(text) {
        return Some((document, Vec::new()));
    }
    let mended = Mended::of(text);
    Some((Document::parse(&mended.text)?, mended.repairs()))
}

/// What the first code fence holds, to its end mark or, if it has none, to the end.
fn fenced(text: &str) -> Option<(Document, Vec<&'static str>)> {
    let (_, after) = text.split_once("```")?;
    // The info string (`json`) ends with its line; some models leave the line break out.
    let inside = match after.split_once('\n') {
        Some((info, inside)) if !info.contains(['{', '[']) => inside,
        _ => after.trim_start_matches(|c: char| c.is_ascii_alphanumeric()),
    };
    // To the last end mark, because a text may hold one; then to the first, because a second fence may follow.
    let last = inside.rsplit_once("```").map_or(inside, |(head, _)| head);
    let first = inside.split_once("```").map_or(inside, |(head, _)| head);
    repaired(last.trim()).or_else(|| repaired(first.trim()))
}

/// Opening brackets at which JSON among words may begin.
const MOST_STARTS: usize = 8;

/// The longest object or list among words that parses, of those that begin at the first brackets outside one another.
fn embedded(text: &str) -> Option<(Document, Vec<&'static str>)> {
    let mut best: Option<(usize, Document, Vec<&'static str>)> = None;
    let mut keep = |length: usize, document: Document, repairs: Vec<&'static str>| {
        if best
            .as_ref()
            .is_none_or(|(longest, _, _)| length > *longest)
        {
            best = Some((length, document, repairs));
        }
    };
    let mut rest = text;
    for _ in 0..MOST_STARTS {
        let Some((_, tail)) = rest
            .find(['{', '['])
            .and_then(|start| rest.split_at_checked(start))
        else {
            break;
        };
        let parsed = Document::parse_start(tail).or_else(|| {
            let mended = Mended::of(tail);
            let (document, length) = Document::parse_start(&mended.text)?;
            // What was mended behind it is no part of it; how long it was before is not known exactly.
            keep(length, document, mended.repairs());
            None
        });
        // Behind what was read, or behind what is in brackets and no JSON: its pieces are none either.
        let skipped = match &parsed {
            Some((_, length)) => *length,
            None => balanced(tail),
        };
        if let Some((document, length)) = parsed {
            keep(length, document, Vec::new());
        }
        rest = tail.split_at_checked(skipped).map_or("", |(_, rest)| rest);
    }
    best.map(|(_, document, repairs)| (document, repairs))
}

/// How many bytes go by until the bracket that a text begins with is closed, whatever stands in between; all of them if it
/// never is.
fn balanced(text: &str) -> usize {
    let (open, close) = if text.starts_with('{') {
        ('{', '}')
    } else {
        ('[', ']')
    };
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        if character == open {
            depth += 1;
        } else if character == close {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at + 1;
            }
        }
    }
    text.len()
}

/// A text with everything mended that is no JSON wherever it stands.
struct Mended {
    text: String,
    newlines: bool,
    commas: bool,
    comments: bool,
}

impl Mended {
    fn of(text: &str) -> Self {
        let mut mended = Self {
            text: String::with_capacity(text.len() + 16),
            newlines: false,
            commas: false,
            comments: false,
        };
        let mut scan = Scan::default();
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            let inside = scan.in_string;
            if inside && !scan.escaped && character.is_ascii_control() {
                mended.newlines = true;
                match character {
                    '\n' => mended.text.push_str("\\n"),
                    '\r' => mended.text.push_str("\\r"),
                    '\t' => mended.text.push_str("\\t"),
                    _ => {}
                }
            } else if !inside && character == '/' {
                match comment(rest.as_str()) {
                    Some(after) => {
                        mended.comments = true;
                        rest = after.chars();
                    }
                    None => mended.text.push(character),
                }
            } else if !inside && character == ',' && closes(rest.as_str()) {
                mended.commas = true;
            } else {
                scan.step(character);
                mended.text.push(character);
            }
        }
        mended
    }

    /// The names of what was mended.
    fn repairs(&self) -> Vec<&'static str> {
        let all = [
            (self.newlines, "raw_newline"),
            (self.commas, "trailing_comma"),
            (self.comments, "comment"),
        ];
        let made = all.into_iter().filter(|(made, _)| *made);
        made.map(|(_, name)| name).collect()
    }
}

/// What follows a comment whose first slash was read; `None` if it is none.
fn comment(rest: &str) -> Option<&str> {
    if let Some(line) = rest.strip_prefix('/') {
        return Some(line.find('\n').and_then(|at| line.get(at..)).unwrap_or(""));
    }
    let block = rest.strip_prefix('*')?;
    block.split_once("*/").map(|(_, after)| after)
}

/// Whether a closing bracket comes next, after white space and comments, of which few are looked through.
fn closes(rest: &str) -> bool {
    let mut rest = rest.trim_start();
    for _ in 0..MOST_STARTS {
        let Some(after) = rest.strip_prefix('/').and_then(comment) else {
            break;
        };
        rest = after.trim_start();
    }
    rest.starts_with(['}', ']'])
}

/// Where a scan stands between strings and escapes.
#[derive(Default)]
struct Scan {
    in_string: bool,
    escaped: bool,
}

impl Scan {
    fn step(&mut self, character: char) {
        if self.escaped {
            self.escaped = false;
        } else if self.in_string && character == '\\' {
            self.escaped = true;
        } else if character == '"' {
            self.in_string = !self.in_string;
        }
    }
}

/// More letters than a word has that is looked for.
const LONGEST_WORD: usize = 10;

/// How brackets nest in a text.
struct Shape {
    deepest: usize,
    open: usize,
    /// Whether a word stands for what JSON has no number for.
    not_a_number: bool,
}

impl Shape {
    fn of(text: &str) -> Self {
        let mut shape = Self {
            deepest: 0,
            open: 0,
            not_a_number: false,
        };
        let mut scan = Scan::default();
        let mut word = String::new();
        for character in text.chars() {
            if !scan.in_string {
                if character.is_ascii_alphabetic() && word.len() <= LONGEST_WORD {
                    word.push(character);
                } else {
                    shape.not_a_number |=
                        shape.open > 0 && matches!(word.as_str(), "NaN" | "Infinity");
                    word.clear();
                }
                match character {
                    '{' | '[' => shape.open += 1,
                    '}' | ']' => shape.open = shape.open.saturating_sub(1),
                    _ => {}
                }
                shape.deepest = shape.deepest.max(shape.open);
            }
            scan.step(character);
        }
        shape
    }
}

#[cfg(test)]
mod tests;
