//! What a plan must say to be one.

use super::*;

#[test]
fn a_plan_names_what_does_not_fit() {
    let two = MetricSet::EMPTY
        .with(Metric::Transport)
        .with(Metric::Refusal);
    let check = |alpha: f64, shares: &[(Metric, f64)], expected: Option<&str>| {
        let plan = RoutePlan {
            alpha,
            metrics_on: two,
            shares: (!shares.is_empty()).then(|| shares.iter().copied().collect()),
            ..RoutePlan::new(RouteId::new("r"))
        };
        let got = plan.check().err().map(|e| e.to_string());
        match expected {
            None => assert_eq!(got, None, "{shares:?}"),
            Some(words) => assert!(got.clone().unwrap().contains(words), "{got:?}"),
        }
    };
    check(0.01, &[], None);
    check(0.0, &[], Some("alpha 0"));
    check(1e-320, &[], Some("alpha"));
    check(1.0, &[], Some("alpha 1"));
    check(f64::NAN, &[], Some("alpha NaN"));
    check(
        0.01,
        &[(Metric::Transport, 0.5), (Metric::Refusal, 0.5)],
        None,
    );
    check(0.01, &[(Metric::Transport, 1.0)], Some("refusal"));
    check(
        0.01,
        &[(Metric::Transport, 1.0), (Metric::Refusal, 0.0)],
        Some("refusal"),
    );
    check(
        0.01,
        &[(Metric::Transport, 0.5), (Metric::Refusal, 0.4)],
        Some("add to 0.9"),
    );
    let three = [
        (Metric::Transport, 0.5),
        (Metric::Refusal, 0.4),
        (Metric::Slow, 0.1),
    ];
    check(0.01, &three, Some("slow"));
}

#[test]
fn cost_counts_only_with_a_limit() {
    let mut plan = RoutePlan::new(RouteId::new("r"));
    assert!(!plan.metrics().contains(Metric::Cost));
    plan.cost_limit_usd = Some(0.02);
    assert!(plan.metrics().contains(Metric::Cost));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn stages_ramp_and_gates_must_fit() {
    let check = |change: fn(&mut RoutePlan), expected: Option<PlanError>| {
        let mut plan = RoutePlan::new(RouteId::new("r"));
        change(&mut plan);
        assert_eq!(plan.check().err(), expected);
    };
    let p = |value| Percent::new(value).unwrap();
    check(|_| {}, None);
    check(|plan| plan.stages = vec![Stage::Shadow], None);
    check(|plan| plan.stages = Stage::ALL.to_vec(), None);
    check(|plan| plan.stages.clear(), Some(PlanError::Stages));
    check(
        |plan| plan.stages = vec![Stage::Slice, Stage::Ramp],
        Some(PlanError::Stages),
    );
    check(|plan| plan.stages.reverse(), Some(PlanError::Stages));
    check(
        |plan| plan.stages = vec![Stage::Shadow; 2],
        Some(PlanError::Stages),
    );
    check(
        |plan| plan.stages = vec![Stage::Shadow, Stage::Ramp, Stage::Complete],
        Some(PlanError::Stages),
    );
    check(
        |plan| plan.slice = Percent::ZERO,
        Some(PlanError::Slice(p(0.0))),
    );
    check(
        |plan| plan.slice = Percent::HUNDRED,
        Some(PlanError::Slice(p(100.0))),
    );
    check(
        |plan| plan.slice = percent(5.0),
        Some(PlanError::Ramp(p(5.0))),
    );
    check(
        |plan| plan.ramp = vec![percent(5.0), percent(5.0)],
        Some(PlanError::Ramp(p(5.0))),
    );
    check(
        |plan| plan.ramp = vec![percent(25.0), percent(10.0)],
        Some(PlanError::Ramp(p(10.0))),
    );
    check(|plan| plan.ramp.clear(), Some(PlanError::RampEmpty));
    let without_ramp = |plan: &mut RoutePlan| {
        plan.stages = vec![Stage::Shadow, Stage::Slice];
        plan.ramp.clear();
    };
    check(without_ramp, None);
    let without_slice = |plan: &mut RoutePlan| {
        plan.stages = vec![Stage::Shadow, Stage::Ramp];
        plan.slice = percent(50.0);
    };
    check(without_slice, None);
    let margin = |gate, value| Some(PlanError::Margin(gate, value));
    check(
        |plan| plan.gates.margins.extend([(Gate::Label, 0.0)]),
        margin(Gate::Label, 0.0),
    );
    check(
        |plan| plan.gates.margins.extend([(Gate::Label, 1.0)]),
        margin(Gate::Label, 1.0),
    );
    check(
        |plan| plan.gates.margins.extend([(Gate::Label, 0.02)]),
        None,
    );
    check(
        |plan| plan.gates.named = vec![Gate::Label],
        Some(PlanError::Named(Gate::Label)),
    );
    check(|plan| plan.gates.named = vec![Gate::Slow], None);
    check(
        |plan| plan.gates.alpha = 0.0,
        Some(PlanError::GateAlpha(0.0)),
    );
    check(
        |plan| plan.gates.alpha = 1.0,
        Some(PlanError::GateAlpha(1.0)),
    );
    check(
        |plan| plan.gates.unit_window = Duration::ZERO,
        Some(PlanError::UnitWindow),
    );
    check(|plan| plan.coverage = 1.1, Some(PlanError::Coverage(1.1)));
    check(|plan| plan.coverage = 0.0, None);
    let mut plan = RoutePlan::new(RouteId::new("r"));
    plan.gates.margins.insert(Gate::Slow, f64::NAN);
    assert!(matches!(
        plan.check(),
        Err(PlanError::Margin(Gate::Slow, _))
    ));
    plan = RoutePlan::new(RouteId::new("r"));
    plan.coverage = f64::NAN;
    assert!(matches!(plan.check(), Err(PlanError::Coverage(_))));
}
