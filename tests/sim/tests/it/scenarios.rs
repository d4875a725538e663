//! Scripted stories, each with its whole outcome committed. `UPDATE_EXPECT=1` writes the outcomes anew; the difference
//! is then read and committed like any other.

use std::fs;
use std::path::{Path, PathBuf};

use sim::story::Script;

/// What stands between a script and its outcome.
const LINE: &str = "---\n";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

#[test]
fn every_story_ends_as_committed() {
    let mut files: Vec<_> = fs::read_dir(folder())
        .expect("the stories are there")
        .map(|entry| entry.expect("a folder can be listed").path())
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
        .collect();
    files.sort();
    assert!(files.len() >= 12, "{} stories", files.len());
    let differing: Vec<_> = files.iter().filter_map(|path| difference(path)).collect();
    assert!(differing.is_empty(), "{}", differing.join("\n\n"));
}

/// Tells a story twice and compares it with its file.
fn difference(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).expect("a story can be read");
    let (script, expected) = text.split_once(LINE).unwrap_or((&text, ""));
    let tell = || {
        let script = Script::read(script).unwrap_or_else(|why| panic!("{}: {}", path.display(), why.0));
        script.tell().unwrap_or_else(|why| panic!("{}: {}", path.display(), why.0))
    };
    let told = tell();
    assert_eq!(told, tell(), "{} is told the same way twice", path.display());
    if told == expected {
        return None;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, format!("{}\n\n{LINE}{told}", script.trim_end())).expect("a story can be written");
        return None;
    }
    let place = told.lines().zip(expected.lines()).take_while(|(now, then)| now == then).count();
    let of = |text: &str| text.lines().skip(place).take(4).collect::<Vec<_>>().join("\n");
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (then, now) = (of(expected), of(&told));
    Some(format!("{name} differs from line {place} of its outcome on\ncommitted:\n{then}\nnow:\n{now}"))
}

#[test]
fn what_means_nothing_is_refused() {
    for line in ["members x", "at 5 s edge-9 loses power", "at 5 s edge-1 flies", "hello", "at 5 s"] {
        let told = Script::read(&format!("{line}\nuntil 6 s")).and_then(|script| script.tell());
        assert!(told.is_err(), "{line}");
    }
}
