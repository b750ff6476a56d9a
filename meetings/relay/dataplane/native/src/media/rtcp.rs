//! Compound RTCP packets: what is read in them and what is written (RFC 3550 section 6, RFC 4585, RFC 5104).
//!
//! Those written are reduced-size ones (RFC 5506): the answer says a=rtcp-rsize.
#![forbid(unsafe_code)]

use super::rtp::Malformed;

/// Under which the relay speaks as a receiver; it sends no media under it.
pub(super) const OWN_SSRC: u32 = 1;
/// Most blocks that a report carries: their count has five bits.
pub(super) const MOST_BLOCKS: usize = 31;

const SR: u8 = 200;
const RR: u8 = 201;
const RTPFB: u8 = 205;
const PSFB: u8 = 206;

/// How one stream arrives (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReportBlock {
    pub ssrc: u32,
    /// In 1/256.
    pub fraction_lost: u8,
    pub packets_lost: i32,
    pub highest_sequence: u32,
    /// In timestamp units.
    pub jitter: u32,
    /// The middle 32 bits of an NTP time.
    pub lsr: u32,
    /// In 1/65536 s.
    pub dlsr: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SenderReport {
    pub ssrc: u32,
    pub ntp: u64,
    pub rtp_timestamp: u32,
    pub packet_count: u32,
    pub octet_count: u32,
}

/// One packet of a compound, as far as the router acts on it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    SenderReport {
        ssrc: u32,
        ntp: u64,
        rtp_timestamp: u32,
    },
    Nack {
        ssrc: u32,
        items: &'a [u8],
    },
    PictureLoss {
        ssrc: u32,
    },
    FullIntra {
        targets: &'a [u8],
    },
    /// Transport-wide feedback: what follows the sender's SSRC and the media SSRC.
    Feedback(&'a [u8]),
    Other,
}

/// Walks a compound; ends after the first malformed packet.
pub(super) fn messages(compound: &[u8]) -> impl Iterator<Item = Result<Message<'_>, Malformed>> {
    let mut rest = compound;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let found = next(&mut rest);
        if found.is_err() {
            rest = &[];
        }
        Some(found)
    })
}

fn next<'a>(rest: &mut &'a [u8]) -> Result<Message<'a>, Malformed> {
    let head = rest.get(..4).ok_or(Malformed)?;
    let end = 4 + 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
    let mut body = rest.get(4..end).ok_or(Malformed)?;
    if head[0] & 0xC0 != 0x80 {
        return Err(Malformed);
    }
    if head[0] & 0x20 != 0 {
        let padding = usize::from(*body.last().ok_or(Malformed)?);
        if padding == 0 || padding > body.len() {
            return Err(Malformed);
        }
        body = &body[..body.len() - padding];
    }
    let (kind, format) = (head[1], head[0] & 0x1F);
    *rest = &rest[end..];
    read(kind, format, body)
}

fn read(kind: u8, format: u8, body: &[u8]) -> Result<Message<'_>, Malformed> {
    match (kind, format) {
        (SR, _) => Ok(Message::SenderReport {
            ssrc: word(body, 0)?,
            ntp: u64::from(word(body, 4)?) << 32 | u64::from(word(body, 8)?),
            rtp_timestamp: word(body, 12)?,
        }),
        (RTPFB, 1) => Ok(Message::Nack { ssrc: word(body, 4)?, items: body.get(8..).ok_or(Malformed)? }),
        (RTPFB, 15) => Ok(Message::Feedback(body.get(8..).ok_or(Malformed)?)),
        (PSFB, 1) => Ok(Message::PictureLoss { ssrc: word(body, 4)? }),
        (PSFB, 4) => Ok(Message::FullIntra { targets: body.get(8..).ok_or(Malformed)? }),
        _ => Ok(Message::Other),
    }
}

fn word(body: &[u8], at: usize) -> Result<u32, Malformed> {
    let bytes = body.get(at..at + 4).ok_or(Malformed)?;
    Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// The numbers that a NACK asks for: each item is one, and a bitmask of the sixteen after it.
pub(super) fn lost(items: &[u8]) -> impl Iterator<Item = u16> + '_ {
    items.chunks_exact(4).flat_map(|item| {
        let first = u16::from_be_bytes([item[0], item[1]]);
        let mask = u32::from(u16::from_be_bytes([item[2], item[3]])) << 1 | 1;
        (0..17).filter(move |bit| mask >> bit & 1 == 1).map(move |bit| first.wrapping_add(bit))
    })
}

/// The SSRCs that a full intra request wants keyframes of.
pub(super) fn targets(entries: &[u8]) -> impl Iterator<Item = u32> + '_ {
    entries.chunks_exact(8).filter_map(|entry| word(entry, 0).ok())
}

fn frame(out: &mut Vec<u8>, kind: u8, count: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0x80 | count, kind, 0, 0]);
    body(out);
    let words = ((out.len() - start) / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

fn put(out: &mut Vec<u8>, word: u32) {
    out.extend_from_slice(&word.to_be_bytes());
}

pub(super) fn write_sender_report(out: &mut Vec<u8>, report: &SenderReport) {
    frame(out, SR, 0, |out| {
        put(out, report.ssrc);
        out.extend_from_slice(&report.ntp.to_be_bytes());
        put(out, report.rtp_timestamp);
        put(out, report.packet_count);
        put(out, report.octet_count);
    });
}

/// At most `MOST_BLOCKS` blocks; those beyond are left out.
pub(super) fn write_receiver_report(out: &mut Vec<u8>, blocks: &[ReportBlock]) {
    let blocks = &blocks[..blocks.len().min(MOST_BLOCKS)];
    frame(out, RR, blocks.len() as u8, |out| {
        put(out, OWN_SSRC);
        for block in blocks {
            put(out, block.ssrc);
            put(out, u32::from(block.fraction_lost) << 24 | block.packets_lost as u32 & 0xFF_FFFF);
            put(out, block.highest_sequence);
            put(out, block.jitter);
            put(out, block.lsr);
            put(out, block.dlsr);
        }
    });
}

pub(super) fn write_picture_loss(out: &mut Vec<u8>, ssrc: u32) {
    frame(out, PSFB, 1, |out| {
        put(out, OWN_SSRC);
        put(out, ssrc);
    });
}

/// `lost` in ascending order.
pub(super) fn write_nack(out: &mut Vec<u8>, ssrc: u32, lost: &[u16]) {
    frame(out, RTPFB, 1, |out| {
        put(out, OWN_SSRC);
        put(out, ssrc);
        let mut rest = lost;
        while let Some((first, after)) = rest.split_first() {
            let near = |number: &&u16| (1..=16).contains(&number.wrapping_sub(*first));
            let covered = after.iter().take_while(near).count();
            let mask = after[..covered]
                .iter()
                .fold(0u16, |mask, number| mask | 1 << (number.wrapping_sub(*first) - 1));
            put(out, u32::from(*first) << 16 | u32::from(mask));
            rest = &after[covered..];
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::testing::Random;

    fn all(compound: &[u8]) -> Vec<Message<'_>> {
        messages(compound).map(Result::unwrap).collect()
    }

    #[test]
    fn reads_back_the_reports_it_writes() {
        let report = SenderReport {
            ssrc: 7,
            ntp: 0x0102_0304_0506_0708,
            rtp_timestamp: 9,
            packet_count: 10,
            octet_count: 11,
        };
        let mut out = Vec::new();
        write_sender_report(&mut out, &report);
        assert_eq!(out.len(), 28);
        let expected = Message::SenderReport { ssrc: 7, ntp: report.ntp, rtp_timestamp: 9 };
        assert_eq!(all(&out), vec![expected]);
    }

    #[test]
    fn writes_report_blocks_as_rfc_3550_lays_them_out() {
        let block = ReportBlock {
            ssrc: 0xA1A2_A3A4,
            fraction_lost: 0x55,
            packets_lost: -2,
            highest_sequence: 3,
            jitter: 4,
            lsr: 5,
            dlsr: 6,
        };
        let mut out = Vec::new();
        write_receiver_report(&mut out, &[block]);
        assert_eq!(out[..8], [0x81, 201, 0, 7, 0, 0, 0, 1]);
        assert_eq!(out[8..16], [0xA1, 0xA2, 0xA3, 0xA4, 0x55, 0xFF, 0xFF, 0xFE]);
        assert_eq!(out[16..], [0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6]);
    }

    #[test]
    fn nacks_are_packed_and_read_back() {
        for numbers in [vec![65_530, 65_535, 0, 9, 10, 27], vec![5], (0..100).collect(), vec![]] {
            let mut out = Vec::new();
            write_nack(&mut out, 9, &numbers);
            match &all(&out)[..] {
                [Message::Nack { ssrc: 9, items }] => assert_eq!(lost(items).collect::<Vec<_>>(), numbers),
                other => panic!("{other:?}"),
            }
        }
        let mut out = Vec::new();
        write_nack(&mut out, 9, &(0..34).collect::<Vec<_>>());
        assert_eq!(out.len(), 12 + 2 * 4, "seventeen to an item");
    }

    #[test]
    fn keyframe_requests_are_read_in_both_forms() {
        let mut out = Vec::new();
        write_picture_loss(&mut out, 9);
        let fir = [0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 8, 3, 0, 0, 0];
        out.extend(fir);
        match &all(&out)[..] {
            [Message::PictureLoss { ssrc: 9 }, Message::FullIntra { targets: entries }] => {
                assert_eq!(targets(entries).collect::<Vec<_>>(), vec![8]);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn packets_of_other_types_are_passed_over_and_padding_taken_off() {
        let bye = [0x81, 203, 0, 1, 0, 0, 0, 7];
        let padded = [0xA1, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 9, 0, 5, 0, 0, 0, 0, 0, 4];
        let compound = [&bye[..], &padded[..]].concat();
        match &all(&compound)[..] {
            [Message::Other, Message::Nack { items, .. }] => {
                assert_eq!(lost(items).collect::<Vec<_>>(), vec![5]);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_cut_short_is_malformed_and_ends_the_walk() {
        let mut out = Vec::new();
        write_nack(&mut out, 9, &[1]);
        for length in 1..out.len() {
            assert_eq!(messages(&out[..length]).collect::<Vec<_>>(), vec![Err(Malformed)]);
        }
        let no_room_for_padding = [0xA0, 201, 0, 0];
        assert_eq!(messages(&no_room_for_padding).collect::<Vec<_>>(), vec![Err(Malformed)]);
    }

    #[test]
    fn any_bytes_are_survived() {
        let mut random = Random::new(5);
        for _ in 0..100_000 {
            let size = random.below(60) as usize;
            let mut compound = random.bytes(size);
            if size > 4 {
                compound[0] = 0x80 | compound[0] & 0x3F;
                compound[1] = 200 + compound[1] % 8;
                compound[2] = 0;
                compound[3] %= 8;
            }
            for message in messages(&compound) {
                match message {
                    Ok(Message::Nack { items, .. }) => drop(lost(items).count()),
                    Ok(Message::FullIntra { targets: entries }) => drop(targets(entries).count()),
                    _ => {}
                }
            }
        }
    }
}
