//! The evaluator's values as the words that cross the api.

use evaluator::io::{Cause, NoticeKind, State};

/// The cause of a claim, as incidents, intents and records name it.
pub(crate) const fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Down => "down",
        Cause::ServiceDown => "service-down",
        Cause::AgentLost => "agent-lost",
        Cause::Manual => "manual",
        Cause::Preferred => "preferred",
        Cause::Ddns => "ddns",
        Cause::Abort => "abort",
        Cause::Adopt => "adopt",
    }
}

/// Reads [`cause`] back; a word of a later version counts as a move by hand, which never hastens anything.
pub(crate) fn read_cause(word: &str) -> Cause {
    match word {
        "down" => Cause::Down,
        "service-down" => Cause::ServiceDown,
        "agent-lost" => Cause::AgentLost,
        "preferred" => Cause::Preferred,
        "ddns" => Cause::Ddns,
        "abort" => Cause::Abort,
        "adopt" => Cause::Adopt,
        _ => Cause::Manual,
    }
}

/// A state's name.
pub(crate) const fn state(state: State) -> &'static str {
    match state {
        State::Cold => "COLD",
        State::Route => "ROUTE",
        State::Blind => "BLIND",
        State::Follow => "FOLLOW",
        State::Steady => "STEADY",
        State::Suspect => "SUSPECT",
        State::Confirm => "CONFIRM",
        State::Revive => "REVIVE",
        State::Ask => "ASK",
        State::NoTarget => "NO_TARGET",
        State::Claim => "CLAIM",
        State::Write => "WRITE",
        State::Unknown => "UNKNOWN",
        State::Verify => "VERIFY",
        State::Adopt => "ADOPT",
        State::Hold => "HOLD",
        State::Failed => "FAILED",
        State::Drift => "DRIFT",
        State::Paused => "PAUSED",
        State::Locked => "LOCKED",
    }
}

/// A notice's topic.
pub(crate) const fn notice(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Moved => "moved",
        NoticeKind::Ask => "ask",
        NoticeKind::NoTarget => "no-target",
        NoticeKind::Drift => "drift",
        NoticeKind::Failed => "failed",
        NoticeKind::Blind => "blind",
        NoticeKind::NoProvider => "no-provider",
        NoticeKind::Locked => "locked",
        NoticeKind::NotReadBack => "not-read-back",
        NoticeKind::CannotConfirm => "cannot-confirm",
        NoticeKind::Over => "over",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_reads_back() {
        for one in [
            Cause::Down,
            Cause::ServiceDown,
            Cause::AgentLost,
            Cause::Manual,
            Cause::Preferred,
            Cause::Ddns,
            Cause::Abort,
            Cause::Adopt,
        ] {
            assert_eq!(read_cause(cause(one)), one);
        }
    }
}
