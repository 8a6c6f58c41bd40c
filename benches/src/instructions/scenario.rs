//! What is counted.

use crossfade_exchange::closed_enum;

closed_enum! {
    /// One way through the data plane.
    pub enum Scenario {
        /// Client and upstream without a proxy between: taken off all others.
        Direct = "direct",
        /// As `direct`, a stream of 50 chunks.
        DirectStream = "direct-stream",
        /// A deployment without a route: streamed to the primary unseen.
        Forward = "forward",
        /// A route whose mirror is switched off.
        MirrorOff = "mirror-off",
        /// A stream of 50 chunks, the mirror off.
        MirrorOffStream = "mirror-off-stream",
        /// The mirror on, the pair delivered.
        MirrorOn = "mirror-on",
        /// A stream of 50 chunks, the mirror on, the pair delivered.
        MirrorOnStream = "mirror-on-stream",
        /// The mirror on, the pair delivered and compared.
        Compared = "compared",
        /// A share of 10 % answered by the candidate, all else mirrored to it, outcomes announced.
        Split = "split",
    }
}

impl Scenario {
    /// Whether a request is answered by a stream.
    pub const fn streams(self) -> bool {
        match self {
            Self::DirectStream | Self::MirrorOffStream | Self::MirrorOnStream => true,
            Self::Direct
            | Self::Forward
            | Self::MirrorOff
            | Self::MirrorOn
            | Self::Compared
            | Self::Split => false,
        }
    }

    /// What is taken off; `None` for what is only there to be taken off.
    pub const fn base(self) -> Option<Self> {
        match self {
            Self::Direct | Self::DirectStream => None,
            Self::MirrorOffStream | Self::MirrorOnStream => Some(Self::DirectStream),
            Self::Forward | Self::MirrorOff | Self::MirrorOn | Self::Compared | Self::Split => {
                Some(Self::Direct)
            }
        }
    }

    /// Whether every request ends as an exchange on the queue.
    pub const fn delivers(self) -> bool {
        match self {
            Self::MirrorOn | Self::MirrorOnStream | Self::Compared | Self::Split => true,
            Self::Direct
            | Self::DirectStream
            | Self::Forward
            | Self::MirrorOff
            | Self::MirrorOffStream => false,
        }
    }
}
