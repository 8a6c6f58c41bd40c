//! What is configured for a route, as far as a report says it: no prompt, no secret.

use crossfade_bedrock::{Adapt, Api};
use crossfade_replay::sha256;

use crate::config::{AzureAuth, Config, Route, TokenRole};

/// What is configured for a route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteSetup {
    /// The model, and the API by which it is asked.
    pub candidate: String,
    /// What is changed for the candidate only, a sentence each. Of a text its length and digest.
    pub adaptation: Vec<String>,
    /// Tools whose calls change something.
    pub side_effecting_tools: Vec<String>,
    /// The guardrail that looks at the candidate's requests and answers.
    pub guardrail: Option<String>,
    /// Whether Azure sees each caller's own credential, so that it decides who may ask.
    pub callers_own_credential: bool,
    /// Whether callers must show a certificate.
    pub client_certificates: bool,
    /// By how many credentials, headers and claims the route names internal callers.
    pub internal_callers: [usize; 3],
    /// How many tokens may look, operate, own.
    pub tokens: [usize; 3],
    /// The share of pairs whose primary is asked twice.
    pub ask_primary_twice: String,
    /// The share of the candidate's requests that is mirrored back.
    pub reverse_share: String,
}

// === impl RouteSetup ===

impl RouteSetup {
    /// What `config` says of one of its routes.
    pub fn of(route: &Route, config: &Config) -> Self {
        let candidate = &route.candidate;
        let tokens = [TokenRole::Viewer, TokenRole::Operator, TokenRole::Owner].map(|role| {
            let held = config.admin.tokens.iter();
            held.filter(|token| token.role == role).count()
        });
        Self {
            candidate: format!("{} by {}", candidate.model, api(candidate.api)),
            adaptation: adaptation(&candidate.adapt),
            side_effecting_tools: route.checks.side_effecting_tools.clone(),
            guardrail: candidate
                .guardrail
                .as_ref()
                .map(|guardrail| format!("{} version {}", guardrail.id, guardrail.version)),
            callers_own_credential: match config.azure.auth {
                AzureAuth::Passthrough => true,
                AzureAuth::Key(_) => false,
            },
            client_certificates: config
                .listen
                .tls
                .as_ref()
                .is_some_and(|tls| tls.client_ca.is_some()),
            internal_callers: [
                route.internal.credentials.len(),
                route.internal.headers.len(),
                route.internal.claims.len(),
            ],
            tokens,
            ask_primary_twice: config.mirror.ask_primary_twice.to_string(),
            reverse_share: config.mirror.reverse_share.to_string(),
        }
    }
}

const fn api(api: Api) -> &'static str {
    match api {
        Api::Converse => "converse",
        Api::OpenaiChat => "openai-chat",
        Api::OpenaiResponses => "openai-responses",
        Api::Invoke => "invoke",
    }
}

fn adaptation(adapt: &Adapt) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(text) = &adapt.system_append {
        let digest: String = sha256(text).chars().take(16).collect();
        let length = text.chars().count();
        said.push(format!(
            "{length} characters are appended to the instructions (SHA-256 {digest}…)"
        ));
    }
    if let Some(temperature) = adapt.temperature {
        said.push(format!(
            "temperature {temperature} instead of the caller's own"
        ));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_told_by_its_digest() {
        let adapt = Adapt {
            system_append: Some("never mention llamas".to_owned()),
            temperature: Some(0.2),
        };
        let said = adaptation(&adapt);
        assert_eq!(said.len(), 2);
        assert!(
            said[0].starts_with("20 characters are appended"),
            "{said:?}"
        );
        assert!(!said[0].contains("llamas"), "{said:?}");
        assert!(said[1].contains("0.2"), "{said:?}");
        assert!(adaptation(&Adapt::default()).is_empty());
    }
}
