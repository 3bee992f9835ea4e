//! Asks for memory ahead.

/// Asks for what will be looked at soon, or its beginning where it is long: nobody waits for it.
#[inline]
pub fn soon<T>(thing: &T) {
    #[cfg(target_arch = "x86_64")]
    safe_arch::prefetch_t0(thing);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = thing;
}
