//! What Python asks of the thread. Each returns whether that was handed over.

use std::os::raw::{c_int, c_void};
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::Ordering;
use std::sync::PoisonError;

use super::records::{Address, StreamRecord, SubscriptionRecord};
use super::Plane;
use crate::commands::Command;
use crate::media::{SubscriptionId, TrackId, TransportId};
use crate::sys::Sessions;

const TAKEN: c_int = 0;
/// Try again.
const RING_FULL: c_int = -1;
const INVALID: c_int = -2;

impl Plane {
    fn command(&self, command: Command) -> c_int {
        let one_at_a_time = self.commanding.lock().unwrap_or_else(PoisonError::into_inner);
        if self.link.commands.push(command).is_err() {
            self.link.commands_refused.fetch_add(1, Ordering::Relaxed);
            return RING_FULL;
        }
        drop(one_at_a_time);
        self.link.wake_thread.notify();
        TAKEN
    }
}

#[no_mangle]
pub extern "C" fn plane_open(plane: &Plane, transport: u32) -> c_int {
    plane.command(Command::Open { transport: TransportId(transport) })
}

/// Answered by an event, after which nobody uses the transport's sessions.
#[no_mangle]
pub extern "C" fn plane_close(plane: &Plane, transport: u32) -> c_int {
    plane.command(Command::Close { transport: TransportId(transport) })
}

/// Hands two libsrtp sessions over.
///
/// # Safety
/// From here on until the closing is answered, or `plane_free` has returned, or `plane_state` is not 0, the
/// sessions stay allocated and nobody else uses them.
#[no_mangle]
pub unsafe extern "C" fn plane_secure(
    plane: &Plane,
    transport: u32,
    receiving: *mut c_void,
    sending: *mut c_void,
) -> c_int {
    match (NonNull::new(receiving), NonNull::new(sending)) {
        (Some(receiving), Some(sending)) => {
            let sessions = Sessions::new(plane.functions, receiving, sending);
            plane.command(Command::Secure { transport: TransportId(transport), sessions })
        }
        _ => INVALID,
    }
}

#[no_mangle]
pub extern "C" fn plane_accept(plane: &Plane, transport: u32, address: &Address) -> c_int {
    match address.decode() {
        Some(address) => plane.command(Command::Accept { transport: TransportId(transport), address }),
        None => INVALID,
    }
}

#[no_mangle]
pub extern "C" fn plane_release(plane: &Plane, address: &Address) -> c_int {
    match address.decode() {
        Some(address) => plane.command(Command::Release { address }),
        None => INVALID,
    }
}

/// `source` of family 0: whichever the system chooses; `address` of family 0: nowhere.
#[no_mangle]
pub extern "C" fn plane_route(plane: &Plane, transport: u32, address: &Address, source: &Address) -> c_int {
    let route = address.decode().map(|address| (address, source.ip()));
    plane.command(Command::Route { transport: TransportId(transport), route })
}

#[no_mangle]
pub extern "C" fn plane_watch_congestion(plane: &Plane, transport: u32, extension: u8) -> c_int {
    plane.command(Command::WatchCongestion { transport: TransportId(transport), extension })
}

/// Sends a plain RTCP packet, protected.
///
/// # Safety
/// `packet` has `length` readable bytes.
#[no_mangle]
pub unsafe extern "C" fn plane_send_rtcp(
    plane: &Plane,
    transport: u32,
    packet: *const u8,
    length: usize,
) -> c_int {
    if packet.is_null() {
        return INVALID;
    }
    let packet = slice::from_raw_parts(packet, length).to_vec();
    plane.command(Command::SendRtcp { transport: TransportId(transport), packet })
}

/// Bit/s and µs.
#[no_mangle]
pub extern "C" fn plane_probe(plane: &Plane, transport: u32, bitrate: u64, duration: u64) -> c_int {
    plane.command(Command::Probe { transport: TransportId(transport), bitrate, duration })
}

#[no_mangle]
pub extern "C" fn plane_add_stream(plane: &Plane, record: &StreamRecord) -> c_int {
    record.decode().map_or(INVALID, |settings| plane.command(Command::AddStream(Box::new(settings))))
}

#[no_mangle]
pub extern "C" fn plane_add_repair(
    plane: &Plane,
    transport: u32,
    rtx_ssrc: u32,
    ssrc: u32,
    payload_type: u8,
) -> c_int {
    let transport = TransportId(transport);
    plane.command(Command::AddRepair { transport, rtx_ssrc, ssrc, payload_type })
}

#[no_mangle]
pub extern "C" fn plane_remove_stream(plane: &Plane, transport: u32, ssrc: u32) -> c_int {
    plane.command(Command::RemoveStream { transport: TransportId(transport), ssrc })
}

#[no_mangle]
pub extern "C" fn plane_mute(plane: &Plane, track: u32, muted: c_int) -> c_int {
    plane.command(Command::Mute { track: TrackId(track), muted: muted != 0 })
}

#[no_mangle]
pub extern "C" fn plane_request_keyframe(plane: &Plane, transport: u32, ssrc: u32) -> c_int {
    plane.command(Command::RequestKeyframe { transport: TransportId(transport), ssrc })
}

#[no_mangle]
pub extern "C" fn plane_tap(plane: &Plane, track: u32, tapped: c_int) -> c_int {
    plane.command(Command::Tap { track: TrackId(track), tapped: tapped != 0 })
}

#[no_mangle]
pub extern "C" fn plane_subscribe(plane: &Plane, record: &SubscriptionRecord) -> c_int {
    record.decode().map_or(INVALID, |settings| plane.command(Command::Subscribe(Box::new(settings))))
}

/// `forwarding` 0: nothing is forwarded, whatever the SSRC.
#[no_mangle]
pub extern "C" fn plane_steer(plane: &Plane, number: u32, forwarding: c_int, ssrc: u32) -> c_int {
    let ssrc = (forwarding != 0).then_some(ssrc);
    plane.command(Command::Steer { number: SubscriptionId(number), ssrc })
}

#[no_mangle]
pub extern "C" fn plane_unsubscribe(plane: &Plane, number: u32) -> c_int {
    plane.command(Command::Unsubscribe { number: SubscriptionId(number) })
}

#[cfg(feature = "fault-injection")]
#[no_mangle]
pub extern "C" fn plane_provoke_panic(plane: &Plane) -> c_int {
    plane.command(Command::Panic)
}
