//! What the control side is told, as snapshots.
#![forbid(unsafe_code)]

/// A sender report's clock pair, and when it came (µs).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderClock {
    pub ntp: u64,
    pub rtp_timestamp: u32,
    pub at: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct StreamReport {
    pub packets: u64,
    pub octets: u64,
    /// When the last media packet came, probes aside (µs).
    pub media_at: Option<u64>,
    pub lost: i64,
    /// 0 to 1, over the last interval between receiver reports.
    pub fraction_lost: f64,
    /// Seconds.
    pub jitter: f64,
    pub keyframes: u64,
    /// -dBov of the loudest packet since the report before; 127 where there was none.
    pub level: u8,
    pub level_at: Option<u64>,
    pub sender_clock: Option<SenderClock>,
    pub nacks_sent: u64,
    /// Packets that came by RTX.
    pub repaired: u64,
    /// False while louder voices of its group are forwarded in its stead.
    pub audible: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscriptionReport {
    pub current_ssrc: Option<u32>,
    pub packets: u64,
    pub octets: u64,
    pub switches: u64,
    pub nacked: u64,
    pub retransmitted: u64,
    pub waiting_keyframe: bool,
}

/// What the router wrote for and was given from a transport; octets are those of plain RTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransportReport {
    pub sent_packets: u64,
    pub sent_octets: u64,
    pub received_packets: u64,
    pub received_octets: u64,
}

/// One transport-wide feedback from a subscriber, digested. The spans cover the packets that it
/// acknowledges, from the last one of the feedback before; the arrival span less the sent span is the growth
/// of the queueing delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CongestionReport {
    pub at: u64,
    pub received: u32,
    pub lost: u32,
    pub octets: u64,
    pub sent_span_us: i64,
    pub arrival_span_us: i64,
}
