//! Where the programs under test lie: in the directory cargo builds into, beside the one that asks.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

/// The newest build of a program of ours, for example `balctl-agent`.
///
/// # Errors
/// It was not built; the words say how.
pub fn built(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("finding this program")?;
    let beside = own.parent().context("a program lies in a directory")?;
    // A test lies one directory further down.
    let dir =
        if beside.ends_with("deps") { beside.parent().context("deps lies in a directory")? } else { beside };
    let program = dir.join(name);
    ensure!(
        program.is_file(),
        "{name} is not in {}; build it first (`cargo xtask demo` and `cargo xtask test` do)",
        dir.display()
    );
    Ok(program)
}
