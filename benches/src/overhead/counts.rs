//! The accounting, read off the admin API and added up again here.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;

/// One route's counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Counts {
    /// Requests classified.
    pub seen: u64,
    /// Answers that have ended.
    pub finished: u64,
    /// Answers under way.
    pub in_flight: u64,
    /// By reason.
    pub ineligible: BTreeMap<String, u64>,
    /// By size.
    pub eligible: BTreeMap<String, u64>,
    /// By size.
    pub compared: BTreeMap<String, u64>,
    /// By size and reason.
    pub skipped: BTreeMap<String, BTreeMap<String, u64>>,
    /// Neither compared nor skipped yet.
    pub mirror_in_flight: u64,
}

impl Counts {
    /// From what `GET /api/v1/status` answers.
    pub fn of_status(status: &Value, route: &str) -> anyhow::Result<Self> {
        let routes = status
            .get("routes")
            .and_then(Value::as_array)
            .context("the status has no routes")?;
        let counts = routes
            .iter()
            .filter_map(|shown| shown.get("accounting"))
            .find(|accounts| accounts.get("route").and_then(Value::as_str) == Some(route))
            .context("the status has no accounting of the route")?;
        Ok(Self::deserialize(counts)?)
    }

    /// Whether the counts add up.
    pub fn hold(&self) -> bool {
        let sum = |counts: &BTreeMap<String, u64>| counts.values().sum::<u64>();
        let skipped: u64 = self.skips().values().sum();
        self.seen == sum(&self.ineligible) + sum(&self.eligible)
            && self.seen == self.finished + self.in_flight
            && sum(&self.eligible) == sum(&self.compared) + skipped + self.mirror_in_flight
    }

    /// All that were compared.
    pub fn compared(&self) -> u64 {
        self.compared.values().sum()
    }

    /// What was not mirrored or not compared, by reason, without zeros.
    pub fn skips(&self) -> BTreeMap<&str, u64> {
        let mut skips = BTreeMap::new();
        for (reason, count) in self.skipped.values().flatten() {
            if *count > 0 {
                *skips.entry(reason.as_str()).or_default() += count;
            }
        }
        skips
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn counts(finished: u64, skipped: u64) -> Counts {
        let status = json!({"routes": [{"accounting": {
            "route": "r", "seen": 10, "finished": finished, "in_flight": 10 - finished,
            "ineligible": {"operation": 2}, "eligible": {"4k": 5, "32k": 3}, "compared": {"4k": 4},
            "skipped": {"4k": {"slots": skipped}, "32k": {"slots": 1, "bytes": 1, "money": 0}},
            "mirror_in_flight": 1,
        }}]});
        Counts::of_status(&status, "r").unwrap()
    }

    #[test]
    fn the_identity_is_computed_again() {
        assert!(counts(9, 1).hold());
        assert!(!counts(9, 2).hold());
        assert!(
            !Counts {
                seen: 11,
                ..counts(9, 1)
            }
            .hold()
        );
        assert!(
            !Counts {
                finished: 8,
                ..counts(9, 1)
            }
            .hold()
        );
        let skips = counts(9, 1);
        assert_eq!(skips.skips(), BTreeMap::from([("slots", 2), ("bytes", 1)]));
        assert!(Counts::of_status(&json!({"routes": []}), "r").is_err());
    }
}
