//! A TOML text on its way to types: environment variables are put in, and every error is given its line, its key and
//! the nearest known key. Knows no key by name.

use std::{fmt::Write as _, ops::Range};

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    error::{ConfigError, Problem},
    nearest::nearest,
};

/// Words that a type knows and that are refused all the same, by the key or table in which they stand: not to be offered.
pub(crate) type Refused = &'static [(&'static str, &'static str)];

/// Looks an environment variable up.
pub(crate) type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// A parsed text whose strings hold what the environment says.
pub(crate) struct Document<'t> {
    table: Spanned<DeTable<'t>>,
    places: Places,
    /// What was put in, by its variable, so that an error can show the name instead of the value.
    expanded: Vec<(String, String)>,
}

/// Where every key of a file stands.
#[derive(Debug)]
pub(crate) struct Places {
    file: String,
    text: String,
    entries: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    path: Vec<String>,
    key: Range<usize>,
    value: Range<usize>,
}

// === impl Document ===

impl<'t> Document<'t> {
    /// Parses `text`; `file` is its name in errors.
    pub(crate) fn parse(
        text: &'t str,
        file: &str,
        environment: Environment<'_>,
    ) -> Result<Self, ConfigError> {
        let places = Places {
            file: file.to_owned(),
            text: text.to_owned(),
            entries: Vec::new(),
        };
        let mut table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => {
                let problem = Problem {
                    position: error.span().map(|span| places.position(span.start)),
                    key: String::new(),
                    message: format!("not TOML: {}", error.message().trim_end()),
                };
                return Err(ConfigError::one(file, problem));
            }
        };
        let mut walk = Walk {
            environment,
            places,
            expanded: Vec::new(),
            problems: Vec::new(),
        };
        walk.table(&mut Vec::new(), table.get_mut());
        let Walk {
            places,
            expanded,
            problems,
            ..
        } = walk;
        if problems.is_empty() {
            Ok(Self {
                table,
                places,
                expanded,
            })
        } else {
            Err(ConfigError {
                file: file.to_owned(),
                problems,
            })
        }
    }

    /// Reads the whole document as a `T`; the places stay, for what is found wrong later.
    pub(crate) fn read<T: DeserializeOwned>(
        self,
        refused: Refused,
    ) -> Result<(T, Places), ConfigError> {
        let Self {
            table,
            places,
            expanded,
        } = self;
        match T::deserialize(toml::Deserializer::from(table)) {
            Ok(value) => Ok((value, places)),
            Err(error) => {
                let mut problem = places.explain(&error, refused);
                for (value, name) in &expanded {
                    problem.message = problem.message.replace(value, &format!("${{{name}}}"));
                }
                Err(ConfigError::one(&places.file, problem))
            }
        }
    }
}

/// One walk over a document: notes where each key stands and puts environment variables in.
struct Walk<'e> {
    environment: Environment<'e>,
    places: Places,
    expanded: Vec<(String, String)>,
    problems: Vec<Problem>,
}

impl Walk<'_> {
    fn table(&mut self, path: &mut Vec<String>, table: &mut DeTable<'_>) {
        for (key, value) in table.iter_mut() {
            path.push(key.get_ref().to_string());
            self.entry(path, key.span(), value);
            path.pop();
        }
    }

    fn entry(
        &mut self,
        path: &mut Vec<String>,
        key: Range<usize>,
        value: &mut Spanned<DeValue<'_>>,
    ) {
        let span = value.span();
        self.places.entries.push(Place {
            path: path.clone(),
            key: key.clone(),
            value: span.clone(),
        });
        match value.get_mut() {
            DeValue::String(text) => match expand(text, self.environment, &mut self.expanded) {
                Ok(Some(put_in)) => *text = put_in.into(),
                Ok(None) => {}
                Err(message) => self.problems.push(Problem {
                    position: Some(self.places.position(span.start)),
                    key: path.join("."),
                    message,
                }),
            },
            DeValue::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    path.push(index.to_string());
                    self.entry(path, key.clone(), item);
                    path.pop();
                }
            }
            DeValue::Table(table) => self.table(path, table),
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {}
        }
    }
}

/// Puts environment variables in: `${NAME}` becomes the variable, `$${` a plain `${`. `None` if there is neither.
fn expand(
    text: &str,
    environment: Environment<'_>,
    expanded: &mut Vec<(String, String)>,
) -> Result<Option<String>, String> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = after;
            continue;
        }
        out.push_str(before);
        let (name, after) = after
            .split_once('}')
            .ok_or("\"${\" without \"}\": close it, or write \"$${\" for a plain \"${\"")?;
        let named = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !named {
            return Err(format!(
                "{name:?} is not the name of an environment variable"
            ));
        }
        let value = environment(name)
            .ok_or_else(|| format!("environment variable {name} is not set: set it"))?;
        out.push_str(&value);
        if !value.is_empty() {
            expanded.push((value, name.to_owned()));
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(Some(out))
}

// === impl Places ===

impl Places {
    /// A problem with the key at `path`, or with the nearest table around it that is in the file.
    pub(crate) fn problem(&self, path: &[&str], message: impl Into<String>) -> Problem {
        let place = (1..=path.len()).rev().find_map(|length| {
            self.entries.iter().find(|place| {
                path.get(..length)
                    .is_some_and(|prefix| place.path == prefix)
            })
        });
        Problem {
            position: place.map(|place| self.position(place.key.start)),
            key: path.join("."),
            message: message.into(),
        }
    }

    /// All that is wrong, in the order of the file.
    pub(crate) fn error(&self, mut problems: Vec<Problem>) -> ConfigError {
        problems.sort_by_key(|problem| problem.position);
        ConfigError {
            file: self.file.clone(),
            problems,
        }
    }

    /// Line and column of an offset, both from 1.
    fn position(&self, offset: usize) -> (usize, usize) {
        let mut at = offset.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        (line, column)
    }

    /// The innermost entry that an error's span stands for.
    fn at(&self, span: &Range<usize>) -> Option<&Place> {
        self.entries
            .iter()
            .filter(|place| place.key == *span || place.value == *span)
            .max_by_key(|place| place.path.len())
    }

    /// Puts a deserialiser's error into words.
    fn explain(&self, error: &toml::de::Error, refused: Refused) -> Problem {
        let span = error.span();
        let message = error.message().trim_end();
        let mut path: Vec<String> = span
            .as_ref()
            .and_then(|span| self.at(span))
            .map(|place| place.path.clone())
            .unwrap_or_default();
        let mut words = message.split('`').skip(1).step_by(2);
        let first = words.next().unwrap_or_default();
        let known: Vec<&str> = words.collect();
        let offered = |place: Option<&String>| -> Vec<&str> {
            let not_here = |word: &str| {
                refused
                    .iter()
                    .any(|(of, no)| place.is_some_and(|place| place == of) && *no == word)
            };
            known
                .iter()
                .copied()
                .filter(|word| !not_here(word))
                .collect()
        };
        let said = if message.starts_with("unknown field ") {
            if path.last().is_none_or(|last| last != first) {
                path.push(first.to_owned());
            }
            let table = path.len().checked_sub(2).and_then(|above| path.get(above));
            unknown("key", first, &offered(table))
        } else if message.starts_with("unknown variant ") {
            unknown("value", first, &offered(path.last()))
        } else if message.starts_with("missing field ") {
            path.push(first.to_owned());
            "missing: this key is required".to_owned()
        } else {
            plain(message)
        };
        Problem {
            position: span.map(|span| self.position(span.start)),
            key: path.join("."),
            message: said,
        }
    }
}

/// The message with a type's name in the words of the file.
fn plain(message: &str) -> String {
    match message.rsplit_once(", expected ") {
        Some((what, "f64")) => format!("{what}, expected a number"),
        Some((what, "usize" | "u64" | "u32")) => format!("{what}, expected a whole number"),
        Some(_) | None => message.to_owned(),
    }
}

fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    let mut said = format!("unknown {what} {word:?}");
    if let Some(near) = nearest(word, known) {
        let _ = write!(said, "; did you mean {near:?}?");
    }
    if known.is_empty() {
        said.push_str("; none is known here");
    } else {
        let _ = write!(said, " (known here: {})", known.join(", "));
    }
    said
}
