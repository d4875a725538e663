//! What happened, twice: as a hash over every event, and as a ring of the last ones for people.
//!
//! The fast path writes one compact value per event; text is made only when a check fails.

use std::fmt;

use evaluator::io::Entry;

/// Lines kept for a failure.
const KEPT: usize = 200;
const FNV_OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// One event, small and unformatted.
#[derive(Clone, Debug)]
pub enum What {
    /// A fault begins or ends, an operator acts, a process starts: rare things in words.
    Text(Box<str>),
    /// A machine's own entry.
    Journal(Box<Entry>),
    /// Numbers with a name.
    Numbers(&'static str, u64, u64),
}

#[derive(Clone, Debug)]
struct Line {
    at: u64,
    node: Node,
    what: What,
}

/// Who a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// The world itself: faults, operators.
    World,
    /// A member or witness.
    Member(usize),
    /// A console.
    Console(usize),
    /// The register.
    Register,
}

impl Node {
    const fn code(self) -> u64 {
        match self {
            Self::World => 0,
            Self::Register => 1,
            Self::Member(index) => 16 + index as u64,
            Self::Console(index) => 64 + index as u64,
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::World => f.write_str("world"),
            Self::Register => f.write_str("register"),
            Self::Member(index) => write!(f, "member {index}"),
            Self::Console(index) => write!(f, "console {index}"),
        }
    }
}

/// The hash and the ring.
#[derive(Clone, Debug)]
pub struct Trace {
    hash: u128,
    ring: Vec<Line>,
    next: usize,
    /// Events seen.
    pub events: u64,
}

impl Default for Trace {
    fn default() -> Self {
        Self { hash: FNV_OFFSET, ring: Vec::with_capacity(KEPT), next: 0, events: 0 }
    }
}

impl Trace {
    /// Mixes one number into the hash.
    pub fn mix(&mut self, word: u64) {
        self.hash = (self.hash ^ u128::from(word)).wrapping_mul(FNV_PRIME);
    }

    /// Counts an event that is not worth a line.
    pub fn quiet(&mut self, at: u64, node: Node, code: u64, value: u64) {
        self.events += 1;
        self.mix(at << 8 | node.code());
        self.mix(code << 48 ^ value);
    }

    /// Notes an event in words.
    pub fn text(&mut self, at: u64, node: Node, text: impl Into<Box<str>>) {
        self.note(at, node, What::Text(text.into()));
    }

    /// Notes an event.
    pub fn note(&mut self, at: u64, node: Node, what: What) {
        self.events += 1;
        self.mix(at << 8 | node.code());
        match &what {
            What::Text(text) => self.mix_text(text),
            What::Journal(entry) => {
                self.mix((entry.from as u64) << 8 | entry.to as u64);
                self.mix(entry.at.as_ms());
                self.mix_text(&entry.cause);
            }
            What::Numbers(name, one, two) => {
                self.mix_text(name);
                self.mix(*one);
                self.mix(*two);
            }
        }
        let line = Line { at, node, what };
        if self.ring.len() < KEPT {
            self.ring.push(line);
        } else {
            self.ring[self.next] = line;
            self.next = (self.next + 1) % KEPT;
        }
    }

    fn mix_text(&mut self, text: &str) {
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
    }

    /// The hash so far.
    pub fn hash(&self) -> u128 {
        self.hash
    }

    /// The last lines, oldest first, one event per line.
    pub fn story(&self) -> String {
        let (newer, older) = self.ring.split_at(self.next);
        older.iter().chain(newer).fold(String::new(), |story, line| story + &line.to_string() + "\n")
    }
}

/// One hash over the hashes of many worlds, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Fold(u128);

impl Default for Fold {
    fn default() -> Self {
        Self(FNV_OFFSET)
    }
}

impl Fold {
    /// Adds the next world's hash.
    pub fn add(&mut self, hash: u128) {
        self.0 = (self.0 ^ hash).wrapping_mul(FNV_PRIME);
    }

    /// The hash so far.
    pub fn hash(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9}.{:03}  {:<10} ", self.at / 1000, self.at % 1000, self.node.to_string())?;
        match &self.what {
            What::Text(text) => f.write_str(text),
            What::Numbers(name, one, two) => write!(f, "{name} {one} {two}"),
            What::Journal(entry) if entry.from == entry.to => {
                write!(f, "{:?}: {} ({})", entry.to, entry.cause, entry.reason)
            }
            What::Journal(entry) => {
                write!(f, "{:?} -> {:?}: {} ({})", entry.from, entry.to, entry.cause, entry.reason)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_keeps_the_last_lines_in_order_and_the_hash_sees_all() {
        let (mut one, mut two) = (Trace::default(), Trace::default());
        for n in 0..500 {
            one.text(n, Node::World, format!("event {n}"));
            two.text(n, Node::World, if n == 3 { "other".to_owned() } else { format!("event {n}") });
        }
        let story = one.story();
        assert_eq!(story.lines().count(), KEPT);
        assert!(story.lines().next().is_some_and(|line| line.ends_with("event 300")), "{story}");
        assert!(story.ends_with("event 499\n"));
        assert_eq!(one.story(), two.story());
        assert_ne!(one.hash(), two.hash());
    }
}
