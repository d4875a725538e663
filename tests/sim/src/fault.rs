//! What can go wrong, as values. The world applies them; [`crate::plan`] chooses them.

use crate::haproxy::Mishap;
use crate::net::Quality;
use crate::register::{ForeignA, ForeignMarker};

/// Who is meant when a fault is planned: the active member is known only when the fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Whoever is active at that moment.
    Active,
    /// This member or witness.
    Voter(usize),
}

/// A node of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A member or witness.
    Voter(Whom),
    /// A console.
    Console(usize),
    /// The DNS provider.
    Register,
}

/// Which directions a network fault takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ways {
    /// There and back.
    Both,
    /// From the first to the second only.
    There,
}

/// How a lying relay lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// It hides the lives of one member.
    Withhold(usize),
    /// It hands on every life this late.
    Delay(u64),
    /// It hoards the lives of a member and hands them out one by one, long after.
    Drip(usize),
    /// It says that a member is silent, whatever it hears.
    FalseTestimony(usize),
}

/// How a member's agent ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentEnd {
    /// Killed: no word.
    Kill,
    /// Stopped in order: says goodbye.
    Stop,
}

/// What the provider does badly for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// It does not answer at all.
    Outage,
    /// Readings are this much older than the truth.
    StaleReads(u64),
    /// Half of the answers get lost after the work is done.
    LostAnswers,
    /// It commits, then answers 5xx.
    ErrorsAfterCommit,
    /// Requests arrive up to this much later.
    Late(u64),
    /// Requests arrive twice, the second time up to this much later.
    Doubled(u64),
    /// It takes up to this long to answer.
    Slow(u64),
    /// It says 429 and means these seconds.
    Throttled(u64),
}

/// An operator's click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Click {
    /// Move to this member.
    Activate {
        /// The target.
        member: usize,
        /// Although it is not ready.
        force: bool,
    },
    /// Move to the next ready one.
    Cutover,
    /// Seen.
    Acknowledge,
    /// Take the record as it stands.
    Adopt,
    /// Put the record back.
    Restore,
    /// Pause the pool for these ms.
    Pause(u64),
    /// Resume it.
    Resume,
    /// Put this console's watch off for these ms.
    WatchOff(u64),
}

/// One fault. Those with a length heal by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No message between two places.
    Cut(Place, Place, Ways, u64),
    /// No message to or from one place.
    Isolate(Place, Ways, u64),
    /// One place hears and is heard by this one voter only.
    AllButOne(Place, usize, u64),
    /// Two halves; the bits say who is on the one side.
    Partition(u32, u64),
    /// One direction or both get bad.
    Bad(Place, Place, Ways, Quality, u64),
    /// Everything gets bad.
    BadAll(Quality, u64),
    /// A console's process does not run.
    Stall(usize, u64),
    /// A console's computer sleeps.
    Suspend(usize, u64),
    /// Its lid closes the moment a request has left, for these ms.
    SuspendAfterSending(usize, u64),
    /// It sleeps, wakes for these few ms, and sleeps on.
    DarkWake(usize, u64, u64),
    /// A console's process dies and starts again after these ms.
    Crash(usize, u64),
    /// It dies when it has stored a step and not yet acted, this many such steps from now; back after these ms.
    CrashBeforeActing(usize, u32, u64),
    /// It stands still between deciding to send and sending, next time, for these ms.
    StallBeforeSending(usize, u64),
    /// Its disk is copied, and the copy runs as well.
    Clone(usize),
    /// Its DNS credential cannot be used.
    CredentialLost(usize, u64),
    /// Its credential is refused by the provider although it looks right.
    CredentialRevoked(usize, u64),
    /// Its disk takes nothing for these ms.
    StoreRefuses(usize, u64),
    /// Its engine says for these ms that most of the fleet fell silent at once.
    FleetGuard(usize, u64),
    /// It changes to another network.
    NetChange(usize, u64),
    /// Its clock runs at this rate (in 65536ths) for a while.
    ConsoleRate(usize, u64, u64),
    /// Its wall clock jumps.
    WallStep(usize, i64),
    /// Something answers everywhere with another key, anchors do not answer.
    CaptivePortal(usize, u64),
    /// A host's power is cut; it boots after these ms.
    PowerCut(Whom, u64),
    /// A host shuts down in order, saying goodbye, and is back after these ms.
    Shutdown(Whom, u64),
    /// A planned reboot, announced for ten minutes.
    PlannedReboot(Whom, u64),
    /// A host freezes.
    Freeze(Whom, u64),
    /// Only the agent freezes.
    AgentStall(Whom, u64),
    /// The agent ends and is back after these ms.
    Agent(Whom, AgentEnd, u64),
    /// Something happens to HAProxy; repaired after these ms.
    Haproxy(Whom, Mishap, u64),
    /// Two hosts lose their power together.
    DoublePowerCut(Whom, usize, u64),
    /// A host's memory and disk are kept, to be put back after these ms.
    Snapshot(Whom, u64),
    /// A relay lies.
    Lying(usize, Lie, u64),
    /// A member's clock runs at this rate.
    MemberRate(usize, u64, u64),
    /// A member is in maintenance.
    Maintenance(Whom, u64),
    /// A member's configuration is broken on disk.
    BadConfig(usize, u64),
    /// The provider.
    Weather(Weather, u64),
    /// Somebody else touches A.
    ForeignA(ForeignA),
    /// Somebody else touches the marker.
    ForeignMarker(ForeignMarker),
    /// The provider restores an old state.
    RollBack,
    /// An operator clicks on this console.
    Click(usize, Click),
    /// A new roster version, without a change of members.
    RosterBump,
    /// A new policy version with another delay.
    PolicyDelay(u32),
}

/// Kinds of faults: each seed enables a part of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each names the faults it stands for")]
pub enum Kind {
    Cut,
    OneWay,
    Isolate,
    Partition,
    Bad,
    Stall,
    Suspend,
    DarkWake,
    Crash,
    CrashBeforeActing,
    Clone,
    Credential,
    NetChange,
    ConsoleRate,
    Wall,
    CaptivePortal,
    Power,
    Shutdown,
    PlannedReboot,
    Freeze,
    AgentStall,
    Agent,
    Haproxy,
    DoublePower,
    Snapshot,
    Lying,
    MemberRate,
    Maintenance,
    BadConfig,
    Weather,
    ForeignA,
    ForeignMarker,
    RollBack,
    Activate,
    Pause,
    Operator,
    Documents,
}

impl Kind {
    /// All of them, with how often each is drawn in comparison.
    pub const ALL: [(Self, u32); 37] = [
        (Self::Cut, 8),
        (Self::OneWay, 8),
        (Self::Isolate, 8),
        (Self::Partition, 5),
        (Self::Bad, 6),
        (Self::Stall, 6),
        (Self::Suspend, 5),
        (Self::DarkWake, 2),
        (Self::Crash, 6),
        (Self::CrashBeforeActing, 5),
        (Self::Clone, 1),
        (Self::Credential, 3),
        (Self::NetChange, 3),
        (Self::ConsoleRate, 2),
        (Self::Wall, 2),
        (Self::CaptivePortal, 2),
        (Self::Power, 12),
        (Self::Shutdown, 4),
        (Self::PlannedReboot, 4),
        (Self::Freeze, 6),
        (Self::AgentStall, 4),
        (Self::Agent, 6),
        (Self::Haproxy, 14),
        (Self::DoublePower, 3),
        (Self::Snapshot, 2),
        (Self::Lying, 4),
        (Self::MemberRate, 2),
        (Self::Maintenance, 2),
        (Self::BadConfig, 2),
        (Self::Weather, 8),
        (Self::ForeignA, 2),
        (Self::ForeignMarker, 1),
        (Self::RollBack, 1),
        (Self::Activate, 5),
        (Self::Pause, 2),
        (Self::Operator, 2),
        (Self::Documents, 2),
    ];
}
