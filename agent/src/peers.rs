//! Calling out to peers' relays.

use std::net::SocketAddr;

use link::{Channel, Identity, Pin, Timeouts};
use protocol::frame::{Hello, HelloRole, Welcome};
use protocol::{Frame, PublicKey};
use tokio::time::timeout;

use crate::limits::DIAL_DEADLINE;
use crate::log;
use crate::node::DialFault;

/// Whom to call, and as whom.
#[derive(Clone, Debug)]
pub struct Call {
    /// Where the peer's relay is.
    pub address: SocketAddr,
    /// The key that the roster lists for it.
    pub key: PublicKey,
    /// The own hostname, which the peer compares with the roster.
    pub hostname: String,
    /// The own roster's version.
    pub roster_version: u64,
}

/// Calls peers with this agent's identity.
#[derive(Clone, Debug)]
pub struct Dialler {
    identity: Identity,
}

impl Dialler {
    /// A dialler that shows this identity.
    pub fn new(identity: Identity) -> Self {
        Self { identity }
    }

    /// Opens a link to a peer's relay and says hello.
    ///
    /// # Errors
    /// It refused, could not be reached, or showed another key.
    pub async fn dial(&self, call: Call) -> Result<Box<(Channel, Welcome)>, DialFault> {
        match timeout(DIAL_DEADLINE, self.open(call)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(DialFault::Failed(format!("no answer within {} s", DIAL_DEADLINE.as_secs()))),
        }
    }

    async fn open(&self, call: Call) -> Result<Box<(Channel, Welcome)>, DialFault> {
        let failed = |error: link::LinkError| DialFault::Failed(log::chain(&error));
        let timeouts = Timeouts { connect: DIAL_DEADLINE, handshake: DIAL_DEADLINE };
        let mut link = link::connect(call.address, &self.identity, Pin::Key(call.key), timeouts)
            .await
            .map_err(failed)?;
        let hello = Hello {
            role: HelloRole::Member,
            version: env!("CARGO_PKG_VERSION").into(),
            roster_version: call.roster_version,
            hostname: Some(call.hostname),
        };
        link.send(&Frame::Hello(hello)).await.map_err(failed)?;
        let answer = link.recv::<Frame>().await.map_err(failed)?;
        if let Frame::Welcome(welcome) = answer {
            return Ok(Box::new((link, welcome)));
        }
        if let Frame::Refused(refusal) = answer {
            return Err(DialFault::Refused(refusal));
        }
        Err(DialFault::Failed(format!("{} answered the hello with something else", call.address)))
    }
}
