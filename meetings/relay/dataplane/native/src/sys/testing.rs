//! Sockets for the tests beside this.

use std::net::UdpSocket;
use std::os::raw::{c_int, c_uint, c_void};
use std::os::unix::io::AsRawFd;

use super::socket::Socket;

extern "C" {
    fn setsockopt(fd: c_int, level: c_int, name: c_int, value: *const c_void, length: c_uint) -> c_int;
}

/// A bound socket, and ours on the same port.
pub fn pair(address: &str) -> (UdpSocket, Socket) {
    let socket = UdpSocket::bind(address).unwrap();
    // SAFETY: the descriptor is open.
    let duplicate = unsafe { Socket::duplicate(socket.as_raw_fd()) }.unwrap();
    (socket, duplicate)
}

pub fn set_option(socket: &UdpSocket, level: c_int, name: c_int, value: c_int) {
    // SAFETY: the value is an int, as its length says.
    let result = unsafe { setsockopt(socket.as_raw_fd(), level, name, (&value as *const c_int).cast(), 4) };
    assert_eq!(result, 0);
}
