//! `uninstall`: the host as it was before the agent came.

use std::fs;
use std::io::{self, IsTerminal, Write};

use anyhow::{Context, bail};

use crate::cli::Uninstall;
use crate::layout::Layout;
use crate::unit;

/// Stops and removes the unit, then the configuration and the state.
///
/// # Errors
/// Nobody agreed, systemd refused, or a directory could not be removed.
pub fn run(layout: &Layout, options: &Uninstall, out: &mut dyn Write) -> anyhow::Result<()> {
    if !options.yes && !agreed(out)? {
        bail!("nothing was removed");
    }
    unit::remove(layout).context("removing the unit")?;
    for dir in [layout.state(), layout.run(), layout.etc()] {
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("removing {}", dir.display()));
            }
            Ok(()) | Err(_) => {}
        }
    }
    writeln!(
        out,
        "The agent's unit, configuration and state are gone. The console still lists this member:"
    )?;
    writeln!(out, "remove it there, or enrol again.")?;
    Ok(())
}

fn agreed(out: &mut dyn Write) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("not asked at a terminal; give --yes to remove the agent");
    }
    write!(out, "Stop the agent and remove its keys? Peers will see this member as silent. [y/N] ")?;
    out.flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line).context("reading the answer")?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_agent_is_left_and_a_second_time_is_fine() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        for place in [layout.state(), layout.run(), layout.etc()] {
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("file"), "x").unwrap();
        }
        unit::install(&layout, "/opt/agent".as_ref()).unwrap();
        for _ in 0..2 {
            run(&layout, &Uninstall { yes: true }, &mut Vec::new()).unwrap();
            for place in [layout.state(), layout.run(), layout.etc(), layout.unit()] {
                assert!(!place.exists(), "{}", place.display());
            }
        }
    }
}
