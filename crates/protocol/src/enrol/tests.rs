use std::net::IpAddr;

use super::*;
use crate::check::{Offer, Status};
use crate::docs::tests::{console, console_key, member};
use crate::docs::{Role, Roster, Shelf, fleet_of};
use crate::key::SecretKey;

const CHANNEL: [u8; 32] = [5; 32];

fn secret() -> Secret {
    Secret::from_random(&[0xab; 24])
}

fn agent_key() -> PublicKey {
    member(1).key
}

fn first_roster() -> SignedDoc {
    Roster::first(console(1, Role::Owner)).seal(ConsoleId::from_number(1), &console_key(1))
}

fn console_card() -> ConsoleCard {
    let fleet = fleet_of(&first_roster());
    ConsoleCard { fleet, console: ConsoleId::from_number(1), key: console_key(1).public() }
}

fn agent_card() -> AgentCard {
    AgentCard {
        key: agent_key(),
        hostname: "edge-1".into(),
        ssh_host_keys: vec!["ssh-ed25519 AAAA".into()],
        agent_version: "0.1.0".into(),
        ip: None,
    }
}

fn enrolment() -> Enrolment {
    Enrolment {
        member: MemberId::from_number(1),
        name: "edge-1".into(),
        hostname: "edge-1".into(),
        sources: vec!["10.0.0.7".parse().unwrap(), "10.0.1.0/24".parse().unwrap()],
        selector: secret().selector(),
        verifier: Some(secret().verifier(&[1; 16])),
        tries: 0,
        used_by: None,
    }
}

fn door() -> Door {
    Door {
        binding: CHANNEL,
        peer_key: agent_key(),
        source: "::ffff:10.0.0.7".parse::<IpAddr>().unwrap(),
        term: Term::Open,
    }
}

struct Meeting {
    enrolment: Enrolment,
    door: Door,
    agent: AgentCard,
    secret: Secret,
    agent_channel: [u8; 32],
    agent_sees: PublicKey,
}

fn meeting() -> Meeting {
    Meeting {
        enrolment: enrolment(),
        door: door(),
        agent: agent_card(),
        secret: secret(),
        agent_channel: CHANNEL,
        agent_sees: console_key(1).public(),
    }
}

#[derive(Debug)]
enum End {
    In(Box<Pinned>, Box<Admitted>),
    ConsoleRefused(Refusal, bool),
    AgentRefused(Refusal),
}

impl Meeting {
    /// Lets both sides talk until one of them ends it. The roster that admits is the second, with the agent in it.
    fn run(self) -> End {
        let (mut joiner, mut message) =
            Joiner::start(&self.secret, self.agent_channel, self.agent_sees, self.agent, &[2; 18]);
        let mut admitter = Admitter::new(self.enrolment, self.door, console_card(), &[3; 18]);
        loop {
            let mut to_agent = Vec::new();
            match admitter.step(over_the_wire(&message)) {
                AdmitterStep::Send(send) => to_agent.push(send),
                AdmitterStep::Proven { send, agent } => {
                    assert_eq!(agent.key, agent_key());
                    to_agent.push(send);
                    to_agent.push(admitter.admit(second_roster()).unwrap());
                    assert!(admitter.admit(second_roster()).is_none(), "once");
                }
                AdmitterStep::Refuse { refusal, counted, .. } => {
                    return End::ConsoleRefused(refusal, counted);
                }
                AdmitterStep::Wait | AdmitterStep::Done(_) => panic!("out of order"),
            }
            let mut next = None;
            for send in to_agent {
                match joiner.step(over_the_wire(&send)) {
                    JoinerStep::Send(send) => next = Some(send),
                    JoinerStep::Wait => {}
                    JoinerStep::Refused(refusal) => return End::AgentRefused(refusal),
                    JoinerStep::Pinned(pinned) => {
                        let AdmitterStep::Done(admitted) = admitter.step(EnrolMessage::Joined) else {
                            panic!("the console must be done")
                        };
                        return End::In(pinned, admitted);
                    }
                }
            }
            message = next.expect("the agent answers");
        }
    }

    fn refused(self) -> (Refusal, bool) {
        match self.run() {
            End::ConsoleRefused(refusal, counted) => (refusal, counted),
            other @ (End::In(..) | End::AgentRefused(_)) => panic!("{other:?}"),
        }
    }
}

fn over_the_wire(message: &EnrolMessage) -> EnrolMessage {
    serde_json::from_str(&serde_json::to_string(message).unwrap()).unwrap()
}

fn second_roster() -> SignedDoc {
    let first = first_roster();
    let shelf = Shelf::founded(first.clone()).unwrap();
    let mut second = shelf.roster().unwrap().content.successor(shelf.fleet().unwrap(), &first);
    second.members.push(member(1));
    second.seal(ConsoleId::from_number(1), &console_key(1))
}

#[test]
fn with_secret_source_and_hostname_together_it_gets_in_once() {
    let End::In(pinned, admitted) = meeting().run() else { panic!("it must get in") };
    assert_eq!(pinned.member, MemberId::from_number(1));
    assert_eq!(pinned.fleet, fleet_of(&first_roster()));
    assert_eq!(pinned.console_key, console_key(1).public());
    assert_eq!(admitted.agent, agent_card());
    assert_eq!(admitted.enrolment.verifier, None, "the secret is spent");

    // The same secret again, by somebody else.
    let again = Meeting { enrolment: admitted.enrolment, ..meeting() };
    let (refusal, _) = again.refused();
    assert_eq!(refusal.status, Status::Conflict);
    assert!(refusal.message.contains("already used by edge-1"), "{refusal}");
}

#[test]
fn a_wrong_secret_is_401_and_counts() {
    let wrong = Meeting { secret: Secret::from_random(&[1; 24]), ..meeting() };
    let (refusal, counted) = wrong.refused();
    assert_eq!((refusal.status, counted), (Status::Unknown, true));
    assert!(refusal.message.contains("given at 10.0.0.7 is not the one made for edge-1"), "{refusal}");

    // A guesser who learned the selector fails at the proof, with the very same words.
    let mut guesser = meeting();
    guesser.enrolment.selector = Secret::from_random(&[1; 24]).selector();
    guesser.secret = Secret::from_random(&[1; 24]);
    assert_eq!(guesser.refused(), (refusal, true));
}

#[test]
fn ten_wrong_tries_close_the_door_for_the_right_secret_too() {
    let mut kept = enrolment();
    for _ in 0..limits_tries() {
        let mut admitter = Admitter::new(kept, door(), console_card(), &[3; 18]);
        let wrong = Secret::from_random(&[1; 24]);
        let (_, first) = Joiner::start(&wrong, CHANNEL, console_key(1).public(), agent_card(), &[2; 18]);
        assert!(matches!(admitter.step(first), AdmitterStep::Refuse { counted: true, .. }));
        kept = admitter.enrolment().clone();
    }
    let (refusal, counted) = Meeting { enrolment: kept, ..meeting() }.refused();
    assert_eq!((refusal.status, counted), (Status::TooMany, false));
}

fn limits_tries() -> u32 {
    crate::limits::ENROL_TRIES_MAX
}

#[test]
fn source_and_hostname_are_403_and_name_both_sides() {
    let mut elsewhere = meeting();
    elsewhere.door.source = "10.0.0.4".parse().unwrap();
    let (refusal, counted) = elsewhere.refused();
    assert_eq!((refusal.status, counted), (Status::Forbidden, false));
    assert_eq!(refusal.message, "source 10.0.0.4 is not among allowed 10.0.0.7, 10.0.1.0/24 of edge-1");
    assert_eq!(refusal.offer, Some(Offer::AllowSource("10.0.0.4".parse().unwrap())));

    let mut renamed = meeting();
    renamed.agent.hostname = "web-1".into();
    let (refusal, _) = renamed.refused();
    assert_eq!(refusal.status, Status::Forbidden);
    assert!(refusal.message.starts_with("agent says web-1, enrolled as edge-1; set BALCTL_HOSTNAME=edge-1"));
    assert_eq!(refusal.offer, Some(Offer::AcceptHostname("web-1".into())));
}

#[test]
fn after_a_day_the_secret_is_worth_nothing() {
    let mut late = meeting();
    late.door.term = Term::Over;
    let (refusal, _) = late.refused();
    assert_eq!(refusal.status, Status::Unknown);
    assert!(refusal.message.contains("after its 24 hours"), "{refusal}");
}

#[test]
fn somebody_between_the_two_fails_although_he_passes_every_byte_on() {
    // Two TLS channels, one to each side: the exporters differ.
    let between = Meeting {
        agent_channel: [6; 32],
        agent_sees: SecretKey::from_bytes(&[66; 32]).public(),
        ..meeting()
    };
    let End::AgentRefused(refusal) = between.run() else { panic!("the agent sees another key") };
    assert!(refusal.message.contains("somebody stands between"), "{refusal}");
    // Even with the console's key in his hands.
    let (refusal, _) = Meeting { agent_channel: [6; 32], ..meeting() }.refused();
    assert!(refusal.message.contains("somebody stands between"), "{refusal}");
    // An agent that shows one key and speaks of another.
    let mut other = meeting();
    other.agent.key = SecretKey::from_bytes(&[67; 32]).public();
    assert_eq!(other.refused().0.status, Status::Unknown);
}

#[test]
fn a_console_that_does_not_know_the_secret_learns_nothing_and_gets_nowhere() {
    let (mut joiner, _) = Joiner::start(&secret(), CHANNEL, console_key(1).public(), agent_card(), &[2; 18]);
    let nonce = hex::encode([2; 18]);
    let card = serde_json::to_vec(&console_card()).unwrap();
    let card = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, card);
    let text = format!("r={nonce}abcd,s=AAAA,i=1,d={card}");
    let JoinerStep::Send(EnrolMessage::ClientFinal { text }) =
        joiner.step(EnrolMessage::ServerFirst { text })
    else {
        panic!("the agent proves itself first")
    };
    assert!(!text.contains(secret().expose()), "the secret never crosses the wire");
    let forged = EnrolMessage::ServerFinal { text: format!("v={}", "A".repeat(43) + "=") };
    assert!(matches!(joiner.step(forged), JoinerStep::Refused(_)));
    let admitted =
        EnrolMessage::Admitted(Welcomed { member: MemberId::from_number(1), roster: second_roster() });
    assert!(matches!(joiner.step(admitted), JoinerStep::Refused(_)), "it has ended");
}

#[test]
fn messages_out_of_turn_end_it() {
    let mut admitter = Admitter::new(enrolment(), door(), console_card(), &[3; 18]);
    assert!(matches!(admitter.step(EnrolMessage::Joined), AdmitterStep::Refuse { counted: false, .. }));
    let mut admitter = Admitter::new(enrolment(), door(), console_card(), &[3; 18]);
    assert_eq!(admitter.step(EnrolMessage::Unknown), AdmitterStep::Wait, "a later version may say more");
    let (mut joiner, _) = Joiner::start(&secret(), CHANNEL, console_key(1).public(), agent_card(), &[2; 18]);
    let admitted =
        EnrolMessage::Admitted(Welcomed { member: MemberId::from_number(1), roster: second_roster() });
    assert!(matches!(joiner.step(admitted), JoinerStep::Refused(_)), "no proof, no admission");
}

#[test]
fn what_is_pasted_is_understood_or_refused_in_words() {
    let shown = secret().expose().to_owned();
    assert_eq!(shown.len(), 48);
    assert_eq!(Secret::parse(&format!("  {}\n", shown.to_uppercase())).unwrap().expose(), shown);
    let refused = |text: &str| Secret::parse(text).unwrap_err();
    assert_eq!(refused(&MemberId::from_number(1).to_string()), SecretError::MemberId);
    assert_eq!(refused("0190b1f2-7c1e-7d5a-9a51-0f3c3a3d2e11"), SecretError::MemberId);
    assert_eq!(refused(" "), SecretError::Empty);
    assert_eq!(refused("abc"), SecretError::Length(3));
    assert_eq!(refused(&"é".repeat(48)), SecretError::Characters);
    assert_eq!(refused(&"g".repeat(48)), SecretError::Characters);
    let words = SecretError::MemberId.to_string();
    assert!(words.starts_with("this is a member id, not the 48-character secret"), "{words}");
    assert!(!format!("{:?}", secret()).contains("ab"));
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn any_message() -> impl Strategy<Value = EnrolMessage> {
        prop_oneof![
            ".{0,80}".prop_map(|text| EnrolMessage::ClientFirst { text }),
            "p=tls-exporter,,n=[0-9a-f]{8},r=.{0,40}".prop_map(|text| EnrolMessage::ClientFirst { text }),
            "(r=[a-z]{0,60},s=.{0,10},i=[0-9]{0,11}(,d=.{0,30})?|.{0,60})"
                .prop_map(|text| EnrolMessage::ServerFirst { text }),
            "(c=.{0,40},r=.{0,40}(,d=.{0,30})?,p=.{0,50}|.{0,60})"
                .prop_map(|text| EnrolMessage::ClientFinal { text }),
            "(v=.{0,50}|.{0,60})".prop_map(|text| EnrolMessage::ServerFinal { text }),
            Just(EnrolMessage::Joined),
            Just(EnrolMessage::Admitted(Welcomed {
                member: MemberId::from_number(1),
                roster: second_roster()
            })),
            Just(EnrolMessage::Unknown),
        ]
    }

    proptest! {
        /// Nothing that a side without the secret can say lets it in or makes the other side panic.
        #[test]
        fn without_the_secret_nobody_gets_in(messages in prop::collection::vec(any_message(), 0..8)) {
            let (mut joiner, _) = Joiner::start(&secret(), CHANNEL, console_key(1).public(), agent_card(), &[2; 18]);
            let mut admitter = Admitter::new(enrolment(), door(), console_card(), &[3; 18]);
            for message in messages {
                let joined = matches!(joiner.step(message.clone()), JoinerStep::Pinned(_));
                prop_assert!(!joined);
                let step = admitter.step(message);
                let admitted = matches!(step, AdmitterStep::Proven { .. } | AdmitterStep::Done(_));
                prop_assert!(!admitted);
            }
        }
    }
}
