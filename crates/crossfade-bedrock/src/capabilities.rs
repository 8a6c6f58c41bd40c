//! What a model takes, read from a table: the facts are data (`capabilities.toml`), and no model is named in code.
//! Not a registry of models: an id that no row covers gets the careful defaults.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::compatible::{Compatible, CompatibleOverrides};

/// How a JSON schema for the answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Structured {
    /// By the request's output format.
    Native,
    /// By a tool that must be called.
    Tool,
}

/// Tool choices beyond `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// None.
    None,
    /// Some tool must be called.
    Any,
    /// Some tool, or one by name.
    All,
}

/// Which sampling parameters are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Both, together too.
    Both,
    /// Either; beside each other they are refused.
    One,
    /// Neither.
    None,
}

/// Which stop sequences are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// Any text.
    Any,
    /// Text with something visible in it.
    Visible,
    /// None.
    None,
}

/// How reasoning effort is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reasoning {
    /// It cannot be.
    None,
    /// A budget of thinking tokens.
    Budget,
    /// Adaptive thinking and the output's effort.
    Adaptive,
    /// `reasoning_effort`: low, medium or high.
    Effort,
    /// `reasoning: {effort}`.
    Nested,
    /// `reasoningConfig` with a maximum effort.
    Nova,
    /// `reasoning_config` as a word.
    Word,
}

/// What one model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of a table's columns"
)]
pub struct Capabilities {
    /// How a schema for the answer is asked for.
    pub structured: Structured,
    /// A tool's `strict` is taken.
    pub strict: bool,
    /// Tool choices beyond `auto`.
    pub choice: Choice,
    /// The conversation may end with the assistant.
    pub prefill: bool,
    /// Sampling parameters.
    pub sampling: Sampling,
    /// Stop sequences.
    pub stop: Stop,
    /// The least `max_tokens`.
    pub token_floor: u32,
    /// How effort is asked for.
    pub reasoning: Reasoning,
    /// It answers as a stream.
    pub streams: bool,
    /// The first turn must be the user's.
    pub leading_user: bool,
    /// Tool results must be alone in their turn.
    pub result_alone: bool,
    /// Tool results must be JSON.
    pub result_json: bool,
    /// Parallel tool calls can be switched off.
    pub parallel_switch: bool,
    /// It takes pictures.
    pub images: bool,
    /// What it takes on the OpenAI-compatible endpoints.
    pub compatible: Compatible,
}

/// Capabilities as a row or a route's settings state them: what is left out is inherited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overrides {
    /// See [`Capabilities::structured`].
    pub structured: Option<Structured>,
    /// See [`Capabilities::strict`].
    pub strict: Option<bool>,
    /// See [`Capabilities::choice`].
    pub choice: Option<Choice>,
    /// See [`Capabilities::prefill`].
    pub prefill: Option<bool>,
    /// See [`Capabilities::sampling`].
    pub sampling: Option<Sampling>,
    /// See [`Capabilities::stop`].
    pub stop: Option<Stop>,
    /// See [`Capabilities::token_floor`].
    pub token_floor: Option<u32>,
    /// See [`Capabilities::reasoning`].
    pub reasoning: Option<Reasoning>,
    /// See [`Capabilities::streams`].
    pub streams: Option<bool>,
    /// See [`Capabilities::leading_user`].
    pub leading_user: Option<bool>,
    /// See [`Capabilities::result_alone`].
    pub result_alone: Option<bool>,
    /// See [`Capabilities::result_json`].
    pub result_json: Option<bool>,
    /// See [`Capabilities::parallel_switch`].
    pub parallel_switch: Option<bool>,
    /// See [`Capabilities::images`].
    pub images: Option<bool>,
    /// See [`Capabilities::compatible`]; inherited member by member.
    pub compatible: CompatibleOverrides,
}

/// The careful choice, should the table have no `[default]`: everything a model may refuse is left out.
const CAREFUL: Capabilities = Capabilities {
    structured: Structured::Tool,
    strict: false,
    choice: Choice::None,
    prefill: false,
    sampling: Sampling::Both,
    stop: Stop::Any,
    token_floor: 1,
    reasoning: Reasoning::None,
    streams: true,
    leading_user: true,
    result_alone: true,
    result_json: false,
    parallel_switch: false,
    images: false,
    compatible: Compatible::CAREFUL,
};

/// The table as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    default: Overrides,
    model: Vec<Row>,
    family: std::collections::BTreeMap<String, Overrides>,
}

#[derive(Debug, Deserialize)]
struct Row {
    pattern: String,
    like: Option<String>,
    #[serde(flatten)]
    overrides: Overrides,
}

static TABLE: LazyLock<Table> =
    LazyLock::new(|| toml::from_str(include_str!("capabilities.toml")).unwrap_or_default());

// === impl Capabilities ===

impl Capabilities {
    /// What the model of this id takes. The id may be a base model's, an inference profile's (with a region prefix) or
    /// an ARN that ends in one; the name behind an application profile's ARN is not visible, so routes state it.
    pub fn of(model: &str) -> Self {
        let mut capabilities = CAREFUL.with(&TABLE.default);
        let id = bare_id(model);
        if let Some(row) = TABLE.model.iter().find(|row| id.contains(&row.pattern)) {
            if let Some(family) = row.like.as_ref().and_then(|name| TABLE.family.get(name)) {
                capabilities = capabilities.with(family);
            }
            capabilities = capabilities.with(&row.overrides);
        }
        capabilities
    }

    /// Whether a row of the table covers this id.
    pub fn known(model: &str) -> bool {
        let id = bare_id(model);
        TABLE.model.iter().any(|row| id.contains(&row.pattern))
    }

    /// These, with what is stated in their place.
    #[must_use]
    pub fn with(self, stated: &Overrides) -> Self {
        Self {
            structured: stated.structured.unwrap_or(self.structured),
            strict: stated.strict.unwrap_or(self.strict),
            choice: stated.choice.unwrap_or(self.choice),
            prefill: stated.prefill.unwrap_or(self.prefill),
            sampling: stated.sampling.unwrap_or(self.sampling),
            stop: stated.stop.unwrap_or(self.stop),
            token_floor: stated.token_floor.unwrap_or(self.token_floor),
            reasoning: stated.reasoning.unwrap_or(self.reasoning),
            streams: stated.streams.unwrap_or(self.streams),
            leading_user: stated.leading_user.unwrap_or(self.leading_user),
            result_alone: stated.result_alone.unwrap_or(self.result_alone),
            result_json: stated.result_json.unwrap_or(self.result_json),
            parallel_switch: stated.parallel_switch.unwrap_or(self.parallel_switch),
            images: stated.images.unwrap_or(self.images),
            compatible: self.compatible.with(&stated.compatible),
        }
    }
}

/// The id without an ARN or a region prefix around it: everything after the last `/`.
fn bare_id(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_parses_and_every_family_exists() {
        let table: Table = toml::from_str(include_str!("capabilities.toml")).unwrap();
        for row in &table.model {
            if let Some(family) = &row.like {
                assert!(
                    table.family.contains_key(family),
                    "{family} of {}",
                    row.pattern
                );
            }
        }
        for (earlier, row) in table.model.iter().enumerate() {
            let hidden = table
                .model
                .iter()
                .take(earlier)
                .find(|e| row.pattern.contains(&e.pattern));
            assert!(
                hidden.is_none(),
                "{} can never be reached: {hidden:?}",
                row.pattern
            );
        }
    }

    #[test]
    fn ids_find_their_row_through_prefixes_and_arns() {
        let check = |id: &str, native: bool, images: bool| {
            let found = Capabilities::of(id);
            assert_eq!(
                (found.structured == Structured::Native, found.images),
                (native, images),
                "{id}"
            );
        };
        check("anthropic.claude-3-haiku-20240307-v1:0", false, true);
        check("us.anthropic.claude-haiku-4-5-20251001-v1:0", true, true);
        check("global.anthropic.claude-sonnet-4-6", true, true);
        check(
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0",
            false,
            true,
        );
        check(
            "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-micro-v1:0",
            false,
            false,
        );
        check(
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123",
            false,
            false,
        );
        assert!(!Capabilities::known("acme.rocket-1"));
        assert_eq!(Capabilities::of("acme.rocket-1"), CAREFUL);
    }

    #[test]
    fn facts_that_once_cost_a_refusal() {
        let of = Capabilities::of;
        assert_eq!(
            of("anthropic.claude-opus-4-8-v1:0").sampling,
            Sampling::None,
            "bug 42"
        );
        assert_eq!(
            of("anthropic.claude-sonnet-4-5-v1:0").sampling,
            Sampling::One,
            "bug 41"
        );
        assert!(!of("anthropic.claude-opus-4-7-v1:0").strict, "bug 47");
        assert!(!of("anthropic.claude-opus-4-6-v1:0").prefill, "edge 6");
        assert_eq!(of("openai.gpt-5.6-sol").token_floor, 16, "edge 33");
        assert_eq!(of("openai.gpt-5.6-sol").stop, Stop::None, "edge 35");
        assert_eq!(of("mistral.mistral-large-2407-v1:0").choice, Choice::Any);
        assert!(
            of("us.meta.llama3-3-70b-instruct-v1:0").result_alone,
            "edge 3"
        );
    }

    #[test]
    fn what_a_route_states_wins() {
        let stated: Overrides = toml::from_str("streams = false\ntoken_floor = 4").unwrap();
        let capabilities = Capabilities::of("amazon.nova-lite-v1:0").with(&stated);
        assert!(!capabilities.streams);
        assert_eq!(capabilities.token_floor, 4);
        assert!(toml::from_str::<Overrides>("stream = false").is_err());
    }
}
