//! Sequence numbers: wrapping ones extended, and those of a stream renumbered without the gaps that packets
//! left out on purpose would make.
#![forbid(unsafe_code)]

use std::collections::VecDeque;

/// How late a packet may come. A second of 1080p has about 400 packets.
pub(super) const WINDOW: u64 = 1024;
/// RFC 3550 A.1: a jump beyond this is a sender that began anew, not loss.
const MAX_DROPOUT: u64 = 3000;
/// After a new beginning: enough for a receiver to see that something is missing.
const RESTART_GAP: u64 = 100;

/// The extended number nearest to `near`, which has been kept above 0x8000.
pub(super) fn extend(near: u64, sequence: u16) -> u64 {
    let ahead = sequence.wrapping_sub(near as u16);
    if ahead < 0x8000 {
        near + u64::from(ahead)
    } else {
        near - u64::from(ahead.wrapping_neg())
    }
}

/// The extended number of a stream's first packet, with room for what was sent before it.
pub(super) fn first(sequence: u16) -> u64 {
    0x10000 + u64::from(sequence)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misplaced {
    Duplicate,
    TooLate,
}

/// A packet's number without gaps; `restarted` where the sender began anew with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub number: u64,
    pub restarted: bool,
}

/// Beyond the extended number `after`, `dropped` numbers in all have been left out.
struct Cut {
    after: u64,
    dropped: u64,
}

/// Places each packet of a stream exactly once: whoever sends under a placed number plus a constant never
/// repeats a number, and with it a nonce.
#[derive(Default)]
pub(super) struct Numbering {
    /// The highest extended number so far; 0 before the first.
    highest: u64,
    seen: [u64; (WINDOW / 64) as usize],
    /// Numbers up to this one are settled: what comes late is not placed any more.
    floor: u64,
    settled: u64,
    cuts: VecDeque<Cut>,
    suspect: Option<u16>,
}

struct Noted {
    number: u64,
    /// By how much it is the newest, numbers given up apart; 0 for one that comes late.
    ahead: u64,
    restarted: bool,
}

impl Numbering {
    /// The number of a packet to be forwarded.
    pub fn place(&mut self, sequence: u16) -> Result<Placed, Misplaced> {
        let noted = self.note(sequence)?;
        if noted.number <= self.floor {
            return Err(Misplaced::TooLate);
        }
        let cut = self.cuts.iter().rev().find(|cut| noted.number > cut.after);
        let dropped = cut.map_or(self.settled, |cut| cut.dropped);
        Ok(Placed { number: noted.number - dropped, restarted: noted.restarted })
    }

    /// Leaves a packet out. One that comes after its successors leaves a gap: their numbers are spent.
    pub fn leave_out(&mut self, sequence: u16) -> Result<(), Misplaced> {
        self.close(sequence, |_| 1)
    }

    /// Leaves a packet out together with those lost before it: none of a span is wanted.
    pub fn leave_out_span(&mut self, sequence: u16) -> Result<(), Misplaced> {
        self.close(sequence, |ahead| ahead)?;
        self.floor = self.highest;
        Ok(())
    }

    fn close(&mut self, sequence: u16, count: impl Fn(u64) -> u64) -> Result<(), Misplaced> {
        let noted = self.note(sequence)?;
        if noted.ahead == 0 {
            return Ok(());
        }
        let count = count(noted.ahead);
        let dropped = self.dropped() + count;
        match self.cuts.back_mut() {
            Some(cut) if cut.after + count == noted.number => {
                *cut = Cut { after: noted.number, dropped }; // a burst of probes is one cut
            }
            _ => self.cuts.push_back(Cut { after: noted.number, dropped }),
        }
        Ok(())
    }

    fn dropped(&self) -> u64 {
        self.cuts.back().map_or(self.settled, |cut| cut.dropped)
    }

    /// Takes note of an arrival.
    fn note(&mut self, sequence: u16) -> Result<Noted, Misplaced> {
        if self.highest == 0 {
            self.highest = first(sequence);
            self.mark(self.highest);
            return Ok(Noted { number: self.highest, ahead: 1, restarted: false });
        }
        let number = extend(self.highest, sequence);
        if number > self.highest && number - self.highest <= MAX_DROPOUT {
            let ahead = self.advance(number);
            return Ok(Noted { number, ahead, restarted: false });
        }
        if number <= self.highest && self.highest - number < WINDOW {
            self.suspect = None;
            return match self.mark(number) {
                true => Ok(Noted { number, ahead: 0, restarted: false }),
                false => Err(Misplaced::Duplicate),
            };
        }
        self.restart(sequence)
    }

    /// A number far from all others counts once its successor follows (RFC 3550 A.1).
    fn restart(&mut self, sequence: u16) -> Result<Noted, Misplaced> {
        if self.suspect != Some(sequence) {
            self.suspect = Some(sequence.wrapping_add(1));
            return Err(Misplaced::TooLate);
        }
        let leap = u64::from(sequence.wrapping_sub(self.highest as u16));
        let (number, ahead) = (self.highest + leap, RESTART_GAP.min(leap));
        self.settled = self.dropped() + leap - ahead;
        self.cuts.clear();
        self.floor = number - 1;
        self.advance(number);
        Ok(Noted { number, ahead, restarted: true })
    }

    fn advance(&mut self, number: u64) -> u64 {
        let ahead = number - self.highest;
        for passed in (self.highest + 1..=number).take(WINDOW as usize) {
            let (word, bit) = place_in(passed);
            self.seen[word] &= !bit;
        }
        if ahead > WINDOW {
            self.seen = Default::default();
        }
        self.highest = number;
        self.suspect = None;
        self.mark(number);
        while let Some(cut) = self.cuts.front() {
            if number - cut.after <= WINDOW {
                break;
            }
            self.settled = cut.dropped;
            self.cuts.pop_front();
        }
        ahead
    }

    /// False where the number was marked before.
    fn mark(&mut self, number: u64) -> bool {
        let (word, bit) = place_in(number);
        let fresh = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        fresh
    }
}

fn place_in(number: u64) -> (usize, u64) {
    ((number % WINDOW / 64) as usize, 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::testing::Random;
    use std::collections::HashSet;

    fn number(numbering: &mut Numbering, sequence: u16) -> u64 {
        numbering.place(sequence).unwrap().number - 0x10000
    }

    #[test]
    fn extends_to_the_nearest() {
        assert_eq!(extend(0x1FFFF, 1), 0x20001);
        assert_eq!(extend(0x20001, 0xFFFF), 0x1FFFF);
        assert_eq!(extend(0x10000, 0x7FFF), 0x17FFF);
        assert_eq!(extend(0x10000, 0x8000), 0x8000);
    }

    #[test]
    fn closes_the_gap_of_packets_left_out() {
        let mut numbering = Numbering::default();
        assert_eq!(number(&mut numbering, 10), 10);
        numbering.leave_out(11).unwrap();
        numbering.leave_out(12).unwrap();
        assert_eq!(number(&mut numbering, 13), 11);
    }

    #[test]
    fn numbers_a_late_packet_by_the_cuts_before_it() {
        let mut numbering = Numbering::default();
        number(&mut numbering, 10);
        numbering.leave_out(11).unwrap();
        numbering.leave_out(13).unwrap();
        assert_eq!(number(&mut numbering, 14), 12);
        assert_eq!(number(&mut numbering, 12), 11);
    }

    #[test]
    fn a_probe_that_comes_late_leaves_its_gap() {
        let mut numbering = Numbering::default();
        number(&mut numbering, 10);
        number(&mut numbering, 12);
        numbering.leave_out(11).unwrap();
        assert_eq!(number(&mut numbering, 13), 13);
    }

    #[test]
    fn places_nothing_twice_and_nothing_too_late() {
        let mut numbering = Numbering::default();
        number(&mut numbering, 5000);
        assert_eq!(numbering.place(5000), Err(Misplaced::Duplicate));
        assert_eq!(number(&mut numbering, 5000 - 1023), 5000 - 1023);
        assert_eq!(numbering.place(5000 - 1023), Err(Misplaced::Duplicate));
        assert_eq!(numbering.place(5000 - 1024), Err(Misplaced::TooLate));
        assert_eq!(numbering.leave_out(5000), Err(Misplaced::Duplicate));
    }

    #[test]
    fn a_span_left_out_closes_what_was_lost_in_it_and_stays_closed() {
        let mut numbering = Numbering::default();
        number(&mut numbering, 10);
        numbering.leave_out_span(14).unwrap();
        numbering.leave_out_span(17).unwrap();
        assert_eq!(numbering.place(16), Err(Misplaced::TooLate), "else it would take the next one's number");
        assert_eq!(number(&mut numbering, 18), 11);
    }

    #[test]
    fn stays_without_gaps_over_several_wraps() {
        let mut numbering = Numbering::default();
        let mut expected = 65_000;
        for step in 0..200_000u32 {
            let sequence = 65_000u16.wrapping_add(step as u16);
            if step % 7 == 3 {
                numbering.leave_out(sequence).unwrap();
                continue;
            }
            assert_eq!(number(&mut numbering, sequence), expected);
            expected += 1;
        }
        assert!(numbering.cuts.len() as u64 <= WINDOW);
    }

    #[test]
    fn an_old_cut_still_counts_half_a_cycle_later() {
        let mut numbering = Numbering::default();
        numbering.leave_out(0).unwrap();
        for sequence in 1..60_000u16 {
            number(&mut numbering, sequence);
        }
        assert_eq!(number(&mut numbering, 60_000), 60_000 - 1);
    }

    #[test]
    fn a_sender_that_begins_anew_is_followed_after_two_packets() {
        for sequence in [40_000u16, 500] {
            let mut numbering = Numbering::default();
            number(&mut numbering, 10_000);
            number(&mut numbering, 10_001);
            assert_eq!(numbering.place(sequence), Err(Misplaced::TooLate));
            assert_eq!(number(&mut numbering, 10_002), 10_002, "a stray packet changes nothing");
            assert_eq!(numbering.place(sequence), Err(Misplaced::TooLate));
            let placed = numbering.place(sequence + 1).unwrap();
            assert_eq!((placed.number - 0x10000, placed.restarted), (10_102, true));
            assert_eq!(numbering.place(10_001), Err(Misplaced::TooLate));
            assert_eq!(number(&mut numbering, sequence + 2), 10_103);
        }
    }

    #[test]
    fn whatever_comes_no_number_is_given_twice_and_none_leaps_far() {
        for seed in 0..20 {
            let mut random = Random::new(seed);
            let (mut numbering, mut given) = (Numbering::default(), HashSet::new());
            let (mut sequence, mut highest) = (random.below(0x10000) as u16, None);
            for _ in 0..20_000 {
                sequence = match random.below(200) {
                    0 => random.below(0x10000) as u16,
                    1..=20 => sequence.wrapping_sub(random.below(1200) as u16),
                    21..=40 => sequence.wrapping_add(random.below(3200) as u16),
                    _ => sequence.wrapping_add(1),
                };
                match random.below(10) {
                    0 => drop(numbering.leave_out(sequence)),
                    1 => drop(numbering.leave_out_span(sequence)),
                    _ => {
                        if let Ok(Placed { number, .. }) = numbering.place(sequence) {
                            assert!(given.insert(number), "{number} twice");
                            let before = *highest.get_or_insert(number);
                            assert!(number < before + 32_000, "{before} to {number}");
                            highest = Some(before.max(number));
                        }
                    }
                }
                assert!(numbering.cuts.len() as u64 <= WINDOW);
            }
        }
    }
}
