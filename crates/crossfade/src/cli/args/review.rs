//! What can be typed about findings, reviews and what is kept.

use clap::{Args, ValueEnum};

use crossfade_exchange::{ReviewVerdict, VerdictClass};

use super::{AdminArgs, name, one_line, reason};

/// `findings`
#[derive(Debug, Args)]
pub(in super::super) struct FindingsArgs {
    /// The route's name
    pub(in super::super) route: String,
    #[command(flatten)]
    pub(in super::super) admin: AdminArgs,
}

/// `reviews`
#[derive(Debug, Args)]
pub(in super::super) struct ReviewsArgs {
    /// Only this route
    #[arg(long, value_name = "ROUTE")]
    pub(in super::super) route: Option<String>,
    /// In which state
    #[arg(long, value_enum, default_value_t = State::Open)]
    pub(in super::super) state: State,
    /// The newest so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(in super::super) limit: u32,
    #[command(flatten)]
    pub(in super::super) admin: AdminArgs,
}

/// The state of what waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in super::super) enum State {
    /// Nobody has decided it
    Open,
    /// Somebody has
    Decided,
    /// Nobody did in time
    Expired,
    /// Any of these
    All,
}

/// `review`
#[derive(Debug, Args)]
pub(in super::super) struct ReviewArgs {
    /// Which, as `crossfade reviews` shows it
    #[arg(value_name = "ID")]
    pub(in super::super) id: u64,
    /// What you say of the pair: `candidate_better`, `same`, `candidate_worse`, `both_wrong` or `acceptable`
    #[arg(long, value_name = "VERDICT")]
    pub(in super::super) verdict: Option<ReviewVerdict>,
    /// A word on it, for whoever reads it later
    #[arg(long, value_name = "TEXT", value_parser = one_line, requires = "verdict")]
    pub(in super::super) note: Option<String>,
    /// Record that differences of this kind do not matter on this route: they are counted apart from now on, and not asked
    /// about again
    #[arg(long, requires = "verdict", requires = "reason")]
    pub(in super::super) accept_difference: bool,
    /// Why they do not matter; the rule keeps it
    #[arg(long, value_name = "TEXT", value_parser = reason, requires = "accept_difference")]
    pub(in super::super) reason: Option<String>,
    #[command(flatten)]
    pub(in super::super) admin: AdminArgs,
}

/// `rules`
#[derive(Debug, Args)]
pub(in super::super) struct RulesArgs {
    /// The route's name
    pub(in super::super) route: String,
    /// Take this rule back
    #[arg(long, value_name = "SIGNATURE", value_parser = name)]
    pub(in super::super) withdraw: Option<String>,
    #[command(flatten)]
    pub(in super::super) admin: AdminArgs,
}

/// `exchanges`
#[derive(Debug, Args)]
pub(in super::super) struct ExchangesArgs {
    /// Show this one, both answers side by side
    #[arg(value_name = "ID", value_parser = name, conflicts_with_all = ["route", "class", "signature"])]
    pub(in super::super) id: Option<String>,
    /// Only this route
    #[arg(long, value_name = "ROUTE")]
    pub(in super::super) route: Option<String>,
    /// Only this verdict, such as `different_major`
    #[arg(long, value_name = "CLASS")]
    pub(in super::super) class: Option<VerdictClass>,
    /// Only differences of this signature
    #[arg(long, value_name = "SIGNATURE", value_parser = name)]
    pub(in super::super) signature: Option<String>,
    /// The newest so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(in super::super) limit: u32,
    #[command(flatten)]
    pub(in super::super) admin: AdminArgs,
}

/// `forget`
#[derive(Debug, Args)]
#[group(id = "whom", required = true, multiple = false, args = ["user", "credential_env"])]
pub(in super::super) struct ForgetArgs {
    /// Whatever came with this `user` or `safety_identifier`
    #[arg(long, value_name = "ID")]
    pub(in super::super) user: Option<String>,
    /// Whatever came with the key or token in this environment variable
    #[arg(long, value_name = "VARIABLE")]
    pub(in super::super) credential_env: Option<String>,
    #[command(flatten)]
    pub(in super::super) admin: AdminArgs,
}
