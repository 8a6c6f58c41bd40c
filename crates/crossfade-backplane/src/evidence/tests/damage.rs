//! What a crash, a disk or a copy has made of the files, and what it costs.

use super::*;

#[test]
fn a_torn_tail_costs_its_record_alone_wherever_it_is_torn() {
    let home = home();
    let lengths: Vec<u64> = {
        let store = home.store(1 << 20);
        let put = |id: &str| {
            store.put(&kept(id, 5, caller(1))).unwrap();
            fs::metadata(home.only_segment("evidence/exchanges"))
                .unwrap()
                .len()
        };
        ["a", "b", "c"].map(put).into()
    };
    let file = home.only_segment("evidence/exchanges");
    let whole = fs::read(&file).unwrap();
    for length in 0..=whole.len() {
        fs::write(&file, &whole[..length]).unwrap();
        let store = home.store(1 << 20);
        let expected = lengths.iter().filter(|end| **end <= length as u64).count();
        assert_eq!(store.stats().exchanges, expected as u64, "cut at {length}");
        for id in ["a", "b", "c"].iter().take(expected) {
            assert!(store.get(id).unwrap().is_some());
        }
        if length % 97 == 0 {
            store.put(&kept("after", 6, caller(1))).unwrap();
            drop(store);
            assert!(home.store(1 << 20).get("after").unwrap().is_some());
        }
        drop(fs::remove_dir_all(
            home.directory.path().join("evidence/exchanges"),
        ));
        fs::create_dir(home.directory.path().join("evidence/exchanges")).unwrap();
    }
}

#[test]
fn a_changed_byte_costs_one_record_and_is_never_shown() {
    let home = home();
    {
        let store = home.store(1 << 20);
        for id in ["a", "b", "c"] {
            store.put(&kept(id, 5, caller(1))).unwrap();
        }
    }
    let file = home.only_segment("evidence/exchanges");
    let whole = fs::read(&file).unwrap();
    for at in (32..whole.len()).step_by(7) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&file, &changed).unwrap();
        let store = home.store(1 << 20);
        let good = ["a", "b", "c"].iter().filter(|id| match store.get(id) {
            Ok(Some(found)) => {
                assert_eq!(found, kept(id, 5, caller(1)), "byte {at}");
                true
            }
            Ok(None) | Err(_) => false,
        });
        assert_eq!(good.count(), 2, "byte {at}");
    }
}

#[test]
fn a_file_without_its_head_stops_nothing_and_goes_with_its_age() {
    for (log, bytes) in [
        ("evidence/exchanges", vec![0; 4_096]),
        (
            "evidence/summaries",
            b"something else entirely, and long enough".to_vec(),
        ),
        ("reviews", vec![0; 32]),
    ] {
        let home = home();
        drop((home.store(1 << 20), home.queue()));
        let file = home.directory.path().join(log).join("0000000000.seg");
        fs::write(&file, bytes).unwrap();
        let (store, reviews) = (home.store(1 << 20), home.queue());
        store.put(&kept("one", 5, caller(1))).unwrap();
        let new = queue::item("support", None, ReviewReason::NewSignature, 5);
        reviews.offer(new).unwrap();
        drop((store, reviews));
        let store = home.store(1 << 20);
        assert!(store.get("one").unwrap().is_some(), "{log}");
        assert_eq!(home.queue().open_count(None), 1, "{log}");
        // Written by now, and so too old long after now.
        store.sweep(u64::MAX).unwrap();
        assert_eq!(file.exists(), log == "reviews", "{log}");
    }
}

#[test]
fn what_is_empty_keeps_nothing_behind_it_longer_than_it_may() {
    let home = home();
    {
        let store = home.store(1 << 20);
        // Two segments, as they span 62.5 seconds.
        store.put(&kept("theirs", 0, caller(1))).unwrap();
        store.put(&kept("others", 100_000, caller(2))).unwrap();
        store.delete_caller(&caller(1)).unwrap();
    }
    let store = home.store(1 << 20);
    store.sweep(1_100_001).unwrap();
    assert_eq!(store.get("others").unwrap(), None);
    assert!(!store.summary("others").unwrap().bodies);
}

#[test]
fn a_callers_exchanges_go_also_beside_a_damaged_one() {
    let home = home();
    let ends: Vec<u64> = {
        let store = home.store(1 << 20);
        let put = |id: &str, of| {
            store.put(&kept(id, 5, caller(of))).unwrap();
            fs::metadata(home.only_segment("evidence/exchanges"))
                .unwrap()
                .len()
        };
        [put("theirs", 1), put("damaged", 2), put("others", 2)].into()
    };
    let file = home.only_segment("evidence/exchanges");
    let store = home.store(1 << 20);
    // The last byte of the second record's body, damaged under a running process.
    let mut bytes = fs::read(&file).unwrap();
    bytes[usize::try_from(ends[1]).unwrap() - 1] ^= 1;
    fs::write(&file, bytes).unwrap();
    store.get("damaged").unwrap_err();
    assert_eq!(store.delete_caller(&caller(1)).unwrap().ids, ["theirs"]);
    assert_eq!(store.get("damaged").unwrap(), None);
    assert!(store.get("others").unwrap().is_some());
    drop(store);
    let store = home.store(1 << 20);
    assert!(store.get("others").unwrap().is_some());
    assert_eq!((store.stats().exchanges, store.stats().damaged), (1, 0));
}

#[test]
fn what_stands_where_a_log_belongs_stops_nobody_and_is_never_written_over() {
    let home = home();
    drop(home.store(1 << 20));
    assert!(home.queue().is_known());
    let data = home.directory.path().to_path_buf();
    let evidence = data.join("evidence/exchanges");
    fs::remove_dir_all(&evidence).unwrap();
    for path in [&evidence, &data.join("reviews"), &data.join("statistics")] {
        drop(fs::remove_dir_all(path));
        fs::write(path, b"not a directory").unwrap();
    }
    let store = home.store(1 << 20);
    store.put(&kept("one", 5, caller(1))).unwrap_err();
    // Nobody knows what of theirs is there.
    store.delete_caller(&caller(1)).unwrap_err();
    assert!(!home.queue().is_known());
    let snapshots = Snapshots::open(&home.directory, &keys(1)).unwrap();
    let route = RouteId::new("r");
    snapshots.put(&route, b"x").unwrap_err();
    assert_eq!(snapshots.get(&route).unwrap(), None);
    assert_eq!(fs::read(&evidence).unwrap(), b"not a directory");
}

#[test]
fn a_segment_that_cannot_be_read_keeps_its_number() {
    let home = home();
    home.store(1 << 20).put(&kept("one", 5, caller(1))).unwrap();
    let folder = home.directory.path().join("evidence/exchanges");
    let unreadable = folder.join("0000000001.seg");
    fs::create_dir(&unreadable).unwrap();
    let store = home.store(1 << 20);
    assert_eq!((store.stats().exchanges, store.stats().damaged), (1, 1));
    store.put(&kept("two", 6, caller(2))).unwrap();
    assert!(folder.join("0000000002.seg").is_file());
    store.delete_caller(&caller(1)).unwrap_err();
    assert!(store.get("one").unwrap().is_none() && store.get("two").unwrap().is_some());
    drop(store);
    fs::remove_dir(&unreadable).unwrap();
    let store = home.store(1 << 20);
    assert!(store.get("two").unwrap().is_some());
    store.delete_caller(&caller(1)).unwrap();
}
