//! Packets sent again, and nothing but padding, under a subscription's RTX SSRC (RFC 4588).
#![forbid(unsafe_code)]

use super::congestion::Outgoing;
use super::sequence::extend;
use super::subscription::{Packet, Segment, Subscription, REPEAT_COST};
use super::template::{Fields, TooLong};

/// Of a padding-only packet: as much as its last byte can count.
const PADDING: u8 = 255;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Not negotiated: under the first SSRC a packet sent again would repeat its nonce.
    NoRtx,
    NoCredit,
    TooLong,
}

impl Subscription {
    /// Where a packet that was sent under this number came from: its segment, and its number in the stream.
    pub fn origin(&self, sequence: u16) -> Option<(Segment, u64)> {
        let out = extend(self.next - 1, sequence);
        if out >= self.next {
            return None;
        }
        let segment = self.segments.iter().rev().find(|segment| segment.out <= out)?;
        Some((*segment, segment.number + (out - segment.out)))
    }

    /// The segment and number of the packet sent `back` packets ago.
    pub fn recent(&self, back: u64) -> Option<(Segment, u64)> {
        self.origin((self.next - 1).checked_sub(back)? as u16)
    }

    /// Takes one credit, if a retransmission may be sent at all.
    pub fn spend_credit(&mut self) -> Result<(), Refused> {
        if self.settings.rtx.is_none() {
            return Err(Refused::NoRtx);
        }
        self.credit = self.credit.checked_sub(REPEAT_COST).ok_or(Refused::NoCredit)?;
        Ok(())
    }

    /// Writes a packet again.
    pub fn retransmit(
        &mut self,
        packet: &Packet,
        segment: &Segment,
        congestion: &mut Outgoing,
        now: u64,
        out: &mut [u8],
    ) -> Result<usize, Refused> {
        let rtx = self.settings.rtx.ok_or(Refused::NoRtx)?;
        let number = segment.out + (packet.media.number - segment.number);
        let length = self
            .write(packet, segment, number, Some(rtx), congestion, now, out)
            .map_err(|TooLong| Refused::TooLong)?;
        self.rtx_sequence = self.rtx_sequence.wrapping_add(1);
        self.count(length, congestion, now);
        Ok(length)
    }

    /// Writes an RTX packet of nothing but padding, to try the path.
    pub fn pad(&mut self, congestion: &mut Outgoing, now: u64, out: &mut [u8]) -> Result<usize, Refused> {
        let (ssrc, payload_type) = self.settings.rtx.ok_or(Refused::NoRtx)?;
        let fields = Fields {
            marker: false,
            payload_type,
            sequence: self.rtx_sequence,
            timestamp: self.last.timestamp,
            ssrc,
            number: congestion.number(),
            now,
        };
        let mut padding = [0; PADDING as usize];
        padding[PADDING as usize - 1] = PADDING;
        let length =
            self.template.write(&fields, [&[], &padding], out).map_err(|TooLong| Refused::TooLong)?;
        out[0] |= 0x20;
        self.rtx_sequence = self.rtx_sequence.wrapping_add(1);
        self.count(length, congestion, now);
        Ok(length)
    }
}
