//! Every bound of the wire in one place: sizes in bytes, counts, and spans.

use model::Span;

/// Longest frame after the hello was accepted.
pub const FRAME_BYTES_MAX: usize = 256 * 1024;
/// Longest frame before the hello was accepted: strangers get little.
pub const FRAME_BYTES_BEFORE_HELLO_MAX: usize = 8 * 1024;
/// Longest frame while enrolling: roster and card, from a side that proved nothing yet.
pub const FRAME_BYTES_ENROLLING_MAX: usize = 64 * 1024;

/// Longest body of a heartbeat: 64 listeners and 24 testimonies fit three times.
pub const HEARTBEAT_BYTES_MAX: usize = 24 * 1024;
/// Longest body of a roster or policy.
pub const DOC_BYTES_MAX: usize = 208 * 1024;
/// Longest body of a record.
pub const RECORD_BYTES_MAX: usize = 2 * 1024;

/// Beacons echoed in one heartbeat.
pub const BEACONS_MAX: usize = 8;
/// Testimonies in one heartbeat.
pub const TESTIMONIES_MAX: usize = 24;
/// Listeners in one heartbeat.
pub const LISTENERS_MAX: usize = 64;
/// Heartbeats in one report; the rest follows in the next.
pub const REPORT_HEARTBEATS_MAX: usize = 64;
/// Bytes of heartbeats in one report, below the frame's limit although quotes double when a body is embedded.
pub const REPORT_BYTES_MAX: usize = 96 * 1024;
/// Members and witnesses in one roster.
pub const MEMBERS_MAX: usize = 512;
/// Consoles in one roster.
pub const CONSOLES_MAX: usize = 64;
/// Removed entries that a roster remembers.
pub const REMOVED_MAX: usize = 256;
/// Sources (addresses and networks) of one member.
pub const SOURCES_MAX: usize = 32;
/// Pools that one relay keeps anything for.
pub const POOLS_MAX: usize = 64;
/// Rosters kept, so that a sleeper can follow.
pub const ROSTERS_KEPT: usize = 20;
/// Longest part of HAProxy's statistics in one frame: also where every byte has to be escaped in six, a frame holds it.
pub const STAT_PART_BYTES_MAX: usize = 40 * 1024;
/// Longest text of HAProxy's statistics in all.
pub const STAT_BYTES_MAX: usize = 1024 * 1024;
/// Records kept per pool.
pub const RECORDS_MAX: usize = 500;
/// Bytes of records kept per pool.
pub const RECORDS_BYTES_MAX: usize = 192 * 1024;
/// Newest moves that never give way to other records.
pub const MOVES_KEPT: usize = 32;
/// Open intents per pool.
pub const INTENTS_MAX: usize = 8;
/// Forks a relay remembers.
pub const FORKS_MAX: usize = 8;
/// SSH host keys in an enrolment card.
pub const SSH_KEYS_MAX: usize = 8;
/// Tries of one enrolment secret before it is closed.
pub const ENROL_TRIES_MAX: u32 = 10;

/// Longest hostname.
pub const HOSTNAME_BYTES_MAX: usize = 253;
/// Longest name of a member, pool or console.
pub const NAME_BYTES_MAX: usize = 80;
/// Longest free text: reasons, versions, sections.
pub const TEXT_BYTES_MAX: usize = 512;
/// Longest SSH host key line.
pub const SSH_KEY_BYTES_MAX: usize = 1024;

/// Largest counter that is taken from a wire where others count on from it: versions, epochs. A script reads it exactly, and one
/// more never overflows.
pub const COUNTER_MAX: u64 = 1 << 53;
/// How far a policy's version may jump: nobody may use the numbers up.
pub const POLICY_JUMP_MAX: u64 = 1_000_000;

/// A peer silent for longer than this is testified about.
pub const TESTIFY_AFTER: Span = Span::from_ms(2_500);
/// A probe's answer counts for this long.
pub const PROBE_FRESH: Span = Span::from_s(3);
/// A baseline counts for this long.
pub const BASELINE: Span = Span::from_s(24 * 3600);
/// A party heard within this span is heard now.
pub const HEARD_NOW: Span = Span::from_s(3);
/// A relay that lost its lease file grants nothing for this long: longer than any grant it may have forgotten.
pub const LEASE_SILENCE: Span = Span::from_s(22);
/// A beacon older than this is no longer echoed.
pub const BEACON_ECHOED: Span = Span::from_s(30);
/// A gap between two ticks longer than this is a stall.
pub const STALL: Span = Span::from_ms(1_250);
/// A peer relay silent for this long is replaced by the next in order.
pub const PEER_REPLACED: Span = Span::from_s(60);
/// Lower and upper bound of the rhythm that a console may ask for, in ms.
pub const POLL_MS: (u32, u32) = (250, 10_000);
/// Frames per second that a link may send after its hello, with a burst of four times as many.
pub const FRAMES_PER_S: u32 = 50;
