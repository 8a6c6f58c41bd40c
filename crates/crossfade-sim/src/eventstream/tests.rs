use proptest::prelude::*;

use super::*;

const MESSAGE_STOP: &str = "0000007a00000051ca2c46650b3a6576656e742d7479706507000b6d65737361676553746f700d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b2273746f70526561736f6e223a22656e645f7475726e227d5fbf09fc";
const THROTTLING: &str = "0000008800000061de0175f40f3a657863657074696f6e2d747970650700137468726f74746c696e67457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d657373616765223a22736c6f7720646f776e227d832ee072";

fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: &u8| u8::try_from(char::from(*byte).to_digit(16).unwrap()).unwrap();
    text.as_bytes()
        .chunks(2)
        .map(|pair| digit(&pair[0]) << 4 | digit(&pair[1]))
        .collect()
}

fn decode(bytes: &[u8]) -> Result<Vec<Frame>, FrameError> {
    in_pieces(bytes, bytes.len().max(1))
}

fn in_pieces(bytes: &[u8], size: usize) -> Result<Vec<Frame>, FrameError> {
    let (mut decoder, mut frames) = (Decoder::new(), Vec::new());
    for piece in bytes.chunks(size) {
        decoder.feed(piece);
        while let Some(frame) = decoder.next_frame()? {
            frames.push(frame);
        }
    }
    decoder.finish().map(|()| frames)
}

/// Prelude and checksums around a headers block and a payload.
fn framed(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let total = u32::try_from(headers.len() + payload.len() + 16).unwrap();
    let mut out = total.to_be_bytes().to_vec();
    out.extend(u32::try_from(headers.len()).unwrap().to_be_bytes());
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out.extend(headers);
    out.extend(payload);
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out
}

#[test]
fn encodes_the_published_frames() {
    fn check(frame: &Frame, expected: &str) {
        assert_eq!(frame.encode().as_ref(), unhex(expected));
        assert_eq!(
            decode(&unhex(expected)).unwrap(),
            std::slice::from_ref(frame)
        );
    }
    check(
        &Frame::event("messageStop", r#"{"stopReason":"end_turn"}"#),
        MESSAGE_STOP,
    );
    check(
        &Frame::exception("throttlingException", r#"{"message":"slow down"}"#),
        THROTTLING,
    );
}

#[test]
fn reads_every_header_type() {
    let block = b"\x01a\x00\x01b\x01\x01c\x02\xff\x01d\x03\xff\xfe\x01e\x04\x00\x00\x00\x07\x01f\x05\x00\x00\x00\x00\x00\x00\x00\x08\
        \x01g\x06\x00\x02\x00\xff\x01h\x07\x00\x03hey\x01i\x08\x00\x00\x00\x00\x00\x00\x00\x09\x01j\x09ABCDEFGHIJKLMNOP";
    let expected = [
        ("a", HeaderValue::Bool(true)),
        ("b", HeaderValue::Bool(false)),
        ("c", HeaderValue::Byte(-1)),
        ("d", HeaderValue::Short(-2)),
        ("e", HeaderValue::Int(7)),
        ("f", HeaderValue::Long(8)),
        ("g", HeaderValue::Bytes(Bytes::from_static(&[0, 255]))),
        ("h", HeaderValue::Text("hey".to_owned())),
        ("i", HeaderValue::Timestamp(9)),
        ("j", HeaderValue::Uuid(*b"ABCDEFGHIJKLMNOP")),
    ];
    let bytes = framed(block, b"load");
    let frames = decode(&bytes).unwrap();
    let headers: Vec<_> = expected
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    assert_eq!(
        frames,
        [Frame {
            headers,
            payload: Bytes::from_static(b"load")
        }]
    );
    assert_eq!(frames[0].encode().as_ref(), bytes);
    assert_eq!(
        (frames[0].text("h"), frames[0].text("g")),
        (Some("hey"), None)
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn refuses_what_is_no_frame() {
    fn check(bytes: &[u8], expected: &FrameError) {
        for size in [1, 7, bytes.len()] {
            assert_eq!(
                in_pieces(bytes, size).unwrap_err(),
                *expected,
                "in pieces of {size}"
            );
        }
    }
    fn flipped(at: usize) -> Vec<u8> {
        let mut bytes = unhex(MESSAGE_STOP);
        bytes[at] ^= 1;
        bytes
    }
    fn lengths(total: u32, headers: u32) -> Vec<u8> {
        let mut bytes = total.to_be_bytes().to_vec();
        bytes.extend(headers.to_be_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes
    }
    check(&flipped(0), &FrameError::PreludeChecksum);
    check(&flipped(7), &FrameError::PreludeChecksum);
    check(&flipped(11), &FrameError::PreludeChecksum);
    check(&flipped(40), &FrameError::MessageChecksum);
    check(&flipped(100), &FrameError::MessageChecksum);
    check(&flipped(121), &FrameError::MessageChecksum);
    check(
        &lengths(15, 0),
        &FrameError::Length {
            total: 15,
            headers: 0,
        },
    );
    check(
        &lengths(30, 15),
        &FrameError::Length {
            total: 30,
            headers: 15,
        },
    );
    check(
        &lengths(17 << 20, 0),
        &FrameError::Length {
            total: 17 << 20,
            headers: 0,
        },
    );
    check(
        &lengths(1 << 20, 200_000),
        &FrameError::Length {
            total: 1 << 20,
            headers: 200_000,
        },
    );
    check(&unhex(MESSAGE_STOP)[..121], &FrameError::Incomplete(121));
    check(&framed(b"\x05a", b""), &FrameError::Header);
    check(&framed(b"\x00\x00", b""), &FrameError::Header);
    check(&framed(b"\x01a\x07\x00\x09ab", b""), &FrameError::Header);
    check(&framed(b"\x01a\x07\x00\x01\xff", b""), &FrameError::Header);
    check(&framed(b"\x01a\x0a", b""), &FrameError::HeaderType(10));
    check(
        &framed(b"\x01a\x00\x01a\x01", b""),
        &FrameError::DuplicateHeader("a".to_owned()),
    );
    check(b"no frame at all", &FrameError::PreludeChecksum);
}

#[test]
fn errors_outside_the_model_are_all_headers() {
    let frame = decode(&Frame::error("internal", "broke").encode())
        .unwrap()
        .remove(0);
    assert_eq!(frame.text(":message-type"), Some("error"));
    assert_eq!(frame.text(":error-code"), Some("internal"));
    assert_eq!(frame.text(":error-message"), Some("broke"));
}

fn any_value() -> impl Strategy<Value = HeaderValue> {
    prop_oneof![
        any::<bool>().prop_map(HeaderValue::Bool),
        any::<i8>().prop_map(HeaderValue::Byte),
        any::<i16>().prop_map(HeaderValue::Short),
        any::<i32>().prop_map(HeaderValue::Int),
        any::<i64>().prop_map(HeaderValue::Long),
        any::<Vec<u8>>().prop_map(|b| HeaderValue::Bytes(b.into())),
        any::<String>().prop_map(HeaderValue::Text),
        any::<i64>().prop_map(HeaderValue::Timestamp),
        any::<[u8; 16]>().prop_map(HeaderValue::Uuid),
    ]
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let headers = prop::collection::btree_map("[a-z:-]{1,20}", any_value(), 0..5);
    (headers, any::<Vec<u8>>()).prop_map(|(headers, payload)| Frame {
        headers: headers.into_iter().collect(),
        payload: payload.into(),
    })
}

proptest! {
    #[test]
    fn pieces_do_not_matter(frames in prop::collection::vec(any_frame(), 0..5), size in 1_usize..50) {
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
        prop_assert_eq!(in_pieces(&bytes, size).unwrap(), frames);
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, size in 1_usize..50) {
        prop_assert!(in_pieces(&bytes, size).is_err() || bytes.is_empty());
    }
}

/// Published vectors, when the directory of recorded data is at hand.
#[test]
fn published_vectors_decode() {
    use base64::Engine as _;
    for path in vectors() {
        let vector: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let unbase64 = |text: &serde_json::Value| {
            base64::engine::general_purpose::STANDARD
                .decode(text.as_str().unwrap())
                .unwrap()
        };
        let bytes = unbase64(&vector["frame_b64"]);
        for size in 1..=bytes.len() {
            let frames = in_pieces(&bytes, size);
            if vector.get("expect_error").is_some() {
                assert!(frames.is_err(), "{}", path.display());
                continue;
            }
            let frames = frames.unwrap();
            assert_eq!(frames.len(), 1, "{}", path.display());
            assert_eq!(frames[0].payload.as_ref(), unbase64(&vector["payload_b64"]));
            let names: Vec<&String> = frames[0].headers.iter().map(|(name, _)| name).collect();
            let expected: Vec<&String> = vector["headers"].as_object().unwrap().keys().collect();
            assert_eq!(names, expected, "{}", path.display());
            assert_eq!(frames[0].encode(), bytes, "{}", path.display());
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test is told by the environment where the data lies"
)]
fn vectors() -> Vec<std::path::PathBuf> {
    let Ok(data) = std::env::var("CROSSFADE_DATA") else {
        return Vec::new();
    };
    let folder = std::path::Path::new(&data).join("vectors/eventstream");
    let paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    assert!(!paths.is_empty(), "no vectors");
    paths
}
