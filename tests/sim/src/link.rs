//! A connection between two processes: in order and without loss while it lasts, as TCP is.
//!
//! A lost packet is sent again after a growing while, and everything behind it waits. A connection that nobody can
//! hear any more is closed by whoever gives up first; the other side may learn of it late or never.

use std::collections::VecDeque;

use crate::net::{Fate, Net};

/// First wait before a lost packet is sent again.
const RETRY_MS: u64 = 200;
/// Longest wait between two tries.
const RETRY_MS_MAX: u64 = 6_400;
/// Messages that wait in a stream before it counts as broken.
const WAITING_MAX: usize = 400;

/// Which end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The one that dialled.
    Dialler = 0,
    /// The one that was dialled.
    Acceptor = 1,
}

impl End {
    /// The opposite end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Dialler => Self::Acceptor,
            Self::Acceptor => Self::Dialler,
        }
    }
}

#[derive(Clone, Debug)]
struct Stream<M> {
    waiting: VecDeque<M>,
    tries: u32,
    last_at: u64,
}

/// One connection, or the lack of one.
#[derive(Clone, Debug)]
pub struct Link<M> {
    /// The nodes of the network at both ends.
    pub nodes: [usize; 2],
    /// Rises with every dial: what belongs to an older connection is void.
    pub generation: u32,
    /// Whether each end holds it for open.
    pub open: [bool; 2],
    /// A dial is under way.
    pub dialling: bool,
    /// Not dialled again before.
    pub next_dial: u64,
    /// When each end last heard something on it.
    pub heard_at: [u64; 2],
    streams: [Stream<M>; 2],
}

/// What becomes of a message that was sent.
#[derive(Debug)]
pub enum Sent<M> {
    /// It arrives then.
    Arrives(u64, M),
    /// It waits; look again then.
    Retry(u64),
    /// It waits behind others.
    Waits,
    /// Too much waits: the connection is broken.
    Broken,
}

impl<M> Link<M> {
    /// A link that nobody has dialled yet.
    pub fn new(dialler: usize, acceptor: usize) -> Self {
        let stream = || Stream { waiting: VecDeque::new(), tries: 0, last_at: 0 };
        Self {
            nodes: [dialler, acceptor],
            generation: 0,
            open: [false; 2],
            dialling: false,
            next_dial: 0,
            heard_at: [0; 2],
            streams: [stream(), stream()],
        }
    }

    /// Starts a new connection; everything of the older one is void.
    pub fn dial(&mut self) -> u32 {
        self.generation += 1;
        self.open = [false; 2];
        self.dialling = true;
        for stream in &mut self.streams {
            stream.waiting.clear();
            stream.tries = 0;
            stream.last_at = 0;
        }
        self.generation
    }

    /// One end holds it for open from now on.
    pub fn opened(&mut self, end: End, now: u64) {
        self.open[end as usize] = true;
        self.heard_at[end as usize] = now;
    }

    /// Whether this end holds it for open.
    pub fn is_open(&self, end: End) -> bool {
        self.open[end as usize]
    }

    /// One end gives up.
    pub fn close(&mut self, end: End) {
        self.open[end as usize] = false;
        self.dialling = false;
        self.streams[end as usize].waiting.clear();
        self.streams[end as usize].tries = 0;
    }

    fn nodes_from(&self, from: End) -> (usize, usize) {
        (self.nodes[from as usize], self.nodes[from.other() as usize])
    }

    /// Sends a message from one end.
    pub fn send(&mut self, net: &mut Net, now: u64, from: End, message: M) -> Sent<M> {
        let (a, b) = self.nodes_from(from);
        let stream = &mut self.streams[from as usize];
        if stream.tries > 0 {
            stream.waiting.push_back(message);
            return if stream.waiting.len() > WAITING_MAX { Sent::Broken } else { Sent::Waits };
        }
        match net.fate(a, b) {
            Fate::Lost => {
                stream.tries = 1;
                stream.waiting.push_back(message);
                Sent::Retry(now + RETRY_MS)
            }
            Fate::Once(ms) | Fate::Twice(ms, _) => {
                stream.last_at = stream.last_at.max(now + ms);
                Sent::Arrives(stream.last_at, message)
            }
        }
    }

    /// Tries again what waits: everything that arrives now, and when to look again if nothing does.
    pub fn retry(&mut self, net: &mut Net, now: u64, from: End) -> (Vec<(u64, M)>, Option<u64>) {
        let (a, b) = self.nodes_from(from);
        let stream = &mut self.streams[from as usize];
        if stream.tries == 0 {
            return (Vec::new(), None);
        }
        match net.fate(a, b) {
            Fate::Lost => {
                stream.tries += 1;
                let wait = (RETRY_MS << stream.tries.min(16)).min(RETRY_MS_MAX);
                (Vec::new(), Some(now + wait))
            }
            Fate::Once(ms) | Fate::Twice(ms, _) => {
                stream.tries = 0;
                stream.last_at = stream.last_at.max(now + ms);
                let at = stream.last_at;
                (stream.waiting.drain(..).map(|message| (at, message)).collect(), None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Dice;

    #[test]
    fn nothing_overtakes_and_nothing_is_lost_while_it_lasts() {
        let mut net = Net::new(2, Dice::new(3));
        let mut link = Link::new(0, 1);
        link.dial();
        net.cut(0, 1);
        assert!(matches!(link.send(&mut net, 0, End::Dialler, 'a'), Sent::Retry(200)));
        assert!(matches!(link.send(&mut net, 5, End::Dialler, 'b'), Sent::Waits));
        assert!(matches!(link.retry(&mut net, 200, End::Dialler), (none, Some(1_000)) if none.is_empty()));
        net.mend(0, 1);
        let (arrived, again) = link.retry(&mut net, 1_000, End::Dialler);
        assert_eq!(arrived.iter().map(|(_, letter)| *letter).collect::<String>(), "ab");
        assert_eq!(again, None);
        let Sent::Arrives(at, 'c') = link.send(&mut net, 1_001, End::Dialler, 'c') else {
            panic!("it must arrive")
        };
        assert!(at >= arrived[1].0);
    }
}
