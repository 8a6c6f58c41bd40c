//! Days of the calendar as people write them, brought into the form `2026-11-12`; without a year `--11-12`, without a day
//! `2026-11`. Months are known in English, German, French, Spanish, Italian, Portuguese and Dutch. `11/12/2026` is read as
//! Americans write it, unless only the other order makes a date; `12.11.2026` has its day first.

use super::word::Word;

/// A date found at the head of some words, and how many of them it takes.
pub(super) type Found = (String, usize);

/// The date that starts with the first of these words.
pub(super) fn read(words: &[Word<'_>]) -> Option<Found> {
    let first = words.first()?;
    if let Some(date) = numeric(first.trimmed()) {
        return Some((date, 1));
    }
    ideographic(words)
        .or_else(|| day_first(words))
        .or_else(|| month_first(words))
}

/// Whether a word may start a date though it has no digit.
pub(super) fn is_month_name(word: &Word<'_>) -> bool {
    word.text.starts_with(char::is_uppercase) && month(word.trimmed()).is_some()
}

/// `2026-11-12`, `2026/11/12`, `11/12/2026`, `12.11.2026`, `2026-11-12T08:00Z`.
fn numeric(text: &str) -> Option<String> {
    let day = text.split_once('T').map_or(text, |(day, _)| day);
    let mark = day.chars().find(|c| !c.is_ascii_digit())?;
    if !matches!(mark, '-' | '/' | '.') {
        return None;
    }
    let mut parts = day.split(mark);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let number = |part: &str| part.parse::<u32>().ok().filter(|_| part.len() <= 4);
    let (x, y, z) = (number(first)?, number(second)?, number(third)?);
    match (first.len(), third.len(), mark) {
        (4, 1..=2, _) => whole(x, y, z),
        (1..=2, 4, '/') => whole(z, x, y).or_else(|| whole(z, y, x)),
        (1..=2, 4, _) => whole(z, y, x),
        _ => None,
    }
}

/// `2026年11月12日`, `11月12日`.
fn ideographic(words: &[Word<'_>]) -> Option<Found> {
    let part = |place: usize, unit: [char; 2]| {
        let word = words.get(place).filter(|word| unit.contains(&word.after))?;
        word.text.parse::<u32>().ok()
    };
    let (year, from) = match part(0, ['年', '년']) {
        Some(year) => (Some(year), 1),
        None => (None, 0),
    };
    let month = part(from, ['月', '월'])?;
    let day = part(from + 1, ['日', '일']);
    let taken = from + 1 + usize::from(day.is_some());
    Some((form(year, month, day)?, taken))
}

/// `12 Nov 2026`, `12th of November, 2026`, `12. November`, `12 de noviembre de 2026`.
fn day_first(words: &[Word<'_>]) -> Option<Found> {
    let day = day(words.first()?)?;
    let (month, after) = past_particles(words, 1).and_then(|place| {
        let month = month(words.get(place)?.trimmed())?;
        Some((month, place + 1))
    })?;
    let year =
        past_particles(words, after).and_then(|place| Some((year(words.get(place)?)?, place + 1)));
    let (year, taken) = year.map_or((None, after), |(year, taken)| (Some(year), taken));
    Some((form(year, month, Some(day))?, taken))
}

/// `November 12, 2026`, `Nov. 12th`, `November 2026`.
fn month_first(words: &[Word<'_>]) -> Option<Found> {
    let name = words.first()?;
    if !is_month_name(name) {
        return None;
    }
    let month = month(name.trimmed())?;
    let second = words.get(1)?;
    if let Some(year) = year(second) {
        return Some((form(Some(year), month, None)?, 2));
    }
    let day = day(second)?;
    let year = words.get(2).and_then(year);
    let taken = 2 + usize::from(year.is_some());
    Some((form(year, month, Some(day))?, taken))
}

/// The place of the first word from `place` on that is no particle; at most one is passed over.
fn past_particles(words: &[Word<'_>], place: usize) -> Option<usize> {
    let word = words.get(place)?;
    let particle = ["of", "de", "del", "di"].contains(&word.text);
    Some(place + usize::from(particle))
}

/// `12`, `12th`, `12.`, `1er`.
fn day(word: &Word<'_>) -> Option<u32> {
    let text = word.trimmed();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = text.strip_prefix(digits)?;
    let known = ["", "st", "nd", "rd", "th", "er"].contains(&suffix);
    let day: u32 = digits.parse().ok()?;
    (known && digits.len() <= 2 && (1..=31).contains(&day)).then_some(day)
}

fn year(word: &Word<'_>) -> Option<u32> {
    let text = word.trimmed();
    let year: u32 = text.parse().ok()?;
    (text.len() == 4 && (1000..=2999).contains(&year)).then_some(year)
}

fn whole(year: u32, month: u32, day: u32) -> Option<String> {
    form(Some(year), month, Some(day))
}

fn form(year: Option<u32>, month: u32, day: Option<u32>) -> Option<String> {
    let sane = (1..=12).contains(&month) && day.is_none_or(|day| (1..=31).contains(&day));
    sane.then(|| match (year, day) {
        (Some(year), Some(day)) => format!("{year:04}-{month:02}-{day:02}"),
        (Some(year), None) => format!("{year:04}-{month:02}"),
        (None, Some(day)) => format!("--{month:02}-{day:02}"),
        (None, None) => format!("--{month:02}"),
    })
}

/// The number of a month by its name in any of the known languages.
pub(super) fn month(name: &str) -> Option<u32> {
    const LONGEST: usize = 12;
    if name.len() < 3 || name.len() > LONGEST {
        return None;
    }
    let name = name.to_lowercase();
    (1..)
        .zip(MONTHS)
        .find_map(|(number, names)| names.contains(&name.as_str()).then_some(number))
}

/// Names and usual abbreviations, by month.
const MONTHS: [&[&str]; 12] = [
    &[
        "january", "jan", "januar", "janvier", "enero", "gennaio", "janeiro", "januari",
    ],
    &[
        "february",
        "feb",
        "februar",
        "février",
        "febrero",
        "febbraio",
        "fevereiro",
        "februari",
    ],
    &["march", "mar", "märz", "mars", "marzo", "março", "maart"],
    &["april", "apr", "avril", "abril", "aprile"],
    &["may", "mai", "mayo", "maggio", "maio", "mei"],
    &["june", "jun", "juni", "juin", "junio", "giugno", "junho"],
    &["july", "jul", "juli", "juillet", "julio", "luglio", "julho"],
    &["august", "aug", "août", "agosto", "augustus"],
    &[
        "september",
        "sep",
        "sept",
        "septembre",
        "septiembre",
        "settembre",
        "setembro",
    ],
    &[
        "october", "oct", "oktober", "okt", "octobre", "octubre", "ottobre", "outubro",
    ],
    &["november", "nov", "novembre", "noviembre", "novembro"],
    &[
        "december",
        "dec",
        "dezember",
        "dez",
        "décembre",
        "diciembre",
        "dicembre",
        "dezembro",
    ],
];
