//! An object of somebody's file taken apart key by key: what is wrong is noted with its place and reading goes on, so that
//! one run shows every mistake. Unknown keys are mistakes, and the nearest known one is offered.

use std::{fmt, ops::RangeInclusive};

use serde_json::{Map, Value};

/// One thing that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where in the object: `assert[0].threshold`; empty for the object itself.
    pub place: String,
    /// What is wrong, and what to do about it.
    pub what: String,
}

/// An object that is being taken apart. A member that is null is the same as one that is missing.
pub(crate) struct Object<'p> {
    members: Map<String, Value>,
    place: String,
    known: Vec<&'static str>,
    problems: &'p mut Vec<Problem>,
}

// === impl Problem ===

impl Problem {
    /// Something is wrong at a place.
    pub(crate) fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            f.write_str(&self.what)
        } else {
            write!(f, "{}: {}", self.place, self.what)
        }
    }
}

/// A place below a place.
pub(crate) fn below(place: &str, key: &str) -> String {
    if place.is_empty() {
        key.to_owned()
    } else {
        format!("{place}.{key}")
    }
}

/// What a value is, for messages.
pub(crate) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The known word that a mistyped one most likely stands for: at most a third of its letters differ, and never more than
/// three.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let bound = (word.chars().count() / 3).clamp(1, 3);
    let folded = |text: &str| text.replace(['_', ' '], "-").to_lowercase();
    let word = folded(word);
    known
        .iter()
        .map(|known| (strsim::osa_distance(&word, &folded(known)), *known))
        .filter(|(far, _)| *far <= bound)
        .min_by_key(|(far, _)| *far)
        .map(|(_, known)| known)
}

/// A text of a file in a message: short, without control characters.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut short: String = text.chars().take(MOST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

// === impl Object ===

impl<'p> Object<'p> {
    /// Begins with the members of the object at a place.
    pub(crate) fn new(
        members: Map<String, Value>,
        place: impl Into<String>,
        problems: &'p mut Vec<Problem>,
    ) -> Self {
        Self {
            members,
            place: place.into(),
            known: Vec::new(),
            problems,
        }
    }

    /// The place of a member.
    pub(crate) fn place(&self, key: &str) -> String {
        below(&self.place, key)
    }

    /// Notes that something is wrong with a member.
    pub(crate) fn wrong(&mut self, key: &str, what: impl Into<String>) {
        let place = self.place(key);
        self.problems.push(Problem::new(place, what));
    }

    /// Whether something is wrong with a member.
    pub(crate) fn has_problem(&self, key: &str) -> bool {
        let place = self.place(key);
        self.problems.iter().any(|problem| problem.place == place)
    }

    /// Where further problems are noted.
    pub(crate) fn problems(&mut self) -> &mut Vec<Problem> {
        self.problems
    }

    /// Takes a member out, whatever it is.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.members.remove(key).filter(|value| !value.is_null())
    }

    /// Takes a member out that must be there.
    pub(crate) fn required(&mut self, key: &'static str, wanted: &str) -> Option<Value> {
        let value = self.take(key);
        if value.is_none() {
            self.wrong(key, format!("it is missing; give {wanted}"));
        }
        value
    }

    /// A text.
    pub(crate) fn string(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            other => self.unfit(key, "a text", &other),
        }
    }

    /// True or false.
    pub(crate) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        self.take_if(key, "true or false", Value::is_boolean)?
            .as_bool()
    }

    /// A list of texts.
    pub(crate) fn strings(&mut self, key: &'static str) -> Option<Vec<String>> {
        let Value::Array(list) = self.take_if(key, "a list of texts", Value::is_array)? else {
            return None;
        };
        let texts: Option<Vec<String>> =
            list.iter().map(|v| v.as_str().map(str::to_owned)).collect();
        if texts.is_none() {
            self.wrong(key, "it must be a list of texts");
        }
        texts
    }

    /// A number within a range.
    pub(crate) fn number(&mut self, key: &'static str, range: RangeInclusive<f64>) -> Option<f64> {
        let value = self.take_if(key, "a number", Value::is_number)?.as_f64()?;
        if range.contains(&value) {
            return Some(value);
        }
        let (low, high) = range.into_inner();
        let wanted = if high >= f64::MAX {
            format!("{value} is too small: use {low} or more")
        } else {
            format!("{value} is out of range: use {low} to {high}")
        };
        self.wrong(key, wanted);
        None
    }

    /// A whole number within a range.
    pub(crate) fn whole(&mut self, key: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.take(key)?;
        let whole = value.as_u64().and_then(|whole| u32::try_from(whole).ok());
        if let Some(whole) = whole.filter(|whole| range.contains(whole)) {
            return Some(whole);
        }
        let (low, high) = range.into_inner();
        self.wrong(
            key,
            format!("it must be a whole number from {low} to {high}"),
        );
        None
    }

    /// An object.
    pub(crate) fn object(&mut self, key: &'static str) -> Option<Map<String, Value>> {
        match self.take(key)? {
            Value::Object(members) => Some(members),
            other => self.unfit(key, "an object", &other),
        }
    }

    /// A list.
    pub(crate) fn list(&mut self, key: &'static str) -> Option<Vec<Value>> {
        match self.take(key)? {
            Value::Array(list) => Some(list),
            other => self.unfit(key, "a list", &other),
        }
    }

    /// One word out of a closed list.
    pub(crate) fn word<W: Copy>(
        &mut self,
        key: &'static str,
        words: &[W],
        name: fn(W) -> &'static str,
    ) -> Option<W> {
        let text = self.string(key)?;
        let found = words.iter().copied().find(|word| name(*word) == text);
        if found.is_none() {
            let names: Vec<&str> = words.iter().map(|word| name(*word)).collect();
            let what = format!("{} is none of {}", shown(&text), names.join(", "));
            self.wrong(key, what);
        }
        found
    }

    /// Ends: what is left is unknown.
    pub(crate) fn finish(self) {
        for name in self.members.keys() {
            let place = below(&self.place, name);
            let what = match nearest(name, &self.known) {
                Some(near) => format!("unknown key; did you mean {near:?}?"),
                None => format!("unknown key; known are {}", self.known.join(", ")),
            };
            self.problems.push(Problem::new(place, what));
        }
    }

    fn take_if(
        &mut self,
        key: &'static str,
        wanted: &str,
        fits: fn(&Value) -> bool,
    ) -> Option<Value> {
        let value = self.take(key)?;
        if fits(&value) {
            Some(value)
        } else {
            self.unfit(key, wanted, &value)
        }
    }

    fn unfit<T>(&mut self, key: &str, wanted: &str, found: &Value) -> Option<T> {
        self.wrong(key, format!("it must be {wanted}, and is {}", kind(found)));
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_wrong_is_noted_with_its_place() {
        let mut problems = Vec::new();
        let Value::Object(members) = json!({"text": 7, "weight": -1, "repeat": 1.5, "list": "x", "texts": [1], "word": "tow",
            "thresold": 1, "zzz": 2, "none": null})
        else {
            panic!()
        };
        let mut object = Object::new(members, "assert[1]", &mut problems);
        assert_eq!(object.string("text"), None);
        assert_eq!(object.number("weight", 0.0..=f64::MAX), None);
        assert_eq!(object.whole("repeat", 1..=100), None);
        assert_eq!(object.list("list"), None);
        assert_eq!(object.strings("texts"), None);
        assert_eq!(object.word("word", &["one", "two"], |w| w), None);
        assert_eq!(object.number("threshold", 0.0..=1.0), None);
        assert_eq!(object.take("none"), None);
        assert_eq!(object.required("value", "a text"), None);
        object.finish();
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "assert[1].text: it must be a text, and is a number",
                "assert[1].weight: -1 is too small: use 0 or more",
                "assert[1].repeat: it must be a whole number from 1 to 100",
                "assert[1].list: it must be a list, and is a text",
                "assert[1].texts: it must be a list of texts",
                "assert[1].word: \"tow\" is none of one, two",
                "assert[1].value: it is missing; give a text",
                "assert[1].thresold: unknown key; did you mean \"threshold\"?",
                "assert[1].zzz: unknown key; known are text, weight, repeat, list, texts, word, threshold, none, value",
            ]
        );
    }

    #[test]
    fn only_near_words_are_offered() {
        let check = |word: &str, expected: Option<&str>| {
            assert_eq!(
                nearest(word, &["contains-any", "equals", "is-json"]),
                expected,
                "{word}"
            );
        };
        check("contains_any", Some("contains-any"));
        check("Equals", Some("equals"));
        check("isjson", Some("is-json"));
        check("llm-rubric", None);
    }
}
