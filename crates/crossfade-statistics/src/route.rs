//! One route's statistics.

use std::collections::BTreeMap;

use crossfade_exchange::{Check, CheckResult, Metric, Side, Verdict, VerdictClass};
use serde::{Deserialize, Serialize};

use crate::{
    Gate, Observation, Observed, Reviewed, RouteReport, Signature, StatisticsSettings, Telling,
    checks::CheckTallies,
    clusters::Clusters,
    confidence::{MeanSequence, Range},
    gate::Basis,
    histogram::{Histogram, Scale},
    labels::Labels,
    losses::Losses,
    paths::{Compared, Paths},
    places, report,
    reviews::Reviews,
    sides::SideTally,
    stances::Stances,
    units::{Number, Sample, Units},
};

/// Repeats of the primary before its own likeness is a yardstick.
const LEAST_REPEATS: u64 = 100;

/// Everything known of one route's comparisons, in bounded memory: at most about 16 MB whatever is observed, and far less of
/// what real routes are like. Serialised it is a snapshot from which counting goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteStatistics {
    version: u32,
    pub(crate) settings: StatisticsSettings,
    pub(crate) first_unix_ms: Option<u64>,
    pub(crate) last_unix_ms: Option<u64>,
    pub(crate) classes: BTreeMap<VerdictClass, u64>,
    pub(crate) unpaired: u64,
    pub(crate) noise_pairs: u64,
    pub(crate) candidate_noise_pairs: u64,
    /// Of `noise_pairs`, those whose answers say something of each other.
    pub(crate) noise_judged: u64,
    pub(crate) parity: Histogram,
    pub(crate) parity_mean: MeanSequence,
    pub(crate) checks: BTreeMap<Check, CheckTallies>,
    pub(crate) gates: BTreeMap<Gate, GateTally>,
    pub(crate) stances: Stances,
    pub(crate) noise_stances: Stances,
    pub(crate) labels: Labels,
    pub(crate) noise_labels: Labels,
    pub(crate) primary: SideTally,
    pub(crate) candidate: SideTally,
    pub(crate) losses: Losses,
    pub(crate) paths: Paths,
    pub(crate) clusters: Clusters,
    pub(crate) reviews: Reviews,
    pub(crate) units: Units,
}

/// What enters one gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GateTally {
    pub(crate) exchanges: u64,
    pub(crate) candidate_sum: f64,
    pub(crate) primary_sum: f64,
    pub(crate) again: u64,
    pub(crate) again_sum: f64,
    pub(crate) excess: MeanSequence,
    pub(crate) adjusted: MeanSequence,
}

/// The numbers of one exchange for one gate.
struct Numbers {
    candidate: f64,
    primary: f64,
    candidate_noise: Option<f64>,
}

// === impl GateTally ===

impl Default for GateTally {
    fn default() -> Self {
        Self {
            exchanges: 0,
            candidate_sum: 0.0,
            primary_sum: 0.0,
            again: 0,
            again_sum: 0.0,
            excess: MeanSequence::new(Range::Signed),
            adjusted: MeanSequence::new(Range::Signed),
        }
    }
}

impl GateTally {
    fn add(&mut self, numbers: &Numbers) {
        self.exchanges += 1;
        self.candidate_sum += numbers.candidate;
        self.primary_sum += numbers.primary;
        if let Some(again) = numbers.candidate_noise {
            self.again += 1;
            self.again_sum += again;
        }
    }
}

// === impl RouteStatistics ===

impl RouteStatistics {
    /// The form of the snapshots that this version writes; one of another form is not read.
    pub const VERSION: u32 = 1;

    /// Without observations.
    pub fn new(settings: StatisticsSettings) -> Self {
        Self {
            version: Self::VERSION,
            settings,
            first_unix_ms: None,
            last_unix_ms: None,
            classes: BTreeMap::new(),
            unpaired: 0,
            noise_pairs: 0,
            candidate_noise_pairs: 0,
            noise_judged: 0,
            parity: Histogram::new(Scale::Score),
            parity_mean: MeanSequence::new(Range::Unit),
            checks: BTreeMap::new(),
            gates: BTreeMap::new(),
            stances: Stances::default(),
            noise_stances: Stances::default(),
            labels: Labels::default(),
            noise_labels: Labels::default(),
            primary: SideTally::default(),
            candidate: SideTally::default(),
            losses: Losses::default(),
            paths: Paths::default(),
            clusters: Clusters::default(),
            reviews: Reviews::default(),
            units: Units::default(),
        }
    }

    /// Whether counting may go on from this snapshot: it has this version's form and was kept under these settings.
    pub fn continues(&self, settings: &StatisticsSettings) -> bool {
        self.version == Self::VERSION && self.settings == *settings
    }

    /// Judges by these margins from now on, what was counted before included: a margin is only held against it.
    pub fn judge_by(&mut self, margins: BTreeMap<Gate, f64>) {
        self.settings.margins = margins;
    }

    /// Takes one compared exchange.
    pub fn observe(&mut self, observation: &Observation<'_>) -> Observed {
        let now = self.last_unix_ms.unwrap_or(0).max(observation.at_unix_ms);
        self.last_unix_ms = Some(now);
        self.first_unix_ms.get_or_insert(observation.at_unix_ms);
        let mut observed = match observation.telling {
            Telling::First => self.count_pair(observation),
            Telling::Again => self.known(observation),
        };
        self.count_repeats(observation);
        let samples = self.samples(observation);
        self.enter(observation, now, &samples);
        observed.similarity_percentile = self.similarity_percentile(observation.verdict);
        observed
    }

    /// Takes what a person said of a pair.
    pub fn reviewed(&mut self, reviewed: &Reviewed<'_>) {
        self.reviews.add(reviewed);
    }

    /// Differences of this signature do not matter, as a person has said: they are reported apart, the ones seen too.
    /// Whether there was room for another such rule: for some thousands there is.
    pub fn accept(&mut self, signature: Signature) -> bool {
        self.clusters.accept(signature)
    }

    /// Differences of this signature matter again.
    pub fn withdraw(&mut self, signature: Signature) {
        self.clusters.withdraw(signature);
    }

    /// Ends the window of every user, as if ten minutes had gone by: at the end of a run. What a user asks within minutes
    /// after that is another sample.
    pub fn close(&mut self) {
        let ended = self.units.end_all();
        self.push(&ended);
    }

    /// What is known. Windows of users that are still open are not in the gates' bounds yet.
    pub fn report(&self) -> RouteReport {
        report::build(self)
    }

    /// Pairs, whatever their class.
    pub(crate) fn pairs(&self) -> u64 {
        self.classes.values().sum()
    }

    fn count_pair(&mut self, observation: &Observation<'_>) -> Observed {
        let verdict = observation.verdict;
        for (side, tally) in [
            (Side::Primary, &mut self.primary),
            (Side::Candidate, &mut self.candidate),
        ] {
            if let Some(found) = verdict.side(side) {
                let of = |values: [Option<f64>; 2]| values.into_iter().nth(side.index()).flatten();
                let (total, first) = (observation.seconds, observation.first_content_seconds);
                tally.add(found, of(total), of(first));
            }
        }
        let Some(class) = verdict.class else {
            self.unpaired += 1;
            return Observed::default();
        };
        *self.classes.entry(class).or_default() += 1;
        let judged = judged(verdict);
        for result in judged {
            let tallies = self.checks.entry(result.check).or_default();
            tallies.pairs.add(result);
        }
        self.losses.add(&observation.losses, judged);
        if judged.is_empty() {
            return Observed::default();
        }
        if let Some(parity) = verdict.parity {
            self.parity.add(parity);
            self.parity_mean.push(parity);
        }
        self.stances.add(verdict);
        self.labels.add(verdict);
        self.paths.add(verdict, Compared::Pair);
        let places = places::of(verdict);
        let Some(signature) = Signature::of_places(&places) else {
            return Observed::default();
        };
        let (seen, accepted) =
            self.clusters
                .add(signature, &places, observation.id, observation.at_unix_ms);
        Observed {
            signature: Some(signature),
            seen,
            accepted,
            similarity_percentile: None,
        }
    }

    /// What is known of a pair that was counted before.
    fn known(&self, observation: &Observation<'_>) -> Observed {
        let Some(signature) = Signature::of(observation.verdict) else {
            return Observed::default();
        };
        let accepted = self.clusters.accepted().get(&signature);
        let seen = match accepted {
            Some(accepted) => accepted.count,
            None => self
                .clusters
                .signatures()
                .get(&signature)
                .map_or(0, |counted| counted.count - counted.error),
        };
        Observed {
            signature: Some(signature),
            seen,
            accepted: accepted.is_some(),
            similarity_percentile: None,
        }
    }

    fn count_repeats(&mut self, observation: &Observation<'_>) {
        if let Some(noise) = observation.noise {
            self.noise_pairs += 1;
            let judged = judged(noise);
            for result in judged {
                let tallies = self.checks.entry(result.check).or_default();
                tallies.noise.add(result);
            }
            if !judged.is_empty() {
                self.noise_judged += 1;
                self.noise_stances.add(noise);
                self.noise_labels.add(noise);
                self.paths.add(noise, Compared::Noise);
                self.clusters.add_noise(&places::of(noise));
            }
        }
        if let Some(noise) = observation.candidate_noise {
            self.candidate_noise_pairs += 1;
            for result in judged(noise) {
                let tallies = self.checks.entry(result.check).or_default();
                tallies.candidate_noise.add(result);
            }
        }
    }

    /// The numbers of an exchange for every gate that it says something of.
    fn samples(&mut self, observation: &Observation<'_>) -> Vec<Sample> {
        let mut samples = Vec::new();
        for gate in Gate::ALL.iter().copied() {
            let Some(basis) = Basis::of(gate) else {
                continue;
            };
            let numbers = match basis {
                Basis::BadEvents(metric) => match observation.telling {
                    Telling::First => bad_events(observation, metric),
                    Telling::Again => None,
                },
                basis @ (Basis::Flip { .. } | Basis::Disagreement(_) | Basis::Dissimilarity(_)) => {
                    disagreement(observation, basis)
                }
            };
            let Some(numbers) = numbers else { continue };
            self.gates.entry(gate).or_default().add(&numbers);
            samples.push(Sample {
                gate,
                number: Number::Excess,
                value: numbers.candidate - numbers.primary,
            });
            if let Some(again) = numbers.candidate_noise {
                samples.push(Sample {
                    gate,
                    number: Number::Adjusted,
                    value: numbers.candidate - f64::midpoint(numbers.primary, again),
                });
            }
        }
        samples
    }

    fn enter(&mut self, observation: &Observation<'_>, now: u64, samples: &[Sample]) {
        let window = self.settings.unit_window_ms;
        let ended = match observation.unit {
            Some(unit) => self.units.add(unit, now, window, samples),
            None => samples.to_vec(),
        };
        self.push(&ended);
    }

    fn push(&mut self, samples: &[Sample]) {
        for sample in samples {
            let tally = self.gates.entry(sample.gate).or_default();
            match sample.number {
                Number::Excess => tally.excess.push(sample.value),
                Number::Adjusted => tally.adjusted.push(sample.value),
            }
        }
    }

    fn similarity_percentile(&self, verdict: &Verdict) -> Option<f64> {
        let of = |check: Check| {
            let result = judged(verdict)
                .iter()
                .find(|result| result.check == check && is_scored(result))?;
            let noise = self.checks.get(&check)?.noise.scores();
            if noise.count() < LEAST_REPEATS {
                return None;
            }
            noise.share_below(result.score)
        };
        let measures = [Check::TextSimilarity, Check::SemanticSimilarity];
        measures.into_iter().filter_map(of).reduce(f64::min)
    }
}

fn is_scored(result: &CheckResult) -> bool {
    use crossfade_exchange::CheckOutcome::{Error, Fail, Na, Pass};
    match result.outcome {
        Pass | Fail => true,
        Na | Error => false,
    }
}

/// The results that say something of the second answer: none where the first was bad, or the two cannot be compared.
fn judged(verdict: &Verdict) -> &[CheckResult] {
    match verdict.class {
        Some(
            VerdictClass::Equal
            | VerdictClass::Equivalent
            | VerdictClass::DifferentMinor
            | VerdictClass::DifferentMajor
            | VerdictClass::CandidateInvalid
            | VerdictClass::CandidateError,
        ) => &verdict.checks,
        Some(VerdictClass::PrimaryBad | VerdictClass::BothBad | VerdictClass::Incomparable)
        | None => &[],
    }
}

/// Bad events of both sides, where the metric applies to the request and both sides were judged.
fn bad_events(observation: &Observation<'_>, metric: Metric) -> Option<Numbers> {
    let verdict = observation.verdict;
    let event = |bad: bool| if bad { 1.0 } else { 0.0 };
    if metric == Metric::Transport {
        let [primary, candidate] = observation.transport_bad;
        return Some(Numbers {
            candidate: event(candidate?),
            primary: event(primary?),
            candidate_noise: None,
        });
    }
    if verdict.class? == VerdictClass::Incomparable {
        return None;
    }
    let (primary, candidate) = (verdict.primary.as_ref()?, verdict.candidate.as_ref()?);
    let (primary_bad, candidate_bad) = (primary.bad?, candidate.bad?);
    let either = primary_bad.or(candidate_bad).contains(metric);
    let judged = |check: Check| verdict.check(check).is_some_and(is_scored);
    let json = || primary.json.is_some() || candidate.json.is_some();
    let applies = match metric {
        Metric::Transport | Metric::Stream | Metric::Envelope => true,
        Metric::JsonParse => json(),
        Metric::JsonSchema => json() && judged(Check::JsonSchema),
        Metric::RequiredFields => json() && judged(Check::RequiredFields),
        Metric::Refusal => primary.stance.is_some() || candidate.stance.is_some(),
        Metric::Cost => judged(Check::Cost),
        // Known by the rollout alone: the limit that it freezes, and what people say.
        Metric::Slow | Metric::Review => false,
    };
    (applies || either).then(|| Numbers {
        candidate: event(candidate_bad.contains(metric)),
        primary: event(primary_bad.contains(metric)),
        candidate_noise: None,
    })
}

/// Disagreement with the primary and of the primary with itself, where both are known of the same request.
fn disagreement(observation: &Observation<'_>, basis: Basis) -> Option<Numbers> {
    let noise = observation.noise?;
    Some(Numbers {
        candidate: basis.disagreement(observation.verdict)?,
        primary: basis.disagreement(noise)?,
        candidate_noise: observation
            .candidate_noise
            .and_then(|again| basis.disagreement(again)),
    })
}

/// `D − N` of one request that the primary was asked twice, for every gate that needs repeats and that it says something of:
/// how far the candidate is from the primary, less how far the primary is from itself.
pub fn differences(verdict: &Verdict, noise: &Verdict) -> Vec<(Gate, f64)> {
    let difference = |gate: &Gate| {
        let basis = match Basis::of(*gate)? {
            Basis::BadEvents(_) => return None,
            basis @ (Basis::Flip { .. } | Basis::Disagreement(_) | Basis::Dissimilarity(_)) => {
                basis
            }
        };
        let (candidate, primary) = (basis.disagreement(verdict)?, basis.disagreement(noise)?);
        Some((*gate, candidate - primary))
    };
    Gate::ALL.iter().filter_map(difference).collect()
}

#[cfg(test)]
mod tests;
