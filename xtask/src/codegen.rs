//! The TypeScript side of `crates/api`: written from the Rust types, committed, never edited.
//!
//! The api crate has a program `export` that writes its files into the directory it is given.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell::{cargo, must, root};

const COMMITTED: &str = "frontend/src/generated";

pub(crate) fn run(check: bool) -> Result<()> {
    let committed = root().join(COMMITTED);
    if !check {
        return export(&committed);
    }
    let fresh = root().join("target/generated");
    export(&fresh)?;
    let stale = differences(&files_below(&committed)?, &files_below(&fresh)?);
    if !stale.is_empty() {
        bail!("{COMMITTED} is stale; run `cargo xtask codegen` and commit:\n  {}", stale.join("\n  "));
    }
    Ok(())
}

/// Into an empty directory, so that a type that is gone leaves no file behind.
fn export(to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to).with_context(|| format!("emptying {}", to.display()))?;
    }
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    must(cargo(&["run", "--quiet", "--package", "api", "--bin", "export", "--"]).arg(to))
}

fn differences(committed: &BTreeMap<PathBuf, Vec<u8>>, fresh: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<String> {
    let gone = committed.keys().filter(|path| !fresh.contains_key(*path));
    let gone = gone.map(|path| format!("{} is no longer written", path.display()));
    let changed = fresh.iter().filter(|(path, text)| committed.get(*path) != Some(*text));
    let changed = changed.map(|(path, _)| match committed.get(path) {
        Some(_) => format!("{} differs", path.display()),
        None => format!("{} is missing", path.display()),
    });
    gone.chain(changed).collect()
}

fn files_below(dir: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(at) = open.pop() {
        let entries = match fs::read_dir(&at) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| format!("reading {}", at.display())),
        };
        for entry in entries {
            let path = entry.with_context(|| format!("reading {}", at.display()))?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
                files.insert(
                    path.strip_prefix(dir).context("a file lies below its directory")?.to_owned(),
                    text,
                );
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> BTreeMap<PathBuf, Vec<u8>> {
        list.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn names_each_kind_of_staleness() {
        let committed = files(&[("same.ts", "a"), ("old.ts", "a"), ("changed.ts", "a")]);
        let fresh = files(&[("same.ts", "a"), ("new.ts", "a"), ("changed.ts", "b")]);
        assert_eq!(
            differences(&committed, &fresh),
            ["old.ts is no longer written", "changed.ts differs", "new.ts is missing"]
        );
        assert!(differences(&fresh, &fresh).is_empty());
    }
}
