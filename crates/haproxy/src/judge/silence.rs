//! Listeners that give no answer: what makes a hung HAProxy.

use std::collections::BTreeMap;

use model::time::Time;

use super::{Answer, SILENT_MAX};

/// Failures in a row that are needed besides the time: one probe that was held up by ourselves proves nothing.
const FAILURES_MIN: u32 = 2;

#[derive(Debug, Clone, Default)]
pub(super) struct Silence {
    /// When the unit became active: silence before it is not HAProxy's.
    started: Time,
    silent: BTreeMap<String, Run>,
}

#[derive(Debug, Clone)]
struct Run {
    since: Time,
    failures: u32,
    words: String,
    hung: bool,
}

impl Silence {
    pub(super) fn on_started(&mut self, now: Time) {
        self.started = now;
        self.silent.clear();
    }

    pub(super) fn clear(&mut self) {
        self.silent.clear();
    }

    pub(super) fn on_probe(
        &mut self,
        now: Time,
        listener: String,
        started: Time,
        answer: Answer,
        active: bool,
    ) {
        let Answer::Failed(words) = answer else {
            self.silent.remove(&listener);
            return;
        };
        if started < self.started {
            return;
        }
        let run = self.silent.entry(listener).or_insert_with(|| Run {
            since: started,
            failures: 0,
            words: String::new(),
            hung: false,
        });
        run.failures = run.failures.saturating_add(1);
        run.words = words;
        run.hung |= active && run.failures >= FAILURES_MIN && now - run.since >= SILENT_MAX;
    }

    /// Judges, and says why in words.
    pub(super) fn judge(&self) -> Option<String> {
        let (listener, run) = self.silent.iter().find(|(_, run)| run.hung)?;
        Some(format!("{listener} has given no answer for more than {SILENT_MAX}: {}", run.words))
    }
}
