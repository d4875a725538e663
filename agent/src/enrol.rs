//! `enrol`: joining a pool with the secret that the console showed (safety.md 7.1).
//!
//! The agent makes its keys and listens; the console calls. Anybody can call this port, so nothing that a caller says
//! ends the waiting but the proof of the secret: a refusal is shown and the next caller is heard. What stood before
//! (an older enrolment, an older agent's unit) is kept aside until the new one holds, and the agent that ran is started
//! again if it does not come to that.
//!
//! `caller` speaks with one caller; this file prepares, persists and starts.

mod caller;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use model::BootId;
use protocol::enrol::{AgentCard, Pinned, Secret};
use protocol::{SecretKey, limits as wire, relay};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::cli::Enrol;
use crate::env::AgentEnv;
use crate::layout::Layout;
use crate::provision::provision_haproxy;
use crate::relay as door;
use crate::sense::host;
use crate::state::{Identity, State};
use crate::{disk, log, run, secret, status, stop, unit};
use caller::{Callers, Heard};

/// How long a started agent may take until a console or a peer has it.
const FIRST_HEARTBEAT: Duration = Duration::from_secs(20);
/// How often the started agent is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(300);

/// Joins a pool.
///
/// # Errors
/// Configuration, secret, ports, or nobody who proved the secret called in time.
pub async fn run(layout: &Layout, options: &Enrol, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    if layout.is_host() && !rustix::process::geteuid().is_root() {
        bail!("enrolling writes below /etc and /var/lib; run it as root: sudo balctl-agent enrol");
    }
    let env = env_of(layout, options)?;
    let secret = secret::read(options.secret_file.as_deref())?;
    let with_service = layout.is_host() && !options.no_service;
    let stopped = with_service && layout.unit().exists();
    if stopped {
        unit::stop(layout).context("stopping the agent that runs")?;
    }
    let joined = join(layout, options, &env, secret, out).await;
    let pinned = match joined {
        Ok(pinned) => pinned,
        Err(error) => {
            if stopped {
                unit::start(layout).context("starting the agent again that ran before")?;
            }
            return Err(error);
        }
    };
    if let Some(path) = options.secret_file.as_deref().filter(|path| *path != Path::new("-")) {
        disk::remove(path)?;
    }
    if layout.is_host() && env.provision_haproxy {
        match provision_haproxy().await {
            Ok(_) => step(out, "HAProxy provisioned", "it is installed, configured and started")?,
            // The member is in all the same; what is missing shows as "not watched".
            Err(error) => writeln!(out, "  NO  HAProxy provisioned: {}", log::chain(&error))?,
        }
    }
    if with_service {
        unit::keep_hosted(layout)?;
        unit::install(layout, &std::env::current_exe().context("finding this program's own path")?)?;
        step(out, "service started", unit::NAME)?;
        first_heartbeat(layout, out).await?;
    } else {
        step(out, "service not started", "start it with: balctl-agent run")?;
    }
    State::new(layout).forget_former()?;
    writeln!(out, "Enrolled as {} in fleet {}.", pinned.member.short(), pinned.fleet.short())?;
    Ok(())
}

fn step(out: &mut (dyn Write + Send), what: &str, detail: &str) -> anyhow::Result<()> {
    writeln!(out, "  ok  {what}: {detail}")?;
    out.flush()?;
    Ok(())
}

/// What `agent.env` says already, with the options on top.
fn env_of(layout: &Layout, options: &Enrol) -> anyhow::Result<AgentEnv> {
    let mut env = AgentEnv::read(&layout.env())?.env;
    if options.hostname.is_some() {
        env.hostname.clone_from(&options.hostname);
    }
    if options.declare_ip.is_some() {
        env.declare_ip = options.declare_ip;
    }
    env.probe_public_ip |= options.probe_public_ip;
    if !options.listen.is_empty() {
        env.listen.clone_from(&options.listen);
    }
    Ok(env)
}

/// Waits for the console, and keeps what it gave.
async fn join(
    layout: &Layout,
    options: &Enrol,
    env: &AgentEnv,
    secret: Secret,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Pinned> {
    let listeners = door::listen(&env.listen_addresses(), !env.listen.is_empty())?;
    let key = new_key()?;
    let card = AgentCard {
        key: key.public(),
        hostname: host::hostname(env.hostname.as_deref()),
        ssh_host_keys: ssh_host_keys(&layout.ssh()),
        agent_version: env!("CARGO_PKG_VERSION").into(),
        ip: env.declare_ip.or_else(host::default_route_address),
    };
    let listening: Vec<_> =
        listeners.iter().filter_map(|listener| listener.local_addr().ok()).map(|a| a.to_string()).collect();
    writeln!(
        out,
        "Listening on {} as {}, key {}.",
        listening.join(" and "),
        card.hostname,
        key.public().fingerprint()
    )?;
    writeln!(
        out,
        "Now let the console call this host: it waits for {} minutes.",
        options.wait.as_secs().div_ceil(60)
    )?;
    out.flush()?;
    let identity = link::Identity::new(&key).context("making the certificate")?;
    let mut callers = Callers::listen(listeners, &identity, secret, card);
    let deadline = Instant::now() + options.wait;
    loop {
        let heard = tokio::select! {
            heard = callers.next() => heard,
            () = tokio::time::sleep_until(deadline) => bail!(
                "no console that knows this secret called within {} minutes; is port {} open to it?",
                options.wait.as_secs().div_ceil(60),
                crate::env::RELAY_PORT
            ),
            stop = stop::requested() => {
                stop.context("waiting for signals")?;
                bail!("interrupted; nothing was changed");
            }
        };
        match heard {
            Heard::Called(from) => step(out, "relay answers", &format!("called from {from}"))?,
            Heard::Refused { from, accepted, refusal } => {
                for what in accepted {
                    step(out, what, &from)?;
                }
                writeln!(out, "  NO  {from} says: {}", log::foreign(&refusal.to_string()))?;
                out.flush()?;
            }
            Heard::Pinned { pinned, confirm } => {
                step(out, "secret accepted", &format!("console {}", pinned.console.short()))?;
                step(out, "source allowed", "by the console")?;
                step(out, "hostname equal", &callers.card().hostname)?;
                keep(layout, env, &Identity { key, member: pinned.member, fleet: pinned.fleet }, &pinned)?;
                // Persisted; now the console may know, and the secret is gone with the callers.
                confirm.confirm().await;
                callers.end().await;
                return Ok(*pinned);
            }
        }
    }
}

fn keep(layout: &Layout, env: &AgentEnv, identity: &Identity, pinned: &Pinned) -> anyhow::Result<()> {
    disk::make_private_dir(&layout.etc())?;
    let boot: BootId = run::boot_id()?;
    let state = State::new(layout);
    state.write_enrolled(identity, std::slice::from_ref(&pinned.roster), &relay::Kept::empty(boot))?;
    if let Err(error) = disk::write_plain(&layout.env(), env.to_text().as_bytes(), 0o600) {
        state.restore_former()?;
        return Err(error.into());
    }
    Ok(())
}

/// Waits until a console or a peer is linked to the agent that was started.
async fn first_heartbeat(layout: &Layout, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let deadline = Instant::now() + FIRST_HEARTBEAT;
    while Instant::now() < deadline {
        if let Some(overview) = status::ask(layout)?
            && let Some(console) = overview.consoles.first()
        {
            return step(out, "first heartbeat", &format!("given to {} ({})", console.name, console.address));
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
    writeln!(
        out,
        "  ..  first heartbeat: made, but no console has come for it yet; see: balctl-agent status"
    )?;
    Ok(())
}

fn new_key() -> anyhow::Result<SecretKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    Ok(SecretKey::from_bytes(&bytes))
}

/// The host's public SSH keys as `ssh-keyscan` writes them, without the host.
fn ssh_host_keys(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut keys: Vec<String> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with("ssh_host_") && name.ends_with("_key.pub")
        })
        .filter_map(|path| disk::read_bounded(&path, wire::SSH_KEY_BYTES_MAX as u64).ok()?)
        .filter_map(|bytes| {
            let text = std::str::from_utf8(&bytes).ok()?;
            let mut words = text.split_whitespace();
            Some(format!("{} {}", words.next()?, words.next()?))
        })
        .collect();
    keys.sort();
    keys.truncate(wire::SSH_KEYS_MAX);
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_ssh_keys_are_read_and_private_ones_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("ssh_host_ed25519_key"), "PRIVATE").unwrap();
        fs::write(dir.path().join("ssh_host_ed25519_key.pub"), "ssh-ed25519 AAAA root@host\n").unwrap();
        fs::write(dir.path().join("ssh_host_rsa_key.pub"), "x".repeat(5000)).unwrap();
        fs::write(dir.path().join("sshd_config"), "Port 22").unwrap();
        assert_eq!(ssh_host_keys(dir.path()), ["ssh-ed25519 AAAA"]);
        assert!(ssh_host_keys(Path::new("/nowhere")).is_empty());
    }
}
