//! Where a passphrase may come from without ever standing in argv.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use zeroize::{Zeroize as _, Zeroizing};

use crate::VaultError;

/// Names a file (mode 0600) that holds the passphrase.
pub const PASSPHRASE_FILE_ENV: &str = "SERVERSCTL_PASSPHRASE_FILE";
/// The systemd credential that holds the passphrase: `LoadCredential=serversctl-passphrase:…`.
pub const CREDENTIAL: &str = "serversctl-passphrase";

/// Longest passphrase file.
const PASSPHRASE_BYTES_MAX: u64 = 4096;

/// The passphrase that systemd gave as a credential, else the one in the file that [`PASSPHRASE_FILE_ENV`] names.
///
/// # Errors
/// A file that is named but cannot be used.
pub fn given_passphrase() -> Result<Option<SecretString>, VaultError> {
    if let Some(directory) = std::env::var_os("CREDENTIALS_DIRECTORY") {
        let path = PathBuf::from(directory).join(CREDENTIAL);
        if path.exists() {
            // systemd made this directory for this service alone; its modes are systemd's business.
            return read(&path).map(Some);
        }
    }
    std::env::var_os(PASSPHRASE_FILE_ENV).map(|path| read_passphrase_file(Path::new(&path))).transpose()
}

/// Reads a passphrase file that nobody but its owner may read.
///
/// # Errors
/// [`VaultError::Exposed`] when others could read it; a file that cannot be read or holds no text.
pub fn read_passphrase_file(path: &Path) -> Result<SecretString, VaultError> {
    let failed =
        |source| VaultError::File { action: "reading the passphrase file", path: path.to_owned(), source };
    let meta = std::fs::metadata(path).map_err(failed)?;
    if meta.mode() & 0o077 != 0 {
        return Err(VaultError::Exposed(path.to_owned()));
    }
    read(path)
}

fn read(path: &Path) -> Result<SecretString, VaultError> {
    let failed =
        |source| VaultError::File { action: "reading the passphrase file", path: path.to_owned(), source };
    let damaged = |why: &str| VaultError::Damaged { path: path.to_owned(), why: why.to_owned() };
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)
        .and_then(|file| file.take(PASSPHRASE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > PASSPHRASE_BYTES_MAX {
        return Err(damaged("it is longer than 4 KiB"));
    }
    let mut text = String::from_utf8(std::mem::take(&mut *bytes)).map_err(|error| {
        error.into_bytes().zeroize();
        damaged("it is not UTF-8 text")
    })?;
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    if text.is_empty() {
        return Err(damaged("it is empty"));
    }
    Ok(SecretString::from(text))
}
