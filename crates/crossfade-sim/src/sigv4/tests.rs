use std::path::{Path, PathBuf};

use super::*;

const BODY: &[u8] = br#"{"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#;
const RUNTIME: &str = "bedrock-runtime.us-east-1.amazonaws.com";
const NOVA: &str = "/model/us.amazon.nova-micro-v1%3A0/converse";
const TOKEN: &str = "AQoDYXdzEXAMPLETOKEN";
const FIRST: &str = "730fbd8122e132d4951fb210c5d6d5fd6b3db5095cbfd31de83d900eece8b784";

/// A signed request that can be tampered with.
#[derive(Clone)]
struct Signed {
    method: &'static str,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Signed {
    fn new(service: &str, host: &str, target: &str, signature: &str) -> Self {
        let names = "content-type;host;x-amz-date";
        Self::with(service, host, target, names, signature)
    }

    fn with(service: &str, host: &str, target: &str, names: &str, signature: &str) -> Self {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request, \
             SignedHeaders={names}, Signature={signature}"
        );
        let headers = [
            ("Host", host),
            ("Content-Type", "application/json"),
            ("X-Amz-Date", "20150830T123600Z"),
            ("Authorization", &authorization),
        ];
        let headers = headers.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
        Self {
            method: "POST",
            target: target.to_owned(),
            headers,
            body: BODY.to_vec(),
        }
    }

    fn first() -> Self {
        Self::new("bedrock", RUNTIME, NOVA, FIRST)
    }

    fn temporary() -> Self {
        let names = "content-type;host;x-amz-date;x-amz-security-token";
        let signature = "638b7fd8a848affc3a7291ca9dfa7ea05ad5e8c22047f7d601354e011f99573d";
        let mut signed = Self::with("bedrock", RUNTIME, NOVA, names, signature);
        signed
            .headers
            .push(("X-Amz-Security-Token".to_owned(), TOKEN.to_owned()));
        signed
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn authorization(self, change: impl FnOnce(String) -> String) -> Self {
        let old = self
            .headers
            .iter()
            .find(|(n, _)| n == "Authorization")
            .unwrap()
            .1
            .clone();
        self.header("Authorization", &change(old))
    }

    fn verify(&self, verifier: &Verifier, now: SystemTime) -> Result<(), Denied> {
        let Self {
            method,
            target,
            headers,
            body,
        } = self;
        verifier.verify(
            &Request {
                method,
                target,
                headers,
                body,
            },
            now,
        )
    }
}

fn credentials(session_token: Option<&str>) -> Credentials {
    Credentials {
        access_key: "AKIDEXAMPLE".to_owned(),
        secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
        session_token: session_token.map(ToOwned::to_owned),
        expires: session_token.map(|_| now() + Duration::from_secs(3600)),
    }
}

fn verifier(service: &str) -> Verifier {
    Verifier {
        region: "us-east-1".to_owned(),
        service: service.to_owned(),
        credentials: vec![credentials(None), credentials(Some(TOKEN))],
        clock_skew_allowed: Duration::from_secs(300),
        paths: PathNormalization::On,
    }
}

fn now() -> SystemTime {
    time::macros::datetime!(2015-08-30 12:36:00 UTC).into()
}

#[test]
fn published_signatures_are_accepted() {
    fn check(signed: &Signed, service: &str) {
        assert_eq!(
            signed.verify(&verifier(service), now()),
            Ok(()),
            "{}",
            signed.target
        );
    }
    check(&Signed::first(), "bedrock");
    check(&Signed::temporary(), "bedrock");
    check(
        &Signed::new(
            "bedrock",
            RUNTIME,
            "/model/us.amazon.nova-micro-v1:0/converse",
            "3b6eb0d312d7b73c62fd551eeddcb20c2240fd2a80ae9529a2b1943b9bd8e66e",
        ),
        "bedrock",
    );
    check(
        &Signed::new(
            "bedrock",
            RUNTIME,
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc123def456/\
             converse-stream",
            "064f1c8db0b8b3db7e25b96c6385314e0f4531f9b168cfa47a05de53ad51a0e1",
        ),
        "bedrock",
    );
    check(
        &Signed::new(
            "bedrock-mantle",
            "bedrock-mantle.us-east-1.api.aws",
            "/openai/v1/chat/completions",
            "c4df5ec205f2d8050f0af17f4c6f2819f6e27985ffba7e50674f2c1bb4e6d1fb",
        ),
        "bedrock-mantle",
    );
}

#[test]
fn the_canonical_request_is_the_published_one() {
    let Signed {
        method,
        target,
        headers,
        body,
    } = Signed::first();
    let request = Request {
        method,
        target: &target,
        headers: &headers,
        body: &body,
    };
    let names = ["content-type", "host", "x-amz-date"].map(ToOwned::to_owned);
    let payload = payload_hash(&request).unwrap();
    let canonical = canonical_request(&request, &names, &payload, PathNormalization::On);
    assert_eq!(
        payload,
        "c3335e07d6e89650bf94cb98664be69f8774dbc3198df221f113db0a59ea14f0"
    );
    assert_eq!(
        canonical.lines().nth(1),
        Some("/model/us.amazon.nova-micro-v1%253A0/converse")
    );
    assert_eq!(
        hex(&Sha256::digest(canonical)),
        "5a698491c409a1a8515772fbe87dae8dd21e1554708fa860efcfa404518d050c"
    );
}

#[test]
fn what_spacing_and_case_do_not_change_is_accepted() {
    let check = |signed: Signed| {
        assert_eq!(signed.verify(&verifier("bedrock"), now()), Ok(()));
    };
    check(Signed::first().header("CONTENT-TYPE", "  application/json "));
    check(Signed::first().header("user-agent", "not signed"));
    check(Signed::first().authorization(|a| a.replace(", ", ",")));
    check(Signed::first().header(
        "x-amz-content-sha256",
        "c3335e07d6e89650bf94cb98664be69f8774dbc3198df221f113db0a59ea14f0",
    ));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn tampering_is_refused() {
    #[track_caller]
    fn check(signed: &Signed, expected: DeniedKind) {
        let denied = signed.verify(&verifier("bedrock"), now()).unwrap_err();
        assert_eq!(denied.kind, expected, "{denied}");
    }
    fn edit(change: impl FnOnce(&mut Signed)) -> Signed {
        let mut signed = Signed::first();
        change(&mut signed);
        signed
    }
    use DeniedKind as K;
    check(&edit(|s| s.body[5] ^= 1), K::InvalidSignature);
    check(&edit(|s| s.method = "PUT"), K::InvalidSignature);
    check(
        &edit(|s| s.target = s.target.replace("%3A", ":")),
        K::InvalidSignature,
    );
    check(&edit(|s| s.target.push_str("?a=b")), K::InvalidSignature);
    check(
        &Signed::first().header("Host", "example.com"),
        K::InvalidSignature,
    );
    check(
        &Signed::first().header("Content-Type", "text/plain"),
        K::InvalidSignature,
    );
    check(
        &Signed::first().header("X-Amz-Date", "20150830T123700Z"),
        K::InvalidSignature,
    );
    check(
        &Signed::first().header("X-Amz-Date", "20150831T123600Z"),
        K::InvalidSignature,
    );
    check(
        &Signed::first().header("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        K::InvalidSignature,
    );
    check(
        &Signed::first().header("X-Amz-Security-Token", TOKEN),
        K::InvalidSignature,
    );
    check(
        &Signed::temporary().header("X-Amz-Security-Token", "other"),
        K::UnrecognizedClient,
    );
    check(
        &Signed::first().authorization(|_| "Basic abc".to_owned()),
        K::IncompleteSignature,
    );
    check(
        &edit(|s| s.headers.truncate(3)),
        K::MissingAuthenticationToken,
    );

    let auth = |from: &'static str, to: &'static str| {
        Signed::first().authorization(move |a| a.replace(from, to))
    };
    check(&auth("AKIDEXAMPLE", "AKIDOTHER"), K::UnrecognizedClient);
    check(&auth("/bedrock/", "/s3/"), K::InvalidSignature);
    check(&auth("us-east-1", "eu-west-1"), K::InvalidSignature);
    check(&auth("/20150830/", "/20150829/"), K::InvalidSignature);
    check(
        &auth("Signature=730f", "Signature=731f"),
        K::InvalidSignature,
    );
    check(
        &auth("Signature=730f", "Signature="),
        K::IncompleteSignature,
    );
    check(
        &auth("Signature=730f", "Signature=zzzz"),
        K::IncompleteSignature,
    );
    check(&auth("host;", ""), K::InvalidSignature);
    check(&auth(";x-amz-date", ""), K::InvalidSignature);
    check(&auth("content-type;", ""), K::InvalidSignature);
    check(&auth("/aws4_request", ""), K::IncompleteSignature);
    check(&auth("Credential=", "Who="), K::IncompleteSignature);
    check(
        &auth("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
        K::IncompleteSignature,
    );
}

#[test]
fn clocks_and_expiry_are_checked() {
    let at = |offset: i64| -> SystemTime {
        (OffsetDateTime::from(now()) + time::Duration::seconds(offset)).into()
    };
    let kind = |signed: Signed, now| signed.verify(&verifier("bedrock"), now).map_err(|d| d.kind);
    assert_eq!(kind(Signed::first(), at(300)), Ok(()));
    assert_eq!(kind(Signed::first(), at(-300)), Ok(()));
    assert_eq!(
        kind(Signed::first(), at(301)),
        Err(DeniedKind::RequestTimeTooSkewed)
    );
    assert_eq!(
        kind(Signed::first(), at(-301)),
        Err(DeniedKind::RequestTimeTooSkewed)
    );
    assert_eq!(
        kind(Signed::temporary(), at(3600)),
        Err(DeniedKind::ExpiredToken)
    );
    let bad = Signed::first().header("X-Amz-Date", "20150830 123600");
    assert_eq!(kind(bad, now()), Err(DeniedKind::IncompleteSignature));
}

#[test]
fn bearer_keys_are_known_or_not() {
    let keys = ["sim-key".to_owned()];
    let kind = |header: &str| verify_bearer(header, &keys).map_err(|denied| denied.kind);
    assert_eq!(kind("Bearer sim-key"), Ok(()));
    assert_eq!(kind("Bearer sim-kex"), Err(DeniedKind::AccessDenied));
    assert_eq!(kind("Bearer "), Err(DeniedKind::AccessDenied));
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", verifier("bedrock"));
    assert!(shown.contains("AKIDEXAMPLE"));
    assert!(
        !shown.contains("wJalr") && !shown.contains(TOKEN),
        "{shown}"
    );
}

/// The published suite, when the directory of recorded data is at hand.
#[test]
fn the_published_suite_verifies() {
    for case in suite_cases() {
        check_suite_case(&case);
    }
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
    assert!(!cases.is_empty(), "no cases");
    cases
}

fn check_suite_case(case: &Path) {
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
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect();
    let request = Request {
        method,
        target,
        headers: &headers,
        body: body.as_bytes(),
    };
    let mut verifier = verifier("service");
    verifier.credentials = vec![Credentials {
        session_token: context["credentials"]["token"]
            .as_str()
            .map(ToOwned::to_owned),
        expires: None,
        ..credentials(None)
    }];
    if context["normalize"] == false {
        verifier.paths = PathNormalization::Off;
    }
    let authorization = Authorization::parse(request.header("authorization").unwrap()).unwrap();
    let canonical = canonical_request(
        &request,
        &authorization.signed_headers,
        &payload_hash(&request).unwrap(),
        verifier.paths,
    );
    assert_eq!(
        canonical,
        read("header-canonical-request.txt"),
        "{}",
        case.display()
    );
    assert_eq!(
        verifier.verify(&request, now()),
        Ok(()),
        "{}",
        case.display()
    );
}
