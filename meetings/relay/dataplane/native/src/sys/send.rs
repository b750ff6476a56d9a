//! Batches of datagrams out: sendmmsg, with UDP GSO where several go to one peer.

use std::io;
use std::net::SocketAddr;
use std::os::raw::{c_int, c_uint};
use std::os::unix::io::AsRawFd;

use super::control::Control;
use super::socket::{IoVec, MmsgHdr, RawAddress, Socket};
use crate::batch::{Message, SendBatch};
use crate::media::TransportId;

const EINTR: i32 = 4;
const EIO: i32 = 5;
const EINVAL: i32 = 22;

extern "C" {
    fn sendmmsg(fd: c_int, messages: *mut MmsgHdr, count: c_uint, flags: c_int) -> c_int;
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Sent {
    pub calls: u64,
    /// Packets that the kernel refused, by transport.
    pub dropped: Vec<(TransportId, u64)>,
    /// Transports on whose path the kernel refused UDP GSO; their packets went out one by one.
    pub segmentation_refused: Vec<TransportId>,
}

impl Socket {
    /// Sends those of the batch's messages that go to an address of this socket's family.
    pub fn send(&self, batch: &SendBatch, to: impl Fn(&SocketAddr) -> bool, sent: &mut Sent) {
        let messages: Vec<_> =
            batch.messages().iter().filter(|message| to(&message.destination)).cloned().collect();
        if !messages.is_empty() {
            self.send_messages(batch, &messages, sent);
        }
    }

    fn send_messages(&self, batch: &SendBatch, messages: &[Message], sent: &mut Sent) {
        let mut names: Vec<_> =
            messages.iter().map(|message| RawAddress::encode(&message.destination)).collect();
        let mut controls: Vec<_> =
            messages.iter().map(|message| Control::of(message.segments(), message.source)).collect();
        let packets = messages.iter().flat_map(|message| message.packets.clone());
        let mut vectors: Vec<_> = packets.map(|index| IoVec::reading(batch.packet(index))).collect();
        let mut headers = Vec::with_capacity(messages.len());
        let mut rest = &mut vectors[..];
        for ((message, name), control) in messages.iter().zip(&mut names).zip(&mut controls) {
            let (of_message, others) = rest.split_at_mut(message.packets.len());
            rest = others;
            headers.push(MmsgHdr::new(name, of_message, control.written()));
        }
        let mut next = 0;
        while next < headers.len() {
            let waiting = &mut headers[next..];
            let (first, most) = (waiting.as_mut_ptr(), waiting.len() as c_uint);
            // SAFETY: every header points into names, vectors, controls and batch, which outlive the call;
            // the kernel only reads what they point to.
            let count = unsafe { sendmmsg(self.as_raw_fd(), first, most, 0) };
            sent.calls += 1;
            if count > 0 {
                next += count as usize;
                continue;
            }
            let message = &messages[next];
            match io::Error::last_os_error().raw_os_error() {
                Some(EINTR) => continue,
                Some(EIO | EINVAL) if message.segments().is_some() => {
                    sent.segmentation_refused.push(message.transport);
                    self.send_messages(batch, &message.split(), sent);
                }
                _ => sent.dropped.push((message.transport, message.packets.len() as u64)),
            }
            next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Destination;
    use crate::sys::testing::{pair, set_option};
    use crate::sys::ReceiveBatch;
    use std::net::IpAddr;

    fn send(
        socket: &Socket,
        to: (SocketAddr, Option<IpAddr>),
        segmentation: bool,
        lengths: &[usize],
    ) -> Sent {
        let mut batch = SendBatch::new();
        let destination =
            Destination { transport: TransportId(1), address: to.0, source: to.1, segmentation };
        for (value, length) in lengths.iter().enumerate() {
            batch.slot().unwrap()[..*length].fill(value as u8);
            batch.commit(*length, destination);
        }
        let mut sent = Sent::default();
        socket.send(&batch, |_| true, &mut sent);
        sent
    }

    #[test]
    fn datagrams_arrive_as_they_were_sent_with_and_without_segmentation() {
        for (segmentation, address) in [(true, "127.0.0.1:0"), (false, "127.0.0.1:0"), (true, "[::1]:0")] {
            let (source, sender) = pair(address);
            let (target, receiver) = pair(address);
            let to = (target.local_addr().unwrap(), Some(source.local_addr().unwrap().ip()));
            let sent = send(&sender, to, segmentation, &[900, 900, 900, 100, 1200]);
            assert_eq!((sent.dropped.len(), sent.segmentation_refused.len()), (0, 0));
            let mut batch = ReceiveBatch::new();
            assert_eq!(batch.receive(&receiver).unwrap(), 5);
            for (index, length) in [900, 900, 900, 100, 1200].into_iter().enumerate() {
                let arrival = batch.arrival(index);
                assert_eq!((arrival.length, arrival.source), (length, source.local_addr().unwrap()));
                assert!(batch.bytes(index, length).iter().all(|byte| *byte == index as u8));
            }
        }
    }

    /// All of 127.0.0.0/8 is ours; unasked, the system would choose 127.0.0.1.
    #[test]
    fn leaves_from_the_address_that_was_asked_and_tells_which_one_that_was() {
        const IP_PKTINFO: c_int = 8;
        let (source, sender) = pair("0.0.0.0:0");
        let (target, receiver) = pair("0.0.0.0:0");
        set_option(&target, 0, IP_PKTINFO, 1);
        let to = SocketAddr::from(([127, 0, 0, 3], target.local_addr().unwrap().port()));
        let from: IpAddr = [127, 0, 0, 2].into();
        send(&sender, (to, Some(from)), true, &[500, 500]);
        let mut batch = ReceiveBatch::new();
        assert_eq!(batch.receive(&receiver).unwrap(), 2);
        assert_eq!(batch.arrival(0).source, (from, source.local_addr().unwrap().port()).into());
        assert_eq!(batch.local(1), Some(to.ip()));
    }

    #[test]
    fn a_refused_segmentation_falls_back_to_single_packets() {
        let (plain, sender) = pair("127.0.0.1:0");
        let (target, receiver) = pair("127.0.0.1:0");
        // UDP GSO without checksums is refused with EIO or EINVAL: a refusal to be had on any machine.
        const SOL_SOCKET: c_int = 1;
        const SO_NO_CHECK: c_int = 11;
        set_option(&plain, SOL_SOCKET, SO_NO_CHECK, 1);
        let sent = send(&sender, (target.local_addr().unwrap(), None), true, &[500, 500, 500]);
        assert_eq!(sent.segmentation_refused, vec![TransportId(1)]);
        assert_eq!(sent.dropped, vec![]);
        assert_eq!(ReceiveBatch::new().receive(&receiver).unwrap(), 3);
    }

    #[test]
    fn what_the_kernel_refuses_is_counted_and_the_rest_goes() {
        let (_keep, sender) = pair("127.0.0.1:0");
        let (target, receiver) = pair("127.0.0.1:0");
        let good = Destination {
            transport: TransportId(1),
            address: target.local_addr().unwrap(),
            source: None,
            segmentation: true,
        };
        let nowhere = SocketAddr::from(([255, 255, 255, 255], 9)); // broadcast was not allowed
        let bad = Destination { transport: TransportId(2), address: nowhere, ..good };
        let mut batch = SendBatch::new();
        for destination in [good, bad, good] {
            batch.commit(100, destination);
        }
        let mut sent = Sent::default();
        sender.send(&batch, |_| true, &mut sent);
        assert_eq!(sent.dropped, vec![(TransportId(2), 1)]);
        assert_eq!(ReceiveBatch::new().receive(&receiver).unwrap(), 2);
    }
}
