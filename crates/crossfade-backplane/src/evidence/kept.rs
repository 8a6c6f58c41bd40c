//! One kept exchange, its summary, and how the two are written: the summary is the record's head, the exchange its body,
//! deflated, with the recorded bodies beside the JSON instead of in it.

use std::io::{Read as _, Write as _};

use bytes::Bytes;
use crossfade_exchange::{
    Caller, Exchange, LossKind, Operation, Opinions, Recording, ReviewReason, RouteId, Verdict,
    VerdictClass, closed_enum,
};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Deserialize, Serialize};

use super::EvidenceError;

/// The most that one exchange may take when it is unpacked.
const LARGEST: u64 = 256 << 20;

closed_enum! {
    /// Why an exchange was kept.
    pub enum KeepReason {
        /// Drawn by the route's share.
        Random = "random",
        /// A person is to look at it.
        Review = "review",
    }
}

/// One exchange as it is kept. Whoever makes it has redacted it.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptExchange {
    /// The redacted exchange.
    pub exchange: Exchange,
    /// What the checks say.
    pub verdict: Verdict,
    /// What models said.
    pub opinions: Opinions,
    /// The signature of its differences, if it has any.
    pub signature: Option<String>,
    /// Why it was kept.
    pub why: KeepReason,
    /// Why it waits for a person, if it does.
    pub reasons: Vec<ReviewReason>,
    /// When it was kept, in milliseconds since the Unix epoch.
    pub kept_unix_ms: u64,
    /// Keyed hashes of the bodies before they were redacted ([`super::EvidenceStore::hashes`]).
    pub hashes: BodyHashes,
}

/// Keyed hashes of bodies, 32 hexadecimal digits: equal bodies of one installation have equal hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyHashes {
    /// Of the request.
    pub request: String,
    /// Of the primary's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<String>,
    /// Of the candidate's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<String>,
}

/// What is known of a kept exchange without its bodies, and what stays when they go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptSummary {
    /// The exchange's id.
    pub id: String,
    /// The route.
    pub route: RouteId,
    /// What was asked for.
    pub operation: Operation,
    /// When the request was received, in milliseconds since the Unix epoch.
    pub received_unix_ms: u64,
    /// When it was kept, in milliseconds since the Unix epoch.
    pub kept_unix_ms: u64,
    /// The verdict's class, if it was a pair.
    pub class: Option<VerdictClass>,
    /// The verdict's parity, if it was a pair.
    pub parity: Option<f64>,
    /// The signature of its differences, if it has any.
    pub signature: Option<String>,
    /// What the translations lost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<LossKind>,
    /// Why it was kept.
    pub why: KeepReason,
    /// Why it waits for a person, if it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<ReviewReason>,
    /// Who asked.
    pub caller: Caller,
    /// Hashes of the bodies.
    pub hashes: BodyHashes,
    /// Bytes of the redacted bodies.
    pub bytes: u64,
    /// Whether the bodies are still there.
    pub bodies: bool,
}

/// Which kept exchanges are wanted. What is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this route.
    pub route: Option<RouteId>,
    /// Of this class.
    pub class: Option<VerdictClass>,
    /// With these differences.
    pub signature: Option<String>,
    /// Kept for this reason.
    pub why: Option<KeepReason>,
    /// Only with bodies.
    pub with_bodies: bool,
    /// Kept before the exchange of this id, for the next page.
    pub before: Option<String>,
}

/// A body's JSON: everything of a kept exchange that is not in its summary, and no recorded bodies.
#[derive(Serialize, Deserialize)]
struct Rest {
    exchange: Exchange,
    verdict: Verdict,
    opinions: Opinions,
}

// === impl KeptExchange ===

impl KeptExchange {
    /// The summary.
    pub fn summary(&self) -> KeptSummary {
        let exchange = &self.exchange;
        let recordings = [&exchange.primary, &exchange.candidate];
        let mut losses: Vec<LossKind> = recordings
            .into_iter()
            .flatten()
            .flat_map(|recording| recording.losses.iter().map(|loss| loss.kind))
            .collect();
        losses.sort_unstable();
        losses.dedup();
        KeptSummary {
            id: exchange.id.clone(),
            route: exchange.route.clone(),
            operation: exchange.operation,
            received_unix_ms: exchange.received_unix_ms,
            kept_unix_ms: self.kept_unix_ms,
            class: self.verdict.class,
            parity: self.verdict.parity,
            signature: self.signature.clone(),
            losses,
            why: self.why,
            reasons: self.reasons.clone(),
            caller: exchange.caller,
            hashes: self.hashes.clone(),
            bytes: exchange.held_bytes() as u64,
            bodies: true,
        }
    }

    /// As a record's body: a number of bytes and the JSON, then the same for each recorded body, all deflated.
    pub(super) fn encode(&self) -> Result<Vec<u8>, EvidenceError> {
        let mut exchange = self.exchange.clone();
        let bodies: Vec<Bytes> = bodies(&mut exchange).map(std::mem::take).collect();
        let rest = Rest {
            exchange,
            verdict: self.verdict.clone(),
            opinions: self.opinions,
        };
        let json = serde_json::to_vec(&rest).map_err(EvidenceError::Form)?;
        // Writing to a vector cannot fail.
        let unwritten = |source| super::segment::io_error("pack", "".as_ref(), source);
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
        for piece in [json.as_slice()]
            .into_iter()
            .chain(bodies.iter().map(Bytes::as_ref))
        {
            let length = (piece.len() as u64).to_le_bytes();
            packer
                .write_all(&length)
                .and_then(|()| packer.write_all(piece))
                .map_err(unwritten)?;
        }
        packer.finish().map_err(unwritten)
    }

    /// From a record's body and its summary.
    pub(super) fn decode(body: &[u8], summary: &KeptSummary) -> Result<Self, EvidenceError> {
        let mut unpacked = Vec::new();
        DeflateDecoder::new(body)
            .take(LARGEST)
            .read_to_end(&mut unpacked)
            .map_err(|source| super::segment::io_error("unpack", "".as_ref(), source))?;
        let mut left = Bytes::from(unpacked);
        let json = piece(&mut left);
        let Rest {
            mut exchange,
            verdict,
            opinions,
        } = serde_json::from_slice(&json).map_err(EvidenceError::Form)?;
        for body in bodies(&mut exchange) {
            *body = piece(&mut left);
        }
        Ok(Self {
            exchange,
            verdict,
            opinions,
            signature: summary.signature.clone(),
            why: summary.why,
            reasons: summary.reasons.clone(),
            kept_unix_ms: summary.kept_unix_ms,
            hashes: summary.hashes.clone(),
        })
    }
}

/// The recorded bodies, in a fixed order: the request, then those of the recordings that are there.
fn bodies(exchange: &mut Exchange) -> impl Iterator<Item = &mut Bytes> {
    let recordings = [
        &mut exchange.primary,
        &mut exchange.candidate,
        &mut exchange.secondary,
        &mut exchange.candidate_again,
    ];
    std::iter::once(&mut exchange.request).chain(
        recordings
            .into_iter()
            .flatten()
            .map(|recording: &mut Recording| &mut recording.body),
    )
}

/// The next piece; nothing if it is not there.
fn piece(left: &mut Bytes) -> Bytes {
    let Some((length, _)) = left.split_first_chunk::<8>() else {
        return Bytes::new();
    };
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let mut rest = left.split_off(8);
    let piece = rest.split_to(length.min(rest.len()));
    *left = rest;
    piece
}

// === impl KeptSummary ===

impl KeptSummary {
    /// Whether it is of a caller: by the credential or by the user, whichever is named.
    pub fn is_of(&self, caller: &Caller) -> bool {
        caller.means(&self.caller)
    }
}

// === impl Filter ===

impl Filter {
    pub(super) fn takes(&self, summary: &KeptSummary) -> bool {
        self.route.as_ref().is_none_or(|r| *r == summary.route)
            && self.class.is_none_or(|class| Some(class) == summary.class)
            && self
                .signature
                .as_ref()
                .is_none_or(|signature| Some(signature) == summary.signature.as_ref())
            && self.why.is_none_or(|why| why == summary.why)
            && (summary.bodies || !self.with_bodies)
    }
}
