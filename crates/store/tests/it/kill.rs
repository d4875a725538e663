//! kill -9 at any moment: what was said to be kept is kept, and a step is kept whole or not at all.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use store::Store;
use tempfile::TempDir;

use crate::{pool, step};

const DIRECTORY: &str = "STORE_KILL_TEST_DIRECTORY";
/// How often the writer is killed.
const ROUNDS: u64 = 12;

/// Not a test by itself: the process that [`a_killed_writer_loses_nothing_it_was_told_is_kept`] starts and kills.
#[test]
fn the_writer_that_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let store = Store::open(Path::new(&directory)).unwrap();
    let mut n = newest(&store);
    let mut stdout = std::io::stdout().lock();
    loop {
        n += 1;
        store.save_step(pool(1), &step(n)).unwrap();
        writeln!(stdout, "kept {n}").unwrap();
        stdout.flush().unwrap();
    }
}

#[test]
fn a_killed_writer_loses_nothing_it_was_told_is_kept() {
    let directory = TempDir::new().unwrap();
    let mut told = 0;
    for round in 1..=ROUNDS {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::the_writer_that_is_killed", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut heard = 0;
        // Kills after another number of steps each time, and in the middle of whatever comes next.
        while heard < 3 * round {
            let line = lines.next().expect("the writer goes on until it is killed").unwrap();
            if let Some(n) = line.strip_prefix("kept ") {
                told = n.parse().unwrap();
                heard += 1;
            }
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            if let Some(n) = line.strip_prefix("kept ") {
                // A last line may be cut short by the kill; a shorter number is a smaller one and harms nothing.
                told = told.max(n.parse().unwrap_or(0));
            }
        }
        check(directory.path(), told);
    }
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.start_counter(), 2 * ROUNDS + 1, "every start was counted, the killed ones too");
}

fn check(directory: &Path, told: u64) {
    let store = Store::open(directory).unwrap();
    let n = newest(&store);
    assert!(n >= told, "step {told} was said to be kept; the newest is {n}");
    let n_text = format!("{{\"n\":{n}}}");
    let entries = store.entries(pool(1), 2).unwrap();
    assert!(entries.iter().all(|entry| entry.json == n_text), "a step is kept whole: {entries:?}");
    let records = store.records(pool(1)).unwrap();
    assert_eq!((records.len() as u64, records.last().unwrap().at_ms), (n.min(store::RECORDS_KEPT), n));
    let incident = store.incidents(store::IncidentFilter { pool: None, limit: 5 }).unwrap().remove(0);
    assert_eq!((incident.epoch, incident.phases[0].took_ms), (Some(n), Some(n)));
    assert_eq!(store.incident_entries(incident.id).unwrap().len() as u64, n);
    assert_eq!(store.notices(1).unwrap()[0].text, n.to_string());
}

fn newest(store: &Store) -> u64 {
    let Some(memory) = store.memory(pool(1)).unwrap() else { return 0 };
    memory.trim_start_matches("{\"n\":").trim_end_matches('}').parse().unwrap()
}
