//! JSON schemas of callers and routes: compiled with no way out (no remote or file references), with a pattern engine
//! that runs in linear time, within bounds of size and expansion, and kept in a small cache. Not a check by itself.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use jsonschema::{PatternOptions, Validator, paths::LocationSegment};
use serde_json::Value;

use crate::{expansion, finding::Finding};

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

/// Why a schema cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Over the bound.
    #[error("the schema is larger than 256 KiB; make it smaller")]
    TooLarge,
    /// Its references multiply beyond what one validation may cost.
    #[error("the schema's references expand to too many parts; refer to fewer definitions")]
    TooComplex,
    /// Not a schema, or one that needs what is not offered.
    #[error(
        "not a valid schema, or one with remote references or look-around patterns, which are not resolved; inline them"
    )]
    Unsupported,
}

impl SchemaError {
    /// The fixed phrase for evidence.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "schema_too_large",
            Self::TooComplex => "schema_too_complex",
            Self::Unsupported => "schema_not_supported",
        }
    }
}

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Schema {
    validator: Validator,
    /// Property names that stand in the schema itself: only they may appear in evidence.
    declared: HashSet<String>,
}

// === impl Schema ===

impl Schema {
    /// Compiles a schema from its text. Formats are asserted: structured outputs promise them.
    pub(crate) fn compile(text: &str) -> Result<Self, SchemaError> {
        if text.len() > LARGEST {
            return Err(SchemaError::TooLarge);
        }
        let schema: Value = serde_json::from_str(text).map_err(|_| SchemaError::Unsupported)?;
        if !expansion::is_bounded(&schema) {
            return Err(SchemaError::TooComplex);
        }
        let validator = jsonschema::options()
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(
                PatternOptions::regex()
                    .size_limit(LARGEST_PATTERN)
                    .dfa_size_limit(LARGEST_PATTERN),
            )
            .build(&schema)
            .map_err(|_| SchemaError::Unsupported)?;
        let mut declared = HashSet::new();
        declare(&schema, &mut declared);
        Ok(Self {
            validator,
            declared,
        })
    }

    /// Validates a value. The evidence is the place of the first violation and the keyword that was violated.
    pub(crate) fn check(&self, value: &Value) -> Finding {
        match self.validator.validate(value) {
            Ok(()) => Finding::pass(),
            Err(error) => {
                let mut evidence = String::from("$");
                for segment in error.instance_path().segments() {
                    self.push_segment(&mut evidence, &segment);
                }
                evidence.truncate(evidence.floor_char_boundary(LONGEST_EVIDENCE));
                evidence.push_str(": ");
                evidence.push_str(error.kind().keyword());
                Finding::fail(evidence)
            }
        }
    }

    /// Whether the schema itself declares a property of that name.
    pub(crate) fn declares(&self, name: &str) -> bool {
        self.declared.contains(name)
    }

    fn push_segment(&self, evidence: &mut String, segment: &LocationSegment<'_>) {
        match segment {
            LocationSegment::Property(name) if self.declared.contains(name.as_ref()) => {
                evidence.push('.');
                evidence.push_str(name);
            }
            LocationSegment::Property(_) => evidence.push_str("[*]"),
            LocationSegment::Index(index) => {
                // Writing to a string cannot fail.
                let _ = write!(evidence, "[{index}]");
            }
        }
    }
}

/// Collects every property name that the schema declares.
fn declare(schema: &Value, names: &mut HashSet<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                names.extend(properties.keys().cloned());
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
