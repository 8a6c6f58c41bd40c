//! JSON as models write it: strictly, and with the repairs that applications commonly make, so that both numbers can
//! be reported. What strict means stands in [`crate::document`]. It repairs nothing that would have to be guessed: no
//! quotes, no missing brackets.

use crossfade_exchange::JsonForm;
use serde_json::Value;

use crate::document::{DEEPEST, Document};

/// A text read as JSON.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// It parses as it stands.
    Strict(Document),
    /// It parses after repairs, which are named.
    Lenient(Document, &'static str),
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
        } else if shape.open > 0 {
            Self::No("cut_off")
        } else {
            Self::No("not_json")
        }
    }
}

/// Tries the repairs, the mildest first.
fn lenient(text: &str) -> Option<(Document, &'static str)> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if let Some(inside) = fenced(text)
        && let Some((value, repair)) = repaired(inside)
    {
        return Some((
            value,
            if repair.is_empty() {
                "fenced"
            } else {
                repair.fenced()
            },
        ));
    }
    if let Some((value, repair)) = repaired(text) {
        // Nothing but the byte order mark was in the way.
        return Some((
            value,
            if repair.is_empty() {
                "byte_order_mark"
            } else {
                repair.name()
            },
        ));
    }
    let (value, repair) = repaired(embedded(text)?)?;
    Some((
        value,
        if repair.is_empty() {
            "surrounded"
        } else {
            repair.surrounded()
        },
    ))
}

/// Repairs inside the JSON text itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repair {
    None,
    RawNewline,
    TrailingComma,
    Both,
}

impl Repair {
    fn is_empty(self) -> bool {
        self == Self::None
    }

    const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::RawNewline => "raw_newline",
            Self::TrailingComma => "trailing_comma",
            Self::Both => "raw_newline+trailing_comma",
        }
    }

    const fn fenced(self) -> &'static str {
        match self {
            Self::None => "fenced",
            Self::RawNewline => "fenced+raw_newline",
            Self::TrailingComma => "fenced+trailing_comma",
            Self::Both => "fenced+raw_newline+trailing_comma",
        }
    }

    const fn surrounded(self) -> &'static str {
        match self {
            Self::None => "surrounded",
            Self::RawNewline => "surrounded+raw_newline",
            Self::TrailingComma => "surrounded+trailing_comma",
            Self::Both => "surrounded+raw_newline+trailing_comma",
        }
    }
}

fn repaired(text: &str) -> Option<(Document, Repair)> {
    if let Some(value) = Document::parse(text) {
        return Some((value, Repair::None));
    }
    let (newlines, commas) = (
        Mend {
            newlines: true,
            commas: false,
        },
        Mend {
            newlines: false,
            commas: true,
        },
    );
    let both = Mend {
        newlines: true,
        commas: true,
    };
    [
        (newlines, Repair::RawNewline),
        (commas, Repair::TrailingComma),
        (both, Repair::Both),
    ]
    .into_iter()
    .find_map(|(mend, repair)| Some((Document::parse(&mend.apply(text))?, repair)))
}

/// The inside of the first code fence, to its end mark or, if it has none, to the end.
fn fenced(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("```")?;
    // The info string (`json`) ends with its line; some models leave the line break out.
    let inside = match after.split_once('\n') {
        Some((info, inside)) if !info.contains(['{', '[']) => inside,
        _ => after.trim_start_matches(|c: char| c.is_ascii_alphanumeric()),
    };
    let whole = inside
        .rsplit_once("```")
        .map_or(inside, |(inside, _)| inside)
        .trim();
    // A second fence after the first: the JSON is in the first one.
    let first = inside
        .split_once("```")
        .map_or(inside, |(inside, _)| inside)
        .trim();
    if Document::parse(whole).is_some() {
        Some(whole)
    } else {
        Some(first)
    }
}

/// From the first opening bracket to the last closing one of its kind.
fn embedded(text: &str) -> Option<&str> {
    let start = text.find(['{', '['])?;
    let (_, tail) = text.split_at_checked(start)?;
    let close = if tail.starts_with('{') { '}' } else { ']' };
    let end = tail.rfind(close)?;
    tail.split_at_checked(end + 1).map(|(inside, _)| inside)
}

/// Which mends to make in a text.
#[derive(Clone, Copy)]
struct Mend {
    newlines: bool,
    commas: bool,
}

impl Mend {
    fn apply(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + 16);
        let mut scan = Scan::default();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            let inside = scan.in_string;
            scan.step(character);
            if inside && self.newlines && character.is_ascii_control() {
                match character {
                    '\n' => out.push_str("\\n"),
                    '\r' => out.push_str("\\r"),
                    '\t' => out.push_str("\\t"),
                    _ => {}
                }
            } else if !inside && self.commas && character == ',' {
                let next = characters.as_str().trim_start();
                if !next.starts_with(['}', ']']) {
                    out.push(',');
                }
            } else {
                out.push(character);
            }
        }
        out
    }
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

/// How brackets nest in a text.
struct Shape {
    deepest: usize,
    open: usize,
}

impl Shape {
    fn of(text: &str) -> Self {
        let mut shape = Self {
            deepest: 0,
            open: 0,
        };
        let mut scan = Scan::default();
        for character in text.chars() {
            if !scan.in_string {
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
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_read_strictly_then_leniently() {
        let check = |text: &str, expected: Json| assert_eq!(Json::read(text), expected, "{text}");
        let read = |value: Value| Document::parse(&value.to_string()).unwrap();
        let strict = |value| Json::Strict(read(value));
        check("{\"a\":1}", strict(json!({"a": 1})));
        check(" \n[1, 2]\t", strict(json!([1, 2])));
        check("42", strict(json!(42)));
        let lenient = |value, repair| Json::Lenient(read(value), repair);
        check(
            "```json\n{\"a\":1}\n```",
            lenient(json!({"a": 1}), "fenced"),
        );
        check(
            "```\n{\"a\":1}\n```\nDone.",
            lenient(json!({"a": 1}), "fenced"),
        );
        check("```json {\"a\":1}```", lenient(json!({"a": 1}), "fenced"));
        check(
            "Here:\n```json\n{\"a\":1}",
            lenient(json!({"a": 1}), "fenced"),
        );
        check(
            "```json\n{\"a\":\"``` x\"}\n```",
            lenient(json!({"a": "``` x"}), "fenced"),
        );
        check(
            "```json\n{\"a\":1}\n``` and ```\nx\n```",
            lenient(json!({"a": 1}), "fenced"),
        );
        check(
            "Sure! {\"a\":1} as asked.",
            lenient(json!({"a": 1}), "surrounded"),
        );
        check(
            "{\"a\":\"x\ny\"}",
            lenient(json!({"a": "x\ny"}), "raw_newline"),
        );
        check(
            "```\n{\"a\":\"x\ny\"}\n```",
            lenient(json!({"a": "x\ny"}), "fenced+raw_newline"),
        );
        check(
            "{\"a\":[1,2,],}",
            lenient(json!({"a": [1, 2]}), "trailing_comma"),
        );
        check(
            "{\"a\":\"x\ny,]\",}",
            lenient(json!({"a": "x\ny,]"}), "raw_newline+trailing_comma"),
        );
        check(
            "\u{feff}{\"a\":1}",
            lenient(json!({"a": 1}), "byte_order_mark"),
        );
    }

    #[test]
    fn text_that_is_no_json_says_why() {
        let check = |text: &str, expected: Json| assert_eq!(Json::read(text), expected, "{text}");
        check("", Json::No("empty"));
        check("  \n", Json::No("empty"));
        check("I cannot.", Json::No("no_json"));
        check("{\"a\": {\"b\": 1", Json::No("cut_off"));
        check("{'a': 1}", Json::No("not_json"));
        check("{\"a\": None}", Json::No("not_json"));
        check(&"[".repeat(400), Json::TooDeep);
        check(
            &format!("{}{}", "[".repeat(400), "]".repeat(400)),
            Json::TooDeep,
        );
    }
}
