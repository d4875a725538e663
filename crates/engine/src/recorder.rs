//! The input log's writer: a thread of its own that takes copies of what went into the machines, turns them into text
//! and writes them once a second. It never stands in anybody's way: what finds no place is counted and left out.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use evaluator::io::{Input, Setup};
use model::{PoolId, Time};
use serde::Serialize;
use store::{InputLog, InputRow};

use crate::clock;

/// How often rows are written.
const BATCH: Duration = Duration::from_secs(1);
/// Inputs that may wait for the thread.
const PLACES: usize = 2_048;

/// What went into a machine. A replay begins at a start.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Heard {
    Start(Box<Setup>),
    Input(Input),
}

struct Line {
    pool: PoolId,
    at_ms: u64,
    clock: Time,
    heard: Heard,
}

/// Where watches put what they hear.
#[derive(Debug)]
pub(crate) struct Recorder {
    lines: SyncSender<Line>,
    lost: AtomicU64,
    refused: Arc<AtomicBool>,
}

impl Recorder {
    /// Opens the log and starts its thread; it ends with the recorder.
    pub(crate) fn start(directory: &Path) -> anyhow::Result<Self> {
        let log = InputLog::open(directory)?;
        let (lines, inbox) = sync_channel(PLACES);
        let refused = Arc::new(AtomicBool::new(false));
        let failing = Arc::clone(&refused);
        let run = move || write(log, &inbox, &failing);
        std::thread::Builder::new().name("input-log".to_owned()).spawn(run)?;
        Ok(Self { lines, lost: AtomicU64::new(0), refused })
    }

    /// Whether the disk refused the last rows: the first sign of one that is full or cannot be written any more.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(crate) fn refuse(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    pub(crate) fn started(&self, setup: &Setup, now: Time) {
        self.put(setup.pool, now, Heard::Start(Box::new(setup.clone())));
    }

    pub(crate) fn input(&self, pool: PoolId, now: Time, input: &Input) {
        self.put(pool, now, Heard::Input(input.clone()));
    }

    fn put(&self, pool: PoolId, clock: Time, heard: Heard) {
        let line = Line { pool, at_ms: clock::wall_ms(), clock, heard };
        if self.lines.try_send(line).is_err() && self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!("the input log does not keep up; some inputs are not in it");
        }
    }
}

fn write(mut log: InputLog, inbox: &Receiver<Line>, refused: &AtomicBool) {
    let mut open = true;
    while open {
        let batch = gather(inbox, &mut open);
        match log.append(&batch) {
            Ok(()) => refused.store(false, Ordering::Relaxed),
            Err(error) => {
                if !refused.swap(true, Ordering::Relaxed) {
                    tracing::warn!("the input log cannot be written: {}", crate::chain(&error));
                }
            }
        }
    }
}

/// What arrives within a second, as rows.
fn gather(inbox: &Receiver<Line>, open: &mut bool) -> Vec<InputRow> {
    let end = Instant::now() + BATCH;
    let mut batch = Vec::new();
    while batch.len() < PLACES {
        match inbox.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => batch.extend(row(&line)),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => {
                *open = false;
                break;
            }
        }
    }
    batch
}

fn row(line: &Line) -> Option<InputRow> {
    let json = serde_json::to_string(&line.heard).ok()?;
    Some(InputRow { pool: line.pool, at_ms: line.at_ms, clock_ms: line.clock.as_ms(), json })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_machine_heard_is_read_back_from_the_log() {
        let directory = tempfile::tempdir().unwrap();
        let pool = PoolId::from_number(1);
        let recorder = Recorder::start(directory.path()).unwrap();
        recorder.input(pool, Time::from_ms(7), &Input::Tick);
        recorder.input(pool, Time::from_ms(8), &Input::Anchors { asked: 1, answered: 1 });
        drop(recorder);
        let began = Instant::now();
        loop {
            let log = InputLog::open(directory.path()).unwrap();
            let rows = log.between(pool, 0, u64::MAX >> 1).unwrap();
            if rows.len() == 2 {
                assert_eq!((rows[0].clock_ms, rows[0].json.as_str()), (7, r#"{"input":"Tick"}"#));
                assert!(rows[1].json.contains("Anchors"), "{}", rows[1].json);
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{} rows", rows.len());
            std::thread::yield_now();
        }
    }
}
