//! Changes: what they honour, what comes back, and where they show.

use super::*;

#[tokio::test]
async fn raises_honour_the_revision_and_nothing_else_does() {
    let api = api();
    api.raise(10.0).await;
    let put = |percent: f64, if_match: &str| {
        let body = json!({"candidate_percent": percent, "reason": "r"}).to_string();
        Request::put("/api/v1/routes/support/split")
            .header(header::AUTHORIZATION, "bearer operator-secret")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, if_match)
            .body(Body::from(body))
            .unwrap()
    };
    let table = [
        (2.0, "\"0\"", 200),
        (5.0, "\"9\"", 412),
        (5.0, "nonsense", 400),
        (5.0, "\"2\"", 200),
        (10.0, "2", 412),
        (10.0, "*", 200),
        (1.0, "nonsense", 200),
    ];
    for (percent, if_match, expected) in table {
        let answer = api.send(put(percent, if_match)).await;
        assert_eq!(
            answer.status.as_u16(),
            expected,
            "{percent} {if_match}: {}",
            answer.text
        );
    }
    let route = api
        .call("GET", "/api/v1/routes/support", "viewer-secret", None)
        .await;
    assert_eq!(route.headers[header::ETAG], "\"5\"");
}

#[tokio::test]
async fn a_change_shows_everywhere() {
    let api = api();
    let changed = api.raise(5.0).await.json();
    assert_eq!(changed["recorded"], true);
    assert_eq!(changed["routes"][0]["rollout"]["share"], 5.0);
    assert_eq!(changed["routes"].as_array().unwrap().len(), 1);
    let status = api
        .call("GET", "/api/v1/status", "viewer-secret", None)
        .await
        .json();
    assert_eq!(status["ledger"]["entries"], 2);
    assert_eq!(status["ledger"]["writable"], true);
    assert_eq!(status["routes"][1]["rollout"]["route"], "support");
    assert_eq!(
        status["routes"][1]["effective_percent"], 0.0,
        "no lease was granted"
    );
    let last = &status["routes"][1]["rollout"]["last_change"];
    assert_eq!(last["actor"]["name"], "owner-secret");
    assert_eq!(last["reason"], "tried");
    let page = api
        .call(
            "GET",
            "/api/v1/ledger?route=support&limit=1",
            "viewer-secret",
            None,
        )
        .await;
    let page = page.json();
    assert_eq!(page["entries"][0]["change"]["kind"], "split");
    assert_eq!(page["head"], status["ledger"]["head"]);
    let metrics = api.call("GET", "/metrics", "", None).await.text;
    let raised =
        "crossfade_transitions_total{route=\"support\",to=\"ramp\",reason=\"override\"} 1\n";
    assert!(metrics.contains(raised), "{metrics}");
}

#[tokio::test]
async fn reasons_are_plain_text_in_one_line() {
    let api = api();
    for reason in ["two\nlines", "\u{1b}[2J", "\u{202e}desrever"] {
        for (method, verb, mut body) in [
            (
                "PUT",
                "routes/support/split",
                json!({"candidate_percent": 0}),
            ),
            ("POST", "routes/support/rollback", json!({})),
            ("POST", "routes/support/resume", json!({})),
            ("PUT", "mirror", json!({"enabled": false})),
        ] {
            body["reason"] = json!(reason);
            let path = format!("/api/v1/{verb}");
            let answer = api.call(method, &path, "owner-secret", Some(body)).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{verb} {reason:?}");
            assert!(
                answer.text.contains("plain text in one line"),
                "{}",
                answer.text
            );
        }
    }
}

#[tokio::test]
async fn a_resume_honours_if_match() {
    let api = api();
    api.raise(5.0).await;
    let verb = |verb: &str| format!("/api/v1/routes/support/{verb}");
    let reason = json!({"reason": "r"});
    let rolled = api
        .call(
            "POST",
            &verb("rollback"),
            "owner-secret",
            Some(reason.clone()),
        )
        .await
        .json();
    let revision = rolled["routes"][0]["rollout"]["revision"].as_u64().unwrap();
    let resume = async |if_match: String| {
        let request = Request::post(verb("resume"))
            .header(header::AUTHORIZATION, "Bearer owner-secret")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, if_match)
            .body(Body::from(reason.to_string()))
            .unwrap();
        api.send(request).await.status
    };
    for (if_match, expected) in [
        (
            format!("\"{}\"", revision + 1),
            StatusCode::PRECONDITION_FAILED,
        ),
        ("some".to_owned(), StatusCode::BAD_REQUEST),
        (format!("\"{revision}\""), StatusCode::OK),
    ] {
        assert_eq!(resume(if_match.clone()).await, expected, "{if_match}");
    }
}

#[tokio::test]
async fn a_change_says_what_became_of_it() {
    let api = api();
    let said = |answer: &Value| {
        ["recorded", "survives_restart", "unchanged"].map(|name| answer[name].as_bool().unwrap())
    };
    let first = api.raise(5.0).await.json();
    assert_eq!(said(&first), [true, true, false]);
    let again = api.raise(5.0).await.json();
    assert_eq!(said(&again), [true, true, true]);
}
