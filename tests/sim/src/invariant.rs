//! The invariants of safety.md, section 8, that this code can break: each is a function with its own name.
//!
//! [`send`] holds what is checked when a console lets a write go, against what that console had been told
//! ([`crate::shadow`]). [`register`] holds what is checked when the register accepts one, against the truth.

pub mod register;
pub mod send;

/// Which invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "safety.md section 8 is their documentation")]
pub enum Invariant {
    I1,
    I2,
    I3,
    I4,
    I5,
    I6,
    I7,
    I8,
    I9,
    I10,
    I11,
    I12,
    I13,
    I14,
    I15,
    I16,
    I17,
    I18,
    I22,
    I29,
    /// No automatic write while most of the fleet seems to have fallen silent at once (safety.md 9.4, F21).
    FleetGuard,
    /// Nothing may panic: an assertion of the machine, or of the simulator itself.
    Panic,
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// How, in words.
    pub text: String,
}

impl Violation {
    /// A broken invariant with its words.
    pub fn new(invariant: Invariant, text: impl Into<String>) -> Self {
        Self { invariant, text: text.into() }
    }
}

/// What a check says.
pub type Check = Result<(), Violation>;
