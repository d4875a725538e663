//! The three checks on every connection of a member, each with its own answer: key known (401), source address allowed
//! (403), hostname equal (403). The words name both sides, so that whoever reads them knows what to change where.

use std::net::IpAddr;

use model::MemberId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::docs::{MemberEntry, Roster};
use crate::key::PublicKey;
use crate::sources::{in_words, unmapped};

/// What kind of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub enum Status {
    /// 401: the credential is unknown.
    Unknown,
    /// 403: it is known, but not from here, or not under this name.
    Forbidden,
    /// 409: it was used already, or contradicts what is kept.
    Conflict,
    /// 429: too much at once.
    TooMany,
}

impl From<Status> for u16 {
    fn from(status: Status) -> Self {
        match status {
            Status::Unknown => 401,
            Status::Forbidden => 403,
            Status::Conflict => 409,
            Status::TooMany => 429,
        }
    }
}

impl TryFrom<u16> for Status {
    type Error = String;
    fn try_from(code: u16) -> Result<Self, String> {
        match code {
            401 => Ok(Self::Unknown),
            403 => Ok(Self::Forbidden),
            409 => Ok(Self::Conflict),
            429 => Ok(Self::TooMany),
            other => Err(format!("{other} is no status of ours")),
        }
    }
}

/// What an operator could change so that the refused one gets in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Offer {
    /// Allow this source too.
    AllowSource(IpAddr),
    /// Take this hostname as the member's.
    AcceptHostname(String),
}

/// A refusal, in words that name both sides.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[error("{message} ({})", u16::from(*status))]
pub struct Refusal {
    /// What kind.
    pub status: Status,
    /// For people.
    pub message: String,
    /// What would let it in.
    #[serde(default)]
    pub offer: Option<Offer>,
}

impl Refusal {
    /// A refusal without an offer.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), offer: None }
    }
}

/// Checks a member's connection against the roster: the key it proved, the socket's peer address, the hostname it says.
///
/// # Errors
/// 401 for a key that the roster does not hold, 403 for the source, 403 for the hostname.
pub fn check_member<'r>(
    roster: &'r Roster,
    key: &PublicKey,
    source: IpAddr,
    hostname: &str,
) -> Result<&'r MemberEntry, Refusal> {
    let entry = known_member(roster, key)?;
    check_source(&entry.sources, source, &entry.name)?;
    check_hostname(&entry.hostname, hostname)?;
    Ok(entry)
}

/// What is taken from a member over its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Everything that a peer may send.
    All,
    /// Its heartbeats alone: its source is not in its list, as the words say, and its pool lets addresses change.
    HeartbeatsAlone(String),
}

/// As [`check_member`], but a source outside the list is no refusal where `follows` says that the member's address may
/// change by itself. Key and hostname are never waived.
///
/// # Errors
/// As [`check_member`].
pub fn check_roaming_member<'r>(
    roster: &'r Roster,
    key: &PublicKey,
    source: IpAddr,
    hostname: &str,
    follows: impl FnOnce(MemberId) -> bool,
) -> Result<(&'r MemberEntry, Taken), Refusal> {
    let entry = known_member(roster, key)?;
    let taken = match check_source(&entry.sources, source, &entry.name) {
        Ok(()) => Taken::All,
        Err(refusal) if follows(entry.id) => Taken::HeartbeatsAlone(format!(
            "{}; dynamic DNS is on, so heartbeats that declare {} are taken, and nothing else",
            refusal.message,
            unmapped(source)
        )),
        Err(refusal) => return Err(refusal),
    };
    check_hostname(&entry.hostname, hostname)?;
    Ok((entry, taken))
}

/// The first check alone: whose key this is.
///
/// # Errors
/// 401, with other words for a member that was removed.
pub fn known_member<'r>(roster: &'r Roster, key: &PublicKey) -> Result<&'r MemberEntry, Refusal> {
    if let Some(entry) = roster.members.iter().find(|entry| entry.key == *key) {
        return Ok(entry);
    }
    let print = key.fingerprint();
    if let Some(removed) = roster.removed.iter().find(|removed| removed.key == *key) {
        let words = format!(
            "key {print} belonged to {}, which was removed from this fleet; enrol it again with a new secret",
            removed.name
        );
        return Err(Refusal::new(Status::Unknown, words));
    }
    let words = format!(
        "key {print} is not in roster {} of this fleet; enrol this member with the 48-character secret",
        roster.version
    );
    Err(Refusal::new(Status::Unknown, words))
}

/// The second check alone.
///
/// # Errors
/// 403, with the offer to allow the source too.
pub fn check_source(allowed: &[crate::sources::Source], source: IpAddr, name: &str) -> Result<(), Refusal> {
    let source = unmapped(source);
    if allowed.iter().any(|one| one.covers(source)) {
        return Ok(());
    }
    Err(Refusal {
        status: Status::Forbidden,
        message: format!("source {source} is not among allowed {} of {name}", in_words(allowed)),
        offer: Some(Offer::AllowSource(source)),
    })
}

/// The third check alone. Hostnames are compared without regard to case and a trailing dot.
///
/// # Errors
/// 403, with the offer to take the name.
pub fn check_hostname(enrolled: &str, said: &str) -> Result<(), Refusal> {
    let plain = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
    if plain(enrolled) == plain(said) {
        return Ok(());
    }
    let said: String =
        said.chars().filter(|c| !c.is_control()).take(crate::limits::HOSTNAME_BYTES_MAX).collect();
    Err(Refusal {
        status: Status::Forbidden,
        message: format!(
            "agent says {said}, enrolled as {enrolled}; set BALCTL_HOSTNAME={enrolled} on the member or accept {said}"
        ),
        offer: Some(Offer::AcceptHostname(said)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::Removed;
    use crate::docs::tests::{member, member_key, roster_of};

    #[test]
    fn each_check_has_its_own_answer_and_names_both_sides() {
        let mut roster = roster_of(vec![member(1)]);
        let key = member_key(1).public();
        let home: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        assert_eq!(check_member(&roster, &key, home, "EDGE-1.").unwrap().id, member(1).id);

        let stranger = check_member(&roster, &member_key(2).public(), home, "edge-1").unwrap_err();
        assert_eq!(stranger.status, Status::Unknown);
        assert!(stranger.message.contains("is not in roster 1"), "{stranger}");

        let away = check_member(&roster, &key, "10.0.0.4".parse().unwrap(), "edge-1").unwrap_err();
        assert_eq!(away.status, Status::Forbidden);
        assert_eq!(away.to_string(), "source 10.0.0.4 is not among allowed 10.0.0.1 of edge-1 (403)");
        assert_eq!(away.offer, Some(Offer::AllowSource("10.0.0.4".parse().unwrap())));

        let renamed = check_member(&roster, &key, home, "web-1\n").unwrap_err();
        assert_eq!(
            renamed.message,
            "agent says web-1, enrolled as edge-1; set BALCTL_HOSTNAME=edge-1 on the member or accept web-1"
        );

        roster.members.clear();
        roster.removed.push(Removed { key, name: "edge-1".into() });
        let removed = check_member(&roster, &key, home, "edge-1").unwrap_err();
        assert_eq!(removed.status, Status::Unknown);
        assert!(removed.message.contains("edge-1, which was removed from this fleet"), "{removed}");
    }

    #[test]
    fn a_member_that_may_roam_gives_heartbeats_alone_and_its_key_and_name_still_count() {
        let roster = roster_of(vec![member(1)]);
        let key = member_key(1).public();
        let away: IpAddr = "10.0.0.4".parse().unwrap();
        let check = |key: &PublicKey, source, hostname, follows| {
            check_roaming_member(&roster, key, source, hostname, |_| follows).map(|(_, taken)| taken)
        };
        assert_eq!(check(&key, "10.0.0.1".parse().unwrap(), "edge-1", true), Ok(Taken::All));
        let words = "source 10.0.0.4 is not among allowed 10.0.0.1 of edge-1; dynamic DNS is on, so heartbeats \
                     that declare 10.0.0.4 are taken, and nothing else";
        assert_eq!(check(&key, away, "edge-1", true), Ok(Taken::HeartbeatsAlone(words.into())));
        let refused = check(&key, away, "edge-1", false).unwrap_err();
        assert_eq!(refused.offer, Some(Offer::AllowSource(away)));
        assert_eq!(check(&key, away, "web-1", true).unwrap_err().status, Status::Forbidden);
        assert_eq!(check(&member_key(2).public(), away, "edge-1", true).unwrap_err().status, Status::Unknown);
    }

    #[test]
    fn a_status_crosses_the_wire_as_its_number() {
        assert_eq!(serde_json::to_string(&Status::TooMany).unwrap(), "429");
        assert_eq!(serde_json::from_str::<Status>("403").unwrap(), Status::Forbidden);
        assert!(serde_json::from_str::<Status>("200").is_err());
    }
}
