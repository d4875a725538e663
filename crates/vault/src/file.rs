//! The passphrase file: `vault.key` holds an age identity under the passphrase, `vault.age` the secrets for that
//! identity. Two files, because the passphrase costs a slow hash by design and is paid once per start, not once per
//! write. Every write goes to a new file, is synced, and then takes the old one's place.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use age::secrecy::{ExposeSecret as _, SecretString};
use age::{DecryptError, scrypt, x25519};
use zeroize::Zeroizing;

use crate::{SecretName, VaultError};

/// scrypt's N = 2^16: 64 MiB and about a quarter of a second, once per start.
const WORK_FACTOR: u8 = 16;
/// What a key file may ask for at most: 1 GiB. More is an attack or a mistake.
const WORK_FACTOR_MAX: u8 = 20;
/// A file larger than this is not ours.
const FILE_BYTES_MAX: u64 = 8 << 20;

pub(crate) struct AgeFile {
    key_path: PathBuf,
    path: PathBuf,
    open: Mutex<Option<Open>>,
}

struct Open {
    identity: x25519::Identity,
    secrets: BTreeMap<String, SecretString>,
}

impl AgeFile {
    pub(crate) fn create(directory: &Path, passphrase: &SecretString) -> Result<Self, VaultError> {
        let file = Self::at(directory);
        if file.key_path.exists() {
            return Err(VaultError::File {
                action: "creating",
                path: file.key_path,
                source: io::ErrorKind::AlreadyExists.into(),
            });
        }
        let identity = x25519::Identity::generate();
        let mut recipient = scrypt::Recipient::new(passphrase.clone());
        recipient.set_work_factor(WORK_FACTOR);
        let sealed = encrypt(&recipient, identity.to_string().expose_secret().as_bytes(), &file.key_path)?;
        let open = Open { identity, secrets: BTreeMap::new() };
        // The secrets first: a key without secrets would look damaged after a crash between the two.
        file.save(&open)?;
        replace(&file.key_path, &sealed)?;
        *file.lock() = Some(open);
        Ok(file)
    }

    /// Removes the key first: secrets without a key are nothing, a key without secrets would look damaged.
    pub(crate) fn discard(directory: &Path) -> Result<(), VaultError> {
        let file = Self::at(directory);
        for path in [&file.key_path, &file.path] {
            match std::fs::remove_file(path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(VaultError::File { action: "removing", path: path.clone(), source });
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    pub(crate) fn open(directory: &Path) -> Result<Self, VaultError> {
        let file = Self::at(directory);
        if !file.key_path.exists() {
            return Err(VaultError::Absent(format!("{} does not exist", file.key_path.display())));
        }
        Ok(file)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is non-exhaustive, and the rest is damage")]
    pub(crate) fn unlock(&self, passphrase: &SecretString) -> Result<(), VaultError> {
        let mut hard = scrypt::Identity::new(passphrase.clone());
        hard.set_max_work_factor(WORK_FACTOR_MAX);
        let sealed = read(&self.key_path)?;
        let text = age::decrypt(&hard, &sealed).map(Zeroizing::new).map_err(|error| match error {
            DecryptError::DecryptionFailed
            | DecryptError::KeyDecryptionFailed
            | DecryptError::NoMatchingKeys => VaultError::WrongPassphrase,
            other => damaged(&self.key_path, &other.to_string()),
        })?;
        let text = std::str::from_utf8(&text).map_err(|_| damaged(&self.key_path, "its key is no text"))?;
        let identity = x25519::Identity::from_str(text).map_err(|why| damaged(&self.key_path, why))?;
        let plain = age::decrypt(&identity, &read(&self.path)?)
            .map(Zeroizing::new)
            .map_err(|error| damaged(&self.path, &error.to_string()))?;
        // serde's own words could quote a secret, so they are left out.
        let secrets: BTreeMap<String, SecretString> =
            serde_json::from_slice::<BTreeMap<String, String>>(&plain)
                .map_err(|_| damaged(&self.path, "it holds no list of secrets"))?
                .into_iter()
                .map(|(name, secret)| (name, SecretString::from(secret)))
                .collect();
        *self.lock() = Some(Open { identity, secrets });
        Ok(())
    }

    pub(crate) fn get(&self, name: &SecretName) -> Result<SecretString, VaultError> {
        let guard = self.lock();
        let open = guard.as_ref().ok_or_else(locked)?;
        open.secrets.get(name.as_str()).cloned().ok_or_else(|| VaultError::Missing(name.clone()))
    }

    pub(crate) fn put(&self, name: &SecretName, secret: &SecretString) -> Result<(), VaultError> {
        self.edit(|secrets| secrets.insert(name.as_str().to_owned(), secret.clone()))
    }

    pub(crate) fn remove(&self, name: &SecretName) -> Result<(), VaultError> {
        self.edit(|secrets| secrets.remove(name.as_str()))
    }

    /// Changes the list on disk first; memory follows only when the disk did.
    fn edit<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, SecretString>) -> T,
    ) -> Result<(), VaultError> {
        let mut guard = self.lock();
        let open = guard.as_mut().ok_or_else(locked)?;
        let before = open.secrets.clone();
        change(&mut open.secrets);
        self.save(open).inspect_err(|_| open.secrets = before)
    }

    fn save(&self, open: &Open) -> Result<(), VaultError> {
        let list: BTreeMap<&str, &str> =
            open.secrets.iter().map(|(name, secret)| (name.as_str(), secret.expose_secret())).collect();
        // Room for every byte escaped, so that the buffer never moves and leaves a copy behind.
        let room = list.iter().map(|(name, secret)| 6 * (name.len() + secret.len()) + 8).sum::<usize>() + 2;
        let mut plain = Zeroizing::new(Vec::with_capacity(room));
        serde_json::to_writer(&mut *plain, &list).map_err(|error| damaged(&self.path, &error.to_string()))?;
        replace(&self.path, &encrypt(&open.identity.to_public(), &plain, &self.path)?)
    }

    fn at(directory: &Path) -> Self {
        Self {
            key_path: directory.join("vault.key"),
            path: directory.join("vault.age"),
            open: Mutex::new(None),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        // Memory is changed only in whole steps, so a panic elsewhere leaves nothing half done.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn locked() -> VaultError {
    VaultError::Locked("it needs its passphrase".to_owned())
}

fn damaged(path: &Path, why: &str) -> VaultError {
    VaultError::Damaged { path: path.to_owned(), why: why.to_owned() }
}

fn encrypt(recipient: &impl age::Recipient, plain: &[u8], path: &Path) -> Result<Vec<u8>, VaultError> {
    age::encrypt(recipient, plain).map_err(|error| VaultError::File {
        action: "encrypting",
        path: path.to_owned(),
        source: io::Error::other(error.to_string()),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, VaultError> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(|source| VaultError::File { action: "reading", path: path.to_owned(), source })?;
    Ok(bytes)
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    let fresh = path.with_added_extension("new");
    write_synced(&fresh, bytes)
        .and_then(|()| std::fs::rename(&fresh, path))
        .and_then(|()| File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all())
        .map_err(|source| VaultError::File { action: "writing", path: path.to_owned(), source })
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
