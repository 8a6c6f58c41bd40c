//! The verbs over the router: who may do what, what comes back, and that `openapi.json` tells the truth.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{Router, body::Body};
use crossfade_backplane::DataDirectory;
use crossfade_exchange::RouteId;
use crossfade_proxy::HashKey;
use crossfade_rollout::{ActorRole, RoutePlan};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use super::*;
use crate::{
    control::{Controller, ControllerOptions, LeaseTimes},
    review::{Keeper, Records},
    telemetry::Telemetry,
};

mod changes;
mod operate;
mod reviews;

const SPLIT: &str = "/api/v1/routes/support/split";

struct Api {
    router: Router,
    controller: Controller,
    records: Records,
    /// Not yet running.
    keeper: Option<Keeper>,
    _home: tempfile::TempDir,
}

fn token(name: &str, role: ActorRole) -> Token {
    Token {
        name: name.to_owned(),
        sha256: Sha256::digest(name.as_bytes()).into(),
        role,
    }
}

use reviews::records;

fn api_with(tokens: Vec<Token>, metrics_auth: bool) -> Api {
    let home = tempfile::tempdir().unwrap();
    let telemetry = Arc::new(Telemetry::new().unwrap());
    let metrics = telemetry.metrics(["support", "bare"]);
    let owned = RoutePlan {
        owner: Some("team".into()),
        ..RoutePlan::new(RouteId::new("support"))
    };
    let directory = Arc::new(DataDirectory::open(home.path()).unwrap());
    let (records, keeper) = records(&directory, &metrics);
    let controller = Controller::start(ControllerOptions {
        directory,
        plans: vec![owned, RoutePlan::new(RouteId::new("bare"))],
        lease: LeaseTimes::default(),
        metrics: Arc::clone(&metrics),
        clock: crate::control::Clock::default(),
    });
    let state = AdminState {
        controller: controller.clone(),
        telemetry,
        metrics,
        setups: BTreeMap::new(),
        tokens: Tokens::new(tokens),
        metrics_auth,
        records: records.clone(),
        key: HashKey::new([5; 32]),
        accounting: Arc::new(Vec::new),
        money: Arc::new(|_| None),
        killed: Arc::new(|| true),
        before_scrape: Arc::new(|| ()),
        ready: Arc::new(|| Err("the listener is not bound yet".to_owned())),
    };
    Api {
        router: router(Arc::new(state)),
        controller,
        records,
        keeper: Some(keeper),
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

    /// As an owner who goes beyond what the evidence has reached.
    async fn raise(&self, percent: f64) -> Answer {
        let body = json!({"candidate_percent": percent, "reason": "tried", "override": true});
        self.call("PUT", SPLIT, "owner-secret", Some(body)).await
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table")]
async fn roles_may_do_what_they_may() {
    let split = |percent: f64| {
        (
            "PUT",
            SPLIT,
            json!({"candidate_percent": percent, "reason": "r"}),
        )
    };
    let beyond = |percent: f64| {
        let body = json!({"candidate_percent": percent, "reason": "r", "override": true});
        ("PUT", SPLIT, body)
    };
    let verb = |path: &'static str| ("POST", path, json!({"reason": "r"}));
    let rollback = || verb("/api/v1/routes/support/rollback");
    let resume = || verb("/api/v1/routes/support/resume");
    let mirror = (
        "PUT",
        "/api/v1/mirror",
        json!({"enabled": false, "reason": "r"}),
    );
    let hash = "ab".repeat(32);
    let signoff = (
        "POST",
        "/api/v1/routes/support/signoff",
        json!({"report": hash, "reason": "r"}),
    );
    let replay = (
        "POST",
        "/api/v1/routes/support/replay",
        json!({"dataset_sha256": hash, "cases": 3, "passed": 2, "exit_code": 100, "reason": "r"}),
    );
    // In this order, on one API: expected are no token, a wrong one, viewer, operator, owner.
    let table = [
        (split(5.0), [401, 401, 403, 409, 409]),
        (beyond(5.0), [401, 401, 403, 403, 200]),
        (split(2.0), [401, 401, 403, 200, 200]),
        (split(5.0), [401, 401, 403, 200, 200]),
        (split(0.0), [401, 401, 403, 200, 200]),
        (mirror, [401, 401, 403, 200, 200]),
        (rollback(), [401, 401, 403, 200, 200]),
        (resume(), [401, 401, 403, 403, 200]),
        (
            verb("/api/v1/routes/support/hold"),
            [401, 401, 403, 200, 200],
        ),
        (resume(), [401, 401, 403, 200, 409]),
        (
            verb("/api/v1/routes/support/advance"),
            [401, 401, 403, 409, 409],
        ),
        (signoff, [401, 401, 403, 403, 409]),
        (replay, [401, 401, 403, 200, 200]),
        (
            verb("/api/v1/routes/support/drill"),
            [401, 401, 403, 200, 200],
        ),
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
}

#[tokio::test]
async fn everybody_is_told_what_they_may_do() {
    let api = api();
    for role in ["viewer", "operator", "owner"] {
        let token = format!("{role}-secret");
        let answer = api.call("GET", "/api/v1/me", &token, None).await;
        assert_eq!(answer.json()["role"], role, "{}", answer.text);
    }
    let nobody = api.call("GET", "/api/v1/me", "", None).await;
    assert_eq!(nobody.status.as_u16(), 401);
}

#[tokio::test]
async fn every_role_may_look_at_what_holds_no_text() {
    let api = api();
    let tokens = [
        "",
        "wrong",
        "viewer-secret",
        "operator-secret",
        "owner-secret",
    ];
    for path in [
        "/api/v1/status",
        "/api/v1/routes",
        "/api/v1/routes/support",
        "/api/v1/routes/support/findings",
        "/api/v1/routes/support/report",
        "/api/v1/routes/support/rules",
        "/api/v1/reviews",
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
        ("PUT", SPLIT, split(100.0, "r"), 409, "has reached 0 %"),
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
            "/api/v1/routes/support/promote",
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
async fn the_document_and_the_router_agree() {
    let api = api();
    let document = api
        .call("GET", "/api/v1/openapi.json", "", None)
        .await
        .json();
    let mut known = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let concrete = path
            .replace("{route}", "support")
            .replace("{id}", "1")
            .replace("{signature}", "8d");
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
