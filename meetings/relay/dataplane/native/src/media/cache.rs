//! A stream's packets of about the last second, kept to be sent again.
#![forbid(unsafe_code)]

const SMALLEST_BYTES: usize = 16 * 1024;
/// A second at 8 Mbit/s.
const LARGEST_BYTES: usize = 1024 * 1024;
const SMALLEST_PLACES: usize = 64;
const LARGEST_PLACES: usize = 2048;
const SECOND: u64 = 1_000_000;

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    number: u64,
    /// Counted from the first byte ever written.
    start: u64,
    length: u32,
}

/// A ring of bytes with an index by number. Both double while they hold less than a second, up to a bound;
/// nothing is allocated before the first packet.
#[derive(Default)]
pub(super) struct PacketCache {
    bytes: Vec<u8>,
    places: Vec<Place>,
    written: u64,
    window: Window,
}

/// What was written since `at`: when that reaches a bound sooner than after a second, the bound is too low.
#[derive(Default)]
struct Window {
    at: u64,
    written: u64,
    packets: usize,
}

impl PacketCache {
    pub fn insert(&mut self, number: u64, packet: &[u8], now: u64) {
        if packet.is_empty() || packet.len() > SMALLEST_BYTES / 4 {
            return;
        }
        self.fit(packet.len(), now);
        self.write(number, packet);
    }

    pub fn get(&self, number: u64) -> Option<&[u8]> {
        let place = self.places.get(self.index(number)?)?;
        (place.number == number).then(|| self.bytes_at(place)).flatten()
    }

    /// Bytes allocated.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.places.len() * std::mem::size_of::<Place>()
    }

    fn index(&self, number: u64) -> Option<usize> {
        let places = self.places.len() as u64;
        (places != 0).then(|| (number % places) as usize)
    }

    fn bytes_at(&self, place: &Place) -> Option<&[u8]> {
        let size = self.bytes.len() as u64;
        if place.length == 0 || self.written - place.start > size {
            return None; // overwritten since
        }
        let start = (place.start % size) as usize;
        self.bytes.get(start..start + place.length as usize)
    }

    fn write(&mut self, number: u64, packet: &[u8]) {
        let size = self.bytes.len();
        let mut start = (self.written % size as u64) as usize;
        if start + packet.len() > size {
            self.written += (size - start) as u64; // a packet lies in one piece
            start = 0;
        }
        self.bytes[start..start + packet.len()].copy_from_slice(packet);
        let place = Place { number, start: self.written, length: packet.len() as u32 };
        self.written += packet.len() as u64;
        if let Some(index) = self.index(number) {
            self.places[index] = place;
        }
    }

    fn fit(&mut self, length: usize, now: u64) {
        if self.bytes.is_empty() {
            self.bytes = vec![0; SMALLEST_BYTES];
            self.places = vec![Place::default(); SMALLEST_PLACES];
            self.window = Window { at: now, written: 0, packets: 0 };
        }
        self.window.packets += 1;
        let written = self.written - self.window.written + length as u64;
        let (full, crowded) = (written >= self.bytes.len() as u64, self.window.packets >= self.places.len());
        if !full && !crowded {
            return;
        }
        if now.saturating_sub(self.window.at) < SECOND {
            let bytes = if full { (self.bytes.len() * 2).min(LARGEST_BYTES) } else { self.bytes.len() };
            let places =
                if crowded { (self.places.len() * 2).min(LARGEST_PLACES) } else { self.places.len() };
            if bytes > self.bytes.len() || places > self.places.len() {
                return self.grow(bytes, places);
            }
        }
        self.window = Window { at: now, written: self.written, packets: 0 };
    }

    /// Takes what is held over into a larger ring; happens a few times in a stream's first seconds.
    fn grow(&mut self, bytes: usize, places: usize) {
        let mut larger = PacketCache {
            bytes: vec![0; bytes],
            places: vec![Place::default(); places],
            window: std::mem::take(&mut self.window),
            written: 0,
        };
        let mut held: Vec<_> = self.places.iter().filter(|place| place.length != 0).collect();
        held.sort_unstable_by_key(|place| place.start);
        for place in held {
            if let Some(packet) = self.bytes_at(place) {
                larger.write(place.number, packet);
            }
        }
        let since = self.written - larger.window.written;
        larger.window.written = larger.written.saturating_sub(since);
        *self = larger;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::testing::Random;

    #[test]
    fn gives_back_what_was_inserted() {
        let mut cache = PacketCache::default();
        assert_eq!((cache.get(0), cache.size()), (None, 0));
        cache.insert(7, b"seven", 0);
        assert_eq!(cache.get(7), Some(&b"seven"[..]));
        assert_eq!((cache.get(8), cache.get(7 + 64)), (None, None));
    }

    #[test]
    fn holds_a_second_of_any_bitrate_within_its_bound() {
        for (rate, size) in [(5, 80), (50, 100), (160, 1100), (400, 1200), (800, 1200)] {
            let mut cache = PacketCache::default();
            for number in 0..rate * 6 {
                let packet = vec![number as u8; size];
                let now = number * SECOND / rate;
                cache.insert(number, &packet, now);
                let oldest = number.saturating_sub(rate - 1);
                if number > rate * 3 {
                    assert_eq!(cache.get(oldest), Some(&vec![oldest as u8; size][..]), "{rate} at {number}");
                }
            }
            let needed = rate as usize * (size + 24);
            assert!(cache.size() <= 5 * needed.max(10_000), "{rate}: {} for {needed}", cache.size());
        }
    }

    #[test]
    fn keeps_what_it_held_when_it_grows() {
        let mut cache = PacketCache::default();
        for number in 0..14 {
            cache.insert(number, &[number as u8; 1200], number);
        }
        assert_eq!(cache.bytes.len(), 2 * SMALLEST_BYTES);
        for number in 0..14 {
            assert_eq!(cache.get(number), Some(&[number as u8; 1200][..]));
        }
    }

    #[test]
    fn a_flood_is_bounded() {
        let mut cache = PacketCache::default();
        for number in 0..20_000 {
            cache.insert(number, &[1; 1400], number);
        }
        assert_eq!(cache.bytes.len(), LARGEST_BYTES);
        assert!(cache.places.len() <= LARGEST_PLACES);
        cache.insert(20_000, &[0; 60_000], 20_000);
        assert_eq!(cache.get(20_000), None);
    }

    #[test]
    fn never_gives_anything_but_the_packet_asked_for() {
        let (mut random, mut cache) = (Random::new(3), PacketCache::default());
        for step in 0..50_000u64 {
            let number = (step + random.below(80)).saturating_sub(random.below(80));
            let mut packet = number.to_be_bytes().to_vec();
            packet.resize(8 + random.below(1400) as usize, 0);
            cache.insert(number, &packet, step * 2000);
            let asked = (step + 40).saturating_sub(random.below(2000));
            if let Some(found) = cache.get(asked) {
                assert_eq!(found[..8], asked.to_be_bytes());
            }
        }
    }
}
