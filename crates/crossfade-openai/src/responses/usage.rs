//! Tokens as a response's `usage` shows them.

use serde::{Deserialize, Deserializer, Serialize};

use crate::chat::{Fields, TokenCounts};

/// The `usage` of a response. Cached tokens are part of the input's, reasoning tokens of the output's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the input, cached ones included.
    #[serde(default, deserialize_with = "zero_if_null")]
    pub input_tokens: u64,
    /// What `input_tokens` is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens_details: Option<InputTokensDetails>,
    /// Tokens of the output, reasoning included.
    #[serde(default, deserialize_with = "zero_if_null")]
    pub output_tokens: u64,
    /// What `output_tokens` is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens_details: Option<OutputTokensDetails>,
    /// Both together.
    #[serde(default, deserialize_with = "zero_if_null")]
    pub total_tokens: u64,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// What the input's tokens are made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InputTokensDetails {
    /// Tokens written to the prompt cache, where the answer says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
    /// Tokens read from the prompt cache.
    #[serde(default, deserialize_with = "zero_if_null")]
    pub cached_tokens: u64,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// What the output's tokens are made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutputTokensDetails {
    /// Tokens spent on reasoning.
    #[serde(default, deserialize_with = "zero_if_null")]
    pub reasoning_tokens: u64,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A counter may be `null` where a provider had nothing to count.
fn zero_if_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

// === impl Usage ===

impl Usage {
    /// The numbers.
    pub fn counts(&self) -> TokenCounts {
        let input = self.input_tokens_details.as_ref();
        let output = self.output_tokens_details.as_ref();
        TokenCounts {
            prompt: self.input_tokens,
            cached: input.map_or(0, |details| details.cached_tokens),
            cache_write: input
                .and_then(|details| details.cache_write_tokens)
                .unwrap_or(0),
            completion: self.output_tokens,
            reasoning: output.map_or(0, |details| details.reasoning_tokens),
        }
    }
}

/// In Azure's full form, both details included.
impl From<TokenCounts> for Usage {
    fn from(counts: TokenCounts) -> Self {
        Self {
            input_tokens: counts.prompt,
            input_tokens_details: Some(InputTokensDetails {
                cached_tokens: counts.cached,
                ..InputTokensDetails::default()
            }),
            output_tokens: counts.completion,
            output_tokens_details: Some(OutputTokensDetails {
                reasoning_tokens: counts.reasoning,
                other: Fields::new(),
            }),
            total_tokens: counts.prompt.saturating_add(counts.completion),
            other: Fields::new(),
        }
    }
}
