//! Histories that other tests cut and change, and that they hold as they are.

use crossfade_exchange::Percent;
use crossfade_rollout::{Change, Command, Stage};

use crate::{
    chance::Chance,
    history::{Badness, GOOD, History, WORSE, operator, owner, passed, percent, plan},
};

/// From golden sets to `complete`, every step by evidence.
pub(crate) fn to_complete(seed: u64) -> History {
    let mut chance = Chance::new(seed);
    let mut history = History::new(plan("a"));
    history
        .ask(&Command::Replayed(passed()), &operator())
        .unwrap();
    history.ask(&Command::Advance, &operator()).unwrap();
    for _ in 0..40 {
        if history.rollout.stage() == Stage::Complete {
            return history;
        }
        step(&mut history, &mut chance);
    }
    panic!(
        "not complete: {:?}",
        history.rollout.obstacles_to_advance(&history.context())
    );
}

/// Evidence, a sign-off, and on.
fn step(history: &mut History, chance: &mut Chance) {
    history.tick();
    traffic(history, chance, GOOD, 60);
    history.cover(60, 58);
    history.now_ms += 15_000;
    traffic(history, chance, GOOD, 10);
    let report = "report".to_owned();
    history.ask(&Command::Signoff { report }, &owner()).unwrap();
    // What is not enough yet is enough the next time.
    drop(history.ask(&Command::Advance, &operator()));
}

/// Raised by an owner, held, raised again, and rolled back by a test.
pub(crate) fn to_alarm(seed: u64) -> History {
    let mut chance = Chance::new(seed);
    let mut history = History::new(no_replay());
    history.tick();
    traffic(&mut history, &mut chance, GOOD, 20);
    let split = |to| Command::Split {
        to: percent(to),
        override_: true,
    };
    history.ask(&split(10.0), &owner()).unwrap();
    traffic(&mut history, &mut chance, GOOD, 40);
    history.ask(&Command::Hold, &operator()).unwrap();
    history.ask(&Command::Resume, &operator()).unwrap();
    history.ask(&split(50.0), &owner()).unwrap();
    traffic(&mut history, &mut chance, WORSE, 2_000);
    assert!(
        history.rollout.rolled_back().is_some(),
        "so bad, and nothing happened"
    );
    history.ask(&Command::Resume, &owner()).unwrap();
    history.tick();
    traffic(&mut history, &mut chance, GOOD, 20);
    // So that something stands on the last outcomes too.
    history.ask(&Command::Hold, &operator()).unwrap();
    history
}

pub(crate) fn no_replay() -> crossfade_rollout::RoutePlan {
    let mut plan = plan("a");
    plan.stages.retain(|stage| *stage != Stage::Replay);
    plan
}

fn traffic(history: &mut History, chance: &mut Chance, badness: Badness, requests: u32) {
    for _ in 0..requests {
        history.request(chance, badness, 120);
        if history.rollout.rolled_back().is_some() {
            return;
        }
    }
}

#[test]
fn a_good_candidate_reaches_complete_and_all_of_it_verifies() {
    let history = to_complete(1);
    let verified = history.verify().unwrap();
    assert!(verified.due.is_empty());
    assert_eq!(history.rollout.share(), Percent::HUNDRED);
    let advances = |from: Stage| {
        let of = |change: &Change| matches!(change, Change::Advance { from: f, .. } if *f == from);
        history
            .entries
            .iter()
            .filter(|entry| of(&entry.change))
            .count()
    };
    for stage in Stage::ALL
        .iter()
        .copied()
        .filter(|stage| *stage != Stage::Complete)
    {
        assert!(advances(stage) > 0, "{stage} was left by evidence");
    }
}

#[test]
fn a_bad_candidate_is_rolled_back_and_all_of_it_verifies() {
    let history = to_alarm(2);
    history.verify().unwrap();
    assert!(history.rollout.share().is_zero());
}
