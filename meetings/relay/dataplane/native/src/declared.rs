//! What Python asked for, done between two batches.
#![forbid(unsafe_code)]

use crate::commands::Command;
use crate::engine::Engine;
use crate::events::Event;
use crate::media::{Exit, Kind, Refusal, TransportId};
use crate::sys::Sessions;

/// Bounds a turn, so that neither media nor commands starve the other.
const COMMANDS_PER_TURN: usize = 256;

impl Engine {
    pub(crate) fn run_commands(&mut self, now: u64) {
        self.commands_waiting = false;
        for _ in 0..COMMANDS_PER_TURN {
            match self.link.commands.pop() {
                Some(command) => self.run_command(command, now),
                None => return self.outbox.flush(),
            }
            self.outbox.counters.commands += 1;
        }
        self.commands_waiting = true;
        self.outbox.flush();
    }

    fn run_command(&mut self, command: Command, now: u64) {
        match command {
            Command::Open { transport } => {
                self.router.open(transport);
                self.outbox.peers.open(transport, self.segmentation, now);
            }
            Command::Close { transport } => self.close(transport),
            Command::Secure { transport, sessions } => self.secure(transport, sessions, now),
            Command::Accept { transport, address } => self.outbox.peers.accept(transport, address),
            Command::Release { address } => self.outbox.peers.release(address),
            Command::Route { transport, route } => {
                if let Some(peer) = self.outbox.peers.get(transport) {
                    peer.route = route;
                }
            }
            Command::WatchCongestion { transport, extension } => {
                self.router.watch_congestion(transport, extension);
            }
            Command::SendRtcp { transport, packet } => self.send_rtcp(transport, &packet),
            Command::Probe { transport, bitrate, duration } => {
                self.router.probe(transport, bitrate, duration, now);
            }
            Command::Tap { track, tapped: true } => drop(self.tapped.insert(track)),
            Command::Tap { track, tapped: false } => drop(self.tapped.remove(&track)),
            #[cfg(feature = "fault-injection")]
            Command::Panic => panic!("provoked"),
            about_media => self.declare(about_media, now),
        }
    }

    fn declare(&mut self, command: Command, now: u64) {
        let router = &mut self.router;
        match command {
            Command::AddStream(settings) => {
                let (transport, ssrc) = (settings.transport, settings.ssrc);
                let outcome = router.add_stream(*settings);
                self.declared(transport, ssrc, outcome, now);
            }
            Command::AddRepair { transport, rtx_ssrc, ssrc, payload_type } => {
                let outcome = router.add_repair(transport, rtx_ssrc, ssrc, payload_type);
                self.declared(transport, rtx_ssrc, outcome, now);
            }
            Command::RemoveStream { transport, ssrc } => drop(router.remove_stream(transport, ssrc)),
            Command::Mute { track, muted } => router.mute(track, muted, now),
            Command::RequestKeyframe { transport, ssrc } => router.request_keyframe(transport, ssrc, now),
            Command::Subscribe(settings) => {
                let refused = router.subscribe(*settings).is_err();
                self.outbox.counters.declarations_refused += u64::from(refused);
            }
            Command::Steer { number, ssrc } => router.steer(number, ssrc, now),
            Command::Unsubscribe { number } => {
                let ended = router.unsubscribe(number);
                let peer = ended.and_then(|ended| self.outbox.peers.get(ended.transport));
                if let (Some(ended), Some(sessions)) = (ended, peer.and_then(|peer| peer.sessions.as_mut())) {
                    sessions.forget_sent(ended.ssrc);
                    ended.rtx_ssrc.into_iter().for_each(|ssrc| sessions.forget_sent(ssrc));
                }
            }
            _ => {}
        }
    }

    /// What came before it was declared has its turn now.
    fn declared(&mut self, transport: TransportId, ssrc: u32, outcome: Result<(), Refusal>, now: u64) {
        if outcome.is_err() {
            self.outbox.counters.declarations_refused += 1;
            return;
        }
        if let Some(peer) = self.outbox.peers.get(transport) {
            peer.note_declared(ssrc);
        }
        let stashed = self.router.take_stashed(transport, ssrc);
        self.take_in(transport, stashed, now);
    }

    fn secure(&mut self, transport: TransportId, sessions: Sessions, now: u64) {
        let early = match self.outbox.peers.get(transport) {
            Some(peer) => {
                peer.sessions = Some(sessions);
                peer.take_early()
            }
            None => return,
        };
        self.unprotect_early(transport, early, now);
    }

    fn close(&mut self, transport: TransportId) {
        self.router.close(transport);
        self.outbox.peers.close(transport);
        self.closed.push_back(Event::Closed { transport });
    }

    fn send_rtcp(&mut self, transport: TransportId, packet: &[u8]) {
        let room = self.outbox.room(transport).and_then(|room| room.get_mut(..packet.len()));
        if let Some(room) = room {
            room.copy_from_slice(packet);
            self.outbox.send(transport, Kind::Rtcp, packet.len());
        }
    }
}
