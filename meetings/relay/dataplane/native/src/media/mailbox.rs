//! RTCP packets on their way: put together into compounds, reports first (RFC 3550 section 6.1).
#![forbid(unsafe_code)]

use std::ops::Range;

use super::exit::{Exit, Kind};
use super::settings::TransportId;

/// A compound's size, that of a packet which stays whole apart.
const LIMIT: usize = 1200;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    Report,
    Feedback,
}

#[derive(Default)]
pub(super) struct Mailbox {
    bytes: Vec<u8>,
    letters: Vec<(TransportId, Order, Range<usize>)>,
}

impl Mailbox {
    /// `write` appends whole RTCP packets, or nothing.
    pub fn put(&mut self, transport: TransportId, order: Order, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        if self.bytes.len() > start {
            self.letters.push((transport, order, start..self.bytes.len()));
        }
    }

    /// Sends all; each transport's compounds are handed over one after the other.
    pub fn deliver(&mut self, exit: &mut impl Exit) {
        self.letters.sort_by_key(|(transport, order, range)| (*transport, *order, range.start));
        let mut rest = &self.letters[..];
        while let Some((transport, _, _)) = rest.first() {
            let of_one = rest.iter().take_while(|letter| letter.0 == *transport);
            let mut size = 0;
            let fitting = |letter: &&(TransportId, Order, Range<usize>)| {
                size += letter.2.len();
                size <= LIMIT
            };
            let count = of_one.take_while(fitting).count().max(1);
            self.send(&rest[..count], *transport, exit);
            rest = &rest[count..];
        }
        self.letters.clear();
        self.bytes.clear();
    }

    fn send(
        &self,
        letters: &[(TransportId, Order, Range<usize>)],
        transport: TransportId,
        exit: &mut impl Exit,
    ) {
        let mut length = 0;
        if let Some(room) = exit.room(transport) {
            for (_, _, range) in letters {
                if let Some(place) = room.get_mut(length..length + range.len()) {
                    place.copy_from_slice(&self.bytes[range.clone()]);
                    length += range.len();
                }
            }
        }
        if length > 0 {
            exit.send(transport, Kind::Rtcp, length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::testing::Sent;

    #[test]
    fn compounds_hold_one_transports_packets_reports_first() {
        let (mut mailbox, mut sent) = (Mailbox::default(), Sent::default());
        for (transport, order, byte) in
            [(2, Order::Feedback, 1), (1, Order::Feedback, 2), (2, Order::Report, 3), (2, Order::Feedback, 4)]
        {
            mailbox.put(TransportId(transport), order, |out| out.extend([byte; 4]));
        }
        mailbox.put(TransportId(3), Order::Report, |_| {});
        mailbox.deliver(&mut sent);
        let expected = vec![
            (TransportId(1), Kind::Rtcp, vec![2; 4]),
            (TransportId(2), Kind::Rtcp, [[3; 4], [1; 4], [4; 4]].concat()),
        ];
        assert_eq!(sent.packets, expected);
        mailbox.deliver(&mut sent);
        assert_eq!(sent.packets.len(), 2, "delivered once");
    }

    #[test]
    fn a_compound_has_at_most_1200_bytes() {
        let (mut mailbox, mut sent) = (Mailbox::default(), Sent::default());
        for size in [500, 600, 200, 1300, 4] {
            mailbox.put(TransportId(1), Order::Feedback, |out| out.extend(vec![0; size]));
        }
        mailbox.deliver(&mut sent);
        let sizes: Vec<_> = sent.packets.iter().map(|(_, _, packet)| packet.len()).collect();
        assert_eq!(sizes, vec![1100, 200, 1300, 4]);
    }
}
