//! The rules of the house that a compiler does not hold: what CI checks, in the same order.
//!
//! Each rule is a pure function over what was read, with a test that plants a breach; reading files and asking cargo stand
//! apart. Exceptions are in one list ([`exceptions`]), each with its reason, and one that is no longer needed fails too.

mod arrows;
mod exceptions;
mod purity;
mod source;
mod tidy;
mod trees;
mod words;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::codegen;
use crate::install::{self, For};
use crate::shell::{self, cargo, find_program, must, read, say};

/// A rule that does not hold somewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Breach {
    pub(crate) rule: &'static str,
    /// Where: a file, `file:line`, `file::function` or a crate.
    pub(crate) at: String,
    pub(crate) words: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]", self.at, self.words, self.rule)
    }
}

/// A text file of the repository.
#[derive(Debug)]
pub(crate) struct Text {
    /// From the repository's root.
    pub(crate) path: String,
    pub(crate) content: String,
}

impl Text {
    /// Compared as written: our own names have small letters.
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|own| own == extension)
    }
}

/// Runs every check. Our own rules come first: they take a second, the compiler takes minutes.
pub(crate) fn all() -> Result<()> {
    install::ensure(For::Building)?;
    must(&mut cargo(&["fmt", "--all", "--check"]))?;
    rules()?;
    must(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    must(
        cargo(&["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"])
            // Private items are documented too, so a link to one leads somewhere.
            .env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links"),
    )?;
    codegen::run(true)?;
    deny()
}

/// Runs our own rules alone.
pub(crate) fn rules() -> Result<()> {
    say("arrows, trees, purity, sizes, words");
    let texts = texts()?;
    let packages = arrows::packages(&read(&mut cargo(&["metadata", "--format-version", "1", "--no-deps"]))?)?;
    for line in arrows::beyond_in_tests(&packages) {
        say(&line);
    }
    let mut breaches = arrows::check(&packages);
    breaches.extend(trees::check(&packages)?);
    breaches.extend(purity::check(&texts));
    breaches.extend(tidy::check(&texts));
    breaches.extend(words::check(&texts));
    let mut left = exceptions::apply(breaches);
    left.sort();
    if left.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = left.iter().map(|breach| format!("  {breach}")).collect();
    bail!("{} rules of the house do not hold:\n{}", list.len(), list.join("\n"))
}

/// Licences, advisories and duplicates, where the tool is installed; its own database comes from the network.
fn deny() -> Result<()> {
    if find_program("cargo-deny").is_none() {
        say("cargo-deny is not installed: licences, bans and advisories were not checked");
        return Ok(());
    }
    must(&mut cargo(&["deny", "check", "bans", "licenses", "sources"]))
}

/// Every text file that is, or is about to be, in the repository.
fn texts() -> Result<Vec<Text>> {
    let root = shell::root();
    let list = read(
        Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root),
    );
    let paths = match list {
        Ok(list) => list.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from).collect(),
        // A source archive has no git.
        Err(_) => walk(root)?,
    };
    let mut texts = Vec::new();
    for path in paths {
        // A listed file may be deleted on disk, and one that is not text has no words.
        let Ok(content) = fs::read_to_string(root.join(&path)) else { continue };
        let path = path.to_str().with_context(|| format!("{} is no plain name", path.display()))?;
        texts.push(Text { path: path.to_owned(), content });
    }
    Ok(texts)
}

fn walk(root: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).with_context(|| format!("reading {}", at.display()))? {
            let path = entry.with_context(|| format!("reading {}", at.display()))?.path();
            let name = path.file_name().unwrap_or_default();
            if path.is_symlink() || name == "target" || name == "node_modules" || name == "dist" {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                paths.push(path.strip_prefix(root).context("a file lies below the root")?.to_owned());
            }
        }
    }
    Ok(paths)
}
