//! What the thread tells Python, and the records it is read in.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};

use crate::media::{CongestionReport, TrackId, TransportId};

#[derive(Debug, PartialEq)]
pub enum Event {
    /// Nothing of the transport is in use any more: its sessions are Python's again.
    Closed {
        transport: TransportId,
    },
    Stun {
        source: SocketAddr,
        local: Option<IpAddr>,
        packet: Vec<u8>,
    },
    Dtls {
        transport: TransportId,
        packet: Vec<u8>,
    },
    /// A plain compound that holds more than the router's own business.
    Rtcp {
        transport: TransportId,
        at: u64,
        packet: Vec<u8>,
    },
    /// A plain packet of an SSRC that was not declared.
    Unknown {
        transport: TransportId,
        at: u64,
        packet: Vec<u8>,
    },
    Congestion {
        transport: TransportId,
        report: CongestionReport,
    },
    /// A plain packet of a track that is recorded.
    Tapped {
        track: TrackId,
        at: u64,
        packet: Vec<u8>,
    },
}

/// A record's fixed part: kind, number, length of the data, time, then twice an address: family (0, 4, 6),
/// port, 16 bytes. plane.py reads it as `=IIIQ HH16s HH16s`.
pub const RECORD_HEADER: usize = 3 * 4 + 8 + 2 * 20;

impl Event {
    /// Appends the event's record.
    pub fn write(&self, out: &mut Vec<u8>) {
        let spans;
        let (kind, number, at, data): (u32, u32, u64, &[u8]) = match self {
            Event::Closed { transport } => (1, transport.0, 0, &[]),
            Event::Stun { packet, .. } => (2, 0, 0, packet),
            Event::Dtls { transport, packet } => (3, transport.0, 0, packet),
            Event::Rtcp { transport, at, packet } => (4, transport.0, *at, packet),
            Event::Unknown { transport, at, packet } => (5, transport.0, *at, packet),
            Event::Congestion { transport, report } => {
                spans = congestion(report);
                (6, transport.0, report.at, &spans)
            }
            Event::Tapped { track, at, packet } => (7, track.0, *at, packet),
        };
        for word in [kind, number, data.len() as u32] {
            out.extend_from_slice(&word.to_ne_bytes());
        }
        out.extend_from_slice(&at.to_ne_bytes());
        let (source, local) = match self {
            Event::Stun { source, local, .. } => (Some(*source), local.map(|ip| SocketAddr::new(ip, 0))),
            _ => (None, None),
        };
        write_address(source, out);
        write_address(local, out);
        out.extend_from_slice(data);
    }

    /// Whether somebody waits for Python to act on it. Reports, and what is written to a disk, can wait a moment.
    pub fn is_urgent(&self) -> bool {
        !matches!(self, Event::Rtcp { .. } | Event::Congestion { .. } | Event::Tapped { .. })
    }

    pub fn record_length(&self) -> usize {
        RECORD_HEADER
            + match self {
                Event::Closed { .. } => 0,
                Event::Congestion { .. } => 32,
                Event::Stun { packet, .. }
                | Event::Dtls { packet, .. }
                | Event::Rtcp { packet, .. }
                | Event::Unknown { packet, .. }
                | Event::Tapped { packet, .. } => packet.len(),
            }
    }
}

/// Read as `=IIQqq`.
fn congestion(report: &CongestionReport) -> [u8; 32] {
    let mut out = [0; 32];
    out[..4].copy_from_slice(&report.received.to_ne_bytes());
    out[4..8].copy_from_slice(&report.lost.to_ne_bytes());
    out[8..16].copy_from_slice(&report.octets.to_ne_bytes());
    out[16..24].copy_from_slice(&report.sent_span_us.to_ne_bytes());
    out[24..].copy_from_slice(&report.arrival_span_us.to_ne_bytes());
    out
}

fn write_address(address: Option<SocketAddr>, out: &mut Vec<u8>) {
    let (mut ip, mut family) = ([0; 16], 0u16);
    match address.map(|address| address.ip()) {
        Some(IpAddr::V4(v4)) => {
            ip[..4].copy_from_slice(&v4.octets());
            family = 4;
        }
        Some(IpAddr::V6(v6)) => {
            ip = v6.octets();
            family = 6;
        }
        None => {}
    }
    out.extend_from_slice(&family.to_ne_bytes());
    out.extend_from_slice(&address.map_or(0, |address| address.port()).to_ne_bytes());
    out.extend_from_slice(&ip);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_as_long_as_they_say() {
        let packet = vec![7; 100];
        let events = [
            Event::Closed { transport: TransportId(1) },
            Event::Stun { source: ([1, 2, 3, 4], 5).into(), local: None, packet: packet.clone() },
            Event::Rtcp { transport: TransportId(1), at: 9, packet },
            Event::Congestion { transport: TransportId(1), report: CongestionReport::default() },
        ];
        for event in events {
            let mut out = Vec::new();
            event.write(&mut out);
            assert_eq!(out.len(), event.record_length());
            assert_eq!(out[8..12], ((out.len() - RECORD_HEADER) as u32).to_ne_bytes());
        }
    }
}
