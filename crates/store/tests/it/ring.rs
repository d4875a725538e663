//! Rings: records merged by id, lines of the story, the input log.

use std::fs;

use proptest::prelude::*;
use store::{EntryRow, InputLog, InputRow, LOG_AGE_MS_MAX, RECORDS_KEPT, Record, Step, Store};
use tempfile::TempDir;

use crate::{pool, record};

#[test]
fn a_ring_keeps_the_newest_records_whatever_their_order() {
    let store = Store::open_in_memory().unwrap();
    let records: Vec<_> = (0..RECORDS_KEPT + 50).rev().map(record).collect();
    assert_eq!(store.merge_records(pool(1), &records).unwrap(), records.len());
    let kept = store.records(pool(1)).unwrap();
    assert_eq!(kept.len() as u64, RECORDS_KEPT);
    assert_eq!((kept[0].at_ms, kept[kept.len() - 1].at_ms), (50, RECORDS_KEPT + 49));
    assert_eq!(store.merge_records(pool(1), &kept).unwrap(), 0, "merging again changes nothing");
    assert!(store.records(pool(2)).unwrap().is_empty());
}

#[test]
fn a_record_that_says_more_takes_its_own_place() {
    let store = Store::open_in_memory().unwrap();
    let said = |revision, json: &str| Record { revision, json: json.to_owned(), ..record(7) };
    for (revision, json, changed, kept) in
        [(2, "two", 1, "two"), (1, "one", 0, "two"), (2, "other", 0, "two"), (3, "three", 1, "three")]
    {
        assert_eq!(store.merge_records(pool(1), &[said(revision, json)]).unwrap(), changed);
        assert_eq!(store.records(pool(1)).unwrap()[0].json, kept);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Two consoles that heard the same records in any order and with any overlap hold the same ring.
    #[test]
    fn merging_is_the_same_in_any_order(order in Just((0..40_u64).collect::<Vec<_>>()).prop_shuffle(), cut in 0..40_usize) {
        let (left, right) = (Store::open_in_memory().unwrap(), Store::open_in_memory().unwrap());
        let all: Vec<_> = order.iter().copied().map(record).collect();
        left.merge_records(pool(1), &all).unwrap();
        right.merge_records(pool(1), &all[cut..]).unwrap();
        right.merge_records(pool(1), &all[..cut.midpoint(40)]).unwrap();
        prop_assert_eq!(left.records(pool(1)).unwrap(), right.records(pool(1)).unwrap());
    }
}

#[test]
fn old_lines_go_and_those_of_an_incident_stay() {
    let store = Store::open_in_memory().unwrap();
    let incident = Some(model::IncidentId::from_number(1));
    let line = |incident| EntryRow { incident, json: "{}".to_owned() };
    store.save_step(pool(1), &Step { entries: vec![line(incident); 10], ..Step::default() }).unwrap();
    for _ in 0..5 {
        store.save_step(pool(1), &Step { entries: vec![line(None); 1_000], ..Step::default() }).unwrap();
    }
    assert_eq!(store.incident_entries(model::IncidentId::from_number(1)).unwrap().len(), 10);
    let lines = store.entries(pool(1), 10_000).unwrap().len();
    assert!((2_000..=2_011).contains(&lines), "{lines}");
}

fn row(n: u32, at_ms: u64, bytes: usize) -> InputRow {
    InputRow { pool: pool(n), at_ms, clock_ms: at_ms / 2, json: "x".repeat(bytes) }
}

#[test]
fn the_input_log_gives_back_what_went_in() {
    let directory = TempDir::new().unwrap();
    let mut log = InputLog::open(directory.path()).unwrap();
    log.append(&[]).unwrap();
    log.append(&[row(1, 10, 3), row(2, 20, 3), row(1, 30, 3)]).unwrap();
    drop(log);
    let log = InputLog::open(directory.path()).unwrap();
    assert_eq!(log.between(pool(1), 0, 100).unwrap(), [row(1, 10, 3), row(1, 30, 3)]);
    assert_eq!(log.between(pool(1), 11, 29).unwrap(), []);
}

#[test]
fn the_input_log_forgets_what_is_older_than_a_day() {
    let directory = TempDir::new().unwrap();
    let mut log = InputLog::open(directory.path()).unwrap();
    log.append(&[row(1, 1_000, 3), row(1, 2_000, 3)]).unwrap();
    log.append(&[row(1, LOG_AGE_MS_MAX + 1_500, 3)]).unwrap();
    let left: Vec<u64> =
        log.between(pool(1), 0, u64::MAX >> 1).unwrap().iter().map(|row| row.at_ms).collect();
    assert_eq!(left, [2_000, LOG_AGE_MS_MAX + 1_500]);
}

#[test]
fn the_input_log_stays_under_its_size_and_gives_room_back() {
    const LIMIT: u64 = 1 << 20;
    let directory = TempDir::new().unwrap();
    let mut log = InputLog::open_limited(directory.path(), LIMIT).unwrap();
    for n in 0..400 {
        log.append(&[row(1, n, 4_000), row(1, n, 4_000)]).unwrap();
        assert!(log.size_bytes().unwrap() <= LIMIT);
    }
    let rows = log.between(pool(1), 0, 1_000).unwrap();
    assert_eq!(rows.last().unwrap().at_ms, 399, "the newest are kept");
    assert!(rows.len() > 100, "and not more goes than must");
    drop(log);
    let disk = fs::metadata(directory.path().join("inputs.db")).unwrap().len();
    assert!(disk <= LIMIT + (LIMIT >> 1), "{disk} bytes on disk");
}

#[test]
fn a_damaged_input_log_begins_anew() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("inputs.db"), [0x5a; 9_000]).unwrap();
    let mut log = InputLog::open(directory.path()).unwrap();
    log.append(&[row(1, 1, 1)]).unwrap();
    assert_eq!(log.between(pool(1), 0, 9).unwrap().len(), 1);
}
