//! The bytes of a chat completion, whole and in chunks: keys in alphabetical order, compact, with the content filter's fields.
//!
//! Written out by hand rather than by a serialiser, because the order of keys is part of what a client may see.

use serde_json::Value;

use super::{AzureOptions, dice::Dice, request::tokens};
use crate::script::{Answer, Finish};

/// What the filter says of a clean prompt. `prompt_index` comes first on the real wire, against the alphabet.
pub(super) const PROMPT_FILTER: &str = r#"[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"detected":false,"filtered":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}}]"#;

/// What the filter says of clean text.
pub(super) const CLEAN: &str = r#"{"hate":{"filtered":false,"severity":"safe"},"protected_material_code":{"filtered":false,"detected":false},"protected_material_text":{"filtered":false,"detected":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}"#;

/// What the filter says of text that it cut off.
pub(super) const CUT_OFF: &str = r#"{"hate":{"filtered":false,"severity":"safe"},"protected_material_code":{"filtered":false,"detected":false},"protected_material_text":{"filtered":false,"detected":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":true,"severity":"medium"}}"#;

/// What does not change between the chunks of one answer.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    created: i64,
    id: String,
    model: String,
    fingerprint: String,
    /// Whether chunks carry random filler.
    pub(super) obfuscation: bool,
    /// Whether a usage chunk was asked for; every other chunk then says `"usage":null`.
    pub(super) usage: bool,
}

/// Token counts of one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) prompt: u64,
    pub(super) cached: u64,
    pub(super) completion: u64,
    pub(super) reasoning: u64,
}

impl Identity {
    pub(super) fn new(options: &AzureOptions, dice: &mut Dice) -> Self {
        Self {
            created: dice.created(),
            id: dice.id("chatcmpl-", 29),
            model: quoted(&options.model),
            fingerprint: options
                .fingerprint
                .as_deref()
                .map_or_else(|| "null".to_owned(), quoted),
            obfuscation: true,
            usage: false,
        }
    }

    /// The whole body of an answer that is not streamed.
    pub(super) fn completion(&self, choices: &str, usage: Usage) -> String {
        let Self {
            created,
            id,
            model,
            fingerprint,
            ..
        } = self;
        format!(
            r#"{{"choices":[{choices}],"created":{created},"id":"{id}","model":{model},"object":"chat.completion","prompt_filter_results":{PROMPT_FILTER},"system_fingerprint":{fingerprint},"usage":{}}}{}"#,
            usage.json(),
            "\n",
        )
    }

    /// A chunk with these choices.
    pub(super) fn chunk(&self, choices: &str, dice: &mut Dice) -> String {
        self.event(
            choices,
            if self.usage { r#","usage":null"# } else { "" },
            dice,
        )
    }

    /// The chunk that only carries token counts.
    pub(super) fn usage_chunk(&self, usage: Usage, dice: &mut Dice) -> String {
        self.event("", &format!(r#","usage":{}"#, usage.json()), dice)
    }

    fn event(&self, choices: &str, usage: &str, dice: &mut Dice) -> String {
        let Self {
            created,
            id,
            model,
            fingerprint,
            ..
        } = self;
        let filler = if self.obfuscation {
            format!(r#","obfuscation":"{}""#, dice.filler())
        } else {
            String::new()
        };
        format!(
            r#"data: {{"choices":[{choices}],"created":{created},"id":"{id}","model":{model}{filler},"object":"chat.completion.chunk","system_fingerprint":{fingerprint}{usage}}}{}"#,
            "\n\n",
        )
    }
}

impl Usage {
    pub(super) fn of(answer: &Answer, prompt: u64) -> Self {
        let reasoning = answer.reasoning.as_deref().map_or(0, tokens);
        let text = [&answer.text, &answer.refusal]
            .into_iter()
            .flatten()
            .map(|t| tokens(t));
        let calls = answer
            .tool_calls
            .iter()
            .map(|c| tokens(&c.name) + tokens(&c.arguments));
        Self {
            prompt,
            cached: answer.cached_tokens.min(prompt),
            completion: reasoning + text.chain(calls).sum::<u64>(),
            reasoning,
        }
    }

    pub(super) fn total(self) -> u64 {
        self.prompt + self.completion
    }

    fn json(self) -> String {
        let Self {
            prompt,
            cached,
            completion,
            reasoning,
        } = self;
        format!(
            r#"{{"completion_tokens":{completion},"completion_tokens_details":{{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":{reasoning},"rejected_prediction_tokens":0}},"prompt_tokens":{prompt},"prompt_tokens_details":{{"audio_tokens":0,"cached_tokens":{cached}}},"total_tokens":{}}}"#,
            self.total(),
        )
    }
}

/// The prompt filter's chunk, the first of every stream.
pub(super) fn prompt_filter_chunk() -> String {
    format!(
        r#"data: {{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":{PROMPT_FILTER}}}{}"#,
        "\n\n",
    )
}

/// One choice of a whole answer.
pub(super) fn choice(answer: &Answer, index: u64, dice: &mut Dice) -> String {
    let calls: Vec<String> = answer
        .tool_calls
        .iter()
        .map(|call| {
            let (arguments, name) = (quoted(&call.arguments), quoted(&call.name));
            let id = dice.id("call_", 24);
            format!(r#"{{"function":{{"arguments":{arguments},"name":{name}}},"id":"{id}","type":"function"}}"#)
        })
        .collect();
    let calls = if calls.is_empty() {
        String::new()
    } else {
        format!(r#","tool_calls":[{}]"#, calls.join(","))
    };
    let (content, refusal) = (
        optional(answer.text.as_deref()),
        optional(answer.refusal.as_deref()),
    );
    let filter = filter_of(answer);
    let finish = finish(answer);
    format!(
        r#"{{"content_filter_results":{filter},"finish_reason":"{finish}","index":{index},"logprobs":null,"message":{{"annotations":[],"content":{content},"refusal":{refusal},"role":"assistant"{calls}}}}}"#
    )
}

/// One choice of a chunk.
pub(super) fn delta(index: u64, delta: &str, filter: &str, finish: Option<&str>) -> String {
    let finish = optional(finish);
    format!(
        r#"{{"content_filter_results":{filter},"delta":{delta},"finish_reason":{finish},"index":{index},"logprobs":null}}"#
    )
}

/// The word for why an answer ends.
pub(super) fn finish(answer: &Answer) -> &'static str {
    match answer.finish {
        Finish::Length => "length",
        Finish::Filtered => "content_filter",
        Finish::Natural if answer.tool_calls.is_empty() => "stop",
        Finish::Natural => "tool_calls",
    }
}

/// A JSON string.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn optional(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), quoted)
}

/// The filter looks at text only: an answer without any has nothing to say.
fn filter_of(answer: &Answer) -> &'static str {
    match (answer.finish, &answer.text) {
        (Finish::Filtered, _) => CUT_OFF,
        (_, Some(_)) => CLEAN,
        (_, None) => "{}",
    }
}
