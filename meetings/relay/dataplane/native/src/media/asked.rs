//! What peers ask for and report by RTCP, and what is sent again.
#![forbid(unsafe_code)]

use super::exit::{Exit, Kind};
use super::reports::CongestionReport;
use super::resend::Refused;
use super::router::{Router, Track};
use super::rtcp::{lost, messages, targets, Message};
use super::rtp::Header;
use super::settings::TransportId;
use super::stream::Stream;
use super::subscription::{Packet, Segment, Subscription};
use super::transport::Transport;

/// What came of a compound RTCP packet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// It holds more than the router's own business; the control side is to be given it.
    pub tell: bool,
    /// From some point on; what was before has been acted on.
    pub malformed: bool,
    /// One for each transport-wide feedback.
    pub congestion: Vec<CongestionReport>,
    /// Packets that were asked for again, that were sent again, and that were not.
    pub nacked: u32,
    pub retransmitted: u32,
    pub refused: u32,
}

impl Router {
    /// Takes in an unprotected compound; retransmissions that it asks for are written at once.
    pub fn receive_rtcp(
        &mut self,
        transport: TransportId,
        packet: &[u8],
        now: u64,
        exit: &mut impl Exit,
    ) -> Heard {
        let mut heard = Heard::default();
        if !self.transports.contains_key(&transport) {
            return heard;
        }
        for message in messages(packet) {
            match message {
                Ok(message) => self.act(transport, message, now, exit, &mut heard),
                Err(_) => heard.malformed = true,
            }
        }
        heard.tell &= !heard.malformed;
        heard
    }

    fn act(
        &mut self,
        transport: TransportId,
        message: Message,
        now: u64,
        exit: &mut impl Exit,
        heard: &mut Heard,
    ) {
        match message {
            Message::SenderReport { ssrc, ntp, rtp_timestamp } => {
                heard.tell = true;
                if let Some(stream) = self.stream(transport, ssrc) {
                    stream.sender_report(ntp, rtp_timestamp, now);
                }
            }
            Message::Nack { ssrc, items } => self.retransmit(transport, ssrc, items, now, exit, heard),
            Message::PictureLoss { ssrc } => self.pass_on(transport, ssrc, now),
            Message::FullIntra { targets: entries } => {
                targets(entries).for_each(|ssrc| self.pass_on(transport, ssrc, now));
            }
            Message::Feedback(body) => {
                if let Some(of) = self.transports.get_mut(&transport) {
                    match of.congestion.digest(body, now) {
                        // Told twice, or of packets that nobody sent: nothing new.
                        Ok(report) if report.received + report.lost == 0 => {}
                        Ok(report) => heard.congestion.extend(of.news.add(report, now)),
                        Err(_) => heard.malformed = true,
                    }
                }
            }
            Message::Other => heard.tell = true,
        }
    }

    fn stream(&mut self, transport: TransportId, ssrc: u32) -> Option<&mut Stream> {
        let track = self.transports.get(&transport)?.streams.get(&ssrc)?;
        let mut streams = self.tracks.get_mut(track)?.streams.iter_mut();
        streams.find(|stream| stream.settings.ssrc == ssrc && stream.settings.transport == transport)
    }

    /// A subscriber asks for a keyframe: its publisher is to send one.
    fn pass_on(&mut self, transport: TransportId, ssrc: u32, now: u64) {
        let number = self.transports.get(&transport).and_then(|of| of.outgoing.get(&ssrc)).copied();
        let wanted = number.and_then(|number| self.subscription(number));
        if let Some((source, track)) = wanted.and_then(|(of, track)| Some((of.source()?, track))) {
            self.want_keyframe(track, source, now);
        }
    }

    fn retransmit(
        &mut self,
        to: TransportId,
        ssrc: u32,
        items: &[u8],
        now: u64,
        exit: &mut impl Exit,
        heard: &mut Heard,
    ) {
        let Router { transports, tracks, track_of, .. } = self;
        let transport = match transports.get_mut(&to) {
            Some(transport) => transport,
            None => return,
        };
        let number = match transport.outgoing.get(&ssrc) {
            Some(number) => *number,
            None => return,
        };
        let track = track_of.get(&number).and_then(|track| tracks.get_mut(track));
        let Track { streams, subscriptions, .. } = match track {
            Some(track) => track,
            None => return,
        };
        let subscription = match subscriptions.iter_mut().find(|of| of.settings.number == number) {
            Some(subscription) => subscription,
            None => return,
        };
        for sequence in lost(items) {
            heard.nacked += 1;
            subscription.nacked += 1;
            let origin = subscription.origin(sequence);
            let sent = origin.and_then(|(segment, number)| {
                let kept = Kept::find(streams, segment, number)?;
                subscription.spend_credit().ok()?;
                kept.send(subscription, transport, now, exit).ok()
            });
            match sent {
                Some(_) => {
                    heard.retransmitted += 1;
                    subscription.retransmitted += 1;
                }
                None => heard.refused += 1,
            }
        }
    }
}

/// A packet in a stream's cache.
pub(super) struct Kept<'a> {
    stream: &'a Stream,
    segment: Segment,
    number: u64,
    bytes: &'a [u8],
}

impl<'a> Kept<'a> {
    pub fn find(streams: &'a [Stream], segment: Segment, number: u64) -> Option<Self> {
        let stream = streams.iter().find(|stream| stream.id == segment.stream)?;
        let bytes = stream.cache.get(number)?;
        Some(Kept { stream, segment, number, bytes })
    }

    /// Sends it by RTX; returns its length.
    pub fn send(
        &self,
        subscription: &mut Subscription,
        transport: &mut Transport,
        now: u64,
        exit: &mut impl Exit,
    ) -> Result<usize, Refused> {
        let to = subscription.settings.transport;
        let header = Header::parse(self.bytes).map_err(|_| Refused::TooLong)?;
        let media = self.stream.kept(&header, self.bytes, self.number);
        let packet = Packet {
            stream: self.stream.id,
            ssrc: self.stream.settings.ssrc,
            header: &header,
            media: &media,
            bytes: self.bytes,
        };
        let room = exit.room(to).ok_or(Refused::TooLong)?;
        let length = subscription.retransmit(&packet, &self.segment, &mut transport.congestion, now, room)?;
        transport.sent(length);
        exit.send(to, Kind::Rtp, length);
        Ok(length)
    }
}
