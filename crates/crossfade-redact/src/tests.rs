//! What is found, what is kept, and that nothing panics.

use proptest::prelude::*;

use super::*;

fn redactor() -> &'static Redactor {
    static REDACTOR: std::sync::LazyLock<Redactor> =
        std::sync::LazyLock::new(|| Redactor::new(&RedactSettings::default()).unwrap());
    &REDACTOR
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let redactor = redactor();
    assert_eq!(redactor.session().redact_text(text), expected, "{text}");
    // What was redacted once stays.
    assert_eq!(redactor.session().redact_text(expected), expected);
}

#[track_caller]
fn kept(text: &str) {
    check(text, text);
}

#[test]
fn email_addresses() {
    check("Write to jane.doe+x@example.co.uk.", "Write to [email-1].");
    check(
        "<JANE@Example.com>, jane@example.com",
        "<[email-1]>, [email-1]",
    );
    check("a@b.de or c@d.de", "[email-1] or [email-2]");
    check("jürgen@müller.example", "[email-1]");
    check(
        "mailto:x_y@sub.example-site.org?subject=1",
        "mailto:[email-1]?subject=1",
    );
}

#[test]
fn no_email_addresses() {
    kept("user@localhost");
    kept("@app.route('/x')");
    kept("react@18.2.0");
    kept("5 @ 3.00 each");
    kept("a @ b.com");
}

#[test]
fn payment_cards() {
    check("4111 1111 1111 1111", "[card-1]");
    check(
        "card 4111111111111111, again 4111-1111-1111-1111.",
        "card [card-1], again [card-1].",
    );
    check("amex 3782 822463 10005", "amex [card-1]");
    check("5555555555554444", "[card-1]");
    check("2223003122003222", "[card-1]");
    check("8 4111 1111 1111 1111", "8 [card-1]");
    check("4111 1111 1111 1111 12/27 123", "[card-1] 12/27 123");
    check(
        "4111 1111 1111 1111 5555 5555 5555 4444",
        "[card-1] [card-2]",
    );
}

#[test]
fn no_payment_cards() {
    kept("4111 1111 1111 1112");
    kept("order 1700000000000");
    kept("9999999999999995");
    kept("84111111111111111");
    kept("41 11 11 11 11 11 11 11");
    kept("id_4111111111111111");
    kept("0.4111111111111111");
}

#[test]
fn bank_accounts() {
    check(
        "IBAN DE89 3704 0044 0532 0130 00 please",
        "IBAN [iban-1] please",
    );
    check("GB82WEST12345698765432", "[iban-1]");
    check("NO9386011117947.", "[iban-1].");
    check("AB12 DE89 3704 0044 0532 0130 00", "AB12 [iban-1]");
    kept("DE88 3704 0044 0532 0130 00");
    kept("ZZ89 3704 0044 0532 0130 00");
    kept("PART AB12CDEF3456GHIJ78");
}

#[test]
fn addresses_of_machines() {
    check("from 203.0.113.7:443", "from [ip-1]:443");
    check("10.1.2.3, 10.1.2.4.", "[ip-1], [ip-2].");
    check("2001:db8::8a2e:370:7334", "[ip-1]");
    check("fe80::1 and [2001:DB8::1]:80", "[ip-1] and [[ip-2]]:80");
    kept("127.0.0.1 0.0.0.0 ::1 ::");
    kept("v1.2.3.4 and 1.2.3.4.5 and 300.1.1.1");
    kept("at 12:30:45 and 12:30");
    kept("std::vec and a::b and dead::beef");
    kept("ratio 3:2:1");
}

#[test]
fn social_security_numbers() {
    check("SSN 078-05-1120.", "SSN [ssn-1].");
    kept("000-12-3456 666-12-3456 912-12-3456 123-00-4567 123-45-0000");
    kept("part 1078-05-1120 and 078-05-11201");
}

#[test]
fn telephone_numbers() {
    check("call +49 30 1234567 now", "call [phone-1] now");
    check("+14155550132", "[phone-1]");
    check("(415) 555-0132 or 415.555.0132", "[phone-1] or [phone-2]");
    check("030/1234567", "[phone-1]");
    check("+1 (415) 555-0132", "[phone-1]");
}

#[test]
fn no_telephone_numbers() {
    kept("2024-01-15 and 15.01.2024 and 2024-01-15T10:30:00+02:00");
    kept("order 100045-22 of 12345678");
    kept("3.14159265 + 2.71828182");
    kept("1+23456789");
    kept("room 0812, 10 000 000 people");
    kept("tel-1234");
}

#[test]
fn keys_and_tokens() {
    check("use sk-proj-abcdefghijklmnopqrstuv", "use [api_key-1]");
    check("AKIAIOSFODNN7EXAMPLE", "[api_key-1]");
    check("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[api_key-1]");
    check(
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "[jwt-1]",
    );
    check(
        "api-key: 0123456789abcdef0123456789abcdef",
        "api-key: [secret-1]",
    );
    check(
        "Authorization: Bearer abc123def456ghi7",
        "Authorization: Bearer [secret-1]",
    );
    check(
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "aws_secret_access_key = [secret-1]",
    );
    check("password=\"hunter2hunter\"", "password=\"[secret-1]\"");
    check(
        "https://x.example/?sig=ab12cd34ef56&x=1",
        "https://x.example/?sig=[secret-1]&x=1",
    );
    check(
        "postgres://bob:hunter2@db/x",
        "postgres://[url_credentials-1]@db/x",
    );
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----";
    check(&format!("a {key} b"), "a [private_key-1] b");
    check("x -----BEGIN PRIVATE KEY-----\nMIIE", "x [private_key-1]");
}

#[test]
fn no_keys_or_tokens() {
    kept("the token: something else entirely");
    kept("password: required");
    kept("max_tokens: 1024");
    kept("secret = ${MY_SECRET_1}");
    kept("task-force disk-usage risk-assessment-of-everything-there");
    kept("let token = parser.next();");
    kept("sk-short");
}

#[test]
fn code_and_numbers_are_kept() {
    kept("fn main() { println!(\"{}\", 1_000_000); }");
    kept("SELECT id FROM t WHERE n BETWEEN 10 AND 20; -- 12345678901");
    kept("uuid 123e4567-e89b-12d3-a456-426614174000");
    kept("sha 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    kept("INV-2024-000123 / PO 4500012345");
    kept("$1,234,567.89 and 1.234.567,89 €");
}

#[track_caller]
fn check_json(body: &str, expected: &str) {
    let redactor = redactor();
    let redacted = redactor
        .session()
        .redact_body(body.as_bytes(), Some("application/json; charset=utf-8"));
    assert_eq!(String::from_utf8(redacted).unwrap(), expected);
}

#[test]
fn json_keeps_its_form() {
    check_json(
        "{ \"b\": 1.50, \"a\" : [1e3, \"x\\u0040y.de\", null],\n \"b\": 12345678901234567890 }",
        "{ \"b\": 1.50, \"a\" : [1e3, \"[email-1]\", null],\n \"b\": 12345678901234567890 }",
    );
    check_json(
        r#"{"jane@example.com": "caf\u00e9"}"#,
        r#"{"[email-1]": "caf\u00e9"}"#,
    );
    check_json(
        "[4111111111111111, 1700000000000]",
        r#"["[card-1]", 1700000000000]"#,
    );
}

#[test]
fn json_within_strings_is_json() {
    check_json(
        r#"{"arguments":"{\"to\":\"x\\u0040y.de\",\"n\":1}"}"#,
        r#"{"arguments":"{\"to\":\"[email-1]\",\"n\":1}"}"#,
    );
    check_json(
        r#"{"arguments":"{\"to\":\"x@y.de"}"#,
        r#"{"arguments":"{\"to\":\"[email-1]"}"#,
    );
}

#[test]
fn a_members_name_announces_a_secret() {
    for name in [
        "password",
        "api_key",
        "clientSecret",
        "db-password",
        "Access Key",
        "refreshToken",
    ] {
        check_json(
            &format!(r#"{{"{name}" : "hunter2x99, and more", "note": "hunter2x99"}}"#),
            &format!(r#"{{"{name}" : "[secret-1]", "note": "hunter2x99"}}"#),
        );
    }
    check_json(
        r#"{"arguments":"{\"user\":\"x\",\"password\":\"hunter2x99\"}"}"#,
        r#"{"arguments":"{\"user\":\"x\",\"password\":\"[secret-1]\"}"}"#,
    );
    for kept in [
        r#"{"password": ["hunter2x99"], "tokens": "gpt4omini", "token": "hello", "design": "a4paper8"}"#,
        r#"["password", "hunter2x99"]"#,
        r#"{"type": "password", "value": "hunter2x99"}"#,
        r#"{"token": "the second token"}"#,
    ] {
        check_json(kept, kept);
    }
    check("clientSecret: hunter2x99", "clientSecret: [secret-1]");
    check(
        "secret access key = wJalrXUtn7",
        "secret access key = [secret-1]",
    );
}

#[test]
fn what_is_no_text_is_described() {
    let image = format!("data:image/png;base64,{}", "iVBORw0KGgo1".repeat(100));
    check_json(
        &format!("{{\"url\":\"{image}\"}}"),
        "{\"url\":\"[image/png: 900 bytes]\"}",
    );
    check_json(
        &format!("{{\"data\":\"{}\"}}", "aB3+".repeat(200)),
        "{\"data\":\"[base64: 600 bytes]\"}",
    );
    check_json(r#"["\ud800"]"#, r#"["[unreadable]"]"#);
    check(
        &format!("see ![]({image}) there"),
        "see ![]([image/png: 900 bytes]) there",
    );
    kept(&"a".repeat(2000));
}

#[test]
fn bodies_by_their_type() {
    let redactor = redactor();
    let of = |body: &[u8], kind: Option<&str>| {
        String::from_utf8(redactor.session().redact_body(body, kind)).unwrap()
    };
    assert_eq!(of(b"x@y.de", Some("text/plain")), "[email-1]");
    assert_eq!(
        of(b"{\"a\": x@y.de", Some("application/json")),
        "{\"a\": [email-1]"
    );
    assert_eq!(
        of(b"data: x@y.\n\ndata: de", Some("text/event-stream")),
        "[event stream: 20 bytes]"
    );
    assert_eq!(of(&[0xff, 0xfe], Some("text/plain")), "[body: 2 bytes]");
    assert_eq!(of(b"GIF89a", Some("image/gif")), "[body: 6 bytes]");
    assert_eq!(of(b"", None), "");
}

#[test]
fn equal_values_of_two_bodies_have_one_number() {
    let redactor = redactor();
    let mut session = redactor.session();
    assert_eq!(session.redact_text("a@b.de c@d.de"), "[email-1] [email-2]");
    assert_eq!(session.redact_text("c@d.de"), "[email-2]");
    assert_eq!(redactor.session().redact_text("c@d.de"), "[email-1]");
}

#[test]
fn patterns_of_ones_own() {
    let settings: RedactSettings = serde_json::from_str(
        r#"{"detectors": ["email"], "patterns": {"customer": "C-[0-9]{6}", "name": "Name: (\\w+)"}, "numbered": false}"#,
    )
    .unwrap();
    let redactor = Redactor::new(&settings).unwrap();
    assert_eq!(
        redactor
            .session()
            .redact_text("C-123456 Name: Jane x@y.de 10.0.0.1"),
        "[customer] Name: [name] [email] 10.0.0.1"
    );
    let refused = |name: &str, pattern: &str| {
        let patterns = [(name.to_owned(), pattern.to_owned())].into();
        let settings = RedactSettings {
            patterns,
            ..RedactSettings::default()
        };
        Redactor::new(&settings).unwrap_err().to_string()
    };
    assert!(refused("x", "(").contains("no regular expression"));
    assert!(refused("x", "a*").contains("empty text"));
    assert!(refused("X y", "a").contains("lower-case"));
    assert!(refused("x", r"\w{5000}").contains("no regular expression"));
}

/// JSON that serde reads and writes as the same text.
fn json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z ]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[a-z]{1,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_panics_and_nothing_is_found_twice(text in "\\PC{0,200}") {
        let redactor = redactor();
        let once = redactor.session().redact_text(&text).into_owned();
        prop_assert_eq!(redactor.session().redact_text(&once), once.as_str());
    }

    #[test]
    fn texts_of_telling_characters_do_not_panic(text in "[-0-9@.:+/() a-fA-FxéeyJsk_=\"]{0,120}") {
        let redactor = redactor();
        let _redacted = redactor.session().redact_text(&text);
    }

    #[test]
    fn bytes_do_not_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let redactor = redactor();
        for kind in [None, Some("application/json"), Some("text/plain"), Some("text/event-stream")] {
            let _redacted = redactor.session().redact_body(&body, kind);
        }
    }

    #[test]
    fn an_address_is_found_anywhere(before in "[a-z ]{0,20}", local in "[a-z][a-z0-9]{0,10}", after in "[ ,;!?][a-z ]{0,20}") {
        let address = format!("{local}@example.com");
        let redactor = redactor();
        let text = format!("{before} {address}{after}");
        let redacted = redactor.session().redact_text(&text).into_owned();
        prop_assert_eq!(redacted, format!("{before} [email-1]{after}"));
    }

    #[test]
    fn harmless_json_stays_as_it_is(value in json()) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        let redactor = redactor();
        let redacted = redactor.session().redact_body(text.as_bytes(), Some("application/json"));
        prop_assert_eq!(String::from_utf8(redacted).unwrap(), text);
    }

    #[test]
    fn redacted_json_is_json(value in json(), address in "[a-z]{1,5}@[a-z]{1,5}\\.com") {
        let body = serde_json::json!({ "a": value, "\"q\\": format!("\"\\{address}") }).to_string();
        let redactor = redactor();
        let redacted = redactor.session().redact_body(body.as_bytes(), Some("application/json"));
        let read: serde_json::Value = serde_json::from_slice(&redacted).unwrap();
        prop_assert_eq!(read.get("\"q\\").unwrap().as_str().unwrap(), "\"\\[email-1]");
    }
}

/// What this thread has worked so far: on a busy machine little of the time that goes by.
fn worked() -> std::time::Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.try_into().unwrap()
}

#[test]
fn the_work_is_linear() {
    let redactor = redactor();
    for piece in [
        "a@",
        "eyJ-",
        "1 ",
        "password=",
        "a:",
        "-----BEGIN PRIVATE KEY",
        "\"",
        "+1 ",
        "a.b@c.",
        ";base64,",
        "DE89 ",
    ] {
        let text = piece.repeat(1 << 18 >> piece.len().ilog2());
        let before = worked();
        let _redacted = redactor.session().redact_text(&text);
        let took = worked().checked_sub(before).unwrap();
        assert!(took.as_secs() < 30, "{piece}: {took:?}");
    }
}
