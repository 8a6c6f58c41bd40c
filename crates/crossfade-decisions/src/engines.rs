//! The engines alone, over outcomes in the order of sending: what the design's table is about. A request is a unit of its own.

use crossfade_exchange::{Metric, Side};
use crossfade_rollout::{EngineP, EngineR};
use rand::RngExt as _;

use crate::runs::Random;

/// How often each side is bad, and how often the candidate is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    pub(crate) primary: f64,
    pub(crate) candidate: f64,
    pub(crate) w: f64,
}

/// One answer of the live split.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) side: Side,
    pub(crate) bad: bool,
}

// === impl Rates ===

impl Rates {
    /// The design's table: w = 10 %, the primary bad in 1 %.
    pub(crate) const fn of(candidate: f64) -> Self {
        Self {
            primary: 0.01,
            candidate,
            w: 0.1,
        }
    }

    /// The next answer.
    pub(crate) fn answer(self, random: &mut Random) -> Answer {
        let side = if random.random::<f64>() < self.w {
            Side::Candidate
        } else {
            Side::Primary
        };
        Answer {
            side,
            bad: self.bad(side, random),
        }
    }

    /// Whether a side's answer is bad.
    pub(crate) fn bad(self, side: Side, random: &mut Random) -> bool {
        let rate = match side {
            Side::Primary => self.primary,
            Side::Candidate => self.candidate,
        };
        random.random::<f64>() < rate
    }

    /// Both answers of one mirrored request, whatever became of them.
    pub(crate) fn both(self, random: &mut Random) -> (bool, bool) {
        let primary = self.bad(Side::Primary, random);
        (self.bad(Side::Candidate, random), primary)
    }
}

/// Candidate answers until engine R's W reaches `threshold`; `None` if not within `most`.
pub(crate) fn until_r(
    engine: &mut EngineR,
    rates: Rates,
    threshold: f64,
    most: u32,
    random: &mut Random,
) -> Option<f64> {
    let mut answers = 0;
    while answers < most {
        let Answer { side, bad } = rates.answer(random);
        answers += u32::from(side == Side::Candidate);
        if engine.answer(side, bad, rates.w) >= threshold {
            return Some(f64::from(answers));
        }
    }
    None
}

/// Pairs until engine P's W reaches `threshold`; `None` if not within `most`.
pub(crate) fn until_p(rates: Rates, threshold: f64, most: u32, random: &mut Random) -> Option<f64> {
    let mut engine = EngineP::new(Metric::Transport);
    (1..=most).find_map(|pairs| {
        let (candidate, primary) = rates.both(random);
        (engine.pair(candidate, primary) >= threshold).then(|| f64::from(pairs))
    })
}

/// What came of both engines together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Union {
    /// Requests until the roll-back.
    pub(crate) requests: f64,
    /// Bad answers of the candidate that somebody saw until then.
    pub(crate) seen: f64,
}

/// Requests until R or P reaches `threshold` where every request is mirrored, either way; `None` if not within `most`.
pub(crate) fn until_either(
    rates: Rates,
    threshold: f64,
    most: u32,
    random: &mut Random,
) -> Option<Union> {
    let mut r = EngineR::new(Metric::Transport);
    let mut p = EngineP::new(Metric::Transport);
    let mut seen = 0_u32;
    (1..=most).find_map(|requests| {
        let candidate = random.random::<f64>() < rates.w;
        let (candidate_bad, primary_bad) = rates.both(random);
        let (side, bad) = if candidate {
            (Side::Candidate, candidate_bad)
        } else {
            (Side::Primary, primary_bad)
        };
        seen += u32::from(candidate && candidate_bad);
        let reached = r.answer(side, bad, rates.w) >= threshold;
        (p.pair(candidate_bad, primary_bad) >= threshold || reached).then(|| Union {
            requests: f64::from(requests),
            seen: f64::from(seen),
        })
    })
}
