//! `kill -9` while a profile is made or joins a fleet: afterwards it is whole, or the same command is run again and works.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::brief::Profile;
use crate::{code, json, stderr};

const INIT: &[&str] = &["profile", "init", "--vault", "file", "--name", "desk"];
/// Kills of one command, spread evenly over the time that it takes.
const KILLS: u32 = 12;

fn begin(profile: &Profile, arguments: &[&str]) -> Child {
    profile.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Begins a command and kills it as soon as `due` says so, unless it has ended by then.
fn killed(profile: &Profile, arguments: &[&str], due: impl Fn() -> bool) {
    let mut command = begin(profile, arguments);
    let began = Instant::now();
    while !due() && command.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_mins(1), "{arguments:?} takes too long");
        std::thread::yield_now();
    }
    command.kill().unwrap();
    command.wait().unwrap();
}

fn took(profile: &Profile, arguments: &[&str]) -> Duration {
    let began = Instant::now();
    let output = profile.run(arguments);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    began.elapsed()
}

fn shown(profile: &Profile) -> Value {
    json(&profile.run(&["profile", "show", "--json"]))
}

/// Whether the making was done; if not, it is done now.
fn whole_or_made_again(profile: &Profile) -> bool {
    let before = shown(profile);
    let was_made = before["profile"] == "ready";
    let again = profile.run(INIT);
    assert_eq!(code(&again) == 0, !was_made, "{before}\n{}", stderr(&again));
    let after = shown(profile);
    assert_eq!((&after["profile"], &after["vault"]["state"]), (&"ready".into(), &"open".into()), "{after}");
    assert!(after["fleet"].is_string(), "{after}");
    for arguments in [&["console", "id"][..], &["pool", "create", "web"]] {
        let output = profile.run(arguments);
        assert_eq!(code(&output), 0, "{arguments:?}: {}", stderr(&output));
    }
    was_made
}

#[test]
fn a_profile_whose_making_is_killed_is_whole_or_made_again() {
    for file in ["serversctl.db", "vault.age.new", "vault.age", "vault.key.new", "vault.key"] {
        let profile = Profile::new();
        let path = profile.directory().join("profile").join(file);
        killed(&profile, INIT, || path.exists());
        whole_or_made_again(&profile);
    }
    let whole = took(&Profile::new(), INIT);
    let mut made = 0;
    for n in 0..=KILLS {
        let profile = Profile::new();
        let began = Instant::now();
        killed(&profile, INIT, || began.elapsed() >= whole * n / KILLS);
        made += u32::from(whole_or_made_again(&profile));
    }
    assert!(made <= KILLS, "no kill came before the end");
}

#[test]
fn a_making_that_is_killed_twice_leaves_no_trace_of_the_first() {
    let profile = Profile::new();
    let key = profile.directory().join("profile/vault.key");
    killed(&profile, INIT, || key.exists());
    let first = fs::read(&key).unwrap();
    killed(&profile, INIT, || fs::read(&key).is_ok_and(|now| now != first));
    whole_or_made_again(&profile);
    assert_ne!(fs::read(&key).unwrap(), first);
}

#[test]
fn a_vault_without_its_database_is_never_thrown_away() {
    let profile = Profile::made();
    let directory = profile.directory().join("profile");
    let key = fs::read(directory.join("vault.key")).unwrap();
    for file in ["serversctl.db", "serversctl.db-wal", "serversctl.db-shm"] {
        let _ = fs::remove_file(directory.join(file));
    }
    let refused = profile.run(INIT);
    assert_ne!(code(&refused), 0);
    assert_eq!(fs::read(directory.join("vault.key")).unwrap(), key, "it may hold the only copy of a key");
}

#[test]
fn a_console_that_is_killed_while_it_joins_is_in_one_fleet_or_the_other() {
    let owner = Profile::made();
    assert_eq!(code(&owner.run(&["pool", "create", "web"])), 0);
    let fleet = shown(&owner)["fleet"].clone();
    let joining = |profile: &Profile| {
        let at = |name: &str| profile.directory().join(name).display().to_string();
        let card = json(&profile.run(&["console", "id", "--json"]));
        fs::write(at("card"), card["card"].as_str().unwrap()).unwrap();
        let added =
            owner.run(&["console", "add", &at("card"), "--role", "operator", "--out", &at("fleet.pool")]);
        assert_eq!(code(&added), 0, "{}", stderr(&added));
        at("fleet.pool")
    };
    let whole = {
        let profile = Profile::made();
        let file = joining(&profile);
        took(&profile, &["profile", "join", &file])
    };
    for n in 0..=KILLS / 2 {
        let profile = Profile::made();
        let own = shown(&profile)["fleet"].clone();
        let file = joining(&profile);
        let began = Instant::now();
        killed(&profile, &["profile", "join", &file], || began.elapsed() >= whole * n / (KILLS / 2));
        let now = shown(&profile);
        assert!(now["fleet"] == fleet || now["fleet"] == own, "{now}");
        assert_eq!(code(&profile.run(&["pool", "list"])), 0, "whichever it is, it is whole");
        if now["fleet"] == own {
            let again = profile.run(&["profile", "join", &file]);
            assert_eq!(code(&again), 0, "{}", stderr(&again));
        }
        let joined = json(&profile.run(&["pool", "list", "--json"]));
        assert_eq!((&shown(&profile)["fleet"], joined["pools"].as_array().unwrap().len()), (&fleet, 1));
    }
}
