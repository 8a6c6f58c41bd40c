//! The accounting identity, held by construction: a request moves from one state to another under one lock, and an entry that is
//! dropped without a word is counted too.
//!
//! `seen = ineligible + eligible`, `seen = finished + in flight`, and `eligible = compared + skipped + in flight in the mirror`, in every
//! snapshot, not only at rest.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crossfade_exchange::{
    IneligibleReason, Loss, LossKind, MirrorOnlyReason, RouteId, SizeClass, SkipReason,
};
use serde::Serialize;

const SIZES: usize = SizeClass::ALL.len();
const SKIPS: usize = SkipReason::ALL.len();
const REASONS: usize = IneligibleReason::ALL.len();
const MIRROR_ONLY: usize = MirrorOnlyReason::ALL.len();
const LOSSES: usize = LossKind::ALL.len();

/// A snapshot of one route's counts, consistent in itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Accounting {
    /// The route.
    pub route: RouteId,
    /// Requests classified so far.
    pub seen: u64,
    /// Of these, requests whose answer has ended.
    pub finished: u64,
    /// Of these, requests still being answered.
    pub in_flight: u64,
    /// Requests that may not be mirrored or assigned, by reason.
    pub ineligible: BTreeMap<IneligibleReason, u64>,
    /// Requests that may, by size.
    pub eligible: BTreeMap<SizeClass, u64>,
    /// Eligible requests whose two answers were compared, by size.
    pub compared: BTreeMap<SizeClass, u64>,
    /// Eligible requests that were not compared, by size and reason.
    pub skipped: BTreeMap<SizeClass, BTreeMap<SkipReason, u64>>,
    /// Eligible requests that are neither yet.
    pub mirror_in_flight: u64,
    /// Of the eligible requests, those that only the primary may answer, by reason.
    pub mirror_only: BTreeMap<MirrorOnlyReason, u64>,
    /// Requests that the candidate was asked, in either role, and whose call has ended.
    pub asked: u64,
    /// Of these, requests whose translation lost something, by what; one with several kinds counts in each.
    pub losses: BTreeMap<LossKind, u64>,
}

impl Accounting {
    /// Whether the counts add up.
    pub fn holds(&self) -> bool {
        let sum = |counts: &BTreeMap<_, u64>| counts.values().sum::<u64>();
        let ineligible: u64 = self.ineligible.values().sum();
        let eligible = sum(&self.eligible);
        let skipped: u64 = self.skipped.values().flat_map(BTreeMap::values).sum();
        self.seen == ineligible + eligible
            && self.seen == self.finished + self.in_flight
            && eligible == sum(&self.compared) + skipped + self.mirror_in_flight
            && self.mirror_only.values().sum::<u64>() <= eligible
            && self.losses.values().all(|lost| *lost <= self.asked)
    }

    /// Eligible requests skipped for a reason, over all sizes.
    pub fn skipped_for(&self, reason: SkipReason) -> u64 {
        self.skipped.values().filter_map(|by| by.get(&reason)).sum()
    }

    /// Of a size: compared, and what should have been, which is that and what [lowers coverage].
    ///
    /// [lowers coverage]: SkipReason::lowers_coverage
    pub fn coverage_of(&self, size: SizeClass) -> (u64, u64) {
        let compared = self.compared.get(&size).copied().unwrap_or(0);
        let missed: u64 = self
            .skipped
            .get(&size)
            .into_iter()
            .flatten()
            .filter(|(reason, _)| reason.lowers_coverage())
            .map(|(_, count)| count)
            .sum();
        (compared, compared + missed)
    }

    /// Compared over what should have been, over all sizes; `None` before the first.
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
    pub fn coverage(&self) -> Option<f64> {
        let (mut compared, mut selected) = (0, 0);
        for size in SizeClass::ALL {
            let of_size = self.coverage_of(*size);
            compared += of_size.0;
            selected += of_size.1;
        }
        (selected > 0).then(|| compared as f64 / selected as f64)
    }
}

#[derive(Debug)]
struct Counts {
    finished: u64,
    seen: u64,
    ineligible: [u64; REASONS],
    eligible: [u64; SIZES],
    compared: [u64; SIZES],
    skipped: [[u64; SKIPS]; SIZES],
    mirror_in_flight: u64,
    mirror_only: [u64; MIRROR_ONLY],
    asked: u64,
    losses: [u64; LOSSES],
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            finished: 0,
            seen: 0,
            ineligible: [0; REASONS],
            eligible: [0; SIZES],
            compared: [0; SIZES],
            skipped: [[0; SKIPS]; SIZES],
            mirror_in_flight: 0,
            mirror_only: [0; MIRROR_ONLY],
            asked: 0,
            losses: [0; LOSSES],
        }
    }
}

/// The counts of one route.
#[derive(Clone, Debug)]
pub(crate) struct RouteAccounts {
    route: RouteId,
    counts: Arc<Mutex<Counts>>,
}

impl RouteAccounts {
    /// A route with nothing counted.
    pub(crate) fn new(route: RouteId) -> Self {
        Self {
            route,
            counts: Arc::default(),
        }
    }

    /// Counts a request that may not be mirrored or assigned.
    pub(crate) fn ineligible(&self, reason: IneligibleReason) -> Seen {
        self.change(|c| {
            c.seen += 1;
            add(&mut c.ineligible, reason.index());
        });
        Seen {
            accounts: self.clone(),
        }
    }

    /// Counts a request that may be mirrored, and assigned unless there is a reason why not. The ticket must be told what
    /// became of it.
    pub(crate) fn eligible(
        &self,
        size: SizeClass,
        mirror_only: Option<MirrorOnlyReason>,
    ) -> (Seen, Ticket) {
        self.change(|c| {
            c.seen += 1;
            c.mirror_in_flight += 1;
            add(&mut c.eligible, size.index());
            if let Some(reason) = mirror_only {
                add(&mut c.mirror_only, reason.index());
            }
        });
        let ticket = Ticket {
            accounts: self.clone(),
            size,
            open: true,
        };
        (
            Seen {
                accounts: self.clone(),
            },
            ticket,
        )
    }

    /// Counts a call to the candidate that has ended, and what its translation lost: each kind once.
    pub(crate) fn asked(&self, losses: &[Loss]) {
        let mut lost = [false; LOSSES];
        for loss in losses {
            if let Some(seen) = lost.get_mut(loss.kind.index()) {
                *seen = true;
            }
        }
        self.change(|c| {
            c.asked += 1;
            for (count, lost) in c.losses.iter_mut().zip(lost) {
                *count += u64::from(lost);
            }
        });
    }

    /// The counts now.
    pub(crate) fn snapshot(&self) -> Accounting {
        let c = self.lock();
        let sizes = || SizeClass::ALL.iter().copied();
        let at = |table: &[u64; SIZES], size: SizeClass| table.get(size.index()).copied();
        Accounting {
            route: self.route.clone(),
            seen: c.seen,
            finished: c.finished,
            in_flight: c.seen - c.finished,
            ineligible: IneligibleReason::ALL
                .iter()
                .copied()
                .zip(c.ineligible.iter().copied())
                .collect(),
            eligible: sizes()
                .filter_map(|s| Some((s, at(&c.eligible, s)?)))
                .collect(),
            compared: sizes()
                .filter_map(|s| Some((s, at(&c.compared, s)?)))
                .collect(),
            skipped: sizes()
                .zip(&c.skipped)
                .map(|(s, by)| {
                    (
                        s,
                        SkipReason::ALL
                            .iter()
                            .copied()
                            .zip(by.iter().copied())
                            .collect(),
                    )
                })
                .collect(),
            mirror_in_flight: c.mirror_in_flight,
            mirror_only: MirrorOnlyReason::ALL
                .iter()
                .copied()
                .zip(c.mirror_only.iter().copied())
                .collect(),
            asked: c.asked,
            losses: LossKind::ALL
                .iter()
                .copied()
                .zip(c.losses.iter().copied())
                .filter(|(_, count)| *count > 0)
                .collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.lock());
    }
}

fn add(table: &mut [u64], index: usize) {
    if let Some(count) = table.get_mut(index) {
        *count += 1;
    }
}

/// A request being answered; counts it as finished when dropped, which is when its answer's body ends.
#[derive(Debug)]
pub(crate) struct Seen {
    accounts: RouteAccounts,
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.accounts.change(|c| c.finished += 1);
    }
}

/// An eligible request that is neither compared nor skipped yet. Dropped without a word, it counts as a panic.
#[derive(Debug)]
pub(crate) struct Ticket {
    accounts: RouteAccounts,
    size: SizeClass,
    open: bool,
}

impl Ticket {
    /// Its two answers were compared.
    pub(crate) fn compared(mut self) {
        self.close(|c, size| add(&mut c.compared, size));
    }

    /// It was not compared.
    pub(crate) fn skip(mut self, reason: SkipReason) {
        self.close(|c, size| skip(c, size, reason));
    }

    fn close(&mut self, count: impl FnOnce(&mut Counts, usize)) {
        if std::mem::take(&mut self.open) {
            let size = self.size.index();
            self.accounts.change(|c| {
                c.mirror_in_flight -= 1;
                count(c, size);
            });
        }
    }
}

fn skip(counts: &mut Counts, size: usize, reason: SkipReason) {
    if let Some(by) = counts.skipped.get_mut(size) {
        add(by, reason.index());
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.close(|c, size| skip(c, size, SkipReason::Panic));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_ticket_dropped_without_a_word_is_counted() {
        let accounts = RouteAccounts::new(RouteId::new("r"));
        let (seen, ticket) = accounts.eligible(SizeClass::K4, None);
        assert!(accounts.snapshot().holds());
        drop(ticket);
        let snapshot = accounts.snapshot();
        assert_eq!(snapshot.skipped_for(SkipReason::Panic), 1);
        assert_eq!((snapshot.in_flight, snapshot.mirror_in_flight), (1, 0));
        drop(seen);
        assert_eq!(accounts.snapshot().finished, 1);
    }

    #[test]
    fn coverage_leaves_out_what_nobody_could_compare() {
        let accounts = RouteAccounts::new(RouteId::new("r"));
        assert_eq!(accounts.snapshot().coverage(), None);
        accounts.eligible(SizeClass::K4, None).1.compared();
        accounts
            .eligible(SizeClass::M2, None)
            .1
            .skip(SkipReason::Slots);
        let skip = |reason| accounts.eligible(SizeClass::K4, None).1.skip(reason);
        for reason in [
            SkipReason::SampledOut,
            SkipReason::PrimaryRefused,
            SkipReason::ClientAbort,
        ] {
            skip(reason);
            assert_eq!(accounts.snapshot().coverage(), Some(0.5), "{reason}");
        }
        let _under_way = accounts.eligible(SizeClass::K4, None);
        assert_eq!(accounts.snapshot().coverage(), Some(0.5));
        for (reason, coverage) in [
            (SkipReason::CandidateAbort, 1.0 / 3.0),
            (SkipReason::PrimaryFailed, 0.25),
            (SkipReason::Deadline, 0.2),
        ] {
            skip(reason);
            assert_eq!(accounts.snapshot().coverage(), Some(coverage), "{reason}");
        }
        assert_eq!(accounts.snapshot().coverage_of(SizeClass::M2), (0, 1));
    }

    #[test]
    fn a_kind_of_loss_counts_once_in_a_request() {
        let accounts = RouteAccounts::new(RouteId::new("r"));
        let stop = Loss::new(LossKind::StopDropped, "stop[0]");
        let again = Loss::new(LossKind::StopDropped, "stop[1]");
        let seed = Loss::new(LossKind::SeedDropped, "seed");
        accounts.asked(&[stop, again, seed.clone()]);
        accounts.asked(&[seed]);
        accounts.asked(&[]);
        let snapshot = accounts.snapshot();
        assert_eq!(snapshot.asked, 3);
        let losses: Vec<_> = snapshot.losses.iter().map(|(k, n)| (*k, *n)).collect();
        assert_eq!(
            losses,
            [(LossKind::SeedDropped, 2), (LossKind::StopDropped, 1)]
        );
    }

    proptest! {
        #[test]
        fn the_identity_holds_after_every_step(steps in prop::collection::vec(0u8..8, 1..200)) {
            let accounts = RouteAccounts::new(RouteId::new("r"));
            let (mut seen, mut tickets) = (Vec::new(), Vec::new());
            for step in steps {
                match step {
                    0 => seen.push(accounts.ineligible(IneligibleReason::TooLarge)),
                    1 | 2 => {
                        let mirror_only = (step == 2).then_some(MirrorOnlyReason::Loss);
                        let (s, t) = accounts.eligible(SizeClass::K32, mirror_only);
                        seen.push(s);
                        tickets.push(t);
                    }
                    3 => drop(seen.pop()),
                    4 => tickets.pop().into_iter().for_each(Ticket::compared),
                    5 => tickets.pop().into_iter().for_each(|t| t.skip(SkipReason::Bytes)),
                    6 => drop(tickets.pop()),
                    _ => seen.clear(),
                }
                prop_assert!(accounts.snapshot().holds());
            }
        }
    }
}
