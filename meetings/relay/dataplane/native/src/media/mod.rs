//! What the relay does with media, without sockets, keys and clocks: times are µs that the caller gives.
//!
//! The caller's turn: `Router::receive` for each unprotected RTP packet, then `Router::fan_out` for the
//! accepted ones of each track; `Router::receive_rtcp` for each unprotected compound; `Router::tick` when
//! `Router::next_due` has come. What is to be sent is written into the room that an `Exit` gives.
#![forbid(unsafe_code)]

mod demux;
mod exit;
mod reports;
mod router;
mod rtp;
mod settings;

pub use demux::{classify, Protocol};
pub use exit::{Arrivals, Exit, Kind};
pub use reports::{CongestionReport, SenderClock, StreamReport, SubscriptionReport, TransportReport};
pub use router::{Accepted, Ended, Heard, Reason, Received, Refusal, Router, Sizes, Stashed};
pub use rtp::{Header, Malformed};
pub use settings::{Codec, StreamSettings, SubscriptionId, SubscriptionSettings, TrackId, TransportId};
