//! Transport-wide congestion control, as a receiver: when packets arrived, and the feedback for them.
//!
//! Chromium falls to 30 kbit/s when it negotiated transport-cc and hears nothing.
#![forbid(unsafe_code)]

use super::feedback::{fits, write, REFERENCE_US, TICK_US};
use super::sequence::{extend, first};

/// With these a feedback stays under 1,200 bytes: 20 of header, 2 per 7 statuses, 2 per packet received.
const SPAN: u64 = 2000;
const RECEIVED: usize = 280;
const BYTES: usize = 1200;
const REORDER: u64 = 1000;
/// Numbers that are remembered; a second of a fast publisher has about a thousand.
const REMEMBERED: u64 = 4096;

/// A packet that comes after its number was reported missing is reported again, with its neighbours.
#[derive(Default)]
pub(super) struct Arrivals {
    /// µs by number; 0 where nothing came.
    at: Vec<u64>,
    media_ssrc: u32,
    /// From which number on nothing was told; 0 before the first.
    start: u64,
    highest: u64,
    /// Packets that came and were not told of.
    untold: usize,
    count: u8,
    deltas: Vec<Option<i64>>,
}

impl Arrivals {
    pub fn add(&mut self, sequence: u16, ssrc: u32, now: u64) {
        self.media_ssrc = ssrc;
        if self.highest == 0 {
            self.at = vec![0; REMEMBERED as usize];
            self.highest = first(sequence);
            self.start = self.highest;
        }
        let number = extend(self.highest, sequence);
        if number + REORDER < self.highest {
            return;
        }
        for skipped in (self.highest + 1..=number).rev().take(REMEMBERED as usize) {
            *self.place(skipped) = 0;
        }
        let place = self.place(number);
        if *place != 0 {
            return;
        }
        *place = now.max(1);
        self.untold += 1;
        self.highest = self.highest.max(number);
        self.start = self.start.min(number);
    }

    fn place(&mut self, number: u64) -> &mut u64 {
        &mut self.at[(number % REMEMBERED) as usize]
    }

    fn arrival(&self, number: u64) -> Option<u64> {
        let at = *self.at.get((number % REMEMBERED) as usize)?;
        (at != 0 && number + REMEMBERED > self.highest).then_some(at)
    }

    pub fn is_pending(&self) -> bool {
        self.untold != 0
    }

    /// Appends RTCP packets, together at most 1,200 bytes. To be called every 50 ms or so.
    ///
    /// The work is bounded, too: a sender whose numbers leap could else have a thousand missing packets
    /// described for each one that it sends.
    pub fn write_feedback(&mut self, out: &mut Vec<u8>) {
        let (begun, mut statuses) = (out.len(), 0);
        while let Some((first, last)) = self.next_batch() {
            let before = out.len();
            self.describe(first, last, out);
            statuses += self.deltas.len() as u64;
            if before > begun && (out.len() - begun > BYTES || statuses > SPAN) {
                out.truncate(before);
                return;
            }
            self.count = self.count.wrapping_add(1);
            self.start = last + 1;
        }
        self.untold = 0;
    }

    /// The first and the last number of the arrivals that one packet can carry.
    fn next_batch(&self) -> Option<(u64, u64)> {
        let oldest = self.start.max((self.highest + 1).saturating_sub(REMEMBERED));
        let mut arrivals = (oldest..=self.highest).filter_map(|number| Some((number, self.arrival(number)?)));
        let (first, mut clock) = arrivals.next()?;
        let mut last = first;
        for (number, at) in arrivals.take(RECEIVED - 1) {
            // One tick of room for rounding: deltas add up from rounded times.
            let delta = (at as i64 - clock as i64).abs() + TICK_US;
            if number - first >= SPAN || !fits(delta) {
                break;
            }
            last = number;
            clock = at;
        }
        Some((first, last))
    }

    fn describe(&mut self, first: u64, last: u64, out: &mut Vec<u8>) {
        // What is missing before the first arrival is reported as lost, too.
        let base = if last - self.start < SPAN { self.start } else { first };
        let reference = self.arrival(first).map_or(0, |at| at as i64 / REFERENCE_US);
        let mut clock = reference * REFERENCE_US;
        let mut deltas = std::mem::take(&mut self.deltas);
        deltas.clear();
        deltas.extend((base..=last).map(|number| {
            let delta = (self.arrival(number)? as i64 - clock).div_euclid(TICK_US) * TICK_US;
            clock += delta;
            Some(delta)
        }));
        write(out, self.media_ssrc, base as u16, self.count, reference, &deltas);
        self.deltas = deltas;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::feedback::Feedback;
    use crate::media::rtcp::{messages, Message};
    use crate::media::testing::Random;
    use std::collections::HashMap;

    /// (number, arrival) as told by all feedbacks of a compound.
    fn told(compound: &[u8]) -> Vec<(u16, Option<i64>)> {
        messages(compound)
            .flat_map(|message| match message {
                Ok(Message::Feedback(body)) => Feedback::parse(body).unwrap().packets().collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn feedback(arrivals: &mut Arrivals) -> Vec<u8> {
        let mut out = Vec::new();
        arrivals.write_feedback(&mut out);
        out
    }

    #[test]
    fn tells_arrivals_and_what_is_missing_between_them() {
        let mut arrivals = Arrivals::default();
        for (number, at) in [(65_535, 100_000), (1, 110_000), (2, 110_500)] {
            arrivals.add(number, 9, at);
        }
        let expected = vec![(65_535, Some(100_000)), (0, None), (1, Some(110_000)), (2, Some(110_500))];
        assert_eq!(told(&feedback(&mut arrivals)), expected);
        assert!(feedback(&mut arrivals).is_empty(), "all is told");
        arrivals.add(4, 9, 120_000);
        assert_eq!(told(&feedback(&mut arrivals)), vec![(3, None), (4, Some(120_000))]);
    }

    #[test]
    fn a_late_packet_is_told_of_with_its_neighbours() {
        let mut arrivals = Arrivals::default();
        for (number, at) in [(10, 100_000), (12, 101_000), (13, 102_000)] {
            arrivals.add(number, 9, at);
        }
        feedback(&mut arrivals);
        arrivals.add(11, 9, 130_000);
        let expected = vec![(11, Some(130_000)), (12, Some(101_000)), (13, Some(102_000))];
        assert_eq!(told(&feedback(&mut arrivals)), expected);
    }

    #[test]
    fn nothing_is_told_twice_for_a_duplicate() {
        let mut arrivals = Arrivals::default();
        arrivals.add(10, 9, 100_000);
        feedback(&mut arrivals);
        arrivals.add(10, 9, 130_000);
        assert!(!arrivals.is_pending() && feedback(&mut arrivals).is_empty());
    }

    #[test]
    fn long_pauses_are_split_over_packets() {
        let mut arrivals = Arrivals::default();
        arrivals.add(1, 9, 1_000_000);
        arrivals.add(2, 9, 20_000_000);
        let compound = feedback(&mut arrivals);
        assert_eq!(messages(&compound).count(), 2);
        assert_eq!(told(&compound), vec![(1, Some(1_000_000)), (2, Some(20_000_000))]);
    }

    #[test]
    fn leaping_numbers_make_bounded_work() {
        let (mut arrivals, mut number) = (Arrivals::default(), 0u16);
        for step in 0..300u64 {
            number = number.wrapping_add(999);
            arrivals.add(number, 9, step * 1_000);
            if step % 3 == 0 {
                let compound = feedback(&mut arrivals);
                assert!(compound.len() <= BYTES, "{}", compound.len());
                assert!(told(&compound).len() as u64 <= SPAN);
            }
        }
    }

    #[test]
    fn whatever_comes_each_arrival_within_the_window_is_told_rightly() {
        for seed in 0..20 {
            let mut random = Random::new(seed);
            let (mut arrivals, mut sent) = (Arrivals::default(), HashMap::new());
            let (mut number, mut heard) = (60_000u64, HashMap::new());
            for step in 1..5_000u64 {
                number += 1 + if random.below(50) == 0 { random.below(30) } else { 0 };
                let late = if random.below(20) == 0 { random.below(20) } else { 0 };
                let now = step * 1_000 + random.below(900);
                sent.entry(number - late).or_insert(now);
                arrivals.add((number - late) as u16, 9, now);
                while arrivals.is_pending() && (step % 50 == 0 || step == 4_999) {
                    let compound = feedback(&mut arrivals);
                    assert!(compound.len() <= BYTES);
                    for (sequence, at) in told(&compound) {
                        heard.insert(extend(number, sequence), at);
                    }
                }
            }
            for (number, at) in &sent {
                let told = heard.get(number).copied().flatten().expect("told");
                assert!((told - *at as i64).abs() <= TICK_US, "{number}: {told} for {at}");
            }
        }
    }
}
