//! Connection-level headers: they belong to one connection and are never forwarded (RFC 9110, section 7.6.1).

use http::{HeaderMap, HeaderName, header};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Removes the connection-level headers, those that `connection` names included.
pub fn strip_connection_headers(headers: &mut HeaderMap) {
    if let Some(named) = named_by_connection(headers) {
        for name in named {
            headers.remove(name);
        }
    }
    for name in [
        header::CONNECTION,
        KEEP_ALIVE,
        PROXY_CONNECTION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ] {
        headers.remove(name);
    }
}

fn named_by_connection(headers: &HeaderMap) -> Option<Vec<HeaderName>> {
    headers.get(header::CONNECTION)?;
    let names = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        // A caller must not be able to strip what frames or authenticates the message.
        .filter(|name: &HeaderName| {
            ![header::CONTENT_LENGTH, header::HOST, header::AUTHORIZATION].contains(name)
        })
        .collect();
    Some(names)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(sent: &[(&str, &str)], forwarded: &[&str]) {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        strip_connection_headers(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, forwarded, "{sent:?}");
    }

    #[test]
    fn only_connection_level_headers_go() {
        check(
            &[
                ("api-key", "k"),
                ("connection", "keep-alive"),
                ("keep-alive", "5"),
            ],
            &["api-key"],
        );
        check(
            &[
                ("connection", "close, X-Hop"),
                ("x-hop", "1"),
                ("x-end", "2"),
            ],
            &["x-end"],
        );
        check(
            &[
                ("transfer-encoding", "chunked"),
                ("te", "trailers"),
                ("upgrade", "x"),
            ],
            &[],
        );
        check(
            &[
                ("connection", "content-length, authorization"),
                ("content-length", "3"),
                ("authorization", "b"),
            ],
            &["authorization", "content-length"],
        );
    }
}
