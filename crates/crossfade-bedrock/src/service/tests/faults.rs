//! Every failure of the provider's, at a call and within a stream, on the caller's wire. Whatever comes is also searched for
//! words that would tell who answered.

use crossfade_exchange::{LossKind, SideBody};
use http_body_util::BodyExt;

use super::*;

/// What a caller got.
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) headers: http::HeaderMap,
    pub(super) body: String,
    pub(super) report: SideReport,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(super) fn late(&self) -> &LateFacts {
        self.report.late.get().expect("told at the end")
    }
}

/// Asks for a chat completion.
pub(super) async fn ask(
    settings: CandidateSettings,
    stream: bool,
    fields: Value,
    scripts: Vec<Vec<Step>>,
) -> Got {
    let mut body = json!({"stream": stream, "messages": [{"role": "user", "content": "Hello"}]});
    let fields = fields.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    let mut request = SideRequest::new(body.to_string().into());
    *request.uri_mut() = "/openai/deployments/chat-prod/chat/completions?api-version=2024-10-21"
        .parse()
        .unwrap();
    let candidate = candidate(scripts, settings).await;
    got(candidate.oneshot(request).await.unwrap()).await
}

async fn got(response: http::Response<SideBody>) -> Got {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    shows_nothing_of_its_maker(&parts.headers, &body);
    Got {
        status: parts.status.as_u16(),
        headers: parts.headers,
        report: parts.extensions.get::<SideReport>().unwrap().clone(),
        body,
    }
}

/// Headers are on the list of the primary's own, and no word tells of what stands behind.
fn shows_nothing_of_its_maker(headers: &http::HeaderMap, body: &str) {
    const KNOWN: [&str; 10] = [
        "content-type",
        "x-request-id",
        "apim-request-id",
        "x-ms-region",
        "x-ms-deployment-name",
        "strict-transport-security",
        "x-content-type-options",
        "retry-after",
        "retry-after-ms",
        "x-ratelimit-remaining-requests",
    ];
    for (name, value) in headers {
        let known = KNOWN.contains(&name.as_str()) || name == "x-ratelimit-remaining-tokens";
        assert!(known, "{name}");
        words(value.to_str().unwrap());
    }
    words(body);
}

fn words(text: &str) {
    let text = text.to_ascii_lowercase();
    for word in [
        "bedrock",
        "amzn",
        "amazon",
        "aws",
        "arn:",
        "tooluse_",
        "converse",
        "123456789012",
        "exception",
        "guardrail",
        "test.model",
        "end_turn",
        "stopreason",
    ] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

/// A message with everything in it that must not be seen.
const TELLTALE: &str = "User: arn:aws:iam::123456789012:user/x is not authorized to perform: \
                        bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1::foundation-model/test.model";

/// A call's refusal in the provider's form.
fn refusal(name: &str, status: u16, message: &str, more: &str) -> Vec<Step> {
    let body = json!({ "message": message }).to_string();
    let headers = format!(
        "x-amzn-requestid: 11111111-2222-3333-4444-555555555555\r\nx-amzn-errortype: {name}:http://internal.amazon.com/\r\n\
         content-length: {}\r\n{more}",
        body.len()
    );
    let status = format!("{status} Whatever");
    vec![
        head(&status, "application/json", &headers),
        Say(body.into_bytes()),
    ]
}

/// What an error of the primary's says, in short: its code, or its type where it has no code.
fn word(body: &Value) -> String {
    let error = &body["error"];
    assert!(error["message"].is_string(), "{body}");
    let word = error["code"].as_str().or_else(|| error["type"].as_str());
    word.unwrap().to_owned()
}

fn plain() -> CandidateSettings {
    CandidateSettings::new("test.model")
}

#[tokio::test]
async fn every_refusal_of_a_call_is_one_of_the_primary_s() {
    use Failover::{Configuration, Garbage, Server, Throttled};
    let cases: [(&str, u16, &str, u16, &str, Option<Failover>); 21] = [
        (
            "ValidationException",
            400,
            "Input is too long for requested model.",
            400,
            "context_length_exceeded",
            None,
        ),
        (
            "ValidationException",
            400,
            "too many tokens: 300000 > 200000",
            400,
            "context_length_exceeded",
            None,
        ),
        (
            "ValidationException",
            400,
            "prompt is too long: 210000 tokens",
            400,
            "context_length_exceeded",
            None,
        ),
        (
            "ValidationException",
            400,
            "expected maxLength: 20000, actual: 30000",
            400,
            "context_length_exceeded",
            None,
        ),
        (
            "ValidationException",
            400,
            "Too many input tokens.",
            400,
            "context_length_exceeded",
            None,
        ),
        (
            "ValidationException",
            400,
            TELLTALE,
            400,
            "invalid_request_error",
            Some(Configuration),
        ),
        (
            "AccessDeniedException",
            403,
            TELLTALE,
            500,
            "server_error",
            Some(Configuration),
        ),
        (
            "UnrecognizedClientException",
            403,
            TELLTALE,
            500,
            "server_error",
            Some(Configuration),
        ),
        (
            "ExpiredTokenException",
            403,
            TELLTALE,
            500,
            "server_error",
            Some(Configuration),
        ),
        (
            "InvalidSignatureException",
            403,
            TELLTALE,
            500,
            "server_error",
            Some(Configuration),
        ),
        (
            "ResourceNotFoundException",
            404,
            TELLTALE,
            500,
            "server_error",
            Some(Configuration),
        ),
        (
            "ConflictException",
            400,
            TELLTALE,
            500,
            "server_error",
            Some(Configuration),
        ),
        (
            "ServiceQuotaExceededException",
            400,
            TELLTALE,
            429,
            "429",
            Some(Throttled),
        ),
        (
            "ModelNotReadyException",
            429,
            TELLTALE,
            429,
            "429",
            Some(Throttled),
        ),
        (
            "ThrottlingException",
            429,
            TELLTALE,
            429,
            "429",
            Some(Throttled),
        ),
        (
            "ModelTimeoutException",
            408,
            TELLTALE,
            408,
            "Timeout",
            Some(Server),
        ),
        (
            "ModelErrorException",
            424,
            TELLTALE,
            500,
            "server_error",
            Some(Server),
        ),
        (
            "InternalServerException",
            500,
            TELLTALE,
            500,
            "server_error",
            Some(Server),
        ),
        (
            "ServiceUnavailableException",
            503,
            TELLTALE,
            503,
            "ServiceUnavailable",
            Some(Server),
        ),
        (
            "SomethingNewException",
            418,
            TELLTALE,
            500,
            "server_error",
            Some(Configuration),
        ),
        (
            "SomethingNewException",
            302,
            TELLTALE,
            500,
            "server_error",
            Some(Garbage),
        ),
    ];
    for (name, status, message, expected, code, failover) in cases {
        for stream in [true, false] {
            let got = ask(
                plain(),
                stream,
                json!({}),
                vec![refusal(name, status, message, "")],
            )
            .await;
            assert_eq!(
                (got.status, word(&got.json()), got.report.failover),
                (expected, code.to_owned(), failover),
                "{name}: {message}"
            );
            let waits = matches!(expected, 429 | 503);
            assert_eq!(got.header("retry-after").is_some(), waits, "{name}");
            assert_eq!(got.header("retry-after-ms").is_some(), waits, "{name}");
            let spent = got.header("x-ratelimit-remaining-tokens");
            assert_eq!(spent, (expected == 429).then_some("0"), "{name}");
        }
    }
}

#[tokio::test]
async fn nobody_waits_over_a_minute() {
    for (asked, told) in [("3", "3"), ("900", "60"), ("soon", "5")] {
        let header = format!("retry-after: {asked}\r\n");
        let refused = || refusal("ThrottlingException", 429, "", &header);
        // Asked again only if the wait is short.
        let got = ask(plain(), false, json!({}), vec![refused(), refused()]).await;
        assert_eq!(got.header("retry-after"), Some(told), "{asked}");
        let milliseconds = told.parse::<u64>().unwrap() * 1000;
        assert_eq!(
            got.header("retry-after-ms"),
            Some(milliseconds.to_string().as_str())
        );
    }
}

#[tokio::test]
async fn a_model_s_own_status_counts() {
    for (original, expected) in [(400, 400), (422, 400), (429, 500), (503, 500)] {
        let body =
            json!({"message": "x", "originalStatusCode": original, "resourceName": "arn:aws:x"});
        let body = body.to_string();
        let headers = format!(
            "x-amzn-errortype: ModelErrorException\r\ncontent-length: {}\r\n",
            body.len()
        );
        let script = vec![
            head("424 Failed", "application/json", &headers),
            Say(body.into_bytes()),
        ];
        let got = ask(plain(), false, json!({}), vec![script]).await;
        assert_eq!(
            (got.status, got.report.failover),
            (expected, Some(Failover::Server)),
            "{original}"
        );
    }
}

#[tokio::test]
async fn what_is_no_answer_is_an_error() {
    use Failover::{Broken, Garbage, Server};
    let said = |status: &str, kind: &str, body: &str| {
        let length = format!("content-length: {}\r\n", body.len());
        vec![head(status, kind, &length), Say(body.as_bytes().to_vec())]
    };
    let json = "application/json";
    let page = "<html>AWS 502 bedrock</html>";
    // A gateway's page.
    for stream in [true, false] {
        let got = ask(
            plain(),
            stream,
            json!({}),
            vec![said("502 Bad", "text/html", page)],
        )
        .await;
        assert_eq!((got.status, got.report.failover), (500, Some(Server)));
    }
    let mut whole = plain();
    whole.stream_always = false;
    for (body, failover) in [
        (r#"{"message":"slow down"}"#, Garbage),
        (
            r#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"}}"#,
            Garbage,
        ),
        ("not json", Garbage),
        ("", Garbage),
    ] {
        // Edge 42 as a whole; bug 31 where a stream should be.
        let got = ask(
            whole.clone(),
            false,
            json!({}),
            vec![said("200 OK", json, body)],
        )
        .await;
        assert_eq!(
            (got.status, got.report.failover),
            (500, Some(failover)),
            "{body}"
        );
        let got = ask(plain(), true, json!({}), vec![said("200 OK", json, body)]).await;
        assert_eq!(got.status, 500, "{body}");
        assert!(got.report.failover.is_some(), "{body}");
    }
    // Edge 52: a head of a stream, and nothing; or nothing that is known.
    let got = ask(plain(), true, json!({}), vec![vec![stream_head()]]).await;
    assert_eq!((got.status, got.report.failover), (500, Some(Broken)));
    let unknown = vec![stream_head(), event("hologram", &json!({}))];
    let got = ask(plain(), false, json!({}), vec![unknown]).await;
    assert_eq!((got.status, got.report.failover), (500, Some(Broken)));
}

fn text() -> Step {
    event(
        "contentBlockDelta",
        &json!({"contentBlockIndex": 0, "delta": {"text": "Hi"}}),
    )
}

#[tokio::test]
async fn exceptions_of_a_stream_keep_their_status_before_its_first_content() {
    use Failover::{Configuration, Server, Throttled};
    for (name, payload, status, failover) in [
        (
            "throttlingException",
            json!({"message": TELLTALE}),
            429,
            Some(Throttled),
        ),
        (
            "serviceUnavailableException",
            json!({"message": TELLTALE}),
            503,
            Some(Server),
        ),
        (
            "internalServerException",
            json!({"message": TELLTALE}),
            500,
            Some(Server),
        ),
        (
            "modelStreamErrorException",
            json!({"message": TELLTALE}),
            500,
            Some(Server),
        ),
        (
            "modelStreamErrorException",
            json!({"message": "x", "originalStatusCode": 400}),
            400,
            Some(Server),
        ),
        (
            "validationException",
            json!({"message": "Input is too long"}),
            400,
            None,
        ),
        (
            "validationException",
            json!({"message": TELLTALE}),
            400,
            Some(Configuration),
        ),
    ] {
        for stream in [true, false] {
            let start = event("messageStart", &json!({"role": "assistant"}));
            let script = vec![stream_head(), start, exception(name, &payload)];
            let got = ask(plain(), stream, json!({}), vec![script]).await;
            assert_eq!(
                (got.status, got.report.failover),
                (status, failover),
                "{name}"
            );
            assert!(got.json()["error"]["message"].is_string());
        }
    }
}

#[tokio::test]
async fn a_stream_that_fails_after_its_first_content_ends_in_an_error_bugs_28_29_30() {
    let stop = || event("messageStop", &json!({"stopReason": "malformed_tool_use"}));
    let metadata = || rest().pop().unwrap();
    let broken = |mut bytes: Vec<u8>| {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        Say(bytes)
    };
    let cut = |mut bytes: Vec<u8>| {
        bytes.truncate(40);
        Say(bytes)
    };
    let bytes = |step: Step| match step {
        Say(bytes) => bytes,
        Wait(_) => unreachable!("said"),
    };
    let telltale = || json!({"message": TELLTALE});
    let failed = [
        (":message-type", "error"),
        (":error-code", "InternalFailure"),
        (":error-message", "arn:aws:x"),
    ];
    let cases: Vec<(&str, Vec<Step>, Failover)> = vec![
        (
            "throttled",
            vec![exception("throttlingException", &telltale())],
            Failover::Throttled,
        ),
        (
            "unavailable",
            vec![exception("serviceUnavailableException", &telltale())],
            Failover::Server,
        ),
        (
            "internal",
            vec![exception("internalServerException", &telltale())],
            Failover::Server,
        ),
        (
            "model",
            vec![exception("modelStreamErrorException", &telltale())],
            Failover::Server,
        ),
        (
            "validation",
            vec![exception("validationException", &telltale())],
            Failover::Configuration,
        ),
        (
            "unknown",
            vec![exception("somethingNewException", &telltale())],
            Failover::Garbage,
        ),
        ("error", vec![frame(&failed, "")], Failover::Garbage),
        ("ends early", vec![], Failover::Broken),
        (
            "cut within a frame",
            vec![cut(bytes(text()))],
            Failover::Broken,
        ),
        (
            "bad checksum",
            vec![broken(bytes(text()))],
            Failover::Garbage,
        ),
        ("malformed", vec![stop(), metadata()], Failover::Garbage),
    ];
    for (case, after, expected) in cases {
        let script = then(vec![stream_head(), text()], after);
        let got = ask(plain(), true, json!({}), vec![script]).await;
        assert_eq!((got.status, got.report.failover), (200, None), "{case}");
        assert!(!got.body.contains("[DONE]"), "{case}");
        let last = got.body.trim_end().rsplit("\n\n").next().unwrap();
        let error: Value = serde_json::from_str(last.strip_prefix("data: ").unwrap()).unwrap();
        assert!(error["error"]["message"].is_string(), "{case}: {last}");
        assert_eq!(error.as_object().unwrap().len(), 1);
        assert!(got.body.contains(r#""content":"Hi""#), "{case}");
        let failed = got.late().failed.unwrap();
        let same = failed == expected
            || case == "cut within a frame"
            || case == "unknown"
            || case == "error";
        assert!(same, "{case}: {failed:?}");
    }
}

#[tokio::test]
async fn an_unknown_event_is_skipped_and_counted_edge_52() {
    let script = then(
        vec![stream_head(), event("hologram", &json!({"x": 1}))],
        rest(),
    );
    let got = ask(plain(), true, json!({}), vec![script]).await;
    assert!(got.body.ends_with("data: [DONE]\n\n"));
    let losses: Vec<LossKind> = got.late().losses.iter().map(|loss| loss.kind).collect();
    assert_eq!(losses, [LossKind::EventSkipped]);
}
