//! What answers mean: from signature, code and authority to one error or outcome each.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "codes and types are open lists; every other one is one case"
)]

use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{Name, rdata::tsig::TsigError},
};

use super::{Rfc2136, unknown};
use crate::{DnsError, Fqdn, MoveOutcome, Names, error::KeyFault, tsig::Seal, wire};

impl Rfc2136 {
    /// Turns what the signature says into an error, unless it says nothing bad.
    pub(super) fn refusal_of_seal(
        &self,
        seal: &Seal,
        answer: &Message,
        operation: &'static str,
    ) -> Result<(), DnsError> {
        let server = self.config.server;
        let key = self.config.key.name().to_string();
        let code = answer.metadata.response_code;
        match seal {
            Seal::Genuine { fault: None, .. } => Ok(()),
            Seal::Genuine { fault: Some(TsigError::BadTime), server_time_s } => {
                Err(self.bad_time(*server_time_s))
            }
            // Unsigned: the clock it names is not to be trusted.
            Seal::Unsigned { fault: Some(TsigError::BadTime) } => Err(self.bad_time(None)),
            Seal::Genuine { fault: Some(fault), .. } | Seal::Unsigned { fault: Some(fault) } => match fault {
                TsigError::BadSig => Err(DnsError::WrongKey { server, key, fault: KeyFault::BadSig }),
                TsigError::BadKey => Err(DnsError::WrongKey { server, key, fault: KeyFault::BadKey }),
                TsigError::BadTrunc => Err(DnsError::WrongKey { server, key, fault: KeyFault::BadTrunc }),
                TsigError::BadTime | TsigError::Unknown(_) => {
                    Err(DnsError::Unauthenticated { server, key, code: wire::code_words(code) })
                }
            },
            Seal::Unsigned { fault: None } => match code {
                ResponseCode::NotAuth | ResponseCode::Refused => {
                    Err(DnsError::Unauthenticated { server, key, code: wire::code_words(code) })
                }
                ResponseCode::ServFail => {
                    Err(DnsError::ServerFailure { server, operation, code: wire::code_words(code) })
                }
                _ => Err(DnsError::Unsigned { server, operation }),
            },
            Seal::Forged(reason) => {
                Err(DnsError::Protocol { server, operation, reason: (*reason).to_owned() })
            }
        }
    }

    fn bad_time(&self, server_time_s: Option<u64>) -> DnsError {
        let skew_s = server_time_s.and_then(|server_time_s| {
            Some(i64::try_from((self.wall_clock)()).ok()? - i64::try_from(server_time_s).ok()?)
        });
        DnsError::BadTime { server: self.config.server, server_time_s, skew_s }
    }

    /// Checks one answer to a question about records: served here, with authority.
    pub(super) fn check_authority(&self, answer: &Message, name: &Fqdn) -> Result<(), DnsError> {
        let server = self.config.server;
        let zone = &self.config.zone;
        let code = answer.metadata.response_code;
        let words = wire::code_words(code);
        match code {
            ResponseCode::NoError | ResponseCode::NXDomain => {}
            ResponseCode::ServFail => {
                return Err(DnsError::ServerFailure { server, operation: "reading", code: words });
            }
            ResponseCode::Refused | ResponseCode::NotAuth => {
                return Err(DnsError::WrongZone {
                    server,
                    zone: zone.clone(),
                    reason: format!("it answered {words} to a question for {name}"),
                });
            }
            _ => return Err(DnsError::Unsupported { server, operation: "reading", code: words }),
        }
        if !answer.metadata.authoritative {
            return Err(DnsError::NotAuthoritative { server, name: name.clone() });
        }
        Ok(())
    }

    pub(super) fn serial(&self, answer: &Message, zone: &Name) -> Result<u32, DnsError> {
        self.check_authority(answer, &self.config.zone)?;
        wire::owned(answer, zone).find_map(|record| wire::as_serial(&record.data)).ok_or_else(|| {
            DnsError::WrongZone {
                server: self.config.server,
                zone: self.config.zone.clone(),
                reason: "the name is not the apex of a zone there".to_owned(),
            }
        })
    }

    pub(super) fn outcome_of_code(&self, code: ResponseCode, names: &Names) -> MoveOutcome {
        let server = self.config.server;
        let zone = || self.config.zone.clone();
        match code {
            ResponseCode::NoError => MoveOutcome::Accepted,
            ResponseCode::NXRRSet => {
                MoveOutcome::Conflict("A or the marker is not what this write expects (NXRRSET)".to_owned())
            }
            ResponseCode::YXRRSet => MoveOutcome::Conflict(
                "a record is there that this write requires to be absent: an AAAA, a CNAME, an A or a marker (YXRRSET)"
                    .to_owned(),
            ),
            ResponseCode::YXDomain => {
                MoveOutcome::Conflict("the name that must be free is in use (YXDOMAIN)".to_owned())
            }
            ResponseCode::NXDomain => {
                MoveOutcome::Conflict("the name that must exist does not (NXDOMAIN)".to_owned())
            }
            ResponseCode::ServFail => unknown(format!("{server} failed (SERVFAIL)")),
            ResponseCode::Refused => MoveOutcome::Rejected(DnsError::Refused {
                server,
                zone: zone(),
                operation: "the update",
            }),
            ResponseCode::NotAuth => MoveOutcome::Rejected(DnsError::WrongZone {
                server,
                zone: zone(),
                reason: "it answered NOTAUTH to an update".to_owned(),
            }),
            ResponseCode::NotZone => {
                MoveOutcome::Rejected(DnsError::OutsideZone { label: names.label().clone(), zone: zone() })
            }
            other => MoveOutcome::Rejected(DnsError::Unsupported {
                server,
                operation: "the update",
                code: wire::code_words(other),
            }),
        }
    }
}
