//! A profile on disk: its lock, its identity, its place. One process holds it at a time.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use model::{ConsoleId, FleetId};
use protocol::docs::{DocKind, Policy, Roster, SignedDoc};
use protocol::key::SecretKey;
use secrecy::{ExposeSecret as _, SecretString};
use store::{Document, DocumentKind, Store};
use vault::{Backend, SecretName, Vault};

use crate::fleet::Fleet;
use crate::pen::off_the_runtime;
use crate::random;

/// The lock of a profile directory, held as long as this lives.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Somebody else hosts the profile.
#[derive(Debug)]
pub(crate) struct Taken {
    /// Its pid, for people.
    pub(crate) pid: Option<u32>,
}

impl Lock {
    /// Takes the lock, or says who has it.
    pub(crate) fn take(directory: &Path) -> anyhow::Result<Result<Self, Taken>> {
        let path = directory.join("host.lock");
        let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.with_context(|| format!("opening {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                writeln!(file, "{}", std::process::id())?;
                Ok(Ok(Self { _file: file }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = file.read_to_string(&mut text);
                Ok(Err(Taken { pid: text.trim().parse().ok() }))
            }
            Err(TryLockError::Error(error)) => Err(error).context("locking the profile"),
        }
    }
}

/// Makes the profile directory, for its owner's eyes only.
pub(crate) fn make_directory(directory: &Path) -> anyhow::Result<PathBuf> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(directory)
        .with_context(|| format!("making the profile directory {}", directory.display()))?;
    guard_directory(directory)?;
    directory.canonicalize().with_context(|| format!("resolving {}", directory.display()))
}

/// A directory that was there before may stand open: it is closed, or refused when it belongs to somebody else.
#[cfg(unix)]
fn guard_directory(directory: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let meta = std::fs::metadata(directory).with_context(|| format!("looking at {}", directory.display()))?;
    let own = rustix::process::geteuid().as_raw();
    if meta.uid() != own {
        anyhow::bail!("{} belongs to user {}, this is user {own}", directory.display(), meta.uid());
    }
    if meta.mode() & 0o077 != 0 {
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700))
            .with_context(|| format!("closing {} to other users", directory.display()))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn guard_directory(_: &Path) -> anyhow::Result<()> {
    Ok(())
}

/// The facts of a profile that was made.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) console: ConsoleId,
    pub(crate) name: String,
    pub(crate) fleet: Option<FleetId>,
    pub(crate) backend: Backend,
}

/// Reads what a profile is; none when it was never made.
pub(crate) fn facts(store: &Store) -> anyhow::Result<Option<Facts>> {
    let Some(console) = store.profile("console")? else { return Ok(None) };
    let must = |value: Option<String>, what: &'static str| {
        value.with_context(|| format!("the profile has no {what}; its database is not whole"))
    };
    let backend = must(store.profile("vault")?, "vault")?;
    Ok(Some(Facts {
        console: console.parse().context("reading the console's id")?,
        name: must(store.profile("name")?, "name")?,
        fleet: store
            .profile("fleet")?
            .map(|text| text.parse())
            .transpose()
            .context("reading the fleet's id")?,
        backend: backend.parse().map_err(anyhow::Error::msg)?,
    }))
}

/// The name under which the console's key lies in the vault.
fn key_name() -> SecretName {
    SecretName::new("console-key")
}

/// Makes a console's key and keeps it.
pub(crate) fn make_key(vault: &Vault) -> anyhow::Result<SecretKey> {
    let bytes = zeroize::Zeroizing::new(random::bytes::<32>());
    off_the_runtime(|| vault.put(&key_name(), &SecretString::from(hex::encode(*bytes))))?;
    Ok(SecretKey::from_bytes(&bytes))
}

/// The console's key out of the vault.
pub(crate) fn read_key(vault: &Vault) -> anyhow::Result<SecretKey> {
    let text = off_the_runtime(|| vault.get(&key_name()))?;
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.expose_secret(), &mut *bytes)
        .context("reading the console's key out of the vault")?;
    Ok(SecretKey::from_bytes(&bytes))
}

/// Notes what is about to be made, before anything of it lies outside of the database. What an earlier making that was
/// cut off has left is taken away first: nothing ever counted on it.
pub(crate) fn begin(
    store: &Store,
    directory: &Path,
    console: ConsoleId,
    backend: Backend,
) -> anyhow::Result<()> {
    if let Some(left) = store.making()? {
        let (console, backend) = left.split_once(' ').context("reading what was about to be made")?;
        let backend = backend.parse().map_err(anyhow::Error::msg)?;
        Vault::discard(backend, directory, console, &[key_name()])
            .context("taking away what an unfinished profile has left")?;
    }
    store.set_making(&format!("{console} {backend}"))?;
    Ok(())
}

/// Writes what a profile is and its fleet's documents, all in one: before it there is no profile, or the one before.
pub(crate) fn found(store: &Store, facts: &Facts, docs: &[SignedDoc]) -> anyhow::Result<()> {
    let console = facts.console.to_string();
    let backend = facts.backend.to_string();
    let fleet = facts.fleet.context("a profile belongs to a fleet from its first day")?.to_string();
    let rows = docs.iter().map(document_of).collect::<anyhow::Result<Vec<_>>>()?;
    let facts = [("console", &*console), ("name", &facts.name), ("vault", &backend), ("fleet", &fleet)];
    store.found(&facts, &rows)?;
    Ok(())
}

/// A signed document as the store keeps it.
pub(crate) fn document_of(doc: &SignedDoc) -> anyhow::Result<(DocumentKind, Document)> {
    let kind = doc.doc.kind();
    let (kept, version) = match doc.doc {
        DocKind::Roster => (DocumentKind::Roster, doc.signed.peek::<Roster>(kind)?.version),
        DocKind::Policy => {
            let policy = doc.signed.peek::<Policy>(kind)?;
            (DocumentKind::Policy(policy.pool), policy.version)
        }
    };
    let json = serde_json::to_string(doc)?;
    Ok((kept, Document { version, hash: doc.signed.hash().to_string(), json }))
}

/// The fleet as it lies on disk.
pub(crate) fn read_fleet(store: &Store, facts: &Facts, key: SecretKey) -> anyhow::Result<Option<Fleet>> {
    let Some(fleet) = facts.fleet else { return Ok(None) };
    let mut docs = Vec::new();
    let rosters = store.rosters()?.into_iter().map(|document| document.json);
    let policies = store.policies()?.into_iter().map(|(_, document)| document.json);
    for json in rosters.chain(policies) {
        docs.push(serde_json::from_str::<SignedDoc>(&json).context("reading a document back")?);
    }
    Fleet::restored(facts.console, &facts.name, key, fleet, docs).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_one_host_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let first = Lock::take(directory.path()).unwrap().unwrap();
        let taken = Lock::take(directory.path()).unwrap().unwrap_err();
        assert_eq!(taken.pid, Some(std::process::id()));
        drop(first);
        assert!(Lock::take(directory.path()).unwrap().is_ok());
    }

    #[test]
    fn a_directory_that_stood_open_is_closed() {
        use std::os::unix::fs::PermissionsExt as _;
        let outer = tempfile::tempdir().unwrap();
        let open = outer.path().join("profile");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
        make_directory(&open).unwrap();
        assert_eq!(std::fs::metadata(&open).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
