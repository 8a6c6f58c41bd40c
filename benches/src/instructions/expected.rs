//! The frozen counts that a change must touch.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::Context as _;

use super::Scenario;

/// How far a count may be from the frozen one, either way.
pub const TOLERANCE: f64 = 0.03;

/// Instructions of the proxy for each request, by scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected(BTreeMap<Scenario, u64>);

impl Expected {
    /// Of counts that include client and upstream.
    pub fn of_counts(counts: &BTreeMap<Scenario, u64>) -> Self {
        let own = counts.iter().filter_map(|(scenario, count)| {
            let base = counts.get(&scenario.base()?)?;
            Some((*scenario, count.saturating_sub(*base)))
        });
        Self(own.collect())
    }

    /// Reads a line for each scenario: its name and its count. What follows a `#` is for people.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut counts = BTreeMap::new();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let (name, count) = line
                .split_once(char::is_whitespace)
                .with_context(|| format!("{line:?} is no name and count"))?;
            let scenario = name.parse().map_err(anyhow::Error::msg)?;
            counts.insert(scenario, count.trim().parse()?);
        }
        Ok(Self(counts))
    }

    /// The text that [`Self::parse`] reads.
    pub fn text(&self) -> String {
        let mut text = String::from(
            "# Instructions of the data plane for each request. Made by `instructions --freeze`; see README.md.\n",
        );
        for (scenario, count) in &self.0 {
            // Writing to a string cannot fail.
            let _ignored = writeln!(text, "{scenario} {count}");
        }
        text
    }

    /// How far each scenario is from what was frozen, as a share of it; `None` where nothing was.
    pub fn drift_of(&self, measured: &Self) -> Vec<(Scenario, u64, Option<f64>)> {
        measured
            .0
            .iter()
            .map(|(scenario, count)| {
                let frozen = self.0.get(scenario).filter(|frozen| **frozen > 0);
                #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
                let drift = frozen.map(|frozen| *count as f64 / *frozen as f64 - 1.0);
                (*scenario, *count, drift)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let expected = Expected::parse("# a\nforward 100 # b\n\nmirror-on   250\n").unwrap();
        assert_eq!(Expected::parse(&expected.text()).unwrap(), expected);
        assert!(Expected::parse("forward").is_err());
        assert!(Expected::parse("nowhere 3").is_err());
        assert!(Expected::parse("forward many").is_err());
    }

    #[test]
    fn the_base_is_taken_off_and_drift_is_relative() {
        let counts = [
            (Scenario::Direct, 50),
            (Scenario::Forward, 160),
            (Scenario::MirrorOnStream, 7),
        ];
        let measured = Expected::of_counts(&counts.into());
        let frozen = Expected::parse("forward 100").unwrap();
        let drift = frozen.drift_of(&measured);
        assert_eq!(drift.len(), 1);
        assert_eq!((drift[0].0, drift[0].1), (Scenario::Forward, 110));
        assert!((drift[0].2.unwrap() - 0.1).abs() < 1e-9);
        assert_eq!(Expected::default().drift_of(&measured)[0].2, None);
    }
}
