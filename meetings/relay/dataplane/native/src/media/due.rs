//! What is done by timer: feedback and reports, requests to publishers, probes.
#![forbid(unsafe_code)]

use super::asked::Kept;
use super::exit::{Exit, Kind};
use super::mailbox::Order;
use super::path::{FEEDBACK_INTERVAL, REPORT_INTERVAL};
use super::probe::STEP;
use super::router::{schedule_repair, Router, Track};
use super::rtcp::{write_nack, write_picture_loss, write_receiver_report, write_sender_report, MOST_BLOCKS};
use super::settings::{SubscriptionId, TrackId, TransportId};
use super::subscription::Subscription;
use super::timers::{common_time, report_time, Task};
use super::transport::Transport;

/// A publisher that has not told its clock yet is waited for this long at a time (µs).
const CLOCK_WAIT: u64 = 200_000;
/// How far back a probe looks for packets to repeat.
const RECENT: u64 = 64;

impl Router {
    /// When `tick` has something to do; `None`: not before the next call of another method.
    pub fn next_due(&self) -> Option<u64> {
        self.timers.next_due()
    }

    /// Writes what is due: NACK, PLI, reports and feedback, as compounds of at most 1,200 bytes, and probes.
    pub fn tick(&mut self, now: u64, exit: &mut impl Exit) {
        while let Some((at, task)) = self.timers.pop(now) {
            match task {
                Task::Feedback(transport) => self.feedback_due(transport, at, now),
                Task::Reception(transport) => self.reception_due(transport, at, now),
                Task::Repair(track, stream) => self.repair_due(track, stream, at, now),
                Task::Report(subscription) => self.report_due(subscription, at, now),
                Task::Probe(transport) => self.probe_due(transport, at, now, exit),
            }
        }
        self.mailbox.deliver(exit);
    }

    fn feedback_due(&mut self, number: TransportId, at: u64, now: u64) {
        let transport = match self.transports.get_mut(&number) {
            Some(transport) => transport,
            None => return,
        };
        if !transport.feedback.take(at) {
            return;
        }
        if let Some((_, arrivals)) = &mut transport.arrivals {
            self.mailbox.put(number, Order::Feedback, |out| arrivals.write_feedback(out));
            if arrivals.is_pending() {
                let due = common_time(at + FEEDBACK_INTERVAL).max(now);
                self.timers.schedule(&mut transport.feedback, due, Task::Feedback(number));
            }
        }
    }

    fn reception_due(&mut self, number: TransportId, at: u64, now: u64) {
        let Router { transports, tracks, timers, mailbox, .. } = self;
        let transport = match transports.get_mut(&number) {
            Some(transport) => transport,
            None => return,
        };
        if !transport.reception.take(at) {
            return;
        }
        transport.stash.expire(now);
        let mut blocks = Vec::new();
        for (ssrc, track) in &transport.streams {
            let streams = tracks.get_mut(track).map(|track| &mut track.streams);
            for stream in streams.into_iter().flatten() {
                let meant = stream.settings.ssrc == *ssrc && stream.settings.transport == number;
                if meant && std::mem::take(&mut stream.heard) {
                    blocks.push(stream.reception.report(*ssrc, now));
                }
            }
        }
        for some in blocks.chunks(MOST_BLOCKS) {
            mailbox.put(number, Order::Report, |out| write_receiver_report(out, some));
        }
        if !blocks.is_empty() || !transport.stash.is_empty() {
            let due = report_time(at + REPORT_INTERVAL, number).max(now);
            timers.schedule(&mut transport.reception, due, Task::Reception(number));
        }
    }

    fn repair_due(&mut self, number: TrackId, id: u64, at: u64, now: u64) {
        let Router { tracks, timers, mailbox, .. } = self;
        let track = match tracks.get_mut(&number) {
            Some(track) => track,
            None => return,
        };
        let index = match track.streams.iter().position(|stream| stream.id == id) {
            Some(index) => index,
            None => return,
        };
        let awaited = track.is_awaited(track.streams[index].settings.ssrc);
        let stream = &mut track.streams[index];
        if !stream.repair.take(at) {
            return;
        }
        let (to, ssrc) = (stream.settings.transport, stream.settings.ssrc);
        let mut wanted = Vec::new();
        stream.nacks.due(now, &mut wanted);
        if !wanted.is_empty() {
            stream.nacks_sent += wanted.len() as u64;
            mailbox.put(to, Order::Feedback, |out| write_nack(out, ssrc, &wanted));
        }
        if track.muted {
            stream.forget_keyframe();
        } else if stream.take_keyframe_request(now) {
            mailbox.put(to, Order::Feedback, |out| write_picture_loss(out, ssrc));
            if awaited {
                stream.want_keyframe(); // until it has come
            }
        }
        schedule_repair(timers, stream, number, now);
    }

    fn report_due(&mut self, number: SubscriptionId, at: u64, now: u64) {
        let Router { tracks, track_of, timers, mailbox, .. } = self;
        let track = match track_of.get(&number).and_then(|track| tracks.get_mut(track)) {
            Some(track) => track,
            None => return,
        };
        let Track { streams, subscriptions, .. } = track;
        let subscription = match subscriptions.iter_mut().find(|of| of.settings.number == number) {
            Some(subscription) => subscription,
            None => return,
        };
        if !subscription.report.take(at) || !subscription.active {
            return;
        }
        let to = subscription.settings.transport;
        let mut next = CLOCK_WAIT;
        if let Some(report) = subscription.sender_report(streams, now) {
            mailbox.put(to, Order::Report, |out| write_sender_report(out, &report));
            subscription.active = false;
            next = REPORT_INTERVAL;
        }
        // What a turn was late by is not added up.
        timers.schedule(&mut subscription.report, report_time(at + next, to).max(now), Task::Report(number));
    }

    fn probe_due(&mut self, number: TransportId, at: u64, now: u64, exit: &mut impl Exit) {
        let Router { transports, tracks, track_of, timers, .. } = self;
        let transport = match transports.get_mut(&number) {
            Some(transport) => transport,
            None => return,
        };
        if !transport.probing.take(at) {
            return;
        }
        let mut probe = match transport.probe.take() {
            Some(probe) => probe,
            None => return,
        };
        probe.earn(now);
        let candidates = transport.subscriptions.clone();
        let mut usable = None;
        for candidate in candidates {
            let track = track_of.get(&candidate).and_then(|track| tracks.get(track));
            let found = track.and_then(|track| {
                track.subscriptions.iter().position(|of| of.settings.number == candidate && of.can_probe())
            });
            if let (Some(index), Some(track)) = (found, track_of.get(&candidate)) {
                let current = tracks[track].subscriptions[index].source().is_some();
                if usable.is_none() || current {
                    usable = Some((*track, index));
                }
                if current {
                    break;
                }
            }
        }
        let track = usable.and_then(|(track, index)| Some((tracks.get_mut(&track)?, index)));
        let (track, index) = match track {
            Some(found) => found,
            None => return, // without RTX there is nothing that could be sent
        };
        let mut back = 0;
        while probe.may_send() {
            match send_probe(track, index, transport, back, now, exit) {
                Some(length) => probe.spend(length),
                None => break,
            }
            back = (back + 1) % RECENT;
        }
        if !probe.is_over(now) {
            transport.probe = Some(probe);
            timers.schedule(&mut transport.probing, now + STEP, Task::Probe(number));
        }
    }
}

/// A packet sent lately once more, or nothing but padding; returns its length.
fn send_probe(
    track: &mut Track,
    index: usize,
    transport: &mut Transport,
    back: u64,
    now: u64,
    exit: &mut impl Exit,
) -> Option<usize> {
    let Track { streams, subscriptions, .. } = track;
    let subscription: &mut Subscription = subscriptions.get_mut(index)?;
    let recent = subscription.recent(back);
    if let Some(kept) = recent.and_then(|(segment, number)| Kept::find(streams, segment, number)) {
        return kept.send(subscription, transport, now, exit).ok();
    }
    let to = subscription.settings.transport;
    let length = subscription.pad(&mut transport.congestion, now, exit.room(to)?).ok()?;
    transport.sent(length);
    exit.send(to, Kind::Rtp, length);
    Some(length)
}
