//! Who is where: each transport's keys, its addresses, and where it is sent to.
#![forbid(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use crate::limits::{Bucket, PEER_BURST, PEER_RATE};
use crate::media::{ByNumber, TransportId};
use crate::sys::Sessions;

/// Datagrams kept until the keys are here: what a client sends after its last DTLS flight, some milliseconds.
const EARLY: usize = 64;
/// SSRCs of one peer that nobody declared, for which libsrtp keeps state.
const UNDECLARED: usize = 64;

pub struct Peer {
    pub sessions: Option<Sessions>,
    /// Where it is sent to, and our address to send from where the system would choose another.
    pub route: Option<(SocketAddr, Option<IpAddr>)>,
    /// Whether UDP GSO may be used; once refused on its path, it is not tried again.
    pub segmentation: bool,
    pub send_dropped: u64,
    early: Vec<Vec<u8>>,
    news: Bucket,
    undeclared: VecDeque<u32>,
}

impl Peer {
    /// Bounds what a peer that sends under ever new SSRCs costs: libsrtp keeps each, and searches linearly.
    pub fn note_undeclared(&mut self, ssrc: u32) {
        if self.undeclared.contains(&ssrc) {
            return;
        }
        self.undeclared.push_back(ssrc);
        if self.undeclared.len() > UNDECLARED {
            if let (Some(oldest), Some(sessions)) = (self.undeclared.pop_front(), &mut self.sessions) {
                sessions.forget_received(oldest);
            }
        }
    }

    pub fn note_declared(&mut self, ssrc: u32) {
        self.undeclared.retain(|other| *other != ssrc);
    }

    /// Keeps a datagram until `Command::Secure`; false where there is no room.
    pub fn keep(&mut self, datagram: &[u8]) -> bool {
        let room = self.early.len() < EARLY;
        if room {
            self.early.push(datagram.to_vec());
        }
        room
    }

    pub fn take_early(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.early)
    }

    /// Whether Python is to hear something more of this peer.
    pub fn may_tell(&mut self, now: u64) -> bool {
        self.news.take(PEER_RATE, PEER_BURST, now)
    }
}

/// Both tables agree after every call.
#[derive(Default)]
pub struct Peers {
    by_number: ByNumber<TransportId, Peer>,
    by_address: HashMap<SocketAddr, TransportId>,
}

impl Peers {
    pub fn open(&mut self, transport: TransportId, segmentation: bool, now: u64) {
        self.by_number.entry(transport).or_insert_with(|| Peer {
            sessions: None,
            route: None,
            segmentation,
            send_dropped: 0,
            early: Vec::new(),
            news: Bucket::full(PEER_BURST, now),
            undeclared: VecDeque::new(),
        });
    }

    /// The sessions are not used any more when this returns.
    pub fn close(&mut self, transport: TransportId) {
        self.by_number.remove(&transport);
        self.by_address.retain(|_, holder| *holder != transport);
    }

    pub fn accept(&mut self, transport: TransportId, address: SocketAddr) {
        if self.by_number.contains_key(&transport) {
            self.by_address.insert(address, transport);
        }
    }

    pub fn release(&mut self, address: SocketAddr) {
        self.by_address.remove(&address);
    }

    pub fn at(&self, address: &SocketAddr) -> Option<TransportId> {
        self.by_address.get(address).copied()
    }

    pub fn get(&mut self, transport: TransportId) -> Option<&mut Peer> {
        self.by_number.get_mut(&transport)
    }

    pub fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    pub fn addresses(&self) -> usize {
        self.by_address.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: TransportId = TransportId(1);

    #[test]
    fn a_transport_that_closes_takes_its_addresses_with_it() {
        let mut peers = Peers::default();
        let address = SocketAddr::from(([192, 0, 2, 1], 5000));
        peers.accept(ONE, address);
        assert_eq!(peers.at(&address), None, "not open yet");
        peers.open(ONE, true, 0);
        peers.accept(ONE, address);
        assert_eq!(peers.at(&address), Some(ONE));
        peers.close(ONE);
        assert_eq!((peers.at(&address), peers.addresses(), peers.get(ONE).is_none()), (None, 0, true));
    }

    #[test]
    fn what_comes_before_the_keys_is_kept_in_order_and_bounded() {
        let mut peers = Peers::default();
        peers.open(ONE, true, 0);
        let peer = peers.get(ONE).unwrap();
        let kept = (0..100).filter(|value| peer.keep(&[*value])).count();
        assert_eq!(kept, EARLY);
        assert_eq!(peer.take_early()[..2], [vec![0], vec![1]]);
        assert!(peer.take_early().is_empty());
    }
}
