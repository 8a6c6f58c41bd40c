//! The Responses API: bytes, order of events, state, and what is refused.

use super::*;

const RESPONSES: &str = "/openai/responses?api-version=2025-03-01-preview";
const V1: &str = "/openai/v1/responses";

async fn send(sim: &AzureSim, method: &str, target: &str, body: &str) -> Raw {
    testing::request(sim.address(), method, target, &[KEY], body.as_bytes()).await
}

fn ask(more: impl std::borrow::Borrow<Value>) -> Value {
    let mut body = json!({"model": "support", "input": "Say hi"});
    let members = more.borrow().as_object().cloned().unwrap();
    body.as_object_mut().unwrap().extend(members);
    body
}

/// The events of a stream: the name of each is its type, and they are numbered from 0.
fn told(raw: &Raw) -> Vec<Value> {
    let text = raw.text();
    let blocks = text.strip_suffix("\n\n").unwrap().split("\n\n");
    let events: Vec<Value> = blocks
        .map(|block| {
            let (name, data) = block.split_once('\n').unwrap();
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
            data
        })
        .collect();
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], at, "{event}");
    }
    events
}

fn types(events: &[Value]) -> Vec<&str> {
    let mut types: Vec<&str> = events
        .iter()
        .map(|event| {
            event["type"]
                .as_str()
                .unwrap()
                .trim_start_matches("response.")
        })
        .collect();
    types.dedup();
    types
}

#[tokio::test]
async fn a_whole_response_is_pretty_printed_in_the_captured_order() {
    let sim = start(Answer::text("Hi")).await;
    let raw = post(&sim, RESPONSES, &ask(json!({"temperature": 0.5}))).await;
    assert_eq!(raw.status(), 200, "{}", raw.text());
    assert!(
        raw.text().starts_with("{\n  \"id\": \"resp_"),
        "{}",
        raw.text()
    );
    assert_eq!(raw.header("azureml-model-session"), None);
    let body = raw.json();
    let keys: Vec<&str> = body
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys[..7],
        [
            "id",
            "object",
            "created_at",
            "status",
            "background",
            "completed_at",
            "content_filters"
        ]
    );
    assert_eq!(keys.last(), Some(&"metadata"));
    assert_eq!(body["id"].as_str().unwrap().len(), "resp_".len() + 50);
    assert_eq!(
        (&body["model"], &body["temperature"]),
        (&json!("support"), &json!(0.5))
    );
    assert_eq!(body["output"][0]["content"][0]["text"], "Hi");
    assert_eq!(body["content_filters"][1]["source_type"], "completion");
    let usage = &body["usage"];
    assert_eq!(
        usage["total_tokens"].as_u64(),
        Some(usage["input_tokens"].as_u64().unwrap() + 1)
    );
}

/// Checks the order of a stream's events after the first two; what belongs to one part of an item is written short.
async fn check_order(answer: Answer, more: Value, expected: &str) -> Vec<Value> {
    let sim = start(answer).await;
    let raw = post(&sim, V1, &with(ask(more), "stream", json!(true))).await;
    assert_eq!(
        raw.header("Content-Type"),
        Some("text/event-stream; charset=utf-8")
    );
    let events = told(&raw);
    let expected = expected
        .replace("TEXT", "output_item.added content_part.added output_text.delta output_text.done content_part.done output_item.done")
        .replace("REFUSAL", "output_item.added content_part.added refusal.delta refusal.done content_part.done output_item.done")
        .replace("SUMMARY", "output_item.added reasoning_summary_part.added reasoning_summary_text.delta reasoning_summary_text.done reasoning_summary_part.done output_item.done")
        .replace("CALL", "output_item.added function_call_arguments.delta function_call_arguments.done output_item.done")
        .replace("CUSTOM", "output_item.added custom_tool_call_input.delta custom_tool_call_input.done output_item.done");
    assert_eq!(
        types(&events).join(" "),
        format!("created in_progress {expected}")
    );
    assert_eq!(events[0]["response"]["content_filters"], Value::Null);
    assert_eq!(
        events[0]["response"]["id"],
        events.last().unwrap()["response"]["id"]
    );
    events
}

#[tokio::test]
async fn events_come_in_their_order() {
    let events = check_order(Answer::text("Hi there"), json!({}), "TEXT completed").await;
    let deltas = events.iter().filter_map(|event| event["delta"].as_str());
    assert_eq!(deltas.collect::<String>(), "Hi there");
    assert!(events[4]["obfuscation"].is_string(), "{}", events[4]);

    let thinking = Answer {
        reasoning: Some("let me see".to_owned()),
        ..Answer::call("f", "{\"a\":1}")
    };
    let tools = json!({"tools": [{"type": "function", "name": "f"}]});
    let plain = "output_item.added output_item.done CALL completed";
    let events = check_order(thinking.clone(), tools.clone(), plain).await;
    let last = &events.last().unwrap()["response"];
    assert_eq!(last["tools"][0]["strict"], true);
    let more = with(tools, "reasoning", json!({"summary": "auto"}));
    check_order(thinking, more, "SUMMARY CALL completed").await;

    let custom = json!({"tools": [{"type": "custom", "name": "f"}]});
    check_order(Answer::call("f", "free text"), custom, "CUSTOM completed").await;
    let refusal = Answer {
        refusal: Some("No.".to_owned()),
        ..Answer::default()
    };
    check_order(refusal, json!({}), "REFUSAL completed").await;
    let long = json!({"max_output_tokens": 16});
    let events = check_order(Answer::text("x".repeat(99)), long, "TEXT incomplete").await;
    let last = &events.last().unwrap()["response"];
    assert_eq!(last["incomplete_details"]["reason"], "max_output_tokens");
    assert_eq!(last["output"][0]["status"], "incomplete");
}

#[tokio::test]
async fn responses_are_kept_followed_and_forgotten() {
    let sim = start(Answer::text("Hi")).await;
    let options = AzureOptions {
        steady: false,
        ..AzureOptions::default()
    };
    let sim = AzureSim::start(AzureOptions {
        script: sim.script().clone(),
        ..options
    })
    .await
    .unwrap();
    let first = post(&sim, V1, &ask(json!({}))).await.json();
    let id = first["id"].as_str().unwrap();
    let path = |id: &str, rest: &str| format!("{V1}/{id}{rest}");
    assert_eq!(send(&sim, "GET", &path(id, ""), "").await.json(), first);
    let items = send(&sim, "GET", &path(id, "/input_items"), "")
        .await
        .json();
    assert_eq!(items["data"][0]["content"][0]["text"], "Say hi");
    let next = post(&sim, V1, &ask(json!({"previous_response_id": id})))
        .await
        .json();
    assert_eq!(next["previous_response_id"], id);
    let longer = next["usage"]["input_tokens"].as_u64() > first["usage"]["input_tokens"].as_u64();
    assert!(longer, "the earlier turn is seen");
    let replay = send(&sim, "GET", &path(id, "?stream=true&starting_after=1"), "").await;
    assert!(
        replay.text().starts_with("event: response.completed\n"),
        "{}",
        replay.text()
    );
    let count = post(&sim, &format!("{V1}/input_tokens"), &ask(json!({})))
        .await
        .json();
    assert_eq!(count["input_tokens"], first["usage"]["input_tokens"]);

    assert_eq!(
        send(&sim, "DELETE", &path(id, ""), "").await.json()["deleted"],
        true
    );
    let gone = post(&sim, V1, &ask(json!({"previous_response_id": id}))).await;
    assert_eq!(
        (gone.status(), &gone.json()["error"]["code"]),
        (404, &json!("previous_response_not_found"))
    );
}

#[tokio::test]
async fn only_what_is_kept_is_found_and_only_the_background_is_cancelled() {
    let sim = start(Answer::text("Hi")).await;
    let path = |id: &str, rest: &str| format!("{V1}/{id}{rest}");
    let unkept = post(&sim, V1, &ask(json!({"store": false}))).await.json();
    assert_eq!(
        send(&sim, "GET", &path(unkept["id"].as_str().unwrap(), ""), "")
            .await
            .status(),
        404
    );
    let ended = post(&sim, V1, &ask(json!({}))).await.json();
    let id = ended["id"].as_str().unwrap();
    let cancelled = send(&sim, "POST", &path(id, "/cancel"), "").await;
    assert_eq!(cancelled.status(), 400, "it was not in the background");
    let background = post(&sim, V1, &ask(json!({"background": true})))
        .await
        .json();
    assert_eq!(
        (&background["status"], &background["output"]),
        (&json!("queued"), &json!([]))
    );
    let cancelled = send(
        &sim,
        "POST",
        &path(background["id"].as_str().unwrap(), "/cancel"),
        "",
    )
    .await;
    assert_eq!(cancelled.json()["status"], "cancelled");
}

#[tokio::test]
async fn thoughts_travel_sealed() {
    let answer = Answer {
        reasoning: Some("hm".to_owned()),
        ..Answer::text("Hi")
    };
    let sim = start(answer).await;
    let sealed = json!({"include": ["reasoning.encrypted_content"], "store": false});
    let item = post(&sim, V1, &ask(sealed)).await.json()["output"][0].clone();
    assert!(item["encrypted_content"].is_string() && !item.to_string().contains("hm"));
    let again = |item: &Value| {
        ask(json!({"input": [item, {"role": "user", "content": "and?"}], "store": false}))
    };
    assert_eq!(post(&sim, V1, &again(&item)).await.status(), 200);
    let forged = with(item.clone(), "encrypted_content", json!("AAAA"));
    let refused = post(&sim, V1, &again(&forged)).await;
    assert_eq!(
        (refused.status(), &refused.json()["error"]["code"]),
        (400, &json!("invalid_encrypted_content"))
    );
    let mut bare = item;
    bare.as_object_mut().unwrap().remove("encrypted_content");
    assert_eq!(
        post(&sim, V1, &again(&bare)).await.status(),
        404,
        "it was not kept"
    );
}

async fn check_refused(sim: &AzureSim, more: &Value, part: &str) {
    let raw = post(sim, V1, &ask(more)).await;
    assert!(
        raw.status() >= 400 && raw.text().contains(part),
        "{part}: {}",
        raw.text()
    );
    assert!(raw.json()["error"]["message"].is_string());
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let sim = start(Answer::text("Hi")).await;
    let format = |format: Value| json!({"text": {"format": format}});
    let open =
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let schema = |schema: &Value| {
        format(json!({"type": "json_schema", "name": "n", "strict": true, "schema": schema}))
    };
    for (more, part) in [
        (json!({"messages": []}), "argument supplied: messages"),
        (json!({"input": null}), "missing_required_parameter"),
        (json!({"input": []}), "at least one item"),
        (json!({"max_output_tokens": 5}), "integer_below_min_value"),
        (json!({"include": ["nothing"]}), "include[0]"),
        (json!({"service_tier": "gold"}), "service_tier"),
        (
            json!({"tools": [{"type": "function", "function": {"name": "f"}}]}),
            "tools[0].name",
        ),
        (json!({"tools": [{"type": "telepathy"}]}), "tools[0].type"),
        (
            json!({"tool_choice": {"type": "function", "name": "f"}}),
            "not found in 'tools'",
        ),
        (schema(&open), "additionalProperties"),
        (
            schema(&with(
                with(open.clone(), "additionalProperties", json!(false)),
                "required",
                json!([]),
            )),
            "Missing 'a'",
        ),
        (
            format(json!({"type": "json_object"})),
            "must contain the word 'json'",
        ),
    ] {
        check_refused(&sim, &more, part).await;
    }
}

#[tokio::test]
async fn items_that_do_not_fit_are_refused() {
    let sim = start(Answer::text("Hi")).await;
    let call = json!({"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"});
    let output = |id: &str| json!({"type": "function_call_output", "call_id": id, "output": "1"});
    for (more, part) in [
        (json!({"input": [output("c1")]}), "No tool call found"),
        (json!({"input": [call]}), "No tool output found"),
        (
            json!({"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}),
            "input_text",
        ),
        (
            json!({"input": [{"role": "tool", "content": "x"}]}),
            "input[0].role",
        ),
        (json!({"input": [{"id": "msg_1"}]}), "'msg_1' not found"),
        (json!({"conversation": "conv_1"}), "'conv_1' not found"),
        (
            json!({"background": true, "store": false}),
            "Background mode",
        ),
    ] {
        check_refused(&sim, &more, part).await;
    }
    let good = json!({"input": [{"role": "user", "content": "x"}, call, output("c1")]});
    assert_eq!(post(&sim, V1, &ask(good)).await.status(), 200);
    let filtered = start(Answer {
        finish: Finish::Filtered,
        ..Answer::default()
    })
    .await;
    let raw = post(&filtered, V1, &ask(json!({}))).await;
    assert_eq!(
        (raw.status(), &raw.json()["error"]["code"]),
        (400, &json!("content_filter"))
    );
}

#[tokio::test]
async fn errors_come_in_the_middle() {
    let sim = start(Answer::text("12345678")).await;
    let body = with(ask(json!({})), "stream", json!(true));
    for (name, last) in [
        ("response.failed", "response.failed"),
        ("overloaded", "error"),
    ] {
        sim.script().set_fault(Fault::ExceptionInStream {
            name: name.to_owned(),
            after: 1,
        });
        let raw = post(&sim, V1, &body).await;
        let events = told(&raw);
        assert_eq!(events.last().unwrap()["type"], last);
        assert_eq!(
            events
                .iter()
                .filter(|event| event["delta"].is_string())
                .count(),
            1
        );
    }
    sim.script().set_fault(Fault::NoEvents);
    let raw = post(&sim, V1, &body).await;
    assert_eq!((raw.status(), raw.body.len(), raw.whole), (200, 0, true));
    sim.script().set_fault(Fault::UnknownEvents);
    assert!(
        post(&sim, V1, &body)
            .await
            .text()
            .contains("response.unheard_of")
    );
    sim.script().set_fault(Fault::UnknownFinish {
        word: "bored".to_owned(),
    });
    let raw = post(&sim, V1, &ask(json!({}))).await;
    assert_eq!(raw.json()["incomplete_details"]["reason"], "bored");
}

#[tokio::test]
async fn the_tier_that_it_was_stands_in_the_end() {
    async fn check(asked: Value, begins: &str) {
        let sim = start(Answer::text("Hi")).await;
        let body = ask(json!({"stream": true, "service_tier": asked})).to_string();
        let events = told(&send(&sim, "POST", V1, &body).await);
        let tier = |event: &Value| event["response"]["service_tier"].clone();
        assert_eq!(tier(&events[0]), begins);
        assert_eq!(tier(events.last().unwrap()), "default");
    }
    check(Value::Null, "auto").await;
    check(json!("flex"), "flex").await;
}
