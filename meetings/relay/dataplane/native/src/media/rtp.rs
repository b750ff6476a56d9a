//! RTP headers (RFC 3550 section 5.1) and their extensions (RFC 8285).
#![forbid(unsafe_code)]

use std::ops::Range;

pub(super) const FIXED_HEADER: usize = 12;
const VERSION: u8 = 2 << 6;
const ONE_BYTE_PROFILE: u16 = 0xBEDE;
const TWO_BYTE_PROFILE: u16 = 0x1000; // low four bits are application bits
const RESERVED_ID: u8 = 15;

/// The packet does not follow RFC 3550, or a length field points outside it.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    extension_profile: u16,
    extension: Range<usize>,
    /// Without padding.
    pub payload: Range<usize>,
}

fn read_u16(packet: &[u8], at: usize) -> Result<u16, Malformed> {
    let bytes = packet.get(at..at + 2).ok_or(Malformed)?;
    Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
}

fn read_u32(packet: &[u8], at: usize) -> Result<u32, Malformed> {
    let bytes = packet.get(at..at + 4).ok_or(Malformed)?;
    Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

impl Header {
    pub fn parse(packet: &[u8]) -> Result<Header, Malformed> {
        if packet.len() < FIXED_HEADER || packet[0] & 0xC0 != VERSION {
            return Err(Malformed);
        }
        let mut offset = FIXED_HEADER + 4 * usize::from(packet[0] & 0x0F);
        let mut extension_profile = 0;
        let mut extension = 0..0;
        if packet[0] & 0x10 != 0 {
            extension_profile = read_u16(packet, offset)?;
            let length = 4 * usize::from(read_u16(packet, offset + 2)?);
            extension = offset + 4..offset + 4 + length;
            offset = extension.end;
        }
        let padding = match packet[0] & 0x20 {
            0 => 0,
            _ => usize::from(packet[packet.len() - 1]),
        };
        let has_padding = packet[0] & 0x20 != 0;
        let end = packet.len().checked_sub(padding).ok_or(Malformed)?;
        if offset > end || (has_padding && padding == 0) {
            return Err(Malformed);
        }
        Ok(Header {
            marker: packet[1] & 0x80 != 0,
            payload_type: packet[1] & 0x7F,
            sequence: read_u16(packet, 2)?,
            timestamp: read_u32(packet, 4)?,
            ssrc: read_u32(packet, 8)?,
            extension_profile,
            extension,
            payload: offset..end,
        })
    }

    /// Bandwidth probes carry padding and nothing else.
    pub fn is_padding_only(&self) -> bool {
        self.payload.is_empty()
    }

    /// The value of one element of the header extension.
    pub fn extension<'a>(&self, packet: &'a [u8], id: u8) -> Option<&'a [u8]> {
        self.extensions(packet).find(|(found, _)| *found == id).map(|(_, value)| value)
    }

    /// The elements of the header extension; a malformed element ends the iteration.
    pub fn extensions<'a>(&self, packet: &'a [u8]) -> Extensions<'a> {
        let form = match self.extension_profile {
            ONE_BYTE_PROFILE => Form::OneByte,
            profile if profile & 0xFFF0 == TWO_BYTE_PROFILE => Form::TwoByte,
            _ => return Extensions { rest: &[], form: Form::OneByte },
        };
        let rest = packet.get(self.extension.clone()).unwrap_or(&[]);
        Extensions { rest, form }
    }
}

#[derive(Clone, Copy)]
enum Form {
    OneByte,
    TwoByte,
}

pub struct Extensions<'a> {
    rest: &'a [u8],
    form: Form,
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while self.rest.first() == Some(&0) {
            self.rest = &self.rest[1..]; // padding between elements
        }
        let (id, start, length) = match self.form {
            Form::OneByte => {
                let first = *self.rest.first()?;
                (first >> 4, 1, usize::from(first & 0x0F) + 1)
            }
            Form::TwoByte => (*self.rest.first()?, 2, usize::from(*self.rest.get(1)?)),
        };
        if matches!(self.form, Form::OneByte) && id == RESERVED_ID {
            return None;
        }
        let value = self.rest.get(start..start + length)?;
        self.rest = &self.rest[start + length..];
        Some((id, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_two_byte_extensions_csrc_and_padding() {
        let mut packet = vec![0xB1, 0xE0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9];
        packet.extend([0x10, 0x00, 0, 2, 7, 0, 0, 20, 2, 8, 8, 0]);
        packet.extend([42, 0, 0, 3]);
        let header = Header::parse(&packet).unwrap();
        assert_eq!((header.marker, header.payload_type, header.sequence), (true, 96, 1));
        assert_eq!((header.timestamp, header.ssrc), (2, 3));
        assert_eq!(header.extensions(&packet).collect::<Vec<_>>(), vec![(7, &[][..]), (20, &[8, 8][..])]);
        assert_eq!(header.extension(&packet, 20), Some(&[8, 8][..]));
        assert_eq!(header.extension(&packet, 21), None);
        assert_eq!(&packet[header.payload], &[42]);
    }

    #[test]
    fn reads_one_byte_extensions_up_to_the_reserved_identifier() {
        let mut packet = vec![0x90, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        packet.extend([0xBE, 0xDE, 0, 3, 0x10, 30, 0, 0x51, 1, 2, 0, 0xF0, 7, 0x20, 9, 0]);
        let header = Header::parse(&packet).unwrap();
        assert_eq!(
            header.extensions(&packet).collect::<Vec<_>>(),
            vec![(1, &[30][..]), (5, &[1, 2][..])],
            "RFC 8285 section 4.2: identifier 15 ends the reading"
        );
    }

    #[test]
    fn tells_padding_only_packets() {
        let packet = [0xA0, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 3];
        assert!(Header::parse(&packet).unwrap().is_padding_only());
    }

    #[test]
    fn refuses_padding_that_is_none_or_more_than_there_is() {
        for size in [0, 4] {
            let packet = [0xA0, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, size];
            assert_eq!(Header::parse(&packet), Err(Malformed));
        }
    }

    #[test]
    fn every_truncation_and_every_changed_byte_is_survived() {
        let mut packet = vec![0xB2, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 1, 1, 1, 1, 2, 2, 2, 2];
        packet.extend([0xBE, 0xDE, 0, 2, 0x31, 1, 2, 0x50, 9, 0, 0, 0, 7, 7, 7, 1]);
        for length in 0..packet.len() {
            let _ = Header::parse(&packet[..length]);
        }
        for at in 0..packet.len() {
            for value in 0..=255 {
                let mut bad = packet.clone();
                bad[at] = value;
                if let Ok(header) = Header::parse(&bad) {
                    assert!(header.payload.start <= header.payload.end && header.payload.end <= bad.len());
                    header.extensions(&bad).for_each(drop);
                }
            }
        }
    }
}
