//! The reports of a route that were made lately: a sign-off names one of them by its hash.

use std::collections::VecDeque;

use crossfade_exchange::RouteId;
use crossfade_rollout::Stage;

use super::{ControlError, Controller, RouteControl, lock};

/// Reports remembered of a route; the oldest is forgotten first. A restart forgets all of them.
const REMEMBERED: usize = 16;

/// The reports made of one route.
#[derive(Debug, Default)]
pub(super) struct Reports(VecDeque<Made>);

#[derive(Debug)]
struct Made {
    hash: String,
    of: Standing,
}

/// What a report is of: once the route stands elsewhere, no sign-off may name it any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    stage: Stage,
    /// Of the last attempt, or shadow watch: what was seen in an earlier one says nothing of this one.
    attempt: u64,
    fingerprint: String,
}

// === impl Reports ===

impl Reports {
    fn add(&mut self, made: Made) {
        self.0.retain(|known| known.hash != made.hash);
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(made);
    }

    /// The hashes of those of where the route stands.
    fn of(&self, standing: &Standing) -> Vec<String> {
        let fits = |made: &&Made| made.of == *standing;
        let hash = |made: &Made| made.hash.clone();
        self.0.iter().filter(fits).map(hash).collect()
    }
}

impl RouteControl {
    /// The reports that a sign-off may name now.
    pub(super) fn current_reports(&self) -> Vec<String> {
        let standing = self.standing();
        lock(&self.reports).of(&standing)
    }

    fn standing(&self) -> Standing {
        let rollout = lock(&self.rollout);
        Standing {
            stage: rollout.stage(),
            attempt: rollout.last_attempt(),
            fingerprint: rollout.plan().gates.fingerprint.clone(),
        }
    }
}

impl Controller {
    /// Where the route stands: to be asked for before a report is made.
    pub fn standing(&self, route: &RouteId) -> Result<Standing, ControlError> {
        Ok(self.route(route)?.standing())
    }

    /// A report of the route as it stood at `of` was made and has this hash: an owner who has read it may name it in a sign-off,
    /// as long as the stage, the attempt and the configuration stay. The last 16 of a route are remembered, until the next start.
    pub fn report_made(
        &self,
        route: &RouteId,
        hash: &str,
        of: Standing,
    ) -> Result<(), ControlError> {
        let control = self.route(route)?;
        lock(&control.reports).add(Made {
            hash: hash.to_owned(),
            of,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reports_of_the_stage_the_attempt_and_the_configuration_count_and_the_oldest_goes() {
        let mut reports = Reports::default();
        let standing = |stage, attempt, fingerprint: &str| Standing {
            stage,
            attempt,
            fingerprint: fingerprint.to_owned(),
        };
        let mut add = |hash: &str, of| {
            reports.add(Made {
                hash: hash.to_owned(),
                of,
            });
        };
        add("a", standing(Stage::Shadow, 1, "one"));
        add("b", standing(Stage::Slice, 1, "one"));
        add("c", standing(Stage::Shadow, 1, "two"));
        add("a", standing(Stage::Shadow, 1, "two"));
        add("d", standing(Stage::Shadow, 2, "two"));
        let check = |reports: &Reports, of, expected: &[&str]| {
            assert_eq!(reports.of(&of), expected, "{of:?}");
        };
        check(&reports, standing(Stage::Shadow, 1, "one"), &[]);
        check(&reports, standing(Stage::Slice, 1, "one"), &["b"]);
        check(&reports, standing(Stage::Shadow, 1, "two"), &["c", "a"]);
        check(&reports, standing(Stage::Shadow, 2, "two"), &["d"]);
        check(&reports, standing(Stage::Shadow, 3, "two"), &[]);
        for number in 0..REMEMBERED {
            reports.add(Made {
                hash: number.to_string(),
                of: standing(Stage::Ramp, 2, "two"),
            });
        }
        check(&reports, standing(Stage::Shadow, 2, "two"), &[]);
        assert_eq!(
            reports.of(&standing(Stage::Ramp, 2, "two")).len(),
            REMEMBERED
        );
    }
}
