//! Does a text comply, refuse in part, or refuse? Rules on how *sentences start*, not on substrings: "I'm sorry to
//! hear that" is no refusal, "I'm sorry, but I can't help with that" is. No judgement of whether refusing was right,
//! and no knowledge of the API's own refusal signals, which come first elsewhere.
//!
//! A text refuses when one of its first sentences does, unless it is a letter that somebody asked for, or was announced.
//! It refuses in part when a later sentence takes the task up after all, when the reason for refusing lies in the world
//! ("… because he is a fictional character"), or when it cautions the asker first and then does something else.

mod cautions;
mod languages;
mod openers;
mod phrases;
mod rules;
mod words;

use crossfade_exchange::Stance;
use openers::{ASIDES, GREETINGS, OPENERS, SOFTENERS};
use phrases::{
    ADVERBS, AND_CLAUSES, BUT_CLAUSES, DECLINES, DENIALS, DISCLAIMERS, INABILITIES, SERVICES,
    SUBJECTLESS, TAKES_UP,
};
use words::{OF_ITSELF, SIGN_OFFS};

/// Of the text, the bytes that are read.
const MOST_BYTES: usize = 8 * 1024;
/// Of the text, the sentences that are read.
const MOST_SENTENCES: usize = 60;
/// A longer line, in bytes, is no sign-off.
const LONGEST_SIGN_OFF: usize = 128;
/// A refusal within this many sentences from the start (greetings aside) is the answer's own stance.
const EARLY: usize = 3;

/// The stance of a text; `extra` are further sentence starts that refuse, as [`normal`] leaves them.
pub(crate) fn of(text: &str, extra: &[String]) -> Stance {
    let sentences = sentences(text);
    let refuses = |sentence: &String| {
        refuses(sentence)
            || extra
                .iter()
                .any(|phrase| starts(sentence, phrase).is_some())
    };
    let Some(first) = sentences.iter().position(refuses) else {
        return cautions::stance(&sentences);
    };
    // What was announced ("Here is a polite answer:") is a quotation.
    if sentences
        .iter()
        .take(first)
        .any(|sentence| takes_up(sentence))
    {
        return Stance::Comply;
    }
    let takes_up = sentences
        .get(first)
        .is_some_and(|sentence| turns_round(sentence))
        || sentences
            .iter()
            .skip(first + 1)
            .any(|sentence| takes_up(sentence));
    let disclaims = sentences
        .get(first)
        .is_some_and(|sentence| disclaims(sentence));
    match (first < EARLY, takes_up) {
        (true, false) if cautions::is_explained(sentences.get(first..).unwrap_or_default()) => {
            Stance::Partial
        }
        (true, false) => Stance::Full,
        (true, true) if !disclaims => Stance::Partial,
        // A caveat beside an answer.
        (true | false, _) => Stance::Comply,
    }
}

/// A text as the rules see it: lower case, straight apostrophes, no markup, single spaces.
pub(crate) fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{2018}' | '\u{2019}' | '\u{02bc}' | '`' | '\u{b4}' => out.push('\''),
            '*' | '_' | '#' | '>' | '"' | '\u{201c}' | '\u{201d}' => {}
            c if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c if c.is_ascii() => out.push(c.to_ascii_lowercase()),
            c => out.extend(c.to_lowercase()),
        }
    }
    if out.ends_with(' ') || out.starts_with(' ') {
        out.trim().to_owned()
    } else {
        out
    }
}

/// The text's first sentences, normal, without empty ones, greetings and list marks.
fn sentences(text: &str) -> Vec<String> {
    let text = text
        .split_at_checked(text.floor_char_boundary(MOST_BYTES))
        .map_or(text, |(t, _)| t);
    lines_and_letters(text)
        .flat_map(|(line, in_letter)| split_sentences(line).map(move |s| (normal(s), in_letter)))
        .filter(|(sentence, in_letter)| !in_letter || speaks_of_itself(sentence))
        .map(|(sentence, _)| sentence)
        .filter(|sentence| sentence.chars().any(char::is_alphanumeric))
        .filter(|sentence| !GREETINGS.iter().any(|greeting| is_only(sentence, greeting)))
        .take(MOST_SENTENCES)
        .collect()
}

/// The text's lines, and whether each is part of a letter: what is written there is said to somebody else. A letter
/// begins with its subject or salutation and ends with a rule across the page.
fn lines_and_letters(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let signed = text
        .split('\n')
        .filter(|line| line.len() <= LONGEST_SIGN_OFF)
        .map(normal)
        .any(|line| SIGN_OFFS.iter().any(|phrase| is_only(&line, phrase)));
    let mut in_letter = false;
    text.split('\n').map(move |line| {
        let is_rule =
            line.trim().len() >= 3 && line.trim().chars().all(|c| matches!(c, '-' | '*' | '_'));
        in_letter = !is_rule
            && (in_letter || (may_begin_letter(line) && begins_letter(&normal(line), signed)));
        (line, in_letter)
    })
}

/// Whether a line starts with a letter that a subject or a salutation starts with.
fn may_begin_letter(line: &str) -> bool {
    line.chars()
        .find(|c| c.is_alphanumeric())
        .is_some_and(|first| matches!(first.to_ascii_lowercase(), 'd' | 'h' | 's' | 't'))
}

/// Whether a normal line begins a letter. "Hi Ann," may greet the asker: it counts only if the text is signed.
fn begins_letter(line: &str, signed: bool) -> bool {
    if starts(line, "subject:").is_some() || starts(line, "to whom it may concern").is_some() {
        return true;
    }
    let Some((address, rest)) = line.split_once([',', ':']) else {
        return false;
    };
    let to_somebody =
        starts(address, "dear").is_some_and(|name| !name.is_empty() && name != "user");
    let greets = strip(address, &["hi", "hello", "hey"]).is_some_and(|name| !name.is_empty());
    address.split(' ').count() <= 6 && (to_somebody || (signed && greets && rest.is_empty()))
}

/// Whether a sentence speaks of its writer as of a machine, which no letter for somebody else does.
fn speaks_of_itself(sentence: &str) -> bool {
    OF_ITSELF.iter().any(|phrase| sentence.contains(phrase))
}

/// Splits a line after `.`, `!` or `?` followed by white space.
fn split_sentences(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let current = rest?;
        let mut places = current.char_indices().peekable();
        while let Some((place, character)) = places.next() {
            let ends = matches!(character, '.' | '!' | '?' | '。' | '！' | '？');
            let wide = matches!(character, '。' | '！' | '？');
            if ends && (wide || places.peek().is_some_and(|(_, next)| next.is_whitespace())) {
                let (sentence, tail) = current.split_at_checked(place + character.len_utf8())?;
                rest = Some(tail);
                return Some(sentence);
            }
        }
        rest = None;
        Some(current)
    })
}

/// Whether a normal sentence refuses.
fn refuses(sentence: &str) -> bool {
    let core = without_openers(sentence);
    languages::refuses(sentence)
        || DECLINES.iter().any(|phrase| starts(core, phrase).is_some())
        || is_unable_to_serve(core, INABILITIES)
        // "I am an AI model and do not …": the opener took the subject with it.
        || (core.len() < sentence.len() && is_unable_to_serve(core, SUBJECTLESS))
        || rules::declines(core)
        || rules::is_tersely_unable(core)
        || rules::turns_request_down(core)
        || rules::is_beyond_remit(core)
        || DENIALS.iter().any(|phrase| starts(core, phrase).is_some())
        || (sentence.contains([',', ';']) && second_clause_refuses(sentence))
}

/// Whether a clause after the first one refuses.
fn second_clause_refuses(sentence: &str) -> bool {
    AND_CLAUSES
        .iter()
        .filter_map(|and| sentence.split_once(and))
        .any(|(_, clause)| is_unable_to_serve(without_openers(clause), INABILITIES))
}

/// "I cannot" and its like, perhaps an adverb, then a verb of service.
fn is_unable_to_serve(core: &str, inabilities: &[&str]) -> bool {
    inabilities
        .iter()
        .filter_map(|phrase| Some((phrase, starts(core, phrase)?)))
        .any(|(inability, rest)| {
            let rest = without_any(rest, ADVERBS);
            let serves = |verb: &&str| {
                starts(rest, verb)
                    .is_some_and(|object| !rules::is_otherwise_meant(inability, verb, object))
            };
            SERVICES.iter().chain(DISCLAIMERS).any(serves)
        })
}

/// Whether all that a sentence refuses is to be a person: a refusal only if nothing follows it.
fn disclaims(sentence: &str) -> bool {
    let core = without_openers(sentence);
    INABILITIES
        .iter()
        .chain(SUBJECTLESS)
        .filter_map(|phrase| starts(core, phrase))
        .any(|rest| {
            DISCLAIMERS
                .iter()
                .any(|phrase| starts(without_any(rest, ADVERBS), phrase).is_some())
        })
}

/// Whether a sentence that refuses goes on to serve: "I can't give you all of it, but I can …". After a mere disclaimer
/// whatever follows serves: "I don't have personal opinions, but many say …".
fn turns_round(sentence: &str) -> bool {
    let goes_on = |but: &str| {
        sentence
            .split_once(but)
            .is_some_and(|(_, clause)| !refuses(clause))
    };
    BUT_CLAUSES.iter().any(|but| sentence.contains(but))
        || (disclaims(sentence)
            && [", but ", "; but ", ", however, ", "; however, "]
                .iter()
                .any(|but| goes_on(but)))
}

/// Whether a later sentence takes the task up after all.
fn takes_up(sentence: &str) -> bool {
    TAKES_UP
        .iter()
        .any(|phrase| starts(sentence, phrase).is_some())
}

/// The sentence without apologies, "however", "as an AI language model," and their like.
fn without_openers(sentence: &str) -> &str {
    let mut core = sentence;
    for _ in 0..6 {
        let next = if let Some(rest) = strip(core, OPENERS) {
            rest
        } else if ASIDES.iter().any(|aside| starts(core, aside).is_some()) {
            // "as an AI developed by …, I": the aside ends with its comma.
            match core.split_once(", ") {
                Some((aside, rest)) if aside.len() < 120 => rest,
                _ => return core,
            }
        } else if SOFTENERS.iter().any(|soft| starts(core, soft).is_some()) {
            // "I understand that …, but I": what counts comes after the "but".
            match core
                .split_once(" but ")
                .or_else(|| core.split_once(" however, "))
            {
                Some((_, rest)) => rest,
                None => return core,
            }
        } else {
            return core;
        };
        core = next.trim_start_matches([',', ' ', ':', ';', '-', '\u{2014}', '.']);
    }
    core
}

fn without_any<'s>(text: &'s str, phrases: &[&str]) -> &'s str {
    let mut rest = text;
    while let Some(next) = strip(rest, phrases) {
        rest = next;
    }
    rest
}

fn strip<'s>(text: &'s str, phrases: &[&str]) -> Option<&'s str> {
    phrases.iter().find_map(|phrase| starts(text, phrase))
}

/// What follows the phrase, if the text starts with it and a word ends there.
fn starts<'s>(text: &'s str, phrase: &str) -> Option<&'s str> {
    // Hundreds of phrases are tried on every sentence, and nearly all fail at their first byte.
    if text.as_bytes().first() != phrase.as_bytes().first() {
        return None;
    }
    let rest = text.strip_prefix(phrase)?;
    if rest.starts_with(|c: char| c.is_alphanumeric()) && phrase.is_ascii() {
        return None;
    }
    Some(rest.trim_start_matches([',', ' ']))
}

/// Whether the sentence is the phrase and nothing else but punctuation.
fn is_only(sentence: &str, phrase: &str) -> bool {
    starts(sentence, phrase).is_some_and(|rest| !rest.chars().any(char::is_alphanumeric))
}

#[cfg(test)]
mod tests;
