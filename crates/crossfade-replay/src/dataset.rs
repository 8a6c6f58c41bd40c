//! A golden set: JSON Lines, one case a line; empty lines are passed over. It is read whole and within bounds, and
//! everything that is wrong with it is said at once.

use std::{
    collections::HashMap,
    fmt,
    io::Read as _,
    path::{Path, PathBuf},
};

use crate::{
    canonical::sha256,
    case::Case,
    object::{Problem, shown},
    strict,
};

/// A golden set.
#[derive(Debug)]
pub struct Dataset {
    /// Its cases, in the order of the file; at least one.
    pub cases: Vec<Case>,
    /// SHA-256 over the cases' own hashes, in lower-case hexadecimal. The order of the cases does not matter: this is what a
    /// rollout's stage names.
    pub sha256: String,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetErrors {
    /// The file, if it came from one.
    pub file: Option<PathBuf>,
    /// The first [`DatasetErrors::MOST`] problems, each with its line from 1; line 0 is the file as a whole.
    pub problems: Vec<(usize, Problem)>,
    /// How many more there are.
    pub more: usize,
}

// === impl Dataset ===

impl Dataset {
    /// The largest file that is read, in bytes.
    pub const LARGEST: u64 = 256 << 20;
    /// The longest line, in bytes.
    pub const LONGEST_LINE: usize = 8 << 20;
    /// The most cases.
    pub const MOST_CASES: usize = 100_000;

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, DatasetErrors> {
        let bytes = read_bounded(path).map_err(|what| DatasetErrors::of_file(what).named(path))?;
        Self::parse(&bytes).map_err(|errors| errors.named(path))
    }

    /// Reads the bytes of a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, DatasetErrors> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            DatasetErrors::of_file(format!("not UTF-8 after byte {}", error.valid_up_to()))
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut errors = DatasetErrors::none();
        let mut cases: Vec<Case> = Vec::new();
        let mut ids: HashMap<String, usize> = HashMap::new();
        let lines = text
            .lines()
            .enumerate()
            .map(|(place, line)| (place + 1, line));
        for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            if cases.len() >= Self::MOST_CASES {
                let what = format!("more than {} cases; split the file", Self::MOST_CASES);
                errors.push(number, Problem::new("", what));
                break;
            }
            match read_line(line) {
                Ok(case) => {
                    if let Some(before) = ids.insert(case.id.clone(), number) {
                        let what = format!(
                            "{} is the id of line {before} too; ids are unique",
                            shown(&case.id)
                        );
                        errors.push(number, Problem::new("id", what));
                    }
                    cases.push(case);
                }
                Err(problems) => {
                    for problem in problems {
                        errors.push(number, problem);
                    }
                }
            }
        }
        if errors.is_empty() && cases.is_empty() {
            errors.push(0, Problem::new("", "it has no cases"));
        }
        if errors.is_empty() {
            Ok(Self::of(cases))
        } else {
            Err(errors)
        }
    }

    fn of(cases: Vec<Case>) -> Self {
        let mut hashes: Vec<&str> = cases.iter().map(|case| case.sha256.as_str()).collect();
        hashes.sort_unstable();
        let sha256 = sha256(&hashes.join("\n"));
        Self { cases, sha256 }
    }
}

fn read_line(line: &str) -> Result<Case, Vec<Problem>> {
    let wrong = |what: String| vec![Problem::new("", what)];
    if line.len() > Dataset::LONGEST_LINE {
        return Err(wrong(format!(
            "longer than {} bytes",
            Dataset::LONGEST_LINE
        )));
    }
    let value = strict::parse(line).map_err(|error| wrong(format!("not JSON: {error}")))?;
    Case::read(value)
}

/// The bytes of a file that is not larger than a golden set may be.
pub(crate) fn read_bounded(path: &Path) -> Result<Vec<u8>, String> {
    let file = std::fs::File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    let mut bytes = Vec::new();
    file.take(Dataset::LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= Dataset::LARGEST) {
        Ok(bytes)
    } else {
        Err(format!("larger than {} bytes; split it", Dataset::LARGEST))
    }
}

// === impl DatasetErrors ===

impl DatasetErrors {
    /// Problems that are kept; further ones are counted.
    pub const MOST: usize = 100;

    const fn none() -> Self {
        Self {
            file: None,
            problems: Vec::new(),
            more: 0,
        }
    }

    fn of_file(what: String) -> Self {
        let mut errors = Self::none();
        errors.push(0, Problem::new("", what));
        errors
    }

    fn named(self, path: &Path) -> Self {
        Self {
            file: Some(path.to_owned()),
            ..self
        }
    }

    fn push(&mut self, line: usize, problem: Problem) {
        if self.problems.len() < Self::MOST {
            self.problems.push((line, problem));
        } else {
            self.more += 1;
        }
    }

    const fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }
}

impl std::error::Error for DatasetErrors {}

impl fmt::Display for DatasetErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (line, problem)) in self.problems.iter().enumerate() {
            if place > 0 {
                writeln!(f)?;
            }
            if let Some(file) = &self.file {
                write!(f, "{}:", file.display())?;
            }
            if *line > 0 {
                write!(f, "{line}:")?;
            }
            if self.file.is_some() || *line > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{problem}")?;
        }
        if self.more > 0 {
            write!(f, "\nand {} more", self.more)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str) -> String {
        format!(
            r#"{{"id":"{id}","request":{{"messages":[{{"role":"user","content":"Hi"}}]}},"assert":[{{"type":"equals","value":"Hello"}}]}}"#
        )
    }

    #[test]
    fn a_file_is_read_and_its_order_does_not_matter_to_the_hash() {
        let (a, b) = (line("a"), line("b"));
        let one = Dataset::parse(format!("\u{feff}{a}\n\n{b}\n").as_bytes()).unwrap();
        let other = Dataset::parse(format!("{b}\r\n{a}").as_bytes()).unwrap();
        assert_eq!(one.cases.len(), 2);
        assert_eq!(one.sha256, other.sha256);
        assert_ne!(one.sha256, Dataset::parse(a.as_bytes()).unwrap().sha256);
    }

    #[test]
    fn every_problem_is_said_with_its_line() {
        let text = format!("{}\nnot json\n{{\"id\":7}}\n{}\n", line("a"), line("a"));
        let errors = Dataset::parse(text.as_bytes()).unwrap_err();
        let shown = errors.named(Path::new("golden.jsonl")).to_string();
        let lines: Vec<&str> = shown.lines().collect();
        assert!(
            lines[0].starts_with("golden.jsonl:2: not JSON: "),
            "{shown}"
        );
        assert_eq!(
            lines[1],
            "golden.jsonl:3: id: it must be a text, and is a number"
        );
        assert!(
            lines[2].starts_with("golden.jsonl:3: request: it is missing"),
            "{shown}"
        );
        assert!(
            lines
                .last()
                .unwrap()
                .starts_with("golden.jsonl:4: id: \"a\" is the id of line 1 too"),
            "{shown}"
        );
    }

    #[test]
    fn what_is_no_golden_set_is_refused() {
        let check = |bytes: &[u8], expected: &str| {
            let errors = Dataset::parse(bytes).unwrap_err().to_string();
            assert!(errors.contains(expected), "{errors}");
        };
        check(b"", "it has no cases");
        check(b"\n \n", "it has no cases");
        check(b"\xff", "not UTF-8 after byte 0");
        check(b"[]", "a case is an object");
        let many = "{}\n".repeat(200);
        check(many.as_bytes(), "and ");
        let missing = Dataset::read(Path::new("/does/not/exist.jsonl")).unwrap_err();
        assert!(
            missing
                .to_string()
                .starts_with("/does/not/exist.jsonl: cannot be opened")
        );
    }
}
