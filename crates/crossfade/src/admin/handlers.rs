//! One handler a path.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use crossfade_exchange::{Percent, RouteId};
use crossfade_rollout::{Actor, Refusal, RefusalKind};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde::Deserialize;

use super::{
    extract::{Body, Caller, IfMatch, Named, Params},
    problem::Problem,
    reviews::at_desk,
    router::AdminState,
    view::{Changes, LedgerPage, RouteReport, RouteReports, StatusReport},
};
use crate::{
    control::{self, Changed, ControlError, RouteView, SplitAsk},
    review::Records,
    text::is_control,
};

/// Entries on a page of the ledger, unless asked otherwise.
const PAGE: usize = 100;
/// Characters of a reason; the ledger takes no more.
pub(super) const LONGEST_REASON: usize = 1_000;
/// The most entries on a page.
const LONGEST_PAGE: usize = 1_000;

type Shared = State<Arc<AdminState>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SplitBody {
    candidate_percent: f64,
    reason: String,
    #[serde(default, rename = "override")]
    override_: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonBody {
    pub(super) reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MirrorBody {
    enabled: bool,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LedgerQuery {
    route: Option<String>,
    limit: Option<usize>,
    after: Option<u64>,
}

pub(super) async fn health() -> &'static str {
    "ok\n"
}

pub(super) async fn ready(State(state): Shared) -> Response {
    readiness((state.ready)())
}

/// What a load balancer is told.
pub(super) fn readiness(ready: Result<(), String>) -> Response {
    match ready {
        Ok(()) => "ready\n".into_response(),
        Err(why) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_ready",
            why,
            "wait; if it stays so, look at the log of the proxy",
        )
        .into_response(),
    }
}

pub(super) async fn metrics(State(state): Shared, headers: HeaderMap) -> Result<Response, Problem> {
    if state.metrics_auth {
        state.tokens.identify(&headers)?;
    }
    (state.before_scrape)();
    state.controller.export_metrics();
    let text = state.telemetry.render(&state.metrics);
    Ok((
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
        .into_response())
}

pub(super) async fn openapi() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json")],
        include_str!("openapi.json"),
    )
}

/// Whose token this is, and what it may do.
pub(super) async fn me(Caller(actor): Caller) -> Json<Actor> {
    Json(actor)
}

pub(super) async fn status(State(state): Shared, _: Caller) -> Result<Json<StatusReport>, Problem> {
    let accounting = (state.accounting)();
    let unrouted = accounting
        .iter()
        .find(|counts| counts.route.as_str() == RouteId::UNROUTED);
    Ok(Json(StatusReport {
        version: env!("CARGO_PKG_VERSION"),
        mirror_enabled: state.controller.mirror_enabled(),
        kill_switch: (state.killed)(),
        ledger: state.controller.ledger_state(),
        unrouted: unrouted.cloned(),
        routes: with_findings(&state, every_route(&state)).await?,
    }))
}

pub(super) async fn routes(State(state): Shared, _: Caller) -> Result<Json<RouteReports>, Problem> {
    Ok(Json(RouteReports {
        routes: with_findings(&state, every_route(&state)).await?,
    }))
}

pub(super) async fn route(
    State(state): Shared,
    _: Caller,
    Named(route): Named,
) -> Result<Response, Problem> {
    let report = one_route(&state, &route).ok_or_else(|| unknown_route(&route))?;
    let tag = format!("\"{}\"", report.view.rollout.revision);
    let report = at_desk(&state, move |records| Ok(report.with_findings(records))).await?;
    Ok(([(header::ETAG, tag)], Json(report)).into_response())
}

pub(super) async fn set_split(
    State(state): Shared,
    Caller(actor): Caller,
    Named(route): Named,
    if_match: IfMatch,
    Body(body): Body<SplitBody>,
) -> Result<Json<Changes>, Problem> {
    let to = Percent::new(body.candidate_percent).map_err(|error| {
        Problem::malformed(
            format!("candidate_percent is {}", error.0),
            "use a number from 0 to 100",
        )
    })?;
    let split = SplitAsk {
        to,
        override_: body.override_,
        if_match: if_match.revision(),
    };
    let ask = ask(actor, body.reason)?;
    let changed = state
        .controller
        .split(&route, split, ask)
        .await
        .map_err(|error| conditional(if_match, error))?;
    Ok(changes(&state, changed, Some(&route)))
}

pub(super) async fn rollback(
    State(state): Shared,
    Caller(actor): Caller,
    Named(route): Named,
    Body(body): Body<ReasonBody>,
) -> Result<Json<Changes>, Problem> {
    let ask = ask(actor, body.reason)?;
    let changed = state
        .controller
        .rollback(&route, ask)
        .await
        .map_err(problem)?;
    Ok(changes(&state, changed, Some(&route)))
}

pub(super) async fn resume(
    State(state): Shared,
    Caller(actor): Caller,
    Named(route): Named,
    if_match: IfMatch,
    Body(body): Body<ReasonBody>,
) -> Result<Json<Changes>, Problem> {
    let ask = ask(actor, body.reason)?;
    let changed = state
        .controller
        .resume(&route, if_match.revision(), ask)
        .await
        .map_err(|error| conditional(if_match, error))?;
    Ok(changes(&state, changed, Some(&route)))
}

pub(super) async fn set_mirror(
    State(state): Shared,
    Caller(actor): Caller,
    Body(body): Body<MirrorBody>,
) -> Result<Json<Changes>, Problem> {
    let ask = ask(actor, body.reason)?;
    let changed = state
        .controller
        .switch_mirror(body.enabled, ask)
        .await
        .map_err(problem)?;
    Ok(changes(&state, changed, None))
}

pub(super) async fn ledger(
    State(state): Shared,
    _: Caller,
    Params(query): Params<LedgerQuery>,
) -> Result<Json<LedgerPage>, Problem> {
    let limit = limited(query.limit)?;
    let route = query.route.as_deref().map(RouteId::new);
    if let Some(unknown) = route
        .as_ref()
        .filter(|route| !state.controller.knows(route))
    {
        return Err(unknown_route(unknown));
    }
    let entries = state.controller.entries(route.as_ref(), limit, query.after);
    Ok(Json(LedgerPage {
        entries,
        head: state.controller.ledger_state().head,
    }))
}

pub(super) async fn missing(uri: Uri) -> Problem {
    let detail = format!("there is nothing at {}", uri.path());
    Problem::not_found(detail, "see /api/v1/openapi.json for the paths")
}

pub(super) async fn not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("{} does not take {method}", uri.path()),
        "see /api/v1/openapi.json for the methods",
    )
}

fn every_route(state: &AdminState) -> Vec<RouteReport> {
    reports(state, state.controller.route_views().into_iter())
}

/// One route, without its findings; `None` if it is not configured.
pub(super) fn one_route(state: &AdminState, route: &RouteId) -> Option<RouteReport> {
    reports(state, state.controller.route_view(route).into_iter()).pop()
}

/// Everything about routes but their findings, which wait for the statistics.
fn reports(state: &AdminState, views: impl Iterator<Item = RouteView>) -> Vec<RouteReport> {
    let accounting = (state.accounting)();
    views
        .map(|view| {
            let money = (state.money)(&view.rollout.route);
            RouteReport::new(view, &accounting).with_money(money)
        })
        .collect()
}

async fn with_findings(
    state: &AdminState,
    reports: Vec<RouteReport>,
) -> Result<Vec<RouteReport>, Problem> {
    let look = move |records: &Records| {
        let reports = reports.into_iter();
        Ok(reports
            .map(|report| report.with_findings(records))
            .collect())
    };
    at_desk(state, look).await
}

pub(super) fn changes(
    state: &AdminState,
    changed: Changed,
    route: Option<&RouteId>,
) -> Json<Changes> {
    let routes = match route {
        Some(route) => one_route(state, route).into_iter().collect(),
        None => every_route(state),
    };
    Json(Changes {
        recorded: changed.is_recorded(),
        survives_restart: changed.survives_restart(),
        unchanged: changed == Changed::Unchanged,
        routes,
    })
}

/// How much is listed.
pub(super) fn limited(limit: Option<usize>) -> Result<usize, Problem> {
    let limit = limit.unwrap_or(PAGE);
    if (1..=LONGEST_PAGE).contains(&limit) {
        Ok(limit)
    } else {
        let remedy =
            format!("use a number from 1 to {LONGEST_PAGE}, and ask again for what follows");
        Err(Problem::malformed(format!("limit is {limit}"), remedy))
    }
}

pub(super) fn unknown_route(route: &RouteId) -> Problem {
    problem(ControlError::UnknownRoute(route.to_string()))
}

/// What is printed on terminals and kept for good is plain text in one line.
pub(super) fn one_line(name: &str, text: String, longest: usize) -> Result<String, Problem> {
    if text.chars().any(is_control) {
        return Err(Problem::malformed(
            format!("{name} has control characters"),
            "write it as plain text in one line",
        ));
    }
    if text.chars().count() > longest {
        return Err(Problem::malformed(
            format!("{name} has more than {longest} characters"),
            "say it in fewer",
        ));
    }
    Ok(text)
}

/// Who asks and why.
pub(super) fn ask(actor: Actor, reason: String) -> Result<control::Ask, Problem> {
    let reason = one_line("reason", reason, LONGEST_REASON)?;
    Ok(control::Ask { actor, reason })
}

pub(super) fn conditional(if_match: IfMatch, error: ControlError) -> Problem {
    match error {
        ControlError::Refused(Refusal::Stale { .. }) if if_match == IfMatch::Malformed => {
            Problem::malformed(
                "If-Match is not a revision",
                "send the number that the route's ETag shows, or leave the header out",
            )
        }
        error => problem(error),
    }
}

pub(super) fn problem(error: ControlError) -> Problem {
    match error {
        ControlError::UnknownRoute(name) => Problem::not_found(
            format!("no route {name:?} is configured"),
            "use a name from `crossfade status` (GET /api/v1/routes)",
        ),
        ControlError::Refused(refusal) => {
            let (status, kind) = match refusal.kind() {
                RefusalKind::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
                RefusalKind::Malformed => (StatusCode::BAD_REQUEST, "malformed"),
                RefusalKind::Stale => (StatusCode::PRECONDITION_FAILED, "stale"),
                RefusalKind::Refused => (StatusCode::CONFLICT, "refused"),
            };
            // Every refusal reads "what is wrong: what to do".
            let text = refusal.to_string();
            let (detail, remedy) = text
                .rsplit_once(": ")
                .unwrap_or((&text, "look at the route's status"));
            Problem::new(status, kind, detail, remedy).with_code(refusal.code())
        }
        ControlError::NotRecorded(why) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_recorded",
            format!("the change cannot be recorded, so it was not made: {why}"),
            "mend the data directory and send it again; roll-backs work meanwhile",
        ),
        ControlError::Unanswered(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unanswered",
            error.to_string(),
            "look at GET /api/v1/ledger before sending it again; roll-backs work meanwhile",
        ),
    }
}
