//! `status`: every route in a line, one on a screen, or everything that is known of it. Only shows; every number is the server's.

mod accounting;
mod evidence;
mod glance;
mod money;
mod overview;
mod route;
mod screen;
mod words;

use std::{
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    control::{LedgerState, RouteView},
    review::FoundLine,
    text::plain,
};

use super::{
    admin::{Admin, Ask},
    args::{Output, StatusArgs},
    failure::Failure,
    print,
};

use accounting::Accounting;
pub(super) use words::ago;
pub(crate) use words::count;

/// What is said while the local kill switch is on.
const KILLED: &str = "THE KILL SWITCH IS ON: only the primary answers and nothing is mirrored, whatever stands below\n  \
    SIGUSR2 to the process, and no file kill-switch in its data directory, end it\n";

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A line a route.
    Lines,
    /// One route, on one screen.
    Screen,
    /// Everything that is known.
    Details,
}

/// What the admin API says about the process, as far as it is shown.
#[derive(Debug, Deserialize)]
struct Status {
    #[serde(default)]
    version: String,
    mirror_enabled: bool,
    #[serde(default)]
    kill_switch: bool,
    ledger: LedgerState,
    routes: Vec<Route>,
    #[serde(default)]
    unrouted: Option<Accounting>,
}

#[derive(Debug, Deserialize)]
struct Route {
    #[serde(flatten)]
    view: RouteView,
    #[serde(default)]
    accounting: Option<Accounting>,
    #[serde(default)]
    identity_holds: Option<bool>,
    #[serde(default)]
    coverage: Option<f64>,
    #[serde(default)]
    money: Option<money::Money>,
    #[serde(default)]
    found: Option<FoundLine>,
}

/// `status`
pub(super) fn run(args: &StatusArgs) -> Result<(), Failure> {
    let mut answer = Admin::new(&args.admin)?.ask(Ask::get("/api/v1/status".to_owned()))?;
    if let Some(route) = &args.route {
        keep_route(&mut answer, route)?;
    }
    match args.admin.output {
        Output::Json => print::json(&answer),
        Output::Text => {
            let status = Status::deserialize(&answer).map_err(|error| foreign(&error))?;
            let form = match (args.details, &args.route) {
                (true, _) => Form::Details,
                (false, Some(_)) => Form::Screen,
                (false, None) => Form::Lines,
            };
            print::data(&text(&status, form, now_ms()));
        }
    }
    Ok(())
}

/// What a change led to, in one line.
pub(super) fn one_line(answer: &Value, route: &str) -> String {
    let routes = answer.get("routes").cloned().unwrap_or_default();
    let routes: Vec<Route> = serde_json::from_value(routes).unwrap_or_default();
    match routes
        .iter()
        .find(|shown| shown.view.rollout.route.as_str() == route)
    {
        Some(shown) => route::headline(shown),
        None => format!("{route}: done"),
    }
}

/// What a newer or older server says may not fit this program.
pub(super) fn foreign(error: &serde_json::Error) -> Failure {
    let what = format!("the admin API's answer is not understood: {error}");
    Failure::new(
        what,
        "use the program of the server's version, or --output json",
    )
}

pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn keep_route(answer: &mut Value, route: &str) -> Result<(), Failure> {
    let name = |shown: &Value| {
        shown
            .pointer("/rollout/route")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let Some(routes) = answer.get_mut("routes").and_then(Value::as_array_mut) else {
        return Ok(());
    };
    let known: Vec<String> = routes.iter().map(name).collect();
    routes.retain(|shown| name(shown) == route);
    if routes.is_empty() {
        let what = format!("there is no route {route:?}");
        let remedy = match known.as_slice() {
            [] => "configure one under [routes]".to_owned(),
            known => format!("use a name from `crossfade status`: {}", known.join(", ")),
        };
        return Err(Failure::new(what, remedy));
    }
    Ok(())
}

fn text(status: &Status, form: Form, now_ms: u64) -> String {
    let mut out = String::new();
    match form {
        Form::Lines => overview::show(&mut out, status, now_ms),
        Form::Screen => {
            for route in &status.routes {
                out.push_str(&glance::shown(status, route, now_ms));
            }
        }
        Form::Details => everything(&mut out, status, now_ms),
    }
    out
}

fn everything(out: &mut String, status: &Status, now_ms: u64) {
    process(out, status);
    for route in &status.routes {
        out.push('\n');
        route::show(out, route, now_ms);
    }
    if let Some(unrouted) = status.unrouted.as_ref().filter(|counts| counts.seen > 0) {
        out.push_str("\nwithout a route\n");
        accounting::everything(out, unrouted);
    }
}

/// What holds for every route.
fn process(out: &mut String, status: &Status) {
    let ledger = &status.ledger;
    let mirroring = if status.mirror_enabled { "on" } else { "OFF" };
    let _ = write!(
        out,
        "crossfade {}   mirroring {mirroring}   ledger {} entries",
        plain(&status.version),
        count(ledger.entries)
    );
    if ledger.writable {
        out.push('\n');
    } else {
        let why = ledger.problem.as_deref().unwrap_or("cannot be written");
        let _ = writeln!(
            out,
            ", NOT WRITABLE: {}; nothing can be raised, and leases run out",
            plain(why)
        );
    }
    if status.kill_switch {
        out.push_str(KILLED);
    }
    if ledger.unrecorded > 0 {
        let _ = match ledger.unrecorded {
            1 => writeln!(
                out,
                "1 change toward the primary is in effect and waits for the ledger"
            ),
            many => writeln!(
                out,
                "{many} changes toward the primary are in effect and wait for the ledger"
            ),
        };
    }
    for orphan in &ledger.orphans {
        let _ = writeln!(
            out,
            "{} had {} % and is not configured any more: this start has set it to 0 %, where it begins if it comes back",
            plain(orphan.route.as_str()),
            orphan.percent
        );
    }
}

#[cfg(test)]
mod tests;
