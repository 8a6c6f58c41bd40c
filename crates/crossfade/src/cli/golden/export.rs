//! `export`: a golden set for another tool.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use crossfade_replay::{Dataset, export::to_promptfoo};

use crate::cli::{failure::Failure, print};

use super::{cases, name, things, write};

/// `export`
#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// For which tool
    #[arg(long, value_enum)]
    to: To,
    /// The golden set
    #[arg(value_name = "FILE")]
    dataset: PathBuf,
    /// The configuration that is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write over a file that is there already
    #[arg(long)]
    force: bool,
    /// The provider that promptfoo is to ask
    #[arg(long, value_name = "ID", default_value = "azure:chat:DEPLOYMENT")]
    provider: String,
    /// Write the configuration although something has no counterpart; it is named all the same
    #[arg(long)]
    allow_unsupported: bool,
}

/// Another tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum To {
    /// promptfoo
    Promptfoo,
}

/// `export`
pub(in crate::cli) fn run(args: &ExportArgs) -> Result<(), Failure> {
    let dataset =
        Dataset::read(&args.dataset).map_err(|errors| Failure::config(errors.to_string()))?;
    let exported = match args.to {
        To::Promptfoo => to_promptfoo(&dataset, &args.provider),
    };
    let exported = exported.map_err(|error| Failure::plain(error.to_string()))?;
    name(&exported.unsupported, 0);
    let missing = exported.unsupported.len();
    if missing > 0 && !args.allow_unsupported {
        let what = format!(
            "without a counterpart: {}; nothing was written",
            things(missing)
        );
        return Err(Failure::new(
            what,
            "change the golden set, or leave them out with --allow-unsupported",
        ));
    }
    write(&args.out, args.force, &exported.config)?;
    print::data(&format!(
        "{} written to {}",
        cases(exported.cases),
        args.out.display()
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_counterpart_ends_it_unless_allowed() {
        let directory = tempfile::tempdir().unwrap();
        let dataset = directory.path().join("golden.jsonl");
        let case = r#"{"id":"a","repeat":2,"request":{"messages":[{"role":"user","content":"Q"}]},"assert":[{"type":"contains","value":"A"}]}"#;
        std::fs::write(&dataset, case).unwrap();
        let args = |allow_unsupported: bool| ExportArgs {
            to: To::Promptfoo,
            dataset: dataset.clone(),
            out: directory.path().join("promptfooconfig.yaml"),
            force: false,
            provider: "some:provider".to_owned(),
            allow_unsupported,
        };
        assert!(
            run(&args(false))
                .unwrap_err()
                .to_string()
                .contains("without a counterpart: 1 thing")
        );
        run(&args(true)).unwrap();
        assert!(
            std::fs::read_to_string(directory.path().join("promptfooconfig.yaml"))
                .unwrap()
                .contains("some:provider")
        );
        std::fs::write(&dataset, "{}").unwrap();
        assert!(run(&args(true)).is_err());
    }
}
