//! A plain host on the bridge: a network namespace, this machine's own disk, no systemd. The console, a name server and a
//! client live on such hosts.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::command::{self, DIES_WITH_US, Output};
use crate::link::{Cut, Link};
use crate::wait::{self, Seen};

/// An answer is the member's name; anything longer is not ours.
const ANSWER_MAX_BYTES: u64 = 64 << 10;

/// A namespace on the bridge for processes and threads of this machine.
#[derive(Debug)]
pub struct Host {
    link: Link,
    logs: PathBuf,
    count: AtomicU32,
}

impl Host {
    pub(crate) fn new(link: Link) -> Result<Self> {
        let logs = link.core().dir().join(link.name());
        fs::create_dir_all(&logs).with_context(|| format!("making {}", logs.display()))?;
        Ok(Self { link, logs, count: AtomicU32::new(0) })
    }

    pub fn name(&self) -> &str {
        self.link.name()
    }

    pub fn address(&self) -> Ipv4Addr {
        self.link.address()
    }

    /// A directory of this host alone, gone with the fabric.
    pub fn dir(&self) -> &Path {
        &self.logs
    }

    /// What processes of this host find in `/etc/resolv.conf`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_name_server(&self, server: Ipv4Addr) -> Result<()> {
        let dir = Path::new("/etc/netns").join(self.link.netns());
        fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
        fs::write(dir.join("resolv.conf"), format!("nameserver {server}\noptions timeout:1 attempts:2\n"))
            .with_context(|| format!("writing resolv.conf of {}", self.name()))
    }

    /// Starts a program that stays; what it prints goes to a log of its own. It dies with the thread that starts it.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn(&self, name: &str, argv: &[&str]) -> Result<Process> {
        self.spawn_with(name, argv, &[])
    }

    /// As [`Host::spawn`], with variables added to the environment.
    ///
    /// # Errors
    /// As [`Host::spawn`].
    pub fn spawn_with(&self, name: &str, argv: &[&str], env: &[(&str, &str)]) -> Result<Process> {
        let log = self.logs.join(format!("{name}-{}.log", self.count.fetch_add(1, Ordering::Relaxed)));
        let mut program = command::command(&self.inside(argv));
        Process::start(format!("{name} on {}", self.name()), program.envs(env.iter().copied()), log)
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    /// As [`command::run`].
    pub fn run(&self, argv: &[&str], bound: Duration) -> Result<Output> {
        command::run(&self.inside(argv), bound)
    }

    /// As [`Host::run`], with standard input.
    ///
    /// # Errors
    /// As [`command::run`].
    pub fn run_with_input(&self, argv: &[&str], input: &[u8], bound: Duration) -> Result<Output> {
        command::run_with_input(&self.inside(argv), input, bound)
    }

    /// Runs a program that has to succeed, and returns what it printed.
    ///
    /// # Errors
    /// As [`command::must`].
    pub fn must(&self, argv: &[&str], bound: Duration) -> Result<String> {
        command::must(&self.inside(argv), bound)
    }

    /// Runs `work` on a thread whose sockets are this host's.
    ///
    /// # Errors
    /// The namespace cannot be entered.
    pub fn thread<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<Working<T>> {
        let path = Path::new("/run/netns").join(self.link.netns());
        let netns = File::open(&path).with_context(|| format!("opening {}", path.display()))?;
        let (entered, has_entered) = std::sync::mpsc::channel();
        let thread = thread::Builder::new()
            .name(format!("on-{}", self.name()))
            .spawn(move || {
                let moved = move_into_link_name_space(netns.as_fd(), Some(LinkNameSpaceType::Network));
                let ok = moved.is_ok();
                // Without the namespace the work would run on this machine's own network.
                let _ = entered.send(moved);
                ok.then(work)
            })
            .context("starting a thread")?;
        has_entered.recv().context("a thread ended early")?.context("entering a network namespace")?;
        Ok(Working { thread, name: self.name().to_owned() })
    }

    /// Asks `http://<to>:<port>/` from this host; the answer's body.
    ///
    /// # Errors
    /// No answer within the bound, or another status than 200.
    pub fn http_get(&self, to: Ipv4Addr, port: u16, bound: Duration) -> Result<String> {
        self.thread(move || http_get(SocketAddr::from((to, port)), bound))?.join()?
    }

    /// Does something to the host's network; see [`Cut`].
    ///
    /// # Errors
    /// The rule cannot be set.
    pub fn cut(&self, cut: Cut) -> Result<()> {
        self.link.cut(cut)
    }

    /// Ends one fault of the network.
    ///
    /// # Errors
    /// The rule cannot be removed.
    pub fn heal(&self, cut: Cut) -> Result<()> {
        self.link.heal(cut)
    }

    /// Ends every fault of the network.
    ///
    /// # Errors
    /// A rule cannot be removed.
    pub fn heal_all(&self) -> Result<()> {
        self.link.heal_all()
    }

    /// The ends of the logs of its programs, for a test that failed: they go with the world.
    pub fn last_words(&self) -> String {
        let entries = fs::read_dir(&self.logs).into_iter().flatten().flatten().map(|entry| entry.path());
        let logs = entries.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
        let tails = logs.map(|path| {
            let text = fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            format!(
                "--- log of {name} on {} (end)\n{}",
                self.name(),
                last_lines(&text.unwrap_or_default(), 80)
            )
        });
        tails.collect::<Vec<_>>().join("\n")
    }

    fn inside(&self, argv: &[&str]) -> Vec<String> {
        let enter = ["ip", "netns", "exec", self.link.netns()];
        enter.iter().chain(DIES_WITH_US).chain(argv).map(|&word| word.to_owned()).collect()
    }
}

/// Writes a file that only its owner can read.
///
/// # Errors
/// It exists already, or cannot be written.
pub fn write_secret(path: &Path, content: &str) -> Result<()> {
    let context = || format!("writing {}", path.display());
    let mut file =
        File::options().write(true).create_new(true).mode(0o600).open(path).with_context(context)?;
    file.write_all(content.as_bytes()).with_context(context)
}

/// One HTTP request by hand on the caller's network: the body of a 200.
///
/// # Errors
/// No answer within the bound, or another status than 200.
pub fn http_get(to: SocketAddr, bound: Duration) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&to, bound).with_context(|| format!("connecting to {to}"))?;
    stream.set_read_timeout(Some(bound)).context("setting a bound")?;
    stream.set_write_timeout(Some(bound)).context("setting a bound")?;
    let request = format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", to.ip());
    stream.write_all(request.as_bytes()).with_context(|| format!("asking {to}"))?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX_BYTES).read_to_end(&mut answer).with_context(|| format!("reading from {to}"))?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").with_context(|| format!("{to} broke off"))?;
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        bail!("{to} answered `{status}`");
    }
    Ok(body.to_owned())
}

/// A thread of this process on a host's network.
#[derive(Debug)]
pub struct Working<T> {
    thread: JoinHandle<Option<T>>,
    name: String,
}

impl<T> Working<T> {
    /// Waits for what the work returns.
    ///
    /// # Errors
    /// It panicked.
    pub fn join(self) -> Result<T> {
        let done = self.thread.join().ok().flatten();
        done.with_context(|| format!("the work on {} ended early", self.name))
    }
}

/// A running program on a host. Dropping it kills it and what it started.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    pub(crate) fn start(name: String, program: &mut Command, log: PathBuf) -> Result<Self> {
        let sink = File::create(&log).with_context(|| format!("making {}", log.display()))?;
        let child = program
            .stdin(Stdio::null())
            .stdout(sink.try_clone().context("sharing a log")?)
            .stderr(sink)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        Ok(Self { name, child, log })
    }

    /// Its pid on this machine (`ip netns exec` becomes the program, it does not stay beside it).
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn log(&self) -> Result<String> {
        let bytes = fs::read(&self.log).with_context(|| format!("reading {}", self.log.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// Fails with the end of the log if the program has ended.
    ///
    /// # Errors
    /// It has ended.
    pub fn must_run(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait().context("looking at a child")? {
            bail!("{} ended with {status}\n{}", self.name, self.log_tail());
        }
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// It is still there when the bound passes; it is killed then.
    pub fn stop(&mut self, bound: Duration) -> Result<ExitStatus> {
        command::kill_group(&self.child, Signal::TERM);
        self.wait(bound)
    }

    /// Kills it (SIGKILL), with what it started.
    ///
    /// # Errors
    /// It cannot be reaped.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        command::kill_group(&self.child, Signal::KILL);
        self.child.wait().with_context(|| format!("reaping {}", self.name))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It is still there when the bound passes; it is killed then.
    pub fn wait(&mut self, bound: Duration) -> Result<ExitStatus> {
        let ended = command::wait_bounded(&mut self.child, bound)?;
        ended.with_context(|| {
            format!("{} did not end within {:.1} s\n{}", self.name, bound.as_secs_f64(), self.log_tail())
        })
    }

    /// Waits until its log holds these words.
    ///
    /// # Errors
    /// The bound passed, or it has ended; the error holds the end of the log.
    pub fn wait_for(&mut self, words: &str, bound: Duration) -> Result<()> {
        let what = format!("`{words}` from {}", self.name);
        wait::until(&what, bound, || {
            if self.log()?.contains(words) {
                return Ok(Seen::Yes(()));
            }
            self.must_run()?;
            Ok(Seen::NotYet(self.log_tail()))
        })
    }

    fn log_tail(&self) -> String {
        last_lines(&self.log().unwrap_or_default(), 20)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = writeln!(std::io::stderr(), "--- log of {} (end)\n{}", self.name, self.log_tail());
        }
        let _ = self.kill();
    }
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
