//! What a guardrail found, in answers and errors.

use super::{answers::response, *};

fn guarded_response(text: &str, trace: Value) -> Value {
    let mut response = response(&json!([{ "text": text }]), "guardrail_intervened");
    response["trace"] = json!({ "guardrail": trace });
    response
}

fn not_run_stamp(guarded: bool) -> Stamp {
    Stamp {
        annotations: Annotations::NotRun,
        guarded,
        ..stamp()
    }
}

fn content(kind: &str, confidence: &str, action: &str) -> Value {
    json!({"contentPolicy": {"filters": [{"type": kind, "confidence": confidence, "action": action}]}})
}

#[test]
fn a_guardrail_s_trace_decides() {
    let check = |trace: Value, expected: Result<(Value, &str), AnswerError>| {
        let response = guarded_response("Live at {ADDRESS}", trace);
        let found = answered(&response, &Reply::default(), stamp()).map(|(body, _)| {
            let choice = &body["choices"][0];
            let finish = choice["finish_reason"].as_str().unwrap().to_owned();
            (choice["message"]["content"].clone(), finish)
        });
        assert_eq!(
            found,
            expected.map(|(text, finish)| (text, finish.to_owned()))
        );
    };
    let stands = || Ok((json!("Live at {ADDRESS}"), "stop"));
    let masked = json!({"g": [{"sensitiveInformationPolicy": {"piiEntities": [{"type": "ADDRESS", "action": "ANONYMIZED"}]}}]});
    check(json!({"outputAssessments": masked}), stands());
    let noticed = json!({"g": content("HATE", "LOW", "NONE")});
    check(json!({"inputAssessment": noticed}), stands());
    let blocked =
        json!({"topicPolicy": {"topics": [{"name": "n", "type": "DENY", "action": "BLOCKED"}]}});
    let filtered = || Ok((Value::Null, "content_filter"));
    check(json!({"outputAssessments": {"g": [blocked]}}), filtered());
    // One of several decides, whichever guardrail found it.
    let several = json!({"a": [{}, content("HATE", "LOW", "NONE")], "b": [{}, content("SEXUAL", "HIGH", "BLOCKED")]});
    check(json!({"outputAssessments": several}), filtered());
    // A policy that is newer than this code blocks all the same.
    let newer = json!({"g": [{"newPolicy": {"things": [{"action": "BLOCKED"}]}}]});
    check(json!({"outputAssessments": newer}), filtered());
    let found = json!({"custom_blocklists": {"details": [{"filtered": true, "id": "n"}], "filtered": true}});
    let found = found.as_object().unwrap().clone();
    check(
        json!({"inputAssessment": {"g": blocked}}),
        Err(AnswerError::PromptBlocked(found)),
    );
    // Bug 27: it intervened, and does not say how.
    let silent = Ok((json!("Live at {ADDRESS}"), "content_filter"));
    check(json!({"outputAssessments": {}}), silent);
}

#[track_caller]
fn check_findings(misconduct: Misconduct, assessments: Value, expected: Value) {
    let trace = crate::converse::Trace {
        guardrail: Some(json!({ "outputAssessments": { "g": assessments } })),
    };
    let found = guardrail::findings(&trace.guarded().unwrap(), misconduct);
    assert_eq!(found.prompt, None);
    let found = found.completion.map_or(Value::Null, Value::Object);
    assert_eq!(found, expected);
}

/// A list of one's own that found something.
fn list(id: &str, filtered: bool) -> Value {
    json!({"custom_blocklists": {"details": [{"filtered": filtered, "id": id}], "filtered": filtered}})
}

#[test]
fn content_has_the_primary_s_categories() {
    let check = |kind, confidence, action, expected: Value| {
        let assessments = json!([content(kind, confidence, action)]);
        check_findings(Misconduct::default(), assessments, expected);
    };
    let harm = |filtered: bool, severity: &str| json!({"filtered": filtered, "severity": severity});
    let mark = |detected: bool| json!({"jailbreak": {"detected": detected, "filtered": detected}});
    check(
        "HATE",
        "HIGH",
        "BLOCKED",
        json!({"hate": harm(true, "high")}),
    );
    check(
        "SEXUAL",
        "NONE",
        "NONE",
        json!({"sexual": harm(false, "safe")}),
    );
    check(
        "VIOLENCE",
        "MEDIUM",
        "NONE",
        json!({"violence": harm(false, "medium")}),
    );
    check(
        "INSULTS",
        "LOW",
        "NONE",
        json!({"hate": harm(false, "low")}),
    );
    check("PROMPT_ATTACK", "HIGH", "BLOCKED", mark(true));
    check("PROMPT_ATTACK", "NONE", "NONE", mark(false));
    check("NEWER", "HIGH", "BLOCKED", list("content_filter", true));
    // Insults are hate; the worse of two counts.
    let insult = content("INSULTS", "MEDIUM", "BLOCKED");
    let two = json!([content("HATE", "LOW", "NONE"), insult]);
    let expected = json!({"hate": harm(true, "medium")});
    check_findings(Misconduct::default(), two, expected);
    check_findings(Misconduct::default(), json!([]), Value::Null);
}

#[test]
fn misconduct_is_shown_where_the_route_says() {
    let check = |misconduct, expected: Value| {
        let assessments = json!([content("MISCONDUCT", "HIGH", "BLOCKED")]);
        check_findings(misconduct, assessments, expected);
    };
    let high = json!({"filtered": true, "severity": "high"});
    check(Misconduct::CustomBlocklists, list("misconduct", true));
    check(Misconduct::Hate, json!({ "hate": high }));
    check(Misconduct::Violence, json!({ "violence": high }));
    check(Misconduct::Sexual, json!({ "sexual": high }));
    check(Misconduct::SelfHarm, json!({ "self_harm": high }));
    check(Misconduct::Hidden, Value::Null);
}

#[test]
fn what_has_no_category_is_a_list_of_one_s_own() {
    let check = |assessment: Value, expected: Value| {
        check_findings(Misconduct::default(), json!([assessment]), expected);
    };
    let word = json!({"match": "damn", "type": "PROFANITY", "action": "NONE", "detected": true});
    let words = json!({"wordPolicy": {"customWords": [{"match": "hunter2", "action": "BLOCKED"}],
        "managedWordLists": [word]}});
    let mut expected = list("custom_words", true);
    expected["profanity"] = json!({"detected": true, "filtered": false});
    check(words, expected);
    let name = json!({"type": "NAME", "match": "Ada", "action": "ANONYMIZED"});
    let pii = json!({"sensitiveInformationPolicy": {"piiEntities": [name]}});
    check(pii, list("sensitive_information", false));
    let grounding = |score: f64, action: &str, detected: bool| {
        let filter = json!({"type": "GROUNDING", "threshold": 0.7, "score": score, "action": action, "detected": detected});
        json!({"contextualGroundingPolicy": {"filters": [filter]}})
    };
    check(grounding(0.1, "BLOCKED", true), list("grounding", true));
    check(grounding(0.9, "NONE", false), Value::Null);
}

#[test]
fn a_blocked_prompt_is_the_primary_s_own_error() {
    let several = json!({"a": content("HATE", "HIGH", "BLOCKED"), "b": {"wordPolicy": {"customWords": [
        {"match": "hunter2", "action": "BLOCKED"}]}}});
    let response = guarded_response("Sorry.", json!({ "inputAssessment": several }));
    let error = answered(&response, &Reply::default(), stamp()).unwrap_err();
    let problem = Fault::from(FaultKind::from(error)).problem();
    assert_eq!((problem.error.status, problem.failover), (400, None));
    let body: Value = serde_json::from_slice(&problem.error.body).unwrap();
    assert_eq!(body["error"]["code"], "content_filter");
    let inner = &body["error"]["innererror"];
    assert_eq!(inner["code"], "ResponsibleAIPolicyViolation");
    // The strictest parser: every value an object, every severity one of four words.
    for (category, value) in inner["content_filter_result"].as_object().unwrap() {
        assert!(value["filtered"].is_boolean(), "{category}");
        let severity = value.get("severity").map(|word| word.as_str().unwrap());
        assert!(severity.is_none_or(|word| ["safe", "low", "medium", "high"].contains(&word)));
    }
    assert_eq!(inner["content_filter_result"]["hate"]["filtered"], true);
    assert!(!String::from_utf8_lossy(&problem.error.body).contains("hunter2"));
}

#[test]
fn annotations_say_what_was_looked_at_and_no_more() {
    let nothing = json!({});
    let not_run = crossfade_openai::chat::content_filter_not_run();
    let check = |stamp: Stamp, trace: Value, prompt: Value, answer: Value| {
        let mut response = response(&json!([{"text": "a"}]), "end_turn");
        response["trace"] = trace;
        let (body, _) = answered(&response, &Reply::default(), stamp).unwrap();
        assert_eq!(
            body["prompt_filter_results"][0]["content_filter_results"],
            prompt
        );
        assert_eq!(
            body["choices"][0]
                .get("content_filter_results")
                .cloned()
                .unwrap_or_default(),
            answer
        );
    };
    let trace = |side: &str, assessment: Value| json!({"guardrail": { side: assessment }});
    let safe = content("HATE", "NONE", "NONE");
    let shown = json!({"hate": {"filtered": false, "severity": "safe"}});
    let of = not_run_stamp;
    check(of(false), Value::Null, not_run.clone(), not_run);
    let of_prompt = || trace("inputAssessment", json!({ "g": safe }));
    let of_answer = || trace("outputAssessments", json!({ "g": [safe] }));
    check(of(true), of_prompt(), shown.clone(), nothing.clone());
    check(of(true), of_answer(), nothing.clone(), shown.clone());
    // It looked and tells nothing: no verdict, and no word that nobody looked.
    check(of(true), Value::Null, nothing.clone(), nothing.clone());
    check(
        of(true),
        json!({"guardrail": {}}),
        nothing.clone(),
        nothing.clone(),
    );
    // One that the account demands, which the route knows nothing of.
    check(of(false), of_answer(), nothing, shown);
    let safe = trace("inputAssessment", json!({ "g": safe }));
    check(stamp(), safe, Value::Null, Value::Null);
}

/// A stream that a guardrail looked at: `text` in pieces, and its end.
fn guarded_stream(pieces: &[&str], trace: Value) -> Vec<Event> {
    let trace = crate::converse::Trace {
        guardrail: Some(trace),
    };
    let mut events = vec![Event::MessageStart];
    events.extend(pieces.iter().map(|piece| text(0, piece)));
    events.push(close(0));
    events.push(stop("guardrail_intervened"));
    events.push(Event::Metadata {
        usage: None,
        guardrail: trace.guarded(),
    });
    events
}

#[test]
fn what_precedes_a_guarded_text_does_not_set_it_free() {
    let mut shape = Shape::new(Reply::default(), [0; 32], true, Misconduct::default());
    let mut steps = Vec::new();
    shape.other(Step::Logprobs(json!({ "content": [] })), &mut steps);
    shape.text("blocked words", &mut steps).unwrap();
    let is_text = |steps: &[Step]| steps.iter().any(|step| matches!(step, Step::Text(_)));
    assert!(!is_text(&steps), "{steps:?}");
    shape.text("more", &mut steps).unwrap();
    assert!(is_text(&steps), "{steps:?}");
}

#[test]
fn a_guardrail_s_word_comes_last() {
    let check = |guarded: bool, pieces: &[&str], trace: Value, expected: Value| {
        let events = guarded_stream(pieces, trace);
        let (bytes, result, _) = run_stamped(&plain_stream(), not_run_stamp(guarded), events);
        assert_eq!(result, Ok(()));
        assert_eq!(json!(short(&bytes)), expected);
    };
    let said = |finish: &str| json!(["role", {"text": "a"}, {"text": "b"}, "filter", format!("finish:{finish}"), "done"]);
    let blocked = content("HATE", "HIGH", "BLOCKED");
    let masked = json!({"g": [content("HATE", "LOW", "NONE")]});
    check(
        true,
        &["a", "b"],
        json!({ "outputAssessments": masked }),
        said("stop"),
    );
    let output = || json!({"outputAssessments": {"g": [blocked]}});
    check(true, &["a", "b"], output(), said("content_filter"));
    // Too late for an error of its own: a part of it went out.
    let input = || json!({"inputAssessment": {"g": blocked}});
    check(true, &["a", "b"], input(), said("content_filter"));
    let late = json!(["filter", "role", {"text": "a"}, "filter", "finish:content_filter", "done"]);
    check(false, &["a"], input(), late);
}

#[test]
fn a_blocked_prompt_is_an_error_before_the_stream_begins() {
    let blocked = json!({"inputAssessment": {"g": content("HATE", "HIGH", "BLOCKED")}});
    let events = guarded_stream(&["Sorry."], blocked);
    let (bytes, result, _) = run_stamped(&plain_stream(), not_run_stamp(true), events);
    assert!(matches!(result, Err(AnswerError::PromptBlocked(found)) if found.contains_key("hate")));
    assert!(bytes.is_empty());
}

#[test]
fn a_stream_s_findings_stand_at_its_end() {
    let trace = json!({"inputAssessment": {"g": content("VIOLENCE", "LOW", "NONE")},
                       "outputAssessments": {"g": [content("HATE", "HIGH", "BLOCKED")]}});
    let events = guarded_stream(&["a", "b"], trace);
    let (bytes, ..) = run_stamped(&plain_stream(), not_run_stamp(true), events);
    let (events, _) = sse::decode(&bytes);
    let chunks: Vec<Value> = events
        .iter()
        .filter(|event| !event.is_done())
        .map(|event| serde_json::from_str(&event.data).unwrap())
        .collect();
    let found: Vec<&Value> = chunks
        .iter()
        .filter_map(|chunk| chunk.pointer("/prompt_filter_results/0/content_filter_results"))
        .collect();
    assert_eq!(
        found,
        [&json!({"violence": {"filtered": false, "severity": "low"}})]
    );
    let of_choices: Vec<&Value> = chunks
        .iter()
        .filter_map(|chunk| chunk.pointer("/choices/0/content_filter_results"))
        .collect();
    let (last, before) = of_choices.split_last().unwrap();
    assert_eq!(
        *last,
        &json!({"hate": {"filtered": true, "severity": "high"}})
    );
    assert!(
        before.iter().all(|results| **results == json!({})),
        "nothing is known before"
    );
}
