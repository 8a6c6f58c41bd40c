//! From live traffic to a golden set and back: what people decided about sealed exchanges is captured over the admin API, and the
//! captured set is replayed against both sides.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use crossfade_sim::script::{Answer, Prompt, Script};
use crossfade_tests::{
    Setup, World,
    chat::{json_question, question},
    eventually,
    http::Request,
    process::{Ended, command, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{PROGRAM, operators::cli};

/// Everything is kept, sealed.
const EVIDENCE: &str = "[evidence]\nkey_env = \"E2E_EVIDENCE_KEY\"\nshare = 100.0\n";
const CHECKS: &str = "[routes.support.checks]\n\
    label = { path = \"$.class\", values = [\"refund\", \"cancel\", \"other\"], risky = [[\"refund\", \"cancel\"]] }\n";
/// Stands in a question, and is what redaction takes out.
const ADDRESS: &str = "ngozi.adeyemi@example.com";

fn corpus(side: usize) -> Script {
    Script::new(Arc::new(move |prompt: &Prompt, _: u64| {
        let of = |answers: [&str; 2]| Answer::text(answers[side]);
        match prompt.user.split(' ').next().unwrap_or_default() {
            "risky" => of(["{\"class\":\"refund\"}", "{\"class\":\"cancel\"}"]),
            "better" => of(["{\"class\":\"other\"}", "{\"class\":\"refund\"}"]),
            "refusal" => of([
                "Open the settings and choose a new password.",
                "I'm sorry, but I can't help with that.",
            ]),
            _ => of(["{\"class\":\"other\"}", "{\"class\":\"other\"}"]),
        }
    }))
}

async fn reviews(world: &World, many: usize) -> Vec<Value> {
    eventually(&format!("{many} open reviews"), async || {
        let series = "crossfade_reviews_open{route=\"support\"}";
        let shown = world.admin().metric(series).await;
        let request = Request::get("/api/v1/reviews?route=support&state=open");
        let page: Value = world.admin().ask_as("viewer", request).await.json();
        let reviews = page["reviews"].as_array()?.clone();
        // What belongs to them is kept once the gauge shows them.
        (reviews.len() == many && shown.to_string() == many.to_string()).then_some(reviews)
    })
    .await
}

fn id(reviews: &[Value], reason: &str) -> Value {
    let has = |review: &&Value| {
        review["reasons"]
            .as_array()
            .unwrap()
            .contains(&json!(reason))
    };
    reviews.iter().find(has).unwrap()["id"].clone()
}

async fn done(world: &World, typed: &str) -> Ended {
    let arguments: Vec<&str> = typed.split(' ').collect();
    let ended = cli(world, "operator", &arguments).await;
    assert_eq!(ended.status.code(), Some(0), "{typed}: {ended:?}");
    ended
}

fn read(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn replay(home: &Path, golden: &Path, out: &str, more: &[&str]) -> (Ended, Value) {
    let mut replay = command(PROGRAM, &["replay", "--route", "support", "--dataset"]);
    replay
        .arg(golden)
        .args(["--report", out])
        .args(more)
        .env("AZURE_OPENAI_API_KEY", "key-of-the-tests")
        .current_dir(home);
    let ended = run(replay).await;
    let report =
        fs::read(home.join(out).join("report.json")).unwrap_or_else(|_| panic!("{ended:?}"));
    (ended, serde_json::from_slice(&report).unwrap())
}

/// A world whose people have decided three of four pairs: twice for the primary, once for the candidate.
async fn decided(home: &Path) -> World {
    let mut setup = Setup::new().tables(CHECKS).tables(EVIDENCE);
    setup.azure.script = corpus(0);
    setup.bedrock.script = corpus(1);
    let world = World::start(setup).await;
    for body in [
        json_question(&format!("risky {ADDRESS}")),
        json_question("better 1"),
        question("refusal 1"),
        json_question("same 1"),
    ] {
        assert_eq!(world.ask(&body).await.status(), 200);
        world.quiet().await;
    }
    let open = reviews(&world, 3).await;
    eventually("all four kept", async || {
        let request = Request::get("/api/v1/exchanges?route=support&limit=100");
        let page: Value = world.admin().ask_as("operator", request).await.json();
        (page["exchanges"].as_array()?.len() == 4).then_some(())
    })
    .await;
    let nothing = home.join("nothing.jsonl");
    let arguments = ["capture", "--reviewed", "--out", nothing.to_str().unwrap()];
    let ended = cli(&world, "operator", &arguments).await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("nothing can be captured"),
        "{ended:?}"
    );
    assert!(!nothing.exists());
    let worse = [id(&open, "risky_label"), id(&open, "refusal_flip")];
    for review in &open {
        let id = &review["id"];
        let verdict = if worse.contains(id) {
            "worse"
        } else {
            "better"
        };
        done(
            &world,
            &format!("review {id} --verdict candidate_{verdict}"),
        )
        .await;
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_decided_becomes_a_golden_set_that_can_be_replayed() {
    let home = TempDir::new().unwrap();
    let world = decided(home.path()).await;
    let golden = home.path().join("golden.jsonl");
    let typed = format!(
        "capture --route support --reviewed --out {}",
        golden.display()
    );
    let ended = done(&world, &typed).await;
    assert!(ended.stdout.contains("3 cases written"), "{ended:?}");
    let cases = read(&golden);
    assert_eq!(cases.len(), 3);
    assert!(!fs::read_to_string(&golden).unwrap().contains(ADDRESS));
    assert_eq!(
        fs::metadata(&golden).unwrap().permissions().mode() & 0o777,
        0o600
    );
    // Without --reviewed, what the checks found to agree comes too; the same seed gives the same set.
    let all = home.path().join("all.jsonl");
    let typed = format!("capture --route support --seed 7 --out {}", all.display());
    done(&world, &typed).await;
    assert_eq!(read(&all).len(), 4);
    let before = fs::read(&all).unwrap();
    done(&world, &format!("{typed} --force")).await;
    assert_eq!(fs::read(&all).unwrap(), before);

    // The baselines are the answers that people called good: the primary's twice, the candidate's once.
    let (ended, report) = replay(home.path(), &golden, "by-primary", &[]).await;
    assert_eq!(
        ended.status.code(),
        Some(3),
        "no candidate was recorded: {ended:?}"
    );
    assert_eq!(report["totals"]["inconclusive"], 3, "{report}");
    let config = world.config();
    let live = [
        "--config",
        config.to_str().unwrap(),
        "--primary",
        "live",
        "--candidate",
        "live",
    ];
    let (ended, report) = replay(home.path(), &golden, "live", &live).await;
    assert_eq!(ended.status.code(), Some(100), "{ended:?}");
    assert_eq!(report["totals"]["failed"], 2, "{report}");
    assert_eq!(report["totals"]["passed"], 1, "{report}");
    world.finish().await;
}
