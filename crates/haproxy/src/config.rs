//! Tolerant reader of `haproxy.cfg`.
//!
//! Two layers. A [`Document`] is one file as lines that are kept byte for byte, with the words HAProxy would see in
//! each and the sections they fall into; whatever is not understood stays where it is, so that an editor can stand
//! on it later. [`Facts`] is what the rest of the product asks a set of documents: who listens where, in which
//! mode, where the runtime socket is.
//!
//! It is tolerant on purpose. HAProxy itself decides whether a configuration is valid (`haproxy -c`), and what is
//! really loaded is known by its socket only. So nothing here fails: what cannot be read without running HAProxy
//! (environment variables, conditional blocks) is marked as such, and nobody may act upon it as if it were certain.

mod address;
mod document;
mod facts;
#[cfg(test)]
mod tests;
mod words;

pub use address::{Address, Host, Ports};
pub use document::{Certainty, Document, Keyword, Line, LineEnd, Section};
pub use facts::{Bind, Facts, Mode, Proxy, StatsLevel, StatsSocket};
pub use words::{Fault, Word};
