//! Whether the numbers of the settings are in their ranges.

use super::{CheckSettings, SettingsError};

/// The largest number of a share.
const WHOLE: f64 = 1.0;

// === impl CheckSettings ===

impl CheckSettings {
    /// Refuses the first number that is out of its range.
    pub(crate) fn check_ranges(&self) -> Result<(), SettingsError> {
        for (key, share) in self.shares() {
            within(key, share, WHOLE, "a number from 0 to 1")?;
        }
        for (key, money) in self.money() {
            within(key, money, f64::MAX, "a number of USD, 0 or more")?;
        }
        let rate = self.latency.tokens_per_second;
        let range = "a number, 0 or more";
        within("latency.tokens_per_second", rate, f64::MAX, range)?;
        let sane = |ratio: &f64| ratio.is_finite() && *ratio >= 1.0;
        if let Some(value) = self.length.ratio.filter(|ratio| !sane(ratio)) {
            let (key, range) = ("length.ratio", "a number, 1 or more");
            return Err(SettingsError::Range { key, value, range });
        }
        if self.max_cost_usd.is_some() && self.price.is_none() {
            return Err(SettingsError::NoPrice);
        }
        Ok(())
    }

    fn shares(&self) -> [(&'static str, Option<f64>); 6] {
        let citations = self.citations.as_ref();
        let extraction = self.extraction.as_ref();
        [
            ("embeddings.neighbours", self.embeddings.neighbours),
            ("text_similarity.threshold", self.text_similarity.threshold),
            (
                "semantic_similarity.threshold",
                self.semantic_similarity.threshold,
            ),
            ("groundedness.threshold", self.groundedness.threshold),
            (
                "citations.threshold",
                citations.and_then(|citations| citations.threshold),
            ),
            (
                "extraction.threshold",
                extraction.and_then(|extraction| extraction.threshold),
            ),
        ]
    }

    fn money(&self) -> impl Iterator<Item = (&'static str, Option<f64>)> {
        let prices = [("price", self.price), ("primary_price", self.primary_price)];
        let parts = prices.into_iter().flat_map(|(key, price)| {
            let parts = price.map(|price| {
                [
                    Some(price.input),
                    price.cached,
                    price.cache_write,
                    Some(price.output),
                ]
            });
            parts.into_iter().flatten().map(move |part| (key, part))
        });
        std::iter::once(("max_cost_usd", self.max_cost_usd)).chain(parts)
    }
}

fn within(
    key: &'static str,
    value: Option<f64>,
    most: f64,
    range: &'static str,
) -> Result<(), SettingsError> {
    match value.filter(|value| !(value.is_finite() && (0.0..=most).contains(value))) {
        Some(value) => Err(SettingsError::Range { key, value, range }),
        None => Ok(()),
    }
}
