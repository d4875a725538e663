//! The real program: against a scripted host on a profile's socket, and with its own short-lived host.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod brief;
mod hosted;
mod killed;
mod watch;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The program with a profile and nothing else of this process's environment that could matter.
fn serversctl(profile: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_serversctl"));
    command
        .args(arguments)
        .env("SERVERSCTL_PROFILE", profile)
        .env_remove("SERVERSCTL_PASSPHRASE_FILE")
        .env_remove("CREDENTIALS_DIRECTORY")
        .env_remove("NOTIFY_SOCKET")
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .stdin(Stdio::null());
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Standard output as the one JSON document that it must be.
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(output)))
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("the program was not killed")
}
