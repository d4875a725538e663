//! Reading the enrolment secret: at a prompt without echo, from a pipe, or from a file that only root can read.
//! Never from the command line or the environment, where every process of the host could see it.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use protocol::enrol::Secret;
use rustix::termios::{self, LocalModes, OptionalActions};
use thiserror::Error;
use zeroize::Zeroizing;

/// Longest line that is read: the secret has 48 characters.
const LINE_BYTES_MAX: usize = 256;

/// A secret that could not be read. Never repeats what was typed.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The file cannot be opened or read.
    #[error("could not read the secret from {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others may read or replace the file.
    #[error("{path} must belong to you alone (mode 0600); it has mode {mode:04o} and owner {owner}")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// Its owner's number.
        owner: u32,
    },
    /// The prompt failed.
    #[error("could not ask for the secret at the terminal")]
    Prompt(#[source] io::Error),
    /// Not the 48 characters.
    #[error(transparent)]
    Form(#[from] protocol::enrol::SecretError),
}

/// Reads the secret from where the options say: the file, or standard input when it is no terminal, or a prompt.
///
/// # Errors
/// It cannot be read, others can read its file, or it has another form.
pub fn read(file: Option<&Path>) -> Result<Secret, SecretError> {
    let line = match file {
        Some(path) if path != Path::new("-") => from_file(path)?,
        Some(_) => from_reader(io::stdin().lock()).map_err(SecretError::Prompt)?,
        None if !io::stdin().is_terminal() => from_reader(io::stdin().lock()).map_err(SecretError::Prompt)?,
        None => prompt().map_err(SecretError::Prompt)?,
    };
    Ok(Secret::parse(&line)?)
}

fn from_file(path: &Path) -> Result<Zeroizing<String>, SecretError> {
    let read = |source| SecretError::Read { path: path.into(), source };
    let file = File::open(path).map_err(read)?;
    // The opened file is judged, not the name: a name can be changed in between.
    let metadata = file.metadata().map_err(read)?;
    let (mode, owner) = (metadata.mode() & 0o7777, metadata.uid());
    if mode & 0o077 != 0 || owner != rustix::process::geteuid().as_raw() {
        return Err(SecretError::Open { path: path.into(), mode, owner });
    }
    from_reader(file).map_err(read)
}

/// One line, read byte by byte so that nothing beyond it is taken from a pipe or left in a buffer.
fn from_reader(mut reader: impl Read) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_BYTES_MAX));
    let mut byte = [0];
    while line.len() < LINE_BYTES_MAX && reader.read(&mut byte)? == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    let text = std::str::from_utf8(&line).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn prompt() -> io::Result<Zeroizing<String>> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    terminal.write_all(b"Secret from the console (48 characters, not shown): ")?;
    let before = termios::tcgetattr(&terminal)?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    quiet.local_modes.insert(LocalModes::ECHONL);
    termios::tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
    let line = from_reader(&terminal);
    termios::tcsetattr(&terminal, OptionalActions::Flush, &before)?;
    line
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

    fn file(mode: u32, text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_closed_file_is_read() {
        let (_dir, path) = file(0o600, &format!("  {}\nrest", SECRET.to_uppercase()));
        assert_eq!(read(Some(&path)).unwrap().expose(), SECRET);
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        for mode in [0o644, 0o640, 0o604, 0o620] {
            let (_dir, path) = file(mode, SECRET);
            let error = read(Some(&path)).unwrap_err();
            assert!(matches!(error, SecretError::Open { .. }), "{error}");
        }
    }

    #[test]
    fn no_error_repeats_what_was_given() {
        for text in ["", "deadbeef", "01890a5d-ac96-774b-bcce-b302099a8057", &SECRET.replace('a', "z")] {
            let (_dir, path) = file(0o600, text);
            let error = read(Some(&path)).unwrap_err();
            assert!(matches!(error, SecretError::Form(_)), "{error}");
            assert!(text.is_empty() || !format!("{error} {error:?}").contains(text));
        }
        let (_dir, path) = file(0o600, "01890a5d-ac96-774b-bcce-b302099a8057");
        assert!(read(Some(&path)).unwrap_err().to_string().contains("member id"));
    }
}
