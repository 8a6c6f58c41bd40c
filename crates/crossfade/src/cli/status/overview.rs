//! Every route, a line each, the one that needs somebody most at the top.

use std::fmt::Write as _;

use crossfade_rollout::RouteStatus;

use crate::text::plain;

use super::{
    Route, Status, ago,
    glance::{process, standing},
    route::frozen,
    screen::{Rank, Screen, WIDE},
    words::{clipped, shortened},
};

/// The columns of a name.
const NAME: usize = 20;
/// The columns of a stage with its share.
const STAGE: usize = 12;
/// The columns of what is said, beside the longest name that moves nothing to the right.
const TEXT: usize = WIDE - NAME - STAGE - 4;

/// How much a route needs somebody, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    /// It was sent back, or is being.
    RolledBack,
    /// Its shadow watch has found the candidate failing.
    Failing,
    /// Something is broken.
    Broken,
    /// It stands still by itself.
    Still,
    /// Somebody holds it.
    Held,
    /// It waits for a person alone.
    Ready,
    /// It waits for evidence, time or a person.
    Waits,
    /// It goes no further by its plan.
    Ends,
}

/// The routes' lines.
pub(super) fn show(out: &mut String, status: &Status, now_ms: u64) {
    let mut screen = Screen::default();
    process(&mut screen, status);
    for orphan in &status.ledger.orphans {
        let text = format!(
            "{} had {} % and is not configured any more: this start has set it to 0 %, where it begins if it comes back",
            plain(orphan.route.as_str()),
            orphan.percent
        );
        screen.text(Rank::Why, "gone", &text, 2);
    }
    out.push_str(&screen.all());
    let mut routes: Vec<(Need, String, &Route)> = status
        .routes
        .iter()
        .map(|route| {
            let (need, text) = said(route, now_ms);
            (need, text, route)
        })
        .collect();
    routes.sort_by_key(|(need, _, _)| *need);
    if routes.is_empty() {
        out.push_str("\nno route is configured: everything is passed through to the primary\n");
        return;
    }
    let name = |route: &Route| plain(route.view.rollout.route.as_str());
    let longest = status
        .routes
        .iter()
        .map(|route| name(route).chars().count());
    let names = longest.max().unwrap_or(0).min(NAME);
    out.push('\n');
    for (_, text, route) in routes {
        let rollout = &route.view.rollout;
        let stage = standing(rollout.stage, rollout.share);
        let line = format!("{:<names$}  {stage:<STAGE$}  {text}", name(route));
        // A long name moves what follows to the right, as far as there is room.
        let wide = WIDE + name(route).chars().count().saturating_sub(NAME).min(20);
        let _ = writeln!(out, "{}", clipped(&line, wide));
    }
    let seen = status.unrouted.as_ref().map_or(0, |counts| counts.seen);
    if seen > 0 {
        let _ = writeln!(
            out,
            "\n{} requests had no route and went to the primary",
            super::count(seen)
        );
    }
    out.push_str("\none route on one screen: crossfade status ROUTE\n");
}

/// What matters of it, in a few words.
fn said(route: &Route, now_ms: u64) -> (Need, String) {
    let (view, rollout) = (&route.view, &route.view.rollout);
    if let Some(back) = &rollout.rolled_back {
        let text = format!(
            "ROLLED BACK {} by {}: {}",
            ago(back.at_unix_ms, now_ms),
            plain(&back.actor.name),
            plain(&back.reason)
        );
        return (Need::RolledBack, text);
    }
    if let Some(failing) = &rollout.failing {
        return (Need::Failing, format!("FAILING: {failing}"));
    }
    if let Some(alarm) = rollout.attempt.as_ref().and_then(|of| of.alarm) {
        return (Need::RolledBack, format!("ROLLING BACK: {alarm}"));
    }
    if let Some(barred) = &view.barred {
        return (Need::Broken, format!("HELD BACK: {}", plain(barred)));
    }
    if route.identity_holds == Some(false) {
        return (Need::Broken, "ITS COUNTS DO NOT ADD UP".to_owned());
    }
    if (view.effective_percent - rollout.share.percent()).abs() > 1e-9 {
        let text = format!("NOT IN EFFECT: {} % now", view.effective_percent);
        return (Need::Broken, text);
    }
    let is_answering = !rollout.share.is_zero() || rollout.stage.lets_candidate_answer();
    if view.breaker_open && is_answering {
        let text = "BREAKER OPEN: the candidate fails, the primary answers";
        return (Need::Broken, text.to_owned());
    }
    if let Some(freeze) = &rollout.freeze {
        return (Need::Still, format!("FROZEN: {}", frozen(freeze, now_ms)));
    }
    if route
        .money
        .as_ref()
        .is_some_and(super::money::Money::is_spent)
    {
        return (Need::Still, "BUDGET SPENT: nothing is copied".to_owned());
    }
    if let Some(held) = &rollout.held {
        let text = format!(
            "HELD by {}: {}",
            plain(&held.actor.name),
            plain(&held.reason)
        );
        return (Need::Held, text);
    }
    onward(rollout)
}

/// Where it goes next, and what that waits for.
fn onward(rollout: &RouteStatus) -> (Need, String) {
    let Some(next) = &rollout.next else {
        return match rollout.missing.first() {
            Some(missing) => (Need::Ends, plain(missing)),
            None => (Need::Ends, "at the end of its way".to_owned()),
        };
    };
    let to = standing(next.stage, next.share);
    match next.waits_for.as_slice() {
        [] if next.automatic => (Need::Waits, format!("goes to {to} by itself, now")),
        [] => (Need::Ready, format!("READY for {to}: crossfade advance")),
        [only] => (Need::Waits, format!("to {to}: {}", plain(only))),
        [first, rest @ ..] => {
            let (to, more) = (format!("to {to}, "), format!(" and {} more", rest.len()));
            let room = TEXT.saturating_sub(to.chars().count() + more.chars().count());
            let text = format!("{to}{}{more}", shortened(&short(first), room));
            (Need::Waits, text)
        }
    }
}

/// What is in the way, without what to do about it.
fn short(wait: &str) -> String {
    plain(wait.split_once(": ").map_or(wait, |(what, _)| what))
}
