//! The configuration that HAProxy runs with: its files, their digest, what they say, and whether `haproxy -c` accepts
//! them.
//!
//! Which files these are is read from the command line of the running process (`-f`), for a unit may name others than
//! the usual one. They are read when the unit becomes active and when a reload has ended; a file that was edited later
//! is not what runs. A reload that HAProxy refused is not told apart from one that it took: then the new file is
//! checked, found wrong and said to be so, which is what the next restart would find.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use haproxy::config::{Document, Facts};
use sha2::{Digest, Sha256};
use tokio::process::Command;

/// The usual file.
pub const DEFAULT_FILE: &str = "/etc/haproxy/haproxy.cfg";
/// Most bytes of configuration that are read, all files together.
const CONFIG_BYTES_MAX: u64 = 4 << 20;
/// Most files that are read.
const FILES_MAX: usize = 256;
/// Longest command line or environment of a process that is read.
const PROC_BYTES_MAX: u64 = 128 << 10;
/// How long `haproxy -c` may take; large maps and many certificates take seconds.
const CHECK_DEADLINE: Duration = Duration::from_secs(20);
/// How much of what `haproxy -c` complains is kept.
const WORDS_BYTES_MAX: usize = 1024;
/// Where the program may be, the package's place first.
const PROGRAMS: [&str; 3] = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy", "/sbin/haproxy"];
/// Variables that HAProxy's master gives itself, and systemd's; a check must not take itself for a worker.
const NOT_INHERITED: [&str; 8] = [
    "HAPROXY_MWORKER",
    "HAPROXY_PROCESSES",
    "HAPROXY_CFGFILES",
    "HAPROXY_HTTP_LOG_FMT",
    "NOTIFY_SOCKET",
    "WATCHDOG",
    "LISTEN_",
    "LC_",
];

/// The configuration as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Running {
    /// The `-f` arguments, in order.
    pub arguments: Vec<PathBuf>,
    /// SHA-256 over all files in HAProxy's order, hex; empty when a file could not be read.
    pub sha256: String,
    /// What the files say.
    pub facts: Facts,
    /// Why they could not be read, in words.
    pub unreadable: Option<String>,
}

/// What `haproxy -c` said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Whether HAProxy would start with the configuration; `None` when it could not be asked.
    pub valid: Option<bool>,
    /// The beginning of its complaint.
    pub words: String,
}

impl Running {
    /// Reads what a process with this pid was started with. Without a pid, or when its command line names no file, the
    /// arguments last known are used, and at first the usual file.
    #[must_use]
    pub fn read(main_pid: u32, last_known: &[PathBuf]) -> Self {
        let mut arguments = file_arguments(main_pid);
        if arguments.is_empty() {
            arguments = if last_known.is_empty() { vec![DEFAULT_FILE.into()] } else { last_known.to_vec() };
        }
        match read_files(&arguments) {
            Ok((sha256, facts)) => Self { arguments, sha256, facts, unreadable: None },
            Err(words) => Self { arguments, unreadable: Some(words), ..Self::default() },
        }
    }
}

/// Runs `haproxy -c` over the same arguments and with the environment of the running process.
pub async fn check(arguments: &[PathBuf], main_pid: u32) -> Checked {
    let Some(program) = program() else {
        return Checked { valid: None, words: "the program haproxy was not found".into() };
    };
    let mut command = Command::new(program);
    command.arg("-c");
    for file in arguments {
        command.arg("-f").arg(file);
    }
    command
        .env_clear()
        .envs(environment(main_pid))
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    match tokio::time::timeout(CHECK_DEADLINE, command.output()).await {
        Err(_) => Checked { valid: None, words: format!("haproxy -c took longer than {CHECK_DEADLINE:?}") },
        Ok(Err(error)) => Checked { valid: None, words: format!("could not run {program}: {error}") },
        Ok(Ok(output)) => {
            let text = String::from_utf8_lossy(&output.stderr);
            let words: String = text.chars().take(WORDS_BYTES_MAX).collect();
            match output.status.code() {
                Some(0) => Checked { valid: Some(true), words: String::new() },
                // 1: errors; 2: no error, but no listener either, so it would not start.
                Some(1 | 2) => Checked { valid: Some(false), words },
                _ => Checked {
                    valid: None,
                    words: format!("haproxy -c ended with {}: {words}", output.status),
                },
            }
        }
    }
}

/// Asks the program for its version, for hosts whose runtime socket does not answer.
pub async fn program_version() -> Option<String> {
    let mut command = Command::new(program()?);
    command.arg("-v").env_clear().env("LC_ALL", "C").current_dir("/").stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(5), command.output()).await.ok()?.ok()?;
    haproxy::info::version_of_banner(&String::from_utf8_lossy(&output.stdout)).map(str::to_owned)
}

/// Where HAProxy is installed.
#[must_use]
pub fn program() -> Option<&'static str> {
    PROGRAMS.into_iter().find(|path| Path::new(path).exists())
}

/// The `-f` arguments on the command line of a process; relative ones are left out, since nobody knows from where.
fn file_arguments(pid: u32) -> Vec<PathBuf> {
    let Some(text) = proc_text(pid, "cmdline") else { return Vec::new() };
    let words: Vec<&[u8]> = text.split(|byte| *byte == 0).collect();
    let mut files = Vec::new();
    let mut rest = words.as_slice();
    while let [word, tail @ ..] = rest {
        rest = tail;
        // Everything behind `--` is a file; a file argument of `-f` may be followed by more of them.
        let takes = *word == b"-f" || *word == b"--";
        while takes && let [file, tail @ ..] = rest {
            if file.is_empty() || file.starts_with(b"-") {
                break;
            }
            let path = PathBuf::from(OsString::from_vec(file.to_vec()));
            if path.is_absolute() {
                files.push(path);
            }
            rest = tail;
            if *word == b"-f" {
                break;
            }
        }
    }
    files
}

fn environment(pid: u32) -> Vec<(OsString, OsString)> {
    let text = proc_text(pid, "environ").unwrap_or_default();
    let pairs = text.split(|byte| *byte == 0).filter_map(|entry| {
        let at = entry.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&entry[..at], &entry[at + 1..]);
        let ours = NOT_INHERITED.iter().any(|prefix| name.starts_with(prefix.as_bytes()));
        (!ours && !name.is_empty())
            .then(|| (OsString::from_vec(name.to_vec()), OsString::from_vec(value.to_vec())))
    });
    pairs.collect()
}

fn proc_text(pid: u32, what: &str) -> Option<Vec<u8>> {
    if pid == 0 {
        return None;
    }
    let file = fs::File::open(format!("/proc/{pid}/{what}")).ok()?;
    let mut text = Vec::new();
    file.take(PROC_BYTES_MAX).read_to_end(&mut text).ok()?;
    Some(text)
}

fn read_files(arguments: &[PathBuf]) -> Result<(String, Facts), String> {
    let mut digest = Sha256::new();
    let mut documents = Vec::new();
    let mut room = CONFIG_BYTES_MAX;
    for path in expand(arguments)? {
        let failed = |error| format!("could not read {}: {error}", path.display());
        let mut text = Vec::new();
        let file = fs::File::open(&path).map_err(failed)?;
        file.take(room + 1).read_to_end(&mut text).map_err(failed)?;
        room = room
            .checked_sub(text.len() as u64)
            .ok_or_else(|| format!("the configuration is larger than {CONFIG_BYTES_MAX} bytes"))?;
        // With one file this is that file's own SHA-256, which people can compare; more are bound by their lengths.
        if arguments.len() > 1 || arguments.first() != Some(&path) {
            digest.update((text.len() as u64).to_be_bytes());
        }
        digest.update(&text);
        documents.push(Document::read(&text));
    }
    Ok((hex::encode(digest.finalize()), Facts::of(&documents)))
}

/// Files in HAProxy's order: of a directory those that end in `.cfg` and are not hidden, sorted by bytes.
fn expand(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for argument in arguments {
        if !argument.is_dir() {
            files.push(argument.clone());
            continue;
        }
        let entries = fs::read_dir(argument)
            .map_err(|error| format!("could not read {}: {error}", argument.display()))?;
        let mut inside: Vec<PathBuf> = entries
            .take(FILES_MAX * 4)
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                let name = path.file_name().map(|name| name.as_encoded_bytes().to_vec()).unwrap_or_default();
                name.ends_with(b".cfg") && !name.starts_with(b".") && path.is_file()
            })
            .collect();
        inside.sort();
        files.extend(inside);
    }
    if files.len() > FILES_MAX {
        return Err(format!("the configuration has more than {FILES_MAX} files"));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_has_its_own_digest_and_its_facts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("haproxy.cfg");
        let text = "frontend web\n bind :80\n";
        fs::write(&path, text).unwrap();
        let running = Running::read(0, std::slice::from_ref(&path));
        assert_eq!(running.sha256, hex::encode(Sha256::digest(text)));
        assert_eq!(running.facts.proxies[0].binds.len(), 1);
        assert_eq!(running.unreadable, None);
    }

    #[test]
    fn a_directory_is_read_in_order_and_without_hidden_files() {
        let directory = tempfile::tempdir().unwrap();
        for (name, section) in [
            ("b.cfg", "frontend b"),
            ("a.cfg", "frontend a"),
            (".c.cfg", "frontend c"),
            ("d.txt", "frontend d"),
        ] {
            fs::write(directory.path().join(name), format!("{section}\n")).unwrap();
        }
        let running = Running::read(0, &[directory.path().to_owned()]);
        let names: Vec<_> = running.facts.proxies.iter().map(|proxy| proxy.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn a_missing_file_is_said_and_has_no_digest() {
        let running = Running::read(0, &[PathBuf::from("/nonexistent/haproxy.cfg")]);
        assert_eq!(running.sha256, "");
        assert!(running.unreadable.unwrap().contains("/nonexistent/haproxy.cfg"));
    }

    #[test]
    fn the_files_of_a_process_are_read_from_its_command_line() {
        // `sh` keeps the words behind its script as arguments, so its command line looks like HAProxy's.
        let mut child = std::process::Command::new("/bin/sh")
            .args([
                "-c",
                "read line",
                "-f",
                "/etc/a.cfg",
                "-p",
                "/run/x.pid",
                "-f",
                "/etc/conf.d",
                "-f",
                "relative",
            ])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        // The kernel shows a new program's words a moment after it began.
        let mut files = Vec::new();
        let until = std::time::Instant::now() + Duration::from_secs(5);
        while files.len() < 2 && std::time::Instant::now() < until {
            files = file_arguments(child.id());
            std::thread::yield_now();
        }
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(files, [PathBuf::from("/etc/a.cfg"), PathBuf::from("/etc/conf.d")]);
    }
}
