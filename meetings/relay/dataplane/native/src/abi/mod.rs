//! The C interface, called by Python through cffi. Every function but `plane_free` returns at once. Structures
//! are mirrored in binding.py; `plane_layout` guards the mirror.
//!
//! References stand for pointers that the caller guarantees to be valid: `&Plane` for what `plane_new`
//! returned and `plane_free` has not taken, the others for initialised structures.

mod commands;
mod records;
mod reports;

use std::mem::size_of;
use std::os::raw::c_int;
use std::os::unix::io::AsRawFd;
use std::ptr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use self::records::{Address, Functions, StreamRecord, SubscriptionRecord};
use self::reports::{StreamReportRecord, SubscriptionReportRecord, TransportReportRecord};
use crate::counters::Counters;
use crate::engine::{self, Config};
use crate::events::Event;
use crate::link::Link;
use crate::outbox::Sockets;
use crate::ring::Ring;
use crate::sys::{Socket, SrtpFunctions};

pub struct Plane {
    link: Arc<Link>,
    functions: SrtpFunctions,
    thread: Option<JoinHandle<()>>,
    /// The rings take one producer and one consumer at a time. Each holds an event that found no room in the
    /// reader's buffer.
    commanding: Mutex<()>,
    reading: [Mutex<Option<Event>>; 3],
}

impl Plane {
    fn ring(&self, which: usize) -> Option<(&Ring<Event>, &Mutex<Option<Event>>)> {
        let rings = [&self.link.events, &self.link.strangers, &self.link.taps];
        Some((rings.get(which).copied()?, self.reading.get(which)?))
    }
}

/// The sizes of the mirrored structures, as a number that changes when one of them does.
#[no_mangle]
pub extern "C" fn plane_layout() -> u64 {
    let sizes = [
        size_of::<Address>(),
        size_of::<Functions>(),
        size_of::<StreamRecord>(),
        size_of::<SubscriptionRecord>(),
        size_of::<StreamReportRecord>(),
        size_of::<SubscriptionReportRecord>(),
        size_of::<TransportReportRecord>(),
        size_of::<Counters>(),
    ];
    sizes.iter().fold(0u64, |layout, size| layout.wrapping_mul(1_000).wrapping_add(*size as u64))
}

/// Starts a thread on duplicates of bound UDP sockets, -1 for a family that is not spoken. NULL on failure.
///
/// # Safety
/// The descriptors are open; `functions` are those of the libsrtp whose sessions will be handed over.
#[no_mangle]
pub unsafe extern "C" fn plane_new(
    fd_v4: c_int,
    fd_v6: c_int,
    functions: *const Functions,
    segmentation: c_int,
    voices: u32,
) -> *mut Plane {
    let start = || {
        let given = functions.as_ref()?;
        let functions = SrtpFunctions {
            protect: given.protect?,
            unprotect: given.unprotect?,
            protect_rtcp: given.protect_rtcp?,
            unprotect_rtcp: given.unprotect_rtcp?,
            remove_stream: given.remove_stream?,
        };
        let mut all = Vec::new();
        for fd in [fd_v4, fd_v6].into_iter().filter(|fd| *fd >= 0) {
            all.push(Socket::duplicate(fd).ok()?);
        }
        let link = Arc::new(Link::new().ok()?);
        let sockets = Sockets { all, first_is_v4: fd_v4 >= 0 };
        let config = Config { segmentation: segmentation != 0, voices: voices as usize };
        let thread = Some(engine::spawn(sockets, Arc::clone(&link), config).ok()?);
        let (commanding, reading) = (Mutex::default(), Default::default());
        Some(Box::new(Plane { link, functions, thread, commanding, reading }))
    };
    start().map_or(ptr::null_mut(), Box::into_raw)
}

/// Stops the thread, once it has done what it was asked, and waits for it; sessions handed over belong to the
/// caller again.
///
/// # Safety
/// `plane` comes from `plane_new` and is not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn plane_free(plane: *mut Plane) {
    if plane.is_null() {
        return;
    }
    let mut plane = Box::from_raw(plane);
    plane.link.stop();
    if let Some(thread) = plane.thread.take() {
        let _ = thread.join(); // a panic has been reported by then
    }
}

/// Readable when there are events, or the thread has ended. Belongs to the plane.
#[no_mangle]
pub extern "C" fn plane_event_fd(plane: &Plane) -> c_int {
    plane.link.wake_python.as_raw_fd()
}

/// 0 running, 1 stopped, 2 ended by a panic or a failed system call.
#[no_mangle]
pub extern "C" fn plane_state(plane: &Plane) -> c_int {
    plane.link.state().into()
}

/// Why it ended: as much as finds room, in UTF-8; returns its length.
///
/// # Safety
/// `out` has room for `capacity` bytes.
#[no_mangle]
pub unsafe extern "C" fn plane_failure(plane: &Plane, out: *mut u8, capacity: usize) -> usize {
    let failure = plane.link.failure();
    let length = failure.len().min(capacity);
    ptr::copy_nonoverlapping(failure.as_ptr(), out, length);
    length
}

/// Returns how many commands found the ring full.
#[no_mangle]
pub extern "C" fn plane_counters(plane: &Plane, out: &mut Counters) -> u64 {
    *out = plane.link.counters();
    plane.link.commands_refused.load(Ordering::Relaxed)
}

/// Makes `plane_event_fd` unreadable; to be called before reading, so that no event is overlooked.
#[no_mangle]
pub extern "C" fn plane_clear(plane: &Plane) {
    plane.link.wake_python.clear();
}

/// Fills `out` with records of the events (`which` 0), of what strangers sent (1), or of what is recorded (2).
/// Returns how many bytes were written: where 4,096 more would have found room, there was nothing more.
///
/// # Safety
/// `out` has room for `capacity` bytes, 4,096 or more.
#[no_mangle]
pub unsafe extern "C" fn plane_read(plane: &Plane, which: u32, out: *mut u8, capacity: usize) -> usize {
    let (ring, reading) = match plane.ring(which as usize) {
        Some(found) => found,
        None => return 0,
    };
    let mut left = reading.lock().unwrap_or_else(PoisonError::into_inner);
    let mut records = Vec::new();
    while let Some(event) = left.take().or_else(|| ring.pop()) {
        if records.len() + event.record_length() > capacity {
            *left = Some(event);
            break;
        }
        event.write(&mut records);
    }
    ptr::copy_nonoverlapping(records.as_ptr(), out, records.len());
    records.len()
}
