//! A number's digits, compared by value without rounding: `2`, `2.0` and `20e-1` are equal, and two integers beyond
//! 2^53 that a float cannot tell apart are not. No arithmetic.

/// A JSON number as it was written.
#[derive(Clone, Debug)]
pub(crate) struct Digits {
    text: String,
    /// `None` if its exponent is beyond what is reckoned with: then only its text tells it apart.
    value: Option<Decimal>,
}

/// `±0.digits × 10^scale`, without zeros at either end; zero has no digits, no sign and no scale.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    scale: i64,
}

// === impl Digits ===

impl Digits {
    /// Parses a number by JSON's grammar.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (unsigned, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let unsigned_exponent = exponent.map(|e| e.strip_prefix(['+', '-']).unwrap_or(e));
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let valid = digits(whole)
            && (whole == "0" || !whole.starts_with('0'))
            && fraction.is_none_or(digits)
            && unsigned_exponent.is_none_or(digits);
        valid.then(|| Self {
            text: text.to_owned(),
            value: Decimal::of(negative, whole, fraction.unwrap_or_default(), exponent),
        })
    }

    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// As a float, rounded; `None` if it overflows.
    pub(crate) fn float(&self) -> Option<f64> {
        self.text
            .parse()
            .ok()
            .filter(|float: &f64| float.is_finite())
    }

    /// A text that equal numbers share.
    pub(crate) fn canonical(&self) -> std::borrow::Cow<'_, str> {
        match &self.value {
            Some(Decimal {
                negative,
                digits,
                scale,
            }) => format!("{}{digits}e{scale}", if *negative { "-" } else { "" }).into(),
            None => self.text.as_str().into(),
        }
    }
}

impl PartialEq for Digits {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text || (self.value.is_some() && self.value == other.value)
    }
}

// === impl Decimal ===

impl Decimal {
    fn of(negative: bool, whole: &str, fraction: &str, exponent: Option<&str>) -> Option<Self> {
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let leading = i64::try_from(all.len() - significant.len()).ok()?;
        let digits = significant.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits,
                scale: 0,
            });
        }
        let exponent: i64 = exponent.map_or(Some(0), |text| text.parse().ok())?;
        let point = i64::try_from(whole.len()).ok()?;
        Some(Self {
            negative,
            digits,
            scale: point.checked_sub(leading)?.checked_add(exponent)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_by_value() {
        let check = |a: &str, b: &str, expected: bool| {
            let (x, y) = (Digits::parse(a).unwrap(), Digits::parse(b).unwrap());
            assert_eq!((x == y, y == x), (expected, expected), "{a} {b}");
        };
        let equal = |a, b| check(a, b, true);
        let unequal = |a, b| check(a, b, false);
        equal("2", "2.0");
        equal("20e-1", "0.2E+1");
        equal("0", "-0.00e7");
        equal("100", "1e2");
        equal("0.001", "1e-3");
        equal("9007199254740993", "9007199254740993.0");
        equal("1e999", "10e998");
        equal("1e99999999999999999999", "1e99999999999999999999");
        unequal("9007199254740993", "9007199254740992");
        unequal("18446744073709551617", "18446744073709551616");
        unequal("1", "-1");
        unequal("1", "10");
        unequal("1.5", "15");
        unequal("0.1", "0.10000000000000001");
        unequal("1e999", "1e998");
        unequal("1e99999999999999999999", "1e99999999999999999998");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "", "-", "+1", "01", ".5", "1.", "1e", "1e+", "0x1", "1.2.3", "--1", "1-1", "e5",
        ] {
            assert!(Digits::parse(text).is_none(), "{text}");
        }
    }
}
