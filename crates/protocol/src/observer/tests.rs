use super::*;
use crate::docs::Role;
use crate::docs::tests::{console, member, roster_of};
use crate::heartbeat::Heartbeat;

const HERE: u64 = 1;
const ELSEWHERE: u64 = 2;

fn id(n: u32) -> MemberId {
    MemberId::from_number(n)
}

fn at(ms: u64) -> Time {
    Time::from_ms(ms)
}

fn beat(n: u32, boot: u32, incarnation: u64, seq: u64) -> Beat {
    Beat::unsigned(Heartbeat::bare(id(n), BootId::from_number(boot), incarnation, seq))
}

/// Member 1 of three, that started at zero.
fn ears() -> Observer {
    let mut roster = roster_of(vec![member(1), member(2), member(3)]);
    roster.consoles.push(console(2, Role::Operator));
    let mut observer = Observer::new(id(1), HERE, Time::ZERO);
    observer.on_roster(&roster);
    observer
}

#[test]
fn silence_is_testified_about_after_two_and_a_half_seconds() {
    let mut ears = ears();
    assert_eq!(ears.testimonies(at(60_000)), [], "who was never heard is not missed");
    assert_eq!(ears.on_heartbeat(beat(2, 1, 4, 9), at(1_000)), Heed::New);
    assert_eq!(ears.on_heartbeat(beat(3, 1, 1, 1), at(3_000)), Heed::New);
    assert_eq!(ears.testimonies(at(3_500)), []);
    let testimony = Testimony {
        about: id(2),
        incarnation: 4,
        seq: 9,
        silent_ms: 2_501,
        baseline: true,
        hears_other: true,
        service_answers: None,
    };
    assert_eq!(ears.testimonies(at(3_501)), [testimony]);
    // Seconds later nobody at all is heard: the witness says so against itself.
    let late = ears.testimonies(at(9_000));
    assert_eq!(late.len(), 2);
    assert!(late.iter().all(|one| !one.hears_other));
}

#[test]
fn a_console_that_sends_beacons_is_another_party() {
    let mut ears = ears();
    ears.on_heartbeat(beat(2, 1, 1, 1), at(0));
    assert!(!ears.testimonies(at(5_000))[0].hears_other);
    ears.on_beacon(Via::Console, ConsoleId::from_number(1), Nonce::from_u64(1), at(4_000));
    assert!(ears.testimonies(at(5_000))[0].hears_other);
    assert!(!ears.testimonies(at(9_001))[0].hears_other, "it went silent too");
    // A beacon passed on by a peer proves the peer, not the console.
    ears.on_beacon(Via::Peer(id(3)), ConsoleId::from_number(1), Nonce::from_u64(2), at(20_000));
    assert!(!ears.testimonies(at(20_001))[0].hears_other);
}

#[test]
fn a_port_that_does_not_answer_is_told_while_it_is_fresh() {
    let mut ears = ears();
    ears.on_heartbeat(beat(2, 1, 1, 1), at(0));
    assert_eq!(ears.to_probe(at(3_000)).collect::<Vec<_>>(), [id(2)], "silent: worth a probe");
    ears.on_probe(id(2), true, at(3_000));
    assert_eq!(ears.testimonies(at(5_999))[0].service_answers, Some(true));
    assert_eq!(ears.testimonies(at(6_001))[0].service_answers, None);

    let mut hung = Heartbeat::bare(id(2), BootId::from_number(1), 1, 2);
    hung.haproxy.down = Down::Hung;
    ears.on_heartbeat(Beat::unsigned(hung), at(7_000));
    assert_eq!(ears.to_probe(at(7_100)).collect::<Vec<_>>(), [id(2)], "it says that it hangs");
    ears.on_probe(id(2), false, at(7_200));
    let told = &ears.testimonies(at(7_300))[0];
    assert_eq!((told.silent_ms, told.service_answers), (300, Some(false)));
    ears.on_probe(id(1), false, at(7_300));
    assert!(
        ears.testimonies(at(7_300)).iter().all(|one| one.about != id(1)),
        "nobody testifies about himself"
    );
}

#[test]
fn a_baseline_survives_a_reboot_and_a_change_of_network_with_a_third_party() {
    let mut before = ears();
    before.on_heartbeat(beat(2, 1, 1, 1), at(1_000));
    before.on_heartbeat(beat(3, 1, 1, 1), at(1_000));
    let kept = before.baselines(at(2_000));
    assert_eq!(kept.len(), 2);

    let mut rebooted = ears();
    rebooted.restore(&kept, Time::ZERO, false);
    let told = rebooted.testimonies(at(40_000));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|one| one.baseline && one.incarnation == 0 && one.silent_ms == 40_000));

    rebooted.on_attachment(ELSEWHERE);
    assert!(
        rebooted.testimonies(at(41_000)).iter().all(|one| !one.baseline),
        "nobody is heard from here yet"
    );
    rebooted.on_heartbeat(beat(3, 1, 1, 2), at(42_000));
    let told = rebooted.testimonies(at(42_500));
    assert_eq!((told[0].about, told[0].baseline), (id(2), true));
}

#[test]
fn a_baseline_of_yesterday_is_none() {
    let mut ears = ears();
    ears.on_heartbeat(beat(2, 1, 1, 1), at(0));
    let day = limits::BASELINE.as_ms();
    assert!(ears.testimonies(at(day))[0].baseline);
    assert!(!ears.testimonies(at(day + 1))[0].baseline);
    assert_eq!(ears.baselines(at(day + 1)), []);
}

#[test]
fn a_restored_machine_is_flagged_until_its_agent_starts_again() {
    let mut ears = ears();
    assert_eq!(ears.on_heartbeat(beat(2, 1, 1, 1_000), at(0)), Heed::New);
    assert_eq!(ears.on_heartbeat(beat(2, 1, 1, 1_000), at(1)), Heed::Old, "the same over two links");
    assert_eq!(ears.on_heartbeat(beat(2, 1, 1, 995), at(2)), Heed::Old, "a late double");
    assert_eq!(ears.on_heartbeat(beat(2, 1, 1, 400), at(3)), Heed::TimeTravel);
    assert_eq!(ears.on_heartbeat(beat(2, 1, 1, 401), at(4)), Heed::TimeTravel, "it lives, and stays flagged");
    assert!(ears.heard(id(2)).unwrap().time_travel);
    assert_eq!(ears.on_heartbeat(beat(2, 1, 2, 1), at(5)), Heed::New);
    assert!(!ears.heard(id(2)).unwrap().time_travel);
    assert_eq!(ears.on_heartbeat(beat(2, 1, 1, 9_999), at(6)), Heed::TimeTravel, "an incarnation went back");
}

#[test]
fn two_heartbeats_of_one_number_are_two_machines() {
    let mut ears = ears();
    ears.on_heartbeat(beat(2, 1, 1, 5), at(0));
    let mut twin = Heartbeat::bare(id(2), BootId::from_number(1), 1, 5);
    twin.hostname = "twin".into();
    assert_eq!(ears.on_heartbeat(Beat::unsigned(twin), at(1)), Heed::TimeTravel);
}

#[test]
fn a_reboot_is_no_time_travel_but_a_boot_that_comes_back_is() {
    let mut ears = ears();
    ears.on_heartbeat(beat(2, 1, 5, 700), at(0));
    assert_eq!(ears.on_heartbeat(beat(2, 2, 6, 1), at(1)), Heed::New);
    assert_eq!(ears.on_heartbeat(beat(2, 1, 5, 701), at(2)), Heed::TimeTravel);
}

#[test]
fn beacons_are_passed_on_once_and_only_from_their_console() {
    let mut ears = ears();
    let (console, beacon) = (ConsoleId::from_number(1), Nonce::from_u64(1));
    assert_eq!(ears.on_beacon(Via::Console, console, beacon, at(0)), Spread::Pass);
    assert_eq!(ears.on_beacon(Via::Console, console, beacon, at(1)), Spread::Ignore);
    assert_eq!(ears.on_beacon(Via::Peer(id(2)), console, Nonce::from_u64(2), at(2)), Spread::Keep);
    assert_eq!(ears.on_beacon(Via::Peer(id(9)), console, Nonce::from_u64(3), at(3)), Spread::Ignore);
    assert_eq!(ears.on_beacon(Via::Console, ConsoleId::from_number(77), beacon, at(4)), Spread::Ignore);
}

#[test]
fn a_peer_that_hoards_beacons_pushes_no_fresh_one_out() {
    let mut ears = ears();
    let (anna, bert) = (ConsoleId::from_number(1), ConsoleId::from_number(2));
    ears.on_beacon(Via::Console, anna, Nonce::from_u64(10), at(10_000));
    ears.on_beacon(Via::Console, bert, Nonce::from_u64(20), at(10_100));
    ears.on_beacon(Via::Peer(id(2)), anna, Nonce::from_u64(5), at(10_200));
    let echo = |console, n| Echo { console, nonce: Nonce::from_u64(n) };
    assert_eq!(ears.echoes(at(10_300)), [echo(anna, 5), echo(bert, 20), echo(anna, 10)]);
    assert_eq!(ears.echoes(at(60_000)), [], "an old beacon says nothing");
}

#[test]
fn a_stall_makes_unfit_for_the_delay() {
    let mut ears = ears();
    ears.set_delay(Span::from_s(10));
    ears.on_tick(at(250));
    assert!(ears.is_fit(at(250)));
    ears.on_tick(at(1_501));
    assert!(!ears.is_fit(at(1_501)));
    assert!(!ears.is_fit(at(11_501)));
    assert!(ears.is_fit(at(11_502)));
}

#[test]
fn who_left_the_roster_is_forgotten() {
    let mut ears = ears();
    ears.on_heartbeat(beat(2, 1, 1, 1), at(0));
    assert_eq!(ears.on_heartbeat(beat(9, 1, 1, 1), at(0)), Heed::Stranger);
    ears.on_roster(&roster_of(vec![member(1), member(3)]));
    assert_eq!(ears.testimonies(at(9_000)), []);
    assert!(ears.news_since(0).is_empty());
}

#[test]
fn news_come_once_in_their_order() {
    let mut ears = ears();
    ears.on_heartbeat(beat(3, 1, 1, 1), at(0));
    ears.on_heartbeat(beat(2, 1, 1, 1), at(1));
    ears.on_heartbeat(beat(3, 1, 1, 2), at(2));
    let news: Vec<_> =
        ears.news_since(0).into_iter().map(|(n, heard)| (n, heard.beat.heartbeat.seq)).collect();
    assert_eq!(news, [(2, 1), (3, 2)]);
    assert!(ears.news_since(3).is_empty());
}
