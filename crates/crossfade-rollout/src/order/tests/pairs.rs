//! Mirrored requests in the order: they wait longer than answers do, and hold none of them up.

use super::*;

const GOOD: MetricSet = MetricSet::EMPTY;

fn mirrored(key: OutcomeKey) -> Mirrored {
    Mirrored {
        key,
        route: RouteId::new("support"),
        attempt: 1,
        answer: Side::Primary,
        unit: Unit(key.sequence.into()),
        applies: MetricSet::all(),
    }
}

fn settle(key: OutcomeKey, group: Group, settlement: Settlement) -> Settled {
    Settled {
        key,
        group,
        settlement,
    }
}

/// The mirrored requests among records.
fn pairs(records: &[Record]) -> impl Iterator<Item = &DecidedPair> {
    records.iter().filter_map(|record| match record {
        Record::Pair(pair) => Some(pair),
        Record::Answer(_) | Record::Differences(_) | Record::Coverage(_) => None,
    })
}

fn transport() -> MetricSet {
    GOOD.with(Metric::Transport)
}

#[test]
fn what_is_settled_is_logged_and_void_is_only_counted() {
    let known = Settlement::Pair {
        primary: GOOD,
        candidate: transport(),
    };
    let open = Settlement::BreakerOpen {
        primary: transport(),
    };
    let check = |settlement, expected: Option<PairResult>| {
        let mut buffer = OrderBuffer::new();
        buffer.mirrored(&mirrored(key(0, 0, 0)));
        buffer.settled(&settle(key(0, 0, 0), Group::Arrival, settlement));
        let decided = buffer.advance(START + SECOND, AGES);
        let results: Vec<_> = pairs(&decided).map(|pair| pair.result).collect();
        assert_eq!(results, expected.into_iter().collect::<Vec<_>>());
        assert_eq!(buffer.counts().void, u64::from(expected.is_none()));
    };
    let compared = PairResult::Compared {
        primary: GOOD,
        candidate: transport(),
    };
    check(known, Some(compared));
    check(Settlement::PrimaryFailed, Some(PairResult::PrimaryFailed));
    let open_result = PairResult::BreakerOpen {
        primary: transport(),
    };
    check(open, Some(open_result));
    check(Settlement::Void, None);
}

#[test]
fn what_is_never_settled_is_void_at_twice_its_age_and_the_grace() {
    let mut buffer = OrderBuffer::new();
    buffer.mirrored(&mirrored(key(0, 0, 0)));
    let at = |second: u64| START + second * SECOND;
    assert_eq!(buffer.advance(at(80), AGES), []);
    assert_eq!(buffer.counts().waiting_pairs, 2);
    assert_eq!(buffer.advance(at(81), AGES), []);
    assert_eq!(
        buffer.counts().waiting_pairs,
        1,
        "the content has a longer age"
    );
    assert_eq!(buffer.advance(at(181), AGES), []);
    let counts = buffer.counts();
    assert_eq!(
        (counts.waiting_pairs, counts.void, counts.forced_by_age),
        (0, 2, 2)
    );
    let late = Settlement::Pair {
        primary: GOOD,
        candidate: transport(),
    };
    buffer.settled(&settle(key(0, 0, 0), Group::Arrival, late));
    assert_eq!(
        buffer.counts().late,
        1,
        "what shows later is counted, and does not enter"
    );
}

#[test]
fn when_too_many_wait_the_oldest_is_void_and_no_answer_is_touched() {
    let mut buffer = OrderBuffer::with_capacity(4);
    for n in 0..4 {
        buffer.drawn(&drawn(key(n, 0, n)));
    }
    for n in 4..12 {
        buffer.mirrored(&mirrored(key(n, 0, n)));
    }
    let counts = buffer.counts();
    assert_eq!((counts.waiting_arrival, counts.waiting_pairs), (4, 8));
    assert_eq!((counts.void, counts.forced_by_room), (8, 8));
    assert_eq!(buffer.advance(START + 13 * SECOND, AGES), []);
}

/// One request: whether it is mirrored, microseconds since the one before, how long each of its groups takes to be settled in
/// milliseconds, and whether it is bad.
type Request = (bool, u64, [u64; 2], bool);

/// What happens when: announcements at the time of sending, settlements after their own delay.
fn events(requests: &[Request], settle_pairs_at_once: bool) -> Vec<(u64, OutcomeMessage)> {
    let route = RouteId::new("support");
    let (mut sent, mut events) = (START, Vec::new());
    for (sequence, (is_mirrored, gap, delays, bad)) in (0_u64..).zip(requests) {
        sent += gap;
        let key = OutcomeKey {
            sent_unix_micros: sent,
            replica: 0,
            sequence,
        };
        let announcement = if *is_mirrored {
            OutcomeMessage::Mirrored(mirrored(key))
        } else {
            OutcomeMessage::Drawn(drawn(key))
        };
        events.push((sent, announcement));
        let bad = if *bad { MetricSet::all() } else { GOOD };
        for (group, delay) in [Group::Arrival, Group::Content].iter().zip(delays) {
            let bad = bad.of_group(*group);
            let settlement = match (is_mirrored, settle_pairs_at_once) {
                (false, _) => Settlement::Answer(bad),
                (true, true) => Settlement::Void,
                (true, false) => Settlement::Pair {
                    primary: GOOD,
                    candidate: bad,
                },
            };
            let after = if *is_mirrored && settle_pairs_at_once {
                0
            } else {
                delay * 1_000
            };
            let settled = settle(key, *group, settlement);
            events.push((
                sent + after,
                OutcomeMessage::Settled(route.clone(), settled),
            ));
        }
    }
    // Stable: what happens at one moment keeps its order.
    events.sort_by_key(|(at, _)| *at);
    events
}

/// What is decided after each event, as the worker looks.
fn play(events: &[(u64, OutcomeMessage)]) -> (Vec<(u64, Record)>, OrderCounts) {
    let mut buffer = OrderBuffer::new();
    let mut decided = Vec::new();
    for (at, message) in events {
        buffer.message(message);
        let now = buffer.advance(*at, AGES);
        decided.extend(now.into_iter().map(|record| (*at, record)));
    }
    let end = events.last().map_or(START, |(at, _)| *at) + SECOND;
    buffer.watermark(0, end);
    let last = buffer.advance(end, AGES);
    decided.extend(last.into_iter().map(|record| (end, record)));
    (decided, buffer.counts())
}

proptest! {
    /// However long a mirrored request takes, and however differently its groups and sides do: each kind is decided in the order of
    /// sending, each request once in each group, and an answer at the very moment at which it would be without pairs.
    #[test]
    fn pairs_keep_their_order_and_delay_no_answer(
        requests in proptest::collection::vec(
            (any::<bool>(), 0_u64..2_000_000, [0_u64..9_000, 0_u64..59_000], any::<bool>()),
            1..60,
        )
    ) {
        let (decided, counts) = play(&events(&requests, false));
        let (without, _) = play(&events(&requests, true));
        for group in &[Group::Arrival, Group::Content] {
            let of = |decided: &[(u64, Record)]| -> Vec<(u64, Decided)> {
                decided
                    .iter()
                    .filter_map(|(at, record)| Some((*at, *answers(std::slice::from_ref(record)).next()?)))
                    .filter(|(_, decided)| decided.group == *group)
                    .collect()
            };
            prop_assert_eq!(of(&without).iter().map(|d| d.1).collect::<Vec<_>>(),
                of(&decided).iter().map(|d| d.1).collect::<Vec<_>>());
            // Looked at after more events, the answers can only be found decided as early or earlier.
            for (with, without) in of(&decided).iter().zip(of(&without)) {
                prop_assert!(with.0 <= without.0, "{} {}", with.0, without.0);
            }
            let keys: Vec<OutcomeKey> = decided
                .iter()
                .filter_map(|(_, record)| pairs(std::slice::from_ref(record)).next())
                .filter(|pair| pair.group == *group)
                .map(|pair| pair.key)
                .collect();
            prop_assert!(keys.is_sorted());
            prop_assert_eq!(keys.len(), requests.iter().filter(|request| request.0).count());
        }
        prop_assert_eq!(counts, OrderCounts::default());
    }
}
