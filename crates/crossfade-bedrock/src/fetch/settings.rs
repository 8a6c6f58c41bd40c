//! What may be fetched, as the configuration states it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Fetching what stands behind a URL of the caller's. Without these settings nothing is ever fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FetchSettings {
    /// Plain `http` too, not only `https`.
    pub http: bool,
    /// The ports that may be connected to.
    pub ports: Vec<u16>,
    /// The hosts that may be asked, each a name or `*.` and a domain; empty means any.
    pub hosts: Vec<String>,
    /// The most bytes of one file: the target takes pictures up to 3.75 MB.
    pub max_bytes: usize,
    /// The most bytes of all files of one request.
    pub max_request_bytes: usize,
    /// The most URLs of one request.
    pub max_urls: usize,
    /// The most redirects that are followed for one URL, each checked like the URL itself.
    pub max_redirects: usize,
    /// The most files under way at once; a request that waits for its turn uses up its own time.
    pub concurrency: usize,
    /// The longest time for all URLs of one request, redirects and waiting included, in milliseconds.
    pub timeout_ms: u64,
    /// Allow this machine and private networks: for simulators and tests.
    pub allow_private: bool,
}

// === impl FetchSettings ===

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            http: false,
            ports: vec![443, 80],
            hosts: Vec::new(),
            max_bytes: 3_750_000,
            max_request_bytes: 15_000_000,
            max_urls: 20,
            max_redirects: 3,
            concurrency: 16,
            timeout_ms: 10_000,
            allow_private: false,
        }
    }
}

impl FetchSettings {
    /// The longest time for one request.
    pub(super) const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// Whether a host may be asked. Names are compared without regard to case.
    pub(super) fn is_listed(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.');
        let matches = |listed: &String| match listed.strip_prefix("*.") {
            None => host.eq_ignore_ascii_case(listed),
            Some(domain) => host
                .len()
                .checked_sub(domain.len() + 1)
                .and_then(|at| host.split_at_checked(at))
                .is_some_and(|(head, tail)| {
                    !head.is_empty()
                        && tail
                            .strip_prefix('.')
                            .is_some_and(|tail| tail.eq_ignore_ascii_case(domain))
                }),
        };
        self.hosts.is_empty() || self.hosts.iter().any(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_listed_whole_or_by_domain() {
        for (listed, host, expected) in [
            ("", "any.example", true),
            ("a.example", "a.example", true),
            ("a.example", "A.EXAMPLE", true),
            ("a.example", "a.example.", true),
            ("a.example", "b.a.example", false),
            ("a.example", "aa.example", false),
            ("*.a.example", "b.a.example", true),
            ("*.a.example", "c.b.a.example", true),
            ("*.a.example", "a.example", false),
            ("*.a.example", "ba.example", false),
            ("*.a.example", ".a.example", false),
        ] {
            let hosts = (!listed.is_empty()).then(|| listed.to_owned());
            let settings = FetchSettings {
                hosts: hosts.into_iter().collect(),
                ..FetchSettings::default()
            };
            assert_eq!(settings.is_listed(host), expected, "{listed} {host}");
        }
    }

    #[test]
    fn every_key_has_a_default_and_unknown_ones_are_errors() {
        assert_eq!(
            toml::from_str::<FetchSettings>("").unwrap(),
            FetchSettings::default()
        );
        assert!(toml::from_str::<FetchSettings>("allow_privat = true").is_err());
        let default = FetchSettings::default();
        assert!(!default.http && !default.allow_private);
    }
}
