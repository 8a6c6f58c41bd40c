//! What a caller got, searched for words that would tell who answered, whatever it was asked for.

use crossfade_exchange::SideBody;
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

/// Asks for a chat completion of a deployment that the path names.
pub(super) async fn ask(
    settings: CandidateSettings,
    stream: bool,
    fields: Value,
    scripts: Vec<Vec<Step>>,
) -> Got {
    let path = "/openai/deployments/chat-prod/chat/completions?api-version=2024-10-21";
    ask_at(path, settings, stream, fields, scripts).await
}

/// Asks for a chat completion at a path.
pub(super) async fn ask_at(
    path: &str,
    settings: CandidateSettings,
    stream: bool,
    fields: Value,
    scripts: Vec<Vec<Step>>,
) -> Got {
    let mut body = json!({"stream": stream, "messages": [{"role": "user", "content": "Hello"}]});
    let fields = fields.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    let request = http::Request::post(path)
        .body(body.to_string().into())
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
    let text = without_ids(text).to_ascii_lowercase();
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
pub(super) const TELLTALE: &str = "User: arn:aws:iam::123456789012:user/x is not authorized to perform: \
                        bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1::foundation-model/test.model";

/// A text without what is random in it, which may spell any short word.
fn without_ids(text: &str) -> String {
    let mut pieces = text
        .split("chatcmpl-")
        .flat_map(|piece| piece.split("call_"));
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        kept.push_str(piece.trim_start_matches(|c: char| c.is_ascii_alphanumeric()));
    }
    kept
}
