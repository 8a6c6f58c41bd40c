//! Whether what has the form of a number is one: check digits, lengths, ranges, and what stands beside it. Each gets a
//! text and where a form was found, and gives back where the value stands, or nothing.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    ops::Range,
};

/// Lengths of account numbers by country, from the registry that ISO 13616 names.
const IBAN_LENGTHS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 \
    EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 \
    LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 \
    RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";

/// Digits of payment cards by their first digits: (first, last) of a range of prefixes, and how long the number may be.
const CARDS: &[(u32, u32, &[usize])] = &[
    (4000, 4999, &[13, 16, 19]),
    (5100, 5599, &[16]),
    (2221, 2720, &[16]),
    (3400, 3499, &[15]),
    (3700, 3799, &[15]),
    (3000, 3059, &[14]),
    (3600, 3699, &[14]),
    (3800, 3999, &[14]),
    (3528, 3589, &[16]),
    (6011, 6011, &[16, 19]),
    (6200, 6299, &[16, 17, 18, 19]),
    (6440, 6599, &[16, 19]),
];

type Found = Option<Range<usize>>;

/// What is announced as a secret is one if it looks random: a digit and a letter in it, or a mark that words do not have.
pub(crate) fn secret(text: &str, at: Range<usize>) -> Found {
    let value = text.get(at.clone())?;
    let has = |what: fn(char) -> bool| value.chars().any(what);
    let random = has(|c| c.is_ascii_digit()) && has(char::is_alphabetic)
        || value.chars().count() >= 8 && has(|c| matches!(c, '!' | '#' | '$' | '%' | '^' | '*'));
    // A placeholder names what belongs there.
    let placeholder = value.starts_with('$') || value.starts_with("http");
    (random && !placeholder).then_some(at)
}

/// An address does not begin or end with a dot; what stands before it is no part of a longer word.
pub(crate) fn email(text: &str, at: Range<usize>) -> Found {
    let value = text.get(at.clone())?;
    let skipped = value.len() - value.trim_start_matches(['.', '\'', '-']).len();
    let start = at.start + skipped;
    let kept = value.trim_end_matches(['-', '.']).len();
    let end = at.start + kept;
    let (local, domain) = text.get(start..end)?.split_once('@')?;
    let top = domain.rsplit('.').next()?;
    (!local.is_empty() && top.len() >= 2).then_some(start..end)
}

/// As long as its country's are, and its check sum is right.
pub(crate) fn iban(text: &str, at: Range<usize>) -> Found {
    let value = text.get(at.clone())?;
    let country = value.get(..2)?;
    let length = IBAN_LENGTHS
        .split_ascii_whitespace()
        .find_map(|entry| entry.strip_prefix(country))?
        .parse::<usize>()
        .ok()?;
    let significant = |c: &(usize, char)| c.1.is_ascii_alphanumeric();
    let (last, _) = value.char_indices().filter(significant).nth(length - 1)?;
    let end = at.start + last + 1;
    let digits: Vec<char> = text
        .get(at.start..end)?
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let (head, tail) = digits.split_at_checked(4)?;
    let rest = tail.iter().chain(head).try_fold(0_u32, |rest, c| {
        let value = c.to_digit(36)?;
        let shift = if value < 10 { 10 } else { 100 };
        Some((rest * shift + value) % 97)
    })?;
    (rest == 1 && !continues(text, end)).then_some(at.start..end)
}

/// The longest beginning of a run of groups that is a card's number: its prefix, its length, its check digit (Luhn), and groups
/// as cards have them. What follows may be another number.
pub(crate) fn card(text: &str, at: Range<usize>) -> Found {
    let value = text.get(at.clone())?;
    let separators = value.char_indices().filter(|(_, c)| !c.is_ascii_digit());
    let mut ends: Vec<usize> = separators.map(|(end, _)| end).collect();
    ends.push(value.len());
    ends.into_iter().rev().find_map(|end| {
        let at = at.start..at.start + end;
        (is_card(value.get(..end)?) && stands_alone(text, &at)).then_some(at)
    })
}

fn is_card(value: &str) -> bool {
    let digits: Vec<u32> = value.chars().filter_map(|c| c.to_digit(10)).collect();
    let prefix = digits.iter().take(4).fold(0, |prefix, d| prefix * 10 + d);
    let known = CARDS.iter().any(|(first, last, lengths)| {
        (*first..=*last).contains(&prefix) && lengths.contains(&digits.len())
    });
    known && luhn(&digits) && in_groups(value)
}

fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, double) => double / 10 + double % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// No separators; or one separator throughout, between groups of four to six, of which the last may be shorter or longer.
fn in_groups(value: &str) -> bool {
    let separators: Vec<char> = value.chars().filter(|c| !c.is_ascii_digit()).collect();
    let Some(separator) = separators.first() else {
        return true;
    };
    let groups: Vec<usize> = value.split(*separator).map(str::len).collect();
    let Some((last, first)) = groups.split_last() else {
        return false;
    };
    separators.iter().all(|c| c == separator)
        && first.iter().all(|group| (4..=6).contains(group))
        && (3..=6).contains(last)
}

/// Numbers that were never given out are none.
pub(crate) fn ssn(text: &str, at: Range<usize>) -> Found {
    let mut parts = text.get(at.clone())?.split('-');
    let (area, group, serial) = (parts.next()?, parts.next()?, parts.next()?);
    let never = area == "000" || area == "666" || area.starts_with('9');
    let given = !never && group != "00" && serial != "0000";
    (given && stands_alone(text, &at)).then_some(at)
}

/// An address of somebody's: not the ones that every machine has, and no version, time or path of code.
pub(crate) fn ip(text: &str, at: Range<usize>) -> Found {
    let value = text.get(at.clone())?;
    if !stands_alone(text, &at) {
        return None;
    }
    if let Ok(address) = value.parse::<Ipv4Addr>() {
        let everybodys =
            address.is_loopback() || address.is_unspecified() || address.is_broadcast();
        return (!everybodys).then_some(at);
    }
    if text.get(..at.start)?.ends_with(':') || starts(text, at.end, ':') {
        return None;
    }
    let trimmed = if value.ends_with("::") {
        value
    } else {
        value.trim_end_matches(':')
    };
    let address = trimmed.parse::<Ipv6Addr>().ok()?;
    let groups = trimmed.split([':', '.']).filter(|group| !group.is_empty());
    // `a::b` is a path in some languages: an address begins with a long group that holds a digit, or has many.
    let likely = groups.clone().count() >= 4
        || groups.clone().count() >= 2
            && trimmed.chars().any(|c| c.is_ascii_digit())
            && groups.clone().next().is_some_and(|first| first.len() >= 3);
    let everybodys = address.is_loopback() || address.is_unspecified();
    (likely && !everybodys).then(|| at.start..at.start + trimmed.len())
}

/// 8 to 15 digits (ITU-T E.164), and nothing joined to it.
pub(crate) fn phone(text: &str, at: Range<usize>) -> Found {
    let value = text.get(at.clone())?;
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let opened = value.contains('(') == value.contains(')');
    // Groups behind a group of digits are a part of a longer number.
    let before = text.get(..at.start)?.strip_suffix(' ').unwrap_or_default();
    let goes_on = value.starts_with('0') && before.ends_with(|c: char| c.is_ascii_digit());
    let whole = opened && !goes_on && stands_alone(text, &at);
    ((8..=15).contains(&digits) && whole).then_some(at)
}

/// Whether a number is no part of a longer word or number.
fn stands_alone(text: &str, at: &Range<usize>) -> bool {
    let before = text.get(..at.start).unwrap_or_default();
    let mut before = before.chars().rev();
    let joined_before = match before.next() {
        Some(c) if c.is_alphanumeric() || matches!(c, '_' | '#') => true,
        Some('.' | '-' | '+' | ',' | '/') => before.next().is_some_and(char::is_alphanumeric),
        Some(_) | None => false,
    };
    !joined_before && !continues(text, at.end)
}

/// Whether a word or number goes on at `end`: a dot that ends a sentence does not.
fn continues(text: &str, end: usize) -> bool {
    let mut after = text.get(end..).unwrap_or_default().chars();
    match after.next() {
        Some(c) if c.is_alphanumeric() || c == '_' => true,
        Some('.' | '-' | ',' | '/') => after.next().is_some_and(|c| c.is_ascii_digit()),
        Some(_) | None => false,
    }
}

fn starts(text: &str, at: usize, with: char) -> bool {
    text.get(at..).is_some_and(|rest| rest.starts_with(with))
}
