//! Who is let in: signed requests on the raw socket, and what becomes of those that were tampered with.

use time::OffsetDateTime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

/// A request with a published signature, changed as told, on the raw socket.
async fn signed(sim: &BedrockSim, from: &str, to: &str) -> (u16, String) {
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/bedrock/aws4_request, \
                         SignedHeaders=content-type;host;x-amz-date, \
                         Signature=730fbd8122e132d4951fb210c5d6d5fd6b3db5095cbfd31de83d900eece8b784";
    let body = hello().to_string();
    let request = format!(
        "POST /model/us.amazon.nova-micro-v1%3A0/converse HTTP/1.1\r\n\
         Host: bedrock-runtime.us-east-1.amazonaws.com\r\nContent-Type: application/json\r\n\
         X-Amz-Date: 20150830T123600Z\r\nConnection: close\r\nContent-Length: {}\r\n\
         Authorization: {authorization}\r\n\r\n{body}",
        body.len()
    );
    assert!(request.contains(from), "{from}");
    let mut socket = TcpStream::connect(sim.address()).await.unwrap();
    socket
        .write_all(request.replace(from, to).as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let kind = answer
        .split("x-amzn-ErrorType: ")
        .nth(1)
        .and_then(|rest| rest.split(':').next());
    (status, kind.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn only_who_signs_comes_in() {
    let noon = time::macros::datetime!(2015-08-30 12:36:00 UTC);
    let at = |time: OffsetDateTime| BedrockOptions {
        clock: Clock::fixed(time.into()),
        ..BedrockOptions::default()
    };
    let sim = start_with(Answer::text("x"), at(noon)).await;
    assert_eq!(signed(&sim, "", "").await, (200, String::new()));
    for (from, to, kind) in [
        ("hi", "ho", "InvalidSignatureException"),
        ("%3A0", ":0", "InvalidSignatureException"),
        (
            "us-east-1/bedrock",
            "us-east-2/bedrock",
            "InvalidSignatureException",
        ),
        ("AKIDEXAMPLE", "AKIDUNKNOWN", "UnrecognizedClientException"),
        (
            "SignedHeaders=content-type;host;x-amz-date, ",
            "",
            "IncompleteSignatureException",
        ),
        (
            "Authorization",
            "X-Nothing",
            "MissingAuthenticationTokenException",
        ),
        ("AWS4-HMAC-SHA256 ", "Bearer ", "AccessDeniedException"),
    ] {
        assert_eq!(
            signed(&sim, from, to).await,
            (403, kind.to_owned()),
            "{from} {to}"
        );
    }
    let late = start_with(Answer::text("x"), at(noon + time::Duration::minutes(6))).await;
    assert_eq!(
        signed(&late, "", "").await,
        (403, "RequestTimeTooSkewed".to_owned())
    );
    let open = BedrockOptions {
        verify: false,
        ..BedrockOptions::default()
    };
    let open = start_with(Answer::text("x"), open).await;
    assert_eq!(signed(&open, "Authorization", "X-Nothing").await.0, 200);
}
