//! Spoils recorded answers for tests: bytes flipped, dropped, cut off and put in.

use proptest::prelude::*;

/// One change of a text's bytes.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Flip(usize, u8),
    Cut(usize),
    Drop(usize, usize),
    Insert(usize, Vec<u8>),
}

/// Applies the changes in order.
pub(crate) fn mutated(body: &str, changes: &[Change]) -> Vec<u8> {
    let mut bytes = body.as_bytes().to_vec();
    for change in changes {
        let length = bytes.len().max(1);
        match change {
            Change::Flip(at, with) => {
                if let Some(byte) = bytes.get_mut(at % length) {
                    *byte ^= with;
                }
            }
            Change::Cut(at) => bytes.truncate(at % length),
            Change::Drop(at, count) => {
                let at = at % length;
                let end = (at + count).min(bytes.len());
                bytes.drain(at.min(end)..end);
            }
            Change::Insert(at, with) => {
                let at = (at % length).min(bytes.len());
                bytes.splice(at..at, with.iter().copied());
            }
        }
    }
    bytes
}

/// Any change; what is put in may be the secret itself, as a server echoes it.
pub(crate) fn change(secret: &'static str) -> impl Strategy<Value = Change> {
    let snippet = prop_oneof![
        Just(secret.as_bytes().to_vec()),
        Just(b"null".to_vec()),
        Just(b"\"errors\":[{\"code\":81044,\"message\":\"".to_vec()),
        Just(b"\"result\":\"0\",".to_vec()),
        Just(b"99999999999999999999".to_vec()),
        proptest::collection::vec(any::<u8>(), 1..8),
    ];
    prop_oneof![
        (any::<usize>(), 1..=255_u8).prop_map(|(at, with)| Change::Flip(at, with)),
        any::<usize>().prop_map(Change::Cut),
        (any::<usize>(), 1..40_usize).prop_map(|(at, count)| Change::Drop(at, count)),
        (any::<usize>(), snippet).prop_map(|(at, with)| Change::Insert(at, with)),
    ]
}
