//! Tokens by the class they are priced in, and as the caller's wire counts them.

use crossfade_exchange::Usage;
use crossfade_openai::chat::{self, TokenCounts};

use crate::converse::TokenUsage;

/// The classes, which do not overlap on the target's wire; `reasoning` is a part of the output.
pub(crate) fn classes(usage: TokenUsage, reasoning: Option<u64>) -> Usage {
    Usage {
        input: usage.input_tokens,
        cached: usage.cache_read_input_tokens,
        cache_write: usage.cache_write_input_tokens,
        output: usage.output_tokens,
        // A part of the output, whatever the vendor's own count says.
        reasoning: reasoning.unwrap_or(0).min(usage.output_tokens),
    }
}

/// As the caller's wires count: the prompt includes the cache.
pub(super) fn counts(usage: Usage) -> TokenCounts {
    TokenCounts {
        prompt: usage.prompt(),
        cached: usage.cached,
        cache_write: usage.cache_write,
        completion: usage.output,
        reasoning: usage.reasoning,
    }
}

/// As a chat completion shows them.
pub(super) fn shown(usage: Usage) -> chat::Usage {
    chat::Usage::from(counts(usage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_includes_the_cache_edge_44() {
        let check = |input, read, write, output, expected: (u64, u64, u64)| {
            let usage = classes(
                TokenUsage {
                    input_tokens: input,
                    output_tokens: output,
                    cache_read_input_tokens: read,
                    cache_write_input_tokens: write,
                },
                None,
            );
            let shown = shown(usage);
            let cached = shown.prompt_tokens_details.as_ref().unwrap().cached_tokens;
            assert_eq!((shown.prompt_tokens, cached, shown.total_tokens), expected);
            assert_eq!(shown.completion_tokens, output);
        };
        check(62, 0, 0, 1, (62, 0, 63));
        check(2, 1322, 0, 5, (1324, 1322, 1329));
        check(2, 100, 50, 5, (152, 100, 157));
    }
}
