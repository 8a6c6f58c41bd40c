//! What the answers before stand on: who may ask and move, whether the record is whole, whether the checks find anything.

use crossfade_exchange::MetricSet;
use crossfade_rollout::ActorRole;

use super::{Facts, Line, bad, good, note, open};
use crate::report::{
    power::detectable,
    said::{percent, rate},
};

/// Do permissions match?
pub(super) fn permissions(facts: &Facts<'_>) -> Vec<Line> {
    let setup = facts.setup;
    let mut lines = vec![if setup.callers_own_credential {
        good(
            "callers",
            "Azure sees each caller's own credential; one that it has not admitted lately is answered by it alone, never by the candidate",
        )
    } else if setup.client_certificates {
        good(
            "callers",
            "Azure sees the proxy's own credential; callers show a certificate to the proxy",
        )
    } else {
        open(
            "callers",
            "Azure sees the proxy's own credential: whoever reaches the listener is admitted; set client_ca, or guard the listener",
        )
    }];
    lines.push(match setup.internal_callers {
        [0, 0, 0] => note("internal callers", "none is named: nobody may choose a side"),
        [credentials, headers, claims] => note(
            "internal callers",
            format!(
                "named by {credentials} credentials, {headers} headers and {claims} claims; they may choose a side, are answered by the candidate from stage internal on, and Azure must have admitted them as any other; nobody else may choose"
            ),
        ),
    });
    lines.push(match &setup.guardrail {
        Some(guardrail) => note(
            "guardrail",
            format!("{guardrail} looks at what the candidate is asked and answers"),
        ),
        None => note(
            "guardrail",
            "none: what Azure's content filter stops is not stopped on the candidate's side",
        ),
    });
    let [viewers, operators, owners] = setup.tokens;
    let who = format!("tokens: {owners} of role owner, {operators} operator, {viewers} viewer");
    lines.push(if owners > 0 {
        good("who may move it", who)
    } else {
        open(
            "who may move it",
            format!("{who}; nobody can sign off or resume"),
        )
    });
    lines
}

/// Do logs explain?
pub(super) fn logs(facts: &Facts<'_>) -> Vec<Line> {
    let ledger = facts.ledger;
    let mut lines = Vec::new();
    lines.push(match (&ledger.problem, ledger.unrecorded) {
        (Some(problem), _) => bad("ledger", format!("it cannot be written: {problem}")),
        (None, 0) if ledger.writable => good(
            "ledger",
            format!(
                "{} entries, each chained to the one before by its hash; nothing waits to be written",
                ledger.entries
            ),
        ),
        (None, 0) => bad("ledger", "it cannot be written"),
        (None, waiting) => open("ledger", format!("{waiting} changes are in effect and wait to be written")),
    });
    let entries = facts.entries;
    let of = |wanted: &[ActorRole]| {
        let made = entries.iter();
        made.filter(|entry| wanted.contains(&entry.actor.role))
            .count()
    };
    let silent = entries
        .iter()
        .filter(|entry| entry.reason.trim().is_empty());
    let silent = silent.filter(|entry| entry.actor.role != ActorRole::Controller);
    lines.push(match silent.count() {
        0 => good(
            "changes",
            format!(
                "{} of this route, each with who and why: {} by people, {} by a test, {} by the controller",
                entries.len(),
                of(&ActorRole::TOKEN_ROLES),
                of(&[ActorRole::Engine]),
                of(&[ActorRole::Controller]),
            ),
        ),
        some => bad("changes", format!("{some} without a reason")),
    });
    lines.push(note(
        "recomputing",
        "`crossfade verify-ledger` computes every decision again from the outcome log, to the bit",
    ));
    if let Some(counts) = facts.accounting {
        lines.push(if counts.holds() {
            good("accounting", "every request that was seen is accounted for")
        } else {
            bad("accounting", "the counts do not add up")
        });
    }
    lines
}

/// Do checks catch regressions?
pub(super) fn checks(facts: &Facts<'_>) -> Vec<Line> {
    let mut lines = vec![golden_set(facts)];
    lines.push(match facts.findings.map(|found| found.noise_pairs) {
        Some(pairs) if pairs > 0 => good(
            "noise floor",
            format!("from {pairs} requests that the primary was asked twice"),
        ),
        Some(_) | None => open(
            "noise floor",
            format!(
                "the primary was not asked twice yet (ask_primary_twice is {}): a difference cannot be told from noise",
                facts.setup.ask_primary_twice
            ),
        ),
    });
    if let Some(found) = facts.findings {
        let reviews = &found.reviews;
        let decided: u64 = reviews.verdicts.iter().map(|(_, count)| *count).sum();
        lines.push(if decided == 0 {
            open("people", "no review is decided yet: nobody has said whether the checks are right")
        } else {
            let says = format!(
                "{decided} reviews decided; where checks found a difference, people found the candidate worse in {}; in random pairs that checks took for the same, in {}",
                rate(&reviews.differing_worse),
                rate(&reviews.missed)
            );
            good("people", says)
        });
        if let Some(part) = reviews.found {
            let says = format!(
                "about {} of the worse answers are found (between {} and {})",
                percent(part.estimate),
                percent(part.low),
                percent(part.high)
            );
            lines.push(note("found", says));
        }
    }
    lines.extend(power(facts));
    lines
}

fn golden_set(facts: &Facts<'_>) -> Line {
    match &facts.view.rollout.replayed {
        Some(result) => {
            let says = format!(
                "{} of {} cases passed, exit code {}, data set {}",
                result.passed, result.cases, result.exit_code, result.dataset_sha256
            );
            if result.is_passed() {
                good("golden set", says)
            } else {
                bad("golden set", says)
            }
        }
        None => open(
            "golden set",
            "none was run under this configuration: `crossfade replay … --post ROUTE`",
        ),
    }
}

/// What the test on pairs would have seen by now.
fn power(facts: &Facts<'_>) -> Vec<Line> {
    let rollout = &facts.view.rollout;
    let Some(attempt) = &rollout.attempt else {
        return Vec::new();
    };
    let frozen = &attempt.facts;
    let metrics: MetricSet = frozen.metrics;
    let entries = rollout.metrics.iter();
    let of = entries.filter(|metric| metrics.contains(metric.metric) && metric.share > 0.0);
    of.map(|metric| {
        let pairs = metric.pairs;
        let found = detectable(
            metric.metric,
            pairs.pairs,
            pairs.primary_bad,
            frozen.threshold() / metric.share,
        );
        let seen = format!(
            "{} pairs, bad: primary {}, candidate {}",
            pairs.pairs, pairs.primary_bad, pairs.candidate_bad
        );
        let says = match found {
            Some(rate) => format!(
                "{seen}; a candidate bad in about {} would have been found by now",
                percent(rate)
            ),
            None => format!("{seen}; too few to find anything"),
        };
        note(format!("power of {}", metric.metric), says)
    })
    .collect()
}
