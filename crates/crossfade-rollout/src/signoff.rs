//! An owner's agreement that a stage may be left: kept from its entry on, and void once what it was of has changed.

use serde::{Deserialize, Serialize};

use crate::{Actor, Stage};

/// A sign-off as the ledger holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signoff {
    /// Its place in the ledger.
    pub sequence: u64,
    /// When, in milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// Who.
    pub actor: Actor,
    /// Why, in their words.
    pub reason: String,
    /// The stage that may be left.
    pub stage: Stage,
    /// The hash of the report that was seen.
    pub report: String,
    /// The fingerprint of the configuration that it was of.
    pub fingerprint: String,
    /// Whether the evidence that was seen has been thrown away since, because the configuration changed or counting began
    /// anew: then it is void even if the configuration changes back.
    pub is_void: bool,
}

impl Signoff {
    /// Whether it allows to leave `stage` under the configuration of `fingerprint`.
    pub fn counts(&self, stage: Stage, fingerprint: &str) -> bool {
        !self.is_void && self.stage == stage && self.fingerprint == fingerprint
    }
}
