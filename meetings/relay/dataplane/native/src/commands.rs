//! What Python asks of the thread. It chooses every number and uses none twice.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};

use crate::media::{StreamSettings, SubscriptionId, SubscriptionSettings, TrackId, TransportId};
use crate::sys::Sessions;

pub enum Command {
    Open {
        transport: TransportId,
    },
    /// Answered by `Event::Closed`, once nothing of the transport is in use.
    Close {
        transport: TransportId,
    },
    Secure {
        transport: TransportId,
        sessions: Sessions,
    },
    /// What comes from there is this transport's.
    Accept {
        transport: TransportId,
        address: SocketAddr,
    },
    Release {
        address: SocketAddr,
    },
    /// What is sent goes there, from `source` where the system would choose another address of ours.
    Route {
        transport: TransportId,
        route: Option<(SocketAddr, Option<IpAddr>)>,
    },
    WatchCongestion {
        transport: TransportId,
        extension: u8,
    },
    SendRtcp {
        transport: TransportId,
        packet: Vec<u8>,
    },
    /// Bit/s and µs.
    Probe {
        transport: TransportId,
        bitrate: u64,
        duration: u64,
    },
    AddStream(Box<StreamSettings>),
    AddRepair {
        transport: TransportId,
        rtx_ssrc: u32,
        ssrc: u32,
        payload_type: u8,
    },
    RemoveStream {
        transport: TransportId,
        ssrc: u32,
    },
    Mute {
        track: TrackId,
        muted: bool,
    },
    RequestKeyframe {
        transport: TransportId,
        ssrc: u32,
    },
    Tap {
        track: TrackId,
        tapped: bool,
    },
    Subscribe(Box<SubscriptionSettings>),
    Steer {
        number: SubscriptionId,
        ssrc: Option<u32>,
    },
    Unsubscribe {
        number: SubscriptionId,
    },
    #[cfg(feature = "fault-injection")]
    Panic,
}
