//! Files of other tools: found only below the directory of the file that names them, bounded, and read as what their names
//! say they are.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::dataset::read_bounded;

/// A directory that files may be read from.
#[derive(Debug)]
pub(super) struct Root {
    directory: PathBuf,
}

/// A row of a CSV file with its line.
pub(super) type Row = (u64, Map<String, Value>);

/// What a file is by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Yaml,
    Json,
    JsonLines,
    Csv,
    Text,
    Other,
}

// === impl Root ===

impl Root {
    /// The directory that a file stands in.
    pub(super) fn of(path: &Path) -> Result<Self, String> {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            Some(_) | None => Path::new("."),
        };
        Self::at(directory)
    }

    /// A directory.
    pub(super) fn at(directory: &Path) -> Result<Self, String> {
        let directory = directory
            .canonicalize()
            .map_err(|error| format!("cannot be opened: {error}"))?;
        Ok(Self { directory })
    }

    /// The file of a reference, which may begin with `file://`. A reference out of the directory, by `..` or a link, is
    /// refused.
    pub(super) fn find(&self, reference: &str) -> Result<PathBuf, String> {
        let relative = reference.strip_prefix("file://").unwrap_or(reference);
        let path = self
            .directory
            .join(relative)
            .canonicalize()
            .map_err(|error| format!("{reference} cannot be opened: {error}"))?;
        if path.starts_with(&self.directory) {
            Ok(path)
        } else {
            Err(format!(
                "{reference} is outside of the directory of the file that names it"
            ))
        }
    }

    /// The text of a reference.
    pub(super) fn text(&self, reference: &str) -> Result<String, String> {
        text(&self.find(reference)?).map_err(|what| format!("{reference} {what}"))
    }

    /// What a reference holds: a value of YAML or JSON, or a text.
    pub(super) fn value(&self, reference: &str) -> Result<Value, String> {
        let path = self.find(reference)?;
        let text = text(&path).map_err(|what| format!("{reference} {what}"))?;
        let read = match Kind::of(&path) {
            Kind::Yaml => yaml(&text),
            Kind::Json => serde_json::from_str(&text).map_err(|error| error.to_string()),
            Kind::Text => return Ok(Value::String(text)),
            Kind::JsonLines | Kind::Csv | Kind::Other => {
                Err("not a file of YAML, JSON or text".to_owned())
            }
        };
        read.map_err(|what| format!("{reference}: {what}"))
    }
}

// === impl Kind ===

impl Kind {
    pub(super) fn of(path: &Path) -> Self {
        let extension = path
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        match extension.as_str() {
            "yaml" | "yml" => Self::Yaml,
            "json" => Self::Json,
            "jsonl" | "ndjson" => Self::JsonLines,
            "csv" => Self::Csv,
            "txt" | "md" | "j2" => Self::Text,
            _other => Self::Other,
        }
    }
}

/// The text of a file.
pub(super) fn text(path: &Path) -> Result<String, String> {
    let bytes = read_bounded(path)?;
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    if text.starts_with("version https://git-lfs") {
        return Err("is only a pointer to a file in Git LFS: fetch it".to_owned());
    }
    Ok(text
        .strip_prefix('\u{feff}')
        .map_or_else(|| text.clone(), str::to_owned))
}

/// A value of YAML. `yes` and `no` are texts, as in YAML 1.2; what aliases expand to is bounded by the reader.
pub(super) fn yaml(text: &str) -> Result<Value, String> {
    let options = serde_saphyr::options! { strict_booleans: true };
    let value: Value = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| format!("not YAML: {}", first_line(&error.to_string())))?;
    Ok(value)
}

/// The values of JSON Lines, each with its line from 1 or what is wrong with it.
pub(super) fn json_lines(text: &str) -> impl Iterator<Item = (usize, Result<Value, String>)> {
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(place, line)| {
        let value = serde_json::from_str(line).map_err(|error| format!("not JSON: {error}"));
        (place + 1, value)
    })
}

/// The rows of a CSV file as objects of texts by the names of the first row, each with its line.
pub(super) fn csv_rows(text: &str) -> Result<Vec<Row>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(text.as_bytes());
    let names = reader
        .headers()
        .map_err(|error| format!("not CSV: {error}"))?
        .clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| format!("not CSV: {error}"))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cells = names.iter().zip(record.iter());
        let row =
            cells.map(|(name, cell)| (name.trim().to_owned(), Value::String(cell.to_owned())));
        rows.push((line, row.collect()));
    }
    Ok(rows)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
