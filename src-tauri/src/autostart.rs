//! Starting with the session, by the file that desktops agree on.

use std::path::PathBuf;
use std::{fs, io};

use crate::surroundings;

fn path() -> Option<PathBuf> {
    surroundings::base("XDG_CONFIG_HOME", ".config").map(|config| config.join("autostart/serversctl.desktop"))
}

/// Whether the session starts it.
pub(crate) fn is_on() -> bool {
    path().is_some_and(|path| path.exists())
}

/// Lets the session start it in the tray, or not.
pub(crate) fn set(on: bool) -> io::Result<()> {
    let path = path().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "HOME is not set"))?;
    if !on {
        return fs::remove_file(path);
    }
    let program = std::env::current_exe()?;
    let program =
        program.to_str().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "its path is no text"))?;
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, entry(program))
}

fn entry(program: &str) -> String {
    format!(
        "[Desktop Entry]\nType=Application\nName=ServersCTL\nComment=Failover watch in the tray\nExec={} --hidden\n\
         Icon=serversctl-desktop\nTerminal=false\nX-GNOME-Autostart-enabled=true\n",
        quoted(program)
    )
}

/// As the Desktop Entry specification quotes an argument of `Exec`, and then the string itself.
fn quoted(argument: &str) -> String {
    let mut out = String::from("\"");
    for c in argument.chars() {
        match c {
            '"' | '`' | '$' => out.extend(['\\', '\\', c]),
            '\\' => out.push_str("\\\\\\\\"),
            '%' => out.push_str("%%"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_one_argument() {
        assert_eq!(quoted("/opt/a b/x"), "\"/opt/a b/x\"");
        assert_eq!(quoted("/opt/$x%`\"\\"), "\"/opt/\\\\$x%%\\\\`\\\\\"\\\\\\\\\"");
        assert!(entry("/usr/bin/x").contains("\nExec=\"/usr/bin/x\" --hidden\n"));
    }
}
