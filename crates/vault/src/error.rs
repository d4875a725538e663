//! What can go wrong, in words that say what to do.

use std::io;
use std::path::PathBuf;

use crate::SecretName;

/// A vault's refusal or failure. No variant ever holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// It exists, but somebody must unlock it; the words say how.
    #[error("the vault is locked: {0}")]
    Locked(String),
    /// There is no such store on this computer; the words say what to do.
    #[error("there is no vault here: {0}")]
    Absent(String),
    /// The passphrase does not open it.
    #[error("this passphrase does not open the vault")]
    WrongPassphrase,
    /// It is open and holds no such secret.
    #[error("the vault holds no secret called `{0}`")]
    Missing(SecretName),
    /// A passphrase file that others could read.
    #[error("the passphrase file {0} can be read by others; give it mode 0600")]
    Exposed(PathBuf),
    /// A file of the vault could not be read or written.
    #[error("{action} {path}")]
    File {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A file of the vault is damaged.
    #[error("the vault file {path} is damaged: {why}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The keychain refused one operation.
    #[error("the keychain refused to {action} `{name}`: {why}")]
    Keychain {
        /// What was being done.
        action: &'static str,
        /// With which secret.
        name: SecretName,
        /// Its own words.
        why: String,
    },
}

impl VaultError {
    /// Whether the same call may work later without any change of ours.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Locked(_) => true,
            Self::Absent(_)
            | Self::WrongPassphrase
            | Self::Missing(_)
            | Self::Exposed(_)
            | Self::File { .. }
            | Self::Damaged { .. }
            | Self::Keychain { .. } => false,
        }
    }
}
