//! The product's own way: each record goes to the outcome log on disk and from there into the route's rollout, which is also
//! folded again from the ledger's entries and the log as a starting process does.

use anyhow::{Context as _, Result, ensure};
use crossfade_backplane::{DataDirectory, OutcomeLog};
use crossfade_exchange::Percent;
use crossfade_rollout::{
    Actor, ActorRole, AttemptFacts, Change, Entry, Record, RoutePlan, RouteRollout, Stage, refold,
};

use super::{fold::Eat, order::ATTEMPT};

/// Records written at once.
const BATCH: usize = 256;

/// One run on disk.
#[derive(Debug)]
pub(super) struct Whole {
    plan: RoutePlan,
    facts: AttemptFacts,
    rollout: RouteRollout,
    entries: Vec<Entry>,
    batch: Vec<Record>,
    log: OutcomeLog,
    data: DataDirectory,
    /// Removed at the end.
    _place: tempfile::TempDir,
    failed: Option<std::io::Error>,
}

// === impl Whole ===

impl Whole {
    pub(super) fn new(plan: RoutePlan, facts: AttemptFacts) -> Result<Self> {
        let place = tempfile::tempdir().context("cannot make a temporary directory")?;
        let data = DataDirectory::open(place.path().join("data"))?;
        let (log, records) = OutcomeLog::open(&data, &plan.route, ATTEMPT)?;
        ensure!(records.is_empty(), "a new log holds records");
        Ok(Self {
            rollout: RouteRollout::new(plan.clone()),
            plan,
            facts,
            entries: Vec::new(),
            batch: Vec::new(),
            log,
            data,
            _place: place,
            failed: None,
        })
    }

    /// The process starts again: everything comes back from the log and the ledger's entries, equal to the bit.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.flush();
        if let Some(error) = self.failed.take() {
            return Err(error).context("cannot append to the outcome log");
        }
        self.log.sync()?;
        let (log, records) = OutcomeLog::open(&self.data, &self.plan.route, ATTEMPT)?;
        let again = refold(self.plan.clone(), &self.entries, |_| records.clone());
        ensure!(
            again.evidence() == self.rollout.evidence() && again.alarm() == self.rollout.alarm(),
            "the fold of the log differs from the fold in memory"
        );
        self.log = log;
        self.rollout = again;
        Ok(())
    }

    /// W of both engines of each metric, as bits.
    pub(super) fn bits(&self) -> Vec<[u64; 2]> {
        let evidence = self.rollout.evidence();
        let metrics = evidence.metrics.iter();
        metrics
            .map(|m| [m.w.to_bits(), m.w_pairs.to_bits()])
            .collect()
    }

    fn flush(&mut self) {
        if let Err(error) = self.log.append(&self.batch) {
            self.failed = Some(error);
        }
        for record in self.batch.drain(..) {
            self.rollout.apply(&record);
        }
    }
}

impl Eat for Whole {
    fn step(&mut self, share: f64, salt: u64, at: u64) {
        self.flush();
        let begins = self.rollout.attempt().is_none();
        let entry = Entry {
            sequence: self.entries.len() as u64,
            at_unix_ms: at / 1_000,
            route: Some(self.plan.route.clone()),
            actor: Actor::new("simulation", ActorRole::Owner),
            reason: "simulated".into(),
            change: Change::Split {
                from: self.rollout.share(),
                to: Percent::new(share * 100.0).unwrap_or(Percent::ZERO),
                salt,
                attempt: Some(ATTEMPT),
                new_attempt: begins.then(|| Box::new(self.facts.clone())),
                override_: true,
                stage: Some(Stage::Ramp),
            },
            evidence: self.rollout.evidence(),
        };
        self.rollout.apply_entry(&entry);
        self.entries.push(entry);
    }

    fn eat(&mut self, record: &Record) -> bool {
        self.batch.push(*record);
        if self.batch.len() >= BATCH {
            self.flush();
        }
        self.rollout.alarm().is_some()
    }
}
