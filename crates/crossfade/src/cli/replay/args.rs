//! What can be typed after `replay`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{
    cli::args::{Output, reason},
    config::Span,
};

/// `replay`
#[derive(Debug, Args)]
pub(in crate::cli) struct ReplayArgs {
    /// The golden set: JSON Lines, a case a line
    #[arg(long, value_name = "FILE")]
    pub(super) dataset: PathBuf,
    /// Where report.json, report.html, summary.md, junit.xml and answers.jsonl go; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub(super) report: PathBuf,
    /// The configuration: the route's checks, its candidate, the endpoints
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The route whose settings are used; cases of other routes are left out. Needed where the cases name several
    #[arg(long, value_name = "NAME")]
    pub(super) route: Option<String>,
    /// The Azure deployment that live requests name; the route's name if it is not given
    #[arg(long, value_name = "NAME")]
    pub(super) deployment: Option<String>,
    /// The api-version of live requests
    #[arg(long, value_name = "VERSION", default_value = "2024-10-21")]
    pub(super) api_version: String,
    /// Where the primary's answers come from; a case's baseline counts as recorded
    #[arg(long, value_enum, default_value_t = From::Recorded)]
    pub(super) primary: From,
    /// Where the candidate's answers come from
    #[arg(long, value_enum, default_value_t = CandidateFrom::Recorded)]
    pub(super) candidate: CandidateFrom,
    /// Recorded answers beside those that stand in the cases: a file that --record wrote
    #[arg(long, value_name = "FILE")]
    pub(super) recordings: Option<PathBuf>,
    /// Write the live answers to this file, so that later runs are free and repeatable
    #[arg(long, value_name = "FILE")]
    pub(super) record: Option<PathBuf>,
    /// How often each case is asked that does not say it itself
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) repeat: u32,
    /// Calls at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) concurrency: u16,
    /// The longest that one call may take
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    pub(super) deadline: Span,
    /// How often a call without an answer is made again
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=20))]
    pub(super) retries: u32,
    /// The most that the run may cost, in USD; needs the prices of the live sides
    #[arg(long, value_name = "USD", value_parser = usd, allow_negative_numbers = true)]
    pub(super) max_usd: Option<f64>,
    /// The most tokens that the run may take, prompts and answers together
    #[arg(long, value_name = "N")]
    pub(super) max_tokens: Option<u64>,
    /// Go on with the run that was interrupted in this report's directory
    #[arg(long)]
    pub(super) resume: bool,
    /// Tell this route of the admin listener what came of it: stage replay is left by that alone
    #[arg(long, value_name = "ROUTE")]
    pub(super) post: Option<String>,
    /// With --post: why it was run; the ledger keeps it
    #[arg(long, value_name = "TEXT", requires = "post", value_parser = reason, default_value = "golden set replayed")]
    pub(super) reason: String,
    /// With --post: the admin listener; the token comes from `CROSSFADE_ADMIN_TOKEN`
    #[arg(
        long,
        value_name = "URL",
        env = "CROSSFADE_ADMIN",
        default_value = "http://127.0.0.1:9901"
    )]
    pub(super) admin: String,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// Where the primary's answers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum From {
    /// Azure is asked
    Live,
    /// From recordings
    Recorded,
    /// The primary is no part of the run
    None,
}

/// Where the candidate's answers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CandidateFrom {
    /// Bedrock is asked
    Live,
    /// From recordings
    Recorded,
}

fn usd(text: &str) -> Result<f64, String> {
    let value: Option<f64> = text.parse().ok();
    value
        .filter(|value| value.is_finite() && *value >= 0.0)
        .ok_or_else(|| format!("{text:?} is no amount: use a number of USD, 0 or more"))
}
