//! Packets waiting to be sent, grouped so that one UDP GSO message carries several of them.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use crate::media::TransportId;

/// An Ethernet datagram, what header extensions may add, and libsrtp's longest trailer.
pub const SLOT: usize = 1792;
const CAPACITY: usize = 128;
/// The kernel takes 64 segments, or 65,507 bytes in all.
const MAX_SEGMENTS: usize = 40;
const MAX_MESSAGE: usize = 60_000;

#[repr(C, align(64))]
#[derive(Clone)]
pub struct Slot(pub [u8; SLOT]);

/// Consecutive packets to one transport. With more than one, all but the last have `segment` bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub transport: TransportId,
    pub destination: SocketAddr,
    /// Our address to send from, where the system would choose another.
    pub source: Option<IpAddr>,
    pub packets: Range<usize>,
    segment: usize,
    bytes: usize,
    closed: bool,
}

impl Message {
    /// The size of the segments that the kernel is to cut, where it is to cut any.
    pub fn segments(&self) -> Option<usize> {
        (self.packets.len() > 1).then_some(self.segment)
    }

    /// The same packets, one message each.
    pub fn split(&self) -> Vec<Message> {
        self.packets
            .clone()
            .map(|index| Message { packets: index..index + 1, closed: true, ..self.clone() })
            .collect()
    }
}

pub struct SendBatch {
    slots: Vec<Slot>,
    lengths: Vec<usize>,
    messages: Vec<Message>,
}

/// Where a packet goes, and whether it may share a message with the ones before it.
#[derive(Clone, Copy)]
pub struct Destination {
    pub transport: TransportId,
    pub address: SocketAddr,
    pub source: Option<IpAddr>,
    pub segmentation: bool,
}

impl SendBatch {
    pub fn new() -> Self {
        SendBatch {
            slots: vec![Slot([0; SLOT]); CAPACITY],
            lengths: Vec::with_capacity(CAPACITY),
            messages: Vec::with_capacity(CAPACITY),
        }
    }

    pub fn is_full(&self) -> bool {
        self.lengths.len() == CAPACITY
    }

    /// The buffer for the next packet; `None` when the batch is full.
    pub fn slot(&mut self) -> Option<&mut [u8]> {
        self.slots.get_mut(self.lengths.len()).map(|slot| &mut slot.0[..])
    }

    /// Queues what was written to the slot.
    pub fn commit(&mut self, length: usize, to: Destination) {
        let index = self.lengths.len();
        self.lengths.push(length);
        match self.messages.last_mut() {
            Some(message) if to.segmentation && message.takes(length, &to) => {
                message.packets.end += 1;
                message.bytes += length;
                message.closed = length < message.segment;
            }
            _ => self.messages.push(Message {
                transport: to.transport,
                destination: to.address,
                source: to.source,
                packets: index..index + 1,
                segment: length,
                bytes: length,
                closed: false,
            }),
        }
    }

    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    pub fn packet(&self, index: usize) -> &[u8] {
        &self.slots[index].0[..self.lengths[index]]
    }

    pub fn clear(&mut self) {
        self.lengths.clear();
        self.messages.clear();
    }
}

impl Message {
    fn takes(&self, length: usize, to: &Destination) -> bool {
        !self.closed
            && self.transport == to.transport
            && self.destination == to.address
            && self.source == to.source
            && length <= self.segment
            && self.packets.len() < MAX_SEGMENTS
            && self.bytes + length <= MAX_MESSAGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(transport: u32, segmentation: bool) -> Destination {
        let address = SocketAddr::from(([127, 0, 0, 1], 4000 + transport as u16));
        Destination { transport: TransportId(transport), address, source: None, segmentation }
    }

    fn ranges(batch: &SendBatch) -> Vec<Range<usize>> {
        batch.messages().iter().map(|message| message.packets.clone()).collect()
    }

    #[test]
    fn a_shorter_packet_ends_a_message() {
        let mut batch = SendBatch::new();
        for length in [100, 100, 60, 60, 100] {
            batch.commit(length, to(1, true));
        }
        assert_eq!(ranges(&batch), vec![0..3, 3..4, 4..5]);
    }

    #[test]
    fn a_message_has_one_destination() {
        let mut batch = SendBatch::new();
        for transport in [1, 1, 2, 1] {
            batch.commit(100, to(transport, true));
        }
        assert_eq!(ranges(&batch), vec![0..2, 2..3, 3..4]);
    }

    #[test]
    fn without_segmentation_each_packet_is_a_message() {
        let mut batch = SendBatch::new();
        batch.commit(100, to(1, false));
        batch.commit(100, to(1, false));
        assert_eq!(ranges(&batch), vec![0..1, 1..2]);
    }

    #[test]
    fn a_message_stays_below_the_limits_of_the_kernel() {
        let mut batch = SendBatch::new();
        while !batch.is_full() {
            batch.commit(if batch.lengths.len() < 60 { 1500 } else { 100 }, to(1, true));
        }
        for message in batch.messages() {
            assert!(message.packets.len() <= 64 && message.bytes <= 65_507);
        }
        assert!(batch.slot().is_none());
    }

    #[test]
    fn splits_into_single_packets() {
        let mut batch = SendBatch::new();
        for _ in 0..3 {
            batch.commit(100, to(1, true));
        }
        let singles = batch.messages()[0].split();
        assert_eq!(singles.len(), 3);
        assert!(singles.iter().all(|message| message.segments().is_none()));
    }
}
