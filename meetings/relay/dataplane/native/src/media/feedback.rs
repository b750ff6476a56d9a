//! The wire form of transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).
#![forbid(unsafe_code)]

use super::rtcp::OWN_SSRC;
use super::rtp::Malformed;

pub(super) const TICK_US: i64 = 250;
pub(super) const REFERENCE_US: i64 = 64_000;
const MAX_RUN: u16 = 0x1FFF;
/// A few bytes of run-length chunks can claim 65,535 packets; genuine feedback comes every 50 to 100 ms.
const MAX_STATUSES: u16 = 4096;

const MISSING: u8 = 0;
const SMALL: u8 = 1;
const WIDE: u8 = 2;

/// A feedback that was found to be whole: walking it cannot fail.
#[derive(Debug, Clone, Copy)]
pub(super) struct Feedback<'a> {
    pub base: u16,
    count: u16,
    /// µs on the receiver's clock, which wraps every 2^24 of 64 ms.
    pub reference: i64,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

impl<'a> Feedback<'a> {
    /// `body` follows the two SSRCs.
    pub fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let head = body.get(..8).ok_or(Malformed)?;
        let count = u16::from_be_bytes([head[2], head[3]]);
        if count > MAX_STATUSES {
            return Err(Malformed);
        }
        let reference = i32::from_be_bytes([head[4], head[5], head[6], 0]) >> 8;
        let (chunks, deltas) = split(&body[8..], count)?;
        let feedback = Feedback {
            base: u16::from_be_bytes([head[0], head[1]]),
            count,
            reference: i64::from(reference) * REFERENCE_US,
            chunks,
            deltas,
        };
        let needed: usize = feedback.symbols().map(delta_size).sum();
        if needed > deltas.len() {
            return Err(Malformed);
        }
        Ok(feedback)
    }

    fn symbols(&self) -> impl Iterator<Item = u8> + 'a {
        self.chunks
            .chunks_exact(2)
            .flat_map(|chunk| symbols(u16::from_be_bytes([chunk[0], chunk[1]])))
            .take(usize::from(self.count))
    }

    /// (sequence number, arrival in µs; `None` where nothing came), in order of sequence.
    pub fn packets(&self) -> impl Iterator<Item = (u16, Option<i64>)> + 'a {
        let (base, mut clock, mut deltas) = (self.base, self.reference, self.deltas);
        self.symbols().enumerate().map(move |(index, symbol)| {
            let size = delta_size(symbol);
            let (delta, rest) = deltas.split_at(size.min(deltas.len()));
            deltas = rest;
            let ticks = match delta {
                [small] => i64::from(*small),
                [high, low] => i64::from(i16::from_be_bytes([*high, *low])),
                _ => return (base.wrapping_add(index as u16), None),
            };
            clock += ticks * TICK_US;
            (base.wrapping_add(index as u16), Some(clock))
        })
    }
}

/// The chunks that cover `count` packets, and what follows them.
fn split(body: &[u8], count: u16) -> Result<(&[u8], &[u8]), Malformed> {
    let (mut covered, mut at) = (0usize, 0);
    while covered < usize::from(count) {
        let chunk = body.get(at..at + 2).ok_or(Malformed)?;
        let chunk = u16::from_be_bytes([chunk[0], chunk[1]]);
        covered += match chunk {
            0..=0x7FFF if chunk & MAX_RUN == 0 => return Err(Malformed),
            0..=0x7FFF => usize::from(chunk & MAX_RUN),
            0x8000..=0xBFFF => 14,
            _ => 7,
        };
        at += 2;
    }
    Ok(body.split_at(at))
}

fn symbols(chunk: u16) -> impl Iterator<Item = u8> {
    let (length, width) = match chunk {
        0..=0x7FFF => (chunk & MAX_RUN, 0),
        0x8000..=0xBFFF => (14, 1),
        _ => (7, 2),
    };
    (0..length).map(move |index| match width {
        0 => (chunk >> 13) as u8,
        1 => (chunk >> (13 - index) & 1) as u8,
        _ => (chunk >> (12 - 2 * index) & 3) as u8,
    })
}

/// The fourth symbol is reserved: treated as not received.
fn delta_size(symbol: u8) -> usize {
    match symbol {
        SMALL => 1,
        WIDE => 2,
        _ => 0,
    }
}

/// Whether a delta (µs) can be written.
pub(super) fn fits(delta: i64) -> bool {
    (-0x8000..=0x7FFF).contains(&delta.div_euclid(TICK_US))
}

/// Appends a complete RTCP packet. `deltas`, one for each number from `base` on: µs since the packet
/// received before, or for the first since `reference` (in 64 ms); `None` where nothing came.
pub(super) fn write(
    out: &mut Vec<u8>,
    media_ssrc: u32,
    base: u16,
    feedback_count: u8,
    reference: i64,
    deltas: &[Option<i64>],
) {
    let start = out.len();
    out.extend_from_slice(&[0x8F, 205, 0, 0]);
    out.extend_from_slice(&OWN_SSRC.to_be_bytes());
    out.extend_from_slice(&media_ssrc.to_be_bytes());
    out.extend_from_slice(&base.to_be_bytes());
    out.extend_from_slice(&(deltas.len() as u16).to_be_bytes());
    out.extend_from_slice(&(reference as u32).to_be_bytes()[1..]);
    out.push(feedback_count);
    write_chunks(out, deltas);
    for delta in deltas.iter().flatten() {
        let ticks = delta.div_euclid(TICK_US);
        match symbol(Some(*delta)) {
            SMALL => out.push(ticks as u8),
            _ => out.extend_from_slice(&(ticks.clamp(-0x8000, 0x7FFF) as i16).to_be_bytes()),
        }
    }
    while (out.len() - start) % 4 != 0 {
        out.push(0);
    }
    let words = ((out.len() - start) / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

fn symbol(delta: Option<i64>) -> u8 {
    match delta.map(|delta| delta.div_euclid(TICK_US)) {
        None => MISSING,
        Some(0..=255) => SMALL,
        Some(_) => WIDE,
    }
}

/// Run-length chunks for long runs, else 14 one-bit or 7 two-bit symbols at a time.
fn write_chunks(out: &mut Vec<u8>, deltas: &[Option<i64>]) {
    let mut rest = deltas;
    while let Some(first) = rest.first() {
        let first = symbol(*first);
        let run = rest.iter().take(usize::from(MAX_RUN)).take_while(|delta| symbol(**delta) == first).count();
        let ahead = &rest[..rest.len().min(14)];
        let (chunk, covered) = if run >= 14 || (first == WIDE && run >= 7) {
            (u16::from(first) << 13 | run as u16, run)
        } else if ahead.iter().all(|delta| symbol(*delta) != WIDE) {
            (0x8000 | pack(ahead, 13, 1), ahead.len())
        } else {
            let ahead = &ahead[..ahead.len().min(7)];
            (0xC000 | pack(ahead, 12, 2), ahead.len())
        };
        out.extend_from_slice(&chunk.to_be_bytes());
        rest = &rest[covered..];
    }
}

fn pack(deltas: &[Option<i64>], top: usize, width: usize) -> u16 {
    let shifted = |(index, delta): (usize, &Option<i64>)| u16::from(symbol(*delta)) << (top - width * index);
    deltas.iter().enumerate().map(shifted).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::rtcp::{messages, Message};
    use crate::media::testing::Random;

    fn body(out: &[u8]) -> &[u8] {
        match messages(out).next() {
            Some(Ok(Message::Feedback(body))) => body,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_back_what_it_writes_whatever_the_pattern() {
        let mut random = Random::new(6);
        for _ in 0..2_000 {
            let count = 1 + random.below(300) as usize;
            let (runs, wide) = (1 + random.below(40), random.below(3));
            let mut kind = 0;
            let deltas: Vec<Option<i64>> = (0..count)
                .map(|_| {
                    if random.below(runs) == 0 {
                        kind = random.below(2 + wide);
                    }
                    match kind {
                        0 => None,
                        1 => Some(random.below(256) as i64 * TICK_US),
                        _ => Some((random.below(0x10000) as i64 - 0x8000) * TICK_US),
                    }
                })
                .collect();
            let mut out = Vec::new();
            write(&mut out, 9, 65_500, 3, -5, &deltas);
            assert_eq!(out.len() % 4, 0);
            let feedback = Feedback::parse(body(&out)).unwrap();
            let mut clock = -5 * REFERENCE_US;
            for ((sequence, arrival), (index, delta)) in feedback.packets().zip(deltas.iter().enumerate()) {
                assert_eq!(sequence, 65_500u16.wrapping_add(index as u16));
                clock += delta.unwrap_or(0);
                assert_eq!(arrival, delta.map(|_| clock));
            }
            assert_eq!(feedback.packets().count(), count);
        }
    }

    #[test]
    fn refuses_what_is_cut_short_or_claims_too_much() {
        let mut out = Vec::new();
        write(&mut out, 9, 1, 0, 0, &[Some(0), None, Some(100_000), Some(250)]);
        let whole = body(&out).to_vec();
        for length in 0..12 {
            assert!(Feedback::parse(&whole[..length]).is_err());
        }
        let claims = |count: u16, chunk: u16| {
            let mut body = vec![0, 1];
            body.extend(count.to_be_bytes());
            body.extend([0, 0, 0, 0]);
            body.extend(chunk.to_be_bytes());
            body
        };
        assert!(Feedback::parse(&claims(5000, 0x1FFF)).is_err());
        assert!(Feedback::parse(&claims(1, 0)).is_err(), "an empty run");
        assert!(Feedback::parse(&claims(2, 0x2002)).is_err(), "without their deltas");
        assert!(Feedback::parse(&claims(2, 0x0002)).is_ok(), "both lost");
    }

    #[test]
    fn any_bytes_are_survived() {
        let mut random = Random::new(7);
        for _ in 0..100_000 {
            let size = random.below(40) as usize;
            let mut body = random.bytes(size);
            if size > 3 {
                body[2] &= 0x01;
            }
            if let Ok(feedback) = Feedback::parse(&body) {
                feedback.packets().for_each(drop);
            }
        }
    }
}
