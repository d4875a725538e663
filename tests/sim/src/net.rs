//! The network: one direction between two nodes at a time, each with its own cuts and quality.
//!
//! Faults overlap, so a cut is a count and a bad stretch is a layer that its own end takes away again.

use crate::rng::Dice;

/// How one direction behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quality {
    /// Lost, in parts of a million.
    pub loss_ppm: u32,
    /// Arriving twice, in parts of a million.
    pub double_ppm: u32,
    /// The least time on the way.
    pub delay_ms: u32,
    /// Added at random; larger than the distance between two messages it reorders them.
    pub jitter_ms: u32,
}

impl Quality {
    /// A good link.
    pub const GOOD: Self = Self { loss_ppm: 0, double_ppm: 0, delay_ms: 4, jitter_ms: 12 };
}

#[derive(Clone, Debug)]
struct Direction {
    cuts: u16,
    base: Quality,
    layers: Vec<(u32, Quality)>,
    now: Quality,
}

impl Direction {
    fn settle(&mut self) {
        self.now = self.layers.iter().fold(self.base, |worst, (_, layer)| Quality {
            loss_ppm: worst.loss_ppm.max(layer.loss_ppm),
            double_ppm: worst.double_ppm.max(layer.double_ppm),
            delay_ms: worst.delay_ms.max(layer.delay_ms),
            jitter_ms: worst.jitter_ms.max(layer.jitter_ms),
        });
    }
}

/// What becomes of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It never arrives.
    Lost,
    /// It arrives after this many ms.
    Once(u64),
    /// It arrives twice.
    Twice(u64, u64),
}

/// All directions between all nodes.
#[derive(Clone, Debug)]
pub struct Net {
    nodes: usize,
    directions: Vec<Direction>,
    dice: Dice,
}

impl Net {
    /// How many nodes there are.
    pub const fn nodes(&self) -> usize {
        self.nodes
    }

    /// Good links between `nodes` nodes.
    pub fn new(nodes: usize, dice: Dice) -> Self {
        let direction = Direction { cuts: 0, base: Quality::GOOD, layers: Vec::new(), now: Quality::GOOD };
        Self { nodes, directions: vec![direction; nodes * nodes], dice }
    }

    fn at(&self, from: usize, to: usize) -> &Direction {
        &self.directions[from * self.nodes + to]
    }

    fn at_mut(&mut self, from: usize, to: usize) -> &mut Direction {
        &mut self.directions[from * self.nodes + to]
    }

    /// Sets what a direction is like without faults.
    pub fn set_base(&mut self, from: usize, to: usize, base: Quality) {
        let direction = self.at_mut(from, to);
        direction.base = base;
        direction.settle();
    }

    /// Cuts one direction once more.
    pub fn cut(&mut self, from: usize, to: usize) {
        self.at_mut(from, to).cuts += 1;
    }

    /// Takes one cut away.
    pub fn mend(&mut self, from: usize, to: usize) {
        let direction = self.at_mut(from, to);
        direction.cuts = direction.cuts.saturating_sub(1);
    }

    /// Lays a bad quality over one direction.
    pub fn worsen(&mut self, from: usize, to: usize, layer: u32, quality: Quality) {
        let direction = self.at_mut(from, to);
        direction.layers.push((layer, quality));
        direction.settle();
    }

    /// Takes that layer away.
    pub fn improve(&mut self, from: usize, to: usize, layer: u32) {
        let direction = self.at_mut(from, to);
        direction.layers.retain(|(id, _)| *id != layer);
        direction.settle();
    }

    /// Ends every fault at once.
    pub fn heal(&mut self) {
        for direction in &mut self.directions {
            direction.cuts = 0;
            direction.layers.clear();
            direction.settle();
        }
    }

    /// Whether a direction lets anything through.
    pub fn open(&self, from: usize, to: usize) -> bool {
        self.at(from, to).cuts == 0
    }

    /// Whether a direction has no fault at all.
    pub fn clean(&self, from: usize, to: usize) -> bool {
        let direction = self.at(from, to);
        direction.cuts == 0 && direction.layers.is_empty()
    }

    /// Decides what becomes of one message sent now.
    pub fn fate(&mut self, from: usize, to: usize) -> Fate {
        let Direction { cuts, now, .. } = *self.at(from, to);
        if cuts > 0 || self.dice.chance_ppm(now.loss_ppm) {
            return Fate::Lost;
        }
        let first = self.travel(now);
        if self.dice.chance_ppm(now.double_ppm) {
            return Fate::Twice(first, self.travel(now));
        }
        Fate::Once(first)
    }

    fn travel(&mut self, quality: Quality) -> u64 {
        u64::from(quality.delay_ms) + self.dice.range(0, u64::from(quality.jitter_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_faults_end_one_by_one() {
        let mut net = Net::new(2, Dice::new(1));
        net.cut(0, 1);
        net.cut(0, 1);
        net.mend(0, 1);
        assert!(!net.open(0, 1) && net.open(1, 0));
        assert_eq!(net.fate(0, 1), Fate::Lost);
        net.mend(0, 1);
        net.worsen(0, 1, 1, Quality { delay_ms: 900, ..Quality::GOOD });
        net.worsen(0, 1, 2, Quality { delay_ms: 300, ..Quality::GOOD });
        net.improve(0, 1, 1);
        assert!(matches!(net.fate(0, 1), Fate::Once(ms) if (300..900).contains(&ms)));
        net.heal();
        assert!(net.clean(0, 1));
    }
}
