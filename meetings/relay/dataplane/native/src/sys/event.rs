//! eventfd to wake either side, and the wait for it and for the sockets.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::raw::{c_int, c_short, c_uint, c_ulong};
use std::os::unix::io::{AsRawFd, FromRawFd, RawFd};

use super::socket::Socket;

const EFD_CLOEXEC: c_int = 0o2000000;
const EFD_NONBLOCK: c_int = 0o4000;
const POLLIN: c_short = 1;
/// The wake-up and one socket for each address family.
const MOST_WATCHED: usize = 3;

#[repr(C)]
#[derive(Clone, Copy)]
struct PollFd {
    fd: c_int,
    events: c_short,
    revents: c_short,
}

extern "C" {
    fn eventfd(initial: c_uint, flags: c_int) -> c_int;
    fn poll(descriptors: *mut PollFd, count: c_ulong, timeout_ms: c_int) -> c_int;
}

pub struct EventFd(File);

impl EventFd {
    pub fn new() -> io::Result<Self> {
        // SAFETY: takes no pointers; the descriptor returned is ours alone.
        let fd = unsafe { eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: as above.
        Ok(EventFd(unsafe { File::from_raw_fd(fd) }))
    }

    pub fn notify(&self) {
        // Fails only when the counter is full, and then the other side is awake already.
        let _ = (&self.0).write(&1u64.to_ne_bytes());
    }

    pub fn clear(&self) {
        // Fails only when nothing was signalled.
        let _ = (&self.0).read(&mut [0; 8]);
    }
}

impl AsRawFd for EventFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ready {
    pub woken: bool,
    /// In the order of the sockets.
    pub sockets: [bool; MOST_WATCHED - 1],
}

/// Waits until any is readable, or for so long. Three descriptors need no epoll.
pub fn wait(sockets: &[Socket], wake: &EventFd, timeout_ms: c_int) -> io::Result<Ready> {
    let watch = |fd| PollFd { fd, events: POLLIN, revents: 0 };
    let mut watched = [watch(-1); MOST_WATCHED]; // poll passes over negative descriptors
    watched[0] = watch(wake.as_raw_fd());
    for (place, socket) in watched[1..].iter_mut().zip(sockets) {
        *place = watch(socket.as_raw_fd());
    }
    // SAFETY: the array outlives the call and the count is its length.
    let count = unsafe { poll(watched.as_mut_ptr(), watched.len() as c_ulong, timeout_ms) };
    if count < 0 {
        let error = io::Error::last_os_error();
        return match error.kind() {
            io::ErrorKind::Interrupted => Ok(Ready::default()),
            _ => Err(error),
        };
    }
    let [wake, first, second] = watched;
    Ok(Ready { woken: wake.revents != 0, sockets: [first.revents != 0, second.revents != 0] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_wakes_once() {
        let wake = EventFd::new().unwrap();
        assert!(!wait(&[], &wake, 0).unwrap().woken);
        wake.notify();
        wake.notify();
        assert_eq!(wait(&[], &wake, 1000).unwrap(), Ready { woken: true, sockets: [false; 2] });
        wake.clear();
        assert!(!wait(&[], &wake, 0).unwrap().woken);
    }
}
