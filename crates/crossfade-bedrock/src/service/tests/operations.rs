//! What the path asks for: responses by way of chat, what was never kept, what is not done at all, and pictures by URL.

use http_body_util::BodyExt;

use super::*;
use crate::{FetchSettings, Sealer};

const RESPONSES: &str = "/openai/v1/responses";

/// An answer of a status and a body.
struct Said {
    status: u16,
    failover: Option<Failover>,
    losses: Vec<String>,
    body: String,
}

fn sealer() -> Sealer {
    Sealer::new(&[5; 32])
}

/// An id of an answer that nobody kept.
fn unstored(kind: &str) -> String {
    let bytes = sealer().mark([1; 13]);
    let with = |id: String, byte: &u8| format!("{id}{byte:02x}");
    bytes.iter().fold(kind.to_owned(), with)
}

fn settings() -> CandidateSettings {
    let mut settings = CandidateSettings::new("test.model");
    settings.sealer = Some(sealer());
    settings
}

async fn ask(endpoint: String, settings: CandidateSettings, path: &str, body: &Value) -> Said {
    let candidate = Candidate::new(connect(endpoint).await, settings);
    let request = http::Request::post(path)
        .body(body.to_string().into())
        .unwrap();
    let response = candidate.oneshot(request).await.unwrap();
    let report = response.extensions().get::<SideReport>().unwrap();
    let losses = report.losses.iter();
    let losses = losses.map(|loss| format!("{} {}", loss.kind.as_str(), loss.field));
    let (failover, losses) = (report.failover, losses.collect());
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Said {
        status,
        failover,
        losses,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

fn answer() -> Vec<Step> {
    then(vec![stream_head(), thought()], rest())
}

#[tokio::test]
async fn a_response_is_answered_by_way_of_chat() {
    let (endpoint, asked) = serve_and_keep(vec![answer()]);
    let body = json!({"model": "gpt", "instructions": "be brief", "store": false, "user": "u", "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "hi"}]}]});
    let said = ask(endpoint, settings(), RESPONSES, &body).await;
    assert_eq!((said.status, said.failover), (200, None));
    let asked = asked.recv().unwrap();
    assert_eq!(asked["system"], json!([{"text": "be brief"}]));
    assert_eq!(asked["messages"][0]["content"], json!([{"text": "hi"}]));
    let response: Value = serde_json::from_str(&said.body).unwrap();
    assert_eq!(response["object"], "response");
    assert_eq!(response["model"], "gpt");
    assert_eq!(response["status"], "completed");
    assert_eq!(response["instructions"], "be brief");
    assert_eq!(response["store"], false);
    let id = response["id"].as_str().unwrap();
    assert_eq!(sealer().open_id(id), Some(crate::Opened::Unstored));
    let output = response["output"].as_array().unwrap();
    assert_eq!(output.last().unwrap()["content"][0]["text"], "Hi");
}

#[tokio::test]
async fn a_streamed_response_has_its_events_and_no_end_mark() {
    let body = json!({"model": "gpt", "input": "hi", "stream": true, "store": false});
    let said = ask(serve(vec![answer()]), settings(), RESPONSES, &body).await;
    let names: Vec<&str> = said
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    assert_eq!(
        names[..2],
        ["response.created", "response.in_progress"],
        "{}",
        said.body
    );
    assert_eq!(names.last(), Some(&"response.completed"));
    assert!(names.contains(&"response.output_text.delta"));
    assert!(!said.body.contains("[DONE]"));
}

#[tokio::test]
async fn losses_and_refusals_name_the_callers_fields() {
    let body = json!({"model": "gpt", "store": false, "truncation": "auto", "input": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "user", "content": "why"}]});
    let said = ask(serve(vec![answer()]), settings(), RESPONSES, &body).await;
    assert_eq!(
        said.losses,
        [
            "hint_dropped truncation",
            "refusal_as_text input[1].content[0]"
        ]
    );
    let body = json!({"model": "gpt", "input": [{"type": "computer_call", "id": "c"}]});
    let said = ask(serve(vec![]), settings(), RESPONSES, &body).await;
    assert_eq!(
        (said.status, said.failover),
        (400, Some(Failover::Configuration))
    );
    assert!(said.body.contains("'input[0]'"), "{}", said.body);
}

#[tokio::test]
async fn what_was_never_kept_is_not_found_and_nobody_else_is_asked() {
    let id = unstored("resp_");
    let item = unstored("msg_");
    for (path, body, code) in [
        (
            RESPONSES.to_owned(),
            json!({"model": "gpt", "input": "hi", "previous_response_id": id}),
            "\"previous_response_not_found\"",
        ),
        (
            RESPONSES.to_owned(),
            json!({"model": "gpt", "input": [{"type": "item_reference", "id": item}]}),
            "null",
        ),
        (format!("{RESPONSES}/{id}"), json!({}), "null"),
        (format!("{RESPONSES}/{id}/cancel"), json!({}), "null"),
    ] {
        let said = ask(serve(vec![]), settings(), &path, &body).await;
        assert_eq!((said.status, said.failover), (404, None), "{path}");
        assert!(
            said.body.contains(&format!("\"code\":{code}")),
            "{}",
            said.body
        );
        assert!(said.body.contains(&id) || said.body.contains(&item));
    }
}

#[tokio::test]
async fn what_is_not_done_here_is_the_other_sides() {
    for path in ["/", "/openai/v1/models", "/openai/v1/responses/compact"] {
        let said = ask(serve(vec![]), settings(), path, &json!({})).await;
        assert_eq!(said.failover, Some(Failover::Configuration), "{path}");
    }
}

/// A server of one picture; `asked` counts.
fn pictures() -> (String, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (counts, asked) = mpsc::channel();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut byte = [0];
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && socket.read(&mut byte).unwrap() == 1 {
                head.extend(byte);
            }
            let said = b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 12\r\n\r\n\x89PNG\r\n\x1a\nxxxx";
            if counts.send(()).is_err() || socket.write_all(said).is_err() {
                break;
            }
        }
    });
    (format!("http://{address}/x.png"), asked)
}

#[tokio::test]
async fn pictures_by_url_are_fetched_if_the_route_says_so() {
    let (url, fetched) = pictures();
    let port = url.rsplit(':').next().unwrap().split('/').next().unwrap();
    let mut settings = settings();
    settings.capabilities = toml::from_str("images = ['png']").unwrap();
    settings.fetch = Some(FetchSettings {
        http: true,
        allow_private: true,
        ports: vec![port.parse().unwrap()],
        ..FetchSettings::default()
    });
    let chat = json!({"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": url}}]}]});
    let response = json!({"store": false, "model": "gpt", "input": [{"role": "user", "content": [
        {"type": "input_image", "image_url": url}]}]});
    for (path, operation, body, field) in [
        (
            CHAT,
            Operation::Chat,
            chat,
            "messages[0].content[0].image_url.url",
        ),
        (
            RESPONSES,
            Operation::Responses,
            response,
            "input[0].content[0].image_url",
        ),
    ] {
        let judged = crate::eligibility(operation, body.to_string().as_bytes(), &settings);
        assert_eq!(judged, Ok(crossfade_exchange::Allowance::Either));
        assert_eq!(fetched.try_iter().count(), 0);
        let (endpoint, asked) = serve_and_keep(vec![answer()]);
        let said = ask(endpoint, settings.clone(), path, &body).await;
        assert_eq!((said.status, said.failover), (200, None), "{}", said.body);
        assert!(
            said.losses.contains(&format!("url_fetched {field}")),
            "{:?}",
            said.losses
        );
        assert_eq!(fetched.try_iter().count(), 1);
        let asked = asked.recv().unwrap();
        assert_eq!(asked["messages"][0]["content"][0]["image"]["format"], "png");
        let mut off = settings.clone();
        off.fetch = None;
        assert!(crate::eligibility(operation, body.to_string().as_bytes(), &off).is_err());
    }
    settings.fetch = Some(FetchSettings::default());
    let chat = json!({"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": url}}]}]});
    let said = ask(serve(vec![]), settings, CHAT, &chat).await;
    assert_eq!(
        (said.status, said.failover),
        (400, Some(Failover::Configuration))
    );
    assert!(said.body.contains("invalid_image_url"), "{}", said.body);
}

/// The events of a response with text, a call and encrypted reasoning, as the endpoint streams them.
fn response_events() -> Vec<Step> {
    let message = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "Hi", "annotations": []}]});
    let call = json!({"type": "function_call", "id": "fc_1", "call_id": "call_0", "name": "f",
        "arguments": "{\"a\":1}", "status": "completed"});
    let reasoning =
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"});
    let response = |status: &str, output: Value| {
        json!({"id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "m",
               "output": output, "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}})
    };
    let events = [
        json!({"type": "response.created", "response": response("in_progress", json!([]))}),
        json!({"type": "response.output_item.added", "output_index": 0,
               "item": {"type": "reasoning", "id": "rs_1", "summary": []}}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": reasoning}),
        json!({"type": "response.output_item.added", "output_index": 1, "item": {"type": "message",
               "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}}),
        json!({"type": "response.content_part.added", "item_id": "msg_1", "output_index": 1,
               "content_index": 0, "part": {"type": "output_text", "text": "", "annotations": []}}),
        json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 1,
               "content_index": 0, "delta": "Hi"}),
        json!({"type": "response.output_text.done", "item_id": "msg_1", "output_index": 1,
               "content_index": 0, "text": "Hi"}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": message}),
        json!({"type": "response.output_item.added", "output_index": 2, "item": {"type":
               "function_call", "id": "fc_1", "call_id": "call_0", "name": "f", "arguments": ""}}),
        json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 2,
               "delta": "{\"a\":1}"}),
        json!({"type": "response.function_call_arguments.done", "item_id": "fc_1", "output_index": 2,
               "arguments": "{\"a\":1}"}),
        json!({"type": "response.output_item.done", "output_index": 2, "item": call}),
        json!({"type": "response.completed",
               "response": response("completed", json!([reasoning, message, call]))}),
    ];
    let mut steps = vec![head("200 OK", "text/event-stream", "")];
    for (number, mut event) in events.into_iter().enumerate() {
        event["sequence_number"] = json!(number);
        // As one of the hosts does it: the data first.
        let kind = event["type"].as_str().unwrap();
        steps.push(Say(format!("data: {event}\nevent: {kind}\n\n").into_bytes()));
    }
    steps
}

fn over_responses() -> CandidateSettings {
    let mut settings = settings();
    settings.api = crate::Api::OpenaiResponses;
    settings
}

#[tokio::test]
async fn a_chat_is_answered_by_a_target_that_speaks_only_responses() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    for stream in [false, true] {
        let body = json!({"stream": stream, "max_completion_tokens": 64, "tools": tools, "messages": [
            {"role": "system", "content": "s"}, {"role": "user", "content": "hi"}]});
        let (endpoint, asked) = serve_and_keep(vec![response_events()]);
        let said = ask(endpoint, over_responses(), CHAT, &body).await;
        assert_eq!((said.status, said.failover), (200, None), "{}", said.body);
        let asked = asked.recv().unwrap();
        assert_eq!(asked["model"], "test.model");
        assert_eq!(asked["store"], false);
        assert_eq!(asked["max_output_tokens"], 64);
        assert_eq!(asked["tools"][0]["strict"], false);
        assert_eq!(asked["input"].as_array().unwrap().len(), 2);
        if stream {
            assert!(
                said.body.contains(r#""delta":{"content":"Hi"}"#),
                "{}",
                said.body
            );
            assert!(said.body.contains(r#""finish_reason":"tool_calls""#));
            assert!(said.body.ends_with("data: [DONE]\n\n"));
        } else {
            let answer: Value = serde_json::from_str(&said.body).unwrap();
            assert_eq!(answer["object"], "chat.completion");
            let choice = &answer["choices"][0];
            assert_eq!(choice["finish_reason"], "tool_calls");
            assert_eq!(choice["message"]["content"], "Hi");
            assert_eq!(
                choice["message"]["tool_calls"][0]["function"]["arguments"],
                "{\"a\":1}"
            );
            assert_eq!(answer["usage"]["total_tokens"], 5);
        }
        assert!(!said.body.contains("resp_1") && !said.body.contains("gAAA"));
    }
}

#[tokio::test]
async fn the_older_functions_are_answered_in_their_own_form() {
    let body =
        json!({"functions": [{"name": "f"}], "messages": [{"role": "user", "content": "hi"}]});
    let said = ask(
        serve(vec![response_events()]),
        over_responses(),
        CHAT,
        &body,
    )
    .await;
    let answer: Value = serde_json::from_str(&said.body).unwrap();
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "function_call", "{}", said.body);
    assert_eq!(choice["message"]["function_call"]["name"], "f");
}

#[tokio::test]
async fn a_response_of_the_same_wire_has_ids_and_reasoning_of_ours() {
    let body = json!({"model": "gpt", "input": "hi", "store": false,
        "include": ["reasoning.encrypted_content"], "tools": [{"type": "function", "name": "f"}]});
    let (endpoint, asked) = serve_and_keep(vec![response_events()]);
    let said = ask(endpoint, over_responses(), RESPONSES, &body).await;
    assert_eq!((said.status, said.failover), (200, None), "{}", said.body);
    assert_eq!(asked.recv().unwrap()["model"], "test.model");
    let response: Value = serde_json::from_str(&said.body).unwrap();
    assert_eq!(response["model"], "gpt");
    for pointer in ["/id", "/output/0/id", "/output/1/id", "/output/2/id"] {
        let id = response.pointer(pointer).unwrap().as_str().unwrap();
        assert_eq!(
            sealer().open_id(id),
            Some(crate::Opened::Unstored),
            "{pointer}"
        );
    }
    let sealed = response["output"][0]["encrypted_content"].as_str().unwrap();
    let theirs = crate::responses::SealedReasoning::Encrypted("gAAA".to_owned());
    assert_eq!(sealer().open_reasoning(sealed), Some(theirs));
    // And back: what was sealed is opened for the endpoint, and pinned to it.
    let body = json!({"model": "gpt", "store": false, "input": [
        {"role": "user", "content": "hi"}, response["output"][0], response["output"][2],
        {"type": "function_call_output", "call_id": response["output"][2]["call_id"], "output": "1"}]});
    let judged = crate::eligibility(
        Operation::Responses,
        body.to_string().as_bytes(),
        &over_responses(),
    );
    assert_eq!(judged, Ok(crossfade_exchange::Allowance::CandidateOnly));
    let (endpoint, asked) = serve_and_keep(vec![response_events()]);
    let said = ask(endpoint, over_responses(), RESPONSES, &body).await;
    assert_eq!(said.status, 200, "{}", said.body);
    let asked = asked.recv().unwrap();
    assert_eq!(asked["input"][1]["encrypted_content"], "gAAA");
    assert_eq!(asked["input"][2]["call_id"], asked["input"][3]["call_id"]);
}

#[tokio::test]
async fn a_chats_next_turn_brings_the_encrypted_reasoning_back() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let first = json!({"tools": tools, "messages": [{"role": "user", "content": "hi"}]});
    let (endpoint, asked) = serve_and_keep(vec![response_events(), response_events()]);
    let candidate = Candidate::new(connect(endpoint).await, over_responses());
    let ask = async |body: &Value| {
        let request = http::Request::post(CHAT).body(body.to_string().into());
        let response = candidate.clone().oneshot(request.unwrap()).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    let answer = ask(&first).await;
    let message = &answer["choices"][0]["message"];
    let id = &message["tool_calls"][0]["id"];
    let second = json!({"tools": tools, "messages": [{"role": "user", "content": "hi"}, message,
        {"role": "tool", "tool_call_id": id, "content": "1"}]});
    ask(&second).await;
    assert_eq!(asked.recv().unwrap()["input"].as_array().unwrap().len(), 1);
    let input = asked.recv().unwrap()["input"].take();
    let kinds: Vec<&Value> = input
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["type"])
        .collect();
    let expected = [
        "message",
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
    ];
    assert_eq!(kinds, expected, "{input}");
    assert_eq!(input[2]["encrypted_content"], "gAAA");
}
