//! `serversctl watch` as a process: its socket, its word to systemd, its end.

use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::brief::Profile;
use crate::{code, json, stderr};

struct Watch {
    process: Child,
    systemd: UnixDatagram,
}

impl Watch {
    /// Starts one and waits until it says that it is ready, as systemd would.
    fn start(profile: &Profile) -> Self {
        let address = profile.directory().join("notify.sock");
        let systemd = UnixDatagram::bind(&address).unwrap();
        systemd.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let process = profile
            .command(&["watch"])
            .env("NOTIFY_SOCKET", &address)
            .env("WATCHDOG_USEC", "1000000")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let watch = Self { process, systemd };
        assert_eq!(watch.told(), "READY=1");
        watch
    }

    fn told(&self) -> String {
        let mut bytes = [0; 200];
        let length = self.systemd.recv(&mut bytes).expect("the watch tells systemd within 30 s");
        String::from_utf8_lossy(&bytes[..length]).trim().to_owned()
    }

    fn signal(&self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    fn terminate(mut self) -> i32 {
        self.signal();
        if let Some(stderr) = self.process.stderr.take() {
            // Until it ends, so that its words never fill the pipe.
            BufReader::new(stderr).lines().map_while(Result::ok).for_each(drop);
        }
        self.process.wait().unwrap().code().expect("it ended by itself")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_watch_serves_every_other_process_until_it_is_told_to_stop() {
    let profile = Profile::made();
    let watch = Watch::start(&profile);
    let status = json(&profile.run(&["profile", "show", "--json"]));
    assert_eq!(
        (&status["kind"], &status["pid"], &status["watch"]["kind"]),
        (&json!("headless"), &json!(watch.process.id()), &json!("on"))
    );
    assert_eq!(watch.told(), "WATCHDOG=1", "it is alive and says so");

    let second = profile.run(&["watch"]);
    assert_eq!(code(&second), 3, "one host per profile");
    assert!(stderr(&second).contains(&watch.process.id().to_string()), "{}", stderr(&second));

    let paused = json(&profile.run(&["watch", "pause", "--for", "1h", "--json"]));
    assert_eq!(paused["result"]["watch"]["kind"], json!("paused"), "{paused}");
    let resumed = json(&profile.run(&["watch", "resume", "--json"]));
    assert_eq!(resumed["result"]["watch"]["kind"], json!("on"), "{resumed}");

    assert_eq!(watch.terminate(), 0);
    assert!(!profile.directory().join("profile/host.sock").exists());
    let status = json(&profile.run(&["profile", "show", "--json"]));
    assert_eq!(status["kind"], json!("brief"), "the profile is free again");
}

#[test]
fn a_systemd_that_hangs_does_not_stop_the_watch() {
    let profile = Profile::made();
    let mut watch = Watch::start(&profile);
    // Nobody reads the watch's words any more, and its queue at systemd is short. A full one shows in its warning.
    let mut lines = BufReader::new(watch.process.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("systemd does not take")));
    assert_eq!(json(&profile.run(&["profile", "show", "--json"]))["kind"], json!("headless"));
    watch.process.stderr = None;
    assert_eq!(watch.terminate(), 0);
}

#[test]
fn a_killed_watch_leaves_nothing_in_the_way_of_the_next() {
    let profile = Profile::made();
    let mut watch = Watch::start(&profile);
    watch.process.kill().unwrap();
    watch.process.wait().unwrap();
    assert!(profile.directory().join("profile/host.sock").exists(), "it had no time to clean up");
    drop(watch);
    std::fs::remove_file(profile.directory().join("notify.sock")).unwrap();
    assert_eq!(json(&profile.run(&["profile", "show", "--json"]))["kind"], json!("brief"));
    let watch = Watch::start(&profile);
    assert_eq!(json(&profile.run(&["profile", "show", "--json"]))["kind"], json!("headless"));
    assert_eq!(watch.terminate(), 0);
}

/// A command that goes on beside the test.
fn begin(profile: &Profile, arguments: &[&str]) -> Child {
    profile.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn who_follows_the_status_hears_that_the_host_leaves() {
    let profile = Profile::made();
    let watch = Watch::start(&profile);
    let mut follower = begin(&profile, &["status", "--watch", "--json"]);
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let empty = lines.next().unwrap().unwrap();
    assert!(!empty.contains("web"), "{empty}");
    // What it prints next it knows from its stream: so the stream stands when the host is told to stop.
    profile.run(&["pool", "create", "web"]);
    assert!(lines.any(|line| line.unwrap().contains("web")));
    assert_eq!(watch.terminate(), 0);
    let ended = follower.wait_with_output().unwrap();
    assert!(stderr(&ended).contains("the host leaves"), "{}", stderr(&ended));
}
