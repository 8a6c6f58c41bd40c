//! InvokeModel for the embedding models of Titan, Cohere and Nova, within their limits.
//!
//! Every other model's InvokeModel body is refused.

use std::io;

use serde_json::{Map, Value, json};

use super::{
    Call,
    exception::{self, Exception},
    json::{items, object},
    prompt::tokens,
};
use crate::{server::Reply, vectors::vector};

const COHERE_BATCH: usize = 96;
const INPUT_TYPES: &[&str] = &[
    "search_document",
    "search_query",
    "classification",
    "clustering",
];
const OF_COHERE_4: &[&str] = &[
    "texts",
    "input_type",
    "truncate",
    "embedding_types",
    "output_dimension",
    "max_tokens",
    "images",
    "inputs",
];
const PURPOSES: &[&str] = &[
    "GENERIC_INDEX",
    "GENERIC_RETRIEVAL",
    "TEXT_RETRIEVAL",
    "CLASSIFICATION",
    "CLUSTERING",
];
const MAX_TOKENS: u64 = 8192;

/// A refusal in the words of the service's check of a body.
fn malformed(what: &str) -> String {
    format!("Malformed input request: {what}, please reformat your input and try again.")
}

/// Answers; the outer error is the socket's.
pub(super) async fn answer(
    call: Call<'_>,
    model: &str,
    reply: &mut Reply,
) -> io::Result<Result<(), Exception>> {
    let (body, count) = match embed(model, &call.request.body) {
        Ok(embedded) => embedded,
        Err(message) => return Ok(Err(Exception::validation(message))),
    };
    let pace = call.scene.pace;
    reply.pause(pace.first_content).await?;
    let head = exception::head(200, &call.options.clock, "application/json")
        .header(
            "X-Amzn-Bedrock-Invocation-Latency",
            pace.first_content.as_millis().to_string(),
        )
        .header("X-Amzn-Bedrock-Input-Token-Count", count.to_string());
    reply.whole(head, body.to_string().as_bytes()).await.map(Ok)
}

/// The answer's body and the number of prompt tokens.
fn embed(model: &str, body: &[u8]) -> Result<(Value, u64), String> {
    let body: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| malformed("#: not a JSON object"))?;
    if model.contains("titan-embed") {
        titan(model, &body)
    } else if model.contains("cohere.embed") {
        cohere(model, &body)
    } else if model.contains("nova-2-multimodal-embeddings") {
        nova(model, &body)
    } else {
        Err("The provided model does not support this request.".to_owned())
    }
}

fn titan(model: &str, body: &Map<String, Value>) -> Result<(Value, u64), String> {
    let second = model.contains("v2");
    let known: &[&str] = if second {
        &["inputText", "dimensions", "normalize", "embeddingTypes"]
    } else {
        &["inputText"]
    };
    known_members(body, known)?;
    let text = body
        .get("inputText")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if text.is_empty() || text.chars().count() > 50_000 {
        return Err(malformed(
            "#/inputText: expected length between 1 and 50000",
        ));
    }
    let size = match (body.get("dimensions"), second) {
        (None, true) => 1024,
        (None, false) => 1536,
        (Some(_), _) => one_of(body, "dimensions", &[256, 512, 1024])?,
    };
    let (vector, count) = (json!(vector(model, text, size)), tokens(text));
    if count > MAX_TOKENS {
        return Err(format!(
            "400 Bad Request: Too many input tokens. Max input tokens: {MAX_TOKENS}, request input token count: {count}"
        ));
    }
    let whole = Value::Object(body.clone());
    let types: Vec<&str> = items(&whole, "embeddingTypes")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    if types.iter().any(|kind| !["float", "binary"].contains(kind)) {
        return Err(malformed("#/embeddingTypes: not a valid enum value"));
    }
    let float = types.is_empty() || types.contains(&"float");
    let by_type = object([
        ("float", float.then(|| vector.clone())),
        ("binary", types.contains(&"binary").then(|| signs(&vector))),
    ]);
    let answer = object([
        ("embedding", float.then_some(vector)),
        ("embeddingsByType", second.then_some(by_type)),
        ("inputTextTokenCount", Some(json!(count))),
    ]);
    Ok((answer, count))
}

/// One bit for each number: whether it is above zero.
fn signs(vector: &Value) -> Value {
    let numbers = vector.as_array().map_or(&[][..], Vec::as_slice);
    numbers
        .iter()
        .map(|number| json!(u8::from(number.as_f64().is_some_and(|x| x > 0.0))))
        .collect()
}

fn cohere(model: &str, body: &Map<String, Value>) -> Result<(Value, u64), String> {
    let fourth = model.contains("v4");
    let texts = cohere_texts(body, fourth)?;
    let size = match (body.get("output_dimension"), fourth) {
        (None, true) => 1536,
        (None, false) => 1024,
        (Some(_), _) => one_of(body, "output_dimension", &[256, 512, 1024, 1536])?,
    };
    let vectors: Vec<Vec<f64>> = texts.iter().map(|text| vector(model, text, size)).collect();
    let (vectors, kind) = if body.contains_key("embedding_types") {
        (json!({ "float": vectors }), "embeddings_by_type")
    } else {
        (json!(vectors), "embeddings_floats")
    };
    let answer = json!({
        "id": uuid::Uuid::new_v4().to_string(),
        "texts": texts,
        "response_type": kind,
        "embeddings": vectors,
    });
    Ok((answer, texts.iter().map(|text| tokens(text)).sum()))
}

/// The texts of a request whose members are as they should be.
fn cohere_texts(body: &Map<String, Value>, fourth: bool) -> Result<Vec<&str>, String> {
    known_members(
        body,
        &[
            "texts",
            "input_type",
            "truncate",
            "embedding_types",
            "images",
        ],
    )
    .or_else(|wrong| {
        if fourth {
            known_members(body, OF_COHERE_4)
        } else {
            Err(wrong)
        }
    })?;
    let list = |name: &str| {
        body.get(name)
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice)
    };
    let texts: Vec<&str> = list("texts").iter().filter_map(Value::as_str).collect();
    if texts.is_empty() || texts.len() > COHERE_BATCH || texts.len() != list("texts").len() {
        return Err(malformed(&format!(
            "#/texts: expected between 1 and {COHERE_BATCH} texts"
        )));
    }
    if texts.iter().any(|text| text.is_empty()) {
        return Err("Invalid parameter combination: texts must not be empty.".to_owned());
    }
    word_of(body, "input_type", INPUT_TYPES, None)?;
    let cuts: &[&str] = if fourth {
        &["NONE", "LEFT", "RIGHT"]
    } else {
        &["NONE", "START", "END"]
    };
    let truncate = word_of(body, "truncate", cuts, Some("NONE"))?;
    // The older ones count characters, and refuse what they were not told to cut.
    if !fourth && truncate == "NONE" && texts.iter().any(|text| text.chars().count() > 2048) {
        return Err(malformed("#/texts: expected maxLength: 2048"));
    }
    let known = ["float", "int8", "uint8", "binary", "ubinary"];
    let unknown = |kind: &Value| !known.iter().any(|known| kind == known);
    if list("embedding_types").iter().any(unknown) {
        return Err(malformed("#/embedding_types: not a valid enum value"));
    }
    Ok(texts)
}

fn nova(model: &str, body: &Map<String, Value>) -> Result<(Value, u64), String> {
    known_members(
        body,
        &["schemaVersion", "taskType", "singleEmbeddingParams"],
    )?;
    word_of(
        body,
        "schemaVersion",
        &["nova-multimodal-embed-v1"],
        Some("nova-multimodal-embed-v1"),
    )?;
    word_of(body, "taskType", &["SINGLE_EMBEDDING"], None)?;
    let Some(Value::Object(params)) = body.get("singleEmbeddingParams") else {
        return Err(malformed(
            "#: required key [singleEmbeddingParams] not found",
        ));
    };
    known_members(
        params,
        &[
            "embeddingPurpose",
            "embeddingDimension",
            "text",
            "image",
            "audio",
            "video",
        ],
    )?;
    word_of(params, "embeddingPurpose", PURPOSES, None)?;
    let size = match params.get("embeddingDimension") {
        None => 3072,
        Some(_) => one_of(params, "embeddingDimension", &[256, 384, 1024, 3072])?,
    };
    let Some(Value::Object(text)) = params.get("text") else {
        return Err(malformed(
            "#/singleEmbeddingParams: required key [text] not found",
        ));
    };
    known_members(text, &["truncationMode", "value", "source"])?;
    let cut = word_of(text, "truncationMode", &["NONE", "START", "END"], None)?;
    let value = text
        .get("value")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if value.is_empty() {
        return Err(malformed(
            "#/singleEmbeddingParams/text/value: expected minLength: 1",
        ));
    }
    let count = tokens(value);
    if count > MAX_TOKENS && cut == "NONE" {
        return Err(format!(
            "The input has {count} tokens, more than the maximum of {MAX_TOKENS}."
        ));
    }
    let answer = json!({
        "embeddings": [{"embeddingType": "TEXT", "embedding": vector(model, value, size)}],
    });
    Ok((answer, count.min(MAX_TOKENS)))
}

fn known_members(body: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(malformed(&format!(
            "#: extraneous key [{name}] is not permitted"
        ))),
    }
}

/// A number of a closed list.
fn one_of(body: &Map<String, Value>, name: &str, known: &[u64]) -> Result<u64, String> {
    let given = body.get(name).and_then(Value::as_u64);
    given
        .filter(|given| known.contains(given))
        .ok_or_else(|| malformed(&format!("#/{name}: not a valid enum value")))
}

/// A word of a closed list; without a default it must be there.
fn word_of<'b>(
    body: &'b Map<String, Value>,
    name: &str,
    known: &[&str],
    default: Option<&'b str>,
) -> Result<&'b str, String> {
    let given = match body.get(name) {
        None => default,
        Some(given) => given.as_str(),
    };
    given
        .filter(|given| known.contains(given))
        .ok_or_else(|| malformed(&format!("#/{name}: not a valid enum value")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITAN: &str = "amazon.titan-embed-text-v2:0";
    const TITAN_1: &str = "amazon.titan-embed-text-v1";
    const COHERE: &str = "cohere.embed-english-v3";
    const COHERE_4: &str = "us.cohere.embed-v4:0";
    const NOVA: &str = "amazon.nova-2-multimodal-embeddings-v1:0";

    fn ask(model: &str, body: &Value) -> Result<(Value, u64), String> {
        embed(model, body.to_string().as_bytes())
    }

    /// The length of the vector at a pointer.
    fn size(model: &str, body: &Value, pointer: &str) -> usize {
        let (answer, _) = ask(model, body).unwrap();
        answer.pointer(pointer).unwrap().as_array().unwrap().len()
    }

    fn texts(model: &str, more: &Value) -> Result<(Value, u64), String> {
        let mut body = json!({"texts": ["a", "b"], "input_type": "clustering"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().cloned().unwrap());
        ask(model, &body)
    }

    fn single(dimension: u64, value: &str, cut: &str) -> Value {
        json!({
            "schemaVersion": "nova-multimodal-embed-v1",
            "taskType": "SINGLE_EMBEDDING",
            "singleEmbeddingParams": {
                "embeddingPurpose": "GENERIC_INDEX",
                "embeddingDimension": dimension,
                "text": {"truncationMode": cut, "value": value},
            },
        })
    }

    #[test]
    fn texts_become_vectors() {
        let (answer, count) =
            ask(TITAN, &json!({"inputText": "hello you", "dimensions": 256})).unwrap();
        let vector: Vec<f64> = serde_json::from_value(answer["embedding"].clone()).unwrap();
        assert_eq!((vector.len(), count), (256, 3));
        assert!((vector.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-9);
        assert_eq!(
            answer["embeddingsByType"]["float"][0],
            answer["embedding"][0]
        );
        let binary = json!({"inputText": "hello", "embeddingTypes": ["binary"]});
        let (bits, _) = ask(TITAN, &binary).unwrap();
        assert_eq!(
            (bits.get("embedding"), bits["embeddingsByType"].get("float")),
            (None, None)
        );
        assert_eq!(
            size(TITAN_1, &json!({"inputText": "x"}), "/embedding"),
            1536
        );
        let (both, count) = texts(COHERE, &json!({})).unwrap();
        assert_eq!(
            (both["embeddings"].as_array().unwrap().len(), count),
            (2, 2)
        );
        let (typed, _) = texts(
            COHERE_4,
            &json!({"embedding_types": ["float"], "output_dimension": 512}),
        )
        .unwrap();
        assert_eq!(
            typed["embeddings"]["float"][1].as_array().unwrap().len(),
            512
        );
        assert_eq!(
            size(NOVA, &single(384, "hi", "END"), "/embeddings/0/embedding"),
            384
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refused = |model: &str, body: Value, part: &str| {
            let message = ask(model, &body).expect_err("should be refused");
            assert!(message.contains(part), "{message}");
        };
        refused(TITAN, json!({}), "#/inputText");
        refused(
            TITAN,
            json!({"inputText": "a", "dimensions": 300}),
            "#/dimensions",
        );
        refused(
            TITAN,
            json!({"inputText": "a", "embeddingTypes": ["int8"]}),
            "#/embeddingTypes",
        );
        refused(
            TITAN,
            json!({"inputText": "word ".repeat(8000)}),
            "Too many input tokens",
        );
        refused(
            TITAN_1,
            json!({"inputText": "a", "dimensions": 256}),
            "extraneous key",
        );
        refused(COHERE_4, json!({"texts": ["a"]}), "#/input_type");
        refused(
            COHERE_4,
            json!({"texts": vec!["a"; 97], "input_type": "clustering"}),
            "#/texts",
        );
        refused(
            "amazon.nova-pro-v1:0",
            json!({"messages": []}),
            "does not support",
        );
        refused(NOVA, single(512, "hi", "END"), "#/embeddingDimension");
        refused(NOVA, single(256, "", "END"), "minLength");
        refused(
            NOVA,
            single(256, &"word ".repeat(8000), "NONE"),
            "more than the maximum",
        );
        refused(
            NOVA,
            json!({"taskType": "SINGLE_EMBEDDING"}),
            "singleEmbeddingParams",
        );
    }

    #[test]
    fn coheres_generations_differ() {
        let check = |model: &str, more: Value, part: Option<&str>| {
            let refused = texts(model, &more).err();
            assert_eq!(
                refused.is_some(),
                part.is_some(),
                "{model} {more}: {refused:?}"
            );
            assert!(
                refused
                    .unwrap_or_default()
                    .contains(part.unwrap_or_default())
            );
        };
        let long = json!({"texts": ["x".repeat(2049)]});
        check(COHERE, long.clone(), Some("2048"));
        check(COHERE_4, long, None);
        check(
            COHERE,
            json!({"output_dimension": 256}),
            Some("extraneous key"),
        );
        check(
            COHERE_4,
            json!({"output_dimension": 300}),
            Some("#/output_dimension"),
        );
        check(COHERE, json!({"truncate": "END"}), None);
        check(COHERE_4, json!({"truncate": "END"}), Some("#/truncate"));
        check(COHERE_4, json!({"truncate": "RIGHT"}), None);
        check(
            COHERE_4,
            json!({"texts": ["a", ""]}),
            Some("must not be empty"),
        );
        check(
            COHERE_4,
            json!({"embedding_types": ["double"]}),
            Some("#/embedding_types"),
        );
    }
}
