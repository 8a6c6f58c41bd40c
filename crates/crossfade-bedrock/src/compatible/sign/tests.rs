//! The signer against published signatures: four of this provider's paths, some of the public suite's as literals, and
//! the whole suite where the recorded data is at hand.

use std::{
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use http::header::CONTENT_TYPE;

use super::*;

const BODY: &str = r#"{"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#;
const RUNTIME: &str = "bedrock-runtime.us-east-1.amazonaws.com";
const MANTLE: &str = "bedrock-mantle.us-east-1.api.aws";
/// 2015-08-30T12:36:00Z.
const TIME: u64 = 1_440_938_160;

fn scope(service: &str) -> Scope<'_> {
    Scope {
        region: "us-east-1",
        service,
        time: UNIX_EPOCH + Duration::from_secs(TIME),
    }
}

fn keys(token: Option<&str>) -> Credentials {
    Credentials::from_keys(
        "AKIDEXAMPLE",
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        token.map(ToOwned::to_owned),
    )
}

fn signature(request: &Request<Bytes>) -> String {
    let authorization = request.headers()["authorization"].to_str().unwrap();
    let (_, signature) = authorization.split_once("Signature=").unwrap();
    signature.to_owned()
}

fn check(service: &str, host: &str, path: &str, token: Option<&str>, expected: &str) {
    let mut request = Request::post(format!("https://{host}{path}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from_static(BODY.as_bytes()))
        .unwrap();
    sign_request(&mut request, &keys(token), scope(service)).unwrap();
    assert_eq!(signature(&request), expected, "{host}{path}");
    assert_eq!(
        request.uri().path(),
        path,
        "what is sent is what was signed"
    );
}

#[test]
fn this_provider_s_paths() {
    check(
        "bedrock",
        RUNTIME,
        "/model/us.amazon.nova-micro-v1%3A0/converse",
        None,
        "730fbd8122e132d4951fb210c5d6d5fd6b3db5095cbfd31de83d900eece8b784",
    );
    check(
        "bedrock",
        RUNTIME,
        "/model/us.amazon.nova-micro-v1:0/converse",
        None,
        "3b6eb0d312d7b73c62fd551eeddcb20c2240fd2a80ae9529a2b1943b9bd8e66e",
    );
    check(
        "bedrock",
        RUNTIME,
        "/model/us.amazon.nova-micro-v1%3A0/converse",
        Some("AQoDYXdzEXAMPLETOKEN"),
        "638b7fd8a848affc3a7291ca9dfa7ea05ad5e8c22047f7d601354e011f99573d",
    );
    check(
        "bedrock",
        RUNTIME,
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc123def456/converse-stream",
        None,
        "064f1c8db0b8b3db7e25b96c6385314e0f4531f9b168cfa47a05de53ad51a0e1",
    );
    check(
        "bedrock-mantle",
        MANTLE,
        "/openai/v1/chat/completions",
        None,
        "c4df5ec205f2d8050f0af17f4c6f2819f6e27985ffba7e50674f2c1bb4e6d1fb",
    );
}

#[test]
fn some_of_the_public_suite() {
    let check = |method: &str, target: &str, expected: &str| {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("https://example.amazonaws.com{target}"))
            .body(Bytes::new())
            .unwrap();
        sign_request(&mut request, &keys(None), scope("service")).unwrap();
        assert_eq!(signature(&request), expected, "{method} {target}");
    };
    check(
        "GET",
        "/",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    );
    check(
        "POST",
        "/?Param1=value1",
        "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
    );
}

#[test]
fn what_was_signed_is_not_shown() {
    let mut request = Request::post(format!("https://{MANTLE}/v1/responses"))
        .body(Bytes::from_static(b"{}"))
        .unwrap();
    sign_request(&mut request, &keys(Some("TOKEN")), scope("bedrock")).unwrap();
    let shown = format!("{request:?}");
    assert!(
        !shown.contains("Signature") && !shown.contains("TOKEN"),
        "{shown}"
    );
    assert!(
        sign_request(
            &mut Request::get("/x").body(Bytes::new()).unwrap(),
            &keys(None),
            scope("s")
        )
        .is_err()
    );
}

#[test]
fn the_published_suite_agrees() {
    let mut inexpressible = Vec::new();
    for case in suite_cases() {
        if !agrees(&case) {
            inexpressible.push(case.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    inexpressible.sort();
    // Paths that are never sent: bytes outside ASCII, and those that one service alone wants as they are.
    let never = [
        "get-slash-unnormalized",
        "get-slashes-unnormalized",
        "get-utf8",
    ];
    assert!(
        inexpressible.is_empty() || inexpressible == never,
        "{inexpressible:?}"
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test is told by the environment where the data lies"
)]
fn suite_cases() -> Vec<PathBuf> {
    let Ok(data) = std::env::var("CROSSFADE_DATA") else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(Path::new(&data).join("vectors/sigv4")).unwrap();
    let cases: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    assert!(cases.len() > 10, "{} cases", cases.len());
    cases
}

/// Signs the case's request anew and compares; `false` if such a request cannot be made here.
fn agrees(case: &Path) -> bool {
    let read = |name: &str| {
        std::fs::read_to_string(case.join(name))
            .unwrap()
            .replace('\r', "")
    };
    let context: serde_json::Value = serde_json::from_str(&read("context.json")).unwrap();
    let raw = read("header-signed-request.txt");
    let (head, body) = raw.split_once("\n\n").unwrap_or((&raw, ""));
    let mut lines = head.lines();
    let (method, rest) = lines.next().unwrap().split_once(' ').unwrap();
    let target = rest.rsplit_once(' ').unwrap().0;
    if context["normalize"] == false || !target.is_ascii() {
        return false;
    }
    let mut request = Request::builder()
        .method(method)
        .uri(format!("https://example.amazonaws.com{target}"));
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let own = [
            "host",
            "authorization",
            "x-amz-date",
            "x-amz-security-token",
        ];
        if !own.contains(&name.to_ascii_lowercase().as_str()) {
            request = request.header(name, value);
        }
    }
    let mut request = request.body(Bytes::from(body.to_owned())).unwrap();
    let token = context["credentials"]["token"].as_str();
    sign_request(&mut request, &keys(token), scope("service")).unwrap();
    assert_eq!(
        signature(&request),
        read("header-signature.txt").trim(),
        "{}",
        case.display()
    );
    true
}

/// Every path of a model and of the endpoints beside it, ARNs too, signed by the provider's own library for another
/// language, where an interpreter that has it is named.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test is told by the environment which interpreter has the library"
)]
fn botocore_agrees_on_every_model_path() {
    let Ok(python) = std::env::var("CROSSFADE_BOTOCORE_PYTHON") else {
        return;
    };
    let mut cases = Vec::new();
    for model in MODELS {
        let id: String = model.bytes().map(on_the_wire).collect();
        for operation in ["converse", "converse-stream", "invoke", "count-tokens"] {
            cases.push(("bedrock", RUNTIME, format!("/model/{id}/{operation}")));
        }
    }
    for path in [
        "chat/completions",
        "responses",
        "responses/resp_1?limit=2&after=msg_1",
    ] {
        cases.push(("bedrock", RUNTIME, format!("/openai/v1/{path}")));
        cases.push(("bedrock-mantle", MANTLE, format!("/v1/{path}")));
    }
    let mut input = String::new();
    for token in [None, Some("AQoDYXdzEXAMPLETOKEN==")] {
        for (service, host, path) in &cases {
            let case = serde_json::json!({"service": service, "host": host, "path": path, "body": BODY, "token": token});
            input.push_str(&case.to_string());
            input.push('\n');
        }
    }
    let theirs = signed_by(&python, &input);
    assert_eq!(theirs.len(), 2 * cases.len());
    for (line, theirs) in input.lines().zip(theirs) {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let word = |name: &str| case[name].as_str().unwrap();
        let mut request = Request::post(format!("https://{}{}", word("host"), word("path")))
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from_static(BODY.as_bytes()))
            .unwrap();
        let scope = Scope {
            time: date(theirs["date"].as_str().unwrap()),
            ..scope(word("service"))
        };
        sign_request(&mut request, &keys(case["token"].as_str()), scope).unwrap();
        assert_eq!(theirs["signature"], signature(&request), "{line}");
    }
}

/// Ids, profiles and ARNs of every kind.
const MODELS: [&str; 9] = [
    "amazon.nova-micro-v1:0",
    "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    "global.openai.gpt-5.6-sol",
    "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456",
    "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc123def456",
    "arn:aws:bedrock:us-east-1:123456789012:imported-model/abc123def456",
    "arn:aws:sagemaker:us-east-1:123456789012:endpoint/my_endpoint.v2~x",
];

/// A byte of a model's id as the path has it.
fn on_the_wire(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    }
}

fn signed_by(python: &str, input: &str) -> Vec<serde_json::Value> {
    use std::io::Write;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/compatible/sign/oracle.py");
    let mut child = std::process::Command::new(python)
        .arg(script)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// `20150830T123600Z`.
fn date(text: &str) -> std::time::SystemTime {
    use aws_smithy_types::{DateTime, date_time::Format};
    let at = |from: usize, to: usize| text.get(from..to).unwrap();
    let spread = format!(
        "{}-{}-{}T{}:{}:{}Z",
        at(0, 4),
        at(4, 6),
        at(6, 8),
        at(9, 11),
        at(11, 13),
        at(13, 15)
    );
    let time = DateTime::from_str(&spread, Format::DateTime).unwrap();
    UNIX_EPOCH + Duration::from_secs(time.secs().unsigned_abs())
}
