//! Cases for the event decoder.

use proptest::prelude::*;

use super::*;

fn check(stream: &[u8], expected: &[(Option<&str>, &str)], end: End) {
    let (events, finished) = decode(stream);
    let seen: Vec<_> = events
        .iter()
        .map(|event| (event.event.as_deref(), event.data.as_str()))
        .collect();
    let text = String::from_utf8_lossy(stream);
    assert_eq!(seen, expected, "{text:?}");
    assert_eq!(finished, Ok(end), "{text:?}");
}

#[test]
fn streams() {
    check(b"", &[], End::Clean);
    check(b"\n\n\n", &[], End::Clean);
    check(b"data: a\n\n", &[(None, "a")], End::Clean);
    check(
        b"data:a\n\ndata: b\n\n",
        &[(None, "a"), (None, "b")],
        End::Clean,
    );
    check(b"data:  a\n\n", &[(None, " a")], End::Clean);
    check(
        b"data: a\r\rdata: b\r\r",
        &[(None, "a"), (None, "b")],
        End::Clean,
    );
    check(
        b"data: a\r\n\r\ndata: b\n\r\n",
        &[(None, "a"), (None, "b")],
        End::Clean,
    );
    check(
        b"data: a\r\n\rdata: b\n\r",
        &[(None, "a"), (None, "b")],
        End::Clean,
    );
    check(b"data: a\ndata: b\n\n", &[(None, "a\nb")], End::Clean);
    check(b"data\n\n", &[(None, "")], End::Clean);
    check(b"data:\ndata\n\n", &[(None, "\n")], End::Clean);
    check(b"\xef\xbb\xbfdata: a\n\n", &[(None, "a")], End::Clean);
    check(
        b"data: a\n\n\xef\xbb\xbfdata: b\n\n",
        &[(None, "a")],
        End::Clean,
    );
    check(b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", &[], End::Clean);
}

#[test]
fn names_comments_and_ends() {
    check(b": comment\n\ndata: a\n\n", &[(None, "a")], End::Clean);
    check(
        b":\ndata: a\n: between\ndata: b\n\n",
        &[(None, "a\nb")],
        End::Clean,
    );
    check(
        b"event: e\ndata: a\n\ndata: b\n\n",
        &[(Some("e"), "a"), (None, "b")],
        End::Clean,
    );
    check(b"data: b\nevent: e\n\n", &[(Some("e"), "b")], End::Clean);
    check(b"event: e\n\ndata: b\n\n", &[(None, "b")], End::Clean);
    check(b"event: e\nevent:\ndata: b\n\n", &[(None, "b")], End::Clean);
    check(
        b"event: e\nevent: f\ndata: b\n\n",
        &[(Some("f"), "b")],
        End::Clean,
    );
    check(
        b"id: 1\nretry: 5\nfoo: x\nDATA: x\n data: y\ndata: a\n\n",
        &[(None, "a")],
        End::Clean,
    );
    check(b"data: a:b: c\n\n", &[(None, "a:b: c")], End::Clean);
    check(
        b"data: \xff\xc3\n\n",
        &[(None, "\u{fffd}\u{fffd}")],
        End::Clean,
    );
    check(b"data: a", &[], End::WithinEvent);
    check(b"data: a\n", &[], End::WithinEvent);
    check(b"event: a\n", &[], End::WithinEvent);
    check(b"data: a\n\ndata: b\n", &[(None, "a")], End::WithinEvent);
    check(
        "data: žluťoučký\n\n".as_bytes(),
        &[(None, "žluťoučký")],
        End::Clean,
    );
}

#[test]
fn a_large_event_is_an_error_and_the_earlier_ones_stay() {
    let check = |limit, stream: &[u8], events: usize, fits: bool| {
        let mut decoder = Decoder::with_limit(limit);
        assert_eq!(decoder.feed(stream).len(), events);
        assert_eq!(decoder.error().is_none(), fits);
        assert_eq!(decoder.feed(b"\n\ndata: x\n\n").is_empty(), !fits);
        assert_eq!(decoder.finish().is_ok(), fits);
    };
    check(8, b"data: aa\n\n", 1, true);
    check(8, b"data: aaa\n\n", 0, false);
    check(8, b"data: a\n\ndata: aaa\n\n", 1, false);
    check(8, b"data: a\n\ndata: aaa", 1, false);
    check(12, b"data: a\ndata: aaaa\n\n", 1, true);
    check(12, b"data: a\ndata: aaaaa\n\n", 0, false);
    check(8, b": a long comment\n", 0, false);
}

#[test]
fn what_is_encoded_is_decoded() {
    let check = |data: &str, expected: &[u8]| {
        let bytes = encode_data(data);
        assert_eq!(bytes, expected);
        check(&bytes, &[(None, data)], End::Clean);
    };
    check("{}", b"data: {}\n\n");
    check(DONE, b"data: [DONE]\n\n");
    check("", b"data: \n\n");
    check("a\n\nb", b"data: a\ndata: \ndata: b\n\n");
    assert!(decode(b"data: [DONE]\n\n").0.iter().all(Event::is_done));
}

/// Bytes that are likely to mean something to the decoder.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"data: ".to_vec()),
        Just(b"data".to_vec()),
        Just(b"event:".to_vec()),
        Just(b": x".to_vec()),
        Just(b"id: 1".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\n\n".to_vec()),
        Just(b"\xef\xbb\xbf".to_vec()),
        Just("é€😀".as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn cuts_do_not_matter(
        stream in stream(),
        cuts in proptest::collection::vec(1_usize..9, 1..8),
        limit in prop_oneof![Just(DEFAULT_EVENT_LIMIT), 0_usize..40],
    ) {
        let mut whole = Decoder::with_limit(limit);
        let expected = whole.feed(&stream);
        let mut pieces = Decoder::with_limit(limit);
        let mut seen = Vec::new();
        let mut rest = stream.as_slice();
        for size in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, tail) = rest.split_at((*size).min(rest.len()));
            seen.extend(pieces.feed(piece));
            rest = tail;
        }
        prop_assert_eq!(expected, seen);
        prop_assert_eq!(whole.finish(), pieces.finish());
    }

    #[test]
    fn every_data_without_returns_survives(data in "[^\r]{0,40}") {
        let (events, end) = decode(&encode_data(&data));
        prop_assert_eq!(events, vec![Event { event: None, data }]);
        prop_assert_eq!(end, Ok(End::Clean));
    }
}
