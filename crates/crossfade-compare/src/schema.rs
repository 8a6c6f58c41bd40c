//! JSON schemas of callers and routes: compiled with no way out (no remote or file references), with a pattern engine
//! that runs in linear time, within bounds of size and expansion, and kept in a small cache. Not a check by itself.
//!
//! The dialect is the one that `$schema` names, and 2020-12 without: drafts 4, 6, 7, 2019-09 and 2020-12 are known. What
//! is not compiled is refused by name: [`SchemaError`]. Formats are asserted in every dialect (the older ones leave them
//! to the validator), because structured outputs promise them.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt::Write as _,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use crossfade_exchange::{Difference, DifferenceKind};
use jsonschema::{
    PatternOptions, ReferencingError, ValidationError, ValidationOptions, Validator,
    error::ValidationErrorKind, paths::LocationSegment,
};
use serde_json::Value;

use crate::{
    effort::{Effort, Estimate},
    expansion,
    finding::Finding,
};

/// The largest schema text that is compiled, in bytes.
const LARGEST: usize = 256 * 1024;
/// The most compiled schemas that are kept.
const MOST_KEPT: usize = 256;
/// The most schema text that the kept ones were compiled from, in bytes: a compiled schema is a few times larger.
const MOST_TEXT: usize = 2 * 1024 * 1024;
/// The largest compiled pattern, in bytes.
const LARGEST_PATTERN: usize = 1024 * 1024;
/// The longest evidence, in bytes.
const LONGEST_EVIDENCE: usize = 200;
/// Violations of one value that are looked for.
const MOST_VIOLATIONS: usize = 8;
/// What stands for a name that nobody declared: a model may have put anything there.
pub(crate) const UNNAMED: &str = "?";

/// Why a schema cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Over the bound.
    #[error("the schema is larger than 256 KiB; make it smaller")]
    TooLarge,
    /// Its references multiply beyond what one validation may cost.
    #[error("the schema's references expand to too many parts; refer to fewer definitions")]
    TooComplex,
    /// No JSON text.
    #[error("the schema is not JSON")]
    NotJson,
    /// It refers to a document elsewhere.
    #[error("the schema refers to another document, and none is fetched; inline what it refers to")]
    RemoteReference,
    /// It refers to a part of itself that is not there.
    #[error("the schema refers to a part that it does not hold; correct its \"$ref\"")]
    UnresolvedReference,
    /// It names a dialect that is not known.
    #[error("the schema's \"$schema\" names no known dialect; name a published draft, or none")]
    UnknownDialect,
    /// A pattern that is not matched in linear time, or not within bounds, or is none.
    #[error(
        "a pattern of the schema is no regular expression that is matched in linear time; look-around and back-references are not"
    )]
    Pattern,
    /// What stands in it is no schema by its own dialect.
    #[error("not a valid schema by its own dialect")]
    Invalid,
}

impl SchemaError {
    /// The fixed name, for evidence and counts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "schema_too_large",
            Self::TooComplex => "schema_too_complex",
            Self::NotJson => "schema_not_json",
            Self::RemoteReference => "schema_remote_reference",
            Self::UnresolvedReference => "schema_unresolved_reference",
            Self::UnknownDialect => "schema_unknown_dialect",
            Self::Pattern => "schema_pattern",
            Self::Invalid => "schema_invalid",
        }
    }

    /// Why the library did not compile a schema.
    fn of(error: &ValidationErrorKind) -> Self {
        match error {
            ValidationErrorKind::Referencing(error) => match error {
                ReferencingError::Unretrievable { .. } => Self::RemoteReference,
                ReferencingError::UnknownSpecification { .. }
                | ReferencingError::CircularMetaschema { .. } => Self::UnknownDialect,
                _ => Self::UnresolvedReference,
            },
            ValidationErrorKind::Pattern { .. }
            | ValidationErrorKind::BacktrackLimitExceeded { .. }
            | ValidationErrorKind::RegexEngineFailure { .. } => Self::Pattern,
            ValidationErrorKind::Format { format } if format == "regex" => Self::Pattern,
            _ => Self::Invalid,
        }
    }
}

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Schema {
    validator: Validator,
    /// Property names that stand in the schema itself: only they may appear in evidence.
    declared: HashSet<String>,
    estimate: Estimate,
}

// === impl Schema ===

impl Schema {
    /// Compiles a schema from its text. Formats are asserted: structured outputs promise them.
    pub(crate) fn compile(text: &str) -> Result<Self, SchemaError> {
        if text.len() > LARGEST {
            return Err(SchemaError::TooLarge);
        }
        let schema: Value = serde_json::from_str(text).map_err(|_| SchemaError::NotJson)?;
        if !expansion::is_bounded(&schema) {
            return Err(SchemaError::TooComplex);
        }
        let validator = formats(jsonschema::options())
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(
                PatternOptions::regex()
                    .size_limit(LARGEST_PATTERN)
                    .dfa_size_limit(LARGEST_PATTERN),
            )
            .build(&schema)
            .map_err(|error| SchemaError::of(error.kind()))?;
        let mut declared = HashSet::new();
        declare(&schema, &mut declared);
        Ok(Self {
            validator,
            declared,
            estimate: Estimate::of(schema),
        })
    }

    /// Validates a value. The evidence is the place of the first violation and the keyword that was violated; the
    /// differences are the first [`MOST_VIOLATIONS`] of them, by kind. What would cost too much is not judged.
    pub(crate) fn check(&self, value: &Value) -> Finding {
        let effort = self.estimate.effort(value);
        if effort == Effort::TooMuch {
            return Finding::error("too_much_work_for_this_value");
        }
        if self.validator.is_valid(value) {
            return Finding::pass();
        }
        let mut finding = Finding::fail("$: not valid");
        if effort == Effort::Much {
            return finding;
        }
        let mut differences = BTreeSet::new();
        for (number, error) in self
            .validator
            .iter_errors(value)
            .take(MOST_VIOLATIONS)
            .enumerate()
        {
            let keyword = error.kind().keyword();
            if number == 0 {
                let mut evidence = self.place(&error, Index::Shown);
                evidence.truncate(evidence.floor_char_boundary(LONGEST_EVIDENCE));
                finding = Finding::fail(format!("{evidence}: {keyword}"));
            }
            let mut path = self.place(&error, Index::Any);
            if let ValidationErrorKind::Required {
                property: Value::String(name),
            } = error.kind()
            {
                self.push_name(&mut path, name);
            }
            differences.insert(Difference {
                path,
                kind: kind_of(keyword),
            });
        }
        finding.differences = differences.into_iter().collect();
        finding
    }

    fn place(&self, error: &ValidationError<'_>, index: Index) -> String {
        let mut place = String::from("$");
        for segment in error.instance_path().segments() {
            match (segment, index) {
                (LocationSegment::Property(name), _) => self.push_name(&mut place, &name),
                (LocationSegment::Index(_), Index::Any) => place.push_str("[*]"),
                (LocationSegment::Index(index), Index::Shown) => {
                    // Writing to a string cannot fail.
                    let _ = write!(place, "[{index}]");
                }
            }
        }
        place
    }

    fn push_name(&self, place: &mut String, name: &str) {
        place.push('.');
        place.push_str(if self.declares(name) { name } else { UNNAMED });
    }

    /// Whether the schema itself declares a property of that name.
    pub(crate) fn declares(&self, name: &str) -> bool {
        self.declared.contains(name)
    }
}

/// How the place of an element is written.
#[derive(Clone, Copy)]
enum Index {
    /// As it is, for evidence.
    Shown,
    /// As any, so that like violations are told by like paths.
    Any,
}

/// What kind of difference the violation of a keyword is.
fn kind_of(keyword: &str) -> DifferenceKind {
    match keyword {
        "type" => DifferenceKind::Type,
        "required" | "minItems" | "minProperties" | "contains" | "dependentRequired" => {
            DifferenceKind::Missing
        }
        "additionalProperties"
        | "additionalItems"
        | "unevaluatedProperties"
        | "unevaluatedItems"
        | "maxItems"
        | "maxProperties"
        | "falseSchema" => DifferenceKind::Extra,
        _ => DifferenceKind::Value,
    }
}

/// Formats that the older drafts do not know by themselves.
const LATER_FORMATS: [&str; 10] = [
    "uuid",
    "duration",
    "uri-reference",
    "uri-template",
    "iri",
    "iri-reference",
    "idn-email",
    "idn-hostname",
    "json-pointer",
    "relative-json-pointer",
];

/// A validator for each of them, by the newest draft.
static LATER: LazyLock<Vec<(&'static str, Arc<Validator>)>> = LazyLock::new(|| {
    let validator = |name: &'static str| {
        let schema = serde_json::json!({"type": "string", "format": name});
        let validator = jsonschema::options()
            .offline()
            .should_validate_formats(true)
            .build(&schema);
        validator.ok().map(|validator| (name, Arc::new(validator)))
    };
    LATER_FORMATS.into_iter().filter_map(validator).collect()
});

/// Options that know the later formats whatever the draft.
fn formats(options: ValidationOptions<'_>) -> ValidationOptions<'_> {
    LATER.iter().fold(options, |options, (name, validator)| {
        let validator = Arc::clone(validator);
        options.with_format(*name, move |text: &str| {
            validator.is_valid(&Value::String(text.to_owned()))
        })
    })
}

/// The property names that a schema's text declares, whether or not it compiles.
pub(crate) fn declared(text: &str) -> HashSet<String> {
    let mut names = HashSet::new();
    let small = text.len() <= LARGEST;
    if let Some(schema) = small.then(|| serde_json::from_str(text).ok()).flatten() {
        declare(&schema, &mut names);
    }
    names
}

/// Collects every property name that the schema declares.
fn declare(schema: &Value, names: &mut HashSet<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                names.extend(properties.keys().cloned());
            }
            if let Some(Value::Array(required)) = object.get("required") {
                let required = required.iter().filter_map(Value::as_str);
                names.extend(required.map(str::to_owned));
            }
            object.values().for_each(|part| declare(part, names));
        }
        Value::Array(list) => list.iter().for_each(|part| declare(part, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Compiled schemas by the hash of their text: the least recently used one leaves when there is no more room. What
/// could not be compiled is kept as well, so that it is not tried again for each exchange.
#[derive(Debug, Default)]
pub(crate) struct SchemaCache {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<blake3::Hash, Entry>,
    text_bytes: usize,
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    schema: Result<Arc<Schema>, SchemaError>,
    text_bytes: usize,
    used: u64,
}

// === impl SchemaCache ===

impl SchemaCache {
    /// The compiled form of a schema's text.
    pub(crate) fn get(&self, text: &str) -> Result<Arc<Schema>, SchemaError> {
        let key = blake3::hash(text.as_bytes());
        if let Some(known) = self.lock().touch(&key) {
            return known;
        }
        // Compiled outside the lock: two workers may compile the same schema once, and none waits for another.
        let schema = Schema::compile(text).map(Arc::new);
        self.lock().insert(key, schema.clone(), text.len());
        schema
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn touch(&mut self, key: &blake3::Hash) -> Option<Result<Arc<Schema>, SchemaError>> {
        self.clock += 1;
        let entry = self.entries.get_mut(key)?;
        entry.used = self.clock;
        Some(entry.schema.clone())
    }

    fn insert(
        &mut self,
        key: blake3::Hash,
        schema: Result<Arc<Schema>, SchemaError>,
        bytes: usize,
    ) {
        // What was refused holds nothing but its key.
        let text_bytes = if schema.is_ok() { bytes } else { 0 };
        let entry = Entry {
            schema,
            text_bytes,
            used: self.clock,
        };
        self.text_bytes += text_bytes;
        if let Some(replaced) = self.entries.insert(key, entry) {
            self.text_bytes -= replaced.text_bytes;
        }
        while self.entries.len() > MOST_KEPT
            || (self.text_bytes > MOST_TEXT && self.entries.len() > 1)
        {
            let oldest = self
                .entries
                .iter()
                .min_by_key(|(_, entry)| entry.used)
                .map(|(key, _)| *key);
            let Some(removed) = oldest.and_then(|key| self.entries.remove(&key)) else {
                break;
            };
            self.text_bytes -= removed.text_bytes;
        }
    }
}

#[cfg(test)]
mod tests;
