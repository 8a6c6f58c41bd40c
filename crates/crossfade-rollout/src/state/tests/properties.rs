//! The fold under random sequences of events: every verb, every kind of record.

use crossfade_exchange::{Gate, SizeClass};
use proptest::prelude::*;

use super::*;
use crate::{
    Coverage, DecidedPair, Differences, DrillResult, PairResult, Phase, ReplayResult, draw,
};

/// One thing that happens to a route.
#[derive(Clone, Copy, Debug)]
enum Event {
    Split(f64),
    Verb(Verb),
    Answer {
        content: bool,
        bad: u16,
        unit: u8,
    },
    Pair {
        content: bool,
        kind: u8,
        bad: [u16; 2],
        unit: u8,
    },
    /// What people say of a pair; a late one was sent before others of which they have said something.
    Review {
        bad: [bool; 2],
        unit: u8,
        late: bool,
    },
    Differences {
        values: [i8; 2],
        unit: u8,
    },
    Coverage {
        large: bool,
        selected: u8,
    },
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Rollback,
    Resume,
    Hold,
    Advance,
    Signoff,
    Replayed,
    Drilled,
    Tick,
    Configure,
}

fn event() -> impl Strategy<Value = Event> {
    // Most of what is judged is good.
    let bad = || (any::<u16>(), 0..4_u8).prop_map(|(bad, luck)| if luck == 0 { bad } else { 0 });
    let answer = (any::<bool>(), bad(), any::<u8>())
        .prop_map(|(content, bad, unit)| Event::Answer { content, bad, unit });
    let pair = (any::<bool>(), 0..6_u8, bad(), bad(), any::<u8>()).prop_map(
        |(content, kind, primary, candidate, unit)| Event::Pair {
            content,
            kind,
            bad: [primary, candidate],
            unit,
        },
    );
    let review = (any::<[bool; 2]>(), any::<u8>(), 0..5_u8).prop_map(|(bad, unit, late)| {
        let late = late == 0;
        Event::Review { bad, unit, late }
    });
    let differences = (any::<[i8; 2]>(), any::<u8>())
        .prop_map(|(values, unit)| Event::Differences { values, unit });
    let coverage = (any::<bool>(), any::<u8>())
        .prop_map(|(large, selected)| Event::Coverage { large, selected });
    let verbs = vec![
        Verb::Rollback,
        Verb::Resume,
        Verb::Resume,
        Verb::Hold,
        Verb::Advance,
        Verb::Advance,
        Verb::Advance,
        Verb::Signoff,
        Verb::Replayed,
        Verb::Drilled,
        Verb::Tick,
        Verb::Tick,
        Verb::Configure,
    ];
    prop_oneof![
        1 => proptest::sample::select(vec![0.0, 1.0, 5.0, 33.3, 50.0, 100.0]).prop_map(Event::Split),
        3 => proptest::sample::select(verbs).prop_map(Event::Verb),
        6 => answer,
        6 => pair,
        3 => review,
        2 => differences,
        1 => coverage,
    ]
}

fn group(content: bool) -> Group {
    if content {
        Group::Content
    } else {
        Group::Arrival
    }
}

impl Driven {
    fn happen(&mut self, event: Event) {
        match event {
            Event::Split(to) => {
                let to = Percent::new(to).unwrap();
                let override_ = true;
                self.ask(&Command::Split { to, override_ }, ActorRole::Owner);
            }
            Event::Verb(verb) => self.verb(verb),
            Event::Answer { .. } if !self.rollout.split().is_drawn() => {}
            Event::Answer { content, bad, unit } => {
                let unit = u128::from(unit);
                let below = draw(self.rollout.salt(), Unit(unit)) < self.rollout.share().ratio();
                let side = if below {
                    Side::Candidate
                } else {
                    Side::Primary
                };
                let group = group(content);
                let bad: Vec<Metric> = MetricSet::from_bits(bad).of_group(group).iter().collect();
                self.answer(side, group, &bad, unit);
            }
            Event::Pair { .. }
            | Event::Review { .. }
            | Event::Differences { .. }
            | Event::Coverage { .. } => {
                if let Some(record) = self.unanswered(event) {
                    self.log(record);
                }
            }
        }
    }

    /// What is recorded only if it is allowed.
    fn ask(&mut self, command: &Command, role: ActorRole) {
        let (actor, context) = (Actor::new("somebody", role), self.context());
        if let Ok(proposal) = self.rollout.propose(command, &actor, &context) {
            let sequence = self.entries.len() as u64;
            self.record(&proposal.into_entry(sequence, context.now_unix_ms, route(), actor));
        }
    }

    fn verb(&mut self, verb: Verb) {
        let owner = ActorRole::Owner;
        match verb {
            Verb::Rollback => match self.rollout.alarm().copied() {
                Some(alarm) => self.ask(&Command::Alarm(alarm), ActorRole::Engine),
                None => self.ask(&Command::Rollback, owner),
            },
            Verb::Resume => self.ask(&Command::Resume, owner),
            Verb::Hold => self.ask(&Command::Hold, owner),
            Verb::Signoff => {
                let report = "abc".to_owned();
                self.ask(&Command::Signoff { report }, owner);
            }
            Verb::Replayed => {
                let result = ReplayResult {
                    dataset_sha256: "ab".repeat(32),
                    cases: self.log.len() as u64,
                    passed: 0,
                    exit_code: if self.log.len().is_multiple_of(2) {
                        0
                    } else {
                        100
                    },
                };
                self.ask(&Command::Replayed(result), owner);
            }
            Verb::Drilled => {
                let result = DrillResult {
                    decided_after_micros: self.log.len() as u64,
                    durable_after_micros: 1,
                    problems: vec!["none".into()],
                };
                self.ask(&Command::Drilled(result), owner);
            }
            Verb::Tick => {
                if let Some(command) = self.rollout.tick(&self.context()) {
                    self.ask(&command, ActorRole::Controller);
                }
            }
            Verb::Configure => {
                let mut plan = self.rollout.plan().clone();
                plan.gates.fingerprint = format!("{}", self.entries.len());
                if let Some(aside) = &mut self.aside {
                    aside.set_plan(plan.clone());
                }
                self.rollout.set_plan(plan);
            }
            Verb::Advance => self.advance(),
        }
    }

    /// As if every gate had passed.
    fn advance(&mut self) {
        let context = self.context();
        let stuck = !self.rollout.obstacles(&context).is_empty();
        if let Some((to, share)) = self.rollout.next_step().filter(|_| !stuck) {
            let change = self.rollout.advanced(to, share, &context);
            self.record(&Entry {
                route: Some(route()),
                change,
                evidence: self.rollout.evidence(),
                ..Entry::started(self.entries.len() as u64, context.now_unix_ms, "it is time")
            });
        }
    }

    /// What no answer of a drawn side is.
    #[expect(clippy::too_many_lines, reason = "one arm for each event")]
    fn unanswered(&self, event: Event) -> Option<Record> {
        let attempt = self.rollout.attempt()?.id;
        // Half a minute between them: windows and hours go by.
        let at = 30_000_000 * self.log.len() as u64;
        match event {
            Event::Review {
                bad: [primary, candidate],
                unit,
                late,
            } => {
                let applies = MetricSet::EMPTY.with(Metric::Review);
                let set = |bad: bool| if bad { applies } else { MetricSet::EMPTY };
                Some(Record::Pair(DecidedPair {
                    key: OutcomeKey {
                        sent_unix_micros: if late { 1 } else { at + 1 },
                        ..OutcomeKey::default()
                    },
                    attempt,
                    group: Group::Review,
                    answer: Side::Primary,
                    unit: Unit(unit.into()),
                    applies,
                    result: PairResult::Compared {
                        primary: set(primary),
                        candidate: set(candidate),
                    },
                }))
            }
            Event::Pair {
                content,
                kind,
                bad: [primary, candidate],
                unit,
            } => {
                let applies = MetricSet::all().of_group(group(content));
                let of = |bits: u16| MetricSet::from_bits(bits).of_group(group(content));
                let result = match kind {
                    0 => PairResult::PrimaryFailed,
                    1 => PairResult::BreakerOpen {
                        primary: of(primary),
                    },
                    _ => PairResult::Compared {
                        primary: of(primary),
                        candidate: of(candidate),
                    },
                };
                Some(Record::Pair(DecidedPair {
                    key: OutcomeKey {
                        sent_unix_micros: at,
                        replica: 0,
                        sequence: self.log.len() as u64,
                    },
                    attempt,
                    group: group(content),
                    answer: Side::Primary,
                    unit: Unit(unit.into()),
                    applies,
                    result,
                }))
            }
            Event::Differences { values, unit } => {
                let gates = [Gate::Label, Gate::TextSimilarity];
                let values = gates.into_iter().zip(values.map(|v| f64::from(v) / 128.0));
                let differences = Differences::new(at, attempt, Unit(unit.into()), values);
                Some(Record::Differences(differences))
            }
            Event::Coverage { large, selected } => Some(Record::Coverage(Coverage {
                at_unix_micros: at,
                attempt,
                size: if large { SizeClass::M2 } else { SizeClass::K4 },
                selected: selected.into(),
                compared: u32::from(selected) / 2,
            })),
            Event::Split(_) | Event::Verb(_) | Event::Answer { .. } => None,
        }
    }
}

/// What must hold whatever happens.
fn sound(rollout: &RouteRollout) {
    let (stage, share) = (rollout.stage(), rollout.share());
    let in_attempt = rollout
        .attempt()
        .is_some_and(|facts| facts.phase == Phase::Attempt);
    if stage.lets_candidate_answer() {
        assert!(in_attempt || stage == Stage::Complete, "{stage} unwatched");
        assert!(share <= rollout.reached() || stage == Stage::Complete);
    } else {
        assert!(share.is_zero(), "{share} in {stage}");
    }
    if rollout.rolled_back().is_some() {
        assert!(share.is_zero() && !stage.lets_candidate_answer() && rollout.attempt().is_none());
    }
}

fn any_plan(long: bool, replay: bool) -> RoutePlan {
    let mut plan = RoutePlan {
        long_lived_units: long,
        has_internal_callers: true,
        reverse_share: Percent::HUNDRED,
        ..plan(Metric::ALL)
    };
    plan.gates.margins.insert(Gate::Label, 0.02);
    if replay {
        plan.stages.insert(0, Stage::Replay);
    }
    plan
}

proptest! {
    /// After every event, the ledger and the log alone say the same as the state that went through it; and what they said at
    /// any moment, taken on from there, says the same at the end.
    #[test]
    fn a_refold_is_the_same_to_the_bit(
        events in proptest::collection::vec(event(), 1..120),
        cut in 0..120_usize,
        long in any::<bool>(),
        replay in 0..4_u8,
    ) {
        let mut driven = Driven::new(any_plan(long, replay == 0));
        for (i, event) in events.into_iter().enumerate() {
            if i == cut {
                driven.aside = Some(driven.refolded());
            }
            driven.happen(event);
            sound(&driven.rollout);
            if i % 10 == 0 {
                same(&driven.rollout, &driven.refolded());
            }
        }
        same(&driven.rollout, &driven.refolded());
        if let Some(aside) = &driven.aside {
            same(&driven.rollout, aside);
        }
    }

    /// Nothing but a recorded raise moves a share up, and no outcome moves a stage.
    #[test]
    fn outcomes_never_move_the_share(events in proptest::collection::vec(event(), 1..200)) {
        let mut driven = Driven::new(any_plan(false, false));
        for event in events {
            let before = driven.rollout.split();
            driven.happen(event);
            match event {
                Event::Answer { .. } | Event::Pair { .. } | Event::Review { .. } | Event::Differences { .. } | Event::Coverage { .. } => {
                    prop_assert_eq!(driven.rollout.split(), before);
                }
                Event::Split(_) | Event::Verb(_) => {}
            }
        }
    }
}
