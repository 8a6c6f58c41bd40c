//! What the parts of one request's translation share: the target's capabilities, and the losses so far.

use std::collections::{BTreeSet, HashMap, HashSet};

use crossfade_exchange::{Loss, LossKind, Unsupported};
use crossfade_openai::chat::Fields;

use super::{Names, known, names::tool_use_id};
pub(super) use crate::unsupported::{refused, stateful};
use crate::{capabilities::Capabilities, settings::CandidateSettings, unsupported};

/// The state of one request's translation.
pub(super) struct Context<'a> {
    pub(super) capabilities: Capabilities,
    pub(super) settings: &'a CandidateSettings,
    pub(super) names: Names,
    /// Tools that take free text, by the target's names.
    pub(super) custom: BTreeSet<String>,
    /// How often each id of a call came so far.
    calls: HashMap<String, u32>,
    /// Names of documents so far.
    pub(super) documents: HashSet<String>,
    /// Pictures so far.
    pub(super) images: u32,
    losses: Vec<Loss>,
}

// === impl Context ===

impl<'a> Context<'a> {
    pub(super) fn new(settings: &'a CandidateSettings, capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            settings,
            names: Names::default(),
            custom: BTreeSet::new(),
            calls: HashMap::new(),
            documents: HashSet::new(),
            images: 0,
            losses: Vec::new(),
        }
    }

    /// The target's form of a call's id, and whether it differs. The target takes an id once in a conversation: one that
    /// came in an earlier turn gets another form, the same one each time the conversation is sent.
    pub(super) fn tool_use_id(&mut self, id: &str) -> (String, bool) {
        let before = self.calls.entry(id.to_owned()).or_default();
        *before += 1;
        match *before {
            1 => tool_use_id(id),
            times => tool_use_id(&format!("{id}#{times}")),
        }
    }

    /// Names a loss.
    pub(super) fn lose(&mut self, kind: LossKind, field: impl Into<String>) {
        let loss = Loss::new(kind, field);
        if self.losses.last() != Some(&loss) {
            self.losses.push(loss);
        }
    }

    /// Names a hint that is not passed on, if the caller gave one.
    pub(super) fn drop_hint<T>(&mut self, field: &str, value: Option<&T>) {
        if value.is_some() {
            self.lose(LossKind::HintDropped, field);
        }
    }

    pub(super) fn into_losses(self) -> Vec<Loss> {
        self.losses
    }
}

/// Refuses members that nobody knows; `null` says nothing, and is no member.
pub(super) fn no_others(path: &str, others: &Fields) -> Result<(), Unsupported> {
    no_others_but(path, others, &[])
}

/// Like [`no_others`], but for members that carry nothing the target could miss.
pub(super) fn no_others_but(
    path: &str,
    others: &Fields,
    harmless: &[&str],
) -> Result<(), Unsupported> {
    unsupported::no_others_but(path, others, harmless, known::shown)
}
