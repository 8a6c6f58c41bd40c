//! The mirror's two bounds in flight: slots, and bytes held.
//!
//! Both only ever refuse; nobody waits for them. What is refused is counted by the caller.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// A bounded amount, taken and given back.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    /// A budget of `limit`.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            inner: Arc::new(Inner {
                limit,
                used: AtomicUsize::new(0),
            }),
        }
    }

    /// Takes `amount` if that much is left.
    pub(crate) fn try_take(&self, amount: usize) -> Option<Hold> {
        let mut hold = Hold {
            budget: self.clone(),
            amount: 0,
        };
        hold.try_grow(amount).then_some(hold)
    }

    /// What is taken now.
    pub(crate) fn used(&self) -> usize {
        self.inner.used.load(Ordering::Relaxed)
    }

    /// The bound.
    pub(crate) fn limit(&self) -> usize {
        self.inner.limit
    }
}

/// A part of a budget, given back on drop.
#[derive(Debug)]
pub(crate) struct Hold {
    budget: Budget,
    amount: usize,
}

impl Hold {
    /// Takes more, if that much is left.
    pub(crate) fn try_grow(&mut self, more: usize) -> bool {
        let inner = &self.budget.inner;
        let taken = inner
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(more).filter(|sum| *sum <= inner.limit)
            });
        if taken.is_ok() {
            self.amount += more;
        }
        taken.is_ok()
    }

    /// How much is held.
    pub(crate) fn amount(&self) -> usize {
        self.amount
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.budget
            .inner
            .used
            .fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_never_passed_and_everything_comes_back() {
        let budget = Budget::new(10);
        let mut first = budget.try_take(6).unwrap();
        assert!(budget.try_take(5).is_none());
        assert!(first.try_grow(4) && !first.try_grow(1));
        assert_eq!((budget.used(), first.amount()), (10, 10));
        drop(first);
        assert_eq!(budget.used(), 0);
    }
}
