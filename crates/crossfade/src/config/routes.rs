//! What is configured for one route. Which route covers a deployment is the data plane's to say; a route's state (split,
//! attempt, evidence) is the rollout's.

use std::{collections::BTreeMap, time::Duration};

use crossfade_bedrock::CandidateSettings;
use crossfade_compare::CheckSettings;
use crossfade_exchange::{Metric, MetricSet, RouteId};
use crossfade_proxy::StickyBy;
use crossfade_rollout::RoutePlan;

use super::{evidence::RouteEvidence, opinions::RouteOpinions, units::Digest};

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
    /// SHA-256 of the credentials of callers who may choose the side.
    pub internal: Vec<Digest>,
    /// How often models are asked about its pairs.
    pub opinions: RouteOpinions,
    /// What is kept of its exchanges.
    pub evidence: RouteEvidence,
    /// When traffic goes back.
    pub rollout: Rollout,
}

/// When traffic goes back.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollout {
    /// The chance of a false roll-back in one attempt.
    pub alpha: f64,
    /// The bad events that may roll back.
    pub metrics: MetricSet,
    /// Each metric's part of `alpha`, adding to 1; `None` means equal parts.
    pub shares: Option<BTreeMap<Metric, f64>>,
}

// === impl Route ===

impl Route {
    /// The rollout's plan, where the candidate may stay silent for `fallback_after`.
    pub fn plan(&self, fallback_after: Duration) -> RoutePlan {
        RoutePlan {
            owner: self.owner.clone(),
            metrics_on: self.rollout.metrics,
            shares: self.rollout.shares.clone(),
            alpha: self.rollout.alpha,
            slow_after: self.slow_after,
            fallback_after,
            long_lived_units: is_long_lived(&self.sticky_by),
            cost_limit_usd: self.checks.max_cost_usd,
            ..RoutePlan::new(self.id.clone())
        }
    }
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
