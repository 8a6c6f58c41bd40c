//! The command line: what is typed becomes a call, and how it ends becomes an exit code. Knows no rule of its own.

use std::process::ExitCode;

use clap::Parser as _;

mod admin;
mod args;
mod beside;
mod check;
mod exchanges;
mod failure;
mod findings;
mod forget;
mod golden;
mod ledger;
mod operate;
pub(crate) mod print;
mod process;
mod replay;
mod report;
mod review;
mod reviews;
mod rules;
#[cfg(feature = "demo")]
mod simulate;
pub(crate) mod status;
mod verify;

use args::{Cli, Command};
use failure::Failure;

/// Runs what the command line says.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print::failure(&failure);
            failure.code()
        }
    }
}

/// Help and version are answers; everything else that the parser says is a mistake in what was typed.
fn usage(error: &clap::Error) -> ExitCode {
    print::clap(error);
    if error.use_stderr() {
        failure::USAGE.into()
    } else {
        ExitCode::SUCCESS
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => process::serve(&args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => process::demo(&args),
        Command::Check(args) => check::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Split(args) => admin::split(&args),
        Command::Advance(args) => operate::advance(&args),
        Command::Hold(args) => operate::hold(&args),
        Command::Signoff(args) => operate::signoff(&args),
        Command::Rollback(args) => operate::rollback(&args),
        Command::Resume(args) => operate::resume(&args),
        Command::Report(args) => report::run(&args),
        Command::Mirror(args) => admin::mirror(&args),
        Command::Ledger(args) => ledger::run(&args),
        Command::VerifyLedger(args) => verify::run(&args),
        Command::Findings(args) => findings::run(&args),
        Command::Reviews(args) => reviews::run(&args),
        Command::Review(args) => review::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Exchanges(args) => exchanges::run(&args),
        Command::Forget(args) => forget::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Import(args) => golden::import::run(&args),
        Command::Export(args) => golden::export::run(&args),
        Command::Capture(args) => golden::capture::run(&args),
        #[cfg(feature = "demo")]
        Command::Simulate(args) => simulate::run(args),
    }
}
