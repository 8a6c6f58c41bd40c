//! What a scenario is: data. What its sides are like, in which order their outcomes become known, and how the ramp goes on.

use crossfade_exchange::{Metric, MetricSet};

pub(super) const SECOND: u64 = 1_000_000;

/// A route without trouble.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    /// How often the primary is bad, by metric; the candidate is as [`Worse`] says.
    pub(super) rates: &'static [(Metric, f64)],
    pub(super) worse: Worse,
    pub(super) shape: Shape,
    pub(super) pace: Pace,
    pub(super) units: Units,
    /// The shares, in percent, each for as many requests; 0 is the shadow of a breaker or of internal callers.
    pub(super) steps: &'static [f64],
    pub(super) per_second: f64,
    /// The share of requests of callers who are always answered by the candidate, and never drawn.
    pub(super) internal: f64,
    /// People who are asked about pairs, where any are.
    pub(super) people: Option<People>,
    /// Whether the candidate has a breaker.
    pub(super) breaker: bool,
    /// Whether the process stops and starts again somewhere in the middle half.
    pub(super) restart: bool,
    /// One of so many runs is played, where several scenarios are one.
    pub(super) one_in: u32,
    /// Whether all runs go through the ordering buffer, or enter in the order of sending at once.
    pub(super) buffered: bool,
}

/// How the candidate compares with the primary, at each moment and for each user.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Worse {
    /// Not at all.
    Equal,
    /// Exactly as much as the null allows: `r·p + φ`.
    Boundary,
}

/// What both sides share over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    Steady,
    /// Between a fifth and nearly double the rate, in so many seconds.
    DayNight(f64),
    /// From the 60th to the 120th second either side is bad this often.
    Outage(f64),
    /// The same for 10 seconds of each 100.
    Bursts(f64),
}

/// How long answers take, in seconds; primary first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    /// First content of a good answer, on average.
    pub(super) good: [f64; 2],
    /// From then to its end, on average.
    pub(super) whole: [f64; 2],
    /// Until a failure to answer shows.
    pub(super) failing: [f64; 2],
    /// The share of answers that stream for 30 to 110 seconds.
    pub(super) long: [f64; 2],
}

/// People who are asked about pairs. Days are played as minutes: nothing but the order depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct People {
    /// The share of pairs that they are asked about: of those whose candidate they would find good, and bad.
    pub(super) asked: [f64; 2],
    /// After how many seconds on average they say that the primary is worse, or that all is well; and that the candidate is.
    pub(super) says: [f64; 2],
    /// The share of pairs of which nobody ever says anything.
    pub(super) silent: f64,
    /// The age, in seconds, at which a pair enters with what was said of it.
    pub(super) age: f64,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Units {
    /// Everybody once.
    Single,
    /// Conversations of so many requests on average.
    Conversations(u32),
    /// So many users, few of whom ask most; a tenth of them is bad eight times as often, always or another tenth each minute,
    /// and half of what is bad is so on both sides. The salt is new at each step.
    Crowd { users: u32, lasting: bool },
}

/// Quick, and alike but for a little.
pub(super) const QUICK: Pace = Pace {
    good: [0.4, 0.7],
    whole: [2.0, 4.0],
    failing: [0.3, 0.3],
    long: [0.0, 0.0],
};

/// A steady route at 10 %, with transport errors of 1 % on both sides.
pub(super) const PLAIN: Setting = Setting {
    name: "",
    rates: &[(Metric::Transport, 0.01)],
    worse: Worse::Equal,
    shape: Shape::Steady,
    pace: QUICK,
    units: Units::Single,
    steps: &[10.0],
    per_second: 50.0,
    internal: 0.0,
    people: None,
    breaker: false,
    restart: false,
    one_in: 1,
    buffered: false,
};

// === impl Setting ===

impl Setting {
    /// Requests of one run.
    pub(super) const REQUESTS: u32 = 20_000;

    pub(super) fn metrics(&self) -> MetricSet {
        self.rates.iter().map(|(metric, _)| *metric).collect()
    }
}

impl Shape {
    /// The primary's rate at a moment.
    pub(super) fn rate(self, base: f64, micros: u64) -> f64 {
        let seconds = std::time::Duration::from_micros(micros).as_secs_f64();
        let (bad, rate) = match self {
            Self::Steady => return base,
            Self::DayNight(period) => {
                let wave = (std::f64::consts::TAU * seconds / period).sin();
                return base * (1.0 + 0.8 * wave);
            }
            Self::Outage(rate) => ((60.0..120.0).contains(&seconds), rate),
            Self::Bursts(rate) => (seconds % 100.0 < 10.0, rate),
        };
        if bad { rate } else { base }
    }
}

impl Worse {
    /// The candidate's rate where the primary's is `primary`.
    pub(super) fn candidate(self, metric: Metric, primary: f64) -> f64 {
        match self {
            Self::Equal => primary,
            Self::Boundary => {
                let phi = if metric == Metric::Slow {
                    0.0125
                } else {
                    0.0025
                };
                (1.25 * primary + phi).min(1.0)
            }
        }
    }
}
