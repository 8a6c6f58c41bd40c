//! The scenarios.

use crossfade_exchange::Metric;

use super::{
    Play,
    fold::Rule,
    order::Way,
    setting::{PLAIN, Pace, People, QUICK, Setting, Shape, Units, Worse},
};

const STREAMED: &[(Metric, f64)] = &[
    (Metric::Transport, 0.01),
    (Metric::Stream, 0.01),
    (Metric::JsonSchema, 0.02),
];
const EIGHT: &[(Metric, f64)] = &[
    (Metric::Transport, 0.01),
    (Metric::Slow, 0.05),
    (Metric::Stream, 0.005),
    (Metric::Envelope, 0.002),
    (Metric::JsonParse, 0.01),
    (Metric::JsonSchema, 0.03),
    (Metric::RequiredFields, 0.02),
    (Metric::Refusal, 0.04),
];
const RAMP: &[f64] = &[1.0, 5.0, 10.0, 25.0, 50.0];

/// The primary takes seconds to fail, the candidate no time; and the other ways round.
const fn failing(primary: f64, candidate: f64) -> Pace {
    Pace {
        failing: [primary, candidate],
        ..QUICK
    }
}

const OUTAGE: Setting = Setting {
    shape: Shape::Outage(0.2),
    one_in: 4,
    buffered: true,
    ..PLAIN
};

const CROWD: Setting = Setting {
    name: "clustered users, a tenth of whom is always worse, on the boundary, ramp 1 to 50 %",
    worse: Worse::Boundary,
    units: Units::Crowd {
        users: 1_000,
        lasting: true,
    },
    steps: RAMP,
    per_second: 10.0,
    rates: &[(Metric::Transport, 0.04)],
    ..PLAIN
};

const UNMIRRORED: Setting = Setting {
    name: "a primary that fails 5 % unmirrored, equal sides",
    rates: &[(Metric::Transport, 0.05)],
    ..PLAIN
};

const BREAKER: Setting = Setting {
    name: "a breaker that opens in a shared outage of 60 s, 60 % failing",
    shape: Shape::Outage(0.6),
    breaker: true,
    buffered: true,
    ..PLAIN
};

/// People find the candidate's faults at once and the primary's late, and get round to four of five pairs.
const PEOPLE: Setting = Setting {
    name: "people's reviews, the candidate's faults found six times as soon, a fifth undecided, equal sides",
    rates: &[(Metric::Transport, 0.01), (Metric::Review, 0.2)],
    people: Some(People {
        asked: [0.25, 0.25],
        says: [60.0, 10.0],
        silent: 0.2,
        age: 290.0,
    }),
    ..PLAIN
};

const LONG_CANDIDATE: Setting = Setting {
    name: "a third of the candidate's streams 30 to 110 s, shared bursts",
    rates: STREAMED,
    shape: Shape::Bursts(0.15),
    pace: Pace {
        long: [0.0, 0.33],
        ..QUICK
    },
    buffered: true,
    ..PLAIN
};

pub(super) const NULL: &[Setting] = &[
    Setting {
        name: "i.i.d., equal sides",
        ..PLAIN
    },
    Setting {
        name: "i.i.d., on the boundary",
        worse: Worse::Boundary,
        ..PLAIN
    },
    Setting {
        name: "shared outage of 60 s, 20 % failing, after 9 s (primary), 0.05 s (candidate)",
        pace: failing(9.0, 0.05),
        ..OUTAGE
    },
    Setting {
        name: "shared outage, failing after 0.05 s (primary), 9 s (candidate)",
        pace: failing(0.05, 9.0),
        ..OUTAGE
    },
    Setting {
        name: "shared outage, failing after 60 s (primary), 0.05 s (candidate)",
        pace: failing(60.0, 0.05),
        ..OUTAGE
    },
    Setting {
        name: "shared outage, failing after 0.05 s (primary), 60 s (candidate)",
        pace: failing(0.05, 60.0),
        ..OUTAGE
    },
    CROWD,
    Setting {
        name: "clustered users, a tenth of whom is worse for a minute, on the boundary, ramp",
        units: Units::Crowd {
            users: 1_000,
            lasting: false,
        },
        ..CROWD
    },
    Setting {
        name: "drift of the shared rate by day and night, on the boundary",
        worse: Worse::Boundary,
        shape: Shape::DayNight(133.0),
        ..PLAIN
    },
    Setting {
        name: "late and side-dependent delays, shared bursts, equal sides",
        rates: STREAMED,
        shape: Shape::Bursts(0.15),
        pace: Pace {
            good: [0.4, 1.5],
            whole: [2.0, 20.0],
            failing: [0.1, 9.0],
            long: [0.0, 0.0],
        },
        buffered: true,
        ..PLAIN
    },
    LONG_CANDIDATE,
    Setting {
        name: "eight metrics at once, equal sides, conversations",
        rates: EIGHT,
        units: Units::Conversations(3),
        ..PLAIN
    },
    Setting {
        name: "ramp 1 to 50 %, on the boundary",
        worse: Worse::Boundary,
        steps: RAMP,
        ..PLAIN
    },
    Setting {
        name: "a restart in the middle, shared bursts, on the boundary",
        worse: Worse::Boundary,
        shape: Shape::Bursts(0.15),
        pace: failing(5.0, 0.1),
        restart: true,
        buffered: true,
        ..PLAIN
    },
    UNMIRRORED,
    BREAKER,
    Setting {
        name: "a fifth internal callers, on the boundary",
        worse: Worse::Boundary,
        internal: 0.2,
        ..PLAIN
    },
    PEOPLE,
    Setting {
        name: "people's reviews, all decided in time, on the boundary, a restart in the middle",
        worse: Worse::Boundary,
        people: Some(People {
            asked: [0.25, 0.25],
            says: [40.0, 40.0],
            silent: 0.0,
            age: 290.0,
        }),
        restart: true,
        buffered: true,
        ..PEOPLE
    },
];

/// One salt by which users are drawn over small steps, a new one by which they are counted.
const ONE_SALT: Setting = Setting {
    units: Units::Crowd {
        users: 100,
        lasting: true,
    },
    steps: &[10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 22.0, 24.0, 27.0, 30.0],
    ..CROWD
};

/// What is left out, what the design says comes of it, and how to play it.
#[expect(clippy::too_many_lines, reason = "a list of scenarios")]
pub(super) fn counterexamples() -> [(&'static str, &'static str, Play); 9] {
    let arrival = |primary, candidate| Play {
        way: Way::ByArrival,
        ..Play::of(Setting {
            pace: failing(primary, candidate),
            ..OUTAGE
        })
    };
    let ruled = |setting, rule| Play {
        rule,
        ..Play::of(setting)
    };
    let boundary = Setting {
        worse: Worse::Boundary,
        ..UNMIRRORED
    };
    let one_salt = Play {
        one_salt: true,
        ..Play::of(ONE_SALT)
    };
    [
        (
            "outage in the order of arrival, failing after 9 s (primary), 0.05 s (candidate)",
            "38-100 %",
            arrival(9.0, 0.05),
        ),
        (
            "outage in the order of arrival, failing after 60 s (primary), 0.05 s (candidate)",
            "38-100 %",
            arrival(60.0, 0.05),
        ),
        (
            "a small filter for each side, on the boundary",
            "9 %",
            ruled(boundary, Rule::FilterPerSide),
        ),
        (
            "clustered users, no filter",
            "-",
            ruled(CROWD, Rule::NoFilter),
        ),
        (
            "100 users, drawn by one salt over ten small steps, counted anew at each",
            "5-13 %",
            one_salt,
        ),
        (
            "the primary's unmirrored failures left out",
            "100 %",
            ruled(UNMIRRORED, Rule::FailuresLeftOut),
        ),
        (
            "each request under an open breaker counts as a bad one of the candidate",
            "-",
            ruled(BREAKER, Rule::OpenBreakerCounts),
        ),
        (
            "people's reviews counted when they are given, not at one age",
            "-",
            Play {
                way: Way::ByArrival,
                ..Play::of(PEOPLE)
            },
        ),
        (
            "people asked about all the candidate's faults, and a twentieth of the other pairs",
            "-",
            Play::of(Setting {
                people: Some(People {
                    asked: [0.05, 1.0],
                    says: [40.0, 40.0],
                    silent: 0.0,
                    age: 290.0,
                }),
                ..PEOPLE
            }),
        ),
    ]
}
