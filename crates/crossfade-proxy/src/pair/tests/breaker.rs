//! What an open breaker makes of pairs.

use super::*;

/// Where the breaker is open from the sending to the primary's failure, the candidate would not have been asked either way.
#[test]
fn the_primarys_failures_behind_an_open_breaker_are_no_pairs() {
    let check = |breaker_open, is_open, arrival: Settlement| {
        let mut world = world(64);
        let mirrored = MirroredAs {
            answer: P,
            unit: Unit(1),
            applies: MetricSet::all(),
            streamed: true,
            deadline: Duration::from_secs(120),
            breaker_open,
        };
        let room = world.line.room_for_pair().unwrap();
        let pair = Pair::announce(&world.line, room, &world.attempt, mirrored, world.start);
        pair.kept_back_if(is_open);
        pair.skipped(C, SkipReason::PrimaryFailed, world.start.instant);
        let want = [
            (Group::Arrival, arrival),
            (Group::Content, Settlement::Void),
        ];
        assert_eq!(world.settled(), want, "{breaker_open} {is_open}");
    };
    let open = Settlement::BreakerOpen {
        primary: only(Metric::Transport),
    };
    check(true, true, open);
    check(true, false, Settlement::PrimaryFailed);
    check(false, true, Settlement::PrimaryFailed);
    check(false, false, Settlement::PrimaryFailed);
}
