//! What befalls a controller: time, dates, disks, crashes, changed configurations, two at once.

use std::{fs::OpenOptions, io::Write as _, sync::atomic::Ordering::Relaxed};

use crossfade_backplane::read_outcomes;
use crossfade_rollout::Phase;

use super::{
    super::*,
    Chance, State,
    entries::Kind,
    plan,
    rig::{BEGIN, Rig},
    world::Bad,
};

/// A record and its checksum, as the outcome log frames it.
const FRAME: u64 = Record::SIZE as u64 + 4;

impl Rig {
    pub(super) fn time(&mut self, chance: &mut Chance) {
        let seconds = if chance.once_in(12) {
            2 * 24 * 60 * 60
        } else {
            chance.below(70)
        };
        self.clock.advance(Duration::from_secs(seconds));
        if self.lease_until.is_some_and(|until| until <= self.now()) {
            self.count("a lease ended");
        }
    }

    /// The date alone, forward or back.
    pub(super) fn date(&mut self, chance: &mut Chance) {
        let by = chance.below(2 * 86_400_000);
        let date = (self.true_date() + by).saturating_sub(86_400_000);
        self.clock.set_unix_ms(date);
        self.count("the date jumped");
    }

    pub(super) fn mend_date(&mut self) {
        self.clock.set_unix_ms(self.true_date());
    }

    fn true_date(&self) -> u64 {
        let since = self.now().duration_since(self.origin);
        BEGIN + u64::try_from(since.as_millis()).unwrap()
    }

    pub(super) fn traffic(&mut self, chance: &mut Chance) {
        let world = &self.world;
        world.compared.fetch_add(chance.below(20), Relaxed);
        world.missed.fetch_add(chance.below(20), Relaxed);
        world.answers.fetch_add(chance.below(700), Relaxed);
        world.reviews.store(chance.below(3) / 2, Relaxed);
    }

    pub(super) fn disk(&mut self, chance: &mut Chance) {
        match self.home.state() {
            State::Fine => {
                self.home.refuse(chance.below(4));
                self.count("the disk refuses");
            }
            State::Full if chance.below(2) == 0 => self.home.fill_again(chance.below(4)),
            State::Probe | State::Full => self.home.mend(),
        }
    }

    /// The disk refuses, and somebody brings the traffic back all the same, again and again.
    pub(super) async fn bad_night(&mut self, chance: &mut Chance) {
        if self.home.state() != State::Fine {
            return self.disk(chance);
        }
        // What is written on such a night may be long, so that a full disk has no room for it.
        self.reason = "…".repeat(1_000);
        self.home.refuse(chance.below(2));
        self.count("the disk refuses");
        for _ in 0..4 + chance.below(8) {
            match chance.below(5) {
                0 => self.hold(ActorRole::Operator).await,
                1 => self.rollback(ActorRole::Operator).await,
                2 => self.split(chance, ActorRole::Owner).await,
                3 => self.outcomes(Bad::Candidate, 40).await,
                _ => self.renew(),
            }
            self.check();
            // Nor is there room left that was kept for this.
            self.home.fill_again(chance.below(2));
        }
        if chance.once_in(2) {
            self.crash(chance);
            self.check();
        }
        self.reason.truncate(3);
        self.home.mend();
        self.renew_after_trouble().await;
    }

    /// The disk is fine again.
    pub(super) async fn end(&mut self) {
        self.home.mend();
        self.renew_after_trouble().await;
        self.check();
    }

    async fn renew_after_trouble(&mut self) {
        self.deliver(Vec::new()).await;
        self.check();
        self.renew();
    }

    pub(super) fn kill(&mut self, chance: &mut Chance) {
        let on = !self.world.killed.load(Relaxed) && chance.once_in(3);
        self.world.killed.store(on, Relaxed);
    }

    /// Two at once: whatever comes first, nothing is lost and nothing moves more.
    pub(super) async fn race(&mut self, chance: &mut Chance) {
        let controller = self.controller().clone();
        let route = support();
        let up = SplitAsk {
            override_: true,
            ..to(20.0)
        };
        let raise = controller.split(&route, up, ask(ActorRole::Owner, "model"));
        let operator = ask(ActorRole::Operator, "model");
        let (raised, kind, other) = match chance.below(3) {
            0 => {
                let (raised, held) = tokio::join!(raise, controller.hold(&route, operator));
                (raised, Kind::Hold, held)
            }
            1 => {
                let (raised, back) = tokio::join!(raise, controller.rollback(&route, operator));
                (raised, Kind::Rollback, back)
            }
            _ => {
                let down = controller.split(&route, to(0.0), operator);
                let (raised, lowered) = tokio::join!(raise, down);
                (raised, Kind::Split, lowered)
            }
        };
        let raises_first = up.to > self.effect.share;
        match raised {
            Ok(Changed::Unchanged) => {}
            Ok(changed) => self.acknowledged.push((Kind::Split, changed)),
            // The other one may be the reason.
            Err(_) => assert!(raises_first || kind != Kind::Hold, "lowering was refused"),
        }
        match other.expect("toward the primary") {
            Changed::Unchanged => {}
            changed => self.acknowledged.push((kind, changed)),
        }
    }

    /// Nobody else writes here.
    pub(super) fn second_writer(&mut self) {
        let error = DataDirectory::open(self.home.path())
            .unwrap_err()
            .to_string();
        assert!(error.contains("in use by another process"), "{error}");
        self.count("second writer refused");
    }

    /// Everything in memory is gone, and a write that was under way is half done.
    pub(super) fn crash(&mut self, chance: &mut Chance) {
        let split = self.published();
        self.stop();
        let mut rings = false;
        let half_done = match chance.below(4) {
            0 => None,
            // What was logged, and was not yet acted on.
            3 => {
                rings = self.log_unseen(&split);
                None
            }
            1 => Some((
                self.home.path().join("ledger.jsonl"),
                &br#"{"prev":"00"#[..],
            )),
            _ => self.log().map(|log| (log, &[7_u8; 31][..])),
        };
        if let Some((path, bytes)) = half_done {
            let file = OpenOptions::new().append(true).open(path);
            // A full disk takes no torn piece either.
            drop(file.unwrap().write_all(bytes));
        }
        self.count("crash");
        self.start();
        assert!(!rings || self.effect.rolled_back, "an alarm was swallowed");
    }

    /// Outcomes that speak against the candidate, and that nobody had the time to act on; gives back whether an attempt must be rolled
    /// back for them.
    fn log_unseen(&mut self, split: &Split) -> bool {
        let batch = self
            .traffic
            .batch(split, self.date_ms(), 80, Bad::Candidate);
        let Some(facts) = split
            .attempt
            .as_ref()
            .filter(|_| self.home.state() != State::Full)
        else {
            return false;
        };
        let directory = DataDirectory::open(self.home.path()).unwrap();
        let (mut log, _) = OutcomeLog::open(&directory, &support(), facts.id).unwrap();
        log.append(&batch).unwrap();
        self.count("an alarm swallowed");
        facts.phase == Phase::Attempt
    }

    /// The running attempt's outcome log, if there is one yet.
    fn log(&self) -> Option<std::path::PathBuf> {
        let id = self.on_record.attempt.as_ref()?.id;
        let path = self.home.path().join(format!("outcomes/support.{id}.log"));
        path.exists().then_some(path)
    }

    /// As a crash, and what was not made durable is gone too: of the outcomes, all that no entry stands on may be.
    pub(super) fn power_cut(&mut self, chance: &mut Chance) {
        let seen = self.stands_on();
        self.stop();
        if let Some(path) = self.log() {
            let file = fs::File::options().write(true).open(&path).unwrap();
            let records = file.metadata().unwrap().len() / FRAME;
            let id = self.on_record.attempt.as_ref().unwrap().id;
            let found = read_outcomes(self.home.path(), &support(), id).unwrap();
            assert_eq!(found.unwrap().count() as u64, records);
            let kept = seen + chance.below(records - seen + 1);
            file.set_len(kept * FRAME).unwrap();
            if kept < records {
                self.lose_outcomes();
            }
        }
        self.count("power cut");
        self.start();
    }

    /// Another configuration at a restart.
    pub(super) fn configure(&mut self, chance: &mut Chance) {
        let mut plan = plan(chance.one_of(&["a", "b"]));
        match chance.below(8) {
            0 => plan.owner = None,
            1 => plan.reverse_share = Percent::ZERO,
            2 => plan.long_lived_units = true,
            3 => plan.automatic_ramp = false,
            4 => plan.metrics_on.remove(Metric::JsonParse),
            _ => {}
        }
        self.stop();
        self.plan = plan;
        self.count("configured");
        self.start();
    }

    /// The route is taken out of the configuration, and comes back.
    pub(super) fn remove(&mut self, chance: &mut Chance) {
        self.stop();
        self.configured = false;
        self.was_removed = true;
        self.start();
        if chance.once_in(2) {
            self.time(chance);
        }
        self.stop();
        self.configured = true;
        self.count("removed");
        self.start();
    }
}
