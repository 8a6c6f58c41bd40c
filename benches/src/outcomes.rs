//! What an outcome costs on its way to the statistics: the ordering buffer, the outcome log on a real file, the route's fold.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use crossfade_backplane::{DataDirectory, OutcomeLog, read_outcomes};
use crossfade_exchange::{
    Drawn, Gate, Group, Metric, MetricSet, Mirrored, OutcomeKey, Percent, RouteId, Settled,
    Settlement, Side, Unit, closed_enum,
};
use crossfade_rollout::{
    Actor, ActorRole, Ages, AttemptFacts, Change, Entry, Evidence, OrderBuffer, Phase, RoutePlan,
    RouteRollout, Stage, draw, refold,
};

closed_enum! {
    /// What a route counts.
    pub enum Case {
        /// Transport errors of drawn answers: one outcome for each request.
        Answers = "answers",
        /// Eight metrics and their gates, everything drawn and mirrored: four outcomes for each request.
        Everything = "everything",
    }
}

/// Instructions that one outcome may cost, so that a core that does 10^9 a second, which is a slow one, sustains 20 000 outcomes
/// a second.
pub const MOST_INSTRUCTIONS: u64 = 50_000;
/// Requests that are under way at any time.
const UNDER_WAY: u64 = 1_024;
/// Requests between two looks at the buffer.
const LOOK: u64 = 256;
const ATTEMPT: u64 = 1;
const SHARE: f64 = 10.0;
/// A millisecond between requests.
const GAP_MICROS: u64 = 1_000;

impl Case {
    fn metrics(self) -> MetricSet {
        match self {
            Self::Answers => MetricSet::EMPTY.with(Metric::Transport),
            Self::Everything => {
                let mut metrics = MetricSet::of_checks();
                metrics.remove(Metric::Cost);
                metrics
            }
        }
    }

    /// Outcomes of one request.
    pub const fn outcomes(self) -> u64 {
        match self {
            Self::Answers => 1,
            Self::Everything => 4,
        }
    }

    const fn groups(self) -> &'static [Group] {
        match self {
            Self::Answers => &[Group::Arrival],
            Self::Everything => &[Group::Arrival, Group::Content],
        }
    }

    const fn is_mirrored(self) -> bool {
        match self {
            Self::Answers => false,
            Self::Everything => true,
        }
    }
}

/// A route with its buffer and its log.
#[derive(Debug)]
pub struct Path {
    case: Case,
    metrics: MetricSet,
    plan: RoutePlan,
    begin: Entry,
    ages: Ages,
    buffer: OrderBuffer,
    log: OutcomeLog,
    rollout: RouteRollout,
    requests: u64,
    data: DataDirectory,
    /// Holds the log's file; removed at the end.
    _place: tempfile::TempDir,
}

impl Path {
    /// A route whose share has just been raised to 10 %.
    ///
    /// # Errors
    /// When no log can be made in a temporary directory.
    pub fn new(case: Case) -> anyhow::Result<Self> {
        let place = tempfile::tempdir()?;
        let data = DataDirectory::open(place.path().join("data"))?;
        let route = RouteId::new("bench");
        let (log, _empty) = OutcomeLog::open(&data, &route, ATTEMPT)?;
        let metrics = case.metrics();
        let mut plan = RoutePlan {
            owner: Some("bench".into()),
            metrics_on: metrics,
            ..RoutePlan::new(route.clone())
        };
        let gates = Gate::ALL.iter().copied();
        plan.gates.margins = gates
            .filter(|gate| gate.metric().is_some_and(|metric| metrics.contains(metric)))
            .map(|gate| (gate, gate.margin()))
            .collect();
        let facts = AttemptFacts::freeze(ATTEMPT, Phase::Attempt, &plan, None);
        let ages = Ages::from(&facts);
        let begin = begin(&route, facts);
        let mut rollout = RouteRollout::new(plan.clone());
        rollout.apply_entry(&begin);
        Ok(Self {
            case,
            metrics,
            plan,
            begin,
            ages,
            buffer: OrderBuffer::new(),
            log,
            rollout,
            requests: 0,
            data,
            _place: place,
        })
    }

    /// So many requests, each announced, resolved a thousand requests later, logged and folded.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn play(&mut self, requests: u64) -> anyhow::Result<()> {
        for _ in 0..requests {
            let number = self.requests;
            self.requests += 1;
            self.announce(number);
            if let Some(resolved) = number.checked_sub(UNDER_WAY) {
                self.resolve(resolved);
            }
            if number.is_multiple_of(LOOK) {
                self.look(number * GAP_MICROS)?;
            }
        }
        Ok(())
    }

    /// What a restart does: the log is read and folded again. The same as before, or it fails.
    ///
    /// # Errors
    /// When the log cannot be read, or leads to something else.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        let route = &self.plan.route;
        let reader = read_outcomes(self.data.path(), route, ATTEMPT)?.context("there is no log")?;
        let mut problem = None;
        let records = reader.map_while(|record| record.map_err(|error| problem = Some(error)).ok());
        let mut log = Some(records);
        let again = refold(self.plan.clone(), [&self.begin], |_| {
            log.take().into_iter().flatten()
        });
        drop(log);
        if let Some(error) = problem {
            return Err(error.into());
        }
        let (before, after) = (self.rollout.evidence(), again.evidence());
        anyhow::ensure!(before == after, "a restart leads to other evidence");
        self.rollout = again;
        Ok(())
    }

    /// What the fold holds, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.rollout.memory_bytes()
    }

    /// Outcomes that were folded.
    pub fn decided(&self) -> u64 {
        self.rollout.decided()
    }

    fn announce(&mut self, number: u64) {
        let (unit, side) = who(number);
        self.buffer.drawn(&Drawn {
            key: self.key(number, 0),
            route: self.plan.route.clone(),
            attempt: ATTEMPT,
            side,
            probability: SHARE / 100.0,
            salt: 42,
            unit,
            applies: self.metrics,
        });
        if self.case.is_mirrored() {
            self.buffer.mirrored(&Mirrored {
                key: self.key(number, 1),
                route: self.plan.route.clone(),
                attempt: ATTEMPT,
                answer: side,
                unit,
                applies: self.metrics,
            });
        }
    }

    /// One request in 50 is bad in everything, on either side.
    fn resolve(&mut self, number: u64) {
        for group in self.case.groups() {
            let bad = |one_in: u64| {
                if number.is_multiple_of(one_in) {
                    self.metrics.of_group(*group)
                } else {
                    MetricSet::EMPTY
                }
            };
            let (answer, pair) = (
                Settlement::Answer(bad(50)),
                Settlement::Pair {
                    primary: bad(50),
                    candidate: bad(49),
                },
            );
            let settled = |key, settlement| Settled {
                key,
                group: *group,
                settlement,
            };
            let (drawn, mirrored) = (self.key(number, 0), self.key(number, 1));
            self.buffer.settled(&settled(drawn, answer));
            if self.case.is_mirrored() {
                self.buffer.settled(&settled(mirrored, pair));
            }
        }
    }

    fn look(&mut self, now: u64) -> anyhow::Result<()> {
        let decided = self.buffer.advance(now, self.ages);
        self.log.append(&decided)?;
        for record in &decided {
            black_box(self.rollout.apply(record));
        }
        Ok(())
    }

    const fn key(&self, number: u64, which: u64) -> OutcomeKey {
        let each = if self.case.is_mirrored() { 2 } else { 1 };
        OutcomeKey {
            sent_unix_micros: number * GAP_MICROS,
            replica: 1,
            sequence: number * each + which,
        }
    }
}

/// A new user with each fourth request, on the side that the coin says.
fn who(number: u64) -> (Unit, Side) {
    let unit = Unit(u128::from(number / 4).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835));
    let side = if draw(42, unit) < SHARE / 100.0 {
        Side::Candidate
    } else {
        Side::Primary
    };
    (unit, side)
}

fn begin(route: &RouteId, facts: AttemptFacts) -> Entry {
    Entry {
        sequence: 0,
        at_unix_ms: 0,
        route: Some(route.clone()),
        actor: Actor::new("bench", ActorRole::Owner),
        reason: "benchmark".into(),
        change: Change::Split {
            from: Percent::ZERO,
            to: Percent::new(SHARE).unwrap_or(Percent::ZERO),
            salt: 42,
            attempt: Some(ATTEMPT),
            new_attempt: Some(Box::new(facts)),
            override_: true,
            stage: Some(Stage::Ramp),
        },
        evidence: Evidence::default(),
    }
}

/// Plays so many thousand requests of a case, after as many as it takes for every table to be there.
///
/// # Errors
/// When the log cannot be made or written.
pub fn play(case: Case, thousands: u64) -> anyhow::Result<()> {
    let mut path = Path::new(case)?;
    path.play(4 * UNDER_WAY)?;
    counted(&mut path, thousands)
}

/// What callgrind counts: it looks for this function by its name.
#[inline(never)]
fn counted(path: &mut Path, thousands: u64) -> anyhow::Result<()> {
    black_box(path).play(1_000 * thousands)
}

/// What was measured by the clock, on this machine.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Outcomes a second.
    pub rate: f64,
    /// What the fold holds after a tenth of the outcomes and at the end, in bytes.
    pub memory: [usize; 2],
    /// How long a restart then reads and folds.
    pub restart: Duration,
}

/// Plays requests until there are so many outcomes, and then restarts.
///
/// # Errors
/// When the log cannot be made, written or read.
pub fn measure(case: Case, outcomes: u64) -> anyhow::Result<Measured> {
    let requests = outcomes / case.outcomes();
    let mut path = Path::new(case)?;
    let began = Instant::now();
    path.play(requests / 10)?;
    let early = path.memory_bytes();
    path.play(requests - requests / 10)?;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = path.decided() as f64 / began.elapsed().as_secs_f64();
    let memory = [early, path.memory_bytes()];
    let began = Instant::now();
    path.restart()?;
    Ok(Measured {
        rate,
        memory,
        restart: began.elapsed(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_logged_and_folded() {
        for case in Case::ALL {
            let mut path = Path::new(*case).unwrap();
            path.play(10_000).unwrap();
            let least = (10_000 - UNDER_WAY - 2 * LOOK) * case.outcomes();
            assert!(path.decided() >= least, "{case}: {}", path.decided());
            assert_eq!(path.log.records(), path.decided(), "{case}");
            assert_eq!(path.rollout.ignored(), 0, "{case}");
            path.restart().unwrap();
            assert_eq!(path.log.records(), path.decided(), "{case}");
        }
    }
}
