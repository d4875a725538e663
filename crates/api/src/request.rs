//! What commands ask for. A request is named after its command; `…Request` where a view has the same word.

mod dns;
mod history;
mod member;
mod pool;
mod profile;
mod provider;

pub use dns::*;
pub use history::*;
pub use member::*;
pub use pool::*;
pub use profile::*;
pub use provider::*;

macro_rules! bare {
    ($($(#[$doc:meta])* $name:ident;)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name {}
    )+ };
}
pub(crate) use bare;
