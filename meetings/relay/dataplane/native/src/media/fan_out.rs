//! The way of a packet, second half: written for each subscription.
#![forbid(unsafe_code)]

use super::exit::{Arrivals, Exit, Kind};
use super::path::Accepted;
use super::router::{schedule_repair, Router, Track};
use super::stream::Stream;
use super::subscription::{Forwarded, Subscription};
use super::timers::{report_time, Task};
use super::transport::Transport;

/// The first sender report lets a player align sound and picture: it is not to be waited for (µs).
const FIRST_REPORT: u64 = 100_000;

/// Packets of one track, in the order in which they came.
struct Run<'a, A: ?Sized> {
    packets: &'a [Accepted],
    arrivals: &'a A,
    now: u64,
    /// Streams whose keyframe somebody waits for.
    awaited: Vec<u64>,
}

impl Router {
    /// Writes a run of accepted packets, all of one track, for each subscription: subscriber by subscriber,
    /// so that consecutive packets have one address. Those who get none of it cost next to nothing.
    pub fn fan_out<A: Arrivals + ?Sized>(
        &mut self,
        run: &[Accepted],
        arrivals: &A,
        now: u64,
        exit: &mut impl Exit,
    ) {
        let number = match run.iter().find(|accepted| accepted.is_forwarded()) {
            Some(first) => first.track,
            None => return,
        };
        let Router { tracks, transports, timers, .. } = self;
        let Track { streams, subscriptions, .. } = match tracks.get_mut(&number) {
            Some(track) => track,
            None => return,
        };
        let mut run = Run { packets: run, arrivals, now, awaited: Vec::new() };
        for subscription in subscriptions {
            if !run.packets.iter().any(|accepted| subscription.takes(accepted)) {
                continue;
            }
            if let Some(transport) = transports.get_mut(&subscription.settings.transport) {
                run.serve(subscription, streams, transport, exit);
            }
            if subscription.active && !subscription.report.is_scheduled() {
                let task = Task::Report(subscription.settings.number);
                let due = report_time(now + FIRST_REPORT, subscription.settings.transport);
                timers.schedule(&mut subscription.report, due, task);
            }
        }
        for stream in streams.iter_mut().filter(|stream| run.awaited.contains(&stream.id)) {
            stream.want_keyframe();
            schedule_repair(timers, stream, number, now);
        }
    }
}

impl<A: Arrivals + ?Sized> Run<'_, A> {
    fn serve(
        &mut self,
        subscription: &mut Subscription,
        streams: &[Stream],
        transport: &mut Transport,
        exit: &mut impl Exit,
    ) {
        let to = subscription.settings.transport;
        for accepted in self.packets {
            if !subscription.takes(accepted) {
                continue;
            }
            let packet = match self.arrivals.buffer(accepted.place).get(accepted.range.clone()) {
                Some(bytes) => accepted.packet(bytes),
                None => continue,
            };
            let room = match exit.room(to) {
                Some(room) => room,
                None => return,
            };
            match subscription.forward(&packet, streams, &mut transport.congestion, self.now, room) {
                Forwarded::Written(length) => {
                    transport.sent(length);
                    exit.send(to, Kind::Rtp, length);
                }
                Forwarded::AwaitsKeyframe if self.awaited.contains(&accepted.stream) => {}
                Forwarded::AwaitsKeyframe => self.awaited.push(accepted.stream),
                Forwarded::Nothing | Forwarded::TooLong => {}
            }
        }
    }
}
