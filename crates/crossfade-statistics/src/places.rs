//! Where a verdict's failed checks found differences, in a form that is the same for like differences.

use crossfade_exchange::{
    Check, CheckOutcome, CheckResult, DifferenceKind, Severity, Verdict, VerdictClass,
};
use serde::{Deserialize, Serialize};

/// The longest path that is kept, in bytes.
const PATH_BYTES: usize = 128;

/// One place at which a failed check found a difference.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Which check failed.
    pub(crate) check: Check,
    /// Where: a path, or the check's own phrase if it names no path; indexes of lists stand as `*`.
    pub(crate) path: String,
    /// How, if the check says.
    pub(crate) kind: Option<DifferenceKind>,
    /// How much that matters.
    pub(crate) severity: Severity,
}

/// The places of a verdict, sorted, each once; none where the verdict says nothing of the candidate.
pub(crate) fn of(verdict: &Verdict) -> Vec<Place> {
    match verdict.class {
        Some(
            VerdictClass::DifferentMinor
            | VerdictClass::DifferentMajor
            | VerdictClass::CandidateInvalid
            | VerdictClass::CandidateError,
        ) => {}
        None
        | Some(
            VerdictClass::Equal
            | VerdictClass::Equivalent
            | VerdictClass::PrimaryBad
            | VerdictClass::BothBad
            | VerdictClass::Incomparable,
        ) => return Vec::new(),
    }
    let failed = verdict.checks.iter().filter(|result| {
        result.outcome == CheckOutcome::Fail && result.severity >= Severity::Minor
    });
    let mut places: Vec<Place> = failed.flat_map(of_result).collect();
    places.sort();
    places.dedup();
    places
}

/// The phrase of a check that names no places, as a place.
pub(crate) fn unplaced(result: &CheckResult) -> String {
    phrase_of(result.check, result.evidence.as_deref().unwrap_or_default())
}

fn of_result(result: &CheckResult) -> Vec<Place> {
    let place = |path: String, kind| Place {
        check: result.check,
        path,
        kind,
        severity: result.severity,
    };
    if result.differences.is_empty() {
        return vec![place(unplaced(result), None)];
    }
    let differences = result.differences.iter();
    differences
        .map(|difference| place(general(&difference.path), Some(difference.kind)))
        .collect()
}

/// A check's phrase without the numbers that would make a kind of its own of every exchange. A status says which it is, and
/// labels and tools stand in a closed list.
fn phrase_of(check: Check, phrase: &str) -> String {
    if matches!(
        check,
        Check::Transport | Check::Label | Check::ToolSelection
    ) {
        return short(phrase);
    }
    let mut text = String::with_capacity(phrase.len().min(PATH_BYTES));
    let mut within = false;
    for character in general(phrase).chars() {
        let digit = character.is_ascii_digit();
        if !digit {
            text.push(character);
        } else if !within {
            text.push('#');
        }
        within = digit;
    }
    text
}

/// A path with `*` for every index of a list, bounded.
pub(crate) fn general(path: &str) -> String {
    let mut text = String::with_capacity(path.len().min(PATH_BYTES));
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('[') {
        text.push_str(before);
        text.push('[');
        rest = after;
        if let Some((index, after)) = after.split_once(']')
            && !index.is_empty()
            && index.bytes().all(|byte| byte.is_ascii_digit())
        {
            text.push_str("*]");
            rest = after;
        }
    }
    text.push_str(rest);
    short(&text)
}

/// At most [`PATH_BYTES`] bytes, cut between characters.
fn short(text: &str) -> String {
    let end = text.floor_char_boundary(PATH_BYTES);
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_general() {
        for (path, expected) in [
            ("$.a", "$.a"),
            ("$.items[3].price", "$.items[*].price"),
            ("$.items[*].price", "$.items[*].price"),
            ("$.a[0][12]", "$.a[*][*]"),
            ("$[", "$["),
            ("$[]", "$[]"),
            ("$.a['b']", "$.a['b']"),
        ] {
            assert_eq!(general(path), expected, "{path}");
        }
        assert_eq!(general(&"é".repeat(200)).len(), 128);
    }

    #[test]
    fn phrases_lose_their_numbers() {
        let of = |check, phrase| phrase_of(check, phrase);
        assert_eq!(of(Check::Extraction, "3 of 12 numbers"), "# of # numbers");
        assert_eq!(of(Check::Transport, "status 503"), "status 503");
        assert_eq!(of(Check::Label, "1 -> 2"), "1 -> 2");
    }
}
