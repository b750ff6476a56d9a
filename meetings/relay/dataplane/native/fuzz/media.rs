//! What libFuzzer calls; it brings its own `main`.
#![no_main]

use std::os::raw::c_int;

/// # Safety
/// `data` points to `size` readable bytes, as libFuzzer promises.
#[no_mangle]
pub unsafe extern "C" fn LLVMFuzzerTestOneInput(data: *const u8, size: usize) -> c_int {
    let data = if size == 0 { &[] } else { std::slice::from_raw_parts(data, size) };
    visio_dataplane::media::fuzz_one(data);
    0
}
