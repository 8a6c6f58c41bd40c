//! The migration report over HTTP: gathers what it is made from, makes it, and tells the controller that it was made, so that
//! a sign-off can name it.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{Json, extract::State};

use super::{
    extract::{Caller, Named},
    handlers::{problem, unknown_route},
    problem::Problem,
    reviews::at_desk,
    router::AdminState,
};
use crate::{
    report::{Facts, MigrationReport},
    review::Records,
};

pub(super) async fn report(
    State(state): State<Arc<AdminState>>,
    _: Caller,
    Named(route): Named,
) -> Result<Json<MigrationReport>, Problem> {
    let controller = state.controller.clone();
    // Before anything is gathered: what changes from now on makes the report one of the past.
    let standing = controller.standing(&route).map_err(problem)?;
    let view = controller
        .route_view(&route)
        .ok_or_else(|| unknown_route(&route))?;
    let accounting = (state.accounting)();
    let setup = state.setups.get(&route).cloned().unwrap_or_default();
    let money = (state.money)(&route);
    let asked = route.clone();
    let make = move |records: &Records| {
        let findings = records.report(&asked);
        let rules = records.rules(&asked);
        let entries = controller.entries(Some(&asked), usize::MAX, None);
        let facts = Facts {
            view: &view,
            findings: findings.as_ref(),
            open_reviews: records.open_reviews(&asked) as u64,
            rules: &rules,
            accounting: accounting.iter().find(|counts| counts.route == asked),
            money: money.as_ref(),
            entries: &entries,
            ledger: &controller.ledger_state(),
            setup: &setup,
        };
        Ok(MigrationReport::make(&facts, now_unix_ms()))
    };
    let report = at_desk(&state, make).await?;
    state
        .controller
        .report_made(&route, &report.hash, standing)
        .await
        .map_err(problem)?;
    Ok(Json(report))
}

fn now_unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
