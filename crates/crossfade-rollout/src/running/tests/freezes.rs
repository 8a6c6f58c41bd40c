//! What makes the ramp stand still.

use super::*;

#[test]
fn what_freezes_the_ramp_is_named() {
    let attempt = || Running::new(facts(Phase::Attempt, &[Metric::Transport], &[]));
    let mut good = attempt();
    for unit in 0..3_000 {
        good.apply(&Record::Answer(answer(unit, 0, 0.3, false)));
    }
    assert_eq!(good.freeze(), None);
    good.apply(&Record::Answer(answer(9_999, 0, 0.3, true)));
    assert_eq!(good.freeze(), Some(Freeze::Assignment));
    let mut lost = attempt();
    for unit in 0..3_000 {
        let drawn = answer(unit, 0, 0.3, false);
        if drawn.side == Side::Primary {
            lost.apply(&Record::Answer(drawn));
        }
    }
    assert_eq!(lost.freeze(), Some(Freeze::SampleRatio));
    let mut failing = attempt();
    for unit in 0..200 {
        let mut drawn = answer(unit, 5_000_000, 0.3, false);
        drawn.bad = [Metric::Transport].into_iter().collect();
        failing.apply(&Record::Answer(drawn));
    }
    let trouble = Some(Freeze::PrimaryTrouble {
        last_unix_ms: 5_000,
    });
    assert_eq!(
        (failing.freeze(), failing.evidence().freeze),
        (trouble, trouble)
    );
    failing.apply(&clock(5_000_000 + 900 * SECOND));
    assert_eq!(failing.freeze(), None);
}

#[test]
fn after_cutover_the_mirror_tells_of_the_primary_and_before_it_nothing_counts_twice() {
    let check = |answer: Side, frozen: bool| {
        let mut running = Running::new(facts(Phase::Attempt, &[Metric::Transport], &[]));
        for unit in 0..100 {
            let Record::Pair(of) = pair(Group::Arrival, unit, 1_000, PairResult::PrimaryFailed)
            else {
                panic!("a pair is a pair");
            };
            running.apply(&Record::Pair(DecidedPair { answer, ..of }));
        }
        assert_eq!(running.freeze().is_some(), frozen, "{answer}");
    };
    check(Side::Candidate, true);
    check(Side::Primary, false);
}

#[test]
fn the_shadow_watch_knows_how_often_the_primary_fails() {
    let mut running = shadow(&[Metric::Refusal], &[]);
    for unit in 0..300 {
        let result = match unit % 10 {
            0 => PairResult::PrimaryFailed,
            1 => compared(&[Metric::Transport], &[]),
            2 => PairResult::BreakerOpen {
                primary: MetricSet::EMPTY,
            },
            _ => compared(&[], &[Metric::Transport]),
        };
        running.apply(&pair(Group::Arrival, unit, 0, result));
        running.apply(&pair(Group::Content, unit, 0, compared(&[], &[])));
        let rate = running.primary_bad_rate();
        assert_eq!(rate.is_some(), unit >= 199, "{unit}");
    }
    assert_eq!(running.primary_bad_rate(), Some(0.2));
}
