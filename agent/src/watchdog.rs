//! Talking to systemd: started, alive, stopping. Alive is said by the node's own loop, so that a loop that hangs is
//! noticed and the agent started anew.

use sd_notify::NotifyState;

/// The agent listens and beats.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The loop runs.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// The agent ends.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    // Without systemd there is nobody to tell.
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!("systemd could not be told: {error}");
    }
}
