//! A demo as a process of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use api::request::{IncidentListRequest, PoolStatusRequest, ProviderListRequest};
use api::view::YesNo;
use api::view::incident::IncidentOutcome;
use api::view::member::Role;
use api::view::pool::PoolStatus;
use client::Client;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::timeout;

const NAME: &str = "lb.demo.test";
const EVERY: Duration = Duration::from_millis(100);
const END: Duration = Duration::from_secs(20);

pub(crate) struct Demo {
    process: Child,
    input: ChildStdin,
    pictures: mpsc::UnboundedReceiver<Value>,
    errors: Arc<Mutex<String>>,
    errors_end: Option<JoinHandle<()>>,
    last: Value,
    profile: PathBuf,
    client: Option<Client>,
    /// Where its name server and its members are, once somebody asked.
    server: Option<SocketAddr>,
}

impl Demo {
    pub(crate) fn start(directory: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_serversctl-demo-fleet"))
            .arg("--dir")
            .arg(directory)
            .env_remove("SERVERSCTL_DEMO_GROUND")
            .env_remove("SERVERSCTL_RESOLVERS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (tell, pictures) = mpsc::unbounded_channel();
        // Ends with the process.
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let Ok(picture) = serde_json::from_str(&line) else { continue };
                if tell.send(picture).is_err() {
                    return;
                }
            }
        });
        // Read all the time: a full pipe would hold the process up.
        let mut said = process.stderr.take().unwrap();
        let errors = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&errors);
        let errors_end = thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(length @ 1..) = said.read(&mut part) {
                kept.lock().unwrap().push_str(&String::from_utf8_lossy(&part[..length]));
            }
        });
        let profile = directory.join("profile");
        let errors_end = Some(errors_end);
        Self {
            process,
            input,
            pictures,
            errors,
            errors_end,
            last: Value::Null,
            profile,
            client: None,
            server: None,
        }
    }

    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    /// Waits for a picture.
    pub(crate) async fn wait(&mut self, what: &str, bound: Duration, mut is_so: impl FnMut(&Value) -> bool) {
        let waiting = async {
            while !is_so(&self.last) {
                assert_ne!(self.last["stage"], "failed", "while waiting for {what}: {}", self.last);
                assert!(self.last.get("refused").is_none(), "while waiting for {what}: {}", self.last);
                match self.pictures.recv().await {
                    Some(picture) => self.last = picture,
                    None => panic!("the demo ended while waiting for {what}: {}", self.errors()),
                }
            }
        };
        let waited = timeout(bound, waiting).await;
        waited.unwrap_or_else(|_| panic!("{what} within {bound:?}: {}", self.last));
    }

    async fn client(&mut self) -> Client {
        if self.client.is_none() {
            self.client = Some(Client::connect(&self.profile, "a test").await.unwrap());
        }
        self.client.clone().unwrap()
    }

    pub(crate) async fn status(&mut self) -> PoolStatus {
        let request = PoolStatusRequest { pool: Some("demo-edge".into()) };
        self.client().await.call(request).await.unwrap().pools.remove(0)
    }

    /// The name of the active member.
    pub(crate) async fn active(&mut self) -> String {
        let status = self.status().await;
        let active = status.members.iter().find(|member| Some(member.id) == status.active);
        active.expect("an active member").name.clone()
    }

    /// Waits until the record moved away from a member; the name of the one that it points at then.
    pub(crate) async fn wait_moved(&mut self, from: &str, bound: Duration) -> String {
        let began = Instant::now();
        loop {
            let now = self.active().await;
            if now != from {
                self.wait_record(&now, bound).await;
                return now;
            }
            assert!(began.elapsed() < bound, "the record stays at {from}: {:?}", self.status().await.reason);
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Waits until the name server itself hands out the member's address.
    pub(crate) async fn wait_record(&mut self, member: &str, bound: Duration) {
        let status = self.status().await;
        let wanted = status.members.iter().find(|one| one.name == member).unwrap();
        let wanted: Ipv4Addr = wanted.address.parse().unwrap();
        let server = self.server().await;
        let began = Instant::now();
        loop {
            let seen = ask(server).await;
            if seen.as_ref().is_some_and(|seen| seen.is_only(wanted)) {
                return;
            }
            assert!(began.elapsed() < bound, "{NAME} is {seen:?}, not {wanted}");
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn server(&mut self) -> SocketAddr {
        if self.server.is_none() {
            let list = self.client().await.call(ProviderListRequest {}).await.unwrap();
            let api::request::ProviderLink::Rfc2136 { server, .. } = &list.providers[0].link;
            self.server = Some(server.parse().unwrap());
        }
        self.server.unwrap()
    }

    /// Waits until the engine says that the record would follow if the active member failed now.
    pub(crate) async fn wait_would_move(&mut self, bound: Duration) {
        let began = Instant::now();
        loop {
            let status = self.status().await;
            let mut standbys = status.members.iter().filter(|one| one.role == Role::Standby);
            let ready = standbys.clone().filter(|one| one.ready.verdict == YesNo::Yes).count();
            if status.would_move.verdict == YesNo::Yes && standbys.all(|one| one.ready.verdict == YesNo::Yes)
            {
                return;
            }
            assert!(began.elapsed() < bound, "{ready} ready, {}", status.would_move.reason);
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Waits for an incident that ended so.
    pub(crate) async fn wait_incident(&mut self, how: &str, from: &str, to: &str, bound: Duration) {
        assert_eq!(how, "moved");
        let began = Instant::now();
        loop {
            let request = IncidentListRequest::default();
            let list = self.client().await.call(request).await.unwrap().incidents;
            let is_it = |one: &&api::view::incident::IncidentView| {
                one.outcome == IncidentOutcome::Moved
                    && one.from.as_deref() == Some(from)
                    && one.to.as_deref() == Some(to)
            };
            if list.iter().any(|one| is_it(&one)) {
                return;
            }
            let seen: Vec<_> = list.iter().map(|one| (&one.from, &one.to, one.outcome)).collect();
            assert!(began.elapsed() < bound, "no incident {how} from {from} to {to}: {seen:?}");
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Waits until the process ended well.
    pub(crate) async fn wait_ended(&mut self) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                assert!(status.success(), "{status}: {}", self.errors());
                return;
            }
            assert!(began.elapsed() < END, "the demo does not end");
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Waits until the process refused, and gives its words.
    pub(crate) async fn wait_refused(&mut self) -> String {
        let began = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                assert!(!status.success());
                return self.errors();
            }
            assert!(began.elapsed() < END, "the demo was not refused");
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Ends it the hard way.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Nobody listens any more where the name server was.
    pub(crate) async fn must_be_silent(&mut self) {
        let server = self.server.expect("it was asked before");
        assert!(tokio::net::TcpStream::connect(server).await.is_err(), "{server} answers still");
    }

    /// What it said on its standard error; once it ended, all of it.
    fn errors(&mut self) -> String {
        if let Some(end) = self.errors_end.take().filter(|_| matches!(self.process.try_wait(), Ok(Some(_)))) {
            end.join().unwrap();
        }
        self.errors.lock().unwrap().clone()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn ask(server: SocketAddr) -> Option<dns::resolve::Observed> {
    let name = dns::Fqdn::new(NAME).unwrap();
    let mut observations = dns::resolve::observe(&name, &[server], Duration::from_secs(1)).await;
    observations.pop()?.answer.ok()
}
