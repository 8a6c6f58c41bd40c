//! A client of the admin API, and the verbs that change something. What an answer means is the server's to say.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    config::{Endpoint, Secret, environment},
    text::plain,
};

use super::{
    args::{AdminArgs, MirrorArgs, Output, SplitArgs, Switch},
    failure::Failure,
    print,
    process::on_this_thread,
};

/// The whole exchange may take this long: a change waits for a disk, and for nothing else.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest answer that is read.
const MOST_ANSWER: usize = 64 << 20;
/// Where the token comes from.
const TOKEN: &str = "CROSSFADE_ADMIN_TOKEN";

/// Where the admin API is, and with whose right it is asked.
#[derive(Debug)]
pub(super) struct Admin {
    endpoint: Endpoint,
    token: Option<Secret>,
}

/// What the admin API says when it refuses.
#[derive(Debug, Deserialize)]
struct Problem {
    #[serde(default)]
    detail: String,
    #[serde(default)]
    remedy: String,
    #[serde(default)]
    missing: Vec<String>,
}

/// A question or a change.
#[derive(Debug)]
pub(super) struct Ask {
    method: Method,
    path: String,
    body: Option<Value>,
    if_match: Option<u64>,
}

// === impl Ask ===

impl Ask {
    /// Reads something.
    pub(super) fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            body: None,
            if_match: None,
        }
    }

    /// Changes something.
    pub(super) fn change(method: Method, path: String, body: Value) -> Self {
        Self {
            method,
            path,
            body: Some(body),
            if_match: None,
        }
    }

    /// Only if the route is at this revision, where one is given.
    pub(super) const fn at_revision(mut self, revision: Option<u64>) -> Self {
        self.if_match = revision;
        self
    }
}

// === impl Admin ===

impl Admin {
    /// From what was typed and the environment.
    pub(super) fn new(args: &AdminArgs) -> Result<Self, Failure> {
        let endpoint: Endpoint = args
            .admin
            .parse()
            .map_err(|error: String| Failure::usage(error, "--admin http://127.0.0.1:9901"))?;
        let token = environment(TOKEN)
            .filter(|token| !token.is_empty())
            .map(Secret::new);
        if token.is_some() && !endpoint.is_https() && !endpoint.is_loopback() {
            print::note(
                "warning: the admin token travels unencrypted: use https, or a tunnel to this machine",
            );
        }
        Ok(Self { endpoint, token })
    }

    /// Asks, and gives back what was answered.
    pub(super) fn ask(&self, ask: Ask) -> Result<Value, Failure> {
        on_this_thread(async {
            tokio::time::timeout(PATIENCE, self.exchange(ask))
                .await
                .unwrap_or_else(|_| {
                    let waited = PATIENCE.as_secs();
                    let what = format!("{} did not answer within {waited} s", self.endpoint);
                    Err(Failure::new(what, "look at the server's logs"))
                })
        })
    }

    async fn exchange(&self, ask: Ask) -> Result<Value, Failure> {
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(|error| {
                Failure::plain(format!("no trusted authorities on this system: {error}"))
            })?
            .https_or_http()
            .enable_http1()
            .build();
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
        let response = client.request(self.request(ask)?).await.map_err(|error| {
            let what = format!("cannot reach {}: {}", self.endpoint, root_cause(&error));
            Failure::new(
                what,
                "start `crossfade serve`, or name its admin listener with --admin URL",
            )
        })?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MOST_ANSWER)
            .collect()
            .await
            .map_err(|error| {
                Failure::plain(format!(
                    "the answer of {} broke off: {error}",
                    self.endpoint
                ))
            })?
            .to_bytes();
        if status.is_success() {
            serde_json::from_slice(&body).map_err(|_| self.stranger("its answer is no JSON"))
        } else {
            Err(self.refusal(status, &body))
        }
    }

    fn request(&self, ask: Ask) -> Result<Request<Full<Bytes>>, Failure> {
        let prefix = self.endpoint.to_string();
        let uri: Uri = format!("{prefix}{}", ask.path).parse().map_err(|_| {
            Failure::usage(
                "the address makes no URL",
                "check --admin and the names given",
            )
        })?;
        let mut request = Request::builder()
            .method(ask.method)
            .uri(uri)
            .header(header::ACCEPT, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        if let Some(revision) = ask.if_match {
            request = request.header(header::IF_MATCH, format!("\"{revision}\""));
        }
        let body = match ask.body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Full::new(Bytes::from(body.to_string()))
            }
            None => Full::default(),
        };
        request.body(body).map_err(|_| {
            Failure::usage(
                "the token cannot be sent in a header",
                format!("check {TOKEN} for stray characters"),
            )
        })
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> Failure {
        // Any JSON object reads as a problem: one that says nothing is a stranger's.
        let problem = serde_json::from_slice::<Problem>(body).ok();
        let Some(problem) = problem.filter(|problem| !problem.detail.is_empty()) else {
            return self.stranger(&format!("it answered {status}"));
        };
        if status == StatusCode::UNAUTHORIZED && self.token.is_none() {
            let what = "the admin API needs a token";
            return Failure::new(
                what,
                format!("set {TOKEN} to one of the tokens under [[admin.tokens]]"),
            );
        }
        if !problem.missing.is_empty() {
            let missing: Vec<String> = problem.missing.iter().map(|line| plain(line)).collect();
            return Failure::new(
                missing.join("\n"),
                "`crossfade status ROUTE` shows how far each of these has come; then advance again",
            );
        }
        if problem.remedy.is_empty() {
            Failure::plain(problem.detail)
        } else {
            Failure::new(problem.detail, problem.remedy)
        }
    }

    fn stranger(&self, what: &str) -> Failure {
        let what = format!(
            "{} is not a Crossfade admin listener: {what}",
            self.endpoint
        );
        Failure::new(
            what,
            "name the [admin] address of the configuration with --admin URL",
        )
    }
}

/// The innermost cause: what a person can act on.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// A name as one segment of a path or one value of a query.
pub(super) fn escape(name: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

// === the verbs ===

/// `split`
pub(super) fn split(args: &SplitArgs) -> Result<(), Failure> {
    let body = json!({
        "candidate_percent": args.percent.percent(),
        "reason": args.reason,
        "override": args.beyond_plan,
    });
    let ask = Ask::change(Method::PUT, route_path(&args.route, "split"), body);
    change(&args.admin, &args.route, ask.at_revision(args.if_match))
}

/// `mirror`
pub(super) fn mirror(args: &MirrorArgs) -> Result<(), Failure> {
    let enabled = match args.switch {
        Switch::On => true,
        Switch::Off => false,
    };
    let body = json!({ "enabled": enabled, "reason": args.reason });
    let ask = Ask::change(Method::PUT, "/api/v1/mirror".to_owned(), body);
    let what = if enabled {
        "mirroring is on"
    } else {
        "mirroring is off"
    };
    let answer = Admin::new(&args.admin)?.ask(ask)?;
    print_change(args.admin.output, what, &answer);
    Ok(())
}

/// Where a verb of a route is.
pub(super) fn route_path(route: &str, verb: &str) -> String {
    format!("/api/v1/routes/{}/{verb}", escape(route))
}

/// Asks for a change of a route, and shows what it led to.
pub(super) fn change(args: &AdminArgs, route: &str, ask: Ask) -> Result<(), Failure> {
    let answer = Admin::new(args)?.ask(ask)?;
    let what = super::status::one_line(&answer, route);
    print_change(args.output, &what, &answer);
    Ok(())
}

fn print_change(output: Output, what: &str, answer: &Value) {
    match output {
        Output::Json => print::json(answer),
        Output::Text => print::data(what),
    }
    if let Some(warning) = warning(answer) {
        print::note(warning);
    }
}

/// What is to be known of a change beside that it is in effect.
fn warning(answer: &Value) -> Option<&'static str> {
    let is = |name: &str| answer.get(name).and_then(Value::as_bool);
    if is("unchanged") == Some(true) {
        return Some("note: it was so already: nothing changed, and nothing was recorded");
    }
    if is("recorded") != Some(false) {
        return None;
    }
    Some(if is("survives_restart") == Some(true) {
        "warning: in effect, and not in the ledger: it is kept in the data directory (rolled-back.json) and goes to the ledger when \
         that can be written, at the latest by a start with a ledger that can be read; `crossfade status` says what is wrong"
    } else {
        "warning: in effect, and not on disk yet: a restart would undo it, so do not restart before `crossfade status` says that \
         nothing waits and the ledger is writable; mend the data directory"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_something_whoever_refuses() {
        let admin = Admin::new(&AdminArgs {
            admin: "http://127.0.0.1:8080".to_owned(),
            output: Output::Text,
        })
        .unwrap();
        let check = |body: &str, part: &str| {
            let failure = admin.refusal(StatusCode::NOT_FOUND, body.as_bytes());
            assert!(failure.to_string().contains(part), "{body}: {failure}");
        };
        // The proxy's own listener, or Azure behind it.
        let stranger = "127.0.0.1:8080 is not a Crossfade admin listener: it answered 404";
        check(r#"{"error":{"code":"404","message":"no"}}"#, stranger);
        check("{}", stranger);
        check("<html>", stranger);
        check(
            r#"{"detail":"no route","remedy":"name one"}"#,
            "no route\n  try: name one",
        );
        check(
            r#"{"detail":"not yet","missing":["a","b"]}"#,
            "error: a\nerror: b",
        );
    }

    #[test]
    fn a_change_that_is_not_recorded_says_what_holds() {
        let check = |answer: Value, part: Option<&str>| {
            let said = warning(&answer);
            assert_eq!(said.is_some(), part.is_some(), "{answer}");
            assert!(
                said.unwrap_or_default().contains(part.unwrap_or_default()),
                "{said:?}"
            );
        };
        check(json!({}), None);
        check(
            json!({"recorded": true, "survives_restart": true, "unchanged": false}),
            None,
        );
        check(
            json!({"recorded": true, "unchanged": true}),
            Some("it was so already"),
        );
        check(
            json!({"recorded": false, "survives_restart": true}),
            Some("rolled-back.json"),
        );
        check(
            json!({"recorded": false, "survives_restart": false}),
            Some("do not restart"),
        );
    }
}
