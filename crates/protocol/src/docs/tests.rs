use super::*;

pub(crate) fn console_key(n: u8) -> SecretKey {
    SecretKey::from_bytes(&[100 + n; 32])
}

pub(crate) fn console(n: u8, role: Role) -> ConsoleEntry {
    ConsoleEntry {
        id: ConsoleId::from_number(n.into()),
        key: console_key(n).public(),
        name: format!("console-{n}"),
        role,
    }
}

pub(crate) fn member_key(n: u32) -> SecretKey {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    SecretKey::from_bytes(&bytes)
}

pub(crate) fn member(n: u32) -> MemberEntry {
    let address = std::net::Ipv4Addr::from(0x0a00_0000 + n);
    MemberEntry {
        id: MemberId::from_number(n),
        key: member_key(n).public(),
        name: format!("edge-{n}"),
        hostname: format!("edge-{n}"),
        address,
        sources: vec![Source::address(address.into())],
        pool: PoolId::from_number(1),
        part: Part::Member,
        priority: n,
        relay: Some(SocketAddr::from((address, 7443))),
        witness_for: vec![],
        place: None,
    }
}

/// A roster of the first version with one owner, console 1.
pub(crate) fn roster_of(members: Vec<MemberEntry>) -> Roster {
    Roster { members, ..Roster::first(console(1, Role::Owner)) }
}

fn owner() -> (ConsoleId, SecretKey) {
    (ConsoleId::from_number(1), console_key(1))
}

/// A founded fleet with an owner (1), an operator (2), a second owner (3) and two members, at version 2.
pub(crate) fn fleet() -> Shelf {
    let (id, key) = owner();
    let first = Roster::first(console(1, Role::Owner)).seal(id, &key);
    let mut shelf = Shelf::founded(first).unwrap();
    let mut next = next_roster(&shelf);
    next.consoles.extend([console(2, Role::Operator), console(3, Role::Owner)]);
    next.members.extend([member(1), member(2)]);
    assert_eq!(shelf.put(next.seal(id, &key)), Ok(Stored::Newest));
    shelf
}

fn next_roster(shelf: &Shelf) -> Roster {
    let newest = shelf.roster().unwrap();
    newest.content.successor(shelf.fleet().unwrap(), &newest.signed)
}

pub(crate) fn policy(shelf: &Shelf, version: u64) -> Policy {
    Policy {
        fleet: shelf.fleet().unwrap(),
        pool: PoolId::from_number(1),
        version,
        prev: None,
        name: "edge".into(),
        managed: Some(ManagedName {
            hostname: "www.example.org".into(),
            zone: "example.org".into(),
            provider_kind: "rfc2136".into(),
            provider_id: "demo".into(),
        }),
        settings: Settings::default(),
        pause: None,
        preferred: None,
        order: vec![],
    }
}

pub(crate) fn by(n: u8, document: &Policy) -> SignedDoc {
    document.seal(ConsoleId::from_number(n.into()), &console_key(n))
}

fn roster_by(n: u8, document: &Roster) -> SignedDoc {
    document.seal(ConsoleId::from_number(n.into()), &console_key(n))
}

#[test]
fn a_roster_follows_by_an_owner_of_its_predecessor() {
    let mut shelf = fleet();
    let mut third = next_roster(&shelf);
    third.members.push(member(3));
    assert!(matches!(
        shelf.put(roster_by(2, &third)),
        Err(ShelfError::NoRight { why: "only owners sign rosters", .. })
    ));
    assert!(matches!(shelf.put(roster_by(9, &third)), Err(ShelfError::NoRight { .. })), "a stranger");
    // A stranger who lists himself as an owner of the very roster that he signs.
    let mut usurped = third.clone();
    usurped.consoles.push(console(9, Role::Owner));
    assert!(matches!(shelf.put(roster_by(9, &usurped)), Err(ShelfError::NoRight { .. })));
    // Somebody who signs under an owner's id with another key.
    let forged = third.seal(ConsoleId::from_number(1), &console_key(9));
    assert!(matches!(shelf.put(forged), Err(ShelfError::Wire(SignError::Signature { .. }))));

    assert_eq!(shelf.put(roster_by(3, &third)), Ok(Stored::Newest));
    assert_eq!(shelf.put(roster_by(3, &third)), Ok(Stored::Known));
    assert_eq!(shelf.roster_version(), 3);
}

#[test]
fn a_removed_owner_signs_nothing_more() {
    let mut shelf = fleet();
    let mut third = next_roster(&shelf);
    third.consoles.retain(|console| console.id != ConsoleId::from_number(3));
    third.removed.push(Removed { key: console_key(3).public(), name: "console-3".into() });
    assert_eq!(shelf.put(roster_by(1, &third)), Ok(Stored::Newest));
    let mut fourth = next_roster(&shelf);
    fourth.consoles.push(console(3, Role::Owner));
    fourth.removed.clear();
    assert!(matches!(shelf.put(roster_by(3, &fourth)), Err(ShelfError::NoRight { .. })));
    assert!(matches!(shelf.put(by(3, &policy(&shelf, 1))), Err(ShelfError::NoRight { .. })));
}

#[test]
fn of_two_rosters_of_one_version_the_first_stays_and_any_owner_ends_the_fork() {
    let mut shelf = fleet();
    let (mut left, mut right) = (next_roster(&shelf), next_roster(&shelf));
    left.members.push(member(3));
    right.members.push(member(4));
    let (left_doc, right_doc) = (roster_by(1, &left), roster_by(3, &right));
    assert_eq!(shelf.put(left_doc.clone()), Ok(Stored::Newest));
    let Err(ShelfError::Forked { version: 3, fork, .. }) = shelf.put(right_doc.clone()) else {
        panic!("a fork")
    };
    assert_eq!((fork.kept, fork.other), (left_doc.signed.hash(), right_doc.signed.hash()));
    assert_eq!(fork.by, ConsoleId::from_number(3));
    assert_eq!(shelf.put(right_doc.clone()).map_err(|_| ()), Err(()), "again");
    assert_eq!(shelf.forks().count(), 1, "one fork is one fork");

    // The owner of the other branch goes on; its predecessor is not the kept one.
    let fourth = right.successor(shelf.fleet().unwrap(), &right_doc);
    assert_eq!(shelf.put(roster_by(3, &fourth)), Ok(Stored::Newest));
    assert_eq!(shelf.forks().count(), 0);
    assert!(shelf.roster().unwrap().content.member(MemberId::from_number(4)).is_some());
}

#[test]
fn a_sleeper_follows_twenty_rosters_and_no_gap() {
    let mut awake = fleet();
    let asleep = awake.clone();
    for _ in 0..20 {
        let next = next_roster(&awake);
        awake.put(roster_by(1, &next)).unwrap();
    }
    let missed = awake.rosters_since(asleep.roster_version());
    assert_eq!(missed.len(), 20);
    let mut follower = asleep.clone();
    for doc in &missed {
        assert_eq!(follower.put((**doc).clone()), Ok(Stored::Newest));
    }
    assert_eq!(follower.roster_version(), 22);

    let mut jumper = asleep;
    let last = (**missed.last().unwrap()).clone();
    assert_eq!(jumper.put(last), Err(ShelfError::Gap { kept: 2, offered: 22 }));
}

#[test]
fn another_fleet_is_refused() {
    let mut shelf = fleet();
    let other = Roster::first(console(1, Role::Owner));
    let mut different = other.clone();
    different.consoles[0].name = "elsewhere".into();
    let theirs = Shelf::founded(roster_by(1, &different)).unwrap();
    let mut foreign = next_roster(&shelf);
    foreign.fleet = theirs.fleet();
    assert!(matches!(shelf.put(roster_by(1, &foreign)), Err(ShelfError::OtherFleet { .. })));
    let mut foreign = policy(&shelf, 1);
    foreign.fleet = theirs.fleet().unwrap();
    assert!(matches!(shelf.put(by(1, &foreign)), Err(ShelfError::OtherFleet { .. })));
    assert!(Shelf::anchored(theirs.fleet().unwrap(), (*shelf.roster().unwrap().signed).clone()).is_err());
}

#[test]
fn the_highest_policy_wins_and_of_one_version_the_first_stays() {
    let mut shelf = fleet();
    assert_eq!(shelf.put(by(2, &policy(&shelf, 1))), Ok(Stored::Newest), "operators sign policies");
    let pool = PoolId::from_number(1);
    let kept = shelf.policy(pool).unwrap().clone();
    let mut second = kept.content.successor(&kept.signed);
    second.settings.delay_s = 10;
    let mut rival = second.clone();
    rival.settings.delay_s = 20;
    assert_eq!(shelf.put(by(2, &second)), Ok(Stored::Newest));
    assert!(matches!(shelf.put(by(1, &rival)), Err(ShelfError::Forked { version: 2, .. })));
    assert_eq!(shelf.forks().count(), 1);
    assert_eq!(shelf.policy(pool).unwrap().content.settings.delay_s, 10);

    // The next version on the other branch: an owner's ends the fork, an operator's does not.
    let third = rival.successor(&by(1, &rival));
    assert_eq!(shelf.put(by(2, &third)), Err(ShelfError::OtherBranch { version: 3 }));
    assert_eq!(shelf.put(by(1, &third)), Ok(Stored::Newest));
    assert_eq!(shelf.forks().count(), 0);
    assert_eq!(shelf.put(by(2, &second)), Ok(Stored::Known), "the past changes nothing");
}

#[test]
fn nobody_uses_the_version_numbers_up() {
    let mut shelf = fleet();
    for version in [u64::MAX, limits::COUNTER_MAX, limits::POLICY_JUMP_MAX + 1] {
        let refused = shelf.put(by(2, &policy(&shelf, version)));
        assert_eq!(
            refused,
            Err(ShelfError::Wire(SignError::Bounds { kind: Kind::Policy, field: "version" })),
            "{version}"
        );
    }
    assert_eq!(shelf.put(by(2, &policy(&shelf, limits::POLICY_JUMP_MAX))), Ok(Stored::Newest));
    let mut last = next_roster(&shelf);
    last.version = u64::MAX;
    assert!(shelf.put(roster_by(1, &last)).is_err());
}

#[test]
fn settings_out_of_range_are_never_shelved() {
    let mut shelf = fleet();
    let mut wild = policy(&shelf, 1);
    wild.settings.delay_s = 1;
    assert_eq!(
        shelf.put(by(1, &wild)),
        Err(ShelfError::Wire(SignError::Bounds { kind: Kind::Policy, field: "settings" }))
    );
}

#[test]
fn what_is_wrong_with_a_roster_is_named() {
    let good = roster_of(vec![member(1), member(2)]);
    assert_eq!(good.check(), Ok(()));
    let wrong = |change: &dyn Fn(&mut Roster)| {
        let mut roster = good.clone();
        change(&mut roster);
        match roster.check() {
            Err(SignError::Bounds { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(wrong(&|r| r.members[1].id = r.members[0].id), "members (an id twice)");
    assert_eq!(wrong(&|r| r.members[1].key = r.members[0].key), "keys (one twice)");
    assert_eq!(wrong(&|r| r.consoles[0].key = r.members[0].key), "keys (one twice)");
    assert_eq!(wrong(&|r| r.consoles[0].role = Role::Operator), "consoles (no owner)");
    assert_eq!(wrong(&|r| r.version = 2), "version");
    assert_eq!(wrong(&|r| r.members[0].name.clear()), "members");
    let removed = |r: &mut Roster| r.removed.push(Removed { key: r.members[0].key, name: "edge-1".into() });
    assert_eq!(wrong(&removed), "keys (a removed one)");
}

#[test]
fn a_shelf_reads_back_from_its_own_texts() {
    let mut shelf = fleet();
    shelf.put(by(2, &policy(&shelf, 1))).unwrap();
    let back = Shelf::restored(shelf.fleet().unwrap(), shelf.kept()).unwrap();
    assert_eq!(back.kept(), shelf.kept());
    let mut torn = shelf.kept();
    torn[1].signed.body = torn[1].signed.body.replace("edge-2", "evil-2");
    assert!(Shelf::restored(shelf.fleet().unwrap(), torn).is_err());
}

#[test]
fn a_policy_outlives_its_signer_on_disk() {
    let mut shelf = fleet();
    shelf.put(by(2, &policy(&shelf, 1))).unwrap();
    let mut third = next_roster(&shelf);
    third.consoles.retain(|console| console.id != ConsoleId::from_number(2));
    shelf.put(roster_by(1, &third)).unwrap();
    let back = Shelf::restored(shelf.fleet().unwrap(), shelf.kept()).unwrap();
    assert_eq!(back.policy(PoolId::from_number(1)), shelf.policy(PoolId::from_number(1)));
}

#[test]
fn labels_lie_within_their_zone() {
    let label = |hostname: &str, zone: &str| {
        let name = |text: &str| text.to_owned();
        let (provider_kind, provider_id) = (name("rfc2136"), name("demo"));
        let managed = ManagedName { hostname: name(hostname), zone: name(zone), provider_kind, provider_id };
        managed.label().map(str::to_owned)
    };
    assert_eq!(label("www.example.org", "example.org").as_deref(), Some("www"));
    assert_eq!(label("a.b.Example.org", "example.ORG").as_deref(), Some("a.b"));
    assert_eq!(label("example.org", "example.org").as_deref(), Some("@"));
    assert_eq!(label("notexample.org", "example.org"), None);
    assert_eq!(label(".example.org", "example.org"), None);
    assert_eq!(label("éé.org", "xample.org"), None);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    /// What one of three consoles tries: 1 owner, 2 operator, 3 owner; 9 is a stranger.
    #[derive(Clone, Debug)]
    enum Act {
        Roster { who: u8, adds: u32 },
        Policy { who: u8, delay: u32, jump: u64 },
        Replay { index: usize },
    }

    fn act() -> impl Strategy<Value = Act> {
        let who = prop_oneof![Just(1_u8), Just(2), Just(3), Just(9)];
        prop_oneof![
            (who.clone(), 10..40_u32).prop_map(|(who, adds)| Act::Roster { who, adds }),
            (who, 10..120_u32, 1..3_u64).prop_map(|(who, delay, jump)| Act::Policy { who, delay, jump }),
            (0..20_usize).prop_map(|index| Act::Replay { index }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Two relays that hear documents in different orders, with replays and strangers: versions never fall, the
        /// fleet never changes, each kept roster was signed by an owner of the one before, and everything kept reads
        /// back.
        #[test]
        fn versions_never_fall_and_rights_always_hold(
            acts in prop::collection::vec((act(), any::<bool>()), 1..24)
        ) {
            let mut relays = [fleet(), fleet()];
            let mut offered: Vec<SignedDoc> = Vec::new();
            for (act, which) in acts {
                let author = &relays[usize::from(which)];
                let doc = match act {
                    Act::Roster { who, adds } => {
                        let mut next = next_roster(author);
                        if next.member(MemberId::from_number(adds)).is_none() {
                            next.members.push(member(adds));
                        }
                        roster_by(who, &next)
                    }
                    Act::Policy { who, delay, jump } => {
                        let mut next = match author.policy(PoolId::from_number(1)) {
                            Some(kept) => kept.content.successor(&kept.signed),
                            None => policy(author, 1),
                        };
                        next.settings.delay_s = delay;
                        next.version += jump - 1;
                        by(who, &next)
                    }
                    Act::Replay { index } => match offered.get(index) {
                        Some(doc) => doc.clone(),
                        None => continue,
                    },
                };
                offered.push(doc.clone());
                for relay in &mut relays {
                    let version = relay.roster_version();
                    let policy_version = relay.policy(PoolId::from_number(1)).map_or(0, |one| one.content.version);
                    let before = relay.kept();
                    let stored = relay.put(doc.clone());
                    prop_assert!(relay.roster_version() >= version);
                    let after = relay.policy(PoolId::from_number(1)).map_or(0, |one| one.content.version);
                    prop_assert!(after >= policy_version);
                    prop_assert_eq!(stored == Ok(Stored::Newest), relay.kept() != before);
                    if stored == Ok(Stored::Newest) {
                        prop_assert_ne!(doc.signed.by, Signer::Console(ConsoleId::from_number(9)));
                    }
                }
            }
            for relay in &relays {
                prop_assert_eq!(relay.fleet(), fleet().fleet());
                let back = Shelf::restored(relay.fleet().unwrap(), relay.kept());
                prop_assert_eq!(back.unwrap().kept(), relay.kept());
            }
        }
    }
}
