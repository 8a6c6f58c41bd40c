//! Routes without trouble: whatever else happens to them, at most one in 1/α may be rolled back.

mod fold;
mod order;
mod scenarios;
mod setting;
mod source;
mod whole;

use anyhow::{Result, ensure};
use crossfade_exchange::RouteId;
use crossfade_rollout::{Ages, AttemptFacts, Engine, Phase, Record, RoutePlan};

use crate::{
    report::{Report, share},
    runs::{Random, Scale},
};
use fold::{Eat, Fold, Rule};
use order::{ATTEMPT, Order, Way};
use setting::{Setting, Units};
use source::{Event, Source};
use whole::Whole;

const ALPHA: f64 = 0.01;
/// Runs of each scenario that also go by way of the log on disk.
const ON_DISK: u32 = 3;

/// What one run came to.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    alarm: Option<Engine>,
    /// Whether what was folded again after a restart was something else.
    differs: bool,
}

/// What is played, and how.
#[derive(Clone, Copy, Debug)]
struct Play {
    setting: Setting,
    way: Way,
    rule: Rule,
    one_salt: bool,
}

pub(crate) fn run(scale: Scale, report: &mut Report) {
    report.part("routes without trouble: false roll-backs by R or P, 20000 requests a run, everything mirrored");
    for (at, setting) in (301..).zip(scenarios::NULL) {
        let scale = scale.at(at).one_in(setting.one_in);
        let play = Play::of(*setting);
        let outcomes = scale.play(|_, random| play.run(random));
        let by = |engine| outcomes.iter().filter(|o| o.alarm == Some(engine)).count();
        let (r, p) = (by(Engine::R), by(Engine::P));
        report.at_most(
            format!("{} (R {r}, P {p})", setting.name),
            "<= 1 %",
            (r + p, outcomes.len()),
            ALPHA,
        );
        let differing = outcomes.iter().filter(|o| o.differs).count();
        if setting.restart {
            report.bound(
                "    folds that differ in a bit after the restart",
                0,
                differing,
                "none",
                differing == 0,
            );
        }
        on_disk(scale, report, play);
    }
}

/// The same by way of the ordering buffer, the log on disk and the product's fold.
fn on_disk(scale: Scale, report: &mut Report, play: Play) {
    let scale = Scale {
        runs: ON_DISK.min(scale.runs),
        ..scale
    };
    let wrong: Vec<String> = scale
        .play(|_, random| play.compare(random))
        .into_iter()
        .filter_map(|compared| compared.err().map(|error| format!("{error:#}")))
        .collect();
    report.bound(
        "    by way of the buffer, the log on disk and the route's fold: runs that differ in a bit",
        0,
        format!("{} of {}", wrong.len(), scale.runs),
        "none",
        wrong.is_empty(),
    );
    for wrong in wrong {
        report.figure(format!("    {wrong}"), "", "");
    }
}

/// The same scenarios without what keeps them valid.
pub(crate) fn counterexamples(scale: Scale, report: &mut Report) {
    report.part("the same without what keeps it valid");
    for (at, (name, design, play)) in (401..).zip(scenarios::counterexamples()) {
        let outcomes = scale
            .at(at)
            .one_in(25)
            .play(|_, random| play.run(random).alarm.is_some());
        let hits = outcomes.iter().filter(|alarm| **alarm).count();
        report.figure(name, design, share(hits, outcomes.len()));
    }
}

// === impl Play ===

impl Play {
    /// As designed.
    const fn of(setting: Setting) -> Self {
        Self {
            setting,
            way: if setting.buffered {
                Way::Buffered
            } else {
                Way::AtOnce
            },
            rule: Rule::AsDesigned,
            one_salt: false,
        }
    }

    fn plan(&self) -> RoutePlan {
        RoutePlan {
            owner: Some("simulation".into()),
            metrics_on: self.setting.metrics(),
            alpha: ALPHA,
            ..RoutePlan::new(RouteId::new("simulated"))
        }
    }

    fn facts(&self) -> AttemptFacts {
        AttemptFacts::freeze(ATTEMPT, Phase::Attempt, &self.plan(), None)
    }

    fn source(&self, random: Random) -> Source {
        let source = Source::new(self.setting, random);
        if self.one_salt {
            source.with_one_salt()
        } else {
            source
        }
    }

    fn order(&self, way: Way, facts: &AttemptFacts) -> Order {
        let route = RouteId::new("simulated");
        Order::new(
            way,
            route,
            self.setting.metrics(),
            Ages::from(facts),
            self.setting.people,
        )
    }

    /// One run until its first alarm.
    fn run(&self, random: Random) -> Outcome {
        let facts = self.facts();
        let mut order = self.order(self.way, &facts);
        let mut fold = Fold::new(&facts, self.rule);
        let mut history = History::new(self.setting.restart);
        let mut differs = false;
        for event in self.source(random) {
            match event {
                Event::Step { share, salt } => {
                    order.drain(&mut |record| {
                        history.record(&record);
                        fold.eat(&record);
                    });
                    history.step(share, salt);
                    fold.step(share, salt, 0);
                }
                Event::Restart => {
                    order.restart();
                    let again = history.fold(&facts, self.rule);
                    differs |= again.bits() != fold.bits();
                    fold = again;
                }
                Event::Request(request) => order.request(&request, &mut |record| {
                    history.record(&record);
                    fold.eat(&record);
                }),
            }
            if fold.alarm().is_some() {
                break;
            }
        }
        if fold.alarm().is_none() {
            order.drain(&mut |record| {
                fold.eat(&record);
            });
        }
        Outcome {
            alarm: fold.alarm(),
            differs,
        }
    }

    /// One whole run behind the buffer: in memory by the fold here, and on disk by the product's.
    fn compare(&self, random: Random) -> Result<()> {
        let facts = self.facts();
        let mut order = self.order(Way::Buffered, &facts);
        let mut fold = Fold::new(&facts, self.rule);
        let mut whole = Whole::new(self.plan(), facts.clone())?;
        let mut last = 0;
        for event in self.source(random.clone()) {
            let mut both = |record: Record| {
                fold.eat(&record);
                whole.eat(&record);
            };
            match event {
                Event::Step { share, salt } => {
                    order.drain(&mut both);
                    fold.step(share, salt, last);
                    whole.step(share, salt, last);
                }
                Event::Restart => {
                    order.restart();
                    whole.restart()?;
                }
                Event::Request(request) => {
                    last = request.sent;
                    order.request(&request, &mut both);
                }
            }
        }
        order.drain(&mut |record| {
            fold.eat(&record);
            whole.eat(&record);
        });
        whole.restart()?;
        ensure!(fold.bits() == whole.bits(), "the fold on disk differs");
        ensure!(
            self.way == Way::Buffered
                // Whose first pair of ten minutes counts depends on which records have moved the clock on.
                || matches!(self.setting.units, Units::Crowd { .. })
                || self.at_once(random) == fold.bits(),
            "the order of sending differs from what the buffer gives"
        );
        Ok(())
    }

    /// One whole run in the order of sending.
    fn at_once(&self, random: Random) -> Vec<[u64; 2]> {
        let facts = self.facts();
        let mut order = self.order(Way::AtOnce, &facts);
        let mut fold = Fold::new(&facts, self.rule);
        for event in self.source(random) {
            match event {
                Event::Step { share, salt } => fold.step(share, salt, 0),
                Event::Restart => {}
                Event::Request(request) => order.request(&request, &mut |record| {
                    fold.eat(&record);
                }),
            }
        }
        fold.bits()
    }
}

/// What a restart folds again: the log's bytes, and where steps stand among them.
#[derive(Debug)]
struct History {
    kept: bool,
    bytes: Vec<u8>,
    steps: Vec<(usize, f64, u64)>,
}

// === impl History ===

impl History {
    const fn new(kept: bool) -> Self {
        Self {
            kept,
            bytes: Vec::new(),
            steps: Vec::new(),
        }
    }

    fn record(&mut self, record: &Record) {
        if self.kept {
            self.bytes.extend_from_slice(&record.encode());
        }
    }

    fn step(&mut self, share: f64, salt: u64) {
        self.steps
            .push((self.bytes.len() / Record::SIZE, share, salt));
    }

    fn fold(&self, facts: &AttemptFacts, rule: Rule) -> Fold {
        let mut fold = Fold::new(facts, rule);
        let mut steps = self.steps.iter().peekable();
        for (at, bytes) in self.bytes.chunks_exact(Record::SIZE).enumerate() {
            while let Some((_, share, salt)) = steps.next_if(|(stands, ..)| *stands <= at) {
                fold.step(*share, *salt, 0);
            }
            if let Ok(record) = Record::decode(bytes) {
                fold.eat(&record);
            }
        }
        for (_, share, salt) in steps {
            fold.step(*share, *salt, 0);
        }
        fold
    }
}
