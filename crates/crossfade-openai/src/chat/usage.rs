//! Tokens as a chat completion's `usage` shows them.

use serde::{Deserialize, Deserializer, Serialize};

use super::Fields;

/// The `usage` of an answer. Cached tokens are part of the prompt's, reasoning tokens of the completion's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the answer, reasoning included.
    #[serde(default, deserialize_with = "zero_if_null")]
    pub completion_tokens: u64,
    /// What `completion_tokens` is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_tokens_details: Option<CompletionTokensDetails>,
    /// Tokens of the prompt, cached ones included.
    #[serde(default, deserialize_with = "zero_if_null")]
    pub prompt_tokens: u64,
    /// What `prompt_tokens` is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens_details: Option<PromptTokensDetails>,
    /// Both together.
    #[serde(default, deserialize_with = "zero_if_null")]
    pub total_tokens: u64,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// What the completion's tokens are made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CompletionTokensDetails {
    /// Predicted tokens that the answer used.
    #[serde(default, deserialize_with = "zero_if_null")]
    pub accepted_prediction_tokens: u64,
    /// Tokens of sound.
    #[serde(default, deserialize_with = "zero_if_null")]
    pub audio_tokens: u64,
    /// Tokens spent on reasoning.
    #[serde(default, deserialize_with = "zero_if_null")]
    pub reasoning_tokens: u64,
    /// Predicted tokens that the answer did not use; they are billed.
    #[serde(default, deserialize_with = "zero_if_null")]
    pub rejected_prediction_tokens: u64,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// What the prompt's tokens are made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PromptTokensDetails {
    /// Tokens of sound.
    #[serde(default, deserialize_with = "zero_if_null")]
    pub audio_tokens: u64,
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

/// Tokens of one answer as plain numbers, counted as Azure counts: `cached` and `cache_write` are part of `prompt`,
/// `reasoning` is part of `completion`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// All tokens of the prompt.
    pub prompt: u64,
    /// Of `prompt`, those read from a cache.
    pub cached: u64,
    /// Of `prompt`, those written to a cache. Azure's `usage` as written here does not show it.
    pub cache_write: u64,
    /// All tokens of the answer.
    pub completion: u64,
    /// Of `completion`, those spent on reasoning.
    pub reasoning: u64,
}

/// A counter may be `null` where a provider had nothing to count.
fn zero_if_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

// === impl Usage ===

impl Usage {
    /// The numbers.
    pub fn counts(&self) -> TokenCounts {
        let prompt = self.prompt_tokens_details.as_ref();
        TokenCounts {
            prompt: self.prompt_tokens,
            cached: prompt.map_or(0, |details| details.cached_tokens),
            cache_write: prompt
                .and_then(|details| details.cache_write_tokens)
                .unwrap_or(0),
            completion: self.completion_tokens,
            reasoning: self
                .completion_tokens_details
                .as_ref()
                .map_or(0, |details| details.reasoning_tokens),
        }
    }
}

/// In Azure's full form, both details included.
impl From<TokenCounts> for Usage {
    fn from(counts: TokenCounts) -> Self {
        Self {
            completion_tokens: counts.completion,
            completion_tokens_details: Some(CompletionTokensDetails {
                reasoning_tokens: counts.reasoning,
                ..CompletionTokensDetails::default()
            }),
            prompt_tokens: counts.prompt,
            prompt_tokens_details: Some(PromptTokensDetails {
                cached_tokens: counts.cached,
                ..PromptTokensDetails::default()
            }),
            total_tokens: counts.prompt.saturating_add(counts.completion),
            other: Fields::new(),
        }
    }
}
