//! One established link, to a peer or from a console: frames in to the node, frames out of a bounded outbox.
//!
//! The task ends when the other side does, when a write takes too long, when frames come faster than the wire allows,
//! or when the node drops the outbox: what is in it is still sent, so a last word arrives.

use link::{Channel, LinkError};
use model::{ConsoleId, MemberId};
use protocol::{Frame, limits as wire};
use tokio::sync::mpsc;

use crate::limits::SESSION_IDLE;
use crate::node::Event;

/// Frames taken out of an outbox at once, so that they share a TLS record.
const TOGETHER: usize = 16;

/// A link's number within this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// Who is at the other end; its key has proven it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A member of the fleet.
    Peer(MemberId),
    /// A console.
    Console(ConsoleId),
}

/// Which side opened the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialledBy {
    /// This agent.
    Us,
    /// The other side.
    Them,
}

/// Carries frames until the link ends, then tells the node why.
pub async fn carry(id: SessionId, link: Channel, outbox: mpsc::Receiver<Frame>, node: mpsc::Sender<Event>) {
    let words = match exchange(id, link, outbox, &node).await {
        Ok(()) => "ended from here".to_owned(),
        Err(error) => crate::log::chain(&error),
    };
    // A node that is gone needs no word.
    let _ = node.send(Event::Ended { id, words }).await;
}

async fn exchange(
    id: SessionId,
    link: Channel,
    mut outbox: mpsc::Receiver<Frame>,
    node: &mpsc::Sender<Event>,
) -> Result<(), LinkError> {
    let (mut sender, mut receiver) = link.split();
    receiver.set_limit(wire::FRAME_BYTES_MAX);
    receiver.set_idle(SESSION_IDLE);
    let mut out = Vec::new();
    loop {
        tokio::select! {
            biased;
            taken = outbox.recv_many(&mut out, TOGETHER) => {
                if taken == 0 {
                    return sender.close().await;
                }
                sender.send_all(&out).await?;
                out.clear();
            }
            frame = receiver.recv::<Frame>() => {
                let frame = frame?;
                // A node that is gone drops the outbox, which ends this loop.
                let _ = node.send(Event::Frame { id, frame }).await;
            }
        }
    }
}
