//! Golden sets out of other tools' test files: promptfoo, openai/evals, Inspect. Only what has the same meaning here becomes
//! a case; everything else is named with its place, and never dropped in silence. No code of a test file is ever run, nothing
//! is fetched, and files are read only from the directory of the file that names them.

mod evals;
mod files;
mod inspect;
mod promptfoo;
mod template;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use crate::{assertion::Assertion, case::Case, dataset::Dataset};

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// promptfoo: a configuration (YAML, JSON) or a file of tests (YAML, JSON, JSON Lines, CSV).
    Promptfoo,
    /// openai/evals: samples (JSON Lines) or the registry's YAML, which names them.
    OpenaiEvals,
    /// Inspect: samples (JSON, JSON Lines, CSV).
    Inspect,
}

/// How the answers to samples are judged that do not say it themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scorer {
    /// The answer begins with the target (openai/evals) or ends with it (Inspect).
    Match,
    /// The target stands in the answer.
    Includes,
    /// One stands in the other, but for letter case, punctuation and articles.
    Fuzzy,
    /// The answer is JSON equal to the target.
    Json,
    /// The answer is the target, but for letter case and outer punctuation.
    Exact,
}

/// What the caller says about the files.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The route that the cases stand for.
    pub route: Option<String>,
    /// How answers are judged; by the tool's own default if absent.
    pub scorer: Option<Scorer>,
    /// Inspect: which member or column holds `input`, `target`, `choices`, `id`.
    pub fields: BTreeMap<String, String>,
}

/// What came of an import.
#[derive(Debug, Default)]
pub struct Imported {
    /// The cases.
    pub cases: Vec<Case>,
    /// What could not be imported, at most [`Imported::MOST`].
    pub unsupported: Vec<Unsupported>,
    /// How much more of it there is.
    pub more: usize,
}

/// Something that could not be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// Where: a file, and a place in it.
    pub place: String,
    /// What, by its name, and why.
    pub what: String,
}

/// A file that cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {what}")]
pub struct ImportError {
    /// The file.
    pub file: String,
    /// What is wrong.
    pub what: String,
}

/// Imports files of one format.
pub fn import(
    format: Format,
    paths: &[PathBuf],
    options: &Options,
) -> Result<Imported, ImportError> {
    let mut collector = Collector::new(options);
    for path in paths {
        match format {
            Format::Promptfoo => promptfoo::import(path, &mut collector)?,
            Format::OpenaiEvals => evals::import(path, &mut collector)?,
            Format::Inspect => inspect::import(path, &mut collector)?,
        }
    }
    Ok(collector.imported)
}

/// A case on its way.
struct Draft {
    /// Where it stands, for messages.
    place: String,
    /// A name that may have to be made unique.
    id: String,
    request: Value,
    assertions: Vec<Value>,
    metadata: Map<String, Value>,
}

/// Takes what importers find.
struct Collector<'o> {
    options: &'o Options,
    imported: Imported,
    ids: HashSet<String>,
    noted: HashSet<String>,
}

// === impl Imported ===

impl Imported {
    /// Things that could not be imported whose names are kept.
    pub const MOST: usize = 1000;
}

// === impl Unsupported ===

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

// === impl ImportError ===

impl ImportError {
    fn new(path: &Path, what: impl Into<String>) -> Self {
        Self {
            file: path.display().to_string(),
            what: what.into(),
        }
    }
}

// === impl Collector ===

impl<'o> Collector<'o> {
    fn new(options: &'o Options) -> Self {
        Self {
            options,
            imported: Imported::default(),
            ids: HashSet::new(),
            noted: HashSet::new(),
        }
    }

    /// Notes that something cannot be imported; what several prompts of one test have in common is noted once.
    fn unsupported(&mut self, place: impl Into<String>, what: impl Into<String>) {
        let one = Unsupported {
            place: place.into(),
            what: what.into(),
        };
        if self.imported.unsupported.len() >= Imported::MOST {
            self.imported.more += 1;
        } else if self.noted.insert(one.to_string()) {
            self.imported.unsupported.push(one);
        }
    }

    /// Takes a case. Assertions that are not understood are noted and left out; a case of which none is left is left out.
    fn add(&mut self, draft: Draft) {
        let Draft {
            place,
            id,
            request,
            assertions,
            metadata,
        } = draft;
        if self.imported.cases.len() >= Dataset::MOST_CASES {
            self.unsupported(place, format!("more than {} cases", Dataset::MOST_CASES));
            return;
        }
        let mut kept = Vec::with_capacity(assertions.len());
        for (index, assertion) in assertions.into_iter().enumerate() {
            let mut problems = Vec::new();
            Assertion::read_all(vec![assertion.clone()], "assert", &mut problems);
            if problems.is_empty() {
                kept.push(assertion);
            }
            for problem in problems {
                let at = problem
                    .place
                    .replacen("assert[0]", &format!("assert[{index}]"), 1);
                // Which types there are is the documentation's to say, not each line's.
                let what = match problem.what.split_once("; known are ") {
                    Some((what, _)) => what.to_owned(),
                    None => problem.what,
                };
                self.unsupported(format!("{place}.{at}"), what);
            }
        }
        if kept.is_empty() {
            self.unsupported(place, "the case is left out: no assertion is left");
            return;
        }
        let id = self.unique(&id);
        let mut case = json!({"id": id, "request": request, "assert": kept});
        if let Value::Object(members) = &mut case {
            if let Some(route) = &self.options.route {
                members.insert("route".to_owned(), json!(route));
            }
            if !metadata.is_empty() {
                members.insert("metadata".to_owned(), Value::Object(metadata));
            }
        }
        match Case::read(case) {
            Ok(case) => self.imported.cases.push(case),
            Err(problems) => {
                for problem in problems {
                    self.unsupported(place.clone(), problem.to_string());
                }
            }
        }
    }

    fn unique(&mut self, id: &str) -> String {
        let mut name = id.to_owned();
        let mut number = 2;
        while !self.ids.insert(name.clone()) {
            name = format!("{id}-{number}");
            number += 1;
        }
        name
    }
}

/// A name for cases of a file.
fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let plain: String = stem
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .take(100)
        .collect();
    if plain.is_empty() {
        "case".to_owned()
    } else {
        plain
    }
}

/// A pattern that matches one of several texts as they stand.
fn any_of(texts: &[String]) -> String {
    let escaped: Vec<String> = texts.iter().map(|text| regex::escape(text)).collect();
    format!("(?:{})", escaped.join("|"))
}

/// That one of several assertions passes.
fn one_passes(mut assertions: Vec<Value>) -> Value {
    if assertions.len() == 1 {
        return assertions.remove(0);
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of alternatives")]
    let threshold = 1.0 / assertions.len() as f64;
    json!({"type": "assert-set", "threshold": threshold, "assert": assertions})
}
