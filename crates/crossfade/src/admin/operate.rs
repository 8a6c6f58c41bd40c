//! The operator's verbs that move a route from stage to stage: advance, hold, sign-off, a golden set's result, a drill. What
//! may be done is the rollout's to say.

use std::sync::Arc;

use axum::{Json, extract::State};
use crossfade_exchange::RouteId;
use crossfade_rollout::{DrillResult, ReplayResult};
use serde::{Deserialize, Serialize};

use super::{
    extract::{Body, Caller, IfMatch, Named},
    handlers::{ReasonBody, ask, changes, conditional, one_route, problem},
    problem::Problem,
    router::AdminState,
    view::{Changes, RouteReport},
};
use crate::control::ControlError;

/// Digits of a SHA-256.
const DIGITS: usize = 64;

type Shared = State<Arc<AdminState>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignoffBody {
    report: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayBody {
    dataset_sha256: String,
    cases: u64,
    passed: u64,
    exit_code: u8,
    reason: String,
}

/// What came of a drill.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Drilled {
    /// The times it took, and what would be in the way of a roll-back.
    drill: DrillResult,
    /// The route as it is now: nobody's answer has changed.
    routes: Vec<RouteReport>,
}

pub(super) async fn advance(
    State(state): Shared,
    Caller(actor): Caller,
    Named(route): Named,
    if_match: IfMatch,
    Body(body): Body<ReasonBody>,
) -> Result<Json<Changes>, Problem> {
    let ask = ask(actor, body.reason)?;
    let changed = state
        .controller
        .advance(&route, if_match.revision(), ask)
        .await
        .map_err(|error| refused(&state, &route, if_match, error))?;
    Ok(changes(&state, changed, Some(&route)))
}

pub(super) async fn hold(
    State(state): Shared,
    Caller(actor): Caller,
    Named(route): Named,
    Body(body): Body<ReasonBody>,
) -> Result<Json<Changes>, Problem> {
    let ask = ask(actor, body.reason)?;
    let changed = state.controller.hold(&route, ask).await.map_err(problem)?;
    Ok(changes(&state, changed, Some(&route)))
}

pub(super) async fn signoff(
    State(state): Shared,
    Caller(actor): Caller,
    Named(route): Named,
    Body(body): Body<SignoffBody>,
) -> Result<Json<Changes>, Problem> {
    let report = digest("report", body.report)?;
    let ask = ask(actor, body.reason)?;
    let changed = state
        .controller
        .signoff(&route, &report, ask)
        .await
        .map_err(problem)?;
    Ok(changes(&state, changed, Some(&route)))
}

pub(super) async fn replayed(
    State(state): Shared,
    Caller(actor): Caller,
    Named(route): Named,
    Body(body): Body<ReplayBody>,
) -> Result<Json<Changes>, Problem> {
    let ReplayBody {
        dataset_sha256,
        cases,
        passed,
        exit_code,
        reason,
    } = body;
    if cases == 0 || passed > cases {
        return Err(Problem::malformed(
            format!("{passed} of {cases} cases passed"),
            "send how many cases were run, at least 1, and how many of them passed",
        ));
    }
    let result = ReplayResult {
        dataset_sha256: digest("dataset_sha256", dataset_sha256)?,
        cases,
        passed,
        exit_code,
    };
    let ask = ask(actor, reason)?;
    let changed = state
        .controller
        .replayed(&route, result, ask)
        .await
        .map_err(problem)?;
    Ok(changes(&state, changed, Some(&route)))
}

pub(super) async fn drill(
    State(state): Shared,
    Caller(actor): Caller,
    Named(route): Named,
    Body(body): Body<ReasonBody>,
) -> Result<Json<Drilled>, Problem> {
    let ask = ask(actor, body.reason)?;
    let drill = state.controller.drill(&route, ask).await.map_err(problem)?;
    let routes = one_route(&state, &route).into_iter().collect();
    Ok(Json(Drilled { drill, routes }))
}

/// Why a route does not advance, with everything else that is in the way too.
fn refused(state: &AdminState, route: &RouteId, if_match: IfMatch, error: ControlError) -> Problem {
    let said = error.to_string();
    let problem = conditional(if_match, error);
    if problem.kind() != "refused" {
        return problem;
    }
    let view = state.controller.route_view(route);
    let waits = view.map(|view| match view.rollout.next {
        Some(next) => next.waits_for,
        None => view.rollout.missing,
    });
    let mut missing = waits.unwrap_or_default();
    // What it was refused for may be over by now, or be known only to whoever proposes.
    if !missing.contains(&said) {
        missing.insert(0, said);
    }
    problem.with_missing(missing)
}

/// A SHA-256 in lower-case hexadecimal.
fn digest(name: &str, text: String) -> Result<String, Problem> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() == DIGITS && text.bytes().all(hex) {
        Ok(text)
    } else {
        Err(Problem::malformed(
            format!("{name} is no SHA-256"),
            "send 64 hexadecimal digits in lower case",
        ))
    }
}
