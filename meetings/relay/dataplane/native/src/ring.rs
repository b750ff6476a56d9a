//! A bounded queue from one producer to one consumer that never blocks either.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Positions count without end; a slot is touched by one side at a time, since the producer stays out
/// of slots between `head` and `tail` and the consumer stays within them. The mutexes are thus never
/// contended; they only make that argument unnecessary for memory safety.
pub struct Ring<T> {
    slots: Vec<Mutex<Option<T>>>,
    head: AtomicUsize,
    tail: AtomicUsize,
}

impl<T> Ring<T> {
    pub fn with_capacity(capacity: usize) -> Self {
        Ring {
            slots: (0..capacity).map(|_| Mutex::new(None)).collect(),
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
        }
    }

    fn exchange(&self, position: usize, item: Option<T>) -> Option<T> {
        let slot = &self.slots[position % self.slots.len()];
        std::mem::replace(&mut slot.lock().unwrap_or_else(PoisonError::into_inner), item)
    }

    /// Gives the item back when the ring is full. One thread at a time may push.
    pub fn push(&self, item: T) -> Result<(), T> {
        let tail = self.tail.load(Ordering::Relaxed);
        if tail.wrapping_sub(self.head.load(Ordering::Acquire)) >= self.slots.len() {
            return Err(item);
        }
        self.exchange(tail, Some(item));
        self.tail.store(tail.wrapping_add(1), Ordering::Release);
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::Acquire) == self.tail.load(Ordering::Acquire)
    }

    /// One thread at a time may pop.
    pub fn pop(&self) -> Option<T> {
        let head = self.head.load(Ordering::Relaxed);
        if head == self.tail.load(Ordering::Acquire) {
            return None;
        }
        let item = self.exchange(head, None);
        self.head.store(head.wrapping_add(1), Ordering::Release);
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn keeps_order() {
        let ring = Ring::with_capacity(4);
        for item in 0..3 {
            ring.push(item).unwrap();
        }
        assert_eq!((ring.pop(), ring.pop(), ring.pop(), ring.pop()), (Some(0), Some(1), Some(2), None));
    }

    #[test]
    fn gives_the_item_back_when_full() {
        let ring = Ring::with_capacity(2);
        ring.push("a").unwrap();
        ring.push("b").unwrap();
        assert_eq!(ring.push("c"), Err("c"));
        ring.pop();
        assert_eq!(ring.push("c"), Ok(()));
    }

    #[test]
    fn drops_what_was_never_popped() {
        let item = Arc::new(());
        let ring = Ring::with_capacity(2);
        ring.push(Arc::clone(&item)).unwrap();
        drop(ring);
        assert_eq!(Arc::strong_count(&item), 1);
    }

    #[test]
    fn loses_nothing_between_two_threads() {
        const COUNT: u32 = 200_000;
        let ring = Arc::new(Ring::with_capacity(64));
        let producer = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || {
                for item in 0..COUNT {
                    while ring.push(item).is_err() {
                        thread::yield_now();
                    }
                }
            })
        };
        for expected in 0..COUNT {
            let mut item = ring.pop();
            while item.is_none() {
                thread::yield_now();
                item = ring.pop();
            }
            assert_eq!(item, Some(expected));
        }
        producer.join().unwrap();
    }
}
