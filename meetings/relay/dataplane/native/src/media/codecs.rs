//! What the router reads in payloads: where keyframes begin, and VP8's running numbers.
#![forbid(unsafe_code)]

use super::settings::Codec;

const H264_IDR: u8 = 5;
const H264_SPS: u8 = 7;
const H264_STAP_A: u8 = 24;
const H264_FU_A: u8 = 28;

/// True when a decoder can begin with this packet.
pub(super) fn is_keyframe_start(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::Vp8 => vp8_keyframe(payload),
        Codec::Vp9 => vp9_keyframe(payload).unwrap_or(false),
        Codec::H264 => h264_keyframe(payload),
        // AV1 RTP section 4.4: N, first packet of a coded video sequence, which Z, a continuation, rules out.
        Codec::Av1 => payload.first().map_or(false, |first| first & 0x88 == 0x08),
        Codec::Opus | Codec::Other => false,
    }
}

fn vp8_keyframe(payload: &[u8]) -> bool {
    let size = match Picture::parse(payload) {
        Some(picture) => picture.size(),
        None => return false,
    };
    let begins = payload[0] & 0x17 == 0x10; // S, and partition 0
    begins && payload.get(size).map_or(false, |first| first & 1 == 0)
}

/// RFC 9628 section 4.2: begins a frame (B), not inter-predicted (P), of the lowest spatial layer.
fn vp9_keyframe(payload: &[u8]) -> Option<bool> {
    let first = *payload.first()?;
    if first & 0x40 != 0 || first & 0x08 == 0 {
        return Some(false);
    }
    if first & 0x20 == 0 {
        return Some(true); // L: no layer indices
    }
    let layer_at = match first & 0x80 {
        0 => 1,
        _ => 2 + usize::from(*payload.get(1)? >> 7),
    };
    Some(payload.get(layer_at)? & 0x0E == 0)
}

/// RFC 6184 sections 5.6 to 5.8: a parameter set, or an IDR picture's first slice.
fn h264_keyframe(payload: &[u8]) -> bool {
    match payload {
        [kind, rest @ ..] if kind & 31 == H264_STAP_A => h264_aggregate_keyframe(rest),
        [kind, part, following, ..] if kind & 31 == H264_FU_A => {
            part & 0x80 != 0 && begins_idr(part & 31, *following)
        }
        [kind, following, ..] => begins_idr(kind & 31, *following),
        _ => false,
    }
}

fn h264_aggregate_keyframe(mut units: &[u8]) -> bool {
    while let [high, low, rest @ ..] = units {
        let size = usize::from(u16::from_be_bytes([*high, *low]));
        if let ([kind, following, ..], true) = (rest, size > 1) {
            if begins_idr(kind & 31, *following) {
                return true;
            }
        }
        units = rest.get(size..).unwrap_or(&[]);
    }
    false
}

/// A slice header starts with first_mb_in_slice; its Exp-Golomb zero, the first slice, is one set bit.
fn begins_idr(kind: u8, following: u8) -> bool {
    kind == H264_SPS || (kind == H264_IDR && following & 0x80 != 0)
}

/// A VP8 payload descriptor's numbers (RFC 7741 section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Picture {
    size: u8,
    /// 7, 15, or 0 where there is none.
    id_bits: u8,
    pub id: u16,
    pub tl0: Option<u8>,
}

impl Picture {
    /// `None` where the descriptor is cut short.
    pub fn parse(payload: &[u8]) -> Option<Picture> {
        let first = *payload.first()?;
        let mut picture = Picture { size: 1, id_bits: 0, id: 0, tl0: None };
        if first & 0x80 == 0 {
            return Some(picture);
        }
        let extension = *payload.get(1)?;
        let mut at = 2;
        if extension & 0x80 != 0 {
            let high = *payload.get(at)?;
            if high & 0x80 != 0 {
                picture.id = u16::from(high & 0x7F) << 8 | u16::from(*payload.get(at + 1)?);
                picture.id_bits = 15;
            } else {
                picture.id = u16::from(high);
                picture.id_bits = 7;
            }
            at += usize::from(picture.id_bits / 7);
        }
        if extension & 0x40 != 0 {
            picture.tl0 = Some(*payload.get(at)?);
            at += 1;
        }
        if extension & 0x30 != 0 {
            payload.get(at)?;
            at += 1;
        }
        picture.size = at as u8;
        Some(picture)
    }

    pub fn size(&self) -> usize {
        usize::from(self.size)
    }

    pub fn has_id(&self) -> bool {
        self.id_bits != 0
    }

    /// The largest picture id of this width.
    pub fn id_mask(&self) -> u16 {
        (1 << self.id_bits) - 1
    }

    /// Puts other numbers into the fields that this descriptor has, at the head of a copy of its payload.
    pub fn renumber(&self, payload: &mut [u8], id: u16, tl0: u8) {
        if payload.len() < self.size() {
            return;
        }
        match self.id_bits {
            15 => payload[2..4].copy_from_slice(&(0x8000 | id).to_be_bytes()),
            7 => payload[2] = (id & 0x7F) as u8,
            _ => {}
        }
        if self.tl0.is_some() {
            payload[2 + usize::from(self.id_bits / 7)] = tl0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::testing::Random;

    fn keyframe(codec: Codec, payload: &[u8]) -> bool {
        is_keyframe_start(codec, payload)
    }

    #[test]
    fn vp8_keyframes_begin_partition_0_without_the_p_bit() {
        assert!(keyframe(Codec::Vp8, &[0x10, 0x00]));
        assert!(keyframe(Codec::Vp8, &[0x90, 0x80, 0x85, 0x01, 0x10]));
        assert!(!keyframe(Codec::Vp8, &[0x10, 0x01]), "a delta");
        assert!(!keyframe(Codec::Vp8, &[0x00, 0x00]), "a continuation");
        assert!(!keyframe(Codec::Vp8, &[0x11, 0x00]), "another partition");
        assert!(!keyframe(Codec::Vp8, &[0x10]), "no payload header");
    }

    #[test]
    fn vp9_keyframes_begin_the_lowest_spatial_layer() {
        assert!(keyframe(Codec::Vp9, &[0x08]));
        assert!(!keyframe(Codec::Vp9, &[0x48]), "inter-predicted");
        assert!(!keyframe(Codec::Vp9, &[0x00]), "a continuation");
        assert!(keyframe(Codec::Vp9, &[0xA8, 0x01, 0x10]));
        assert!(!keyframe(Codec::Vp9, &[0xA8, 0x01, 0x12]), "spatial layer 1");
        assert!(keyframe(Codec::Vp9, &[0xA8, 0x81, 0x00, 0x11]), "with a long picture id");
        assert!(!keyframe(Codec::Vp9, &[0xA8, 0x81, 0x00]), "cut short");
    }

    #[test]
    fn h264_keyframes_are_parameter_sets_and_first_slices_of_idr_pictures() {
        assert!(keyframe(Codec::H264, &[0x67, 0x42]));
        assert!(keyframe(Codec::H264, &[0x65, 0x88]));
        assert!(!keyframe(Codec::H264, &[0x65, 0x08]), "a later slice");
        assert!(!keyframe(Codec::H264, &[0x61, 0x88]), "not IDR");
        assert!(keyframe(Codec::H264, &[0x7C, 0x85, 0x88]), "FU-A, first fragment");
        assert!(!keyframe(Codec::H264, &[0x7C, 0x05, 0x88]), "FU-A, a later one");
        assert!(keyframe(Codec::H264, &[0x78, 0, 2, 0x68, 1, 0, 2, 0x65, 0x88]), "in a STAP-A");
        assert!(!keyframe(Codec::H264, &[0x78, 0, 2, 0x68, 1, 0, 9, 0x61]), "cut short");
    }

    #[test]
    fn av1_keyframes_carry_n_and_no_continuation() {
        assert!(keyframe(Codec::Av1, &[0x08]));
        assert!(!keyframe(Codec::Av1, &[0x88]));
        assert!(!keyframe(Codec::Av1, &[0x00]));
    }

    #[test]
    fn nothing_is_read_into_an_empty_payload() {
        for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1, Codec::Opus, Codec::Other] {
            assert!(!keyframe(codec, &[]));
        }
    }

    #[test]
    fn vp8_numbers_are_read_and_written_at_either_width() {
        for (head, id, bits) in
            [(&[0x90, 0xE0, 0x11, 7, 0xA0][..], 0x11, 7), (&[0x90, 0xE0, 0x91, 2, 7, 0xA0], 0x1102, 15)]
        {
            let mut payload = [head, &[1, 2, 3]].concat();
            let picture = Picture::parse(&payload).unwrap();
            assert_eq!((picture.size(), picture.id, picture.id_bits), (head.len(), id, bits));
            assert_eq!(picture.tl0, Some(7));
            picture.renumber(&mut payload, 0x55 & picture.id_mask(), 9);
            let again = Picture::parse(&payload).unwrap();
            assert_eq!((again.id, again.tl0, again.size()), (0x55, Some(9), head.len()));
            assert_eq!(&payload[head.len() - 1..], &[0xA0, 1, 2, 3], "the rest is as it was");
        }
    }

    #[test]
    fn a_descriptor_without_picture_id_keeps_its_bytes() {
        let mut payload = [0x90, 0x40, 5, 0x10];
        let picture = Picture::parse(&payload).unwrap();
        assert!(!picture.has_id());
        picture.renumber(&mut payload, 77, 6);
        assert_eq!(payload, [0x90, 0x40, 6, 0x10]);
    }

    #[test]
    fn any_bytes_are_survived() {
        let mut random = Random::new(1);
        for _ in 0..200_000 {
            let size = random.below(12) as usize;
            let mut payload = random.bytes(size);
            for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1] {
                keyframe(codec, &payload);
            }
            if let Some(picture) = Picture::parse(&payload) {
                assert!(picture.size() <= payload.len());
                picture.renumber(&mut payload, 1, 2);
            }
        }
    }
}
