//! The verbs that move a route from stage to stage, and back. They ask; what is allowed, and what is missing, is the server's to
//! say.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crossfade_rollout::{Actor, ActorRole, DrillResult, ReplayResult};

use crate::{report::micros, text::plain};

use super::{
    admin::{Admin, Ask, change, escape, route_path},
    args::{AdminArgs, AdvanceArgs, Output, ReasonArgs, RollbackArgs, SignoffArgs},
    failure::Failure,
    print,
    status::foreign,
};

/// `advance`
pub(super) fn advance(args: &AdvanceArgs) -> Result<(), Failure> {
    let ask = post(&args.route, "advance", json!({ "reason": args.reason }));
    change(&args.admin, &args.route, ask.at_revision(args.if_match))
}

/// `hold`
pub(super) fn hold(args: &ReasonArgs) -> Result<(), Failure> {
    let ask = post(&args.route, "hold", json!({ "reason": args.reason }));
    change(&args.admin, &args.route, ask)
}

/// `resume`
pub(super) fn resume(args: &ReasonArgs) -> Result<(), Failure> {
    let ask = post(&args.route, "resume", json!({ "reason": args.reason }));
    change(&args.admin, &args.route, ask)
}

/// `signoff`
pub(super) fn signoff(args: &SignoffArgs) -> Result<(), Failure> {
    let body = json!({ "report": args.report, "reason": args.reason });
    change(&args.admin, &args.route, post(&args.route, "signoff", body))
}

/// `rollback`
pub(super) fn rollback(args: &RollbackArgs) -> Result<(), Failure> {
    let body = json!({ "reason": args.reason });
    if !args.drill {
        return change(
            &args.admin,
            &args.route,
            post(&args.route, "rollback", body),
        );
    }
    let answer = Admin::new(&args.admin)?.ask(post(&args.route, "drill", body))?;
    let drill = answer.get("drill").cloned().unwrap_or_default();
    let drill = DrillResult::deserialize(&drill).map_err(|error| foreign(&error))?;
    match args.admin.output {
        Output::Json => print::json(&answer),
        Output::Text => print::data(&drilled(&args.route, &drill)),
    }
    if drill.problems.is_empty() {
        return Ok(());
    }
    let problems: Vec<String> = drill.problems.iter().map(|text| plain(text)).collect();
    Err(Failure::new(
        problems.join("\n"),
        "mend this before traffic moves; nobody's answer has changed",
    ))
}

/// Whether a golden set's result could be told: the server answers, knows the route, and the token's role may tell it.
pub(super) fn may_tell(args: &AdminArgs, route: &str) -> Result<(), Failure> {
    let admin = Admin::new(args)?;
    let me = admin.ask(Ask::get("/api/v1/me".to_owned()))?;
    let me = Actor::deserialize(&me).map_err(|error| foreign(&error))?;
    if !me.role.covers(ActorRole::Operator) {
        return Err(Failure::new(
            format!(
                "the token of {} has role {}, which may not post a result",
                plain(&me.name),
                me.role
            ),
            "use a token of role operator or owner; nothing was run",
        ));
    }
    admin
        .ask(Ask::get(format!("/api/v1/routes/{}", escape(route))))
        .map(drop)
}

/// Tells the server what came of a golden set.
pub(super) fn replayed(
    args: &AdminArgs,
    route: &str,
    result: &ReplayResult,
    reason: &str,
) -> Result<(), Failure> {
    let body = json!({
        "dataset_sha256": result.dataset_sha256,
        "cases": result.cases,
        "passed": result.passed,
        "exit_code": result.exit_code,
        "reason": reason,
    });
    drop(Admin::new(args)?.ask(post(route, "replay", body))?);
    print::note(&format!("posted to route {}", plain(route)));
    Ok(())
}

fn post(route: &str, verb: &str, body: Value) -> Ask {
    Ask::change(Method::POST, route_path(route, verb), body)
}

fn drilled(route: &str, drill: &DrillResult) -> String {
    let (route, decided) = (plain(route), micros(drill.decided_after_micros));
    let tried =
        format!("{route}: the way back was tried: {decided} to the point where sides are decided");
    // With problems the entry may not be on disk at all.
    if drill.problems.is_empty() {
        let durable = micros(drill.durable_after_micros);
        format!("{tried}, {durable} until an entry was durable")
    } else {
        format!("{tried}; with problems")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_with_problems_does_not_say_that_its_entry_is_durable() {
        let check = |problems: &[&str], expected: &str| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            let drill = serde_json::json!({
                "decided_after_micros": 7, "durable_after_micros": 9, "problems": problems
            });
            let drill = DrillResult::deserialize(&drill).unwrap();
            let tried = "a: the way back was tried: 7 µs to the point where sides are decided";
            assert_eq!(drilled("a", &drill), format!("{tried}{expected}"));
        };
        check(&[], ", 9 µs until an entry was durable");
        check(&["the disk is full"], "; with problems");
    }
}
