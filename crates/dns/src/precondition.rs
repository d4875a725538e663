//! What a write expects, compared with what was just read, for providers that cannot compare it themselves.

use std::net::Ipv4Addr;

/// What was read at one name, whatever a provider keeps beside it.
pub(crate) struct Seen<'a, A, T> {
    pub(crate) a: &'a [A],
    pub(crate) has_aaaa: bool,
    pub(crate) cname: Option<&'a str>,
    pub(crate) markers: &'a [T],
}

impl<'a, A, T> Seen<'a, A, T>
where
    for<'x> &'x A: Into<Ipv4Addr>,
    T: AsRef<str>,
{
    /// A is exactly this (or not there), nothing else at the label could answer instead of it, and the marker is exactly
    /// this (or not there).
    ///
    /// # Errors
    ///
    /// What differs, in words.
    pub(crate) fn require(
        &self,
        address: Option<Ipv4Addr>,
        marker: Option<&str>,
    ) -> Result<(Option<&'a A>, Option<&'a T>), String> {
        Ok((self.require_address(address)?, self.require_marker(marker)?))
    }

    fn require_address(&self, expect: Option<Ipv4Addr>) -> Result<Option<&'a A>, String> {
        if let Some(target) = self.cname {
            return Err(format!("the name is a CNAME to {target}"));
        }
        if self.has_aaaa {
            return Err("an AAAA record is there that this write requires to be absent".to_owned());
        }
        match (self.a, expect) {
            ([], None) => Ok(None),
            ([one], Some(expect)) if one.into() == expect => Ok(Some(one)),
            (found, expect) => {
                let found = list(found.iter().map(Into::into));
                let expect = list(expect.into_iter());
                Err(format!("A should be {expect} and is {found}"))
            }
        }
    }

    /// The marker is exactly this (or not there).
    ///
    /// # Errors
    ///
    /// What differs, in words.
    pub(crate) fn require_marker(&self, expect: Option<&str>) -> Result<Option<&'a T>, String> {
        match (self.markers, expect) {
            ([], None) => Ok(None),
            ([one], Some(expect)) if one.as_ref() == expect => Ok(Some(one)),
            ([], Some(_)) => Err("the marker is gone".to_owned()),
            ([_], _) => Err("another marker is there".to_owned()),
            (several, _) => Err(format!("{} markers are there where one belongs", several.len())),
        }
    }
}

fn list(addresses: impl Iterator<Item = Ipv4Addr>) -> String {
    let words: Vec<_> = addresses.map(|address| address.to_string()).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
