//! What is configured for one route. Which route covers a deployment is the data plane's to say; a route's state (split,
//! attempt, evidence) is the rollout's.

use std::{collections::BTreeMap, fmt, time::Duration};

use http::HeaderName;

use crossfade_bedrock::CandidateSettings;
use crossfade_compare::CheckSettings;
use crossfade_exchange::{Metric, MetricSet, RouteId};
use crossfade_rollout::RoutePlan;

use super::units::Digest;

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

/// What is assigned as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StickyBy {
    /// A conversation: credential, leading system messages, first user message.
    Conversation,
    /// The request's `user` field.
    User,
    /// The caller's credential.
    Credential,
    /// Each request for itself.
    Request,
    /// The value of a header.
    Header(HeaderName),
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
            long_lived_units: self.sticky_by.is_long_lived(),
            cost_limit_usd: self.checks.max_cost_usd,
            ..RoutePlan::new(self.id.clone())
        }
    }
}

// === impl StickyBy ===

impl StickyBy {
    /// Whether a unit lives on for many conversations, so that its draw must be renewed when the share changes.
    pub const fn is_long_lived(&self) -> bool {
        match self {
            Self::User | Self::Credential | Self::Header(_) => true,
            Self::Conversation | Self::Request => false,
        }
    }
}

impl std::str::FromStr for StickyBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "conversation" => Ok(Self::Conversation),
            "user" => Ok(Self::User),
            "credential" => Ok(Self::Credential),
            "request" => Ok(Self::Request),
            other => match other.strip_prefix("header:") {
                Some(name) => name
                    .parse()
                    .map(Self::Header)
                    .map_err(|_| format!("{name:?} is not the name of a header")),
                None => Err(format!(
                    "unknown value {other:?}: use conversation, user, credential, request or header:NAME"
                )),
            },
        }
    }
}

impl fmt::Display for StickyBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conversation => f.write_str("conversation"),
            Self::User => f.write_str("user"),
            Self::Credential => f.write_str("credential"),
            Self::Request => f.write_str("request"),
            Self::Header(name) => write!(f, "header:{name}"),
        }
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
            assert_eq!(text.parse::<StickyBy>().unwrap().to_string(), text);
        }
        for bad in ["", "Header:x", "header:", "header:a b", "session"] {
            assert!(bad.parse::<StickyBy>().is_err(), "{bad}");
        }
    }
}
