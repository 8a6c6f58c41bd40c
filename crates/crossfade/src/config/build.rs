//! From the file as written to the configuration as used: secrets are fetched, and every rule that concerns more than
//! one key is checked. All that is wrong is found in one go.

use std::{collections::BTreeSet, path::Path, time::Duration};

use crossfade_exchange::Percent;

use super::{
    document::{Environment, Places},
    error::{ConfigError, Problem},
    evidence::{build_evidence, build_review, check_people},
    model::{
        Admin, AdminToken, Azure, AzureAuth, Backplane, Bedrock, BedrockAuth, Config, Data,
        HashKey, Listen, Logging, Mirror, Tls,
    },
    opinions::{RouteOpinions, build_judge, build_similarity},
    raw::{
        RawAdmin, RawAzure, RawAzureAuth, RawBackplane, RawBackplaneKind, RawBedrock,
        RawBedrockAuth, RawConfig, RawData, RawListen, RawMirror,
    },
    route::{ForAll, build_route},
    secret::Secret,
    units::{Digest, Size, Span},
};

/// The least that outcome logs may be given, in bytes.
const LEAST_LOG: u64 = 16 << 20;

/// What is wrong so far, and where things stand in the file.
pub(super) struct Findings<'a> {
    places: &'a Places,
    environment: Environment<'a>,
    problems: Vec<Problem>,
}

/// Checks and converts everything.
#[expect(
    clippy::too_many_lines,
    reason = "one table of the file after the other"
)]
pub(super) fn build(
    raw: RawConfig,
    places: &Places,
    environment: Environment<'_>,
) -> Result<Config, ConfigError> {
    let mut findings = Findings {
        places,
        environment,
        problems: Vec::new(),
    };
    let at = &mut findings;
    if raw.listen.address == raw.admin.address && raw.listen.address.port() != 0 {
        at.wrong(
            &["admin", "address"],
            "the same as listen.address: use another port",
        );
    }
    let listen = listen(raw.listen, at);
    let admin = admin(raw.admin, at);
    let data = data(raw.data, at);
    let azure = azure(raw.azure, at);
    let bedrock = bedrock(raw.bedrock, at);
    let mut mirror = mirror(&raw.mirror, at);
    mirror.request_bytes = mirror.request_bytes.min(Size(listen.max_body).bytes());
    let backplane = backplane(&raw.backplane, at);
    let evidence = build_evidence(&raw.evidence, at);
    let review = build_review(&raw.review, at);
    let similarity = build_similarity(&raw.similarity, azure.as_ref(), at);
    let judge = build_judge(&raw.judge, azure.as_ref(), at);
    let all = ForAll {
        evidence: &raw.evidence,
        opinions: RouteOpinions {
            similarity: raw.similarity.share,
            judge: raw.judge.share,
        },
        ask_primary_twice: mirror.ask_primary_twice,
        has_similarity: similarity.is_some(),
    };
    let routes = raw
        .routes
        .into_iter()
        .filter_map(|(name, route)| build_route(&name, route, all, at))
        .collect::<Vec<_>>();
    check_people(&routes, &review, evidence.as_ref(), at);
    let logging = Logging {
        format: raw.logging.format,
        level: raw.logging.level,
    };
    let problems = findings.problems;
    match (azure, bedrock, data, evidence) {
        (Some(azure), Some(bedrock), Some(data), Some(evidence)) if problems.is_empty() => {
            Ok(Config {
                listen,
                admin,
                data,
                azure,
                bedrock,
                mirror,
                evidence,
                review,
                similarity,
                judge,
                backplane,
                logging,
                routes,
            })
        }
        _ => Err(places.error(problems)),
    }
}

// === impl Findings ===

impl Findings<'_> {
    /// Notes a problem with the key at `path`.
    pub(super) fn wrong(&mut self, path: &[&str], message: impl Into<String>) {
        let problem = self.places.problem(path, message);
        self.problems.push(problem);
    }

    /// Notes a problem unless the number is finite and over zero.
    pub(super) fn positive(&mut self, path: &[&str], value: Option<f64>) {
        if value.is_some_and(|value| !(value.is_finite() && value > 0.0)) {
            self.wrong(path, "use a number over 0, or remove the key");
        }
    }

    /// Notes a problem unless the duration is over zero.
    pub(super) fn some_time(&mut self, path: &[&str], value: Span) -> Duration {
        if value.0.is_zero() {
            self.wrong(path, "use a duration over 0");
        }
        value.0
    }

    /// Notes a problem for each word that stands in a list twice.
    pub(super) fn distinct<T: Ord + std::fmt::Display>(&mut self, path: &[&str], list: &[T]) {
        let mut seen = BTreeSet::new();
        for word in list {
            if !seen.insert(word) {
                self.wrong(path, format!("\"{word}\" stands here twice: remove one"));
            }
        }
    }

    pub(super) fn at_least_one(&mut self, path: &[&str], value: usize) -> usize {
        if value == 0 {
            self.wrong(path, "use a number of at least 1");
        }
        value
    }

    /// The variable's value, if it is set to something.
    pub(super) fn variable(&mut self, path: &[&str], name: &str) -> Option<Secret> {
        match (self.environment)(name) {
            Some(value) if !value.is_empty() => Some(Secret::new(value)),
            Some(_) => {
                self.wrong(
                    path,
                    format!("environment variable {name} is empty: set it"),
                );
                None
            }
            None => {
                self.wrong(
                    path,
                    format!("environment variable {name} is not set: set it"),
                );
                None
            }
        }
    }

    /// A secret from the environment or a file: exactly one of the two keys must be there.
    pub(super) fn secret(
        &mut self,
        table: &str,
        variable: Option<&str>,
        file: Option<&Path>,
    ) -> Option<Secret> {
        match (variable, file) {
            (Some(name), None) => self.variable(&[table, "key_env"], name),
            (None, Some(file)) => match std::fs::read_to_string(file) {
                Ok(text) if !text.trim().is_empty() => Some(Secret::new(text.trim())),
                Ok(_) => {
                    self.wrong(&[table, "key_file"], "the file is empty: put the key in it");
                    None
                }
                Err(error) => {
                    let message = format!("cannot read {}: {error}", file.display());
                    self.wrong(&[table, "key_file"], message);
                    None
                }
            },
            (Some(_), Some(_)) => {
                self.wrong(
                    &[table, "key_file"],
                    "key_env is set too: remove one of them",
                );
                None
            }
            (None, None) => {
                self.wrong(
                    &[table, "auth"],
                    "needs key_env or key_file: add one of them",
                );
                None
            }
        }
    }

    /// Notes a problem for each key that is set although `auth` does not use it.
    fn unused(&mut self, table: &str, auth: &str, keys: &[(&str, bool)]) {
        for (key, set) in keys {
            if *set {
                self.wrong(
                    &[table, key],
                    format!("not used with auth = {auth:?}: remove it"),
                );
            }
        }
    }
}

// === sections ===

fn listen(raw: RawListen, at: &mut Findings<'_>) -> Listen {
    if raw.max_body.0 == 0 {
        at.wrong(&["listen", "max_body"], "use a size over 0");
    }
    Listen {
        address: raw.address,
        tls: raw.tls.map(|tls| Tls {
            certificate: tls.certificate,
            key: tls.key,
            client_ca: tls.client_ca,
        }),
        max_body: raw.max_body.0,
        max_in_flight: at.at_least_one(&["listen", "max_in_flight"], raw.max_in_flight),
        expose_side: raw.expose_side,
        drain: raw.drain.0,
    }
}

fn admin(raw: RawAdmin, at: &mut Findings<'_>) -> Admin {
    let mut names = BTreeSet::new();
    let mut digests = BTreeSet::new();
    for (index, token) in raw.tokens.iter().enumerate() {
        let index = index.to_string();
        if token.name.trim().is_empty() || token.name.chars().any(char::is_control) {
            at.wrong(
                &["admin", "tokens", &index, "name"],
                "name the holder: the ledger shows it",
            );
        }
        if !names.insert(token.name.clone()) {
            at.wrong(
                &["admin", "tokens", &index, "name"],
                "used twice: give each token its name",
            );
        }
        if token.sha256.is_of_nothing() {
            let message = "this is the digest of an empty text: whoever sends no token would hold it; make a token first, as config/crossfade.toml shows";
            at.wrong(&["admin", "tokens", &index, "sha256"], message);
        }
        if !digests.insert(token.sha256.0) {
            let message = "the same token as another one's: give each holder a token";
            at.wrong(&["admin", "tokens", &index, "sha256"], message);
        }
    }
    Admin {
        address: raw.address,
        metrics_auth: raw.metrics_auth,
        tokens: raw
            .tokens
            .into_iter()
            .map(|token| AdminToken {
                name: token.name,
                sha256: token.sha256,
                role: token.role,
            })
            .collect(),
    }
}

fn data(raw: RawData, at: &mut Findings<'_>) -> Option<Data> {
    let path = ["data", "key_env"];
    let key = match &raw.key_env {
        None => None,
        Some(name) => {
            let text = at.variable(&path, name)?;
            // The form of a digest, 64 hexadecimal digits, is the form of a 32-byte key too.
            match text.expose().trim().parse::<Digest>() {
                Ok(key) => Some(HashKey(key.0)),
                Err(_) => {
                    let message = format!(
                        "environment variable {name} is no key: use 64 hexadecimal digits, as `openssl rand -hex 32` prints"
                    );
                    at.wrong(&path, message);
                    return None;
                }
            }
        }
    };
    if raw.outcome_log_bytes.0 < LEAST_LOG {
        let message = "under 16MiB, which a busy route fills within minutes: raise it";
        at.wrong(&["data", "outcome_log_bytes"], message);
    }
    if raw.directory.as_os_str().is_empty() {
        at.wrong(&["data", "directory"], "empty: name a directory");
    }
    Some(Data {
        directory: raw.directory,
        outcome_log_bytes: raw.outcome_log_bytes.0,
        key,
    })
}

fn azure(raw: RawAzure, at: &mut Findings<'_>) -> Option<Azure> {
    let auth = match raw.auth {
        RawAzureAuth::Passthrough => {
            let keys = [
                ("key_env", raw.key_env.is_some()),
                ("key_file", raw.key_file.is_some()),
            ];
            at.unused("azure", "passthrough", &keys);
            Some(AzureAuth::Passthrough)
        }
        RawAzureAuth::Key => at
            .secret("azure", raw.key_env.as_deref(), raw.key_file.as_deref())
            .map(AzureAuth::Key),
        RawAzureAuth::Entra => {
            let message = "\"entra\" is not available yet: use \"passthrough\" or \"key\"";
            at.wrong(&["azure", "auth"], message);
            None
        }
    };
    Some(Azure {
        endpoint: raw.endpoint,
        auth: auth?,
        connect_timeout: at.some_time(&["azure", "connect_timeout"], raw.connect_timeout),
        response_timeout: at.some_time(&["azure", "response_timeout"], raw.response_timeout),
        ca_file: raw.ca_file,
    })
}

fn bedrock(raw: RawBedrock, at: &mut Findings<'_>) -> Option<Bedrock> {
    let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if raw.region.is_empty() || !raw.region.chars().all(named) {
        at.wrong(
            &["bedrock", "region"],
            "not an AWS region: use a name such as \"us-east-1\"",
        );
    }
    let connect_timeout = at.some_time(&["bedrock", "connect_timeout"], raw.connect_timeout);
    let idle_timeout = at.some_time(&["bedrock", "idle_timeout"], raw.idle_timeout);
    let fallback_after = at.some_time(&["bedrock", "fallback_after"], raw.fallback_after);
    if raw
        .sigv4_service
        .as_deref()
        .is_some_and(|service| service.is_empty() || !service.chars().all(named))
    {
        at.wrong(
            &["bedrock", "sigv4_service"],
            "not the name of an AWS service: use one such as \"bedrock\", or remove the key",
        );
    }
    let auth = bedrock_auth(&raw, at);
    Some(Bedrock {
        region: raw.region,
        endpoint: raw.endpoint,
        mantle_endpoint: raw.mantle_endpoint,
        sigv4_service: raw.sigv4_service,
        auth: auth?,
        connect_timeout,
        idle_timeout,
        fallback_after,
    })
}

fn bedrock_auth(raw: &RawBedrock, at: &mut Findings<'_>) -> Option<BedrockAuth> {
    let key = [
        ("key_env", raw.key_env.is_some()),
        ("key_file", raw.key_file.is_some()),
    ];
    let access = [
        ("access_key_env", raw.access_key_env.is_some()),
        ("secret_key_env", raw.secret_key_env.is_some()),
        ("session_token_env", raw.session_token_env.is_some()),
    ];
    match raw.auth {
        RawBedrockAuth::Default => {
            at.unused("bedrock", "default", &key);
            at.unused("bedrock", "default", &access);
            Some(BedrockAuth::Default)
        }
        RawBedrockAuth::ApiKey => {
            at.unused("bedrock", "api_key", &access);
            at.secret("bedrock", raw.key_env.as_deref(), raw.key_file.as_deref())
                .map(BedrockAuth::ApiKey)
        }
        RawBedrockAuth::Static => {
            at.unused("bedrock", "static", &key);
            let mut required = |name: &Option<String>, field: &str| match name {
                Some(name) => at.variable(&["bedrock", field], name),
                None => {
                    at.wrong(
                        &["bedrock", "auth"],
                        format!("\"static\" needs {field}: add it"),
                    );
                    None
                }
            };
            let access_key = required(&raw.access_key_env, "access_key_env");
            let secret_key = required(&raw.secret_key_env, "secret_key_env");
            let session_token = match &raw.session_token_env {
                Some(name) => Some(at.variable(&["bedrock", "session_token_env"], name)?),
                None => None,
            };
            Some(BedrockAuth::Static {
                access_key: access_key?,
                secret_key: secret_key?,
                session_token,
            })
        }
    }
}

fn mirror(raw: &RawMirror, at: &mut Findings<'_>) -> Mirror {
    at.positive(&["mirror", "rate"], raw.rate);
    at.positive(&["mirror", "hourly_usd"], raw.hourly_usd);
    at.positive(&["mirror", "daily_usd"], raw.daily_usd);
    at.positive(&["mirror", "attempt_usd"], raw.attempt_usd);
    for (short, shorter, long, longer) in [
        ("hourly_usd", raw.hourly_usd, "daily_usd", raw.daily_usd),
        ("daily_usd", raw.daily_usd, "attempt_usd", raw.attempt_usd),
        ("hourly_usd", raw.hourly_usd, "attempt_usd", raw.attempt_usd),
    ] {
        if let (Some(shorter), Some(longer)) = (shorter, longer)
            && shorter > longer
        {
            let message =
                format!("more than {long}, which stops before it: lower it, or raise that");
            at.wrong(&["mirror", short], message);
        }
    }
    if raw
        .request_bytes
        .0
        .saturating_add(raw.answer_bytes.0.saturating_mul(2))
        > raw.bytes.0
    {
        let message = "less than one request and its two answers (request_bytes + 2 × answer_bytes): raise it";
        at.wrong(&["mirror", "bytes"], message);
    }
    let usual = Percent::new(1.0).unwrap_or(Percent::ZERO);
    let usual = if raw.ask_primary_twice < usual {
        raw.ask_primary_twice
    } else {
        usual
    };
    let ask_candidate_twice = raw.ask_candidate_twice.unwrap_or(usual);
    if ask_candidate_twice > raw.ask_primary_twice {
        let message = "more than ask_primary_twice: the candidate is asked again only where the primary is; lower it";
        at.wrong(&["mirror", "ask_candidate_twice"], message);
    }
    Mirror {
        enabled: raw.enabled,
        share: raw.share,
        reverse_share: raw.reverse_share,
        ask_primary_twice: raw.ask_primary_twice,
        ask_candidate_twice,
        rate: raw.rate,
        slots: at.at_least_one(&["mirror", "slots"], raw.slots),
        bytes: raw.bytes.bytes(),
        request_bytes: raw.request_bytes.bytes(),
        answer_bytes: raw.answer_bytes.bytes(),
        queue_items: at.at_least_one(&["mirror", "queue_items"], raw.queue_items),
        deadline: at.some_time(&["mirror", "deadline"], raw.deadline),
        hourly_usd: raw.hourly_usd,
        daily_usd: raw.daily_usd,
        attempt_usd: raw.attempt_usd,
    }
}

fn backplane(raw: &RawBackplane, at: &mut Findings<'_>) -> Backplane {
    match raw.kind {
        RawBackplaneKind::Local => {}
        RawBackplaneKind::Nats => {
            at.wrong(
                &["backplane", "kind"],
                "\"nats\" is not available yet: use \"local\"",
            );
        }
    }
    Backplane::Local
}
