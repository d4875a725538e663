//! Files that are whole or refused.
//!
//! Every state file is one header line (`sctl1 <bytes> <sha256>`) and its text. It is written to a temporary name,
//! synced, renamed and its directory synced, so a power cut leaves the old file or the new one. A file that does not
//! match its header was torn or edited: reading it fails in words and nothing is guessed from its remains.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::limits::STATE_FILE_BYTES_MAX;

const MAGIC: &str = "sctl1";

/// A file that could not be kept or read.
#[derive(Debug, Error)]
pub enum DiskError {
    /// Reading failed.
    #[error("could not read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Writing failed.
    #[error("could not write {path}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not what was written.
    #[error("{path} is torn or was edited ({why}); the agent does not guess: move it away, or enrol again")]
    Torn {
        /// Which file.
        path: PathBuf,
        /// What does not fit.
        why: &'static str,
    },
    /// The file is whole, but not understood.
    #[error("{path} is whole, but this version does not understand it")]
    Format {
        /// Which file.
        path: PathBuf,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
}

impl DiskError {
    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Write { .. } => true,
            Self::Read { .. } | Self::Torn { .. } | Self::Format { .. } => false,
        }
    }
}

/// Makes a directory and its parents, closed to everybody but root.
///
/// # Errors
/// What the system said.
pub fn make_private_dir(path: &Path) -> Result<(), DiskError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| DiskError::Write { path: path.into(), source })
}

/// Writes bytes as they are under a mode: whole or not at all.
///
/// # Errors
/// What the system said; the old file then still stands.
pub fn write_plain(path: &Path, bytes: &[u8], mode: u32) -> Result<(), DiskError> {
    replace(path, &[bytes], mode).map_err(|source| DiskError::Write { path: path.into(), source })
}

/// Writes a value under its header, readable by root only.
///
/// # Errors
/// What the system said; the old file then still stands.
pub fn write_sealed<T: Serialize>(path: &Path, value: &T) -> Result<(), DiskError> {
    write_sealed_text(path, &text_of(path, value)?)
}

/// A value as the text that is sealed.
///
/// # Errors
/// It cannot be written as JSON.
pub fn text_of<T: Serialize>(path: &Path, value: &T) -> Result<Zeroizing<Vec<u8>>, DiskError> {
    let text = serde_json::to_vec(value).map_err(|source| DiskError::Format { path: path.into(), source })?;
    Ok(Zeroizing::new(text))
}

/// Writes a text under its header, readable by root only.
///
/// # Errors
/// What the system said; the old file then still stands.
pub fn write_sealed_text(path: &Path, text: &[u8]) -> Result<(), DiskError> {
    let header = format!("{MAGIC} {} {}\n", text.len(), hex::encode(Sha256::digest(text)));
    replace(path, &[header.as_bytes(), text], 0o600)
        .map_err(|source| DiskError::Write { path: path.into(), source })
}

/// Reads a value back; none when the file does not exist.
///
/// # Errors
/// The file cannot be read, is torn, or is not understood.
pub fn read_sealed<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, DiskError> {
    let Some(bytes) = read_bounded(path, STATE_FILE_BYTES_MAX)? else { return Ok(None) };
    let torn = |why| DiskError::Torn { path: path.into(), why };
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(|| torn("no header"))?;
    let header = std::str::from_utf8(&bytes[..end]).map_err(|_| torn("no header"))?;
    let mut words = header.split(' ');
    let (magic, len, digest) = (words.next(), words.next(), words.next());
    if magic != Some(MAGIC) || words.next().is_some() {
        return Err(torn("no header"));
    }
    let text = &bytes[end + 1..];
    if len.and_then(|len| len.parse().ok()) != Some(text.len()) {
        return Err(torn("its length differs"));
    }
    if digest != Some(hex::encode(Sha256::digest(text)).as_str()) {
        return Err(torn("its digest differs"));
    }
    let value =
        serde_json::from_slice(text).map_err(|source| DiskError::Format { path: path.into(), source })?;
    Ok(Some(value))
}

/// Reads a file of at most `bytes_max`; none when it does not exist.
///
/// # Errors
/// The file cannot be read or is too large.
pub fn read_bounded(path: &Path, bytes_max: u64) -> Result<Option<Zeroizing<Vec<u8>>>, DiskError> {
    let read = |source| DiskError::Read { path: path.into(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(read(error)),
    };
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(read)?;
    if bytes.len() as u64 > bytes_max {
        return Err(DiskError::Torn { path: path.into(), why: "it is larger than any the agent writes" });
    }
    Ok(Some(bytes))
}

/// Removes a file and syncs its directory; a file that is not there is fine.
///
/// # Errors
/// What the system said.
pub fn remove(path: &Path) -> Result<(), DiskError> {
    let write = |source| DiskError::Write { path: path.into(), source };
    match fs::remove_file(path) {
        Ok(()) => sync_dir(path).map_err(write),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(write(error)),
    }
}

/// Renames a file and syncs its directory.
///
/// # Errors
/// What the system said.
pub fn rename(from: &Path, to: &Path) -> Result<(), DiskError> {
    let write = |source| DiskError::Write { path: to.into(), source };
    fs::rename(from, to).map_err(write)?;
    sync_dir(to).map_err(write)
}

fn replace(path: &Path, parts: &[&[u8]], mode: u32) -> io::Result<()> {
    let mut name = path.file_name().map(ToOwned::to_owned).unwrap_or_default();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    // A leftover of a cut run may have another mode or be a link: never write through it.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    for part in parts {
        file.write_all(part)?;
    }
    // The process's umask must not decide: a unit or a client has to read some of these.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_dir(path)
}

fn sync_dir(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_comes_back_and_is_closed_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger");
        assert_eq!(read_sealed::<Vec<u32>>(&path).unwrap(), None);
        write_sealed(&path, &vec![1, 2, 3]).unwrap();
        write_sealed(&path, &vec![4, 5]).unwrap();
        assert_eq!(read_sealed::<Vec<u32>>(&path).unwrap(), Some(vec![4, 5]));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_leftover_link_is_not_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let (path, victim) = (dir.path().join("identity"), dir.path().join("victim"));
        fs::write(&victim, "untouched").unwrap();
        std::os::unix::fs::symlink(&victim, dir.path().join("identity.tmp")).unwrap();
        write_sealed(&path, &7).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
        assert_eq!(read_sealed::<u32>(&path).unwrap(), Some(7));
    }

    #[test]
    fn a_directory_that_cannot_be_written_names_the_file() {
        let error = write_sealed(Path::new("/proc/no-such-place/ledger"), &1).unwrap_err();
        assert_eq!(error.to_string(), "could not write /proc/no-such-place/ledger");
        assert!(error.is_transient());
    }

    proptest! {
        #[test]
        fn no_cut_and_no_flipped_bit_is_taken_for_the_value(cut in 0usize..120, flip in 0usize..120, bit in 0u8..8) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("ledger");
            write_sealed(&path, &"a value of some length, as ledgers are").unwrap();
            let whole = fs::read(&path).unwrap();
            let mut broken = whole.clone();
            broken.truncate(cut.min(whole.len()));
            if let Some(byte) = broken.get_mut(flip) {
                *byte ^= 1 << bit;
            }
            prop_assume!(broken != whole);
            fs::write(&path, &broken).unwrap();
            let error = read_sealed::<String>(&path).unwrap_err();
            prop_assert!(matches!(error, DiskError::Torn { .. }), "{error}");
            prop_assert!(!error.is_transient());
        }
    }
}
