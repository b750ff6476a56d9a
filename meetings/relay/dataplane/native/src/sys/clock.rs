//! The clocks that Python reads too: its `time.monotonic()` is CLOCK_MONOTONIC.

use std::os::raw::{c_int, c_long};

const CLOCK_MONOTONIC: c_int = 1;
const CLOCK_THREAD_CPUTIME_ID: c_int = 3;

#[repr(C)]
struct TimeSpec {
    seconds: i64,
    nanoseconds: c_long,
}

extern "C" {
    fn clock_gettime(clock: c_int, time: *mut TimeSpec) -> c_int;
}

/// µs since some moment before the machine's start.
pub fn monotonic_us() -> u64 {
    read(CLOCK_MONOTONIC)
}

/// µs of CPU that the calling thread has used.
pub fn thread_cpu_us() -> u64 {
    read(CLOCK_THREAD_CPUTIME_ID)
}

fn read(clock: c_int) -> u64 {
    let mut time = TimeSpec { seconds: 0, nanoseconds: 0 };
    // SAFETY: the structure outlives the call; both clocks exist on every Linux, so that it cannot fail.
    unsafe { clock_gettime(clock, &mut time) };
    time.seconds as u64 * 1_000_000 + time.nanoseconds as u64 / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;
    use std::time::Duration;

    #[test]
    fn time_passes_while_sleeping_and_cpu_time_does_not() {
        let (time, cpu) = (monotonic_us(), thread_cpu_us());
        sleep(Duration::from_millis(20));
        assert!(monotonic_us() - time >= 20_000);
        assert!(thread_cpu_us() - cpu < 10_000);
    }
}
