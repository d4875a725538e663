//! A whole host against relays of this process: the relay's own core behind a real link.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use api::request::{PoolCreate, PoolPause, ProfileInit, SettingsPatch, VaultChoice, VaultUnlock};
use api::{Call, Change, Host as _, PoolRef, SecretText};
use link::{Acceptor, Identity, Timeouts};
use model::{BootId, ConsoleId, FleetId, IncidentId, MemberId, PoolId};
use protocol::docs::{MemberEntry, Part, Shelf};
use protocol::frame::{Frame, Welcome};
use protocol::key::{PublicKey, SecretKey};
use protocol::limits;
use protocol::records::{Record, RecordBody, RecordId};
use protocol::relay::{Core, Kept, Setup, serve};
use tokio::net::TcpListener;

use crate::{Host, Kind, clock};

const PASSPHRASE: &str = "correct horse battery staple";

/// A relay that takes any console.
struct Relay {
    member: MemberId,
    key: PublicKey,
    address: SocketAddr,
    core: Arc<Mutex<Core>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Relay {
    async fn start(number: u8, fleet: FleetId, console: ConsoleId) -> Self {
        let secret = SecretKey::from_bytes(&[number; 32]);
        let member = MemberId::from_number(u32::from(number));
        let boot = BootId::from_number(1);
        let setup = Setup {
            me: member,
            boot,
            attachment: 1,
            kept: Some(Kept::empty(boot)),
            shelf: Shelf::of_fleet(fleet),
        };
        let core = Arc::new(Mutex::new(Core::new(setup, clock::now())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = Acceptor::new(&Identity::new(&secret).unwrap(), Timeouts::default());
        let shared = Arc::clone(&core);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, core) = (acceptor.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let _ = Self::serve(&acceptor, stream, member, console, &core).await;
                });
            }
        });
        Self { member, key: secret.public(), address, core, task }
    }

    async fn serve(
        acceptor: &Acceptor,
        stream: tokio::net::TcpStream,
        member: MemberId,
        console: ConsoleId,
        core: &Mutex<Core>,
    ) -> Result<(), link::LinkError> {
        let (mut writer, mut reader) = acceptor.accept(stream).await?.split();
        reader.set_limit(limits::FRAME_BYTES_MAX);
        let Frame::Hello(_) = reader.recv::<Frame>().await? else { return Ok(()) };
        let roster_version = core.lock().unwrap().shelf().roster_version();
        let welcome = Welcome {
            member: Some(member),
            version: String::new(),
            roster_version,
            hostname: String::new(),
            seen_from: None,
            heartbeats_alone: None,
        };
        writer.send(&Frame::Welcome(welcome)).await?;
        core.lock().unwrap().attach(console);
        let mut reports = tokio::time::interval(Duration::from_millis(100));
        loop {
            let frames = tokio::select! {
                frame = reader.recv::<Frame>() => {
                    let frame = frame?;
                    serve::console(&mut core.lock().unwrap(), console, frame, clock::now()).frames
                }
                _ = reports.tick() => {
                    vec![core.lock().unwrap().dispatch(console, clock::now()).into_frame()]
                }
            };
            writer.send_all(&frames).await?;
        }
    }

    fn entry(&self, pool: PoolId) -> MemberEntry {
        MemberEntry {
            id: self.member,
            key: self.key,
            name: format!("lb{}", self.member.short()),
            hostname: format!("lb{}", self.member.short()),
            address: [203, 0, 113, 7].into(),
            sources: vec!["127.0.0.1".parse().unwrap()],
            pool,
            part: Part::Member,
            priority: 0,
            relay: Some(self.address),
            witness_for: Vec::new(),
            place: None,
        }
    }

    fn epochs(&self, pool: PoolId) -> Vec<u64> {
        let records = self.core.lock().unwrap().records(pool, clock::now());
        let epoch = |record: &Record| match record.body {
            RecordBody::Move { epoch, .. } => Some(epoch),
            RecordBody::Incident { .. }
            | RecordBody::Job { .. }
            | RecordBody::Audit { .. }
            | RecordBody::Other => None,
        };
        records.iter().filter_map(|aged| epoch(&aged.noted.record)).collect()
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "not in 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn call() -> Call {
    Call::quiet("a test")
}

/// A profile with a pool that has no members yet.
async fn host(directory: &Path, kind: Kind) -> (Arc<Host>, PoolId) {
    let host = Host::open(directory, kind).unwrap();
    let init = ProfileInit {
        change: Change::default(),
        name: "desk".to_owned(),
        vault: VaultChoice::File,
        secret: Some(SecretText::new(PASSPHRASE.to_owned())),
    };
    host.profile_init(&call(), init).await.unwrap();
    let create =
        PoolCreate { change: Change::default(), name: "edge".to_owned(), settings: SettingsPatch::default() };
    host.pool_create(&call(), create).await.unwrap();
    let pool = host.inner().unwrap().fleet.policies()[0].pool;
    (host, pool)
}

fn enrol(host: &Host, pool: PoolId, relays: &[&Relay]) {
    let inner = host.inner().unwrap();
    let added = inner.fleet.change_roster(&*inner, |roster| {
        roster.members.extend(relays.iter().map(|relay| relay.entry(pool)));
        Ok(())
    });
    added.unwrap();
    inner.documents_changed();
}

fn move_record(host: &Host, pool: PoolId, epoch: u64) -> protocol::records::Noted {
    let inner = host.inner().unwrap();
    let body = RecordBody::Move {
        epoch,
        cause: "down".to_owned(),
        from: Some(MemberId::from_number(1)),
        to: MemberId::from_number(2),
        acknowledged: false,
        verified: true,
        incident: Some(IncidentId::from_number(epoch as u32)),
    };
    let id = RecordId::of_move(pool, epoch);
    let record = Record { id, revision: 1, pool, at_unix_ms: clock::wall_ms(), body };
    record.seal(inner.fleet.console, &inner.fleet.key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_answer_of_a_relay_does_not_end_its_connection() {
    let directory = tempfile::tempdir().unwrap();
    let (host, pool) = host(directory.path(), Kind::Headless).await;
    let inner = host.inner().unwrap();
    let relay = Relay::start(1, inner.fleet.id, inner.fleet.console).await;
    for epoch in 1..=30 {
        relay.core.lock().unwrap().record_put(move_record(&host, pool, epoch), clock::now());
    }
    let bytes: usize = relay
        .core
        .lock()
        .unwrap()
        .records(pool, clock::now())
        .iter()
        .map(|aged| serde_json::to_string(&**aged.noted.signed.as_ref().unwrap()).unwrap().len())
        .sum();
    assert!(bytes > limits::FRAME_BYTES_BEFORE_HELLO_MAX, "{bytes}");
    enrol(&host, pool, &[&relay]);
    until("the records arrive", || !inner.moves().records(pool, clock::now()).unreadable).await;
    assert_eq!(inner.moves().records(pool, clock::now()).moves.len(), 30);
    assert!(inner.link(relay.member).is_some_and(|link| link.up));
    until("they are kept", || inner.store.records(pool).unwrap().len() == 30).await;
    host.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_missed_a_move_gets_it_from_the_console() {
    let directory = tempfile::tempdir().unwrap();
    let (host, pool) = host(directory.path(), Kind::Headless).await;
    let inner = host.inner().unwrap();
    let first = Relay::start(1, inner.fleet.id, inner.fleet.console).await;
    let second = Relay::start(2, inner.fleet.id, inner.fleet.console).await;
    first.core.lock().unwrap().record_put(move_record(&host, pool, 7), clock::now());
    // Who is active is told before the relays are there.
    let role = protocol::frame::Role { pool, epoch: 7, active: second.member };
    inner.reach.send_role(role);
    enrol(&host, pool, &[&first, &second]);
    until("the second relay has it", || second.epochs(pool) == [7]).await;
    until("both know who is active", || {
        [&first, &second].iter().all(|relay| relay.core.lock().unwrap().role(pool) == Some(role))
    })
    .await;
    host.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_by_a_short_lived_host_reaches_the_relays() {
    let directory = tempfile::tempdir().unwrap();
    let (first, pool) = host(directory.path(), Kind::Brief).await;
    let inner = first.inner().unwrap();
    let relay = Relay::start(1, inner.fleet.id, inner.fleet.console).await;
    enrol(&first, pool, &[&relay]);
    first.close().await;
    drop((inner, first));
    assert_eq!(relay.core.lock().unwrap().shelf().roster_version(), 2, "closing waits for the relay");

    let brief = Host::open(directory.path(), Kind::Brief).unwrap();
    let secret = SecretText::new(PASSPHRASE.to_owned());
    brief.vault_unlock(&call(), VaultUnlock { change: Change::default(), secret }).await.unwrap();
    let pause = PoolPause {
        change: Change::default(),
        pool: PoolRef(pool.to_string()),
        for_ms: 60_000,
        why: "a test".to_owned(),
    };
    brief.pool_pause(&call(), pause).await.unwrap();
    brief.close().await;
    let kept = relay.core.lock().unwrap().shelf().policy(pool).map(|kept| kept.content.pause.clone());
    assert_eq!(kept.flatten().map(|pause| pause.why), Some("a test".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moves_on_the_own_disk_are_known_before_any_relay_answers() {
    let directory = tempfile::tempdir().unwrap();
    let (first, pool) = host(directory.path(), Kind::Headless).await;
    let noted = move_record(&first, pool, 9);
    let json = serde_json::to_string(&**noted.signed.as_ref().unwrap()).unwrap();
    let id = noted.record.id.to_string();
    let row = store::Record { id, revision: 1, at_ms: clock::wall_ms(), json };
    first.inner().unwrap().store.merge_records(pool, &[row]).unwrap();
    first.close().await;
    drop(first);
    let again = Host::open(directory.path(), Kind::Headless).unwrap();
    let secret = SecretText::new(PASSPHRASE.to_owned());
    again.vault_unlock(&call(), VaultUnlock { change: Change::default(), secret }).await.unwrap();
    let inner = again.inner().unwrap();
    let records = inner.moves().records(pool, clock::now());
    assert_eq!(records.moves.iter().map(|record| record.epoch).collect::<Vec<_>>(), [9]);
    assert!(records.unreadable, "no relay has answered");
    let listed: BTreeMap<_, _> = [(9, 1)].into();
    inner.moves().answered(pool, MemberId::from_number(1), listed);
    assert!(!inner.moves().records(pool, clock::now()).unreadable);
    again.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_host_leaves_no_watch_behind() {
    let directory = tempfile::tempdir().unwrap();
    let (host, pool) = host(directory.path(), Kind::Headless).await;
    let watch = host.inner().unwrap().watch_of(pool).unwrap();
    drop(host);
    let ended = tokio::time::timeout(Duration::from_secs(30), watch.ended()).await;
    assert!(ended.is_ok());
    assert!(Host::open(directory.path(), Kind::Headless).is_ok(), "the profile is free");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_policies_of_one_version_hold_automatic_moves_until_the_next_is_signed() {
    let directory = tempfile::tempdir().unwrap();
    let (host, pool) = host(directory.path(), Kind::Headless).await;
    let inner = host.inner().unwrap();
    let relay = Relay::start(1, inner.fleet.id, inner.fleet.console).await;
    enrol(&host, pool, &[&relay]);
    let first = inner.fleet.shelf().policy(pool).cloned().unwrap();
    until("the relay has the first policy", || relay.core.lock().unwrap().shelf().policy(pool).is_some())
        .await;
    // Somebody else's second policy reaches the relay while ours is signed here.
    let mut theirs = first.content.successor(&first.signed);
    theirs.name = "theirs".to_owned();
    let theirs = theirs.seal(inner.fleet.console, &inner.fleet.key);
    let rename = |name: &str| {
        let changed = inner.fleet.change_policy(&*inner, pool, |next| {
            next.name = name.to_owned();
            Ok(())
        });
        changed.unwrap();
    };
    rename("ours");
    relay.core.lock().unwrap().doc_put(theirs).unwrap();
    inner.documents_changed();
    until("the fork is seen", || inner.held(pool).is_some_and(|why| why.contains("version 2"))).await;
    rename("settled");
    inner.documents_changed();
    assert_eq!(inner.held(pool), None);
    until("the relay follows", || {
        let core = relay.core.lock().unwrap();
        core.shelf().policy(pool).is_some_and(|kept| kept.content.name == "settled")
    })
    .await;
    host.close().await;
}
