//! The workspace's automation: what needs more than the toolchain, or more than a minute, as `cargo xtask COMMAND`.
//!
//! Nothing here is part of the product, and nothing of the product may depend on it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod agreement;
mod conformance;
mod decisions;
mod differ;
mod e2e;
mod fuzz;
mod golden;
mod node;
mod page;
mod print;
mod python;
mod reason;
mod rollout;
mod workspace;

/// Automation of the workspace.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Hold the checks' verdicts against people's labels and benchmarks' scorers
    #[command(after_help = "Example:\n  cargo xtask agreement ../shared/data")]
    Agreement(agreement::Arguments),
    /// Hold the wires against recorded real traffic
    #[command(after_help = "Example:\n  cargo xtask conformance ../shared/data")]
    Conformance(conformance::Arguments),
    /// Hold the sequential tests against what their design promises
    #[command(after_help = "Example:\n  cargo xtask decisions --quick")]
    Decisions(decisions::Arguments),
    /// Run clients of several makers, Prometheus and strace against the program
    #[command(after_help = "Example:\n  cargo xtask e2e --only kill")]
    E2e(e2e::Arguments),
    /// Open the page that a replay writes in a browser without a network
    #[command(after_help = "Example:\n  cargo xtask page --pictures pictures")]
    Page(page::Arguments),
    /// Run whole rollouts with recorded answers of real models
    #[command(after_help = "Example:\n  cargo xtask rollout ../shared/data")]
    Rollout(rollout::Arguments),
    /// Run the fuzz targets for a fixed time
    #[command(after_help = "Example:\n  cargo xtask fuzz --seconds 600 --target requests")]
    Fuzz(fuzz::Arguments),
    /// Import the tests that other projects wrote for themselves, and judge with them
    #[command(
        after_help = "Example:\n  cargo xtask golden --openai-evals evals/registry --promptfoo promptfoo/examples"
    )]
    Golden(golden::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Agreement(arguments) => agreement::run(&arguments),
        Command::Conformance(arguments) => conformance::run(&arguments),
        Command::Decisions(arguments) => decisions::run(&arguments),
        Command::E2e(arguments) => e2e::run(&arguments),
        Command::Page(arguments) => page::run(&arguments),
        Command::Rollout(arguments) => rollout::run(&arguments),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Golden(arguments) => golden::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::error(&error);
            ExitCode::FAILURE
        }
    }
}
