//! Cost: tokens by class times the price of the class. An answer over the route's limit is a bad event; on a pair the
//! score is `min(1, primary ÷ candidate)`, reported.

use crossfade_exchange::{Severity, Usage};
use crossfade_openai::chat::TokenCounts;

use super::{Weighed, ratio};
use crate::{finding::Finding, settings::Price, side::Side};

/// Azure's counts, where the cache classes are part of the prompt, as classes that do not overlap.
pub(crate) fn usage(counts: TokenCounts) -> Usage {
    Usage {
        input: counts
            .prompt
            .saturating_sub(counts.cached)
            .saturating_sub(counts.cache_write),
        cached: counts.cached,
        cache_write: counts.cache_write,
        output: counts.completion,
        reasoning: counts.reasoning,
    }
}

/// What the tokens cost, in USD.
#[expect(
    clippy::cast_precision_loss,
    reason = "token counts are far below 2^52"
)]
pub(crate) fn usd(usage: &Usage, price: &Price) -> f64 {
    let million = |tokens: u64, price: f64| tokens as f64 * price / 1e6;
    million(usage.input, price.input)
        + million(usage.cached, price.cached.unwrap_or(price.input))
        + million(usage.cache_write, price.cache_write.unwrap_or(price.input))
        + million(usage.output, price.output)
}

/// Judges one side against the limit.
pub(crate) fn own(cost_usd: Option<f64>, limit_usd: Option<f64>) -> Finding {
    match cost_usd.zip(limit_usd) {
        None => Finding::na(),
        Some((cost, limit)) if cost > limit => Finding::fail("over_limit"),
        Some(_) => Finding::pass(),
    }
}

/// Compares two costs.
pub(crate) fn pair(primary: &Side<'_>, candidate: &Side<'_>) -> Weighed {
    if primary.cost_usd.is_none() {
        return Weighed::new(candidate.cost.clone(), Severity::Info);
    }
    ratio::of(
        primary.cost_usd,
        candidate.cost_usd,
        candidate.cost.failed(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_priced_by_class() {
        let counts = TokenCounts {
            prompt: 1000,
            cached: 600,
            cache_write: 100,
            completion: 50,
            reasoning: 20,
        };
        let usage = usage(counts);
        assert_eq!(
            (usage.input, usage.cached, usage.cache_write, usage.output),
            (300, 600, 100, 50)
        );
        let check = |price: Price, expected: f64| {
            let found = usd(&usage, &price);
            assert!((found - expected).abs() < 1e-12, "{found}");
        };
        let price = Price {
            input: 3.0,
            cached: Some(0.3),
            cache_write: Some(3.75),
            output: 15.0,
        };
        check(
            price,
            (300.0 * 3.0 + 600.0 * 0.3 + 100.0 * 3.75 + 50.0 * 15.0) / 1e6,
        );
        check(
            Price {
                cached: None,
                cache_write: None,
                ..price
            },
            (1000.0 * 3.0 + 50.0 * 15.0) / 1e6,
        );
        let odd = TokenCounts {
            prompt: 5,
            cached: 9,
            ..counts
        };
        assert_eq!(super::usage(odd).input, 0);
    }

    #[test]
    fn a_limit_is_kept_or_not() {
        assert!(own(Some(0.02), Some(0.01)).failed());
        assert!(!own(Some(0.01), Some(0.01)).failed());
        assert_eq!(own(Some(1.0), None), Finding::na());
        assert_eq!(own(None, Some(0.01)), Finding::na());
    }
}
