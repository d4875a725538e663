//! Finds out that this process did not run for a while, by comparing two clocks.
//!
//! `Tb` counts suspend, `Tm` does not. A gap between them is sleep; a gap in `Tm` since the last look is starvation:
//! a paused VM, a stopped process, a napping desktop. The wall clock is compared for the log only and decides
//! nothing. OS sleep notices are missing or doubled in practice, so nothing here needs them.

use crate::time::Span;

/// How often the watch looks.
pub const LOOK_EVERY: Span = Span::from_ms(250);
/// A difference of the clocks above this is sleep.
const SLEPT: Span = Span::from_s(1);
/// A gap between two looks above this is a stall.
const STALLED: Span = Span::from_s(3);
/// A step of the wall clock above this is worth a line in the log.
const WALL_STEP: Span = Span::from_s(2);

/// One look at the three clocks, in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Monotonic, counts suspend.
    pub tb_ms: u64,
    /// Monotonic, does not count suspend.
    pub tm_ms: u64,
    /// Wall clock since the Unix epoch.
    pub wall_ms: u64,
}

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// The host slept for about this long.
    Suspended(Span),
    /// The process did not run for about this long.
    Stalled(Span),
    /// Somebody set the wall clock; decides nothing.
    WallStep(Span),
}

/// Remembers the last look.
#[derive(Clone, Copy, Debug, Default)]
pub struct StallWatch {
    last: Option<Look>,
}

impl StallWatch {
    /// Compares this look with the last one. Suspend wins over stall, stall over a step of the wall clock.
    pub fn look(&mut self, now: Look) -> Option<Gap> {
        let last = self.last.replace(now)?;
        let tb = Span::from_ms(now.tb_ms.saturating_sub(last.tb_ms));
        let tm = Span::from_ms(now.tm_ms.saturating_sub(last.tm_ms));
        if tb.less(tm) > SLEPT {
            return Some(Gap::Suspended(tb.less(tm)));
        }
        if tm > STALLED {
            return Some(Gap::Stalled(tm));
        }
        let expected_ms = last.wall_ms.saturating_add(tb.as_ms());
        let step = Span::from_ms(now.wall_ms.abs_diff(expected_ms));
        (step > WALL_STEP).then_some(Gap::WallStep(step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(tb_ms: u64, tm_ms: u64, wall_ms: u64) -> Look {
        Look { tb_ms, tm_ms, wall_ms }
    }

    #[test]
    fn sleep_stall_and_wall_steps_are_told_apart() {
        let first = look(1_000, 1_000, 50_000);
        let found = |second| {
            let mut watch = StallWatch::default();
            assert_eq!(watch.look(first), None);
            watch.look(second)
        };
        assert_eq!(found(look(1_250, 1_250, 50_250)), None);
        assert_eq!(found(look(601_250, 1_250, 650_250)), Some(Gap::Suspended(Span::from_s(600))));
        assert_eq!(found(look(6_000, 6_000, 55_000)), Some(Gap::Stalled(Span::from_s(5))));
        assert_eq!(found(look(1_250, 1_250, 90_250)), Some(Gap::WallStep(Span::from_s(40))));
        assert_eq!(found(look(1_250, 1_250, 10_250)), Some(Gap::WallStep(Span::from_s(40))));
    }

    #[test]
    fn a_clock_that_goes_backwards_is_no_gap() {
        let mut watch = StallWatch::default();
        watch.look(look(9_000, 9_000, 9_000));
        assert_eq!(watch.look(look(8_000, 8_000, 9_000)), None);
    }
}
