//! The engine's clock: one place that reads the machine's clocks, and the watch over sleep and starvation.

use model::stall::Look;
use model::{BootId, Span, Time};
use rustix::time::{ClockId, clock_gettime};

/// Our clock starts two days before the boot, so that a baseline of the last 24 hours can be told on it right after
/// one.
const BEFORE_BOOT_MS: u64 = 2 * 24 * 3_600_000;

/// Now, on the clock that decides: monotonic and counting suspend.
pub(crate) fn now() -> Time {
    Time::from_ms(BEFORE_BOOT_MS + read(BOOTTIME))
}

/// This boot of the kernel, or of this process where the kernel does not say.
pub(crate) fn boot() -> BootId {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.trim().replace('-', "").parse().unwrap_or_else(|_| BootId::from_bytes(crate::random::bytes()))
}

/// Wall-clock milliseconds since the Unix epoch: for people and documents, never for a decision.
pub(crate) fn wall_ms() -> u64 {
    read(ClockId::Realtime)
}

/// One look at all three clocks.
pub(crate) fn look() -> Look {
    Look { tb_ms: read(BOOTTIME), tm_ms: read(ClockId::Monotonic), wall_ms: read(ClockId::Realtime) }
}

/// The span as the runtime's timers take it.
pub(crate) fn std(span: Span) -> std::time::Duration {
    std::time::Duration::from_millis(span.as_ms())
}

#[cfg(target_os = "linux")]
const BOOTTIME: ClockId = ClockId::Boottime;
// Their monotonic clocks count suspend already or are the best there is (safety.md 2.1); to be measured per platform.
#[cfg(not(target_os = "linux"))]
const BOOTTIME: ClockId = ClockId::Monotonic;

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let seconds_ms = u64::try_from(time.tv_sec).unwrap_or(0).saturating_mul(1000);
    seconds_ms + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000
}
