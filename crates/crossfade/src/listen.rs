//! Listeners: plain or rustls, HTTP/1.1, header case and reason phrases kept, and a drain that can stop and wait for them.

use std::{convert::Infallible, fs, io, path::Path, sync::Arc, time::Duration};

use http::Request;
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crossfade_exchange::{BoxError, SideResponse};
use crossfade_proxy::{Proxy, Spawner};

use crate::config::Tls;

/// How long a connection may take for its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Bytes that a connection reads at a time.
const READ_BUFFER: usize = 64 << 10;
/// How long a connection may stay without a whole request head, between requests too.
const HEAD: Duration = Duration::from_secs(120);

/// Why a listener cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    /// The address is taken or not allowed.
    #[error("cannot listen on {address}: {source}: stop what uses the port, or change {key}")]
    Bind {
        /// The address.
        address: std::net::SocketAddr,
        /// The config key.
        key: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A TLS file cannot be used.
    #[error("{key} {path}: {problem}: give a PEM file that this process may read")]
    Tls {
        /// The config key.
        key: &'static str,
        /// The file.
        path: String,
        /// What is wrong.
        problem: String,
    },
}

/// Opens an address.
pub(crate) async fn bind(
    address: std::net::SocketAddr,
    key: &'static str,
) -> Result<TcpListener, ListenError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| ListenError::Bind {
        address,
        key,
        source,
    })
}

/// The listener for applications.
pub(crate) struct AppListener {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    proxy: Proxy,
    connections: Spawner,
}

impl std::fmt::Debug for AppListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppListener")
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

impl AppListener {
    /// A listener on an open socket.
    pub(crate) fn new(
        listener: TcpListener,
        tls: Option<&Tls>,
        proxy: Proxy,
    ) -> Result<Self, ListenError> {
        let tls = tls.map(acceptor).transpose()?;
        Ok(Self {
            listener,
            tls,
            proxy,
            connections: Spawner::new(),
        })
    }

    /// Accepts until `stop`, then lets the requests under way finish for up to `patience`.
    pub(crate) async fn run(self, stop: CancellationToken, patience: Duration) {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            match accepted {
                Ok((stream, _)) => self.connect(stream),
                Err(error) => {
                    // Out of descriptors, most often: accepting again at once would spin.
                    tracing::warn!(%error, "listen.accept.failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(self.listener);
        self.connections.drain(patience).await;
    }

    fn connect(&self, stream: TcpStream) {
        // Only latency is lost without it.
        drop(stream.set_nodelay(true));
        let (tls, proxy, connections) = (
            self.tls.clone(),
            self.proxy.clone(),
            self.connections.clone(),
        );
        self.connections.spawn(async move {
            match tls {
                None => serve(stream, proxy, &connections).await,
                Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                    Ok(Ok(stream)) => serve(stream, proxy, &connections).await,
                    Ok(Err(error)) => tracing::debug!(%error, "listen.handshake.failed"),
                    Err(late) => tracing::debug!(error = %late, "listen.handshake.timed_out"),
                },
            }
        });
    }
}

async fn serve<S>(stream: S, proxy: Proxy, connections: &Spawner)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| answer(&proxy, request));
    let connection = http1::Builder::new()
        .preserve_header_case(true)
        // Azure's answers bring their own `date`; one of ours would be a line that Azure did not send.
        .auto_date_header(false)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_headers(256)
        // A body's pieces are slices of this buffer, and a small piece keeps all of it.
        .max_buf_size(READ_BUFFER)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        // A drain: the request under way finishes, and the connection is not used again.
        () = connections.stopping().cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = connections.give_up().cancelled() => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "listen.connection.ended");
    }
}

type Answer = std::pin::Pin<Box<dyn Future<Output = Result<SideResponse, Infallible>> + Send>>;

fn answer(proxy: &Proxy, request: Request<Incoming>) -> Answer {
    let request = request.map(|body| body.map_err(BoxError::from).boxed_unsync());
    Box::pin(proxy.clone().oneshot(request))
}

fn acceptor(tls: &Tls) -> Result<TlsAcceptor, ListenError> {
    let failed =
        |key: &'static str, path: &Path, problem: &dyn std::fmt::Display| ListenError::Tls {
            key,
            path: path.display().to_string(),
            problem: problem.to_string(),
        };
    let certificates = certificates(&tls.certificate)
        .map_err(|e| failed("[listen] tls.certificate", &tls.certificate, &e))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|e| failed("[listen] tls.key", &tls.key, &e))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| failed("[listen] tls", &tls.certificate, &e))?;
    let builder = match &tls.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let wrong = |e: &dyn std::fmt::Display| failed("[listen] tls.client_ca", path, e);
            let mut roots = RootCertStore::empty();
            for certificate in self::certificates(path).map_err(|e| wrong(&e))? {
                roots.add(certificate).map_err(|e| wrong(&e))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|e| wrong(&e))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder
        .with_single_cert(certificates, key)
        .map_err(|e| failed("[listen] tls.key", &tls.key, &e))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The certificates of a PEM file; an empty file is an error.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = fs::read(path).map_err(|e| e.to_string())?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let all = all.map_err(|e| e.to_string())?;
    if all.is_empty() {
        Err("it holds no certificate".to_owned())
    } else {
        Ok(all)
    }
}
