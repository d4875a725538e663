//! Members boot, serve, survive their power, and leave nothing behind.

use std::time::Duration;

use anyhow::Result;
use hosts::{Boot, Fabric, Host, Member, Seen, command, wait};

pub(crate) const SOON: Duration = Duration::from_secs(15);
pub(crate) const AT_ONCE: Duration = Duration::from_secs(1);

/// Members `lb1`.. at .11.. and a client at .200, all up.
pub(crate) fn world(members: u8) -> Result<(Fabric, Vec<Member>, Host)> {
    let fabric = Fabric::new()?;
    let client = fabric.host("client", 200)?;
    let mut made = Vec::new();
    for number in 1..=members {
        let mut member = fabric.member(&format!("lb{number}"), 10 + number)?;
        member.start()?;
        made.push(member);
    }
    for member in &mut made {
        assert_eq!(member.wait_booted()?, Boot::Running, "{} is not whole", member.name());
    }
    Ok((fabric, made, client))
}

/// Waits until the client gets the member's name from its HAProxy.
pub(crate) fn wait_serving(client: &Host, member: &Member) {
    wait::until(&format!("{} to serve", member.name()), SOON, || {
        Ok(match client.http_get(member.address(), hosts::haproxy::PORT, AT_ONCE) {
            Ok(answer) => Seen::when(answer == member.name(), answer),
            Err(error) => Seen::NotYet(format!("{error:#}")),
        })
    })
    .unwrap();
}

pub(crate) fn wait_silent(client: &Host, member: &Member) {
    wait::until(&format!("{} to be silent", member.name()), SOON, || {
        let answer = client.http_get(member.address(), hosts::haproxy::PORT, AT_ONCE);
        Ok(Seen::when(answer.is_err(), "it still answers"))
    })
    .unwrap();
}

fn boot_id(member: &Member) -> String {
    // The kernel's own boot id is shared by all members; systemd's time of start is not.
    member.must(&["systemctl", "show", "--property=UserspaceTimestampMonotonic", "--value"]).unwrap()
}

#[test]
fn three_members_serve_lose_power_and_come_back() {
    let (_fabric, mut members, client) = world(3).unwrap();
    for member in &members {
        wait_serving(&client, member);
    }
    let keys: Vec<String> =
        members.iter().map(|m| m.read_file("/etc/ssh/ssh_host_ed25519_key.pub").unwrap()).collect();
    assert!(keys[0] != keys[1] && keys[1] != keys[2], "members share a host key");

    let before = boot_id(&members[0]);
    members[0].write_file("/var/lib/kept", b"over the power cut", 0o600).unwrap();
    members[0].power_cut().unwrap();
    assert!(client.http_get(members[0].address(), 80, AT_ONCE).is_err());
    assert!(members[0].exec(&["true"]).is_err(), "a member without power runs nothing");
    wait_serving(&client, &members[1]);

    assert_eq!(members[0].boot().unwrap(), Boot::Running);
    wait_serving(&client, &members[0]);
    assert_ne!(boot_id(&members[0]), before);
    assert_eq!(members[0].read_file("/var/lib/kept").unwrap(), "over the power cut");
    assert_eq!(members[0].must(&["hostname"]).unwrap().trim(), "lb1");
}

#[test]
fn a_member_reboots_and_shuts_down_from_inside() {
    let (_fabric, mut members, client) = world(1).unwrap();
    let member = &mut members[0];
    member.exec(&["systemctl", "--no-block", "reboot"]).unwrap();
    member.wait_off(SOON).unwrap();
    assert_eq!(member.boot().unwrap(), Boot::Running);
    wait_serving(&client, member);
    member.power_off().unwrap();
    let journal = member.journal("haproxy.service", 50).unwrap();
    assert!(journal.contains("Stopped haproxy.service"), "a clean stop stops the services:\n{journal}");
}

#[test]
fn a_stopped_service_and_an_installed_program() {
    let (_fabric, members, client) = world(1).unwrap();
    let member = &members[0];
    wait_serving(&client, member);
    member.must(&["systemctl", "stop", "haproxy.service"]).unwrap();
    wait_silent(&client, member);
    let state = member.exec(&["systemctl", "is-active", "haproxy.service"]).unwrap();
    assert_eq!((state.code(), state.stdout.trim()), (Some(3), "inactive"));

    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("greeter");
    std::fs::write(&program, "#!/bin/sh\nread name; echo \"hello $name on $(hostname)\"\n").unwrap();
    member.install(&program).unwrap();
    let said = member.exec_with_input(&["greeter"], b"world\n", SOON).unwrap();
    assert_eq!(said.stdout, "hello world on lb1\n");
}

#[test]
fn a_fabric_has_no_route_out_and_leaves_nothing_behind() {
    let (fabric, members, client) = world(1).unwrap();
    let routes = fabric.exec(&["ip", "route"]).unwrap();
    assert!(!routes.contains("default") && routes.lines().count() == 1, "{routes}");
    let out = client.http_get("192.0.2.1".parse().unwrap(), 80, AT_ONCE);
    assert!(out.is_err(), "something answered from outside: {out:?}");

    let mut process = client.spawn("tail", &["tail", "-f", "/dev/null"]).unwrap();
    process.must_run().unwrap();
    let pid = process.pid();
    let dir = fabric.dir().to_owned();
    let prefix = dir.file_name().unwrap().to_str().unwrap().to_owned();
    drop((process, members, client, fabric));
    assert!(!dir.exists());
    let left = command::must(&["ip", "netns", "list"], SOON).unwrap();
    assert!(!left.contains(&prefix), "{left}");
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(&prefix), "{mounts}");
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn what_a_killed_run_left_is_swept() {
    let prefix = format!("sctl-killed-{}", std::process::id());
    let world = std::path::Path::new("/run/serversctl-hosts").join(&prefix);
    let disk = world.join("lb1/disk");
    std::fs::create_dir_all(&disk).unwrap();
    command::must(&["mount", "-t", "tmpfs", "sctl-disk", &disk.display().to_string()], SOON).unwrap();
    let netns = format!("{prefix}-lb1");
    command::must(&["ip", "netns", "add", &netns], SOON).unwrap();
    let inside = ["ip", "netns", "exec", &netns, "tail", "-f", "/dev/null"];
    let mut left = std::process::Command::new(inside[0]).args(&inside[1..]).spawn().unwrap();
    // Its owner, last: a process that has this pid and another start is not the one that made it.
    std::fs::write(world.join("owner"), format!("{} 1", std::process::id())).unwrap();

    let fabric = Fabric::new().unwrap();
    let ended = wait::until("the process that was left", SOON, || {
        Ok(left.try_wait()?.map_or(Seen::NotYet("it lives".into()), Seen::Yes))
    });
    assert!(!ended.unwrap().success());
    // Another test's fabric may be the one that sweeps it.
    wait::until("the world to be gone", SOON, || Ok(Seen::when(!world.exists(), "its directory is there")))
        .unwrap();
    assert!(!command::must(&["ip", "netns", "list"], SOON).unwrap().contains(&netns));
    drop(fabric);
}
