//! Findings, reviews, rules and kept exchanges over the router.

use std::sync::Arc;

use crossfade_backplane::DataDirectory;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Api, api};
use crate::{
    review::{Keeper, Records, testing},
    telemetry::Metrics,
};

pub(super) fn records(directory: &Arc<DataDirectory>, metrics: &Arc<Metrics>) -> (Records, Keeper) {
    testing::start(testing::settings(directory, metrics, testing::keys()))
}

/// With one pair that waits.
async fn waiting() -> Api {
    let mut api = api();
    let (primary, candidate) = ("{\"a\":1}", "{\"a\":\"canary\"}");
    api.records.take(testing::judged("e1", primary, candidate));
    testing::write_out(api.keeper.take().unwrap()).await;
    api
}

async fn check(api: &Api, method: &str, path: &str, token: &str, status: u16) -> String {
    let answer = api.call(method, path, token, None).await;
    assert_eq!(
        answer.status.as_u16(),
        status,
        "{path} {token}: {}",
        answer.text
    );
    answer.text
}

#[tokio::test]
async fn what_was_said_is_for_operators_and_what_differs_for_viewers() {
    let api = waiting().await;
    for path in ["/api/v1/reviews", "/api/v1/routes/support/findings"] {
        let text = check(&api, "GET", path, "viewer-secret", 200).await;
        assert!(
            !text.contains("canary") && text.contains("json_structure"),
            "{text}"
        );
    }
    for path in [
        "/api/v1/reviews/0",
        "/api/v1/exchanges/e1",
        "/api/v1/exchanges",
    ] {
        check(&api, "GET", path, "", 401).await;
        check(&api, "GET", path, "viewer-secret", 403).await;
        let text = check(&api, "GET", path, "operator-secret", 200).await;
        let shows = path != "/api/v1/exchanges";
        assert_eq!(text.contains("canary"), shows, "{path}: {text}");
        assert!(!text.contains("ana@example.com"), "{text}");
    }
}

#[tokio::test]
async fn lists_are_filtered_and_bounded() {
    let api = waiting().await;
    let count = async |path: &str, name: &str| {
        let answer = api.call("GET", path, "operator-secret", None).await;
        answer.json()[name].as_array().map(Vec::len)
    };
    for (query, expected) in [
        ("", Some(1)),
        ("?state=open", Some(1)),
        ("?state=decided", Some(0)),
        ("?route=support&limit=1", Some(1)),
        ("?route=bare", Some(0)),
        ("?route=nope", None),
        ("?limit=0", None),
        ("?state=odd", None),
    ] {
        let path = format!("/api/v1/reviews{query}");
        assert_eq!(count(&path, "reviews").await, expected, "{query}");
    }
    for (query, expected) in [
        ("", Some(1)),
        ("?route=support", Some(1)),
        ("?class=equal", Some(0)),
        ("?signature=8d", Some(0)),
        ("?class=odd", None),
        ("?limit=1001", None),
    ] {
        let path = format!("/api/v1/exchanges{query}");
        assert_eq!(count(&path, "exchanges").await, expected, "{query}");
    }
    check(
        &api,
        "GET",
        "/api/v1/routes/nope/findings",
        "viewer-secret",
        404,
    )
    .await;
    check(
        &api,
        "GET",
        "/api/v1/routes/nope/rules",
        "viewer-secret",
        404,
    )
    .await;
    check(&api, "GET", "/api/v1/reviews/77", "operator-secret", 404).await;
    check(&api, "GET", "/api/v1/reviews/x", "operator-secret", 404).await;
    check(
        &api,
        "GET",
        "/api/v1/exchanges/nope",
        "operator-secret",
        404,
    )
    .await;
}

#[tokio::test]
async fn decisions_are_refused_unless_they_make_sense_and_stand_once_made() {
    let api = waiting().await;
    let long = "x".repeat(4_001);
    let accept =
        json!({"verdict": "acceptable", "note": "n", "accept_signature": true, "reason": "agreed"});
    for (token, body, status) in [
        ("viewer-secret", json!({"verdict": "same"}), 403),
        ("operator-secret", json!({"verdict": "fine"}), 400),
        (
            "operator-secret",
            json!({"verdict": "same", "note": "a\nb"}),
            400,
        ),
        (
            "operator-secret",
            json!({"verdict": "same", "note": long}),
            400,
        ),
        (
            "operator-secret",
            json!({"verdict": "same", "accept_signature": true}),
            400,
        ),
        (
            "operator-secret",
            json!({"verdict": "same", "reason": "why"}),
            400,
        ),
        ("operator-secret", accept.clone(), 200),
        ("operator-secret", accept, 200),
        (
            "operator-secret",
            json!({"verdict": "candidate_worse"}),
            409,
        ),
    ] {
        let answer = api
            .call("POST", "/api/v1/reviews/0", token, Some(body.clone()))
            .await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text);
    }
    let rules = api
        .call("GET", "/api/v1/routes/support/rules", "viewer-secret", None)
        .await;
    let rule = rules.json()["rules"][0].clone();
    assert_eq!(
        (&rule["by"], &rule["reason"]),
        (&json!("operator-secret"), &json!("agreed"))
    );
    let path = format!(
        "/api/v1/routes/support/rules/{}",
        rule["signature"].as_str().unwrap()
    );
    check(&api, "DELETE", &path, "viewer-secret", 403).await;
    let left = check(&api, "DELETE", &path, "operator-secret", 200).await;
    assert_eq!(left, "{\"rules\":[]}");
    check(&api, "DELETE", &path, "operator-secret", 404).await;
}

#[tokio::test]
async fn forgetting_is_for_owners_and_names_one_caller() {
    let mut api = api();
    let mut judged = testing::judged("e1", "{\"a\":1}", "{\"a\":2}");
    judged.exchange.caller.user =
        Some(crossfade_proxy::HashKey::new([5; 32]).caller_of_user("ana"));
    api.records.take(judged);
    let stop = CancellationToken::new();
    let keeper = api.keeper.take().unwrap().run(stop.clone());
    let story = async {
        for (token, body, status) in [
            ("operator-secret", json!({"user": "ana"}), 403),
            ("owner-secret", json!({}), 400),
            ("owner-secret", json!({"user": ""}), 400),
            (
                "owner-secret",
                json!({"user": "ana", "credential": "k"}),
                400,
            ),
            ("owner-secret", json!({"name": "ana"}), 400),
        ] {
            let answer = api
                .call("DELETE", "/api/v1/exchanges", token, Some(body.clone()))
                .await;
            assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text);
            assert!(!answer.text.contains("\"ana\""), "{}", answer.text);
        }
        for (body, expected) in [
            (json!({"user": "bob"}), 0),
            (json!({"credential": "ana"}), 0),
            (json!({"user": "ana"}), 1),
            (json!({"user": "ana"}), 0),
        ] {
            let path = "/api/v1/exchanges";
            let answer = api
                .call("DELETE", path, "owner-secret", Some(body.clone()))
                .await;
            assert_eq!(answer.json(), json!({"exchanges": expected}), "{body}");
        }
        stop.cancel();
    };
    tokio::join!(keeper, story);
    check(&api, "GET", "/api/v1/exchanges/e1", "operator-secret", 404).await;
}
