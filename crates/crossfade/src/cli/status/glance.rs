//! One route on one screen, for three in the morning: who answers now, what moved last, what comes next and why not yet, how
//! to take it back. What explains more is left to `--details`.

use std::fmt::Write as _;

use crossfade_exchange::{Metric, Percent};
use crossfade_rollout::{
    Cause, Engine, GateEvidence, GateStanding, GateState, MetricStatus, Phase, RouteStatus, Stage,
};

use crate::{report::micros, text::plain};

use super::{
    Route, Status, ago, count,
    evidence::{has_evidence, metric_ratio, needs},
    route::{TRANSPORT, changed, frozen, noise},
    screen::{Rank, Screen},
    words::{short_bar, size},
};

/// Obstacles beside the gates that are listed.
const WAITS: usize = 3;
/// Gates that are listed.
const GATES: usize = 4;

/// The route on the screen.
pub(super) fn shown(status: &Status, route: &Route, now_ms: u64) -> String {
    let mut screen = Screen::default();
    process(&mut screen, status);
    headline(&mut screen, route);
    answers(&mut screen, status, route);
    trouble(&mut screen, route, now_ms);
    let rollout = &route.view.rollout;
    if let Some(change) = &rollout.last_change {
        screen.text(Rank::Must, "moved", &changed(change, now_ms), 2);
    }
    next(&mut screen, rollout);
    take_back(&mut screen, rollout, now_ms);
    gates(&mut screen, rollout);
    alarms(&mut screen, rollout);
    stage(&mut screen, rollout);
    beside(&mut screen, route, now_ms);
    let name = plain(rollout.route.as_str());
    screen.shown(&format!("crossfade status {name} --details"))
}

/// What holds for every route.
pub(super) fn process(screen: &mut Screen, status: &Status) {
    let ledger = &status.ledger;
    let mirroring = if status.mirror_enabled { "on" } else { "OFF" };
    screen.line(
        Rank::Must,
        &format!(
            "crossfade {}   mirroring {mirroring}   ledger {} entries",
            plain(&status.version),
            count(ledger.entries)
        ),
    );
    if status.kill_switch {
        let text = "IS ON: only the primary answers, nothing is mirrored. To end it, send SIGUSR2, \
                    or remove the file kill-switch, whichever set it";
        screen.text(Rank::Must, "THE KILL SWITCH", text, 2);
    }
    if !ledger.writable {
        let why = ledger.problem.as_deref().unwrap_or("it cannot be written");
        let text = format!(
            "NOT WRITABLE: nothing can be raised, and leases run out: {}",
            plain(why)
        );
        screen.text(Rank::Must, "ledger", &text, 2);
    }
    if ledger.unrecorded > 0 {
        let text = format!(
            "{} changes toward the primary are in effect and wait for the disk",
            count(ledger.unrecorded)
        );
        screen.text(Rank::Must, "ledger", &text, 1);
    }
}

fn headline(screen: &mut Screen, route: &Route) {
    let rollout = &route.view.rollout;
    let mut line = format!(
        "{}   {}",
        plain(rollout.route.as_str()),
        standing(rollout.stage, rollout.share)
    );
    if rollout.rolled_back.is_some() {
        line.push_str("   ROLLED BACK");
    }
    let owner = rollout.owner.as_deref().unwrap_or("nobody");
    let _ = write!(
        line,
        "   owner {}   revision {}",
        plain(owner),
        rollout.revision
    );
    screen.name_line(&line);
}

/// The stage, with its share where there is one.
pub(super) fn standing(stage: Stage, share: Percent) -> String {
    if share.is_zero() {
        stage.to_string()
    } else {
        format!("{stage} {share}")
    }
}

/// Who answers now.
fn answers(screen: &mut Screen, status: &Status, route: &Route) {
    let (view, rollout) = (&route.view, &route.view.rollout);
    let (effective, share) = (view.effective_percent, rollout.share.percent());
    let internal = rollout.stage == Stage::Internal && rollout.rolled_back.is_none();
    let has_lease = view.lease_seconds.is_some_and(|seconds| seconds > 0.0);
    let mut text = if status.kill_switch {
        "the primary, by the kill switch".to_owned()
    } else if view.breaker_open && (effective > 0.0 || internal) {
        "the primary, as the breaker is open".to_owned()
    } else if effective >= 100.0 {
        "the candidate".to_owned()
    } else if effective > 0.0 {
        format!("the candidate {effective} %, the primary the rest")
    } else {
        "the primary".to_owned()
    };
    if internal && has_lease && !status.kill_switch && !view.breaker_open {
        text.push_str("; internal callers the candidate");
    }
    if !rollout.share.is_zero() && (effective - share).abs() > 1e-9 {
        let _ = write!(text, "; {} is granted and not in effect", rollout.share);
    }
    match view.lease_seconds {
        Some(seconds) if has_lease => {
            let _ = write!(text, "; lease {seconds:.0} s");
        }
        Some(_) | None if rollout.share.is_zero() && !internal => {}
        Some(_) | None => text.push_str("; NO LEASE"),
    }
    screen.text(Rank::Must, "answers", &text, 2);
}

/// What keeps the route from going on, or has sent it back.
fn trouble(screen: &mut Screen, route: &Route, now_ms: u64) {
    let rollout = &route.view.rollout;
    let by = |at, actor: &crossfade_rollout::Actor, reason: &str| {
        format!(
            "{} by {}: {}",
            ago(at, now_ms),
            plain(&actor.to_string()),
            plain(reason)
        )
    };
    if let Some(back) = &rollout.rolled_back {
        let text = by(back.at_unix_ms, &back.actor, &back.reason);
        screen.text(Rank::Must, "ROLLED BACK", &text, 2);
        if matches!(&back.cause, Cause::Alarm(alarm) if alarm.metric == Metric::Transport) {
            screen.under(Rank::Extra, &format!("{TRANSPORT} the age A"), 2);
        }
    }
    if let Some(barred) = &route.view.barred {
        screen.text(Rank::Must, "HELD BACK", &plain(barred), 2);
    }
    if let Some(alarm) = &rollout.failing {
        screen.text(Rank::Must, "FAILING", &alarm.to_string(), 2);
    } else if let Some(alarm) = rollout.attempt.as_ref().and_then(|attempt| attempt.alarm) {
        screen.text(Rank::Must, "ROLLING BACK", &alarm.to_string(), 2);
    }
    if let Some(freeze) = &rollout.freeze {
        screen.text(Rank::Must, "FROZEN", &frozen(freeze, now_ms), 2);
    }
    if let Some(held) = &rollout.held {
        let text = by(held.at_unix_ms, &held.actor, &held.reason);
        screen.text(Rank::Must, "HELD", &text, 1);
    }
    if route.identity_holds == Some(false) {
        let text = "DO NOT ADD UP: please report this";
        screen.text(Rank::Must, "COUNTS", text, 1);
    }
    if route
        .money
        .as_ref()
        .is_some_and(super::money::Money::is_spent)
    {
        let text = "IS SPENT: nothing is copied until its window ends";
        screen.text(Rank::Must, "BUDGET", text, 1);
    }
    for note in &route.view.notes {
        screen.text(Rank::Why, "note", &plain(note), 2);
    }
}

/// What happens next, and why not yet. Gates are told below.
fn next(screen: &mut Screen, rollout: &RouteStatus) {
    let Some(next) = &rollout.next else {
        let text = match (rollout.missing.as_slice(), rollout.stage) {
            ([], Stage::Complete) => "nothing: the route has arrived".to_owned(),
            ([], _) => "nothing: this is the last of the route's stages".to_owned(),
            (_, _) => "nothing, as this is missing:".to_owned(),
        };
        screen.text(Rank::Must, "next", &text, 1);
        waits(screen, rollout.missing.iter());
        return;
    };
    let to = standing(next.stage, next.share);
    let how = if next.automatic {
        "by itself"
    } else {
        "by `crossfade advance`"
    };
    let (gates, others): (Vec<&String>, Vec<&String>) = next
        .waits_for
        .iter()
        .partition(|wait| wait.starts_with("gate "));
    let after = match (others.len(), gates.len()) {
        (0, 0) => ", now".to_owned(),
        (0, gates) => format!(", after {gates} gates (below)"),
        (_, 0) => ", after:".to_owned(),
        (_, gates) => format!(", after {gates} gates (below), and:"),
    };
    screen.text(Rank::Must, "next", &format!("{to}, {how}{after}"), 1);
    waits(screen, others.into_iter());
}

fn waits<'a>(screen: &mut Screen, waits: impl ExactSizeIterator<Item = &'a String>) {
    let all = waits.len();
    for (place, wait) in waits.take(WAITS).enumerate() {
        let rank = if place == 0 { Rank::Must } else { Rank::Why };
        screen.under(rank, &plain(wait), 2);
    }
    if all > WAITS {
        screen.under(Rank::Why, &format!("and {} more", all - WAITS), 1);
    }
}

/// What to type, and when that was last tried.
fn take_back(screen: &mut Screen, rollout: &RouteStatus, now_ms: u64) {
    let name = plain(rollout.route.as_str());
    let text = if rollout.rolled_back.is_some() || rollout.failing.is_some() {
        format!("done; an owner lets it go on: crossfade resume {name} --reason …")
    } else if rollout.stage.lets_candidate_answer() || !rollout.share.is_zero() {
        format!("crossfade rollback {name} --reason …")
    } else {
        "nothing to take back: the candidate answers nobody".to_owned()
    };
    screen.text(Rank::Must, "take back", &text, 2);
    let drill = match &rollout.last_drill {
        None => format!("not drilled yet: crossfade rollback {name} --drill --reason …"),
        Some((at, drill)) if drill.problems.is_empty() => format!(
            "drilled {}: {} to the deciding point",
            ago(*at, now_ms),
            micros(drill.decided_after_micros)
        ),
        Some((at, drill)) => format!(
            "drilled {}, PROBLEMS: {}",
            ago(*at, now_ms),
            plain(&drill.problems.join("; "))
        ),
    };
    screen.under(Rank::Useful, &drill, 2);
}

fn gates(screen: &mut Screen, rollout: &RouteStatus) {
    let all = rollout.gates.iter().zip(&rollout.standings);
    let counting: Vec<(&GateEvidence, &GateStanding)> =
        all.filter(|(_, standing)| standing.counts).collect();
    if counting.is_empty() {
        return;
    }
    let mut open = counting.clone();
    open.retain(|(_, standing)| standing.state != GateState::Passed);
    open.sort_by(|(_, a), (_, b)| a.gate_ratio.total_cmp(&b.gate_ratio));
    let text = format!(
        "{} of {} pass in this stage",
        counting.len() - open.len(),
        counting.len()
    );
    screen.text(Rank::Why, "gates", &text, 1);
    for (place, (gate, standing)) in open.iter().take(GATES).enumerate() {
        let rank = if place == 0 { Rank::Why } else { Rank::Useful };
        let line = format!(
            "    {:<19} {} {:>+6.2} of {:.2} %, {}",
            gate.gate.as_str(),
            short_bar(standing.gate_ratio),
            gate.mean * 100.0,
            gate.margin * 100.0,
            needs(gate, standing)
        );
        screen.line(rank, &line);
    }
    if open.len() > GATES {
        let text = format!("and {} more", open.len() - GATES);
        screen.under(Rank::Useful, &text, 1);
    }
}

/// How near each test is to a roll-back, and by which metric; the nearest is told first.
fn alarms(screen: &mut Screen, rollout: &RouteStatus) {
    let Some(attempt) = &rollout.attempt else {
        return;
    };
    let what = match attempt.facts.phase {
        Phase::Shadow => "1.00 marks the route failing",
        Phase::Attempt => "1.00 is a roll-back",
    };
    let text = format!("{what}; bad, the primary's | the candidate's");
    screen.text(Rank::Useful, "alarms", &text, 1);
    let mut groups = Vec::new();
    for group in &rollout.groups {
        let metrics = rollout.metrics.iter();
        let seen = metrics.filter(|m| m.group == group.group && has_evidence(m, group.engine));
        let ratio = |metric: &&MetricStatus| metric_ratio(metric, group.engine);
        let nearest = seen.max_by(|a, b| ratio(a).total_cmp(&ratio(b)));
        groups.extend(nearest.map(|metric| (group, metric)));
    }
    groups.sort_by(|(a, _), (b, _)| b.alarm_ratio.total_cmp(&a.alarm_ratio));
    for (place, (group, metric)) in groups.iter().enumerate() {
        let rank = if place == 0 { Rank::Why } else { Rank::Extra };
        let line = format!(
            "    {} {:<8} {} {} {}",
            group.engine,
            group.group.as_str(),
            short_bar(group.alarm_ratio),
            metric.metric,
            both(metric, group.engine)
        );
        screen.line(rank, &line);
    }
}

/// What was bad of what was seen, on both sides.
fn both(metric: &MetricStatus, engine: Engine) -> String {
    match engine {
        Engine::R => format!(
            "{} of {} | {} of {}",
            count(metric.primary.bad),
            count(metric.primary.answers),
            count(metric.candidate.bad),
            count(metric.candidate.answers),
        ),
        Engine::P => format!(
            "{} | {} of {} pairs",
            count(metric.pairs.primary_bad),
            count(metric.pairs.candidate_bad),
            count(metric.pairs.pairs),
        ),
    }
}

/// What the stage has seen: users, and the sizes, as they are judged, of which the least was compared.
fn stage(screen: &mut Screen, rollout: &RouteStatus) {
    if rollout.units == 0 && rollout.coverage.is_empty() {
        return;
    }
    let sizes = rollout.coverage_groups.iter();
    let worst = sizes.min_by(|a, b| a.ratio().total_cmp(&b.ratio()));
    let compared = match worst {
        None => "coverage is counted once a minute".to_owned(),
        Some(sizes) => format!(
            "{:.1} % of {} compared, the least",
            sizes.ratio() * 100.0,
            sizes.names()
        ),
    };
    let decided = rollout
        .attempt
        .as_ref()
        .map_or(0, |attempt| attempt.decided);
    let text = format!(
        "{} users, {} outcomes; {compared}",
        count(rollout.units),
        count(decided)
    );
    screen.text(Rank::Useful, "stage", &text, 1);
}

/// What is known beside the rollout.
fn beside(screen: &mut Screen, route: &Route, now_ms: u64) {
    let rollout = &route.view.rollout;
    if let Some(signed) = &rollout.signoff {
        screen.text(Rank::Useful, "sign-off", &changed(signed, now_ms), 1);
    }
    if let Some(found) = route.found.as_ref().filter(|found| found.pairs > 0) {
        if found.reviews_open > 0 {
            let name = plain(rollout.route.as_str());
            let text = format!(
                "{} open: crossfade reviews --route {name}",
                count(found.reviews_open)
            );
            screen.text(Rank::Useful, "reviews", &text, 1);
        }
        let text = format!("all pairs: {}; {}", plain(&found.headline), noise(found));
        screen.text(Rank::Extra, "findings", &text, 2);
    }
    if let Some(money) = &route.money {
        let (copies, bill) = money.lines();
        for (label, text) in [("copies", copies), ("bill", bill)] {
            if let Some(text) = text {
                screen.text(Rank::Extra, label, &text, 2);
            }
        }
    }
    if let Some(log) = &route.view.outcome_log {
        let text = format!(
            "{} of {}: {} running, {} of attempts that have ended",
            size(log.running_bytes + log.ended_bytes),
            size(log.bound_bytes),
            size(log.running_bytes),
            size(log.ended_bytes)
        );
        let full = log.running_bytes > log.bound_bytes;
        let rank = if full { Rank::Why } else { Rank::Extra };
        screen.text(rank, "log", &text, 1);
    }
}
