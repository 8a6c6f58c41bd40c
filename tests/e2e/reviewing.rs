//! From what two models said to what a person decides about it: the right pairs wait for the right reasons, decisions count,
//! accepted differences are quiet, a restart forgets nothing, and a caller can be forgotten.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use crossfade_sim::script::{Answer, Prompt, Script};
use crossfade_tests::{
    Setup, World,
    chat::{json_question, question},
    eventually,
    http::Request,
};
use serde_json::{Value, json};

use crate::operators::cli;

/// Sealed evidence, of what waits for a review alone.
const EVIDENCE: &str = "[evidence]\nkey_env = \"E2E_EVIDENCE_KEY\"\nshare = 0.0\n";
/// A label with a risky cell, and a tool that changes the world.
const CHECKS: &str = "[routes.support.checks]\nside_effecting_tools = [\"pay\"]\n\
    label = { path = \"$.class\", values = [\"refund\", \"cancel\", \"other\"], risky = [[\"refund\", \"cancel\"]] }\n";

/// What the two sides answer, by the question.
fn corpus(side: usize) -> Script {
    Script::new(Arc::new(move |prompt: &Prompt, _: u64| {
        let of = |answers: [&str; 2]| Answer::text(answers[side]);
        match prompt.user.split(' ').next().unwrap_or_default() {
            "risky" => of(["{\"class\":\"refund\"}", "{\"class\":\"cancel\"}"]),
            "label" => of(["{\"class\":\"refund\"}", "{\"class\":\"other\"}"]),
            "refusal" => of([
                "Open the settings and choose a new password.",
                "I'm sorry, but I can't help with that.",
            ]),
            "pay" if side == 0 => Answer::call("pay", "{}"),
            "pay" => Answer::text("Shall I pay that?"),
            _ => of(["{\"class\":\"other\"}", "{\"class\":\"other\"}"]),
        }
    }))
}

fn setup(tables: &str) -> Setup {
    let mut setup = Setup::new().tables(CHECKS).tables(tables);
    setup.azure.script = corpus(0);
    setup.bedrock.script = corpus(1);
    setup
}

async fn ask(world: &World, body: &Value) {
    assert_eq!(world.ask(body).await.status(), 200);
}

async fn look(world: &World, role: &str, path: &str) -> Value {
    let answer = world.admin().ask_as(role, Request::get(path)).await;
    assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
    answer.json()
}

/// What is open, once so many are and all that belongs to them is kept: then the gauge shows them.
async fn open(world: &World, many: usize) -> Vec<Value> {
    eventually(&format!("{many} open reviews"), async || {
        let series = "crossfade_reviews_open{route=\"support\"}";
        let shown = world.admin().metric(series).await;
        let page = look(world, "viewer", "/api/v1/reviews?route=support&state=open").await;
        let reviews = page["reviews"].as_array().unwrap().clone();
        let settled = shown.to_string() == many.to_string() && reviews.len() == many;
        settled.then_some(reviews)
    })
    .await
}

fn pay() -> Value {
    let mut body = question("pay the invoice");
    body["tools"] = json!([{"type": "function", "function": {"name": "pay",
        "parameters": {"type": "object", "properties": {}}}}]);
    body
}

/// The id of the review that is open for a reason.
fn id_of(reviews: &[Value], reason: &str) -> u64 {
    let found = reviews.iter().find(|review| {
        let reasons = review["reasons"].as_array().unwrap();
        reasons.contains(&json!(reason))
    });
    found.unwrap()["id"].as_u64().unwrap()
}

async fn decide(world: &World, id: u64, body: &Value) -> (u16, Value) {
    let path = format!("/api/v1/reviews/{id}");
    let answer = world
        .admin()
        .change_as("operator", "POST", &path, body)
        .await;
    (answer.status(), answer.json())
}

async fn findings(world: &World) -> Value {
    look(world, "viewer", "/api/v1/routes/support/findings").await
}

#[tokio::test(flavor = "multi_thread")]
async fn pairs_wait_for_the_reasons_that_they_give() {
    let world = World::start(setup(EVIDENCE)).await;
    for body in [
        json_question("risky 1"),
        question("refusal 1"),
        pay(),
        json_question("same 1"),
    ] {
        ask(&world, &body).await;
        world.quiet().await;
    }
    let reviews = open(&world, 3).await;
    let reasons: BTreeMap<&str, &Value> = reviews
        .iter()
        .map(|review| (review["reasons"][0].as_str().unwrap(), review))
        .collect();
    let found: Vec<&str> = reasons.keys().copied().collect();
    assert_eq!(
        found,
        ["refusal_flip", "risky_label", "side_effecting_tool"]
    );
    let listed = Value::Array(reviews.clone()).to_string();
    assert!(
        !listed.contains("invoice") && !listed.contains("password"),
        "{listed}"
    );
    // The page holds both answers.
    let path = format!("/api/v1/reviews/{}", id_of(&reviews, "refusal_flip"));
    let page = look(&world, "operator", &path).await;
    let says = |side: &str| page["exchange"][side]["says"].as_str().unwrap().to_owned();
    assert!(says("primary").contains("choose a new password"), "{page}");
    assert!(says("candidate").contains("can't help"), "{page}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_count_and_accepted_differences_are_quiet_over_a_restart() {
    let world = World::start(setup(EVIDENCE)).await;
    ask(&world, &json_question("label 1")).await;
    ask(&world, &json_question("risky 1")).await;
    let reviews = open(&world, 2).await;
    let risky = id_of(&reviews, "risky_label");
    let label = reviews.iter().map(|review| review["id"].as_u64().unwrap());
    let label = label.clone().find(|id| *id != risky).unwrap();
    let accept = json!({"verdict": "acceptable", "note": "fine", "accept_signature": true,
        "reason": "both lead to the same form"});
    assert_eq!(decide(&world, label, &accept).await.0, 200);
    let (status, page) = decide(&world, risky, &json!({"verdict": "candidate_worse"})).await;
    assert_eq!(status, 200, "{page}");
    assert_eq!(page["review"]["decision"]["by"], "operator-of-the-tests");
    assert_eq!(
        decide(&world, risky, &json!({"verdict": "same"})).await.0,
        409
    );
    let before = findings(&world).await;
    assert_eq!(before["reviews_open"], 0, "{before}");
    assert_eq!(before["rules"].as_array().unwrap().len(), 1);
    let said = &before["report"]["reviews"]["verdicts"];
    assert_eq!(said.as_array().unwrap().len(), 2, "{said}");

    let world = world.restart().await;
    let after = findings(&world).await;
    for part in ["pairs", "reviews", "accepted", "classes"] {
        assert_eq!(before["report"][part], after["report"][part], "{part}");
    }
    // The same difference is quiet now, and what a blocker finds is not.
    ask(&world, &json_question("label 2")).await;
    ask(&world, &json_question("risky 2")).await;
    let reviews = open(&world, 1).await;
    assert_eq!(reviews[0]["reasons"][0], "risky_label", "{reviews:?}");
    let accepted = findings(&world).await["report"]["accepted"][0]["count"].clone();
    assert!(accepted.as_u64().unwrap() >= 2, "{accepted}");
    // Taken back, it is asked about again.
    let rules = look(&world, "viewer", "/api/v1/routes/support/rules").await;
    let signature = rules["rules"][0]["signature"].as_str().unwrap();
    let path = format!("/api/v1/routes/support/rules/{signature}");
    let withdrawn = world
        .admin()
        .change_as("operator", "DELETE", &path, &json!(null))
        .await;
    assert_eq!(withdrawn.status(), 200, "{}", withdrawn.text());
    world.finish().await;
}

/// Bytes of all files under a directory.
fn bytes_under(directory: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(bytes_under(&path));
        } else {
            all.extend(std::fs::read(&path).unwrap());
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_forgotten_and_others_are_not() {
    let world = World::start(setup(EVIDENCE)).await;
    for (user, what) in [("customer-1", "risky 1"), ("customer-2", "refusal 1")] {
        let mut body = if what.starts_with("risky") {
            json_question(what)
        } else {
            question(what)
        };
        body["user"] = json!(user);
        ask(&world, &body).await;
        world.quiet().await;
    }
    let reviews = open(&world, 2).await;
    let of_first = id_of(&reviews, "risky_label");
    let exchange = reviews
        .iter()
        .find(|review| review["id"] == of_first)
        .unwrap();
    let exchange = format!(
        "/api/v1/exchanges/{}",
        exchange["exchange"].as_str().unwrap()
    );
    look(&world, "operator", &exchange).await;
    let size = bytes_under(&world.data().join("evidence")).len();

    let refused = cli(&world, "operator", &["forget", "--user", "customer-1"]).await;
    assert!(!refused.status.success(), "{}", refused.stdout);
    assert!(refused.stderr.contains("role owner"), "{}", refused.stderr);
    let done = cli(&world, "owner", &["forget", "--user", "customer-1"]).await;
    assert_eq!(
        done.stdout, "1 exchange of this caller is deleted\n",
        "{}",
        done.stderr
    );
    let gone = world
        .admin()
        .ask_as("operator", Request::get(&exchange))
        .await;
    assert_eq!(gone.status(), 404, "{}", gone.text());
    let left = open(&world, 1).await;
    assert_eq!(left[0]["reasons"][0], "refusal_flip");
    assert!(
        bytes_under(&world.data().join("evidence")).len() < size,
        "its bytes are gone"
    );
    let nobody = cli(&world, "owner", &["forget", "--user", "customer-9"]).await;
    assert_eq!(nobody.stdout, "nothing was kept of this caller\n");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_reviews_say_what_differs_and_hold_no_text() {
    let world = World::start(setup("")).await;
    ask(&world, &json_question("risky canary")).await;
    let reviews = open(&world, 1).await;
    let path = format!("/api/v1/reviews/{}", reviews[0]["id"]);
    let page = look(&world, "operator", &path).await;
    assert_eq!(page["exchange"], Value::Null, "{page}");
    assert_eq!(page["verdict"]["class"], "candidate_invalid", "{page}");
    let off = world
        .admin()
        .ask_as("operator", Request::get("/api/v1/exchanges"))
        .await;
    assert_eq!(off.status(), 409, "{}", off.text());
    assert!(off.text().contains("[evidence] key_env"), "{}", off.text());
    let kept = bytes_under(&world.data());
    assert!(!kept.windows(6).any(|bytes| bytes == b"canary"));
    world.finish().await;
}

/// Types a command, and looks for a part of what it shows.
async fn shows(world: &World, role: &str, typed: &str, part: &str) {
    let arguments: Vec<&str> = typed.split(' ').collect();
    let ended = cli(world, role, &arguments).await;
    let shown = &ended.stdout;
    assert!(ended.status.success(), "{typed}: {}", ended.stderr);
    assert!(shown.contains(part), "{typed}: {shown}");
    assert!(!shown.contains('\u{1b}'), "{typed}: {shown}");
}

async fn refuses(world: &World, role: &str, typed: &str, part: &str) {
    let arguments: Vec<&str> = typed.split(' ').collect();
    let ended = cli(world, role, &arguments).await;
    assert!(!ended.status.success(), "{typed}: {}", ended.stdout);
    assert!(ended.stderr.contains(part), "{typed}: {}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_shows_decides_and_takes_back() {
    let world = World::start(setup(EVIDENCE)).await;
    let w = &world;
    ask(w, &json_question("label \u{1b}[2J 1")).await;
    let reviews = open(w, 1).await;
    let text = |name: &str| reviews[0][name].as_str().unwrap();
    let review = format!("review {}", reviews[0]["id"]);
    shows(w, "viewer", "reviews --route support", "new_signature").await;
    shows(w, "viewer", "findings support", "1 waits for a person").await;
    shows(w, "viewer", "status support", "1 open: crossfade reviews").await;
    shows(w, "operator", &review, "label \\u{1b}[2J 1").await;
    shows(w, "operator", &review, "[\"refund\"]").await;
    refuses(w, "viewer", &review, "role operator").await;
    refuses(w, "operator", "review 99", "crossfade reviews").await;
    let kept = format!("exchanges {}", text("exchange"));
    shows(w, "operator", "exchanges --route support", text("exchange")).await;
    shows(w, "operator", &kept, "CANDIDATE  200").await;
    let accept = "--verdict acceptable --note fine --accept-difference --reason agreed";
    let accept = format!("{review} {accept}");
    shows(
        w,
        "operator",
        &accept,
        "are accepted on support from now on",
    )
    .await;
    shows(w, "operator", &accept, "nothing was recorded").await;
    shows(w, "viewer", "reviews", "nothing waits for a person").await;
    let said = "acceptable by operator-of-the-tests";
    shows(w, "viewer", "reviews --state decided", said).await;
    shows(w, "viewer", "rules support", "agreed").await;
    shows(
        w,
        "viewer",
        "findings support",
        "1 accepted kinds of difference",
    )
    .await;
    let withdraw = format!("rules support --withdraw {}", text("signature"));
    shows(w, "operator", &withdraw, "no difference is accepted").await;
    refuses(w, "operator", &withdraw, "crossfade rules support").await;
    world.finish().await;
}
