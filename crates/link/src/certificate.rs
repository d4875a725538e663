//! The certificate around an identity key, written by hand: everything in it but the key and the signature is the same
//! for everybody, so it is a form with two blanks and not a case for a library.

use rustls::pki_types::CertificateDer;
use rustls::sign::SigningKey;
use rustls::{Error, SignatureScheme};

use protocol::PublicKey;

/// Version 3, serial number 1, signed with Ed25519, issued by `CN=serversctl` to the same, valid from 1975 to 4096
/// (nobody looks at either), and the public key (RFC 8410) up to its 32 bytes. No extensions.
const BEFORE_KEY: [u8; 110] = [
    0x30, 0x81, 0x8b, // TBSCertificate
    0xa0, 0x03, 0x02, 0x01, 0x02, // version
    0x02, 0x01, 0x01, // serialNumber
    0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, // signature
    0x30, 0x15, 0x31, 0x13, 0x30, 0x11, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x0a, // issuer
    b's', b'e', b'r', b'v', b'e', b'r', b's', b'c', b't', b'l', //
    0x30, 0x20, // validity
    0x17, 0x0d, b'7', b'5', b'0', b'1', b'0', b'1', b'0', b'0', b'0', b'0', b'0', b'0', b'Z', //
    0x18, 0x0f, b'4', b'0', b'9', b'6', b'0', b'1', b'0', b'1', b'0', b'0', b'0', b'0', b'0', b'0',
    b'Z', //
    0x30, 0x15, 0x31, 0x13, 0x30, 0x11, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x0a, // subject
    b's', b'e', b'r', b'v', b'e', b'r', b's', b'c', b't', b'l', //
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, // subjectPublicKeyInfo
];
/// The outer sequence, whose length is the same for all.
const BEFORE_CONTENT: [u8; 3] = [0x30, 0x81, 0xd8];
/// signatureAlgorithm, and the signature up to its 64 bytes.
const BEFORE_SIGNATURE: [u8; 10] = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x41, 0x00];
const SIGNATURE_BYTES: usize = 64;

/// The self-signed certificate of `key`, whose secret half is `signer`.
///
/// # Errors
/// The signer is not one of Ed25519.
pub(crate) fn self_signed(key: PublicKey, signer: &dyn SigningKey) -> Result<CertificateDer<'static>, Error> {
    let mut content = BEFORE_KEY.to_vec();
    content.extend_from_slice(key.as_bytes());
    let signer = signer.choose_scheme(&[SignatureScheme::ED25519]);
    let signer = signer.ok_or_else(|| Error::General("the key does not sign with Ed25519".into()))?;
    let signature = signer.sign(&content)?;
    if signature.len() != SIGNATURE_BYTES {
        return Err(Error::General("a signature has another length than Ed25519's".into()));
    }
    Ok([&BEFORE_CONTENT, content.as_slice(), &BEFORE_SIGNATURE, &signature].concat().into())
}

#[cfg(test)]
mod tests {
    use protocol::SecretKey;
    use rustls::server::ParsedCertificate;
    use webpki::aws_lc_rs::ED25519;

    use super::*;
    use crate::Identity;

    #[test]
    fn a_reader_of_certificates_finds_the_key_and_its_signature_in_it() {
        let identity = Identity::new(&SecretKey::from_bytes(&[7; 32])).unwrap();
        let der = identity.certified().cert[0].clone();
        let parsed = ParsedCertificate::try_from(&der).unwrap();
        assert!(parsed.subject_public_key_info().as_ref().ends_with(identity.key().as_bytes()));
        let content_end = BEFORE_CONTENT.len() + BEFORE_KEY.len() + 32;
        let (content, signature) =
            (&der[BEFORE_CONTENT.len()..content_end], &der[der.len() - SIGNATURE_BYTES..]);
        ED25519.verify_signature(identity.key().as_bytes(), content, signature).unwrap();
        ED25519.verify_signature(identity.key().as_bytes(), &content[1..], signature).unwrap_err();
    }
}
