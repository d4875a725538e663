//! `balctl-agent --provision-haproxy` on a real Debian that has no HAProxy, with real apt and a repository on its own disk.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hosts::command::Output;
use hosts::{Boot, Fabric, Host, Member, haproxy, image, programs};

const PROVISION_BOUND: Duration = Duration::from_mins(3);
const ANSWER_BOUND: Duration = Duration::from_secs(5);
const CONFIG: &str = "/etc/haproxy/haproxy.cfg";
const STAMP: &str = "/var/lib/balctl/.haproxy-provisioned";
const SOURCES: &str = "/etc/apt/sources.list.d/test.list";
/// Nobody is there.
const UNREACHABLE: &str = "deb [trusted=yes] http://10.77.0.99/debian ./\n";

/// Plays `act` on a member that has lost its HAProxy, everything that came with it, and every source of packages.
fn on_a_bare_member(act: impl FnOnce(&Member, &Host) -> Result<()>) {
    let fabric = Fabric::new().unwrap();
    let client = fabric.host("client", 200).unwrap();
    let mut member = fabric.member("lb1", 11).unwrap();
    assert_eq!(member.boot().unwrap(), Boot::Running);
    bare(&member).and_then(|()| act(&member, &client)).unwrap();
}

fn bare(member: &Member) -> Result<()> {
    let purge = ["apt-get", "-q", "-y", "purge", "--autoremove", "haproxy"];
    let purged = member.exec_with_input(&purge, b"", PROVISION_BOUND)?;
    ensure!(purged.is_success(), "{}{}", purged.stdout, purged.stderr);
    member.must(&[
        "sh",
        "-c",
        "rm -rf /etc/haproxy /var/lib/haproxy /etc/apt/sources.list /etc/apt/sources.list.d/*",
    ])?;
    member.install(&programs::built("balctl-agent")?)
}

fn provision(member: &Member) -> Result<Output> {
    member.exec_with_input(&["balctl-agent", "--provision-haproxy"], b"", PROVISION_BOUND)
}

fn provisioned(member: &Member) -> Result<String> {
    let done = provision(member)?;
    ensure!(done.is_success(), "it ended with {}\n{}{}", done.status, done.stdout, done.stderr);
    Ok(done.stdout)
}

fn is_there(member: &Member, path: &str) -> Result<bool> {
    Ok(member.exec(&["test", "-e", path])?.is_success())
}

fn nothing_is_half_done(member: &Member) -> Result<()> {
    for path in ["/usr/sbin/haproxy", "/etc/haproxy", STAMP, "/lib/systemd/system/haproxy.service"] {
        ensure!(!is_there(member, path)?, "{path} was left behind");
    }
    let audit = member.must(&["dpkg", "--audit"])?;
    ensure!(audit.is_empty(), "{audit}");
    Ok(())
}

/// Everything that a run could have changed, each file with its inode, size and time, and the running process.
fn picture(member: &Member) -> Result<String> {
    let files = "find /etc /usr/sbin /var/lib/dpkg /var/lib/balctl /var/lib/haproxy -xdev \
                 \\( -type f -printf '%p %i %s %T@ %m\\n' -o -type l -printf '%p -> %l\\n' \\) | sort";
    let files = member.must(&["sh", "-c", files])?;
    let unit = ["systemctl", "show", "--property=MainPID,NRestarts,UnitFileState", "haproxy.service"];
    Ok(files + &member.must(&unit)?)
}

fn is_sound(member: &Member) -> Result<()> {
    member.must(&["/usr/sbin/haproxy", "-c", "-f", CONFIG])?;
    ensure!(member.must(&["systemctl", "is-active", "haproxy.service"])?.trim() == "active", "it runs");
    ensure!(
        member.must(&["systemctl", "is-enabled", "haproxy.service"])?.trim() == "enabled",
        "also after a boot"
    );
    let asked = "echo 'show info' | socat -t 5 - UNIX-CONNECT:/run/haproxy/admin.sock";
    let told = member.must(&["sh", "-c", asked])?;
    ensure!(told.contains("Name: HAProxy"), "the agent's own way in is open: {told}");
    ensure!(member.must(&["stat", "--format=%a %U", STAMP])?.trim() == "600 root", "the stamp is root's");
    Ok(())
}

#[test]
fn without_a_repository_it_says_so_and_with_one_haproxy_serves() {
    on_a_bare_member(|member, _client| {
        let refused = provision(member)?;
        ensure!(refused.code() == Some(1), "{refused:?}");
        for words in ["/usr/bin/apt-get install haproxy failed", "Unable to locate package haproxy"] {
            ensure!(refused.stderr.contains(words), "{}", refused.stderr);
        }
        nothing_is_half_done(member)?;

        // One that cannot be reached is named: that the package is unknown would be half of the truth.
        member.write_file(SOURCES, UNREACHABLE.as_bytes(), 0o644)?;
        let refused = provision(member)?;
        ensure!(refused.code() == Some(1), "{refused:?}");
        for words in ["/usr/bin/apt-get update failed", "10.77.0.99"] {
            ensure!(refused.stderr.contains(words), "{}", refused.stderr);
        }
        nothing_is_half_done(member)?;

        // It is no harm beside one that has the package.
        let both = UNREACHABLE.to_owned() + image::REPOSITORY_SOURCE;
        member.write_file(SOURCES, both.as_bytes(), 0o644)?;
        let said = provisioned(member)?;
        ensure!(said.contains("installed by /usr/bin/apt-get"), "{said}");
        ensure!(said.contains("left as it is"), "the package brings a configuration: {said}");
        is_sound(member)?;

        let before = picture(member)?;
        let said = provisioned(member)?;
        ensure!(said.contains("installed already"), "{said}");
        let after = picture(member)?;
        let changed: Vec<&str> = after.lines().filter(|line| !before.contains(line)).collect();
        ensure!(before == after, "the second run changed {changed:?}");

        // Without a configuration it writes one that starts.
        member.must(&["rm", CONFIG])?;
        member.must(&["systemctl", "stop", "haproxy.service"])?;
        let said = provisioned(member)?;
        ensure!(said.contains("A minimal configuration was written"), "{said}");
        is_sound(member)?;
        let page = member.must(&["curl", "--silent", "--fail", "http://127.0.0.1:8404/"])?;
        ensure!(page.contains("Statistics Report"), "{page}");
        Ok(())
    });
}

#[test]
fn an_operators_configuration_is_served_as_it_is_or_named_as_broken() {
    on_a_bare_member(|member, client| {
        member.write_file(SOURCES, image::REPOSITORY_SOURCE.as_bytes(), 0o644)?;
        let own = haproxy::answering("operators-own");
        let broken = own.replace("frontend web", "frontend web\n    no-such-keyword");
        member.write_file(CONFIG, broken.as_bytes(), 0o644)?;
        let refused = provision(member)?;
        ensure!(refused.code() == Some(1), "{refused:?}");
        for words in ["/usr/sbin/haproxy -c failed", "no-such-keyword"] {
            ensure!(refused.stderr.contains(words), "{}", refused.stderr);
        }
        ensure!(member.read_file(CONFIG)? == broken, "it was touched");
        ensure!(!is_there(member, STAMP)?, "it says that it is done");

        member.write_file(CONFIG, own.as_bytes(), 0o644)?;
        let said = provisioned(member)?;
        ensure!(said.contains("left as it is"), "{said}");
        ensure!(member.read_file(CONFIG)? == own, "it was touched");
        is_sound(member)?;
        let answer = client
            .http_get(member.address(), haproxy::PORT, ANSWER_BOUND)
            .context("asking the provisioned HAProxy")?;
        ensure!(answer.trim() == "operators-own", "{answer}");
        Ok(())
    });
}
