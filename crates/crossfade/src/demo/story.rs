//! The story itself: what happens when. What came of it is the facts'.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;

use crossfade_exchange::RouteId;
use crossfade_rollout::AttemptFacts;
use crossfade_sim::{
    corpus::{Degraded, Voice},
    load::{self, Caller, Late, LoadPlan},
};

use crate::cli::status::count;

use super::{
    facts::{BASELINE, Facts, Family, Fault},
    operator::{Operator, RouteNow},
    overhead::{self, Callers, Overhead},
    phase::Phase,
    screen::Screen,
    tally::Tally,
    world::{FAMILY, KEYS, ROUTE, World},
};

/// Requests a second, on average: what one of two cores answers, mirrors and compares with ease, and fewer in a debug
/// build.
const RATE: f64 = if cfg!(debug_assertions) { 100.0 } else { 150.0 };
/// Requests a second to the other route.
const FAMILY_RATE: f64 = if cfg!(debug_assertions) { 15.0 } else { 25.0 };
/// Requests at once. A machine that is busy with something else gets fewer a second instead of a growing heap of them.
const AT_ONCE: usize = 40;
/// The share of the candidate's answers that the fault spoils.
const SPOILED: f64 = 0.1;
/// How often the operator looks.
const LOOK: Duration = Duration::from_millis(200);
/// How long a stage may last beyond its part until nothing is in the way of the next.
const STAGE_PATIENCE: Duration = Duration::from_secs(240);
/// The least time that the roll-back is given.
const ROLLBACK_PATIENCE: Duration = Duration::from_secs(180);
/// How long what is under way at the end may take.
const REST: Duration = Duration::from_secs(60);
/// How long a caller waits for an answer.
const CALLER_PATIENCE: Duration = Duration::from_secs(30);
/// Where the references of the load begin; those of the overhead's pairs stay below.
const FIRST_SERIAL: u64 = 1_000_000;
/// Where those of the other route's load begin.
const FAMILY_SERIAL: u64 = 1 << 30;

/// What the acts leave for the facts.
#[derive(Debug, Default)]
struct Told {
    attempt: Option<AttemptFacts>,
    fault: Option<Fault>,
}

/// Who tells.
struct Teller<'a> {
    world: &'a World,
    screen: &'a Screen,
    tally: Arc<Tally>,
    /// What the other route's callers saw.
    family: Arc<Tally>,
    length: Duration,
}

/// Tells the story, with load for about this long.
pub(super) async fn tell(
    world: &World,
    screen: &Screen,
    length: Duration,
) -> anyhow::Result<Facts> {
    let teller = Teller {
        world,
        screen,
        tally: Arc::default(),
        family: Arc::default(),
        length,
    };
    let overhead = teller.overhead().await;
    world.take_time();
    let (plan, beside) = plans(world);
    let (stop, notes) = (plan.stop.clone(), Arc::clone(&teller.tally));
    let load = load::run(plan, move |result| notes.add(result));
    let notes = Arc::clone(&teller.family);
    let beside = load::run(beside, move |result| notes.add(result));
    let acts = async {
        let told = teller.acts().await;
        stop.cancel();
        told
    };
    let (report, other, told) = tokio::join!(load, beside, acts);
    report.and(other).context("the load stopped")?;
    let seen = teller.tally.seen();
    let told = told?;
    let route = rest(&world.operator).await?;
    let family = Family {
        seen: teller.family.seen(),
        route: rest(&world.family).await?,
    };
    let (scrape, history) = (
        world.operator.scrape().await?,
        world.operator.history().await?,
    );
    let chain = crossfade_backplane::verify(&world.ledger());
    Ok(Facts {
        overhead,
        seen,
        route,
        family,
        attempt: told.attempt,
        fault: told.fault,
        scrape,
        history,
        chain: chain
            .map(|verified| verified.head)
            .map_err(|error| error.to_string()),
    })
}

/// The load of both routes; it lasts until it is stopped.
fn plans(world: &World) -> (LoadPlan, LoadPlan) {
    let plan = LoadPlan {
        credentials: KEYS.map(str::to_owned).to_vec(),
        users: 200,
        rate: RATE,
        concurrency: AT_ONCE,
        late: Late::PutOff,
        duration: Duration::from_secs(86_400),
        first_serial: FIRST_SERIAL,
        timeout: CALLER_PATIENCE,
        ..LoadPlan::new(world.server.address(), ROUTE, Arc::clone(&world.corpus))
    };
    let beside = LoadPlan {
        deployment: FAMILY.to_owned(),
        rate: FAMILY_RATE,
        concurrency: AT_ONCE / 4,
        first_serial: FAMILY_SERIAL,
        seed: 2,
        ..plan.clone()
    };
    (plan, beside)
}

// === impl Teller ===

impl Teller<'_> {
    fn begin(&self, phase: Phase) {
        self.tally.begin(phase);
        self.family.begin(phase);
        self.screen.say(phase.sentence());
    }

    /// A part of the whole.
    fn part(&self, percent: u32) -> Duration {
        self.length * percent / 100
    }

    async fn overhead(&self) -> Option<Overhead> {
        self.begin(Phase::Overhead);
        let (azure, proxy) = (self.world.azure.address(), self.world.server.address());
        let callers = Callers {
            direct: &Caller::new(azure, ROUTE, CALLER_PATIENCE),
            proxied: &Caller::new(proxy, ROUTE, CALLER_PATIENCE),
            credential: KEYS.first()?,
        };
        overhead::measure(callers, &self.world.corpus, self.part(10), |result| {
            self.tally.add(result);
        })
        .await
    }

    /// Everything from the first request of the load to the last.
    async fn acts(&self) -> anyhow::Result<Told> {
        let (operator, mut told) = (&self.world.operator, Told::default());
        let rolled_back = |now: &RouteNow| now.rollout.rolled_back.is_some();

        self.begin(Phase::Shadow);
        let shadow = self.part(30);
        let baseline = RouteId::new(ROUTE);
        let known = |_: &RouteNow| {
            let baseline = self.world.server.proxy().baseline(&baseline);
            baseline.is_some_and(|baseline| baseline.answers >= BASELINE)
        };
        self.watch(shadow, shadow + STAGE_PATIENCE, known).await?;
        let signed = "the pairs look good: a tenth of the conversations";
        self.clear(Duration::ZERO, signed).await?;

        self.begin(Phase::Tenth);
        self.advance("every gate has passed").await?;
        let attempt = operator.look().await?.rollout.attempt;
        told.attempt = attempt.map(|attempt| attempt.facts);
        let signed = "a tenth went well: every second conversation";
        let now = self.clear(self.part(20), signed).await?;
        if rolled_back(&now) {
            return Ok(told);
        }

        self.begin(Phase::Half);
        self.advance("every gate has passed again").await?;
        let now = self
            .watch(Duration::ZERO, self.part(20), rolled_back)
            .await?;
        if rolled_back(&now) {
            return Ok(told);
        }

        told.fault = Some(self.spoil().await?);
        let patience = self.part(50).max(ROLLBACK_PATIENCE);
        let now = self.watch(Duration::ZERO, patience, rolled_back).await?;
        if !rolled_back(&now) {
            return Ok(told);
        }

        // Whoever asks from now on asks after the roll-back was seen, and so after it was in effect.
        self.begin(Phase::After);
        if let Some(back) = &now.rollout.rolled_back {
            self.screen.say(format_args!("  {}", back.reason));
        }
        let after = self.part(12).max(Duration::from_secs(3));
        self.watch(after, after, |_| true).await?;
        Ok(told)
    }

    /// Waits until only the owners' words are missing on both routes, and gives them; or until the first one is rolled back.
    async fn clear(&self, least: Duration, reason: &str) -> anyhow::Result<RouteNow> {
        let ready = |now: &RouteNow| now.waits_for_signature() || now.rollout.rolled_back.is_some();
        let now = self.watch(least, least + STAGE_PATIENCE, ready).await?;
        if now.rollout.rolled_back.is_some() {
            return Ok(now);
        }
        let begun = Instant::now();
        for operator in [&self.world.operator, &self.world.family] {
            loop {
                let now = operator.look().await?;
                if now.waits_for_signature() {
                    break;
                }
                if begun.elapsed() > STAGE_PATIENCE {
                    anyhow::bail!("the stage cannot be left: {}", now.waits_for().join("; "));
                }
                tokio::time::sleep(LOOK).await;
            }
            operator.sign(reason).await?;
        }
        Ok(now)
    }

    /// Leaves the stage on both routes.
    async fn advance(&self, reason: &str) -> anyhow::Result<()> {
        for operator in [&self.world.operator, &self.world.family] {
            operator.advance(reason).await?;
        }
        Ok(())
    }

    /// From now on the candidate is worse, and says nothing of it.
    async fn spoil(&self) -> anyhow::Result<Fault> {
        let scrape = self.world.operator.scrape().await?;
        self.begin(Phase::Degraded);
        let healthy = self.world.corpus.voice(Voice::Candidate);
        let worse = Degraded::new(healthy, Arc::clone(&self.world.corpus), SPOILED);
        let at_unix_ms = unix_ms();
        self.world.speak(Arc::new(worse));
        Ok(Fault { at_unix_ms, scrape })
    }

    /// Looks again and again: at least for `least`, then until `done`, and for `most` at most.
    async fn watch(
        &self,
        least: Duration,
        most: Duration,
        done: impl Fn(&RouteNow) -> bool,
    ) -> anyhow::Result<RouteNow> {
        let begun = Instant::now();
        loop {
            let now = self.world.operator.look().await?;
            self.show(&now);
            let elapsed = begun.elapsed();
            if elapsed >= most || (elapsed >= least && done(&now)) {
                return Ok(now);
            }
            tokio::time::sleep(LOOK.min(most.saturating_sub(elapsed))).await;
        }
    }

    fn show(&self, now: &RouteNow) {
        let (requests, errors) = self.tally.so_far();
        let ratios = now.rollout.groups.iter().map(|group| group.alarm_ratio);
        let evidence = ratios.fold(0.0, f64::max);
        self.screen.update(format_args!(
            "{} requests, {errors} errors, {} pairs, Bedrock {} %, evidence against it {:.0} %",
            count(requests),
            count(now.accounting.compared()),
            now.effective_percent,
            evidence * 100.0,
        ));
    }
}

/// Waits until nothing is under way on a route.
async fn rest(operator: &Operator) -> anyhow::Result<RouteNow> {
    let begun = Instant::now();
    loop {
        let now = operator.look().await?;
        if now.accounting.is_at_rest() || begun.elapsed() >= REST {
            return Ok(now);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn unix_ms() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
