//! A client of the admin API.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::{
    chat::DEPLOYMENT,
    http::{Answer, Request, exchange},
    setup::TOKENS,
    wait::eventually,
};

/// The admin API of one process.
#[derive(Clone, Copy, Debug)]
pub struct Admin {
    address: SocketAddr,
}

impl Admin {
    /// At this address.
    pub const fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Asks without a token.
    pub async fn anonymous(&self, request: &Request) -> Answer {
        exchange(self.address, request).await
    }

    /// Asks with the token of a role.
    pub async fn ask_as(&self, role: &str, request: Request) -> Answer {
        let token = TOKENS
            .iter()
            .find(|(name, _)| *name == role)
            .expect("a role")
            .1;
        let request = request.header("Authorization", &format!("Bearer {token}"));
        exchange(self.address, &request).await
    }

    /// Changes something, as a role.
    pub async fn change_as(&self, role: &str, method: &str, path: &str, body: &Value) -> Answer {
        let request = Request::new(method, path)
            .header("Content-Type", "application/json")
            .body(body.to_string());
        self.ask_as(role, request).await
    }

    /// Asks for a share of the tests' route.
    pub async fn split_as(&self, role: &str, percent: f64) -> Answer {
        let body = json!({"candidate_percent": percent, "reason": "a test asks for it"});
        self.change_as(role, "PUT", &split_path(), &body).await
    }

    /// Sets a share of the tests' route as an owner who overrides the plan.
    pub async fn override_split(&self, percent: f64) -> Answer {
        let body =
            json!({"candidate_percent": percent, "reason": "a test asks for it", "override": true});
        self.change_as("owner", "PUT", &split_path(), &body).await
    }

    /// Gives the tests' route back.
    pub async fn rollback(&self, reason: &str) -> Answer {
        let path = format!("/api/v1/routes/{DEPLOYMENT}/rollback");
        self.change_as("operator", "POST", &path, &json!({"reason": reason}))
            .await
    }

    /// Re-arms the tests' route, as a role.
    pub async fn resume_as(&self, role: &str) -> Answer {
        let path = format!("/api/v1/routes/{DEPLOYMENT}/resume");
        self.change_as(role, "POST", &path, &json!({"reason": "mended"}))
            .await
    }

    /// Switches mirroring.
    pub async fn mirror(&self, enabled: bool) -> Answer {
        let body = json!({"enabled": enabled, "reason": "a test asks for it"});
        self.change_as("operator", "PUT", "/api/v1/mirror", &body)
            .await
    }

    /// What `status` shows.
    pub async fn status(&self) -> Value {
        self.json("/api/v1/status").await
    }

    /// The tests' route.
    pub async fn route(&self) -> Value {
        self.json(&format!("/api/v1/routes/{DEPLOYMENT}")).await
    }

    /// The ledger's entries, oldest first.
    pub async fn ledger(&self) -> Vec<Value> {
        let page = self.json("/api/v1/ledger?limit=1000").await;
        page["entries"].as_array().cloned().expect("entries")
    }

    /// The exported metrics.
    pub async fn metrics(&self) -> String {
        let answer = self.anonymous(&Request::get("/metrics")).await;
        assert_eq!(answer.status(), 200);
        answer.text()
    }

    /// One exported value; 0 if it is not there.
    pub async fn metric(&self, series: &str) -> f64 {
        let text = self.metrics().await;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.trim().parse().expect("a number"))
    }

    /// Waits until the share that counts is this one.
    pub async fn effective(&self, percent: f64) {
        eventually(&format!("an effective share of {percent} %"), async || {
            let effective = self.route().await["effective_percent"].as_f64()?;
            ((effective - percent).abs() < 1e-9).then_some(())
        })
        .await;
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self.ask_as("viewer", Request::get(path)).await;
        assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
        answer.json()
    }
}

fn split_path() -> String {
    format!("/api/v1/routes/{DEPLOYMENT}/split")
}
