//! Numbers and moments in words, the same wherever they stand.

use crossfade_exchange::Gate;
use crossfade_statistics::confidence::Rate;
use time::{OffsetDateTime, macros::format_description};

/// A moment, to the second, in UTC.
pub(crate) fn moment(unix_ms: u64) -> String {
    let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    i64::try_from(unix_ms / 1_000)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|moment| moment.format(form).ok())
        .unwrap_or_else(|| format!("{unix_ms} ms"))
}

/// A share as percent, with as many digits as say something.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent.abs() >= 10.0 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.2} %")
    }
}

/// A difference of shares as percentage points, or of similarity as hundredths, with its sign.
pub(crate) fn points(gate: Gate, difference: f64) -> String {
    let unit = if matches!(gate, Gate::TextSimilarity | Gate::SemanticSimilarity) {
        "hundredths"
    } else {
        "pp"
    };
    let shown = difference * 100.0;
    // What rounds to nothing has no sign.
    let shown = if shown.abs() < 0.005 { 0.0 } else { shown };
    format!("{shown:+.2} {unit}")
}

/// Events among cases.
pub(crate) fn rate(rate: &Rate) -> String {
    match rate.share {
        Some(share) => format!("{} ({} of {})", percent(share), rate.events, rate.of),
        None => "nothing yet".to_owned(),
    }
}

/// US dollars to two digits that count: more would only say at which moment somebody looked.
pub(crate) fn dollars(usd: f64) -> String {
    if usd < 0.01 {
        return "less than 0.01 USD".to_owned();
    }
    // From the scientific form, as it carries a rounding up to the next power of ten.
    let rounded: f64 = format!("{usd:.1e}").parse().unwrap_or(usd);
    let digits = match rounded {
        ..1.0 => 2,
        1.0..10.0 => 1,
        _ => 0,
    };
    format!("{rounded:.digits$} USD")
}

/// A duration from microseconds.
#[expect(clippy::cast_precision_loss, reason = "a duration for people")]
pub(crate) fn micros(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_moments() {
        for (unix_ms, said) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (1_767_225_599_999, "2025-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(moment(unix_ms), said);
        }
        for (share, said) in [(0.0, "0.00 %"), (0.0123, "1.23 %"), (0.931, "93.1 %")] {
            assert_eq!(percent(share), said);
        }
        for (gate, difference, said) in [
            (Gate::Refusal, 0.0123, "+1.23 pp"),
            (Gate::Refusal, -0.000_001, "+0.00 pp"),
            (Gate::TextSimilarity, -0.02, "-2.00 hundredths"),
        ] {
            assert_eq!(points(gate, difference), said);
        }
        for (usd, said) in [
            (0.0, "less than 0.01 USD"),
            (0.009, "less than 0.01 USD"),
            (0.0123, "0.01 USD"),
            (0.996, "1.0 USD"),
            (1.25, "1.2 USD"),
            (9.97, "10 USD"),
            (1_234.5, "1200 USD"),
        ] {
            assert_eq!(dollars(usd), said);
        }
        for (given, said) in [(7, "7 µs"), (1_250, "1.2 ms"), (2_000_000, "2.0 s")] {
            assert_eq!(micros(given), said);
        }
    }
}
