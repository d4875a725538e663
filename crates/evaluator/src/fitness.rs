//! This console's own health: three named conditions and the fleet guard. Acting needs all clear.

use model::{Span, Time};

use crate::io::Link;
use crate::sight::Sight;

/// Inputs further apart than this mean that the process did not run punctually.
const LATE: Span = Span::from_ms(1_250);
/// A gap like this means that it did not run at all.
const STALLED: Span = Span::from_s(3);
/// Punctual for this long: fit again.
const PUNCTUAL: Span = Span::from_s(5);
/// Two good rounds of anchors this far apart clear `anchors-lost`.
const ROUNDS_APART: Span = Span::from_s(5);
/// Fewer than half of the relays for this long, and the same to clear.
const FEW_FOR: Span = Span::from_s(5);
/// A relay counts if it answered within this span.
const ANSWERED_LATELY: Span = Span::from_s(600);

/// How punctual the last step was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Punctual {
    Yes,
    Late,
    Stalled(Span),
}

/// Why this console may not act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    Slept,
    AnchorsLost,
    WrongKeys,
    FewRelays,
    FleetGuard,
}

impl Unfit {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Slept => "this computer slept, stalled or changed networks a moment ago",
            Self::AnchorsLost => "this console reaches too few anchors: its own network is in doubt",
            Self::WrongKeys => "every relay shows a wrong key: something between intercepts the connection",
            Self::FewRelays => "fewer than half of the relays answer this console",
            Self::FleetGuard => {
                "more than half of the fleet turned silent at once: taken as a fault of this console"
            }
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Fitness {
    last_step: Time,
    slept_at: Time,
    anchors_lost: bool,
    good_round: Option<Time>,
    /// Rounds of anchors reported so far, and whether the newest was good.
    pub(crate) anchors_good: Option<bool>,
    wrong_keys: bool,
    few: bool,
    few_turning: Option<Time>,
    pub(crate) fleet_guard: bool,
}

impl Fitness {
    pub(crate) const fn new(now: Time) -> Self {
        Self {
            last_step: now,
            slept_at: now,
            anchors_lost: false,
            good_round: None,
            anchors_good: None,
            wrong_keys: false,
            few: false,
            few_turning: None,
            fleet_guard: false,
        }
    }

    /// Looks at the gap since the last step.
    pub(crate) fn on_step(&mut self, now: Time) -> Punctual {
        let gap = now - self.last_step;
        self.last_step = now;
        if gap > STALLED {
            return Punctual::Stalled(gap);
        }
        if gap > LATE {
            self.slept_at = now;
            return Punctual::Late;
        }
        Punctual::Yes
    }

    /// Sleep, stall, network change.
    pub(crate) fn on_fault(&mut self, now: Time) {
        self.slept_at = now;
        self.anchors_lost = false;
        self.good_round = None;
        self.anchors_good = None;
        self.wrong_keys = false;
        self.few = false;
        self.few_turning = None;
    }

    pub(crate) fn on_anchors(&mut self, now: Time, asked: u32, answered: u32) {
        let good = answered >= asked.min(2);
        self.anchors_good = (asked > 0).then_some(good);
        if !good {
            self.anchors_lost = true;
            self.good_round = None;
            return;
        }
        match self.good_round {
            None => self.good_round = Some(now),
            Some(first) if now - first >= ROUNDS_APART => self.anchors_lost = false,
            Some(_) => {}
        }
    }

    /// Looks at the relays; called on every tick.
    pub(crate) fn on_tick(&mut self, now: Time, sight: &Sight) {
        let (mut all, mut answering, mut links, mut wrong) = (0_u32, 0_u32, 0_u32, 0_u32);
        for (id, seen) in &sight.seen {
            links += u32::from(seen.link.is_some());
            wrong += u32::from(seen.link == Some(Link::WrongKey));
            let lately = seen.contact.is_some_and(|at| now - at <= ANSWERED_LATELY);
            let silent = sight.silent(*id, now) > crate::sight::HEARD;
            if lately && !silent {
                all += 1;
                answering += u32::from(seen.relay_answers(now));
            }
        }
        self.wrong_keys = links > 0 && wrong == links;
        let few = answering * 2 < all;
        if few == self.few || all == 0 {
            self.few_turning = None;
            self.few &= all > 0;
            return;
        }
        let since = *self.few_turning.get_or_insert(now);
        if now - since >= FEW_FOR {
            self.few = few;
            self.few_turning = None;
        }
    }

    pub(crate) fn slept(&self, now: Time) -> bool {
        now - self.slept_at < PUNCTUAL
    }

    /// When `slept` clears at the earliest.
    pub(crate) fn slept_until(&self) -> Time {
        self.slept_at + PUNCTUAL
    }

    /// A condition of rule b: own fault that lasts.
    pub(crate) const fn blind(&self) -> Option<Unfit> {
        if self.anchors_lost {
            Some(Unfit::AnchorsLost)
        } else if self.wrong_keys {
            Some(Unfit::WrongKeys)
        } else if self.few {
            Some(Unfit::FewRelays)
        } else if self.fleet_guard {
            Some(Unfit::FleetGuard)
        } else {
            None
        }
    }

    /// Why this console may not act now.
    pub(crate) fn unfit(&self, now: Time) -> Option<Unfit> {
        if self.slept(now) { Some(Unfit::Slept) } else { self.blind() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Time {
        Time::from_ms(ms)
    }

    #[test]
    fn a_late_step_forbids_acting_for_five_seconds() {
        let mut fitness = Fitness::new(at(0));
        assert!(fitness.slept(at(4_999)));
        assert!(!fitness.slept(at(5_000)));
        assert_eq!(fitness.on_step(at(1_250)), Punctual::Yes);
        assert_eq!(fitness.on_step(at(2_501)), Punctual::Late);
        assert!(fitness.slept(at(7_500)) && !fitness.slept(at(7_501)));
        assert_eq!(fitness.on_step(at(5_502)), Punctual::Stalled(Span::from_ms(3_001)));
    }

    #[test]
    fn anchors_need_two_good_rounds_to_be_believed_again() {
        let mut fitness = Fitness::new(at(0));
        fitness.on_anchors(at(10), 1, 1);
        assert_eq!(fitness.blind(), None, "one configured anchor that answers is enough");
        fitness.on_anchors(at(1_000), 3, 1);
        assert_eq!(fitness.blind(), Some(Unfit::AnchorsLost));
        fitness.on_anchors(at(2_000), 3, 2);
        fitness.on_anchors(at(6_999), 3, 2);
        assert_eq!(fitness.blind(), Some(Unfit::AnchorsLost));
        fitness.on_anchors(at(7_000), 3, 3);
        assert_eq!(fitness.blind(), None);
        fitness.on_anchors(at(8_000), 0, 0);
        assert_eq!(fitness.blind(), None, "no anchors configured");
    }
}
