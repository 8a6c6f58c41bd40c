//! Bars, numbers and times as they stand on a terminal.

/// Cells of an evidence bar.
const BAR: usize = 20;
/// Cells of a bar that shares its line with much else.
const SHORT_BAR: usize = 10;
/// The most characters of a line that is to fit on one screen, names included.
pub(super) const WIDEST: usize = 100;

/// A ratio from 0 to 1 as a bar with its number; what is below 0 is an empty bar.
pub(super) fn bar(ratio: f64) -> String {
    drawn(ratio, BAR)
}

/// The same where there is little room.
pub(super) fn short_bar(ratio: f64) -> String {
    drawn(ratio, SHORT_BAR)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a few cells, kept within the bar"
)]
fn drawn(ratio: f64, cells: usize) -> String {
    let filled = ((ratio.clamp(0.0, 1.0) * cells as f64).round() as usize).min(cells);
    // What rounds to nothing has no sign.
    let shown = if ratio.abs() < 0.005 { 0.0 } else { ratio };
    format!(
        "[{}{}] {shown:>5.2}",
        "#".repeat(filled),
        ".".repeat(cells - filled)
    )
}

/// A number with its thousands apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// Bytes in the largest unit that leaves a whole part.
#[expect(clippy::cast_precision_loss, reason = "a size for people")]
pub(in crate::cli) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut shown = format!("{bytes} B");
    for unit in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        shown = format!("{value:.1} {unit}");
    }
    shown
}

/// How long ago a moment was.
pub(in crate::cli) fn ago(at_ms: u64, now_ms: u64) -> String {
    let seconds = now_ms.saturating_sub(at_ms) / 1000;
    match seconds {
        0..=119 => format!("{seconds} s ago"),
        120..=7199 => format!("{} min ago", seconds / 60),
        7200..=172_799 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// About how long something takes.
pub(super) fn about(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("about {seconds} s"),
        120..=7199 => format!("about {} min", seconds.div_ceil(60)),
        7200..=172_799 => format!("about {} h", seconds.div_ceil(3600)),
        _ => format!("about {} days", count(seconds.div_ceil(86_400))),
    }
}

/// The line as far as it fits: up to `wide`, or up to the widest where its last word is one that cannot be broken.
pub(super) fn clipped(line: &str, wide: usize) -> String {
    let unbroken = line.trim_start().find(' ').is_none();
    let most = if unbroken { WIDEST } else { wide };
    shortened(line, most)
}

/// The text within so many characters: what is over is cut, and that shows.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(most.saturating_sub(1)).collect();
    out.push('…');
    out
}
