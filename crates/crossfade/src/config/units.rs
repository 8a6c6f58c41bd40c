//! Values with units as they are written in the file: durations, sizes, addresses of endpoints, digests. Each is
//! parsed once, here; nothing behind this module sees the text.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, de};
use sha2::{Digest as _, Sha256};

/// A span of time: `"500ms"`, `"10s"`, `"5m"`, `"24h"`, `"30d"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

/// A number of bytes: `"512B"`, `"64KiB"`, `"2MiB"`, `"1GiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

/// Where a provider is reached: `http` or `https`, a host, an optional port and path prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(http::Uri);

/// A SHA-256 digest, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

const SPANS: &[(&str, u64)] = &[
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];
const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

// === impl Span ===

impl Span {
    /// A number of seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let millis = scaled(text, SPANS).ok_or_else(|| {
            format!("{text:?} is not a duration: use a whole number with ms, s, m, h or d, such as \"30s\"")
        })?;
        Ok(Self(Duration::from_millis(millis)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        write_scaled(f, millis, SPANS)
    }
}

// === impl Size ===

impl Size {
    /// As a number for buffers on this machine; what does not fit is the most that does.
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = scaled(text, SIZES).ok_or_else(|| {
            format!(
                "{text:?} is not a size: use a whole number with B, KiB, MiB or GiB, such as \"2MiB\""
            )
        })?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_scaled(f, self.0, SIZES)
    }
}

/// A whole number followed by one of the units.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits_end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits_end)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// In the largest unit that leaves no rest.
fn write_scaled(f: &mut fmt::Formatter<'_>, value: u64, units: &[(&str, u64)]) -> fmt::Result {
    let fitting = units
        .iter()
        .rev()
        .find(|(_, factor)| value > 0 && value.is_multiple_of(*factor));
    match fitting.or(units.first()) {
        Some((name, factor)) => write!(f, "{}{name}", value / factor),
        None => write!(f, "{value}"),
    }
}

// === impl Endpoint ===

impl Endpoint {
    /// The address.
    pub fn uri(&self) -> &http::Uri {
        &self.0
    }

    /// Whether the way there is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        let host = self.0.host().unwrap_or_default().trim_matches(['[', ']']);
        host == "localhost"
            || host
                .parse()
                .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("{text:?} is not an endpoint: {why}");
        let uri: http::Uri = text
            .parse()
            .map_err(|_| wrong("use a URL such as \"https://host.example.com\""))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(wrong("begin it with https:// (or http:// for a simulator)"));
        }
        if uri.host().is_none_or(str::is_empty) {
            return Err(wrong("name a host"));
        }
        if uri.query().is_some() {
            return Err(wrong("remove the query"));
        }
        if uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
        {
            // The text may hold a password, so it is not repeated.
            return Err("an endpoint with credentials in it: remove them and use auth".to_owned());
        }
        Ok(Self(uri))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_string().trim_end_matches('/'))
    }
}

// === impl Digest ===

impl Digest {
    /// Whether it is that of an empty text, as a variable that was not set leaves it: it identifies nobody.
    pub(crate) fn is_of_nothing(self) -> bool {
        self.0.as_slice() == Sha256::digest([]).as_slice()
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The text is not repeated: somebody may have written the token itself.
        let wrong = || {
            "not a SHA-256 digest: use the 64 hexadecimal digits that `printf %s \"$TOKEN\" | sha256sum` prints"
                .to_owned()
        };
        let mut bytes = [0; 32];
        let nibbles: Option<Vec<u8>> = text
            .chars()
            .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
            .collect();
        let nibbles = nibbles.filter(|n| n.len() == 64).ok_or_else(wrong)?;
        for (byte, pair) in bytes.iter_mut().zip(nibbles.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |value, nibble| value << 4 | nibble);
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

// === serde and JSON Schema: all four are strings ===

macro_rules! from_text {
    ($($name:ident: $expecting:literal, $pattern:literal;)+) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        #[cfg(test)]
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                // An environment variable may stand for the value, or for a part of it.
                schemars::json_schema!({ "type": "string", "pattern": concat!(r"\$\{|", $pattern) })
            }
        }
    )+};
}

from_text! {
    Span: "a duration such as \"30s\"", "^[0-9]+ ?(ms|s|m|h|d)$";
    Size: "a size such as \"2MiB\"", "^[0-9]+ ?(B|KiB|MiB|GiB)$";
    Endpoint: "a URL such as \"https://host.example.com\"", "^https?://";
    Digest: "a SHA-256 digest of 64 hexadecimal digits", "^[0-9a-fA-F]{64}$";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: FromStr<Err = String> + fmt::Display>(text: &str, expected: Result<&str, &str>) {
        match (text.parse::<T>(), expected) {
            (Ok(value), Ok(shown)) => assert_eq!(value.to_string(), shown, "{text}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{text}: {error}"),
            (Ok(value), Err(_)) => panic!("{text} was taken for {value}"),
            (Err(error), Ok(_)) => panic!("{text}: {error}"),
        }
    }

    #[test]
    fn spans() {
        check::<Span>("500ms", Ok("500ms"));
        check::<Span>("10s", Ok("10s"));
        check::<Span>("90 s", Ok("90s"));
        check::<Span>("120s", Ok("2m"));
        check::<Span>("24h", Ok("1d"));
        check::<Span>("0s", Ok("0ms"));
        for bad in [
            "",
            "10",
            "s",
            "-1s",
            "1.5s",
            "10 seconds",
            "1y",
            "99999999999999999999s",
        ] {
            check::<Span>(bad, Err("is not a duration"));
        }
        check::<Span>("300000000000000000d", Err("is not a duration"));
    }

    #[test]
    fn sizes() {
        check::<Size>("2MiB", Ok("2MiB"));
        check::<Size>("2048KiB", Ok("2MiB"));
        check::<Size>("1000B", Ok("1000B"));
        check::<Size>("0B", Ok("0B"));
        for bad in ["2MB", "2", "MiB", "1.5GiB", "2 mib"] {
            check::<Size>(bad, Err("is not a size"));
        }
    }

    #[test]
    fn endpoints() {
        check::<Endpoint>("https://a.example.com", Ok("https://a.example.com"));
        check::<Endpoint>("https://a.example.com/", Ok("https://a.example.com"));
        check::<Endpoint>(
            "http://127.0.0.1:9000/prefix",
            Ok("http://127.0.0.1:9000/prefix"),
        );
        check::<Endpoint>("a.example.com", Err("begin it with https://"));
        check::<Endpoint>("ftp://a.example.com", Err("begin it with https://"));
        check::<Endpoint>("https://a.example.com?x=1", Err("remove the query"));
        check::<Endpoint>("https://u:hunter2@a.example.com", Err("credentials"));
        check::<Endpoint>("https://", Err("use a URL"));
        let error = "https://u:hunter2@a.example.com"
            .parse::<Endpoint>()
            .unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
        for (text, loopback) in [
            ("http://127.0.0.1:1", true),
            ("http://localhost", true),
            ("http://[::1]:80", true),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(
                text.parse::<Endpoint>().unwrap().is_loopback(),
                loopback,
                "{text}"
            );
        }
    }

    #[test]
    fn digests() {
        let digest: Digest = "00ff".repeat(16).parse().unwrap();
        assert_eq!(digest.0[..4], [0, 255, 0, 255]);
        for bad in ["", "00", &"0g".repeat(32), &"00".repeat(33)] {
            assert!(
                bad.parse::<Digest>().unwrap_err().contains("sha256sum"),
                "{bad}"
            );
        }
        assert!(!format!("{digest:?}").contains("ff"));
    }
}
