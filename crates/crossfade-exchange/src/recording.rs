//! What was seen of one side's answer.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Failover, Loss, Role, Side, Usage};

closed_enum! {
    /// How an answer ended.
    pub enum Ending {
        /// The body ended as its framing said.
        Complete = "complete",
        /// The connection or the stream broke after the head.
        Broken = "broken",
        /// No head came in time.
        TimedOut = "timed_out",
        /// No head came: the connection failed, or the side said the other one should answer.
        Failed = "failed",
        /// The client went away before the end.
        ClientAbort = "client_abort",
        /// The mirror's deadline cut it off.
        Deadline = "deadline",
    }
}

/// When things happened, as durations since the request was sent to this side, measured at the upstream socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// The head of the answer.
    pub headers: Option<Duration>,
    /// The first byte of the body.
    pub first_byte: Option<Duration>,
    /// The first content: of a stream the first chunk that carries text, a refusal or a tool call; otherwise the
    /// first byte of the body.
    pub first_content: Option<Duration>,
    /// The end of the body.
    pub total: Option<Duration>,
    /// Whether the reader of this body kept up, so that `total` measures the upstream and not the reader.
    pub kept_up: bool,
}

/// One side's answer as it was seen, bounded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// Which side answered.
    pub side: Side,
    /// In which role.
    pub role: Role,
    /// How it ended.
    pub ending: Ending,
    /// The status code, if a head came.
    pub status: Option<u16>,
    /// `content-type`, if it was sent.
    pub content_type: Option<String>,
    /// `content-encoding`, if it was sent; the body is kept as it came.
    pub content_encoding: Option<String>,
    /// The body as it came, up to the capture bound.
    pub body: Bytes,
    /// Whether bytes beyond the bound were seen and not kept.
    pub truncated: bool,
    /// When things happened.
    pub timings: Timings,
    /// The side's own word that the other side should answer.
    pub failover: Option<Failover>,
    /// What the translation lost.
    pub losses: Vec<Loss>,
    /// Tokens by the provider's own count, if the side learned them apart from the body.
    pub usage: Option<Usage>,
}

impl Recording {
    /// Whether the transport was bad: 408, 429, 5xx, no head, a broken stream or any failover. Another 4xx is an
    /// answer. A client's abort or our own deadline says nothing here.
    pub fn transport_bad(&self) -> bool {
        if self.failover.is_some() {
            return true;
        }
        match self.ending {
            Ending::Broken | Ending::TimedOut | Ending::Failed => true,
            Ending::ClientAbort | Ending::Deadline => false,
            Ending::Complete => self
                .status
                .is_none_or(|s| s == 408 || s == 429 || (500..600).contains(&s)),
        }
    }
}
