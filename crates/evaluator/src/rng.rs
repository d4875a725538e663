//! The machine's own numbers: a seeded generator for nonces and a hash for incident ids. Neither is secret.

use model::{BootId, IncidentId, MemberId, Nonce, PoolId};

/// SplitMix64: one word of state, every seed is good.
#[derive(Clone, Debug)]
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) const fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn nonce(&mut self) -> Nonce {
        Nonce::from_u64(self.next())
    }
}

const FNV_OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// The name of an incident: the same on every console that saw the same member of the same boot fail in one epoch.
pub fn incident_id(pool: PoolId, epoch: u64, member: MemberId, boot: BootId) -> IncidentId {
    let epoch = epoch.to_be_bytes();
    let parts: [&[u8]; 4] = [pool.as_bytes(), &epoch, member.as_bytes(), boot.as_bytes()];
    let hash = parts
        .into_iter()
        .flatten()
        .fold(FNV_OFFSET, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(FNV_PRIME));
    IncidentId::from_bytes(hash.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_has_one_name_and_another_failure_another() {
        let id = |epoch, member| {
            incident_id(PoolId::from_number(1), epoch, MemberId::from_number(member), BootId::from_number(4))
        };
        assert_eq!(id(2, 3), id(2, 3));
        assert_ne!(id(2, 3), id(3, 3));
        assert_ne!(id(2, 3), id(2, 4));
    }

    #[test]
    fn a_seed_gives_one_series() {
        let (mut a, mut b) = (Numbers::from_seed(7), Numbers::from_seed(7));
        let first = a.nonce();
        assert_eq!(first, b.nonce());
        assert_ne!(first, a.nonce());
    }
}
