//! The bytes of a chat completion, whole and in chunks: keys in alphabetical order, compact, with the content filter's fields.
//!
//! Written out by hand rather than by a serialiser, because the order of keys is part of what a client may see.

use serde_json::Value;

use super::{AzureOptions, dice::Dice};
use crate::{
    openai::{chat::Form, tokens},
    script::{Answer, Finish, ToolCall},
};

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

/// An answer, and the form in which each of its calls is made.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) answer: Answer,
    pub(super) forms: Vec<Form>,
    /// A word for why it ends that is in no vocabulary.
    pub(super) finish: Option<String>,
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

impl Said {
    /// Whether the one call is made in the old form.
    fn is_legacy(&self) -> bool {
        self.forms.contains(&Form::Legacy)
    }

    /// The word for why it ends.
    pub(super) fn finish(&self) -> &str {
        if let Some(word) = &self.finish {
            return word;
        }
        match self.answer.finish {
            Finish::Length => "length",
            Finish::Filtered => "content_filter",
            Finish::Natural if self.answer.tool_calls.is_empty() => "stop",
            Finish::Natural if self.is_legacy() => "function_call",
            Finish::Natural => "tool_calls",
        }
    }
}

/// The prompt filter's chunk, the first of every stream.
pub(super) fn prompt_filter_chunk() -> String {
    format!(
        r#"data: {{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":{PROMPT_FILTER}}}{}"#,
        "\n\n",
    )
}

/// The event that tells of an error in the middle of a stream.
pub(super) fn error_chunk() -> String {
    let message = "The server had an error while processing your request. Sorry about that!";
    format!(
        r#"data: {{"error":{{"code":null,"message":{},"param":null,"type":"server_error"}}}}{}"#,
        quoted(message),
        "\n\n",
    )
}

/// One choice of a whole answer.
pub(super) fn choice(said: &Said, index: u64, dice: &mut Dice) -> String {
    let answer = &said.answer;
    let calls = answer.tool_calls.iter().zip(&said.forms);
    let calls: Vec<String> = calls
        .map(|(call, form)| whole_call(call, *form, dice))
        .collect();
    let calls = match (calls.is_empty(), said.is_legacy()) {
        (true, _) => String::new(),
        (false, true) => format!(r#","function_call":{}"#, calls.concat()),
        (false, false) => format!(r#","tool_calls":[{}]"#, calls.join(",")),
    };
    let (content, refusal) = (
        optional(answer.text.as_deref()),
        optional(answer.refusal.as_deref()),
    );
    let filter = filter_of(answer);
    let finish = quoted(said.finish());
    // Alphabetical: the old form's member comes before `refusal`.
    let (before, after) = if said.is_legacy() {
        (calls, String::new())
    } else {
        (String::new(), calls)
    };
    format!(
        r#"{{"content_filter_results":{filter},"finish_reason":{finish},"index":{index},"logprobs":null,"message":{{"annotations":[],"content":{content}{before},"refusal":{refusal},"role":"assistant"{after}}}}}"#
    )
}

fn whole_call(call: &ToolCall, form: Form, dice: &mut Dice) -> String {
    let (arguments, name) = (quoted(&call.arguments), quoted(&call.name));
    match form {
        Form::Legacy => format!(r#"{{"arguments":{arguments},"name":{name}}}"#),
        Form::Function => {
            let id = dice.id("call_", 24);
            format!(
                r#"{{"function":{{"arguments":{arguments},"name":{name}}},"id":"{id}","type":"function"}}"#
            )
        }
        Form::Custom => {
            let id = dice.id("call_", 24);
            format!(
                r#"{{"custom":{{"input":{arguments},"name":{name}}},"id":"{id}","type":"custom"}}"#
            )
        }
    }
}

/// The members of a delta that begins a call.
pub(super) fn call_begun(call: &ToolCall, form: Form, position: usize, dice: &mut Dice) -> String {
    let name = quoted(&call.name);
    let (kind, input) = match form {
        Form::Legacy => return format!(r#""function_call":{{"arguments":"","name":{name}}}"#),
        Form::Function => ("function", "arguments"),
        Form::Custom => ("custom", "input"),
    };
    let id = dice.id("call_", 24);
    format!(
        r#""tool_calls":[{{"{kind}":{{"{input}":"","name":{name}}},"id":"{id}","index":{position},"type":"{kind}"}}]"#
    )
}

/// A delta with a piece of a call's input.
pub(super) fn call_piece(piece: &str, form: Form, position: usize) -> String {
    let piece = quoted(piece);
    let (kind, input) = match form {
        Form::Legacy => return format!(r#"{{"function_call":{{"arguments":{piece}}}}}"#),
        Form::Function => ("function", "arguments"),
        Form::Custom => ("custom", "input"),
    };
    format!(r#"{{"tool_calls":[{{"{kind}":{{"{input}":{piece}}},"index":{position}}}]}}"#)
}

/// One choice of a chunk.
pub(super) fn delta(index: u64, delta: &str, filter: &str, finish: Option<&str>) -> String {
    let finish = optional(finish);
    format!(
        r#"{{"content_filter_results":{filter},"delta":{delta},"finish_reason":{finish},"index":{index},"logprobs":null}}"#
    )
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
