//! Calls as models write them in Python's syntax, `[f(a=1, b=['x']), g.h(c={'d': None})]`, read as JSON. Nothing is
//! evaluated: what is no literal is refused.

use serde_json::{Map, Number, Value};

/// A call: its name, and its arguments by name.
pub(crate) type Call = (String, Value);

/// Nesting that is read.
const DEEPEST: usize = 32;

/// A whole text of calls, prepared as the benchmark prepares it: white space in front is dropped, missing brackets are
/// added, and underscores lose their backslashes.
pub(super) fn calls(text: &str) -> Option<Vec<Call>> {
    let text = text.replace("\\_", "_");
    let text = text.trim_start();
    let inside = text.strip_prefix('[').unwrap_or(text);
    // What follows the last bracket, a line break even, makes the benchmark add one more, and then fail.
    let inside = inside.strip_suffix(']').unwrap_or(inside);
    let mut reader = Reader { rest: inside };
    let mut calls = vec![reader.call()?];
    while reader.take(",") {
        if reader.rest.trim().is_empty() {
            break;
        }
        calls.push(reader.call()?);
    }
    reader.rest.trim().is_empty().then_some(calls)
}

/// What is left of a text.
struct Reader<'t> {
    rest: &'t str,
}

// === impl Reader ===

impl<'t> Reader<'t> {
    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn word(&mut self) -> Option<&'t str> {
        let rest = self.rest.trim_start();
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, rest) = rest.split_at_checked(end)?;
        let named = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
        self.rest = rest;
        named.then_some(word)
    }

    fn call(&mut self) -> Option<Call> {
        let name = self.word()?.to_owned();
        if !self.take("(") {
            return None;
        }
        let mut arguments = Map::new();
        while !self.take(")") {
            let name = self.word()?;
            if !self.take("=") {
                // Without its name nobody knows which argument it is.
                return None;
            }
            let value = self.value(0)?;
            arguments.insert(name.to_owned(), value);
            if !self.take(",") {
                if !self.take(")") {
                    return None;
                }
                break;
            }
        }
        Some((name, Value::Object(arguments)))
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        let rest = self.rest.trim_start();
        match rest.chars().next()? {
            '\'' | '"' => self.string().map(Value::String),
            '[' => self.list("[", "]", depth).map(Value::Array),
            '(' => self.list("(", ")", depth).map(Value::Array),
            '{' => self.object(depth).map(Value::Object),
            c if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => self.number(),
            _ => match self.word()? {
                "True" | "true" => Some(Value::Bool(true)),
                "False" | "false" => Some(Value::Bool(false)),
                "None" | "null" => Some(Value::Null),
                // Names stand for themselves.
                name => {
                    if self.rest.trim_start().starts_with('(') {
                        return None;
                    }
                    Some(Value::String(name.to_owned()))
                }
            },
        }
    }

    fn list(&mut self, open: &str, close: &str, depth: usize) -> Option<Vec<Value>> {
        self.take(open).then_some(())?;
        let mut list = Vec::new();
        while !self.take(close) {
            list.push(self.value(depth + 1)?);
            if !self.take(",") {
                self.take(close).then_some(())?;
                break;
            }
        }
        Some(list)
    }

    fn object(&mut self, depth: usize) -> Option<Map<String, Value>> {
        self.take("{").then_some(())?;
        let mut members = Map::new();
        while !self.take("}") {
            let name = match self.value(depth + 1)? {
                Value::String(name) => name,
                other => other.to_string(),
            };
            self.take(":").then_some(())?;
            members.insert(name, self.value(depth + 1)?);
            if !self.take(",") {
                self.take("}").then_some(())?;
                break;
            }
        }
        Some(members)
    }

    fn number(&mut self) -> Option<Value> {
        let rest = self.rest.trim_start();
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E' | '_')))
            .unwrap_or(rest.len());
        let (text, rest) = rest.split_at_checked(end)?;
        self.rest = rest;
        let text = text.replace('_', "");
        match text.parse::<i64>() {
            Ok(whole) => Some(Value::from(whole)),
            Err(_) => Number::from_f64(text.parse().ok()?).map(Value::Number),
        }
    }

    fn string(&mut self) -> Option<String> {
        let rest = self.rest.trim_start();
        let quote = rest.chars().next()?;
        let mut characters = rest.chars();
        let _ = characters.next();
        let mut text = String::new();
        loop {
            match characters.next()? {
                '\\' => match characters.next()? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    escaped @ ('\\' | '\'' | '"') => text.push(escaped),
                    other => {
                        text.push('\\');
                        text.push(other);
                    }
                },
                '\n' => return None,
                c if c == quote => break,
                c => text.push(c),
            }
        }
        self.rest = characters.as_str();
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn calls_are_read_as_json() {
        let check = |text: &str, expected: Option<Value>| {
            let found = calls(text).map(|calls| json!(calls));
            assert_eq!(found, expected, "{text}");
        };
        check(
            "[f(a=1, b=-2.5, c='it\\'s'), g.h(d=[True, None], e={'x': (1, 2)})]",
            Some(json!([
                ["f", {"a": 1, "b": -2.5, "c": "it's"}],
                ["g.h", {"d": [true, null], "e": {"x": [1, 2]}}]
            ])),
        );
        check("f()", Some(json!([["f", {}]])));
        check("f(a=2,)", Some(json!([["f", {"a": 2}]])));
        check("f(1, a=2)", None);
        check("[None]", None);
        check("[f(a=g(1))]", None);
        check("[f(a\\_b=c.d)]", Some(json!([["f", {"a_b": "c.d"}]])));
        check("[f(a=1)]\n", None);
        check("I would call f(a=1)", None);
        check("f(a=1", None);
        check("", None);
    }
}
