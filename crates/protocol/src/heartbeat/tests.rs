use super::*;

fn sample() -> Heartbeat {
    Heartbeat {
        hostname: "edge-1".into(),
        beacons: vec![Echo { console: ConsoleId::from_number(9), nonce: Nonce::from_u64(7) }],
        testimonies: vec![Testimony {
            about: MemberId::from_number(2),
            incarnation: 3,
            seq: 4,
            silent_ms: 2_600,
            baseline: true,
            hears_other: true,
            service_answers: Some(false),
        }],
        seen_from: vec![SeenFrom {
            member: MemberId::from_number(2),
            source: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)),
        }],
        ..Heartbeat::bare(MemberId::from_number(1), BootId::from_number(5), 6, 7)
    }
}

#[test]
fn a_sealed_heartbeat_opens_with_the_members_key_alone() {
    let key = SecretKey::from_bytes(&[1; 32]);
    let signed = sample().seal(&key);
    assert_eq!(Heartbeat::open(&signed, &key.public()), Ok(sample()));
    let stranger = SecretKey::from_bytes(&[2; 32]).public();
    assert_eq!(Heartbeat::open(&signed, &stranger), Err(SignError::Signature { kind: Kind::Heartbeat }));
}

#[test]
fn nobody_speaks_for_another() {
    let key = SecretKey::from_bytes(&[1; 32]);
    let by = Signer::Member(MemberId::from_number(2));
    let signed = Signed::seal(Kind::Heartbeat, by, &key, &sample());
    assert_eq!(
        Heartbeat::open(&signed, &key.public()),
        Err(SignError::OtherSigner { kind: Kind::Heartbeat })
    );
}

#[test]
fn too_much_of_anything_is_refused_by_name() {
    let key = SecretKey::from_bytes(&[1; 32]);
    let refuse = |change: &dyn Fn(&mut Heartbeat), field: &'static str| {
        let mut heartbeat = sample();
        change(&mut heartbeat);
        let error = Heartbeat::open(&heartbeat.seal(&key), &key.public()).unwrap_err();
        assert_eq!(error, SignError::Bounds { kind: Kind::Heartbeat, field });
    };
    refuse(&|h| h.beacons = vec![h.beacons[0]; 9], "beacons");
    refuse(&|h| h.testimonies = vec![h.testimonies[0].clone(); 25], "testimonies");
    refuse(&|h| h.hostname = "h".repeat(254), "hostname");
    refuse(&|h| h.roster_version = u64::MAX, "counters");
    refuse(&|h| h.role_epoch = u64::MAX, "counters");
    refuse(&|h| h.haproxy.reason = "r".repeat(513), "haproxy.reason");
}

#[test]
fn a_heartbeat_of_a_later_version_is_understood() {
    let text = r#"{"member":"00000001000000000000000000000000","hostname":"edge-1",
        "bootId":"00000005000000000000000000000000","incarnation":1,"seq":2,"colour":"blue",
        "goodbye":"moved-to-the-moon","haproxy":{"unit":"dreaming","later":{"a":[1]}}}"#;
    let heartbeat: Heartbeat = serde_json::from_str(text).unwrap();
    assert_eq!(heartbeat.goodbye, Some(Goodbye::AgentStop));
    assert_eq!(heartbeat.haproxy.unit, model::haproxy::UnitState::Other);
    assert!(!heartbeat.fit, "what is not said is not claimed");
}

/// The first form that was ever sent. It must be opened by all of 1.x, to the letter, so this text never changes.
#[test]
fn the_first_form_of_a_heartbeat_still_opens() {
    let key = SecretKey::from_bytes(&[1; 32]).public();
    let signed: Signed = serde_json::from_str(include_str!("first_form.json")).unwrap();
    let heartbeat = Heartbeat::open(&signed, &key).unwrap();
    assert_eq!(heartbeat.hostname, "edge-1");
    assert_eq!(heartbeat.testimonies[0].silent_ms, 2_600);
    assert_eq!(heartbeat.haproxy.down, Down::Hung);
    assert_eq!(heartbeat.goodbye, Some(Goodbye::HostShutdown));
    assert_eq!(heartbeat.planned_until_ms, Some(60_000));
    assert_eq!(heartbeat.ip, Some(Ipv4Addr::new(203, 0, 113, 7)));
}
