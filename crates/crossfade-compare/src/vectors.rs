//! Embeddings reduced to what the checks compare, with the first defect of their form.

use crossfade_openai::{
    chat::TokenCounts,
    embeddings::{Embedding, Embeddings},
};

/// What one side answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Vectors {
    /// The vectors in the order of their texts.
    pub(crate) rows: Vec<Vec<f32>>,
    /// Tokens, if the answer says them.
    pub(crate) counts: Option<TokenCounts>,
    /// The first thing that is wrong with the form.
    pub(crate) defect: Option<&'static str>,
}

// === impl Vectors ===

impl Vectors {
    /// Reduces an answer.
    pub(crate) fn of(embeddings: &Embeddings) -> Self {
        let mut defect = None;
        let mut found = |wrong: bool, what: &'static str| {
            if wrong {
                defect.get_or_insert(what);
            }
        };
        found(embeddings.object != Embeddings::OBJECT, "no_object");
        found(embeddings.data.is_empty(), "no_vectors");
        let in_order = (0..)
            .zip(&embeddings.data)
            .all(|(place, one)| one.index == place);
        found(!in_order, "wrong_order");
        let named = |one: &Embedding| one.object == Embedding::OBJECT;
        found(!embeddings.data.iter().all(named), "no_object");
        let mut rows: Vec<Vec<f32>> = Vec::with_capacity(embeddings.data.len());
        for one in &embeddings.data {
            match one.embedding.floats() {
                Ok(row) => {
                    let first = rows.first().map_or(row.len(), Vec::len);
                    found(row.is_empty(), "empty_vector");
                    found(row.len() != first, "different_lengths");
                    found(!row.iter().all(|n| n.is_finite()), "not_finite");
                    rows.push(row);
                }
                Err(_) => found(true, "not_a_vector"),
            }
        }
        let counts = embeddings.usage.as_ref().map(|usage| TokenCounts {
            prompt: usage.prompt_tokens,
            ..TokenCounts::default()
        });
        Self {
            rows,
            counts,
            defect,
        }
    }

    /// How long the vectors are: the first one, where they differ.
    pub(crate) fn dimensions(&self) -> usize {
        self.rows.first().map_or(0, Vec::len)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn defects_of_form_are_named() {
        let check = |body: Value, defect: Option<&str>| {
            let embeddings = Embeddings::from_slice(body.to_string().as_bytes()).unwrap();
            assert_eq!(Vectors::of(&embeddings).defect, defect, "{body}");
        };
        let one = |index: u64, vector: Value| json!({"object": "embedding", "index": index, "embedding": vector});
        let list = |data: Vec<Value>| json!({"object": "list", "data": data});
        check(
            list(vec![one(0, json!([1.0])), one(1, json!("AACAPw=="))]),
            None,
        );
        check(list(vec![]), Some("no_vectors"));
        check(json!({"data": [one(0, json!([1.0]))]}), Some("no_object"));
        check(
            list(vec![json!({"index": 0, "embedding": [1.0]})]),
            Some("no_object"),
        );
        check(
            list(vec![one(1, json!([1.0])), one(0, json!([1.0]))]),
            Some("wrong_order"),
        );
        check(list(vec![one(0, json!("?"))]), Some("not_a_vector"));
        check(list(vec![one(0, json!([]))]), Some("empty_vector"));
        check(
            list(vec![one(0, json!([1.0])), one(1, json!([1.0, 2.0]))]),
            Some("different_lengths"),
        );
        check(list(vec![one(0, json!("AADAfw=="))]), Some("not_finite"));
    }
}
