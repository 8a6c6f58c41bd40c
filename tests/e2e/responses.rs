//! The Responses API: passed through to the byte, mirrored, answered by the candidate; and state stays with the side that made
//! it.

use std::sync::Arc;

use crossfade_exchange::{IneligibleReason, MirrorOnlyReason};
use crossfade_sim::script::{self, Fault, Prompt};
use crossfade_tests::{
    Setup, World,
    chat::{CANDIDATE_SAYS, DEPLOYMENT, KEY, PRIMARY_SAYS},
    http::{Answer, Request, exchange},
};
use serde_json::{Value, json};

const V1: &str = "/openai/v1/responses";
const DATED: &str = "/openai/responses?api-version=2025-04-01-preview";

fn asked(text: &str) -> Value {
    json!({"model": DEPLOYMENT, "input": text, "store": false})
}

fn post(path: &str, body: &Value) -> Request {
    Request::post(path)
        .header("api-key", KEY)
        .header("Content-Type", "application/json")
        .body(body.to_string())
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

/// The text of a response, streamed or not.
fn text(answer: &Answer) -> String {
    let body = answer.text();
    if body.starts_with('{') {
        let whole: Value = serde_json::from_str(&body).unwrap();
        return of_response(&whole);
    }
    events(answer)
        .iter()
        .filter(|event| event["type"] == "response.output_text.delta")
        .filter_map(|event| event["delta"].as_str())
        .collect()
}

fn of_response(response: &Value) -> String {
    response["output"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|item| item["type"] == "message")
        .filter_map(|item| item.pointer("/content/0/text")?.as_str())
        .collect()
}

fn events(answer: &Answer) -> Vec<Value> {
    let body = answer.text();
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

async fn says(world: &World, path: &str, body: &Value, want: &str) -> Answer {
    let answer = world.send(&post(path, body)).await;
    assert_eq!((answer.status(), answer.whole), (200, true), "{answer:?}");
    assert_eq!(text(&answer), want, "{body}: {}", answer.text());
    answer
}

/// Whoever answers, chat primes the caller too: a credential is accepted for a deployment.
async fn all_candidate(setup: Setup) -> World {
    let world = World::start(setup).await;
    world.prime().await;
    world.raise(100.0).await;
    // The first request's copy must not meet what a test scripts next.
    world.quiet().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_are_azures_to_the_byte() {
    let mut setup = Setup::new();
    setup.azure.steady = true;
    let world = World::start(setup).await;
    for (what, path, body) in [
        ("whole", V1, asked("hello")),
        ("dated", DATED, asked("hello")),
        ("kept", V1, with(asked("hello"), "store", json!(true))),
        ("streamed", V1, with(asked("hello"), "stream", json!(true))),
        (
            "unknown deployment",
            V1,
            with(asked("hello"), "model", json!("nobody")),
        ),
        (
            "unknown earlier response",
            V1,
            with(asked("hello"), "previous_response_id", json!("resp_0")),
        ),
    ] {
        let request = post(path, &body);
        let direct = exchange(world.azure.address(), &request).await;
        let through = world.send(&request).await;
        assert_eq!(through.head.line, direct.head.line, "{what}");
        assert_eq!(through.head.lines(), direct.head.lines(), "{what}");
        assert!(
            through.body == direct.body && through.whole == direct.whole,
            "{what}"
        );
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn state_of_azures_stays_with_azure() {
    let world = all_candidate(Setup::new()).await;
    let kept = with(asked("hello"), "store", json!(true));
    let answer = says(&world, V1, &kept, PRIMARY_SAYS).await;
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let next = with(asked("and now?"), "previous_response_id", json!(id));
    says(&world, V1, &next, PRIMARY_SAYS).await;
    assert_eq!(world.ineligible(IneligibleReason::Stateful), 1);
    let path = format!("{V1}/{id}");
    for (method, status) in [("GET", 200), ("DELETE", 200), ("GET", 404)] {
        let answer = world
            .send(&Request::new(method, &path).header("api-key", KEY))
            .await;
        assert_eq!(answer.status(), status, "{method}");
    }
    assert_eq!(world.counts().mirror_only[&MirrorOnlyReason::Stored], 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stateless_responses_are_mirrored_and_answered() {
    let world = World::start(Setup::new()).await;
    for stream in [false, true] {
        let body = with(asked("hello"), "stream", json!(stream));
        says(&world, V1, &body, PRIMARY_SAYS).await;
    }
    world.quiet().await;
    assert_eq!(world.compared(), 2);
    world.raise(100.0).await;
    for (path, stream) in [(V1, false), (V1, true), (DATED, false), (DATED, true)] {
        let body = with(asked("hello"), "stream", json!(stream));
        let answer = says(&world, path, &body, CANDIDATE_SAYS).await;
        let shown = answer.text().to_lowercase();
        for word in ["bedrock", "anthropic", "claude", "amzn", "arn:", "tooluse"] {
            assert!(!shown.contains(word), "{word}: {shown}");
        }
        if stream {
            let events = events(&answer);
            let numbers: Vec<u64> = events
                .iter()
                .map(|event| event["sequence_number"].as_u64().unwrap())
                .collect();
            assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
            assert_eq!(events[0]["type"], "response.created");
            assert_eq!(events.last().unwrap()["type"], "response.completed");
            assert_eq!(
                of_response(&events.last().unwrap()["response"]),
                CANDIDATE_SAYS
            );
        } else {
            assert_eq!(answer.json()["model"], DEPLOYMENT);
            assert_eq!(answer.json()["status"], "completed");
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_candidate_did_not_keep_is_not_looked_for_at_azure() {
    let world = all_candidate(Setup::new().tables("store = \"unstored\"\n")).await;
    let kept = with(asked("hello"), "store", json!(true));
    let answer = says(&world, V1, &kept, CANDIDATE_SAYS).await;
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let before = world.azure.received().len();
    let next = with(asked("and now?"), "previous_response_id", json!(id));
    let stored = format!("{V1}/{id}");
    for request in [
        post(V1, &next),
        Request::get(&stored).header("api-key", KEY),
        Request::new("DELETE", &stored).header("api-key", KEY),
    ] {
        let answer = world.send(&request).await;
        assert_eq!(answer.status(), 404, "{}", answer.text());
        assert!(
            answer.json()["error"]["message"].is_string(),
            "{}",
            answer.text()
        );
    }
    assert_eq!(world.azure.received().len(), before, "Azure was asked");
    assert_eq!(world.ineligible(IneligibleReason::Stateful), 3);
    world.finish().await;
}

/// The native endpoints, on the host that keeps no state and on the one that can.
#[tokio::test(flavor = "multi_thread")]
async fn they_are_answered_on_the_same_wire() {
    const RUNTIME: &str = "model = \"openai.gpt-oss-120b-1:0\"\napi = \"openai-responses\"\n";
    const MANTLE: &str =
        "model = \"openai.gpt-oss-120b\"\napi = \"openai-responses\"\nsurface = \"mantle\"\n";
    for setup in [
        Setup::new().candidate(RUNTIME),
        Setup::new().candidate(MANTLE).with_mantle(),
    ] {
        let world = World::start(setup).await;
        for stream in [false, true] {
            let body = with(asked("hello"), "stream", json!(stream));
            says(&world, V1, &body, PRIMARY_SAYS).await;
        }
        world.quiet().await;
        assert_eq!(world.compared(), 2, "{:?}", world.counts());
        world.raise(100.0).await;
        for stream in [false, true] {
            let body = with(asked("hello"), "stream", json!(stream));
            let answer = says(&world, V1, &body, CANDIDATE_SAYS).await;
            let shown = answer.text().to_lowercase();
            for word in ["bedrock", "gpt-oss", "amzn", "<reasoning>"] {
                assert!(!shown.contains(word), "{word}: {shown}");
            }
            if stream {
                let events = events(&answer);
                let numbers: Vec<u64> = events
                    .iter()
                    .map(|event| event["sequence_number"].as_u64().unwrap())
                    .collect();
                assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
                assert_eq!(events.last().unwrap()["type"], "response.completed");
            } else {
                assert_eq!(answer.json()["model"], DEPLOYMENT, "{}", answer.text());
            }
        }
        world.finish().await;
    }
}

/// A candidate that keeps state answers all that continues it, whatever the share is by then, and Azure is never asked.
#[tokio::test(flavor = "multi_thread")]
async fn state_of_the_candidates_stays_with_the_candidate() {
    const KEEPS: &str = "model = \"openai.gpt-oss-120b\"\napi = \"openai-responses\"\nsurface = \"mantle\"\nstore = \"candidate\"\n";
    let world = all_candidate(Setup::new().candidate(KEEPS).with_mantle()).await;
    let kept = with(asked("hello"), "store", json!(true));
    let answer = says(&world, V1, &kept, CANDIDATE_SAYS).await;
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("resp_"), "{id}");
    world.raise(1.0).await;
    let before = world.azure.received().len();
    for stream in [false, true] {
        let next = with(asked("and now?"), "previous_response_id", json!(id));
        says(
            &world,
            V1,
            &with(next, "stream", json!(stream)),
            CANDIDATE_SAYS,
        )
        .await;
    }
    let stored = format!("{V1}/{id}");
    let at = |method: &str, path: &str| Request::new(method, path).header("api-key", KEY);
    let shown = world.send(&at("GET", &stored)).await;
    assert_eq!(
        (shown.status(), &shown.json()["id"]),
        (200, &json!(id)),
        "{}",
        shown.text()
    );
    let items = world
        .send(&at("GET", &format!("{stored}/input_items")))
        .await;
    assert_eq!(items.status(), 200, "{}", items.text());
    assert_eq!(world.send(&at("DELETE", &stored)).await.status(), 200);
    assert_eq!(world.send(&at("GET", &stored)).await.status(), 404);
    assert_eq!(world.azure.received().len(), before, "Azure was asked");
    assert_eq!(world.ineligible(IneligibleReason::Stateful), 6);
    world.finish().await;
}

/// A copy is only compared: even a candidate that keeps state keeps nothing of it, nor of what its caller does not want kept.
#[tokio::test(flavor = "multi_thread")]
async fn copies_leave_nothing_behind() {
    const KEEPS: &str = "model = \"openai.gpt-oss-120b\"\napi = \"openai-responses\"\nsurface = \"mantle\"\nstore = \"candidate\"\n";
    let world = World::start(Setup::new().candidate(KEEPS).with_mantle()).await;
    let stored = with(asked("hello"), "store", json!(true));
    says(&world, V1, &stored, PRIMARY_SAYS).await;
    world.quiet().await;
    assert_eq!(world.compared(), 1, "{:?}", world.counts());
    let asks_to_keep = || {
        let sent = world.mantle.as_ref().unwrap().received().pop().unwrap();
        let sent: Value = serde_json::from_slice(&sent.body).unwrap();
        sent["store"].clone()
    };
    assert_eq!(asks_to_keep(), false);
    world.raise(100.0).await;
    says(&world, V1, &stored, CANDIDATE_SAYS).await;
    assert_ne!(asks_to_keep(), false);
    let answer = says(&world, V1, &asked("hello"), CANDIDATE_SAYS).await;
    assert_eq!(asks_to_keep(), false);
    let path = format!("{V1}/{}", answer.json()["id"].as_str().unwrap());
    let shown = Request::new("GET", &path).header("api-key", KEY);
    let shown = world.send(&shown).await;
    assert_eq!(shown.status(), 404, "{}", shown.text());
    world.finish().await;
}

/// A conversation that its caller keeps comes back with the candidate's thoughts and ids in it. Azure would refuse them; after a
/// roll-back it answers what is left without them.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_began_at_the_candidate_goes_back_to_azure() {
    const RUNTIME: &str = "model = \"openai.gpt-oss-120b-1:0\"\napi = \"openai-responses\"\n";
    const KEEPS: &str = "model = \"openai.gpt-oss-120b\"\napi = \"openai-responses\"\nsurface = \"mantle\"\nstore = \"candidate\"\n";
    for setup in [
        Setup::new().candidate(RUNTIME),
        Setup::new().candidate(KEEPS).with_mantle(),
    ] {
        let world = all_candidate(setup).await;
        world
            .bedrock
            .script()
            .set_answers(Arc::new(|_: &Prompt, _| script::Answer {
                reasoning: Some("hm".to_owned()),
                ..script::Answer::text(CANDIDATE_SAYS)
            }));
        let mut body = asked("hello");
        body["include"] = json!(["reasoning.encrypted_content"]);
        let first = says(&world, V1, &body, CANDIDATE_SAYS).await;
        let mut items = vec![json!({"role": "user", "content": "hello"})];
        items.extend(first.json()["output"].as_array().unwrap().clone());
        assert_eq!(items[1]["type"], "reasoning", "{items:?}");
        assert!(items[1]["encrypted_content"].is_string(), "{items:?}");
        items.push(json!({"role": "user", "content": "and now?"}));
        body["input"] = json!(items);
        says(&world, V1, &body, CANDIDATE_SAYS).await;

        world.server().proxy().kill(true);
        says(&world, V1, &body, PRIMARY_SAYS).await;
        world.server().proxy().kill(false);
        world.bedrock.script().set_fault(Fault::Reset);
        says(&world, V1, &body, PRIMARY_SAYS).await;
        world.bedrock.script().set_fault(Fault::None);
        world.raise(0.0).await;
        says(&world, V1, &body, PRIMARY_SAYS).await;
        let received = world.azure.received();
        let sent = String::from_utf8_lossy(&received.last().unwrap().body).into_owned();
        assert!(
            sent.contains("and now?") && !sent.contains("encrypted_content\":"),
            "{sent}"
        );
        world.finish().await;
    }
}
