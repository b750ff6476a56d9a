//! libsrtp 2, called through function pointers that Python takes from pylibsrtp.

use std::os::raw::{c_int, c_uint, c_void};
use std::ptr::NonNull;

pub type SrtpCall =
    unsafe extern "C" fn(session: *mut c_void, packet: *mut c_void, length: *mut c_int) -> c_int;

pub type SrtpRemove = unsafe extern "C" fn(session: *mut c_void, ssrc: c_uint) -> c_int;

/// SRTP_MAX_TRAILER_LEN, and the index word that SRTCP adds.
const MAX_GROWTH: usize = 144 + 4;

#[derive(Clone, Copy)]
pub struct SrtpFunctions {
    pub protect: SrtpCall,
    pub unprotect: SrtpCall,
    pub protect_rtcp: SrtpCall,
    pub unprotect_rtcp: SrtpCall,
    pub remove_stream: SrtpRemove,
}

/// A transport's two sessions. libsrtp does not lock: whoever holds this is their only user.
pub struct Sessions {
    functions: SrtpFunctions,
    receiving: NonNull<c_void>,
    sending: NonNull<c_void>,
}

// SAFETY: libsrtp sessions are bound to no thread; `Sessions` is not `Sync` and not `Clone`.
unsafe impl Send for Sessions {}

/// libsrtp's status, or -1 where the packet does not fit.
#[derive(Debug, PartialEq, Eq)]
pub struct SrtpError(pub c_int);

impl Sessions {
    /// # Safety
    /// Both must be sessions of the libsrtp that the functions belong to, and stay allocated and unused
    /// by others until this is dropped.
    pub unsafe fn new(
        functions: SrtpFunctions,
        receiving: NonNull<c_void>,
        sending: NonNull<c_void>,
    ) -> Self {
        Sessions { functions, receiving, sending }
    }

    pub fn protect(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        call(self.functions.protect, self.sending, buffer, length, MAX_GROWTH)
    }

    pub fn unprotect(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        call(self.functions.unprotect, self.receiving, buffer, length, 0)
    }

    pub fn protect_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        call(self.functions.protect_rtcp, self.sending, buffer, length, MAX_GROWTH)
    }

    pub fn unprotect_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        call(self.functions.unprotect_rtcp, self.receiving, buffer, length, 0)
    }

    /// What was sent under this SSRC is over: libsrtp's search for a stream is linear. The SSRC must not be
    /// used again, for its numbers would begin anew.
    pub fn forget_sent(&mut self, ssrc: u32) {
        self.forget(self.sending, ssrc);
    }

    /// What came under this SSRC was never asked for, and will not be.
    pub fn forget_received(&mut self, ssrc: u32) {
        self.forget(self.receiving, ssrc);
    }

    fn forget(&mut self, session: NonNull<c_void>, ssrc: u32) {
        // SAFETY: the session is alive and ours (Sessions::new); an SSRC that it does not know is an error
        // that changes nothing. libsrtp wants it in network order.
        unsafe { (self.functions.remove_stream)(session.as_ptr(), ssrc.to_be()) };
    }
}

fn call(
    function: SrtpCall,
    session: NonNull<c_void>,
    buffer: &mut [u8],
    length: usize,
    growth: usize,
) -> Result<usize, SrtpError> {
    if length + growth > buffer.len() {
        return Err(SrtpError(-1));
    }
    let mut processed = c_int::try_from(length).map_err(|_| SrtpError(-1))?;
    // SAFETY: the session is alive and ours (Sessions::new); the buffer holds the packet and as much
    // room behind it as libsrtp may use.
    let status = unsafe { function(session.as_ptr(), buffer.as_mut_ptr().cast(), &mut processed) };
    match usize::try_from(processed) {
        Ok(processed) if status == 0 && processed <= buffer.len() => Ok(processed),
        _ => Err(SrtpError(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" fn append_tag(_: *mut c_void, packet: *mut c_void, length: *mut c_int) -> c_int {
        *packet.cast::<u8>().add(*length as usize) = 0xAA;
        *length += 1;
        0
    }

    unsafe extern "C" fn fail(_: *mut c_void, _: *mut c_void, _: *mut c_int) -> c_int {
        7
    }

    unsafe extern "C" fn forget(_: *mut c_void, _: c_uint) -> c_int {
        0
    }

    fn sessions() -> Sessions {
        let functions = SrtpFunctions {
            protect: append_tag,
            unprotect: fail,
            protect_rtcp: append_tag,
            unprotect_rtcp: fail,
            remove_stream: forget,
        };
        // SAFETY: these functions do not touch the session.
        unsafe { Sessions::new(functions, NonNull::dangling(), NonNull::dangling()) }
    }

    #[test]
    fn returns_the_new_length_or_the_status() {
        let mut buffer = [0; 200];
        assert_eq!(sessions().protect(&mut buffer, 10), Ok(11));
        assert_eq!(buffer[10], 0xAA);
        assert_eq!(sessions().unprotect(&mut buffer, 10), Err(SrtpError(7)));
    }

    #[test]
    fn does_not_call_libsrtp_without_room_for_the_trailer() {
        let mut buffer = [0; 200];
        assert_eq!(sessions().protect(&mut buffer, 200 - MAX_GROWTH + 1), Err(SrtpError(-1)));
        assert_eq!(sessions().unprotect(&mut buffer, 201), Err(SrtpError(-1)));
    }
}
