//! Bugs that can be planted on purpose, to show that the simulator finds them. Without the feature `planted` none
//! can be planted, and every question about one is a constant `false`.

/// One deliberate mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// A fresh heartbeat no longer vetoes a death.
    NoVeto,
    /// One testimony is enough.
    OneVoiceEnough,
    /// The candidate's own word may be the only one.
    CandidateAloneTestifies,
    /// A heartbeat without a beacon of ours counts as made now.
    StaleBeaconTrusted,
    /// The runtime acts before it persists. The machine does nothing about it: the simulator's engine asks.
    ActBeforePersist,
    /// Sleep, stall and network change leave everything known as it was.
    NoColdAfterSleep,
    /// An unknown outcome is answered by a new request instead of the identical one.
    ResendWithNewNonce,
    /// A later epoch is taken as proof that the own claim lost.
    ConcludeLostOnLaterEpoch,
    /// Hold-down and the third move's lock are ignored.
    IgnoreHoldDown,
    /// A target's readiness is not looked at again before sending.
    ReadyNotRechecked,
    /// The lease is not looked at again before sending.
    LeaseNotCheckedAtSend,
    /// A minority moves although the pool says ask.
    MinorityMoves,
    /// A paused pool moves.
    PauseIgnored,
    /// A foreign edit of the record is overwritten instead of leading to DRIFT.
    ForeignEditOverwritten,
    /// An old reading of the register is good enough to write on.
    OldReadingTrusted,
    /// Own sleep no longer forbids acting during the next seconds.
    ActsWhileSlept,
    /// Testimonies count whatever their age.
    OldTestimonyTrusted,
    /// The first member of the order is taken back as soon as it is ready.
    FailsBack,
    /// Traffic may be moved to a member that is not ready.
    UnreadyTarget,
    /// The fleet guard is not listened to.
    FleetGuardIgnored,
}

/// Every bug, for harnesses.
#[cfg(feature = "planted")]
pub const ALL: [Bug; 20] = [
    Bug::NoVeto,
    Bug::OneVoiceEnough,
    Bug::CandidateAloneTestifies,
    Bug::StaleBeaconTrusted,
    Bug::ActBeforePersist,
    Bug::NoColdAfterSleep,
    Bug::ResendWithNewNonce,
    Bug::ConcludeLostOnLaterEpoch,
    Bug::IgnoreHoldDown,
    Bug::ReadyNotRechecked,
    Bug::LeaseNotCheckedAtSend,
    Bug::MinorityMoves,
    Bug::PauseIgnored,
    Bug::ForeignEditOverwritten,
    Bug::OldReadingTrusted,
    Bug::ActsWhileSlept,
    Bug::OldTestimonyTrusted,
    Bug::FailsBack,
    Bug::UnreadyTarget,
    Bug::FleetGuardIgnored,
];

/// The planted bugs of one machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Planted {
    #[cfg(feature = "planted")]
    bugs: std::collections::BTreeSet<Bug>,
}

impl Planted {
    #[cfg(feature = "planted")]
    pub(crate) fn plant(&mut self, bug: Bug) {
        self.bugs.insert(bug);
    }

    #[cfg(feature = "planted")]
    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.bugs.contains(&bug)
    }

    #[cfg(not(feature = "planted"))]
    #[expect(clippy::unused_self, reason = "the same question with and without the feature")]
    pub(crate) const fn has(&self, _bug: Bug) -> bool {
        false
    }
}
