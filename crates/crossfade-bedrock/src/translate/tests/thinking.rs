//! Reasoning: what excludes it, what of it is bounded, and what was thought before tools were called.

use std::collections::HashMap;

use super::*;
use crate::translate::Recall;

struct Store(HashMap<&'static str, Vec<Value>>);

impl Recall for Store {
    fn before(&self, call: &str) -> Option<Vec<Value>> {
        self.0.get(call).cloned()
    }
}

fn thought(text: &str) -> Value {
    json!({"reasoningText": {"text": text, "signature": "c2ln"}})
}

fn thinking(style: Reasoning) -> CandidateSettings {
    with(|c| {
        c.reasoning = Some(style);
        c.reasoning_usage = Some(true);
    })
}

/// A conversation that goes on after a call.
fn after_a_call() -> Value {
    hi(
        json!({"reasoning_effort": "high", "tools": [tool("f")], "messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "Let me see.", "tool_calls": [call("c1", "f", "")]},
        {"role": "tool", "tool_call_id": "c1", "content": "r"}]}),
    )
}

#[track_caller]
fn asked(
    settings: &CandidateSettings,
    request: &Value,
    purpose: Purpose<'_>,
) -> (Value, Vec<LossKind>) {
    let read = read(&body(request)).unwrap();
    let translation = super::super::request(read, settings, purpose).unwrap();
    let losses = translation.losses.iter().map(|loss| loss.kind).collect();
    (serde_json::to_value(translation.request).unwrap(), losses)
}

#[test]
fn a_forced_tool_excludes_thinking_bug_44() {
    let forced =
        hi(json!({"reasoning_effort": "high", "tools": [tool("f")], "tool_choice": "required"}));
    for style in [Reasoning::Budget, Reasoning::Adaptive] {
        let (found, losses) = translated(&thinking(style), &forced);
        assert_eq!(found.get("additionalModelRequestFields"), None);
        assert_eq!(losses, [LossKind::ReasoningDropped]);
    }
    // A schema that the model itself enforces does not.
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let format = json!({"type": "json_schema", "json_schema": {"name": "o", "schema": schema}});
    let structured = hi(json!({"reasoning_effort": "high", "response_format": format}));
    let (found, losses) = translated(&thinking(Reasoning::Adaptive), &structured);
    assert_eq!(
        found["additionalModelRequestFields"]["thinking"],
        json!({"type": "adaptive"})
    );
    assert_eq!(losses, []);
    let by_tool = with(|c| {
        c.reasoning = Some(Reasoning::Adaptive);
        c.structured = Some(Structured::Tool);
    });
    let (_, losses) = translated(&by_tool, &structured);
    assert_eq!(losses, [LossKind::JsonByTool, LossKind::ReasoningDropped]);
}

#[test]
fn thoughts_go_back_before_their_calls_edges_19_38() {
    let store = Store(HashMap::from([(
        "c1",
        vec![thought("Hm."), json!({"redactedContent": "AAAA"})],
    )]));
    for style in [Reasoning::Budget, Reasoning::Adaptive] {
        let (found, losses) = asked(
            &thinking(style),
            &after_a_call(),
            Purpose::Ask(Some(&store)),
        );
        let content = found["messages"][1]["content"].as_array().unwrap();
        assert_eq!(
            content[0],
            json!({"reasoningContent": thought("Hm.")}),
            "{style:?}"
        );
        assert_eq!(
            content[1],
            json!({"reasoningContent": {"redactedContent": "AAAA"}})
        );
        assert_eq!(content[2], json!({"text": "Let me see."}));
        assert!(content[3].get("toolUse").is_some());
        assert!(
            found["additionalModelRequestFields"]
                .get("thinking")
                .is_some()
        );
        assert!(!losses.contains(&LossKind::ThinkingMissing));
        assert_eq!(
            found["additionalModelResponseFieldPaths"],
            json!(["/usage/output_tokens_details"])
        );
    }
    // Whoever does not think is not reminded.
    let mut quiet = after_a_call();
    quiet["reasoning_effort"] = json!("none");
    let (found, losses) = asked(
        &thinking(Reasoning::Budget),
        &quiet,
        Purpose::Ask(Some(&store)),
    );
    assert_eq!(found["messages"][1]["content"].as_array().unwrap().len(), 2);
    assert_eq!(losses, []);
}

#[test]
fn thoughts_that_are_missing_bug_48() {
    let empty = Store(HashMap::new());
    let budget = thinking(Reasoning::Budget);
    for purpose in [Purpose::Ask(Some(&empty)), Purpose::Ask(None)] {
        let (found, losses) = asked(&budget, &after_a_call(), purpose);
        assert_eq!(found.get("additionalModelRequestFields"), None);
        assert_eq!(losses, [LossKind::ThinkingMissing]);
        let (found, losses) = asked(&thinking(Reasoning::Adaptive), &after_a_call(), purpose);
        assert!(
            found["additionalModelRequestFields"]
                .get("thinking")
                .is_some()
        );
        assert_eq!(losses, [LossKind::ThinkingMissing]);
    }
    // What nobody signed is as good as missing.
    let unsigned = vec![
        json!({"reasoningText": {"text": "Hm."}}),
        json!({"encryptedContent": "AAAA"}),
    ];
    let store = Store(HashMap::from([("c1", unsigned)]));
    let (_, losses) = asked(&budget, &after_a_call(), Purpose::Ask(Some(&store)));
    assert_eq!(losses, [LossKind::ThinkingMissing]);
    // Before the request is drawn nothing is said of it.
    let (found, losses) = asked(&budget, &after_a_call(), Purpose::Judge);
    assert!(
        found["additionalModelRequestFields"]
            .get("thinking")
            .is_some()
    );
    assert_eq!(losses, [LossKind::ReasoningMapped]);
    // A turn that is over needs none.
    let mut over = after_a_call();
    let messages = over["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "assistant", "content": "So."}));
    messages.push(json!({"role": "user", "content": "b"}));
    let (found, losses) = asked(&budget, &over, Purpose::Ask(Some(&empty)));
    assert!(
        found["additionalModelRequestFields"]
            .get("thinking")
            .is_some()
    );
    assert_eq!(losses, [LossKind::ReasoningMapped]);
}

#[test]
fn a_placeholder_at_the_front_moves_no_thoughts() {
    let store = Store(HashMap::from([("c1", vec![thought("Hm.")])]));
    let mut settings = thinking(Reasoning::Adaptive);
    settings.capabilities.leading_user = Some(true);
    let mut request = after_a_call();
    request["messages"].as_array_mut().unwrap().remove(0);
    let (found, _) = asked(&settings, &request, Purpose::Ask(Some(&store)));
    assert_eq!(found["messages"][0], user("."));
    assert_eq!(
        found["messages"][1]["content"][0],
        json!({"reasoningContent": thought("Hm.")})
    );
}

/// Words that the target should take up have no thoughts before them, which it would refuse.
#[test]
fn who_thinks_takes_up_no_words_edge_6() {
    let request = hi(json!({"messages": [
        {"role": "user", "content": "a"}, {"role": "assistant", "content": "Well,"}]}));
    let mut thinks = request.clone();
    thinks["reasoning_effort"] = json!("high");
    for style in [Reasoning::Budget, Reasoning::Adaptive] {
        let mut settings = thinking(style);
        settings.capabilities.prefill = Some(true);
        let (found, losses) = translated(&settings, &request);
        assert_eq!(found["messages"].as_array().unwrap().len(), 2);
        assert_eq!(losses, []);
        let (found, losses) = translated(&settings, &thinks);
        assert_eq!(found["messages"][2], user("."));
        assert!(losses.contains(&LossKind::PlaceholderInserted));
    }
}

#[test]
fn budgets_are_clamped_edge_38() {
    use LossKind::{BudgetClamped, ReasoningDropped, ReasoningMapped};
    let bounded = with(|c| {
        c.reasoning = Some(Reasoning::Budget);
        c.budget_least = Some(1024);
        c.budget_most = Some(4096);
    });
    let check = |fields: Value, budget: Value, losses: &[LossKind]| {
        let path = "/additionalModelRequestFields/thinking/budget_tokens";
        check_field(&bounded, fields, path, budget, losses);
    };
    let effort = |word: &str, most: u32| json!({"reasoning_effort": word, "max_tokens": most});
    check(effort("low", 100_000), json!(1024), &[ReasoningMapped]);
    check(effort("minimal", 100_000), json!(1024), &[ReasoningMapped]);
    check(effort("medium", 100_000), json!(2048), &[ReasoningMapped]);
    check(effort("high", 100_000), json!(4096), &[ReasoningMapped]);
    check(
        effort("max", 100_000),
        json!(4096),
        &[ReasoningMapped, BudgetClamped],
    );
    check(
        effort("high", 2000),
        json!(1999),
        &[ReasoningMapped, BudgetClamped],
    );
    check(effort("low", 1025), json!(1024), &[ReasoningMapped]);
    check(effort("low", 1024), Value::Null, &[ReasoningDropped]);
    check(effort("none", 100), Value::Null, &[]);
}

#[test]
fn sampling_that_goes_without_saying_is_no_loss() {
    let fields = json!({"reasoning_effort": "high", "temperature": 1, "top_p": 1.0});
    let (found, losses) = translated(&thinking(Reasoning::Adaptive), &hi(fields));
    assert_eq!(found.get("inferenceConfig"), None);
    assert_eq!(losses, []);
    let fields = json!({"reasoning_effort": "high", "temperature": 0, "top_p": 0.5});
    let (_, losses) = translated(&thinking(Reasoning::Adaptive), &hi(fields));
    assert_eq!(
        losses,
        [LossKind::SamplingDropped, LossKind::SamplingDropped]
    );
}

/// Bug 52: an effort that the model has no word for becomes the nearest, and is said.
#[test]
fn words_that_a_model_does_not_take_bug_52() {
    use crate::compatible::{Effort, Efforts};
    let check = |style: Reasoning, word: &str, path: &str, expected: Value, losses: &[LossKind]| {
        let settings = with(|c| {
            c.reasoning = Some(style);
            let three = [false, false, true, true, true, false, false];
            c.efforts = Some(Efforts::of(three));
        });
        assert!(Effort::of(word).is_some());
        let path = format!("/additionalModelRequestFields/{path}");
        check_field(
            &settings,
            json!({"reasoning_effort": word}),
            &path,
            expected,
            losses,
        );
    };
    let mapped = &[LossKind::ReasoningMapped];
    check(
        Reasoning::Nested,
        "minimal",
        "reasoning/effort",
        json!("low"),
        mapped,
    );
    check(
        Reasoning::Effort,
        "xhigh",
        "reasoning_effort",
        json!("high"),
        mapped,
    );
    check(
        Reasoning::Effort,
        "none",
        "reasoning_effort",
        json!("low"),
        mapped,
    );
    check(
        Reasoning::Word,
        "medium",
        "reasoning_config",
        json!("medium"),
        &[],
    );
    check(
        Reasoning::Nova,
        "max",
        "reasoningConfig/maxReasoningEffort",
        json!("high"),
        mapped,
    );
    check_refused(
        &hi(json!({"reasoning_effort": "lots"})),
        "reasoning_effort",
        IneligibleReason::Unsupported,
    );
}
