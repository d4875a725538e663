//! TSIG at the server: which requests are genuine, and what answers carry.

use hickory_proto::{
    ProtoError,
    rr::{
        Record, TSigResponseContext, TSigner,
        rdata::{
            TSIG,
            tsig::{TsigError, make_tsig_record, signed_bitmessage_to_buf},
        },
    },
};

/// What a request's signature is.
pub(super) enum Verified {
    /// None at all.
    Unsigned,
    /// Ours, in time.
    Genuine(AnswerSeal),
    /// Refused with this answer's signature.
    Refused(AnswerSeal),
}

/// How the answer to one request is signed.
pub(super) enum AnswerSeal {
    /// With the key.
    Signed { signer: TSigner, request_mac: Vec<u8> },
    /// With the key and the request's own time, naming ours.
    BadTime { signer: TSigner, request_mac: Vec<u8>, request_time_s: u64 },
    /// With an empty signature that names the fault.
    Unsigned { record: Box<Record<TSIG>> },
}

/// Judges a request that hickory has already decoded, so its counts can be trusted.
pub(super) fn verify(
    signer: &TSigner,
    bytes: &[u8],
    signature: Option<&Record<TSIG>>,
    now_s: u64,
) -> Verified {
    let Some(record) = signature else { return Verified::Unsigned };
    let tsig = &record.data;
    let unsigned = |fault| {
        let data = TSIG::new(
            tsig.algorithm.clone(),
            now_s,
            signer.fudge(),
            Vec::new(),
            tsig.oid,
            Some(fault),
            Vec::new(),
        );
        Verified::Refused(AnswerSeal::Unsigned {
            record: Box::new(make_tsig_record(record.name.clone(), data)),
        })
    };
    if record.name != *signer.signer_name() || tsig.algorithm != *signer.algorithm() {
        return unsigned(TsigError::BadKey);
    }
    let genuine = signed_bitmessage_to_buf(bytes, None, true)
        .is_ok_and(|(covered, _)| signer.verify(&covered, &tsig.mac).is_ok());
    if !genuine {
        return unsigned(TsigError::BadSig);
    }
    let request_mac = tsig.mac.clone();
    if tsig.time.abs_diff(now_s) > u64::from(signer.fudge()) {
        let seal = AnswerSeal::BadTime { signer: signer.clone(), request_mac, request_time_s: tsig.time };
        return Verified::Refused(seal);
    }
    Verified::Genuine(AnswerSeal::Signed { signer: signer.clone(), request_mac })
}

impl AnswerSeal {
    /// The record for an encoded answer that has none yet.
    pub(super) fn seal(self, id: u16, answer: &[u8], now_s: u64) -> Result<Box<Record<TSIG>>, ProtoError> {
        match self {
            Self::Signed { signer, request_mac } => {
                TSigResponseContext::new(id, now_s, signer, request_mac, None).sign(answer)
            }
            // Hickory's context cannot carry the server's time, which is what the client needs.
            Self::BadTime { signer, request_mac, request_time_s } => {
                let data = TSIG::new(
                    signer.algorithm().clone(),
                    request_time_s,
                    signer.fudge(),
                    Vec::new(),
                    id,
                    Some(TsigError::BadTime),
                    now_s.to_be_bytes()[2..].to_vec(),
                );
                let covered = signer.encode_response_tbs(&request_mac, answer, &data)?;
                let mac = signer.sign(&covered).map_err(|error| ProtoError::from(error.to_string()))?;
                Ok(Box::new(make_tsig_record(signer.signer_name().clone(), data.set_mac(mac))))
            }
            Self::Unsigned { record } => Ok(record),
        }
    }
}
