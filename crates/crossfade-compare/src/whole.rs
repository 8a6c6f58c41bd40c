//! A recorded answer as one plain document: codings undone, a stream put together. For those who keep or show answers;
//! the checks read recordings by themselves. It takes nothing out.

use bytes::Bytes;
use crossfade_exchange::{Operation, Recording};
use crossfade_openai::{
    assemble::{Assembler, ResponseAssembler},
    sse,
};

use crate::{decode, state::is_stream};

/// An answer as one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The bytes, without any coding.
    pub body: Bytes,
    /// What they are; `None` if it was not said.
    pub content_type: Option<String>,
}

/// An answer as one document; a stream becomes what would have been sent if none had been asked for, as far as it came.
/// `None` where the bytes cannot be read: a coding that is unknown or broken, or more than 8 MiB.
pub fn whole(recording: &Recording, operation: Operation) -> Option<Whole> {
    let plain = decode::decode(&recording.body, recording.content_encoding.as_deref()).ok()?;
    if !is_stream(recording, &plain) {
        let untouched = plain.len() == recording.body.len() && recording.content_encoding.is_none();
        return Some(Whole {
            body: if untouched {
                recording.body.clone()
            } else {
                Bytes::from(plain.into_owned())
            },
            content_type: recording.content_type.clone(),
        });
    }
    let json = assembled(&plain, operation)?;
    Some(Whole {
        body: json.into(),
        content_type: Some("application/json".to_owned()),
    })
}

/// What of a stream is understood, as JSON; `None` if nothing is.
fn assembled(body: &[u8], operation: Operation) -> Option<Vec<u8>> {
    let (events, _) = sse::decode(body);
    let mut seen = false;
    match operation {
        Operation::Chat => {
            let mut assembler = Assembler::new();
            for event in &events {
                // What comes after an event that is no chunk is left out, as a client would.
                if assembler.push_data(&event.data).is_err() {
                    break;
                }
                seen = true;
            }
            serde_json::to_vec(&assembler.into_partial()).ok()
        }
        Operation::Responses => {
            let mut assembler = ResponseAssembler::new();
            for event in &events {
                if assembler.push_data(&event.data).is_err() {
                    break;
                }
                seen = true;
            }
            serde_json::to_vec(&assembler.into_partial()).ok()
        }
        Operation::Embeddings => None,
    }
    .filter(|_| seen)
}

#[cfg(test)]
mod tests {
    use crossfade_exchange::{Ending, Role, Side, Timings};
    use serde_json::Value;

    use super::*;

    fn recording(content_type: &str, encoding: Option<&str>, body: Vec<u8>) -> Recording {
        Recording {
            side: Side::Primary,
            role: Role::Answering,
            ending: Ending::Complete,
            status: Some(200),
            content_type: Some(content_type.to_owned()),
            content_encoding: encoding.map(str::to_owned),
            body: body.into(),
            truncated: false,
            timings: Timings::default(),
            failover: None,
            losses: Vec::new(),
            usage: None,
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    const CHUNKS: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hel\"}}]}\n\n\
        data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\n\n";

    #[test]
    fn bodies_come_out_plain() {
        let plain = whole(
            &recording("application/json", None, b"{}".to_vec()),
            Operation::Chat,
        );
        assert_eq!(plain.unwrap().body, "{}");
        let zipped = recording("application/json", Some("gzip"), gzip(b"{}"));
        assert_eq!(whole(&zipped, Operation::Chat).unwrap().body, "{}");
        let broken = recording("application/json", Some("gzip"), b"{}".to_vec());
        assert_eq!(whole(&broken, Operation::Chat), None);
    }

    #[test]
    fn streams_come_out_as_one_document_as_far_as_they_came() {
        for end in [
            "data: [DONE]\n\n",
            "",
            "data: {\"error\":{\"code\":\"x\"}}\n\n",
        ] {
            let stream = format!("{CHUNKS}{end}").into_bytes();
            let found = whole(
                &recording("text/event-stream", None, stream),
                Operation::Chat,
            );
            let found = found.unwrap();
            assert_eq!(found.content_type.as_deref(), Some("application/json"));
            let json: Value = serde_json::from_slice(&found.body).unwrap();
            assert_eq!(json["choices"][0]["message"]["content"], "Hello", "{end}");
        }
        let none = recording("text/event-stream", None, b"data: nonsense\n\n".to_vec());
        assert_eq!(whole(&none, Operation::Chat), None);
        let vectors = recording("text/event-stream", None, CHUNKS.into());
        assert_eq!(whole(&vectors, Operation::Embeddings), None);
    }
}
