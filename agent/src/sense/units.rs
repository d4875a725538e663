//! One unit of systemd, watched over D-Bus and never polled.
//!
//! The bus is told which signals matter: the unit's own `PropertiesChanged`, jobs of that unit, changes of unit files
//! and daemon reloads. Each is passed on at once as a [`UnitFacts`]. `UnitNew` and `UnitRemoved` are left out on
//! purpose: reading a unit that nothing refers to makes systemd load it and drop it again, so they would answer our
//! own reading for ever.
//!
//! The object's path is computed and not asked for: asking for the properties of a path loads the unit, so a unit that
//! does not exist yet reads as `not-found` and shows up when its file comes (daemon reload) or when it is started.
//!
//! Without a bus the watch says so and tries again, each time waiting longer.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use model::haproxy::UnitState;
use tokio::sync::mpsc;
use zbus::zvariant::{OwnedObjectPath, Value};
use zbus::{Connection, MatchRule, Message, MessageStream, message};

const SYSTEMD: &str = "org.freedesktop.systemd1";
const MANAGER_PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
const SERVICE: &str = "org.freedesktop.systemd1.Service";
const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";

/// How long systemd may take to answer; it answers in under a millisecond unless the host is in trouble.
const CALL_DEADLINE: Duration = Duration::from_secs(5);
/// First and longest pause before the bus is tried again.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Messages that may wait for us; beyond it the bus waits.
const MESSAGES_MAX: usize = 64;

/// What is known of the unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitFacts {
    /// `loaded`, `not-found`, `masked`, …
    pub load_state: String,
    /// `active`, `failed`, …
    pub active_state: String,
    /// `running`, `auto-restart`, …; for people.
    pub sub_state: String,
    /// Whether a job is queued.
    pub job_queued: bool,
    /// Restarts that systemd made by itself.
    pub restarts: u32,
    /// Pid of the main process, 0 when there is none.
    pub main_pid: u32,
}

/// What the watch tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitEvent {
    /// The unit was read, or a signal changed what is known.
    Facts(UnitFacts),
    /// systemd cannot be asked, and why.
    Unknown(String),
}

/// Why systemd could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum UnitsError {
    /// The bus is not there or does not let us in.
    #[error("could not connect to the system bus")]
    Connect(#[source] zbus::Error),
    /// A signal could not be subscribed to.
    #[error("could not subscribe to systemd's signals")]
    Subscribe(#[source] zbus::Error),
    /// A property could not be read.
    #[error("could not read {property} of the unit")]
    Read {
        /// Its name.
        property: &'static str,
        /// What the bus said.
        #[source]
        source: zbus::Error,
    },
    /// The connection ended.
    #[error("the system bus closed the connection")]
    Closed,
}

impl UnitsError {
    /// Whether trying again may help: always, for a bus comes back.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        true
    }
}

/// Which unit to watch, and where the bus is.
#[derive(Debug, Clone)]
pub struct UnitWatch {
    /// The unit's name, for example `haproxy.service`.
    pub unit: String,
    /// The bus' address; `None` for the system bus.
    pub bus_address: Option<String>,
}

impl UnitFacts {
    /// The state as the rest of the product knows it.
    #[must_use]
    pub fn state(&self) -> UnitState {
        if self.load_state == "not-found" && matches!(self.active_state.as_str(), "inactive" | "") {
            return UnitState::NotFound;
        }
        match self.active_state.as_str() {
            "active" => UnitState::Active,
            // `refreshing` (newer systemd) is a reload of the unit's environment; the old worker serves.
            "reloading" | "refreshing" => UnitState::Reloading,
            "inactive" => UnitState::Inactive,
            "failed" => UnitState::Failed,
            "activating" => UnitState::Activating,
            "deactivating" => UnitState::Deactivating,
            _ => UnitState::Other,
        }
    }
}

impl UnitWatch {
    /// Watches until the receiver is gone. Each `()` on `read_again` makes it read the unit whatever the signals say.
    pub async fn run(self, events: mpsc::Sender<UnitEvent>, mut read_again: mpsc::Receiver<()>) {
        let mut pause = PAUSE_MIN;
        loop {
            let Err((error, connected)) = self.watch(&events, &mut read_again).await else { return };
            if connected {
                pause = PAUSE_MIN;
            }
            let words = crate::log::chain(&error);
            tracing::warn!(unit = %self.unit, error = %words, "systemd cannot be asked");
            if events.send(UnitEvent::Unknown(words)).await.is_err() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = events.closed() => return,
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// One connection's life. `Ok` when nobody listens any more; else why it ended and whether it had worked.
    async fn watch(
        &self,
        events: &mpsc::Sender<UnitEvent>,
        read_again: &mut mpsc::Receiver<()>,
    ) -> Result<(), (UnitsError, bool)> {
        let connection = self.connect().await.map_err(|error| (UnitsError::Connect(error), false))?;
        let mut messages = MessageStream::from(&connection);
        let path = unit_path(&self.unit);
        self.subscribe(&connection, &path).await.map_err(|error| (UnitsError::Subscribe(error), false))?;
        let mut facts = read(&connection, &path).await.map_err(|error| (error, false))?;
        loop {
            if events.send(UnitEvent::Facts(facts.clone())).await.is_err() {
                return Ok(());
            }
            loop {
                let effect = tokio::select! {
                    message = messages.next() => match message {
                        None | Some(Err(_)) => return Err((UnitsError::Closed, true)),
                        Some(Ok(message)) => self.effect(&message, path.as_str(), &mut facts),
                    },
                    asked = read_again.recv() => match asked {
                        Some(()) => Effect::ReadAgain,
                        None => return Ok(()),
                    },
                };
                match effect {
                    Effect::Nothing => {}
                    Effect::Changed => break,
                    Effect::ReadAgain => {
                        facts = read(&connection, &path).await.map_err(|error| (error, true))?;
                        break;
                    }
                    Effect::SubscribeAgain => {
                        self.subscribe(&connection, &path)
                            .await
                            .map_err(|error| (UnitsError::Subscribe(error), true))?;
                        facts = read(&connection, &path).await.map_err(|error| (error, true))?;
                        break;
                    }
                }
            }
        }
    }

    async fn connect(&self) -> zbus::Result<Connection> {
        let builder = match &self.bus_address {
            Some(address) => zbus::connection::Builder::address(address.as_str())?,
            None => zbus::connection::Builder::system()?,
        };
        builder.method_timeout(CALL_DEADLINE).max_queued(MESSAGES_MAX).build().await
    }

    async fn subscribe(&self, connection: &Connection, path: &OwnedObjectPath) -> zbus::Result<()> {
        // Plain calls: the library's proxies would bring a cache of properties that nobody here asks.
        for rule in self.rules(path)? {
            connection
                .call_method(Some(BUS), BUS_PATH, Some(BUS), "AddMatch", &rule.to_string().as_str())
                .await?;
        }
        match connection.call_method(Some(SYSTEMD), MANAGER_PATH, Some(MANAGER), "Subscribe", &()).await {
            Err(zbus::Error::MethodError(name, _, _)) if name.as_str().ends_with(".AlreadySubscribed") => {
                Ok(())
            }
            result => result.map(drop),
        }
    }

    fn rules(&self, path: &OwnedObjectPath) -> zbus::Result<Vec<MatchRule<'_>>> {
        let signal = || MatchRule::builder().msg_type(message::Type::Signal);
        let manager =
            |member| signal().sender(SYSTEMD)?.path(MANAGER_PATH)?.interface(MANAGER)?.member(member);
        Ok(vec![
            signal()
                .sender(SYSTEMD)?
                .path(path.to_owned().into_inner())?
                .interface(PROPERTIES)?
                .member("PropertiesChanged")?
                .build(),
            manager("JobNew")?.arg(2, self.unit.as_str())?.build(),
            manager("JobRemoved")?.arg(2, self.unit.as_str())?.build(),
            manager("UnitFilesChanged")?.build(),
            manager("Reloading")?.build(),
            signal().sender(BUS)?.interface(BUS)?.member("NameOwnerChanged")?.arg(0, SYSTEMD)?.build(),
        ])
    }

    fn effect(&self, message: &Message, path: &str, facts: &mut UnitFacts) -> Effect {
        let header = message.header();
        if header.message_type() != message::Type::Signal {
            return Effect::Nothing;
        }
        let from = |name: &str| header.path().is_some_and(|path| path.as_str() == name);
        match header.member().map(zbus::names::MemberName::as_str) {
            Some("PropertiesChanged") if from(path) => apply_changes(message, facts),
            Some("JobNew") if from(MANAGER_PATH) && self.is_about_us(message) => {
                facts.job_queued = true;
                Effect::Changed
            }
            // The unit may have another job by now.
            Some("JobRemoved") if from(MANAGER_PATH) && self.is_about_us(message) => Effect::ReadAgain,
            Some("UnitFilesChanged") => Effect::ReadAgain,
            // `true` begins a reload, in which nothing can be read; `false` ends it.
            Some("Reloading") => match message.body().deserialize::<bool>() {
                Ok(true) | Err(_) => Effect::Nothing,
                Ok(false) => Effect::ReadAgain,
            },
            Some("NameOwnerChanged") => match message.body().deserialize::<(&str, &str, &str)>() {
                Ok((_, _, owner)) if !owner.is_empty() => Effect::SubscribeAgain,
                Ok(_) | Err(_) => Effect::Nothing,
            },
            _ => Effect::Nothing,
        }
    }

    /// Whether a job signal names our unit. The bus filters already; a second filter costs nothing.
    fn is_about_us(&self, message: &Message) -> bool {
        let body = message.body();
        let new = body.deserialize::<(u32, zbus::zvariant::ObjectPath<'_>, &str)>().map(|body| body.2);
        let removed =
            || body.deserialize::<(u32, zbus::zvariant::ObjectPath<'_>, &str, &str)>().map(|body| body.2);
        new.or_else(|_| removed()).is_ok_and(|unit| unit == self.unit)
    }
}

/// The properties that [`UnitFacts`] is made of.
const OURS: [&str; 6] = ["LoadState", "ActiveState", "SubState", "Job", "NRestarts", "MainPID"];

enum Effect {
    Nothing,
    Changed,
    ReadAgain,
    SubscribeAgain,
}

fn apply_changes(message: &Message, facts: &mut UnitFacts) -> Effect {
    let body = message.body();
    let Ok((_, changed, invalidated)) = body.deserialize::<(&str, HashMap<&str, Value<'_>>, Vec<&str>)>()
    else {
        return Effect::ReadAgain;
    };
    if invalidated.iter().any(|name| OURS.contains(name)) {
        return Effect::ReadAgain;
    }
    let before = facts.clone();
    for (name, value) in &changed {
        match (*name, value) {
            ("LoadState", Value::Str(text)) => text.as_str().clone_into(&mut facts.load_state),
            ("ActiveState", Value::Str(text)) => text.as_str().clone_into(&mut facts.active_state),
            ("SubState", Value::Str(text)) => text.as_str().clone_into(&mut facts.sub_state),
            ("NRestarts", Value::U32(count)) => facts.restarts = *count,
            ("MainPID", Value::U32(pid)) => facts.main_pid = *pid,
            ("Job", Value::Structure(job)) => facts.job_queued = job_is_queued(job.fields()),
            _ => {}
        }
    }
    if before == *facts { Effect::Nothing } else { Effect::Changed }
}

/// `Job` is (id, path); the id is 0 when there is none.
fn job_is_queued(fields: &[Value<'_>]) -> bool {
    matches!(fields.first(), Some(Value::U32(id)) if *id != 0)
}

/// Reads all facts. The job comes before the state: so `inactive` without a job can never be put together from a state
/// before a restart and a job after it. A single connection's calls are answered in order.
async fn read(connection: &Connection, path: &OwnedObjectPath) -> Result<UnitFacts, UnitsError> {
    let get = |interface: &'static str, property: &'static str| async move {
        let reply = connection
            .call_method(Some(SYSTEMD), path, Some(PROPERTIES), "Get", &(interface, property))
            .await
            .map_err(|source| UnitsError::Read { property, source })?;
        let body = reply.body();
        let value: Value<'_> = body.deserialize().map_err(|source| UnitsError::Read { property, source })?;
        value.try_to_owned().map_err(|source| UnitsError::Read { property, source: source.into() })
    };
    let text =
        |value: &Value<'_>| if let Value::Str(text) = value { text.to_string() } else { String::new() };
    let number = |value: &Value<'_>| if let Value::U32(number) = value { *number } else { 0 };
    let job = get(UNIT, "Job").await?;
    let active = get(UNIT, "ActiveState").await?;
    let sub = get(UNIT, "SubState").await?;
    let load = get(UNIT, "LoadState").await?;
    let restarts = get(SERVICE, "NRestarts").await?;
    let main_pid = get(SERVICE, "MainPID").await?;
    Ok(UnitFacts {
        load_state: text(&load),
        active_state: text(&active),
        sub_state: text(&sub),
        job_queued: matches!(&*job, Value::Structure(job) if job_is_queued(job.fields())),
        restarts: number(&restarts),
        main_pid: number(&main_pid),
    })
}

/// The object path of a unit: every byte of its name that is neither letter nor digit becomes `_xx`.
fn unit_path(unit: &str) -> OwnedObjectPath {
    use std::fmt::Write as _;
    let mut path = String::from("/org/freedesktop/systemd1/unit/");
    for (at, byte) in unit.bytes().enumerate() {
        // A leading digit is escaped too, as systemd does.
        if byte.is_ascii_alphabetic() || (at > 0 && byte.is_ascii_digit()) {
            path.push(char::from(byte));
        } else {
            let _ = write!(path, "_{byte:02x}");
        }
    }
    OwnedObjectPath::try_from(path).expect("an escaped unit name is a valid element of an object path")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(load: &str, active: &str) -> UnitFacts {
        UnitFacts { load_state: load.into(), active_state: active.into(), ..UnitFacts::default() }
    }

    #[test]
    fn the_path_is_escaped_as_systemd_does() {
        assert_eq!(unit_path("haproxy.service").as_str(), "/org/freedesktop/systemd1/unit/haproxy_2eservice");
        let odd = unit_path("2-a@b.service");
        assert_eq!(odd.as_str(), "/org/freedesktop/systemd1/unit/_32_2da_40b_2eservice");
    }

    #[test]
    fn a_missing_unit_is_told_from_a_stopped_one() {
        assert_eq!(facts("not-found", "inactive").state(), UnitState::NotFound);
        assert_eq!(facts("loaded", "inactive").state(), UnitState::Inactive);
        assert_eq!(facts("masked", "inactive").state(), UnitState::Inactive);
        // A unit whose file was removed while it runs.
        assert_eq!(facts("not-found", "active").state(), UnitState::Active);
        assert_eq!(facts("loaded", "refreshing").state(), UnitState::Reloading);
        assert_eq!(facts("loaded", "something").state(), UnitState::Other);
    }
}
