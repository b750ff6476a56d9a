//! The relay's packet path in a thread of its own, without Python's lock.
//!
//! `media` holds what is done with packets, as pure functions of bytes and time; the rest moves them. Python
//! hands over commands through a bounded ring and reads events and reports; the thread alone uses the libsrtp
//! sessions. `unsafe` is confined to `sys` (system calls, libsrtp) and `abi` (C entry points).
#![deny(unsafe_code)]

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!("the structures in sys are those of 64-bit Linux");

#[allow(unsafe_code)]
pub mod abi;
mod batch;
mod commands;
mod counters;
mod declared;
mod engine;
mod events;
mod intake;
mod limits;
mod link;
pub mod media;
mod outbox;
mod peers;
mod ring;
mod snapshot;
#[allow(unsafe_code)]
mod sys;
