//! What the published service model says about a Converse request, and a validator that walks it.
//!
//! Structure only: which members exist, their types, bounds, patterns and choices. What single models refuse on top of
//! that is in [`super::rules`].

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

mod shapes;

pub(crate) use shapes::{CONVERSE_REQUEST, CONVERSE_STREAM_REQUEST};

/// A shape of the service model.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Any JSON value.
    Document,
    Boolean,
    Integer {
        min: i64,
    },
    Float {
        min: f64,
        max: f64,
    },
    Text(Text),
    /// Base64.
    Blob {
        min: usize,
    },
    List {
        of: &'static Shape,
        min: usize,
        max: usize,
    },
    /// Text to a shape.
    Map {
        key: Text,
        value: &'static Shape,
        min: usize,
        max: usize,
    },
    Structure(&'static [Member]),
    /// Exactly one of the members.
    Union {
        name: &'static str,
        members: &'static [Member],
    },
}

/// Bounds of a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    min: usize,
    max: usize,
    rule: Rule,
}

/// Which texts are allowed.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Any,
    OneOf(&'static [&'static str]),
    /// The model's regular expression as it is shown in messages, and what it means.
    Pattern(&'static str, fn(&str) -> bool),
}

/// A member of a structure or union.
#[derive(Debug)]
pub(crate) struct Member {
    name: &'static str,
    required: bool,
    shape: &'static Shape,
}

/// Everything wrong with a request, worded as the service words it; `None` if nothing is.
pub(crate) fn violations(shape: &'static Shape, request: &Value) -> Option<String> {
    let mut found = Found::default();
    found.check(shape, request, &Path::Root);
    found.message()
}

/// Where in a request a value stands.
enum Path<'p> {
    Root,
    Member(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

#[derive(Default)]
struct Found {
    constraints: Vec<String>,
    first: Option<String>,
}

// === impl Path ===

impl Path<'_> {
    /// `messages.1.content.0.text`, indexes from 0.
    fn dotted(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Member(Self::Root, name) => (*name).to_owned(),
            Self::Member(parent, name) => format!("{}.{name}", parent.dotted()),
            Self::Item(parent, index) => format!("{}.{index}", parent.dotted()),
        }
    }

    /// `messages.2.member.content.1.member.text`, indexes from 1: how constraint errors count.
    fn counted(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Member(Self::Root, name) => (*name).to_owned(),
            Self::Member(parent, name) => format!("{}.{name}", parent.counted()),
            Self::Item(parent, index) => format!("{}.{}.member", parent.counted(), index + 1),
        }
    }
}

// === impl Found ===

impl Found {
    fn message(self) -> Option<String> {
        if self.first.is_some() {
            return self.first;
        }
        let (count, plural) = match self.constraints.len() {
            0 => return None,
            1 => (1, ""),
            more => (more, "s"),
        };
        Some(format!(
            "{count} validation error{plural} detected: {}",
            self.constraints.join("; ")
        ))
    }

    fn constraint(&mut self, value: &str, at: &Path<'_>, must: &str) {
        let at = at.counted();
        self.constraints.push(format!(
            "Value {value} at '{at}' failed to satisfy constraint: Member must {must}"
        ));
    }

    /// An error outside the constraints; only the first is told.
    fn refuse(&mut self, message: String) {
        self.first.get_or_insert(message);
    }

    fn wrong_type(&mut self, wanted: &str, value: &Value, at: &Path<'_>) {
        let is = match value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        let at = at.dotted();
        self.refuse(format!(
            "The value at {at} is invalid: expected {wanted}, found {is}."
        ));
    }

    fn check(&mut self, shape: &'static Shape, value: &Value, at: &Path<'_>) {
        match (shape, value) {
            (Shape::Document, _) | (Shape::Boolean, Value::Bool(_)) => {}
            (Shape::Boolean, _) => self.wrong_type("a boolean", value, at),
            (Shape::Integer { min }, Value::Number(number)) => {
                self.check_integer(*min, number, value, at);
            }
            (Shape::Integer { .. }, _) => self.wrong_type("an integer", value, at),
            (Shape::Float { min, max }, Value::Number(number)) => {
                self.check_float((*min, *max), number, at);
            }
            (Shape::Float { .. }, _) => self.wrong_type("a number", value, at),
            (Shape::Text(bounds), Value::String(text)) => self.check_text(*bounds, text, at),
            (Shape::Text(_), _) => self.wrong_type("a string", value, at),
            (Shape::Blob { min }, Value::String(text)) => self.check_blob(*min, text, at),
            (Shape::Blob { .. }, _) => self.wrong_type("base64 text", value, at),
            (Shape::List { of, min, max }, Value::Array(items)) => {
                self.check_length(items.len(), *min, *max, at);
                for (index, item) in items.iter().enumerate() {
                    self.check(of, item, &Path::Item(at, index));
                }
            }
            (Shape::List { .. }, _) => self.wrong_type("a list", value, at),
            (
                Shape::Map {
                    key,
                    value,
                    min,
                    max,
                },
                Value::Object(entries),
            ) => {
                self.check_length(entries.len(), *min, *max, at);
                for (name, entry) in entries {
                    let at = Path::Member(at, name);
                    self.check_text(*key, name, &at);
                    self.check(value, entry, &at);
                }
            }
            (Shape::Map { .. }, _) => self.wrong_type("an object", value, at),
            (Shape::Structure(members), Value::Object(object)) => {
                self.check_members(members, object, at);
            }
            (Shape::Union { name, members }, Value::Object(object)) => {
                self.check_members(members, object, at);
                if object.values().filter(|v| !v.is_null()).count() != 1 {
                    self.refuse(must_set_one(name, members, at));
                }
            }
            (Shape::Structure(_) | Shape::Union { .. }, _) => {
                self.wrong_type("an object", value, at);
            }
        }
    }

    fn check_integer(&mut self, min: i64, number: &Number, value: &Value, at: &Path<'_>) {
        match number.as_i64() {
            Some(integer) if integer >= min && integer <= i64::from(i32::MAX) => {}
            Some(integer) if integer < min => {
                let must = format!("have value greater than or equal to {min}");
                self.constraint(&format!("'{integer}'"), at, &must);
            }
            Some(_) | None => self.wrong_type("a 32-bit integer", value, at),
        }
    }

    fn check_float(&mut self, (min, max): (f64, f64), number: &Number, at: &Path<'_>) {
        let number = number.as_f64().unwrap_or(f64::NAN);
        let must = if number < min {
            format!("have value greater than or equal to {min}")
        } else if number > max {
            format!("have value less than or equal to {max}")
        } else {
            return;
        };
        self.constraint(&format!("'{number}'"), at, &must);
    }

    fn check_members(
        &mut self,
        members: &'static [Member],
        object: &Map<String, Value>,
        at: &Path<'_>,
    ) {
        for name in object.keys() {
            if !members.iter().any(|member| member.name == name) {
                let at = at.dotted().replace('.', "/");
                self.refuse(format!(
                    "Malformed input request: #/{at}: extraneous key [{name}] is not permitted, please reformat your \
                     input and try again."
                ));
            }
        }
        for member in members {
            let at = Path::Member(at, member.name);
            match object.get(member.name) {
                // A null is the same as nothing on this wire.
                None | Some(Value::Null) if member.required => {
                    self.constraint("null", &at, "not be null");
                }
                None | Some(Value::Null) => {}
                Some(value) => self.check(member.shape, value, &at),
            }
        }
    }

    fn check_length(&mut self, length: usize, min: usize, max: usize, at: &Path<'_>) {
        let at = at.counted();
        let mut must = |what: &str, bound: usize| {
            self.constraints.push(format!(
                "Value at '{at}' failed to satisfy constraint: Member must have length {what} than or equal to {bound}"
            ));
        };
        if length < min {
            must("greater", min);
        } else if length > max {
            must("less", max);
        }
    }

    fn check_text(&mut self, bounds: Text, text: &str, at: &Path<'_>) {
        let shown = format!("'{text}'");
        let length = text.chars().count();
        if length < bounds.min {
            let must = format!("have length greater than or equal to {}", bounds.min);
            self.constraint(&shown, at, &must);
        } else if length > bounds.max {
            let must = format!("have length less than or equal to {}", bounds.max);
            self.constraint(&shown, at, &must);
        }
        match bounds.rule {
            Rule::OneOf(choices) if !choices.contains(&text) => {
                let must = format!("satisfy enum value set: [{}]", choices.join(", "));
                self.constraint(&shown, at, &must);
            }
            Rule::Pattern(pattern, holds) if !holds(text) => {
                let must = format!("satisfy regular expression pattern: {pattern}");
                self.constraint(&shown, at, &must);
            }
            Rule::Any | Rule::OneOf(_) | Rule::Pattern(..) => {}
        }
    }

    fn check_blob(&mut self, min: usize, text: &str, at: &Path<'_>) {
        use base64::Engine as _;
        match base64::engine::general_purpose::STANDARD.decode(text) {
            Ok(bytes) => self.check_length(bytes.len(), min, usize::MAX, at),
            Err(_) => {
                let at = at.dotted();
                self.refuse(format!("The value at {at} is invalid: not valid base64."));
            }
        }
    }
}

fn must_set_one(name: &str, members: &[Member], at: &Path<'_>) -> String {
    let names: Vec<&str> = members.iter().map(|member| member.name).collect();
    let mut message = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        message,
        "{name} object at {} must set one of the following keys: {}.",
        at.dotted(),
        names.join(", ")
    );
    message
}

#[cfg(test)]
mod tests;
