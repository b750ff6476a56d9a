//! Everything that must be `unsafe` below the C interface: system calls and libsrtp. What it offers is safe
//! to call; each `unsafe` block says why it holds.

mod clock;
mod control;
mod event;
mod receive;
mod send;
mod socket;
mod srtp;
#[cfg(test)]
mod testing;

pub use clock::{monotonic_us, thread_cpu_us};
pub use event::{wait, EventFd};
pub use receive::{Arrival, ReceiveBatch};
pub use send::Sent;
pub use socket::Socket;
pub use srtp::{Sessions, SrtpCall, SrtpFunctions, SrtpRemove};
