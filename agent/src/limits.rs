//! Every bound of the agent in one place. A number stands here with its reason, and nowhere else.
//!
//! The relay's port is open to whoever can reach it: what an unknown sender can make it hold is
//! [`HANDSHAKES_MAX`] half-open handshakes for [`HANDSHAKE_DEADLINE`] each, and nothing after that. Bounds of the wire
//! itself stand in [`protocol::limits`], of frames and links in the `link` crate.

use std::time::Duration;

use crate::pace::Rate;

/// Sessions in all, consoles and peers together: a pool has at most 20 members, witnesses and a few consoles.
pub const SESSIONS_MAX: usize = 96;
/// Sessions of one console: a new one and the one that it replaces, until that has noticed. A peer has one.
pub const SESSIONS_PER_CONSOLE_MAX: usize = 2;
/// Connections that have not proven a key yet; each holds about 40 KiB of TLS state.
pub const HANDSHAKES_MAX: usize = 24;
/// Of these, at most so many from one address, so that no single host keeps the others out.
pub const HANDSHAKES_PER_ADDRESS_MAX: usize = 8;
/// How long a stranger may take from TCP accept to an accepted hello.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);
/// How fast one address may begin handshakes: 40 at once, then five a second. Consoles and members behind one NAT share
/// it.
pub const HANDSHAKES_RATE: Rate = Rate { burst: 40, refill: Duration::from_millis(200) };
/// Connections that wait in the kernel for an accept.
pub const LISTEN_BACKLOG: u32 = 64;
/// Addresses whose pace is remembered; the least recently seen one is forgotten first.
pub const PACED_ADDRESSES_MAX: usize = 512;

/// Frames that wait for one slow receiver before its session is closed; it then starts over with a whole report.
pub const OUTBOX_FRAMES: usize = 64;
/// Events that wait for the node's loop; a full queue makes the senders wait, which slows their TCP windows.
pub const INBOX_EVENTS: usize = 256;
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
/// How long one call may take while enrolling: the console signs and stores a roster in between.
pub const ENROL_CALL_DEADLINE: Duration = Duration::from_secs(30);
