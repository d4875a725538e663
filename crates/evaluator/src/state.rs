//! The states and the table of every way between them (safety.md 3). [`crate::Machine`] takes no other.

use std::fmt::Write as _;

use crate::io::State;

impl State {
    /// Every state, in the order of the table.
    pub const ALL: [Self; 20] = [
        Self::Cold,
        Self::Route,
        Self::Blind,
        Self::Follow,
        Self::Steady,
        Self::Suspect,
        Self::Confirm,
        Self::Revive,
        Self::Ask,
        Self::NoTarget,
        Self::Claim,
        Self::Write,
        Self::Unknown,
        Self::Verify,
        Self::Adopt,
        Self::Hold,
        Self::Failed,
        Self::Drift,
        Self::Paused,
        Self::Locked,
    ];

    /// The state's name as the documents write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cold => "COLD",
            Self::Route => "ROUTE",
            Self::Blind => "BLIND",
            Self::Follow => "FOLLOW",
            Self::Steady => "STEADY",
            Self::Suspect => "SUSPECT",
            Self::Confirm => "CONFIRM",
            Self::Revive => "REVIVE",
            Self::Ask => "ASK",
            Self::NoTarget => "NO_TARGET",
            Self::Claim => "CLAIM",
            Self::Write => "WRITE",
            Self::Unknown => "UNKNOWN",
            Self::Verify => "VERIFY",
            Self::Adopt => "ADOPT",
            Self::Hold => "HOLD",
            Self::Failed => "FAILED",
            Self::Drift => "DRIFT",
            Self::Paused => "PAUSED",
            Self::Locked => "LOCKED",
        }
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {
        /// Why a way was taken: the third column of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rule { $($(#[$doc])* $name,)+ }

        impl Rule {
            /// The rule's name as it stands in [`crate::io::Entry::cause`].
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }
    };
}

rules! {
    /// a: this console slept, stalled or changed networks.
    OwnFault = "own-fault",
    /// a: a new roster.
    NewRoster = "new-roster",
    /// b: this console or the provider cannot be seen through.
    CannotSee = "cannot-see",
    /// b: the pool is paused or its active member is in maintenance.
    PoolPaused = "pool-paused",
    /// c: the register holds a newer marker than mine.
    NewerMarker = "newer-marker",
    /// c: record or marker is not what my epoch says, seen twice.
    RecordChanged = "record-changed",
    /// d: another console holds the lease, or nobody grants it.
    LeaseLost = "lease-lost",
    /// e: an operator wants a move.
    OperatorMove = "operator-move",
    /// COLD's time is over.
    Warm = "warm",
    /// An own claim has no known outcome.
    IntentOpen = "intent-open",
    /// The record was changed before, and nobody decided about it yet.
    DriftOpen = "drift-open",
    /// The third automatic move within two hours waits for a person.
    ThirdMove = "third-move",
    /// Hold-down runs by the records.
    HoldRuns = "hold-runs",
    /// Another console holds the lease, or nobody grants it.
    NotHolder = "not-holder",
    /// The lease was granted.
    LeaseGranted = "lease-granted",
    /// The active member is up.
    ActiveUp = "active-up",
    /// The active member was heard from late.
    HeardAgain = "heard-again",
    /// The active member's newest life is too old.
    ActiveSuspect = "active-suspect",
    /// The active member says that its service is down.
    ServiceDown = "service-down",
    /// The active member is silent for longer than the failover delay.
    ActiveSilent = "active-silent",
    /// The view is clear again.
    SeesAgain = "sees-again",
    /// The policy changed.
    PolicyChanged = "policy-changed",
    /// The active member's own address changed.
    AddressChanged = "address-changed",
    /// The preferred member has been ready for long.
    PreferredReady = "preferred-ready",
    /// Another console's intent was left open.
    IntentLeft = "intent-left",
    /// The provider refuses.
    Refused = "refused",
    /// Confirmed and allowed: a claim is made.
    Confirmed = "confirmed",
    /// The agent stopped by itself; a person decides.
    AgentStopped = "agent-stopped",
    /// Only the agent is silent; it is revived first.
    AgentSilent = "agent-silent",
    /// The confirmation window is over and something is missing.
    WindowOver = "window-over",
    /// Nobody is ready to take over.
    NobodyReady = "nobody-ready",
    /// A standby is ready.
    StandbyReady = "standby-ready",
    /// What was missing has arrived.
    MissingArrived = "missing-arrived",
    /// The service no longer answers.
    ServiceGone = "service-gone",
    /// The time for reviving is over.
    ReviveOver = "revive-over",
    /// A guard is false; nothing was sent.
    GuardFalse = "guard-false",
    /// The provider does not answer; nothing was sent.
    ApiSilent = "api-silent",
    /// All guards hold: the request goes out.
    GuardsHold = "guards-hold",
    /// The write is accepted, or the register shows its nonce.
    Accepted = "accepted",
    /// The outcome of the write is not known.
    OutcomeUnknown = "outcome-unknown",
    /// The write was decided and came too late to be sent; everything is looked at again.
    NotSent = "not-sent",
    /// The claim did not get ready in its time; nothing was sent.
    ClaimStuck = "claim-stuck",
    /// Another decision took this epoch or a later one.
    Superseded = "superseded",
    /// The read-back shows the write.
    ReadBack = "read-back",
    /// The write was accepted and not read back in time.
    NotReadBack = "not-read-back",
    /// An adopted decision that nobody has verified yet.
    NotVerified = "not-verified",
    /// An adopted decision needs nothing more.
    Adopted = "adopted",
    /// Hold-down is over.
    HoldOver = "hold-over",
    /// The provider answers again.
    ProviderBack = "provider-back",
    /// The operator adopts or restores the record.
    OperatorSettles = "operator-settles",
    /// The record is what my epoch says again.
    RecordBack = "record-back",
    /// The pause is over.
    PauseOver = "pause-over",
    /// A person has seen it.
    Acknowledged = "acknowledged",
}

/// One way of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// From these states.
    pub from: &'static [State],
    /// To this state.
    pub to: State,
    /// For this reason.
    pub rule: Rule,
}

const fn way(from: &'static [State], to: State, rule: Rule) -> Way {
    Way { from, to, rule }
}

use State::{
    Adopt, Ask, Blind, Claim, Cold, Confirm, Drift, Failed, Follow, Hold, Locked, NoTarget, Paused, Revive,
    Route, Steady, Suspect, Unknown, Verify, Write,
};

/// Every state but COLD, and ADOPT, which is left in the step that enters it.
const WARM: &[State] = &[
    Route, Blind, Follow, Steady, Suspect, Confirm, Revive, Ask, NoTarget, Claim, Write, Unknown, Verify,
    Hold, Failed, Drift, Paused, Locked,
];
/// Rule b does not reach COLD, WRITE, UNKNOWN, VERIFY and FAILED; a paused pool stays in DRIFT, which waits for a person.
const CALM: &[State] = &[Route, Follow, Steady, Suspect, Confirm, Revive, Ask, NoTarget, Claim, Hold, Locked];
const CALM_OR_PAUSED: &[State] =
    &[Route, Follow, Steady, Suspect, Confirm, Revive, Ask, NoTarget, Claim, Hold, Drift, Locked, Paused];
/// Rule c waits in COLD, BLIND and FAILED; WRITE and UNKNOWN first learn their own outcome.
const READING: &[State] = &[
    Route, Follow, Steady, Suspect, Confirm, Revive, Ask, NoTarget, Claim, Verify, Hold, Drift, Paused,
    Locked,
];
const READING_NOT_DRIFT: &[State] =
    &[Route, Follow, Steady, Suspect, Confirm, Revive, Ask, NoTarget, Claim, Verify, Hold, Paused, Locked];
/// Rule d.
const LEASED: &[State] = &[Steady, Suspect, Confirm, Revive, Ask, NoTarget, Claim];
/// Rule e: not from WRITE and UNKNOWN (it waits) and DRIFT (settle that first).
const MOVABLE: &[State] = &[
    Cold, Route, Blind, Follow, Steady, Suspect, Confirm, Revive, Ask, NoTarget, Verify, Hold, Failed,
    Paused, Locked,
];

/// The table, row by row.
pub const TABLE: &[Way] = &[
    way(WARM, Cold, Rule::OwnFault),
    way(WARM, Cold, Rule::NewRoster),
    way(CALM_OR_PAUSED, Blind, Rule::CannotSee),
    way(CALM, Paused, Rule::PoolPaused),
    way(READING, Adopt, Rule::NewerMarker),
    way(READING_NOT_DRIFT, Drift, Rule::RecordChanged),
    way(LEASED, Follow, Rule::LeaseLost),
    way(MOVABLE, Claim, Rule::OperatorMove),
    way(&[Cold], Route, Rule::Warm),
    way(&[Route], Unknown, Rule::IntentOpen),
    way(&[Route], Drift, Rule::DriftOpen),
    way(&[Route, Confirm, Revive], Locked, Rule::ThirdMove),
    way(&[Route], Hold, Rule::HoldRuns),
    way(&[Route], Follow, Rule::NotHolder),
    way(&[Route, Suspect], Steady, Rule::ActiveUp),
    way(&[Route, Steady], Suspect, Rule::ActiveSuspect),
    way(&[Route, Steady, Suspect, Hold], Confirm, Rule::ServiceDown),
    way(&[Route, Suspect, Hold], Confirm, Rule::ActiveSilent),
    way(&[Blind], Route, Rule::SeesAgain),
    way(&[Follow], Route, Rule::LeaseGranted),
    way(&[Steady], Route, Rule::PolicyChanged),
    way(&[Steady], Claim, Rule::AddressChanged),
    way(&[Steady], Claim, Rule::PreferredReady),
    way(&[Steady, Hold], Claim, Rule::IntentLeft),
    way(&[Steady, Suspect, Hold, Claim, Write, Unknown], Failed, Rule::Refused),
    way(&[Confirm, Revive, Ask, NoTarget], Route, Rule::ActiveUp),
    way(&[Confirm, Revive, Ask, NoTarget], Route, Rule::HeardAgain),
    way(&[Confirm], Claim, Rule::Confirmed),
    way(&[Confirm], Ask, Rule::AgentStopped),
    way(&[Confirm], Revive, Rule::AgentSilent),
    way(&[Confirm], NoTarget, Rule::NobodyReady),
    way(&[Confirm], Ask, Rule::WindowOver),
    way(&[Revive], Confirm, Rule::ServiceDown),
    way(&[Revive], Confirm, Rule::ServiceGone),
    way(&[Revive], Claim, Rule::ReviveOver),
    way(&[Revive], NoTarget, Rule::NobodyReady),
    way(&[Revive], Ask, Rule::ReviveOver),
    way(&[Ask], Confirm, Rule::MissingArrived),
    way(&[NoTarget], Confirm, Rule::StandbyReady),
    way(&[Claim], Write, Rule::GuardsHold),
    way(&[Claim], Route, Rule::GuardFalse),
    way(&[Claim], Blind, Rule::ApiSilent),
    way(&[Claim], Route, Rule::ClaimStuck),
    way(&[Write], Claim, Rule::NotSent),
    way(&[Write, Unknown], Verify, Rule::Accepted),
    way(&[Write], Unknown, Rule::OutcomeUnknown),
    way(&[Unknown], Adopt, Rule::Superseded),
    way(&[Unknown], Drift, Rule::RecordChanged),
    way(&[Verify], Hold, Rule::ReadBack),
    way(&[Verify], Hold, Rule::NotReadBack),
    way(&[Verify], Route, Rule::ReadBack),
    way(&[Verify], Route, Rule::NotReadBack),
    way(&[Adopt], Verify, Rule::NotVerified),
    way(&[Adopt], Route, Rule::Adopted),
    way(&[Hold], Route, Rule::HoldOver),
    way(&[Failed], Route, Rule::ProviderBack),
    way(&[Drift], Claim, Rule::OperatorSettles),
    way(&[Drift], Route, Rule::RecordBack),
    way(&[Paused], Route, Rule::PauseOver),
    way(&[Locked], Route, Rule::Acknowledged),
];

/// Whether the table knows this way.
pub fn allows(from: State, to: State, rule: Rule) -> bool {
    TABLE.iter().any(|way| way.rule == rule && way.to == to && way.from.contains(&from))
}

/// The table as a Mermaid diagram for the docs. Ways that start in more than seven states are listed under it.
pub fn diagram() -> String {
    let mut text = String::from("stateDiagram-v2\n    [*] --> COLD\n");
    let mut wide = String::new();
    for way in TABLE {
        if way.from.len() > 7 {
            let from: Vec<_> = way.from.iter().map(|state| state.word()).collect();
            let _ = writeln!(wide, "%% {} --> {}: {}", from.join(", "), way.to.word(), way.rule.word());
            continue;
        }
        for from in way.from {
            let _ = writeln!(text, "    {} --> {}: {}", from.word(), way.to.word(), way.rule.word());
        }
    }
    text + &wide
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_can_be_entered_and_left() {
        for state in State::ALL {
            assert!(TABLE.iter().any(|way| way.to == state), "{} has no way in", state.word());
            assert!(TABLE.iter().any(|way| way.from.contains(&state)), "{} has no way out", state.word());
        }
    }

    #[test]
    fn no_way_is_written_twice() {
        for (i, way) in TABLE.iter().enumerate() {
            for other in &TABLE[i + 1..] {
                let same = way.to == other.to && way.rule == other.rule;
                assert!(
                    !(same && way.from.iter().any(|from| other.from.contains(from))),
                    "{way:?} {other:?}"
                );
            }
        }
    }

    #[test]
    fn the_diagram_draws_every_narrow_way() {
        let text = diagram();
        assert!(text.contains("    CLAIM --> WRITE: guards-hold\n"));
        assert!(text.contains("--> COLD: own-fault"));
    }
}
