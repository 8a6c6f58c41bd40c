//! Where streams end, however they are cut.

use proptest::prelude::*;

use super::*;

const CHUNK: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
const COMPLETED: &str =
    "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{}}\n\n";

/// After how many bytes the stream is over, whatever the pieces it comes in.
fn check(stream: &str, expected: Option<usize>) {
    for size in [1, 2, 3, 7, stream.len().max(1)] {
        let mut end = StreamEnd::new();
        let mut fed = 0;
        let mut over = None;
        for piece in stream.as_bytes().chunks(size) {
            fed += piece.len();
            if end.feed(piece) && over.is_none() {
                over = Some(fed);
            }
            assert_eq!(end.is_over(), over.is_some());
        }
        match (over, expected) {
            (Some(over), Some(expected)) => {
                assert!(
                    (expected..expected + size).contains(&over),
                    "{stream:?} by {size}: {over}"
                );
            }
            (over, expected) => assert_eq!(over, expected, "{stream:?} by {size}"),
        }
    }
}

/// How long a stream is up to the end of `part`.
fn through(stream: &str, part: &str) -> usize {
    stream.find(part).unwrap() + part.len()
}

#[test]
fn the_end_mark_ends_it() {
    for mark in [
        "data: [DONE]",
        "data: [DONE]\n\n",
        "data:[DONE]\r\n\r\n",
        "data: [DONE] and more\n",
    ] {
        let stream = format!("{CHUNK}{mark}");
        check(&stream, Some(through(&stream, "[DONE]")));
    }
}

#[test]
fn a_responses_last_event_ends_it_with_its_data() {
    for kind in ["completed", "incomplete", "failed", "cancelled"] {
        let stream = COMPLETED.replace("completed", kind);
        check(&stream, Some(stream.len() - 1));
        let unnamed = format!("data: {{\"type\": \"response.{kind}\", \"response\": {{}}}}\n\n");
        check(&unnamed, Some(unnamed.len() - 1));
    }
    let crlf = COMPLETED.replace('\n', "\r\n");
    check(&crlf, Some(crlf.len() - 2));
}

#[test]
fn an_error_in_a_chunks_place_ends_it() {
    for error in [
        "data: {\"error\":{\"message\":\"m\"}}\n\n",
        "data: {\"error\": {\"message\":\"m\"}}\n\n",
        "event: error\ndata: {\"code\":\"server_error\"}\n\n",
        "data: {\"type\":\"error\",\"code\":null}\n\n",
    ] {
        let stream = format!("{CHUNK}{error}");
        check(&stream, Some(stream.len() - 1));
    }
}

#[test]
fn what_only_looks_like_it_does_not() {
    for stream in [
        CHUNK,
        "",
        "\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"data: [DONE]\"}}]}\n\n",
        "data: {\"choices\":[],\"error\":null}\n\n",
        "data: {\"error\":null,\"choices\":[]}\n\n",
        "event: response.completed\n\n",
        "event: response.completed\n\ndata: {\"type\":\"response.created\"}\n\n",
        "event: response.completed\ndata: {\"type\":\"response.comp",
        "data: {\"type\":\"response.completed_later\"}\n\n",
        ": data: [DONE]\n\n",
        "metadata: [DONE]\n\n",
        "data: {\"x\":\"response.completed\"}\n\n",
    ] {
        check(stream, None);
    }
}

proptest! {
    #[test]
    fn the_cuts_do_not_matter(cuts in prop::collection::vec(1usize..40, 1..60), last in 0usize..3) {
        let last = ["data: [DONE]\n\n", COMPLETED, ""][last];
        let stream = format!("{CHUNK}{CHUNK}{last}");
        let mut end = StreamEnd::new();
        let mut rest = stream.as_bytes();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            end.feed(piece);
            rest = after;
        }
        prop_assert_eq!(end.is_over(), !last.is_empty());
    }
}
