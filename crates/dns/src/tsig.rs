//! TSIG (RFC 8945) for the client: signing a request and judging what signature its answer carries.
//!
//! The secret stays in a `secrecy` box and is handed to the HMAC only; hickory's own signer keeps a plain copy for its
//! whole life, so it is not used here. Times are checked here as well, with this request's time, because hickory leaves
//! that to the caller. Truncated signatures are refused: the RFC allows them, and no server needs them.

use std::fmt;

use base64::Engine as _;
use hickory_proto::{
    op::Message,
    rr::{
        Name,
        rdata::{
            TSIG,
            tsig::{TsigAlgorithm, TsigError, make_tsig_record, message_tbs, signed_bitmessage_to_buf},
        },
    },
};
use secrecy::{ExposeSecret, SecretBox, SecretString};

use crate::{DnsError, Fqdn};

/// The time difference that both sides accept, as the RFC recommends.
pub const FUDGE_S: u16 = 300;

/// The algorithms that are offered. Everything older is refused by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Algorithm {
    /// The usual one.
    #[default]
    HmacSha256,
    /// Longer.
    HmacSha384,
    /// Longest.
    HmacSha512,
}

impl Algorithm {
    /// Reads the name that servers use in their configuration.
    ///
    /// # Errors
    ///
    /// [`DnsError::Key`] for anything but the three names.
    pub fn parse(text: &str) -> Result<Self, DnsError> {
        match text.trim_end_matches('.').to_ascii_lowercase().as_str() {
            "hmac-sha256" => Ok(Self::HmacSha256),
            "hmac-sha384" => Ok(Self::HmacSha384),
            "hmac-sha512" => Ok(Self::HmacSha512),
            _ => {
                Err(DnsError::Key { reason: "the algorithm must be hmac-sha256, hmac-sha384 or hmac-sha512" })
            }
        }
    }

    fn wire(self) -> TsigAlgorithm {
        match self {
            Self::HmacSha256 => TsigAlgorithm::HmacSha256,
            Self::HmacSha384 => TsigAlgorithm::HmacSha384,
            Self::HmacSha512 => TsigAlgorithm::HmacSha512,
        }
    }

    fn mac_size_bytes(self) -> usize {
        match self {
            Self::HmacSha256 => 32,
            Self::HmacSha384 => 48,
            Self::HmacSha512 => 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha384 => "hmac-sha384",
            Self::HmacSha512 => "hmac-sha512",
        })
    }
}

/// A TSIG key: name, algorithm, secret. Its `Debug` shows no secret.
pub struct TsigKey {
    name: Fqdn,
    wire_name: Name,
    algorithm: Algorithm,
    secret: SecretBox<[u8]>,
}

impl TsigKey {
    /// Builds a key from its parts; the name is folded to lower case, which every server accepts.
    ///
    /// # Errors
    ///
    /// [`DnsError::Name`] for the name, [`DnsError::Key`] for the secret.
    pub fn new(name: &str, algorithm: Algorithm, secret_base64: &SecretString) -> Result<Self, DnsError> {
        let name = Fqdn::new(name)?;
        let secret = base64::engine::general_purpose::STANDARD
            .decode(secret_base64.expose_secret().trim())
            .map_err(|_| DnsError::Key { reason: "the secret is not base64" })?;
        if secret.len() < 16 {
            return Err(DnsError::Key { reason: "the secret is shorter than 16 bytes" });
        }
        Ok(Self {
            wire_name: name.to_wire(),
            name,
            algorithm,
            secret: SecretBox::new(secret.into_boxed_slice()),
        })
    }

    /// Reads `name:algorithm:base64`, the form of a key file.
    ///
    /// # Errors
    ///
    /// As [`TsigKey::new`], and [`DnsError::Key`] when the three parts are not there.
    pub fn parse(line: &SecretString) -> Result<Self, DnsError> {
        let mut parts = line.expose_secret().trim().splitn(3, ':');
        let (Some(name), Some(algorithm), Some(secret)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(DnsError::Key { reason: "a key is written name:algorithm:base64" });
        };
        Self::new(name, Algorithm::parse(algorithm)?, &SecretString::from(secret.to_owned()))
    }

    /// The key's name.
    pub fn name(&self) -> &Fqdn {
        &self.name
    }

    /// The key's algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    #[cfg(feature = "demo-server")]
    pub(crate) fn server_signer(&self) -> Result<hickory_proto::rr::TSigner, DnsError> {
        hickory_proto::rr::TSigner::new(
            self.secret.expose_secret().to_vec(),
            self.algorithm.wire(),
            self.wire_name.clone(),
            FUDGE_S,
        )
        .map_err(|_| DnsError::Key { reason: "the algorithm is not supported" })
    }

    /// Signs a request at `now_s` and encodes it.
    pub(crate) fn sign(
        &self,
        mut message: Message,
        now_s: u64,
    ) -> Result<SignedRequest, hickory_proto::ProtoError> {
        let unsigned = TSIG::new(
            self.algorithm.wire(),
            now_s,
            FUDGE_S,
            Vec::new(),
            message.metadata.id,
            None,
            Vec::new(),
        );
        let covered = message_tbs(&message, &unsigned, &self.wire_name)?;
        let mac = self
            .algorithm
            .wire()
            .mac_data(self.secret.expose_secret(), &covered)
            .map_err(|error| hickory_proto::ProtoError::from(error.to_string()))?;
        message
            .set_signature(Box::new(make_tsig_record(self.wire_name.clone(), unsigned.set_mac(mac.clone()))));
        Ok(SignedRequest { bytes: message.to_vec()?, mac, signed_at_s: now_s })
    }

    /// Judges the signature of an answer that has already been decoded from the same bytes.
    pub(crate) fn judge(&self, request: &SignedRequest, bytes: &[u8], answer: &Message) -> Seal {
        let Some(record) = answer.signature() else {
            return Seal::Unsigned { fault: None };
        };
        let tsig = &record.data;
        if tsig.mac.is_empty() {
            return Seal::Unsigned { fault: tsig.error };
        }
        if record.name != self.wire_name || tsig.algorithm != self.algorithm.wire() {
            return Seal::Forged("it is signed with another key");
        }
        if tsig.mac.len() != self.algorithm.mac_size_bytes() {
            return Seal::Forged("its signature is cut short");
        }
        let Ok((covered, _)) = signed_bitmessage_to_buf(bytes, Some(&request.mac), true) else {
            return Seal::Forged("its signature cannot be read");
        };
        if self.algorithm.wire().verify_mac(self.secret.expose_secret(), &covered, &tsig.mac).is_err() {
            return Seal::Forged("its signature is wrong");
        }
        // A BADTIME answer repeats the request's time and puts the server's own into the other data.
        if tsig.time.abs_diff(request.signed_at_s) > u64::from(FUDGE_S) {
            return Seal::Forged("its signature is outdated");
        }
        Seal::Genuine { fault: tsig.error, server_time_s: server_time_s(tsig) }
    }
}

impl fmt::Debug for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TsigKey({}, {})", self.name, self.algorithm)
    }
}

/// A request ready to be sent, with what its answer must be checked against.
pub(crate) struct SignedRequest {
    pub(crate) bytes: Vec<u8>,
    mac: Vec<u8>,
    pub(crate) signed_at_s: u64,
}

/// What an answer's signature says about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    /// Made with our key for this request.
    Genuine { fault: Option<TsigError>, server_time_s: Option<u64> },
    /// No signature, perhaps with the server's reason for that.
    Unsigned { fault: Option<TsigError> },
    /// A signature that proves nothing.
    Forged(&'static str),
}

fn server_time_s(tsig: &TSIG) -> Option<u64> {
    let six: [u8; 6] = tsig.other.as_slice().try_into().ok()?;
    Some(six.iter().fold(0, |time, byte| time << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use hickory_proto::{
        op::{MessageType, OpCode},
        rr::RecordType,
    };
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_read_folded_and_never_shown() {
        let line = SecretString::from("Writer.Example.:HMAC-SHA256:MDEyMzQ1Njc4OWFiY2RlZg==");
        let key = TsigKey::parse(&line).unwrap();
        assert_eq!(format!("{key:?}"), "TsigKey(writer.example, hmac-sha256)");
    }

    #[test]
    fn unusable_keys_say_why() {
        let check = |line: &str, expect: &str| {
            let error = TsigKey::parse(&SecretString::from(line)).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
            assert!(!error.contains("c2VjcmV0"), "{error}");
        };
        check("name", "name:algorithm:base64");
        check("name:hmac-md5:c2VjcmV0", "hmac-sha256");
        check("name:hmac-sha256:c2VjcmV0", "shorter than 16");
        check("name:hmac-sha256:c2VjcmV0!", "not base64");
    }

    fn key() -> TsigKey {
        TsigKey::parse(&SecretString::from("writer:hmac-sha256:MDEyMzQ1Njc4OWFiY2RlZg==")).unwrap()
    }

    /// A request and an answer to it that carries one A record, signed as a server signs it.
    fn exchange() -> (SignedRequest, Vec<u8>) {
        let name = Name::from_ascii("lb.example.com.").unwrap();
        let request = key().sign(crate::wire::question(7, name.clone(), RecordType::A), 1_000_000).unwrap();
        let mut answer = crate::wire::question(7, name.clone(), RecordType::A);
        answer.metadata.message_type = MessageType::Response;
        answer.metadata.op_code = OpCode::Query;
        let address = hickory_proto::rr::rdata::A::new(203, 0, 113, 7);
        answer.add_answer(hickory_proto::rr::Record::from_rdata(
            name,
            60,
            hickory_proto::rr::RData::A(address),
        ));
        let unsigned =
            TSIG::new(TsigAlgorithm::HmacSha256, 1_000_100, FUDGE_S, Vec::new(), 7, None, Vec::new());
        let mut covered = 32_u16.to_be_bytes().to_vec();
        covered.extend_from_slice(&request.mac);
        covered.extend_from_slice(&message_tbs(&answer, &unsigned, &key().wire_name).unwrap());
        let mac = TsigAlgorithm::HmacSha256.mac_data(key().secret.expose_secret(), &covered).unwrap();
        answer.set_signature(Box::new(make_tsig_record(key().wire_name.clone(), unsigned.set_mac(mac))));
        (request, answer.to_vec().unwrap())
    }

    fn judged(request: &SignedRequest, bytes: &[u8]) -> Option<(Message, Seal)> {
        let answer = crate::wire::decode(bytes).ok()?;
        let seal = key().judge(request, bytes, &answer);
        Some((answer, seal))
    }

    #[test]
    fn a_genuine_answer_is_taken_and_one_for_another_request_is_not() {
        let (request, bytes) = exchange();
        let (_, seal) = judged(&request, &bytes).unwrap();
        assert_eq!(seal, Seal::Genuine { fault: None, server_time_s: None });
        let other = SignedRequest { mac: vec![0; 32], ..request };
        assert_eq!(judged(&other, &bytes).unwrap().1, Seal::Forged("its signature is wrong"));
    }

    proptest! {
        #[test]
        fn a_changed_answer_is_never_taken(at in 0_usize..200, bit in 0_u8..8) {
            let (request, mut bytes) = exchange();
            let (original, _) = judged(&request, &bytes).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            if let Some((answer, Seal::Genuine { .. })) = judged(&request, &bytes) {
                // The id is matched by the caller, and the signature's own frame (its class, TTL, the case of the
                // key's name) says nothing. What was said must be what was signed.
                prop_assert_eq!(answer.answers, original.answers);
                prop_assert_eq!(answer.metadata.response_code, original.metadata.response_code);
                prop_assert_eq!(answer.queries, original.queries);
            }
        }

        #[test]
        fn arbitrary_bytes_are_judged_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let (request, _) = exchange();
            if let Some((_, seal)) = judged(&request, &bytes) {
                let genuine = matches!(seal, Seal::Genuine { .. });
                prop_assert!(!genuine);
            }
        }

        #[test]
        fn spliced_answers_are_judged_without_panic(
            cut in 0_usize..200,
            tail in proptest::collection::vec(any::<u8>(), 0..80),
            counts in proptest::collection::vec(0_u8..4, 4),
        ) {
            let (request, bytes) = exchange();
            let mut spliced = bytes[..cut % bytes.len()].to_vec();
            spliced.extend(tail);
            for (at, count) in counts.into_iter().enumerate() {
                if let Some(byte) = spliced.get_mut(5 + 2 * at) {
                    *byte = count;
                }
            }
            drop(judged(&request, &spliced));
        }
    }
}
