//! Random verbs, outcomes, crashes, torn files, refusing disks and clock jumps against a controller with real files. A seed is
//! printed before it is run; `CROSSFADE_MODEL_SEED` runs that one alone.

use std::{fs::OpenOptions, io::Write as _, path::PathBuf, sync::Arc};

use crossfade_rollout::{Cause, RouteRollout};

use super::*;
use crate::verification::verify_directory;

const STEPS: u32 = 120;
const LEASE: LeaseTimes = LeaseTimes {
    duration: Duration::from_secs(60),
    renew: Duration::from_secs(15),
    retry: Duration::from_secs(2),
};

/// What was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Acknowledged {
    share: Percent,
    rolled_back: bool,
    held: bool,
    mirror: bool,
}

struct Rig {
    home: tempfile::TempDir,
    clock: Arc<ManualClock>,
    controller: Controller,
    expected: Acknowledged,
    state: u64,
    /// The disk refuses what moves toward the candidate.
    refusing: bool,
    outcomes: u64,
    done: std::collections::BTreeMap<&'static str, u32>,
}

impl Rig {
    fn new(seed: u64) -> Self {
        let home = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(1_700_000_000_000));
        let controller = started(home.path(), &clock);
        Self {
            home,
            clock,
            controller,
            expected: Acknowledged {
                share: Percent::ZERO,
                rolled_back: false,
                held: false,
                mirror: true,
            },
            state: seed,
            refusing: false,
            outcomes: 0,
            done: std::collections::BTreeMap::new(),
        }
    }

    fn below(&mut self, of: u64) -> u64 {
        // The finalizer of SplitMix64: the same on every machine.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % of
    }

    fn count(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    async fn step(&mut self) {
        match self.below(20) {
            0..5 => self.split().await,
            5 => self.roll_back().await,
            6 | 7 => self.resume().await,
            8 => self.hold().await,
            9 => self.mirror().await,
            10 | 11 => self.answers(false).await,
            12 => self.answers(true).await,
            13 | 14 => {
                let renewed = self.controller.shared.renew();
                assert_eq!(
                    renewed,
                    !self.refusing,
                    "{:?}",
                    self.controller.ledger_state()
                );
            }
            15 => {
                let by = self.below(90);
                self.clock.advance(Duration::from_secs(by));
            }
            16 => {
                let date = 1_600_000_000_000 + self.below(200_000_000_000);
                self.clock.set_unix_ms(date);
            }
            17 => self.refuse(),
            18 => self.second(),
            _ => self.crash(),
        }
        self.watch();
    }

    async fn split(&mut self) {
        let to = [0.0, 1.0, 5.0, 20.0, 50.0, 100.0][usize::try_from(self.below(6)).unwrap()];
        let to = Percent::new(to).unwrap();
        let ask_for = SplitAsk {
            to,
            override_: true,
            if_match: None,
        };
        let role = if self.below(6) == 0 {
            ActorRole::Viewer
        } else {
            ActorRole::Owner
        };
        let before = self.expected;
        let result = self
            .controller
            .split(&support(), ask_for, ask(role, "model"))
            .await;
        if result.is_ok() {
            let rises = to > before.share;
            assert!(role == ActorRole::Owner, "a viewer changed the share");
            let barred = before.rolled_back || before.held || self.refusing;
            assert!(!(rises && barred), "raised: {before:?}");
            self.expected.share = to;
            self.count(if rises { "raised" } else { "lowered" });
        } else {
            self.count("split refused");
        }
    }

    async fn roll_back(&mut self) {
        let ask = ask(ActorRole::Operator, "model");
        let changed = self.controller.rollback(&support(), ask).await.unwrap();
        assert!(changed.survives_restart(), "{changed:?}");
        self.expected.share = Percent::ZERO;
        self.expected.rolled_back = true;
        self.count("rolled back");
    }

    async fn resume(&mut self) {
        let ask = ask(ActorRole::Owner, "model");
        if self.controller.resume(&support(), None, ask).await.is_ok() {
            assert!(!self.refusing, "resumed on a disk that refuses");
            if self.expected.rolled_back {
                self.expected.rolled_back = false;
            } else {
                self.expected.held = false;
            }
            self.count("resumed");
        }
    }

    async fn hold(&mut self) {
        let changed = self
            .controller
            .hold(&support(), ask(ActorRole::Operator, "model"))
            .await;
        assert!(changed.unwrap().survives_restart());
        self.expected.held = true;
        self.count("held");
    }

    async fn mirror(&mut self) {
        let enabled = self.below(2) == 0;
        let result = self
            .controller
            .switch_mirror(enabled, ask(ActorRole::Operator, "model"))
            .await;
        if result.is_ok() {
            self.expected.mirror = enabled;
        }
    }

    /// Drawn answers of the running attempt; bad ones roll back.
    async fn answers(&mut self, bad: bool) {
        let split = published(&self.controller);
        if split.attempt.is_none() || !split.is_drawn() {
            return;
        }
        let count = if bad { 1_500 } else { 100 };
        let mut batch = outcomes(&self.controller, count, bad);
        for record in &mut batch {
            if let Record::Answer(answer) = record {
                self.outcomes += 1;
                answer.key.sequence = self.outcomes;
                answer.unit = Unit(u128::from(self.outcomes));
            }
        }
        self.controller
            .apply_outcomes(&support(), batch)
            .await
            .unwrap();
        let view = self.controller.route_view(&support()).unwrap().rollout;
        if let Some(rolled_back) = view.rolled_back {
            assert!(
                bad && matches!(rolled_back.cause, Cause::Alarm(_)),
                "{rolled_back:?}"
            );
            self.expected.share = Percent::ZERO;
            self.expected.rolled_back = true;
            self.count("alarm");
        }
    }

    /// What a raise needs to write before it may be one cannot be written, or can be again.
    fn refuse(&mut self) {
        let probe = self.home.path().join("probe");
        if self.refusing {
            fs::remove_dir(&probe).unwrap();
        } else {
            fs::create_dir(&probe).unwrap();
            self.count("disk refused");
        }
        self.refusing = !self.refusing;
    }

    /// Nobody else writes here.
    fn second(&mut self) {
        let error = DataDirectory::open(self.home.path())
            .unwrap_err()
            .to_string();
        assert!(error.contains("in use by another process"), "{error}");
        self.count("second writer refused");
    }

    /// Everything in memory is gone, and a write that was under way is half done.
    fn crash(&mut self) {
        let gone = std::mem::replace(&mut self.controller, nobody());
        drop(gone);
        let torn = self.below(3);
        let half_done: Option<(PathBuf, &[u8])> = match torn {
            0 => None,
            1 => Some((self.home.path().join("ledger.jsonl"), br#"{"prev":"00"#)),
            _ => {
                let folder = fs::read_dir(self.home.path().join("outcomes")).unwrap();
                let log = folder.map(|entry| entry.unwrap().path()).max();
                log.map(|log| (log, &[7_u8; 31][..]))
            }
        };
        if let Some((path, bytes)) = half_done {
            let mut file = OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .unwrap();
            file.write_all(bytes).unwrap();
        }
        self.controller = started(self.home.path(), &self.clock);
        let lease = published(&self.controller).lease_until;
        assert!(lease.is_none(), "a start grants nothing by itself");
        self.count("crashed");
    }

    /// What holds after every step.
    fn watch(&self) {
        let view = self.controller.route_view(&support()).unwrap().rollout;
        let found = Acknowledged {
            share: view.share,
            rolled_back: view.rolled_back.is_some(),
            held: view.held.is_some(),
            mirror: view.mirror_enabled,
        };
        assert_eq!(found, self.expected, "what was acknowledged");
        let split = published(&self.controller);
        let now = self.clock_now();
        let effective = if split.lease_valid(now) {
            split.share
        } else {
            Percent::ZERO
        };
        let durable = self.durable();
        assert!(
            effective <= durable,
            "{effective} in effect, {durable} on record"
        );
        if split.lease_until.is_none_or(|until| until <= now) {
            assert!(effective.is_zero() || split.stage.holds_without_lease());
        }
    }

    fn clock_now(&self) -> std::time::Instant {
        Clock::Manual(Arc::clone(&self.clock)).instant()
    }

    /// The share that the ledger's file says.
    fn durable(&self) -> Percent {
        let path = self.home.path().join("ledger.jsonl");
        let entries = crossfade_backplane::verify(&path).unwrap().entries;
        let mut rollout = RouteRollout::new(RoutePlan::new(support()));
        for entry in &entries {
            rollout.apply_entry(entry);
        }
        rollout.share()
    }
}

fn started(home: &Path, clock: &Arc<ManualClock>) -> Controller {
    let plan = RoutePlan {
        owner: Some("team".to_owned()),
        reverse_share: Percent::new(50.0).unwrap(),
        ..RoutePlan::new(support())
    };
    Controller::start(ControllerOptions {
        directory: Arc::new(DataDirectory::open(home).unwrap()),
        plans: vec![plan],
        lease: LEASE,
        metrics: Telemetry::new().unwrap().metrics(["support"]),
        clock: Clock::Manual(Arc::clone(clock)),
    })
}

/// Stands in for one that is gone, in a directory of its own.
fn nobody() -> Controller {
    let home = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(0));
    started(home.path(), &clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sequence_of_events_loses_what_was_acknowledged_or_moves_more() {
    let alone = std::env::var_os("CROSSFADE_MODEL_SEED");
    let alone = alone.map(|seed| seed.to_str().unwrap().parse::<u64>().unwrap());
    let seeds = alone.map_or(1..=12, |seed| seed..=seed);
    let mut done = std::collections::BTreeMap::<&str, u32>::new();
    for seed in seeds {
        println!("seed {seed}: run it alone with CROSSFADE_MODEL_SEED={seed}");
        let mut rig = Rig::new(seed);
        for _ in 0..STEPS {
            rig.step().await;
        }
        rig.controller.finish().await;
        if let Err(problem) = verify_directory(rig.home.path(), None) {
            panic!("{problem}");
        }
        for (what, times) in rig.done {
            *done.entry(what).or_default() += times;
        }
    }
    println!("{done:?}");
    if alone.is_none() {
        for what in [
            "raised",
            "lowered",
            "split refused",
            "rolled back",
            "resumed",
            "held",
            "alarm",
            "disk refused",
            "second writer refused",
            "crashed",
        ] {
            assert!(done.contains_key(what), "{what} never happened: {done:?}");
        }
    }
}
