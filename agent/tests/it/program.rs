//! The program itself: what it prints and how it ends.

use std::process::{Command, Output, Stdio};

use agent::status::Overview;

use crate::world::{Fleet, Member};

fn run(member: &Member, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_balctl-agent"))
        .args(["--root", member.layout.root().to_str().unwrap()])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn status_says_that_nothing_runs_and_what_is_enrolled() {
    let member = Member::new(1);
    let nothing = run(&member, &["status"]);
    assert_eq!(nothing.status.code(), Some(3));
    assert!(text(&nothing.stdout).contains("not enrolled; run: sudo balctl-agent enrol"));
    Fleet::found().enrol(std::slice::from_ref(&member));
    let enrolled = run(&member, &["status", "--json"]);
    assert_eq!(enrolled.status.code(), Some(3));
    let overview: Overview = serde_json::from_slice(&enrolled.stdout).unwrap();
    assert_eq!(overview.up_ms, None);
    assert_eq!(overview.fleet.unwrap().name, "edge-1");
}

#[test]
fn a_fault_that_a_person_must_put_right_has_its_own_code() {
    let member = Member::new(1);
    let run = run(&member, &["run"]);
    // The unit does not restart on it.
    assert_eq!(run.status.code(), Some(78));
    assert!(
        text(&run.stderr).contains("not enrolled; run: sudo balctl-agent enrol"),
        "{}",
        text(&run.stderr)
    );
}

#[test]
fn the_secret_is_taken_neither_from_arguments_nor_from_an_open_file() {
    let member = Member::new(1);
    let secret = "0123456789abcdef0123456789abcdef0123456789abcdef";
    assert_eq!(run(&member, &["enrol", secret]).status.code(), Some(2));
    assert_eq!(run(&member, &["enrol", "--secret", secret]).status.code(), Some(2));
    let file = member.layout.root().join("secret");
    std::fs::write(&file, secret).unwrap();
    let open = run(&member, &["enrol", "--secret-file", file.to_str().unwrap()]);
    assert_eq!(open.status.code(), Some(1));
    let words = text(&open.stderr);
    assert!(words.contains("must belong to you alone (mode 0600)") && !words.contains(secret), "{words}");
    let piped = run(&member, &["enrol"]);
    assert!(text(&piped.stderr).contains("no secret was given"), "{}", text(&piped.stderr));
}

#[test]
fn uninstall_asks_or_is_told() {
    let member = Member::new(1);
    Fleet::found().enrol(std::slice::from_ref(&member));
    let unasked = run(&member, &["uninstall"]);
    assert_eq!(unasked.status.code(), Some(1));
    assert!(member.layout.state().exists());
    assert!(run(&member, &["uninstall", "--yes"]).status.success());
    assert!(!member.layout.state().exists() && !member.layout.etc().exists());
}

#[test]
fn the_version_is_one_line() {
    let member = Member::new(1);
    let version = text(&run(&member, &["--version"]).stdout);
    assert_eq!(version, format!("balctl-agent {}\n", env!("CARGO_PKG_VERSION")));
}
