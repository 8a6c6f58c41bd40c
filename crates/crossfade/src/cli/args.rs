//! What can be typed. Every command shows an example; none does anything here.

mod operate;
mod review;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crossfade_exchange::Percent;

pub(super) use operate::{
    AdvanceArgs, ReportArgs, ReportFormat, RollbackArgs, SignoffArgs, StatusArgs, VerifyArgs,
};
pub(super) use review::{
    ExchangesArgs, FindingsArgs, ForgetArgs, ReviewArgs, ReviewsArgs, RulesArgs, State,
};

use crate::text::is_control;

/// Moves applications from Azure OpenAI to Amazon Bedrock on evidence.
#[derive(Debug, Parser)]
#[command(
    name = "crossfade",
    version,
    propagate_version = true,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    after_help = "Example:\n  crossfade check --config config/crossfade.toml\n\nExit codes: 0 done, 64 usage, 78 configuration, 1 anything else."
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
#[expect(
    clippy::large_enum_variant,
    reason = "one value, made once in the life of the process"
)]
pub(super) enum Command {
    /// Run the proxy, the comparison and the admin listener
    #[command(after_help = "Example:\n  crossfade serve --config config/crossfade.toml")]
    Serve(ServeArgs),
    /// Show the whole story on this machine, with simulated providers and no credentials
    #[cfg(feature = "demo")]
    #[command(after_help = "Example:\n  crossfade demo --seconds 60")]
    Demo(DemoArgs),
    /// Validate a configuration, and say what each route may do and why not more
    #[command(after_help = "Example:\n  crossfade check --config config/crossfade.toml")]
    Check(CheckArgs),
    /// Show every route in a line, or one on a screen: who answers, what moved last, what comes next and why not yet
    #[command(
        after_help = "Example:\n  CROSSFADE_ADMIN_TOKEN=… crossfade status\n  crossfade status support\n  crossfade status support --details"
    )]
    Status(StatusArgs),
    /// Set the share of a route's traffic that the candidate answers
    #[command(
        after_help = "Example:\n  crossfade split support 5 --reason \"first step, agreed with the team\""
    )]
    Split(SplitArgs),
    /// Let a route go on to its next stage, or to the next step of its ramp
    #[command(
        after_help = "Example:\n  crossfade advance support --reason \"report read, team agrees\"\n\nRefused with everything that is missing: minimum time, users, coverage, gates, the owner's sign-off."
    )]
    Advance(AdvanceArgs),
    /// Let a route stay where it is until it is resumed
    #[command(after_help = "Example:\n  crossfade hold support --reason \"release freeze\"")]
    Hold(ReasonArgs),
    /// Agree that a stage may be left, naming the report that you have read; for owners
    #[command(
        after_help = "Example:\n  crossfade report support --out report.html\n  crossfade signoff support --report 6f1d…64 digits… --reason \"read and agreed\"\n\nIt is void as soon as the candidate, its prompt, the checks or the rollout's settings change."
    )]
    Signoff(SignoffArgs),
    /// Give a route back to the primary, at once; or try that without harm
    #[command(
        after_help = "Example:\n  crossfade rollback support --reason \"odd answers in tickets\"\n  crossfade rollback support --drill --reason \"monthly drill\""
    )]
    Rollback(RollbackArgs),
    /// Allow a route to be raised again after a roll-back, for owners; or lift a hold
    #[command(after_help = "Example:\n  crossfade resume support --reason \"prompt repaired\"")]
    Resume(ReasonArgs),
    /// Show the migration report of a route: eight questions, each with its evidence
    #[command(
        after_help = "Example:\n  crossfade report support --out report.html\n\nIt ends with its hash, which `crossfade signoff` names. No word of a prompt or an answer stands in it."
    )]
    Report(ReportArgs),
    /// Switch mirroring on or off for all routes
    #[command(
        after_help = "Example:\n  crossfade mirror off --reason \"candidate's quota is needed elsewhere\""
    )]
    Mirror(MirrorArgs),
    /// Show the history: every change of a split, who made it and why
    #[command(after_help = "Example:\n  crossfade ledger --route support --limit 20")]
    Ledger(LedgerArgs),
    /// Compute every decision again from the outcome log; reads files only, also while a controller runs
    #[command(
        after_help = "Example:\n  crossfade verify-ledger --config config/crossfade.toml\n\nEnds with 1 at the first entry that does not hold, and names it."
    )]
    VerifyLedger(VerifyArgs),
    /// Show what the comparison of a route has found: agreement by check, the noise floor, the kinds of differences
    #[command(after_help = "Example:\n  crossfade findings support")]
    Findings(FindingsArgs),
    /// List the pairs that wait for a person, or that people have decided
    #[command(after_help = "Example:\n  crossfade reviews --route support --state open")]
    Reviews(ReviewsArgs),
    /// Show a pair that waits for a person, both answers side by side, or decide it
    #[command(
        after_help = "Example:\n  crossfade review 17 --verdict same --note \"only the wording differs\"\n  crossfade review 17 --verdict acceptable --accept-difference --reason \"dates are ISO now, agreed\""
    )]
    Review(ReviewArgs),
    /// Show the rules by which differences of a route do not matter, or withdraw one
    #[command(
        after_help = "Example:\n  crossfade rules support --withdraw 8d3f0c6b1a2e4f5087969ab3c4d5e6f7"
    )]
    Rules(RulesArgs),
    /// List the exchanges that are kept as evidence, or show one
    #[command(
        after_help = "Example:\n  crossfade exchanges --route support --class different_major"
    )]
    Exchanges(ExchangesArgs),
    /// Delete what is kept of one caller; for owners
    #[command(after_help = "Example:\n  crossfade forget --user customer-4711")]
    Forget(ForgetArgs),
    /// Run a golden set against recorded or live sides, and report how they compare
    #[command(
        after_help = "Example:\n  crossfade replay --dataset golden.jsonl --report out\n  crossfade replay --dataset golden.jsonl --report out --config config/crossfade.toml --route support --primary live --candidate live --repeat 3 --max-usd 5 --record answers.jsonl\n\nExit codes: 0 passed, 100 a case failed, 3 inconclusive, 4 the budget is spent, 64 usage, 78 configuration, data set or recordings, 1 anything else, an interrupted run included."
    )]
    Replay(super::replay::ReplayArgs),
    /// Make a golden set out of tests of promptfoo, openai/evals or Inspect
    #[command(
        after_help = "Example:\n  crossfade import --from promptfoo promptfooconfig.yaml --route support --out golden.jsonl\n\nWhat cannot be imported is named, and ends the command with 1 unless --allow-unsupported stands there."
    )]
    Import(super::golden::import::ImportArgs),
    /// Write a golden set as a configuration of promptfoo
    #[command(
        after_help = "Example:\n  crossfade export --to promptfoo golden.jsonl --out promptfooconfig.yaml\n\nWhat has no counterpart is named, and ends the command with 1 unless --allow-unsupported stands there."
    )]
    Export(super::golden::export::ExportArgs),
    /// Make a golden set out of kept exchanges and what people said of them
    #[command(
        after_help = "Example:\n  CROSSFADE_ADMIN_TOKEN=… crossfade capture --route support --reviewed --limit 100 --out golden.jsonl"
    )]
    Capture(super::golden::capture::CaptureArgs),
    /// Run a simulated provider alone
    #[cfg(feature = "demo")]
    #[command(
        after_help = "Example:\n  crossfade simulate bedrock --address 127.0.0.1:9100 --first-content 300ms --fault exception:ThrottlingException --fault-share 0.1"
    )]
    Simulate(SimulateArgs),
}

/// `serve`
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// What this process does
    #[arg(long, value_enum, default_value_t = Role::All)]
    pub(super) role: Role,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Role {
    /// Everything
    All,
    /// Answer applications; needs a backplane that is shared
    Proxy,
    /// Compare and decide; needs a backplane that is shared
    Worker,
}

/// `demo`
#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// How long the story takes
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(20..=3600))]
    pub(super) seconds: u64,
    /// Stay up afterwards, with the admin listener
    #[arg(long)]
    pub(super) keep: bool,
}

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// `check`
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
    /// Ask the real endpoint of each route what its model takes: a few small calls, which cost money
    #[arg(long)]
    pub(super) probe: bool,
    /// The route's rate in requests a second: how long its stages are likely to take, and whether they will see enough
    #[arg(long, value_name = "RPS", value_parser = rate, allow_negative_numbers = true)]
    pub(super) rate: Option<f64>,
    /// With --probe: only this route
    #[arg(long, value_name = "ROUTE", requires = "probe")]
    pub(super) route: Option<String>,
}

/// A rate that time can be counted with.
fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        Ok(_) | Err(_) => Err("not a rate: use a number over 0, in requests a second".to_owned()),
    }
}

/// Where the admin API is, and how what it says is printed.
#[derive(Clone, Debug, Args)]
pub(super) struct AdminArgs {
    /// The admin listener; the token comes from `CROSSFADE_ADMIN_TOKEN`
    #[arg(
        long,
        value_name = "URL",
        env = "CROSSFADE_ADMIN",
        default_value = "http://127.0.0.1:9901"
    )]
    pub(super) admin: String,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// `split`
#[derive(Debug, Args)]
pub(super) struct SplitArgs {
    /// The route's name
    pub(super) route: String,
    /// The share that the candidate answers, 0 to 100
    #[arg(value_parser = percent, allow_negative_numbers = true)]
    pub(super) percent: Percent,
    /// Why; the ledger keeps it
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(super) reason: String,
    /// Go beyond what the plan allows; for owners, and recorded as such
    #[arg(long = "override")]
    pub(super) beyond_plan: bool,
    /// Refuse if the route's revision is no longer this one
    #[arg(long, value_name = "REVISION")]
    pub(super) if_match: Option<u64>,
    #[command(flatten)]
    pub(super) admin: AdminArgs,
}

/// `hold`, `resume`
#[derive(Debug, Args)]
pub(super) struct ReasonArgs {
    /// The route's name
    pub(super) route: String,
    /// Why; the ledger keeps it
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(super) reason: String,
    #[command(flatten)]
    pub(super) admin: AdminArgs,
}

/// `mirror`
#[derive(Debug, Args)]
pub(super) struct MirrorArgs {
    /// On or off
    #[arg(value_enum)]
    pub(super) switch: Switch,
    /// Why; the ledger keeps it
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(super) reason: String,
    #[command(flatten)]
    pub(super) admin: AdminArgs,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Switch {
    /// Copies are sent
    On,
    /// No copy is sent
    Off,
}

/// `ledger`
#[derive(Debug, Args)]
pub(super) struct LedgerArgs {
    /// Only this route
    #[arg(long, value_name = "ROUTE")]
    pub(super) route: Option<String>,
    /// The newest so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) limit: u32,
    #[command(flatten)]
    pub(super) admin: AdminArgs,
}

/// `simulate`
#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// Which provider
    #[arg(value_enum)]
    pub(super) provider: Provider,
    /// Where it listens; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(super) address: std::net::SocketAddr,
    /// Time to the first content, such as 300ms
    #[arg(long, value_name = "DURATION", default_value = "0ms")]
    pub(super) first_content: crate::config::Span,
    /// Tokens a second after that; 0 is as fast as it can be sent
    #[arg(long, value_name = "N", default_value_t = 0.0)]
    pub(super) tokens_per_second: f64,
    /// What goes wrong: hang, no-read, reset, garbage, drip:DURATION, status:CODE, status:CODE:RETRY-AFTER, truncate:DELTAS,
    /// end-early:DELTAS, linger, stall:DELTAS, huge:SIZE, no-events, unknown-events, unknown-finish:WORD, exception:NAME,
    /// exception-in-stream:NAME:DELTAS
    #[arg(long, value_name = "FAULT")]
    pub(super) fault: Option<String>,
    /// The share of requests that meet the fault, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    pub(super) fault_share: f64,
}

/// A provider that can be simulated.
#[cfg(feature = "demo")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Provider {
    /// Azure OpenAI
    Azure,
    /// Amazon Bedrock's runtime, with its OpenAI-compatible endpoints
    Bedrock,
    /// Amazon Bedrock's other host, bedrock-mantle: the OpenAI-compatible endpoints, with state
    Mantle,
}

fn percent(text: &str) -> Result<Percent, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    let value: f64 = number
        .parse()
        .map_err(|_| format!("{text:?} is not a percentage: use a number from 0 to 100"))?;
    Percent::new(value).map_err(|error| error.to_string())
}

pub(super) fn reason(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("say why: the ledger keeps it".to_owned())
    } else if text.chars().any(is_control) {
        Err("it has control characters: write plain text in one line".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn one_line(text: &str) -> Result<String, String> {
    if text.chars().any(is_control) {
        Err("it has control characters: write plain text in one line".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn name(text: &str) -> Result<String, String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if !text.is_empty() && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("this is no id: copy it from the list".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Cli::try_parse_from(line.split(' ')).map(|cli| cli.command)
    }

    #[test]
    fn the_parser_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        use clap::CommandFactory as _;
        for command in Cli::command().get_subcommands() {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(help.contains("Example:\n  "), "{}", command.get_name());
            assert!(
                help.contains(command.get_name()),
                "{}: {help}",
                command.get_name()
            );
            assert!(command.get_about().is_some(), "{}", command.get_name());
        }
    }

    #[test]
    fn what_is_typed() {
        let Ok(Command::Split(split)) =
            parse("crossfade split support 12.5 --reason why --override --if-match 7")
        else {
            panic!("split")
        };
        assert_eq!(split.route, "support");
        assert!((split.percent.percent() - 12.5).abs() < f64::EPSILON);
        assert!(split.beyond_plan);
        assert_eq!(split.if_match, Some(7));
        assert_eq!(split.admin.output, Output::Text);
        assert!(matches!(
            parse("crossfade serve --config x.toml"),
            Ok(Command::Serve(ServeArgs {
                role: Role::All,
                ..
            }))
        ));
        assert!(matches!(
            parse("crossfade mirror off --reason x"),
            Ok(Command::Mirror(_))
        ));
        assert!(matches!(
            parse("crossfade split a 5% --reason x"),
            Ok(Command::Split(_))
        ));
    }

    #[test]
    fn what_is_refused() {
        for (line, part) in [
            ("crossfade frobnicate", "unrecognized subcommand"),
            ("crossfade serve", "--config <FILE>"),
            (
                "crossfade split support 101 --reason x",
                "use a number from 0 to 100",
            ),
            (
                "crossfade split support -1 --reason x",
                "use a number from 0 to 100",
            ),
            (
                "crossfade split support ten --reason x",
                "use a number from 0 to 100",
            ),
            ("crossfade split support 5", "--reason <TEXT>"),
            ("crossfade rollback support --reason ", "say why"),
            (
                "crossfade rollback support --reason a\u{1b}[2Jb",
                "write plain text in one line",
            ),
            ("crossfade ledger --limit 0", "0 is not in 1..=1000"),
            ("crossfade review", "<ID>"),
            ("crossfade review a/b", "invalid digit"),
            ("crossfade exchanges a/b", "copy it from the list"),
            ("crossfade review 3 --verdict fine", "candidate_better"),
            ("crossfade review 3 --note x", "--verdict <VERDICT>"),
            (
                "crossfade review 3 --verdict same --accept-difference",
                "--reason <TEXT>",
            ),
            ("crossfade exchanges --class odd", "different_major"),
            ("crossfade forget", "--user <ID>"),
            (
                "crossfade forget --user a --credential-env B",
                "cannot be used with",
            ),
            (
                "crossfade status --output yaml",
                "[possible values: text, json]",
            ),
        ] {
            let error = parse(line).map(|_| ()).expect_err(line).to_string();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
