//! What was spent, what is left, and what the whole route would cost.

use std::fmt::Write as _;

use serde::Deserialize;

/// The money of a route, by names that are only shown.
#[derive(Debug, Deserialize)]
pub(super) struct Money {
    #[serde(default)]
    budgets: Vec<Budget>,
    #[serde(default)]
    forecast: Option<Forecast>,
}

#[derive(Debug, Deserialize)]
struct Budget {
    window: String,
    shadow_usd: f64,
    served_usd: f64,
    #[serde(default)]
    cap_usd: Option<f64>,
    #[serde(default)]
    reached: bool,
}

#[derive(Debug, Deserialize)]
struct Forecast {
    #[serde(default)]
    candidate: Option<Bill>,
    #[serde(default)]
    primary: Option<Bill>,
}

#[derive(Debug, Deserialize)]
struct Bill {
    day_usd: f64,
    thirty_days_usd: f64,
}

// === impl Money ===

impl Money {
    /// Whether a cap has no room left.
    pub(super) fn is_spent(&self) -> bool {
        self.budgets.iter().any(|budget| budget.reached)
    }

    /// What was spent on copies, and what is to be expected, where anything is known.
    pub(super) fn lines(&self) -> (Option<String>, Option<String>) {
        let spent: Vec<String> = self.budgets.iter().map(budget).collect();
        let served: f64 = self
            .budgets
            .iter()
            .map(|budget| budget.served_usd)
            .fold(0.0, f64::max);
        let mut bills = Vec::new();
        if served > 0.0 {
            bills.push(format!("{served:.2} USD for callers so far"));
        }
        let forecast = self.forecast.as_ref();
        let sides = [
            ("candidate", forecast.and_then(|f| f.candidate.as_ref())),
            ("primary", forecast.and_then(|f| f.primary.as_ref())),
        ];
        for (side, bill) in sides {
            if let Some(bill) = bill {
                bills.push(format!(
                    "{side} at 100 % about {:.2} USD a day, {:.0} in 30 days",
                    bill.day_usd, bill.thirty_days_usd
                ));
            }
        }
        let joined = |parts: &[String], by| (!parts.is_empty()).then(|| parts.join(by));
        (joined(&spent, ", "), joined(&bills, "; "))
    }
}

/// A line of what was spent, and one of what is to be expected.
pub(super) fn show(out: &mut String, money: &Money) {
    let (copies, bill) = money.lines();
    if let Some(copies) = copies {
        let _ = writeln!(out, "  copies    {copies}");
    }
    if money.is_spent() {
        out.push_str("  THE BUDGET IS SPENT: nothing is copied until its window ends\n");
    }
    if let Some(bill) = bill {
        let _ = writeln!(out, "  bill      {bill}");
    }
}

fn budget(budget: &Budget) -> String {
    let cap = budget
        .cap_usd
        .map_or_else(String::new, |cap| format!(" of {cap:.2}"));
    format!(
        "{:.2}{cap} USD this {}",
        budget.shadow_usd,
        crate::text::plain(&budget.window)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_spent_is_told_apart_from_what_serves() {
        let check = |money: serde_json::Value, expected: &str| {
            let money = Money::deserialize(&money).unwrap();
            let mut out = String::new();
            show(&mut out, &money);
            assert_eq!(out, expected);
        };
        let budget = |window: &str, cap: Option<f64>, served: f64, reached: bool| {
            json!({ "window": window, "shadow_usd": 1.256, "served_usd": served, "cap_usd": cap,
                "left_usd": null, "reached": reached })
        };
        check(json!({ "budgets": [], "forecast": null }), "");
        check(
            json!({ "budgets": [budget("hour", Some(5.0), 0.0, false), budget("day", None, 0.0, false)], "forecast": null }),
            "  copies    1.26 of 5.00 USD this hour, 1.26 USD this day\n",
        );
        check(
            json!({
                "budgets": [budget("hour", Some(1.0), 3.0, true)],
                "forecast": {
                    "requests_per_second": 2.0, "measured_seconds": 60, "primary": null,
                    "candidate": { "mean_usd": 0.001, "calls": 30, "hour_usd": 1.0, "day_usd": 24.0, "thirty_days_usd": 720.4 }
                }
            }),
            "  copies    1.26 of 1.00 USD this hour\n  THE BUDGET IS SPENT: nothing is copied until its window ends\n  \
             bill      3.00 USD for callers so far; candidate at 100 % about 24.00 USD a day, 720 in 30 days\n",
        );
    }
}
