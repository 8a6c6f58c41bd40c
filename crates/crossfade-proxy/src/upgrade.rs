//! Upgraded connections (web sockets of the realtime API): joined end to end and left alone.

use http::{HeaderValue, Request, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crossfade_exchange::{SideBody, SideResponse};

use crate::{in_flight::Room, spawner::Spawner};

/// The caller's end of a connection that asks to be upgraded.
pub(crate) struct Upgrade {
    caller: OnUpgrade,
    protocol: HeaderValue,
    /// Its part of the bound on requests at once, held as long as the tunnel.
    room: Option<Room>,
}

impl Upgrade {
    /// Takes the caller's end off a request that asks for an upgrade.
    pub(crate) fn take(request: &mut Request<SideBody>) -> Option<Self> {
        let protocol = request.headers().get(header::UPGRADE)?.clone();
        if !protocol.as_bytes().eq_ignore_ascii_case(b"websocket") {
            return None;
        }
        let room = request.extensions_mut().remove::<Room>();
        Some(Self {
            caller: hyper::upgrade::on(request),
            protocol,
            room,
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
        let (caller, room) = (self.caller, self.room);
        spawner.spawn(async move {
            let _room = room;
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
