//! The operators' verbs beside the share itself: `advance`, `hold`, `resume`, `signoff`, a golden set's result.

use crossfade_exchange::RouteId;
use crossfade_rollout::{Closing, Command, ReplayResult, Stage};

use super::{Ask, Changed, ControlError, Controller, lock};

impl Controller {
    /// Leaves the stage, or the step of the ramp, for the next, if all that the plan asks for is there; only if the route is at
    /// revision `if_match`, where one is given. Refused with the first thing that is missing.
    pub async fn advance(
        &self,
        route: &RouteId,
        if_match: Option<u64>,
        ask: Ask,
    ) -> Result<Changed, ControlError> {
        let closing = self.closing(route).await?;
        self.toward_candidate(route, Command::Advance, ask, if_match, closing)
            .await
    }

    /// Lets nothing advance until it is resumed. The share stays as it is.
    pub async fn hold(&self, route: &RouteId, ask: Ask) -> Result<Changed, ControlError> {
        let control = self.route(route)?;
        let context = self.shared.context(&ask, None);
        drop(lock(&control.rollout).propose(&Command::Hold, &ask.actor, &context)?);
        lock(&control.holding).push_back(ask.clone());
        self.toward_primary(route, Command::Hold, ask, None, None)
            .await
    }

    /// Re-arms a route after a roll-back, or lifts a hold; only if it is at revision `if_match`, where one is given.
    pub async fn resume(
        &self,
        route: &RouteId,
        if_match: Option<u64>,
        ask: Ask,
    ) -> Result<Changed, ControlError> {
        self.plain(route, Command::Resume, ask, if_match).await
    }

    /// Records that the owner has seen the report with this hash and agrees that the stage may be left. The report must be one that
    /// [`Controller::report_made`] knows.
    pub async fn signoff(
        &self,
        route: &RouteId,
        report: &str,
        ask: Ask,
    ) -> Result<Changed, ControlError> {
        let report = report.to_owned();
        self.plain(route, Command::Signoff { report }, ask, None)
            .await
    }

    /// Records what came of running a golden set against the candidate.
    pub async fn replayed(
        &self,
        route: &RouteId,
        result: ReplayResult,
        ask: Ask,
    ) -> Result<Changed, ControlError> {
        self.plain(route, Command::Replayed(result), ask, None)
            .await
    }

    /// A change that is durable before it is in effect and needs nothing special.
    pub(super) async fn plain(
        &self,
        route: &RouteId,
        command: Command,
        ask: Ask,
        if_match: Option<u64>,
    ) -> Result<Changed, ControlError> {
        self.route(route)?;
        self.toward_candidate(route, command, ask, if_match, Closing::default())
            .await
    }

    /// What only the last stage asks for. The ledger is read outside the disk's turn, because that takes its time.
    async fn closing(&self, route: &RouteId) -> Result<Closing, ControlError> {
        if lock(&self.route(route)?.rollout).stage() != Stage::Window {
            return Ok(Closing::default());
        }
        let sources = self.shared.sources();
        let open_reviews = (sources.open_reviews)(route);
        let (path, of) = (self.shared.path.clone(), route.clone());
        let verified = tokio::task::spawn_blocking(move || (sources.verify)(&path, &of)).await;
        let verified = verified.unwrap_or_else(|_| Err("verifying it panicked".to_owned()));
        Ok(Closing {
            open_reviews,
            ledger_problem: verified.err(),
        })
    }
}
