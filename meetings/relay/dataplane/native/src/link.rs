//! The meeting place of Python and the thread: rings, wake-ups, counters, reports, the state.
#![forbid(unsafe_code)]

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use crate::commands::Command;
use crate::counters::Counters;
use crate::events::Event;
use crate::ring::Ring;
use crate::snapshot::{PeerReports, StreamReports};
use crate::sys::EventFd;

const COMMANDS: usize = 4_096;
const EVENTS: usize = 8_192;
/// What strangers send: it displaces nothing else.
const STRANGERS: usize = 1_024;
/// Some seconds of all that a room's recorder takes, for a Python that is busy.
const TAPS: usize = 16_384;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Running = 0,
    Stopped = 1,
    /// By a panic, or a system call that will not be had.
    Failed = 2,
}

pub struct Link {
    pub commands: Ring<Command>,
    pub events: Ring<Event>,
    pub strangers: Ring<Event>,
    pub taps: Ring<Event>,
    pub wake_thread: EventFd,
    pub wake_python: EventFd,
    /// Commands that Python could not hand over at once.
    pub commands_refused: AtomicU64,
    counters: Mutex<Counters>,
    streams: Mutex<StreamReports>,
    peers: Mutex<PeerReports>,
    state: AtomicU8,
    failure: Mutex<String>,
    stopping: AtomicBool,
}

impl Link {
    pub fn new() -> io::Result<Self> {
        Ok(Link {
            commands: Ring::with_capacity(COMMANDS),
            events: Ring::with_capacity(EVENTS),
            strangers: Ring::with_capacity(STRANGERS),
            taps: Ring::with_capacity(TAPS),
            wake_thread: EventFd::new()?,
            wake_python: EventFd::new()?,
            commands_refused: AtomicU64::new(0),
            counters: Mutex::default(),
            streams: Mutex::default(),
            peers: Mutex::default(),
            state: AtomicU8::new(State::Running as u8),
            failure: Mutex::default(),
            stopping: AtomicBool::new(false),
        })
    }

    /// The thread's side: skipped rather than waited for while Python is just reading.
    pub fn publish(&self, counters: &Counters) {
        if let Some(mut shared) = now_or_not(&self.counters) {
            *shared = *counters;
        }
    }

    pub fn counters(&self) -> Counters {
        *self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread's side: exchanges reports for older ones, whose room is used again. False while Python is
    /// just reading.
    pub fn exchange_streams(&self, reports: &mut StreamReports) -> bool {
        exchange(&self.streams, reports)
    }

    pub fn exchange_peers(&self, reports: &mut PeerReports) -> bool {
        exchange(&self.peers, reports)
    }

    pub fn streams(&self) -> MutexGuard<'_, StreamReports> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn peers(&self) -> MutexGuard<'_, PeerReports> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A flag rather than a command: it must get through a full ring.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake_thread.notify();
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// The thread's last word. Written where no full ring can lose it.
    pub fn end(&self, state: State, failure: String) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
        self.state.store(state as u8, Ordering::Release);
        self.wake_python.notify();
    }

    pub fn state(&self) -> u8 {
        self.state.load(Ordering::Acquire)
    }

    pub fn failure(&self) -> String {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn now_or_not<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn exchange<T>(mutex: &Mutex<T>, own: &mut T) -> bool {
    now_or_not(mutex).map(|mut shared| std::mem::swap(&mut *shared, own)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_does_not_wait_for_a_reader() {
        let link = Link::new().unwrap();
        let reading = link.peers();
        assert!(!link.exchange_peers(&mut PeerReports::default()));
        drop(reading);
        assert!(link.exchange_peers(&mut PeerReports::default()));
    }
}
