//! Whether enough was compared of requests of each size. Few requests of a size say little of it: one that is lost of three is no
//! coverage of two thirds, and must not hold a stage up for ever. So sizes with few are judged together with their neighbours,
//! and by themselves only held to what chance allows: a size of which nearly all is lost still shows.
//!
//! Plain sums and products of the counts: the same numbers give the same word everywhere.

use crossfade_exchange::SizeClass;
use serde::{Deserialize, Serialize};

use crate::SizeCoverage;

/// Fewer requests than this are few.
const FEW: u64 = 30;
/// A size with few has missed too many where, were coverage just enough, as many were missed more rarely than this.
const CHANCE: f64 = 0.05;

/// Neighbouring sizes whose coverage is judged as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageGroup {
    /// The sizes, smallest first; each has something selected.
    pub sizes: Vec<SizeClass>,
    /// Eligible and selected, over all of them.
    pub selected: u64,
    /// Of them, compared.
    pub compared: u64,
}

/// The sizes as they are judged: from the smallest up, each group closed as soon as it has 30 requests; what is left joins
/// the group before it.
pub fn coverage_groups(coverage: &[SizeCoverage]) -> Vec<CoverageGroup> {
    let mut groups: Vec<CoverageGroup> = Vec::new();
    let mut sizes: Vec<&SizeCoverage> = coverage.iter().filter(|size| size.selected > 0).collect();
    sizes.sort_by_key(|size| size.size.index());
    for size in sizes {
        match groups.last_mut().filter(|last| last.selected < FEW) {
            Some(last) => last.join(&CoverageGroup::of(size)),
            None => groups.push(CoverageGroup::of(size)),
        }
    }
    if let Some(few) = groups.pop_if(|last| last.selected < FEW) {
        match groups.last_mut() {
            Some(before) => before.join(&few),
            None => groups.push(few),
        }
    }
    groups
}

/// What of a stage was not compared enough, of at least the share `least`: whole groups, and single sizes within one that
/// missed more than chance explains.
pub(crate) fn shortfalls(coverage: &[SizeCoverage], least: f64) -> Vec<CoverageGroup> {
    let mut short = Vec::new();
    for group in coverage_groups(coverage) {
        let is_one = group.sizes.len() == 1;
        let few = coverage
            .iter()
            .filter(|size| !is_one && size.selected < FEW && group.sizes.contains(&size.size));
        short.extend(
            few.filter(|size| {
                let missed = size.selected.saturating_sub(size.compared);
                chance_of(missed, size.selected, least) < CHANCE
            })
            .map(CoverageGroup::of),
        );
        if number(group.compared) < least * number(group.selected) {
            short.push(group);
        }
    }
    short
}

/// How likely it is that of `selected` requests `missed` or more are, where each is compared with probability `least`.
fn chance_of(missed: u64, selected: u64, least: f64) -> f64 {
    let miss = 1.0 - least;
    // How likely each number of misses is, after none, one, two … requests.
    let requests = usize::try_from(selected.min(FEW)).unwrap_or_default();
    let mut likely = vec![0.0_f64; requests + 1];
    likely.iter_mut().take(1).for_each(|none| *none = 1.0);
    for _ in 0..requests {
        let mut before = 0.0;
        for now in &mut likely {
            let was = *now;
            *now = was * least + before * miss;
            before = was;
        }
    }
    let at = usize::try_from(missed).unwrap_or(usize::MAX);
    likely.iter().skip(at).sum()
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

impl CoverageGroup {
    fn of(size: &SizeCoverage) -> Self {
        Self {
            sizes: vec![size.size],
            selected: size.selected,
            compared: size.compared,
        }
    }

    fn join(&mut self, next: &Self) {
        self.sizes.extend(&next.sizes);
        self.selected += next.selected;
        self.compared += next.compared;
    }

    /// Compared over selected, 0..=1.
    pub fn ratio(&self) -> f64 {
        number(self.compared) / number(self.selected)
    }

    /// The sizes in words: `32k+256k`.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.sizes.iter().map(|size| size.as_str()).collect();
        names.join("+")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::size;

    fn sizes(counts: &[(u64, u64)]) -> Vec<SizeCoverage> {
        let of = |(class, (selected, compared)): (&SizeClass, &(u64, u64))| {
            size(*class, *selected, *compared)
        };
        SizeClass::ALL.iter().zip(counts).map(of).collect()
    }

    #[test]
    fn few_are_judged_with_their_neighbours() {
        let check = |counts: &[(u64, u64)], expected: &[&str]| {
            let groups = coverage_groups(&sizes(counts));
            let names: Vec<String> = groups.iter().map(CoverageGroup::names).collect();
            assert_eq!(names, expected, "{counts:?}");
        };
        check(&[], &[]);
        check(&[(0, 0), (0, 0)], &[]);
        check(&[(1, 1)], &["4k"]);
        check(&[(30, 30), (30, 30)], &["4k", "32k"]);
        check(&[(29, 29), (30, 30)], &["4k+32k"]);
        check(&[(30, 30), (29, 29)], &["4k+32k"]);
        check(
            &[(90, 90), (29, 29), (1, 1), (80, 80)],
            &["4k", "32k+256k", "2m"],
        );
        check(&[(90, 90), (0, 0), (0, 0), (3, 3)], &["4k+2m"]);
        check(&[(3, 3), (3, 3), (3, 3), (3, 3)], &["4k+32k+256k+2m"]);
        check(
            &[(90, 90), (20, 20), (20, 20), (20, 20)],
            &["4k", "32k+256k+2m"],
        );
    }

    #[test]
    fn a_lost_request_of_three_holds_nothing_up_and_a_lost_size_does() {
        let check = |counts: &[(u64, u64)], expected: &[(&str, u64, u64)]| {
            let short = shortfalls(&sizes(counts), 0.9);
            let short: Vec<_> = short
                .iter()
                .map(|s| (s.names(), s.selected, s.compared))
                .collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(n, s, c)| ((*n).to_owned(), *s, *c))
                .collect();
            assert_eq!(short, expected, "{counts:?}");
        };
        check(&[(10_000, 9_990), (3, 2)], &[]);
        check(&[(10_000, 9_990), (1, 0)], &[]);
        check(&[(10_000, 9_990), (2, 0)], &[("32k", 2, 0)]);
        check(&[(10_000, 9_990), (3, 1)], &[("32k", 3, 1)]);
        check(&[(10_000, 9_990), (4, 2)], &[]);
        check(&[(10_000, 9_990), (29, 20)], &[("32k", 29, 20)]);
        check(&[(10_000, 9_990), (29, 24)], &[]);
        check(&[(10_000, 9_990), (30, 26)], &[("32k", 30, 26)]);
        check(&[(10_000, 8_999), (3, 3)], &[("4k+32k", 10_003, 9_002)]);
        check(&[(200, 179), (30, 30)], &[("4k", 200, 179)]);
        check(&[(3, 2)], &[("4k", 3, 2)]);
        check(&[(10, 9)], &[]);
    }

    #[test]
    fn chances_are_those_of_the_binomial() {
        let check = |missed, selected, least: f64, expected: f64| {
            let chance = chance_of(missed, selected, least);
            assert!(
                (chance - expected).abs() < 1e-12,
                "{missed} of {selected}: {chance}"
            );
        };
        check(0, 3, 0.9, 1.0);
        check(1, 3, 0.9, 0.271);
        check(2, 3, 0.9, 0.028);
        check(3, 3, 0.9, 0.001);
        check(4, 3, 0.9, 0.0);
        check(29, 29, 0.0, 1.0);
        check(1, 29, 1.0, 0.0);
        check(0, 29, 1.0, 1.0);
        check(5, 29, 0.9, 0.158_444_083_928_226);
    }

    proptest! {
        #[test]
        fn every_request_is_in_one_group_and_more_compared_is_never_worse(
            counts in prop::collection::vec((0_u64..60, 0_u64..60), 4),
            more in 0_usize..4,
        ) {
            let counts: Vec<_> = counts.iter().map(|(s, c)| (*s, *c.min(s))).collect();
            let groups = coverage_groups(&sizes(&counts));
            prop_assert_eq!(groups.iter().map(|g| g.selected).sum::<u64>(), counts.iter().map(|c| c.0).sum::<u64>());
            prop_assert_eq!(groups.iter().map(|g| g.compared).sum::<u64>(), counts.iter().map(|c| c.1).sum::<u64>());
            prop_assert!(groups.len() < 2 || groups.iter().all(|g| g.selected >= FEW));
            let mut better = counts.clone();
            better[more].1 = better[more].0;
            prop_assert!(shortfalls(&sizes(&better), 0.9).len() <= shortfalls(&sizes(&counts), 0.9).len());
            // Whoever has enough of each size by itself has enough.
            if counts.iter().all(|(s, c)| number(*c) >= 0.9 * number(*s)) {
                prop_assert_eq!(shortfalls(&sizes(&counts), 0.9), Vec::new());
            }
        }
    }
}
