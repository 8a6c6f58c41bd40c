//! Stages, sign-offs, golden sets, drills: what is refused, what it says is missing, what is kept.

use super::*;

const ADVANCE: &str = "/api/v1/routes/support/advance";

impl Api {
    async fn post(&self, verb: &str, token: &str, body: Value) -> Answer {
        let path = format!("/api/v1/routes/support/{verb}");
        self.call("POST", &path, token, Some(body)).await
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table")]
async fn an_advance_names_everything_that_is_missing() {
    let api = api();
    let answer = api
        .post("advance", "owner-secret", json!({"reason": "r"}))
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    let problem = answer.json();
    assert!(
        problem["code"]
            .as_str()
            .is_some_and(|code| !code.is_empty()),
        "{problem}"
    );
    let missing: Vec<&str> = problem["missing"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for part in [
        "success metric",
        "nothing of this stage is counted as compared yet",
    ] {
        assert!(
            missing.iter().any(|line| line.contains(part)),
            "{part}: {missing:?}"
        );
    }
    let detail = problem["detail"].as_str().unwrap();
    assert!(missing[0].starts_with(detail), "{detail}: {missing:?}");
    // A route without an owner says so first.
    let bare = api
        .call(
            "POST",
            "/api/v1/routes/bare/advance",
            "owner-secret",
            Some(json!({"reason": "r"})),
        )
        .await;
    assert_eq!(bare.json()["code"], "owner_missing", "{}", bare.text);
    // What is wrong with the request itself is no list.
    for (token, body, status, code) in [
        ("viewer-secret", json!({"reason": "r"}), 403, json!("role")),
        (
            "operator-secret",
            json!({"reason": " "}),
            400,
            json!("reason_missing"),
        ),
        (
            "operator-secret",
            json!({"reason": "r", "force": true}),
            400,
            Value::Null,
        ),
    ] {
        let answer = api.post("advance", token, body).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
        assert_eq!(answer.json()["code"], code, "{}", answer.text);
        assert_eq!(answer.json()["missing"], Value::Null, "{}", answer.text);
    }
    let stale = Request::post(ADVANCE)
        .header(header::AUTHORIZATION, "Bearer operator-secret")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::IF_MATCH, "\"7\"")
        .body(Body::from(json!({"reason": "r"}).to_string()))
        .unwrap();
    assert_eq!(
        api.send(stale).await.status,
        StatusCode::PRECONDITION_FAILED
    );
    assert!(
        api.controller.entries(None, 10, None).is_empty(),
        "nothing was recorded"
    );
}

#[tokio::test]
async fn a_sign_off_names_a_report_that_was_made() {
    let api = api();
    // Before anything is counted there is nothing to sign.
    api.controller.tick().await;
    let path = "/api/v1/routes/support/report";
    let report = api.call("GET", path, "viewer-secret", None).await.json();
    let hash = report["hash"].as_str().unwrap().to_owned();
    let again = api.call("GET", path, "viewer-secret", None).await.json();
    assert_eq!(again["hash"], report["hash"], "nothing has changed");
    let sign = async |token: &str, hash: &str| {
        api.post("signoff", token, json!({"report": hash, "reason": "read"}))
            .await
    };
    for (token, named, status) in [
        ("owner-secret", "ab".repeat(32), 409),
        ("owner-secret", "xyz".to_owned(), 400),
        ("owner-secret", hash.to_uppercase(), 400),
        ("operator-secret", hash.clone(), 403),
        ("owner-secret", hash.clone(), 200),
    ] {
        let answer = sign(token, &named).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{token} {named}: {}",
            answer.text
        );
    }
    let route = api
        .call("GET", "/api/v1/routes/support", "viewer-secret", None)
        .await
        .json();
    let signed = route["rollout"]["signoff"]["what"]
        .as_str()
        .unwrap_or_default();
    assert!(signed.contains(&hash), "{route}");
    let after = api.call("GET", path, "viewer-secret", None).await.json();
    assert_ne!(
        after["hash"], report["hash"],
        "the next report tells of the sign-off"
    );
    let nobody = api
        .call("GET", "/api/v1/routes/nope/report", "viewer-secret", None)
        .await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_golden_set_is_told_with_its_digest() {
    let api = api();
    let digest = "0f".repeat(32);
    let post = async |dataset: &str, cases: i64, passed: i64, exit: i64| {
        let body = json!({
            "dataset_sha256": dataset, "cases": cases, "passed": passed, "exit_code": exit, "reason": "nightly"
        });
        api.post("replay", "operator-secret", body).await
    };
    for (dataset, cases, passed, exit, status) in [
        ("0f", 60, 60, 0, 400),
        (&*digest, 0, 0, 0, 400),
        (&*digest, 60, 61, 0, 400),
        (&*digest, -1, 0, 0, 400),
        (&*digest, 60, 60, 256, 400),
        (&*digest, 60, 58, 100, 200),
        (&*digest, 60, 60, 0, 200),
    ] {
        let answer = post(dataset, cases, passed, exit).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{dataset} {cases} {passed} {exit}: {}",
            answer.text
        );
    }
    let route = api
        .call("GET", "/api/v1/routes/support", "viewer-secret", None)
        .await
        .json();
    let told = &route["rollout"]["replayed"];
    assert_eq!(
        (&told["passed"], &told["dataset_sha256"]),
        (&json!(60), &json!(digest))
    );
    let kinds: Vec<Value> = api
        .call("GET", "/api/v1/ledger", "viewer-secret", None)
        .await
        .json()["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["change"]["kind"].clone())
        .collect();
    assert_eq!(
        kinds.iter().filter(|kind| **kind == "replayed").count(),
        2,
        "{kinds:?}"
    );
}

#[tokio::test]
async fn a_hold_shows_who_and_why_and_any_operator_lifts_it() {
    let api = api();
    let held = api
        .post(
            "hold",
            "operator-secret",
            json!({"reason": "release freeze"}),
        )
        .await;
    assert_eq!(held.status, StatusCode::OK, "{}", held.text);
    let held = &held.json()["routes"][0]["rollout"]["held"];
    assert_eq!(
        (&held["reason"], &held["actor"]["name"]),
        (&json!("release freeze"), &json!("operator-secret"))
    );
    let refused = api
        .post("advance", "owner-secret", json!({"reason": "r"}))
        .await;
    let missing = refused.json()["missing"].to_string();
    assert!(missing.contains("release freeze"), "{missing}");
    let lifted = api
        .post("resume", "operator-secret", json!({"reason": "over"}))
        .await;
    assert_eq!(
        lifted.json()["routes"][0]["rollout"]["held"],
        Value::Null,
        "{}",
        lifted.text
    );
}

#[tokio::test]
async fn a_drill_changes_nobodys_answer_and_says_what_is_in_the_way() {
    let api = api();
    api.raise(5.0).await;
    let answer = api
        .post("drill", "operator-secret", json!({"reason": "monthly"}))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let drilled = answer.json();
    // No data plane runs here, and the primary has answered nothing: both are to be told.
    let problems = drilled["drill"]["problems"].to_string();
    assert!(
        problems.contains("data plane") && problems.contains("primary"),
        "{problems}"
    );
    let rollout = &drilled["routes"][0]["rollout"];
    assert_eq!(
        (&rollout["share"], &rollout["rolled_back"]),
        (&json!(5.0), &Value::Null)
    );
    assert_eq!(
        rollout["last_drill"][1]["problems"],
        drilled["drill"]["problems"]
    );
}
