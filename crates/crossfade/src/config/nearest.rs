//! The known word nearest to a mistyped one. Knows nothing of configuration.

/// The word of `known` that `word` most likely stands for, if one is near enough: at most a third of its letters
/// differ, and never more than three.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let bound = (word.chars().count() / 3).clamp(1, 3);
    known
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(far, _)| *far <= bound)
        .min_by_key(|(far, _)| *far)
        .map(|(_, candidate)| candidate)
}

/// Edit distance in letters, where swapping two neighbours counts as one edit (optimal string alignment). The case of
/// letters and the kind of separator do not count.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().map(fold).collect();
    let right: Vec<char> = right.chars().map(fold).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, from) in left.iter().enumerate() {
        let mut line = Vec::with_capacity(above.len());
        line.push(row + 1);
        for (column, to) in right.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX);
            let mut best = (at(&above, column) + usize::from(from != to))
                .min(at(&above, column + 1) + 1)
                .min(at(&line, column) + 1);
            let swapped = row > 0
                && column > 0
                && left.get(row - 1) == Some(to)
                && right.get(column - 1) == Some(from);
            if swapped {
                best = best.min(at(&before, column - 1) + 1);
            }
            line.push(best);
        }
        before = std::mem::replace(&mut above, line);
    }
    above.last().copied().unwrap_or(0)
}

fn fold(letter: char) -> char {
    match letter {
        '-' | ' ' | '.' => '_',
        other => other.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (left, right, far) in [
            ("", "", 0),
            ("", "abc", 3),
            ("owner", "owner", 0),
            ("owmer", "owner", 1),
            ("onwer", "owner", 1),
            ("ower", "owner", 1),
            ("Max-Body", "max_body", 0),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(left, right), far, "{left} {right}");
            assert_eq!(distance(right, left), far, "{right} {left}");
        }
    }

    #[test]
    fn only_near_words_are_offered() {
        let known = ["address", "max_body", "max_in_flight", "drain"];
        for (word, expected) in [
            ("adress", Some("address")),
            ("maxbody", Some("max_body")),
            ("max-in-flight", Some("max_in_flight")),
            ("drian", Some("drain")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, &known), expected, "{word}");
        }
    }
}
