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
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{kind}{digits}")
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
