//! Upgraded connections (web sockets of the realtime API): joined end to end and left alone.

use http::{HeaderValue, Request, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crossfade_exchange::{SideBody, SideResponse};

use crate::spawner::Spawner;

/// The caller's end of a connection that asks to be upgraded.
pub(crate) struct Upgrade {
    caller: OnUpgrade,
    protocol: HeaderValue,
}

impl Upgrade {
    /// Takes the caller's end off a request that asks for an upgrade.
    pub(crate) fn take(request: &mut Request<SideBody>) -> Option<Self> {
        let protocol = request.headers().get(header::UPGRADE)?.clone();
        Some(Self {
            caller: hyper::upgrade::on(request),
            protocol,
        })
    }

    /// Joins both ends, if Azure agreed to switch.
    pub(crate) fn join(self, answer: &mut SideResponse, spawner: &Spawner) {
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return;
        }
        let azure = hyper::upgrade::on(&mut *answer);
        let headers = answer.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.entry(header::UPGRADE).or_insert(self.protocol);
        let draining = spawner.give_up().clone();
        let caller = self.caller;
        spawner.spawn(async move {
            let (Ok(caller), Ok(azure)) = (caller.await, azure.await) else {
                return;
            };
            let (mut caller, mut azure) = (TokioIo::new(caller), TokioIo::new(azure));
            let copied = tokio::io::copy_bidirectional(&mut caller, &mut azure);
            tokio::select! {
                // Either end closing, cleanly or not, is the end of both: there is nobody left to tell.
                _ = copied => {}
                () = draining.cancelled() => {}
            }
        });
    }
}
