//! Randomness from the operating system.

use model::Nonce;

/// Fills an array.
///
/// # Panics
/// When the operating system has no randomness: nothing here is safe without it.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

pub(crate) fn number() -> u64 {
    u64::from_be_bytes(bytes())
}

pub(crate) fn nonce() -> Nonce {
    Nonce::from_u64(number())
}
