//! Keeping things on disk without holding up the heartbeat.
//!
//! A disk that hangs must not look like a host that died, so one thread writes and syncs while the node's loop goes
//! on. What must not leave before it is kept waits for its [`Ticket`]: persist, then act. Tickets come back in the
//! order in which they were given.

use std::path::PathBuf;
use std::sync::mpsc;

use serde::Serialize;
use tokio::sync::mpsc as events;
use zeroize::Zeroizing;

use crate::disk::{self, DiskError};

/// Writes that may wait at once; a disk that is further behind than this refuses new work instead of hoarding it.
const QUEUE: usize = 64;
/// The writing thread's stack: it only hashes and writes.
const STACK_BYTES: usize = 256 * 1024;

/// One thing that was given to the keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// What became of one ticket.
#[derive(Debug)]
pub struct Kept {
    /// Which one.
    pub ticket: Ticket,
    /// Whether it is on disk.
    pub outcome: Result<(), DiskError>,
}

/// A value on its way to its file. It is written as text by the caller's thread, so nothing is shared.
#[derive(Debug)]
pub struct Page {
    path: PathBuf,
    text: Zeroizing<Vec<u8>>,
}

impl Page {
    /// The page of a value.
    ///
    /// # Errors
    /// The value cannot be written as JSON.
    pub fn of<T: Serialize>(path: PathBuf, value: &T) -> Result<Self, DiskError> {
        let text = disk::text_of(&path, value)?;
        Ok(Self { path, text })
    }
}

/// The writing thread.
#[derive(Debug)]
pub struct Keeper {
    queue: mpsc::SyncSender<(Ticket, Vec<Page>)>,
    given: u64,
}

impl Keeper {
    /// Starts the thread; outcomes arrive at `done`.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(done: events::UnboundedSender<Kept>) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::sync_channel::<(Ticket, Vec<Page>)>(QUEUE);
        std::thread::Builder::new().name("keeper".into()).stack_size(STACK_BYTES).spawn(move || {
            while let Ok((ticket, pages)) = jobs.recv() {
                let outcome =
                    pages.iter().try_for_each(|page| disk::write_sealed_text(&page.path, &page.text));
                if done.send(Kept { ticket, outcome }).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { queue, given: 0 })
    }

    /// Gives pages to be written in this order; none when the disk is too far behind.
    pub fn keep(&mut self, pages: Vec<Page>) -> Option<Ticket> {
        let ticket = Ticket(self.given + 1);
        self.queue.try_send((ticket, pages)).ok()?;
        self.given += 1;
        Some(ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tickets_come_back_in_order_and_the_files_stand() {
        let dir = tempfile::tempdir().unwrap();
        let (done, mut outcomes) = events::unbounded_channel();
        let mut keeper = Keeper::start(done).unwrap();
        let path = dir.path().join("ledger");
        let first = keeper.keep(vec![Page::of(path.clone(), &1).unwrap()]).unwrap();
        let second = keeper.keep(vec![Page::of(path.clone(), &2).unwrap()]).unwrap();
        assert_eq!(outcomes.recv().await.unwrap().ticket, first);
        let last = outcomes.recv().await.unwrap();
        assert_eq!(last.ticket, second);
        assert!(last.outcome.is_ok());
        assert_eq!(disk::read_sealed::<u32>(&path).unwrap(), Some(2));
    }

    #[tokio::test]
    async fn a_page_that_cannot_be_written_is_not_said_to_be_kept() {
        let (done, mut outcomes) = events::unbounded_channel();
        let mut keeper = Keeper::start(done).unwrap();
        keeper.keep(vec![Page::of("/proc/nowhere/ledger".into(), &1).unwrap()]).unwrap();
        assert!(outcomes.recv().await.unwrap().outcome.is_err());
    }
}
