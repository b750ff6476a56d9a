//! Control messages: the address of ours that a datagram came to or leaves from, and the segment size of UDP
//! GSO. Written and read as bytes, so that nothing here is `unsafe`.
#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::raw::c_int;

use super::socket::{IPPROTO_IP, IPPROTO_IPV6, IPV6_PKTINFO, IP_PKTINFO, SOL_UDP, UDP_SEGMENT};

/// struct cmsghdr: its length (eight bytes), level and kind; data begin behind it.
const HEADER: usize = 16;
/// A segment size and an in6_pktinfo, each padded to eight bytes.
pub(super) const SPACE: usize = HEADER + 8 + HEADER + 24;

/// The kernel wants its messages aligned as a size_t.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(super) struct Control {
    bytes: [u8; SPACE],
    length: usize,
}

impl Control {
    pub const EMPTY: Control = Control { bytes: [0; SPACE], length: 0 };

    /// Of what is to be sent: in segments of so many bytes, from this address of ours.
    pub fn of(segment: Option<usize>, source: Option<IpAddr>) -> Self {
        let mut control = Control::EMPTY;
        if let Some(segment) = segment {
            control.put(SOL_UDP, UDP_SEGMENT, &(segment as u16).to_ne_bytes());
        }
        match source {
            Some(IpAddr::V4(address)) => {
                let mut info = [0; 12]; // interface, our address, the header's destination
                info[4..8].copy_from_slice(&address.octets());
                control.put(IPPROTO_IP, IP_PKTINFO, &info);
            }
            Some(IpAddr::V6(address)) => {
                let mut info = [0; 20]; // our address, interface (RFC 3542 section 6.1)
                info[..16].copy_from_slice(&address.octets());
                control.put(IPPROTO_IPV6, IPV6_PKTINFO, &info);
            }
            None => {}
        }
        control
    }

    fn put(&mut self, level: c_int, kind: c_int, data: &[u8]) {
        let start = self.length;
        self.bytes[start..start + 8].copy_from_slice(&(HEADER + data.len()).to_ne_bytes());
        self.bytes[start + 8..start + 12].copy_from_slice(&level.to_ne_bytes());
        self.bytes[start + 12..start + 16].copy_from_slice(&kind.to_ne_bytes());
        self.bytes[start + HEADER..start + HEADER + data.len()].copy_from_slice(data);
        self.length = start + HEADER + (data.len() + 7) / 8 * 8;
    }

    pub fn written(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }

    /// For the kernel to write into.
    pub fn whole(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// The address of ours in the `length` bytes that the kernel wrote.
    pub fn local(&self, length: usize) -> Option<IpAddr> {
        let mut rest = &self.bytes[..length.min(SPACE)];
        loop {
            let size = usize::from_ne_bytes(rest.get(..8)?.try_into().ok()?);
            let level = c_int::from_ne_bytes(rest.get(8..12)?.try_into().ok()?);
            let kind = c_int::from_ne_bytes(rest.get(12..16)?.try_into().ok()?);
            let data = rest.get(HEADER..size)?;
            if (level, kind) == (IPPROTO_IP, IP_PKTINFO) {
                return Some(Ipv4Addr::from(<[u8; 4]>::try_from(data.get(4..8)?).ok()?).into());
            }
            if (level, kind) == (IPPROTO_IPV6, IPV6_PKTINFO) {
                return Some(Ipv6Addr::from(<[u8; 16]>::try_from(data.get(..16)?).ok()?).into());
            }
            rest = rest.get((size + 7) / 8 * 8..)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_address_is_found_behind_another_message() {
        for text in ["192.0.2.1", "2001:db8::1"] {
            let address: IpAddr = text.parse().unwrap();
            let control = Control::of(Some(1200), Some(address));
            assert_eq!(control.local(control.length), Some(address));
            assert_eq!(control.local(HEADER + 8), None);
        }
    }

    #[test]
    fn lengths_that_lie_are_survived() {
        let mut control = Control::of(None, "192.0.2.1".parse().ok());
        for size in [0u64, 1, 15, 17, u64::MAX] {
            control.bytes[..8].copy_from_slice(&size.to_ne_bytes());
            assert_eq!(control.local(SPACE), None);
        }
    }
}
