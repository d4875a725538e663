//! Every bound of the agent in one place. A number stands here with its reason, and nowhere else.
//!
//! The relay's port is open to whoever can reach it: what an unknown sender can make it hold is
//! [`HANDSHAKES_MAX`] half-open handshakes for [`HANDSHAKE_DEADLINE`] each, and nothing after that.

use std::time::Duration;

/// Sessions in all, consoles and peers together: a pool has at most 20 members, witnesses and a few consoles.
pub const SESSIONS_MAX: usize = 96;
/// Sessions of one key: a second one replaces the first, and both may overlap for a moment.
pub const SESSIONS_PER_KEY_MAX: usize = 2;
/// Connections that have not proven a key yet; each holds about 40 KiB of TLS state.
pub const HANDSHAKES_MAX: usize = 24;
/// How long a stranger may take from TCP accept to an accepted hello.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);
/// Handshakes that one address may begin at once; later ones are paced by [`HANDSHAKE_REFILL`].
pub const HANDSHAKE_BURST: u32 = 40;
/// One more handshake per address each so long: consoles and members behind one NAT share it.
pub const HANDSHAKE_REFILL: Duration = Duration::from_millis(200);
/// Addresses whose pace is remembered; the least recently seen one is forgotten first.
pub const PACED_ADDRESSES_MAX: usize = 512;

/// Frames that one session may send at once; later ones are paced by [`FRAME_REFILL`].
pub const FRAME_BURST: u32 = 200;
/// One more frame per session each so long: 20 a second, four times what a busy console sends.
pub const FRAME_REFILL: Duration = Duration::from_millis(50);
/// Frames that wait for one slow receiver before its session is closed; it then starts over with a whole report.
pub const OUTBOX_FRAMES: usize = 64;
/// Events that wait for the node's loop; a full queue makes the senders wait, which slows their TCP windows.
pub const INBOX_EVENTS: usize = 256;
/// How long a single write to a session may take before it counts as gone.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(5);
/// Silence on a session after which it is closed: five heartbeats.
pub const SESSION_IDLE: Duration = Duration::from_secs(8);

/// First pause before a peer is dialled again.
pub const DIAL_PAUSE_MIN: Duration = Duration::from_millis(500);
/// Longest pause before a peer is dialled again.
pub const DIAL_PAUSE_MAX: Duration = Duration::from_secs(5);
/// How long dialling, TLS and hello may take in all.
pub const DIAL_DEADLINE: Duration = Duration::from_secs(4);

/// How long the agent tries to say goodbye before it stops all the same.
pub const GOODBYE_DEADLINE: Duration = Duration::from_millis(500);

/// How long a service port may take to accept a probe.
pub const PROBE_DEADLINE: Duration = Duration::from_millis(900);

/// Largest state file that is read back: a fleet of 1,000 members' roster chain fits eight times.
pub const STATE_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Largest `agent.env` that is read.
pub const ENV_FILE_BYTES_MAX: u64 = 64 * 1024;

/// Questions that the local socket answers at once.
pub const STATUS_CLIENTS_MAX: usize = 4;
/// Newest refusals kept for `status`.
pub const REFUSALS_KEPT: usize = 16;

/// Longest wait of `enrol`: as long as the secret is valid.
pub const ENROL_WAIT_MAX: Duration = Duration::from_hours(24);
/// Tries at one secret before `enrol` gives up: a console that holds another verifier is a mistake, a hundred are not.
pub const ENROL_TRIES_MAX: u32 = 100;

/// A loop that came more than this much late has stalled (safety.md 2.1).
pub const STALL: Duration = Duration::from_secs(1);
