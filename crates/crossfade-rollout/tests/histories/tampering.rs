//! Whatever is changed in a history, verification finds it, although every form is right and every chain could have been
//! computed again.

use crossfade_exchange::{MetricSet, Percent, Side};
use crossfade_rollout::{Actor, ActorRole, Cause, Change, Entry, PairResult, Record};

use crate::{
    history::{History, percent},
    stories::{to_alarm, to_complete},
};

/// The history must not verify any more.
fn found(history: &History, what: &str) -> String {
    match history.verify() {
        Err(mismatch) => mismatch.to_string(),
        Ok(verified) if !verified.due.is_empty() => "a roll-back is due".to_owned(),
        Ok(_) => panic!("not found: {what}"),
    }
}

/// How many records of an attempt the ledger stands on.
fn covered(history: &History, attempt: u64) -> usize {
    let mut running = 0;
    let mut seen = 0;
    for entry in &history.entries {
        if running == attempt {
            seen = seen.max(entry.evidence.decided);
        }
        match &entry.change {
            Change::Split {
                new_attempt: Some(facts),
                ..
            }
            | Change::Advance {
                new_attempt: Some(facts),
                ..
            }
            | Change::Observe { facts } => running = facts.id,
            Change::Rollback { .. } => running = 0,
            _ => {}
        }
    }
    usize::try_from(seen).unwrap()
}

/// Another record of the same form.
fn bent(record: Record) -> Record {
    match record {
        Record::Pair(mut pair) => {
            pair.result = match pair.result {
                PairResult::Compared { candidate, .. } => PairResult::Compared {
                    primary: candidate,
                    candidate: if candidate.is_empty() {
                        pair.applies
                    } else {
                        MetricSet::EMPTY
                    },
                },
                PairResult::PrimaryFailed | PairResult::BreakerOpen { .. } => {
                    PairResult::Compared {
                        primary: MetricSet::EMPTY,
                        candidate: pair.applies,
                    }
                }
            };
            Record::Pair(pair)
        }
        Record::Answer(mut answer) => {
            answer.side = match answer.side {
                Side::Primary => Side::Candidate,
                Side::Candidate => Side::Primary,
            };
            Record::Answer(answer)
        }
        Record::Coverage(mut coverage) => {
            coverage.compared += 1;
            Record::Coverage(coverage)
        }
        Record::Differences(differences) => Record::Differences(differences),
    }
}

fn each_log(history: &History, tamper: impl Fn(&mut Vec<Record>, usize) -> bool, what: &str) {
    for attempt in history.logs.keys().copied() {
        let covered = covered(history, attempt);
        // The first and the last, and some between them.
        for at in (0..covered)
            .step_by((covered / 23).max(1))
            .chain([covered.saturating_sub(1)])
        {
            let mut copy = history.clone();
            if at < covered && tamper(copy.logs.get_mut(&attempt).unwrap(), at) {
                found(&copy, &format!("{what} at {at} of attempt {attempt}"));
            }
        }
    }
}

#[test]
fn records_bent_dropped_inserted_or_swapped_are_found() {
    for history in [to_complete(3), to_alarm(4)] {
        history.verify().unwrap();
        let bend = |log: &mut Vec<Record>, at: usize| {
            log[at] = bent(log[at]);
            true
        };
        each_log(&history, bend, "bent");
        let drop_one = |log: &mut Vec<Record>, at: usize| {
            log.remove(at);
            true
        };
        each_log(&history, drop_one, "dropped");
        let insert = |log: &mut Vec<Record>, at: usize| {
            log.insert(at, bent(log[at]));
            true
        };
        each_log(&history, insert, "inserted");
        let swap = |log: &mut Vec<Record>, at: usize| {
            let other = (0..at).rev().find(|other| log[*other] != log[at]);
            other.map(|other| log.swap(at, other)).is_some()
        };
        each_log(&history, swap, "swapped");
    }
}

/// Numbers the entries again, as whoever writes a ledger anew would.
fn renumbered(mut history: History) -> History {
    for (sequence, entry) in history.entries.iter_mut().enumerate() {
        entry.sequence = sequence as u64;
    }
    history
}

#[test]
fn entries_dropped_or_swapped_are_found_although_they_are_numbered_anew() {
    for history in [to_complete(5), to_alarm(6)] {
        let last = history.entries.len() - 1;
        for at in 0..last {
            let mut copy = history.clone();
            let gone = copy.entries.remove(at);
            // What changes nothing that is counted can be left out of a ledger that is written anew: only the head tells.
            let is_note = matches!(
                gone.change,
                Change::Hold | Change::Release | Change::Signoff { .. } | Change::Replayed { .. }
            );
            if !is_note {
                found(
                    &renumbered(copy),
                    &format!("entry {at} dropped: {}", gone.change),
                );
            }
            let mut copy = history.clone();
            copy.entries.swap(at, at + 1);
            found(&copy, &format!("entries {at} and the next swapped"));
        }
    }
}

/// The entry with one thing changed; `None` where the entry has no such thing.
type Lie = (&'static str, fn(&mut Entry) -> Option<()>);

const LIES: &[Lie] = &[
    ("a count", |entry| {
        entry.evidence.metrics.first_mut()?.candidate.answers += 1;
        Some(())
    }),
    ("W of R, by the last bit", |entry| {
        let w = &mut entry.evidence.metrics.first_mut()?.w;
        *w = f64::from_bits(w.to_bits() + 1);
        Some(())
    }),
    ("W of P, by the last bit", |entry| {
        let w = &mut entry.evidence.metrics.last_mut()?.w_pairs;
        *w = f64::from_bits(w.to_bits() + 1);
        Some(())
    }),
    ("a sum", |entry| {
        entry.evidence.groups.last_mut()?.sum *= 0.5;
        Some(())
    }),
    ("a gate", |entry| {
        entry.evidence.gates.first_mut()?.w *= 2.0;
        Some(())
    }),
    ("the units", |entry| {
        (entry.evidence.decided > 0).then(|| entry.evidence.units += 1)
    }),
    ("the coverage", |entry| {
        entry.evidence.coverage.first_mut()?.compared += 1;
        Some(())
    }),
    ("the place", |entry| {
        (entry.evidence.decided > 0).then(|| entry.evidence.decided -= 1)
    }),
    ("the outcomes' hash", |entry| {
        (entry.evidence.decided > 0).then(|| entry.evidence.outcomes = "0".repeat(64))
    }),
    ("who", |entry| {
        matches!(
            entry.change,
            Change::Split { .. } | Change::Signoff { .. } | Change::Observe { .. }
        )
        .then(|| entry.actor = Actor::new("eve", ActorRole::Viewer))
    }),
    ("the share", |entry| match &mut entry.change {
        Change::Split { to, .. } if !to.is_zero() => Some(*to = percent(60.0)),
        Change::Advance { share_to, .. } if !share_to.is_zero() => Some(*share_to = percent(60.0)),
        _ => None,
    }),
    ("the share before", |entry| match &mut entry.change {
        Change::Split { from, .. } | Change::Rollback { from, .. } => {
            Some(*from = Percent::HUNDRED)
        }
        Change::Advance { share_from, .. } if !share_from.is_whole() => {
            Some(*share_from = Percent::HUNDRED)
        }
        _ => None,
    }),
    ("the salt", |entry| match &mut entry.change {
        Change::Split {
            salt,
            new_attempt: Some(_),
            ..
        } => Some(*salt += 1),
        _ => None,
    }),
    ("the override", |entry| match &mut entry.change {
        Change::Split { override_, .. } if *override_ => Some(*override_ = false),
        _ => None,
    }),
    ("the sign-off", |entry| match &mut entry.change {
        Change::Advance {
            signoff: Some(signoff),
            ..
        } => Some(*signoff = 0),
        _ => None,
    }),
    ("the signed stage", |entry| match &mut entry.change {
        Change::Signoff { stage, .. } => Some(*stage = crossfade_rollout::Stage::Replay),
        _ => None,
    }),
    ("the time in the stage", |entry| match &mut entry.change {
        Change::Advance {
            required,
            signoff: Some(_),
            ..
        } => Some(required.entered_unix_ms += 3_600_000),
        _ => None,
    }),
    ("the units asked for", |entry| match &mut entry.change {
        Change::Advance {
            required,
            signoff: Some(_),
            ..
        } => Some(required.minimum_units = 1_000_000),
        _ => None,
    }),
    ("what was frozen", |entry| match &mut entry.change {
        Change::Split {
            new_attempt: Some(facts),
            ..
        }
        | Change::Observe { facts } => Some(facts.alpha /= 2.0),
        _ => None,
    }),
    ("the alarm", |entry| match &mut entry.change {
        Change::Rollback {
            cause: Cause::Alarm(alarm),
            ..
        } => Some(alarm.sum *= 2.0),
        _ => None,
    }),
    ("the cause", |entry| match &mut entry.change {
        Change::Rollback { cause, .. } => Some(*cause = Cause::Manual),
        _ => None,
    }),
];

#[test]
fn lies_in_entries_are_found() {
    let stories = [to_complete(7), to_alarm(8)];
    for (what, lie) in LIES {
        let mut told = 0;
        for history in &stories {
            for at in 0..history.entries.len() {
                let mut copy = history.clone();
                if lie(&mut copy.entries[at]).is_none() || copy.entries == history.entries {
                    continue;
                }
                told += 1;
                let found = found(&copy, &format!("{what} of entry {at}"));
                assert!(!found.is_empty());
            }
        }
        assert!(told > 0, "{what}: no entry has it, so nothing was tried");
    }
}

#[test]
fn a_roll_back_that_was_cut_away_is_due() {
    let mut history = to_alarm(9);
    let at = history
        .entries
        .iter()
        .position(|entry| matches!(entry.change, Change::Rollback { .. }))
        .unwrap();
    history.entries.truncate(at);
    let verified = history.verify().unwrap();
    assert_eq!(verified.due.len(), 1);
}

#[test]
fn only_the_log_of_an_attempt_that_has_ended_may_be_gone() {
    let mut history = to_alarm(10);
    let (old, running) = (2, history.rollout.attempt().unwrap().id);
    let kept = history.logs.remove(&old).unwrap();
    let verified = history.verify().unwrap();
    let pruned: Vec<u64> = verified
        .attempts
        .iter()
        .filter(|a| a.pruned)
        .map(|a| a.id)
        .collect();
    assert_eq!(pruned, [old], "it is said");
    // Room is made from the oldest on.
    let out_of_turn: Vec<u64> = verified
        .attempts
        .iter()
        .filter(|a| a.out_of_turn)
        .map(|a| a.id)
        .collect();
    assert_eq!(out_of_turn, [old], "{verified:?}");
    history.logs.insert(old, kept);
    // The running one's log is gone, and an entry stands on it.
    history
        .ask(
            &crossfade_rollout::Command::Hold,
            &crate::history::operator(),
        )
        .unwrap();
    history.logs.remove(&running).unwrap();
    assert!(found(&history, "a lost log").contains("gone"));
}
