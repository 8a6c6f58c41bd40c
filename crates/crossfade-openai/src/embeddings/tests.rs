//! Cases for embeddings.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn inputs_have_four_shapes() {
    let check = |input: Value, expected: Input, count: Option<usize>| {
        let body = json!({ "input": input }).to_string();
        let request = Request::from_slice(body.as_bytes()).unwrap();
        assert_eq!((request.input.count(), &request.input), (count, &expected));
        assert_eq!(serde_json::to_string(&request).unwrap(), body);
    };
    check(json!("a"), Input::Text("a".into()), Some(1));
    check(
        json!(["a", "b"]),
        Input::Texts(vec!["a".into(), "b".into()]),
        Some(2),
    );
    check(json!([]), Input::Texts(vec![]), Some(0));
    check(json!([1, 2]), Input::Tokens(vec![1, 2]), Some(1));
    check(
        json!([[1], [2, 3]]),
        Input::TokenLists(vec![vec![1], vec![2, 3]]),
        Some(2),
    );
    check(json!({"x": 1}), Input::Other(json!({"x": 1})), None);
    check(json!(["a", 1]), Input::Other(json!(["a", 1])), None);
}

#[test]
fn a_wrong_field_is_named() {
    let check = |body: &str, message: &str| {
        assert_eq!(
            Request::from_slice(body.as_bytes())
                .unwrap_err()
                .to_string(),
            message
        );
    };
    check("{}", "input: missing or of the wrong type");
    check(
        r#"{"input":"a","dimensions":"secret"}"#,
        "dimensions: missing or of the wrong type",
    );
}

#[test]
fn answers_have_the_references_form() {
    let answer = |format| Embeddings::new(vec![vec![1.0, -0.5], vec![0.1]], format, "m".into(), 3);
    assert_eq!(
        answer(EncodingFormat::Float).to_body(),
        r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1.0,-0.5]},{"object":"embedding","index":1,"embedding":[0.1]}],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}"#
    );
    let encoded = answer(EncodingFormat::Base64);
    assert_eq!(
        encoded.data[0].embedding,
        Vector::Base64("AACAPwAAAL8=".into())
    );
    assert_eq!(Embeddings::from_slice(&encoded.to_body()).unwrap(), encoded);
}

#[test]
fn base64_that_is_no_vector() {
    for text in ["?", "AAA=", "AACAPwA="] {
        assert_eq!(
            Vector::Base64(text.into()).floats(),
            Err(NotAVector),
            "{text}"
        );
    }
    assert_eq!(Vector::Base64(String::new()).floats(), Ok(vec![]));
}

proptest! {
    #[test]
    fn a_vector_is_the_same_in_both_forms(vector in proptest::collection::vec(-10.0_f32..10.0, 0..40)) {
        let plain = Vector::encode(vector.clone(), EncodingFormat::Float);
        let text = serde_json::to_string(&plain).unwrap();
        prop_assert_eq!(serde_json::from_str::<Vector>(&text).unwrap().floats().unwrap(), vector.clone());
        let coded = Vector::encode(vector.clone(), EncodingFormat::Base64);
        prop_assert_eq!(coded.floats().unwrap(), vector);
    }
}
