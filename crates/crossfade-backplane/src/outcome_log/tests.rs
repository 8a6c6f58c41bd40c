//! The outcome log against crashes and damage.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use crossfade_exchange::{Group, Metric, MetricSet, OutcomeKey, Side, Unit};
use proptest::prelude::*;

use super::*;
use crossfade_rollout::Decided;

fn decided(sequence: u64) -> Record {
    let applies = MetricSet::EMPTY.with(Metric::Transport).with(Metric::Slow);
    Record::Answer(Decided {
        key: OutcomeKey {
            sent_unix_micros: 1_000 + sequence,
            replica: 7,
            sequence,
        },
        attempt: 3,
        group: Group::Arrival,
        side: if sequence.is_multiple_of(3) {
            Side::Candidate
        } else {
            Side::Primary
        },
        probability: 0.1,
        salt: 99,
        unit: Unit(u128::from(sequence) << 70),
        applies,
        bad: if sequence.is_multiple_of(5) {
            MetricSet::EMPTY.with(Metric::Slow)
        } else {
            MetricSet::EMPTY
        },
    })
}

fn all(count: u64) -> Vec<Record> {
    (0..count).map(decided).collect()
}

#[test]
fn batches_are_read_back_in_order() {
    let home = tempfile::tempdir().unwrap();
    let directory = DataDirectory::open(home.path()).unwrap();
    let route = RouteId::new("support");
    let (mut log, before) = OutcomeLog::open(&directory, &route, 3).unwrap();
    assert!(before.is_empty());
    log.append(&all(10)[..4]).unwrap();
    log.append(&[]).unwrap();
    log.append(&all(10)[4..]).unwrap();
    log.sync().unwrap();
    assert_eq!(log.records(), 10);
    let (_, again) = OutcomeLog::open(&directory, &route, 3).unwrap();
    assert_eq!(again, all(10));
    let (_, other) = OutcomeLog::open(&directory, &route, 4).unwrap();
    assert!(other.is_empty(), "each attempt has its own");
}

#[test]
fn damage_in_the_middle_is_named_by_its_record() {
    let home = tempfile::tempdir().unwrap();
    let directory = DataDirectory::open(home.path()).unwrap();
    let route = RouteId::new("support");
    OutcomeLog::open(&directory, &route, 1)
        .unwrap()
        .0
        .append(&all(6))
        .unwrap();
    let path = home.path().join("outcomes/support.1.log");
    let mut bytes = fs::read(&path).unwrap();
    bytes[FRAME * 2 + 20] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let refused = OutcomeLog::open(&directory, &route, 1).unwrap_err();
    assert!(
        matches!(refused, OutcomeLogError::Broken { record: 2, .. }),
        "{refused}"
    );
}

#[test]
fn old_logs_go_but_those_of_running_attempts_and_other_files_stay() {
    let home = tempfile::tempdir().unwrap();
    let directory = DataDirectory::open(home.path()).unwrap();
    let route = RouteId::new("support");
    for attempt in 1..=3 {
        OutcomeLog::resume(&directory, &route, attempt, 0).unwrap();
    }
    let folder = home.path().join("outcomes");
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    let (day, now) = (Duration::from_hours(24), SystemTime::now());
    let remove = |now| remove_old_outcomes(home.path(), [(&route, 3)].into_iter(), now, day);
    assert_eq!(remove(now).unwrap(), 0);
    assert_eq!(remove(now + 2 * day).unwrap(), 2);
    let mut left: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["notes.txt", "support.3.log"]);
}

#[test]
fn over_the_bound_the_oldest_ended_logs_go_and_never_what_runs() {
    let check = |running: Option<u64>, bound: u64, left: &[u64], removed: u64| {
        let home = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(home.path()).unwrap();
        let route = RouteId::new("support");
        for attempt in [1, 2, 10] {
            let mut log = OutcomeLog::resume(&directory, &route, attempt, 0).unwrap();
            log.append(&all(2)).unwrap();
        }
        // Of a route whose name only begins alike.
        let other = RouteId::new("support.2");
        OutcomeLog::resume(&directory, &other, 1, 0).unwrap();
        let (sizes, gone) = bound_outcomes(home.path(), &route, running, bound).unwrap();
        let is_there = |attempt: &u64| path_of(home.path(), &route, *attempt).exists();
        let found: Vec<u64> = [1, 2, 10].into_iter().filter(is_there).collect();
        assert_eq!(
            (found.as_slice(), gone),
            (left, removed),
            "{running:?} {bound}"
        );
        let (one, all) = (2 * FRAME as u64, left.len() as u64);
        let runs = running.is_some_and(|attempt| left.contains(&attempt));
        let running_bytes = if runs { one } else { 0 };
        assert_eq!(sizes.running_bytes, running_bytes, "{running:?} {bound}");
        assert_eq!(sizes.ended_bytes, one * all - running_bytes);
        assert!(path_of(home.path(), &other, 1).exists());
    };
    let one = 2 * FRAME as u64;
    check(Some(10), 3 * one, &[1, 2, 10], 0);
    check(Some(10), 3 * one - 1, &[2, 10], 1);
    check(Some(10), 0, &[10], 2);
    check(Some(1), 0, &[1, 10], 1);
    check(None, 0, &[10], 2);
    check(None, 2 * one, &[2, 10], 1);
}

#[test]
fn a_log_that_was_read_goes_on_behind_what_was_read() {
    let home = tempfile::tempdir().unwrap();
    let directory = DataDirectory::open(home.path()).unwrap();
    let route = RouteId::new("support");
    let mut log = OutcomeLog::resume(&directory, &route, 1, 0).unwrap();
    log.append(&all(5)).unwrap();
    drop(log);
    let path = home.path().join("outcomes/support.1.log");
    let mut bytes = fs::read(&path).unwrap();
    bytes.truncate(4 * FRAME + 30);
    fs::write(&path, &bytes).unwrap();
    let mut reader = read_outcomes(home.path(), &route, 1).unwrap().unwrap();
    let read: Vec<Record> = reader.by_ref().map(Result::unwrap).collect();
    assert_eq!((read.len(), reader.records()), (4, 4));
    let mut log = OutcomeLog::resume(&directory, &route, 1, 4).unwrap();
    log.append(&all(2)).unwrap();
    drop(log);
    let (_, read) = OutcomeLog::open(&directory, &route, 1).unwrap();
    assert_eq!(read.len(), 6);
}

#[test]
fn routes_make_safe_and_different_file_names() {
    let check = |route: &str, expected: &str| assert_eq!(safe_name(route), expected, "{route}");
    check("support-eu_1", "support-eu_1");
    check("support-*", "support-%2A");
    check("../../etc/passwd", "%2E%2E%2F%2E%2E%2Fetc%2Fpasswd");
    check("a.b", "a%2Eb");
    check("ü", "%C3%BC");
    let (long, longer) = ("a".repeat(300), "a".repeat(301));
    assert!(safe_name(&long).len() < 200);
    assert_ne!(safe_name(&long), safe_name(&longer));
}

proptest! {
    #[test]
    fn a_torn_tail_is_cut_and_the_log_goes_on(cut in 1_usize..3 * FRAME, zeros in 0_usize..2 * FRAME) {
        let home = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(home.path()).unwrap();
        let route = RouteId::new("r");
        OutcomeLog::open(&directory, &route, 1).unwrap().0.append(&all(5)).unwrap();
        let path = home.path().join("outcomes/r.1.log");
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(bytes.len() - cut);
        let whole = bytes.len() / FRAME;
        // Zeros behind the tear stand for pages that a power cut left unwritten.
        bytes.resize(bytes.len() + zeros, 0);
        fs::write(&path, &bytes).unwrap();
        let (mut log, kept) = OutcomeLog::open(&directory, &route, 1).unwrap();
        prop_assert_eq!(&kept, &all(whole as u64));
        log.append(&[decided(77)]).unwrap();
        let (_, again) = OutcomeLog::open(&directory, &route, 1).unwrap();
        prop_assert_eq!(again.len(), whole + 1);
        prop_assert_eq!(again.last(), Some(&decided(77)));
    }
}

#[test]
fn a_reader_sees_what_a_writer_has_written_so_far() {
    let home = tempfile::tempdir().unwrap();
    let directory = DataDirectory::open(home.path()).unwrap();
    let route = RouteId::new("support");
    assert!(read_outcomes(home.path(), &route, 3).unwrap().is_none());
    let (mut log, _) = OutcomeLog::open(&directory, &route, 3).unwrap();
    let read = || -> Result<Vec<Record>, OutcomeLogError> {
        read_outcomes(home.path(), &route, 3)
            .unwrap()
            .unwrap()
            .collect()
    };
    assert_eq!(read().unwrap(), []);
    log.append(&all(5)).unwrap();
    assert_eq!(read().unwrap(), all(5));
    let path = path_of(home.path(), &route, 3);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(read().unwrap(), all(4), "a torn tail is none");
    let mut damaged = whole;
    damaged[FRAME * 2 + 7] ^= 1;
    fs::write(&path, damaged).unwrap();
    let error = read().unwrap_err().to_string();
    assert!(error.contains("broken at record 2"), "{error}");
}
