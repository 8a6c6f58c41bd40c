//! What a run may spend: set aside by a request's own limits before it is sent, settled by what its answer took.

use crossfade_compare::Price;
use crossfade_exchange::Usage;
use serde::{Deserialize, Serialize};

/// Tokens of output that are set aside for a request that names no limit.
const OUTPUT_UNLESS_LIMITED: u64 = 4096;
/// Bytes of a request for each token of its prompt, as a rule of thumb.
const BYTES_PER_TOKEN: u64 = 4;

/// What a run may spend at most.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Caps {
    /// In USD.
    pub usd: Option<f64>,
    /// In tokens, prompts and answers together.
    pub tokens: Option<u64>,
}

/// An amount of both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Amount {
    /// In USD; what has no price costs nothing here.
    pub usd: f64,
    /// In tokens.
    pub tokens: u64,
}

/// Whether another call can be afforded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Afford {
    /// It can, and what it may take is set aside.
    Yes,
    /// Once calls on their way have settled, perhaps.
    Later,
    /// Never within the caps.
    Never,
}

/// What was spent and what is set aside.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Purse {
    caps: Caps,
    spent: Amount,
    reserved: Amount,
}

// === impl Amount ===

impl Amount {
    /// What an answer took.
    pub fn of(usage: Option<Usage>, price: Option<&Price>) -> Self {
        let Some(usage) = usage else {
            return Self::default();
        };
        Self {
            usd: price.map_or(0.0, |price| cost(price, &usage)),
            tokens: usage.total(),
        }
    }

    /// The most a request may take.
    pub(super) fn most(body_bytes: usize, output: Option<u64>, price: Option<&Price>) -> Self {
        let input = u64::try_from(body_bytes)
            .unwrap_or(u64::MAX)
            .div_ceil(BYTES_PER_TOKEN);
        let usage = Usage {
            input,
            output: output.unwrap_or(OUTPUT_UNLESS_LIMITED),
            ..Usage::default()
        };
        Self::of(Some(usage), price)
    }

    fn plus(self, other: Self) -> Self {
        Self {
            usd: self.usd + other.usd,
            tokens: self.tokens.saturating_add(other.tokens),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            usd: (self.usd - other.usd).max(0.0),
            tokens: self.tokens.saturating_sub(other.tokens),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "token counts stay far below 2^52"
)]
fn cost(price: &Price, usage: &Usage) -> f64 {
    (usage.input as f64 * price.input
        + usage.cached as f64 * price.cached.unwrap_or(price.input)
        + usage.cache_write as f64 * price.cache_write.unwrap_or(price.input)
        + usage.output as f64 * price.output)
        / 1e6
}

// === impl Purse ===

impl Purse {
    pub(super) fn new(caps: Caps) -> Self {
        Self {
            caps,
            ..Self::default()
        }
    }

    /// Sets aside what a call may take.
    pub(super) fn reserve(&mut self, most: Amount) -> Afford {
        if !self.fits(self.spent.plus(most)) {
            return Afford::Never;
        }
        let held = self.reserved.plus(most);
        if !self.fits(self.spent.plus(held)) {
            return Afford::Later;
        }
        self.reserved = held;
        Afford::Yes
    }

    /// A call that was set aside for has taken this.
    pub(super) fn settle(&mut self, most: Amount, took: Amount) {
        self.reserved = self.reserved.minus(most);
        self.spend(took);
    }

    /// Something was spent without having been set aside: by an earlier part of the same run.
    pub(super) fn spend(&mut self, took: Amount) {
        self.spent = self.spent.plus(took);
    }

    pub(super) const fn spent(&self) -> Amount {
        self.spent
    }

    fn fits(&self, amount: Amount) -> bool {
        self.caps.usd.is_none_or(|cap| amount.usd <= cap)
            && self.caps.tokens.is_none_or(|cap| amount.tokens <= cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(tokens: u64) -> Amount {
        Amount { usd: 0.0, tokens }
    }

    #[test]
    fn calls_wait_for_room_and_stop_where_there_is_never_any() {
        let mut purse = Purse::new(Caps {
            usd: None,
            tokens: Some(100),
        });
        assert_eq!(purse.reserve(tokens(101)), Afford::Never);
        assert_eq!(purse.reserve(tokens(60)), Afford::Yes);
        assert_eq!(purse.reserve(tokens(60)), Afford::Later);
        purse.settle(tokens(60), tokens(10));
        assert_eq!(purse.reserve(tokens(60)), Afford::Yes);
        purse.settle(tokens(60), tokens(60));
        assert_eq!(purse.reserve(tokens(31)), Afford::Never);
        assert_eq!(purse.reserve(tokens(30)), Afford::Yes);
        assert_eq!(purse.spent(), tokens(70));
    }

    #[test]
    fn money_is_tokens_by_their_price() {
        let price = Price {
            input: 3.0,
            cached: Some(0.3),
            cache_write: None,
            output: 15.0,
        };
        let usage = Usage {
            input: 1_000_000,
            cached: 1_000_000,
            cache_write: 0,
            output: 100_000,
            reasoning: 0,
        };
        let took = Amount::of(Some(usage), Some(&price));
        assert!((took.usd - 4.8).abs() < 1e-9, "{took:?}");
        assert_eq!(took.tokens, 2_100_000);
        let most = Amount::most(4_000_000, Some(0), Some(&price));
        assert!((most.usd - 3.0).abs() < 1e-9, "{most:?}");
        let mut purse = Purse::new(Caps {
            usd: Some(5.0),
            tokens: None,
        });
        purse.spend(took);
        assert_eq!(
            purse.reserve(Amount {
                usd: 0.3,
                tokens: 1
            }),
            Afford::Never
        );
        assert_eq!(
            purse.reserve(Amount {
                usd: 0.1,
                tokens: 1
            }),
            Afford::Yes
        );
    }
}
