//! Text similarity: the larger of ROUGE-L and chrF of the candidate's text against the primary's. It measures shared
//! wording, and two good answers may share little: without a threshold it is only reported. Only where no other check
//! has compared what was said, a pair that shares next to nothing is not let pass for the same, nor is one whose words are the same
//! but for other facts, or a "not" on one side alone ([`crate::frame`]). The place of a failure is the first
//! thing that other checks found to tell the texts apart (language, length, facts, form), or else `text.wording`; of texts that are alike, the places
//! are `text.opening` and `text.ending` where the first or the last sentence says something else (similarity under a half).

use crossfade_exchange::{DifferenceKind, Severity};

use super::Weighed;
use crate::{
    answer::Answer,
    finding::Finding,
    frame::{self, Otherwise},
    similarity::similarity,
};

/// Similarity under which two free texts are taken for different answers, if nothing else compared them. Two good
/// answers of different models to one question mostly score between 0.3 and 0.6, and one pair in ten scores less than
/// this; answers to different questions mostly score less than 0.2. Low on purpose: it is to catch another answer, not
/// other words.
const FLOOR: f64 = 0.2;

/// Similarity over which two texts may have the same words but for a few, unless they are this short, in bytes.
const ALIKE: f64 = 0.5;
const SHORT: usize = 64;

/// Similarity under which two sentences are taken to say something else.
const ANOTHER: f64 = 0.5;
/// Of a text, the bytes at either end in which its first and last sentences are looked for.
const LONGEST_END: usize = 256;
/// What ends a sentence.
const ENDS: [char; 7] = ['.', '!', '?', '\n', '。', '！', '？'];

/// Compares two texts; `compared` says whether another check has compared what they say, `is_prose` that they are not both JSON.
pub(crate) fn pair(
    primary: &Answer,
    candidate: &Answer,
    threshold: Option<f64>,
    compared: Compared,
    is_prose: bool,
) -> Weighed {
    let reported = if threshold.is_some() {
        Severity::Minor
    } else {
        Severity::Info
    };
    if primary.text.trim().is_empty() || candidate.text.trim().is_empty() {
        return Weighed::new(Finding::na(), reported);
    }
    let score = similarity(&primary.text, &candidate.text);
    let unlike = |why: &'static str| {
        Finding::fail_with(score, why).at("text.wording", DifferenceKind::Value)
    };
    if threshold.is_some_and(|threshold| score < threshold) {
        return Weighed::new(unlike("under_threshold"), reported);
    }
    let other_place = match compared {
        Compared::No if is_prose => otherwise(score, &primary.text, &candidate.text),
        Compared::No | Compared::Yes => None,
    };
    match (compared, other_place) {
        (Compared::No, _) if score < FLOOR => Weighed::new(unlike("under_floor"), Severity::Minor),
        (_, Some(place)) => {
            let finding =
                Finding::fail_with(score, "same_words_but_for").at(place, DifferenceKind::Value);
            Weighed::new(finding, Severity::Minor)
        }
        (Compared::No | Compared::Yes, None) => {
            let like = Finding::pass().scored(score);
            let (from, to) = (primary.text.trim(), candidate.text.trim());
            Weighed::new(located(like, from, to), reported)
        }
    }
}

/// The place at which two texts of the same words say something else.
fn otherwise(score: f64, from: &str, to: &str) -> Option<&'static str> {
    let short = from.len().max(to.len()) <= SHORT;
    if score < ALIKE && !short {
        return None;
    }
    frame::otherwise(from, to).map(|otherwise| match otherwise {
        Otherwise::Facts => "text.facts",
        Otherwise::Denial => "text.denial",
    })
}

/// The finding with the places at which two like texts say something else.
fn located(finding: Finding, from: &str, to: &str) -> Finding {
    let ends = [
        ("text.opening", opening(from), opening(to)),
        ("text.ending", ending(from), ending(to)),
    ];
    ends.into_iter()
        .fold(finding, |finding, (place, from, to)| {
            if similarity(from, to) < ANOTHER {
                finding.at(place, DifferenceKind::Value)
            } else {
                finding
            }
        })
}

/// A text's first sentence, or the first part of it.
fn opening(text: &str) -> &str {
    let head = text
        .split_at_checked(text.floor_char_boundary(LONGEST_END))
        .map_or(text, |(head, _)| head);
    head.split_inclusive(ENDS)
        .find(|sentence| sentence.contains(char::is_alphanumeric))
        .unwrap_or(head)
}

/// A text's last sentence, or the last part of it.
fn ending(text: &str) -> &str {
    let from = text.ceil_char_boundary(text.len().saturating_sub(LONGEST_END));
    let tail = text.split_at_checked(from).map_or(text, |(_, tail)| tail);
    tail.split_inclusive(ENDS)
        .rfind(|sentence| sentence.contains(char::is_alphanumeric))
        .unwrap_or(tail)
}

/// Whether some check has compared what two answers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    Yes,
    No,
}
