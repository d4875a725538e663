//! What the agent remembers over a restart: who it is, the documents, the relay's ledger, how often it started.
//!
//! A torn identity or torn documents stop the agent, since nothing else can tell whom it may believe. A torn ledger
//! does not: a member that says nothing would look dead. It is moved aside, and the relay then starts as one that
//! lost its ledger: it grants no lease for 22 s and has no baselines, so its word about others does not count yet.

use std::path::PathBuf;

use model::{FleetId, MemberId};
use protocol::docs::{DocKind, Shelf, ShelfError, SignedDoc};
use protocol::{PublicKey, SecretKey, relay};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::disk::{self, DiskError};
use crate::keeper::Page;
use crate::layout::Layout;

/// Why the agent cannot start from what it remembers.
#[derive(Debug, Error)]
pub enum StateError {
    /// Nothing was ever remembered.
    #[error("this host is not enrolled; run: sudo balctl-agent enrol")]
    NotEnrolled,
    /// A file cannot be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The kept key is no key.
    #[error("the kept identity holds no key; enrol this host again")]
    Key,
    /// The kept rosters do not hold together.
    #[error("the kept rosters do not hold; enrol this host again")]
    Rosters(#[source] ShelfError),
}

/// Who this agent is. Its key is wiped on drop and never shown.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The key.
    pub key: SecretKey,
    /// Its id in the roster.
    pub member: MemberId,
    /// The fleet it belongs to.
    pub fleet: FleetId,
}

#[derive(Serialize, Deserialize, ZeroizeOnDrop)]
#[serde(rename_all = "camelCase")]
struct IdentityFile {
    key: String,
    #[zeroize(skip)]
    member: MemberId,
    #[zeroize(skip)]
    fleet: FleetId,
}

#[derive(Serialize, Deserialize)]
struct Starts {
    incarnation: u64,
}

/// The files of one agent.
#[derive(Clone, Debug)]
pub struct State {
    dir: PathBuf,
}

/// What a start found.
#[derive(Debug)]
pub struct Remembered {
    /// Who the agent is.
    pub identity: Identity,
    /// The documents.
    pub shelf: Shelf,
    /// The relay's ledger; none when it was lost.
    pub ledger: Option<relay::Kept>,
    /// What a person should hear about.
    pub notes: Vec<String>,
}

const IDENTITY: &str = "identity";
const DOCUMENTS: &str = "documents";
const LEDGER: &str = "ledger";
const STARTS: &str = "starts";
/// Everything that an enrolment replaces.
const FILES: [&str; 4] = [IDENTITY, DOCUMENTS, LEDGER, STARTS];

impl State {
    /// The files below a layout.
    pub fn new(layout: &Layout) -> Self {
        Self { dir: layout.state() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Reads everything back.
    ///
    /// # Errors
    /// Not enrolled, or identity or rosters cannot be believed.
    pub fn read(&self) -> Result<Remembered, StateError> {
        let identity = self.identity()?.ok_or(StateError::NotEnrolled)?;
        let documents: Vec<SignedDoc> =
            disk::read_sealed(&self.at(DOCUMENTS))?.ok_or(StateError::NotEnrolled)?;
        let mut notes = Vec::new();
        let shelf = shelf_of(identity.fleet, documents, &mut notes)?;
        let ledger = match disk::read_sealed(&self.at(LEDGER)) {
            Ok(ledger) => ledger,
            Err(error @ (DiskError::Torn { .. } | DiskError::Format { .. })) => {
                notes.push(format!("{error}. It was moved to {LEDGER}.torn; the relay starts without it"));
                disk::rename(&self.at(LEDGER), &self.at("ledger.torn"))?;
                None
            }
            Err(error @ (DiskError::Read { .. } | DiskError::Write { .. })) => return Err(error.into()),
        };
        Ok(Remembered { identity, shelf, ledger, notes })
    }

    /// Reads who the agent is and its documents, and changes nothing: for `status`.
    ///
    /// # Errors
    /// As [`State::read`].
    pub fn look(&self) -> Result<(Identity, Shelf), StateError> {
        let identity = self.identity()?.ok_or(StateError::NotEnrolled)?;
        let documents: Vec<SignedDoc> =
            disk::read_sealed(&self.at(DOCUMENTS))?.ok_or(StateError::NotEnrolled)?;
        let shelf = shelf_of(identity.fleet, documents, &mut Vec::new())?;
        Ok((identity, shelf))
    }

    /// Who the agent is, if it is enrolled.
    ///
    /// # Errors
    /// The file is torn, or holds no key.
    pub fn identity(&self) -> Result<Option<Identity>, StateError> {
        let Some(file) = disk::read_sealed::<IdentityFile>(&self.at(IDENTITY))? else { return Ok(None) };
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(file.key.as_bytes(), &mut *bytes).map_err(|_| StateError::Key)?;
        Ok(Some(Identity { key: SecretKey::from_bytes(&bytes), member: file.member, fleet: file.fleet }))
    }

    /// Counts this start and gives its number. It rises under all circumstances: peers take a lower one for a machine
    /// that was set back.
    ///
    /// # Errors
    /// It cannot be written; a number that may come again must not be used.
    pub fn next_incarnation(&self, wall_s: u64, notes: &mut Vec<String>) -> Result<u64, StateError> {
        let last = match disk::read_sealed::<Starts>(&self.at(STARTS)) {
            Ok(starts) => starts.map_or(0, |starts| starts.incarnation),
            Err(error) => {
                // Seconds since 1970 are more than any host was ever started.
                notes.push(format!("{error}. The count of starts goes on from the wall clock"));
                wall_s
            }
        };
        let incarnation = last + 1;
        disk::write_sealed(&self.at(STARTS), &Starts { incarnation })?;
        Ok(incarnation)
    }

    /// Writes what an enrolment gave: documents first and the identity last, since it is what says "enrolled". What
    /// stood before is kept aside until [`State::forget_former`].
    ///
    /// # Errors
    /// The disk; what stood before is then put back.
    pub fn write_enrolled(
        &self,
        identity: &Identity,
        documents: &[SignedDoc],
        ledger: &relay::Kept,
    ) -> Result<(), StateError> {
        disk::make_private_dir(&self.dir)?;
        self.set_former_aside()?;
        let written = self.write_new(identity, documents, ledger);
        if written.is_err() {
            self.restore_former()?;
        }
        written
    }

    fn write_new(
        &self,
        identity: &Identity,
        documents: &[SignedDoc],
        ledger: &relay::Kept,
    ) -> Result<(), StateError> {
        disk::write_sealed(&self.at(DOCUMENTS), &documents)?;
        disk::write_sealed(&self.at(LEDGER), ledger)?;
        let key = hex::encode(*identity.key.to_bytes());
        let file = IdentityFile { key, member: identity.member, fleet: identity.fleet };
        disk::write_sealed(&self.at(IDENTITY), &file)?;
        Ok(())
    }

    fn set_former_aside(&self) -> Result<(), StateError> {
        for name in FILES {
            if self.at(name).exists() {
                disk::rename(&self.at(name), &self.at(&format!("{name}.old")))?;
            }
        }
        Ok(())
    }

    /// Puts back what stood before an enrolment that failed.
    ///
    /// # Errors
    /// The disk.
    pub fn restore_former(&self) -> Result<(), StateError> {
        for name in FILES {
            let former = self.at(&format!("{name}.old"));
            if former.exists() {
                disk::rename(&former, &self.at(name))?;
            } else {
                disk::remove(&self.at(name))?;
            }
        }
        Ok(())
    }

    /// Forgets what stood before an enrolment that succeeded.
    ///
    /// # Errors
    /// The disk.
    pub fn forget_former(&self) -> Result<(), StateError> {
        FILES.iter().try_for_each(|name| disk::remove(&self.at(&format!("{name}.old"))))?;
        Ok(())
    }

    /// The pages of what the relay wants kept.
    ///
    /// # Errors
    /// A value that cannot be written as JSON.
    pub fn pages(&self, to_save: &relay::ToSave) -> Result<Vec<Page>, DiskError> {
        let mut pages = Vec::with_capacity(2);
        if let Some(documents) = &to_save.docs {
            pages.push(Page::of(self.at(DOCUMENTS), documents)?);
        }
        if let Some(ledger) = &to_save.state {
            pages.push(Page::of(self.at(LEDGER), ledger)?);
        }
        Ok(pages)
    }
}

impl State {
    /// Writes what the relay wants kept, in this thread.
    ///
    /// # Errors
    /// The disk.
    pub fn write(&self, to_save: &relay::ToSave) -> Result<(), DiskError> {
        if let Some(documents) = &to_save.docs {
            disk::write_sealed(&self.at(DOCUMENTS), documents)?;
        }
        if let Some(ledger) = &to_save.state {
            disk::write_sealed(&self.at(LEDGER), ledger)?;
        }
        Ok(())
    }
}

impl Identity {
    /// The public half of the key.
    pub fn public(&self) -> PublicKey {
        self.key.public()
    }
}

/// Rosters must hold. A policy that no longer does (its signer was removed since) is left out: a console puts it
/// again, and until then the defaults of its pool are stricter than any policy.
fn shelf_of(fleet: FleetId, documents: Vec<SignedDoc>, notes: &mut Vec<String>) -> Result<Shelf, StateError> {
    let (rosters, policies): (Vec<_>, Vec<_>) =
        documents.into_iter().partition(|document| document.doc == DocKind::Roster);
    let mut shelf = Shelf::restored(fleet, rosters).map_err(StateError::Rosters)?;
    if shelf.roster().is_none() {
        return Err(StateError::NotEnrolled);
    }
    for policy in policies {
        if let Err(error) = shelf.put(policy) {
            notes.push(format!("a kept policy is left out: {error}"));
        }
    }
    Ok(shelf)
}
