//! Batches of datagrams in: recvmmsg.
//!
//! Pointers handed to the kernel are made just before each call from buffers that outlive it; none are
//! stored.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::raw::{c_int, c_uint, c_void};
use std::os::unix::io::AsRawFd;
use std::ptr;

use super::control::Control;
use super::socket::{IoVec, MmsgHdr, RawAddress, Socket};
use crate::batch::{Slot, SLOT};
use crate::media::Arrivals;

const MSG_TRUNC: c_int = 0x20;
const MSG_DONTWAIT: c_int = 0x40;

extern "C" {
    fn recvmmsg(
        fd: c_int,
        messages: *mut MmsgHdr,
        count: c_uint,
        flags: c_int,
        timeout: *mut c_void,
    ) -> c_int;
}

#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// 0 for a datagram that was longer than a slot.
    pub length: usize,
    pub source: SocketAddr,
    control_length: usize,
}

pub struct ReceiveBatch {
    slots: Vec<Slot>,
    names: Vec<RawAddress>,
    controls: Vec<Control>,
    arrivals: Vec<Arrival>,
}

impl ReceiveBatch {
    /// Datagrams taken at once: what they become is sent before more are taken, so that the first of a burst
    /// need not wait for the last.
    pub const CAPACITY: usize = 32;

    pub fn new() -> Self {
        ReceiveBatch {
            slots: vec![Slot([0; SLOT]); Self::CAPACITY],
            names: vec![RawAddress::EMPTY; Self::CAPACITY],
            controls: vec![Control::EMPTY; Self::CAPACITY],
            arrivals: Vec::with_capacity(Self::CAPACITY),
        }
    }

    /// Forgets what came, so that all slots are free again.
    pub fn clear(&mut self) {
        self.arrivals.clear();
    }

    /// Takes what is waiting into the free slots, without blocking; returns how many came.
    pub fn receive(&mut self, socket: &Socket) -> io::Result<usize> {
        let taken = self.arrivals.len();
        let (slots, controls) = (&mut self.slots[taken..], &mut self.controls[taken..]);
        let names = &mut self.names[taken..];
        names.fill(RawAddress::EMPTY);
        let mut vectors: Vec<_> = slots.iter_mut().map(|slot| IoVec::writing(&mut slot.0)).collect();
        let places = names.iter_mut().zip(vectors.chunks_mut(1)).zip(controls);
        let mut headers: Vec<_> =
            places.map(|((name, vector), control)| MmsgHdr::new(name, vector, control.whole())).collect();
        let fd = socket.as_raw_fd();
        let (first, most) = (headers.as_mut_ptr(), headers.len() as c_uint);
        // SAFETY: every header points into names, vectors, controls and slots, which outlive the call and
        // are not otherwise in use; lengths are theirs.
        let count = unsafe { recvmmsg(fd, first, most, MSG_DONTWAIT, ptr::null_mut()) };
        if count < 0 {
            return Err(io::Error::last_os_error());
        }
        for (header, name) in headers.iter().zip(&*names).take(count as usize) {
            let truncated = header.header.flags & MSG_TRUNC != 0;
            let source = name.decode();
            self.arrivals.push(Arrival {
                length: if truncated || source.is_none() { 0 } else { header.length as usize },
                source: source.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0))),
                control_length: header.header.control_length,
            });
        }
        Ok(self.arrivals.len() - taken)
    }

    pub fn arrival(&self, place: usize) -> Arrival {
        self.arrivals[place]
    }

    /// The address of ours that it was sent to, where the socket tells.
    pub fn local(&self, place: usize) -> Option<IpAddr> {
        self.controls[place].local(self.arrivals[place].control_length)
    }

    /// The whole slot; the datagram is its beginning.
    pub fn slot(&mut self, place: usize) -> &mut [u8] {
        &mut self.slots[place].0
    }

    pub fn bytes(&self, place: usize, length: usize) -> &[u8] {
        &self.slots[place].0[..length]
    }
}

impl Arrivals for ReceiveBatch {
    fn buffer(&self, place: usize) -> &[u8] {
        &self.slots[place].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::pair;

    #[test]
    fn a_datagram_longer_than_a_slot_is_marked() {
        let (sender, _keep) = pair("127.0.0.1:0");
        let (target, receiver) = pair("127.0.0.1:0");
        sender.send_to(&[1; SLOT + 1], target.local_addr().unwrap()).unwrap();
        let mut batch = ReceiveBatch::new();
        assert_eq!(batch.receive(&receiver).unwrap(), 1);
        assert_eq!(batch.arrival(0).length, 0);
    }

    #[test]
    fn a_second_reading_leaves_the_first_where_it_is() {
        let (sender, _keep) = pair("127.0.0.1:0");
        let (target, receiver) = pair("127.0.0.1:0");
        let mut batch = ReceiveBatch::new();
        for text in [&b"one"[..], b"three"] {
            sender.send_to(text, target.local_addr().unwrap()).unwrap();
            assert_eq!(batch.receive(&receiver).unwrap(), 1);
        }
        assert_eq!((batch.bytes(0, 3), batch.bytes(1, 5)), (&b"one"[..], &b"three"[..]));
        assert_eq!((batch.arrival(0).length, batch.arrival(1).length), (3, 5));
        batch.clear();
        sender.send_to(b"four", target.local_addr().unwrap()).unwrap();
        assert_eq!((batch.receive(&receiver).unwrap(), batch.bytes(0, 4)), (1, &b"four"[..]));
    }

    #[test]
    fn nothing_waiting_would_block() {
        let (_keep, receiver) = pair("127.0.0.1:0");
        let error = ReceiveBatch::new().receive(&receiver).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
