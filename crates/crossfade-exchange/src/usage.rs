//! Tokens by the class they are priced in.

use serde::{Deserialize, Serialize};

/// Tokens of one answer, by the provider's own count. The classes do not overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens that were neither read from nor written to a cache.
    pub input: u64,
    /// Prompt tokens read from a cache.
    pub cached: u64,
    /// Prompt tokens written to a cache.
    pub cache_write: u64,
    /// Completion tokens, reasoning included.
    pub output: u64,
    /// Of `output`, the tokens spent on reasoning, where the provider says.
    pub reasoning: u64,
}

impl Usage {
    /// All prompt tokens: Azure's `prompt_tokens`, which includes the cache classes.
    pub const fn prompt(&self) -> u64 {
        self.input
            .saturating_add(self.cached)
            .saturating_add(self.cache_write)
    }

    /// All tokens: Azure's `total_tokens`.
    pub const fn total(&self) -> u64 {
        self.prompt().saturating_add(self.output)
    }
}
