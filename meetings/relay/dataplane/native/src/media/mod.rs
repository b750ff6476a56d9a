//! What the relay does with media, without sockets, keys and clocks: times are µs that the caller gives.
//!
//! The caller's turn: `Router::receive` for each unprotected RTP packet, then `Router::fan_out` for the
//! accepted ones of each track; `Router::receive_rtcp` for each unprotected compound; `Router::tick` when
//! `Router::next_due` has come. What is to be sent is written into the room that an `Exit` gives.
#![forbid(unsafe_code)]

mod asked;
mod cache;
mod codecs;
mod congestion;
mod continuity;
mod demux;
mod due;
mod exit;
mod fan_out;
mod feedback;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzz;
mod mailbox;
mod nack;
mod news;
mod numbers;
mod overview;
mod path;
mod probe;
mod reception;
mod red;
mod reports;
mod resend;
mod router;
mod rtcp;
mod rtp;
mod sequence;
mod settings;
mod speakers;
mod stash;
mod stream;
mod subscription;
mod template;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod timers;
mod transport;
mod twcc;

pub use asked::Heard;
pub use demux::{classify, Protocol};
pub use exit::{Arrivals, Exit, Kind};
#[cfg(feature = "fuzzing")]
pub use fuzz::fuzz_one;
pub(crate) use numbers::ByNumber;
pub use overview::Sizes;
pub use path::{Accepted, Received};
pub use reports::{CongestionReport, SenderClock, StreamReport, SubscriptionReport, TransportReport};
pub use router::{Ended, Refusal, Router};
pub use rtp::{Header, Malformed};
pub use settings::{Codec, StreamSettings, SubscriptionId, SubscriptionSettings, TrackId, TransportId};
pub use stash::Stashed;
pub use stream::Reason;
