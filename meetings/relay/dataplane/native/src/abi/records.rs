//! The structures that Python fills.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::media::{Codec, StreamSettings, SubscriptionId, SubscriptionSettings, TrackId, TransportId};
use crate::sys::{SrtpCall, SrtpRemove};

/// Stands for what is not there, where 0 would be a value.
const NONE: i16 = -1;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Address {
    ip: [u8; 16],
    /// 4 or 6; 0 for none.
    family: u16,
    port: u16,
}

#[repr(C)]
pub struct Functions {
    pub(super) protect: Option<SrtpCall>,
    pub(super) unprotect: Option<SrtpCall>,
    pub(super) protect_rtcp: Option<SrtpCall>,
    pub(super) unprotect_rtcp: Option<SrtpCall>,
    pub(super) remove_stream: Option<SrtpRemove>,
}

/// `level_extension` and `red_payload_type` are -1 where there is none.
#[repr(C)]
pub struct StreamRecord {
    transport: u32,
    ssrc: u32,
    track: u32,
    clock_rate: u32,
    voices: u32,
    red_payload_type: i16,
    level_extension: i16,
    quality: u8,
    payload_type: u8,
    /// Its name, in upper case.
    codec: [u8; 14],
}

/// Extensions and payload types are -1 where there is none; without `rtx_payload_type` there is no RTX.
#[repr(C)]
pub struct SubscriptionRecord {
    number: u32,
    transport: u32,
    track: u32,
    ssrc: u32,
    clock_rate: u32,
    rtx_ssrc: u32,
    red_payload_type: i16,
    rtx_payload_type: i16,
    mid_extension: i16,
    send_time_extension: i16,
    congestion_extension: i16,
    payload_type: u8,
    mid_length: u8,
    mid: [u8; 16],
}

impl Address {
    pub(super) fn ip(&self) -> Option<IpAddr> {
        let [a, b, c, d, ..] = self.ip;
        match self.family {
            4 => Some(Ipv4Addr::new(a, b, c, d).into()),
            6 => Some(Ipv6Addr::from(self.ip).into()),
            _ => None,
        }
    }

    pub(super) fn decode(&self) -> Option<SocketAddr> {
        self.ip().map(|ip| SocketAddr::new(ip, self.port))
    }
}

/// -1 stands for none; whatever else is no byte is refused.
fn optional(value: i16) -> Result<Option<u8>, ()> {
    match value {
        NONE => Ok(None),
        _ => u8::try_from(value).map(Some).map_err(|_| ()),
    }
}

impl StreamRecord {
    pub(super) fn decode(&self) -> Result<StreamSettings, ()> {
        let length = self.codec.iter().position(|byte| *byte == 0).unwrap_or(self.codec.len());
        Ok(StreamSettings {
            transport: TransportId(self.transport),
            ssrc: self.ssrc,
            track: TrackId(self.track),
            quality: self.quality,
            codec: Codec::named(std::str::from_utf8(&self.codec[..length]).unwrap_or("")),
            payload_type: self.payload_type,
            red_payload_type: optional(self.red_payload_type)?,
            clock_rate: self.clock_rate,
            level_extension: optional(self.level_extension)?,
            voices: self.voices,
        })
    }
}

impl SubscriptionRecord {
    pub(super) fn decode(&self) -> Result<SubscriptionSettings, ()> {
        let rtx = optional(self.rtx_payload_type)?;
        Ok(SubscriptionSettings {
            number: SubscriptionId(self.number),
            transport: TransportId(self.transport),
            track: TrackId(self.track),
            ssrc: self.ssrc,
            payload_type: self.payload_type,
            red_payload_type: optional(self.red_payload_type)?,
            clock_rate: self.clock_rate,
            mid_extension: optional(self.mid_extension)?,
            mid: self.mid.get(..usize::from(self.mid_length)).ok_or(())?.to_vec(),
            send_time_extension: optional(self.send_time_extension)?,
            congestion_extension: optional(self.congestion_extension)?,
            rtx: rtx.map(|payload_type| (self.rtx_ssrc, payload_type)),
        })
    }
}
