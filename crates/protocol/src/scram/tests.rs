use super::*;

/// The exchange published in RFC 7677, section 3.
#[test]
fn the_published_vector() {
    let server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    let (client, first) = ClientFirst::start("user", b"pencil", "rOprNGfwEbeRWgbNEkqO", Binding::none());
    assert_eq!(first, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");

    let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let verifier = Verifier::of(b"pencil", &salt, 4096);
    let (server, challenge) =
        ServerFirst::read(&first, Binding::none()).unwrap().challenge(&verifier, server_nonce, b"");
    assert_eq!(
        challenge,
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    );

    let (client, extension) = client.on_server_first(&challenge).unwrap();
    assert!(extension.is_empty());
    let (client, last) = client.prove(b"");
    assert_eq!(
        last,
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
         p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    let (end, _) = server.on_client_final(&last).unwrap();
    assert_eq!(end, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    assert_eq!(client.on_server_final(&end), Ok(()));
}

struct Exchange {
    client_secret: &'static [u8],
    server_secret: &'static [u8],
    client_channel: [u8; 32],
    server_channel: [u8; 32],
}

const HONEST: Exchange = Exchange {
    client_secret: b"s3cret",
    server_secret: b"s3cret",
    client_channel: [1; 32],
    server_channel: [1; 32],
};

impl Exchange {
    fn run(&self, tamper: impl Fn(String) -> String) -> Result<(Vec<u8>, Vec<u8>), ScramError> {
        let verifier = Verifier::of(self.server_secret, &[9; 16], 1);
        let binding = Binding::tls_exporter(self.client_channel);
        let (client, first) = ClientFirst::start("0123abcd", self.client_secret, &"c".repeat(24), binding);
        let server = ServerFirst::read(&first, Binding::tls_exporter(self.server_channel))?;
        let (server, challenge) = server.challenge(&verifier, &"s".repeat(24), b"console card");
        let (client, from_server) = client.on_server_first(&challenge)?;
        let (client, last) = client.prove(b"agent card");
        let (end, from_client) = server.on_client_final(&tamper(last))?;
        client.on_server_final(&end)?;
        Ok((from_server, from_client))
    }
}

#[test]
fn both_cards_arrive_under_the_proof() {
    assert_eq!(HONEST.run(|text| text), Ok((b"console card".to_vec(), b"agent card".to_vec())));
}

#[test]
fn a_wrong_secret_another_channel_and_a_changed_card_fail() {
    let other = Exchange { client_secret: b"guess", ..HONEST };
    assert_eq!(other.run(|text| text), Err(ScramError::Proof));
    let between = Exchange { client_channel: [2; 32], ..HONEST };
    assert_eq!(between.run(|text| text), Err(ScramError::Binding));
    let swapped = HONEST.run(|text| text.replace(&BASE64.encode("agent card"), &BASE64.encode("evil card!")));
    assert_eq!(swapped, Err(ScramError::Proof));
}

#[test]
fn a_client_that_binds_nothing_is_refused() {
    let (_, first) = ClientFirst::start("user", b"s3cret", &"c".repeat(24), Binding::none());
    assert!(ServerFirst::read(&first, Binding::tls_exporter([1; 32])).is_err());
    // "y,," says that the client thinks the server cannot bind: a downgrade.
    assert!(
        ServerFirst::read("y,,n=user,r=cccccccccccccccccccccccc", Binding::tls_exporter([1; 32])).is_err()
    );
}

#[test]
fn a_server_cannot_make_the_client_toil_or_forget_its_nonce() {
    let start = || ClientFirst::start("user", b"s3cret", &"c".repeat(24), Binding::tls_exporter([1; 32])).0;
    let nonce = format!("{}s", "c".repeat(24));
    for challenge in [
        format!("r={nonce},s=AAAA,i=4294967295"),
        format!("r={nonce},s=AAAA,i=0"),
        format!("r={},s=AAAA,i=1", "c".repeat(24)),
        "r=other,s=AAAA,i=1".to_owned(),
        format!("r={nonce},s=%,i=1"),
        String::new(),
    ] {
        assert!(start().on_server_first(&challenge).is_err(), "{challenge}");
    }
}

#[test]
fn a_verifier_shows_nothing() {
    let verifier = Verifier::of(b"s3cret", &[9; 16], 1);
    assert_eq!(format!("{verifier:?}"), "Verifier(..)");
}
