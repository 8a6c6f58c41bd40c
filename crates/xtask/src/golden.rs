//! `golden`: the importers held against the files of the projects themselves. Each file is imported; each case is written,
//! read again and judged on two answers: one that says nothing, and one that says what the case expects where that can be
//! told. Printed are counts, and what could not be imported, by name.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::Args;
use crossfade_compare::{CheckSettings, Checks};
use crossfade_exchange::CheckOutcome;
use crossfade_replay::{
    Case, CaseAnswer,
    assertion::{AssertionResult, Context, judge},
    import::{Format, Imported, Options, import},
};
use serde_json::{Value, json};

use crate::print;

/// What could not be imported is shown by its first so many names.
const MOST_NAMES: usize = 12;

/// `golden`
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A directory with promptfoo configurations in it, at any depth
    #[arg(long, value_name = "DIR")]
    promptfoo: Option<PathBuf>,
    /// The directory of openai/evals' registry
    #[arg(long, value_name = "DIR")]
    openai_evals: Option<PathBuf>,
    /// Files of samples for Inspect
    #[arg(long, value_name = "FILE")]
    inspect: Vec<PathBuf>,
    /// Which column of those files holds a field, such as input=question
    #[arg(long = "field", value_name = "FIELD=COLUMN")]
    fields: Vec<String>,
}

/// What was counted.
#[derive(Default)]
struct Count {
    files: usize,
    cases: usize,
    assertions: usize,
    met: usize,
    unmet: usize,
    broken: Vec<String>,
    unsupported: BTreeMap<String, usize>,
}

/// Runs it; an error where a case that was imported cannot be read again or judged.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let fields = arguments
        .fields
        .iter()
        .filter_map(|field| field.split_once('='));
    let options = Options {
        fields: fields
            .map(|(field, column)| (field.to_owned(), column.to_owned()))
            .collect(),
        ..Options::default()
    };
    let mut broken = 0;
    for (name, format, files) in [
        (
            "promptfoo",
            Format::Promptfoo,
            found(arguments.promptfoo.as_deref(), is_configuration)?,
        ),
        (
            "openai/evals",
            Format::OpenaiEvals,
            found(arguments.openai_evals.as_deref(), is_registry)?,
        ),
        ("Inspect", Format::Inspect, arguments.inspect.clone()),
    ] {
        if !files.is_empty() {
            let count = count(format, &files, &options)?;
            show(name, &count);
            broken += count.broken.len();
        }
    }
    if broken > 0 {
        bail!("{broken} cases cannot be judged");
    }
    Ok(())
}

fn is_configuration(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("promptfooconfig") && (name.ends_with(".yaml") || name.ends_with(".json"))
}

fn is_registry(path: &Path) -> bool {
    let within = path
        .parent()
        .and_then(Path::file_name)
        .is_some_and(|parent| parent == "evals");
    within
        && path
            .extension()
            .is_some_and(|extension| extension == "yaml")
}

fn found(directory: Option<&Path>, wanted: fn(&Path) -> bool) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = directory.map(Path::to_owned).into_iter().collect();
    while let Some(directory) = open.pop() {
        let entries =
            std::fs::read_dir(&directory).with_context(|| directory.display().to_string())?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn count(format: Format, files: &[PathBuf], options: &Options) -> anyhow::Result<Count> {
    let checks = Checks::new(CheckSettings::default())?;
    let mut count = Count::default();
    for file in files {
        count.files += 1;
        match import(format, std::slice::from_ref(file), options) {
            Ok(imported) => count.add(&imported, &checks)?,
            Err(error) => count.missing(&error.what),
        }
    }
    Ok(count)
}

fn show(name: &str, count: &Count) {
    print::line(format!(
        "{name}: {} files, {} cases, {} assertions; of answers made to fit, {} are met and {} not",
        count.files, count.cases, count.assertions, count.met, count.unmet
    ));
    for broken in count.broken.iter().take(MOST_NAMES) {
        print::line(format!("  cannot be judged: {broken}"));
    }
    let mut names: Vec<(&String, &usize)> = count.unsupported.iter().collect();
    names.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
    for (what, times) in names.iter().take(MOST_NAMES) {
        print::line(format!("  {times:>6}  {what}"));
    }
    if names.len() > MOST_NAMES {
        print::line(format!(
            "          and {} other things that are not imported",
            names.len() - MOST_NAMES
        ));
    }
}

// === impl Count ===

impl Count {
    fn missing(&mut self, what: &str) {
        let short: String = what.chars().take(90).collect();
        *self.unsupported.entry(short).or_default() += 1;
    }

    fn add(&mut self, imported: &Imported, checks: &Checks) -> anyhow::Result<()> {
        for one in &imported.unsupported {
            self.missing(&one.what);
        }
        for case in &imported.cases {
            self.cases += 1;
            let again = Case::read(serde_json::from_str(&case.line())?);
            if again.is_ok_and(|again| again.sha256 == case.sha256) {
                self.judge(case, checks);
            } else {
                self.broken
                    .push(format!("{}: it does not read back", case.id));
            }
        }
        Ok(())
    }

    fn judge(&mut self, case: &Case, checks: &Checks) {
        let equal = |one: &str, other: &str| Ok(if one == other { 1.0 } else { 0.0 });
        let context = Context {
            checks,
            cost_usd: Some(0.0),
            cosine: Some(&equal),
        };
        let silent = judge(case, &answer("…"), &context);
        self.assertions += silent.len();
        let broken = |results: &[AssertionResult]| {
            let error = results
                .iter()
                .find(|result| result.outcome == CheckOutcome::Error);
            error.map(|error| format!("{}: {}: {}", case.id, error.name, error.reason))
        };
        self.broken.extend(broken(&silent));
        if let Some(fitting) = fitting(case) {
            let results = judge(case, &answer(&fitting), &context);
            self.broken.extend(broken(&results));
            if results
                .iter()
                .all(|result| result.outcome == CheckOutcome::Pass)
            {
                self.met += 1;
            } else {
                self.unmet += 1;
            }
        }
    }
}

/// An answer that fits a case with one assertion, where its value says one.
fn fitting(case: &Case) -> Option<String> {
    let [assertion] = case.written().get("assert")?.as_array()?.as_slice() else {
        return None;
    };
    let first = |value: &Value| match value {
        Value::Array(list) => list.first().and_then(Value::as_str).map(str::to_owned),
        Value::String(text) => Some(text.clone()),
        _other => None,
    };
    match assertion.get("type")?.as_str()? {
        "starts-with" | "contains" | "icontains" | "contains-any" | "icontains-any"
        | "fuzzy-match" | "similar" => first(assertion.get("value")?),
        "equals" => match assertion.get("value")? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        },
        _other => None,
    }
}

fn answer(text: &str) -> CaseAnswer {
    let mut answer = CaseAnswer::of_response(
        json!({"id": "c", "object": "chat.completion", "created": 0, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}),
    );
    answer.total_ms = Some(0.0);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_imported_and_judged() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        let config = "prompts: ['{{q}}']\ntests:\n  - vars: {q: Hi}\n    assert: [{type: equals, value: Hello}]\n  - vars: {q: Hi}\n    assert: [{type: javascript, value: x}]\n";
        std::fs::write(deep.join("promptfooconfig.yaml"), config).unwrap();
        std::fs::write(deep.join("other.yaml"), "x: [").unwrap();
        let files = found(Some(directory.path()), is_configuration).unwrap();
        let count = count(Format::Promptfoo, &files, &Options::default()).unwrap();
        assert_eq!(
            (count.files, count.cases, count.met, count.unmet),
            (1, 1, 1, 0)
        );
        assert!(count.broken.is_empty());
        assert_eq!(count.unsupported.values().sum::<usize>(), 2);
    }
}
