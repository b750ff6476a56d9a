//! Who publishes what to whom. The tables agree after every call: a transport that is gone leaves no stream
//! and no subscription behind.
#![forbid(unsafe_code)]

use super::mailbox::Mailbox;
use super::numbers::ByNumber;
use super::probe::{Probe, STEP};
use super::settings::{StreamSettings, SubscriptionId, SubscriptionSettings, TrackId, TransportId};
use super::speakers::Speakers;
use super::stash::Stashed;
use super::stream::Stream;
use super::subscription::Subscription;
use super::timers::{Task, Timers};
use super::transport::{Repair, Transport};
use super::twcc::Arrivals;

/// Streams and repairs of one transport; the control side declares fewer.
const MOST_SSRCS: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    UnknownTransport,
    InUse,
    /// An SSRC may be used once per transport: a second use would repeat AES-GCM's nonces.
    SsrcUsed,
    TooMany,
}

/// What ended with a subscription: its SRTP streams can be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub transport: TransportId,
    pub ssrc: u32,
    pub rtx_ssrc: Option<u32>,
}

#[derive(Default)]
pub(super) struct Track {
    pub streams: Vec<Stream>,
    pub subscriptions: Vec<Subscription>,
    pub muted: bool,
}

impl Track {
    /// Whether a subscriber waits for a keyframe of this SSRC.
    pub fn is_awaited(&self, ssrc: u32) -> bool {
        self.subscriptions.iter().any(|subscription| subscription.awaits() == Some(ssrc))
    }

    fn is_empty(&self) -> bool {
        self.streams.is_empty() && self.subscriptions.is_empty()
    }
}

/// All state of the media.
pub struct Router {
    pub(super) transports: ByNumber<TransportId, Transport>,
    pub(super) tracks: ByNumber<TrackId, Track>,
    pub(super) track_of: ByNumber<SubscriptionId, TrackId>,
    pub(super) speakers: Speakers,
    pub(super) timers: Timers,
    pub(super) mailbox: Mailbox,
    streams_added: u64,
}

impl Router {
    /// `voices`: how many of a group are forwarded at once.
    pub fn new(voices: usize) -> Self {
        Router {
            transports: ByNumber::default(),
            tracks: ByNumber::default(),
            track_of: ByNumber::default(),
            speakers: Speakers::new(voices),
            timers: Timers::default(),
            mailbox: Mailbox::default(),
            streams_added: 0,
        }
    }

    // Declared by the control side. Numbers that are not known are ignored.

    pub fn open(&mut self, transport: TransportId) {
        self.transports.entry(transport).or_default();
    }

    /// Its streams, repairs, subscriptions and stashed packets go with it.
    pub fn close(&mut self, transport: TransportId) {
        let (ssrcs, subscriptions) = match self.transports.get(&transport) {
            Some(gone) => (gone.streams.keys().copied().collect::<Vec<_>>(), gone.subscriptions.clone()),
            None => return,
        };
        for ssrc in ssrcs {
            self.remove_stream(transport, ssrc);
        }
        for number in subscriptions {
            self.unsubscribe(number);
        }
        self.transports.remove(&transport);
    }

    /// Counts the transport-wide numbers found in this header extension, and tells their sender of them.
    pub fn watch_congestion(&mut self, transport: TransportId, extension: u8) {
        if let Some(transport) = self.transports.get_mut(&transport) {
            if transport.arrivals.as_ref().map_or(true, |(before, _)| *before != extension) {
                transport.arrivals = Some((extension, Arrivals::default()));
            }
        }
    }

    /// Afterwards `take_stashed` gives what came before; each goes through `receive` and `fan_out`.
    pub fn add_stream(&mut self, settings: StreamSettings) -> Result<(), Refusal> {
        let transport = self.transports.get_mut(&settings.transport).ok_or(Refusal::UnknownTransport)?;
        if transport.streams.contains_key(&settings.ssrc) || transport.repairs.contains_key(&settings.ssrc) {
            return Err(Refusal::InUse);
        }
        if transport.streams.len() >= MOST_SSRCS {
            return Err(Refusal::TooMany);
        }
        transport.streams.insert(settings.ssrc, settings.track);
        if settings.voices != 0 {
            self.speakers.join(settings.voices, settings.track);
        }
        self.streams_added += 1;
        let track = self.tracks.entry(settings.track).or_default();
        track.streams.push(Stream::new(self.streams_added, settings));
        Ok(())
    }

    /// As for `add_stream`, `take_stashed(transport, rtx_ssrc)` follows.
    pub fn add_repair(
        &mut self,
        transport: TransportId,
        rtx_ssrc: u32,
        ssrc: u32,
        payload_type: u8,
    ) -> Result<(), Refusal> {
        let transport = self.transports.get_mut(&transport).ok_or(Refusal::UnknownTransport)?;
        if transport.streams.contains_key(&rtx_ssrc) {
            return Err(Refusal::InUse);
        }
        if transport.repairs.len() >= MOST_SSRCS {
            return Err(Refusal::TooMany);
        }
        transport.repairs.insert(rtx_ssrc, Repair { ssrc, payload_type });
        Ok(())
    }

    pub fn take_stashed(&mut self, transport: TransportId, ssrc: u32) -> Vec<Stashed> {
        self.transports.get_mut(&transport).map_or_else(Vec::new, |transport| transport.stash.take(ssrc))
    }

    /// True where it was there: its SRTP stream can be removed, and those of its repairs.
    pub fn remove_stream(&mut self, transport: TransportId, ssrc: u32) -> bool {
        let of_transport = match self.transports.get_mut(&transport) {
            Some(of_transport) => of_transport,
            None => return false,
        };
        let number = match of_transport.streams.remove(&ssrc) {
            Some(number) => number,
            None => return of_transport.repairs.remove(&ssrc).is_some(),
        };
        of_transport.repairs.retain(|_, repair| repair.ssrc != ssrc);
        if let Some(track) = self.tracks.get_mut(&number) {
            let meant =
                |stream: &Stream| stream.settings.transport == transport && stream.settings.ssrc == ssrc;
            if let Some(index) = track.streams.iter().position(meant) {
                let stream = track.streams.remove(index);
                track.subscriptions.iter_mut().for_each(|subscription| subscription.forget(stream.id));
                let group = stream.settings.voices;
                if !track.streams.iter().any(|other| other.settings.voices == group) {
                    self.speakers.leave(group, number);
                }
            }
        }
        self.tidy(number);
        true
    }

    /// Forgets a track of which nothing is left.
    fn tidy(&mut self, number: TrackId) {
        if self.tracks.get(&number).map_or(false, Track::is_empty) {
            self.tracks.remove(&number);
        }
    }

    /// Nothing of a muted track is forwarded. One that is not known yet is remembered while it is muted.
    pub fn mute(&mut self, number: TrackId, muted: bool, now: u64) {
        if muted {
            let track = self.tracks.entry(number).or_default();
            track.muted = true;
            for stream in &track.streams {
                self.speakers.silence(stream.settings.voices, number);
            }
        } else if let Some(track) = self.tracks.get_mut(&number) {
            track.muted = false;
            for stream in &mut track.streams {
                // A picture that comes back begins with a keyframe.
                stream.want_keyframe();
                schedule_repair(&mut self.timers, stream, number, now);
            }
            self.tidy(number);
        }
    }

    /// Nothing is forwarded before `steer`.
    pub fn subscribe(&mut self, settings: SubscriptionSettings) -> Result<(), Refusal> {
        let transport = self.transports.get_mut(&settings.transport).ok_or(Refusal::UnknownTransport)?;
        if self.track_of.contains_key(&settings.number) {
            return Err(Refusal::InUse);
        }
        let rtx_ssrc = settings.rtx.map(|(ssrc, _)| ssrc);
        if !transport.claim(settings.ssrc, rtx_ssrc) {
            return Err(Refusal::SsrcUsed);
        }
        transport.outgoing.insert(settings.ssrc, settings.number);
        transport.subscriptions.push(settings.number);
        self.track_of.insert(settings.number, settings.track);
        let track = self.tracks.entry(settings.track).or_default();
        track.subscriptions.push(Subscription::new(settings));
        Ok(())
    }

    pub(super) fn subscription(&mut self, number: SubscriptionId) -> Option<(&mut Subscription, TrackId)> {
        let track = *self.track_of.get(&number)?;
        let subscriptions = &mut self.tracks.get_mut(&track)?.subscriptions;
        let found = subscriptions.iter_mut().find(|subscription| subscription.settings.number == number);
        found.map(|subscription| (subscription, track))
    }

    /// The layer to forward from its next keyframe on; `None` pauses.
    pub fn steer(&mut self, number: SubscriptionId, ssrc: Option<u32>, now: u64) {
        let (subscription, track) = match self.subscription(number) {
            Some(found) => found,
            None => return,
        };
        subscription.steer(ssrc);
        if let Some(ssrc) = subscription.awaits() {
            self.want_keyframe(track, ssrc, now);
        }
    }

    /// The SRTP streams that it had, its SSRCs can not be used again on the transport.
    pub fn unsubscribe(&mut self, number: SubscriptionId) -> Option<Ended> {
        let number_of_track = self.track_of.remove(&number)?;
        let track = self.tracks.get_mut(&number_of_track)?;
        let meant = |subscription: &Subscription| subscription.settings.number == number;
        let index = track.subscriptions.iter().position(meant)?;
        let settings = track.subscriptions.swap_remove(index).settings;
        if let Some(transport) = self.transports.get_mut(&settings.transport) {
            transport.outgoing.remove(&settings.ssrc);
            transport.subscriptions.retain(|other| *other != number);
        }
        self.tidy(number_of_track);
        let rtx_ssrc = settings.rtx.map(|(ssrc, _)| ssrc);
        Some(Ended { transport: settings.transport, ssrc: settings.ssrc, rtx_ssrc })
    }

    pub fn request_keyframe(&mut self, transport: TransportId, ssrc: u32, now: u64) {
        let track = self.transports.get(&transport).and_then(|transport| transport.streams.get(&ssrc));
        if let Some(track) = track.copied() {
            self.want_keyframe(track, ssrc, now);
        }
    }

    pub(super) fn want_keyframe(&mut self, number: TrackId, ssrc: u32, now: u64) {
        let streams = self.tracks.get_mut(&number).map(|track| &mut track.streams);
        for stream in streams.into_iter().flatten().filter(|stream| stream.settings.ssrc == ssrc) {
            stream.want_keyframe();
            schedule_repair(&mut self.timers, stream, number, now);
        }
    }

    /// Repeats sent packets under RTX, at `bitrate` (bit/s) for `duration` (µs).
    pub fn probe(&mut self, number: TransportId, bitrate: u64, duration: u64, now: u64) {
        if let Some(transport) = self.transports.get_mut(&number) {
            transport.probe = Some(Probe::new(bitrate, duration, now));
            transport.news.attend(now);
            self.timers.schedule(&mut transport.probing, now + STEP, Task::Probe(number));
        }
    }

    #[cfg(test)]
    pub(super) fn probe_is_idle(&self, number: TransportId) -> bool {
        self.transports[&number].probe.is_none()
    }
}

/// Sees to it that NACK and PLI are looked at when they are due.
pub(super) fn schedule_repair(timers: &mut Timers, stream: &mut Stream, track: TrackId, now: u64) {
    let keyframe = stream.keyframe_due(now);
    let due = [keyframe, stream.nacks.next_due()].iter().flatten().min().copied();
    if let Some(due) = due {
        timers.schedule(&mut stream.repair, due, Task::Repair(track, stream.id));
    }
}
