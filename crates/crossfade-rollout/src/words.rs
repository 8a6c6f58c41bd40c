//! Numbers and times in the words of refusals and status. For people only: nothing is decided on them.

use std::fmt;

/// A count with its thousands apart.
pub(crate) struct Count(pub(crate) u64);

/// A length of time, rounded, with one unit.
pub(crate) struct About(pub(crate) u64);

/// A number in 0..=1 as a percentage.
pub(crate) struct Share(pub(crate) f64);

/// How long something goes on at the rate so far: "about 6 h at this rate", or that there is no rate to go by.
pub(crate) struct AtThisRate(pub(crate) Option<u64>);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_str(" ")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let (unit, name) = match self.0 {
            0..100 => (1, "s"),
            100..6_000 => (MINUTE, "min"),
            6_000..173_000 => (HOUR, "h"),
            _ => (DAY, "days"),
        };
        write!(f, "{} {name}", Count(self.0.div_ceil(unit)))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = (self.0 * 10_000.0).round() / 100.0;
        write!(f, "{percent} %")
    }
}

impl fmt::Display for AtThisRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(seconds) => write!(f, "about {} at this rate", About(seconds)),
            None => f.write_str("and nothing arrives at present"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_numbers() {
        let check = |shown: &dyn fmt::Display, expected: &str| {
            assert_eq!(shown.to_string(), expected);
        };
        check(&Count(0), "0");
        check(&Count(999), "999");
        check(&Count(1_000), "1 000");
        check(&Count(1_234_567), "1 234 567");
        check(&About(0), "0 s");
        check(&About(99), "99 s");
        check(&About(100), "2 min");
        check(&About(5_999), "100 min");
        check(&About(6_000), "2 h");
        check(&About(172_800), "48 h");
        check(&About(86_400 * 3), "3 days");
        check(&About(u64::MAX), "213 503 982 334 602 days");
        check(&Share(0.01), "1 %");
        check(&Share(0.896_54), "89.65 %");
        check(&Share(-0.002), "-0.2 %");
        check(&AtThisRate(Some(21_600)), "about 6 h at this rate");
        check(&AtThisRate(None), "and nothing arrives at present");
    }
}
