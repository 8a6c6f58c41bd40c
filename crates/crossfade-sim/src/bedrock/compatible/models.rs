//! What each family of models takes and gives on the OpenAI-compatible endpoints: data, and how a row is found.
//!
//! The first row whose beginning fits the bare id holds.

use super::Surface;

/// A family of models.
#[expect(
    clippy::struct_excessive_bools,
    reason = "a row of a table: what a model takes, column by column"
)]
#[derive(Debug)]
pub(super) struct Row {
    /// How the bare id begins.
    begins: &'static str,
    /// The path prefix on mantle.
    pub(super) prefix: Prefix,
    /// Where chat completions are spoken.
    pub(super) chat: Spoken,
    /// Where responses are spoken.
    pub(super) responses: Spoken,
    /// How thoughts are shown, if it thinks.
    pub(super) thoughts: Thoughts,
    /// The efforts that can be asked for.
    pub(super) efforts: &'static [&'static str],
    /// Whether tools can be called while it thinks, in chat completions.
    pub(super) tools_while_thinking: bool,
    /// Parameters that are never taken.
    pub(super) refused: &'static [&'static str],
    /// Parameters that are not taken while it thinks.
    pub(super) refused_while_thinking: &'static [&'static str],
    /// Whether only `max_completion_tokens` sets the limit.
    pub(super) new_limit_only: bool,
    /// The least limit.
    pub(super) least_tokens: u64,
    /// Whether pictures are taken.
    pub(super) images: bool,
    /// Whether custom tools are taken.
    pub(super) custom_tools: bool,
    /// Whether ids of calls are their position in the answer, and begin anew in each.
    pub(super) positional_ids: bool,
}

/// The path prefix of a model on mantle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    /// `/v1`
    Plain,
    /// `/openai/v1`
    OpenAi,
}

/// Where an API is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    Nowhere,
    Runtime,
    Everywhere,
}

/// How thoughts are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thoughts {
    /// It does not think.
    None,
    /// It thinks, and only counts the tokens.
    Hidden,
    /// In the text on the runtime, in a member of their own on mantle.
    Open,
}

const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];
const SAMPLING: &[&str] = &[
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
];

/// A model that refuses nothing of its own, on `/v1`.
const OPEN: Row = Row {
    begins: "",
    prefix: Prefix::Plain,
    chat: Spoken::Everywhere,
    responses: Spoken::Nowhere,
    thoughts: Thoughts::None,
    efforts: EFFORTS,
    tools_while_thinking: true,
    refused: &[],
    refused_while_thinking: &[],
    new_limit_only: false,
    least_tokens: 1,
    images: true,
    custom_tools: false,
    positional_ids: true,
};

/// A closed model of OpenAI's.
const GPT: Row = Row {
    begins: "openai.gpt-",
    prefix: Prefix::OpenAi,
    chat: Spoken::Runtime,
    responses: Spoken::Everywhere,
    thoughts: Thoughts::Hidden,
    refused: &["stop"],
    refused_while_thinking: SAMPLING,
    new_limit_only: true,
    least_tokens: 16,
    custom_tools: true,
    positional_ids: false,
    ..OPEN
};

static TABLE: &[Row] = &[
    Row {
        begins: "openai.gpt-oss",
        responses: Spoken::Everywhere,
        thoughts: Thoughts::Open,
        efforts: &["low", "medium", "high"],
        refused: &["logit_bias"],
        images: false,
        ..OPEN
    },
    Row {
        begins: "openai.gpt-5.4",
        chat: Spoken::Nowhere,
        refused: &[],
        ..GPT
    },
    Row {
        begins: "openai.gpt-5.5",
        chat: Spoken::Nowhere,
        refused: &[],
        ..GPT
    },
    Row {
        begins: "openai.gpt-5.6",
        tools_while_thinking: false,
        ..GPT
    },
    Row {
        begins: "openai.gpt-6",
        efforts: &["none", "low", "medium", "high", "xhigh", "max"],
        ..GPT
    },
    GPT,
    Row {
        begins: "xai.grok",
        chat: Spoken::Runtime,
        responses: Spoken::Everywhere,
        refused: &[
            "stop",
            "temperature",
            "top_p",
            "presence_penalty",
            "frequency_penalty",
        ],
        least_tokens: 16,
        ..OPEN
    },
    Row {
        begins: "moonshotai.kimi",
        least_tokens: 16,
        ..OPEN
    },
    Row {
        begins: "google.gemma-4",
        prefix: Prefix::OpenAi,
        ..OPEN
    },
    OPEN,
];

const SCOPES: &[&str] = &[
    "us.", "eu.", "apac.", "jp.", "au.", "ca.", "us-gov.", "global.",
];

/// The row of a model that this surface knows by this id; `None` if its ids have another form.
pub(super) fn find(id: &str, surface: Surface) -> Option<&'static Row> {
    let scoped = SCOPES.iter().find_map(|scope| id.strip_prefix(scope));
    let named = id
        .strip_prefix("arn:")
        .and_then(|arn| arn.rsplit('/').next());
    let bare = scoped.or(named).unwrap_or(id);
    let versioned = bare.contains(':');
    let fits = match surface {
        Surface::Mantle => scoped.is_none() && named.is_none() && !versioned,
        Surface::Runtime => scoped.is_some() || named.is_some() || versioned,
    };
    if !fits || !bare.contains('.') && named.is_none() {
        return None;
    }
    TABLE.iter().find(|row| bare.starts_with(row.begins))
}

// === impl Row ===

impl Row {
    /// Whether it thinks when asked with this effort; without one it thinks a little.
    pub(super) fn thinks(&self, effort: Option<&str>) -> bool {
        self.thoughts != Thoughts::None && effort != Some("none")
    }
}

// === impl Spoken ===

impl Spoken {
    /// Whether it is spoken on a surface.
    pub(super) fn on(self, surface: Surface) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Runtime => surface == Surface::Runtime,
            Self::Everywhere => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_a_form_on_each_surface() {
        let check = |id: &str, surface, begins: Option<&str>| {
            assert_eq!(find(id, surface).map(|row| row.begins), begins, "{id}");
        };
        let (runtime, mantle) = (Surface::Runtime, Surface::Mantle);
        check("openai.gpt-oss-120b", mantle, Some("openai.gpt-oss"));
        check("openai.gpt-oss-120b", runtime, None);
        check("openai.gpt-oss-120b-1:0", runtime, Some("openai.gpt-oss"));
        check("openai.gpt-oss-120b-1:0", mantle, None);
        check("us.openai.gpt-5.6-terra", runtime, Some("openai.gpt-5.6"));
        check("us.openai.gpt-5.6-terra", mantle, None);
        check("openai.gpt-6.1-sol", mantle, Some("openai.gpt-6"));
        check("global.openai.gpt-5.5", runtime, Some("openai.gpt-5.5"));
        check("google.gemma-4-27b", mantle, Some("google.gemma-4"));
        check("mistral.mistral-large-3-675b-instruct", mantle, Some(""));
        check("nonsense", mantle, None);
        let arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc";
        check(arn, runtime, Some(""));
        check(arn, mantle, None);
    }
}
