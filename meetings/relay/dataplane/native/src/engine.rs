//! The thread: what Python declared, what came, what is due; then the next turn.
#![forbid(unsafe_code)]

use std::any::Any;
use std::collections::{HashSet, VecDeque};
use std::io;
use std::os::raw::c_int;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::events::Event;
use crate::limits::Strangers;
use crate::link::{Link, State};
use crate::media::{Router, TrackId};
use crate::outbox::{Outbox, Sockets};
use crate::ring::Ring;
use crate::snapshot::Reporter;
use crate::sys::{monotonic_us, thread_cpu_us, wait, ReceiveBatch};

/// How soon something that Python's ring had no room for is tried again.
const RETRY_MS: c_int = 5;
const IDLE_MS: c_int = 1_000;
/// How long Python is spared what can wait: waking it costs as much as forwarding some packets (µs).
const PATIENCE: u64 = 20_000;

/// How often what takes a system call or a search is counted (µs).
const CPU_INTERVAL: u64 = 100_000;

pub struct Config {
    /// Whether UDP GSO is to be tried.
    pub segmentation: bool,
    /// How many of a group are heard at once.
    pub voices: usize,
}

pub struct Engine {
    pub(crate) link: Arc<Link>,
    pub(crate) segmentation: bool,
    pub(crate) router: Router,
    pub(crate) outbox: Outbox,
    pub(crate) receiving: ReceiveBatch,
    pub(crate) strangers: Strangers,
    pub(crate) tapped: HashSet<TrackId>,
    /// Acknowledgements of removals; they are few, and never lost.
    pub(crate) closed: VecDeque<Event>,
    pub(crate) commands_waiting: bool,
    /// When Python is to be woken for what lies in the rings.
    news_due: Option<u64>,
    /// More media were waited for in this turn.
    pub(crate) gathered: bool,
    reporter: Reporter,
    counted: u64,
}

/// Starts the thread. However it ends, the link's state says so, and why.
pub fn spawn(sockets: Sockets, link: Arc<Link>, config: Config) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("dataplane".into()).spawn(move || {
        let running = || Engine::new(sockets, Arc::clone(&link), config).run();
        match catch_unwind(AssertUnwindSafe(running)) {
            Ok(Ok(())) => link.end(State::Stopped, String::new()),
            Ok(Err(error)) => link.end(State::Failed, error.to_string()),
            Err(panic) => link.end(State::Failed, said(&*panic)),
        }
    })
}

fn said(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text.to_string(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a message".into(),
    }
}

impl Engine {
    fn new(sockets: Sockets, link: Arc<Link>, config: Config) -> Self {
        Engine {
            link,
            segmentation: config.segmentation,
            router: Router::new(config.voices),
            outbox: Outbox::new(sockets),
            receiving: ReceiveBatch::new(),
            strangers: Strangers::default(),
            tapped: HashSet::new(),
            closed: VecDeque::new(),
            commands_waiting: false,
            news_due: None,
            gathered: false,
            reporter: Reporter::default(),
            counted: 0,
        }
    }

    fn run(&mut self) -> io::Result<()> {
        while !self.link.is_stopping() {
            self.turn()?;
        }
        // What was asked before the end is done: a goodbye still goes out.
        while self.commands_waiting || !self.link.commands.is_empty() {
            self.run_commands(monotonic_us());
        }
        Ok(())
    }

    fn turn(&mut self) -> io::Result<()> {
        let timeout = self.timeout(monotonic_us());
        let ready = wait(&self.outbox.sockets.all, &self.link.wake_thread, timeout)?;
        if ready.woken || self.commands_waiting {
            self.link.wake_thread.clear();
            self.run_commands(monotonic_us());
            self.take_stock();
        }
        self.receive(ready.sockets)?;
        self.tick(monotonic_us());
        self.acknowledge();
        self.link.publish(&self.outbox.counters);
        self.wake_python();
        Ok(())
    }

    fn timeout(&self, now: u64) -> c_int {
        if self.commands_waiting {
            return 0;
        }
        let most = if self.closed.is_empty() { IDLE_MS } else { RETRY_MS };
        let due = [self.router.next_due(), self.reporter.next_due(&self.outbox.peers), self.news_due]
            .into_iter()
            .flatten()
            .min();
        let until = due.map_or(u64::MAX, |due| due.saturating_sub(now));
        // Rounded up: a poll that ends too soon would be repeated.
        c_int::try_from((until / 1_000).saturating_add(1)).map_or(most, |until| until.min(most))
    }

    /// What is due by time, in the midst of a burst too.
    pub(crate) fn tick(&mut self, now: u64) {
        if now >= self.counted {
            self.counted = now + CPU_INTERVAL;
            self.outbox.counters.cpu_us = thread_cpu_us();
            self.outbox.counters.cached_octets = self.router.sizes().cached_octets as u64;
        }
        if self.router.next_due().map_or(false, |due| due <= now) {
            self.router.tick(now, &mut self.outbox);
            self.outbox.flush();
        }
        self.reporter.turn(now, &mut self.router, &mut self.outbox.peers, &self.link);
    }

    // What Python is told

    fn wake_python(&mut self) {
        if self.news_due.map_or(false, |due| due <= monotonic_us()) {
            self.news_due = None;
            self.link.wake_python.notify();
        }
    }

    /// Wakes Python after this turn; for what can wait, together with what else comes until then.
    fn news(&mut self, urgent: bool) {
        let due = if urgent { 0 } else { monotonic_us() + PATIENCE };
        self.news_due = Some(self.news_due.map_or(due, |before| before.min(due)));
    }

    fn take_stock(&mut self) {
        let sizes = self.router.sizes();
        let addresses = self.outbox.peers.addresses();
        let counters = &mut self.outbox.counters;
        counters.transports = sizes.transports as u64;
        counters.addresses = addresses as u64;
        counters.streams = sizes.streams as u64;
        counters.tracks = sizes.tracks as u64;
        counters.subscriptions = sizes.subscriptions as u64;
    }

    /// Loses the event where the ring is full; false then.
    pub(crate) fn tell(&mut self, ring: fn(&Link) -> &Ring<Event>, event: Event) -> bool {
        self.news(event.is_urgent());
        ring(&self.link).push(event).is_ok()
    }

    fn acknowledge(&mut self) {
        while let Some(event) = self.closed.pop_front() {
            self.news(true);
            if let Err(event) = self.link.events.push(event) {
                self.closed.push_front(event);
                return;
            }
        }
    }
}
