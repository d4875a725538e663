//! A fleet on loopback: an owner's console, members with their own roots and ports, agents in this process.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use agent::layout::Layout;
use agent::run::{Agent, Inputs, boot_id};
use agent::sense::clock::SystemClock;
use agent::sense::haproxy::StatAsker;
use agent::sense::host::FiguresOf;
use agent::state::{Identity, State};
use link::{Channel, Pin, Timeouts};
use model::haproxy::Report;
use model::{ConsoleId, FleetId, MemberId, Nonce, PoolId, Settings};
use protocol::check::Refusal;
use protocol::docs::{ConsoleEntry, MemberEntry, Part, Policy, Role, Roster, SignedDoc, fleet_of};
use protocol::frame::{Beacon, Hello, HelloRole};
use protocol::heartbeat::Heartbeat;
use protocol::sign::Kind;
use protocol::{Frame, Goodbye, SecretKey, relay};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// How long anything may take before a test fails: many times what it takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn pool() -> PoolId {
    PoolId::from_number(1)
}

pub(crate) fn key(n: u8) -> SecretKey {
    SecretKey::from_bytes(&[n; 32])
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

pub(crate) struct Member {
    pub(crate) id: MemberId,
    pub(crate) key: SecretKey,
    pub(crate) relay: SocketAddr,
    pub(crate) layout: Layout,
    _root: tempfile::TempDir,
}

impl Member {
    pub(crate) fn new(n: u8) -> Self {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path());
        Self { id: MemberId::from_number(n.into()), key: key(n), relay: free_port(), layout, _root: root }
    }

    pub(crate) fn name(&self) -> String {
        format!("edge-{}", self.id.as_bytes()[3])
    }

    pub(crate) fn entry(&self) -> MemberEntry {
        MemberEntry {
            id: self.id,
            key: self.key.public(),
            name: self.name(),
            hostname: self.name(),
            address: Ipv4Addr::LOCALHOST,
            sources: vec!["127.0.0.0/8".parse().unwrap()],
            pool: pool(),
            part: Part::Member,
            priority: 0,
            relay: Some(self.relay),
            witness_for: vec![],
            place: None,
        }
    }

    /// A heartbeat of this member that no agent made.
    pub(crate) fn heartbeat(&self, seq: u64) -> Heartbeat {
        Heartbeat::bare(self.id, boot_id().unwrap(), 1, seq)
    }

    pub(crate) fn write_env(&self) {
        let etc = self.layout.etc();
        std::fs::create_dir_all(&etc).unwrap();
        let text = format!("BALCTL_HOSTNAME={}\nBALCTL_LISTEN={}\n", self.name(), self.relay);
        std::fs::write(self.layout.env(), text).unwrap();
    }

    pub(crate) fn state(&self) -> State {
        State::new(&self.layout)
    }
}

/// The owner's side of a fleet.
pub(crate) struct Fleet {
    pub(crate) id: FleetId,
    pub(crate) owner: ConsoleId,
    pub(crate) owner_key: SecretKey,
    pub(crate) roster: Roster,
    pub(crate) newest: SignedDoc,
}

impl Fleet {
    pub(crate) fn found() -> Self {
        let owner = ConsoleId::from_number(100);
        let owner_key = key(200);
        let entry =
            ConsoleEntry { id: owner, key: owner_key.public(), name: "laptop".into(), role: Role::Owner };
        let roster = Roster::first(entry);
        let first = roster.seal(owner, &owner_key);
        Self { id: fleet_of(&first), owner, owner_key, newest: first, roster }
    }

    /// Signs the next roster.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Roster)) -> SignedDoc {
        let mut next = self.roster.successor(self.id, &self.newest);
        change(&mut next);
        self.newest = next.seal(self.owner, &self.owner_key);
        self.roster = next;
        self.newest.clone()
    }

    pub(crate) fn policy(&self, settings: Settings) -> SignedDoc {
        let policy = Policy {
            fleet: self.id,
            pool: pool(),
            version: 1,
            prev: None,
            name: "edge".into(),
            managed: None,
            settings,
            pause: None,
            preferred: None,
            order: vec![],
        };
        policy.seal(self.owner, &self.owner_key)
    }

    /// Writes what an enrolment would have left on the members' disks.
    pub(crate) fn enrol(&mut self, members: &[Member]) {
        self.change(|roster| roster.members.extend(members.iter().map(Member::entry)));
        for member in members {
            self.write_enrolled(member);
        }
    }

    pub(crate) fn write_enrolled(&self, member: &Member) {
        let identity = Identity { key: member.key.clone(), member: member.id, fleet: self.id };
        let settings = Settings { delay_s: 10, ..Settings::default() };
        let documents = [self.newest.clone(), self.policy(settings)];
        let ledger = relay::Kept::empty(boot_id().unwrap());
        member.state().write_enrolled(&identity, &documents, &ledger).unwrap();
        member.state().forget_former().unwrap();
        member.write_env();
    }

    pub(crate) async fn console(&self, member: &Member) -> Console {
        Console::call(self, member).await.unwrap()
    }
}

/// An agent that runs in this process.
pub(crate) struct Running {
    task: JoinHandle<()>,
    stop: Option<oneshot::Sender<Goodbye>>,
    pub(crate) haproxy: watch::Sender<Report>,
}

impl Running {
    pub(crate) fn start(member: &Member) -> Self {
        Self::try_start(member).unwrap()
    }

    pub(crate) fn try_start(member: &Member) -> anyhow::Result<Self> {
        let (haproxy, report) = watch::channel(Report::default());
        let (stop, stopped) = oneshot::channel();
        let inputs = Inputs {
            report,
            stat: StatAsker::default(),
            stop: stopped,
            strike: watch::channel(0).0,
            boot: boot_id()?,
            figures: FiguresOf::ThisHost,
        };
        let agent = Agent::build(&member.layout, Arc::new(SystemClock), inputs)?;
        Ok(Self { task: tokio::spawn(agent.run()), stop: Some(stop), haproxy })
    }

    /// SIGTERM.
    pub(crate) async fn stop(mut self, why: Goodbye) {
        self.stop.take().unwrap().send(why).unwrap();
        timeout(PATIENCE, &mut self.task).await.unwrap().unwrap();
    }

    /// SIGKILL: nothing is said, nothing is written.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// A console's link to one relay.
pub(crate) struct Console {
    pub(crate) link: Channel,
    pub(crate) id: ConsoleId,
}

impl Console {
    pub(crate) async fn call(fleet: &Fleet, member: &Member) -> Result<Self, Refusal> {
        let (mut link, answer) = knock(&fleet.owner_key, member, HelloRole::Console, None).await;
        if let Frame::Refused(refusal) = answer {
            return Err(refusal);
        }
        assert!(matches!(answer, Frame::Welcome(_)), "{answer:?}");
        link.set_limit(protocol::limits::FRAME_BYTES_MAX);
        Ok(Self { link, id: fleet.owner })
    }

    pub(crate) async fn say(&mut self, frame: Frame) {
        self.link.send(&frame).await.unwrap();
    }

    pub(crate) async fn beacon(&mut self, nonce: Nonce) {
        let console = self.id;
        self.say(Frame::Beacon(Beacon { console, nonce })).await;
    }

    /// The first frame that `wanted` makes something of; others are passed over.
    pub(crate) async fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(Frame) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut beat = tokio::time::interval(Duration::from_secs(2));
        loop {
            tokio::select! {
                frame = self.link.recv::<Frame>() => match frame {
                    Ok(frame) => if let Some(found) = wanted(frame) { return found },
                    Err(error) => panic!("while waiting for {what}: {error}"),
                },
                // As real consoles do, so that the relay hears us.
                _ = beat.tick() => {
                    self.link.send(&Frame::Ping { number: 0 }).await.unwrap();
                    assert!(Instant::now() < deadline, "{what} did not come in time");
                }
            }
        }
    }

    /// Waits for a heartbeat of `member` in a report.
    pub(crate) async fn heartbeat(
        &mut self,
        member: &Member,
        what: &str,
        wanted: impl Fn(&Heartbeat) -> bool,
    ) -> Heartbeat {
        let public = member.key.public();
        let id = member.id;
        self.until(what, |frame| {
            let Frame::Report(report) = frame else { return None };
            report
                .heartbeats
                .iter()
                .filter(|heard| heard.signed.by == protocol::Signer::Member(id))
                .map(|heard| heard.signed.open::<Heartbeat>(Kind::Heartbeat, &public).unwrap())
                .find(|heartbeat| wanted(heartbeat))
        })
        .await
    }

    /// Waits until the relay ends the link.
    pub(crate) async fn closed(mut self) -> Vec<Frame> {
        let mut last = Vec::new();
        let read = async {
            while let Ok(frame) = self.link.recv::<Frame>().await {
                last.push(frame);
            }
        };
        timeout(PATIENCE, read).await.expect("the relay did not end the link");
        last
    }
}

/// Proves a key at a member's door and says hello.
pub(crate) async fn knock(
    key: &SecretKey,
    member: &Member,
    role: HelloRole,
    hostname: Option<String>,
) -> (Channel, Frame) {
    let identity = link::Identity::new(key).unwrap();
    let pin = Pin::Key(member.key.public());
    let mut link = link::connect(member.relay, &identity, pin, Timeouts::default()).await.unwrap();
    let hello = Hello { role, version: "test".into(), roster_version: 0, hostname };
    link.send(&Frame::Hello(hello)).await.unwrap();
    let answer = link.recv::<Frame>().await.unwrap();
    (link, answer)
}
