//! Load as Azure's clients make it: real sockets kept alive, arrivals that do not wait for answers, streamed and not.
//!
//! It judges each answer by the corpus, as the caller who got it would. It measures from the outside only; what happens in
//! between is somebody else's to say.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{corpus::Corpus, script::unit_interval};

mod caller;
mod reading;
mod report;
#[cfg(test)]
mod tests;

pub use caller::{Call, CallResult, Caller, Outcome};
pub use report::{Quantiles, Report};

/// What becomes of the arrivals that come while one waits for room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Late {
    /// They follow at once when there is room again: the average rate is kept.
    #[default]
    CatchUp,
    /// They are put off by as much: a target that falls behind gets less, and no heap afterwards.
    PutOff,
}

/// What load to make.
#[derive(Clone)]
pub struct LoadPlan {
    /// Where to send it.
    pub target: SocketAddr,
    /// The deployment that is asked.
    pub deployment: String,
    /// Where prompts come from.
    pub corpus: Arc<Corpus>,
    /// The keys that callers have; each request takes one.
    pub credentials: Vec<String>,
    /// How many different values the `user` field has; 0 leaves it out.
    pub users: u64,
    /// Requests a second, on average; gaps are exponential.
    pub rate: f64,
    /// Requests in flight at most. An arrival that finds no room waits, and is counted as delayed.
    pub concurrency: usize,
    /// What becomes of the arrivals that come while one waits for room.
    pub late: Late,
    /// How long requests are sent; those in flight are waited for.
    pub duration: Duration,
    /// Requests sent at most.
    pub requests: u64,
    /// Decides prompts, gaps, keys and users.
    pub seed: u64,
    /// The reference of the first request; the next ones count up. Two plans with other references never share a
    /// conversation.
    pub first_serial: u64,
    /// How long a caller waits for the end of an answer.
    pub timeout: Duration,
    /// Ends the sending early.
    pub stop: CancellationToken,
}

impl fmt::Debug for LoadPlan {
    /// Keys stay out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadPlan")
            .field("target", &self.target)
            .field("deployment", &self.deployment)
            .field("rate", &self.rate)
            .field("duration", &self.duration)
            .field("requests", &self.requests)
            .finish_non_exhaustive()
    }
}

impl LoadPlan {
    /// Ten requests a second for ten seconds, from one caller.
    pub fn new(target: SocketAddr, deployment: &str, corpus: Arc<Corpus>) -> Self {
        Self {
            target,
            deployment: deployment.to_owned(),
            corpus,
            credentials: vec!["demo-key".to_owned()],
            users: 0,
            rate: 10.0,
            concurrency: 256,
            late: Late::default(),
            duration: Duration::from_secs(10),
            requests: u64::MAX,
            seed: 1,
            first_serial: 1,
            timeout: Duration::from_secs(30),
            stop: CancellationToken::new(),
        }
    }

    /// The call with this number: the same for the same plan.
    fn call(&self, number: u64) -> Option<Call> {
        let prompt = self.corpus.pick(self.draw(number, 1))?.clone();
        let serial = self.first_serial.wrapping_add(number);
        let credential = self
            .credentials
            .get(at(self.draw(number, 2), self.credentials.len() as u64))
            .cloned()
            .unwrap_or_default();
        let user =
            (self.users > 0).then(|| format!("user-{}", at(self.draw(number, 3), self.users)));
        Some(Call {
            prompt,
            serial,
            credential,
            user,
        })
    }

    /// The gap before this arrival.
    fn gap(&self, number: u64) -> Duration {
        let seconds = -(1.0 - self.draw(number, 4)).ln() / self.rate;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO)
    }

    fn draw(&self, number: u64, purpose: u64) -> f64 {
        unit_interval(self.seed.rotate_left(40) ^ number.wrapping_mul(8).wrapping_add(purpose))
    }
}

/// Sends the load and waits for every answer. `on_result` sees each result as it comes, in the order of the ends.
pub async fn run(
    plan: LoadPlan,
    on_result: impl Fn(&CallResult) + Send + Sync + 'static,
) -> io::Result<Report> {
    if !(plan.rate.is_finite() && plan.rate > 0.0) || plan.credentials.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a load needs a rate above 0 and at least one credential",
        ));
    }
    let caller = Caller::new(plan.target, &plan.deployment, plan.timeout);
    let report = Arc::new(report::Tally::default());
    let on_result = Arc::new(on_result);
    let room = Arc::new(Semaphore::new(plan.concurrency.max(1)));
    let tasks = TaskTracker::new();
    let begun = Instant::now();
    let end = begun + plan.duration;
    let mut due = begun;
    let mut sent = 0;
    while sent < plan.requests {
        due += plan.gap(sent);
        if due >= end
            || plan
                .stop
                .run_until_cancelled(sleep_until(due))
                .await
                .is_none()
        {
            break;
        }
        let permit = match Arc::clone(&room).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                report.delayed();
                let waiting = plan
                    .stop
                    .run_until_cancelled(Arc::clone(&room).acquire_owned());
                let Some(Ok(permit)) = waiting.await else {
                    break;
                };
                permit
            }
        };
        match plan.late {
            Late::CatchUp => {}
            Late::PutOff => due = due.max(Instant::now()),
        }
        let Some(call) = plan.call(sent) else { break };
        sent += 1;
        let (caller, report, on_result) =
            (caller.clone(), Arc::clone(&report), Arc::clone(&on_result));
        tasks.spawn(async move {
            let result = caller.call(call).await;
            drop(permit);
            report.add(&result);
            on_result(&result);
        });
    }
    tasks.close();
    tasks.wait().await;
    Ok(report.report(sent, begun.elapsed()))
}

/// A position below `count`, from a number in [0, 1).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "counts of keys and users are small, and the product is not negative"
)]
fn at(draw: f64, count: u64) -> usize {
    (draw * count as f64) as usize
}
