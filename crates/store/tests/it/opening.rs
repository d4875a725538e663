//! Opening, migrations, damage.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use rusqlite::Connection;
use store::{Store, StoreError};
use tempfile::TempDir;

use crate::{pool, step};

#[test]
fn every_open_counts_as_a_start_and_facts_stay() {
    let directory = TempDir::new().unwrap();
    let profile = directory.path().join("a/profile");
    let store = Store::open(&profile).unwrap();
    assert_eq!(store.start_counter(), 1);
    store.set_profile(&[("console", "c"), ("name", "desk")]).unwrap();
    store.set_setting("theme", Some("\"dark\"")).unwrap();
    drop(store);
    let store = Store::open(&profile).unwrap();
    assert_eq!(store.start_counter(), 2);
    assert_eq!(store.profile("name").unwrap().as_deref(), Some("desk"));
    assert_eq!(store.setting("theme").unwrap().as_deref(), Some("\"dark\""));
    store.set_setting("theme", None).unwrap();
    assert_eq!(store.setting("theme").unwrap(), None);
    assert_eq!(store.profile("nothing").unwrap(), None);
    assert_eq!(fs::metadata(store.path()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&profile).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_damaged_file_is_said_to_be_damaged() {
    let directory = TempDir::new().unwrap();
    let path = Store::open(directory.path()).unwrap().path().to_owned();
    fs::write(&path, "this is no database, and long enough to be looked at by sqlite as one").unwrap();
    for end in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", path.display()));
    }
    let error = Store::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }) && !error.is_transient());
    assert!(error.to_string().contains("damaged"), "{error}");
    assert!(std::error::Error::source(&error).is_some(), "SQLite's own words are kept");
}

#[test]
fn damage_inside_a_page_is_found_when_it_is_read() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    for n in 0..200 {
        store.save_step(pool(1), &step(n)).unwrap();
    }
    let path = store.path().to_owned();
    drop(store);
    let mut file = fs::File::options().read(true).write(true).open(&path).unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    for page in (1..bytes.len() / 4096).map(|page| page * 4096) {
        file.seek(SeekFrom::Start(page as u64)).unwrap();
        file.write_all(&[0x5a; 64]).unwrap();
    }
    drop(file);
    let error = Store::open(directory.path()).and_then(|store| store.entries(pool(1), 500)).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = Store::open(directory.path()).unwrap().path().to_owned();
    let other = Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 1_000).unwrap();
    drop(other);
    let error = Store::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { .. }), "{error:?}");
    let version: i64 =
        Connection::open(&path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 1_000);
}

#[test]
fn a_full_disk_is_named_and_nothing_of_the_step_is_kept() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    store.save_step(pool(1), &step(1)).unwrap();
    store.limit_pages_for_tests(store.size_bytes().unwrap() / 4096 + 2).unwrap();
    let mut kept = 1;
    let error = loop {
        match store.save_step(pool(1), &step(kept + 1)) {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 10_000, "the limit never bites");
    };
    assert!(matches!(error, StoreError::DiskFull { .. }) && error.is_transient(), "{error:?}");
    assert_eq!(store.memory(pool(1)).unwrap(), Some(format!("{{\"n\":{kept}}}")));
    assert_eq!(store.records(pool(1)).unwrap().last().unwrap().at_ms, kept);
    store.limit_pages_for_tests(100_000).unwrap();
    store.save_step(pool(1), &step(kept + 1)).unwrap();
    assert_eq!(store.memory(pool(1)).unwrap(), Some(format!("{{\"n\":{}}}", kept + 1)));
}

#[test]
fn a_copy_is_whole_while_the_store_is_in_use() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(&directory.path().join("a")).unwrap();
    store.save_step(pool(1), &step(5)).unwrap();
    let target = directory.path().join("copy.db");
    store.copy_to(&target).unwrap();
    assert!(store.copy_to(&target).is_err(), "a copy never replaces a file");
    fs::create_dir(directory.path().join("b")).unwrap();
    fs::rename(&target, directory.path().join("b/serversctl.db")).unwrap();
    let copy = Store::open(&directory.path().join("b")).unwrap();
    assert_eq!(copy.memory(pool(1)).unwrap().as_deref(), Some("{\"n\":5}"));
}
