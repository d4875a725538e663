//! Why the agent is being stopped: because the whole host goes down, or only the agent.
//!
//! The two say very different things to the pool (a shutdown moves the service at once, a stopped agent moves nothing),
//! so the answer comes from systemd itself; when it cannot be had in time, the harmless one is said.

use std::time::Duration;

use protocol::Goodbye;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

/// How long systemd may take to say whether it stops.
const ASK_DEADLINE: Duration = Duration::from_millis(300);

/// Waits for SIGTERM or SIGINT.
///
/// # Errors
/// Signals cannot be received in this process.
pub async fn requested() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Asks systemd whether the host is going down.
pub async fn reason() -> Goodbye {
    // As root `systemctl` reaches systemd by its private socket, which outlives D-Bus during a shutdown.
    let asked = Command::new("/usr/bin/systemctl")
        .arg("is-system-running")
        .env("LC_ALL", "C")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(ASK_DEADLINE, asked).await {
        Ok(Ok(output)) => read_state(&output.stdout),
        Ok(Err(_)) | Err(_) => Goodbye::AgentStop,
    }
}

fn read_state(stdout: &[u8]) -> Goodbye {
    if stdout.trim_ascii() == b"stopping" { Goodbye::HostShutdown } else { Goodbye::AgentStop }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_stopping_host_says_shutdown() {
        assert_eq!(read_state(b"stopping\n"), Goodbye::HostShutdown);
        for other in ["running\n", "degraded", "offline", "", "unstoppable", "starting"] {
            assert_eq!(read_state(other.as_bytes()), Goodbye::AgentStop, "{other}");
        }
    }
}
