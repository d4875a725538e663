//! SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677) with `tls-exporter` channel binding (RFC 9266), both sides, sans-IO.
//!
//! One extension attribute `d` (base64) may ride in server-first and in client-final; both are covered by the
//! authenticated message, so what they carry is as trustworthy as the proof itself. Type states make the order of
//! messages the only possible one. Secrets are compared in constant time and wiped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Most iterations that a client lets a server ask for: a secret of 192 bits needs one, a hostile server may ask for
/// years of them.
pub const ITERATIONS_MAX: u32 = 100_000;
/// Longest message.
pub const MESSAGE_BYTES_MAX: usize = 24 * 1024;

/// Why an exchange failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ScramError {
    /// A message is not what its turn demands.
    #[error("the SCRAM message is malformed: {0}")]
    Shape(&'static str),
    /// The proof does not fit: the other side does not know the secret.
    #[error("the other side does not know the secret")]
    Proof,
    /// The proof was made for another channel: somebody stands between.
    #[error("the proof belongs to another TLS channel: somebody stands between the two sides")]
    Binding,
}

/// What a channel proves of itself.
#[derive(Clone)]
pub struct Binding {
    header: &'static str,
    exported: Vec<u8>,
}

impl Binding {
    /// The 32 bytes that both ends of one TLS 1.3 channel export under `EXPORTER-Channel-Binding`.
    pub fn tls_exporter(exported: [u8; 32]) -> Self {
        Self { header: "p=tls-exporter,,", exported: exported.to_vec() }
    }

    /// No binding, for the published test vector alone.
    #[cfg(test)]
    fn none() -> Self {
        Self { header: "n,,", exported: Vec::new() }
    }

    fn attribute(&self) -> String {
        let mut bytes = self.header.as_bytes().to_vec();
        bytes.extend_from_slice(&self.exported);
        BASE64.encode(bytes)
    }
}

/// All that a server keeps of a secret. It cannot be used to prove the secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verifier {
    /// Base64.
    pub salt: String,
    /// How often the secret was stretched.
    pub iterations: u32,
    /// Base64 of SHA-256 of the client key.
    pub stored_key: String,
    /// Base64 of the server key.
    pub server_key: String,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifier(..)")
    }
}

#[derive(Zeroize, ZeroizeOnDrop)]
struct Keys {
    client: [u8; 32],
    stored: [u8; 32],
    server: [u8; 32],
}

impl Verifier {
    /// Makes the verifier of a secret.
    pub fn of(secret: &[u8], salt: &[u8], iterations: u32) -> Self {
        let keys = Keys::derive(secret, salt, iterations);
        Self {
            salt: BASE64.encode(salt),
            iterations,
            stored_key: BASE64.encode(keys.stored),
            server_key: BASE64.encode(keys.server),
        }
    }
}

impl Keys {
    fn derive(secret: &[u8], salt: &[u8], iterations: u32) -> Self {
        // Hi() of RFC 5802: PBKDF2 with one block.
        let mut block = Zeroizing::new(hmac(secret, &[salt, &1_u32.to_be_bytes()]));
        let mut salted = block.clone();
        for _ in 1..iterations {
            *block = hmac(secret, &[&*block]);
            salted.iter_mut().zip(block.iter()).for_each(|(to, from)| *to ^= from);
        }
        let client = hmac(&*salted, &[b"Client Key"]);
        Self { client, stored: Sha256::digest(client).into(), server: hmac(&*salted, &[b"Server Key"]) }
    }
}

/// A client that has sent its first message.
pub struct ClientFirst {
    secret: Zeroizing<Vec<u8>>,
    binding: Binding,
    nonce: String,
    bare: String,
}

/// A client that has read the server's first message and may prove itself.
pub struct ClientChallenged {
    keys: Keys,
    binding: Binding,
    nonce: String,
    authenticated: String,
}

/// A client that has sent its proof and waits for the server's.
pub struct ClientProven {
    server_signature: [u8; 32],
}

impl ClientFirst {
    /// Starts an exchange; gives the client-first-message. `nonce` is random text without commas.
    pub fn start(user: &str, secret: &[u8], nonce: &str, binding: Binding) -> (Self, String) {
        let bare = format!("n={user},r={nonce}");
        let message = format!("{}{bare}", binding.header);
        (Self { secret: Zeroizing::new(secret.to_vec()), binding, nonce: nonce.into(), bare }, message)
    }

    /// Reads the server-first-message; gives the bytes of its `d` attribute.
    ///
    /// # Errors
    /// Malformed, another nonce, or more iterations than anybody needs.
    pub fn on_server_first(self, text: &str) -> Result<(ClientChallenged, Vec<u8>), ScramError> {
        let mut attributes = Attributes::of(text)?;
        let nonce = attributes.take('r')?;
        let salt = decode(attributes.take('s')?)?;
        let iterations: u32 = attributes.take('i')?.parse().map_err(|_| ScramError::Shape("iterations"))?;
        let extension = attributes.extension()?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(ScramError::Shape("the server's nonce does not extend ours"));
        }
        if !(1..=ITERATIONS_MAX).contains(&iterations) {
            return Err(ScramError::Shape("iterations"));
        }
        let challenged = ClientChallenged {
            keys: Keys::derive(&self.secret, &salt, iterations),
            binding: self.binding,
            nonce: nonce.into(),
            authenticated: format!("{},{text}", self.bare),
        };
        Ok((challenged, extension))
    }
}

impl ClientChallenged {
    /// Makes the client-final-message, with `extension` in its `d` attribute unless it is empty.
    pub fn prove(self, extension: &[u8]) -> (ClientProven, String) {
        let mut message = format!("c={},r={}", self.binding.attribute(), self.nonce);
        if !extension.is_empty() {
            message.push_str(",d=");
            message.push_str(&BASE64.encode(extension));
        }
        let authenticated = format!("{},{message}", self.authenticated);
        let mut proof = hmac(&self.keys.stored, &[authenticated.as_bytes()]);
        proof.iter_mut().zip(self.keys.client).for_each(|(to, from)| *to ^= from);
        let server_signature = hmac(&self.keys.server, &[authenticated.as_bytes()]);
        message.push_str(",p=");
        message.push_str(&BASE64.encode(proof));
        (ClientProven { server_signature }, message)
    }
}

impl ClientProven {
    /// Reads the server-final-message: whether the server knows the verifier of our secret.
    ///
    /// # Errors
    /// Malformed, or it does not.
    pub fn on_server_final(self, text: &str) -> Result<(), ScramError> {
        let signature = decode(Attributes::of(text)?.take('v')?)?;
        if bool::from(signature.ct_eq(&self.server_signature)) { Ok(()) } else { Err(ScramError::Proof) }
    }
}

/// A server that has read the client's first message.
pub struct ServerFirst {
    /// Whom the client says it is.
    pub user: String,
    bare: String,
    nonce: String,
    binding: Binding,
}

/// A server that has sent its challenge.
pub struct ServerChallenged {
    verifier: Verifier,
    nonce: String,
    authenticated: String,
    binding: Binding,
}

impl ServerFirst {
    /// Reads the client-first-message.
    ///
    /// # Errors
    /// Malformed, or without the binding that this channel has.
    pub fn read(text: &str, binding: Binding) -> Result<Self, ScramError> {
        let bare =
            text.strip_prefix(binding.header).ok_or(ScramError::Shape("it is not bound to the channel"))?;
        let mut attributes = Attributes::of(bare)?;
        let user = attributes.take('n')?.to_owned();
        let nonce = attributes.take('r')?;
        if nonce.len() < 16 {
            return Err(ScramError::Shape("the nonce is too short"));
        }
        Ok(Self { user, bare: bare.into(), nonce: nonce.into(), binding })
    }

    /// Makes the server-first-message, with `extension` in its `d` attribute unless it is empty.
    pub fn challenge(self, verifier: &Verifier, nonce: &str, extension: &[u8]) -> (ServerChallenged, String) {
        let nonce = format!("{}{nonce}", self.nonce);
        let mut message = format!("r={nonce},s={},i={}", verifier.salt, verifier.iterations);
        if !extension.is_empty() {
            message.push_str(",d=");
            message.push_str(&BASE64.encode(extension));
        }
        let authenticated = format!("{},{message}", self.bare);
        (
            ServerChallenged { verifier: verifier.clone(), nonce, authenticated, binding: self.binding },
            message,
        )
    }
}

impl ServerChallenged {
    /// Judges the client-final-message; gives the server-final-message and the bytes of the `d` attribute.
    ///
    /// # Errors
    /// Malformed, bound to another channel, or without the secret.
    pub fn on_client_final(self, text: &str) -> Result<(String, Vec<u8>), ScramError> {
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(ScramError::Shape("it has no proof"))?;
        let mut attributes = Attributes::of(without_proof)?;
        let binding = attributes.take('c')?;
        let nonce = attributes.take('r')?;
        let extension = attributes.extension()?;
        if nonce != self.nonce {
            return Err(ScramError::Shape("another nonce"));
        }
        if !bool::from(binding.as_bytes().ct_eq(self.binding.attribute().as_bytes())) {
            return Err(ScramError::Binding);
        }
        let stored = decode(&self.verifier.stored_key)?;
        let server_key = decode(&self.verifier.server_key)?;
        let authenticated = format!("{},{without_proof}", self.authenticated);
        let signature = hmac(&stored, &[authenticated.as_bytes()]);
        let mut client_key = Zeroizing::new(decode(proof)?);
        if client_key.len() != signature.len() {
            return Err(ScramError::Shape("the proof"));
        }
        client_key.iter_mut().zip(signature).for_each(|(to, from)| *to ^= from);
        if !bool::from(Sha256::digest(&*client_key).as_slice().ct_eq(&stored)) {
            return Err(ScramError::Proof);
        }
        let server_signature = hmac(&server_key, &[authenticated.as_bytes()]);
        Ok((format!("v={}", BASE64.encode(server_signature)), extension))
    }
}

/// The comma-separated attributes of a message, taken in their order.
struct Attributes<'t> {
    rest: Option<&'t str>,
}

impl<'t> Attributes<'t> {
    fn of(text: &'t str) -> Result<Self, ScramError> {
        if text.len() > MESSAGE_BYTES_MAX {
            return Err(ScramError::Shape("it is too long"));
        }
        Ok(Self { rest: Some(text) })
    }

    fn take(&mut self, letter: char) -> Result<&'t str, ScramError> {
        let text = self.next().ok_or(ScramError::Shape("an attribute is missing"))?;
        let value = text.strip_prefix(letter).and_then(|text| text.strip_prefix('='));
        value.filter(|value| !value.is_empty()).ok_or(ScramError::Shape("an attribute is missing"))
    }

    /// The bytes of `d`, empty without one; unknown optional attributes are skipped.
    fn extension(&mut self) -> Result<Vec<u8>, ScramError> {
        while let Some(text) = self.next() {
            if let Some(value) = text.strip_prefix("d=") {
                return decode(value);
            }
        }
        Ok(Vec::new())
    }

    fn next(&mut self) -> Option<&'t str> {
        let text = self.rest?;
        let (one, rest) = match text.split_once(',') {
            Some((one, rest)) => (one, Some(rest)),
            None => (text, None),
        };
        self.rest = rest;
        Some(one)
    }
}

fn decode(text: &str) -> Result<Vec<u8>, ScramError> {
    BASE64.decode(text).map_err(|_| ScramError::Shape("base64"))
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests;
