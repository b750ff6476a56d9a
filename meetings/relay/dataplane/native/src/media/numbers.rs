//! Tables by small numbers that we or the control side chose: no peer can make them collide on purpose
//! beyond the few entries that its transport may have.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

pub(crate) type ByNumber<K, V> = HashMap<K, V, BuildHasherDefault<NumberHasher>>;

/// One multiplication (Fibonacci hashing), where the default takes some twenty nanoseconds.
#[derive(Default)]
pub(crate) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(26);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn spreads_numbers_that_follow_each_other() {
        let low_bits = |number: u32| {
            let mut hasher = NumberHasher::default();
            hasher.write_u32(number);
            hasher.finish() & 0x3FF
        };
        let places: HashSet<_> = (0..1024).map(low_bits).collect();
        assert!(places.len() > 512, "{}", places.len());
    }
}
