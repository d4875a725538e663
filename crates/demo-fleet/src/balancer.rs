//! A pretended HAProxy: a port that answers, a runtime socket, and what systemd would say of the unit. What that means
//! for the pool is judged by the product's own judge, from the pretended readings.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use agent::sense::clock::{Clock as _, SystemClock};
use haproxy::judge::{Input, Judge, Judgement, UnitReading};
use model::haproxy::{Listener, Report, UnitState};
use sha2::{Digest as _, Sha256};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::stat::{Counters, Traffic};

const UNIT: &str = "haproxy.service";
const VERSION: &str = "2.6.12-1+deb12u3";
/// Connections that one port serves at a time.
const CONNECTIONS_MAX: usize = 64;
/// How long one of them may take.
const CONNECTION: Duration = Duration::from_secs(2);
/// What is read of a request.
const REQUEST_BYTES_MAX: usize = 2 << 10;
/// Pause after a failed accept.
const BREATH: Duration = Duration::from_millis(200);
/// The judge asks to be read again within this at most.
const LONG: Duration = Duration::from_secs(1);

/// Whether systemd was told to run it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Started.
    #[default]
    Running,
    /// Stopped by a person.
    Stopped,
}

/// One pretended HAProxy.
#[derive(Clone, Debug)]
pub(crate) struct Haproxy {
    pub(crate) name: String,
    pub(crate) service: SocketAddr,
    pub(crate) socket: PathBuf,
    pub(crate) wanted: watch::Receiver<Wanted>,
    pub(crate) traffic: watch::Receiver<Traffic>,
}

/// What the runtime socket answers now.
#[derive(Clone, Debug, Default)]
struct Answers {
    stat: String,
    info: String,
}

/// The port and the runtime socket. Dropping it closes both.
struct Open {
    _tasks: JoinSet<()>,
    counters: Counters,
    answers: watch::Sender<Answers>,
}

impl Haproxy {
    /// Pretends until the host's power is cut.
    pub(crate) async fn run(mut self, report: watch::Sender<Report>) {
        let mut judge = Judge::new(UNIT);
        let mut open: Option<Open> = None;
        let mut ticks = interval(LONG);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let wanted = *self.wanted.borrow_and_update();
            match (wanted, &open) {
                (Wanted::Running, None) => open = self.open().await,
                (Wanted::Stopped, Some(_)) => open = None,
                (Wanted::Running, Some(_)) | (Wanted::Stopped, None) => {}
            }
            let state = match (wanted, &open) {
                (_, Some(_)) => UnitState::Active,
                (Wanted::Running, None) => UnitState::Failed,
                (Wanted::Stopped, None) => UnitState::Inactive,
            };
            let now = SystemClock.boottime();
            let judgement = judge.step(now, Input::Unit(UnitReading { state, ..UnitReading::default() }));
            report.send_replace(self.report(state, &judgement, open.as_ref()));
            let again =
                judgement.read_again_at.map_or(LONG, |at| Duration::from_millis(at.since(now).as_ms()));
            tokio::select! {
                changed = self.wanted.changed() => if changed.is_err() { return },
                _ = ticks.tick() => if let Some(open) = &mut open { open.tick(*self.traffic.borrow()) },
                () = sleep(again.min(LONG)), if judgement.read_again_at.is_some() => {}
            }
        }
    }

    async fn open(&self) -> Option<Open> {
        let listener = match TcpListener::bind(self.service).await {
            Ok(listener) => listener,
            Err(error) => {
                tracing::warn!("the pretended HAProxy of {} cannot listen: {error}", self.name);
                return None;
            }
        };
        let (answers, told) = watch::channel(Answers::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, self.name.clone()));
        match self.open_socket() {
            Ok(socket) => drop(tasks.spawn(serve_socket(socket, told))),
            // Without it there are no statistics, and nothing else is missing.
            Err(error) => {
                tracing::warn!("the pretended HAProxy of {} has no runtime socket: {error}", self.name);
            }
        }
        let mut open = Open { _tasks: tasks, counters: Counters::new(&self.name), answers };
        open.tick(Traffic::Elsewhere);
        Some(open)
    }

    fn open_socket(&self) -> std::io::Result<UnixListener> {
        if let Some(directory) = self.socket.parent() {
            std::fs::create_dir_all(directory)?;
        }
        // A leftover of the time before the power was cut.
        let _ = std::fs::remove_file(&self.socket);
        UnixListener::bind(&self.socket)
    }

    fn report(&self, unit: UnitState, judgement: &Judgement, open: Option<&Open>) -> Report {
        let stat = open.and_then(|open| haproxy::stat::summarise(open.answers.borrow().stat.as_bytes()).ok());
        Report {
            monitored: true,
            unit,
            down: judgement.down,
            reason: judgement.reason.clone(),
            // The same on every member: a standby that differs from the active one would not be ready.
            cfg_sha256: hex::encode(Sha256::digest(b"the configuration that every member of the demo runs")),
            cfg_valid: Some(true),
            version: VERSION.to_owned(),
            restarts: 0,
            listeners: vec![Listener {
                section: "http-in".to_owned(),
                address: format!("*:{}", self.service.port()),
                port: Some(self.service.port()),
                http: true,
                tls: false,
                answers: open.map(|_| true),
            }],
            stat,
        }
    }
}

impl Open {
    fn tick(&mut self, traffic: Traffic) {
        self.counters.tick(traffic);
        let answers = Answers { stat: self.counters.stat(), info: self.counters.info(VERSION) };
        self.answers.send_replace(answers);
    }
}

async fn serve(listener: TcpListener, name: String) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let body = format!("{name}: a pretended server of the ServersCTL demo; nothing here is real\n");
    let answer: Arc<str> = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into();
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            sleep(BREATH).await;
            continue;
        };
        // Over the limit the stream is dropped, which the caller sees as a hang-up.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let answer = Arc::clone(&answer);
        connections.spawn(async move {
            let _place = place;
            let _ = timeout(CONNECTION, respond(stream, &answer)).await;
        });
    }
}

async fn respond(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &str) -> std::io::Result<()> {
    let mut request = [0; REQUEST_BYTES_MAX];
    // Whatever it asks, there is one answer.
    if stream.read(&mut request).await? > 0 {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
    }
    Ok(())
}

async fn serve_socket(listener: UnixListener, answers: watch::Receiver<Answers>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(BREATH).await;
            continue;
        };
        // One after the other: whoever asks is the agent of this very host.
        let _ = timeout(CONNECTION, respond_socket(stream, &answers)).await;
    }
}

async fn respond_socket(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    answers: &watch::Receiver<Answers>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    (&mut stream).take(REQUEST_BYTES_MAX as u64).read_until(b'\n', &mut line).await?;
    let now = answers.borrow().clone();
    let answer = match line.trim_ascii() {
        b"show stat" => now.stat,
        b"show info" => now.info,
        _ => "Unknown command: this HAProxy is pretended.\n\n".to_owned(),
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use agent::sense::haproxy::StatAsker;
    use model::haproxy::Down;

    use super::*;

    async fn wait(report: &mut watch::Receiver<Report>, what: impl FnMut(&Report) -> bool) -> Report {
        timeout(Duration::from_secs(10), report.wait_for(what)).await.unwrap().unwrap().clone()
    }

    #[tokio::test]
    async fn it_serves_stops_and_serves_again() {
        let directory = tempfile::tempdir().unwrap();
        let place = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let (want, wanted) = watch::channel(Wanted::Running);
        let (_traffic, traffic) = watch::channel(Traffic::Here);
        let socket = directory.path().join("run/haproxy.sock");
        let one = Haproxy { name: "edge-1".into(), service: place, socket: socket.clone(), wanted, traffic };
        let (tell, mut report) = watch::channel(Report::default());
        let _running = JoinSet::from_iter([one.run(tell)]);

        let up = wait(&mut report, |report| report.stat.is_some()).await;
        assert_eq!((up.unit, up.down, up.listeners[0].answers), (UnitState::Active, Down::None, Some(true)));
        assert!(link_probe(place).await);
        let text = StatAsker::at(socket).ask().await.unwrap().unwrap();
        assert!(text.starts_with("# pxname,svname,"), "{text}");

        want.send_replace(Wanted::Stopped);
        let down = wait(&mut report, |report| report.down == Down::Stopped).await;
        assert_eq!((down.unit, down.stat), (UnitState::Inactive, None));
        assert!(down.reason.contains("haproxy.service"), "{}", down.reason);
        assert!(!link_probe(place).await);

        want.send_replace(Wanted::Running);
        wait(&mut report, |report| report.down == Down::None && report.stat.is_some()).await;
        assert!(link_probe(place).await);
    }

    /// Whether it answers a request.
    async fn link_probe(place: SocketAddr) -> bool {
        let Ok(mut stream) = tokio::net::TcpStream::connect(place).await else { return false };
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.contains("edge-1: a pretended server")
    }
}
