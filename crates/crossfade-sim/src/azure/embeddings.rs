//! Embeddings: the same text always lies at the same place, near texts with the same words.

use std::io;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Call, error::Refusal, headers, request};
use crate::{openai::tokens, server::Reply, vectors};

const DIMENSIONS: u64 = 1536;
const MAX_INPUTS: usize = 2048;

/// Answers, or says why not; the outer error is the socket's.
pub(super) async fn answer(
    call: &mut Call<'_>,
    reply: &mut Reply,
) -> io::Result<Result<(), Refusal>> {
    let made = make(call);
    let (deployment, tokens, body) = match made {
        Ok(made) => made,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let model = call.options.embedding_model.clone();
    let head = headers::of_model(call, &deployment, &model, tokens)
        .header("Content-Type", "application/json");
    reply.pause(call.scene.pace.first_content).await?;
    reply.whole(head, body.as_bytes()).await.map(Ok)
}

fn make(call: &Call<'_>) -> Result<(String, u64, String), Refusal> {
    let body = request::parse(&call.request.body)?;
    let deployment = request::deployment(call, &body)?;
    let inputs = inputs(body.get("input"))?;
    let dimensions = body
        .get("dimensions")
        .and_then(Value::as_u64)
        .unwrap_or(DIMENSIONS);
    if dimensions == 0 || dimensions > DIMENSIONS {
        return Err(Refusal::invalid(
            format!("dimensions must be 1 to {DIMENSIONS}"),
            Some("dimensions"),
        ));
    }
    let base64 = body.get("encoding_format").and_then(Value::as_str) == Some("base64");
    let data = inputs.iter().enumerate().map(|(index, text)| {
        let vector = vector(&call.options.embedding_model, text, dimensions);
        let embedding = if base64 {
            let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
            Value::from(STANDARD.encode(bytes))
        } else {
            Value::from(vector)
        };
        json!({"embedding": embedding, "index": index, "object": "embedding"})
    });
    let tokens = inputs.iter().map(|text| tokens(text)).sum::<u64>();
    let body = json!({
        "data": data.collect::<Vec<_>>(),
        "model": call.options.embedding_model,
        "object": "list",
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    });
    Ok((deployment, tokens, format!("{body}\n")))
}

/// The texts (or token lists, as text) to embed.
fn inputs(input: Option<&Value>) -> Result<Vec<String>, Refusal> {
    let refuse = || {
        Refusal::invalid(
            "'$.input' is invalid. Please check the API reference.",
            None,
        )
    };
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(tokens) if tokens.iter().all(Value::is_u64) => Some(value.to_string()),
        _ => None,
    };
    let inputs: Option<Vec<String>> = match input {
        Some(Value::Array(many)) if !many.iter().all(Value::is_u64) => {
            many.iter().map(text).collect()
        }
        Some(one) => text(one).map(|one| vec![one]),
        None => None,
    };
    inputs
        .filter(|all| (1..=MAX_INPUTS).contains(&all.len()))
        .ok_or_else(refuse)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "embeddings are 32-bit floats on this wire"
)]
fn vector(model: &str, text: &str, dimensions: u64) -> Vec<f32> {
    let exact = vectors::vector(model, text, dimensions);
    exact.into_iter().map(|x| x as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_come_in_four_shapes() {
        let check = |input: Value, expected: Option<usize>| {
            assert_eq!(
                inputs(Some(&input)).ok().map(|all| all.len()),
                expected,
                "{input}"
            );
        };
        check(json!("a"), Some(1));
        check(json!(["a", "b"]), Some(2));
        check(json!([1, 2, 3]), Some(1));
        check(json!([[1, 2], [3]]), Some(2));
        check(json!({}), None);
        check(json!(["a", {}]), None);
    }

    #[test]
    fn vectors_are_of_unit_length_and_depend_on_the_text() {
        let a = vector("m", "a", 64);
        assert!((a.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-3);
        assert_eq!(a, vector("m", "a", 64));
        assert_ne!(a, vector("m", "b", 64));
    }
}
