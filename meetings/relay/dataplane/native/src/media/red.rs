//! Redundant audio (RFC 2198): which part of a payload is the primary encoding.
#![forbid(unsafe_code)]

use std::ops::Range;

/// The payload type and the place of the last, the primary block; `None` for a malformed payload.
pub(super) fn primary(payload: &[u8]) -> Option<(u8, Range<usize>)> {
    let (mut at, mut redundant) = (0, 0);
    loop {
        let first = *payload.get(at)?;
        if first & 0x80 == 0 {
            let start = at + 1 + redundant;
            return (start <= payload.len()).then_some((first & 0x7F, start..payload.len()));
        }
        let length = payload.get(at + 2..at + 4)?;
        redundant += usize::from(u16::from_be_bytes([length[0] & 0x03, length[1]]));
        at += 4;
    }
}

/// Gives the blocks of the primary's type the subscriber's number for it, in place.
pub(super) fn renumber(payload: &mut [u8], payload_type: u8) {
    let own = match primary(payload) {
        Some((own, _)) => own,
        None => return,
    };
    let mut at = 0;
    while let Some(first) = payload.get_mut(at) {
        let last = *first & 0x80 == 0;
        if *first & 0x7F == own {
            *first = *first & 0x80 | payload_type & 0x7F;
        }
        if last {
            return;
        }
        at += 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::testing::Random;

    #[test]
    fn finds_the_primary_after_the_redundant_blocks() {
        let payload = [0x80 | 111, 0, 0, 2, 0x80 | 111, 0, 0, 1, 111, 1, 2, 3, 8, 9];
        assert_eq!(primary(&payload), Some((111, 12..14)));
    }

    #[test]
    fn finds_a_primary_alone() {
        assert_eq!(primary(&[111, 5]), Some((111, 1..2)));
        assert_eq!(primary(&[111]), Some((111, 1..1)));
    }

    #[test]
    fn blocks_get_the_subscribers_payload_type_and_keep_the_rest() {
        let mut payload = [0x80 | 111, 7, 0, 2, 0x80 | 13, 0, 0, 1, 111, 1, 2, 3, 111, 9];
        renumber(&mut payload, 96);
        assert_eq!(payload, [0x80 | 96, 7, 0, 2, 0x80 | 13, 0, 0, 1, 96, 1, 2, 3, 111, 9]);
    }

    #[test]
    fn refuses_blocks_longer_than_the_payload() {
        assert_eq!(primary(&[]), None);
        assert_eq!(primary(&[0x80 | 111, 0, 0, 2, 111, 1]), None);
        assert_eq!(primary(&[0x80 | 111, 0, 3, 0xFF, 111, 1]), None);
        assert_eq!(primary(&[0x80 | 111, 0, 0]), None);
        assert_eq!(primary(&[0x80 | 111, 0, 0, 1]), None);
    }

    #[test]
    fn any_bytes_are_survived() {
        let mut random = Random::new(2);
        for _ in 0..100_000 {
            let size = random.below(16) as usize;
            let mut payload = random.bytes(size);
            renumber(&mut payload, 96);
            if let Some((_, range)) = primary(&payload) {
                assert!(range.start <= range.end && range.end == payload.len());
            }
        }
    }
}
