//! What a model takes on the OpenAI-compatible endpoints beyond the wire's own rules: one nested column of the
//! capability table. Facts come from the provider's pages and recorded refusals; none is tied to a model here.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Before the operation in the path. The wrong one is refused by the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prefix {
    /// `/openai/v1`.
    #[serde(rename = "/openai/v1")]
    OpenaiV1,
    /// `/v1`.
    #[serde(rename = "/v1")]
    V1,
}

/// How much to reason, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// Not at all.
    None,
    /// As little as can be.
    Minimal,
    /// Little.
    Low,
    /// The usual.
    Medium,
    /// Much.
    High,
    /// More.
    Xhigh,
    /// The most.
    Max,
}

/// The efforts a model takes, as a set; written as a list of words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Efforts([bool; Effort::ALL.len()]);

/// What one model takes on the OpenAI-compatible endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of a table's columns"
)]
pub struct Compatible {
    /// The path's prefix on the surface that has more than one.
    pub mantle_prefix: Prefix,
    /// `max_tokens` is refused: only `max_completion_tokens` is taken.
    pub completion_limit: bool,
    /// Tools are taken while it reasons.
    pub tools_while_reasoning: bool,
    /// Sampling parameters and log-probabilities are taken while it reasons.
    pub sampling_while_reasoning: bool,
    /// The effort where a request states none.
    pub default_effort: Effort,
    /// The efforts it takes; none: the parameter itself is not taken.
    pub efforts: Efforts,
    /// Log-probabilities are given.
    pub logprobs: bool,
    /// `logit_bias` is taken.
    pub logit_bias: bool,
    /// The answer's format is enforced, not merely accepted.
    pub enforces_format: bool,
    /// Reasoning stands within the text of chat answers, between tags.
    pub inline_reasoning: bool,
}

/// As a row or a route states it: what is left out is inherited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompatibleOverrides {
    /// See [`Compatible::mantle_prefix`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mantle_prefix: Option<Prefix>,
    /// See [`Compatible::completion_limit`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_limit: Option<bool>,
    /// See [`Compatible::tools_while_reasoning`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools_while_reasoning: Option<bool>,
    /// See [`Compatible::sampling_while_reasoning`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling_while_reasoning: Option<bool>,
    /// See [`Compatible::default_effort`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_effort: Option<Effort>,
    /// See [`Compatible::efforts`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub efforts: Option<Efforts>,
    /// See [`Compatible::logprobs`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// See [`Compatible::logit_bias`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logit_bias: Option<bool>,
    /// See [`Compatible::enforces_format`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforces_format: Option<bool>,
    /// See [`Compatible::inline_reasoning`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inline_reasoning: Option<bool>,
}

// === impl Prefix ===

impl Prefix {
    /// The path.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenaiV1 => "/openai/v1",
            Self::V1 => "/v1",
        }
    }
}

// === impl Effort ===

impl Effort {
    /// All of them, from least to most.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Minimal,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Xhigh,
        Self::Max,
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// By the word on the wire.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.as_str() == word)
    }
}

// === impl Efforts ===

impl Efforts {
    /// These.
    pub const fn of(taken: [bool; Effort::ALL.len()]) -> Self {
        Self(taken)
    }

    /// Whether it is taken.
    pub fn has(self, effort: Effort) -> bool {
        self.iter().any(|taken| taken == effort)
    }

    /// Whether none is.
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }

    /// What is taken in its place: itself, else the next that is more, else the next that is less. That nothing should
    /// be thought is kept apart from thinking a little: `none` gives way only if nothing else is left.
    pub fn nearest(self, effort: Effort) -> Option<Effort> {
        let more = self.iter().find(|taken| *taken >= effort);
        let less = self.iter().filter(|taken| *taken != Effort::None).last();
        more.or(less).or_else(|| self.iter().next())
    }

    fn iter(self) -> impl Iterator<Item = Effort> {
        Effort::ALL
            .into_iter()
            .zip(self.0)
            .filter_map(|(effort, taken)| taken.then_some(effort))
    }
}

impl Serialize for Efforts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Efforts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<Effort>::deserialize(deserializer)?;
        Ok(Self(Effort::ALL.map(|effort| words.contains(&effort))))
    }
}

// === impl Compatible ===

impl Compatible {
    /// The careful choice for a model that no row describes: what some model refuses is not sent.
    pub const CAREFUL: Self = Self {
        mantle_prefix: Prefix::V1,
        completion_limit: false,
        tools_while_reasoning: true,
        sampling_while_reasoning: true,
        default_effort: Effort::None,
        efforts: Efforts::of([false; Effort::ALL.len()]),
        logprobs: false,
        logit_bias: false,
        enforces_format: true,
        inline_reasoning: false,
    };

    /// These, with what is stated in their place.
    #[must_use]
    pub fn with(self, stated: &CompatibleOverrides) -> Self {
        Self {
            mantle_prefix: stated.mantle_prefix.unwrap_or(self.mantle_prefix),
            completion_limit: stated.completion_limit.unwrap_or(self.completion_limit),
            tools_while_reasoning: stated
                .tools_while_reasoning
                .unwrap_or(self.tools_while_reasoning),
            sampling_while_reasoning: stated
                .sampling_while_reasoning
                .unwrap_or(self.sampling_while_reasoning),
            default_effort: stated.default_effort.unwrap_or(self.default_effort),
            efforts: stated.efforts.unwrap_or(self.efforts),
            logprobs: stated.logprobs.unwrap_or(self.logprobs),
            logit_bias: stated.logit_bias.unwrap_or(self.logit_bias),
            enforces_format: stated.enforces_format.unwrap_or(self.enforces_format),
            inline_reasoning: stated.inline_reasoning.unwrap_or(self.inline_reasoning),
        }
    }
}

// === impl CompatibleOverrides ===

impl CompatibleOverrides {
    /// These, where `stated` says nothing.
    #[must_use]
    pub fn under(self, stated: Self) -> Self {
        Self {
            mantle_prefix: stated.mantle_prefix.or(self.mantle_prefix),
            completion_limit: stated.completion_limit.or(self.completion_limit),
            tools_while_reasoning: stated.tools_while_reasoning.or(self.tools_while_reasoning),
            sampling_while_reasoning: stated
                .sampling_while_reasoning
                .or(self.sampling_while_reasoning),
            default_effort: stated.default_effort.or(self.default_effort),
            efforts: stated.efforts.or(self.efforts),
            logprobs: stated.logprobs.or(self.logprobs),
            logit_bias: stated.logit_bias.or(self.logit_bias),
            enforces_format: stated.enforces_format.or(self.enforces_format),
            inline_reasoning: stated.inline_reasoning.or(self.inline_reasoning),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effort_that_is_not_taken_gives_way_to_the_nearest_bug_52() {
        let check = |taken: &str, asked: &str, expected: Option<&str>| {
            let efforts: Efforts = serde_json::from_str(taken).unwrap();
            let found = efforts.nearest(Effort::of(asked).unwrap());
            assert_eq!(found.map(Effort::as_str), expected, "{asked} of {taken}");
        };
        let oss = r#"["low","medium","high"]"#;
        check(oss, "medium", Some("medium"));
        check(oss, "minimal", Some("low"));
        check(oss, "none", Some("low"));
        check(oss, "max", Some("high"));
        let newer = r#"["none","low","medium","high","xhigh"]"#;
        check(newer, "none", Some("none"));
        check(newer, "minimal", Some("low"));
        check(newer, "max", Some("xhigh"));
        check(r#"["none"]"#, "high", Some("none"));
        check("[]", "high", None);
    }

    #[test]
    fn words_and_sets_read_as_they_are_written() {
        for effort in Effort::ALL {
            assert_eq!(Effort::of(effort.as_str()), Some(effort));
        }
        assert_eq!(Effort::of("lots"), None);
        let text = r#"["low","max"]"#;
        let efforts: Efforts = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&efforts).unwrap(), text);
        assert!(efforts.has(Effort::Max) && !efforts.has(Effort::None));
        assert!(serde_json::from_str::<Efforts>(r#"["some"]"#).is_err());
    }

    #[test]
    fn what_is_stated_wins_and_the_rest_is_inherited() {
        let stated: CompatibleOverrides =
            toml::from_str("mantle_prefix = '/openai/v1'\nlogit_bias = true").unwrap();
        let found = Compatible::CAREFUL.with(&stated);
        assert!(found.logit_bias && found.mantle_prefix == Prefix::OpenaiV1 && !found.logprobs);
        let base: CompatibleOverrides =
            toml::from_str("logprobs = true\nlogit_bias = false").unwrap();
        let both = base.under(stated);
        assert_eq!((both.logprobs, both.logit_bias), (Some(true), Some(true)));
        // One answer is given, whatever the target could give.
        for unknown in ["prefix = '/v1'", "choices = true"] {
            assert!(toml::from_str::<CompatibleOverrides>(unknown).is_err());
        }
    }
}
