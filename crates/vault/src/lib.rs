//! Secrets by name: the operating system's keychain, an age file under a passphrase, or that file with the passphrase
//! given by systemd as a credential.
//!
//! The place is chosen once, when a profile is made, and never fallen back from: a vault that cannot be read says so
//! ([`VaultError::Locked`], [`VaultError::Absent`]) and the caller goes on without secrets. Nothing here waits for a
//! person: a keychain that asks for its password on the screen is given a few seconds on a thread of its own, then
//! the answer is `Locked` until it has come back.
//!
//! The crate does not know what a secret is for. Secrets live in `secrecy` types, are wiped when dropped, and stand in
//! no error and no `Debug`.
//!
//! Start reading at [`Vault`].
#![warn(missing_docs)]

mod error;
mod file;
mod keychain;
mod name;
mod passphrase;
mod vault;

pub use error::VaultError;
pub use name::SecretName;
pub use passphrase::{CREDENTIAL, PASSPHRASE_FILE_ENV, given_passphrase, read_passphrase_file};
pub use secrecy::{ExposeSecret, SecretString};
pub use vault::{Backend, State, Vault};
