//! How often something may happen per address (token buckets), and how many of one address may be inside at once.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::Time;

/// A bucket that holds `burst` tokens and gains one each `refill`.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    tokens: u32,
    counted: Time,
}

/// The size of a bucket.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Tokens when full.
    pub burst: u32,
    /// Time for one more.
    pub refill: Duration,
}

impl Bucket {
    /// A full bucket.
    pub const fn full(rate: Rate, now: Time) -> Self {
        Self { tokens: rate.burst, counted: now }
    }

    /// Takes a token; false when there is none.
    pub fn take(&mut self, rate: Rate, now: Time) -> bool {
        let refill_ms = rate.refill.as_millis().max(1) as u64;
        let gained = now.since(self.counted).as_ms() / refill_ms;
        if gained > 0 {
            let gained_tokens = u32::try_from(gained).unwrap_or(u32::MAX);
            self.tokens = self.tokens.saturating_add(gained_tokens).min(rate.burst);
            self.counted += model::Span::from_ms(gained.saturating_mul(refill_ms));
        }
        match self.tokens.checked_sub(1) {
            Some(left) => {
                self.tokens = left;
                true
            }
            None => false,
        }
    }
}

/// One bucket per address, for a bounded number of addresses.
#[derive(Debug)]
pub struct Paces {
    rate: Rate,
    addresses_max: usize,
    buckets: BTreeMap<IpAddr, Bucket>,
}

impl Paces {
    /// No address has been seen yet.
    pub const fn new(rate: Rate, addresses_max: usize) -> Self {
        Self { rate, addresses_max, buckets: BTreeMap::new() }
    }

    /// Whether `address` may do it once more now. A v6 sender owns its whole /64, so that is what counts.
    pub fn take(&mut self, address: IpAddr, now: Time) -> bool {
        let key = network(address);
        if !self.buckets.contains_key(&key) && self.buckets.len() >= self.addresses_max {
            let oldest = self.buckets.iter().min_by_key(|(_, bucket)| bucket.counted).map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                self.buckets.remove(&oldest);
            }
        }
        self.buckets.entry(key).or_insert_with(|| Bucket::full(self.rate, now)).take(self.rate, now)
    }
}

/// How many of one address are inside at once.
#[derive(Clone, Debug)]
pub struct Crowd {
    max: usize,
    inside: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
}

/// One who is inside; leaves when dropped.
#[derive(Debug)]
pub struct Inside {
    key: IpAddr,
    crowd: Crowd,
}

impl Crowd {
    /// Nobody is inside.
    pub fn new(max: usize) -> Self {
        Self { max, inside: Arc::default() }
    }

    /// One more of this address; none when it has its share already.
    pub fn enter(&self, address: IpAddr) -> Option<Inside> {
        let key = network(address);
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let count = inside.entry(key).or_insert(0);
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Inside { key, crowd: self.clone() })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut inside = self.crowd.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = inside.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                inside.remove(&self.key);
            }
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let mut octets = v6.octets();
            octets[8..].fill(0);
            IpAddr::V6(octets.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, refill: Duration::from_millis(100) };

    #[test]
    fn a_burst_is_let_through_and_then_one_by_one() {
        let mut bucket = Bucket::full(RATE, Time::from_ms(0));
        let taken = (0..10).filter(|_| bucket.take(RATE, Time::from_ms(0))).count();
        assert_eq!(taken, 3);
        assert!(!bucket.take(RATE, Time::from_ms(99)));
        assert!(bucket.take(RATE, Time::from_ms(101)));
        assert!(!bucket.take(RATE, Time::from_ms(150)));
        assert!(bucket.take(RATE, Time::from_ms(200)), "the rest of a refill is not lost");
    }

    #[test]
    fn one_address_has_its_share_and_leaves_nothing_behind() {
        let crowd = Crowd::new(2);
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let first = crowd.enter(one).unwrap();
        let second = crowd.enter(one).unwrap();
        assert!(crowd.enter(one).is_none());
        let third = crowd.enter(other).unwrap();
        drop(first);
        assert!(crowd.enter(one).is_some());
        drop((second, third));
        assert!(crowd.inside.lock().unwrap().is_empty());
    }

    #[test]
    fn addresses_do_not_share_and_are_bounded() {
        let mut paces = Paces::new(RATE, 4);
        for last in 0..100u8 {
            assert!(paces.take(IpAddr::from([10, 0, 0, last]), Time::from_ms(last.into())));
        }
        assert!(paces.buckets.len() <= 4);
        let (one, two) = ("2001:db8::1", "2001:db8::2");
        for _ in 0..3 {
            assert!(paces.take(one.parse().unwrap(), Time::from_ms(200)));
        }
        assert!(!paces.take(two.parse().unwrap(), Time::from_ms(200)), "one /64 is one sender");
        assert!(paces.take("192.0.2.1".parse().unwrap(), Time::from_ms(200)));
        for _ in 0..2 {
            paces.take("192.0.2.1".parse().unwrap(), Time::from_ms(200));
        }
        assert!(!paces.take("::ffff:192.0.2.1".parse().unwrap(), Time::from_ms(200)), "unmapped");
    }
}
