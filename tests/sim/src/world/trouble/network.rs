//! Trouble of the network: cuts, partitions, bad lines.

use crate::fault::{Fault, Ways};
use crate::net::Quality;

use super::super::World;
use super::Undo;

impl World {
    pub(super) fn cut(&mut self, pairs: Vec<(usize, usize)>, ms: u64) {
        for (from, to) in &pairs {
            self.net.cut(*from, *to);
        }
        self.heal_in(ms, Undo::Mend(pairs));
    }

    pub(super) fn network_trouble(&mut self, fault: Fault) {
        let nodes = self.net.nodes();
        match fault {
            Fault::Cut(one, other, ways, ms) => {
                let (a, b) = (self.node(one), self.node(other));
                let pairs = match ways {
                    Ways::Both => vec![(a, b), (b, a)],
                    Ways::There => vec![(a, b)],
                };
                self.cut(pairs, ms);
            }
            Fault::Isolate(place, ways, ms) => {
                let a = self.node(place);
                let others = (0..nodes).filter(|b| *b != a);
                let pairs = match ways {
                    Ways::Both => others.flat_map(|b| [(a, b), (b, a)]).collect(),
                    Ways::There => others.map(|b| (a, b)).collect(),
                };
                self.cut(pairs, ms);
            }
            Fault::AllButOne(place, but, ms) => {
                let a = self.node(place);
                let others = (0..nodes).filter(|b| *b != a && *b != but);
                self.cut(others.flat_map(|b| [(a, b), (b, a)]).collect(), ms);
            }
            Fault::Partition(bits, ms) => {
                let side = |node: usize| bits >> (node % 32) & 1;
                let pairs = (0..nodes).flat_map(|a| (0..nodes).map(move |b| (a, b)));
                let pairs = pairs.filter(|(a, b)| side(*a) != side(*b)).collect();
                self.cut(pairs, ms);
            }
            Fault::Bad(one, other, ways, quality, ms) => {
                let (a, b) = (self.node(one), self.node(other));
                let layer = self.layer();
                self.net.worsen(a, b, layer, quality);
                if ways == Ways::Both {
                    self.net.worsen(b, a, layer, quality);
                }
                self.heal_in(ms, Undo::Improve(layer));
            }
            Fault::BadAll(quality, ms) => {
                let layer = self.layer();
                self.worsen_all(layer, quality);
                self.heal_in(ms, Undo::Improve(layer));
            }
            _ => {}
        }
    }

    pub(super) fn worsen_all(&mut self, layer: u32, quality: Quality) {
        for a in 0..self.net.nodes() {
            for b in 0..self.net.nodes() {
                self.net.worsen(a, b, layer, quality);
            }
        }
    }
}
