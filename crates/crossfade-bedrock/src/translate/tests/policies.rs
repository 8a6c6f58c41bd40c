//! Where the two wires leave a choice, the route makes it.

use super::*;
use crate::settings::{GuardrailSettings, LateSystem, Penalties, TemperatureScale};

fn route(change: impl FnOnce(&mut CandidateSettings)) -> CandidateSettings {
    let mut settings = able();
    change(&mut settings);
    settings
}

/// Edge 7, bug 39: what stays in its place leaves the cached beginning as it was.
#[test]
fn late_instructions_in_place_edge_7_bug_39() {
    let in_place = route(|s| s.late_system = LateSystem::InPlace);
    let request = chat(json!([
        {"role": "system", "content": "one"}, {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"}, {"role": "developer", "content": "two"},
        {"role": "user", "content": "c"}]));
    let (found, losses) = translated(&in_place, &request);
    assert_eq!(found["system"], json!([{"text": "one"}]));
    let last = json!({"role": "user", "content": [{"text": "[System instruction]"}, {"text": "two"}, {"text": "c"}]});
    assert_eq!(found["messages"][2], last);
    assert_eq!(losses, [LossKind::SystemInPlace, LossKind::MessagesMerged]);
    let mut with_turns = in_place.clone();
    with_turns.capabilities.system_turns = Some(true);
    let (found, losses) = translated(&with_turns, &request);
    assert_eq!(
        found["messages"][2],
        json!({"role": "system", "content": [{"text": "two"}]})
    );
    assert_eq!(losses, [LossKind::SystemInPlace]);
    // Between a call and its result there is no place.
    let mut request = chat(json!([
        {"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": [call("c1", "f", "")]},
        {"role": "system", "content": "late"}, {"role": "tool", "tool_call_id": "c1", "content": "r"}]));
    request["tools"] = json!([tool("f")]);
    let (found, _) = translated(&in_place, &request);
    let result = json!({"toolResult": {"toolUseId": "c1", "content": [{"text": "r"}]}});
    let content = json!([result, {"text": "[System instruction]"}, {"text": "late"}]);
    assert_eq!(found["messages"][2]["content"], content);
    let mut alone = in_place;
    alone.capabilities.result_alone = Some(true);
    let (found, _) = translated(&alone, &request);
    assert_eq!(found["messages"].as_array().unwrap().len(), 5);
}

#[test]
fn temperatures_are_clamped_or_halved() {
    let halve = route(|s| s.temperature_scale = TemperatureScale::Halve);
    let path = "/inferenceConfig/temperature";
    check_field(
        &able(),
        json!({"temperature": 1.4}),
        path,
        json!(1.0),
        &[LossKind::TemperatureClamped],
    );
    check_field(&able(), json!({"temperature": 0.4}), path, json!(0.4), &[]);
    check_field(
        &halve,
        json!({"temperature": 1.4}),
        path,
        json!(0.7),
        &[LossKind::TemperatureScaled],
    );
    check_field(
        &halve,
        json!({"temperature": 0.4}),
        path,
        json!(0.2),
        &[LossKind::TemperatureScaled],
    );
    check_field(&halve, json!({"temperature": 0}), path, json!(0.0), &[]);
}

#[test]
fn penalties_are_refused_or_dropped_edge_36() {
    let drop = route(|s| s.penalties = Penalties::Drop);
    for fields in [
        json!({"frequency_penalty": 0.5}),
        json!({"presence_penalty": -1}),
        json!({"logit_bias": {"1": 2}}),
    ] {
        let field = fields.as_object().unwrap().keys().next().unwrap().clone();
        check_refused(&hi(fields.clone()), &field, IneligibleReason::Unsupported);
        let translation = translate(&body(&hi(fields)), &drop).unwrap();
        assert_eq!(
            translation.losses,
            [Loss::new(LossKind::SamplingDropped, field)]
        );
    }
}

#[test]
fn tiers_edge_37() {
    let check = |has: bool, tier: &str, expected: Value, losses: &[LossKind]| {
        let settings = with(|c| c.tiers = Some(has));
        check_field(
            &settings,
            json!({"service_tier": tier}),
            "/serviceTier",
            expected,
            losses,
        );
    };
    let mapped = &[LossKind::ServiceTierMapped];
    check(true, "auto", Value::Null, &[]);
    check(true, "default", json!({"type": "default"}), &[]);
    check(true, "flex", json!({"type": "flex"}), &[]);
    check(true, "priority", json!({"type": "priority"}), &[]);
    check(true, "scale", Value::Null, mapped);
    check(false, "default", json!({"type": "default"}), &[]);
    check(false, "flex", Value::Null, mapped);
    check_field(
        &able(),
        json!({"store": true}),
        "/store",
        Value::Null,
        &[LossKind::Unstored],
    );
}

#[test]
fn a_route_s_guardrail_goes_with_every_request() {
    let settings: GuardrailSettings =
        toml::from_str("id = 'gr'\nversion = '3'\ntrace = 'full'").unwrap();
    let guarded = route(|s| s.guardrail = Some(settings));
    let mut expected = json!({"guardrailIdentifier": "gr", "guardrailVersion": "3", "trace": "enabled_full", "streamProcessingMode": "sync"});
    check_field(
        &guarded,
        json!({}),
        "/guardrailConfig",
        expected.clone(),
        &[],
    );
    // The mode is a member of streams' requests alone.
    let mut whole = guarded;
    whole.stream_always = false;
    expected
        .as_object_mut()
        .unwrap()
        .remove("streamProcessingMode");
    check_field(&whole, json!({}), "/guardrailConfig", expected, &[]);
}
