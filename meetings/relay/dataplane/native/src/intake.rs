//! What comes: told apart, unprotected once, forwarded, and where Python is concerned handed to it.
#![forbid(unsafe_code)]

use std::io;
use std::thread;
use std::time::Duration;

use crate::batch::SLOT;
use crate::engine::Engine;
use crate::events::Event;
use crate::media::{classify, Accepted, Arrivals, Protocol, Reason, Received, Router, TransportId};
use crate::outbox::Outbox;
use crate::sys::{monotonic_us, Arrival, ReceiveBatch};

/// A picture's packets come one upon the other: read together, they leave in fewer messages, and this thread
/// wakes less often. This is what the first of them waits, once a turn; it buys a tenth of the CPU.
const GATHERING: Duration = Duration::from_micros(200);
/// Bounds a turn, so that neither media nor commands starve the other.
const ROUNDS_PER_TURN: usize = 8;

impl Engine {
    /// Reads the sockets that are ready in turns, until neither has more or the turn has taken long enough.
    pub(crate) fn receive(&mut self, ready: [bool; 2]) -> io::Result<()> {
        let mut ready = ready;
        self.gathered = false;
        for _ in 0..ROUNDS_PER_TURN {
            for (index, more) in ready.iter_mut().enumerate().filter(|(_, more)| **more) {
                *more = self.receive_batch(index)? == ReceiveBatch::CAPACITY;
            }
            if ready == [false; 2] {
                break;
            }
            self.tick(monotonic_us());
        }
        Ok(())
    }

    /// Forwards what is there, with what follows in a moment; reports and requests alone are not waited on.
    fn receive_batch(&mut self, index: usize) -> io::Result<usize> {
        self.receiving.clear();
        let mut count = self.read(index)?;
        let mut now = monotonic_us();
        let mut accepted: Vec<_> = (0..count).filter_map(|place| self.take_datagram(place, now)).collect();
        if !accepted.is_empty()
            && count < ReceiveBatch::CAPACITY
            && !std::mem::replace(&mut self.gathered, true)
        {
            thread::sleep(GATHERING);
            let more = count..count + self.read(index)?;
            count = more.end;
            now = monotonic_us();
            accepted.extend(more.filter_map(|place| self.take_datagram(place, now)));
        }
        forward(&mut self.router, accepted, &self.receiving, now, &mut self.outbox);
        Ok(count)
    }

    fn read(&mut self, index: usize) -> io::Result<usize> {
        let socket = match self.outbox.sockets.all.get(index) {
            Some(socket) => socket,
            None => return Ok(0),
        };
        let counters = &mut self.outbox.counters;
        counters.receive_calls += 1;
        let count = match self.receiving.receive(socket) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) if is_transient(&error) => {
                counters.receive_failed += 1;
                0
            }
            Err(error) => return Err(error),
        };
        counters.received += count as u64;
        Ok(count)
    }

    fn take_datagram(&mut self, place: usize, now: u64) -> Option<Accepted> {
        let Arrival { length, source, .. } = self.receiving.arrival(place);
        if length == 0 {
            self.outbox.counters.truncated += 1;
            return None;
        }
        let protocol = classify(self.receiving.bytes(place, length));
        let transport = self.outbox.peers.at(&source);
        match (protocol, transport) {
            (Protocol::Stun, _) => self.take_stun(place, length, now),
            (Protocol::Unknown, _) => self.outbox.counters.unknown += 1,
            (_, None) => self.outbox.counters.strangers += 1,
            (Protocol::Dtls, Some(transport)) => {
                let packet = self.receiving.bytes(place, length).to_vec();
                self.tell_of(transport, now, Event::Dtls { transport, packet });
            }
            (Protocol::Rtp, Some(transport)) => return self.take_rtp(transport, place, length, now),
            (Protocol::Rtcp, Some(transport)) => self.take_rtcp(transport, place, length, now),
        }
        None
    }

    fn take_stun(&mut self, place: usize, length: usize, now: u64) {
        let source = self.receiving.arrival(place).source;
        if !self.strangers.may_speak(source.ip(), now) {
            self.outbox.counters.strangers_limited += 1;
            return;
        }
        let (local, packet) = (self.receiving.local(place), self.receiving.bytes(place, length).to_vec());
        if !self.tell(|link| &link.strangers, Event::Stun { source, local, packet }) {
            self.outbox.counters.strangers_lost += 1;
        }
    }

    /// Something of one peer, within what one peer may have Python hear.
    fn tell_of(&mut self, transport: TransportId, now: u64, event: Event) {
        if !self.outbox.peers.get(transport).map_or(false, |peer| peer.may_tell(now)) {
            self.outbox.counters.peers_limited += 1;
        } else if !self.tell(|link| &link.events, event) {
            self.outbox.counters.events_lost += 1;
        }
    }

    /// Unprotects the datagram where it lies; its new length, or `None` with the reason counted.
    fn unprotect(
        &mut self,
        transport: TransportId,
        place: usize,
        length: usize,
        rtcp: bool,
    ) -> Option<usize> {
        let peer = self.outbox.peers.get(transport)?;
        let sessions = match &mut peer.sessions {
            Some(sessions) => sessions,
            None => {
                let kept = peer.keep(self.receiving.bytes(place, length));
                self.outbox.counters.early_dropped += u64::from(!kept);
                return None;
            }
        };
        let slot = self.receiving.slot(place);
        let outcome =
            if rtcp { sessions.unprotect_rtcp(slot, length) } else { sessions.unprotect(slot, length) };
        self.outbox.counters.unprotect_failed += u64::from(outcome.is_err());
        outcome.ok()
    }

    fn take_rtp(
        &mut self,
        transport: TransportId,
        place: usize,
        length: usize,
        now: u64,
    ) -> Option<Accepted> {
        let length = self.unprotect(transport, place, length, false)?;
        let received = self.router.receive(transport, place, &mut self.receiving.slot(place)[..length], now);
        match &received {
            Received::Unknown(header) => {
                let packet = self.receiving.bytes(place, length).to_vec();
                self.take_unknown(transport, header.ssrc, packet, now);
            }
            Received::Stray(header) => self.note_undeclared(transport, header.ssrc),
            _ => {}
        }
        let accepted = self.count(received)?;
        if self.tapped.contains(&accepted.track) {
            let packet = self.receiving.bytes(place, SLOT)[accepted.range.clone()].to_vec();
            self.tap(&accepted, packet, now);
        }
        Some(accepted)
    }

    fn take_unknown(&mut self, transport: TransportId, ssrc: u32, packet: Vec<u8>, now: u64) {
        self.note_undeclared(transport, ssrc);
        self.outbox.counters.unknown_ssrc += 1;
        self.tell_of(transport, now, Event::Unknown { transport, at: now, packet });
    }

    fn note_undeclared(&mut self, transport: TransportId, ssrc: u32) {
        if let Some(peer) = self.outbox.peers.get(transport) {
            peer.note_undeclared(ssrc);
        }
    }

    fn count(&mut self, received: Received) -> Option<Accepted> {
        let counters = &mut self.outbox.counters;
        let counter = match received {
            Received::Accepted(accepted) => return Some(accepted),
            Received::Unknown(_) => return None,
            Received::Dropped(Reason::Malformed) => &mut counters.malformed,
            Received::Dropped(Reason::Padding) => &mut counters.padding_dropped,
            Received::Dropped(Reason::Duplicate) => &mut counters.duplicates_dropped,
            Received::Dropped(Reason::TooLate) => &mut counters.late_dropped,
            Received::Dropped(Reason::Muted) => &mut counters.muted_dropped,
            Received::Dropped(Reason::PayloadType) => &mut counters.payload_type_dropped,
            Received::Stray(_) => &mut counters.stash_full,
            Received::Dropped(Reason::NoStream | Reason::NoTransport) => &mut counters.unknown_ssrc,
        };
        *counter += 1;
        None
    }

    fn tap(&mut self, accepted: &Accepted, packet: Vec<u8>, now: u64) {
        if !self.tell(|link| &link.taps, Event::Tapped { track: accepted.track, at: now, packet }) {
            self.outbox.counters.taps_lost += 1;
        }
    }

    fn take_rtcp(&mut self, transport: TransportId, place: usize, length: usize, now: u64) {
        if let Some(length) = self.unprotect(transport, place, length, true) {
            let packet = self.receiving.bytes(place, length).to_vec();
            self.hear(transport, packet, now);
        }
    }

    fn hear(&mut self, transport: TransportId, packet: Vec<u8>, now: u64) {
        let heard = self.router.receive_rtcp(transport, &packet, now, &mut self.outbox);
        let counters = &mut self.outbox.counters;
        counters.malformed += u64::from(heard.malformed);
        counters.retransmitted += u64::from(heard.retransmitted);
        counters.retransmissions_refused += u64::from(heard.refused);
        for report in heard.congestion {
            self.tell_of(transport, now, Event::Congestion { transport, report });
        }
        if heard.tell {
            self.tell_of(transport, now, Event::Rtcp { transport, at: now, packet });
        }
    }

    /// Plain packets that were kept until now.
    pub(crate) fn take_in<P>(&mut self, transport: TransportId, mut packets: Vec<P>, now: u64)
    where
        P: AsRef<[u8]> + AsMut<[u8]>,
    {
        let mut accepted = Vec::with_capacity(packets.len());
        for (place, packet) in packets.iter_mut().enumerate() {
            let received = self.router.receive(transport, place, packet.as_mut(), now);
            if let Received::Unknown(header) = &received {
                self.take_unknown(transport, header.ssrc, packet.as_ref().to_vec(), now);
            }
            if let Some(taken) = self.count(received) {
                if self.tapped.contains(&taken.track) {
                    self.tap(&taken, packet.as_ref()[taken.range.clone()].to_vec(), now);
                }
                accepted.push(taken);
            }
        }
        forward(&mut self.router, accepted, &packets[..], now, &mut self.outbox);
    }

    /// What came before the keys were here.
    pub(crate) fn unprotect_early(&mut self, transport: TransportId, early: Vec<Vec<u8>>, now: u64) {
        let mut packets = Vec::with_capacity(early.len());
        for mut datagram in early {
            let rtcp = classify(&datagram) == Protocol::Rtcp;
            let length = datagram.len();
            let sessions = self.outbox.peers.get(transport).and_then(|peer| peer.sessions.as_mut());
            let outcome = match sessions {
                Some(sessions) if rtcp => sessions.unprotect_rtcp(&mut datagram, length),
                Some(sessions) => sessions.unprotect(&mut datagram, length),
                None => return,
            };
            match outcome {
                Ok(length) => datagram.truncate(length),
                Err(_) => {
                    self.outbox.counters.unprotect_failed += 1;
                    continue;
                }
            }
            if rtcp {
                self.hear(transport, datagram, now);
            } else {
                packets.push(datagram);
            }
        }
        self.take_in(transport, packets, now);
    }
}

fn forward<A: Arrivals + ?Sized>(
    router: &mut Router,
    mut accepted: Vec<Accepted>,
    arrivals: &A,
    now: u64,
    outbox: &mut Outbox,
) {
    accepted.sort_by_key(|packet| packet.track); // stable: a track's packets stay in order
    for run in (Runs { rest: &accepted }) {
        router.fan_out(run, arrivals, now, outbox);
    }
    outbox.flush();
}

/// Runs of packets of one track.
struct Runs<'a> {
    rest: &'a [Accepted],
}

impl<'a> Iterator for Runs<'a> {
    type Item = &'a [Accepted];

    fn next(&mut self) -> Option<&'a [Accepted]> {
        let track = self.rest.first()?.track;
        let (run, rest) = self.rest.split_at(self.rest.iter().take_while(|next| next.track == track).count());
        self.rest = rest;
        Some(run)
    }
}

/// An ICMP error about a peer, or an interruption.
fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionRefused | ConnectionReset | Interrupted)
}
