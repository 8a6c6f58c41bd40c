//! Numbers as people write them, with their separators, brought into one form: 1,234.50 = 1.234,50 = 1234.5 = 12345e-1. No units
//! and no currencies.

/// Digits beyond these do not tell two numbers apart.
const MOST_DIGITS: usize = 40;

/// A decimal number: `digits × 10^exponent`, without zeros at either end of the digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

// === impl Decimal ===

impl Decimal {
    /// Reads the number that a text starts with; gives what follows it too. `None` if it starts with none, or with
    /// something that only looks like one (`1.2.3`).
    pub(super) fn read(text: &str) -> Option<(Self, &str)> {
        let (negative, text) = match text.strip_prefix(['-', '\u{2212}']) {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = text
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '\'')))
            .unwrap_or(text.len());
        let (run, _) = text.split_at_checked(end)?;
        let run = run.trim_end_matches(['.', ',', '\'']);
        let (_, rest) = text.split_at_checked(run.len())?;
        let (whole, part) = parts(run)?;
        Some((Self::of(negative, &whole, part), rest))
    }

    fn of(negative: bool, whole: &str, part: &str) -> Self {
        let mut digits = format!("{whole}{part}");
        let mut exponent = -i64::try_from(part.len()).unwrap_or_default();
        while digits.ends_with('0') {
            digits.pop();
            exponent += 1;
        }
        let digits = digits.trim_start_matches('0');
        let digits: String = digits.chars().take(MOST_DIGITS).collect();
        if digits.is_empty() {
            return Self {
                negative: false,
                digits: "0".to_owned(),
                exponent: 0,
            };
        }
        Self {
            negative,
            digits,
            exponent,
        }
    }

    /// The same times a power of ten.
    pub(super) fn shifted(mut self, powers: i64) -> Self {
        if self.digits != "0" {
            self.exponent += powers;
        }
        self
    }

    /// The same with the other sign, if so.
    pub(super) fn negated_if(mut self, negated: bool) -> Self {
        self.negative ^= negated && self.digits != "0";
        self
    }

    /// Its one form.
    pub(super) fn value(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let Self {
            digits, exponent, ..
        } = self;
        // Short ones as people write them.
        match usize::try_from(*exponent) {
            Ok(zeros) if zeros <= 12 => format!("{sign}{digits}{}", "0".repeat(zeros)),
            Ok(_) => format!("{sign}{digits}e{exponent}"),
            Err(_) => match usize::try_from(-exponent) {
                Ok(places) if places <= 12 => {
                    let padded = format!("{digits:0>width$}", width = places + 1);
                    let at = padded.len() - places;
                    let (whole, part) = padded.split_at_checked(at).unwrap_or((&padded, ""));
                    format!("{sign}{whole}.{part}")
                }
                Ok(_) | Err(_) => format!("{sign}{digits}e{exponent}"),
            },
        }
    }
}

/// The digits before and after the decimal mark of a run of digits, points and commas.
fn parts(run: &str) -> Option<(String, &str)> {
    if !run.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (points, commas) = (run.matches('.').count(), run.matches(',').count());
    let decimal = match (points, commas) {
        (0, 0) => None,
        (1, 0) => Some('.'),
        (0, 1) => (!is_grouped(run, ',')).then_some(','),
        (_, 0) => {
            is_grouped(run, '.').then_some(())?;
            None
        }
        (0, _) => {
            is_grouped(run, ',').then_some(())?;
            None
        }
        (_, _) => {
            let (last, other) = if run.rfind('.') > run.rfind(',') {
                ('.', ',')
            } else {
                (',', '.')
            };
            let (whole, part) = run.rsplit_once(last)?;
            if whole.contains(last) || part.contains(other) || !is_grouped(whole, other) {
                return None;
            }
            Some(last)
        }
    };
    let (whole, part) = decimal.map_or((run, ""), |mark| run.split_once(mark).unwrap_or((run, "")));
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    part.chars()
        .all(|c| c.is_ascii_digit())
        .then_some((whole, part))
}

/// Whether a mark parts a number into groups of three digits.
fn is_grouped(run: &str, mark: char) -> bool {
    let mut groups = run.split(mark);
    let first = groups
        .next()
        .is_some_and(|group| (1..=3).contains(&group.len()) && !group.starts_with('0'));
    first && groups.all(|group| group.len() == 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_form() {
        let check = |text: &str, expected: &str| {
            let found =
                Decimal::read(text).map(|(number, rest)| format!("{} {rest}", number.value()));
            assert_eq!(
                found.as_deref().map(str::trim_end),
                Some(expected),
                "{text}"
            );
        };
        check("1234.50", "1234.5");
        check("1,234.50", "1234.5");
        check("1.234,50", "1234.5");
        check("1'234.5", "1234.5");
        check("1,234", "1234");
        check("1,5", "1.5");
        check("12,50", "12.5");
        check("0,125", "0.125");
        check("1.234", "1.234");
        check("1,234,567", "1234567");
        check("1.234.567", "1234567");
        check("007", "7");
        check("0.0", "0");
        check("-0", "0");
        check("-5", "-5");
        check("\u{2212}5", "-5");
        check("+5", "5");
        check("5k", "5 k");
        check("12%", "12 %");
        check("42.", "42 .");
        check("3.50,", "3.5 ,");
        check("0.05", "0.05");
        check("1000000000000000000000", "1e21");
        let none = |text: &str| assert_eq!(Decimal::read(text), None, "{text}");
        none("");
        none("a1");
        none(".5");
        none("1.2.3");
        none("1,2,3");
        none("1,23.4,5");
    }

    #[test]
    fn powers_of_ten_shift() {
        let check = |text: &str, powers, expected: &str| {
            let (number, _) = Decimal::read(text).unwrap();
            assert_eq!(number.shifted(powers).value(), expected);
        };
        check("5", 3, "5000");
        check("2.5", 6, "2500000");
        check("0", 9, "0");
        check("1.23456", 3, "1234.56");
    }
}
