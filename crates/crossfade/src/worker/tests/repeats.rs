//! Answers to what was asked twice, and a comparison that panics.

use super::*;

#[test]
fn repeats_are_counted_as_noise_and_as_nothing_else() {
    let plant = plant();
    let (to_settled, mut from_settled) = mpsc::channel(4);
    let settings = CheckSettings {
        primary_price: Some(crossfade_compare::Price {
            input: 1.0,
            cached: None,
            cache_write: None,
            output: 2.0,
        }),
        ..CheckSettings::default()
    };
    let checks = HashMap::from([(support(), Arc::new(Checks::new(settings).unwrap()))]);
    let comparer = Comparer::new(
        checks,
        Arc::clone(&plant.metrics),
        to_settled,
        Arc::new(|_| ()),
    );
    let twice = |secondary, again: Option<&str>| Exchange {
        secondary: Some(recording(Side::Primary, Role::Repeat, secondary)),
        candidate_again: again.map(|text| recording(Side::Candidate, Role::Repeat, text)),
        ..exchange(Some("{\"a\":1}"), Some("{\"a\":2}"))
    };
    let [noise, candidate_noise] = comparer.judge_repeats(&twice("{\"a\":1}", None));
    assert!(noise.is_some() && candidate_noise.is_none());
    let both = comparer.judge_repeats(&twice("{\"a\":", Some("{\"a\":2}")));
    assert!(both.iter().all(Option::is_some));
    let of = |pairing: &str, outcome: &str| {
        plant.metric(&format!(
            "crossfade_check_total{{route=\"support\",check=\"json_parse\",outcome=\"{outcome}\",pairing=\"{pairing}\"}}"
        ))
    };
    assert_eq!(
        (of("noise", "pass"), of("noise", "fail")),
        (Some(1.0), Some(1.0))
    );
    assert_eq!(
        (of("candidate_noise", "pass"), of("candidate", "pass")),
        (Some(1.0), Some(0.0))
    );
    // Two second answers of the primary at 7 and 5 tokens.
    let cost = "crossfade_cost_usd_total{route=\"support\",side=\"primary\",role=\"repeat\"}";
    assert!((plant.metric(cost).unwrap() - 34e-6).abs() < 1e-12);
    let tokens = "crossfade_tokens_total{route=\"support\",side=\"candidate\",kind=\"output\"}";
    assert_eq!(plant.metric(tokens), Some(5.0));
    let exchanges = plant.telemetry.render(&plant.metrics);
    let counted =
        |line: &&str| line.starts_with("crossfade_exchanges_total") && !line.ends_with(" 0");
    assert_eq!(exchanges.lines().find(counted), None);
    assert!(
        from_settled.try_recv().is_err(),
        "nothing drawn is resolved by it"
    );
}

#[test]
fn a_panic_costs_one_exchange_and_resolves_it() {
    let plant = plant();
    let (to_settled, mut from_settled) = mpsc::channel(4);
    let mut comparer = Comparer::new(
        HashMap::new(),
        Arc::clone(&plant.metrics),
        to_settled,
        Arc::new(|_| ()),
    );
    comparer.judge_with(support(), Box::new(|_| panic!("in a check")));
    let judged = comparer.judge(
        &exchange(Some("{}"), Some("{}")),
        Some(Side::Candidate),
        None,
    );
    assert!(judged.is_none());
    let settled = from_settled.try_recv().unwrap().1;
    assert_eq!(
        settled.settlement.answer().unwrap(),
        MetricSet::EMPTY,
        "not judged is not bad"
    );
    let errors = "crossfade_exchanges_total{route=\"support\",verdict=\"error\"}";
    assert_eq!(plant.metric(errors), Some(1.0));
}
