//! Which notices are shown, when, and in whose place.
//!
//! Events about one thing within ten seconds are one notice. What is urgent or high is shown at once and replaced as
//! more comes; the rest waits the ten seconds first, so that a loss and its recovery within them tell nothing. A
//! recovery takes the place of the notice it answers. Quiet hours hold back everything but the urgent; muting, which a
//! person asked for, holds back everything. What is held back is not shown later: it stands under the bell.

use std::collections::BTreeMap;

use super::{Alert, Level, Moment, Mute};
use crate::view::incident::{NoticeSettings, QuietHours};

/// Events about one thing within this are one notice.
const MERGE_MS: u64 = 10_000;
/// Things told about at a time; far more than anybody reads.
const ABOUT_MAX: usize = 256;
/// Lines of a merged body.
const LINES_MAX: usize = 4;

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
    settings: NoticeSettings,
    muted: BTreeMap<String, u64>,
}

impl Desk {
    /// Takes over how this console tells people.
    pub const fn set(&mut self, settings: NoticeSettings) {
        self.settings = settings;
    }

    /// Mutes one thing, on this desktop.
    pub fn mute(&mut self, about: String, span: Mute, now: Moment) {
        if self.muted.len() < ABOUT_MAX {
            self.muted.insert(about, span.until_ms(now));
        }
    }

    /// Ends the muting of every thing.
    pub fn unmute(&mut self) {
        self.muted.clear();
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
        let all_muted = !self.settings.shown || self.settings.muted_until_ms > now.unix_ms;
        let is_quiet = is_quiet(self.settings.quiet, now.minute_of_day());
        for (about, bundle) in &mut self.bundles {
            if bundle.is_shown || bundle.due_ms() > now.unix_ms {
                continue;
            }
            bundle.is_shown = true;
            let alert = bundle.merged();
            let muted = all_muted || self.muted.get(about).is_some_and(|until| *until > now.unix_ms);
            let held = alert.level < Level::Urgent && is_quiet;
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

/// Whether a minute of the local day is in the quiet hours, which may pass midnight.
const fn is_quiet(hours: QuietHours, minute: u32) -> bool {
    let (from, to) = (hours.from_minute as u32, hours.to_minute as u32);
    if from <= to { from <= minute && minute < to } else { minute >= from || minute < to }
}
