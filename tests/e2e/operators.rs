//! Operators move traffic over the admin API and the command line: who may, what is refused, and that it takes effect at once.

use crossfade_tests::{
    Setup, World,
    chat::question,
    http::Request,
    process::{Ended, command, run},
    setup::TOKENS,
};
use serde_json::{Value, json};

use crate::PROGRAM;

const SPLIT: &str = "/api/v1/routes/support/split";

#[tokio::test(flavor = "multi_thread")]
async fn a_split_and_a_rollback_take_effect_before_they_are_answered() {
    let world = World::start(Setup::new()).await;
    world.prime().await;
    world.primary_answers(&question("0 %")).await;
    world.raise(100.0).await;
    for _ in 0..3 {
        world.candidate_answers(&question("100 %")).await;
    }
    let answer = world.admin().rollback("odd answers").await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    for _ in 0..5 {
        world.primary_answers(&question("rolled back")).await;
    }
    assert_eq!(world.admin().resume_as("owner").await.status(), 200);
    world.primary_answers(&question("resumed, at 0 %")).await;
    world.raise(100.0).await;
    world.candidate_answers(&question("100 %")).await;
    // Down again without a roll-back: at once as well.
    assert_eq!(world.admin().split_as("operator", 0.0).await.status(), 200);
    world.primary_answers(&question("0 %")).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_share_is_the_share() {
    let world = World::start(Setup::new()).await;
    world.prime().await;
    world.raise(30.0).await;
    let mut candidate = 0;
    for n in 0..300 {
        let answer = world.ask(&question(&n.to_string())).await;
        candidate += usize::from(answer.text().contains("candidate"));
    }
    // Ninety on average, eight to a standard deviation.
    assert!(
        (50..=130).contains(&candidate),
        "{candidate} of 300 at 30 %"
    );
    world.finish().await;
}

/// A unit that lives on keeps its side while the share stands.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_stays_on_its_side() {
    let world = World::start(Setup::new().sticky_by("header:x-user-id")).await;
    world.prime().await;
    world.raise(50.0).await;
    let mut sides = [0, 0];
    for user in 0..16 {
        let ask = |n: u32| {
            let body = question(&format!("{user} asks {n}"));
            crossfade_tests::chat::request(&body).header("X-User-Id", &format!("user-{user}"))
        };
        let first = world.send(&ask(0)).await.text().contains("candidate");
        sides[usize::from(first)] += 1;
        for n in 1..4 {
            let next = world.send(&ask(n)).await.text().contains("candidate");
            assert_eq!(next, first, "user {user}, request {n}");
        }
    }
    assert!(sides[0] > 0 && sides[1] > 0, "{sides:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_stays_on_its_side() {
    let world = World::start(Setup::new().sticky_by("conversation")).await;
    world.prime().await;
    world.raise(50.0).await;
    for n in 0..12 {
        let first = world
            .ask(&question(&format!("conversation {n}")))
            .await
            .text();
        for turn in 0..3 {
            let mut body = question(&format!("conversation {n}"));
            let more = [
                json!({"role": "assistant", "content": "so"}),
                json!({"role": "user", "content": format!("{turn}")}),
            ];
            body["messages"].as_array_mut().unwrap().extend(more);
            let next = world.ask(&body).await.text();
            assert_eq!(
                next.contains("candidate"),
                first.contains("candidate"),
                "{n} {turn}"
            );
        }
    }
    world.finish().await;
}

/// What is asked by whom, and how it is refused.
fn refusals() -> Vec<(&'static str, &'static str, &'static str, Value, u16)> {
    const ROLLBACK: &str = "/api/v1/routes/support/rollback";
    const RESUME: &str = "/api/v1/routes/support/resume";
    let split = |percent: f64| json!({"candidate_percent": percent, "reason": "why not"});
    let reason = || json!({"reason": "why not"});
    let overriding = json!({"candidate_percent": 100.0, "reason": "x", "override": true});
    vec![
        ("viewer", "PUT", SPLIT, split(5.0), 403),
        ("viewer", "POST", ROLLBACK, reason(), 403),
        (
            "viewer",
            "PUT",
            "/api/v1/mirror",
            json!({"enabled": false, "reason": "x"}),
            403,
        ),
        ("operator", "PUT", SPLIT, split(100.0), 409),
        ("owner", "PUT", SPLIT, split(100.0), 409),
        ("operator", "PUT", SPLIT, overriding, 403),
        ("operator", "PUT", SPLIT, split(101.0), 400),
        ("operator", "PUT", SPLIT, split(-1.0), 400),
        (
            "operator",
            "PUT",
            SPLIT,
            json!({"candidate_percent": 5.0, "reason": " "}),
            400,
        ),
        (
            "operator",
            "PUT",
            SPLIT,
            json!({"candidate_percent": 5.0}),
            400,
        ),
        (
            "operator",
            "PUT",
            SPLIT,
            json!({"percent": 5.0, "reason": "x"}),
            400,
        ),
        (
            "operator",
            "PUT",
            "/api/v1/routes/nobody/split",
            split(5.0),
            404,
        ),
        ("operator", "POST", ROLLBACK, json!({"reason": ""}), 400),
        ("operator", "POST", RESUME, reason(), 409),
        ("owner", "POST", RESUME, reason(), 409),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_to_whom() {
    let world = World::start(Setup::new()).await;
    let admin = world.admin();
    for (role, method, path, body, status) in refusals() {
        let answer = admin.change_as(role, method, path, &body).await;
        let what = format!("{role} {path} {body}: {}", answer.text());
        assert_eq!(answer.status(), status, "{what}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{what}"
        );
        let remedy = answer.json()["remedy"].as_str().map(str::len);
        assert!(remedy > Some(0), "{what}");
    }
    for request in [
        Request::get("/api/v1/status"),
        Request::get("/api/v1/status").header("Authorization", "Bearer nobody-knows-me"),
        Request::get("/api/v1/status").header("Authorization", "Basic eDp5"),
    ] {
        let answer = admin.anonymous(&request).await;
        assert_eq!(answer.status(), 401);
        let remedy = answer.json()["remedy"].to_string();
        assert!(remedy.contains("CROSSFADE_ADMIN_TOKEN"), "{remedy}");
    }
    let by_people = admin.ledger().await;
    let by_people = by_people
        .iter()
        .filter(|entry| entry["actor"]["role"] != "controller");
    assert_eq!(by_people.count(), 0, "nothing of it changed anything");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_revisions_stop_raises_only() {
    let world = World::start(Setup::new()).await;
    let admin = world.admin();
    let put = async |revision: u64, percent: f64| {
        let body = json!({"candidate_percent": percent, "reason": "x"}).to_string();
        let request = Request::new("PUT", SPLIT)
            .header("If-Match", &format!("\"{revision}\""))
            .header("Content-Type", "application/json")
            .body(body);
        admin.ask_as("operator", request).await.status()
    };
    // What the evidence, or an owner, has reached once, an operator may raise to again.
    world.raise(20.0).await;
    assert_eq!(admin.split_as("operator", 5.0).await.status(), 200);
    let revision = async || admin.route().await["rollout"]["revision"].as_u64().unwrap();
    let first = revision().await;
    assert_eq!(put(first, 10.0).await, 200);
    assert_eq!(put(first, 20.0).await, 412, "somebody raised it in between");
    assert_eq!(put(revision().await, 20.0).await, 200);
    assert_eq!(
        put(first, 5.0).await,
        200,
        "toward the primary no revision is looked at"
    );
    let rollback = Request::post("/api/v1/routes/support/rollback")
        .header("If-Match", "\"0\"")
        .header("Content-Type", "application/json")
        .body("{\"reason\":\"x\"}");
    assert_eq!(admin.ask_as("operator", rollback).await.status(), 200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_owner_nothing_is_raised() {
    let world = World::start(Setup::new().without_owner()).await;
    let answer = world.admin().split_as("owner", 5.0).await;
    assert_eq!(answer.status(), 409);
    assert!(answer.text().contains("owner"), "{}", answer.text());
    assert_eq!(world.admin().override_split(5.0).await.status(), 409);
    world.primary_answers(&question("hi")).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rollback_only_an_owner_re_arms() {
    let world = World::start(Setup::new()).await;
    let admin = world.admin();
    world.raise(10.0).await;
    assert_eq!(admin.rollback("odd answers").await.status(), 200);
    assert_eq!(admin.split_as("owner", 5.0).await.status(), 409);
    assert_eq!(admin.override_split(5.0).await.status(), 409);
    assert_eq!(admin.resume_as("operator").await.status(), 403);
    assert_eq!(admin.resume_as("owner").await.status(), 200);
    let beyond = admin.split_as("operator", 5.0).await;
    assert_eq!(
        (beyond.status(), &beyond.json()["code"]),
        (409, &json!("override_needed"))
    );
    assert_eq!(admin.override_split(5.0).await.status(), 200);
    let told: Vec<(String, String, String)> = admin
        .ledger()
        .await
        .iter()
        .map(|entry| {
            let text = |at: &str| {
                entry
                    .pointer(at)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            (text("/change/kind"), text("/actor/name"), text("/reason"))
        })
        .collect();
    let expected = [
        ("split", "owner-of-the-tests", "a test asks for it"),
        ("rollback", "operator-of-the-tests", "odd answers"),
        ("resume", "owner-of-the-tests", "mended"),
        ("split", "owner-of-the-tests", "a test asks for it"),
    ];
    let told: Vec<_> = told
        .iter()
        .filter(|(_, who, _)| who != "controller")
        .map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()))
        .collect();
    assert_eq!(told, expected);
    world.finish().await;
}

pub(crate) async fn cli(world: &World, role: &str, arguments: &[&str]) -> Ended {
    let admin = format!("http://{}", world.server().admin_address());
    let token = TOKENS.iter().find(|(name, _)| *name == role).unwrap().1;
    let mut command = command(PROGRAM, arguments);
    command
        .env("CROSSFADE_ADMIN", admin)
        .env("CROSSFADE_ADMIN_TOKEN", token);
    run(command).await
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn the_command_line_does_the_same() {
    let world = World::start(Setup::new()).await;
    world.prime().await;
    world.quiet().await;
    world.admin().effective(0.0).await;
    for (role, arguments, shown) in [
        (
            "owner",
            &[
                "split",
                "support",
                "25",
                "--reason",
                "first step",
                "--override",
            ][..],
            "25 %",
        ),
        (
            "viewer",
            &["status", "--details"],
            "1 seen (1 finished + 0 in flight) = 0 ineligible + 1 eligible",
        ),
        (
            "viewer",
            &["status", "--output", "json"],
            "\"identity_holds\": true",
        ),
        (
            "operator",
            &["rollback", "support", "--reason", "odd answers"],
            "0 %",
        ),
        (
            "owner",
            &["resume", "support", "--reason", "mended"],
            "support",
        ),
        ("viewer", &["ledger"], "odd answers"),
    ] {
        let ended = cli(&world, role, arguments).await;
        assert!(ended.status.success(), "{arguments:?}: {}", ended.stderr);
        assert!(
            ended.stdout.contains(shown),
            "{arguments:?}: {}",
            ended.stdout
        );
    }
    for (role, arguments, code, shown) in [
        (
            "viewer",
            &["split", "support", "5", "--reason", "x"][..],
            1,
            "role",
        ),
        (
            "operator",
            &["split", "nobody", "5", "--reason", "x"],
            1,
            "nobody",
        ),
        (
            "operator",
            &["split", "support", "five", "--reason", "x"],
            64,
            "0 to 100",
        ),
        (
            "operator",
            &["split", "support", "100", "--reason", "x"],
            1,
            "--override",
        ),
    ] {
        let ended = cli(&world, role, arguments).await;
        assert_eq!(
            ended.status.code(),
            Some(code),
            "{arguments:?}: {}",
            ended.stderr
        );
        assert!(
            ended.stderr.contains(shown),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
    world.finish().await;
}
