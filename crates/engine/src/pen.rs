//! The pen: the one thread on which pools' watches write what they decided.
//!
//! A write waits for the disk, and a disk may take its time; a thread of the runtime that waits with it would keep
//! heartbeats of every pool waiting. What is handed in first is written first. Whatever waits to be written holds the
//! profile's lock, and nothing is taken once the host that holds it is gone: a slow write must never reach a profile that
//! another host has opened.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};

use anyhow::Context as _;

type Job = Box<dyn FnOnce() + Send>;

/// Where writes are handed in.
#[derive(Debug)]
pub(crate) struct Pen {
    jobs: Sender<Job>,
    waiting: Arc<AtomicUsize>,
    lock: Weak<dyn Any + Send + Sync>,
}

impl Pen {
    /// Starts the thread; it ends with the last of its jobs once the pen is dropped. Each job holds `lock`.
    pub(crate) fn start(lock: Weak<dyn Any + Send + Sync>) -> anyhow::Result<Self> {
        let (jobs, inbox) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        let run = move || write_all(&inbox, &left);
        std::thread::Builder::new().name("pen".to_owned()).spawn(run).context("starting the pen")?;
        Ok(Self { jobs, waiting, lock })
    }

    /// Has something written after everything before it. A watch hands in one at a time, which bounds the queue.
    pub(crate) fn write(&self, job: impl FnOnce() + Send + 'static) {
        let Some(held) = self.lock.upgrade() else { return };
        let job = move || {
            let _held = held;
            job();
        };
        self.waiting.fetch_add(1, Ordering::AcqRel);
        // The thread takes jobs as long as there is a pen.
        let _ = self.jobs.send(Box::new(job));
    }

    /// The same for what comes from outside: with `most` jobs waiting it is not taken.
    pub(crate) fn try_write(&self, most: usize, job: impl FnOnce() + Send + 'static) -> bool {
        let has_room = self.waiting.load(Ordering::Acquire) < most;
        if has_room {
            self.write(job);
        }
        has_room
    }
}

fn write_all(inbox: &Receiver<Job>, waiting: &AtomicUsize) {
    while let Ok(job) = inbox.recv() {
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("a write broke; what waited for it starts again from the disk");
        }
        waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Runs what may wait for a disk or a keychain. On a thread of a runtime with several, the others take its tasks over
/// meanwhile.
pub(crate) fn off_the_runtime<T>(run: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    if matches!(flavor, Ok(RuntimeFlavor::MultiThread)) { tokio::task::block_in_place(run) } else { run() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_done_in_order_each_under_the_lock_and_none_without_it() {
        let lock: Arc<dyn Any + Send + Sync> = Arc::new(());
        let held = Arc::downgrade(&lock);
        let pen = Pen::start(Weak::clone(&held)).unwrap();
        let (done, seen) = channel();
        let (go, gate) = channel::<()>();
        pen.write(move || {
            let _ = gate.recv();
        });
        for n in 0..5 {
            let (done, held) = (done.clone(), Weak::clone(&held));
            pen.write(move || done.send((n, held.upgrade().is_some())).unwrap());
            pen.write(|| panic!("a job that breaks"));
        }
        assert!(!pen.try_write(3, || unreachable!("a full queue takes nothing from outside")));
        drop(lock);
        assert!(seen.try_recv().is_err(), "nothing is done before its turn");
        go.send(()).unwrap();
        assert_eq!(seen.iter().take(5).collect::<Vec<_>>(), [0, 1, 2, 3, 4].map(|n| (n, true)));
        while held.upgrade().is_some() {
            std::thread::yield_now();
        }
        pen.write(move || done.send((9, false)).unwrap());
        assert!(seen.recv().is_err(), "without the lock nothing is written any more");
    }
}
