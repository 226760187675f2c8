//! The one clock: milliseconds since some fixed moment, which go on while the machine sleeps.
//!
//! Tables may forget tokens, and another instance may take the partition, while a machine is asleep: a clock that
//! stood still meanwhile would let an old intent pass for a young one. Steps of the wall clock do not matter to it.

#[cfg(target_os = "linux")]
pub(crate) fn now_ms() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec.cast_unsigned() * 1_000 + now.tv_nsec.cast_unsigned() / 1_000_000
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::disallowed_methods, reason = "this is the driver's clock")]
pub(crate) fn now_ms() -> u64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_millis() as u64
}
