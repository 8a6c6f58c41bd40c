//! How alike two texts are, 0..=1: the larger of ROUGE-L and chrF. Pure string arithmetic, no meaning: it says how
//! much wording is shared.
//!
//! Cost is bounded: of each text the first 32 KiB count, of these the first 4 096 words. ROUGE-L is computed with a
//! bit-parallel longest common subsequence (64 cells a step), chrF with one small table per n-gram length.

use std::collections::HashMap;

/// Of each text, the bytes that count.
const MOST_BYTES: usize = 32 * 1024;
/// Of each text, the words that count.
const MOST_WORDS: usize = 4096;
/// The longest character n-gram of chrF.
const LONGEST_GRAM: usize = 6;

/// The larger of ROUGE-L and chrF of a candidate's text against a reference.
pub(crate) fn similarity(reference: &str, candidate: &str) -> f64 {
    if reference == candidate {
        return 1.0;
    }
    let (reference, candidate) = (bounded(reference), bounded(candidate));
    rouge_l(reference, candidate).max(chrf(reference, candidate))
}

fn bounded(text: &str) -> &str {
    text.split_at_checked(text.floor_char_boundary(MOST_BYTES))
        .map_or(text, |(head, _)| head)
}

/// ROUGE-L: F1 of precision and recall of the longest common subsequence of words (letters and digits, lower case).
/// Lin 2004, "ROUGE: a package for automatic evaluation of summaries".
fn rouge_l(reference: &str, candidate: &str) -> f64 {
    let (a, b) = (words(reference), words(candidate));
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let common = real(common_subsequence(&a, &b));
    // 2PR/(P+R) with P = c/|b| and R = c/|a|.
    2.0 * common / (real(a.len()) + real(b.len()))
}

fn words(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(MOST_WORDS)
        .map(|word| word.chars().flat_map(char::to_lowercase).fold(SEED, fold))
        .collect()
}

/// Length of the longest common subsequence by Hyyrö's bit-parallel recurrence (2004): each word of `b` updates a
/// row of `|a|` bits by one addition, one subtraction and two logical operations.
fn common_subsequence(a: &[u64], b: &[u64]) -> usize {
    let blocks = a.len().div_ceil(64);
    let mut places: HashMap<u64, Vec<u64>> = HashMap::with_capacity(a.len());
    for (position, word) in a.iter().enumerate() {
        let row = places.entry(*word).or_insert_with(|| vec![0; blocks]);
        if let Some(block) = row.get_mut(position / 64) {
            *block |= 1 << (position % 64);
        }
    }
    let mut row = vec![u64::MAX; blocks];
    for word in b {
        let Some(matches) = places.get(word) else {
            continue;
        };
        let mut carry = false;
        for (block, matched) in row.iter_mut().zip(matches) {
            let hit = *block & matched;
            let (sum, first) = block.overflowing_add(hit);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            carry = first || second;
            *block = sum | (*block & !matched);
        }
    }
    // The bits above |a| never match: they stay set.
    row.iter().map(|block| block.count_zeros() as usize).sum()
}

/// chrF2: character n-grams of length 1 to 6 without white space, precision and recall averaged over the lengths,
/// recall weighing twice. Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation".
fn chrf(reference: &str, candidate: &str) -> f64 {
    let letters = |text: &str| -> Vec<u32> {
        text.chars()
            .filter(|c| !c.is_whitespace())
            .map(u32::from)
            .collect()
    };
    let (reference, candidate) = (letters(reference), letters(candidate));
    let mut table = Table::for_grams(reference.len().max(candidate.len()));
    let (mut precision, mut recall, mut lengths) = (0.0, 0.0, 0.0);
    for length in 1..=LONGEST_GRAM {
        let (of_reference, of_candidate) = (reference.windows(length), candidate.windows(length));
        if of_reference.len() == 0 || of_candidate.len() == 0 {
            break;
        }
        let (wanted, given) = (real(of_reference.len()), real(of_candidate.len()));
        let shared = real(table.shared(of_reference, of_candidate));
        precision += shared / given;
        recall += shared / wanted;
        lengths += 1.0;
    }
    if precision <= 0.0 || recall <= 0.0 {
        return 0.0;
    }
    let (precision, recall) = (precision / lengths, recall / lengths);
    5.0 * precision * recall / 4.0f64.mul_add(precision, recall)
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// A multiplicative hash of what came before and one more character. Two n-grams that collide (about one pair in
/// 2^64) would be taken for one.
fn fold(hash: u64, letter: impl Into<u32>) -> u64 {
    (hash ^ u64::from(letter.into()))
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(29)
}

/// Counts of n-grams by hash, with linear probing; at most half full by construction. A slot is empty when its
/// generation is not the current one, so that it is never cleared.
struct Table {
    slots: Vec<Slot>,
    generation: u32,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    gram: u64,
    count: u32,
    generation: u32,
}

impl Table {
    fn for_grams(grams: usize) -> Self {
        let slots = (grams * 2).next_power_of_two().max(16);
        Self {
            slots: vec![Slot::default(); slots],
            generation: 0,
        }
    }

    /// The size of the intersection of two multisets of n-grams.
    fn shared<'l>(
        &mut self,
        reference: impl Iterator<Item = &'l [u32]>,
        candidate: impl Iterator<Item = &'l [u32]>,
    ) -> usize {
        self.generation += 1;
        let hash = |gram: &[u32]| gram.iter().fold(SEED, |hash, letter| fold(hash, *letter));
        for gram in reference {
            if let Some(slot) = self.slot(hash(gram)) {
                slot.count += 1;
            }
        }
        let mut shared = 0;
        for gram in candidate {
            if let Some(slot) = self.slot(hash(gram))
                && slot.count > 0
            {
                slot.count -= 1;
                shared += 1;
            }
        }
        shared
    }

    /// The n-gram's slot, or the empty one where it belongs, already claimed. Candidates claim slots too: the table
    /// has room for twice the longer text, and a full one finds none.
    fn slot(&mut self, gram: u64) -> Option<&mut Slot> {
        let mask = self.slots.len() - 1;
        let generation = self.generation;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "only the low bits are wanted"
        )]
        let home = (gram ^ (gram >> 32)) as usize & mask;
        let place = (0..self.slots.len())
            .map(|step| (home + step) & mask)
            .find(|place| {
                self.slots
                    .get(*place)
                    .is_some_and(|s| s.generation != generation || s.gram == gram)
            })?;
        let slot = self.slots.get_mut(place)?;
        if slot.generation != generation {
            *slot = Slot {
                gram,
                count: 0,
                generation,
            };
        }
        Some(slot)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts within 32 KiB of text")]
fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn similarity_of_known_pairs() {
        let check = |measure: fn(&str, &str) -> f64, a: &str, b: &str, expected: f64| {
            let found = measure(a, b);
            assert!((found - expected).abs() < 5e-4, "{a:?} {b:?}: {found}");
        };
        // "the cat the mat" of 6 words each: 4/6... the subsequence "the cat on the mat" is 5 of 6.
        check(
            rouge_l,
            "the cat sat on the mat",
            "The cat lay on the mat.",
            5.0 / 6.0,
        );
        check(rouge_l, "a b c d", "d c b a", 0.25);
        check(rouge_l, "a b c", "", 0.0);
        check(rouge_l, "alpha", "beta", 0.0);
        check(chrf, "abc", "abc", 1.0);
        check(chrf, "abc", "xyz", 0.0);
        check(chrf, "", "", 0.0);
        // 1-grams 2/3, 2-grams 1/2, 3-grams 0/1 on both sides: P = R = (2/3 + 1/2)/3.
        check(chrf, "abc", "abd", (2.0 / 3.0 + 0.5) / 3.0);
        // P: 3/6, 2/5, 1/4, 0 ... only lengths that both have (3): R: 1, 1, 1.
        check(chrf, "abc", "abcdef", {
            let p = (3.0 / 6.0 + 2.0 / 5.0 + 1.0 / 4.0) / 3.0;
            5.0 * p / (4.0 * p + 1.0)
        });
        check(
            similarity,
            "東京は晴れです",
            "東京は雨です",
            chrf("東京は晴れです", "東京は雨です"),
        );
        check(similarity, "same", "same", 1.0);
        check(similarity, "", "", 1.0);
    }

    #[test]
    fn long_texts_cost_a_bounded_amount() {
        let long = "word ".repeat(200_000);
        let other = "other ".repeat(200_000);
        assert!(similarity(&long, &other) < 0.5);
        assert!(words(&long).len() == MOST_WORDS);
    }

    /// The textbook recurrence, to compare with.
    fn plain_common_subsequence(a: &[u64], b: &[u64]) -> usize {
        let mut row = vec![0; b.len() + 1];
        for x in a {
            let mut diagonal = 0;
            for (j, y) in b.iter().enumerate() {
                let above = row[j + 1];
                row[j + 1] = if x == y {
                    diagonal + 1
                } else {
                    above.max(row[j])
                };
                diagonal = above;
            }
        }
        row[b.len()]
    }

    proptest! {
        #[test]
        fn the_bit_parallel_subsequence_is_the_plain_one(
            a in prop::collection::vec(0u64..6, 0..200),
            b in prop::collection::vec(0u64..6, 0..200),
        ) {
            prop_assert_eq!(common_subsequence(&a, &b), plain_common_subsequence(&a, &b));
        }

        #[test]
        fn similarity_is_a_score_and_does_not_see_white_space(a in "\\PC{0,80}", b in "\\PC{0,80}") {
            let score = similarity(&a, &b);
            prop_assert!((0.0..=1.0).contains(&score), "{}", score);
            let spread = a.replace(' ', "  ");
            prop_assert!((similarity(&spread, &b) - score).abs() < 1e-12 || a == b || spread == b);
        }
    }
}
