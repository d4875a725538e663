//! Secrets from people: a prompt without echo, a private file, or standard input; never argv.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use api::{ApiError, SecretText};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// Longest secret: a long passphrase or a TSIG key of 512 bits in base64.
const SECRET_BYTES_MAX: usize = 4096;

/// Asks on the terminal.
pub(crate) fn ask(prompt: &str) -> Result<SecretText, ApiError> {
    let no_terminal = |_| {
        ApiError::invalid(
            "there is no terminal to ask for the secret on; give it in a file (mode 0600) instead",
        )
    };
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(no_terminal)?;
    let failed = |error: io::Error| ApiError::internal("asking on the terminal").because(&error);
    let before = tcgetattr(&terminal).map_err(|error| failed(error.into()))?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    silent.local_modes.insert(LocalModes::ECHONL);
    // Silence first, then the question: what is typed at the question must be neither shown nor flushed away.
    tcsetattr(&terminal, OptionalActions::Flush, &silent).map_err(|error| failed(error.into()))?;
    let _echo = Echo { terminal: terminal.try_clone().map_err(failed)?, before };
    write!(terminal, "{prompt}: ").map_err(failed)?;
    line(&mut terminal).map_err(failed).and_then(|text| checked(&text, "the terminal"))
}

/// Asks twice, for a secret that nobody could look up later.
pub(crate) fn ask_twice(prompt: &str) -> Result<SecretText, ApiError> {
    let first = ask(prompt)?;
    if first == ask(&format!("{prompt}, again"))? {
        return Ok(first);
    }
    Err(ApiError::invalid("the two are not the same"))
}

/// Whether somebody could be asked.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Reads a secret from a file that nobody else may read, or from standard input for `-`.
pub(crate) fn from_file(path: &Path) -> Result<SecretText, ApiError> {
    let name = path.display().to_string();
    let failed =
        |error: io::Error| ApiError::invalid(format!("reading the secret from {name}")).because(&error);
    if path == Path::new("-") {
        return line(&mut io::stdin().lock())
            .map_err(failed)
            .and_then(|text| checked(&text, "standard input"));
    }
    let mut file = File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if meta.is_file() && meta.mode() & 0o077 != 0 {
        return Err(ApiError::invalid(format!("{name} can be read by others; give it mode 0600")));
    }
    line(&mut file).map_err(failed).and_then(|text| checked(&text, &name))
}

struct Echo {
    terminal: File,
    before: Termios,
}

impl Drop for Echo {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(&self.terminal, OptionalActions::Drain, &self.before);
    }
}

/// The first line, without its end.
fn line(from: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(SECRET_BYTES_MAX + 1));
    let mut byte = [0];
    while text.len() <= SECRET_BYTES_MAX && from.read(&mut byte)? == 1 && byte[0] != b'\n' {
        text.push(byte[0]);
    }
    if text.last() == Some(&b'\r') {
        text.pop();
    }
    Ok(text)
}

fn checked(text: &[u8], place: &str) -> Result<SecretText, ApiError> {
    match std::str::from_utf8(text) {
        Ok("") => Err(ApiError::invalid(format!("no secret came from {place}"))),
        Ok(text) if text.len() <= SECRET_BYTES_MAX => Ok(SecretText::new(text.to_owned())),
        Ok(_) | Err(_) => {
            Err(ApiError::invalid(format!("what came from {place} is no secret: one line of text")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_file_must_be_private_and_gives_its_first_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, "c2VjcmV0\r\nnot this\n").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(from_file(&path).unwrap_err().message.contains("mode 0600"));
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(from_file(&path).unwrap().expose(), "c2VjcmV0");
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_quoted() {
        let long = "canary-".repeat(SECRET_BYTES_MAX);
        for text in ["", "\n", &long] {
            let read = line(&mut text.as_bytes()).unwrap();
            let error = checked(&read, "here").unwrap_err();
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }
}
