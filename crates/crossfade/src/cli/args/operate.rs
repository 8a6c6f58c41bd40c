//! What can be typed to move a route, and to know what moves it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{AdminArgs, Output, reason};

/// `status`
#[derive(Debug, Args)]
pub(in crate::cli) struct StatusArgs {
    #[command(flatten)]
    pub(in crate::cli) admin: AdminArgs,
    /// Only this route, on one screen
    #[arg(value_name = "ROUTE")]
    pub(in crate::cli) route: Option<String>,
    /// Everything that is known: each gate, test and metric, the accounting, money, what the translation lost
    #[arg(long)]
    pub(in crate::cli) details: bool,
}

/// `advance`
#[derive(Debug, Args)]
pub(in crate::cli) struct AdvanceArgs {
    /// The route's name
    pub(in crate::cli) route: String,
    /// Why; the ledger keeps it
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(in crate::cli) reason: String,
    /// Refuse if the route's revision is no longer this one
    #[arg(long, value_name = "REVISION")]
    pub(in crate::cli) if_match: Option<u64>,
    #[command(flatten)]
    pub(in crate::cli) admin: AdminArgs,
}

/// `rollback`
#[derive(Debug, Args)]
pub(in crate::cli) struct RollbackArgs {
    /// The route's name
    pub(in crate::cli) route: String,
    /// Try the way back without going it: nobody's answer changes, and the times it took are kept
    #[arg(long)]
    pub(in crate::cli) drill: bool,
    /// Why; the ledger keeps it
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(in crate::cli) reason: String,
    #[command(flatten)]
    pub(in crate::cli) admin: AdminArgs,
}

/// `signoff`
#[derive(Debug, Args)]
pub(in crate::cli) struct SignoffArgs {
    /// The route's name
    pub(in crate::cli) route: String,
    /// The hash of the report that you have read: it stands at its end
    #[arg(long, value_name = "HASH", value_parser = hash)]
    pub(in crate::cli) report: String,
    /// Why; the ledger keeps it
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(in crate::cli) reason: String,
    #[command(flatten)]
    pub(in crate::cli) admin: AdminArgs,
}

/// `report`
#[derive(Debug, Args)]
pub(in crate::cli) struct ReportArgs {
    /// The route's name
    pub(in crate::cli) route: String,
    /// In which form
    #[arg(long, value_enum)]
    pub(in crate::cli) format: Option<ReportFormat>,
    /// Write it to this file instead of printing it; the name's ending says the form unless --format does
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) out: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) admin: AdminArgs,
}

/// In which form a report is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ReportFormat {
    /// For a ticket or a terminal
    Markdown,
    /// One page that holds everything, to be opened or printed
    Html,
    /// For programs, with everything that the hash is of
    Json,
}

fn hash(text: &str) -> Result<String, String> {
    let hex = |letter: char| letter.is_ascii_digit() || ('a'..='f').contains(&letter);
    if text.len() == 64 && text.chars().all(hex) {
        Ok(text.to_owned())
    } else {
        Err(
            "this is no report's hash (64 hexadecimal digits): copy it from the end of `crossfade report ROUTE`"
                .to_owned(),
        )
    }
}

/// `verify-ledger`
#[derive(Debug, Args)]
#[group(id = "where", required = true, multiple = false)]
pub(in crate::cli) struct VerifySource {
    /// The configuration file, which says where the data directory is
    #[arg(long, value_name = "FILE", group = "where")]
    pub(in crate::cli) config: Option<PathBuf>,
    /// The data directory, or a copy of it
    #[arg(long, value_name = "DIR", group = "where")]
    pub(in crate::cli) data: Option<PathBuf>,
}

/// `verify-ledger`
#[derive(Debug, Args)]
pub(in crate::cli) struct VerifyArgs {
    #[command(flatten)]
    pub(in crate::cli) source: VerifySource,
    /// Compute only this route's decisions again; the chain is checked as a whole
    #[arg(long, value_name = "ROUTE")]
    pub(in crate::cli) route: Option<String>,
    /// A head that `status` showed earlier: it must be the hash of an entry, or history was cut or written anew
    #[arg(long, value_name = "HASH")]
    pub(in crate::cli) head: Option<String>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(in crate::cli) output: Output,
}
