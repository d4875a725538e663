//! Answers that wait for the disk: persist, then act.

use std::collections::VecDeque;

use model::Time;
use protocol::Frame;
use protocol::relay::ToSave;

use super::Node;
use crate::disk::DiskError;
use crate::keeper::{Kept, Ticket};
use crate::log;
use crate::session::SessionId;

/// Answers that may wait at once. With a disk that far behind, consoles get none, which says the truth.
const HELD_MAX: usize = 256;

/// What waits, and whether the disk is behind.
#[derive(Debug, Default)]
pub(super) struct Answers {
    held: VecDeque<Held>,
    /// The newest page that was given to the keeper and is not known to be on disk.
    outstanding: Option<Ticket>,
    /// Something could not be written: the next save writes everything.
    behind: Option<String>,
    /// Whether the outstanding save wrote everything.
    whole: bool,
}

#[derive(Debug)]
struct Held {
    until: Ticket,
    id: SessionId,
    frame: Frame,
}

impl Answers {
    /// Why the disk is behind, if it is.
    pub(super) fn fault(&self) -> Option<&str> {
        self.behind.as_deref()
    }
}

impl Node {
    /// Saves what changed, then sends the frames once it is on disk.
    pub(super) fn answer(&mut self, id: SessionId, frames: Vec<Frame>, now: Time) {
        let safe = self.save(now);
        for frame in frames {
            match self.answers.outstanding {
                Some(until) if self.answers.held.len() < HELD_MAX => {
                    self.answers.held.push_back(Held { until, id, frame });
                }
                None if safe => self.send(id, frame),
                // Nothing is said that a restart could make untrue.
                Some(_) | None => {}
            }
        }
    }

    /// Gives what changed to the keeper. False when something is not even on its way.
    pub(super) fn save(&mut self, now: Time) -> bool {
        let mut to_save = self.parts.core.to_save(now);
        let retry = self.answers.behind.is_some() && self.answers.outstanding.is_none();
        if retry {
            to_save.state = Some(self.parts.core.kept(now));
            to_save.docs = Some(self.parts.core.shelf().kept());
        }
        if to_save.state.is_none() && to_save.docs.is_none() {
            return self.answers.behind.is_none();
        }
        let pages = match self.parts.state.pages(&to_save) {
            Ok(pages) => pages,
            Err(error) => return self.fell_behind(log::chain(&error)),
        };
        match self.parts.keeper.keep(pages) {
            Some(ticket) => {
                self.answers.outstanding = Some(ticket);
                self.answers.whole = retry;
                true
            }
            None => self.fell_behind("the disk is too slow".to_owned()),
        }
    }

    pub(super) fn on_kept(&mut self, kept: Kept) {
        if self.answers.outstanding == Some(kept.ticket) {
            self.answers.outstanding = None;
        }
        let now = self.now();
        let ripe = self.answers.held.partition_point(|held| held.until <= kept.ticket);
        let ripe: Vec<Held> = self.answers.held.drain(..ripe).collect();
        match kept.outcome {
            Ok(()) => {
                if self.answers.whole && self.answers.outstanding.is_none() {
                    self.answers.behind = None;
                }
                // A later page may be needed for the truth of an earlier answer only if that one failed.
                if self.answers.behind.is_none() {
                    for held in ripe {
                        self.send(held.id, held.frame);
                    }
                }
                self.send_reports(now);
            }
            Err(error) => {
                let words = log::chain(&error);
                tracing::error!(error = %words, "state could not be kept, {} answers are not given: {words}", ripe.len());
                self.fell_behind(words);
            }
        }
    }

    /// Writes everything once more, at the end, in this thread.
    pub(super) fn save_last(&mut self) {
        let now = self.now();
        let everything =
            ToSave { state: Some(self.parts.core.kept(now)), docs: Some(self.parts.core.shelf().kept()) };
        let written: Result<(), DiskError> = self.parts.state.write(&everything);
        if let Err(error) = written {
            tracing::error!("state could not be kept at the end: {}", log::chain(&error));
        }
    }

    fn fell_behind(&mut self, words: String) -> bool {
        self.answers.behind = Some(words);
        false
    }
}
