//! The one source of chance in a world: seeded, so that a seed is a world.

use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A seeded generator.
#[derive(Clone, Debug)]
pub struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// The generator of this seed.
    pub fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A generator of its own for one purpose, so that drawing more for one purpose does not move the others.
    #[must_use]
    pub fn fork(&mut self, purpose: u64) -> Self {
        Self::new(self.draw() ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Any 64-bit number.
    pub fn draw(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from `low` to `high`, both included.
    pub fn range(&mut self, low: u64, high: u64) -> u64 {
        debug_assert!(low <= high);
        let width = u128::from(high - low) + 1;
        low + ((u128::from(self.draw()) * width) >> 64) as u64
    }

    /// A place below `len`, which is above zero.
    pub fn below(&mut self, len: usize) -> usize {
        self.range(0, len as u64 - 1) as usize
    }

    /// True in `parts` of a million.
    pub fn chance_ppm(&mut self, parts: u32) -> bool {
        parts > 0 && self.range(0, 999_999) < u64::from(parts)
    }

    /// True in `percent` of a hundred.
    pub fn percent(&mut self, percent: u32) -> bool {
        self.chance_ppm(percent * 10_000)
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// A length between the two whose logarithm is even: short ones as likely as long ones.
    pub fn spread(&mut self, low: u64, high: u64) -> u64 {
        debug_assert!(0 < low && low <= high);
        let (low_bits, high_bits) = (low.ilog2(), high.ilog2());
        let bits = self.range(u64::from(low_bits), u64::from(high_bits)) as u32;
        let floor = low.max(1 << bits);
        let ceiling = high.min((1_u64 << bits).saturating_mul(2) - 1).max(floor);
        self.range(floor, ceiling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_and_ranges_are_kept() {
        let (mut one, mut two) = (Dice::new(7), Dice::new(7));
        for _ in 0..1000 {
            assert_eq!(one.draw(), two.draw());
            assert!((10..=20).contains(&one.range(10, 20)));
            assert!((100..=600_000).contains(&one.spread(100, 600_000)));
            assert!(one.below(3) < 3);
            two = one.clone();
        }
        assert_ne!(Dice::new(1).draw(), Dice::new(2).draw());
    }
}
