use serde_json::json;

use super::*;

fn guard(rail: &Guardrail, trace: &str) -> Guard<'static> {
    let rail = Box::leak(Box::new(rail.clone()));
    Guard::new(rail, Some(&json!({"trace": trace})))
}

#[test]
fn words_are_blocked_masked_or_noted() {
    let guard = guard(&Guardrail::default(), "enabled");
    let check = |said: &str, text: &str, blocked: bool, masked: bool| {
        let verdict = guard.answer(said);
        assert_eq!(
            (verdict.text.as_str(), verdict.blocked, verdict.masked),
            (text, blocked, masked),
            "{said}"
        );
    };
    let instead = "The guardrail does not give this answer.";
    check("all is well", "all is well", false, false);
    check("a Violent-Word!", instead, true, false);
    check("at secret-address 1", "at {ADDRESS} 1", false, true);
    check("secret-address and profane-word", instead, true, false);
    check("a harsh-word", "a harsh-word", false, false);
}

#[test]
fn the_trace_tells_what_was_found() {
    let rail = Guardrail::default();
    let trace = |mode: &str, prompt: &str, answer: &str| {
        let guard = guard(&rail, mode);
        let (prompt, verdict) = (guard.prompt(prompt), guard.answer(answer));
        guard.trace(&prompt, Some((&verdict, answer)))
    };
    assert_eq!(trace("disabled", "hi", "violent-word"), None);
    let masked = trace("enabled", "hi", "secret-address").unwrap();
    let pointer = "/guardrail/outputAssessments/simguard0001/0/sensitiveInformationPolicy/piiEntities/0/action";
    assert_eq!(masked.pointer(pointer), Some(&json!("ANONYMIZED")));
    assert_eq!(masked["guardrail"]["actionReason"], "Guardrail masked.");
    let input = "/guardrail/inputAssessment/simguard0001";
    assert_eq!(masked.pointer(&format!("{input}/contentPolicy")), None);
    let full = trace("enabled_full", "harsh-word", "hi").unwrap();
    let filters = full
        .pointer(&format!("{input}/contentPolicy/filters"))
        .unwrap();
    assert_eq!(filters.as_array().unwrap().len(), 6);
    assert_eq!(
        (&filters[0]["action"], &filters[0]["confidence"]),
        (&json!("NONE"), &json!("LOW"))
    );
}

#[test]
fn only_marked_parts_are_looked_at_if_there_are_any() {
    let check = |content: Value, expected: &str| {
        assert_eq!(
            prompt_text(&json!({"messages": [{"role": "user", "content": content}]})),
            expected
        );
    };
    check(json!([{"text": "a"}, {"text": "b"}]), "a\nb");
    check(
        json!([{"text": "a"}, {"guardContent": {"text": {"text": "b"}}}]),
        "b",
    );
}

#[test]
fn a_request_meets_the_one_it_names_or_the_accounts() {
    let enforced = Guardrail {
        id: "law".to_owned(),
        version: "1".to_owned(),
        enforced: true,
        ..Guardrail::default()
    };
    let rails = [Guardrail::default(), enforced];
    let check = |config: Value, expected: Option<&str>| {
        let found = of_request(&rails, &json!({"guardrailConfig": config}));
        assert_eq!(
            found.ok().flatten().map(|guard| guard.rail.id.as_str()),
            expected
        );
    };
    let named =
        |id: &str, version: &str| json!({"guardrailIdentifier": id, "guardrailVersion": version});
    check(Value::Null, Some("law"));
    check(named("simguard0001", "DRAFT"), Some("simguard0001"));
    check(
        named(
            "arn:aws:bedrock:us-east-1:123456789012:guardrail/simguard0001",
            "DRAFT",
        ),
        Some("simguard0001"),
    );
    check(named("simguard0001", "2"), None);
    check(named("unknown", "1"), None);
    check(json!({"guardrailIdentifier": "law"}), None);
}
