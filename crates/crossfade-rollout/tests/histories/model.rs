//! Random sequences of verbs, roles, outcomes, clock jumps, changed configurations and crashes, watched by a model that knows
//! only what may never happen. A seed is printed before it is run; `CROSSFADE_MODEL_SEED` runs that one alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use crossfade_exchange::Percent;
use crossfade_rollout::{Actor, ActorRole, Cause, Change, Command, DrillResult, Entry, Stage};

use crate::{
    chance::Chance,
    history::{Badness, GOOD, History, TROUBLED, WORSE, passed, percent, plan, same},
    ward::Ward,
};

const STEPS: u64 = 1_000;

/// What was done and how often, over all seeds: what never happened was not tested.
type Tally = BTreeMap<String, u64>;

struct Run {
    history: History,
    ward: Ward,
    chance: Chance,
    badness: Badness,
    tally: Tally,
}

/// Those of tokens, and of the machines, which are refused what people do.
const ROLES: &[ActorRole] = &[
    ActorRole::Viewer,
    ActorRole::Operator,
    ActorRole::Operator,
    ActorRole::Owner,
    ActorRole::Owner,
    ActorRole::Owner,
    ActorRole::Controller,
    ActorRole::Engine,
];
const SHARES: &[f64] = &[0.0, 0.0, 1.0, 5.0, 10.0, 25.0, 60.0, 100.0];

impl Run {
    fn new(seed: u64) -> Self {
        let history = History::new(plan("a"));
        let ward = Ward::new(history.rollout.stage());
        Self {
            history,
            ward,
            chance: Chance::new(seed),
            badness: GOOD,
            tally: Tally::new(),
        }
    }

    fn step(&mut self) {
        let before = self.history.entries.len();
        let share = self.history.rollout.share();
        self.act();
        let mut share_before = share;
        for at in before..self.history.entries.len() {
            let entry = self.history.entries[at].clone();
            self.count(&entry);
            // Where one step recorded several entries, each is judged with the state at the end; only ticks and alarms do, and
            // neither moves more than once.
            self.ward.judge(&entry, &self.history, share_before);
            share_before = match &entry.change {
                Change::Split { to, .. } => *to,
                Change::Advance { share_to, .. } => *share_to,
                Change::Rollback { .. } => Percent::ZERO,
                _ => share_before,
            };
        }
        self.ward.watch(&self.history);
    }

    fn count(&mut self, entry: &Entry) {
        let what = match &entry.change {
            Change::Advance { from, .. } => format!("advance from {from}"),
            Change::Split { from, to, .. } if to > from => "raise".to_owned(),
            Change::Split { .. } => "lower".to_owned(),
            Change::Rollback {
                cause: Cause::Manual,
                ..
            } => "roll-back".to_owned(),
            Change::Rollback { .. } => "alarm".to_owned(),
            Change::Resume => "resume".to_owned(),
            Change::Hold => "hold".to_owned(),
            Change::Release => "release".to_owned(),
            Change::Signoff { .. } => "sign-off".to_owned(),
            Change::Observe { .. } => "observe".to_owned(),
            Change::GatesRestarted { .. } => "gates restarted".to_owned(),
            Change::Replayed { .. } => "replayed".to_owned(),
            Change::Drilled { .. } => "drilled".to_owned(),
            Change::Started | Change::MirrorSwitched { .. } => return,
        };
        *self.tally.entry(what).or_default() += 1;
    }

    fn ask(&mut self, command: &Command, role: ActorRole) {
        if self
            .history
            .ask(command, &Actor::new("somebody", role))
            .is_err()
        {
            *self.tally.entry("refused".to_owned()).or_default() += 1;
        }
    }

    fn act(&mut self) {
        let role = *self.chance.one_of(ROLES);
        match self.chance.below(100) {
            40..47 => {
                let compared = if self.chance.happens(0.1) { 3 } else { 18 };
                self.cover(20, compared);
            }
            47..55 => self.history.now_ms += self.chance.below(15_000),
            55 => self.history.now_ms -= self.chance.below(20_000),
            56..66 => self.history.tick(),
            66..74 => self.cooperate(),
            74..78 => self.ask(&Command::Advance, role),
            78..81 => {
                let report = if self.chance.happens(0.2) {
                    "another"
                } else {
                    "report"
                }
                .to_owned();
                self.ask(&Command::Signoff { report }, role);
            }
            81 => self.ask(&Command::Hold, role),
            82..86 => self.ask(&Command::Resume, role),
            86..90 => {
                let to = percent(*self.chance.one_of(SHARES));
                let override_ = self.chance.happens(0.3);
                self.ask(&Command::Split { to, override_ }, role);
            }
            90 if self.chance.happens(0.3) => self.ask(&Command::Rollback, role),
            91 => {
                let exit_code = if self.chance.happens(0.2) { 100 } else { 0 };
                let result = crossfade_rollout::ReplayResult {
                    exit_code,
                    ..passed()
                };
                self.ask(&Command::Replayed(result), role);
            }
            92 if self.chance.happens(0.3) => self.configure(),
            93 => {
                let result = DrillResult {
                    decided_after_micros: 90,
                    durable_after_micros: 900,
                    problems: vec![],
                };
                self.ask(&Command::Drilled(result), role);
            }
            94 => self.crash(),
            95 => {
                self.badness = match self.chance.below(8) {
                    0 => WORSE,
                    1 => TROUBLED,
                    _ => GOOD,
                };
            }
            _ => self.traffic(),
        }
    }

    fn traffic(&mut self) {
        for _ in 0..=self.chance.below(8) {
            let millis = self.chance.below(200);
            self.history.request(&mut self.chance, self.badness, millis);
        }
    }

    fn cover(&mut self, selected: u32, compared: u32) {
        if self.history.rollout.attempt().is_some() {
            self.ward.selected += u64::from(selected);
            self.ward.compared += u64::from(compared);
        }
        self.history.cover(selected, compared);
    }

    /// What a patient team does, so that late stages are seen too.
    fn cooperate(&mut self) {
        let owner = Actor::new("olga", ActorRole::Owner);
        if self.history.rollout.stage() == Stage::Replay {
            self.ask(&Command::Replayed(passed()), ActorRole::Owner);
        } else if self
            .history
            .rollout
            .signoff()
            .is_none_or(|signoff| signoff.is_void)
        {
            let report = "report".to_owned();
            drop(self.history.ask(&Command::Signoff { report }, &owner));
        } else {
            self.ask(&Command::Advance, ActorRole::Operator);
        }
    }

    fn configure(&mut self) {
        let fingerprint = *self.chance.one_of(&["a", "a", "b"]);
        let mut plan = plan(fingerprint);
        match self.chance.below(6) {
            0 => plan.owner = None,
            1 => plan.reverse_share = Percent::ZERO,
            2 => plan.long_lived_units = true,
            3 => plan.automatic_ramp = false,
            _ => {}
        }
        self.history.rollout.set_plan(plan);
    }

    /// What is on disk is all that is left.
    fn crash(&mut self) {
        let again = self.history.refolded();
        same(&again, &self.history.rollout);
        self.history.rollout = again;
    }
}

fn run(seed: u64) -> Tally {
    println!("seed {seed}: {STEPS} steps; run it alone with CROSSFADE_MODEL_SEED={seed}");
    let mut run = Run::new(seed);
    for step in 0..STEPS {
        run.step();
        if step % 250 == 249 {
            run.crash();
            run.history
                .verify()
                .unwrap_or_else(|mismatch| panic!("step {step}: {mismatch}"));
        }
    }
    run.tally
}

fn check(seeds: RangeInclusive<u64>) {
    if let Some(seed) = std::env::var_os("CROSSFADE_MODEL_SEED") {
        let seed = seed.to_str().and_then(|seed| seed.parse().ok());
        run(seed.expect("CROSSFADE_MODEL_SEED is a number"));
        return;
    }
    let mut all = Tally::new();
    for seed in seeds.clone() {
        for (what, times) in run(seed) {
            *all.entry(what).or_default() += times;
        }
    }
    println!("seeds {seeds:?}, {STEPS} steps each: {all:?}");
    let stages = Stage::ALL.iter().filter(|stage| **stage != Stage::Complete);
    let advances: BTreeSet<String> = stages
        .map(|stage| format!("advance from {stage}"))
        .collect();
    let others = [
        "raise",
        "lower",
        "roll-back",
        "alarm",
        "resume",
        "hold",
        "release",
        "observe",
        "gates restarted",
        "sign-off",
        "replayed",
        "drilled",
        "refused",
    ];
    for what in advances.iter().map(String::as_str).chain(others) {
        assert!(all.contains_key(what), "{what} never happened: {all:?}");
    }
}

#[test]
fn no_sequence_of_events_leads_where_it_must_not_first_half() {
    check(1..=50);
}

#[test]
fn no_sequence_of_events_leads_where_it_must_not_second_half() {
    check(51..=100);
}
