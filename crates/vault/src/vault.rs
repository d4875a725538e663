//! One vault, whatever its place.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use crate::file::AgeFile;
use crate::keychain::Keychain;
use crate::{SecretName, VaultError, given_passphrase};

/// Where a profile keeps its secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The operating system's keychain.
    Keychain,
    /// An age file whose passphrase a person types.
    File,
    /// The same file, its passphrase given by systemd as a credential.
    Credential,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keychain => "keychain",
            Self::File => "file",
            Self::Credential => "credential",
        })
    }
}

impl FromStr for Backend {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "keychain" => Ok(Self::Keychain),
            "file" => Ok(Self::File),
            "credential" => Ok(Self::Credential),
            other => Err(format!("`{other:.40}` is no vault; choose keychain, file or credential")),
        }
    }
}

/// Whether secrets can be read right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// They can.
    Open,
    /// Somebody must unlock it; the words say how.
    Locked(String),
    /// There is no such store here; the words say what to do.
    Absent(String),
}

/// How long one keychain operation may take before the answer is [`VaultError::Locked`]. Long enough for a slow
/// D-Bus activation, short enough that a failover never waits for a password dialog.
const KEYCHAIN_PATIENCE: Duration = Duration::from_secs(3);

/// The secrets of one profile.
pub struct Vault {
    backend: Backend,
    place: Place,
}

enum Place {
    Keychain(Keychain),
    File(AgeFile),
}

impl Vault {
    /// Makes a new vault in the profile directory. For [`Backend::File`] the passphrase is needed, for
    /// [`Backend::Credential`] it comes from systemd (or from the file that `SERVERSCTL_PASSPHRASE_FILE` names).
    /// `profile` sets the keychain's entries of one profile apart from another's.
    ///
    /// # Errors
    /// A vault that exists already, cannot be written, or fails the canary.
    pub fn create(
        backend: Backend,
        directory: &Path,
        profile: &str,
        passphrase: Option<SecretString>,
    ) -> Result<Self, VaultError> {
        let place = match backend {
            Backend::Keychain => Place::Keychain(Keychain::open(profile, KEYCHAIN_PATIENCE)),
            Backend::File | Backend::Credential => {
                let passphrase = passphrase.map_or_else(given_passphrase, |given| Ok(Some(given)))?;
                let passphrase = passphrase.ok_or_else(|| VaultError::Locked(how_to_unlock(backend)))?;
                Place::File(AgeFile::create(directory, &passphrase)?)
            }
        };
        let vault = Self { backend, place };
        vault.probe()?;
        Ok(vault)
    }

    /// Takes away what a making of this vault that was cut off has left: its files, and the secrets of these names. A
    /// keychain that cannot be asked keeps them; nobody looks for them again.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn discard(
        backend: Backend,
        directory: &Path,
        profile: &str,
        names: &[SecretName],
    ) -> Result<(), VaultError> {
        match backend {
            Backend::Keychain => {
                let keychain = Keychain::open(profile, KEYCHAIN_PATIENCE);
                // The first that is refused says that the others will be.
                let _ = names.iter().chain([&canary()]).try_for_each(|name| keychain.remove(name));
                Ok(())
            }
            Backend::File | Backend::Credential => AgeFile::discard(directory),
        }
    }

    /// Opens the vault of a profile. Never waits and never asks: a file without a given passphrase is opened locked.
    ///
    /// # Errors
    /// A given passphrase that is wrong or cannot be read; a damaged file.
    pub fn open(backend: Backend, directory: &Path, profile: &str) -> Result<Self, VaultError> {
        let place = match backend {
            Backend::Keychain => Place::Keychain(Keychain::open(profile, KEYCHAIN_PATIENCE)),
            Backend::File | Backend::Credential => {
                let file = AgeFile::open(directory)?;
                if let Some(passphrase) = given_passphrase()? {
                    file.unlock(&passphrase)?;
                }
                Place::File(file)
            }
        };
        Ok(Self { backend, place })
    }

    /// Where the secrets are.
    pub const fn backend(&self) -> Backend {
        self.backend
    }

    /// Where the secrets are, in words for people.
    pub const fn place(&self) -> &'static str {
        match self.backend {
            Backend::Keychain => "this computer's keychain",
            Backend::File => "the passphrase file of this profile",
            Backend::Credential => "the profile's file under systemd's credential",
        }
    }

    /// Unlocks a file with its passphrase; a keychain unlocks itself.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], or a damaged file.
    pub fn unlock(&self, passphrase: &SecretString) -> Result<(), VaultError> {
        match &self.place {
            Place::Keychain(keychain) => {
                let _alone = PROBING.lock().unwrap_or_else(PoisonError::into_inner);
                keychain.unlock(&canary())?;
                self.probe_alone()
            }
            Place::File(file) => file.unlock(passphrase),
        }
    }

    /// Whether secrets can be read right now. Nothing is written, so it may be asked every few seconds; a keychain that
    /// waits for a person may take some seconds to answer.
    pub fn state(&self) -> State {
        let looked = match &self.place {
            Place::Keychain(keychain) => keychain.look(&canary()),
            Place::File(_) => self.get(&canary()).map(drop),
        };
        match looked {
            Ok(()) | Err(VaultError::Missing(_)) => State::Open,
            Err(VaultError::Absent(why)) => State::Absent(why),
            Err(VaultError::Locked(why)) => State::Locked(why),
            Err(error) => State::Locked(error.to_string()),
        }
    }

    /// Writes, reads and deletes a canary.
    ///
    /// # Errors
    /// Whatever stands between us and the secrets.
    pub fn probe(&self) -> Result<(), VaultError> {
        let _alone = PROBING.lock().unwrap_or_else(PoisonError::into_inner);
        self.probe_alone()
    }

    fn probe_alone(&self) -> Result<(), VaultError> {
        let name = canary();
        let canary = SecretString::from(CANARY);
        self.put(&name, &canary)?;
        let back = self.get(&name)?;
        self.remove(&name)?;
        if back.expose_secret() == CANARY {
            return Ok(());
        }
        Err(VaultError::Absent("it does not give back what it was given".to_owned()))
    }

    /// The secret with this name.
    ///
    /// # Errors
    /// [`VaultError::Missing`] when the vault is open and holds none.
    pub fn get(&self, name: &SecretName) -> Result<SecretString, VaultError> {
        match &self.place {
            Place::Keychain(keychain) => keychain.get(name),
            Place::File(file) => file.get(name).map_err(|error| self.with_words(error)),
        }
    }

    /// Keeps a secret under this name, on disk before it returns; an older one is replaced.
    ///
    /// # Errors
    /// Whatever stands between us and the secrets.
    pub fn put(&self, name: &SecretName, secret: &SecretString) -> Result<(), VaultError> {
        match &self.place {
            Place::Keychain(keychain) => keychain.put(name, secret),
            Place::File(file) => file.put(name, secret).map_err(|error| self.with_words(error)),
        }
    }

    /// Forgets the secret with this name; one that is not there is forgotten already.
    ///
    /// # Errors
    /// Whatever stands between us and the secrets.
    pub fn remove(&self, name: &SecretName) -> Result<(), VaultError> {
        match &self.place {
            Place::Keychain(keychain) => keychain.remove(name),
            Place::File(file) => file.remove(name).map_err(|error| self.with_words(error)),
        }
    }

    fn with_words(&self, error: VaultError) -> VaultError {
        if matches!(error, VaultError::Locked(_)) {
            VaultError::Locked(how_to_unlock(self.backend))
        } else {
            error
        }
    }
}

/// Two probes at once would take away each other's canary, and an open vault would be called locked.
static PROBING: Mutex<()> = Mutex::new(());

/// What the probe writes; no secret.
const CANARY: &str = "serversctl canary";

fn canary() -> SecretName {
    SecretName::new("canary")
}

fn how_to_unlock(backend: Backend) -> String {
    match backend {
        Backend::Keychain => "unlock this computer's keychain, then try again".to_owned(),
        Backend::File => "type its passphrase, or name a file with it (mode 0600) in SERVERSCTL_PASSPHRASE_FILE".to_owned(),
        Backend::Credential => "systemd gave no credential `serversctl-passphrase`; add LoadCredential= (or \
                                LoadCredentialEncrypted=) to the unit, or name a file in SERVERSCTL_PASSPHRASE_FILE"
            .to_owned(),
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("backend", &self.backend).finish_non_exhaustive()
    }
}
