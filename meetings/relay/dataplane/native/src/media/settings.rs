//! What the control side declares; the numbers are its own.
#![forbid(unsafe_code)]

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransportId(pub u32);
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackId(pub u32);
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(pub u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    Vp8,
    Vp9,
    H264,
    Av1,
    Opus,
    /// Passed through as audio is: no keyframes are known, none are waited for.
    Other,
}

impl Codec {
    /// By the name in SDP, in upper case.
    pub fn named(name: &str) -> Codec {
        match name {
            "VP8" => Codec::Vp8,
            "VP9" => Codec::Vp9,
            "H264" => Codec::H264,
            "AV1" => Codec::Av1,
            "OPUS" => Codec::Opus,
            _ => Codec::Other,
        }
    }

    pub fn is_video(self) -> bool {
        matches!(self, Codec::Vp8 | Codec::Vp9 | Codec::H264 | Codec::Av1)
    }
}

/// One received SSRC: a track, or one simulcast layer of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSettings {
    pub transport: TransportId,
    pub ssrc: u32,
    pub track: TrackId,
    /// 0, the smallest picture, to 2.
    pub quality: u8,
    pub codec: Codec,
    pub payload_type: u8,
    pub red_payload_type: Option<u8>,
    /// Hz.
    pub clock_rate: u32,
    /// Identifier of the audio level (RFC 6464).
    pub level_extension: Option<u8>,
    /// The group of which only the loudest are forwarded; 0 for none.
    pub voices: u32,
}

/// How a subscriber gets one track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionSettings {
    pub number: SubscriptionId,
    pub transport: TransportId,
    pub track: TrackId,
    pub ssrc: u32,
    pub payload_type: u8,
    pub red_payload_type: Option<u8>,
    /// Hz.
    pub clock_rate: u32,
    pub mid_extension: Option<u8>,
    pub mid: Vec<u8>,
    /// Identifier of abs-send-time.
    pub send_time_extension: Option<u8>,
    /// Identifier of the transport-wide sequence number.
    pub congestion_extension: Option<u8>,
    /// SSRC and payload type of retransmissions (RFC 4588).
    pub rtx: Option<(u32, u8)>,
}
