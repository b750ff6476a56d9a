//! Which protocol a datagram on the shared port belongs to (RFC 7983; RFC 5761 section 4).
#![forbid(unsafe_code)]

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Stun,
    Dtls,
    Rtp,
    Rtcp,
    Unknown,
}

pub fn classify(datagram: &[u8]) -> Protocol {
    match datagram {
        [0..=3, _, ..] => Protocol::Stun,
        [20..=63, _, ..] => Protocol::Dtls,
        [128..=191, 192..=223, ..] => Protocol::Rtcp,
        [128..=191, _, ..] => Protocol::Rtp,
        _ => Protocol::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_ranges_of_rfc_7983() {
        let cases = [
            ([0, 1], Protocol::Stun),
            ([4, 1], Protocol::Unknown),
            ([22, 254], Protocol::Dtls),
            ([64, 0], Protocol::Unknown),
            ([0x80, 200], Protocol::Rtcp),
            ([0x90, 96], Protocol::Rtp),
            ([0x90, 0x80 | 96], Protocol::Rtp),
            ([0xC0, 96], Protocol::Unknown),
        ];
        for (datagram, protocol) in cases {
            assert_eq!(classify(&datagram), protocol, "{datagram:?}");
        }
    }

    #[test]
    fn leaves_a_single_byte_unknown() {
        assert_eq!(classify(&[]), Protocol::Unknown);
        assert_eq!(classify(&[0x80]), Protocol::Unknown);
    }
}
