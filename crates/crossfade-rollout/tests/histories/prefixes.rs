//! A fold of any prefix, and then of the rest, is the fold of the whole.

use crossfade_rollout::RouteRollout;

use crate::{
    history::{History, same},
    stories::{to_alarm, to_complete},
};

/// Everything in the order in which it was applied.
enum Event {
    Entry(usize),
    Outcome(crossfade_rollout::Record),
}

fn events(history: &History) -> Vec<Event> {
    let mut events = Vec::new();
    let mut replayed = RouteRollout::new(history.rollout.plan().clone());
    for (at, entry) in history.entries.iter().enumerate() {
        while replayed.decided() < entry.evidence.decided {
            let id = replayed.attempt().unwrap().id;
            let record = history.logs[&id][usize::try_from(replayed.decided()).unwrap()];
            replayed.apply(&record);
            events.push(Event::Outcome(record));
        }
        replayed.apply_entry(entry);
        events.push(Event::Entry(at));
    }
    if let Some(id) = replayed.attempt().map(|facts| facts.id) {
        let from = usize::try_from(replayed.decided()).unwrap();
        let rest = history.logs.get(&id).map_or(&[][..], |log| &log[from..]);
        events.extend(rest.iter().copied().map(Event::Outcome));
    }
    events
}

#[test]
fn a_fold_can_be_cut_anywhere() {
    for history in [to_complete(11), to_alarm(12)] {
        let events = events(&history);
        let plan = history.rollout.plan();
        for cut in (0..=events.len()).step_by((events.len() / 97).max(1)) {
            // What is on disk at the cut: the entries, and the outcomes of each attempt.
            let mut disk = History::new(plan.clone());
            let mut live = RouteRollout::new(plan.clone());
            let apply = |disk: &mut History, live: &mut RouteRollout, event: &Event| match event {
                Event::Entry(at) => {
                    live.apply_entry(&history.entries[*at]);
                    disk.entries.push(history.entries[*at].clone());
                }
                Event::Outcome(record) => {
                    live.apply(record);
                    disk.logs.entry(record.attempt()).or_default().push(*record);
                }
            };
            for event in &events[..cut] {
                apply(&mut disk, &mut live, event);
            }
            let mut again = disk.refolded();
            same(&again, &live);
            for event in &events[cut..] {
                apply(&mut disk, &mut again, event);
            }
            same(&again, &history.rollout);
        }
        same(&history.refolded(), &history.rollout);
    }
}
