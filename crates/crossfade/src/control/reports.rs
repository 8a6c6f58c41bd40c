//! The reports of a route that were made lately: a sign-off names one of them by its hash.
//!
//! They are kept beside the ledger, so that an owner who reads a report over a restart can still sign it. Nothing else stands on
//! them: where they cannot be read or written, a new report is one command away.

use std::{collections::VecDeque, fs, io, path::Path};

use crossfade_exchange::RouteId;
use crossfade_rollout::Stage;
use serde::{Deserialize, Serialize};

use super::{ControlError, Controller, Lost, RECORD_PATIENCE, RouteControl, Shared, lock};

/// Reports remembered of a route; the oldest is forgotten first.
const REMEMBERED: usize = 16;
/// Their file in the data directory: one line a report, oldest first.
const FILE: &str = "reports.jsonl";

/// The reports made of one route.
#[derive(Debug, Default)]
pub(super) struct Reports(VecDeque<Made>);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Made {
    hash: String,
    of: Standing,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    route: RouteId,
    #[serde(flatten)]
    made: Made,
}

/// What a report is of: once the route stands elsewhere, no sign-off may name it any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// as long as the stage, the attempt and the configuration stay. The last 16 of a route are remembered; over a restart, if the
    /// data directory can be written now.
    pub async fn report_made(
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
        let kept = self.on_disk(Shared::keep_reports);
        let problem = match tokio::time::timeout(RECORD_PATIENCE, kept).await {
            Ok(Ok(Ok(()))) => return Ok(()),
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(Lost)) => "writing them panicked".to_owned(),
            Err(_) => "the disk has not answered yet".to_owned(),
        };
        tracing::warn!(%route, problem, "control.reports.not_kept");
        Ok(())
    }
}

impl Shared {
    fn keep_reports(&self) -> io::Result<()> {
        let mut text = String::new();
        for (route, control) in &self.routes {
            for made in lock(&control.reports).0.clone() {
                let route = route.clone();
                text.push_str(&serde_json::to_string(&Line { route, made })?);
                text.push('\n');
            }
        }
        lock(&self.disk).keep(FILE, text.as_bytes())
    }

    /// Remembers what an earlier process kept. Without it owners need a new report, and nothing else.
    pub(super) fn recall_reports(&self, directory: &Path) {
        let lines = match read(&directory.join(FILE)) {
            Ok(lines) => lines,
            Err(error) => {
                tracing::warn!(%error, "control.reports.unreadable");
                return;
            }
        };
        for Line { route, made } in lines {
            if let Some(control) = self.routes.get(&route) {
                lock(&control.reports).add(made);
            }
        }
    }
}

fn read(file: &Path) -> io::Result<Vec<Line>> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let lines = text.lines().map(serde_json::from_str);
    Ok(lines.collect::<Result<_, _>>()?)
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
