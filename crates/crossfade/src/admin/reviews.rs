//! What people ask of findings, reviews and kept exchanges. Whoever may see what was asked and answered is named in the log
//! each time; the log holds no word of it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use crossfade_backplane::Filter;
use crossfade_exchange::{Caller as Asker, ReviewVerdict, RouteId, VerdictClass};
use crossfade_rollout::{Actor, ActorRole};
use http::StatusCode;
use serde::Deserialize;

use super::{
    extract::{Body, Caller, Named, Params},
    handlers::{LONGEST_REASON, limited, one_line, unknown_route},
    problem::Problem,
    router::AdminState,
    view::FindingsPage,
};
use crate::review::{
    DecidedPage, Decision, ExchangeList, ExchangePage, Forgotten, NotDone, Records, ReviewList,
    ReviewPage, RuleList, Wanted,
};

/// Characters of a note.
const LONGEST_NOTE: usize = 4_000;

type Shared = State<Arc<AdminState>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReviewsQuery {
    route: Option<String>,
    state: Option<StateName>,
    limit: Option<usize>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StateName {
    Open,
    Decided,
    Expired,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExchangesQuery {
    route: Option<String>,
    class: Option<VerdictClass>,
    signature: Option<String>,
    before: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionBody {
    verdict: ReviewVerdict,
    #[serde(default)]
    note: String,
    #[serde(default)]
    accept_signature: bool,
    reason: Option<String>,
}

/// Whom to forget. It comes in a body, so that no address and no log holds it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ForgetBody {
    user: Option<String>,
    credential: Option<String>,
}

pub(super) async fn findings(
    State(state): Shared,
    _: Caller,
    Named(route): Named,
) -> Result<Json<FindingsPage>, Problem> {
    let asked = route.clone();
    let found = at_desk(&state, move |records| Ok(FindingsPage::of(records, &asked))).await?;
    found.map(Json).ok_or_else(|| unknown_route(&route))
}

pub(super) async fn reviews(
    State(state): Shared,
    _: Caller,
    Params(query): Params<ReviewsQuery>,
) -> Result<Json<ReviewList>, Problem> {
    let limit = limited(query.limit)?;
    let route = known(&state, query.route.as_deref())?;
    let wanted = match query.state {
        None => Wanted::Any,
        Some(StateName::Open) => Wanted::Open,
        Some(StateName::Decided) => Wanted::Decided,
        Some(StateName::Expired) => Wanted::Expired,
    };
    let look = move |records: &Records| Ok(records.reviews(route.as_ref(), wanted, limit));
    let reviews = at_desk(&state, look).await?;
    Ok(Json(ReviewList { reviews }))
}

pub(super) async fn review(
    State(state): Shared,
    Caller(actor): Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<ReviewPage>, Problem> {
    needs(&actor, ActorRole::Operator)?;
    let id = number(path)?;
    let page = at_desk(&state, move |records| records.review(id)).await?;
    let exchange = page.exchange.is_some();
    tracing::info!(actor = %actor, review = id, exchange, "admin.review.read");
    Ok(Json(page))
}

pub(super) async fn decide(
    State(state): Shared,
    Caller(actor): Caller,
    path: Result<Path<String>, PathRejection>,
    Body(body): Body<DecisionBody>,
) -> Result<Json<DecidedPage>, Problem> {
    needs(&actor, ActorRole::Operator)?;
    let id = number(path)?;
    let note = one_line("note", body.note, LONGEST_NOTE)?;
    let reason = body
        .reason
        .map(|reason| one_line("reason", reason, LONGEST_REASON))
        .transpose()?
        .filter(|reason| !reason.trim().is_empty());
    let accept = match (body.accept_signature, reason) {
        (false, None) => None,
        (true, Some(reason)) => Some(reason),
        (true, None) => {
            return Err(Problem::malformed(
                "accept_signature without a reason",
                "say in `reason` why such differences do not matter: the rule keeps it",
            ));
        }
        (false, Some(_)) => {
            return Err(Problem::malformed(
                "a reason without accept_signature",
                "put what is to be said of this pair alone in `note`",
            ));
        }
    };
    let decision = Decision {
        verdict: body.verdict,
        note,
        by: actor.name.clone(),
        accept,
    };
    let page = at_desk(&state, move |records| records.decide(id, decision)).await?;
    let (verdict, rule) = (body.verdict.as_str(), page.rule.is_some());
    tracing::info!(actor = %actor, review = id, verdict, rule, "admin.review.decided");
    Ok(Json(page))
}

pub(super) async fn rules(
    State(state): Shared,
    _: Caller,
    Named(route): Named,
) -> Result<Json<RuleList>, Problem> {
    if !state.controller.knows(&route) {
        return Err(unknown_route(&route));
    }
    let rules = at_desk(&state, move |records| Ok(records.rules(&route))).await?;
    Ok(Json(RuleList { rules }))
}

pub(super) async fn withdraw(
    State(state): Shared,
    Caller(actor): Caller,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<RuleList>, Problem> {
    needs(&actor, ActorRole::Operator)?;
    let Path((route, signature)) = path.map_err(|_| unreadable())?;
    let route = RouteId::new(&route);
    if !state.controller.knows(&route) {
        return Err(unknown_route(&route));
    }
    let asked = signature.clone();
    let of = route.clone();
    let left = at_desk(&state, move |records| {
        let withdrawn = records.withdraw(&of, &asked)?;
        Ok(withdrawn.then(|| records.rules(&of)))
    })
    .await?;
    let rules = left.ok_or_else(|| {
        Problem::not_found(
            format!("no difference of that signature is accepted on {route}"),
            format!("use a signature from `crossfade rules {route}`"),
        )
    })?;
    tracing::info!(actor = %actor, route = %route, "admin.rule.withdrawn");
    Ok(Json(RuleList { rules }))
}

pub(super) async fn exchanges(
    State(state): Shared,
    Caller(actor): Caller,
    Params(query): Params<ExchangesQuery>,
) -> Result<Json<ExchangeList>, Problem> {
    needs(&actor, ActorRole::Operator)?;
    let limit = limited(query.limit)?;
    let filter = Filter {
        route: known(&state, query.route.as_deref())?,
        class: query.class,
        signature: query.signature,
        before: query.before,
        ..Filter::default()
    };
    let look = move |records: &Records| Ok(records.exchanges(&filter, limit));
    let exchanges = at_desk(&state, look).await?.ok_or_else(no_evidence)?;
    Ok(Json(ExchangeList { exchanges }))
}

pub(super) async fn exchange(
    State(state): Shared,
    Caller(actor): Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<ExchangePage>, Problem> {
    needs(&actor, ActorRole::Operator)?;
    let Path(id) = path.map_err(|_| unreadable())?;
    let asked = id.clone();
    let page = at_desk(&state, move |records| records.exchange(&asked)).await?;
    let page = page.ok_or_else(|| {
        Problem::not_found(
            "that exchange is not kept",
            "use an id from `crossfade exchanges`; bodies go with their age and their caller's deletion",
        )
    })?;
    tracing::info!(actor = %actor, exchange = %page.line.id, "admin.exchange.read");
    Ok(Json(page))
}

pub(super) async fn forget(
    State(state): Shared,
    Caller(actor): Caller,
    Body(body): Body<ForgetBody>,
) -> Result<Json<Forgotten>, Problem> {
    needs(&actor, ActorRole::Owner)?;
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let asker = match (some(body.user), some(body.credential)) {
        (Some(user), None) => Asker {
            credential: None,
            user: Some(state.key.caller_of_user(&user)),
        },
        (None, Some(credential)) => Asker {
            credential: Some(state.key.caller_of_credential(&credential)),
            user: None,
        },
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::malformed(
                "the body names no caller, or two",
                "send either `user` or `credential`",
            ));
        }
    };
    let exchanges = state.records.forget(asker).await.map_err(problem)?;
    let forgotten = Forgotten { exchanges };
    tracing::info!(actor = %actor, exchanges = forgotten.exchanges, "admin.caller.forgotten");
    Ok(Json(forgotten))
}

/// Runs what may wait for the disk, or counts for long, on the blocking pool.
pub(super) async fn at_desk<T: Send + 'static>(
    state: &AdminState,
    work: impl FnOnce(&Records) -> Result<T, NotDone> + Send + 'static,
) -> Result<T, Problem> {
    let records = state.records.clone();
    let done = tokio::task::spawn_blocking(move || work(&records)).await;
    done.map_err(|_| problem(NotDone::Stopping))?
        .map_err(problem)
}

fn needs(actor: &Actor, role: ActorRole) -> Result<(), Problem> {
    if actor.role.covers(role) {
        Ok(())
    } else {
        Err(Problem::forbidden(
            format!("role {} may not do this", actor.role),
            format!("use a token of role {role}"),
        ))
    }
}

fn known(state: &AdminState, route: Option<&str>) -> Result<Option<RouteId>, Problem> {
    let route = route.map(RouteId::new);
    match route {
        Some(unknown) if !state.controller.knows(&unknown) => Err(unknown_route(&unknown)),
        route => Ok(route),
    }
}

fn number(path: Result<Path<String>, PathRejection>) -> Result<u64, Problem> {
    let Path(id) = path.map_err(|_| unreadable())?;
    id.parse().map_err(|_| {
        Problem::not_found(
            "a review is named by a number",
            "use an id from `crossfade reviews`",
        )
    })
}

fn unreadable() -> Problem {
    Problem::malformed("the name is not UTF-8", "percent-encode it as UTF-8")
}

fn no_evidence() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "evidence_off",
        "no exchange is kept, because evidence has no key",
        "set [evidence] key_env or key_file and restart",
    )
}

fn problem(error: NotDone) -> Problem {
    let text = error.to_string();
    match error {
        NotDone::Unknown(_) => Problem::not_found(text, "use an id from `crossfade reviews`"),
        NotDone::Decided { .. } => Problem::new(
            StatusCode::CONFLICT,
            "decided",
            text,
            "the first decision stands; talk to whoever made it",
        ),
        NotDone::Expired(_) => Problem::new(
            StatusCode::CONFLICT,
            "expired",
            text,
            "decide one that is open: see `crossfade reviews`",
        ),
        NotDone::NoSignature(_) => Problem::new(
            StatusCode::CONFLICT,
            "no_signature",
            text,
            "decide this pair alone, without accepting its differences",
        ),
        NotDone::TooManyRules => Problem::new(
            StatusCode::CONFLICT,
            "too_many_rules",
            text,
            "withdraw rules that are of no use any more: see `crossfade rules ROUTE`",
        ),
        NotDone::Evidence(error) => {
            tracing::error!(%error, "admin.evidence.failed");
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "not_recorded",
                text,
                "mend the data directory and ask again",
            )
        }
        NotDone::Stopping => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            text,
            "ask again when it runs",
        ),
    }
}
