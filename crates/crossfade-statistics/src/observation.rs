//! What is told to the statistics, and what they say back at once.

use std::collections::BTreeSet;

use crossfade_exchange::{
    Exchange, LossKind, Preference, ReviewReason, ReviewVerdict, Side, Unit, Verdict,
};

use crate::Signature;

/// Whether an exchange is told for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// It is new: everything is counted.
    First,
    /// It was told before, as a pair without repeats; now it is told with them. Only what needs the repeats is counted: the
    /// noise, and the candidate's disagreement above it.
    Again,
}

/// One compared exchange.
#[derive(Clone, Debug)]
pub struct Observation<'a> {
    /// The exchange's id, kept as an example of its signature.
    pub id: &'a str,
    /// Who asked, if that is known: a user's exchanges within ten minutes are one sample of a gate. Without it each exchange
    /// stands for itself.
    pub unit: Option<Unit>,
    /// When it was received, in milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// Whether it is told for the first time.
    pub telling: Telling,
    /// The candidate against the primary.
    pub verdict: &'a Verdict,
    /// The primary asked again against itself.
    pub noise: Option<&'a Verdict>,
    /// The candidate asked again against itself.
    pub candidate_noise: Option<&'a Verdict>,
    /// What the translation lost on the candidate's side.
    pub losses: BTreeSet<LossKind>,
    /// Whether the transport was bad, per side in the order of [`Side::ALL`]; `None` where it was not recorded.
    pub transport_bad: [Option<bool>; 2],
    /// Seconds until the end of the answer, per side.
    pub seconds: [Option<f64>; 2],
    /// Seconds until the first content, per side.
    pub first_content_seconds: [Option<f64>; 2],
}

/// What the statistics say of an exchange at once, for the rules of review.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Observed {
    /// The signature of its differences, if it has any that count.
    pub signature: Option<Signature>,
    /// How often this signature was seen, this time included; 0 without one.
    pub seen: u64,
    /// Whether a person has said that differences of this signature do not matter.
    pub accepted: bool,
    /// The share of the primary's repeats that were less alike than this pair, 0..=1, by the least flattering of the measures
    /// of similarity; `None` until 100 repeats are known.
    pub similarity_percentile: Option<f64>,
}

/// What a person said of a pair.
#[derive(Clone, Copy, Debug)]
pub struct Reviewed<'a> {
    /// The verdict that the checks had given.
    pub verdict: &'a Verdict,
    /// What the person said.
    pub human: ReviewVerdict,
    /// Why the person was asked.
    pub reasons: &'a [ReviewReason],
    /// The chance with which it was drawn if it was drawn at random ([`ReviewReason::RandomAgreement`]), 0..=1.
    pub inclusion: f64,
    /// What a judging model had said of the pair.
    pub judge: Option<Preference>,
}

// === impl Observation ===

impl<'a> Observation<'a> {
    /// Of an exchange with its verdict and without repeats. The unit is the request's user, or else its credential.
    pub fn new(exchange: &'a Exchange, verdict: &'a Verdict) -> Self {
        let recordings = [Side::Primary, Side::Candidate].map(|side| exchange.recording(side));
        let candidate = exchange.candidate.as_ref();
        let losses = candidate
            .into_iter()
            .flat_map(|recording| &recording.losses);
        Self {
            id: &exchange.id,
            unit: exchange.caller.user.or(exchange.caller.credential),
            at_unix_ms: exchange.received_unix_ms,
            telling: Telling::First,
            verdict,
            noise: None,
            candidate_noise: None,
            losses: losses.map(|loss| loss.kind).collect(),
            transport_bad: recordings.map(|recording| Some(recording?.transport_bad())),
            seconds: recordings.map(|recording| {
                let timings = &recording?.timings;
                // A reader that did not keep up measured itself.
                let total = timings.total.filter(|_| timings.kept_up)?;
                Some(total.as_secs_f64())
            }),
            first_content_seconds: recordings
                .map(|recording| Some(recording?.timings.first_content?.as_secs_f64())),
        }
    }

    /// With what repeats showed: of the primary against itself, and of the candidate against itself.
    #[must_use]
    pub fn with_repeats(
        mut self,
        telling: Telling,
        noise: Option<&'a Verdict>,
        candidate_noise: Option<&'a Verdict>,
    ) -> Self {
        self.telling = telling;
        self.noise = noise;
        self.candidate_noise = candidate_noise;
        self
    }
}
