//! The order in which outcomes enter, whatever order they came in.

use crossfade_exchange::{Metric, RouteId};
use proptest::prelude::*;

use super::*;

mod pairs;

const AGES: Ages = Ages {
    arrival: Duration::from_secs(10),
    content: Duration::from_secs(60),
};
const SECOND: u64 = 1_000_000;
/// Some moment, as the clock says it.
const START: u64 = 1_790_000_000 * SECOND;

fn key(second: u64, replica: u32, sequence: u64) -> OutcomeKey {
    OutcomeKey {
        sent_unix_micros: START + second * SECOND,
        replica,
        sequence,
    }
}

fn drawn(key: OutcomeKey) -> Drawn {
    Drawn {
        key,
        route: RouteId::new("support"),
        attempt: 1,
        side: Side::Candidate,
        probability: 0.1,
        salt: 7,
        unit: Unit(key.sequence.into()),
        applies: MetricSet::all(),
    }
}

fn settled(key: OutcomeKey, group: Group, bad: &[Metric]) -> Settled {
    Settled {
        key,
        group,
        settlement: Settlement::Answer(bad.iter().copied().collect()),
    }
}

/// The drawn answers among records.
fn answers(records: &[Record]) -> impl Iterator<Item = &Decided> {
    records.iter().filter_map(|record| match record {
        Record::Answer(decided) => Some(decided),
        Record::Pair(_) | Record::Differences(_) | Record::Coverage(_) => None,
    })
}

/// Sequence and bad metrics of what is decided at `second` in one group.
fn decide_at(buffer: &mut OrderBuffer, second: u64, group: Group) -> Vec<(u64, MetricSet)> {
    let decided = buffer.advance(START + second * SECOND, AGES);
    answers(&decided)
        .filter(|d| d.group == group)
        .map(|d| (d.key.sequence, d.bad))
        .collect()
}

const TRANSPORT: MetricSet = MetricSet::EMPTY;

#[test]
fn nothing_sent_later_is_decided_first() {
    let mut buffer = OrderBuffer::new();
    for i in 0..4 {
        buffer.drawn(&drawn(key(i, 0, i)));
    }
    for i in [1, 3, 2] {
        buffer.settled(&settled(key(i, 0, i), Group::Arrival, &[]));
    }
    assert_eq!(decide_at(&mut buffer, 5, Group::Arrival), []);
    buffer.settled(&settled(key(0, 0, 0), Group::Arrival, &[Metric::Transport]));
    let bad = MetricSet::EMPTY.with(Metric::Transport);
    let expected = [(0, bad), (1, TRANSPORT), (2, TRANSPORT), (3, TRANSPORT)];
    assert_eq!(decide_at(&mut buffer, 5, Group::Arrival), expected);
    // The other group has an order of its own.
    assert_eq!(buffer.counts().waiting_content, 4);
    buffer.settled(&settled(key(0, 0, 0), Group::Content, &[Metric::Refusal]));
    let bad = MetricSet::EMPTY.with(Metric::Refusal);
    assert_eq!(decide_at(&mut buffer, 5, Group::Content), [(0, bad)]);
}

#[test]
fn what_is_never_settled_is_decided_not_bad_a_minute_after_its_age() {
    let mut buffer = OrderBuffer::new();
    buffer.drawn(&drawn(key(0, 0, 0)));
    buffer.drawn(&drawn(key(1, 0, 1)));
    buffer.settled(&settled(key(1, 0, 1), Group::Arrival, &[Metric::Slow]));
    assert_eq!(decide_at(&mut buffer, 70, Group::Arrival), []);
    let slow = MetricSet::EMPTY.with(Metric::Slow);
    assert_eq!(
        decide_at(&mut buffer, 71, Group::Arrival),
        [(0, MetricSet::EMPTY), (1, slow)]
    );
    assert_eq!(buffer.counts().forced_by_age, 1);
    // A bad event that shows now is late; that an answer was good is no news.
    buffer.settled(&settled(key(0, 0, 0), Group::Arrival, &[Metric::Transport]));
    buffer.settled(&settled(key(0, 0, 0), Group::Arrival, &[]));
    assert_eq!(buffer.counts().late, 1);
    assert_eq!(decide_at(&mut buffer, 120, Group::Content), []);
    assert_eq!(decide_at(&mut buffer, 122, Group::Content).len(), 2);
}

#[test]
fn the_first_settlement_counts() {
    let mut buffer = OrderBuffer::new();
    buffer.drawn(&drawn(key(0, 0, 0)));
    buffer.settled(&settled(key(0, 0, 0), Group::Arrival, &[]));
    buffer.settled(&settled(key(0, 0, 0), Group::Arrival, &[Metric::Slow]));
    assert_eq!(
        decide_at(&mut buffer, 0, Group::Arrival),
        [(0, MetricSet::EMPTY)]
    );
    assert_eq!(buffer.counts().late, 1);
}

#[test]
fn only_what_applies_can_be_bad() {
    let mut buffer = OrderBuffer::new();
    let applies = MetricSet::EMPTY
        .with(Metric::Envelope)
        .with(Metric::Refusal);
    buffer.drawn(&Drawn {
        applies,
        ..drawn(key(0, 0, 0))
    });
    let bad = [Metric::Refusal, Metric::JsonParse, Metric::Transport];
    buffer.settled(&settled(key(0, 0, 0), Group::Content, &bad));
    buffer.settled(&settled(key(0, 0, 0), Group::Arrival, &bad));
    let decided = buffer.advance(START, AGES);
    let expected = [(
        Group::Content,
        applies,
        MetricSet::EMPTY.with(Metric::Refusal),
    )];
    assert_eq!(
        answers(&decided)
            .map(|d| (d.group, d.applies, d.bad))
            .collect::<Vec<_>>(),
        expected
    );
    assert_eq!(buffer.counts(), OrderCounts::default());
}

#[test]
fn when_too_many_wait_the_oldest_is_decided_with_what_is_known() {
    let mut buffer = OrderBuffer::with_capacity(2);
    buffer.drawn(&drawn(key(0, 0, 0)));
    buffer.drawn(&drawn(key(1, 0, 1)));
    buffer.settled(&settled(key(1, 0, 1), Group::Arrival, &[Metric::Slow]));
    buffer.drawn(&drawn(key(2, 0, 2)));
    buffer.drawn(&drawn(key(3, 0, 3)));
    let slow = MetricSet::EMPTY.with(Metric::Slow);
    assert_eq!(
        decide_at(&mut buffer, 3, Group::Arrival),
        [(0, MetricSet::EMPTY), (1, slow)]
    );
    let counts = buffer.counts();
    assert_eq!(
        (
            counts.waiting_arrival,
            counts.waiting_content,
            counts.forced_by_room
        ),
        (2, 2, 4)
    );
    // Settlements of what nobody announced are bounded too.
    for i in 10..15 {
        buffer.settled(&settled(key(i, 9, i), Group::Arrival, &[]));
    }
    assert_eq!(buffer.counts().unmatched, 3);
}

#[test]
fn another_replica_is_waited_for_until_it_has_been_silent_too_long() {
    let mut buffer = OrderBuffer::new();
    buffer.watermark(1, START);
    buffer.drawn(&drawn(key(1, 0, 0)));
    buffer.settled(&settled(key(1, 0, 0), Group::Arrival, &[]));
    assert_eq!(decide_at(&mut buffer, 2, Group::Arrival), []);
    buffer.watermark(1, START + SECOND);
    assert_eq!(decide_at(&mut buffer, 2, Group::Arrival).len(), 1);
    // Replica 1 says nothing more. From a minute and A after its last word, nobody waits for it.
    buffer.drawn(&drawn(key(5, 0, 1)));
    buffer.settled(&settled(key(5, 0, 1), Group::Arrival, &[]));
    assert_eq!(decide_at(&mut buffer, 71, Group::Arrival), []);
    assert_eq!(decide_at(&mut buffer, 72, Group::Arrival).len(), 1);
    // What it sent before that and announces only now has lost its place.
    buffer.drawn(&drawn(key(4, 1, 0)));
    assert_eq!(buffer.counts().dropped, 1);
}

#[test]
fn a_lost_announcement_holds_the_order_until_the_replica_says_that_all_are_there() {
    let mut buffer = OrderBuffer::new();
    buffer.drawn(&drawn(key(0, 0, 0)));
    buffer.drawn(&drawn(key(2, 0, 2)));
    for i in [0, 2] {
        buffer.settled(&settled(key(i, 0, i), Group::Arrival, &[]));
    }
    assert_eq!(
        decide_at(&mut buffer, 3, Group::Arrival),
        [(0, MetricSet::EMPTY)]
    );
    buffer.watermark(0, START + 3 * SECOND);
    assert_eq!(
        decide_at(&mut buffer, 3, Group::Arrival),
        [(2, MetricSet::EMPTY)]
    );
    assert_eq!(buffer.counts().lost, 1);
}

#[test]
fn what_was_not_drawn_has_no_place() {
    for probability in [0.0, 1.0, f64::NAN] {
        let mut buffer = OrderBuffer::new();
        buffer.drawn(&Drawn {
            probability,
            ..drawn(key(0, 0, 0))
        });
        assert_eq!(
            buffer.counts(),
            OrderCounts {
                dropped: 1,
                ..OrderCounts::default()
            }
        );
    }
}

/// Two replicas' messages: per replica draws with growing send times, each settled in both groups, and last a watermark
/// that covers everything.
fn messages(
    gaps: &[(bool, u64, u16)],
) -> (Vec<OutcomeMessage>, Vec<OutcomeMessage>, Vec<OutcomeKey>) {
    let route = RouteId::new("support");
    let (mut sent, mut sequence) = (START, [0_u64, 0]);
    let (mut all, mut keys) = (Vec::new(), Vec::new());
    for (second_replica, gap, bad) in gaps {
        sent += gap;
        let replica = usize::from(*second_replica);
        let key = OutcomeKey {
            sent_unix_micros: sent,
            replica: u32::from(*second_replica),
            sequence: sequence[replica],
        };
        sequence[replica] += 1;
        keys.push(key);
        all.push(OutcomeMessage::Drawn(drawn(key)));
        for group in &[Group::Arrival, Group::Content] {
            let bad = MetricSet::from_bits(*bad).of_group(*group);
            all.push(OutcomeMessage::Settled(
                route.clone(),
                Settled {
                    key,
                    group: *group,
                    settlement: Settlement::Answer(bad),
                },
            ));
        }
    }
    keys.sort_unstable();
    let covering = [0, 1].map(|replica| OutcomeMessage::Watermark {
        route: route.clone(),
        replica,
        announced_unix_micros: sent + 1,
    });
    (all, covering.into(), keys)
}

proptest! {
    /// Any interleaving of the same messages, looked at as often as one likes, gives the same decided sequence: that of
    /// sending.
    #[test]
    fn arrival_order_is_irrelevant(
        (gaps, order, looks) in proptest::collection::vec((any::<bool>(), 0_u64..3, any::<u16>()), 1..40)
            .prop_flat_map(|gaps| {
                let n = gaps.len() * 3;
                let order = Just((0..n).collect::<Vec<_>>()).prop_shuffle();
                (Just(gaps), order, proptest::collection::vec(any::<bool>(), n))
            })
    ) {
        let (all, covering, keys) = messages(&gaps);
        let run = |order: &[usize], looks: &[bool]| {
            let mut buffer = OrderBuffer::new();
            for replica in [0, 1] {
                buffer.watermark(replica, START);
            }
            let mut decided = Vec::new();
            for (i, look) in order.iter().zip(looks) {
                buffer.message(&all[*i]);
                if *look {
                    decided.extend(buffer.advance(START + SECOND, AGES));
                }
            }
            for watermark in &covering {
                buffer.message(watermark);
            }
            decided.extend(buffer.advance(START + SECOND, AGES));
            let counts = buffer.counts();
            ([Group::Arrival, Group::Content].iter().map(|g| answers(&decided).copied().filter(|d| d.group == *g).collect())
                .collect::<Vec<Vec<Decided>>>(), counts)
        };
        let in_order: Vec<usize> = (0..order.len()).collect();
        let (expected, _) = run(&in_order, &vec![false; order.len()]);
        let (got, counts) = run(&order, &looks);
        prop_assert_eq!(counts, OrderCounts::default());
        prop_assert_eq!(&got, &expected);
        for group in got {
            prop_assert_eq!(group.iter().map(|d| d.key).collect::<Vec<_>>(), keys.clone());
        }
    }
}
