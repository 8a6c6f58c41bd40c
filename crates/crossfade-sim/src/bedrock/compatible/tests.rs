use serde_json::{Value, json};

use crate::{
    bedrock::{BedrockOptions, BedrockSim, Clock, Surface},
    script::{Answer, Fault, Prompt, Script},
    testing::{self, Raw},
};

mod wire;

const KEY: (&str, &str) = ("authorization", "Bearer sim-key");
const OSS: &str = "openai.gpt-oss-120b-1:0";
const OSS_ON_MANTLE: &str = "openai.gpt-oss-120b";
const TERRA: &str = "us.openai.gpt-5.6-terra";
const TERRA_ON_MANTLE: &str = "openai.gpt-5.6-terra";
const CHAT: &str = "/openai/v1/chat/completions";
const RESPONSES: &str = "/openai/v1/responses";

async fn start(surface: Surface, answer: Answer) -> BedrockSim {
    BedrockSim::start(BedrockOptions {
        script: Script::new(std::sync::Arc::new(move |_: &Prompt, _: u64| {
            answer.clone()
        })),
        api_keys: vec!["sim-key".to_owned()],
        surface,
        ..BedrockOptions::default()
    })
    .await
    .unwrap()
}

async fn post(sim: &BedrockSim, target: &str, body: &Value) -> Raw {
    testing::request(
        sim.address(),
        "POST",
        target,
        &[KEY],
        body.to_string().as_bytes(),
    )
    .await
}

fn with(mut body: Value, more: &Value) -> Value {
    let members = more.as_object().cloned().unwrap();
    body.as_object_mut().unwrap().extend(members);
    body
}

fn hello(model: &str, more: &Value) -> Value {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
    with(body, more)
}

fn ask(model: &str, more: &Value) -> Value {
    with(json!({"model": model, "input": "hi"}), more)
}

/// What is refused with 400, and a part of what is said; an empty part means that it is answered.
async fn check(sim: &BedrockSim, target: &str, body: Value, part: &str) {
    let raw = post(sim, target, &body).await;
    let expected = if part.is_empty() { 200 } else { 400 };
    assert_eq!(raw.status(), expected, "{body}: {}", raw.text());
    assert!(raw.text().contains(part), "{body}: {}", raw.text());
}

#[tokio::test]
async fn each_model_has_its_routes() {
    let runtime = start(Surface::Runtime, Answer::text("x")).await;
    let mantle = start(Surface::Mantle, Answer::text("x")).await;
    let empty = json!({});
    let route = "supported on this route";
    check(&runtime, CHAT, hello(OSS, &empty), "").await;
    check(&runtime, "/v1/chat/completions", hello(OSS, &empty), "").await;
    check(
        &runtime,
        CHAT,
        hello(OSS_ON_MANTLE, &empty),
        "model identifier is invalid",
    )
    .await;
    check(&runtime, CHAT, hello("us.openai.gpt-5.4", &empty), route).await;
    check(&runtime, RESPONSES, ask("us.openai.gpt-5.4", &empty), "").await;
    check(
        &mantle,
        "/v1/chat/completions",
        hello(OSS_ON_MANTLE, &empty),
        "",
    )
    .await;
    check(&mantle, CHAT, hello(OSS_ON_MANTLE, &empty), route).await;
    check(&mantle, CHAT, hello(TERRA_ON_MANTLE, &empty), route).await;
    check(&mantle, RESPONSES, ask(TERRA_ON_MANTLE, &empty), "").await;
    check(
        &mantle,
        "/v1/responses",
        ask(TERRA_ON_MANTLE, &empty),
        route,
    )
    .await;
    check(&mantle, "/v1/responses", ask(OSS_ON_MANTLE, &empty), "").await;
    assert_eq!(post(&mantle, CHAT, &hello(OSS, &empty)).await.status(), 404);
    let converse = post(&mantle, "/model/amazon.nova-pro-v1%3A0/converse", &empty).await;
    assert_eq!(
        (converse.status(), &converse.json()["error"]["code"]),
        (404, &json!("not_found"))
    );
    assert_eq!(
        post(&runtime, "/openai/v1/models", &empty).await.status(),
        404
    );
}

#[tokio::test]
async fn parameters_are_refused_by_the_models_rules() {
    let sim = start(Surface::Runtime, Answer::text("x")).await;
    for (model, more, part) in [
        (
            TERRA,
            json!({"data_sources": []}),
            "argument supplied: data_sources",
        ),
        (TERRA, json!({"functions": []}), "functions"),
        (TERRA, json!({"max_tokens": 100}), "max_completion_tokens"),
        (
            TERRA,
            json!({"max_completion_tokens": 15}),
            "integer_below_min_value",
        ),
        (TERRA, json!({"max_completion_tokens": 16}), ""),
        (OSS, json!({"max_tokens": 1}), ""),
        (TERRA, json!({"temperature": 0.2}), "temperature"),
        (
            TERRA,
            json!({"temperature": 0.2, "reasoning_effort": "none"}),
            "",
        ),
        (TERRA, json!({"logprobs": true}), "logprobs"),
        (TERRA, json!({"logprobs": false}), ""),
        (TERRA, json!({"stop": "END"}), "stop"),
        (OSS, json!({"stop": "END", "temperature": 0.2}), ""),
        (OSS, json!({"n": 2}), "'n' must be 1"),
        (OSS, json!({"logit_bias": {"1": 2}}), "logit_bias"),
        (OSS, json!({"reasoning_effort": "none"}), "reasoning_effort"),
        (
            "us.openai.gpt-6-sol",
            json!({"reasoning_effort": "minimal"}),
            "reasoning_effort",
        ),
        (OSS, json!({"service_tier": "flex"}), ""),
    ] {
        check(&sim, CHAT, hello(model, &more), part).await;
    }
    let mantle = start(Surface::Mantle, Answer::text("x")).await;
    let flex = hello(OSS_ON_MANTLE, &json!({"service_tier": "flex"}));
    check(&mantle, "/v1/chat/completions", flex, "service_tier").await;
}

#[tokio::test]
async fn tools_pictures_and_formats_are_refused_by_the_models_rules() {
    let sim = start(Surface::Runtime, Answer::text("x")).await;
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let custom = json!([{"type": "custom", "custom": {"name": "f"}}]);
    let picture = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]);
    let object = json!({"type": "json_object"});
    let speaks = json!([{"role": "user", "content": "as JSON"}]);
    for (model, more, part) in [
        (TERRA, json!({"tools": tools}), "reasoning_effort"),
        (
            TERRA,
            json!({"tools": tools, "reasoning_effort": "none"}),
            "",
        ),
        ("us.openai.gpt-6-sol", json!({"tools": tools}), ""),
        (OSS, json!({"tools": tools}), ""),
        (OSS, json!({"tools": custom}), "tools[0].type"),
        (OSS, json!({"messages": picture}), "image modality"),
        (TERRA, json!({"messages": picture}), ""),
        (
            OSS,
            json!({"response_format": object}),
            "must contain the word",
        ),
        (
            OSS,
            json!({"response_format": object, "messages": speaks}),
            "",
        ),
    ] {
        check(&sim, CHAT, hello(model, &more), part).await;
    }
}

#[tokio::test]
async fn responses_are_refused_by_the_models_rules() {
    let runtime = start(Surface::Runtime, Answer::text("x")).await;
    let mantle = start(Surface::Mantle, Answer::text("x")).await;
    let summary = |word: &str| json!({"reasoning": {"summary": word}});
    for (sim, model, more, part) in [
        (&runtime, TERRA, json!({"store": true}), "store"),
        (&runtime, TERRA, json!({"store": false}), ""),
        (&runtime, TERRA, json!({"background": true}), "background"),
        (
            &runtime,
            TERRA,
            json!({"previous_response_id": "resp_1"}),
            "previous_response_id",
        ),
        (&mantle, TERRA_ON_MANTLE, json!({"store": true}), ""),
        (&mantle, TERRA_ON_MANTLE, summary("auto"), ""),
        (
            &mantle,
            TERRA_ON_MANTLE,
            summary("detailed"),
            "reasoning.summary",
        ),
        (
            &mantle,
            TERRA_ON_MANTLE,
            json!({"tools": [{"type": "code_interpreter"}]}),
            "tools[0].type",
        ),
        (
            &mantle,
            TERRA_ON_MANTLE,
            json!({"temperature": 0.2}),
            "temperature",
        ),
        (
            &mantle,
            TERRA_ON_MANTLE,
            json!({"service_tier": "priority"}),
            "service_tier",
        ),
        (
            &mantle,
            "openai.gpt-6-luna",
            json!({"reasoning": {"effort": "minimal"}}),
            "effort",
        ),
        (
            &mantle,
            TERRA_ON_MANTLE,
            json!({"max_output_tokens": 15}),
            "integer_below_min_value",
        ),
    ] {
        check(sim, RESPONSES, ask(model, &more), part).await;
    }
}

#[tokio::test]
async fn errors_have_two_kinds_of_body() {
    let runtime = start(Surface::Runtime, Answer::text("x")).await;
    let mantle = start(Surface::Mantle, Answer::text("x")).await;
    let wrapped = post(&runtime, CHAT, &hello(OSS, &json!({"n": 2})))
        .await
        .json();
    let inner: Value = serde_json::from_str(wrapped["error"]["message"].as_str().unwrap()).unwrap();
    assert_eq!(inner["error"]["type"], "invalid_request_error");
    for (name, status) in [
        ("ThrottlingException", 429),
        ("InternalServerException", 500),
        ("ServiceUnavailableException", 503),
    ] {
        for sim in [&runtime, &mantle] {
            sim.script().set_fault(Fault::Exception {
                name: name.to_owned(),
            });
        }
        let aws = post(&runtime, RESPONSES, &ask(TERRA, &json!({}))).await;
        assert_eq!(aws.status(), status);
        assert!(
            aws.header("x-amzn-ErrorType").unwrap().starts_with(name)
                && aws.json()["message"].is_string()
        );
        let own = post(&mantle, RESPONSES, &ask(TERRA_ON_MANTLE, &json!({}))).await;
        assert_eq!(
            (own.status(), own.header("x-amzn-ErrorType")),
            (status, None)
        );
        assert!(own.json()["error"]["code"].is_string(), "{}", own.text());
    }
    let nobody = testing::request(
        mantle.address(),
        "POST",
        RESPONSES,
        &[("authorization", "Bearer no")],
        b"{}",
    )
    .await;
    assert_eq!(
        (nobody.status(), &nobody.json()["error"]["code"]),
        (403, &json!("access_denied"))
    );
}

#[tokio::test]
async fn mantle_verifies_signatures_for_its_own_name() {
    // The published key, at its moment.
    let moment = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_440_938_160);
    let body = br#"{"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#;
    let signature = "c4df5ec205f2d8050f0af17f4c6f2819f6e27985ffba7e50674f2c1bb4e6d1fb";
    let check = async |surface: Surface, name: Option<&str>, expected: u16| {
        let sim = BedrockSim::start(BedrockOptions {
            surface,
            signing_name: name.map(str::to_owned),
            clock: Clock::fixed(moment),
            ..BedrockOptions::default()
        })
        .await
        .unwrap();
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/bedrock-mantle/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, Signature={signature}"
        );
        let headers = [
            ("host", "bedrock-mantle.us-east-1.api.aws"),
            ("content-type", "application/json"),
            ("x-amz-date", "20150830T123600Z"),
            ("authorization", &authorization),
        ];
        let raw = testing::request_to_host(sim.address(), "POST", CHAT, &headers, body).await;
        assert_eq!(raw.status(), expected, "{surface:?}: {}", raw.text());
    };
    // Past the door, the body lacks a model.
    check(Surface::Mantle, None, 400).await;
    check(Surface::Mantle, Some("bedrock"), 403).await;
    check(Surface::Runtime, None, 403).await;
    check(Surface::Runtime, Some("bedrock-mantle"), 400).await;
}
