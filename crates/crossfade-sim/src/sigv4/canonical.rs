//! The canonical form of a request: what both sides hash, whatever the transport did to spacing and case.

use std::fmt::Write as _;

use super::Request;

/// How the path on the wire becomes canonical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathNormalization {
    /// Empty and dot segments are resolved first.
    On,
    /// The path is taken as it is.
    Off,
}

/// Builds the canonical request. The path of the wire is encoded once more, as every service but S3 does.
pub fn canonical_request(
    request: &Request<'_>,
    signed_headers: &[String],
    payload_hash: &str,
    paths: PathNormalization,
) -> String {
    let (path, query) = request
        .target
        .split_once('?')
        .unwrap_or((request.target, ""));
    let mut out = format!("{}\n", request.method);
    let path = match paths {
        PathNormalization::On => normalize(path),
        PathNormalization::Off => path.to_owned(),
    };
    encode(&mut out, path.as_bytes(), b"/");
    out.push('\n');
    out.push_str(&canonical_query(query));
    out.push('\n');
    for name in signed_headers {
        out.push_str(name);
        out.push(':');
        out.push_str(&header_values(request, name));
        out.push('\n');
    }
    out.push('\n');
    out.push_str(&signed_headers.join(";"));
    out.push('\n');
    out.push_str(payload_hash);
    out
}

/// All values of a header: spaces trimmed and runs of them collapsed, several lines joined by commas.
fn header_values(request: &Request<'_>, name: &str) -> String {
    let values = request
        .headers
        .iter()
        .filter(|(n, _)| n.eq_ignore_ascii_case(name));
    let trimmed = values.map(|(_, value)| {
        value
            .split(' ')
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    });
    trimmed.collect::<Vec<_>>().join(",")
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encoded(&decode(name)), encoded(&decode(value)))
        })
        .collect();
    pairs.sort();
    let joined: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    joined.join("&")
}

fn normalize(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    let trailing = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    let end = if trailing && !kept.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{end}", kept.join("/"))
}

fn encoded(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    encode(&mut out, bytes, b"");
    out
}

fn encode(out: &mut String, bytes: &[u8], kept: &[u8]) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// Resolves percent-escapes; what is no escape stays as it is.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escape = match (byte, tail) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |d: &u8| char::from(*d).to_digit(16);
                digit(high)
                    .zip(digit(low))
                    .and_then(|(h, l)| u8::try_from(h * 16 + l).ok())
                    .map(|b| (b, after))
            }
            _ => None,
        };
        let (byte, tail) = escape.unwrap_or((byte, tail));
        out.push(byte);
        rest = tail;
    }
    out
}
