//! Whom a member keeps a link with: the first two of its pool by rendezvous hash, so that in a pool of any size each
//! sends to few and each is heard by few, and the loss of one changes nothing for the others.

use model::MemberId;
use sha2::{Digest, Sha256};

use crate::docs::Roster;

/// Peer relays that one member sends to, beside its own.
pub const PEERS: usize = 2;

/// Peers that can be dialled, in the order of preference of `me`.
pub fn order(roster: &Roster, me: MemberId) -> Vec<MemberId> {
    let weight = |peer: MemberId| {
        let digest = Sha256::new_with_prefix(b"sctl peer v1\0")
            .chain_update(me.as_bytes())
            .chain_update(peer.as_bytes());
        <[u8; 32]>::from(digest.finalize())
    };
    let dialable = |peer: &MemberId| roster.member(*peer).is_some_and(|entry| entry.relay.is_some());
    let mut peers: Vec<_> =
        roster.peers_of(me).into_iter().filter(dialable).map(|peer| (weight(peer), peer)).collect();
    peers.sort_unstable_by(|a, b| b.cmp(a));
    peers.into_iter().map(|(_, peer)| peer).collect()
}

/// The peers to keep a link with: the first [`PEERS`] in order that are not lost (silent for 60 s).
pub fn chosen(order: &[MemberId], is_lost: impl Fn(MemberId) -> bool) -> Vec<MemberId> {
    order.iter().copied().filter(|peer| !is_lost(*peer)).take(PEERS).collect()
}

/// Of two links between one pair, the one that stays is the one dialled by the smaller id.
pub fn dialler_that_stays(one: MemberId, other: MemberId) -> MemberId {
    one.min(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::tests::{member, roster_of};

    #[test]
    fn everybody_chooses_two_and_the_loss_of_one_changes_one_choice() {
        let roster = roster_of((1..=20).map(member).collect());
        for n in 1..=20 {
            let me = MemberId::from_number(n);
            let order = order(&roster, me);
            assert_eq!(order.len(), 19);
            let before = chosen(&order, |_| false);
            let after = chosen(&order, |peer| peer == before[0]);
            assert_eq!(before.len(), 2);
            assert_eq!(after[0], before[1]);
            assert!(!before.contains(&me));
        }
    }

    #[test]
    fn who_cannot_be_dialled_is_not_chosen() {
        let mut hidden = member(2);
        hidden.relay = None;
        let roster = roster_of(vec![member(1), hidden, member(3)]);
        assert_eq!(order(&roster, MemberId::from_number(1)), [MemberId::from_number(3)]);
    }
}
