//! Where the caller's buffers and the media meet.
#![forbid(unsafe_code)]

use super::settings::TransportId;

/// Which of a transport's SRTP contexts a packet belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Rtp,
    Rtcp,
}

/// Takes plain packets; protects, groups and sends them.
pub trait Exit {
    /// Room for the next packet to `transport`, 1,600 bytes or more; `None` where it can get none now.
    fn room(&mut self, transport: TransportId) -> Option<&mut [u8]>;

    /// The first `length` bytes of the room given last are a packet. Not called when nothing was written.
    fn send(&mut self, transport: TransportId, kind: Kind, length: usize);
}

/// The buffers that packets were received into, by the place that `Router::receive` was told.
pub trait Arrivals {
    fn buffer(&self, place: usize) -> &[u8];
}

impl<T: AsRef<[u8]>> Arrivals for [T] {
    fn buffer(&self, place: usize) -> &[u8] {
        self.get(place).map_or(&[], AsRef::as_ref)
    }
}
