//! THE function that decides who answers a request: [`decide`]. Pure: the same facts give the same answer, so each
//! assignment can be computed again from the log. It does not decide what is eligible, who is admitted or when a
//! share changes; those are its arguments.

use crossfade_exchange::{AnswerReason, Assignment, Percent, Side, Unit};

use crate::{Split, Stage};

/// How large a share of requests is copied to the side that does not answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MirrorPlan {
    /// Of the units whose requests the primary answers, the share that is copied to the candidate.
    pub share: Percent,
    /// Of the units whose requests the candidate answers, the share that is copied to the primary.
    pub reverse_share: Percent,
}

/// What is known of one request when its side is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent fact about this moment, and every combination occurs"
)]
pub struct DecideFacts {
    /// What is assigned as a whole.
    pub unit: Unit,
    /// Whether the candidate could be asked this faithfully; by the request alone.
    pub eligible: bool,
    /// Whether only the primary may answer it, though the candidate may have a copy; by the request alone.
    pub mirror_only: bool,
    /// Whether Azure has accepted this caller's credential lately.
    pub admitted: bool,
    /// [`Split::lease_valid`] at this moment.
    pub lease_valid: bool,
    /// Whether the candidate's breaker is open.
    pub breaker_open: bool,
    /// Whether the local kill switch is on.
    pub killed: bool,
    /// The side that an internal caller named. `None` for everybody else, whatever they sent.
    pub named: Option<Side>,
    /// Whether the route names the caller as its house's own.
    pub internal: bool,
    /// Whether the outcome path can account for another drawn answer.
    pub outcomes_room: bool,
}

/// Decides who answers a request, and who gets a copy.
///
/// The first of these that holds decides the answering side:
/// 1. not eligible, or to be mirrored only: the primary;
/// 2. named by an internal caller: that side, the candidate only under the conditions 3 to 6 and where the stage
///    lets it answer anybody;
/// 3. the kill switch is on, 4. the caller is not admitted, 5. the lease ran out, 6. the breaker is open: the primary;
/// 7. an internal caller who named no side, in a stage that lets the candidate answer anybody: the candidate;
/// 8. the outcome path is full, so that a drawn answer could not be accounted for: the primary;
/// 9. the share is 0 or 100 %: that side;
/// 10. the coin: [`draw`] under the split's salt, the candidate if it is below the share.
///
/// Only 10 is `drawn`, and only drawn answers enter the sequential test, whichever side they came from. The copy is
/// selected by [`selection`], which is independent of the coin and the same for all requests of a unit, so that a
/// conversation is copied whole. `inclusion` is the probability of that selection, and 0 where no copy was possible.
pub fn decide(split: &Split, mirror: &MirrorPlan, facts: &DecideFacts) -> Assignment {
    let (answer, reason) = answering_side(split, facts);
    let drawn = reason == AnswerReason::Drawn;
    let (shadow, inclusion) = shadow_side(answer, split, mirror, facts);
    Assignment {
        answer,
        shadow,
        probability: match (drawn, answer) {
            (true, _) => split.share.ratio(),
            (false, Side::Candidate) => 1.0,
            (false, Side::Primary) => 0.0,
        },
        salt: split.salt,
        drawn,
        inclusion,
        reason,
    }
}

/// The coin: where `unit` falls in [0, 1) under `salt`.
pub fn draw(salt: u64, unit: Unit) -> f64 {
    let mut input = [0_u8; 24];
    let (head, tail) = input.split_at_mut(8);
    head.copy_from_slice(&salt.to_le_bytes());
    tail.copy_from_slice(&unit.0.to_le_bytes());
    fraction(b"crossfade draw v1\0", &input)
}

/// Where `unit` falls in [0, 1) for the selection of copies: below the share, it is copied. Has no salt, so that a
/// growing share keeps the units it already has.
pub fn selection(unit: Unit) -> f64 {
    fraction(b"crossfade mirror v1\0", &unit.0.to_le_bytes())
}

fn answering_side(split: &Split, facts: &DecideFacts) -> (Side, AnswerReason) {
    if !facts.eligible {
        return (Side::Primary, AnswerReason::Ineligible);
    }
    if facts.mirror_only {
        return (Side::Primary, AnswerReason::MirrorOnly);
    }
    if facts.named == Some(Side::Primary) {
        return (Side::Primary, AnswerReason::Named);
    }
    if let Some(reason) = bar_to_candidate(facts) {
        return (Side::Primary, reason);
    }
    if facts.named == Some(Side::Candidate) {
        return if split.stage.lets_candidate_answer() {
            (Side::Candidate, AnswerReason::Named)
        } else {
            (Side::Primary, AnswerReason::Share)
        };
    }
    if facts.internal && split.stage.lets_candidate_answer() {
        return (Side::Candidate, AnswerReason::Internal);
    }
    if !split.is_drawn() {
        let side = if split.share.is_whole() {
            Side::Candidate
        } else {
            Side::Primary
        };
        return (side, AnswerReason::Share);
    }
    if !facts.outcomes_room {
        return (Side::Primary, AnswerReason::OutcomesFull);
    }
    let candidate = draw(split.salt, facts.unit) < split.share.ratio();
    (
        if candidate {
            Side::Candidate
        } else {
            Side::Primary
        },
        AnswerReason::Drawn,
    )
}

/// What keeps the candidate from answering this request now, whatever the share.
fn bar_to_candidate(facts: &DecideFacts) -> Option<AnswerReason> {
    if facts.killed {
        Some(AnswerReason::Killed)
    } else if !facts.admitted {
        Some(AnswerReason::NotAdmitted)
    } else if !facts.lease_valid {
        Some(AnswerReason::LeaseExpired)
    } else if facts.breaker_open {
        Some(AnswerReason::Breaker)
    } else {
        None
    }
}

/// A copy is sent only after the answering side has accepted the request, so neither admission nor the lease is
/// asked here. An open breaker skips the copy where it would be sent, and is counted there. In stage `replay` nothing of callers goes to
/// the candidate yet: that is what the golden set is for.
fn shadow_side(
    answer: Side,
    split: &Split,
    mirror: &MirrorPlan,
    facts: &DecideFacts,
) -> (Option<Side>, f64) {
    let off = !split.mirror_enabled || split.stage == Stage::Replay;
    if !facts.eligible || facts.killed || off {
        return (None, 0.0);
    }
    let inclusion = match answer {
        Side::Primary => mirror.share.ratio(),
        Side::Candidate => mirror.reverse_share.ratio(),
    };
    let selected = selection(facts.unit) < inclusion;
    (selected.then(|| answer.other()), inclusion)
}

/// The first eight bytes of the hash of `domain` and `input` as a number in [0, 1). Each domain ends with a zero byte
/// and is nobody else's beginning, so the draws of two domains are independent.
fn fraction(domain: &[u8], input: &[u8]) -> f64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(domain);
    hasher.update(input);
    let mut first = [0_u8; 8];
    hasher.finalize_xof().fill(&mut first);
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact in an f64")]
    let upper = (u64::from_le_bytes(first) >> 11) as f64;
    upper / 9_007_199_254_740_992.0
}

#[cfg(test)]
mod tests;
