//! The fold under random sequences of events.

use proptest::prelude::*;

use super::*;

/// One thing that happens to a route.
#[derive(Clone, Copy, Debug)]
enum Event {
    Split(f64),
    Rollback,
    Resume,
    Answer {
        candidate: bool,
        content: bool,
        bad: u16,
        unit: u8,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let answer = (
        any::<bool>(),
        any::<bool>(),
        any::<u16>(),
        0..4_u8,
        any::<u8>(),
    )
        .prop_map(|(candidate, content, bad, luck, unit)| {
            let bad = if luck == 0 { bad } else { 0 };
            Event::Answer {
                candidate,
                content,
                bad,
                unit,
            }
        });
    prop_oneof![
        1 => proptest::sample::select(vec![0.0, 1.0, 5.0, 33.3, 50.0, 100.0]).prop_map(Event::Split),
        1 => Just(Event::Rollback),
        1 => Just(Event::Resume),
        12 => answer,
    ]
}

impl Driven {
    fn happen(&mut self, event: Event) {
        let rolled_back = self.rollout.rolled_back().is_some();
        let stuck = rolled_back || self.rollout.alarm().is_some();
        match event {
            Event::Split(to) if to > self.rollout.share().percent() && stuck => {}
            Event::Split(to) => self.split(to),
            Event::Rollback => self.command(Command::Rollback),
            Event::Resume if rolled_back => self.command(Command::Resume),
            Event::Resume => {}
            Event::Answer { .. } if !self.rollout.split().is_drawn() => {}
            Event::Answer {
                candidate,
                content,
                bad,
                unit,
            } => {
                let side = if candidate {
                    Side::Candidate
                } else {
                    Side::Primary
                };
                let group = if content {
                    Group::Content
                } else {
                    Group::Arrival
                };
                let bad: Vec<Metric> = MetricSet::from_bits(bad).of_group(group).iter().collect();
                self.answer(side, group, &bad, unit.into());
            }
        }
    }
}

proptest! {
    /// After every event, the ledger and the log alone say the same as the state that went through it.
    #[test]
    fn a_refold_is_the_same_to_the_bit(events in proptest::collection::vec(event(), 1..120), long in any::<bool>()) {
        let mut driven = Driven::new(RoutePlan { long_lived_units: long, ..plan(Metric::ALL) });
        for (i, event) in events.into_iter().enumerate() {
            driven.happen(event);
            if i % 10 == 0 {
                same(&driven.rollout, &driven.refolded());
            }
        }
        same(&driven.rollout, &driven.refolded());
    }

    /// Nothing but a recorded raise moves a share up.
    #[test]
    fn outcomes_never_move_the_share(events in proptest::collection::vec(event(), 1..200)) {
        let mut driven = Driven::new(plan(Metric::ALL));
        for event in events {
            let before = driven.rollout.split();
            driven.happen(event);
            if let Event::Answer { .. } = event {
                prop_assert_eq!(driven.rollout.split(), before);
            }
        }
    }
}
