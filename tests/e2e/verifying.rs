//! `verify-ledger` as an auditor runs it: over a copy of the data directory, as it is and with a byte changed.

use std::{fs, path::Path};

use crossfade_tests::{
    Setup, World,
    chat::question,
    eventually,
    process::{command, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::PROGRAM;

/// What verification reads.
const READ: &[&str] = &["ledger.jsonl", "outcomes"];

/// What was found in a data directory, and with which code the command ended.
async fn found(data: &Path) -> (Option<i32>, Value, String) {
    let data = data.to_str().unwrap();
    let arguments = ["verify-ledger", "--data", data, "--output", "json"];
    let ended = run(command(PROGRAM, &arguments)).await;
    let said = serde_json::from_str(&ended.stdout);
    let said = said.unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    (ended.status.code(), said, ended.stderr)
}

fn copy(data: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in READ {
        let (from, to) = (data.join(name), copy.path().join(name));
        if !from.is_dir() {
            fs::copy(&from, &to).unwrap();
            continue;
        }
        fs::create_dir(&to).unwrap();
        for file in fs::read_dir(from).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    copy
}

/// Changes one bit of a file.
fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 1;
    fs::write(file, bytes).unwrap();
}

/// Verification must end with 1 and name this entry.
async fn names(data: &Path, entry: usize, what: &str) {
    let (code, said, words) = found(data).await;
    assert_eq!(code, Some(1), "{what}: {said}");
    assert_eq!(said["verified"], false, "{what}: {said}");
    assert_eq!(said["entry"], json!(entry), "{what}: {said}");
    assert!(words.contains(&format!("entry {entry}")), "{what}: {words}");
}

/// A world in which shares changed while answers were counted, and the attempt that they were counted in.
async fn told() -> (World, u64) {
    let world = World::start(Setup::new()).await;
    world.prime().await;
    world.raise(50.0).await;
    for n in 0..20 {
        let answer = world.ask(&question(&format!("ticket {n}"))).await;
        assert_eq!(answer.status(), 200);
    }
    world.quiet().await;
    let attempt = eventually("counted answers", async || {
        let attempt = world.admin().route().await["rollout"]["attempt"].clone();
        let counted = attempt["decided"].as_u64()? > 0;
        counted.then(|| attempt["facts"]["id"].as_u64())?
    })
    .await;
    world.raise(60.0).await;
    world.raise(10.0).await;
    (world, attempt)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_in_the_ledger_or_in_an_outcome_is_found_and_the_entry_named() {
    let (world, attempt) = told().await;
    let good = copy(&world.data());
    let ledger = world.admin().ledger().await;
    world.finish().await;

    let (code, said, words) = found(good.path()).await;
    assert_eq!(code, Some(0), "{words}");
    assert_eq!(said["verified"], true, "{said}");
    assert_eq!(said["entries"], json!(ledger.len()), "{said}");

    let text = fs::read_to_string(good.path().join("ledger.jsonl")).unwrap();
    let mut begins = 0;
    for (entry, line) in text.lines().enumerate() {
        let bad = copy(good.path());
        let reason = line.find("\"reason\":\"").unwrap() + 12;
        flip(&bad.path().join("ledger.jsonl"), begins + reason);
        names(bad.path(), entry, &format!("line {entry}")).await;
        begins += line.len() + 1;
    }

    let stands_on = ledger
        .iter()
        .position(|entry| {
            entry["evidence"]["decided"].as_u64() > Some(0)
                && entry["change"]["attempt"] == json!(attempt)
        })
        .unwrap();
    let log = format!("outcomes/support.{attempt}.log");
    for at in [0, 9, 40] {
        let bad = copy(good.path());
        flip(&bad.path().join(&log), at);
        names(bad.path(), stands_on, &format!("byte {at} of {log}")).await;
    }
    let cut = copy(good.path());
    fs::write(cut.path().join(&log), b"").unwrap();
    names(cut.path(), stands_on, "an emptied log").await;
}
