//! Exchanges of the other operations: the same checks of a response, and those of embeddings.

use crossfade_exchange::{Check, CheckOutcome, Exchange, Operation, Severity};
use crossfade_openai::{
    chat::ToolKind,
    embeddings::{Embeddings, EncodingFormat},
    responses::{Closing, Echo, IncompleteReason, Mint, Outcome, Request, ResponseBuilder, Usage},
};
use serde_json::{Value, json};

use super::{
    super::*,
    Class,
    build::{error, exchange, recorded},
    verdict,
};

/// What is said in a response.
type Say = fn(&mut ResponseBuilder);

fn closing(outcome: Outcome) -> Closing {
    Closing {
        outcome,
        usage: Some(Usage::default()),
        ..Closing::default()
    }
}

fn mint() -> Mint {
    Mint::new(|kind| format!("{}1", kind.prefix()))
}

/// A whole response's body.
fn whole(say: Say) -> String {
    let head = Echo::of(&Request::default(), "m").head("resp_1".to_owned(), 1);
    let mut builder = ResponseBuilder::whole(head, mint());
    say(&mut builder);
    builder.close(closing(Outcome::Completed));
    String::from_utf8(builder.into_response().to_body().to_vec()).unwrap()
}

/// A streamed response's body. It begins with `event:`, so the recording must say what it is.
fn streamed(say: Say) -> String {
    let head = Echo::of(&Request::default(), "m").head("resp_1".to_owned(), 1);
    let mut builder = ResponseBuilder::streamed(head, mint(), Some(7));
    say(&mut builder);
    builder.close(closing(Outcome::Completed));
    let mut stream = bytes::BytesMut::new();
    builder.write_events(&mut stream);
    String::from_utf8(stream.to_vec()).unwrap()
}

fn call(builder: &mut ResponseBuilder, arguments: &str) {
    builder.call(0, ToolKind::Function, "call_1", "f");
    builder.call_input(0, arguments);
}

fn responses(request: &Value, primary: &str, candidate: &str) -> Exchange {
    Exchange {
        operation: Operation::Responses,
        path: "/openai/v1/responses".to_owned(),
        ..exchange(
            request,
            Some(recorded(200, primary)),
            Some(recorded(200, candidate)),
        )
    }
}

fn plain() -> Checks {
    Checks::new(CheckSettings::default()).unwrap()
}

#[test]
fn responses_are_judged_by_the_same_checks() {
    let check = |request: &Value, primary: Say, candidate: Say, expected: (Class, &str)| {
        let exchange = responses(request, &whole(primary), &whole(candidate));
        let (class, primary_bad, candidate_bad) = verdict(&plain(), &exchange);
        assert_eq!(
            (class.unwrap(), candidate_bad.as_str()),
            expected,
            "{request}"
        );
        assert_eq!(primary_bad, "");
    };
    let free = json!({"input": "q"});
    check(&free, |b| b.text("a"), |b| b.text("a"), (Class::Equal, ""));
    check(
        &free,
        |b| b.text("the cat sat on the mat"),
        |b| b.text("the cat sat on a mat"),
        (Class::Equivalent, ""),
    );
    check(
        &free,
        |b| b.text("yes"),
        |b| b.refusal("no"),
        (Class::CandidateInvalid, "refusal"),
    );
    let formatted = json!({"input": "q", "text": {"format": {"type": "json_schema", "name": "n",
        "schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}}});
    check(
        &formatted,
        |b| b.text(r#"{"a":1}"#),
        |b| b.text(r#"{"a":"x"}"#),
        (Class::CandidateInvalid, "json_schema"),
    );
    check(
        &formatted,
        |b| b.text(r#"{"a":1}"#),
        |b| b.text("a: 1"),
        (Class::CandidateInvalid, "json_parse"),
    );
    let tools = json!({"input": "q", "tools": [{"type": "function", "name": "f",
        "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}}]});
    check(
        &tools,
        |b| call(b, r#"{"x":1}"#),
        |b| call(b, r#"{ "x": 1 }"#),
        (Class::Equivalent, ""),
    );
    check(
        &tools,
        |b| call(b, r#"{"x":1}"#),
        |b| call(b, r#"{"x":"one"}"#),
        (Class::DifferentMajor, ""),
    );
    check(
        &tools,
        |b| call(b, r#"{"x":1}"#),
        |b| b.text("I called it."),
        (Class::DifferentMajor, ""),
    );
}

#[test]
fn streams_of_events_are_put_together() {
    let stream = |body: &str| {
        let mut recording = recorded(200, body);
        recording.content_type = Some("text/event-stream".to_owned());
        recording
    };
    let check = |candidate: &str, expected: (Class, &str)| {
        let primary = streamed(|b| b.text("a"));
        let exchange = Exchange {
            operation: Operation::Responses,
            streamed: true,
            ..exchange(
                &json!({"input": "q", "stream": true}),
                Some(stream(&primary)),
                Some(stream(candidate)),
            )
        };
        let (class, _, candidate_bad) = verdict(&plain(), &exchange);
        assert_eq!(
            (class.unwrap(), candidate_bad.as_str()),
            expected,
            "{candidate}"
        );
    };
    let whole_stream = streamed(|b| {
        b.summary("hm");
        b.text("a");
    });
    check(&whole_stream, (Class::Equal, ""));
    let cut = whole_stream
        .split("event: response.completed")
        .next()
        .unwrap();
    check(cut, (Class::CandidateError, "stream"));
    let failed = format!("{cut}event: error\ndata: {{\"type\":\"error\",\"code\":\"x\"}}\n\n");
    check(&failed, (Class::CandidateError, "stream"));
    check("data: rubbish\n\n", (Class::CandidateInvalid, "envelope"));
}

#[test]
fn a_response_that_is_cut_off_or_fails_says_so() {
    let head = || Echo::of(&Request::default(), "m").head("resp_1".to_owned(), 1);
    let text = whole(|b| b.text("a"));
    let mut builder = ResponseBuilder::whole(head(), mint());
    builder.text("a");
    builder.close(closing(Outcome::Incomplete(
        IncompleteReason::MaxOutputTokens,
    )));
    let cut = String::from_utf8(builder.into_response().to_body().to_vec()).unwrap();
    let exchange = responses(&json!({"input": "q"}), &text, &cut);
    let found = plain().compare(&exchange);
    let finish = found
        .checks
        .iter()
        .find(|result| result.check == Check::FinishReason)
        .unwrap();
    assert_eq!(finish.evidence.as_deref(), Some("stop -> length"));
    assert_eq!(finish.severity, Severity::Major);
    let mut builder = ResponseBuilder::whole(head(), mint());
    builder.fail("server_error", "sorry");
    let failed = String::from_utf8(builder.into_response().to_body().to_vec()).unwrap();
    let exchange = responses(&json!({"input": "q"}), &text, &failed);
    let (class, _, candidate_bad) = verdict(&plain(), &exchange);
    assert_eq!(
        (class, candidate_bad.as_str()),
        (Some(Class::CandidateInvalid), "envelope")
    );
}

/// Points on a circle at these angles, in degrees.
fn circle(angles: &[f32]) -> Vec<Vec<f32>> {
    let point = |angle: &f32| {
        let (sin, cos) = angle.to_radians().sin_cos();
        vec![cos, sin]
    };
    angles.iter().map(point).collect()
}

fn embeddings(vectors: Vec<Vec<f32>>, format: EncodingFormat) -> String {
    let body = Embeddings::new(vectors, format, "m".to_owned(), 4).to_body();
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn embeddings_are_judged_by_form_and_neighbours() {
    let check = |settings: CheckSettings,
                 request: &Value,
                 primary: &str,
                 candidate: &str,
                 expected: (Class, &str)| {
        let exchange = Exchange {
            operation: Operation::Embeddings,
            ..exchange(
                request,
                Some(recorded(200, primary)),
                Some(recorded(200, candidate)),
            )
        };
        let checks = Checks::new(settings).unwrap();
        let (class, _, candidate_bad) = verdict(&checks, &exchange);
        assert_eq!(
            (class.unwrap(), candidate_bad.as_str()),
            expected,
            "{request}"
        );
    };
    let usual = CheckSettings::default;
    let four = json!({"input": ["a", "b", "c", "d"]});
    let near = embeddings(circle(&[0.0, 10.0, 30.0, 80.0]), EncodingFormat::Float);
    let coded = embeddings(circle(&[0.0, 10.0, 30.0, 80.0]), EncodingFormat::Base64);
    let alike = embeddings(circle(&[5.0, 17.0, 40.0, 85.0]), EncodingFormat::Float);
    let turned = embeddings(circle(&[0.0, 80.0, 30.0, 10.0]), EncodingFormat::Float);
    check(usual(), &four, &near, &coded, (Class::Equal, ""));
    check(usual(), &four, &near, &alike, (Class::Equivalent, ""));
    check(usual(), &four, &near, &turned, (Class::DifferentMinor, ""));
    let strict: CheckSettings =
        serde_json::from_value(json!({"embeddings": {"neighbours": 0.5}})).unwrap();
    check(strict, &four, &near, &turned, (Class::DifferentMajor, ""));
    let three = embeddings(vec![vec![1.0, 0.0, 0.0]; 4], EncodingFormat::Float);
    check(usual(), &four, &near, &three, (Class::CandidateInvalid, ""));
    let rebuilt: CheckSettings =
        serde_json::from_value(json!({"embeddings": {"any_dimensions": true}})).unwrap();
    check(rebuilt, &four, &near, &three, (Class::Equivalent, ""));
    let envelope = (Class::CandidateInvalid, "envelope");
    let few = embeddings(circle(&[0.0]), EncodingFormat::Float);
    check(usual(), &four, &near, &few, envelope);
    let sized = json!({"input": ["a", "b", "c", "d"], "dimensions": 2});
    check(usual(), &sized, &near, &alike, (Class::Equivalent, ""));
    check(usual(), &sized, &near, &three, envelope);
    let uncounted = near.replace(",\"usage\":{\"prompt_tokens\":4,\"total_tokens\":4}", "");
    check(usual(), &four, &near, &uncounted, envelope);
    check(usual(), &four, &near, "{}", envelope);
    check(usual(), &four, &near, "data: {}\n\n", envelope);
}

#[test]
fn a_refused_list_of_texts_is_an_error_like_any_other() {
    let exchange = Exchange {
        operation: Operation::Embeddings,
        ..exchange(
            &json!({"input": ["a"]}),
            Some(recorded(
                200,
                &embeddings(circle(&[1.0]), EncodingFormat::Float),
            )),
            Some(recorded(400, &error("context_length_exceeded"))),
        )
    };
    let found = plain().compare(&exchange);
    assert_eq!(found.class, Some(Class::CandidateInvalid));
    let one = found
        .checks
        .iter()
        .find(|result| result.check == Check::Embeddings)
        .unwrap();
    assert_eq!(one.outcome, CheckOutcome::Na);
    assert_eq!(found.primary.unwrap().usage.unwrap().input, 4);
}

#[test]
fn what_counts_of_embeddings_is_their_form() {
    let names = format!(
        "{:?}",
        plain().applies(Operation::Embeddings, JsonMode::None)
    );
    assert_eq!(names, "{\"transport\", \"slow\", \"envelope\"}");
    assert_eq!(
        plain().applies(Operation::Responses, JsonMode::Schema),
        plain().applies(Operation::Chat, JsonMode::Schema)
    );
}
