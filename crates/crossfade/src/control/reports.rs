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
    stage: Stage,
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

    /// The hashes of those of a stage and a configuration.
    fn of(&self, stage: Stage, fingerprint: &str) -> Vec<String> {
        let fits = |made: &&Made| made.stage == stage && made.fingerprint == fingerprint;
        let hash = |made: &Made| made.hash.clone();
        self.0.iter().filter(fits).map(hash).collect()
    }
}

impl RouteControl {
    /// The reports that a sign-off may name now.
    pub(super) fn current_reports(&self) -> Vec<String> {
        let (stage, fingerprint) = self.standing();
        lock(&self.reports).of(stage, &fingerprint)
    }

    fn standing(&self) -> (Stage, String) {
        let rollout = lock(&self.rollout);
        (rollout.stage(), rollout.plan().gates.fingerprint.clone())
    }
}

impl Controller {
    /// A report of the route, as it stands now, was made and has this hash: an owner who has read it may name it in a sign-off, as
    /// long as the stage and the configuration stay. The last 16 of a route are remembered, until the next start.
    pub fn report_made(&self, route: &RouteId, hash: &str) -> Result<(), ControlError> {
        let control = self.route(route)?;
        let (stage, fingerprint) = control.standing();
        lock(&control.reports).add(Made {
            hash: hash.to_owned(),
            stage,
            fingerprint,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reports_of_the_stage_and_the_configuration_count_and_the_oldest_goes() {
        let mut reports = Reports::default();
        let mut add = |hash: &str, stage, fingerprint: &str| {
            reports.add(Made {
                hash: hash.to_owned(),
                stage,
                fingerprint: fingerprint.to_owned(),
            });
        };
        add("a", Stage::Shadow, "one");
        add("b", Stage::Slice, "one");
        add("c", Stage::Shadow, "two");
        add("a", Stage::Shadow, "two");
        assert_eq!(reports.of(Stage::Shadow, "one"), Vec::<String>::new());
        assert_eq!(reports.of(Stage::Slice, "one"), ["b"]);
        assert_eq!(reports.of(Stage::Shadow, "two"), ["c", "a"]);
        for number in 0..REMEMBERED {
            reports.add(Made {
                hash: number.to_string(),
                stage: Stage::Ramp,
                fingerprint: "two".to_owned(),
            });
        }
        assert_eq!(reports.of(Stage::Shadow, "two"), Vec::<String>::new());
        assert_eq!(reports.of(Stage::Ramp, "two").len(), REMEMBERED);
    }
}
