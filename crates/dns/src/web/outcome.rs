//! What a fault means for a write: whether anything can have left, and whether anything can have happened.

use super::Web;
use crate::{MoveOutcome, Sent, error::ApiFault};

impl Web {
    /// What a fault means while nothing has been sent.
    pub(crate) fn outcome_before(&self, operation: &'static str, fault: ApiFault) -> MoveOutcome {
        if let ApiFault::Throttled { retry_after_ms } = fault {
            return MoveOutcome::Throttled { retry_after_ms };
        }
        let is_transient = fault.is_transient();
        let error = self.error(operation, fault);
        if is_transient {
            MoveOutcome::Unknown { sent: Sent::No, why: error.chain() }
        } else {
            MoveOutcome::Rejected(error)
        }
    }

    /// What a fault means once the change may have left. Only a clear no is a no.
    pub(crate) fn outcome_after(&self, operation: &'static str, fault: ApiFault) -> MoveOutcome {
        let error = |fault| self.error(operation, fault);
        match fault {
            ApiFault::Precondition { .. } => MoveOutcome::Conflict(error(fault).chain()),
            ApiFault::Throttled { retry_after_ms } => MoveOutcome::Throttled { retry_after_ms },
            ApiFault::Credential { .. }
            | ApiFault::Refused { .. }
            | ApiFault::NoSuchZone { .. }
            | ApiFault::AmbiguousZone { .. }
            | ApiFault::Setting { .. } => MoveOutcome::Rejected(error(fault)),
            ApiFault::Unreachable { .. } => {
                MoveOutcome::Unknown { sent: Sent::No, why: error(fault).chain() }
            }
            ApiFault::ServerFailure { .. }
            | ApiFault::NotTheApi { .. }
            | ApiFault::Undecodable { .. }
            | ApiFault::TooLarge { .. }
            | ApiFault::Torn
            | ApiFault::Cut { .. }
            | ApiFault::Timeout { .. } => {
                MoveOutcome::Unknown { sent: Sent::Maybe, why: error(fault).chain() }
            }
        }
    }
}
