//! How a watch keeps what it decides: nothing weighty is carried out before it is on disk.
//!
//! The machine goes on while the pen writes, and what it decides meanwhile is owed: it goes into the next write, in
//! order. What weighs nothing (a reading, a lease) never waits.
//!
//! A claim rests on guards that were true when it was decided. One that the disk takes too late is told to the machine
//! as never sent, and is never sent: at the latest when its moment has passed, also while the write is still under way.
//! A disk that refuses, or that takes longer than [`SLOW`], leaves the machine without a credential: it says so, moves
//! nothing, and its lease is free for a console that can act. Everything else that is owed follows once the disk takes
//! it, and then the machine gets its credential back. A watch that has nothing to write finds out by a write of its own
//! as soon as the input log, which is written every second, is refused: nobody is promised a move that could not be kept.

use evaluator::io::{Credential, Input, Output, WriteOutcome};
use model::{Nonce, Span, Time};
use tokio::sync::oneshot;

use super::{AGAIN, Watch};
use crate::clock;
use crate::story::Scribe;

/// A write that takes longer than this is no disk to decide on: a lease lives for twelve seconds.
const SLOW: Span = Span::from_s(2);
/// How often a disk that refuses the input log is asked whether it still takes decisions.
const ASKED_EVERY: Span = Span::from_s(5);
/// Outputs that may be owed while the disk takes nothing; then the oldest lines of the story go first.
const OWED_MAX: usize = 512;

/// A write that is under way.
pub(super) struct Writing {
    since: Time,
    /// Which of the memory's changes it holds.
    changes: u64,
    /// Claims in it that may still be sent, and until when.
    pub(super) claims: Vec<(Nonce, Time)>,
    answer: oneshot::Receiver<Written>,
}

impl Writing {
    #[cfg(test)]
    pub(super) fn begun_earlier(&mut self, by: Span) {
        self.since = self.since.minus(by);
    }
}

/// What the pen gives back.
pub(super) struct Written {
    scribe: Scribe,
    outputs: Vec<Output>,
    result: anyhow::Result<()>,
}

/// Waits for the write that is under way; for ever when there is none. None when the pen broke over it.
pub(super) async fn written(writing: &mut Option<Writing>) -> Option<Written> {
    match writing {
        Some(writing) => (&mut writing.answer).await.ok(),
        None => std::future::pending().await,
    }
}

impl Watch {
    /// Whether something that was decided is not on disk.
    pub(super) fn is_behind(&self) -> bool {
        self.writing.is_some() || self.refused_at.is_some() || !self.owed.is_empty()
    }

    /// Keeps back what must be written first, and carries out the rest.
    pub(super) fn owe(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            if output.is_stored_first() {
                self.owed.push_back(output);
            } else {
                self.perform(output);
            }
        }
        while self.owed.len() > OWED_MAX {
            let line = self.owed.iter().position(|output| matches!(output, Output::Journal(_)));
            let left_out = self.owed.remove(line.unwrap_or(0));
            if let Some(Output::DnsCas { claim, .. }) = left_out {
                self.never_sent(claim.nonce, "too much waits for the disk");
            }
        }
    }

    /// Hands everything that is owed to the pen, with the machine's present memory. One write at a time.
    pub(super) fn write_owed(&mut self, now: Time) {
        // A disk that refused is asked again in a moment.
        if self.refused_at.is_none_or(|at| now - at >= AGAIN) {
            self.write(now);
        }
    }

    fn write(&mut self, now: Time) {
        let Some(machine) = &self.machine else { return };
        let Some(mut scribe) = self.scribe.take() else { return };
        let (memory, changes) = (machine.memory(), machine.memory_changes());
        let outputs: Vec<_> = self.owed.drain(..).collect();
        let claims = outputs.iter().filter_map(claim_in).collect();
        let (answer, wait) = oneshot::channel();
        self.tools.pen.write(move || {
            let result = scribe.keep(&memory, &outputs);
            // Whoever waited is gone only with the whole watch.
            let _ = answer.send(Written { scribe, outputs, result });
        });
        self.writing = Some(Writing { since: now, changes, claims, answer: wait });
    }

    /// Carries out what is on disk now, or takes it back into what is owed.
    pub(super) fn on_written(&mut self, written: Option<Written>) {
        let Some(writing) = self.writing.take() else { return };
        let Some(Written { scribe, outputs, result }) = written else {
            // Whether it was written is not known: as after a kill, the disk tells.
            self.scribe = Some(self.tools.story.scribe());
            return self.break_down();
        };
        self.scribe = Some(scribe);
        let now = clock::now();
        if let Err(error) = result {
            return self.not_written(now, outputs, &error);
        }
        self.kept_changes = writing.changes;
        self.refused_at = None;
        for output in outputs {
            match claim_in(&output) {
                Some((nonce, _)) if writing.claims.iter().all(|(open, _)| *open != nonce) => {}
                Some(_) | None => self.perform(output),
            }
        }
        if self.withheld.take().is_some() {
            tracing::info!(pool = %self.pool.short(), "the disk takes this pool's steps again");
            self.warned = None;
            self.step(now, Input::Credential(self.told.setup.credential.clone()));
        }
        let changed =
            self.machine.as_ref().is_some_and(|machine| machine.memory_changes() != self.kept_changes);
        if changed || !self.owed.is_empty() {
            self.write_owed(now);
        }
    }

    pub(super) fn not_written(&mut self, now: Time, outputs: Vec<Output>, error: &anyhow::Error) {
        if self.machine.is_none() {
            // It broke meanwhile; what it wanted is not on disk and so was never decided.
            return;
        }
        for output in outputs.into_iter().rev() {
            if let Some((nonce, _)) = claim_in(&output) {
                self.never_sent(nonce, "it could not be written to disk");
            } else {
                self.owed.push_front(output);
            }
        }
        self.refused_at = Some(now);
        self.withhold(now, format!("this computer cannot write what it decides ({error:#})"));
    }

    /// Looks after a write that does not come back.
    pub(super) fn look_at_disk(&mut self, now: Time) {
        let late = |(_, until): &(Nonce, Time)| now > *until;
        let mut given_up: Vec<Nonce> = Vec::new();
        if let Some(writing) = &mut self.writing {
            given_up.extend(writing.claims.extract_if(.., |claim| late(claim)).map(|(nonce, _)| nonce));
        }
        self.owed.retain(|output| {
            let is_late = claim_in(output).filter(late);
            given_up.extend(is_late.map(|(nonce, _)| nonce));
            is_late.is_none()
        });
        for nonce in given_up {
            self.never_sent(nonce, "this computer's disk took it too late");
        }
        if self.writing.as_ref().is_some_and(|writing| now - writing.since > SLOW) {
            self.withhold(now, format!("this computer's disk takes longer than {SLOW} for one write"));
        }
        let is_doubtful = self.tools.recorder.as_ref().is_some_and(|recorder| recorder.is_refused());
        if is_doubtful && !self.is_behind() && now - self.asked_at >= ASKED_EVERY {
            self.asked_at = now;
            self.write(now);
        }
    }

    fn never_sent(&self, nonce: Nonce, why: &str) {
        let outcome = WriteOutcome::NotSent(format!("{why}, so it was not sent"));
        self.tell_later(Input::DnsWrite { nonce, outcome });
    }

    /// Leaves the machine without a credential until a write succeeds.
    fn withhold(&mut self, now: Time, words: String) {
        if self.withheld.is_some() {
            return;
        }
        self.withheld = Some(words.clone());
        self.warn("storage", format!("{words}: nothing moves from here until it can"));
        self.step(now, Input::Credential(Credential::Missing(words)));
    }

    /// Gives the lease back and writes the last state, with what is still owed.
    pub(super) async fn last_words(mut self) {
        self.perform(Output::LeaseRelease);
        if let Some(writing) = &mut self.writing {
            // What a claim became is found at the next start, like after a kill.
            writing.claims.clear();
            let done = written(&mut self.writing).await;
            self.on_written(done);
        }
        if self.writing.is_none() {
            self.write(clock::now());
        }
        let Some(writing) = self.writing.take() else { return };
        if let Ok(Written { result: Err(error), .. }) = writing.answer.await {
            tracing::warn!(pool = %self.pool.short(), "the pool's last state could not be written: {error:#}");
        }
    }
}

fn claim_in(output: &Output) -> Option<(Nonce, Time)> {
    if let Output::DnsCas { claim, not_after, .. } = output { Some((claim.nonce, *not_after)) } else { None }
}
