//! What the thread counts. The layout is part of the C interface: plane.py names the fields in this order.
#![forbid(unsafe_code)]

#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    // Datagrams
    pub received: u64,
    pub receive_calls: u64,
    pub receive_failed: u64,
    pub truncated: u64,
    /// Of no protocol that is spoken here.
    pub unknown: u64,
    /// Media or DTLS from an address that no transport has.
    pub strangers: u64,
    /// More STUN from one address than anybody needs, or from too many addresses.
    pub strangers_limited: u64,
    /// More than one peer may have Python hear.
    pub peers_limited: u64,
    // Media that came
    pub unprotect_failed: u64,
    pub malformed: u64,
    pub padding_dropped: u64,
    pub duplicates_dropped: u64,
    pub late_dropped: u64,
    pub muted_dropped: u64,
    pub payload_type_dropped: u64,
    pub early_dropped: u64,
    pub stash_full: u64,
    pub unknown_ssrc: u64,
    // Media that went
    pub forwarded: u64,
    pub forwarded_octets: u64,
    pub protect_failed: u64,
    pub send_calls: u64,
    pub send_failed: u64,
    pub segmentation_refused: u64,
    pub rtcp_sent: u64,
    pub retransmitted: u64,
    pub retransmissions_refused: u64,
    // Between Python and the thread
    pub commands: u64,
    pub declarations_refused: u64,
    pub events_lost: u64,
    pub strangers_lost: u64,
    pub taps_lost: u64,
    /// µs of CPU that the thread has used.
    pub cpu_us: u64,
    // How much there is now
    pub transports: u64,
    pub addresses: u64,
    pub streams: u64,
    pub tracks: u64,
    pub subscriptions: u64,
    pub cached_octets: u64,
}
