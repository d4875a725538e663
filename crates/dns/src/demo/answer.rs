//! From requests to answers: signatures first, then hickory for questions and the zone for updates.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use hickory_proto::{
    op::{HeaderCounts, MessageType, Metadata, OpCode, ResponseCode},
    rr::{DNSClass, LowerName, RecordType, TSigResponseContext, TSigner},
    serialize::binary::BinEncoder,
};
use hickory_server::{
    dnssec::NxProofKind,
    net::runtime::Time,
    server::{Request, RequestHandler, RequestInfo, ResponseHandler, ResponseInfo},
    store::in_memory::InMemoryZoneHandler,
    zone_handler::{
        AuthLookup, AxfrPolicy, Catalog, LookupControlFlow, LookupOptions, MessageResponseBuilder,
        Nsec3QueryInfo, ZoneHandler, ZoneType,
    },
};
use tokio::sync::Mutex;

use super::{
    file::ZoneFile,
    seal::{self, AnswerSeal, Verified},
    zone::Zone,
};

/// The zone with its key: what hickory asks, and what updates change.
pub(super) struct SignedZone {
    pub(super) memory: Arc<InMemoryZoneHandler>,
    pub(super) signer: TSigner,
    pub(super) file: ZoneFile,
    /// Held from the conditions to the publication of one update.
    pub(super) updating: Mutex<()>,
}

impl SignedZone {
    /// Carries out one update whose signature has been verified.
    async fn update(&self, request: &Request) -> Result<(), ResponseCode> {
        let [zone_section] = request.queries.queries() else { return Err(ResponseCode::FormErr) };
        if zone_section.query_type() != RecordType::SOA {
            return Err(ResponseCode::FormErr);
        }
        if zone_section.name() != self.memory.origin() || zone_section.query_class() != DNSClass::IN {
            return Err(ResponseCode::NotAuth);
        }
        let _one_at_a_time = self.updating.lock().await;
        let mut zone =
            Zone { origin: self.memory.origin().clone(), records: self.memory.records().await.clone() };
        zone.check_prerequisites(&request.answers)?;
        zone.prescan(&request.authorities)?;
        if !zone.apply(&request.authorities) {
            return Ok(());
        }
        let file = self.file.clone();
        let saved =
            tokio::task::spawn_blocking(move || file.save(&zone.records).map(|()| zone.records)).await;
        match saved {
            Ok(Ok(records)) => {
                *self.memory.records_mut().await = records;
                Ok(())
            }
            Ok(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "an update is refused");
                Err(ResponseCode::ServFail)
            }
            Err(_) => Err(ResponseCode::ServFail),
        }
    }
}

#[async_trait]
impl ZoneHandler for SignedZone {
    fn zone_type(&self) -> ZoneType {
        ZoneType::Primary
    }

    fn axfr_policy(&self) -> AxfrPolicy {
        AxfrPolicy::Deny
    }

    fn origin(&self) -> &LowerName {
        self.memory.origin()
    }

    async fn lookup(
        &self,
        name: &LowerName,
        kind: RecordType,
        request: Option<&RequestInfo<'_>>,
        options: LookupOptions,
    ) -> LookupControlFlow<AuthLookup> {
        self.memory.lookup(name, kind, request, options).await
    }

    async fn search(
        &self,
        request: &Request,
        options: LookupOptions,
    ) -> (LookupControlFlow<AuthLookup>, Option<TSigResponseContext>) {
        let (found, _) = self.memory.search(request, options).await;
        // A signature that is here at all has passed `Answers`.
        let context = request.signature.as_deref().map(|record| {
            let mac = record.data.mac.clone();
            TSigResponseContext::new(request.metadata.id, now_s(), self.signer.clone(), mac, None)
        });
        (found, context)
    }

    async fn nsec_records(&self, name: &LowerName, options: LookupOptions) -> LookupControlFlow<AuthLookup> {
        self.memory.nsec_records(name, options).await
    }

    async fn nsec3_records(
        &self,
        info: Nsec3QueryInfo<'_>,
        options: LookupOptions,
    ) -> LookupControlFlow<AuthLookup> {
        self.memory.nsec3_records(info, options).await
    }

    fn nx_proof_kind(&self) -> Option<&NxProofKind> {
        None
    }
}

/// The front: every request passes here.
pub(super) struct Answers {
    pub(super) catalog: Catalog,
    pub(super) zone: Arc<SignedZone>,
}

#[async_trait]
impl RequestHandler for Answers {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        response: R,
    ) -> ResponseInfo {
        let signature = request.signature.as_deref();
        let seal = match seal::verify(&self.zone.signer, request.as_slice(), signature, now_s()) {
            Verified::Refused(seal) => {
                return answer(request, ResponseCode::NotAuth, Some(seal), response).await;
            }
            Verified::Genuine(seal) => Some(seal),
            Verified::Unsigned => None,
        };
        if request.metadata.message_type == MessageType::Query && request.metadata.op_code == OpCode::Update {
            let code = match &seal {
                None => ResponseCode::Refused,
                Some(_) => self.zone.update(request).await.err().unwrap_or(ResponseCode::NoError),
            };
            return answer(request, code, seal, response).await;
        }
        // Hickory refuses what is outside the zone too, but without a signature.
        let outside =
            request.queries.queries().iter().any(|query| !self.zone.memory.origin().zone_of(query.name()));
        if outside && seal.is_some() {
            return answer(request, ResponseCode::Refused, seal, response).await;
        }
        self.catalog.handle_request::<R, T>(request, response).await
    }
}

/// Sends an answer without records.
async fn answer<R: ResponseHandler>(
    request: &Request,
    code: ResponseCode,
    seal: Option<AnswerSeal>,
    mut response: R,
) -> ResponseInfo {
    let id = request.metadata.id;
    let mut metadata = Metadata::new(id, MessageType::Response, request.metadata.op_code);
    metadata.response_code = code;
    let build = || MessageResponseBuilder::new(&request.queries, None).build_no_records(metadata);
    let mut message = build();
    if let Some(seal) = seal {
        let mut bytes = Vec::with_capacity(512);
        let signature = build()
            .destructive_emit(&mut BinEncoder::new(&mut bytes))
            .and_then(|_| seal.seal(id, &bytes, now_s()));
        match signature {
            Ok(signature) => message.set_signature(signature),
            // Unsigned, the client takes it for an unknown outcome, which it then is.
            Err(error) => tracing::error!(%error, "an answer cannot be signed"),
        }
    }
    response.send_response(message).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "an answer cannot be sent");
        ResponseInfo::from(hickory_proto::op::Header { metadata, counts: HeaderCounts::default() })
    })
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
