//! A small HTTP/1.1 server that both simulators stand on: it writes every byte itself, so that recorded answers come out
//! exactly and faults reach down to the socket.
//!
//! Not a server for production: no TLS, no HTTP/2, no limits on time. What travels on the wire (JSON, event streams) is the
//! handlers' business; the faults that both wires share are played here.

use std::{
    collections::VecDeque,
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::BytesMut;
use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncWriteExt, Interest},
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

mod reply;
mod request;
#[cfg(test)]
mod tests;

pub use reply::{GARBAGE, Head, Reply, Stream};

use crate::script::{Fault, Received, Scene, Script};

/// Requests kept for inspection.
const KEPT_REQUESTS: usize = 4096;
/// Bytes of bodies kept for inspection.
const KEPT_BYTES: usize = 64 << 20;

/// What answers the requests of one wire.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. Hanging, resetting, refusing to read and recorded answers have been dealt with before; what
    /// garbles, cuts or slows an answer is done by `reply`. An error ends the connection.
    fn handle<'a>(
        &'a self,
        request: &'a Received,
        scene: &'a Scene,
        reply: &'a mut Reply,
    ) -> BoxFuture<'a, io::Result<()>>;
}

/// A running server; it stops, and closes its connections, when dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

struct Shared {
    script: Script,
    handler: Arc<dyn Handler>,
    store: Mutex<Store>,
    connections: AtomicU64,
    cut_off: AtomicU64,
}

#[derive(Debug)]
struct Store {
    keep: usize,
    bytes: usize,
    requests: VecDeque<Received>,
}

// === impl Server ===

impl Server {
    /// Listens on `address`, or on a free port of the loopback.
    pub async fn start(
        address: Option<SocketAddr>,
        script: Script,
        handler: Arc<dyn Handler>,
    ) -> io::Result<Self> {
        let address = address.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let listener = TcpListener::bind(address).await?;
        let shared = Arc::new(Shared {
            script,
            handler,
            store: Mutex::new(Store {
                keep: KEPT_REQUESTS,
                bytes: 0,
                requests: VecDeque::new(),
            }),
            connections: AtomicU64::new(0),
            cut_off: AtomicU64::new(0),
        });
        let server = Self {
            address: listener.local_addr()?,
            shared: Arc::clone(&shared),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        server.tasks.spawn(accept(
            listener,
            shared,
            server.stop.clone(),
            server.tasks.clone(),
        ));
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://` and the address, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The script it plays.
    pub fn script(&self) -> &Script {
        &self.shared.script
    }

    /// The requests received, oldest first: the last 4 096 within 64 MiB of bodies, unless [`Self::keep_received`] says
    /// less.
    pub fn received(&self) -> Vec<Received> {
        self.shared.store().requests.iter().cloned().collect()
    }

    /// Keeps at most this many requests from now on, and forgets older ones; 0 for load tests.
    pub fn keep_received(&self, requests: usize) {
        let mut store = self.shared.store();
        store.keep = requests;
        store.trim();
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Answers that did not reach their end: the peer went away first, or a fault cut the connection.
    pub fn cut_off(&self) -> u64 {
        self.shared.cut_off.load(Ordering::Relaxed)
    }

    /// Stops, and waits until every connection is closed.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

// === impl Shared ===

impl Shared {
    fn store(&self) -> std::sync::MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, request: &Received) {
        let mut store = self.store();
        if store.keep > 0 {
            store.bytes += request.body.len();
            store.requests.push_back(request.clone());
            store.trim();
        }
    }
}

// === impl Store ===

impl Store {
    fn trim(&mut self) {
        while self.requests.len() > self.keep || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.requests.pop_front() else {
                break;
            };
            self.bytes -= oldest.body.len();
        }
    }
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let Ok((socket, _)) = accepted else {
            // Out of file descriptors, most likely: others must close theirs first.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        shared.connections.fetch_add(1, Ordering::Relaxed);
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        tasks.spawn(async move {
            stop.run_until_cancelled(serve(socket, &shared)).await;
        });
    }
}

async fn serve(socket: TcpStream, shared: &Shared) {
    // Failing only makes the timing coarser.
    socket.set_nodelay(true).ok();
    if shared.script.refuses_to_read() {
        return hold_unread(&socket).await;
    }
    let mut reply = Reply::new(socket);
    let mut buffer = BytesMut::new();
    loop {
        match request::read(reply.socket(), &mut buffer).await {
            Ok(Some(request)) => {
                if !answer(&request, &mut reply, shared).await || !request::keeps_alive(&request) {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(%error, "simulator.request.unreadable");
                let refusal =
                    b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                reply.socket().write_all(refusal).await.ok();
                reply.socket().shutdown().await.ok();
                return;
            }
        }
    }
}

/// Answers one request; false when the connection must not be used again.
async fn answer(request: &Received, reply: &mut Reply, shared: &Shared) -> bool {
    shared.remember(request);
    let scene = shared.script.next();
    reply.begin(&request.method, &scene);
    let done = match &scene.fault {
        Fault::Hang | Fault::NoRead => reply.hang().await,
        Fault::Reset => reply.reset(),
        _ => match &scene.recorded {
            Some(recorded) => reply.recorded(recorded).await,
            None => shared.handler.handle(request, &scene, reply).await,
        },
    };
    match done {
        Ok(()) => reply.reusable(),
        Err(error) => {
            shared.cut_off.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(%error, "simulator.answer.cut_off");
            false
        }
    }
}

/// Keeps a connection open without reading a byte, until the peer closes it.
async fn hold_unread(socket: &TcpStream) {
    // What was sent stays unread, so the end is never seen by reading; the readiness of the socket tells it.
    while let Ok(ready) = socket.ready(Interest::READABLE | Interest::WRITABLE).await {
        if ready.is_read_closed() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
