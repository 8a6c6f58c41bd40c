//! Who can answer, for which route, and how large a share.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

closed_enum! {
    /// One of the two sides of a route.
    pub enum Side {
        /// The Azure deployment that is known good.
        Primary = "primary",
        /// The Bedrock model that may replace it.
        Candidate = "candidate",
    }
}

closed_enum! {
    /// What a side does for one request.
    pub enum Role {
        /// The caller gets this side's answer.
        Answering = "answering",
        /// This side's answer is only compared.
        Shadow = "shadow",
        /// This side was asked the same once more, to learn how far it disagrees with itself.
        Repeat = "repeat",
    }
}

impl Side {
    /// The opposite side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Primary => Self::Candidate,
            Self::Candidate => Self::Primary,
        }
    }
}

/// A configured route's name: the only route names that metrics and files ever see.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RouteId(Arc<str>);

impl RouteId {
    /// The name under which everything without a configured route is counted.
    pub const UNROUTED: &'static str = "_unrouted";

    /// A route's name as configured.
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// The route of what no configured route covers.
    pub fn unrouted() -> Self {
        Self::new(Self::UNROUTED)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RouteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A share of traffic in percent, finite and within 0..=100.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Percent(f64);

/// A number that is no percentage.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is not a percentage: use a number from 0 to 100")]
pub struct PercentError(pub f64);

impl Percent {
    /// Nothing.
    pub const ZERO: Self = Self(0.0);
    /// Everything.
    pub const HUNDRED: Self = Self(100.0);

    /// Checks the range.
    pub fn new(value: f64) -> Result<Self, PercentError> {
        if value.is_finite() && (0.0..=100.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(PercentError(value))
        }
    }

    /// In percent, 0..=100.
    pub const fn percent(self) -> f64 {
        self.0
    }

    /// As a probability, 0..=1.
    pub fn ratio(self) -> f64 {
        self.0 / 100.0
    }

    /// Whether nothing is meant.
    pub fn is_zero(self) -> bool {
        self.0 <= 0.0
    }

    /// Whether everything is meant.
    pub fn is_whole(self) -> bool {
        self.0 >= 100.0
    }
}

impl TryFrom<f64> for Percent {
    type Error = PercentError;

    fn try_from(value: f64) -> Result<Self, PercentError> {
        Self::new(value)
    }
}

impl From<Percent> for f64 {
    fn from(value: Percent) -> Self {
        value.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_refuses_what_is_no_share() {
        for bad in [-0.1, 100.1, f64::NAN, f64::INFINITY] {
            assert!(Percent::new(bad).is_err(), "{bad}");
        }
        assert!((Percent::new(12.5).unwrap().ratio() - 0.125).abs() < f64::EPSILON);
        assert!(serde_json::from_str::<Percent>("101").is_err());
    }

    #[test]
    fn names_round_trip() {
        for side in Side::ALL {
            assert_eq!(side.as_str().parse::<Side>().as_ref(), Ok(side));
            assert_eq!(side.other().other(), *side);
        }
        assert!(
            "azure"
                .parse::<Side>()
                .unwrap_err()
                .contains("primary, candidate")
        );
    }
}
