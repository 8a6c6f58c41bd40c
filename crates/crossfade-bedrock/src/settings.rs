//! One route's candidate, as the configuration states it.

mod policies;

use crossfade_exchange::LossPolicies;
use serde::{Deserialize, Serialize};

pub use policies::{
    GuardrailSettings, GuardrailTrace, LateSystem, Misconduct, Penalties, Store, StreamMode,
    TemperatureScale,
};

use crate::{
    capabilities::{Capabilities, Overrides},
    fetch::FetchSettings,
    responses::Sealer,
};

/// The API of the provider that is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Api {
    /// One form for every model.
    #[default]
    Converse,
    /// Chat completions on the OpenAI-compatible endpoints.
    OpenaiChat,
    /// Responses on the OpenAI-compatible endpoints.
    OpenaiResponses,
    /// The model's own form; for embeddings.
    Invoke,
}

/// Which of the provider's hosts an OpenAI-compatible endpoint is asked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// The host that serves every model, which keeps no state.
    #[default]
    Runtime,
    /// The host of OpenAI-compatible endpoints alone, which can keep state.
    Mantle,
}

/// Changes of prompt and parameters that only the candidate sees. Each is a loss.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adapt {
    /// Text after the caller's own instructions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_append: Option<String>,
    /// Used instead of the caller's temperature, 0..=1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
}

/// What content-filter members an answer carries, as no filter of the primary's looked at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Annotations {
    /// The primary's own member for "the filter did not run".
    #[default]
    NotRun,
    /// None.
    Absent,
}

/// One route's candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandidateSettings {
    /// The model's id, an inference profile's id, or an ARN of either.
    pub model: String,
    /// The API that is asked.
    #[serde(default)]
    pub api: Api,
    /// Where an OpenAI-compatible endpoint is asked.
    #[serde(default)]
    pub surface: Surface,
    /// The path before the operation, where the table has it wrong: `/openai/v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
    /// The id whose capabilities hold, where `model` does not show it (an application profile's ARN).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_model: Option<String>,
    /// Changes for the candidate only.
    #[serde(default)]
    pub adapt: Adapt,
    /// The token limit of a request that states none; else the model's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_max_tokens: Option<u32>,
    /// Ask for a stream even if the caller did not, so that silence can be told from work.
    #[serde(default = "yes")]
    pub stream_always: bool,
    /// Content-filter members of answers.
    #[serde(default)]
    pub annotations: Annotations,
    /// The `model` that answers show until the primary's own is known; else the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_model: Option<String>,
    /// Fetch pictures and files that requests name by URL, and send them inline; absent: such requests are the primary's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<FetchSettings>,
    /// Capabilities that the built-in table has wrong or does not know.
    #[serde(default)]
    pub capabilities: Overrides,
    /// What is done with a request whose translation loses something.
    #[serde(default)]
    pub losses: LossPolicies,
    /// Where a system message goes that does not stand at the front.
    #[serde(default)]
    pub late_system: LateSystem,
    /// How a temperature over 1 is brought into the target's range.
    #[serde(default)]
    pub temperature_scale: TemperatureScale,
    /// What is done with penalties and biases, which have no counterpart.
    #[serde(default)]
    pub penalties: Penalties,
    /// The guardrail that looks at requests and answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardrail: Option<GuardrailSettings>,
    /// Who keeps the responses that a caller leaves to the provider to keep.
    #[serde(default)]
    pub store: Store,
    /// The vectors that callers compare with were made anew with this model, so that it may answer for embeddings.
    #[serde(default)]
    pub index_rebuilt: bool,
    /// Marks and seals the ids that the candidate makes. Not of the configuration: it comes from the installation's own
    /// key. Without it ids bear no mark, and state of the candidate's is not known again.
    #[serde(skip)]
    pub sealer: Option<Sealer>,
}

fn yes() -> bool {
    true
}

// === impl CandidateSettings ===

impl CandidateSettings {
    /// A candidate with everything else at its default.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            api: Api::default(),
            surface: Surface::default(),
            path_prefix: None,
            base_model: None,
            adapt: Adapt::default(),
            default_max_tokens: None,
            stream_always: true,
            annotations: Annotations::default(),
            answer_model: None,
            fetch: None,
            capabilities: Overrides::default(),
            losses: LossPolicies::default(),
            late_system: LateSystem::default(),
            temperature_scale: TemperatureScale::default(),
            penalties: Penalties::default(),
            guardrail: None,
            store: Store::default(),
            index_rebuilt: false,
            sealer: None,
        }
    }

    /// What the model takes: the built-in table, with what these settings state in its place.
    pub fn resolved_capabilities(&self) -> Capabilities {
        let id = self.base_model.as_deref().unwrap_or(&self.model);
        Capabilities::of(id).with(&self.capabilities)
    }

    /// Whether the built-in table knows the model; if not, its careful defaults hold.
    pub fn is_known_model(&self) -> bool {
        Capabilities::known(self.base_model.as_deref().unwrap_or(&self.model))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_states_little_and_unknown_keys_are_errors() {
        let settings: CandidateSettings = toml::from_str("model = 'm'\napi = 'converse'").unwrap();
        assert_eq!(settings, CandidateSettings::new("m"));
        for wrong in [
            "model = 'm'\nmodell = 'x'",
            "api = 'converse'",
            "model = 'm'\napi = 'other'",
        ] {
            assert!(
                toml::from_str::<CandidateSettings>(wrong).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn policies_read_as_words() {
        let settings: CandidateSettings = toml::from_str(
            "model = 'm'\nlosses = { default = 'allow', stop_dropped = 'mirror-only' }\nlate_system = 'in_place'\n\
             temperature_scale = 'halve'\npenalties = 'drop'\nstore = 'unstored'\nindex_rebuilt = true\n\
             guardrail = { id = 'gr-1', version = 'DRAFT', trace = 'full', stream_mode = 'async' }",
        )
        .unwrap();
        let guardrail = GuardrailSettings {
            id: "gr-1".to_owned(),
            version: "DRAFT".to_owned(),
            trace: GuardrailTrace::Full,
            stream_mode: StreamMode::Async,
            misconduct: Misconduct::default(),
        };
        assert_eq!(settings.guardrail, Some(guardrail));
        let words = (
            settings.late_system,
            settings.temperature_scale,
            settings.penalties,
        );
        assert_eq!(
            words,
            (
                LateSystem::InPlace,
                TemperatureScale::Halve,
                Penalties::Drop
            )
        );
        assert_eq!(
            (settings.store, settings.index_rebuilt),
            (Store::Unstored, true)
        );
        assert!(
            toml::from_str::<GuardrailSettings>("id = 'x'\nversion = '1'\nmode = 'a'").is_err()
        );
    }

    #[test]
    fn an_application_profile_is_judged_by_its_base_model() {
        let mut settings =
            CandidateSettings::new("arn:aws:bedrock:us-east-1:1:application-inference-profile/x");
        assert!(settings.resolved_capabilities().images.is_empty() && !settings.is_known_model());
        settings.base_model = Some("anthropic.claude-sonnet-4-6".to_owned());
        assert!(!settings.resolved_capabilities().images.is_empty() && settings.is_known_model());
    }
}
