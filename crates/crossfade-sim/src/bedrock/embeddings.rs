//! InvokeModel for the embedding models of Titan and Cohere: vectors that depend on nothing but the text.
//!
//! Every other model's InvokeModel body is refused.

use std::io;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    Call,
    exception::{self, Exception},
    json::{items, object},
    prompt::tokens,
};
use crate::server::Reply;

const COHERE_BATCH: usize = 96;
const INPUT_TYPES: &[&str] = &[
    "search_document",
    "search_query",
    "classification",
    "clustering",
];

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
    let body: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|_| "Malformed input request, please reformat your input and try again.")?;
    if model.contains("titan-embed") {
        titan(model, &body)
    } else if model.contains("cohere.embed") {
        cohere(&body)
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
        return Err("Malformed input request: #/inputText: expected length between 1 and 50000, please reformat your \
                    input and try again."
            .to_owned());
    }
    let size = match body.get("dimensions").map(Value::as_u64) {
        None if second => 1024,
        None => 1536,
        Some(Some(size @ (256 | 512 | 1024))) => size,
        Some(_) => {
            return Err(
                "Malformed input request: #/dimensions: not a valid enum value.".to_owned(),
            );
        }
    };
    let (vector, count) = (json!(vector(text, size)), tokens(text));
    let answer = object([
        ("embedding", Some(vector.clone())),
        (
            "embeddingsByType",
            second.then(|| json!({ "float": vector })),
        ),
        ("inputTextTokenCount", Some(json!(count))),
    ]);
    Ok((answer, count))
}

fn cohere(body: &Map<String, Value>) -> Result<(Value, u64), String> {
    let known = &[
        "texts",
        "input_type",
        "truncate",
        "embedding_types",
        "output_dimension",
    ];
    known_members(body, known)?;
    let whole = Value::Object(body.clone());
    let texts: Vec<&str> = items(&whole, "texts")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    if texts.is_empty() || texts.len() > COHERE_BATCH {
        return Err(format!(
            "Malformed input request: #/texts: expected between 1 and {COHERE_BATCH} items, please reformat your input \
             and try again."
        ));
    }
    let kind = body
        .get("input_type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !INPUT_TYPES.contains(&kind) {
        return Err("Malformed input request: #/input_type: not a valid enum value.".to_owned());
    }
    let size = body
        .get("output_dimension")
        .and_then(Value::as_u64)
        .unwrap_or(1024);
    let vectors: Vec<Vec<f64>> = texts.iter().map(|text| vector(text, size)).collect();
    let (vectors, kind) = match body.get("embedding_types") {
        None => (json!(vectors), "embeddings_floats"),
        Some(_) => (json!({ "float": vectors }), "embeddings_by_type"),
    };
    let answer = json!({
        "id": uuid::Uuid::new_v4().to_string(),
        "texts": texts,
        "response_type": kind,
        "embeddings": vectors,
    });
    Ok((answer, texts.iter().map(|text| tokens(text)).sum()))
}

fn known_members(body: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(format!(
            "Malformed input request: #: extraneous key [{name}] is not permitted, please reformat your input and try \
             again."
        )),
    }
}

/// A vector of length one.
fn vector(text: &str, size: u64) -> Vec<f64> {
    let raw: Vec<f64> = (0..size)
        .map(|at| {
            let digest = Sha256::new()
                .chain_update(at.to_be_bytes())
                .chain_update(text)
                .finalize();
            let first: [u8; 4] = std::array::from_fn(|i| digest.get(i).copied().unwrap_or(0));
            f64::from(u32::from_be_bytes(first)) / f64::from(u32::MAX) - 0.5
        })
        .collect();
    let length = raw
        .iter()
        .map(|x| x * x)
        .sum::<f64>()
        .sqrt()
        .max(f64::MIN_POSITIVE);
    raw.into_iter().map(|x| x / length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(model: &str, body: &Value) -> Result<(Value, u64), String> {
        embed(model, body.to_string().as_bytes())
    }

    #[test]
    fn texts_become_vectors() {
        let v2 = "amazon.titan-embed-text-v2:0";
        let (answer, count) =
            ask(v2, &json!({"inputText": "hello you", "dimensions": 256})).unwrap();
        let vector: Vec<f64> = serde_json::from_value(answer["embedding"].clone()).unwrap();
        assert_eq!((vector.len(), count), (256, 3));
        assert!((vector.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-9);
        assert_eq!(
            answer["embeddingsByType"]["float"][0],
            answer["embedding"][0]
        );
        let (other, _) = ask(v2, &json!({"inputText": "hello me", "dimensions": 256})).unwrap();
        assert_ne!(other["embedding"], answer["embedding"]);
        let (first, _) = ask("amazon.titan-embed-text-v1", &json!({"inputText": "x"})).unwrap();
        assert_eq!(first["embedding"].as_array().unwrap().len(), 1536);
        let asked = json!({"texts": ["a", "b"], "input_type": "clustering"});
        let (both, count) = ask("cohere.embed-english-v3", &asked).unwrap();
        assert_eq!(
            (both["embeddings"].as_array().unwrap().len(), count),
            (2, 2)
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refused = |model: &str, body: Value| assert!(ask(model, &body).is_err(), "{body}");
        refused("amazon.titan-embed-text-v2:0", json!({}));
        refused(
            "amazon.titan-embed-text-v2:0",
            json!({"inputText": "a", "dimensions": 300}),
        );
        refused(
            "amazon.titan-embed-text-v1",
            json!({"inputText": "a", "dimensions": 256}),
        );
        refused("cohere.embed-v4:0", json!({"texts": ["a"]}));
        refused(
            "cohere.embed-v4:0",
            json!({"texts": vec!["a"; 97], "input_type": "clustering"}),
        );
        refused("amazon.nova-pro-v1:0", json!({"messages": []}));
    }
}
