//! The relay's packet path in a thread of its own, without Python's lock.
//!
//! `media` holds what is done with packets, as pure functions of bytes and time; the rest moves them.
#![deny(unsafe_code)]

pub mod media;
