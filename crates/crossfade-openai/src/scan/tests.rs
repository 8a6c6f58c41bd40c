//! Cases for the scan.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn check(body: &str, expected: Scan) {
    assert_eq!(scan(body.as_bytes()), Ok(expected), "{body}");
}

#[test]
fn fields() {
    let none = Scan::default;
    check("{}", none());
    check(
        r#"{"model":"m"}"#,
        Scan {
            model: Some("m".into()),
            ..none()
        },
    );
    check(
        r#"{"m\u006fdel":"m\u00fc"}"#,
        Scan {
            model: Some("mü".into()),
            ..none()
        },
    );
    check(
        r#"{"stream":true}"#,
        Scan {
            stream: true,
            ..none()
        },
    );
    check(
        r#"{"stream_options":{"x":[],"include_usage":true}}"#,
        Scan {
            include_usage: true,
            ..none()
        },
    );
    check(r#"{"include_usage":true}"#, none());
    check(r#"{"response_format":{"type":"text"}}"#, none());
    check(
        r#"{"response_format":{"type":"json_object"}}"#,
        Scan {
            json: JsonMode::Object,
            ..none()
        },
    );
    check(
        r#"{"response_format":{"json_schema":{"type":"x"},"type":"json_schema"}}"#,
        Scan {
            json: JsonMode::Schema,
            ..none()
        },
    );
    check(
        r#"{"text":{"verbosity":"low","format":{"type":"json_schema"}}}"#,
        Scan {
            json: JsonMode::Schema,
            ..none()
        },
    );
}

#[test]
fn more_fields() {
    let none = Scan::default;
    check(r#"{"tools":[]}"#, none());
    check(
        r#"{"tools":[{}],"functions":[]}"#,
        Scan {
            tools: true,
            ..none()
        },
    );
    check(
        r#"{"functions":[{},{}]}"#,
        Scan {
            tools: true,
            ..none()
        },
    );
    check(
        r#"{"n":2}"#,
        Scan {
            n: Some(2),
            ..none()
        },
    );
    check(
        r#"{"max_tokens":5}"#,
        Scan {
            max_output_tokens: Some(5),
            ..none()
        },
    );
    check(
        r#"{"max_output_tokens":5}"#,
        Scan {
            max_output_tokens: Some(5),
            ..none()
        },
    );
    check(
        r#"{"max_completion_tokens":6,"max_tokens":5}"#,
        Scan {
            max_output_tokens: Some(6),
            ..none()
        },
    );
}

#[test]
fn users_and_state() {
    let none = Scan::default;
    check(
        r#"{"user":"u"}"#,
        Scan {
            user: Some("u".into()),
            ..none()
        },
    );
    check(
        r#"{"safety_identifier":"s","user":"u"}"#,
        Scan {
            user: Some("s".into()),
            ..none()
        },
    );
    check(
        r#"{"background":true,"store":false}"#,
        Scan {
            background: true,
            store: Some(false),
            ..none()
        },
    );
    check(
        r#"{"previous_response_id":null,"conversation":null,"prompt":"text"}"#,
        none(),
    );
    for state in [
        r#""previous_response_id":"r""#,
        r#""conversation":{"id":"c"}"#,
        r#""conversation":"c""#,
        r#""prompt":{"id":"p"}"#,
    ] {
        check(
            &format!("{{{state}}}"),
            Scan {
                previous_response: true,
                ..none()
            },
        );
    }
}

#[test]
fn wrong_types_count_as_missing() {
    for field in [
        r#""model":1"#,
        r#""model":{"a":[{}]}"#,
        r#""model":null"#,
        r#""stream":"true""#,
        r#""stream":1"#,
        r#""stream_options":[true]"#,
        r#""stream_options":true"#,
        r#""response_format":"json_object""#,
        r#""response_format":{"type":["json_object"]}"#,
        r#""tools":{"a":1}"#,
        r#""tools":"x""#,
        r#""n":-1"#,
        r#""max_tokens":1.5"#,
        r#""max_tokens":"5""#,
        r#""user":false"#,
        r#""messages":"x""#,
        r#""messages":{"role":"user"}"#,
        r#""messages":null"#,
        r#""messages":[1,"a",null]"#,
        r#""messages":[{"role":5},{"role":null},{}]"#,
        r#""store":"x""#,
        r#""input":7"#,
        r#""input":[[1,2],[3]]"#,
        r#""input":["a","b"]"#,
        r#""instructions":null"#,
        r#""text":"x""#,
        r#""prompt":["a"]"#,
    ] {
        check(&format!("{{{field}}}"), Scan::default());
    }
}

#[test]
fn the_last_of_equal_keys_counts() {
    check(
        r#"{"model":"a","stream":true,"tools":[1],"messages":[{"role":"user"}],"response_format":{"type":"json_object"},
            "stream_options":{"include_usage":true},"model":"b","stream":false,"tools":[],"messages":[],"response_format":null,"stream_options":{}}"#,
        Scan {
            model: Some("b".into()),
            ..Scan::default()
        },
    );
    check(r#"{"user":"u","user":5}"#, Scan::default());
}

#[test]
fn conversations() {
    let check = |body: &str, expected: &[&str]| {
        let ranges = scan(body.as_bytes()).unwrap().conversation;
        let seen: Vec<_> = ranges
            .into_iter()
            .map(|range| body.get(range).unwrap())
            .collect();
        assert_eq!(seen, expected, "{body}");
    };
    check(r#"{"messages":[]}"#, &[]);
    check(
        r#"{"messages": [ {"role":"user","content":"a"} ] }"#,
        &[r#"{"role":"user","content":"a"}"#],
    );
    check(
        r#"{"x":"ü","messages":[{"role":"system","content":"é"},{"content":"d","role":"developer"},{"role":"user","content":[{"role":"x"}]},{"role":"user","content":"later"}]}"#,
        &[
            r#"{"role":"system","content":"é"}"#,
            r#"{"content":"d","role":"developer"}"#,
            r#"{"role":"user","content":[{"role":"x"}]}"#,
        ],
    );
    check(
        r#"{"messages":[{"role":"assistant"},{"role":"system"},{"role":"user"}]}"#,
        &[r#"{"role":"user"}"#],
    );
    check(
        r#"{"messages":[{"role":"system"}]}"#,
        &[r#"{"role":"system"}"#],
    );
    check(
        r#"{"messages":[{"role":"user","role":"assistant"},{"r\u006fle":"user"}]}"#,
        &[r#"{"r\u006fle":"user"}"#],
    );
    check(
        r#"{"instructions":"i","input":"hello"}"#,
        &[r#""i""#, r#""hello""#],
    );
    check(
        r#"{"input":"hello","instructions":"i"}"#,
        &[r#""i""#, r#""hello""#],
    );
    check(
        r#"{"input":[{"type":"message","role":"developer"},{"role":"user","content":"q"},{"role":"user"}]}"#,
        &[
            r#"{"type":"message","role":"developer"}"#,
            r#"{"role":"user","content":"q"}"#,
        ],
    );
    check(
        r#"{"input":"ignored","messages":[{"role":"user"}]}"#,
        &[r#"{"role":"user"}"#],
    );
}

#[test]
fn bad_bodies_say_where_and_not_what() {
    let check = |body: &[u8], expected: ScanError| {
        let error = scan(body).unwrap_err();
        assert_eq!(error, expected, "{}", String::from_utf8_lossy(body));
        assert!(!error.to_string().contains("secret"));
    };
    let at = |line, column| ScanError::NotJson { line, column };
    check(b"", at(1, 0));
    check(b"secret", at(1, 1));
    check(b"{\"model\":\"secret\"", at(1, 17));
    check(b"{} {}", at(1, 4));
    check(b"{\n\"a\":secret}", at(2, 5));
    check(b"\"secret\"", ScanError::NotAnObject);
    check(b"[{\"secret\":1}]", ScanError::NotAnObject);
    check(b"null", ScanError::NotAnObject);
    assert!(scan(b"{\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}").is_err());
}

#[test]
fn depth_does_not_matter_where_it_is_skipped() {
    let deep = "[".repeat(20_000) + &"]".repeat(20_000);
    let check = |body: String| assert!(scan(body.as_bytes()).is_ok(), "{body:.40}");
    check(format!("{{\"x\":{deep}}}"));
    check(format!(
        "{{\"messages\":[{{\"role\":\"user\",\"content\":{deep}}}]}}"
    ));
    check(format!("{{\"tools\":[{deep}]}}"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in any::<Vec<u8>>()) {
        let _scan = scan(&body);
    }

    #[test]
    fn any_text_like_json_is_read_or_refused(
        body in "[\\[\\]{}:,\"\\\\a0-]{0,12}(\"(model|messages|input|role|text|format)\":[\\[{\"0-9a-z}\\]]{0,6}){0,3}",
    ) {
        let _scan = scan(body.as_bytes());
        let _scan = scan(format!("{{{body}}}").as_bytes());
    }

    #[test]
    fn a_conversation_is_found_wherever_it_stands(
        system in proptest::collection::vec(".{0,8}", 0..3),
        user in ".{0,12}",
        model in ".{0,12}",
        turns in 0_usize..4,
        last in any::<bool>(),
    ) {
        let mut messages: Vec<Value> =
            system.iter().map(|text| json!({"role": "system", "content": text})).collect();
        messages.push(json!({"role": "user", "content": user}));
        let opening = messages.clone();
        for _ in 0..turns {
            messages.push(json!({"role": "assistant", "content": "a"}));
            messages.push(json!({"role": "user", "content": "b"}));
        }
        let mut body = serde_json::Map::new();
        if last {
            body.insert("model".to_owned(), json!(model));
        }
        body.insert("messages".to_owned(), Value::Array(messages));
        body.insert("model".to_owned(), json!(model));
        let text = serde_json::to_string_pretty(&body).unwrap();
        let scan = scan(text.as_bytes()).unwrap();
        let seen: Vec<Value> = scan
            .conversation
            .iter()
            .map(|range| serde_json::from_slice(&text.as_bytes()[range.clone()]).unwrap())
            .collect();
        prop_assert_eq!(seen, opening);
        prop_assert_eq!(scan.model, Some(model));
    }
}
