//! How fast a route's outcome log grows, and whether stage shadow ends before the bound is reached.

use crossfade_exchange::Percent;
use crossfade_rollout::{Record, RoutePlan};

use crate::config::Config;

use super::stages::{DAY, RATES, pairs, shadow_days, show_days};

/// What a route adds to its outcome log, at the rate that is given, or else at some, and how long the bound then lasts. In
/// shadow: beyond it each answer that was drawn adds a record more.
pub(super) fn lines(config: &Config, plan: &RoutePlan, rate: Option<f64>) -> Vec<String> {
    let mirror = &config.mirror;
    if !mirror.enabled || mirror.share.is_zero() {
        return Vec::new();
    }
    let rates = rate.map_or(RATES.to_vec(), |rate| vec![rate]);
    let of = |rate: f64| {
        let (gb, days) = growth(config, plan, rate);
        format!(
            "{rate} requests/s: {gb:.2} GB a day, {} until its bound",
            show_days(days)
        )
    };
    rates.into_iter().map(of).collect()
}

/// What is to be known of a route's log at its rate.
pub(super) fn warning(config: &Config, plan: &RoutePlan, rate: f64, warnings: &mut Vec<String>) {
    let (_, days) = growth(config, plan, rate);
    if let Some(needs) = shadow_days(&config.mirror, plan, rate)
        && days < needs
    {
        warnings.push(format!(
            "route {}: at {rate} requests/s its outcome log reaches data.outcome_log_bytes after {}, and stage shadow is likely to take {}, so that it may begin anew before it is over: raise the bound, or lower mirror.share",
            plan.route,
            show_days(days),
            show_days(needs)
        ));
    }
}

/// GB a day in shadow, and days until the bound.
fn growth(config: &Config, plan: &RoutePlan, rate: f64) -> (f64, f64) {
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let (record, bound) = (
        Record::SIZE as f64 + 4.0,
        config.data.outcome_log_bytes as f64,
    );
    let twice = plan.gates.margins.keys().any(|gate| gate.needs_repeats());
    let repeats = if twice {
        config.mirror.ask_primary_twice.ratio()
    } else {
        0.0
    };
    // A record for each of a pair's two groups, and one more where the primary was asked twice.
    let records = 2.0 + repeats;
    let day = pairs(&config.mirror, Percent::ZERO, rate) * record * records * DAY;
    (day / 1e9, bound / day)
}

#[cfg(test)]
mod tests {
    use super::super::tests::config;
    use super::*;

    const ROUTE: &str = "[azure]\nendpoint = \"https://a.example.com\"\n[bedrock]\nregion = \"us-east-1\"\n[routes.a]\nowner = \"o\"\ncandidate = { model = \"m\" }\n";

    #[test]
    fn the_log_grows_with_what_is_mirrored() {
        let check = |text: &str, rate: f64, expected: &str| {
            let config = config(&format!("{ROUTE}{text}"));
            let plan = config.plans().remove(0);
            assert_eq!(lines(&config, &plan, Some(rate)), [expected]);
        };
        let own = "[routes.a.rollout]\nsuccess = { refusal = 0.01 }";
        check(
            own,
            100.0,
            "100 requests/s: 1.45 GB a day, 3.0 d until its bound",
        );
        check(
            &format!("{own}\n[mirror]\nshare = 10\n[data]\noutcome_log_bytes = \"1GiB\""),
            100.0,
            "100 requests/s: 0.15 GB a day, 7.4 d until its bound",
        );
        // 5 % are asked twice where a gate needs that.
        let repeats = "[routes.a.rollout]\nsuccess = { tool_selection = 0.02 }";
        check(
            repeats,
            100.0,
            "100 requests/s: 1.49 GB a day, 2.9 d until its bound",
        );
        let warned = |text: &str, rate: f64| {
            let config = config(&format!("{ROUTE}{text}"));
            let mut said = Vec::new();
            warning(&config, &config.plans()[0], rate, &mut said);
            said.len()
        };
        assert_eq!(warned(own, 100.0), 0);
        assert_eq!(warned(own, 1_000.0), 1, "the bound lasts for hours");
    }
}
