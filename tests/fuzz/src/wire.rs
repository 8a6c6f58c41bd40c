//! Any bytes are read without a panic, and the same however they are cut.

use arbitrary::Unstructured;
use crossfade_openai::{
    assemble, chat, embeddings, first_content::FirstContent, responses, scan, sse,
};

/// Reads the bytes as everything that comes in over a wire.
pub fn wire(input: &[u8]) {
    let mut bytes = Unstructured::new(input);
    let size = bytes.int_in_range(1..=64_usize).unwrap_or(1);
    let rest = bytes.take_rest();
    let (whole, cut) = (read(rest, usize::MAX), read(rest, size));
    assert_eq!(whole, cut, "events differ with the cuts");
    let mut first = FirstContent::new();
    let fed =
        |first: &mut FirstContent, size: usize| rest.chunks(size).any(|piece| first.feed(piece));
    let once = fed(&mut FirstContent::new(), usize::MAX);
    assert_eq!(
        once,
        fed(&mut first, size),
        "the first content differs with the cuts"
    );
    drop(scan::scan(rest));
    drop(assemble::assemble(rest));
    drop(assemble::assemble_response(rest));
    requests(rest);
}

/// What was read as a request reads the same once it was written.
fn requests(bytes: &[u8]) {
    if let Ok(request) = chat::Request::from_slice(bytes) {
        let again = serde_json::to_vec(&request).map(|text| chat::Request::from_slice(&text));
        assert!(
            matches!(again, Ok(Ok(again)) if again == request),
            "a chat request changes"
        );
    }
    drop(responses::Request::from_slice(bytes));
    drop(embeddings::Request::from_slice(bytes));
}

fn read(bytes: &[u8], size: usize) -> (Vec<sse::Event>, bool) {
    let mut decoder = sse::Decoder::new();
    let events = bytes
        .chunks(size)
        .flat_map(|piece| decoder.feed(piece))
        .collect();
    (events, matches!(decoder.finish(), Ok(sse::End::Clean)))
}
