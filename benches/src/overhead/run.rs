//! One state after another, each with fresh processes.

use std::time::Duration;

use anyhow::Context as _;

use crossfade_sim::{
    azure::{AzureOptions, AzureSim},
    bedrock::{BedrockOptions, BedrockSim},
    corpus::{Corpus, Voice},
    script::Script,
};

use super::{Block, Caller, Counts, Crossfade, Pairs, State};
use crate::print;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The states.
    pub states: Vec<State>,
    /// Pairs of blocks for each.
    pub pairs: usize,
    /// The part of each block that is timed.
    pub length: Duration,
    /// The part before it that is not.
    pub settle: Duration,
    /// Load before the first block, with the candidate healthy and the mirror on: what a process takes once is not growth.
    pub warm_up: Duration,
    /// Requests a second.
    pub rate: f64,
    /// Different requests.
    pub samples: usize,
    /// Requests of plain text of this many bytes, instead of the corpus'.
    pub request_bytes: Option<usize>,
}

/// What was measured in one state.
#[derive(Clone, Debug)]
pub struct Row {
    /// The state.
    pub state: State,
    /// The blocks.
    pub pairs: Pairs,
    /// Requests sent in all, warm-up included.
    pub sent: u64,
    /// Answers that were not Azure's, warm-up included.
    pub failed: u64,
    /// Bytes resident before the first block.
    pub resident_before: u64,
    /// The most seen between blocks.
    pub resident_peak: u64,
    /// The most held for the mirror, as seen between blocks.
    pub held_peak: u64,
    /// The bound on that.
    pub held_bound: u64,
    /// The counts at the end.
    pub counts: Counts,
    /// Requests that the simulated Bedrock read.
    pub asked: u64,
}

/// The two simulated providers, and who calls.
struct World {
    azure: AzureSim,
    bedrock: BedrockSim,
    caller: Caller,
}

/// Measures every state of the plan; `on_row` sees each as it is done.
pub async fn run(plan: &Plan, mut on_row: impl FnMut(&Row)) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for state in &plan.states {
        let world = World::start(plan).await?;
        let row = world
            .measure(plan, *state)
            .await
            .with_context(|| format!("with the candidate in state {state}"))?;
        on_row(&row);
        rows.push(row);
    }
    Ok(rows)
}

impl World {
    async fn start(plan: &Plan) -> anyhow::Result<Self> {
        let corpus = std::sync::Arc::new(Corpus::new());
        let azure = AzureSim::start(AzureOptions {
            script: Script::new(corpus.voice(Voice::Primary)),
            steady: true,
            ..AzureOptions::default()
        })
        .await?;
        let bedrock = BedrockSim::start(BedrockOptions {
            script: Script::new(corpus.voice(Voice::Candidate)),
            ..BedrockOptions::default()
        })
        .await?;
        azure.server().keep_received(0);
        bedrock.server().keep_received(0);
        let caller = Caller::prepare(azure.address(), plan.samples, plan.request_bytes).await?;
        Ok(Self {
            azure,
            bedrock,
            caller,
        })
    }

    async fn measure(self, plan: &Plan, state: State) -> anyhow::Result<Row> {
        let proxy = Crossfade::start(&self.azure.url(), &self.bedrock.url(), state.mirror())?;
        let warm_up = self
            .caller
            .block(
                proxy.address(),
                plan.rate,
                (plan.warm_up, Duration::ZERO),
                0,
            )
            .await;
        state.direct(self.bedrock.script());
        let resident_before = proxy.usage()?.resident;
        let mut row = Row {
            state,
            pairs: Pairs::default(),
            sent: warm_up.sent,
            failed: warm_up.failed,
            resident_before,
            resident_peak: resident_before,
            held_peak: 0,
            held_bound: held_bound(state),
            counts: Counts::default(),
            asked: 0,
        };
        for number in 0..plan.pairs {
            // Off, on, on, off: what one block leaves behind weighs on both alike.
            let on_first = number % 2 == 1;
            let first = self.block(&proxy, plan, on_first, &mut row).await?;
            let second = self.block(&proxy, plan, !on_first, &mut row).await?;
            row.pairs.0.push(if on_first {
                (second, first)
            } else {
                (first, second)
            });
            row.held_peak = row.held_peak.max(proxy.held_bytes().await?);
        }
        row.counts = proxy.counts().await?;
        row.asked = self.bedrock.script().requests();
        Ok(row)
    }

    async fn block(
        &self,
        proxy: &Crossfade,
        plan: &Plan,
        mirror: bool,
        row: &mut Row,
    ) -> anyhow::Result<Block> {
        proxy.mirror(mirror).await?;
        let before = proxy.usage()?;
        let times = (plan.settle, plan.length);
        let mut block = self
            .caller
            .block(proxy.address(), plan.rate, times, row.sent)
            .await;
        let after = proxy.usage()?;
        // A thread that ended took its time with it.
        block.cpu_nanos = after.cpu_nanos.saturating_sub(before.cpu_nanos);
        row.sent += block.sent;
        row.failed += block.failed;
        row.resident_peak = row.resident_peak.max(after.resident);
        if block.failed > 0 {
            print::progress(format_args!(
                "{}: {} of {} answers were not the primary's",
                row.state, block.failed, block.sent
            ));
        }
        Ok(block)
    }
}

/// `[mirror] bytes` of a state.
fn held_bound(state: State) -> u64 {
    if state == State::Bounds {
        12 << 10
    } else {
        256 << 20
    }
}
