//! The one list of commands, and what is made from it: trait, router, typed requests, list, TypeScript.
//!
//! `reads` change nothing. `changes` carry a [`Change`], answer with an [`Outcome`], are done once per idempotency
//! key, and leave an audit entry; [`dispatch`] sees to the last two for every one of them, so no handler can forget.
//! `secrets` are changes whose answer is shown once: a repeated key is refused rather than answered again, because
//! keeping the answer would keep the secret.

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::call::Call;
use crate::change::{Change, Outcome};
use crate::error::ApiError;
use crate::event::{EventSource, Subscribe};
use crate::secret::redact;
use crate::{request as req, view};
use model::Code;

/// What a command does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Read,
    /// Something, once per idempotency key.
    Change,
    /// Something, and its answer holds a secret shown once.
    Secret,
}

/// One command of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// `noun_verb`.
    pub name: &'static str,
    /// What it does to the world.
    pub effect: Effect,
    /// What it is for.
    pub doc: &'static str,
}

/// A request that knows its command and its answer.
pub trait Request: Serialize + DeserializeOwned + Send + 'static {
    /// The command.
    const COMMAND: &'static str;
    /// What the command answers.
    type Answer: Serialize + DeserializeOwned + Send + 'static;
}

/// A request that changes something.
pub trait Mutation: Request {
    /// Its dry run and key.
    fn change(&self) -> &Change;
    /// The same, to set them.
    fn change_mut(&mut self) -> &mut Change;
}

/// A change as [`dispatch`] hands it to the host's ledger. The payload is redacted.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// The command.
    pub command: &'static str,
    /// Who asked.
    pub by: String,
    /// The caller's key, if it gave one.
    pub idempotency_key: Option<String>,
    /// The request without its secrets and without its [`Change`].
    pub payload: Value,
}

/// What the ledger answers when a deed is about to begin.
#[derive(Clone, Debug, PartialEq)]
pub enum Ledger {
    /// Nothing is known under this key, and it is now noted as begun: do it.
    Begun,
    /// It was done: this was the answer.
    Done(Value),
    /// The same request is being done right now.
    Running,
    /// It was begun by an earlier start of the host and its end was never written.
    Unknown,
    /// The key was used for another command or request.
    Other,
}

macro_rules! commands {
    (
        reads { $($(#[doc = $rdoc:literal])+ $rname:ident($rreq:ty) -> $rans:ty;)+ }
        changes { $($(#[doc = $cdoc:literal])+ $cname:ident($creq:ty) -> $cans:ty;)+ }
        secrets { $($(#[doc = $sdoc:literal])+ $sname:ident($sreq:ty) -> $sans:ty;)+ }
    ) => {
        /// Every command, in the order of the list.
        pub const COMMANDS: &[Command] = &[
            $(Command { name: stringify!($rname), effect: Effect::Read, doc: concat!($($rdoc),+) },)+
            $(Command { name: stringify!($cname), effect: Effect::Change, doc: concat!($($cdoc),+) },)+
            $(Command { name: stringify!($sname), effect: Effect::Secret, doc: concat!($($sdoc),+) },)+
        ];

        /// Whoever hosts an engine: one method per command, and what [`dispatch`] needs for every change.
        #[async_trait]
        pub trait Host: Send + Sync + 'static {
            $($(#[doc = $rdoc])+
            async fn $rname(&self, call: &Call, request: $rreq) -> Result<$rans, ApiError>;)+
            $($(#[doc = $cdoc])+
            async fn $cname(&self, call: &Call, request: $creq) -> Result<Outcome<$cans>, ApiError>;)+
            $($(#[doc = $sdoc])+
            async fn $sname(&self, call: &Call, request: $sreq) -> Result<Outcome<$sans>, ApiError>;)+

            /// Opens a stream of events.
            async fn subscribe(&self, request: Subscribe) -> Result<Box<dyn EventSource>, ApiError>;

            /// Notes that a deed with a key begins, unless the key is known. Called before every such change.
            async fn deed_begin(&self, deed: &Deed) -> Result<Ledger, ApiError>;

            /// Writes an ended deed into the audit. With a key: keeps the answer under it, or frees it after an
            /// error that proves that nothing was done. A successful deed whose answer must not be kept has none.
            async fn deed_end(&self, deed: &Deed, result: Result<Option<&Value>, &ApiError>) -> Result<(), ApiError>;
        }

        /// Routes one command to the host: reads the payload, calls, and writes the answer.
        ///
        /// # Errors
        /// The host's own, [`Code::NotFound`] for an unknown command, [`Code::Invalid`] for an unreadable payload.
        pub async fn dispatch<H: Host + ?Sized>(
            host: &H,
            call: &Call,
            command: &str,
            payload: Value,
        ) -> Result<Value, ApiError> {
            match command {
                $(stringify!($rname) => answer(&host.$rname(call, read(command, payload)?).await?),)+
                $(stringify!($cname) => {
                    let request: $creq = read(command, payload)?;
                    match start(host, call, &request, Effect::Change).await? {
                        Start::Answered(value) => Ok(value),
                        Start::Do(deed) => {
                            let result = host.$cname(call, request).await;
                            finish(host, deed, Effect::Change, result).await
                        }
                    }
                })+
                $(stringify!($sname) => {
                    let request: $sreq = read(command, payload)?;
                    match start(host, call, &request, Effect::Secret).await? {
                        Start::Answered(value) => Ok(value),
                        Start::Do(deed) => {
                            let result = host.$sname(call, request).await;
                            finish(host, deed, Effect::Secret, result).await
                        }
                    }
                })+
                other => Err(ApiError::new(Code::NotFound, format!("no command is called {other:.64}"))),
            }
        }

        $(impl Request for $rreq {
            const COMMAND: &'static str = stringify!($rname);
            type Answer = $rans;
        })+
        $(impl Request for $creq {
            const COMMAND: &'static str = stringify!($cname);
            type Answer = Outcome<$cans>;
        }
        impl Mutation for $creq {
            fn change(&self) -> &Change { &self.change }
            fn change_mut(&mut self) -> &mut Change { &mut self.change }
        })+
        $(impl Request for $sreq {
            const COMMAND: &'static str = stringify!($sname);
            type Answer = Outcome<$sans>;
        }
        impl Mutation for $sreq {
            fn change(&self) -> &Change { &self.change }
            fn change_mut(&mut self) -> &mut Change { &mut self.change }
        })+

        #[cfg(any(test, feature = "fake"))]
        #[async_trait]
        impl Host for crate::fake::FakeHost {
            $(async fn $rname(&self, call: &Call, request: $rreq) -> Result<$rans, ApiError> {
                self.play(call, stringify!($rname), &request).await
            })+
            $(async fn $cname(&self, call: &Call, request: $creq) -> Result<Outcome<$cans>, ApiError> {
                self.play(call, stringify!($cname), &request).await
            })+
            $(async fn $sname(&self, call: &Call, request: $sreq) -> Result<Outcome<$sans>, ApiError> {
                self.play(call, stringify!($sname), &request).await
            })+

            async fn subscribe(&self, request: Subscribe) -> Result<Box<dyn EventSource>, ApiError> {
                Ok(self.open_stream(&request))
            }

            async fn deed_begin(&self, deed: &Deed) -> Result<Ledger, ApiError> {
                Ok(self.begin(deed))
            }

            async fn deed_end(&self, deed: &Deed, result: Result<Option<&Value>, &ApiError>) -> Result<(), ApiError> {
                self.end(deed, result);
                Ok(())
            }
        }

        /// Shows every command to a visitor, with its types.
        pub(crate) fn visit_commands(visitor: &mut impl VisitCommand) {
            $(visitor.command::<$rreq>();)+
            $(visitor.command::<$creq>();)+
            $(visitor.command::<$sreq>();)+
        }
    };
}

commands! {
    reads {
        /// Says who hosts this profile, and how it stands.
        host_status(req::HostStatusRequest) -> view::host::HostStatus;
        /// Shows this console's public card.
        console_id(req::ConsoleIdRequest) -> view::host::ConsoleCard;
        /// Lists the fleet's consoles.
        console_list(req::ConsoleListRequest) -> view::host::ConsoleList;
        /// Lists the pools.
        pool_list(req::PoolListRequest) -> view::pool::PoolList;
        /// Shows one pool's settings.
        pool_show(req::PoolShow) -> view::pool::PoolView;
        /// Answers the three questions for every pool, or for one.
        pool_status(req::PoolStatusRequest) -> view::pool::PoolStatuses;
        /// Explains why the pool stands where it stands.
        pool_explain(req::PoolExplain) -> view::explain::Explanation;
        /// Says what would happen if a member died now, or its service stopped.
        pool_what_if(req::PoolWhatIf) -> view::explain::WhatIf;
        /// Lists members and open invitations.
        member_list(req::MemberListRequest) -> view::member::MemberList;
        /// Shows one member.
        member_show(req::MemberShow) -> view::member::MemberView;
        /// Reads a member's HAProxy statistics, right now.
        member_stat(req::MemberStat) -> view::stat::StatView;
        /// Lists DNS providers.
        provider_list(req::ProviderListRequest) -> view::provider::ProviderList;
        /// Asks a provider whether it answers, knows the zone and accepts the key; writes nothing.
        provider_test(req::ProviderTest) -> view::provider::TestReport;
        /// Shows a pool's managed name as it is registered right now.
        dns_show(req::DnsShow) -> view::dns::DnsView;
        /// Lists incidents, newest first.
        incident_list(req::IncidentListRequest) -> view::incident::IncidentList;
        /// Shows one incident with its phases, entries and evidence.
        incident_show(req::IncidentShow) -> view::incident::IncidentView;
        /// Lists what people were told, newest first.
        notice_list(req::NoticeListRequest) -> view::incident::NoticeList;
        /// Shows how this console tells people.
        notice_settings_show(req::NoticeSettingsShow) -> view::incident::NoticeSettings;
        /// Lists who changed what, newest first.
        audit_list(req::AuditListRequest) -> view::incident::AuditList;
    }
    changes {
        /// Makes this profile: console key, name, vault.
        profile_init(req::ProfileInit) -> view::host::ConsoleCard;
        /// Unlocks the vault of this host with its passphrase.
        vault_unlock(req::VaultUnlock) -> view::host::VaultView;
        /// Signs another console into the fleet and makes its pool file.
        console_add(req::ConsoleAdd) -> view::host::PoolFile;
        /// Joins a fleet by the pool file that an owner made for this console.
        fleet_join(req::FleetJoin) -> view::host::FleetJoined;
        /// Creates a pool.
        pool_create(req::PoolCreate) -> view::pool::PoolView;
        /// Changes a pool's name or settings.
        pool_update(req::PoolUpdate) -> view::pool::PoolView;
        /// Removes a pool with its marker records.
        pool_remove(req::PoolRemove) -> view::Removed;
        /// Calls an invited VM and enrols it.
        member_enrol(req::MemberEnrol) -> view::member::MemberView;
        /// Changes a member's name, allowed sources or priority.
        member_update(req::MemberUpdate) -> view::member::MemberView;
        /// Removes a member from the fleet.
        member_remove(req::MemberRemove) -> view::Removed;
        /// Adds a DNS provider with its key.
        provider_add(req::ProviderAdd) -> view::provider::ProviderView;
        /// Removes a DNS provider and its key.
        provider_remove(req::ProviderRemove) -> view::Removed;
        /// Says which name a pool manages, at which provider.
        dns_set(req::DnsSet) -> view::dns::DnsView;
        /// Takes the record over as it stands, by compare-and-set.
        dns_adopt(req::DnsAdopt) -> view::dns::DnsView;
        /// Hands the record back as it is and removes the markers.
        dns_release(req::DnsRelease) -> view::dns::DnsView;
        /// Proves on the pool's own zone that a move is a compare-and-set.
        dns_test(req::DnsTest) -> view::provider::TestReport;
        /// Moves the record to one member.
        member_activate(req::MemberActivate) -> view::pool::MoveView;
        /// Moves the record to the next ready standby.
        pool_cutover(req::PoolCutover) -> view::pool::MoveView;
        /// Checks everything that a failover needs, and keeps the result.
        pool_rehearse(req::PoolRehearse) -> view::pool::Rehearsal;
        /// Turns automatic failover on, after a green rehearsal.
        pool_arm(req::PoolArm) -> view::pool::PoolView;
        /// Turns automatic failover off.
        pool_disarm(req::PoolDisarm) -> view::pool::PoolView;
        /// Pauses a pool for everyone, 24 hours at most.
        pool_pause(req::PoolPause) -> view::pool::PoolView;
        /// Ends a pool's pause.
        pool_resume(req::PoolResume) -> view::pool::PoolView;
        /// Acknowledges the third automatic move, so that automation may go on.
        pool_acknowledge(req::PoolAcknowledge) -> view::pool::PoolStatus;
        /// Ends DRIFT: takes the record as it stands, or puts it back.
        drift_resolve(req::DriftResolve) -> view::dns::DnsView;
        /// Changes how this console tells people.
        notice_settings_set(req::NoticeSettingsSet) -> view::incident::NoticeSettings;
        /// Pauses the watch of this computer only.
        watch_pause(req::WatchPause) -> view::host::HostStatus;
        /// Resumes the watch of this computer.
        watch_resume(req::WatchResume) -> view::host::HostStatus;
    }
    secrets {
        /// Invites a VM: makes the secret that is shown once, and the command to run there.
        member_invite(req::MemberInvite) -> view::member::Invitation;
    }
}

/// Sees every command with its types.
pub(crate) trait VisitCommand {
    /// One command.
    fn command<R: Request + ts_rs::TS>(&mut self)
    where
        R::Answer: ts_rs::TS;
}

enum Start {
    Answered(Value),
    Do(Option<Deed>),
}

fn read<T: DeserializeOwned>(command: &str, payload: Value) -> Result<T, ApiError> {
    // A reader's words can quote the payload, so they stay out of the answer when a secret might be in it.
    let mut shown = payload.clone();
    redact(&mut shown);
    let holds_secret = shown != payload;
    let payload = if payload.is_null() { Value::Object(serde_json::Map::new()) } else { payload };
    serde_json::from_value(payload).map_err(|error| {
        let error =
            ApiError::new(Code::Invalid, format!("the request to {command} cannot be read")).because(&error);
        if holds_secret { error.with_detail("a field is missing or has the wrong type") } else { error }
    })
}

fn answer<T: Serialize>(answer: &T) -> Result<Value, ApiError> {
    serde_json::to_value(answer)
        .map_err(|error| ApiError::internal("the answer cannot be written").because(&error))
}

async fn start<H: Host + ?Sized, R: Mutation>(
    host: &H,
    call: &Call,
    request: &R,
    effect: Effect,
) -> Result<Start, ApiError> {
    let change = request.change();
    if change.dry_run {
        return Ok(Start::Do(None));
    }
    let mut payload = answer(request)?;
    redact(&mut payload);
    if let Value::Object(fields) = &mut payload {
        fields.remove("change");
    }
    let idempotency_key = change.idempotency_key.clone();
    if idempotency_key.as_ref().is_some_and(|key| key.is_empty() || key.len() > KEY_BYTES_MAX) {
        return Err(ApiError::invalid(format!("an idempotency key has 1 to {KEY_BYTES_MAX} bytes")));
    }
    let deed = Deed { command: R::COMMAND, by: call.by.clone(), idempotency_key, payload };
    if deed.idempotency_key.is_none() {
        return Ok(Start::Do(Some(deed)));
    }
    match host.deed_begin(&deed).await? {
        Ledger::Begun => Ok(Start::Do(Some(deed))),
        Ledger::Done(_) if effect == Effect::Secret => {
            Err(ApiError::new(Code::Conflict, "this was done; its secret was shown once and is not kept"))
        }
        Ledger::Done(value) => Ok(Start::Answered(value)),
        Ledger::Running => Err(ApiError::new(Code::Conflict, "the same request is being done right now")
            .with_retry(crate::Retry::After { wait_ms: 1000 })),
        Ledger::Unknown => Err(ApiError::new(
            Code::Conflict,
            "the same request was begun before the host restarted; look at what it did, then use a new key",
        )),
        Ledger::Other => {
            Err(ApiError::new(Code::Conflict, "this idempotency key was used for another request"))
        }
    }
}

async fn finish<H: Host + ?Sized, T: Serialize>(
    host: &H,
    deed: Option<Deed>,
    effect: Effect,
    result: Result<Outcome<T>, ApiError>,
) -> Result<Value, ApiError> {
    let Some(deed) = deed else { return answer(&result?) };
    match result {
        Ok(outcome) => {
            let value = answer(&outcome)?;
            let kept = match effect {
                Effect::Read | Effect::Change => Some(&value),
                Effect::Secret => None,
            };
            host.deed_end(&deed, Ok(kept)).await?;
            Ok(value)
        }
        Err(error) => {
            // The first error is the one that matters; the host logs a ledger that fails on top of it.
            let _ = host.deed_end(&deed, Err(&error)).await;
            Err(error)
        }
    }
}

/// Longest idempotency key: two UUIDs and a word.
const KEY_BYTES_MAX: usize = 100;
