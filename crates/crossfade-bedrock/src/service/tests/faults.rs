//! Every refusal of the provider's at a call, on the caller's wire.

use super::{
    got::{TELLTALE, ask},
    *,
};

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

pub(super) fn plain() -> CandidateSettings {
    CandidateSettings::new("test.model")
}

/// What a caller gets: the status, the error's word, and whether the other side should answer.
#[derive(Clone, Copy, Debug)]
struct Shown(u16, &'static str, Option<Failover>);

const TOO_LONG: Shown = Shown(400, "context_length_exceeded", None);
const REFUSED: Shown = Shown(400, "invalid_request_error", Some(Failover::Configuration));
const OUR_FAULT: Shown = Shown(500, "server_error", Some(Failover::Configuration));
const THROTTLED: Shown = Shown(429, "429", Some(Failover::Throttled));
const TIMEOUT: Shown = Shown(408, "Timeout", Some(Failover::Server));
const FAILED: Shown = Shown(500, "server_error", Some(Failover::Server));
const UNAVAILABLE: Shown = Shown(503, "ServiceUnavailable", Some(Failover::Server));
const NO_ANSWER: Shown = Shown(500, "server_error", Some(Failover::Garbage));

async fn check_refusal(name: &str, status: u16, message: &str, shown: Shown) {
    let Shown(expected, code, failover) = shown;
    for stream in [true, false] {
        let script = refusal(name, status, message, "");
        let got = ask(plain(), stream, json!({}), vec![script]).await;
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

#[tokio::test]
async fn every_refusal_of_a_call_is_one_of_the_primary_s() {
    for (name, status, shown) in [
        ("ValidationException", 400, REFUSED),
        ("AccessDeniedException", 403, OUR_FAULT),
        ("UnrecognizedClientException", 403, OUR_FAULT),
        ("ExpiredTokenException", 403, OUR_FAULT),
        ("InvalidSignatureException", 403, OUR_FAULT),
        ("IncompleteSignatureException", 403, OUR_FAULT),
        ("MissingAuthenticationTokenException", 403, OUR_FAULT),
        ("ResourceNotFoundException", 404, OUR_FAULT),
        ("ConflictException", 400, OUR_FAULT),
        ("ServiceQuotaExceededException", 400, THROTTLED),
        ("ModelNotReadyException", 429, THROTTLED),
        ("ThrottlingException", 429, THROTTLED),
        ("ModelTimeoutException", 408, TIMEOUT),
        ("ModelErrorException", 424, FAILED),
        ("InternalServerException", 500, FAILED),
        ("ServiceUnavailableException", 503, UNAVAILABLE),
        ("SomethingNewException", 418, OUR_FAULT),
        ("SomethingNewException", 302, NO_ANSWER),
    ] {
        check_refusal(name, status, TELLTALE, shown).await;
    }
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_told_by_the_provider_s_words() {
    for message in [
        "Input is too long for requested model.",
        "too many tokens: 300000 > 200000",
        "prompt is too long: 210000 tokens",
        "expected maxLength: 20000, actual: 30000",
        "Too many input tokens.",
    ] {
        check_refusal("ValidationException", 400, message, TOO_LONG).await;
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
