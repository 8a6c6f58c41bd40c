//! Gathers the answers of a run: cases, repeats and sides, some at a time, within what the run may spend, kept as they come.
//!
//! It judges nothing. Recorded answers cost nothing and are only looked up; live ones go to the journal as soon as they are
//! there, so that a run that was stopped goes on without asking twice. What got no answer is not kept, and is asked again.

mod call;
mod journal;
mod purse;

use std::{collections::VecDeque, io};

use crossfade_compare::Checks;
use crossfade_exchange::{Role, Side};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::sync::watch;

pub use call::Patience;
pub use journal::{FILE as JOURNAL, Heading, Journal, JournalError, Kept};
pub use purse::{Amount, Caps};

use purse::{Afford, Purse};

use crate::{
    answer::{CaseAnswer, RecordedAnswer},
    case::Case,
    dataset::Dataset,
    judge::exchange,
    sides::{Answers, Asking, Recordings, RecordingsError, SideSource, Sides, request_digest},
};

/// How a run goes about it.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// How often each case is asked, where the case does not say.
    pub repeat: u32,
    /// Calls on their way at once, over both sides.
    pub concurrency: usize,
    /// How patient a call is.
    pub patience: Patience,
    /// What the run may spend, what an earlier part of it spent included.
    pub caps: Caps,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Askings that are done.
    pub done: usize,
    /// All askings.
    pub total: usize,
    /// Of those done, the ones that got no answer.
    pub missing: usize,
    /// What was spent.
    pub spent: Amount,
}

/// Why a run stopped asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Everything was asked.
    Done,
    /// The next call did not fit into the caps.
    Budget,
    /// It was told to stop.
    Interrupted,
}

/// What a run gathered.
#[derive(Debug)]
pub struct Gathered {
    /// The answers, those included that are missing after all retries.
    pub answers: Answers,
    /// Why it stopped.
    pub stopped: Stopped,
    /// What was spent on live sides.
    pub spent: Amount,
}

/// Why answers cannot be gathered.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A recording that cannot be used.
    #[error(transparent)]
    Recordings(#[from] RecordingsError),
    /// The journal cannot be written.
    #[error("the journal cannot be written: {0}")]
    Journal(#[from] io::Error),
}

/// Everything a run needs.
#[derive(Debug)]
pub struct Run<'a> {
    /// What is asked.
    pub dataset: &'a Dataset,
    /// Who answers.
    pub sides: &'a Sides,
    /// The route's checks, which count tokens.
    pub checks: &'a Checks,
    /// Recordings beside those of the cases.
    pub recordings: &'a Recordings,
    /// How.
    pub options: RunOptions,
}

/// A call that has ended.
struct Ended {
    asking: Asking,
    answer: CaseAnswer,
    most: Amount,
}

/// The state of a run.
struct Gathering<'a> {
    run: &'a Run<'a>,
    answers: Answers,
    waiting: VecDeque<Asking>,
    purse: Purse,
    total: usize,
    missing: usize,
}

/// How often a case is asked.
pub(crate) fn repeats(case: &Case, unless: u32) -> u32 {
    case.repeat.unwrap_or(unless).max(1)
}

// === impl Run ===

impl<'a> Run<'a> {
    /// Gathers all answers, or as many as the caps allow, or as there are when `stop` becomes true: then no further call is
    /// made, and those on their way are waited for. `earlier` are the answers of the journal; `observe` hears of every
    /// asking that is done.
    pub async fn gather(
        &'a self,
        earlier: Vec<RecordedAnswer>,
        journal: &mut Journal,
        mut stop: watch::Receiver<bool>,
        observe: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Gathered, RunError> {
        let mut gathering = Gathering::new(self, earlier)?;
        let mut calls: FuturesUnordered<BoxFuture<'a, Ended>> = FuturesUnordered::new();
        let mut stopped = Stopped::Done;
        observe(gathering.progress());
        loop {
            if *stop.borrow() {
                stopped = Stopped::Interrupted;
            }
            while stopped == Stopped::Done && calls.len() < self.options.concurrency.max(1) {
                let Some(asking) = gathering.waiting.pop_front() else {
                    break;
                };
                match gathering.start(asking) {
                    Started::Calling(call) => calls.push(call),
                    Started::Nobody => {}
                    Started::Later => {
                        gathering.waiting.push_front(asking);
                        break;
                    }
                    Started::Never => stopped = Stopped::Budget,
                }
            }
            // A stop is heard while calls are on their way, and nobody who could say it is left only when the process ends.
            let told = async {
                if *stop.borrow() || stop.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                ended = calls.next() => match ended {
                    Some(ended) => {
                        gathering.end(ended, journal)?;
                        observe(gathering.progress());
                    }
                    None => break,
                },
                () = told => {}
            }
        }
        Ok(Gathered {
            spent: gathering.purse.spent(),
            answers: gathering.answers,
            stopped,
        })
    }
}

enum Started<'a> {
    Calling(BoxFuture<'a, Ended>),
    Nobody,
    Later,
    Never,
}

// === impl Gathering ===

impl<'a> Gathering<'a> {
    fn new(run: &'a Run<'a>, earlier: Vec<RecordedAnswer>) -> Result<Self, RunError> {
        let mut gathering = Self {
            run,
            answers: Answers::new(),
            waiting: VecDeque::new(),
            purse: Purse::new(run.options.caps),
            total: 0,
            missing: 0,
        };
        let earlier = Recordings::of(earlier);
        for (index, case) in run.dataset.cases.iter().enumerate() {
            for repeat in 0..repeats(case, run.options.repeat) {
                for side in Side::ALL.iter().copied() {
                    let asking = Asking {
                        case: index,
                        repeat,
                        side,
                    };
                    gathering.plan(asking, case, &earlier)?;
                }
            }
        }
        gathering.total = gathering.answers.len() + gathering.waiting.len();
        Ok(gathering)
    }

    /// Looks an answer up, or puts its asking in the queue.
    fn plan(
        &mut self,
        asking: Asking,
        case: &Case,
        earlier: &Recordings,
    ) -> Result<(), RecordingsError> {
        let Asking { side, repeat, .. } = asking;
        match self.run.sides.of(side) {
            SideSource::Absent => {}
            SideSource::Recorded => {
                if let Some(answer) = self.run.recordings.find(case, side, repeat)? {
                    self.missing += usize::from(answer.is_missing());
                    self.answers.insert(asking, answer);
                }
            }
            SideSource::Live(_) => match earlier.kept(&case.id, side, repeat) {
                Some(answer) => {
                    self.purse.spend(self.took(asking, answer));
                    self.answers.insert(asking, answer.clone());
                }
                None => self.waiting.push_back(asking),
            },
        }
        Ok(())
    }

    fn start(&mut self, asking: Asking) -> Started<'a> {
        let Some((case, live)) = self
            .run
            .dataset
            .cases
            .get(asking.case)
            .zip(self.run.sides.of(asking.side).live())
        else {
            return Started::Nobody;
        };
        let limit = output_limit(case);
        let most = Amount::most(case.request_bytes().len(), limit, live.price.as_ref());
        match self.purse.reserve(most) {
            Afford::Later => return Started::Later,
            Afford::Never => return Started::Never,
            Afford::Yes => {}
        }
        let patience = self.run.options.patience;
        let call = async move {
            let answer = call::ask(live, case, patience).await;
            Ended {
                asking,
                answer,
                most,
            }
        };
        Started::Calling(call.boxed())
    }

    fn end(&mut self, ended: Ended, journal: &mut Journal) -> io::Result<()> {
        let Ended {
            asking,
            answer,
            most,
        } = ended;
        self.purse.settle(most, self.took(asking, &answer));
        if answer.is_missing() {
            self.missing += 1;
        } else if let Some(case) = self.run.dataset.cases.get(asking.case) {
            journal.keep(&recorded(case, asking, answer.clone()))?;
        }
        self.answers.insert(asking, answer);
        Ok(())
    }

    /// What an answer took, by its own count.
    fn took(&self, asking: Asking, answer: &CaseAnswer) -> Amount {
        let Some(case) = self.run.dataset.cases.get(asking.case) else {
            return Amount::default();
        };
        let alone = exchange(
            case,
            asking.side,
            answer.recording(asking.side, Role::Answering),
        );
        let verdict = self.run.checks.compare(&alone);
        let usage = verdict.side(asking.side).and_then(|side| side.usage);
        let live = self.run.sides.of(asking.side).live();
        Amount::of(usage, live.and_then(|live| live.price.as_ref()))
    }

    fn progress(&self) -> Progress {
        Progress {
            done: self.answers.len(),
            total: self.total,
            missing: self.missing,
            spent: self.purse.spent(),
        }
    }
}

/// An answer as it is kept.
pub fn recorded(case: &Case, asking: Asking, answer: CaseAnswer) -> RecordedAnswer {
    RecordedAnswer {
        case: case.id.clone(),
        side: asking.side,
        repeat: asking.repeat,
        request: Some(request_digest(case)),
        answer,
    }
}

/// The request's own limit on output.
fn output_limit(case: &Case) -> Option<u64> {
    let names = ["max_completion_tokens", "max_tokens", "max_output_tokens"];
    let found = names.iter().find_map(|name| case.request.get(name));
    match case.operation {
        crossfade_exchange::Operation::Embeddings => Some(0),
        crossfade_exchange::Operation::Chat | crossfade_exchange::Operation::Responses => {
            found.and_then(serde_json::Value::as_u64)
        }
    }
}

#[cfg(test)]
mod tests;
