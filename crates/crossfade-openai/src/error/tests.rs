//! Cases for error bodies.

use serde_json::json;

use super::*;

fn check(error: &AzureError, status: u16, retry_after: Option<u64>, body: &str) {
    assert_eq!(error.status, status);
    assert_eq!(error.retry_after, retry_after);
    assert_eq!(std::str::from_utf8(&error.body).unwrap(), body);
}

#[test]
fn bodies_of_refused_requests() {
    check(
        &AzureError::content_filter(&json!({"hate": {"filtered": true, "severity": "high"}})),
        400,
        None,
        concat!(
            r#"{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's "#,
            r"content management policy. Please modify your prompt and retry. To learn more about our ",
            r"content filtering policies please read our documentation: ",
            r#"https://go.microsoft.com/fwlink/?linkid=2198766","type":null,"param":"prompt","#,
            r#""code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","#,
            r#""content_filter_result":{"hate":{"filtered":true,"severity":"high"}}}}}"#,
        ),
    );
    check(
        &AzureError::context_length_exceeded(Some(10), Some(12)),
        400,
        None,
        r#"{"error":{"message":"This model's maximum context length is 10 tokens. However, your messages resulted in 12 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
    );
    check(
        &AzureError::context_length_exceeded(None, None),
        400,
        None,
        r#"{"error":{"message":"This model's maximum context length was exceeded. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
    );
    check(
        &AzureError::invalid_request("no \"n\"", Some("n"), Some("unsupported_value")),
        400,
        None,
        r#"{"error":{"message":"no \"n\"","type":"invalid_request_error","param":"n","code":"unsupported_value"}}"#,
    );
    check(
        &AzureError::unrecognized_arguments(&["a", "b"]),
        400,
        None,
        r#"{"error":{"message":"Unrecognized request argument(s) supplied: a, b","type":"invalid_request_error","param":null,"code":null}}"#,
    );
}

#[test]
fn bodies_of_other_failures() {
    check(
        &AzureError::unauthorized(),
        401,
        None,
        r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource."}}"#,
    );
    check(
        &AzureError::deployment_not_found(),
        404,
        None,
        "{\n  \"error\": {\n    \"type\": \"invalid_request_error\",\n    \"code\": \"DeploymentNotFound\",\n    \"message\": \"The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.\"\n  }\n}",
    );
    check(
        &AzureError::resource_not_found(),
        404,
        None,
        r#"{"error":{"code":"404","message":"Resource not found"}}"#,
    );
    check(
        &AzureError::timeout(),
        408,
        None,
        r#"{"error":{"code":"Timeout","message":"The operation was timeout."}}"#,
    );
    check(
        &AzureError::server_error(),
        500,
        None,
        r#"{"error":{"message":"The server had an error while processing your request. Sorry about that!","type":"server_error","param":null,"code":null}}"#,
    );
    check(
        &AzureError::unavailable(Some(2)),
        503,
        Some(2),
        r#"{"error":{"code":"ServiceUnavailable","message":"The service is temporarily unable to process your request. Please try again later."}}"#,
    );
}

#[test]
fn every_error_reads_back() {
    let check = |error: AzureError, status: u16, kind: Option<&str>, code: Option<&str>| {
        let detail = parse(&error.body).unwrap();
        assert_eq!(error.status, status);
        assert_eq!(
            (detail.kind.as_deref(), detail.code.as_deref()),
            (kind, code)
        );
        assert!(detail.message.is_some_and(|message| !message.is_empty()));
        let event = error.to_event();
        let (events, _) = crate::sse::decode(&event);
        assert_eq!(events.len(), 1);
        assert_eq!(parse(events[0].data.as_bytes()), parse(&error.body));
        assert_eq!(
            error.clone().into_parts().1.len(),
            1 + usize::from(error.retry_after.is_some())
        );
    };
    let invalid = Some("invalid_request_error");
    check(
        AzureError::content_filter(&json!({})),
        400,
        None,
        Some("content_filter"),
    );
    check(
        AzureError::invalid_request("m", None, None),
        400,
        invalid,
        None,
    );
    check(
        AzureError::operation_not_supported("embeddings", "gpt-4o"),
        400,
        None,
        Some("OperationNotSupported"),
    );
    check(AzureError::unauthorized(), 401, None, Some("401"));
    check(AzureError::forbidden(), 403, None, Some("403"));
    check(
        AzureError::deployment_not_found(),
        404,
        invalid,
        Some("DeploymentNotFound"),
    );
    check(AzureError::too_large(1), 413, invalid, None);
    check(AzureError::unsupported_media_type(), 415, invalid, None);
    check(AzureError::rate_limited(12), 429, None, Some("429"));
    check(AzureError::capacity(12), 429, None, Some("429"));
    check(AzureError::server_error(), 500, Some("server_error"), None);
    check(
        AzureError::unavailable(None),
        503,
        None,
        Some("ServiceUnavailable"),
    );
}

#[test]
fn other_bodies() {
    let check = |body: &str, expected: Option<(Option<&str>, bool)>| {
        let detail = parse(body.as_bytes());
        let seen = detail
            .as_ref()
            .map(|detail| (detail.code.as_deref(), detail.innererror.is_some()));
        assert_eq!(seen, expected, "{body}");
    };
    check("", None);
    check("<html>", None);
    check("{}", None);
    check(r#"{"error":null}"#, None);
    check(r#"{"error":"text"}"#, None);
    check(r#"{"error":{}}"#, Some((None, false)));
    check(r#"{"error":{"code":429}}"#, Some((Some("429"), false)));
    check(r#"{"error":{"code":null,"extra":1}}"#, Some((None, false)));
    check(
        r#"{"error":{"code":"x","inner_error":{}}}"#,
        Some((Some("x"), true)),
    );
}

#[test]
fn debug_shows_no_message() {
    let error = AzureError::invalid_request("the caller's words", None, None);
    assert!(!format!("{error:?}").contains("words"));
}
