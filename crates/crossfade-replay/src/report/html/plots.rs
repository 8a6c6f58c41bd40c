//! Plots as inline SVG, scaled by the page to the width there is. Colours come from the page's style.

use std::fmt::Write as _;

use crossfade_statistics::confidence::Interval;

use super::escape::Escaped;
use crate::report::CheckAgreement;

const WIDTH: f64 = 560.0;
/// Of plots that stand three in a row.
const NARROW: f64 = 380.0;
/// Where the names of rows end.
const LEFT: f64 = 148.0;
const RIGHT: f64 = 14.0;
const ROW: f64 = 34.0;
/// Points of a curve; more would not be seen.
const MOST_POINTS: usize = 240;

/// Dots with their intervals: a row for each check, disagreement from left to right.
pub(super) fn agreement(checks: &[&CheckAgreement]) -> String {
    let all = checks
        .iter()
        .flat_map(|found| [Some(found.candidate), found.noise, found.candidate_noise]);
    let most = all
        .flatten()
        .fold(0.05, |most: f64, interval| most.max(interval.high))
        .min(1.0);
    let top = step_up(most);
    let x = |share: f64| LEFT + share.clamp(0.0, top) / top * (WIDTH - LEFT - RIGHT);
    let rows: f64 = checks.iter().map(|_| ROW).sum();
    let height = rows + 34.0;
    let mut out = open(WIDTH, height, "disagreement by check with its bounds");
    for tick in 0..=4 {
        let share = top * f64::from(tick) / 4.0;
        let at = x(share);
        let _infallible = write!(
            out,
            "<line class=\"axis\" x1=\"{at:.1}\" y1=\"4\" x2=\"{at:.1}\" y2=\"{:.1}\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{}\">{}</text>",
            rows + 8.0,
            rows + 26.0,
            anchor(tick),
            percent(share)
        );
    }
    let mut y = 4.0;
    for found in checks {
        let middle = y + ROW / 2.0;
        let name = found.check.as_str().replace('_', " ");
        let _infallible = write!(
            out,
            "<text class=\"name\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 12.0,
            middle + 4.0,
            Escaped(&name)
        );
        let series = [
            ("N", found.noise, 7.0, "primary with itself"),
            ("C", found.candidate_noise, 0.0, "candidate with itself"),
            ("D", Some(found.candidate), -7.0, "candidate with primary"),
        ];
        for (class, interval, shift, what) in series {
            if let Some(interval) = interval {
                dot(&mut out, class, &interval, middle + shift, what, &x);
            }
        }
        y += ROW;
    }
    out.push_str("</svg>");
    out
}

fn dot(
    out: &mut String,
    class: &str,
    interval: &Interval,
    y: f64,
    what: &str,
    x: &dyn Fn(f64) -> f64,
) {
    let _infallible = write!(
        out,
        "<g><title>{what}: {} [{}, {}]</title><line class=\"{class} i\" x1=\"{:.1}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\"/><circle class=\"{class}\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\"/></g>",
        percent(interval.estimate),
        percent(interval.low),
        percent(interval.high),
        x(interval.low),
        x(interval.high),
        x(interval.estimate)
    );
}

/// The share of answers that took at most so much: a curve for each side.
pub(super) fn cumulative(
    primary: &[f64],
    candidate: &[f64],
    unit: &dyn Fn(f64) -> String,
) -> Option<String> {
    let (primary, candidate) = (sorted(primary), sorted(candidate));
    // The slowest hundredth would press everything else against the axis.
    let high = [quantile(&primary, 0.99), quantile(&candidate, 0.99)];
    let top = high.into_iter().flatten().fold(0.0, f64::max) * 1.05;
    if top <= 0.0 {
        return None;
    }
    let top = step_up(top);
    let (left, bottom, height) = (46.0, 186.0, 214.0);
    let x = |value: f64| left + value.min(top) / top * (NARROW - left - RIGHT);
    let y = |share: f64| bottom - share * (bottom - 10.0);
    let mut out = open(
        NARROW,
        height,
        "the share of answers that took at most so much",
    );
    for tick in 0..=4 {
        let part = f64::from(tick) / 4.0;
        let (across, up) = (x(top * part), y(part));
        let _infallible = write!(
            out,
            "<line class=\"axis\" x1=\"{left:.1}\" y1=\"{up:.1}\" x2=\"{:.1}\" y2=\"{up:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><text x=\"{across:.1}\" y=\"{:.1}\" text-anchor=\"{}\">{}</text>",
            NARROW - RIGHT,
            left - 8.0,
            up + 4.0,
            percent(part),
            bottom + 20.0,
            anchor(tick),
            Escaped(&unit(top * part))
        );
    }
    for (class, values) in [("P", &primary), ("K", &candidate)] {
        if !values.is_empty() {
            let _infallible = write!(
                out,
                "<path class=\"{class} line\" d=\"{}\"/>",
                steps(values, top, &x, &y)
            );
        }
    }
    out.push_str("</svg>");
    Some(out)
}

/// The last number of an axis stays within the picture.
const fn anchor(tick: i32) -> &'static str {
    if tick == 4 { "end" } else { "middle" }
}

/// A curve that rises at each value.
fn steps(values: &[f64], top: f64, x: &dyn Fn(f64) -> f64, y: &dyn Fn(f64) -> f64) -> String {
    let mut path = format!("M{:.1} {:.1}", x(0.0), y(0.0));
    let points = values.len().min(MOST_POINTS);
    for point in 1..=points {
        let share = ratio(point, points);
        let Some(value) = quantile(values, share) else {
            continue;
        };
        if value > top {
            break;
        }
        let _infallible = write!(path, "H{:.1}V{:.1}", x(value), y(share));
    }
    path
}

/// The value that a share of values does not exceed, of sorted values.
pub(super) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank between 0 and the number of values"
    )]
    let rank = (share * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank.min(sorted.len()).checked_sub(1)?).copied()
}

/// Values in order, without what is no number.
pub(super) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of points stay far below 2^52"
)]
fn ratio(part: usize, of: usize) -> f64 {
    part as f64 / of as f64
}

/// The next of 1, 2, 4, 5, 6, 8 times a power of ten.
fn step_up(value: f64) -> f64 {
    let mut power = 1.0;
    while power * 10.0 <= value {
        power *= 10.0;
    }
    while power > value {
        power /= 10.0;
    }
    let steps = [1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 5.0, 6.0, 8.0, 10.0];
    let fits = steps.iter().map(|step| step * power);
    fits.into_iter()
        .find(|step| *step >= value * (1.0 - 1e-9))
        .unwrap_or(value)
}

fn open(width: f64, height: f64, what: &str) -> String {
    format!("<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{what}\">")
}

/// A share of an axis or a dot, to a tenth where that says more.
pub(super) fn percent(share: f64) -> String {
    let tenths = (share * 1000.0).round() / 10.0;
    format!("{tenths} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (value, top) in [
            (0.05, 0.05),
            (0.051, 0.06),
            (1.0, 1.0),
            (1.7, 2.0),
            (731.0, 800.0),
            (0.0009, 0.001),
        ] {
            let found = step_up(value);
            assert!(
                (found - top).abs() < 1e-9 * top.max(1.0),
                "{value}: {found}"
            );
        }
    }

    #[test]
    fn quantiles_of_few_and_of_none() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[3.0], 0.0), Some(3.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.51), Some(3.0));
        assert_eq!(quantile(&[1.0, 2.0], 1.0), Some(2.0));
    }

    #[test]
    fn curves_of_nothing_are_not_drawn() {
        let unit = |value: f64| format!("{value}");
        assert_eq!(cumulative(&[], &[], &unit), None);
        assert_eq!(cumulative(&[f64::NAN], &[0.0], &unit), None);
        let drawn = cumulative(&[1.0, 2.0], &[], &unit).unwrap();
        assert!(drawn.contains("P line") && !drawn.contains("K line"));
    }
}
