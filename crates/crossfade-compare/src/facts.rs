//! Facts of free text that are found without knowing its meaning: numbers, percentages, amounts of money, dates, ids, e-mail and
//! web addresses, each in one form, so that `$1,234.50` and `1234.5 USD` are the same. Numbers that count the items of a
//! list, and numbers in brackets (citations), are none. Numbers written as words are not known.
//!
//! Cost is linear and bounded: of a text the first 64 KiB count, of these the first 16 384 words and 4 096 facts.

mod date;
mod number;
mod word;

use crate::settings::FactKind;
use number::Decimal;
use word::Word;

/// Of a text, the bytes that count.
const MOST_BYTES: usize = 64 * 1024;
/// Of a text, the words that count.
const MOST_WORDS: usize = 16 * 1024;
/// Of a text, the facts that count.
const MOST_FACTS: usize = 4096;
/// Digits from which on a number without separators is rather an id.
const ID_DIGITS: usize = 9;
/// The fewest characters of an id of letters and digits.
const ID_LENGTH: usize = 5;

/// A fact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fact {
    /// Its kind.
    pub kind: FactKind,
    /// Its one form: `1234.5`, `12`, `USD 1234.5`, `2026-11-12`. Text of whoever wrote it: not for logs or evidence.
    pub value: String,
}

/// Signs and words of currencies, lower case, with their codes.
const CURRENCIES: &[(&str, &str)] = &[
    ("us$", "USD"),
    ("a$", "AUD"),
    ("au$", "AUD"),
    ("c$", "CAD"),
    ("ca$", "CAD"),
    ("nz$", "NZD"),
    ("hk$", "HKD"),
    ("s$", "SGD"),
    ("$", "USD"),
    ("usd", "USD"),
    ("dollar", "USD"),
    ("dollars", "USD"),
    ("\u{20ac}", "EUR"),
    ("eur", "EUR"),
    ("euro", "EUR"),
    ("euros", "EUR"),
    ("\u{a3}", "GBP"),
    ("gbp", "GBP"),
    ("pound", "GBP"),
    ("pounds", "GBP"),
    ("\u{a5}", "JPY"),
    ("jpy", "JPY"),
    ("yen", "JPY"),
    ("cny", "CNY"),
    ("rmb", "CNY"),
    ("yuan", "CNY"),
    ("\u{20b9}", "INR"),
    ("inr", "INR"),
    ("rupees", "INR"),
    ("chf", "CHF"),
    ("francs", "CHF"),
    ("cad", "CAD"),
    ("aud", "AUD"),
    ("sek", "SEK"),
    ("krw", "KRW"),
    ("brl", "BRL"),
    ("r$", "BRL"),
];

/// Units of scripts without spaces after a number: powers of ten, then currencies.
const WIDE_POWERS: &[(char, i64)] = &[
    ('千', 3),
    ('万', 4),
    ('萬', 4),
    ('만', 4),
    ('亿', 8),
    ('億', 8),
    ('억', 8),
];
const WIDE_CURRENCIES: &[(char, &str)] = &[('元', "CNY"), ('円', "JPY"), ('원', "KRW")];

/// Letters and words after a number that multiply it: powers of ten.
const POWERS: &[(&str, i64)] = &[
    ("k", 3),
    ("thousand", 3),
    ("m", 6),
    ("mn", 6),
    ("mio", 6),
    ("million", 6),
    ("millions", 6),
    ("millionen", 6),
    ("b", 9),
    ("bn", 9),
    ("mrd", 9),
    ("billion", 9),
    ("billions", 9),
    ("tn", 12),
    ("trillion", 12),
];

const PERCENT: &[&str] = &["%", "\u{ff05}", "percent", "per cent", "pct", "prozent"];

/// The facts of a text, in their order, bounded.
pub fn facts(text: &str) -> Vec<Fact> {
    let text = text
        .split_at_checked(text.floor_char_boundary(MOST_BYTES))
        .map_or(text, |(head, _)| head);
    let mut facts = Vec::new();
    // Most short texts hold none, and then nothing needs to be cut into words.
    if !text
        .bytes()
        .any(|byte| byte.is_ascii_digit() || byte == b'@')
        && !text.contains("://")
        && !text.contains("www.")
    {
        return facts;
    }
    let words = word::words(text, MOST_WORDS);
    let mut rest = words.as_slice();
    let mut last = None;
    while let Some((word, following)) = rest.split_first() {
        if facts.len() >= MOST_FACTS {
            break;
        }
        let taken = find(rest, last, &mut facts);
        last = Some(*word);
        rest = if taken > 1 {
            rest.get(taken..).unwrap_or_default()
        } else {
            following
        };
    }
    facts
}

/// Finds what starts with the first of these words; how many words it takes.
fn find(words: &[Word<'_>], last: Option<Word<'_>>, facts: &mut Vec<Fact>) -> usize {
    let Some(word) = words.first() else {
        return 1;
    };
    let mut push = |kind: FactKind, value: String| facts.push(Fact { kind, value });
    if let Some(link) = link(word.text) {
        push(FactKind::Links, link);
        return 1;
    }
    if let Some(email) = email(word.text) {
        push(FactKind::Emails, email);
        return 1;
    }
    if !word.text.contains(|c: char| c.is_ascii_digit()) {
        let next_counts = || {
            words
                .get(1)
                .is_some_and(|next| next.text.starts_with(|c: char| c.is_ascii_digit()))
        };
        if next_counts()
            && date::is_month_name(word)
            && let Some((date, taken)) = date::read(words)
        {
            push(FactKind::Dates, date);
            return taken;
        }
        return 1;
    }
    let date = date::read(words);
    // "12. November 2026" counts nothing; "1. March on" does.
    if is_enumerator(word) && date.as_ref().is_none_or(|(_, taken)| *taken < 3) {
        return 1;
    }
    if let Some((date, taken)) = date {
        push(FactKind::Dates, date);
        return taken;
    }
    quantity(words, last, &mut push)
}

/// A number with what makes it a percentage, an amount or an id.
fn quantity(
    words: &[Word<'_>],
    last: Option<Word<'_>>,
    push: &mut impl FnMut(FactKind, String),
) -> usize {
    let Some(word) = words.first() else {
        return 1;
    };
    let text = bare(word);
    let (sign, unsigned) = currency_before(text);
    let Some((number, suffix)) = Decimal::read(unsigned) else {
        push_other(text, push);
        return 1;
    };
    let digits = unsigned.bytes().filter(u8::is_ascii_digit).count();
    let plain = unsigned.bytes().all(|byte| byte.is_ascii_digit());
    if plain && digits >= ID_DIGITS {
        push(FactKind::Ids, unsigned.to_owned());
        return 1;
    }
    if is_compound(suffix) {
        push_other(text, push);
        return 1;
    }
    let suffix = suffix.to_lowercase();
    let next = |place: usize| words.get(place).map(|word| word.trimmed().to_lowercase());
    let mut taken = 1;
    let mut powers = power(&suffix).unwrap_or(0);
    let mut is_power = false;
    if let Some((_, wide)) = WIDE_POWERS.iter().find(|(unit, _)| *unit == word.after) {
        powers = *wide;
        is_power = true;
    } else if suffix.is_empty()
        && let Some(times) = next(1)
            .filter(|word| word.len() > 1)
            .and_then(|word| power(&word))
    {
        powers = times;
        taken += 1;
    }
    let number = number
        .shifted(powers)
        .negated_if(is_negated(text, unsigned));
    let follows = if suffix.is_empty() || taken > 1 || power(&suffix).is_some() {
        next(taken).unwrap_or_default()
    } else {
        suffix
    };
    if PERCENT.contains(&follows.as_str()) {
        push(FactKind::Percentages, number.value());
        return taken + usize::from(next(taken).is_some_and(|word| word == follows));
    }
    let before = last.and_then(|last| currency(&last.trimmed().to_lowercase()));
    let unit = if is_power { word.beyond } else { word.after };
    let wide = WIDE_CURRENCIES.iter().find(|(sign, _)| *sign == unit);
    let code = sign
        .or(before)
        .or_else(|| currency(&follows))
        .or_else(|| wide.map(|(_, code)| *code));
    match code {
        Some(code) => push(FactKind::Amounts, format!("{code} {}", number.value())),
        None => push(FactKind::Numbers, number.value()),
    }
    taken
}

/// A word without what ends a clause or leads to it, and without the signs of dollars that formulas stand between.
fn bare<'t>(word: &Word<'t>) -> &'t str {
    let text = word
        .trimmed()
        .trim_start_matches(['.', ',', ':', '\'', '/', '_']);
    text.strip_prefix('$')
        .and_then(|inner| inner.strip_suffix('$'))
        .map_or(text, |inner| inner.trim_matches('$'))
}

/// Whether a minus stands beside the currency sign in front of a number.
fn is_negated(text: &str, unsigned: &str) -> bool {
    text.strip_suffix(unsigned)
        .is_some_and(|sign| sign.contains(['-', '\u{2212}']))
}

/// What has digits and is no number: a range of two, a time, a fraction, a version, an id.
fn push_other(text: &str, push: &mut impl FnMut(FactKind, String)) {
    let letters = text.contains(char::is_alphabetic);
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let groups = text.split('-').filter(|group| !group.is_empty()).count();
    let range = text.split_once('-').and_then(|(from, to)| {
        let (from, rest) = Decimal::read(currency_before(from).1)?;
        let (to, tail) = Decimal::read(currency_before(to).1)?;
        (rest.is_empty() && !is_compound(tail)).then(|| (from.value(), to.value()))
    });
    match range {
        Some((from, to)) if groups == 2 && digits < ID_DIGITS => {
            push(FactKind::Numbers, from);
            push(FactKind::Numbers, to);
        }
        _ if letters && text.len() >= ID_LENGTH && digits >= 2 => {
            push(FactKind::Ids, text.to_lowercase());
        }
        _ if !letters && (groups > 2 || digits >= ID_DIGITS) => {
            let digits = text.chars().filter(char::is_ascii_digit).collect();
            push(FactKind::Ids, digits);
        }
        _ if !letters => push(FactKind::Numbers, text.trim_end_matches('%').to_owned()),
        // "3D", "B2B": a word.
        Some(_) | None => {}
    }
}

/// Whether what follows a number makes the two one word that is no number with a unit.
fn is_compound(suffix: &str) -> bool {
    const LONGEST_UNIT: usize = 8;
    suffix.len() > LONGEST_UNIT
        || suffix.starts_with(['-', '/', ':', '.', ',', '_'])
        || suffix.contains(|c: char| c.is_ascii_digit())
}

/// `1.` or `1)` at the start of a line, `[1]` anywhere.
fn is_enumerator(word: &Word<'_>) -> bool {
    let digits = word.text.trim_end_matches(['.', ':']);
    let short = digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let counts = word.text.len() > digits.len() || word.after == ')';
    short && ((word.before == '\n' && counts) || (word.before == '[' && word.after == ']'))
}

/// The currency sign that a text starts with, and what follows it.
fn currency_before(text: &str) -> (Option<&'static str>, &str) {
    let end = text
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(text.len());
    let Some((sign, rest)) = text.split_at_checked(end) else {
        return (None, text);
    };
    if sign.is_empty() {
        return (None, text);
    }
    let bare = sign.trim_start_matches(['-', '\u{2212}', '+']);
    let code = currency(&bare.trim_end_matches(['-', '+']).to_lowercase());
    match code {
        // The sign of a negative amount stands before that of the currency.
        Some(_) => (code, rest),
        None if bare.is_empty() => (None, text),
        None => (None, text),
    }
}

/// Whether a word is a currency's or a month's, which says nothing without its number.
pub(crate) fn is_unit(word: &str) -> bool {
    currency(&word.to_lowercase()).is_some() || date::month(word).is_some()
}

fn currency(word: &str) -> Option<&'static str> {
    CURRENCIES
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, code)| *code)
}

fn power(word: &str) -> Option<i64> {
    POWERS
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, power)| *power)
}

/// A web address without scheme, `www.` and last slash, its host in lower case.
fn link(word: &str) -> Option<String> {
    let rest = word
        .split_once("://")
        .filter(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphanumeric()))
        .map(|(_, rest)| rest)
        .or_else(|| word.starts_with("www.").then_some(word))?;
    let rest = rest
        .strip_prefix("www.")
        .unwrap_or(rest)
        .trim_end_matches('/');
    let (host, path) = rest
        .find(['/', '?', '#'])
        .and_then(|end| rest.split_at_checked(end))
        .unwrap_or((rest, ""));
    host.contains('.')
        .then(|| format!("{}{path}", host.to_lowercase()))
}

/// An e-mail address in lower case.
fn email(word: &str) -> Option<String> {
    let (name, host) = word.split_once('@')?;
    let host = host.trim_end_matches(['.', ',', ':', '\'']);
    let sane = !name.is_empty() && host.contains('.') && !host.contains('@');
    sane.then(|| format!("{name}@{host}").to_lowercase())
}

#[cfg(test)]
mod tests;
