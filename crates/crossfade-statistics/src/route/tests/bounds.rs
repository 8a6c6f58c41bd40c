//! Snapshots, and the bound of memory.

use super::{reviews::review, *};

#[test]
fn a_snapshot_goes_on_where_it_ended() {
    let mut statistics = new();
    let (pair, noise) = (
        at(label(false), Check::JsonStructure, &["$.a"]),
        label(true),
    );
    let observation = told("a", &pair).with_repeats(Telling::First, Some(&noise), Some(&noise));
    let mut of_user = observation.clone();
    of_user.unit = Some(Unit(3));
    statistics.observe(&observation);
    statistics.observe(&of_user);
    statistics.reviewed(&review(&pair, ReviewVerdict::Same));
    let written = serde_json::to_string(&statistics).unwrap();
    let mut read: RouteStatistics = serde_json::from_str(&written).unwrap();
    assert_eq!(read, statistics);
    assert!(read.continues(&StatisticsSettings::default()));
    let other = StatisticsSettings {
        labels: vec!["a".into()],
        ..StatisticsSettings::default()
    };
    assert!(!read.continues(&other));
    assert_eq!(read.observe(&observation), statistics.observe(&observation));
    let report = read.report();
    let again: RouteReport =
        serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(again, report);
}

/// Whatever models and callers do, memory has a bound.
#[test]
fn hostile_exchanges_find_a_bound() {
    let mut statistics = new();
    for number in 0..8_300_u32 {
        let paths: Vec<String> = (0..2)
            .map(|place| format!("$.{}{number}_{place}", "ä".repeat(200)))
            .chain([format!("$.{number}.{number}")])
            .collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let mut pair = at(label(false), Check::JsonStructure, &paths);
        if let (Some(primary), Some(candidate)) = (&mut pair.primary, &mut pair.candidate) {
            primary.label = u16::try_from(number).ok();
            candidate.label = u16::try_from(number / 2).ok();
            candidate.cost_usd = Some(f64::from(number).exp());
            let first = pair.checks[0].clone();
            pair.checks = Check::ALL
                .iter()
                .map(|check| CheckResult {
                    check: *check,
                    ..first.clone()
                })
                .collect();
            pair.checks[0].score = f64::from(number) / 8_300.0;
        }
        let id = "i".repeat(10_000);
        let mut observation =
            told(&id, &pair).with_repeats(Telling::First, Some(&pair), Some(&pair));
        observation.unit = Some(Unit(u128::from(number)));
        observation.losses = LossKind::ALL.iter().copied().collect();
        statistics.observe(&observation);
    }
    let bytes = serde_json::to_vec(&statistics).unwrap().len();
    assert!(bytes < 16_000_000, "{bytes}");
    let report = serde_json::to_vec(&statistics.report()).unwrap().len();
    assert!(report < 1_500_000, "{report}");
}
