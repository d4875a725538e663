//! Which notices are shown, when, and in whose place.
//!
//! Events about one thing within ten seconds are one notice. What is urgent or high is shown at once and replaced as
//! more comes; the rest waits the ten seconds first, so that a loss and its recovery within them tell nothing. A
//! recovery takes the place of the notice it answers. Quiet hours hold back everything but the urgent; muting, which a
//! person asked for, holds back everything. What is held back is not shown later: it stands under the bell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Alert, Level, Moment, Mute};

/// Events about one thing within this are one notice.
const MERGE_MS: u64 = 10_000;
/// Things told about at a time; far more than anybody reads.
const ABOUT_MAX: usize = 256;
/// Lines of a merged body.
const LINES_MAX: usize = 4;

/// Hours in which only the urgent is shown, as minutes of the local day; they may pass midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quiet {
    /// First minute.
    pub from_min: u32,
    /// The minute after the last.
    pub to_min: u32,
}

impl Quiet {
    const fn holds(self, minute: u32) -> bool {
        if self.from_min <= self.to_min {
            self.from_min <= minute && minute < self.to_min
        } else {
            minute >= self.from_min || minute < self.to_min
        }
    }
}

/// A notice to show now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Show {
    /// The notice of the same slot, if one is shown, gives way to it.
    pub slot: u64,
    /// What it says.
    pub alert: Alert,
}

/// One thing's notice.
#[derive(Clone, Debug)]
struct Bundle {
    slot: u64,
    began_ms: u64,
    /// Oldest first.
    alerts: Vec<Alert>,
    /// The newest was shown.
    is_shown: bool,
    /// Anything of it ever was.
    was_shown: bool,
}

/// What is being told.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    bundles: BTreeMap<String, Bundle>,
    slots: u64,
    quiet: Option<Quiet>,
    muted_until_ms: Option<u64>,
    muted: BTreeMap<String, u64>,
}

impl Desk {
    /// Sets the quiet hours.
    pub const fn set_quiet(&mut self, quiet: Option<Quiet>) {
        self.quiet = quiet;
    }

    /// Mutes one thing, or everything.
    pub fn mute(&mut self, about: Option<String>, span: Mute, now: Moment) {
        let until_ms = span.until_ms(now);
        match about {
            Some(about) => {
                if self.muted.len() < ABOUT_MAX {
                    self.muted.insert(about, until_ms);
                }
            }
            None => self.muted_until_ms = Some(until_ms),
        }
    }

    /// Ends every muting.
    pub fn unmute(&mut self) {
        self.muted_until_ms = None;
        self.muted.clear();
    }

    /// Until when everything is muted.
    pub fn muted_until(&self, now: Moment) -> Option<u64> {
        self.muted_until_ms.filter(|until| *until > now.unix_ms)
    }

    /// Takes an alert in; what is to be shown comes out of [`Desk::due`].
    pub fn hear(&mut self, alert: Alert, now: Moment) {
        self.forget(now);
        let now_ms = now.unix_ms;
        let Some(bundle) = self.bundles.get_mut(&alert.about) else {
            if self.bundles.len() < ABOUT_MAX {
                let slot = self.next_slot();
                self.bundles.insert(alert.about.clone(), Bundle::new(slot, alert, now_ms));
            }
            return;
        };
        let merges = now_ms.saturating_sub(bundle.began_ms) < MERGE_MS;
        if alert.is_recovery && !bundle.was_shown && merges {
            // It came and went before anybody was told.
            self.bundles.remove(&alert.about);
        } else if alert.is_recovery {
            *bundle = Bundle { was_shown: bundle.was_shown, ..Bundle::new(bundle.slot, alert, now_ms) };
        } else if merges {
            bundle.alerts.push(alert);
            bundle.is_shown = false;
        } else {
            let slot = self.next_slot();
            self.bundles.insert(alert.about.clone(), Bundle::new(slot, alert, now_ms));
        }
    }

    /// What is to be shown now.
    pub fn due(&mut self, now: Moment) -> Vec<Show> {
        let mut shows = Vec::new();
        let (quiet, minute) = (self.quiet, now.minute_of_day());
        let all_muted = self.muted_until(now).is_some();
        for (about, bundle) in &mut self.bundles {
            if bundle.is_shown || bundle.due_ms() > now.unix_ms {
                continue;
            }
            bundle.is_shown = true;
            let alert = bundle.merged();
            let muted = all_muted || self.muted.get(about).is_some_and(|until| *until > now.unix_ms);
            let held = alert.level < Level::Urgent && quiet.is_some_and(|quiet| quiet.holds(minute));
            if !muted && !held {
                bundle.was_shown = true;
                shows.push(Show { slot: bundle.slot, alert });
            }
        }
        shows
    }

    /// When [`Desk::due`] has something next, Unix time.
    pub fn next_due(&self) -> Option<u64> {
        self.bundles.values().filter(|bundle| !bundle.is_shown).map(Bundle::due_ms).min()
    }

    const fn next_slot(&mut self) -> u64 {
        self.slots += 1;
        self.slots
    }

    /// Mutings that are over go; of the bundles the oldest go when there are too many.
    fn forget(&mut self, now: Moment) {
        self.muted.retain(|_, until| *until > now.unix_ms);
        if self.bundles.len() == ABOUT_MAX {
            let oldest = self.bundles.iter().min_by_key(|(_, bundle)| bundle.began_ms);
            if let Some(about) = oldest.map(|(about, _)| about.clone()) {
                self.bundles.remove(&about);
            }
        }
    }
}

impl Bundle {
    fn new(slot: u64, alert: Alert, began_ms: u64) -> Self {
        Self { slot, began_ms, alerts: vec![alert], is_shown: false, was_shown: false }
    }

    fn due_ms(&self) -> u64 {
        let is_loud = self.alerts.iter().any(|alert| alert.level >= Level::High || alert.is_recovery);
        if is_loud { self.began_ms } else { self.began_ms + MERGE_MS }
    }

    /// The loudest leads, of equally loud ones the newest; the others' titles stand below its body.
    fn merged(&self) -> Alert {
        let lead = self.alerts.iter().max_by_key(|alert| alert.level).expect("a bundle begins with an alert");
        let mut merged = lead.clone();
        let mut lines = vec![lead.body.clone()];
        for alert in self.alerts.iter().rev().filter(|alert| alert.title != lead.title) {
            if !lines.contains(&alert.title) && lines.len() < LINES_MAX {
                lines.push(alert.title.clone());
            }
        }
        merged.body = lines.join("\n");
        merged.stays = self.alerts.iter().any(|alert| alert.stays);
        merged
    }
}
