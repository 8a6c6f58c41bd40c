//! JSON text as it was written: numbers keep their digits, and a name that stands twice is noticed. What a check needs
//! as a [`Value`] is made from it.
//!
//! This is the one place that says what *strict* means: the grammar of RFC 8259, because that is what callers' parsers
//! go by. So `1e999` and an escaped lone surrogate are JSON (a float that overflows, a string that is no text), although
//! neither fits a [`Value`]: there the number becomes the largest float of its sign, the surrogate U+FFFD. A name that
//! stands twice in an object is JSON too, but parsers differ on which value counts: it is noted, never held against an
//! answer, and the last one counts here, as it does in most. Byte order marks, comments, trailing commas and raw control
//! characters are not JSON. Nesting beyond [`DEEPEST`] is not read.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

mod number;

pub(crate) use number::Digits;

/// The deepest nesting that is read.
pub(crate) const DEEPEST: usize = 127;

/// A parsed text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    pub(crate) root: Node,
    /// Whether some object names a member twice.
    pub(crate) duplicate_key: bool,
    value: Value,
}

/// A value that keeps its numbers' digits. Members stand by name: their order says nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Number(Digits),
    String(String),
    Array(Vec<Node>),
    Object(BTreeMap<String, Node>),
}

// === impl Document ===

impl Document {
    /// Parses a whole text; `None` if it is not JSON, or too deep.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser {
            rest: text,
            duplicate_key: false,
        };
        let root = parser.node(0)?;
        parser.skip_space();
        parser.rest.is_empty().then(|| Self {
            value: root.to_value(),
            root,
            duplicate_key: parser.duplicate_key,
        })
    }

    /// Parses the value that a text begins with, and says how many bytes it takes.
    pub(crate) fn parse_start(text: &str) -> Option<(Self, usize)> {
        let mut parser = Parser {
            rest: text,
            duplicate_key: false,
        };
        let root = parser.node(0)?;
        let length = text.len() - parser.rest.len();
        let document = Self {
            value: root.to_value(),
            root,
            duplicate_key: parser.duplicate_key,
        };
        Some((document, length))
    }

    /// The value, as far as one can hold it.
    pub(crate) const fn value(&self) -> &Value {
        &self.value
    }
}

// === impl Node ===

impl Node {
    /// Whether it holds other values by its kind.
    pub(crate) const fn is_container(&self) -> bool {
        matches!(self, Self::Array(_) | Self::Object(_))
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(digits) => number_of(digits.text()),
            Self::String(text) => Value::String(text.clone()),
            Self::Array(list) => list.iter().map(Self::to_value).collect(),
            Self::Object(members) => {
                let members = members
                    .iter()
                    .map(|(name, node)| (name.clone(), node.to_value()));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }
}

/// The number, or the largest one of its sign.
fn number_of(text: &str) -> Value {
    if let Ok(number) = text.parse::<Number>() {
        return Value::Number(number);
    }
    let largest = if text.starts_with('-') {
        f64::MIN
    } else {
        f64::MAX
    };
    Number::from_f64(largest).map_or(Value::Null, Value::Number)
}

/// What is left of a text.
struct Parser<'t> {
    rest: &'t str,
    duplicate_key: bool,
}

// === impl Parser ===

impl<'t> Parser<'t> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes the token off, after white space.
    fn take(&mut self, token: &str) -> Option<()> {
        self.skip_space();
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    fn node(&mut self, depth: usize) -> Option<Node> {
        self.skip_space();
        match self.rest.chars().next()? {
            '{' => self.object(depth + 1).map(Node::Object),
            '[' => self.array(depth + 1).map(Node::Array),
            '"' => self.string().map(Node::String),
            't' => self.take("true").map(|()| Node::Bool(true)),
            'f' => self.take("false").map(|()| Node::Bool(false)),
            'n' => self.take("null").map(|()| Node::Null),
            _ => self.number().map(Node::Number),
        }
    }

    fn object(&mut self, depth: usize) -> Option<BTreeMap<String, Node>> {
        self.take("{")?;
        let mut members = BTreeMap::new();
        if depth > DEEPEST || self.take("}").is_some() {
            return (depth <= DEEPEST).then_some(members);
        }
        loop {
            self.skip_space();
            let name = self.string()?;
            self.take(":")?;
            let node = self.node(depth)?;
            self.duplicate_key |= members.insert(name, node).is_some();
            if self.take("}").is_some() {
                return Some(members);
            }
            self.take(",")?;
        }
    }

    fn array(&mut self, depth: usize) -> Option<Vec<Node>> {
        self.take("[")?;
        let mut list = Vec::new();
        if depth > DEEPEST || self.take("]").is_some() {
            return (depth <= DEEPEST).then_some(list);
        }
        loop {
            list.push(self.node(depth)?);
            if self.take("]").is_some() {
                return Some(list);
            }
            self.take(",")?;
        }
    }

    fn number(&mut self) -> Option<Digits> {
        let end = self
            .rest
            .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
            .unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Digits::parse(text)
    }

    fn string(&mut self) -> Option<String> {
        self.rest = self.rest.strip_prefix('"')?;
        let mut out = String::new();
        loop {
            let end = self.rest.find(|c: char| c == '"' || c == '\\' || c < ' ')?;
            let (plain, rest) = self.rest.split_at_checked(end)?;
            out.push_str(plain);
            if let Some(rest) = rest.strip_prefix('"') {
                self.rest = rest;
                return Some(out);
            }
            // A raw control character is no escape either.
            self.rest = rest.strip_prefix('\\')?;
            out.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let kind = characters.next()?;
        self.rest = characters.as_str();
        match kind {
            '"' | '\\' | '/' => Some(kind),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'u' => {
                let first = self.unit()?;
                Some(self.character(first))
            }
            _ => None,
        }
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u16> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.rest = rest;
        u16::from_str_radix(digits, 16).ok()
    }

    /// The character of a unit and, if it is the first half of a pair, of the one that follows it.
    fn character(&mut self, first: u16) -> char {
        let before: &'t str = self.rest;
        if (0xd800..0xdc00).contains(&first)
            && let Some(rest) = before.strip_prefix("\\u")
        {
            self.rest = rest;
            let second = self.unit();
            let pair = second.map(|second| char::decode_utf16([first, second]).next());
            if let Some(Some(Ok(character))) = pair {
                return character;
            }
            // What follows stands for itself.
            self.rest = before;
        }
        char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER)
    }
}

#[cfg(test)]
mod tests;
