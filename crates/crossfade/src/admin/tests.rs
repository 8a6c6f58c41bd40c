//! The verbs over the router: who may do what, what comes back, and that `openapi.json` tells the truth.

use std::{collections::BTreeSet, sync::Arc};

use axum::{Router, body::Body};
use crossfade_backplane::DataDirectory;
use crossfade_exchange::RouteId;
use crossfade_rollout::{ActorRole, RoutePlan};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use super::*;
use crate::{
    control::{Controller, ControllerOptions, LeaseTimes},
    telemetry::Telemetry,
};

struct Api {
    router: Router,
    controller: Controller,
    _home: tempfile::TempDir,
}

fn token(name: &str, role: ActorRole) -> Token {
    Token {
        name: name.to_owned(),
        sha256: Sha256::digest(name.as_bytes()).into(),
        role,
    }
}

fn api_with(tokens: Vec<Token>, metrics_auth: bool) -> Api {
    let home = tempfile::tempdir().unwrap();
    let telemetry = Arc::new(Telemetry::new().unwrap());
    let metrics = telemetry.metrics(["support", "bare"]);
    let owned = RoutePlan {
        owner: Some("team".into()),
        ..RoutePlan::new(RouteId::new("support"))
    };
    let controller = Controller::start(ControllerOptions {
        directory: Arc::new(DataDirectory::open(home.path()).unwrap()),
        plans: vec![owned, RoutePlan::new(RouteId::new("bare"))],
        lease: LeaseTimes::default(),
        metrics: Arc::clone(&metrics),
    });
    let state = AdminState {
        controller: controller.clone(),
        telemetry,
        metrics,
        tokens: Tokens::new(tokens),
        metrics_auth,
        accounting: Arc::new(Vec::new),
        before_scrape: Arc::new(|| ()),
        ready: Arc::new(|| Err("the listener is not bound yet".to_owned())),
    };
    Api {
        router: router(Arc::new(state)),
        controller,
        _home: home,
    }
}

fn api() -> Api {
    let tokens = [
        ("viewer-secret", ActorRole::Viewer),
        ("operator-secret", ActorRole::Operator),
        ("owner-secret", ActorRole::Owner),
    ];
    api_with(tokens.map(|(name, role)| token(name, role)).to_vec(), false)
}

struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl Api {
    async fn call(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            None => Body::empty(),
            Some(json) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(json.to_string())
            }
        };
        self.send(request.body(body).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        if parts.status.is_client_error() || parts.status.is_server_error() {
            assert_eq!(
                parts.headers[header::CONTENT_TYPE],
                "application/problem+json",
                "{text}"
            );
            let problem: Value = serde_json::from_str(&text).unwrap();
            assert!(
                problem["remedy"]
                    .as_str()
                    .is_some_and(|remedy| !remedy.is_empty()),
                "{text}"
            );
            assert_eq!(problem["status"], parts.status.as_u16());
        }
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }

    async fn split(&self, token: &str, percent: f64) -> Answer {
        let body = json!({"candidate_percent": percent, "reason": "tried"});
        self.call("PUT", "/api/v1/routes/support/split", token, Some(body))
            .await
    }
}

#[tokio::test]
async fn roles_may_do_what_they_may() {
    let split = |percent: f64| {
        (
            "PUT",
            "/api/v1/routes/support/split",
            json!({"candidate_percent": percent, "reason": "r"}),
        )
    };
    let whole = json!({"candidate_percent": 100, "reason": "r", "override": true});
    let whole = ("PUT", "/api/v1/routes/support/split", whole);
    let verb = |path: &'static str| ("POST", path, json!({"reason": "r"}));
    let rollback = || verb("/api/v1/routes/support/rollback");
    let resume = || verb("/api/v1/routes/support/resume");
    let mirror = (
        "PUT",
        "/api/v1/mirror",
        json!({"enabled": false, "reason": "r"}),
    );
    // In this order, on one API: expected are no token, a wrong one, viewer, operator, owner.
    let table = [
        (split(5.0), [401, 401, 403, 200, 200]),
        (split(0.0), [401, 401, 403, 200, 200]),
        (whole, [401, 401, 403, 403, 200]),
        (mirror, [401, 401, 403, 200, 200]),
        (rollback(), [401, 401, 403, 200, 200]),
        (resume(), [401, 401, 403, 403, 200]),
    ];
    let api = api();
    let tokens = [
        "",
        "wrong",
        "viewer-secret",
        "operator-secret",
        "owner-secret",
    ];
    for ((method, path, body), expected) in table {
        for (token, expected) in tokens.iter().zip(expected) {
            let answer = api.call(method, path, token, Some(body.clone())).await;
            assert_eq!(
                answer.status.as_u16(),
                expected,
                "{method} {path} {token:?}: {}",
                answer.text
            );
            assert!(!answer.text.contains("secret") || !token.is_empty());
        }
    }
    for path in [
        "/api/v1/status",
        "/api/v1/routes",
        "/api/v1/routes/support",
        "/api/v1/ledger",
    ] {
        for (token, expected) in tokens.iter().zip([401, 401, 200, 200, 200]) {
            assert_eq!(
                api.call("GET", path, token, None).await.status.as_u16(),
                expected,
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_open_is_open_and_the_rest_says_how_to_get_in() {
    let api = api_with(Vec::new(), false);
    assert_eq!(
        api.call("GET", "/healthz", "", None).await.status,
        StatusCode::OK
    );
    assert_eq!(
        api.call("GET", "/metrics", "", None).await.status,
        StatusCode::OK
    );
    let ready = api.call("GET", "/readyz", "", None).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.json()["detail"], "the listener is not bound yet");
    let closed = api.call("GET", "/api/v1/status", "anything", None).await;
    assert_eq!(closed.status, StatusCode::UNAUTHORIZED);
    assert_eq!(closed.headers[header::WWW_AUTHENTICATE], "Bearer");
    assert!(
        closed.json()["remedy"]
            .as_str()
            .unwrap()
            .contains("[[admin.tokens]]")
    );
    let guarded = api_with(vec![token("viewer-secret", ActorRole::Viewer)], true);
    assert_eq!(
        guarded.call("GET", "/metrics", "", None).await.status,
        StatusCode::UNAUTHORIZED
    );
    let open = guarded.call("GET", "/metrics", "viewer-secret", None).await;
    assert_eq!(open.status, StatusCode::OK);
    assert!(
        open.text
            .contains("crossfade_split_ratio{route=\"support\"} 0\n"),
        "{}",
        open.text
    );
}

#[tokio::test]
async fn raises_honour_the_revision_and_nothing_else_does() {
    let api = api();
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
        (5.0, "\"9\"", 412),
        (5.0, "nonsense", 400),
        (5.0, "\"0\"", 200),
        (10.0, "0", 412),
        (10.0, "*", 200),
        (2.0, "\"0\"", 200),
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
    assert_eq!(route.headers[header::ETAG], "\"4\"");
}

const SPLIT: &str = "/api/v1/routes/support/split";

/// Method, path, body, and what is wrong with them: status, and words of the detail.
fn refused() -> Vec<(&'static str, &'static str, Value, u16, &'static str)> {
    let split =
        |percent: f64, reason: &str| json!({"candidate_percent": percent, "reason": reason});
    let reason = || json!({"reason": "r"});
    let odd = json!({"candidate_percent": 5, "reason": "r", "foo": 1});
    vec![
        ("PUT", SPLIT, split(5.0, " "), 400, "reason is empty"),
        ("PUT", SPLIT, split(101.0, "r"), 400, "101"),
        (
            "PUT",
            SPLIT,
            json!({"candidate_percent": 5}),
            400,
            "missing field `reason`",
        ),
        ("PUT", SPLIT, odd, 400, "unknown field `foo`"),
        ("PUT", SPLIT, split(5.0, &"r".repeat(1_001)), 400, "1000"),
        ("PUT", SPLIT, split(5.0, &"r".repeat(70_000)), 413, "64 KiB"),
        ("PUT", SPLIT, split(100.0, "r"), 409, "100 %"),
        (
            "PUT",
            "/api/v1/routes/bare/split",
            split(5.0, "r"),
            409,
            "no owner",
        ),
        (
            "PUT",
            "/api/v1/routes/nope/split",
            split(5.0, "r"),
            404,
            "nope",
        ),
        (
            "POST",
            "/api/v1/routes/support/resume",
            reason(),
            409,
            "not rolled back",
        ),
        (
            "POST",
            "/api/v1/routes/nope/rollback",
            reason(),
            404,
            "nope",
        ),
        (
            "POST",
            "/api/v1/routes/support/advance",
            reason(),
            404,
            "nothing at",
        ),
        ("DELETE", SPLIT, reason(), 405, "DELETE"),
        ("GET", "/api/v1/ledger?limit=0", Value::Null, 400, "limit"),
        ("GET", "/api/v1/ledger?page=2", Value::Null, 400, "page"),
    ]
}

#[tokio::test]
async fn refusals_name_what_is_missing() {
    let api = api();
    for (method, path, body, expected, words) in refused() {
        let body = (!body.is_null()).then_some(body);
        let answer = api.call(method, path, "owner-secret", body).await;
        assert_eq!(
            answer.status.as_u16(),
            expected,
            "{method} {path}: {}",
            answer.text
        );
        assert!(
            answer.json()["detail"].as_str().unwrap().contains(words),
            "{}",
            answer.text
        );
    }
    let plain = Request::put(SPLIT)
        .header(header::AUTHORIZATION, "Bearer owner-secret")
        .body(Body::from(
            json!({"candidate_percent": 5, "reason": "r"}).to_string(),
        ))
        .unwrap();
    assert_eq!(
        api.send(plain).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    assert!(
        api.controller.entries(None, 10, None).is_empty(),
        "nothing was recorded"
    );
}

#[tokio::test]
async fn a_change_shows_everywhere() {
    let api = api();
    let changed = api.split("operator-secret", 5.0).await.json();
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
    assert_eq!(last["actor"]["name"], "operator-secret");
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
    let raised = "crossfade_transitions_total{route=\"support\",to=\"ramp\",reason=\"raise\"} 1\n";
    assert!(metrics.contains(raised), "{metrics}");
}

#[tokio::test]
async fn the_document_and_the_router_agree() {
    let api = api();
    let document = api
        .call("GET", "/api/v1/openapi.json", "", None)
        .await
        .json();
    let mut known = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let concrete = path.replace("{route}", "support");
        let methods: Vec<&String> = item
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| *key != "parameters")
            .collect();
        for method in ["get", "put", "post", "delete", "patch"] {
            let answer = api
                .call(&method.to_uppercase(), &concrete, "viewer-secret", None)
                .await;
            let described = methods.iter().any(|known| *known == method);
            let routed =
                ![StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&answer.status);
            assert_eq!(described, routed, "{method} {path}: {}", answer.status);
            if described {
                let responses = item[method]["responses"].as_object().unwrap();
                let code = answer.status.as_u16().to_string();
                // A viewer without a body meets a refusal of the body first.
                assert!(
                    responses.contains_key(&code) || code == "415",
                    "{method} {path}: {code}"
                );
            }
        }
        known.insert(path.clone());
    }
    // Every path of the router's source stands in the document.
    let source = include_str!("router.rs");
    let routed: BTreeSet<String> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix(".route(\"")?.split('"').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(routed, known);
}

#[test]
fn tokens_are_not_shown() {
    let shown = format!("{:?}", Tokens::new(vec![token("t", ActorRole::Owner)]));
    assert!(
        shown.contains("Owner") && !shown.contains("sha256"),
        "{shown}"
    );
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
    api.split("operator-secret", 5.0).await;
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
    let first = api.split("operator-secret", 5.0).await.json();
    assert_eq!(said(&first), [true, true, false]);
    let again = api.split("operator-secret", 5.0).await.json();
    assert_eq!(said(&again), [true, true, true]);
}

#[tokio::test]
async fn a_ledger_of_nothing_known_is_not_found() {
    let api = api();
    for (route, expected) in [("support", StatusCode::OK), ("nope", StatusCode::NOT_FOUND)] {
        let path = format!("/api/v1/ledger?route={route}");
        let answer = api.call("GET", &path, "viewer-secret", None).await;
        assert_eq!(answer.status, expected, "{}", answer.text);
        if expected == StatusCode::NOT_FOUND {
            assert!(answer.text.contains("use a name from `crossfade status`"));
        }
    }
}
