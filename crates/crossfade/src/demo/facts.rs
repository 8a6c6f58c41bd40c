//! What happened, as it was measured, and whether it was the story that should have happened.

use std::time::Duration;

use crossfade_exchange::Metric;
use crossfade_rollout::{Alarm, AttemptFacts, Cause, RolledBack};

use super::{
    exposition::Exposition,
    operator::{History, RouteNow},
    overhead::Overhead,
    phase::Phase,
    tally::Seen,
    world::FAMILY,
};

/// The primary's answers after which its own times are used.
pub(super) const BASELINE: u64 = 1_000;

/// What happened, as measured.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Facts {
    /// What the proxy adds to an answer.
    pub(super) overhead: Option<Overhead>,
    /// What the callers saw.
    pub(super) seen: Seen,
    /// How the route stands when everything is at rest.
    pub(super) route: RouteNow,
    /// What became of the other route.
    pub(super) family: Family,
    /// What the attempt froze when it began.
    pub(super) attempt: Option<AttemptFacts>,
    /// The fault; `None` if the story ended before it.
    pub(super) fault: Option<Fault>,
    /// The last scrape.
    pub(super) scrape: Exposition,
    /// What the admin API says was changed.
    pub(super) history: History,
    /// The hash of the ledger file's last entry, if its chain holds; or why it does not.
    pub(super) chain: Result<String, String>,
}

/// The other route: the same family on both sides, ramped while the first one has its fault.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Family {
    /// What its callers saw.
    pub(super) seen: Seen,
    /// How it stands when everything is at rest.
    pub(super) route: RouteNow,
}

/// The candidate became worse.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    /// When, in milliseconds since the Unix epoch.
    pub(super) at_unix_ms: u64,
    /// What was counted until then.
    pub(super) scrape: Exposition,
}

/// What did not happen as it should have.
#[derive(Debug, Default)]
struct Failures(Vec<String>);

// === impl Facts ===

impl Facts {
    /// The roll-back.
    pub(super) fn rolled_back(&self) -> Option<&RolledBack> {
        self.route.rollout.rolled_back.as_ref()
    }

    /// From the fault to the roll-back.
    pub(super) fn delay(&self) -> Option<Duration> {
        let (fault, back) = (self.fault.as_ref()?, self.rolled_back()?);
        let ms = back.at_unix_ms.saturating_sub(fault.at_unix_ms);
        Some(Duration::from_millis(ms))
    }

    /// What did not happen as it should have; empty if the story happened.
    pub(super) fn failures(&self) -> Vec<String> {
        let mut failures = Failures::default();
        failures.unless(self.overhead.is_some(), || {
            "the overhead could not be measured".to_owned()
        });
        self.expect_answers(&mut failures);
        self.expect_attempt(&mut failures);
        self.expect_books(&mut failures);
        self.expect_family(&mut failures);
        failures.0
    }

    /// Every caller was answered, by a side that was allowed to.
    fn expect_answers(&self, failures: &mut Failures) {
        let total = self.seen.total();
        failures.unless(total.errors == 0, || {
            format!("callers saw {} errors", total.errors)
        });
        failures.unless(total.unsigned == 0, || {
            format!("{} answers do not say whose they are", total.unsigned)
        });
        for (phase, row) in &self.seen.rows {
            let (name, answers) = (phase.name(), row.candidate.all);
            match phase {
                Phase::Overhead | Phase::Shadow | Phase::After => {
                    failures.unless(answers == 0, || {
                        format!("the candidate answered {answers} requests in part \"{name}\"")
                    });
                }
                Phase::Tenth | Phase::Half | Phase::Degraded => {
                    failures.unless(answers > 0, || {
                        format!("the candidate answered nobody in part \"{name}\"")
                    });
                }
            }
        }
    }

    /// The attempt began on what was known of the primary, and ended by itself, for the fault.
    fn expect_attempt(&self, failures: &mut Failures) {
        let measured = |facts: &AttemptFacts| facts.baseline_answers >= BASELINE;
        failures.unless(self.attempt.as_ref().is_some_and(measured), || {
            "the attempt began without the primary's own times".to_owned()
        });
        let Some(back) = self.rolled_back() else {
            return failures.add("no roll-back happened");
        };
        if self.fault.is_none() {
            let reason = &back.reason;
            return failures.add(format!(
                "it was rolled back before there was a fault: {reason}"
            ));
        }
        match &back.cause {
            Cause::Manual => {
                failures.add(format!(
                    "it was not rolled back by itself but by {}",
                    back.actor
                ));
            }
            Cause::Alarm(Alarm { metric, .. }) => {
                let touched = [Metric::JsonParse, Metric::JsonSchema, Metric::Refusal];
                failures.unless(touched.contains(metric), || {
                    format!("the roll-back names {metric}, which the fault does not touch")
                });
            }
        }
        let share = self.route.rollout.share;
        failures.unless(
            share.is_zero() && self.route.effective_percent <= 0.0,
            || format!("the share is {share} after the roll-back"),
        );
        failures.unless(self.seen.row(Phase::After).primary.all > 0, || {
            "nobody was answered after the roll-back".to_owned()
        });
    }

    /// Every request is accounted for, and every change recorded.
    fn expect_books(&self, failures: &mut Failures) {
        let (counts, sent) = (&self.route.accounting, self.seen.total().requests);
        failures.unless(counts.is_at_rest(), || {
            "requests are still under way at the end".to_owned()
        });
        failures.unless(counts.add_up() && self.route.identity_holds, || {
            "the accounting identity does not hold".to_owned()
        });
        failures.unless(counts.seen == sent, || {
            format!(
                "callers sent {sent} requests, and the proxy saw {}",
                counts.seen
            )
        });
        match &self.chain {
            Ok(head) => failures.unless(self.history.head.as_ref() == Some(head), || {
                "the ledger file ends otherwise than the admin API says".to_owned()
            }),
            Err(problem) => failures.add(problem.clone()),
        }
    }
}

impl Facts {
    /// The other route was compared and ramped, and its neighbour's fault did not touch it.
    fn expect_family(&self, failures: &mut Failures) {
        let Family { seen, route } = &self.family;
        let (total, counts) = (seen.total(), &route.accounting);
        failures.unless(total.errors == 0, || {
            format!("callers of {FAMILY} saw {} errors", total.errors)
        });
        failures.unless(total.candidate.all > 0, || {
            format!("the candidate answered nobody on {FAMILY}")
        });
        failures.unless(counts.compared() > 0, || {
            format!("nothing was compared on {FAMILY}")
        });
        if let Some(back) = &route.rollout.rolled_back {
            failures.add(format!("{FAMILY} was rolled back: {}", back.reason));
        }
        failures.unless(
            counts.is_at_rest() && counts.add_up() && counts.seen == total.requests,
            || format!("the accounting of {FAMILY} does not hold"),
        );
    }
}

// === impl Failures ===

impl Failures {
    fn add(&mut self, failure: impl Into<String>) {
        self.0.push(failure.into());
    }

    fn unless(&mut self, met: bool, failure: impl FnOnce() -> String) {
        if !met {
            self.0.push(failure());
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
