//! One gate of a stage: engine G with what it has seen, and about how much is missing. What gates an advance beside it is not said
//! here.

use crossfade_exchange::Gate;

use crate::{EngineG, GateEvidence};

/// The most samples that are ever said to be missing: beyond, the gate does not pass by going on so.
const MOST_NEEDED: f64 = 1e12;

/// A gate with its counts.
#[derive(Clone, Debug)]
pub(crate) struct GateTally {
    gate: Gate,
    margin: f64,
    named: bool,
    threshold: f64,
    engine: EngineG,
    requests: u64,
    samples: u64,
    sum: f64,
}

impl GateTally {
    pub(crate) fn new(gate: Gate, margin: f64, named: bool, alpha: f64) -> Self {
        Self {
            gate,
            margin,
            named,
            threshold: 1.0 / alpha,
            engine: EngineG::new(margin),
            requests: 0,
            samples: 0,
            sum: 0.0,
        }
    }

    pub(crate) const fn gate(&self) -> Gate {
        self.gate
    }

    /// A request says something of the gate.
    pub(crate) fn request(&mut self) {
        self.requests += 1;
    }

    /// A unit's window has ended.
    pub(crate) fn sample(&mut self, mean: f64) {
        self.samples += 1;
        self.sum += mean;
        self.engine.unit(mean);
    }

    pub(crate) fn evidence(&self) -> GateEvidence {
        GateEvidence {
            gate: self.gate,
            margin: self.margin,
            named: self.named,
            samples: self.samples,
            requests: self.requests,
            mean: if self.samples == 0 {
                0.0
            } else {
                self.sum / count(self.samples)
            },
            w: self.engine.w(),
            threshold: self.threshold,
            needed: self.needed(),
        }
    }

    /// How many more samples until one bet alone passes the gate, if each goes on growing as it has so far; before the first
    /// sample: if all of them were 0, which is the least.
    fn needed(&self) -> Option<u64> {
        if self.engine.w() >= self.threshold {
            return None;
        }
        let of_one = |(stake, zero): (f64, f64)| {
            let per_sample = match self.samples {
                0 => ln(zero),
                samples => ln(stake * 9.0) / count(samples),
            };
            (per_sample > 0.0 && stake > 0.0).then(|| ln(self.threshold / stake) / per_sample)
        };
        let fewest = self
            .engine
            .bets()
            .filter_map(of_one)
            .min_by(f64::total_cmp)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within 1..=10^12"
        )]
        let needed = (fewest <= MOST_NEEDED).then(|| fewest.max(1.0).ceil() as u64);
        needed
    }
}

fn count(samples: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let count = samples as f64;
    count
}

/// The natural logarithm to about nine digits, by multiplications and divisions only: what is written to the ledger is the same on
/// every machine, which a library's logarithm is not. Of what is no positive normal number: far below 0.
fn ln(x: f64) -> f64 {
    if !x.is_normal() || x < 0.0 {
        return -1e3;
    }
    let bits = x.to_bits();
    let exponent = i32::try_from(bits >> 52).unwrap_or(0) - 1_023;
    let mantissa = f64::from_bits(bits & ((1 << 52) - 1) | 1_023 << 52);
    // ln m = 2·artanh((m − 1)/(m + 1)), with the argument below 0.18 once m lies around 1.
    let (mantissa, exponent) = if mantissa > std::f64::consts::SQRT_2 {
        (mantissa / 2.0, exponent + 1)
    } else {
        (mantissa, exponent)
    };
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let mut sum = 0.0;
    for odd in [13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * square + 1.0 / odd;
    }
    2.0 * s * sum + f64::from(exponent) * std::f64::consts::LN_2
}

#[cfg(test)]
mod tests;
