//! Without a host: the program hosts the profile itself, for one command, or says why it cannot.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;
use tempfile::TempDir;

use crate::{code, json, serversctl, stderr, stdout};

pub(crate) struct Profile {
    directory: TempDir,
    passphrase: PathBuf,
}

impl Profile {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let passphrase = directory.path().join("passphrase");
        fs::write(&passphrase, "a good passphrase\n").unwrap();
        fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).unwrap();
        Self { directory, passphrase }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = serversctl(&self.directory.path().join("profile"), arguments);
        command.env("SERVERSCTL_PASSPHRASE_FILE", &self.passphrase);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn made() -> Self {
        let profile = Self::new();
        let output = profile.run(&["profile", "init", "--vault", "file", "--name", "desk"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        profile
    }
}

#[test]
fn a_profile_is_made_once_and_every_command_hosts_it_for_itself() {
    let profile = Profile::made();
    let status = json(&profile.run(&["profile", "show", "--json"]));
    assert_eq!((&status["profile"], &status["name"]), (&json!("ready"), &json!("desk")));
    assert_eq!((&status["kind"], &status["watch"]["kind"]), (&json!("brief"), &json!("off")));
    assert_eq!((&status["vault"]["choice"], &status["vault"]["state"]), (&json!("file"), &json!("open")));

    let again = profile.run(&["profile", "init", "--vault", "file", "--name", "other"]);
    assert_ne!(code(&again), 0, "a profile is never made twice");

    let planned = json(&profile.run(&["pool", "create", "web", "--dry-run", "--json"]));
    assert_eq!(planned["kind"], json!("planned"));
    assert_eq!(json(&profile.run(&["pool", "list", "--json"]))["pools"], json!([]));
    let output = profile.run(&["pool", "create", "web", "--delay", "10", "--targets", "any"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let shown = json(&profile.run(&["pool", "show", "web", "--json"]));
    assert_eq!((&shown["name"], &shown["settings"]["delayS"]), (&json!("web"), &json!(10)));
    let refused = profile.run(&["pool", "set", "web", "--delay", "9"]);
    assert_eq!(code(&refused), 2);
    assert!(
        stderr(&refused).contains("failover delay is 9; allowed is 10 to 120 seconds"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(code(&profile.run(&["pool", "show", "nothing"])), 2);

    let audit = json(&profile.run(&["audit", "--json"]));
    let commands: Vec<_> =
        audit["entries"].as_array().unwrap().iter().map(|entry| entry["command"].clone()).collect();
    assert!(
        commands.contains(&json!("pool_create")) && commands.contains(&json!("pool_update")),
        "{commands:?}"
    );
}

#[test]
fn without_a_profile_the_words_say_how_to_make_one() {
    let profile = Profile::new();
    let output = profile.run(&["pool", "list"]);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert!(stderr(&output).contains("profile init"), "{}", stderr(&output));
}

#[test]
fn a_locked_vault_is_refused_in_words_and_nobody_is_asked_without_a_terminal() {
    let profile = Profile::made();
    let mut command = serversctl(&profile.directory.path().join("profile"), &["pool", "create", "web"]);
    let output = command.output().unwrap();
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert!(stderr(&output).contains("locked"), "{}", stderr(&output));
}

#[test]
fn a_missing_keychain_is_no_reason_to_write_a_file() {
    let profile = Profile::new();
    let output = profile.run(&["profile", "init", "--vault", "keychain"]);
    assert_ne!(code(&output), 0);
    assert!(stderr(&output).contains("--vault file"), "{}", stderr(&output));
    let directory = profile.directory.path().join("profile");
    assert!(!directory.join("vault.key").exists() && !directory.join("vault.age").exists());
}

#[test]
fn the_unit_is_printed_for_a_dry_run() {
    let profile = Profile::new();
    let output = profile.run(&["watch", "--install", "--dry-run", "--passphrase-file", "/root/passphrase"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let unit = stdout(&output);
    assert!(unit.contains("LoadCredential=serversctl-passphrase:/root/passphrase\n"), "{unit}");
    assert!(
        unit.contains(&format!("--profile \"{}\"", profile.directory.path().join("profile").display())),
        "{unit}"
    );
}
