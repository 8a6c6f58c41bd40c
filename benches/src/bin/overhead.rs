//! What mirroring adds to the primary, by interleaved blocks of mirror on and mirror off. `--help` says more.

use std::{process::ExitCode, time::Duration};

use clap::Parser;

use crossfade_benches::{
    overhead::{Plan, State, problems, run, table},
    print,
};

/// Measures what mirroring adds to the primary: blocks with the mirror on and off in turn, in every state of the candidate.
///
/// Fails if an answer was not, byte for byte, the primary's, if the accounting does not add up, or if a bound on memory was passed;
/// never for a time.
///
/// Example: overhead --states healthy,hang --pairs 20
#[derive(Debug, Parser)]
#[command(name = "overhead")]
struct Args {
    /// States of the candidate, by name; all by default.
    #[arg(long, value_delimiter = ',')]
    states: Vec<State>,
    /// Pairs of blocks for each state.
    #[arg(long, default_value_t = 40)]
    pairs: usize,
    /// Seconds of a block that are timed.
    #[arg(long, default_value_t = 0.5)]
    seconds: f64,
    /// Requests a second.
    #[arg(long, default_value_t = 300.0)]
    rate: f64,
    /// Requests of plain text of this many bytes, instead of the corpus': for memory.
    #[arg(long)]
    request_bytes: Option<usize>,
    /// A short look at every state, for a machine of which nothing is known: nothing of what it times means anything.
    #[arg(long)]
    quick: bool,
}

impl Args {
    fn plan(self) -> Plan {
        let states = if self.states.is_empty() {
            State::ALL.to_vec()
        } else {
            self.states
        };
        let plan = Plan {
            states,
            pairs: self.pairs,
            length: Duration::from_secs_f64(self.seconds),
            settle: Duration::from_millis(60),
            warm_up: Duration::from_secs(2),
            rate: self.rate,
            samples: 300,
            request_bytes: self.request_bytes,
        };
        if self.quick {
            Plan {
                pairs: 2,
                length: Duration::from_millis(500),
                warm_up: Duration::from_millis(700),
                rate: 60.0,
                samples: 60,
                ..plan
            }
        } else {
            plan
        }
    }
}

fn main() -> ExitCode {
    // The process under measurement is this binary too: then nothing has to be built or found beside it.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == "serve")
    {
        return crossfade::main();
    }
    match measure(&Args::parse().plan()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            print::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn measure(plan: &Plan) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Runtime::new()?;
    let rows = runtime.block_on(run(plan, |row| {
        print::progress(format_args!("{}: done, {} requests", row.state, row.sent));
    }))?;
    print::line(table(&rows));
    let problems: Vec<String> = rows.iter().flat_map(problems).collect();
    for problem in &problems {
        print::progress(problem);
    }
    Ok(problems.is_empty())
}
