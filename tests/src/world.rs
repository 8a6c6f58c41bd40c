//! Both providers and a proxy between, in this process.

use std::net::SocketAddr;

use crossfade::{config::Config, control::LeaseTimes, serve::Server};
use crossfade_exchange::{IneligibleReason, SkipReason};
use crossfade_proxy::Accounting;
use crossfade_sim::{
    azure::AzureSim,
    bedrock::{BedrockSim, Surface},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    Admin, Setup,
    chat::{self, CANDIDATE_SAYS, DEPLOYMENT, KEY, PRIMARY_SAYS},
    http::{Answer, Request, exchange},
    setup::ENVIRONMENT,
    wait::eventually,
};

/// A running world. End it with [`World::finish`], which checks what must hold at every end.
#[derive(Debug)]
pub struct World {
    /// The primary.
    pub azure: AzureSim,
    /// The candidate.
    pub bedrock: BedrockSim,
    /// The candidate's host of the OpenAI-compatible endpoints alone, if the setup has one.
    pub mantle: Option<BedrockSim>,
    server: Server,
    home: TempDir,
    /// The configuration file's text.
    config: String,
}

impl World {
    /// Starts both providers and the proxy.
    pub async fn start(setup: Setup) -> Self {
        Self::start_with(setup, LeaseTimes::default()).await
    }

    /// As [`World::start`], with other leases.
    pub async fn start_with(setup: Setup, lease: LeaseTimes) -> Self {
        let azure = AzureSim::start(setup.azure.clone())
            .await
            .expect("a simulated Azure");
        let bedrock = BedrockSim::start(setup.bedrock.clone())
            .await
            .expect("a simulated Bedrock");
        let mut setup = setup;
        let mut mantle = None;
        if setup.has_mantle() {
            let mut options = setup.bedrock.clone();
            options.surface = Surface::Mantle;
            let sim = BedrockSim::start(options)
                .await
                .expect("a simulated host of compatible endpoints");
            setup = setup.bedrock(&format!("mantle_endpoint = \"http://{}\"\n", sim.address()));
            mantle = Some(sim);
        }
        let home = tempfile::tempdir().expect("a directory");
        let text = setup.config(
            azure.address(),
            bedrock.address(),
            &home.path().join("data"),
        );
        let config = parse(&text);
        let server = Box::pin(Server::start_with(config, lease))
            .await
            .expect("a proxy");
        Self {
            azure,
            bedrock,
            mantle,
            server,
            home,
            config: text,
        }
    }

    /// Stops the proxy as an operator would, and starts it again over the same data directory; the providers go on.
    #[must_use]
    pub async fn restart(self) -> Self {
        self.quiet().await;
        let Self {
            azure,
            bedrock,
            mantle,
            server,
            home,
            config,
        } = self;
        server.stop().await;
        let server = Box::pin(Server::start(parse(&config)))
            .await
            .expect("a proxy");
        Self {
            azure,
            bedrock,
            mantle,
            server,
            home,
            config,
        }
    }

    /// Writes its configuration file, for commands that read one.
    pub fn config(&self) -> std::path::PathBuf {
        let path = self.home.path().join("crossfade.toml");
        std::fs::write(&path, &self.config).expect("a file");
        path
    }

    /// Where applications connect.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The operator's side.
    pub fn admin(&self) -> Admin {
        Admin::new(self.server.admin_address())
    }

    /// The running process.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The data directory.
    pub fn data(&self) -> std::path::PathBuf {
        self.home.path().join("data")
    }

    /// Sends a request through the proxy.
    pub async fn send(&self, request: &Request) -> Answer {
        exchange(self.address(), request).await
    }

    /// Asks through the proxy as the usual caller.
    pub async fn ask(&self, body: &Value) -> Answer {
        self.send(&chat::request(body)).await
    }

    /// Asks through the proxy, and insists on Azure's answer.
    pub async fn primary_answers(&self, body: &Value) {
        let answer = self.ask(body).await;
        assert_eq!((answer.status(), answer.whole), (200, true), "{answer:?}");
        assert_eq!(chat::text(&answer), PRIMARY_SAYS);
    }

    /// Asks through the proxy, and insists on Bedrock's answer.
    pub async fn candidate_answers(&self, body: &Value) {
        let answer = self.ask(body).await;
        assert_eq!((answer.status(), answer.whole), (200, true), "{answer:?}");
        assert_eq!(chat::text(&answer), CANDIDATE_SAYS);
    }

    /// Waits until something is counted: the first shadow watch has begun.
    pub async fn watched(&self) {
        eventually("a shadow watch", async || {
            let route = self.admin().route().await;
            route["rollout"]["attempt"].is_object().then_some(())
        })
        .await;
    }

    /// Lets Azure accept the usual caller's credential.
    pub async fn prime(&self) {
        self.prime_as(KEY).await;
    }

    /// Lets Azure accept a caller's credential.
    pub async fn prime_as(&self, key: &str) {
        let answer = self
            .send(&chat::request_as(key, &chat::question("first")))
            .await;
        assert_eq!(answer.status(), 200, "{answer:?}");
    }

    /// Raises the share as an owner who overrides the plan, and waits until it counts.
    pub async fn raise(&self, percent: f64) {
        let answer = self.admin().override_split(percent).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        self.admin().effective(percent).await;
    }

    /// The counts of the tests' route.
    pub fn counts(&self) -> Accounting {
        let all = self.server.proxy().accounting();
        let of_route = all
            .into_iter()
            .find(|counts| counts.route.as_str() == DEPLOYMENT);
        of_route.expect("the route's counts")
    }

    /// The counts of what no route covers.
    pub fn unrouted(&self) -> Accounting {
        let mut all = self.server.proxy().accounting();
        all.pop().expect("counts of what no route covers")
    }

    /// Pairs compared so far.
    pub fn compared(&self) -> u64 {
        self.counts().compared.values().sum()
    }

    /// Eligible requests skipped for a reason so far.
    pub fn skipped(&self, reason: SkipReason) -> u64 {
        self.counts().skipped_for(reason)
    }

    /// Ineligible requests of the route by a reason so far.
    pub fn ineligible(&self, reason: IneligibleReason) -> u64 {
        self.counts()
            .ineligible
            .get(&reason)
            .copied()
            .unwrap_or_default()
    }

    /// Waits until nothing is under way, mirrors included.
    pub async fn quiet(&self) {
        eventually("nothing under way", async || {
            let still = |counts: &Accounting| counts.in_flight == 0 && counts.mirror_in_flight == 0;
            self.server
                .proxy()
                .accounting()
                .iter()
                .all(still)
                .then_some(())
        })
        .await;
    }

    /// Asserts the accounting identity as operators see it, and on every snapshot.
    pub async fn assert_identity(&self) {
        for counts in self.server.proxy().accounting() {
            assert!(counts.holds(), "{counts:?}");
        }
        let status = self.admin().status().await;
        let routes = status["routes"].as_array().cloned().unwrap_or_default();
        let counts = routes
            .iter()
            .map(|route| &route["accounting"])
            .chain([&status["unrouted"]]);
        for counts in counts {
            assert_adds_up(counts);
        }
        for route in &routes {
            assert_eq!(route["identity_holds"], true, "{route}");
        }
        assert_exported(&self.admin().metrics().await);
    }

    /// Waits for the mirrors, checks the identity and that nothing is held any more, and stops.
    pub async fn finish(self) {
        self.quiet().await;
        self.assert_identity().await;
        eventually("all held bytes and slots given back", async || {
            let proxy = self.server.proxy();
            (proxy.held_bytes().0 == 0 && proxy.mirror_slots().0 == 0).then_some(())
        })
        .await;
        self.server.stop().await;
    }
}

/// `seen = finished + in flight = ineligible + eligible`, `eligible = compared + skipped + in flight`.
pub fn assert_adds_up(counts: &Value) {
    let number = |name: &str| counts[name].as_u64().expect("a count");
    let sum = |name: &str| -> u64 {
        let by = counts[name].as_object().expect("counts by name");
        by.values()
            .map(|count| count.as_u64().expect("a count"))
            .sum()
    };
    let skipped: u64 = counts["skipped"]
        .as_object()
        .expect("counts by size")
        .values()
        .flat_map(|by| by.as_object().expect("counts by reason").values())
        .map(|count| count.as_u64().expect("a count"))
        .sum();
    let seen = number("seen");
    assert_eq!(seen, number("finished") + number("in_flight"), "{counts}");
    assert_eq!(seen, sum("ineligible") + sum("eligible"), "{counts}");
    let accounted = sum("compared") + skipped + number("mirror_in_flight");
    assert_eq!(sum("eligible"), accounted, "{counts}");
}

/// The same identity over the exported counters of each route, which are taken in one step.
fn assert_exported(metrics: &str) {
    let sum = |name: &str, route: &str| -> f64 {
        let label = format!("route=\"{route}\"");
        metrics
            .lines()
            .filter(|line| {
                line.strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with('{'))
            })
            .filter(|line| line.contains(&label))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    };
    for route in [DEPLOYMENT, "_unrouted"] {
        let eligible = sum("crossfade_eligible_total", route);
        let accounted = sum("crossfade_compared_total", route)
            + sum("crossfade_mirror_skipped_total", route)
            + sum("crossfade_mirror_in_flight", route);
        assert!(
            (eligible - accounted).abs() < 0.5,
            "{route}: {eligible} and {accounted}"
        );
    }
}

/// A configuration of the tests, in the tests' own environment.
pub fn parse(text: &str) -> Config {
    let environment = |name: &str| {
        let found = ENVIRONMENT.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    match Config::parse_with(text, "e2e.toml", &environment) {
        Ok(config) => config,
        Err(error) => panic!("{error}"),
    }
}
