//! A URL that may be asked, as far as its text says. Where its host's name leads is checked when it is resolved.

use url::{Host, Url};

use super::{FetchFailure, FetchSettings, address};

/// The longest URL.
const LONGEST: usize = 8192;

/// A URL that passed every check on its text. The parser has put its host into the one usual form, so that an address
/// in disguise (octal, hexadecimal, one number) stands there as an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target(Url);

// === impl Target ===

impl Target {
    /// Reads a URL of the caller's.
    pub(super) fn parse(text: &str, settings: &FetchSettings) -> Result<Self, FetchFailure> {
        if text.len() > LONGEST {
            return Err(FetchFailure::Malformed);
        }
        let url = Url::parse(text.trim()).map_err(|_| FetchFailure::Malformed)?;
        Self::check(url, settings)
    }

    /// Where a redirect leads, checked like the first URL.
    pub(super) fn redirected(
        &self,
        location: &str,
        settings: &FetchSettings,
    ) -> Result<Self, FetchFailure> {
        if location.len() > LONGEST {
            return Err(FetchFailure::Malformed);
        }
        let url = self.0.join(location).map_err(|_| FetchFailure::Malformed)?;
        Self::check(url, settings)
    }

    fn check(mut url: Url, settings: &FetchSettings) -> Result<Self, FetchFailure> {
        match url.scheme() {
            "https" => {}
            "http" if settings.http => {}
            _ => return Err(FetchFailure::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchFailure::User);
        }
        let port = url.port_or_known_default().ok_or(FetchFailure::Malformed)?;
        if !settings.ports.contains(&port) {
            return Err(FetchFailure::Port);
        }
        let address = match url.host() {
            None => return Err(FetchFailure::Malformed),
            Some(Host::Domain(_)) => None,
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
        };
        if !settings.is_listed(url.host_str().unwrap_or_default()) {
            return Err(FetchFailure::Host);
        }
        if let Some(range) = address.and_then(|address| refused(address, settings)) {
            return Err(FetchFailure::Address(range));
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// As a request's target.
    pub(super) fn uri(&self) -> Result<http::Uri, FetchFailure> {
        self.0.as_str().parse().map_err(|_| FetchFailure::Malformed)
    }

    /// The last part of the path, where there is one: a file's name.
    pub(super) fn file_name(&self) -> Option<&str> {
        let last = self.0.path_segments()?.next_back()?;
        (!last.is_empty()).then_some(last)
    }
}

/// The range for which an address is refused under these settings.
pub(super) fn refused(
    address: std::net::IpAddr,
    settings: &FetchSettings,
) -> Option<address::Range> {
    if settings.allow_private {
        address::refused_with_private(address)
    } else {
        address::refused(address)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::address::Range, *};

    fn check(settings: &FetchSettings, cases: &[(&str, Result<&str, FetchFailure>)]) {
        for (url, expected) in cases {
            let found = Target::parse(url, settings).map(|target| target.0.to_string());
            let expected = expected.map(str::to_owned);
            assert_eq!(found, expected, "{url}");
        }
    }

    #[test]
    fn what_a_url_may_say() {
        use FetchFailure::{Address, Malformed, Port, Scheme, User};
        check(
            &FetchSettings::default(),
            &[
                (
                    "https://a.example/x.png?y#z",
                    Ok("https://a.example/x.png?y"),
                ),
                ("HTTPS://A.Example", Ok("https://a.example/")),
                (" https://a.example/ ", Ok("https://a.example/")),
                ("https://a.example:443/", Ok("https://a.example/")),
                ("https://a.example:80/", Ok("https://a.example:80/")),
                ("https://8.8.8.8/", Ok("https://8.8.8.8/")),
                ("http://a.example/", Err(Scheme)),
                ("ftp://a.example/", Err(Scheme)),
                ("file:///etc/passwd", Err(Scheme)),
                ("gopher://a.example/", Err(Scheme)),
                ("data:image/png;base64,AAAA", Err(Scheme)),
                ("javascript:alert(1)", Err(Scheme)),
                ("https://user@a.example/", Err(User)),
                ("https://user:pass@a.example/", Err(User)),
                ("https://a.example@127.0.0.1/", Err(User)),
                ("https://a.example:8443/", Err(Port)),
                ("https://a.example:22/", Err(Port)),
                ("https://", Err(Malformed)),
                ("a.example/x.png", Err(Malformed)),
                ("", Err(Malformed)),
                ("https://a b/", Err(Malformed)),
                ("https://127.0.0.1/", Err(Address(Range::Loopback))),
                ("https://2130706433/", Err(Address(Range::Loopback))),
                ("https://0x7f.1/", Err(Address(Range::Loopback))),
                ("https://0177.0.0.1/", Err(Address(Range::Loopback))),
                ("https://①②⑦.0.0.1/", Err(Address(Range::Loopback))),
                ("https://[::1]/", Err(Address(Range::Loopback))),
                ("https://[::ffff:10.0.0.1]/", Err(Address(Range::Private))),
                (
                    "https://169.254.169.254/latest",
                    Err(Address(Range::LinkLocal)),
                ),
            ],
        );
    }

    #[test]
    fn http_hosts_and_ports_by_settings() {
        let settings = FetchSettings {
            http: true,
            ports: vec![80],
            hosts: vec!["*.a.example".to_owned()],
            ..FetchSettings::default()
        };
        check(
            &settings,
            &[
                ("http://b.a.example/", Ok("http://b.a.example/")),
                ("https://b.a.example/", Err(FetchFailure::Port)),
                ("http://b.example/", Err(FetchFailure::Host)),
                ("http://8.8.8.8/", Err(FetchFailure::Host)),
            ],
        );
    }

    #[test]
    fn a_redirect_is_checked_anew() {
        let settings = FetchSettings::default();
        let first = Target::parse("https://a.example/x/y.png", &settings).unwrap();
        for (location, expected) in [
            ("z.png", Ok("https://a.example/x/z.png")),
            ("/z.png", Ok("https://a.example/z.png")),
            ("//b.example/", Ok("https://b.example/")),
            ("http://a.example/", Err(FetchFailure::Scheme)),
            ("//127.0.0.1/", Err(FetchFailure::Address(Range::Loopback))),
            ("https://u:p@b.example/", Err(FetchFailure::User)),
            ("https://b.example:22/", Err(FetchFailure::Port)),
        ] {
            let found = first.redirected(location, &settings);
            let found = found.map(|target| target.0.to_string());
            assert_eq!(found, expected.map(str::to_owned), "{location}");
        }
        assert_eq!(first.file_name(), Some("y.png"));
    }
}
