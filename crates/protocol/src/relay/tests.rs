use super::serve::{Reply, console as serve_console, heartbeats_alone, peer as serve_peer};
use super::*;
use crate::check::Status;
use crate::docs::tests::{by, console_key, fleet, member_key, policy};
use crate::frame::{Beacon, DocGet, Frame};
use crate::heartbeat::Heartbeat;
use crate::records::{Record, RecordBody, RecordId};
use crate::sign::{Signed, Signer};

fn id(n: u32) -> MemberId {
    MemberId::from_number(n)
}

fn anna() -> ConsoleId {
    ConsoleId::from_number(1)
}

fn pool() -> PoolId {
    PoolId::from_number(1)
}

fn at(ms: u64) -> Time {
    Time::from_ms(ms)
}

fn setup(kept: Option<Kept>) -> Setup {
    Setup { me: id(1), boot: BootId::from_number(1), attachment: 1, kept, shelf: fleet() }
}

/// The relay of member 1 in a fleet of two members, enrolled just now.
fn relay() -> Core {
    Core::new(setup(Some(Kept::empty(BootId::from_number(1)))), Time::ZERO)
}

fn heartbeat(n: u32, seq: u64) -> Heartbeat {
    Heartbeat { roster_version: 2, ..Heartbeat::bare(id(n), BootId::from_number(n), 1, seq) }
}

fn sealed(n: u32, seq: u64) -> Frame {
    Frame::Heartbeat(heartbeat(n, seq).seal(&member_key(n)))
}

fn lease(counter: u64) -> lease::Request {
    let nonce = Nonce::from_u64(counter);
    lease::Request { pool: pool(), number: 1, start_counter: counter, nonce, rank: 100, epoch_max: 7 }
}

fn record(n: u32) -> Record {
    let body = RecordBody::Audit { who: "anna".into(), text: "armed the pool".into() };
    let id = format!("audit-{n}").parse::<RecordId>().unwrap();
    Record { id, revision: 0, pool: pool(), at_unix_ms: 0, body }
}

fn report_of(frame: Frame) -> frame::Report {
    let Frame::Report(report) = frame else { panic!("{frame:?}") };
    report
}

#[test]
fn sources_are_said_in_pools_with_dynamic_dns_and_only_of_who_is_heard_now() {
    let mut core = relay();
    let mut document = policy(core.shelf(), 1);
    let from = "::ffff:198.51.100.9".parse().unwrap();
    core.on_source(id(2), from, at(1_000));
    assert!(core.sense(at(1_000)).seen_from.is_empty(), "dynamic DNS is off");
    document.settings.dynamic_dns = DynamicDns::On;
    core.doc_put(by(1, &document)).unwrap();
    let seen = core.sense(at(4_000)).seen_from;
    assert_eq!(seen, [SeenFrom { member: id(2), source: "198.51.100.9".parse().unwrap() }]);
    assert!(core.sense(at(4_001)).seen_from.is_empty(), "it fell silent");
    core.on_source(id(9), from, at(5_000));
    assert!(core.sense(at(5_000)).seen_from.is_empty(), "a stranger");
}

/// What member 2 sends over a link from an address outside its list.
fn from_elsewhere(core: &mut Core, frame: Frame, now: Time) -> Reply {
    heartbeats_alone(core, id(2), "::ffff:198.51.100.9".parse().unwrap(), frame, now)
}

fn declaring(ip: [u8; 4], seq: u64) -> Frame {
    let beat = Heartbeat { ip: Some(ip.into()), roster_version: 3, ..heartbeat(2, seq) };
    Frame::Heartbeat(beat.seal(&member_key(2)))
}

#[test]
fn over_a_link_for_heartbeats_alone_nothing_else_has_an_effect() {
    let mut core = relay();
    let quiet = Reply::default();
    let reply = from_elsewhere(&mut core, declaring([198, 51, 100, 9], 1), at(10));
    assert_eq!(reply, quiet, "no documents are asked for");
    assert_eq!(core.observer().heard(id(2)).unwrap().at, at(10));

    let beacon = Frame::Beacon(Beacon { console: anna(), nonce: Nonce::from_u64(5) });
    assert_eq!(from_elsewhere(&mut core, beacon, at(20)), quiet);
    assert!(core.sense(at(20)).beacons.is_empty());
    let docs = frame::Docs { docs: vec![by(1, &policy(core.shelf(), 1))], more: false };
    assert_eq!(from_elsewhere(&mut core, Frame::Docs(docs), at(30)), quiet);
    assert!(core.shelf().policy(pool()).is_none());
    assert_eq!(from_elsewhere(&mut core, Frame::DocGet(DocGet::default()), at(40)), quiet);

    let forged = Frame::Heartbeat(heartbeat(2, 2).seal(&member_key(3)));
    assert!(from_elsewhere(&mut core, forged, at(50)).close);
    let others = Frame::Heartbeat(heartbeat(1, 2).seal(&member_key(1)));
    assert!(from_elsewhere(&mut core, others, at(60)).close, "its own heartbeats only");
}

#[test]
fn a_heartbeat_from_elsewhere_has_to_declare_that_very_address() {
    let mut core = relay();
    for frame in [declaring([203, 0, 113, 7], 1), sealed(2, 1)] {
        let reply = from_elsewhere(&mut core, frame, at(10));
        let [Frame::Refused(refusal)] = reply.frames.as_slice() else { panic!("{reply:?}") };
        assert!(refusal.message.starts_with("source 198.51.100.9 is not among"), "{refusal}");
        assert!(!reply.close, "it may declare it with the next one");
        assert!(core.observer().heard(id(2)).is_none());
    }
    from_elsewhere(&mut core, declaring([198, 51, 100, 9], 2), at(20));
    assert!(core.observer().heard(id(2)).is_some());
}

#[test]
fn a_console_is_told_everything_once_and_then_the_news() {
    let mut core = relay();
    core.on_heartbeat(Beat::seal(heartbeat(1, 1), &member_key(1)), at(10));
    assert_eq!(serve_peer(&mut core, id(2), sealed(2, 1), at(20)), Reply::default());
    core.attach(anna());
    let report = report_of(core.dispatch(anna(), at(120)).into_frame());
    let told: Vec<_> = report.heartbeats.iter().map(|heard| (heard.signed.by, heard.heard_ms_ago)).collect();
    assert_eq!(told, [(Signer::Member(id(1)), 110), (Signer::Member(id(2)), 100)]);
    assert_eq!(report.roster_version, 2);

    serve_peer(&mut core, id(2), sealed(2, 2), at(200));
    let report = report_of(core.dispatch(anna(), at(250)).into_frame());
    assert_eq!(report.heartbeats.len(), 1);
    let opened = Heartbeat::open(&report.heartbeats[0].signed, &member_key(2).public()).unwrap();
    assert_eq!(opened.seq, 2);
    assert!(report_of(core.dispatch(anna(), at(260)).into_frame()).heartbeats.is_empty());

    core.attach(anna());
    assert_eq!(core.dispatch(anna(), at(300)).heartbeats.len(), 2, "a new link starts anew");
}

#[test]
fn a_report_stays_within_its_frame() {
    let mut core = relay();
    let mut big = heartbeat(2, 1);
    big.haproxy.reason = "\"".repeat(limits::TEXT_BYTES_MAX);
    let listener = model::haproxy::Listener {
        section: "\"".repeat(60),
        address: "\"".repeat(60),
        port: None,
        http: false,
        tls: false,
        answers: None,
    };
    big.haproxy.listeners = vec![listener; limits::LISTENERS_MAX];
    let roster = crate::docs::tests::roster_of((1..=40).map(crate::docs::tests::member).collect());
    core.on_roster(Arc::new(roster));
    for n in 1..=40 {
        let one = Heartbeat { member: id(n), ..big.clone() };
        core.on_heartbeat(Beat::seal(one, &member_key(n)), at(1));
    }
    core.attach(anna());
    let mut told = 0;
    for _ in 0..40 {
        let dispatch = core.dispatch(anna(), at(2));
        told += dispatch.heartbeats.len();
        let text = serde_json::to_string(&dispatch.into_frame()).unwrap();
        assert!(text.len() <= limits::FRAME_BYTES_MAX, "{} bytes", text.len());
    }
    assert_eq!(told, 40, "what did not fit came later");
}

#[test]
fn a_peer_speaks_for_itself_alone() {
    let mut core = relay();
    let refused = |reply: Reply| {
        assert!(reply.close);
        assert!(matches!(reply.frames[..], [Frame::Refused(_)]), "{reply:?}");
    };
    refused(serve_peer(&mut core, id(2), sealed(1, 5), at(0)));
    refused(serve_peer(&mut core, id(9), sealed(9, 5), at(0)));
    let forged = heartbeat(2, 1).seal(&member_key(1));
    refused(serve_peer(&mut core, id(2), Frame::Heartbeat(forged), at(0)));
    refused(serve_peer(&mut core, id(2), Frame::LeaseRequest(lease(1)), at(0)));
    refused(serve_peer(
        &mut core,
        id(2),
        Frame::RecordPut(
            record(1).seal(anna(), &console_key(1)).signed.map(|signed| (*signed).clone()).unwrap(),
        ),
        at(0),
    ));
    assert!(core.dispatch(anna(), at(1)).heartbeats.is_empty());
    assert!(core.to_save(at(1)).state.unwrap().leases.holders.is_empty());
}

#[test]
fn bad_news_travel_at_once() {
    let mut core = relay();
    assert!(!serve_peer(&mut core, id(2), sealed(2, 1), at(0)).news);
    let mut stopped = heartbeat(2, 2);
    stopped.haproxy.monitored = true;
    stopped.haproxy.down = model::haproxy::Down::Stopped;
    let reply = serve_peer(&mut core, id(2), Frame::Heartbeat(stopped.seal(&member_key(2))), at(1));
    assert!(reply.news);
    let reply = serve_peer(&mut core, id(2), Frame::Heartbeat(stopped.seal(&member_key(2))), at(2));
    assert!(!reply.news, "old news are none");
}

#[test]
fn a_beacon_goes_to_the_peers_and_comes_back_in_the_heartbeat() {
    let mut core = relay();
    let beacon = Beacon { console: anna(), nonce: Nonce::from_u64(3) };
    let reply = serve_console(&mut core, anna(), Frame::Beacon(beacon), at(0));
    assert_eq!(reply.pass_on, Some(beacon));
    let passed = serve_peer(&mut core, id(2), Frame::Beacon(beacon), at(1));
    assert_eq!(passed.pass_on, None, "no beacon goes round");
    assert_eq!(core.sense(at(5)).beacons, [Echo { console: anna(), nonce: Nonce::from_u64(3) }]);
    let stolen = Frame::Beacon(Beacon { console: ConsoleId::from_number(2), nonce: Nonce::from_u64(9) });
    assert!(serve_console(&mut core, anna(), stolen, at(6)).close);
}

#[test]
fn what_must_survive_is_offered_to_the_disk_before_the_answer() {
    let mut core = relay();
    core.to_save(at(0));
    let reply = serve_console(&mut core, anna(), Frame::LeaseRequest(lease(1)), at(1));
    let [Frame::LeaseAnswer(answer)] = &reply.frames[..] else { panic!("{reply:?}") };
    assert!(answer.granted);
    assert_eq!(answer.epoch_max, 7);
    let kept = core.to_save(at(1)).state.expect("the holder must be on disk");
    assert_eq!((kept.leases.holders.len(), kept.epochs[&pool()]), (1, 7));
    serve_console(&mut core, anna(), Frame::LeaseRequest(lease(1)), at(4_000));
    assert!(core.to_save(at(4_000)).state.is_none(), "a renewal costs no write");

    let intent =
        Intent { pool: pool(), epoch: 8, nonce: Nonce::from_u64(5), target: id(2), cause: "down".into() };
    let reply = serve_console(&mut core, anna(), Frame::IntentPut(intent.clone()), at(5_000));
    assert!(matches!(reply.frames[..], [Frame::IntentStored { .. }]));
    let kept = core.to_save(at(5_000)).state.unwrap();

    // The relay is killed and starts again from that file.
    let text = serde_json::to_string(&kept).unwrap();
    let mut again = Core::new(setup(Some(serde_json::from_str(&text).unwrap())), at(9_000));
    assert_eq!(again.lease_holder(pool(), at(9_000)).unwrap().console, anna());
    let dispatch = again.dispatch(anna(), at(9_000));
    assert_eq!(dispatch.intents, [OpenIntent { console: anna(), intent, age_ms: 4_000 }]);
    assert_eq!(dispatch.pools[&pool()].epoch_max, 7);
}

#[test]
fn without_its_file_a_relay_grants_nothing_for_a_while() {
    let mut core = Core::new(setup(None), at(0));
    assert!(!core.lease_request(anna(), &lease(1), at(21_999)).granted);
    let kept = core.to_save(at(22_000)).state.unwrap();
    assert!(!kept.leases.silent);
    let mut core = Core::new(setup(None), at(0));
    assert!(core.to_save(at(0)).state.unwrap().leases.silent);
    core.on_tick(at(21_999));
    assert!(core.to_save(at(21_999)).state.is_none());
    core.on_tick(at(22_000));
    assert!(
        !core.to_save(at(22_000)).state.unwrap().leases.silent,
        "the disk learns that the silence is over"
    );
    assert!(core.lease_request(anna(), &lease(1), at(22_000)).granted);
}

#[test]
fn a_role_settles_intents_and_never_goes_back() {
    let mut core = relay();
    let intent = |epoch, n| Intent {
        pool: pool(),
        epoch,
        nonce: Nonce::from_u64(n),
        target: id(2),
        cause: "down".into(),
    };
    for (epoch, nonce) in [(8, 1), (9, 2)] {
        assert_eq!(core.intent_put(anna(), intent(epoch, nonce), at(0)), Put::Stored);
    }
    assert_eq!(core.intent_put(anna(), intent(8, 1), at(0)), Put::Known);
    let other = ConsoleId::from_number(2);
    assert!(matches!(core.intent_put(other, intent(8, 1), at(0)), Put::Refused(_)));
    let role = |epoch, active| frame::Role { pool: pool(), epoch, active };
    core.on_role(role(8, id(2)));
    core.on_role(role(7, id(1)));
    assert_eq!(core.role(pool()), Some(role(8, id(2))));
    assert_eq!(core.sense(at(1)).role_epoch, 8);
    let open = core.dispatch(anna(), at(1)).intents;
    assert_eq!(open.iter().map(|one| one.intent.epoch).collect::<Vec<_>>(), [9]);
    core.intent_close(pool(), Nonce::from_u64(2));
    assert!(core.dispatch(anna(), at(1)).intents.is_empty());
}

#[test]
fn documents_are_kept_acted_on_and_given_to_peers() {
    let mut core = relay();
    core.to_save(at(0));
    let mut document = policy(core.shelf(), 1);
    document.settings.delay_s = 10;
    let reply = serve_console(&mut core, anna(), Frame::DocPut(by(1, &document)), at(0));
    assert!(matches!(reply.frames[..], [Frame::DocStored(ref stored)] if stored.version == 1), "{reply:?}");
    assert_eq!(core.to_save(at(0)).docs.unwrap().len(), 3);
    let mut rival = document.clone();
    rival.settings.delay_s = 20;
    let reply = serve_console(&mut core, anna(), Frame::DocPut(by(1, &rival)), at(0));
    let [Frame::DocRefused(refused)] = &reply.frames[..] else { panic!("{reply:?}") };
    assert!(refused.fork.is_some());
    assert_eq!(refused.kept_version, 1);
    assert_eq!(core.dispatch(anna(), at(0)).forks.len(), 1);

    // A peer that knows only the roster asks and gets the policy.
    let setup = Setup { me: id(2), ..setup(None) };
    let mut peer = Core::new(setup, at(0));
    let Frame::DocGet(get) = serve::ask_for_docs(&peer) else { panic!("a question") };
    assert_eq!(get, DocGet { roster_since: 2, policies_since: BTreeMap::new() });
    let answer = serve_peer(&mut core, id(2), Frame::DocGet(get), at(0));
    for frame in answer.frames {
        serve_peer(&mut peer, id(1), frame, at(0));
    }
    assert_eq!(peer.shelf().policy(pool()).unwrap().content.settings.delay_s, 10);
    assert!(peer.to_save(at(0)).docs.is_some());
}

#[test]
fn who_goes_by_a_newer_roster_is_asked_for_it() {
    let mut core = relay();
    let ahead = Heartbeat { roster_version: 3, ..heartbeat(2, 1) };
    let reply = serve_peer(&mut core, id(2), Frame::Heartbeat(ahead.seal(&member_key(2))), at(0));
    assert!(matches!(reply.frames[..], [Frame::DocGet(_)]), "{reply:?}");
}

#[test]
fn records_are_answered_with_their_ages() {
    let mut core = relay();
    let signed = |n| (*record(n).seal(anna(), &console_key(1)).signed.unwrap()).clone();
    for n in 0..3 {
        let reply = serve_console(&mut core, anna(), Frame::RecordPut(signed(n)), at(u64::from(n) * 1_000));
        assert!(matches!(reply.frames[..], [Frame::RecordStored { .. }]));
    }
    let reply = serve_console(&mut core, anna(), Frame::RecordsGet { pool: pool() }, at(5_000));
    let [Frame::Records(records)] = &reply.frames[..] else { panic!("{reply:?}") };
    let ages: Vec<_> = records.records.iter().map(|one| one.age_ms).collect();
    assert_eq!(ages, [5_000, 4_000, 3_000]);
    assert_eq!(core.dispatch(anna(), at(5_000)).pools[&pool()].records_head, records.head);
    let reply =
        serve_console(&mut core, anna(), Frame::RecordsGet { pool: PoolId::from_number(9) }, at(5_000));
    assert!(matches!(reply.frames[..], [Frame::Records(ref none)] if none.records.is_empty()));

    let forged = Signed { body: signed(7).body, ..signed(8) };
    let reply = serve_console(&mut core, anna(), Frame::RecordPut(forged), at(6_000));
    assert!(matches!(reply.frames[..], [Frame::Refused(ref refusal)] if refusal.status == Status::Forbidden));
}

#[test]
fn a_long_answer_comes_in_parts_that_fit() {
    let mut core = relay();
    for n in 0..400 {
        let mut long = record(n);
        long.body = RecordBody::Audit { who: "anna".into(), text: "\"".repeat(700) };
        core.record_put(long.seal(anna(), &console_key(1)), at(u64::from(n)));
    }
    let reply = serve_console(&mut core, anna(), Frame::RecordsGet { pool: pool() }, at(5_000));
    let mut records = 0;
    for (n, frame) in reply.frames.iter().enumerate() {
        assert!(serde_json::to_string(frame).unwrap().len() <= limits::FRAME_BYTES_MAX);
        let Frame::Records(part) = frame else { panic!("{frame:?}") };
        assert_eq!(part.more, n + 1 != reply.frames.len());
        records += part.records.len();
    }
    assert!(reply.frames.len() > 1);
    assert_eq!(records, core.records(pool(), at(5_000)).len());
}

#[test]
fn a_rhythm_out_of_bounds_is_bent() {
    let mut core = relay();
    let poll =
        |core: &mut Core, every_ms| serve_console(core, anna(), Frame::Poll { every_ms }, at(0)).poll_ms;
    assert_eq!(poll(&mut core, 0), Some(250));
    assert_eq!(poll(&mut core, 500), Some(500));
    assert_eq!(poll(&mut core, u32::MAX), Some(10_000));
}

#[test]
fn a_simulation_needs_no_cryptography() {
    let mut core = relay();
    core.on_heartbeat(Beat::unsigned(heartbeat(2, 1)), at(0));
    let dispatch = core.dispatch(anna(), at(50));
    assert_eq!(dispatch.heartbeats[0].beat.heartbeat.seq, 1);
    assert_eq!(dispatch.heartbeats[0].ago, Span::from_ms(50));
    assert_eq!(core.sense(at(3_000)).testimonies[0].about, id(2));
    assert!(report_of(dispatch.into_frame()).heartbeats.is_empty(), "unsigned never reaches a wire");
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]

        /// Ten thousand mutated frames from a console's and a peer's link: nothing panics, and what a member's or a
        /// console's signature guards does not change.
        #[test]
        fn mutated_frames_change_nothing_that_is_signed(
            bites in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..7_usize), 200)
        ) {
            let mut core = relay();
            let signed = (*record(1).seal(anna(), &console_key(1)).signed.unwrap()).clone();
            let frames: Vec<String> = [
                sealed(2, 1),
                Frame::RecordPut(signed),
                Frame::DocPut(by(1, &policy(core.shelf(), 1))),
                Frame::LeaseRequest(lease(1)),
                Frame::Beacon(Beacon { console: anna(), nonce: Nonce::from_u64(1) }),
                Frame::DocGet(DocGet::default()),
                Frame::Role(frame::Role { pool: pool(), epoch: 3, active: id(2) }),
            ]
            .iter()
            .map(|frame| serde_json::to_string(frame).unwrap())
            .collect();
            let honest: Vec<Frame> = frames.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
            for (index, byte, which) in bites {
                let mut bytes = frames[which].clone().into_bytes();
                let at_byte = index.index(bytes.len());
                bytes[at_byte] = byte;
                let Ok(frame) = serde_json::from_slice::<Frame>(&bytes) else { continue };
                // A bite that left the meaning as it was (in space, or the same byte) is no mutation.
                if honest.contains(&frame) {
                    continue;
                }
                serve_console(&mut core, anna(), frame.clone(), at(1));
                serve_peer(&mut core, id(2), frame, at(1));
            }
            prop_assert!(core.observer().heard(id(2)).is_none());
            prop_assert!(core.records(pool(), at(2)).is_empty());
            prop_assert!(core.shelf().policy(pool()).is_none());
            prop_assert_eq!(core.shelf().roster_version(), 2);
        }
    }
}
