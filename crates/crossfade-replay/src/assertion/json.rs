//! Assertions on JSON: that it is some, the label in it, the fields it must have. Labels and fields are read as the checks
//! read them, in JSON however it was written; whether it stands alone is for `is-json` to say.

use crossfade_compare::{AnswerSchema, JsonPath, normal_label, read_json};
use crossfade_exchange::JsonForm;
use regex::Regex;
use serde_json::Value;

use super::{Judged, Kind, text};
use crate::object::{Object, kind, shown};

/// Of a text, the bytes that are searched for JSON.
const MOST_BYTES: usize = 1 << 20;
/// Opening brackets from which JSON is tried.
const MOST_STARTS: usize = 256;

/// What is expected of JSON.
#[derive(Debug)]
pub(super) enum Json {
    Is(Option<AnswerSchema>),
    Contains(Option<AnswerSchema>),
    Label {
        at: At,
        wanted: String,
    },
    Required {
        paths: Vec<JsonPath>,
        threshold: f64,
    },
}

/// Where a label stands.
#[derive(Debug)]
pub(super) enum At {
    Path(JsonPath),
    Pattern(Regex),
}

// === impl Json ===

impl Json {
    pub(super) fn read(of: Kind, object: &mut Object<'_>) -> Option<Self> {
        match of {
            Kind::IsJson => Some(Self::Is(schema(object))),
            Kind::ContainsJson => Some(Self::Contains(schema(object))),
            Kind::Label => {
                let wanted = read_label(object);
                let at = read_place(object);
                Some(Self::Label {
                    at: at?,
                    wanted: wanted?,
                })
            }
            // Every other type is read elsewhere.
            _other => {
                let threshold = object.number("threshold", 0.0..=1.0).unwrap_or(1.0);
                let written = text::words(object)?;
                let mut paths = Vec::with_capacity(written.len());
                for path in &written {
                    paths.push(json_path(object, "value", path)?);
                }
                Some(Self::Required { paths, threshold })
            }
        }
    }

    pub(super) fn judge(&self, text: &str) -> Judged {
        match self {
            Self::Is(schema) => {
                let json = read_json(text);
                match (json.form, json.value) {
                    (JsonForm::Strict, Some(value)) => fits(schema.as_ref(), &value),
                    (JsonForm::Lenient, _) => Judged::plain(false, "JSON only after a repair"),
                    (JsonForm::Strict | JsonForm::Invalid, _) => Judged::plain(false, "not JSON"),
                }
            }
            Self::Contains(schema) => contains(text, schema.as_ref()),
            Self::Label { at, wanted } => label(text, at, wanted),
            Self::Required { paths, threshold } => required(text, paths, *threshold),
        }
    }
}

fn fits(schema: Option<&AnswerSchema>, value: &Value) -> Judged {
    match schema.map(|schema| schema.validate(value)) {
        None => Judged::plain(true, "JSON"),
        Some(Ok(())) => Judged::plain(true, "JSON that fits the schema"),
        Some(Err(place)) => Judged::plain(false, format!("does not fit the schema at {place}")),
    }
}

fn contains(text: &str, schema: Option<&AnswerSchema>) -> Judged {
    let found = objects(text);
    if found.is_empty() {
        return Judged::plain(false, "no JSON object in it");
    }
    let mut last = Judged::plain(false, "no JSON object in it");
    for value in &found {
        last = fits(schema, value);
        if matches!(last, Judged::Found { pass: true, .. }) {
            break;
        }
    }
    last
}

/// The JSON objects in a text, from outside in: what stands within one that was found is not looked at again. A text that
/// is JSON as a whole is what it is.
fn objects(text: &str) -> Vec<Value> {
    let end = text.floor_char_boundary(MOST_BYTES);
    let mut rest = text.split_at_checked(end).map_or(text, |(head, _)| head);
    if let Ok(whole @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(rest) {
        return vec![whole];
    }
    let mut found = Vec::new();
    for _start in 0..MOST_STARTS {
        let Some((_, from)) = rest.find('{').and_then(|at| rest.split_at_checked(at)) else {
            break;
        };
        let mut values = serde_json::Deserializer::from_str(from).into_iter::<Value>();
        let (value, length) = match values.next() {
            Some(Ok(value)) => (Some(value), values.byte_offset()),
            Some(Err(_)) | None => (None, 1),
        };
        found.extend(value);
        rest = from.split_at_checked(length).map_or("", |(_, rest)| rest);
    }
    found
}

fn label(text: &str, at: &At, wanted: &str) -> Judged {
    let found = match at {
        At::Path(path) => {
            let json = read_json(text).value;
            match json.as_ref().and_then(|json| path.first(json)) {
                Some(Value::String(label)) => Some(label.clone()),
                Some(label @ (Value::Bool(_) | Value::Number(_))) => Some(label.to_string()),
                Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => None,
            }
        }
        At::Pattern(pattern) => pattern.captures(text).and_then(|found| {
            let label = found.get(1).or_else(|| found.get(0))?;
            Some(label.as_str().to_owned())
        }),
    };
    match found {
        Some(label) => Judged::plain(
            normal_label(&label) == wanted,
            format!("expected the label {}", shown(wanted)),
        ),
        None => Judged::plain(false, format!("no label; expected {}", shown(wanted))),
    }
}

fn required(text: &str, paths: &[JsonPath], threshold: f64) -> Judged {
    let Some(json) = read_json(text).value else {
        return Judged::plain(false, "not JSON");
    };
    let mut sum = 0.0;
    let mut missing = Vec::new();
    for path in paths {
        let (named, filled) = path.coverage(&json);
        sum += if named == 0 {
            1.0
        } else {
            real(filled) / real(named)
        };
        if filled < named {
            missing.push(path.text());
        }
    }
    let score = sum / real(paths.len());
    let reason = if missing.is_empty() {
        "all present".to_owned()
    } else {
        format!("missing {}", missing.join(", "))
    };
    Judged::scored(score >= threshold, score, reason)
}

/// The schema, if there is one; what is wrong with it is noted.
fn schema(object: &mut Object<'_>) -> Option<AnswerSchema> {
    let value = object.take("value")?;
    if !(value.is_object() || value.is_boolean()) {
        object.wrong(
            "value",
            format!("it must be a JSON schema, and is {}", kind(&value)),
        );
        return None;
    }
    AnswerSchema::compile(&value)
        .map_err(|error| object.wrong("value", error.to_string()))
        .ok()
}

fn read_label(object: &mut Object<'_>) -> Option<String> {
    let value = object.required("value", "the label")?;
    let label = match &value {
        Value::String(label) => normal_label(label),
        Value::Bool(_) | Value::Number(_) => normal_label(&value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    };
    if label.is_empty() {
        object.wrong("value", "it must be a label with a letter or a digit in it");
        return None;
    }
    Some(label)
}

fn read_place(object: &mut Object<'_>) -> Option<At> {
    match (object.string("path"), object.string("pattern")) {
        (Some(path), None) => json_path(object, "path", &path).map(At::Path),
        (None, Some(pattern)) => text::pattern(object, "pattern", &pattern).map(At::Pattern),
        (Some(_), Some(_)) | (None, None) => {
            object.wrong(
                "path",
                "give either path or pattern: where the label stands",
            );
            None
        }
    }
}

fn json_path(object: &mut Object<'_>, key: &str, written: &str) -> Option<JsonPath> {
    let wrong = |why: &str| {
        format!(
            "{} is no path: {why}; write it like $.class",
            shown(written)
        )
    };
    JsonPath::parse(written)
        .map_err(|why| object.wrong(key, wrong(why)))
        .ok()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of places within one answer"
)]
fn real(count: usize) -> f64 {
    count as f64
}
