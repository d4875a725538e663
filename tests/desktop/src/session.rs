//! What a desktop's session has and a test looks into: the service that shows notices, and the one that shows trays.

#![expect(clippy::used_underscore_binding, reason = "the macro reads every argument of a method")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use hosts::wait::{self, Seen};
use zbus::blocking::fdo::DBusProxy;
use zbus::blocking::{Connection, Proxy, connection};
use zbus::interface;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue};

use crate::desk::Services;

const NOTICES: &str = "org.freedesktop.Notifications";
const NOTICES_PATH: &str = "/org/freedesktop/Notifications";
const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const WATCHER_PATH: &str = "/StatusNotifierWatcher";
const SECRETS: &str = "org.freedesktop.secrets";

/// After so long without an effect somebody presses again.
const AGAIN: Duration = Duration::from_secs(5);
/// What a button opens on a busy machine.
const OPENED: Duration = Duration::from_secs(30);

/// Whether this desktop shows trays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrayHost {
    /// It does.
    Present,
    /// It does not, as GNOME without an extension.
    Absent,
}

/// A notice as the service was told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub id: u32,
    /// How many times this id was told; more than once when it was replaced.
    pub times: u32,
    pub title: String,
    pub body: String,
    /// Keys and labels of its buttons.
    pub actions: Vec<(String, String)>,
    pub urgency: u8,
    pub stays: bool,
}

#[derive(Debug, Default)]
struct Seat {
    notices: Vec<Told>,
    newest: u32,
    trays: Vec<String>,
}

type Shared = Arc<Mutex<Seat>>;

fn lock(shared: &Shared) -> MutexGuard<'_, Seat> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Notices {
    shared: Shared,
}

#[expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    reason = "methods as the specification has them; the macro reads every argument"
)]
#[interface(name = "org.freedesktop.Notifications")]
impl Notices {
    #[expect(clippy::too_many_arguments, reason = "the method of the specification")]
    fn notify(
        &self,
        _app: &str,
        replaces: u32,
        _icon: &str,
        summary: &str,
        body: &str,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        expire_ms: i32,
    ) -> u32 {
        let mut seat = lock(&self.shared);
        let urgency = hints.get("urgency").and_then(|value| u8::try_from(value).ok()).unwrap_or(1);
        let actions =
            actions.chunks(2).filter_map(|pair| Some((pair.first()?.clone(), pair.get(1)?.clone())));
        let before = seat.notices.iter().find(|told| told.id == replaces).map_or(0, |told| told.times);
        let id = if replaces == 0 { seat.newest + 1 } else { replaces };
        seat.newest = seat.newest.max(id);
        let told = Told {
            id,
            times: before + 1,
            title: summary.to_owned(),
            body: body.to_owned(),
            actions: actions.collect(),
            urgency,
            stays: expire_ms == 0,
        };
        seat.notices.retain(|old| old.id != id);
        seat.notices.push(told);
        id
    }

    #[zbus(name = "CloseNotification")]
    fn close(&self, id: u32) {
        lock(&self.shared).notices.retain(|told| told.id != id);
    }

    #[zbus(name = "GetCapabilities")]
    fn capabilities(&self) -> Vec<&str> {
        vec!["actions", "body"]
    }

    #[zbus(name = "GetServerInformation")]
    fn information(&self) -> (&str, &str, &str, &str) {
        ("test", "serversctl", "1", "1.2")
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, key: &str) -> zbus::Result<()>;
}

struct Trays {
    shared: Shared,
}

#[expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    reason = "methods as the specification has them; the macro reads every argument"
)]
#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Trays {
    fn register_status_notifier_item(&self, service: &str, #[zbus(header)] header: Header<'_>) {
        // Either a bus name, or a path on the caller's own.
        let item = match (service.starts_with('/'), header.sender()) {
            (true, Some(sender)) => format!("{sender}{service}"),
            _ => format!("{service}/StatusNotifierItem"),
        };
        lock(&self.shared).trays.push(item);
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        lock(&self.shared).trays.clone()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

/// Both services, on the desktop's own bus.
pub struct Session {
    connection: Connection,
    shared: Shared,
}

impl Session {
    pub(crate) fn start(address: &str, services: Services) -> Result<Self> {
        let shared = Shared::default();
        let mut builder = connection::Builder::address(address).context("naming the bus")?;
        if matches!(services, Services::OfTest(_)) {
            // With the connection: what is served later needs a runtime that serves already.
            let notices = Notices { shared: Arc::clone(&shared) };
            builder = builder
                .name(NOTICES)
                .and_then(|builder| builder.serve_at(NOTICES_PATH, notices))
                .context("serving notices on the bus")?;
        }
        let session = Self { connection: builder.build().context("joining the bus")?, shared };
        if services == Services::OfTest(TrayHost::Present) {
            session.show_trays()?;
        }
        Ok(session)
    }

    /// From now on this desktop shows trays.
    ///
    /// # Errors
    /// The bus refuses.
    pub fn show_trays(&self) -> Result<()> {
        let trays = Trays { shared: Arc::clone(&self.shared) };
        self.connection.object_server().at(WATCHER_PATH, trays).context("serving trays on the bus")?;
        self.connection.request_name(WATCHER).context("taking the trays' name")
    }

    /// The connection, for who looks at what others export.
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Every tray that was ever registered: bus name and path.
    pub fn trays(&self) -> Vec<String> {
        lock(&self.shared).trays.clone()
    }

    /// Every notice that stands.
    pub fn notices(&self) -> Vec<Told> {
        lock(&self.shared).notices.clone()
    }

    /// Waits for a notice.
    ///
    /// # Errors
    /// There is none within the bound.
    pub fn wait_notice(&self, what: &str, bound: Duration, is_it: impl Fn(&Told) -> bool) -> Result<Told> {
        wait::until(&format!("the notice {what}"), bound, || {
            let all = self.notices();
            Ok(match all.iter().find(|told| is_it(told)) {
                Some(told) => Seen::Yes(told.clone()),
                None => Seen::NotYet(format!("{all:?}")),
            })
        })
    }

    /// Presses a button of a notice and waits for what it does; once more where nothing happens, as a person does. The
    /// program begins to listen only when the service has answered, and a test is quicker than any hand.
    ///
    /// # Errors
    /// There is no such button, or it does nothing.
    pub fn press_until(
        &self,
        told: &Told,
        label: &str,
        mut happens: impl FnMut(Duration) -> Result<()>,
    ) -> Result<()> {
        self.press(told, label)?;
        happens(AGAIN).or_else(|_| {
            self.press(told, label)?;
            happens(OPENED)
        })
    }

    /// Presses a button of a notice, as its service reports it.
    ///
    /// # Errors
    /// There is no such button.
    pub fn press(&self, told: &Told, label: &str) -> Result<()> {
        let key = told.actions.iter().find(|(_, own)| own == label).map(|(key, _)| key.as_str());
        let key = key.with_context(|| format!("no button {label} on {told:?}"))?;
        let emitter = SignalEmitter::new(self.connection.inner(), NOTICES_PATH)?;
        zbus::block_on(Notices::action_invoked(&emitter, told.id, key)).context("pressing a button")
    }

    /// Waits until somebody on this desktop has a name, and so its service.
    ///
    /// # Errors
    /// Nobody has within the bound.
    pub fn wait_name(&self, name: &'static str, bound: Duration) -> Result<()> {
        let bus = DBusProxy::new(&self.connection)?;
        wait::until(&format!("the service {name}"), bound, || {
            let there = bus.name_has_owner(name.try_into()?)?;
            Ok(Seen::when(there, "nobody has the name"))
        })
    }

    pub(crate) fn lock_keyring(&self) -> Result<()> {
        let service = Proxy::new(
            &self.connection,
            SECRETS,
            "/org/freedesktop/secrets",
            "org.freedesktop.Secret.Service",
        )?;
        let login = ObjectPath::try_from("/org/freedesktop/secrets/collection/login")?;
        let _: (Vec<OwnedObjectPath>, OwnedObjectPath) =
            service.call("Lock", &(vec![login],)).context("locking the keyring")?;
        Ok(())
    }

    pub(crate) fn wait_for_keyring(&self, bound: Duration) -> Result<()> {
        // There, and with its collection made.
        let place = "/org/freedesktop/secrets/aliases/default";
        wait::until("the keyring", bound, || {
            let default = Proxy::new(&self.connection, SECRETS, place, "org.freedesktop.Secret.Collection")?;
            let locked = default.get_property::<bool>("Locked");
            Ok(Seen::when(locked == Ok(false), format!("{locked:?}")))
        })
    }

    pub(crate) fn wait_for_no_keyring(&self, bound: Duration) -> Result<()> {
        let bus = DBusProxy::new(&self.connection)?;
        wait::until("the keyring to be gone", bound, || {
            let there = bus.name_has_owner(SECRETS.try_into()?)?;
            Ok(Seen::when(!there, "it is there"))
        })
    }
}
