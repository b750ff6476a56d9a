//! The router as a whole, through its public methods.
#![forbid(unsafe_code)]

mod audio;
mod bounds;
mod forwarding;
mod reports;
mod requests;
mod retransmission;
mod room;
mod stream;
mod switching;
mod tables;
