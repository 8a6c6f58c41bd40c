//! TLS to the provider's endpoints and to what is fetched: the system's roots of trust, and nothing else.

use rustls::{ClientConfig, RootCertStore};

/// A client's configuration. Where the system has no root certificates nothing is trusted, and the process starts all the same:
/// an endpoint without TLS still works.
pub(crate) fn client() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let (added, _) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        tracing::warn!(name: "candidate.no_roots", "the system has no root certificates: no https connection will work");
    }
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[expect(
        clippy::expect_used,
        reason = "the library's own provider has its default versions"
    )]
    ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("the library's own provider has its default versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
