//! How people name things: by name, by id, or by the id's first eight digits.

use std::fmt;

use model::{IncidentId, MemberId, PoolId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

macro_rules! references {
    ($($(#[$doc:meta])* $name:ident -> $id:ty;)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
        #[ts(as = "String")]
        pub struct $name(pub String);

        impl $name {
            /// Whether this text means the thing with `id` and `name`.
            pub fn means(&self, id: &$id, name: &str) -> bool {
                self.0 == name || self.0 == id.to_string() || self.0 == id.short()
            }
        }

        impl From<$id> for $name {
            fn from(id: $id) -> Self {
                Self(id.to_string())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+ };
}

references! {
    /// A pool as named by a person: its name, its id, or the id's first eight digits.
    PoolRef -> PoolId;
    /// A member as named by a person.
    MemberRef -> MemberId;
    /// An incident as named by a person; its id or the first eight digits.
    IncidentRef -> IncidentId;
}

/// The name of a DNS provider's entry in this profile; unique, chosen by the operator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[ts(as = "String")]
pub struct ProviderName(pub String);

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
