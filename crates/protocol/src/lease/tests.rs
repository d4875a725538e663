use super::*;

const POOL: u32 = 1;

fn console(n: u32) -> ConsoleId {
    ConsoleId::from_number(n)
}

fn ask(counter: u64, nonce: u64, rank: u32) -> Request {
    let (pool, nonce) = (PoolId::from_number(POOL), Nonce::from_u64(nonce));
    Request { pool, number: 1, start_counter: counter, nonce, rank, epoch_max: 0 }
}

fn at(ms: u64) -> Time {
    Time::from_ms(ms)
}

fn ready() -> Ledger {
    Ledger::restored(&KeptLedger::default(), Time::ZERO)
}

#[test]
fn a_grant_lasts_twenty_seconds_from_the_last_renewal() {
    let mut ledger = ready();
    let (answer, change) = ledger.request(console(1), &ask(1, 1, 100), at(0));
    assert!(answer.granted);
    assert_eq!(change, Change::Persist);
    let (answer, change) = ledger.request(console(1), &ask(1, 1, 100), at(4_000));
    assert!(answer.granted);
    assert_eq!(change, Change::Same, "a renewal costs no write");

    let other = |ledger: &mut Ledger, ms| ledger.request(console(2), &ask(1, 2, 100), at(ms)).0;
    let refused = other(&mut ledger, 23_999);
    assert!(!refused.granted);
    assert_eq!(refused.holder, Some(Holder { rank: 100, console: console(1) }));
    assert!(other(&mut ledger, 24_000).granted, "the relay's own clock ended the grant");
}

#[test]
fn a_newer_start_of_the_same_console_takes_over_and_a_clone_does_not() {
    let mut ledger = ready();
    assert!(ledger.request(console(1), &ask(5, 1, 100), at(0)).0.granted);

    let (clone, _) = ledger.request(console(1), &ask(5, 2, 100), at(1));
    assert!(!clone.granted);
    assert!(clone.refusal.unwrap().contains("cloned disk"));
    assert_eq!(clone.holder, None, "another copy of itself is not another console");

    let (old, _) = ledger.request(console(1), &ask(4, 3, 100), at(2));
    assert!(old.refusal.unwrap().contains("older"));

    let (newer, change) = ledger.request(console(1), &ask(6, 4, 100), at(3));
    assert!(newer.granted);
    assert_eq!(change, Change::Persist);
    assert!(!ledger.request(console(1), &ask(5, 1, 100), at(4)).0.granted, "the former start is out");
}

#[test]
fn a_higher_rank_is_named_to_the_holder_and_gets_the_freed_lease() {
    let mut ledger = ready();
    assert!(ledger.request(console(1), &ask(1, 1, 50), at(0)).0.granted);
    let headless = Holder { rank: 200, console: console(2) };
    let (answer, _) = ledger.request(console(2), &ask(1, 2, 200), at(1_000));
    assert!(!answer.granted, "the holder yields by itself, or not");

    let (renewal, _) = ledger.request(console(1), &ask(1, 1, 50), at(2_000));
    assert!(renewal.granted);
    assert_eq!(renewal.wanted_by, Some(headless));

    ledger.release(console(1), PoolId::from_number(POOL), Nonce::from_u64(1));
    let (again, _) = ledger.request(console(1), &ask(1, 1, 50), at(3_000));
    assert!(!again.granted, "the freed lease is kept for who asked");
    assert_eq!((again.holder, again.wanted_by), (None, Some(headless)));
    assert!(ledger.request(console(2), &ask(1, 2, 200), at(4_000)).0.granted);
}

#[test]
fn a_wish_that_is_not_repeated_is_forgotten() {
    let mut ledger = ready();
    assert!(ledger.request(console(1), &ask(1, 1, 50), at(0)).0.granted);
    ledger.request(console(2), &ask(1, 2, 200), at(0));
    let late = Time::ZERO + WANTED;
    assert_eq!(ledger.request(console(1), &ask(1, 1, 50), late).0.wanted_by, None);
    // A lower rank is never named.
    ledger.request(console(3), &ask(1, 3, 10), late);
    assert_eq!(ledger.request(console(1), &ask(1, 1, 50), late).0.wanted_by, None);
}

#[test]
fn a_relay_without_its_file_keeps_silent_longer_than_any_grant_it_forgot() {
    let mut ledger = Ledger::without_file(at(1_000));
    let (answer, change) = ledger.request(console(1), &ask(1, 1, 100), at(22_999));
    assert!(!answer.granted);
    assert_eq!(change, Change::Same);
    assert!(answer.refusal.unwrap().contains("lost its lease file"));
    assert!(ledger.request(console(1), &ask(1, 1, 100), at(23_000)).0.granted);
}

#[test]
fn a_restart_within_that_silence_begins_it_anew() {
    let ledger = Ledger::without_file(at(0));
    let mut again = Ledger::restored(&ledger.kept(at(10_000)), at(10_000));
    assert!(!again.request(console(1), &ask(1, 1, 100), at(31_999)).0.granted);
    assert!(again.request(console(1), &ask(1, 1, 100), at(32_000)).0.granted);
    assert!(!Ledger::restored(&ledger.kept(at(22_000)), at(22_000)).is_silent(at(22_000)));
}

#[test]
fn a_restart_keeps_the_holder_for_a_full_term() {
    let mut ledger = ready();
    ledger.request(console(1), &ask(3, 1, 100), at(0));
    let text = serde_json::to_string(&ledger.kept(at(0))).unwrap();
    let mut restored = Ledger::restored(&serde_json::from_str(&text).unwrap(), at(0));
    assert_eq!(restored.holder(PoolId::from_number(POOL), at(19_999)).unwrap().console, console(1));
    assert!(!restored.request(console(2), &ask(1, 2, 200), at(19_999)).0.granted);
    assert!(restored.request(console(1), &ask(3, 1, 100), at(19_999)).0.granted, "the holder itself goes on");
}

#[test]
fn a_removed_console_holds_nothing() {
    let mut ledger = ready();
    ledger.request(console(1), &ask(1, 1, 100), at(0));
    assert_eq!(ledger.retain_consoles(|known| known != console(1)), Change::Persist);
    assert!(ledger.request(console(2), &ask(1, 2, 50), at(1)).0.granted);
}

#[test]
fn a_release_by_another_start_frees_nothing() {
    let mut ledger = ready();
    ledger.request(console(1), &ask(2, 7, 100), at(0));
    assert_eq!(ledger.release(console(1), PoolId::from_number(POOL), Nonce::from_u64(6)), Change::Same);
    assert_eq!(ledger.release(console(2), PoolId::from_number(POOL), Nonce::from_u64(7)), Change::Same);
    assert!(!ledger.request(console(2), &ask(1, 2, 50), at(1)).0.granted);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Act {
        Ask { console: u32, counter: u64, rank: u32 },
        Release { console: u32, counter: u64 },
        Restart,
        LoseFile,
        Pass { ms: u64 },
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            6 => (1..4_u32, 1..4_u64, 0..3_u32)
                .prop_map(|(console, counter, rank)| Act::Ask { console, counter, rank: rank * 50 }),
            1 => (1..4_u32, 1..4_u64).prop_map(|(console, counter)| Act::Release { console, counter }),
            1 => Just(Act::Restart),
            1 => Just(Act::LoseFile),
            4 => (0..12_000_u64).prop_map(|ms| Act::Pass { ms }),
        ]
    }

    fn nonce_of(console: u32, counter: u64) -> u64 {
        u64::from(console) * 100 + counter
    }

    proptest! {
        /// Whatever happens, restarts and lost files included: while a console may count its grant (12 s from a
        /// request), no other console and no older start of it is granted.
        #[test]
        fn no_two_consoles_may_believe_at_once(acts in prop::collection::vec(act(), 1..80)) {
            let mut now = Time::ZERO;
            let mut ledger = Ledger::restored(&KeptLedger::default(), now);
            let mut believer: Option<(u32, u64, Time)> = None;
            for act in acts {
                match act {
                    Act::Pass { ms } => now += Span::from_ms(ms),
                    Act::Restart => ledger = Ledger::restored(&ledger.kept(now), now),
                    Act::LoseFile => ledger = Ledger::without_file(now),
                    Act::Release { console: n, counter } => {
                        let nonce = Nonce::from_u64(nonce_of(n, counter));
                        ledger.release(console(n), PoolId::from_number(POOL), nonce);
                        if believer.is_some_and(|(who, start, _)| (who, start) == (n, counter)) {
                            believer = None;
                        }
                    }
                    Act::Ask { console: n, counter, rank } => {
                        let request = ask(counter, nonce_of(n, counter), rank);
                        let (answer, _) = ledger.request(console(n), &request, now);
                        prop_assert!(!(answer.granted && (answer.holder.is_some() || answer.refusal.is_some())));
                        prop_assert!(answer.granted || answer.holder.is_some() || answer.refusal.is_some());
                        if !answer.granted {
                            continue;
                        }
                        if let Some((who, start, until)) = believer && now < until {
                            prop_assert_eq!(who, n, "two consoles at once");
                            prop_assert!(counter >= start, "an older start took over");
                        }
                        believer = Some((n, counter, now + model::settings::LEASE_CONSOLE));
                    }
                }
            }
        }
    }
}
