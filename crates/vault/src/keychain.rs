//! The operating system's keychain, asked on a thread of its own.
//!
//! A keychain may wait for a person: a locked collection shows a password dialog and the call returns when somebody
//! answers it, perhaps never. So every call has a patience; when it runs out the answer is `Locked`, and until the
//! thread has come back every further call is `Locked` at once instead of queueing behind the dialog. Calls that come
//! together while the keychain answers take turns.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::{SecretName, VaultError};

pub(crate) struct Keychain {
    service: String,
    patience: Duration,
    answerer: fn() -> Answerer,
    asks: OnceLock<SyncSender<Ask>>,
    turn: Arc<Turn>,
}

/// Whose turn it is: the keychain answers one call at a time.
#[derive(Default)]
struct Turn {
    /// Since when a call is under way.
    began: Mutex<Option<Instant>>,
    ended: Condvar,
}

impl Turn {
    /// Waits until the keychain is free, and takes it. Gives up once the call that holds it has outlived its patience,
    /// which is at once for everybody who comes later.
    fn take(&self, patience: Duration) -> Result<(), VaultError> {
        let mut began = self.began.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let Some(since) = *began else {
                *began = Some(Instant::now());
                return Ok(());
            };
            let Some(left) = patience.checked_sub(since.elapsed()).filter(|left| !left.is_zero()) else {
                return Err(waits());
            };
            began = self.ended.wait_timeout(began, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn end(&self) {
        *self.began.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.ended.notify_one();
    }
}

/// What really answers, made on the thread that uses it.
type Answerer = Box<dyn FnMut(&str, &SecretName, What) -> Reply>;

struct Ask {
    service: String,
    name: SecretName,
    what: What,
    reply: SyncSender<Reply>,
}

enum What {
    Get,
    Put(SecretString),
    Remove,
    /// Says whether secrets can be read, and keeps nothing.
    Look,
    /// Lets the keychain ask a person for its password; nothing else does.
    Unlock,
}

type Reply = Result<Option<SecretString>, VaultError>;

impl Keychain {
    pub(crate) fn open(profile: &str, patience: Duration) -> Self {
        Self::answered_by(os_keychain, profile, patience)
    }

    fn answered_by(answerer: fn() -> Answerer, profile: &str, patience: Duration) -> Self {
        Self {
            service: format!("serversctl/{profile}"),
            patience,
            answerer,
            asks: OnceLock::new(),
            turn: Arc::default(),
        }
    }

    pub(crate) fn get(&self, name: &SecretName) -> Result<SecretString, VaultError> {
        self.ask(name, What::Get)?.ok_or_else(|| VaultError::Missing(name.clone()))
    }

    pub(crate) fn put(&self, name: &SecretName, secret: &SecretString) -> Result<(), VaultError> {
        self.ask(name, What::Put(secret.clone())).map(drop)
    }

    pub(crate) fn remove(&self, name: &SecretName) -> Result<(), VaultError> {
        self.ask(name, What::Remove).map(drop)
    }

    /// Whether secrets can be read right now. Writes nothing, so it may be asked every few seconds.
    pub(crate) fn look(&self, name: &SecretName) -> Result<(), VaultError> {
        self.ask(name, What::Look).map(drop)
    }

    /// Asks the person to unlock it, if it is locked. Who has not answered within the patience may still answer later.
    pub(crate) fn unlock(&self, name: &SecretName) -> Result<(), VaultError> {
        self.ask(name, What::Unlock).map(drop)
    }

    fn ask(&self, name: &SecretName, what: What) -> Reply {
        self.turn.take(self.patience)?;
        let (reply, answer) = sync_channel(1);
        let ask = Ask { service: self.service.clone(), name: name.clone(), what, reply };
        let thread = self.asks.get_or_init(|| start(self.answerer, Arc::clone(&self.turn)));
        match thread.try_send(ask) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(waits()),
            Err(TrySendError::Disconnected(_)) => return Err(self.thread_ended()),
        }
        match answer.recv_timeout(self.patience) {
            Ok(reply) => reply,
            Err(RecvTimeoutError::Timeout) => Err(waits()),
            Err(RecvTimeoutError::Disconnected) => Err(self.thread_ended()),
        }
    }

    fn thread_ended(&self) -> VaultError {
        // Nobody else will end this turn.
        self.turn.end();
        VaultError::Absent("the keychain's thread ended; restart the host".to_owned())
    }
}

fn waits() -> VaultError {
    VaultError::Locked(
        "the keychain does not answer; it may be asking for its password on the screen".to_owned(),
    )
}

fn start(answerer: fn() -> Answerer, turn: Arc<Turn>) -> SyncSender<Ask> {
    // One ask at a time is what the turn allows, so one place is enough.
    let (asks, queue) = sync_channel(1);
    let spawned =
        thread::Builder::new().name("keychain".to_owned()).spawn(move || run(answerer(), &queue, &turn));
    // Without a thread the queue is dropped and every ask reads "disconnected".
    drop(spawned);
    asks
}

/// Ends the turn however the call ends, also when it breaks after nobody waits for it any more.
struct EndOfTurn<'a>(&'a Turn);

impl Drop for EndOfTurn<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn run(mut answerer: Answerer, queue: &Receiver<Ask>, turn: &Turn) {
    while let Ok(Ask { service, name, what, reply }) = queue.recv() {
        let ending = EndOfTurn(turn);
        let result = answerer(&service, &name, what);
        drop(ending);
        // Nobody waits any more after the patience ran out; the result is then dropped and wiped.
        let _ = reply.try_send(result);
    }
}

#[cfg(target_os = "linux")]
fn os_keychain() -> Answerer {
    let mut roads = Roads::default();
    Box::new(move |service, name, what| {
        let result = answer(&mut roads, service, name, what);
        if result.as_ref().is_err_and(|error| matches!(error, VaultError::Absent(_))) {
            // The bus may have come up meanwhile; connect afresh next time.
            roads = Roads::default();
        }
        result
    })
}

#[cfg(not(target_os = "linux"))]
fn os_keychain() -> Answerer {
    Box::new(|_, _, _| {
        Err(VaultError::Absent("this system's keychain is not supported yet; use `--vault file`".to_owned()))
    })
}

#[cfg(target_os = "linux")]
type OsStore = zbus_secret_service_keyring_store::Store;

/// Connections that are kept from call to call.
#[cfg(target_os = "linux")]
#[derive(Default)]
struct Roads {
    store: Option<Arc<OsStore>>,
    /// For what the store does not ask: whether it is locked.
    bus: Option<zbus::blocking::Connection>,
}

#[cfg(target_os = "linux")]
fn connect() -> Result<Arc<OsStore>, VaultError> {
    OsStore::new().map_err(|error| {
        VaultError::Absent(format!(
            "no Secret Service answers on the session bus ({error}); unlock a keyring such as GNOME Keyring or \
             KWallet, or make the profile with `--vault file`"
        ))
    })
}

#[cfg(target_os = "linux")]
fn answer(roads: &mut Roads, service: &str, name: &SecretName, what: What) -> Reply {
    use keyring_core::api::CredentialStoreApi as _;

    let action = match what {
        What::Get => "read",
        What::Put(_) => "keep",
        What::Remove => "forget",
        What::Look => "look for",
        What::Unlock => "unlock the place of",
    };
    let failed = |error: keyring_core::Error| refusal(action, name, error);
    let Roads { store, bus } = roads;
    let store = match store {
        Some(store) => store,
        None => store.insert(connect()?),
    };
    let locked = is_locked(bus);
    // Everything but a person's own wish would put a password dialog on the screen, again and again.
    if !matches!(what, What::Unlock) && locked == Some(true) {
        let words = "this computer's keychain is locked; unlock it, as logging in does, and this console goes on by itself";
        return Err(VaultError::Locked(words.to_owned()));
    }
    let entry = store.build(service, name.as_str(), None).map_err(failed)?;
    match what {
        // Nothing is in there; keeping it makes the keychain ask for its password first.
        What::Unlock => {
            entry.set_password("open").and_then(|()| entry.delete_credential()).map(|()| None).map_err(failed)
        }
        What::Look if locked == Some(false) => Ok(None),
        // It does not say whether it is locked; what it says to a question tells.
        What::Look | What::Get => match entry.get_password().map(Zeroizing::new) {
            Ok(secret) => Ok(Some(SecretString::from(secret.as_str()))),
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(error) => Err(failed(error)),
        },
        What::Put(secret) => entry.set_password(secret.expose_secret()).map(|()| None).map_err(failed),
        What::Remove => match entry.delete_credential() {
            Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(error) => Err(failed(error)),
        },
    }
}

/// Whether the collection that new secrets go to says that it is locked; none when it does not say.
#[cfg(target_os = "linux")]
fn is_locked(bus: &mut Option<zbus::blocking::Connection>) -> Option<bool> {
    let road = match bus {
        Some(road) => road,
        None => bus.insert(zbus::blocking::Connection::session().ok()?),
    };
    let asked = road.call_method(
        Some("org.freedesktop.secrets"),
        "/org/freedesktop/secrets/aliases/default",
        Some("org.freedesktop.DBus.Properties"),
        "Get",
        &("org.freedesktop.Secret.Collection", "Locked"),
    );
    let value = asked.and_then(|answer| answer.body().deserialize::<zbus::zvariant::OwnedValue>());
    if value.is_err() {
        *bus = None;
    }
    bool::try_from(value.ok()?).ok()
}

#[cfg(target_os = "linux")]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is non-exhaustive, and the rest has nothing but words"
)]
fn refusal(action: &'static str, name: &SecretName, error: keyring_core::Error) -> VaultError {
    match error {
        keyring_core::Error::NoStorageAccess(why) => {
            VaultError::Locked(format!("the keychain is locked ({why})"))
        }
        keyring_core::Error::PlatformFailure(why) => {
            VaultError::Absent(format!("the keychain failed ({why})"))
        }
        // These two carry the secret's bytes; their own words are not needed.
        keyring_core::Error::BadEncoding(mut bytes) | keyring_core::Error::BadDataFormat(mut bytes, _) => {
            zeroize::Zeroize::zeroize(&mut bytes);
            VaultError::Keychain { action, name: name.clone(), why: "what it holds is no text".to_owned() }
        }
        other => VaultError::Keychain { action, name: name.clone(), why: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn name() -> SecretName {
        SecretName::new("provider/office")
    }

    #[test]
    fn without_a_session_bus_the_answer_is_absent_and_quick() {
        // The thread's own environment cannot be changed safely, so this asks whatever bus there is; a machine with
        // an unlocked keyring answers `Missing` instead. Neither may take longer than the patience.
        let keychain = Keychain::open("a test that keeps nothing", Duration::from_secs(20));
        match keychain.get(&name()) {
            Err(VaultError::Absent(why)) => assert!(why.contains("--vault file"), "{why}"),
            Err(VaultError::Missing(_) | VaultError::Locked(_)) => {}
            other => panic!("{other:?}"),
        }
    }

    /// The gate that the blocked keychain below waits at; one test uses it.
    static GATE: Mutex<()> = Mutex::new(());

    fn blocked() -> Answerer {
        Box::new(|_, _, _| {
            let _passed = GATE.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(Some(SecretString::from("late")))
        })
    }

    #[test]
    fn a_keychain_that_waits_for_a_person_blocks_nobody() {
        let closed = GATE.lock().unwrap();
        let keychain = Keychain::answered_by(blocked, "p", Duration::from_millis(50));
        let locked = |result| matches!(result, Err(VaultError::Locked(_)));
        assert!(locked(keychain.get(&name())), "the first call waits no longer than its patience");
        for _ in 0..1000 {
            // With the patience of the first these would take 50 s; they do not even reach the thread.
            assert!(locked(keychain.get(&name())));
        }
        drop(closed);
        // The thread needs a moment to come out of the call that waited.
        let bound = Instant::now() + Duration::from_secs(20);
        let late = loop {
            match keychain.get(&name()) {
                Ok(late) => break late,
                Err(error) => assert!(Instant::now() < bound, "an open keychain answers: {error}"),
            }
            thread::yield_now();
        };
        assert_eq!(late.expose_secret(), "late");
    }

    #[test]
    fn calls_that_come_together_take_turns() {
        const CALLERS: usize = 8;
        let answers = || -> Answerer {
            Box::new(|_, _, _| {
                thread::yield_now();
                Ok(Some(SecretString::from("own")))
            })
        };
        let keychain = Keychain::answered_by(answers, "p", Duration::from_secs(20));
        let together = Barrier::new(CALLERS);
        thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| {
                    together.wait();
                    for _ in 0..100 {
                        keychain.get(&name()).expect("nobody is turned away from a keychain that answers");
                    }
                });
            }
        });
    }
}
