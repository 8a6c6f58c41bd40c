//! What is configured for one route. Which route covers a deployment is the data plane's to say; a route's state (split,
//! attempt, evidence) is the rollout's.

use std::time::Duration;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crossfade_bedrock::CandidateSettings;
use crossfade_compare::CheckSettings;
use crossfade_exchange::{Gate, Percent, RouteId};
use crossfade_proxy::{InternalCallers, StickyBy};
use crossfade_rollout::{GateRules, RoutePlan};

use super::{
    evidence::RouteEvidence,
    model::Config,
    opinions::{RouteOpinions, Similarity},
    rollout::Rollout,
};

/// One Azure deployment, or several by a pattern, that may move.
#[derive(Clone, Debug)]
pub struct Route {
    /// The name as configured: a deployment's name, or a pattern in which `*` stands for any run of characters.
    pub id: RouteId,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The model, and what is changed for it.
    pub candidate: CandidateSettings,
    /// What is assigned as a whole.
    pub sticky_by: StickyBy,
    /// What is compared, prices and the limit on cost included. It compiles.
    pub checks: CheckSettings,
    /// What counts as slow until enough of the primary's answers are known.
    pub slow_after: Duration,
    /// Callers of the house's own.
    pub internal: InternalCallers,
    /// How often models are asked about its pairs.
    pub opinions: RouteOpinions,
    /// What is kept of its exchanges.
    pub evidence: RouteEvidence,
    /// Through which stages it goes, on what evidence, and what takes it back.
    pub rollout: Rollout,
}

// === impl Route ===

impl Route {
    /// The rollout's plan, beside what is configured for all routes.
    pub(super) fn plan(&self, all: &Config) -> RoutePlan {
        let rollout = &self.rollout;
        RoutePlan {
            route: self.id.clone(),
            owner: self.owner.clone(),
            metrics_on: rollout.metrics,
            shares: rollout.shares.clone(),
            alpha: rollout.alpha,
            slow_after: self.slow_after,
            fallback_after: all.bedrock.fallback_after,
            long_lived_units: is_long_lived(&self.sticky_by),
            cost_limit_usd: self.checks.max_cost_usd,
            stages: rollout.stages.clone(),
            slice: rollout.slice,
            ramp: rollout.ramp.clone(),
            gates: GateRules {
                fingerprint: self.fingerprint(all.similarity.as_ref()),
                margins: rollout.margins.clone(),
                named: rollout.named.clone(),
                alpha: rollout.gate_alpha,
                unit_window: rollout.unit_window,
            },
            minimum_time: rollout.minimum_time.clone(),
            minimum_units: rollout.minimum_units,
            coverage: rollout.coverage.ratio(),
            automatic_ramp: rollout.automatic_ramp,
            reverse_share: if all.mirror.enabled {
                all.mirror.reverse_share
            } else {
                Percent::ZERO
            },
            has_internal_callers: !self.internal.is_empty(),
            ..RoutePlan::new(self.id.clone())
        }
    }

    /// Of everything that makes evidence comparable and a sign-off meaningful: the candidate and how it is asked, what is
    /// assigned as a whole, checks, prices, margins and the rules of the rollout. The owner's name is not part of it.
    fn fingerprint(&self, similarity: Option<&Similarity>) -> String {
        let meaning = similarity
            .filter(|_| self.rollout.margins.contains_key(&Gate::SemanticSimilarity))
            .map(Similarity::name);
        fingerprint(&(
            &self.candidate,
            show_sticky_by(&self.sticky_by),
            &self.checks,
            self.slow_after,
            &self.rollout,
            meaning,
        ))
    }
}

/// SHA-256 of settings, in hexadecimal: two that say the same have the same.
pub(crate) fn fingerprint(parts: &impl Serialize) -> String {
    use std::fmt::Write as _;
    let bytes = serde_json::to_vec(parts).unwrap_or_default();
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

// === sticky_by ===

/// Parses what is assigned as a whole.
pub(super) fn parse_sticky_by(text: &str) -> Result<StickyBy, String> {
    match text {
        "conversation" => Ok(StickyBy::Conversation),
        "user" => Ok(StickyBy::User),
        "credential" => Ok(StickyBy::Credential),
        "request" => Ok(StickyBy::Request),
        other => match other.strip_prefix("header:") {
            Some(name) => name
                .parse()
                .map(StickyBy::Header)
                .map_err(|_| format!("{name:?} is not the name of a header")),
            None => Err(format!(
                "unknown value {other:?}: use conversation, user, credential, request or header:NAME"
            )),
        },
    }
}

/// As the file spells it.
pub(crate) fn show_sticky_by(sticky_by: &StickyBy) -> String {
    match sticky_by {
        StickyBy::Conversation => "conversation".to_owned(),
        StickyBy::User => "user".to_owned(),
        StickyBy::Credential => "credential".to_owned(),
        StickyBy::Request => "request".to_owned(),
        StickyBy::Header(name) => format!("header:{name}"),
    }
}

/// Whether a unit lives on for many conversations, so that its draw must be renewed when the share changes.
const fn is_long_lived(sticky_by: &StickyBy) -> bool {
    match sticky_by {
        StickyBy::User | StickyBy::Credential | StickyBy::Header(_) => true,
        StickyBy::Conversation | StickyBy::Request => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sticky_by_round_trips() {
        for text in [
            "conversation",
            "user",
            "credential",
            "request",
            "header:x-user-id",
        ] {
            assert_eq!(show_sticky_by(&parse_sticky_by(text).unwrap()), text);
        }
        for bad in ["", "Header:x", "header:", "header:a b", "session"] {
            assert!(parse_sticky_by(bad).is_err(), "{bad}");
        }
    }
}
