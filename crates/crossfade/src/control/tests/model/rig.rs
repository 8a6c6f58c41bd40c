//! A controller with what stands around it, and what was acknowledged of it: every operation is followed by a look at the ledger's
//! file, at what is published, and at what is shown.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{Read as _, Seek as _, SeekFrom},
    sync::atomic::Ordering::Relaxed,
    time::Instant,
};

use serde::Deserialize;

use super::{
    super::*,
    disk::{Home, State},
    entries::{Kind, kind, name, same},
    reference::{Around, Reference},
    world::{Traffic, World},
};

/// When it all begins.
pub(super) const BEGIN: u64 = 1_700_000_000_000;

/// A report that was made.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) hash: String,
    pub(super) of: (Stage, u64, String),
    /// Whether it must be known after a restart.
    pub(super) kept: bool,
}

#[derive(Deserialize)]
struct Line {
    prev: String,
    hash: String,
    entry: Entry,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Rig {
    pub(super) home: Home,
    pub(super) clock: Arc<ManualClock>,
    pub(super) world: Arc<World>,
    pub(super) traffic: Traffic,
    pub(super) plan: RoutePlan,
    metrics: Arc<Metrics>,
    /// What everybody says.
    pub(super) reason: String,
    controller: Option<Controller>,
    /// What the ledger's file says.
    pub(super) on_record: Reference,
    /// That, and what was acknowledged without being written yet.
    pub(super) effect: Reference,
    /// Changes that are in effect and not on record, and of them those that a restart must find.
    waiting: Vec<Entry>,
    kept: Vec<Entry>,
    /// What was acknowledged by the last operation.
    pub(super) acknowledged: Vec<(Kind, Changed)>,
    /// How much of the ledger's file was read, its last hash, and how many entries.
    read: u64,
    head: String,
    entries: u64,
    pub(super) origin: Instant,
    pub(super) lease_until: Option<Instant>,
    /// By the clock, the stage began then, after it had counted so long before this process.
    stood: (Instant, Duration),
    /// Which beginning that is.
    stood_of: u64,
    /// Outcomes of the running attempt that an entry stands on.
    seen: u64,
    /// Outcomes that could not be logged.
    pub(super) held_back: Vec<Record>,
    pub(super) failing: bool,
    pub(super) barred: bool,
    pub(super) reports: VecDeque<Report>,
    /// A report may or may not be known.
    pub(super) reports_unsure: bool,
    pub(super) configured: bool,
    /// Whether it once was not.
    pub(super) was_removed: bool,
    pub(super) checks: u64,
    pub(super) done: BTreeMap<String, u64>,
}

impl Rig {
    pub(super) fn new(home: Home, plan: RoutePlan, metrics: Arc<Metrics>) -> Self {
        let clock = Arc::new(ManualClock::new(BEGIN));
        let on_record = Reference::new(&plan);
        let now = Clock::Manual(Arc::clone(&clock)).instant();
        let mut rig = Self {
            home,
            clock,
            world: Arc::default(),
            traffic: Traffic::default(),
            plan,
            metrics,
            reason: "model".to_owned(),
            controller: None,
            effect: on_record.clone(),
            on_record,
            waiting: Vec::new(),
            kept: Vec::new(),
            acknowledged: Vec::new(),
            read: 0,
            head: "0".repeat(64),
            entries: 0,
            origin: now,
            lease_until: None,
            stood: (now, Duration::ZERO),
            stood_of: 0,
            seen: 0,
            held_back: Vec::new(),
            failing: false,
            barred: false,
            reports: VecDeque::new(),
            reports_unsure: false,
            configured: true,
            was_removed: false,
            checks: 0,
            done: BTreeMap::new(),
        };
        rig.start();
        rig
    }

    pub(super) fn controller(&self) -> &Controller {
        self.controller.as_ref().unwrap()
    }

    pub(super) fn count(&mut self, what: impl Into<String>) {
        *self.done.entry(what.into()).or_default() += 1;
    }

    pub(super) fn now(&self) -> Instant {
        Clock::Manual(Arc::clone(&self.clock)).instant()
    }

    pub(super) fn date_ms(&self) -> u64 {
        Clock::Manual(Arc::clone(&self.clock)).unix_ms()
    }

    /// How long the stage has counted: the less of the dates and the clock.
    pub(super) fn stood(&self) -> Duration {
        let dated = self.date_ms().saturating_sub(self.effect.entered_ms);
        let (since, before) = self.stood;
        Duration::from_millis(dated).min(before + self.now().duration_since(since))
    }

    pub(super) fn around(&self) -> Around<'_> {
        Around {
            plan: &self.plan,
            killed: self.world.killed.load(Relaxed),
            failing: self.failing,
            refusing: self.home.state() != State::Fine || !self.held_back.is_empty(),
            barred: self.barred,
            stood: self.stood(),
            configured: self.configured,
            was_removed: self.was_removed,
        }
    }

    /// Everything in memory is gone.
    pub(super) fn stop(&mut self) {
        self.controller = None;
        self.lease_until = None;
        self.held_back.clear();
        self.world.restart();
    }

    /// A new process, with the configuration as it is now.
    pub(super) fn start(&mut self) {
        let route = if self.configured {
            support()
        } else {
            RouteId::new("sales")
        };
        let prepared = Controller::prepare(ControllerOptions {
            directory: Arc::new(DataDirectory::open(self.home.path()).unwrap()),
            plans: vec![RoutePlan {
                route: route.clone(),
                ..self.plan.clone()
            }],
            lease: LeaseTimes::default(),
            metrics: Arc::clone(&self.metrics),
            clock: Clock::Manual(Arc::clone(&self.clock)),
        });
        self.check_prepared(&prepared.watch(&route).unwrap().borrow());
        let controller = prepared.fold(&AtomicBool::new(false));
        controller.learn_from(self.world.sources());
        self.controller = Some(controller);
        let dated = self.date_ms().saturating_sub(self.on_record.entered_ms);
        self.stood = (self.now(), Duration::from_millis(dated));
        self.stood_of = self.on_record.entrances;
        // What was not written is known again by its mark or not at all.
        self.waiting.clear();
        self.effect = self.on_record.clone();
        self.barred = false;
        // By what is found, not by what it was told.
        let marked = std::mem::take(&mut self.kept);
        self.look(&marked);
        self.find_what_must_be_kept(&marked);
        if self.configured {
            self.is_outgrown();
            self.failing = self.view().rollout.failing.is_some();
        }
        self.reports_unsure |= self.reports.iter().any(|report| !report.kept);
    }

    /// Before the outcomes are read, callers are answered: by the primary, but for stages that hold without a lease.
    fn check_prepared(&self, early: &Split) {
        assert_eq!(early.lease_until, None, "a start grants nothing by itself");
        assert!(!early.mirror_enabled, "nobody takes what a mirror finds");
        if self.configured {
            assert!(early.share <= self.on_record.share);
            let goes_back = |entry: &Entry| !matches!(entry.change, Change::Hold);
            let marked = |entry: &&Entry| entry.actor.role != ActorRole::Engine;
            let mut kept = self.kept.iter().filter(marked);
            assert!(
                early.share.is_zero() || !kept.any(goes_back),
                "{:?}",
                self.kept
            );
        }
    }

    fn is_outgrown(&mut self) {
        let fits = |attempt: &super::reference::Attempt| attempt.metrics == self.plan.metrics();
        let in_attempt = self.effect.in_attempt();
        let fits = self.effect.attempt.as_ref().is_some_and(fits);
        self.barred = in_attempt && (!fits || self.plan.owner.is_none());
    }

    /// What was acknowledged as kept is in effect after a restart, and on record or on its way.
    fn find_what_must_be_kept(&self, marked: &[Entry]) {
        for entry in marked {
            match &entry.change {
                Change::Rollback { .. } => assert!(self.effect.rolled_back, "{entry:?}"),
                Change::Hold => assert!(self.effect.held, "{entry:?}"),
                Change::Split { to, .. } => assert!(self.effect.share <= *to, "{entry:?}"),
                change => panic!("marked: {change}"),
            }
        }
    }

    pub(super) fn view(&self) -> RouteView {
        self.controller().route_view(&support()).unwrap()
    }

    pub(super) fn published(&self) -> Split {
        published(self.controller())
    }

    /// What holds after every operation.
    pub(super) fn check(&mut self) {
        self.checks += 1;
        self.look(&[]);
        let acknowledged = std::mem::take(&mut self.acknowledged);
        assert_eq!(acknowledged, [], "acknowledged, and nowhere");
        let view = self.view();
        let found = &view.rollout;
        let expected = &self.effect;
        let attempt = found.attempt.as_ref().map(|a| (a.facts.id, a.facts.phase));
        let in_effect = expected.attempt.as_ref().map(|a| (a.id, a.phase));
        assert_eq!(
            (found.stage, found.share, found.revision, attempt),
            (expected.stage, expected.share, expected.revision, in_effect)
        );
        assert_eq!(found.rolled_back.is_some(), expected.rolled_back);
        assert_eq!(found.held.is_some(), expected.held);
        assert_eq!(found.mirror_enabled, expected.mirror);
        assert_eq!(found.reached, expected.reached);
        let fingerprint = &self.plan.gates.fingerprint;
        let signed = expected.signed.as_ref() == Some(fingerprint);
        assert_eq!(found.signoff.is_some(), signed);
        assert_eq!(view.barred.is_some(), self.barred, "{:?}", view.barred);
        let killed = self.world.killed.load(Relaxed);
        let names_it = found.missing.contains(&Refusal::KillSwitch.to_string());
        assert_eq!(names_it, killed);
        self.check_published(&view);
        // No two changes have one date, by which they are told apart.
        self.clock.advance(Duration::from_millis(1));
    }

    /// Of what is published: nothing but what is on record moves toward the candidate, and only under a lease.
    fn check_published(&self, view: &RouteView) {
        let split = self.published();
        let (now, expected) = (self.now(), &self.effect);
        assert_eq!((split.share, split.stage), (expected.share, expected.stage));
        assert_eq!(split.mirror_enabled, expected.mirror);
        assert_eq!(split.lease_until, self.lease_until);
        let leased = self.lease_until.is_some_and(|until| now < until);
        let late = matches!(expected.stage, Stage::Window | Stage::Complete);
        assert_eq!(split.lease_valid(now), leased || late);
        let most = if leased || late {
            expected.share.percent()
        } else {
            0.0
        };
        assert!((view.effective_percent - most).abs() < 1e-9);
        assert!(
            split.share <= self.on_record.share,
            "more than is on record"
        );
        let answers = split.stage.lets_candidate_answer();
        assert!(!answers || self.on_record.stage >= split.stage);
        assert!(answers || split.share.is_zero());
    }

    /// Reads what the ledger's file has more than before, and what waits for it. `marked` are changes that an earlier process could
    /// not write.
    pub(super) fn look(&mut self, marked: &[Entry]) {
        let mut before = std::mem::take(&mut self.waiting);
        before.extend_from_slice(marked);
        let fresh = self.read_more();
        let mut resumed = false;
        for entry in &fresh {
            let known = before.iter().any(|waited| same(waited, entry));
            let by_person = ActorRole::TOKEN_ROLES.contains(&entry.actor.role);
            if by_person && !known {
                assert!(
                    self.take_acknowledged(entry, None),
                    "recorded and not acknowledged: {entry:?}"
                );
            }
            resumed |= matches!(
                entry.change,
                Change::Resume | Change::Observe { .. } | Change::Rollback { .. }
            );
            self.count(name(&entry.change));
            self.follow(entry);
        }
        let controller = self.controller().clone();
        let unrecorded = usize::try_from(controller.ledger_state().unrecorded).unwrap();
        self.waiting = controller.entries(None, unrecorded, None);
        for entry in &before {
            let kept = fresh
                .iter()
                .chain(&self.waiting)
                .any(|now| same(now, entry));
            // One that was undone by a crash was no mark.
            assert!(
                kept || marked.iter().any(|mark| same(mark, entry)),
                "{entry:?}"
            );
        }
        self.effect = self.on_record.clone();
        for (entry, number) in self.waiting.clone().iter().zip(self.entries..) {
            assert_eq!(entry.sequence, number);
            assert!(entry.change.is_toward_primary(), "{entry:?}");
            if let Some((_, changed)) = self.acknowledged_as(entry) {
                assert_ne!(changed, Changed::Recorded, "{entry:?}");
                if changed == Changed::Kept {
                    self.kept.push(entry.clone());
                    self.count("kept by a mark");
                }
                self.take_acknowledged(entry, Some(changed));
            }
            if entry.actor.role == ActorRole::Engine && !self.kept.contains(entry) {
                // It needs no mark: the outcomes say it again.
                self.kept.push(entry.clone());
            }
            let mut effect = self.effect.clone();
            effect.follow(entry, self.around());
            self.counts_from(effect.entrances);
            self.effect = effect;
            self.count("waits for the disk");
        }
        self.kept
            .retain(|entry| self.waiting.iter().any(|waits| same(waits, entry)));
        self.end_of_attempt();
        if self.configured {
            let failing = self.view().rollout.failing.is_some();
            assert!(failing || resumed || !self.failing, "forgiven by nobody");
            if failing && !self.failing {
                self.count("failing");
            }
            self.failing = failing;
        }
    }

    /// With its attempt goes what the route was barred for.
    fn end_of_attempt(&mut self) {
        if self.effect.attempt.is_none() {
            self.barred = false;
        }
    }

    fn follow(&mut self, entry: &Entry) {
        let mut on_record = self.on_record.clone();
        on_record.follow(entry, self.around());
        self.counts_from(on_record.entrances);
        let id = |of: &Reference| of.attempt.as_ref().map(|attempt| attempt.id);
        if id(&on_record) != id(&self.on_record) {
            self.seen = 0;
        } else if entry.route.is_some() {
            self.seen = self.seen.max(entry.evidence.decided);
        }
        self.on_record = on_record;
        // What follows in the same look stands on it.
        self.effect = self.on_record.clone();
        self.end_of_attempt();
        if matches!(entry.change, Change::Resume | Change::Observe { .. }) {
            self.failing = false;
        }
    }

    /// The stage counts anew, unless that is known.
    fn counts_from(&mut self, entrances: u64) {
        if entrances > self.stood_of {
            self.stood = (self.now(), Duration::ZERO);
            self.stood_of = entrances;
        }
    }

    /// How many outcomes of the running attempt must be there whatever happens.
    pub(super) const fn stands_on(&self) -> u64 {
        self.seen
    }

    /// The power was cut: outcomes that were not made durable are gone, and with them what they demanded.
    pub(super) fn lose_outcomes(&mut self) {
        self.kept
            .retain(|entry| entry.actor.role != ActorRole::Engine);
        self.failing = false;
    }

    fn acknowledged_as(&self, entry: &Entry) -> Option<(Kind, Changed)> {
        let kind = kind(&entry.change)?;
        let fits = |(of, _): &&(Kind, Changed)| *of == kind;
        self.acknowledged.iter().find(fits).copied()
    }

    fn take_acknowledged(&mut self, entry: &Entry, changed: Option<Changed>) -> bool {
        let Some(kind) = kind(&entry.change) else {
            return false;
        };
        let fits = |(of, how): &(Kind, Changed)| {
            *of == kind && changed.is_none_or(|changed| changed == *how)
        };
        let at = self.acknowledged.iter().position(fits);
        at.map(|at| self.acknowledged.remove(at)).is_some()
    }

    /// The whole lines that were not read yet. What was read once stays.
    fn read_more(&mut self) -> Vec<Entry> {
        let path = self.home.path().join("ledger.jsonl");
        let mut file = fs::File::open(path).unwrap();
        assert!(
            file.metadata().unwrap().len() >= self.read,
            "entries are gone"
        );
        file.seek(SeekFrom::Start(self.read)).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        let mut fresh = Vec::new();
        for line in text.split_inclusive('\n') {
            assert!(line.ends_with('\n'), "a torn line: {line}");
            let read: Line = serde_json::from_str(line).unwrap();
            assert_eq!(read.prev, self.head);
            assert_eq!(read.entry.sequence, self.entries);
            self.head = read.hash;
            self.entries += 1;
            self.read += line.len() as u64;
            fresh.push(read.entry);
        }
        fresh
    }
}
