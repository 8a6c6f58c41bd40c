//! `import`: a golden set out of another tool's tests.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, ValueEnum};
use crossfade_replay::import::{Format, Imported, Options, Scorer, import};

use crate::cli::{failure::Failure, print};

use super::{cases, lines, name, things, write};

/// `import`
#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArgs {
    /// Whose files they are
    #[arg(long, value_enum)]
    from: From,
    /// The files: a promptfoo configuration or tests; samples or a registry file of openai/evals; samples of Inspect
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The golden set that is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write over a file that is there already
    #[arg(long)]
    force: bool,
    /// The route that the cases stand for
    #[arg(long, value_name = "ROUTE")]
    route: Option<String>,
    /// How answers are judged where the files do not say it; `match` for openai/evals, `includes` for Inspect
    #[arg(long, value_enum)]
    scorer: Option<ScorerName>,
    /// Inspect: the column that holds a field, such as input=question; fields are input, target, choices, id
    #[arg(long = "field", value_name = "FIELD=COLUMN", value_parser = field)]
    fields: Vec<(String, String)>,
    /// Write the set although something could not be imported; it is named all the same
    #[arg(long)]
    allow_unsupported: bool,
}

/// Whose files they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum From {
    /// promptfoo
    Promptfoo,
    /// openai/evals
    OpenaiEvals,
    /// Inspect
    Inspect,
}

/// How answers are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ScorerName {
    /// The answer begins with the target (openai/evals) or ends with it (Inspect)
    Match,
    /// The target stands in the answer
    Includes,
    /// One stands in the other, but for letter case, punctuation and articles
    Fuzzy,
    /// The answer is JSON equal to the target
    Json,
    /// The answer is the target, but for letter case and outer punctuation
    Exact,
}

/// `import`
pub(in crate::cli) fn run(args: &ImportArgs) -> Result<(), Failure> {
    let format = match args.from {
        From::Promptfoo => Format::Promptfoo,
        From::OpenaiEvals => Format::OpenaiEvals,
        From::Inspect => Format::Inspect,
    };
    let options = Options {
        route: args.route.clone(),
        scorer: args.scorer.map(ScorerName::scorer),
        fields: args.fields.iter().cloned().collect::<BTreeMap<_, _>>(),
    };
    let imported = import(format, &args.files, &options).map_err(|error| {
        Failure::new(
            error.to_string(),
            "see `crossfade import --help` for the files that are read",
        )
    })?;
    finish(args, &imported)
}

fn finish(args: &ImportArgs, imported: &Imported) -> Result<(), Failure> {
    name(&imported.unsupported, imported.more);
    let missing = imported.unsupported.len() + imported.more;
    if missing > 0 && !args.allow_unsupported {
        let what = format!(
            "{} cannot be imported, and nothing was written",
            things(missing)
        );
        return Err(Failure::new(
            what,
            "change the files, or take the rest with --allow-unsupported",
        ));
    }
    if imported.cases.is_empty() {
        return Err(Failure::plain("nothing was imported"));
    }
    write(&args.out, args.force, &lines(&imported.cases))?;
    print::data(&format!(
        "{} written to {}",
        cases(imported.cases.len()),
        args.out.display()
    ));
    Ok(())
}

fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, column))
            if ["input", "target", "choices", "id"].contains(&field) && !column.is_empty() =>
        {
            Ok((field.to_owned(), column.to_owned()))
        }
        Some(_) | None => {
            Err("write it like input=question; fields are input, target, choices, id".to_owned())
        }
    }
}

// === impl ScorerName ===

impl ScorerName {
    const fn scorer(self) -> Scorer {
        match self {
            Self::Match => Scorer::Match,
            Self::Includes => Scorer::Includes,
            Self::Fuzzy => Scorer::Fuzzy,
            Self::Json => Scorer::Json,
            Self::Exact => Scorer::Exact,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn args(directory: &Path, allow_unsupported: bool) -> ImportArgs {
        ImportArgs {
            from: From::OpenaiEvals,
            files: vec![directory.join("samples.jsonl")],
            out: directory.join("golden.jsonl"),
            force: false,
            route: Some("support".to_owned()),
            scorer: None,
            fields: Vec::new(),
            allow_unsupported,
        }
    }

    #[test]
    fn what_cannot_be_imported_ends_it_unless_allowed() {
        let directory = tempfile::tempdir().unwrap();
        let samples = "{\"input\":\"Q\",\"ideal\":\"A\"}\n{\"input\":\"Q\"}\n";
        std::fs::write(directory.path().join("samples.jsonl"), samples).unwrap();
        let refused = run(&args(directory.path(), false)).unwrap_err().to_string();
        assert!(refused.contains("1 thing cannot be imported"), "{refused}");
        assert!(!directory.path().join("golden.jsonl").exists());
        run(&args(directory.path(), true)).unwrap();
        let written =
            crossfade_replay::Dataset::read(&directory.path().join("golden.jsonl")).unwrap();
        assert_eq!(written.cases.len(), 1);
        assert_eq!(written.cases[0].route.as_deref(), Some("support"));
    }

    #[test]
    fn fields_are_named() {
        assert_eq!(
            field("input=question"),
            Ok(("input".to_owned(), "question".to_owned()))
        );
        assert!(field("question").is_err() && field("inpt=q").is_err() && field("input=").is_err());
    }
}
