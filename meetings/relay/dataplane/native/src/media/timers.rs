//! What is to be done when. Whoever has a task notes for when it is scheduled; a task that comes up at
//! another time was rescheduled, or belongs to one who is gone.
#![forbid(unsafe_code)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::settings::{SubscriptionId, TrackId, TransportId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    /// Transport-wide feedback to a publisher.
    Feedback(TransportId),
    /// Receiver reports to a publisher, and what else comes round once a second.
    Reception(TransportId),
    /// NACK and PLI for a stream.
    Repair(TrackId, u64),
    /// The sender report of a subscription.
    Report(SubscriptionId),
    Probe(TransportId),
}

/// Reports to one transport share a compound, and several transports a turn: they go out on a grid of this
/// step, shifted by transport (µs).
const REPORT_STEP: u64 = 100_000;
/// What may wait a little does so for the next multiple of this (µs).
const STEP: u64 = 10_000;

/// The first time at or after `at` when reports to the transport go out.
pub(super) fn report_time(at: u64, transport: TransportId) -> u64 {
    let phase = u64::from(transport.0) * STEP % REPORT_STEP;
    multiple(at.saturating_sub(phase), REPORT_STEP) + phase
}

/// The first time at or after `at` that others choose, too.
pub(super) fn common_time(at: u64) -> u64 {
    multiple(at, STEP)
}

/// The least multiple of `step` that is not below `at`.
fn multiple(at: u64, step: u64) -> u64 {
    (at + step - 1) / step * step
}

#[derive(Default)]
pub(super) struct Timers {
    tasks: BinaryHeap<Reverse<(u64, Task)>>,
}

/// When a task of its owner is due; 0 while there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Due(u64);

impl Due {
    /// True where the task that came up for `at` is the one meant; it is then no longer scheduled.
    pub fn take(&mut self, at: u64) -> bool {
        let meant = self.0 == at;
        if meant {
            self.0 = 0;
        }
        meant
    }

    pub fn is_scheduled(self) -> bool {
        self.0 != 0
    }
}

impl Timers {
    /// Schedules the task unless it comes up sooner anyhow.
    pub fn schedule(&mut self, due: &mut Due, at: u64, task: Task) {
        let at = at.max(1);
        if due.0 == 0 || at < due.0 {
            due.0 = at;
            self.tasks.push(Reverse((at, task)));
        }
    }

    pub fn next_due(&self) -> Option<u64> {
        self.tasks.peek().map(|Reverse((at, _))| *at)
    }

    pub fn pop(&mut self, now: u64) -> Option<(u64, Task)> {
        if self.next_due()? > now {
            return None;
        }
        self.tasks.pop().map(|Reverse(task)| task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: Task = Task::Probe(TransportId(1));

    #[test]
    fn comes_up_when_due_and_not_before() {
        let (mut timers, mut due) = (Timers::default(), Due::default());
        timers.schedule(&mut due, 50, TASK);
        assert_eq!((timers.next_due(), timers.pop(49)), (Some(50), None));
        assert_eq!(timers.pop(60), Some((50, TASK)));
        assert!(due.take(50) && !due.is_scheduled() && !due.take(50));
        assert_eq!(timers.next_due(), None);
    }

    #[test]
    fn reports_to_one_transport_meet_on_its_grid() {
        assert_eq!(report_time(1_000_000, TransportId(0)), 1_000_000);
        assert_eq!(report_time(1_000_001, TransportId(10)), 1_100_000);
        assert_eq!(report_time(1_000_001, TransportId(3)), 1_030_000);
        assert_eq!(report_time(5, TransportId(3)), 30_000);
        for at in (0..300_000).step_by(777) {
            assert!(
                (0..REPORT_STEP).contains(&(report_time(at, TransportId(7)).wrapping_sub(at))) || at < 70_000
            );
            assert!((0..STEP).contains(&(common_time(at) - at)));
        }
    }

    #[test]
    fn the_sooner_of_two_times_counts() {
        let (mut timers, mut due) = (Timers::default(), Due::default());
        timers.schedule(&mut due, 50, TASK);
        timers.schedule(&mut due, 70, TASK);
        timers.schedule(&mut due, 30, TASK);
        let meant: Vec<_> = std::iter::from_fn(|| timers.pop(100))
            .filter(|(at, _)| due.take(*at))
            .map(|(at, _)| at)
            .collect();
        assert_eq!(meant, vec![30]);
    }
}
