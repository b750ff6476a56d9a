//! The structures of Linux's socket calls, as 64-bit machines have them, and the socket itself.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::raw::{c_int, c_uint, c_void};
use std::os::unix::io::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr;

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const ADDRESS_LENGTH: usize = 28;

pub(super) const IPPROTO_IP: c_int = 0;
pub(super) const IP_PKTINFO: c_int = 8;
pub(super) const IPPROTO_IPV6: c_int = 41;
pub(super) const IPV6_PKTINFO: c_int = 50;
pub(super) const SOL_UDP: c_int = 17;
pub(super) const UDP_SEGMENT: c_int = 103;

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct IoVec {
    base: *mut c_void,
    length: usize,
}

impl IoVec {
    /// For sending: the kernel does not write through it.
    pub fn reading(bytes: &[u8]) -> Self {
        IoVec { base: bytes.as_ptr() as *mut c_void, length: bytes.len() }
    }

    pub fn writing(bytes: &mut [u8]) -> Self {
        IoVec { base: bytes.as_mut_ptr().cast(), length: bytes.len() }
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct MsgHdr {
    name: *mut c_void,
    name_length: c_uint,
    vectors: *mut IoVec,
    vector_count: usize,
    control: *mut c_void,
    pub control_length: usize,
    pub flags: c_int,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct MmsgHdr {
    pub header: MsgHdr,
    pub length: c_uint,
}

impl MmsgHdr {
    pub fn new(name: &mut RawAddress, vectors: &mut [IoVec], control: &mut [u8]) -> Self {
        let control_pointer = if control.is_empty() { ptr::null_mut() } else { control.as_mut_ptr() };
        let header = MsgHdr {
            name: name.bytes.as_mut_ptr().cast(),
            name_length: name.length,
            vectors: vectors.as_mut_ptr(),
            vector_count: vectors.len(),
            control: control_pointer.cast(),
            control_length: control.len(),
            flags: 0,
        };
        MmsgHdr { header, length: 0 }
    }
}

/// sockaddr_in or sockaddr_in6.
#[repr(C, align(4))]
#[derive(Clone, Copy)]
pub(super) struct RawAddress {
    bytes: [u8; ADDRESS_LENGTH],
    length: c_uint,
}

impl RawAddress {
    pub const EMPTY: RawAddress = RawAddress { bytes: [0; ADDRESS_LENGTH], length: ADDRESS_LENGTH as c_uint };

    pub fn encode(address: &SocketAddr) -> Self {
        let mut bytes = [0; ADDRESS_LENGTH];
        bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
        let (family, length) = match address {
            SocketAddr::V4(v4) => {
                bytes[4..8].copy_from_slice(&v4.ip().octets());
                (AF_INET, 16)
            }
            SocketAddr::V6(v6) => {
                bytes[8..24].copy_from_slice(&v6.ip().octets());
                bytes[24..28].copy_from_slice(&v6.scope_id().to_ne_bytes());
                (AF_INET6, 28)
            }
        };
        bytes[..2].copy_from_slice(&family.to_ne_bytes());
        RawAddress { bytes, length }
    }

    /// The scope of a link-local address is left out, as Python leaves it out.
    pub fn decode(&self) -> Option<SocketAddr> {
        let port = u16::from_be_bytes([self.bytes[2], self.bytes[3]]);
        let ip = match u16::from_ne_bytes([self.bytes[0], self.bytes[1]]) {
            AF_INET => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(&self.bytes[4..8]).ok()?)),
            AF_INET6 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(&self.bytes[8..24]).ok()?)),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }
}

/// The thread's own descriptor of a socket that Python made and sends STUN and DTLS on.
pub struct Socket(OwnedFd);

impl Socket {
    /// # Safety
    /// `fd` must be an open descriptor.
    pub unsafe fn duplicate(fd: RawFd) -> io::Result<Self> {
        BorrowedFd::borrow_raw(fd).try_clone_to_owned().map(Socket)
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_encoding() {
        for text in ["192.0.2.1:5000", "[2001:db8::1]:65535"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(RawAddress::encode(&address).decode(), Some(address));
        }
    }
}
