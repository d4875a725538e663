//! Running a program with a bound on its time and on its output.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

/// More than any program here prints; what comes after is read and dropped, so that the program is not blocked.
const OUTPUT_MAX_BYTES: usize = 4 << 20;
/// Put before a program's words: the kernel kills it when the thread that started it ends. A killed test or a ^C then
/// leaves no process behind, only what the next run sweeps.
pub(crate) const DIES_WITH_US: &[&str] = &["setpriv", "--pdeathsig", "KILL"];
const PACE: Duration = Duration::from_millis(2);
/// A grandchild may hold the pipe open after the program has ended.
const DRAIN: Duration = Duration::from_millis(500);

/// What a program left: its exit and what it printed.
#[derive(Debug, Clone)]
pub struct Output {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    pub fn is_success(&self) -> bool {
        self.status.success()
    }

    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

/// Runs a program to its end, whatever its exit code.
///
/// # Errors
/// It could not be started, or the bound passed (it and its group are killed then).
pub fn run<S: AsRef<OsStr>>(argv: &[S], bound: Duration) -> Result<Output> {
    run_with_input(argv, b"", bound)
}

/// Runs a program that has to succeed, and returns what it printed.
///
/// # Errors
/// As [`run`], and when it ends with another code than 0.
pub fn must<S: AsRef<OsStr>>(argv: &[S], bound: Duration) -> Result<String> {
    let output = run(argv, bound)?;
    succeeded(&words(argv), output)
}

/// As [`must`], with bytes on its standard input.
///
/// # Errors
/// As [`must`].
pub fn must_with_input<S: AsRef<OsStr>>(argv: &[S], input: &[u8], bound: Duration) -> Result<String> {
    let output = run_with_input(argv, input, bound)?;
    succeeded(&words(argv), output)
}

/// As [`run`], with bytes on its standard input.
///
/// # Errors
/// As [`run`].
pub fn run_with_input<S: AsRef<OsStr>>(argv: &[S], input: &[u8], bound: Duration) -> Result<Output> {
    let what = words(argv);
    let mut child = command(argv)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .with_context(|| format!("starting `{what}`"))?;
    let stdin = child.stdin.take().expect("stdin was piped");
    let input = input.to_vec();
    // A program that never reads must not block us, and one that ends early is no error here.
    let writer = thread::spawn(move || {
        let mut stdin = stdin;
        let _ = stdin.write_all(&input);
    });
    let stdout = Drain::new(child.stdout.take().expect("stdout was piped"));
    let stderr = Drain::new(child.stderr.take().expect("stderr was piped"));
    let status = wait_bounded(&mut child, bound);
    let drain_until = Instant::now() + DRAIN;
    let stdout = stdout.finish(drain_until);
    let stderr = stderr.finish(drain_until);
    drop(writer);
    match status? {
        Some(status) => Ok(Output { status, stdout, stderr }),
        None => bail!("`{what}` did not end within {:.1} s\n{}", bound.as_secs_f64(), tail(&stdout, &stderr)),
    }
}

fn succeeded(what: &str, output: Output) -> Result<String> {
    if !output.is_success() {
        bail!("`{what}` ended with {}\n{}", output.status, tail(&output.stdout, &output.stderr));
    }
    Ok(output.stdout)
}

/// Waits for the end; `None` when the bound passed and the whole process group had to be killed.
pub(crate) fn wait_bounded(child: &mut Child, bound: Duration) -> Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("waiting for a child")? {
            return Ok(Some(status));
        }
        if start.elapsed() >= bound {
            kill_group(child, Signal::KILL);
            child.wait().context("reaping a killed child")?;
            return Ok(None);
        }
        thread::sleep(PACE);
    }
}

/// Signals a child that leads its own process group, and everything it started in that group.
pub(crate) fn kill_group(child: &Child, signal: Signal) {
    if let Some(pid) = pid_of(child) {
        // The group may be gone already; that is what was wanted.
        let _ = kill_process_group(pid, signal);
    }
}

pub(crate) fn pid_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

pub(crate) fn command<S: AsRef<OsStr>>(argv: &[S]) -> Command {
    let mut argv = argv.iter();
    let mut command = Command::new(argv.next().expect("a command has a program"));
    command.args(argv);
    // Locale and colours of the caller must not change what is parsed.
    command.env("LC_ALL", "C.UTF-8").env("SYSTEMD_COLORS", "0").env("SYSTEMD_PAGER", "cat");
    command
}

fn words<S: AsRef<OsStr>>(argv: &[S]) -> String {
    argv.iter().map(|a| a.as_ref().to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn tail(stdout: &str, stderr: &str) -> String {
    let last = |text: &str| {
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    };
    format!("{}\n{}", last(stdout), last(stderr)).trim().to_owned()
}

/// Reads a pipe on its own thread, up to the limit.
struct Drain {
    seen: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Drain {
    fn new(mut pipe: impl Read + Send + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let reader = thread::spawn(move || {
            let mut chunk = [0_u8; 16 << 10];
            while let Ok(read @ 1..) = pipe.read(&mut chunk) {
                let mut seen = sink.lock().unwrap_or_else(PoisonError::into_inner);
                let room = OUTPUT_MAX_BYTES.saturating_sub(seen.len()).min(read);
                seen.extend_from_slice(&chunk[..room]);
            }
        });
        Self { seen, reader }
    }

    fn finish(self, until: Instant) -> String {
        while !self.reader.is_finished() && Instant::now() < until {
            thread::sleep(PACE);
        }
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&seen).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_secs(10);

    #[test]
    fn returns_exit_and_both_outputs() {
        let output = run(&["sh", "-c", "echo out; echo err >&2; exit 3"], SHORT).unwrap();
        assert_eq!(output.code(), Some(3));
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("out\n", "err\n"));
    }

    #[test]
    fn a_hanging_program_is_killed_at_the_bound_with_its_children() {
        let start = Instant::now();
        let error =
            run(&["sh", "-c", "echo started; sleep 600 & wait"], Duration::from_millis(200)).unwrap_err();
        assert!(start.elapsed() < SHORT);
        assert!(error.to_string().contains("did not end within 0.2 s"), "{error}");
        assert!(error.to_string().contains("started"), "{error}");
    }

    #[test]
    fn output_is_bounded_and_the_program_still_ends() {
        let output = run(&["head", "-c", "9000000", "/dev/zero"], SHORT).unwrap();
        assert!(output.is_success());
        assert_eq!(output.stdout.len(), OUTPUT_MAX_BYTES);
    }

    #[test]
    fn must_names_the_command_and_what_it_said() {
        let error = must(&["sh", "-c", "echo no such thing >&2; exit 1"], SHORT).unwrap_err().to_string();
        assert!(error.contains("no such thing") && error.contains("exit status: 1"), "{error}");
    }

    #[test]
    fn input_reaches_the_program() {
        assert_eq!(must_with_input(&["tr", "a-z", "A-Z"], b"secret", SHORT).unwrap(), "SECRET");
    }
}
