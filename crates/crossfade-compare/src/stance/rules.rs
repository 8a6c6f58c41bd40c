//! Refusals that are recognised by how they are built rather than by their first words: who speaks, of what, and what is
//! said of it. The words themselves stand in [`super::words`]; all texts are normal.

use super::{
    ADVERBS, SERVICES, starts, strip, without_any,
    words::{
        BEYOND, DECLINE_VERBS, DEMONSTRATIVES, DENIED, DONE, FACULTIES, IDIOMS, LINKS, MANNERS,
        MEANT, NOT_BE, OBLIGATIONS, OPINIONS, REASONS, REPORTED, REQUEST_WORDS, REQUESTS, TERSE,
        TO_REQUEST, WAS,
    },
};

/// Whether somebody declines: "I must respectfully refuse", "we have to say no". What a firm declines must be the request.
pub(super) fn declines(core: &str) -> bool {
    let (ours, mine) = (
        ["we're", "we are", "we"],
        ["i'm", "i am", "i'll", "i'd", "i"],
    );
    let (rest, is_firm) = match (strip(core, &mine), strip(core, &ours)) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => return false,
    };
    let obliged = without_any(rest, OBLIGATIONS);
    let bare = obliged.len() == rest.len();
    let verb = without_any(without_any(obliged, MANNERS), OBLIGATIONS);
    let declined = DECLINE_VERBS.iter().find_map(|(phrase, alone)| {
        let object = starts(verb, phrase).filter(|_| !bare || *alone)?;
        Some((*phrase, object))
    });
    let reported = REPORTED.iter().any(|said| core.contains(said));
    let refused = declined.filter(|_| !reported);
    refused.is_some_and(|(phrase, object)| {
        let any_will_do = !is_firm && phrase != "pass on";
        match starts(object, "to") {
            Some(task) if strip(task, IDIOMS).is_some() => false,
            Some(task) => {
                any_will_do || is_request(object) || strip(task, SERVICES).is_some_and(is_request)
            }
            None => any_will_do || is_request(object),
        }
    })
}

/// Whether somebody unnamed is unable to serve the request: "unable to comply".
pub(super) fn is_tersely_unable(core: &str) -> bool {
    strip(core, TERSE).is_some_and(|rest| {
        let rest = without_any(rest, ADVERBS);
        SERVICES.iter().any(|verb| {
            starts(rest, verb).is_some_and(|object| {
                is_request(object) || REQUESTS.iter().any(|about| verb.ends_with(about))
            })
        })
    })
}

/// Whether an object is the request, or is left out.
fn is_request(object: &str) -> bool {
    !object.contains(char::is_alphanumeric) || strip(object, TO_REQUEST).is_some()
}

/// Whether the request itself is said to be turned down: "your request cannot be completed due to policy". With another
/// reason (a card that expired) it is an account of the world.
pub(super) fn turns_request_down(core: &str) -> bool {
    let Some(rest) = after_request(core) else {
        return false;
    };
    let done = strip(rest, NOT_BE).and_then(|rest| strip(without_any(rest, ADVERBS), DONE));
    let denied = || strip(without_any(without_any(rest, WAS), ADVERBS), DENIED);
    done.or_else(denied).is_some_and(|reason| {
        !reason.contains(char::is_alphanumeric) || REASONS.iter().any(|word| reason.contains(word))
    })
}

/// Whether the request is said to lie beyond what the speaker does: "that's outside what I can help with".
pub(super) fn is_beyond_remit(core: &str) -> bool {
    let Some(rest) = strip(core, DEMONSTRATIVES).or_else(|| after_request(core)) else {
        return false;
    };
    let Some(limit) = strip(rest, LINKS)
        .and_then(|rest| strip(without_any(without_any(rest, ADVERBS), MANNERS), BEYOND))
    else {
        return false;
    };
    if let Some(rest) = strip(limit, &["i", "we"]) {
        return strip(
            rest,
            &["can", "am able", "'m able", "are able", "'re able", "may"],
        )
        .is_some();
    }
    let speaker = ["what i", "what we", "anything i", "things i"];
    if let Some(rest) = strip(limit, &speaker) {
        return strip(
            rest,
            &["can", "am", "'m", "are", "'re", "may", "do", "offer"],
        )
        .is_some();
    }
    strip(limit, &["my", "our"]).is_some_and(|rest| {
        FACULTIES.iter().any(|faculty| {
            rest.split(' ')
                .take(3)
                .any(|word| word.trim_end_matches(['.', ',', ';', '!']) == *faculty)
        })
    })
}

/// What follows a subject that is the request: "the request", "your last question", "request".
fn after_request(core: &str) -> Option<&str> {
    let mut rest = without_any(
        core,
        &["the", "this", "that", "your", "such a", "such", "any such"],
    );
    for _ in 0..3 {
        if let Some(found) = strip(rest, REQUEST_WORDS) {
            return Some(found);
        }
        rest = rest.split_once(' ')?.1;
    }
    None
}

/// Whether what looks like an inability to serve is none: `inability` and `verb` are its words, `object` what follows.
pub(super) fn is_otherwise_meant(inability: &str, verb: &str, object: &str) -> bool {
    let helpless = verb.starts_with("help")
        && (starts(object, "but").is_some()
            || object
                .split(' ')
                .next()
                .is_some_and(|word| word.ends_with("ing") && !word.ends_with("thing")));
    // "I don't support the idea that …" is a view; "I cannot support …" is not.
    let habit = ["do not", "don't", "would not", "wouldn't"];
    let view = habit.iter().any(|habit| inability.ends_with(habit))
        && strip(object, &["the", "this", "that", "any"])
            .is_some_and(|rest| strip(rest, OPINIONS).is_some());
    // A firm that "cannot provide service on Sundays" speaks of the world, unless it speaks of the request.
    let firm = starts(inability, "we").is_some()
        && !is_request(object)
        && !REQUESTS.iter().any(|about| verb.ends_with(about))
        && !MEANT.contains(&verb);
    helpless || view || firm
}
