//! The head of a subscriber's packets, laid out once: only its numbers and times change.
#![forbid(unsafe_code)]

use super::rtp::FIXED_HEADER;
use super::settings::SubscriptionSettings;

const ONE_BYTE_PROFILE: u16 = 0xBEDE;
const TWO_BYTE_PROFILE: u16 = 0x1000;

/// The packet would not fit the room it is written to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// What differs from one packet to the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    /// Transport-wide.
    pub number: u16,
    pub now: u64,
}

/// Fixed header and header extensions (RFC 8285), without contributing sources.
pub(super) struct Template {
    bytes: Vec<u8>,
    send_time_at: Option<usize>,
    number_at: Option<usize>,
}

impl Template {
    /// Elements whose identifier or value RFC 8285 has no room for are left out.
    pub fn new(settings: &SubscriptionSettings) -> Self {
        let mid = settings.mid_extension.map(|id| (id, &settings.mid[..]));
        let send_time = settings.send_time_extension.map(|id| (id, &[0; 3][..]));
        let number = settings.congestion_extension.map(|id| (id, &[0; 2][..]));
        let fits = |element: &(u8, &[u8])| element.0 > 0 && (1..=255).contains(&element.1.len());
        let elements = [mid, send_time, number].map(|element| element.filter(fits));
        // The one-byte form knows identifiers 1 to 14 and values of 1 to 16 bytes.
        let short = |element: &(u8, &[u8])| element.0 < 15 && element.1.len() <= 16;
        let one_byte = elements.iter().flatten().all(short);
        let mut bytes = vec![0; FIXED_HEADER];
        bytes[0] = 0x80;
        let mut values = [None; 3];
        if elements.iter().any(Option::is_some) {
            bytes[0] |= 0x10;
            bytes.extend(if one_byte { ONE_BYTE_PROFILE } else { TWO_BYTE_PROFILE }.to_be_bytes());
            bytes.extend([0; 2]);
            for (at, element) in values.iter_mut().zip(elements) {
                *at = element.map(|element| append(&mut bytes, element, one_byte));
            }
            bytes.resize((bytes.len() + 3) & !3, 0);
            let words = ((bytes.len() - FIXED_HEADER - 4) / 4) as u16;
            bytes[14..16].copy_from_slice(&words.to_be_bytes());
        }
        Template { bytes, send_time_at: values[1], number_at: values[2] }
    }

    pub fn has_number(&self) -> bool {
        self.number_at.is_some()
    }

    /// Writes the head and then the payload's parts; returns the packet's length.
    pub fn write(&self, fields: &Fields, parts: [&[u8]; 2], out: &mut [u8]) -> Result<usize, TooLong> {
        let head = self.bytes.len();
        let middle = head + parts[0].len();
        let end = middle + parts[1].len();
        let out = out.get_mut(..end).ok_or(TooLong)?;
        out[..head].copy_from_slice(&self.bytes);
        out[1] = u8::from(fields.marker) << 7 | (fields.payload_type & 0x7F);
        out[2..4].copy_from_slice(&fields.sequence.to_be_bytes());
        out[4..8].copy_from_slice(&fields.timestamp.to_be_bytes());
        out[8..12].copy_from_slice(&fields.ssrc.to_be_bytes());
        if let Some(at) = self.send_time_at {
            out[at..at + 3].copy_from_slice(&abs_send_time(fields.now));
        }
        if let Some(at) = self.number_at {
            out[at..at + 2].copy_from_slice(&fields.number.to_be_bytes());
        }
        out[head..middle].copy_from_slice(parts[0]);
        out[middle..].copy_from_slice(parts[1]);
        Ok(end)
    }

    /// Where the payload begins.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// Returns where the value lies.
fn append(bytes: &mut Vec<u8>, (id, value): (u8, &[u8]), one_byte: bool) -> usize {
    match one_byte {
        true => bytes.push(id << 4 | (value.len() - 1) as u8),
        false => bytes.extend([id, value.len() as u8]),
    }
    bytes.extend(value);
    bytes.len() - value.len()
}

/// Seconds in 6.18 bit fixed point, wrapping every 64 s.
fn abs_send_time(now: u64) -> [u8; 3] {
    let fixed = ((now % 64_000_000) << 18) / 1_000_000;
    [(fixed >> 16) as u8, (fixed >> 8) as u8, fixed as u8]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::rtp::Header;
    use crate::media::settings::{SubscriptionId, TrackId, TransportId};

    const FIELDS: Fields = Fields {
        marker: true,
        payload_type: 100,
        sequence: 0xABCD,
        timestamp: 0x0102_0304,
        ssrc: 0xDEAD_BEEF,
        number: 0x0405,
        now: 65_500_000,
    };

    fn settings(mid: &[u8], ids: [Option<u8>; 3]) -> SubscriptionSettings {
        SubscriptionSettings {
            number: SubscriptionId(1),
            transport: TransportId(1),
            track: TrackId(1),
            ssrc: 1,
            payload_type: 100,
            red_payload_type: None,
            clock_rate: 90_000,
            mid_extension: ids[0],
            mid: mid.to_vec(),
            send_time_extension: ids[1],
            congestion_extension: ids[2],
            rtx: None,
        }
    }

    fn written(mid: &[u8], ids: [Option<u8>; 3]) -> (Vec<u8>, Header) {
        let mut out = vec![0xFF; 400];
        let length = Template::new(&settings(mid, ids)).write(&FIELDS, [b"pay", b"load"], &mut out).unwrap();
        out.truncate(length);
        let header = Header::parse(&out).unwrap();
        (out, header)
    }

    #[test]
    fn writes_every_field_and_element() {
        let (out, header) = written(b"mid", [Some(4), Some(2), Some(3)]);
        assert_eq!((header.marker, header.payload_type, header.sequence), (true, 100, 0xABCD));
        assert_eq!((header.timestamp, header.ssrc), (0x0102_0304, 0xDEAD_BEEF));
        let expected = vec![(4, &b"mid"[..]), (2, &[0x06, 0, 0][..]), (3, &[4, 5][..])];
        assert_eq!(header.extensions(&out).collect::<Vec<_>>(), expected, "1.5 s past the wrap of 64 s");
        assert_eq!(&out[header.payload], b"payload");
    }

    #[test]
    fn takes_the_two_byte_form_where_it_must() {
        for (mid, id) in [(&[b'm'; 17][..], 4), (b"m", 15)] {
            let (out, header) = written(mid, [Some(id), None, Some(3)]);
            let expected = vec![(id, mid), (3, &[4, 5][..])];
            assert_eq!(header.extensions(&out).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn writes_no_extension_header_without_elements() {
        for (mid, ids) in [(&b""[..], [Some(4), None, None]), (&[1; 256], [Some(4), Some(0), None])] {
            let (out, header) = written(mid, ids);
            assert_eq!((out[0], header.payload.start), (0x80, 12));
        }
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let template = Template::new(&settings(b"mid", [Some(4), Some(2), Some(3)]));
        let whole = template.size() + 7;
        for room in 0..whole {
            assert_eq!(template.write(&FIELDS, [b"pay", b"load"], &mut vec![0; room]), Err(TooLong));
        }
        assert_eq!(template.write(&FIELDS, [b"pay", b"load"], &mut vec![0; whole]), Ok(whole));
    }
}
