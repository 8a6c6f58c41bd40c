//! Embeddings from the caller's body to the calls, and from recorded forms of answers back.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use crossfade_exchange::{Allowance, Failover, LossKind, MirrorOnlyReason, Operation, SideReport};
use crossfade_openai::embeddings::{Embeddings, EncodingFormat, MAX_INPUTS};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{dialect, prepare, request::Expected, *};
use crate::{
    Api, Auth, Candidate, CandidateSettings, Connection, Settings,
    answer::{AnswerError, Frame, Progress, Writer},
    eligibility,
};

const V1: &str = "amazon.titan-embed-text-v1";
const V2: &str = "amazon.titan-embed-text-v2:0";
const ENGLISH: &str = "cohere.embed-english-v3";
const V4: &str = "us.cohere.embed-v4:0";
const TASKS: &str = "amazon.nova-2-multimodal-embeddings-v1:0";

fn settings(model: &str) -> CandidateSettings {
    CandidateSettings {
        api: Api::Invoke,
        ..CandidateSettings::new(model)
    }
}

/// A request to a model gives these calls' bodies and these losses.
fn calls(model: &str, request: &Value, expected: &[Value], losses: &[&str]) {
    let asked = prepare(request.to_string().as_bytes(), &settings(model)).unwrap();
    let calls: Vec<Value> = asked
        .calls
        .iter()
        .map(|call| serde_json::from_slice(call).unwrap())
        .collect();
    assert_eq!(calls, expected, "{model}");
    let lost: Vec<&str> = asked.losses.iter().map(|loss| &*loss.field).collect();
    assert_eq!(lost, losses);
    assert!(
        asked
            .losses
            .iter()
            .all(|loss| loss.kind == LossKind::HintDropped)
    );
}

#[test]
fn each_form_is_asked_as_it_wants() {
    calls(
        V1,
        &json!({"input": "a"}),
        &[json!({"inputText": "a"})],
        &[],
    );
    calls(
        V1,
        &json!({"input": "a", "dimensions": 1536}),
        &[json!({"inputText": "a"})],
        &[],
    );
    calls(
        V2,
        &json!({"input": ["a", "b"], "dimensions": 256, "encoding_format": "base64", "model": "m"}),
        &[
            json!({"inputText": "a", "normalize": true, "dimensions": 256}),
            json!({"inputText": "b", "normalize": true, "dimensions": 256}),
        ],
        &[],
    );
    calls(
        ENGLISH,
        &json!({"input": ["a", "b"], "input_type": "query"}),
        &[json!({"texts": ["a", "b"], "input_type": "search_query", "truncate": "NONE"})],
        &[],
    );
    calls(
        V4,
        &json!({"input": "a", "dimensions": 512, "user": "u"}),
        &[
            json!({"texts": ["a"], "input_type": "search_document", "truncate": "NONE",
                 "embedding_types": ["float"], "output_dimension": 512}),
        ],
        &["user"],
    );
    calls(
        TASKS,
        &json!({"input": "a", "dimensions": 384}),
        &[
            json!({"schemaVersion": "nova-multimodal-embed-v1", "taskType": "SINGLE_EMBEDDING",
                 "singleEmbeddingParams": {"embeddingPurpose": "GENERIC_INDEX", "embeddingDimension": 384,
                                           "text": {"truncationMode": "NONE", "value": "a"}}}),
        ],
        &[],
    );
}

#[test]
fn what_the_form_cannot_say_is_a_loss() {
    for (model, word, lost) in [
        (V2, "query", true),
        (ENGLISH, "query", false),
        (ENGLISH, "poetry", true),
        (TASKS, "clustering", false),
        (TASKS, "poetry", true),
    ] {
        let request = json!({"input": "a", "input_type": word}).to_string();
        let asked = prepare(request.as_bytes(), &settings(model)).unwrap();
        assert_eq!(asked.losses.len(), usize::from(lost), "{model} {word}");
    }
}

#[test]
fn tokens_in_place_of_text_are_decoded() {
    let check = |input: Value, expected: &[&str]| {
        let request = json!({ "input": input }).to_string();
        let asked = prepare(request.as_bytes(), &settings(ENGLISH)).unwrap();
        let call: Value = serde_json::from_slice(&asked.calls[0]).unwrap();
        assert_eq!(call["texts"], json!(expected));
        let kinds: Vec<LossKind> = asked.losses.iter().map(|loss| loss.kind).collect();
        assert_eq!(kinds, [LossKind::TokensDecoded]);
    };
    check(json!([15339, 1917]), &["hello world"]);
    check(json!([[15339], [14957]]), &["hello", "world"]);
}

#[test]
fn bundles_hold_as_many_texts_as_a_call_takes() {
    let texts: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    let request = json!({ "input": texts }).to_string();
    let asked = prepare(request.as_bytes(), &settings(ENGLISH)).unwrap();
    assert_eq!(asked.expected.counts, [96, 96, 8]);
    let asked = prepare(request.as_bytes(), &settings(V2)).unwrap();
    assert_eq!(asked.expected.counts, [1; 200]);
}

#[test]
fn a_new_model_is_a_row_of_data() {
    let settings: CandidateSettings = toml::from_str(
        "model = 'acme.embed-1'\napi = 'invoke'\ncapabilities = { embeds = 'texts_sized', lengths = [8], texts = 2 }",
    )
    .unwrap();
    let body = json!({"input": ["a", "b", "c"], "dimensions": 8}).to_string();
    let asked = prepare(body.as_bytes(), &settings).unwrap();
    assert_eq!(asked.expected.counts, [2, 1]);
    assert_eq!(asked.expected.length, Some(8));
    for wrong in [
        "embeds = 'acme'",
        "lengths = [0]",
        "lengths = [1, 2, 3, 4, 5, 6, 7, 8, 9]",
    ] {
        let text = format!("model = 'm'\n[capabilities]\n{wrong}");
        assert!(
            toml::from_str::<CandidateSettings>(&text).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn what_cannot_be_embedded_is_refused_by_name() {
    let check = |model: &str, request: Value, field: &str| {
        let refused = prepare(request.to_string().as_bytes(), &settings(model)).unwrap_err();
        assert_eq!(refused.field, field, "{request}");
        assert!(!refused.to_string().contains("hunter2"));
    };
    check(V2, json!({"input": [999_999]}), "input");
    check(V2, json!({"input": [[1, 2], [999_999]]}), "input");
    check(V2, json!({"input": [[1, 2], []]}), "input[1]");
    check(V2, json!({"input": vec![[1]; MAX_INPUTS + 1]}), "input");
    check(V2, json!({"input": {"text": "hunter2"}}), "input");
    check(V2, json!({"input": []}), "input");
    check(V2, json!({"input": ""}), "input[0]");
    check(V2, json!({"input": ["a", ""]}), "input[1]");
    check(V2, json!({"input": vec!["a"; MAX_INPUTS + 1]}), "input");
    check(ENGLISH, json!({"input": "é".repeat(2049)}), "input[0]");
    check(V2, json!({"input": "a", "dimensions": 1536}), "dimensions");
    check(V2, json!({"input": "a", "dimensions": 3072}), "dimensions");
    check(V1, json!({"input": "a", "dimensions": 256}), "dimensions");
    check(
        TASKS,
        json!({"input": "a", "dimensions": 512}),
        "dimensions",
    );
    check(
        V2,
        json!({"input": "a", "encoding_format": "int8"}),
        "encoding_format",
    );
    check(V2, json!({"input": "a", "hunter2": 1}), "(unknown)");
    check(V2, json!({"inputs": "a"}), "input");
    check("amazon.nova-lite-v1:0", json!({"input": "a"}), "model");
    assert!(
        prepare(
            json!({"input": "é".repeat(2048)}).to_string().as_bytes(),
            &settings(ENGLISH)
        )
        .is_ok()
    );
}

#[test]
fn vectors_are_never_split_unless_the_index_was_rebuilt() {
    let body = br#"{"input":"a","user":"u"}"#;
    let allowance =
        |settings: &CandidateSettings| eligibility(Operation::Embeddings, body, settings);
    let mut settings = settings(V2);
    let mirrored = Ok(Allowance::MirrorOnly(MirrorOnlyReason::Embeddings));
    assert_eq!(allowance(&settings), mirrored);
    settings.losses.otherwise = crossfade_exchange::LossPolicy::MirrorOnly;
    assert_eq!(allowance(&settings), mirrored);
    settings.index_rebuilt = true;
    assert_eq!(
        allowance(&settings),
        Ok(Allowance::MirrorOnly(MirrorOnlyReason::Loss))
    );
    settings.losses = crossfade_exchange::LossPolicies::default();
    assert_eq!(allowance(&settings), Ok(Allowance::Either));
    settings.losses.otherwise = crossfade_exchange::LossPolicy::Refuse;
    assert_eq!(allowance(&settings).unwrap_err().field, "user");
    settings.api = Api::Converse;
    assert!(allowance(&settings).is_err());
}

#[test]
fn every_recorded_form_of_answer_is_read() {
    let check = |body: Value, vectors: &[&[f32]], tokens: Option<u64>| {
        let given = dialect::read(body.to_string().as_bytes()).unwrap();
        assert_eq!(given.vectors, vectors, "{body}");
        assert_eq!(given.tokens, tokens);
    };
    check(
        json!({"embedding": [0.5, -1.0], "inputTextTokenCount": 5}),
        &[&[0.5, -1.0]],
        Some(5),
    );
    check(
        json!({"embedding": [0.5], "embeddingsByType": {"float": [0.5]}, "inputTextTokenCount": 5}),
        &[&[0.5]],
        Some(5),
    );
    check(
        json!({"embeddings": [[0.5], [1.0]], "id": "x", "response_type": "embeddings_floats", "texts": ["a", "b"]}),
        &[&[0.5], &[1.0]],
        None,
    );
    check(
        json!({"embeddings": {"float": [[0.5]]}, "id": "x", "response_type": "embeddings_by_type", "texts": ["a"]}),
        &[&[0.5]],
        None,
    );
    check(
        json!({"embeddings": [{"embedding": [0.5], "embeddingType": "TEXT"}]}),
        &[&[0.5]],
        None,
    );
    assert_eq!(dialect::read(b"{}"), Err(AnswerError::Missing));
    assert_eq!(dialect::read(b"rubbish"), Err(AnswerError::Malformed));
    assert_eq!(
        dialect::read(br#"{"embeddings":{"int8":[[1]]}}"#),
        Err(AnswerError::Malformed)
    );
}

#[test]
fn vectors_have_unit_length_as_the_primarys() {
    assert_eq!(dialect::unit(vec![3.0, 4.0]), Ok(vec![0.6, 0.8]));
    assert_eq!(dialect::unit(vec![0.6, 0.8]), Ok(vec![0.6, 0.8]));
    assert_eq!(dialect::unit(vec![0.0, 0.0]), Ok(vec![0.0, 0.0]));
    assert_eq!(dialect::unit(vec![]), Err(AnswerError::Malformed));
    assert_eq!(dialect::unit(vec![f32::NAN]), Err(AnswerError::Malformed));
    assert_eq!(
        dialect::unit(vec![f32::INFINITY]),
        Err(AnswerError::Malformed)
    );
}

fn invoked(body: &Value, tokens: Option<u64>) -> Frame {
    Frame::Invoked(Invoked {
        body: body.to_string().into(),
        tokens,
    })
}

fn writer(counts: &[usize], length: Option<u64>, format: EncodingFormat) -> EmbeddingsWriter {
    let expected = Expected {
        counts: counts.to_vec(),
        length,
        format,
    };
    EmbeddingsWriter::new(expected, "text-embedding-3-small".to_owned())
}

#[test]
fn answers_are_put_together_in_order_and_tokens_added_up_edge_44() {
    let mut writer = writer(&[2, 1], Some(2), EncodingFormat::Float);
    let first = invoked(&json!({"embeddings": [[1.0, 0.0], [0.0, 1.0]]}), Some(7));
    assert_eq!(writer.push(first), Ok(Progress::Waiting));
    assert_eq!(writer.take(), None);
    let second = invoked(&json!({"embeddings": {"float": [[0.6, 0.8]]}}), Some(4));
    assert_eq!(writer.push(second), Ok(Progress::Complete));
    assert_eq!(
        writer.take().unwrap(),
        r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1.0,0.0]},{"object":"embedding","index":1,"embedding":[0.0,1.0]},{"object":"embedding","index":2,"embedding":[0.6,0.8]}],"model":"text-embedding-3-small","usage":{"prompt_tokens":11,"total_tokens":11}}"#
    );
    assert_eq!(writer.facts().usage.unwrap().input, 11);
    let mut writer = self::writer(&[1], None, EncodingFormat::Base64);
    // The body's own count is before the head's.
    let one = invoked(
        &json!({"embedding": [1.0], "inputTextTokenCount": 5}),
        Some(9),
    );
    assert_eq!(writer.push(one), Ok(Progress::Complete));
    let answer = Embeddings::from_slice(&writer.take().unwrap()).unwrap();
    assert_eq!(answer.usage.unwrap().total_tokens, 5);
    assert_eq!(
        serde_json::to_value(&answer.data[0].embedding).unwrap(),
        json!("AACAPw==")
    );
}

#[test]
fn a_wrong_number_of_vectors_or_of_numbers_is_no_answer() {
    let check = |counts: &[usize], length: Option<u64>, bodies: &[Value]| {
        let mut writer = writer(counts, length, EncodingFormat::Float);
        let mut last = Ok(Progress::Waiting);
        for body in bodies {
            last = writer.push(invoked(body, None));
        }
        assert_eq!(last, Err(AnswerError::Malformed), "{bodies:?}");
        assert_eq!(writer.take(), None);
    };
    check(&[2], None, &[json!({"embeddings": [[1.0]]})]);
    check(&[1], None, &[json!({"embeddings": [[1.0], [1.0]]})]);
    check(&[1], Some(2), &[json!({"embedding": [1.0]})]);
    check(
        &[1, 1],
        None,
        &[
            json!({"embedding": [1.0]}),
            json!({"embedding": [1.0, 0.0]}),
        ],
    );
    check(&[1], None, &[json!({"embedding": []})]);
}

/// How often each text was asked for.
type Asked = Arc<Mutex<HashMap<String, usize>>>;

/// A provider that embeds: a text "n" as the vector (1, n) turned to unit length. It is busy at the first call for "busy".
fn provider() -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    thread::spawn(move || {
        for socket in listener.incoming() {
            let seen = Arc::clone(&seen);
            thread::spawn(move || while answer(socket.as_ref().unwrap(), &seen).is_some() {});
        }
    });
    (url, asked)
}

/// Answers one call on a connection; `None` when it was closed.
fn answer(mut socket: &TcpStream, asked: &Asked) -> Option<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if socket.read(&mut byte).unwrap_or(0) == 0 {
            return None;
        }
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    assert!(
        head.starts_with("post /model/amazon.titan-embed-text-v2%3a0/invoke "),
        "{head}"
    );
    let length = head.split("content-length: ").nth(1).unwrap();
    let mut body = vec![0; length.split("\r\n").next().unwrap().parse().unwrap()];
    socket.read_exact(&mut body).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let text = body["inputText"].as_str().unwrap();
    let times = {
        let mut asked = asked.lock().unwrap();
        let times = asked.entry(text.to_owned()).or_default();
        *times += 1;
        *times
    };
    let (status, more, body) = match (text, times) {
        ("busy", 1) => (
            "429 Too Many Requests",
            "x-amzn-errortype: ThrottlingException\r\nretry-after: 0\r\n",
            "{}".to_owned(),
        ),
        ("forbidden", _) => (
            "403 Forbidden",
            "x-amzn-errortype: AccessDeniedException\r\n",
            r#"{"message":"arn:aws:iam::123456789012:user/x is not authorized"}"#.to_owned(),
        ),
        _ => (
            "200 OK",
            "x-amzn-bedrock-input-token-count: 3\r\n",
            json!({"embedding": [1.0, text.parse::<f32>().unwrap_or(0.0)]}).to_string(),
        ),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{more}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(answer.as_bytes()).ok()
}

/// What a candidate over this provider answers to a request for embeddings.
async fn ask(url: &str, request: &Value) -> (u16, SideReport, Value) {
    let connection = Connection::new(Settings {
        endpoint: Some(url.to_owned()),
        auth: Auth::ApiKey("key".to_owned()),
        ..Settings::new("us-east-1")
    })
    .await;
    let candidate = Candidate::new(connection, settings(V2));
    let request =
        http::Request::post("/openai/deployments/embed/embeddings?api-version=2024-10-21")
            .extension(crossfade_exchange::Face {
                model: Some("text-embedding-3-small".to_owned()),
                ..crossfade_exchange::Face::default()
            })
            .body(request.to_string().into())
            .unwrap();
    let answer = candidate.oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let report = answer.extensions().get::<SideReport>().unwrap().clone();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, report, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn many_texts_keep_their_order_and_only_what_failed_is_asked_again() {
    let (url, asked) = provider();
    let mut texts: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    texts.push("busy".to_owned());
    let (status, report, answer) = ask(&url, &json!({"input": texts})).await;
    assert_eq!((status, report.failover, report.retries), (200, None, 1));
    let answer: Embeddings = serde_json::from_value(answer).unwrap();
    assert_eq!(answer.model, "text-embedding-3-small");
    assert_eq!(answer.usage.unwrap().prompt_tokens, 41 * 3);
    for (at, embedding) in answer.data.iter().enumerate() {
        let [one, n] = embedding.embedding.floats().unwrap()[..] else {
            panic!("{embedding:?}");
        };
        let expected = if at == 40 {
            0.0
        } else {
            f32::from(u16::try_from(at).unwrap())
        };
        assert!((n / one - expected).abs() < 1e-3, "{at}: {one} {n}");
        assert_eq!(embedding.index, at as u64);
    }
    assert_eq!(report.late.get().unwrap().usage.unwrap().input, 41 * 3);
    let asked = asked.lock().unwrap();
    assert_eq!(asked["busy"], 2);
    // Calls that were under way beside the one that failed may be made again, those that were answered not.
    assert!(asked.values().sum::<usize>() <= 42 + 7, "{asked:?}");
}

#[tokio::test]
async fn our_own_permissions_are_not_the_callers() {
    let (url, _asked) = provider();
    let (status, report, answer) = ask(&url, &json!({"input": "forbidden"})).await;
    assert_eq!(
        (status, report.failover),
        (500, Some(Failover::Configuration))
    );
    assert!(!answer.to_string().contains("arn:"), "{answer}");
}
