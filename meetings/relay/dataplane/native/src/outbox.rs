//! From a packet that is written to a datagram that is sent: protect, queue, send in batches.
#![forbid(unsafe_code)]

use crate::batch::{Destination, SendBatch, SLOT};
use crate::counters::Counters;
use crate::media::{Exit, Kind, TransportId};
use crate::peers::Peers;
use crate::sys::{Sent, Socket};

/// Of a slot for a plain packet; libsrtp may need the rest.
const ROOM: usize = SLOT - 152;

/// The sockets, at most one for each address family.
pub struct Sockets {
    pub all: Vec<Socket>,
    /// Whether the first is IPv4's.
    pub first_is_v4: bool,
}

pub struct Outbox {
    pub peers: Peers,
    pub counters: Counters,
    pub sockets: Sockets,
    batch: SendBatch,
}

impl Outbox {
    pub fn new(sockets: Sockets) -> Self {
        let (peers, counters) = (Peers::default(), Counters::default());
        Outbox { peers, counters, sockets, batch: SendBatch::new() }
    }

    pub fn flush(&mut self) {
        if self.batch.messages().is_empty() {
            return;
        }
        let mut sent = Sent::default();
        for (index, socket) in self.sockets.all.iter().enumerate() {
            let v4 = self.sockets.first_is_v4 == (index == 0);
            socket.send(&self.batch, |address| address.is_ipv4() == v4, &mut sent);
        }
        self.batch.clear();
        self.counters.send_calls += sent.calls;
        for (transport, packets) in sent.dropped {
            self.counters.send_failed += packets;
            if let Some(peer) = self.peers.get(transport) {
                peer.send_dropped += packets;
            }
        }
        for transport in sent.segmentation_refused {
            self.counters.segmentation_refused += 1;
            if let Some(peer) = self.peers.get(transport) {
                peer.segmentation = false;
            }
        }
    }
}

impl Exit for Outbox {
    fn room(&mut self, transport: TransportId) -> Option<&mut [u8]> {
        let peer = self.peers.get(transport)?;
        if peer.route.is_none() || peer.sessions.is_none() {
            return None;
        }
        if self.batch.is_full() {
            self.flush();
        }
        self.batch.slot().and_then(|slot| slot.get_mut(..ROOM))
    }

    fn send(&mut self, transport: TransportId, kind: Kind, length: usize) {
        let (peer, slot) = match (self.peers.get(transport), self.batch.slot()) {
            (Some(peer), Some(slot)) => (peer, slot),
            _ => return,
        };
        let (sessions, (address, source)) = match (&mut peer.sessions, peer.route) {
            (Some(sessions), Some(route)) => (sessions, route),
            _ => return,
        };
        let protected = match kind {
            Kind::Rtp => sessions.protect(slot, length),
            Kind::Rtcp => sessions.protect_rtcp(slot, length),
        };
        let protected = match protected {
            Ok(protected) => protected,
            Err(_) => return self.counters.protect_failed += 1,
        };
        match kind {
            Kind::Rtp => {
                self.counters.forwarded += 1;
                self.counters.forwarded_octets += length as u64;
            }
            Kind::Rtcp => self.counters.rtcp_sent += 1,
        }
        let segmentation = peer.segmentation && kind == Kind::Rtp;
        self.batch.commit(protected, Destination { transport, address, source, segmentation });
    }
}
