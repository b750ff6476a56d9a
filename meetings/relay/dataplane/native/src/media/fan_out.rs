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

/// Clients cut a picture into parts that differ by a byte or two. Padded alike they leave in one message to the
/// kernel, which wants all but the last to be of one size (UDP GSO).
const PADDING: usize = 8;

/// Packets of one track, in the order in which they came, and with how much padding they are to leave.
struct Run<'a, A: ?Sized> {
    packets: &'a [Accepted],
    padding: Vec<u8>,
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
        let mut run = Run { packets: run, padding: padding(run), arrivals, now, awaited: Vec::new() };
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
        for (accepted, padding) in self.packets.iter().zip(&self.padding) {
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
            let congestion = &mut transport.congestion;
            match subscription.forward(&packet, streams, congestion, self.now, *padding, room) {
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

/// How far each packet is below the longest of its picture's that follow it.
fn padding(run: &[Accepted]) -> Vec<u8> {
    let mut padding = vec![0; run.len()];
    let mut longest = 0;
    let mut after: Option<&Accepted> = None;
    for (accepted, padding) in run.iter().zip(&mut padding).rev() {
        let length = accepted.header.payload.len();
        let together = after.map_or(false, |next| {
            next.ssrc == accepted.ssrc && next.header.timestamp == accepted.header.timestamp
        });
        if together && length < longest && longest - length <= PADDING {
            *padding = (longest - length) as u8;
        } else {
            longest = length;
        }
        after = Some(accepted);
    }
    padding
}
