//! Readings of the register and what they say about the newest epoch this console believes in (rule c).
//!
//! One odd reading only triggers a second one; two equal odd readings 5 s apart are a change made by others. A reading
//! of the marker that was just replaced is a lagging replica for a minute, not a rollback.

use std::net::Ipv4Addr;

use model::marker::Short8;
use model::{Marker, Span, Time};

use crate::io::{DnsFault, MarkerText, Reading};

/// Two equal odd readings this far apart are believed.
pub(crate) const ODD_APART: Span = Span::from_s(5);
/// How long the marker before the newest may still be read.
const LAG: Span = Span::from_s(60);
/// A question without an answer for this long counts as unanswered.
const UNANSWERED: Span = Span::from_s(8);
/// Two readings are at least this far apart.
const BREATH: Span = Span::from_ms(100);
/// After a first unanswered question the next one follows soon.
const RETRY: Span = Span::from_s(2);

/// What the newest reading means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// Not read yet.
    Unread,
    /// Record and marker are what the newest epoch says.
    Equal,
    /// A replica still shows what stood before the newest write.
    Lagging,
    /// A newer marker of this fleet stands there.
    Newer,
    /// Nothing of ours stands there and nothing is expected.
    NotAdopted,
    /// Something else.
    Odd(Odd),
}

/// How a reading differs from the newest epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Odd {
    Edited,
    MarkerEdited,
    Deleted,
    MarkerDeleted,
    Doubled,
    Cname,
    RolledBack,
    OtherFleet,
}

impl Odd {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Edited => "edited: the A record is not the address that the marker names",
            Self::MarkerEdited => "edited: the marker is not the one that the newest epoch wrote",
            Self::Deleted => "deleted: no A record stands at the name",
            Self::MarkerDeleted => "deleted: no marker stands beside the record",
            Self::Doubled => "doubled: more than one A record or marker stands there",
            Self::Cname => "edited: a CNAME stands at the name",
            Self::RolledBack => "rolled back by the provider: an older marker stands there again",
            Self::OtherFleet => "edited: the marker belongs to another fleet",
        }
    }
}

#[derive(Clone, Debug)]
struct Suspicion {
    reading: Reading,
    first: Time,
    confirmed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Register {
    fleet: Short8,
    latest: Option<Reading>,
    view: View,
    /// What stood before the newest write, and until when it may still be read.
    prior: Option<(Marker, Time)>,
    suspicion: Option<Suspicion>,
    /// Readings equal to the newest epoch, without a break.
    equal_since: Option<Time>,
    in_flight: Option<Time>,
    asked_at: Option<Time>,
    pub(crate) next: Time,
    failures: u32,
    last_fault: Option<String>,
    refused: Option<String>,
    /// Since when an open intent has been the excuse for a difference.
    excused_since: Option<Time>,
}

impl Register {
    pub(crate) const fn new(fleet: Short8, now: Time) -> Self {
        Self {
            fleet,
            latest: None,
            view: View::Unread,
            prior: None,
            suspicion: None,
            equal_since: None,
            in_flight: None,
            asked_at: None,
            next: now,
            failures: 0,
            last_fault: None,
            refused: None,
            excused_since: None,
        }
    }

    pub(crate) const fn view(&self) -> View {
        self.view
    }

    pub(crate) const fn latest(&self) -> Option<&Reading> {
        self.latest.as_ref()
    }

    /// Why the newest question brought no reading, if it did not.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.refused.as_deref().or(self.last_fault.as_deref())
    }

    /// The marker of the newest reading, if exactly one of ours stands there beside one A record.
    pub(crate) fn marker(&self) -> Option<&Marker> {
        only_marker(self.latest.as_ref()?).filter(|marker| marker.fleet == self.fleet)
    }

    /// What a person's decision about a changed record may replace: one A record, and beside it one marker of ours or
    /// no text at all.
    ///
    /// # Errors
    ///
    /// What stands in the way, and the way out.
    pub(crate) fn settleable(&self) -> Result<(Ipv4Addr, Option<&Marker>), String> {
        let reading = self.latest.as_ref().ok_or("the record has not been read yet")?;
        if reading.cname {
            return Err("a CNAME stands at the name: delete it at the DNS provider first".to_owned());
        }
        let address = match reading.a.as_slice() {
            [one] => *one,
            [] => {
                let way = "`serversctl dns adopt` with the member that should be active creates it";
                return Err(format!("no A record stands at the name: {way}"));
            }
            several => {
                let count = several.len();
                return Err(format!(
                    "{count} A records stand at the name: delete all but one at the DNS provider first"
                ));
            }
        };
        match reading.markers.as_slice() {
            [] => Ok((address, None)),
            [MarkerText::Marker(marker)] if marker.fleet == self.fleet => Ok((address, Some(marker))),
            [MarkerText::Marker(_)] => {
                let way = "`serversctl dns adopt --take-over` takes it from that fleet";
                Err(format!("the marker belongs to another fleet: {way}"))
            }
            [MarkerText::Foreign(_)] => {
                let way = "delete it at the DNS provider, or replace a damaged marker by `serversctl dns adopt --take-over`";
                Err(format!("a text that is no marker stands at the marker's name: {way}"))
            }
            several => {
                let way = "delete those that are not ours at the DNS provider, all of them if in doubt, and decide again";
                Err(format!("{} texts stand at the marker's name: {way}", several.len()))
            }
        }
    }

    /// When the newest reading was asked for.
    pub(crate) fn asked(&self) -> Option<Time> {
        self.latest.as_ref().map(|reading| reading.asked)
    }

    pub(crate) const fn is_asking(&self) -> bool {
        self.in_flight.is_some()
    }

    /// Notes that a question goes out now; the next one follows after `rhythm`.
    pub(crate) fn ask(&mut self, now: Time, rhythm: Span) {
        self.in_flight = Some(now);
        self.asked_at = Some(now);
        self.next = now + rhythm;
    }

    /// When the last question went out, answered or not.
    pub(crate) const fn asked_at(&self) -> Option<Time> {
        self.asked_at
    }

    /// Wants the next reading at `at`, or soon after the newest one: no two in one breath.
    pub(crate) fn want(&mut self, at: Time) {
        let soonest = self.asked().map_or(at, |asked| at.max(asked + BREATH));
        self.next = self.next.min(soonest);
    }

    /// A question that stayed without an answer counts as a failure.
    pub(crate) fn on_tick(&mut self, now: Time) {
        if self.in_flight.is_some_and(|asked| now - asked >= UNANSWERED) {
            self.on_fault(now, DnsFault::Unreachable("no answer within 8 s".to_owned()));
        }
    }

    /// When an open question counts as unanswered.
    pub(crate) fn unanswered_at(&self) -> Option<Time> {
        self.in_flight.map(|asked| asked + UNANSWERED)
    }

    pub(crate) fn on_fault(&mut self, now: Time, fault: DnsFault) {
        self.in_flight = None;
        match fault {
            DnsFault::Unreachable(words) => {
                self.failures = self.failures.saturating_add(1);
                self.last_fault = Some(words);
                if self.failures == 1 {
                    self.want(now + RETRY);
                }
            }
            DnsFault::Refused(words) => self.refused = Some(words),
        }
    }

    /// Takes a reading in. `explained` says whether an open intent explains a difference.
    pub(crate) fn on_reading(
        &mut self,
        now: Time,
        reading: Reading,
        mine: Option<&Marker>,
        explained: impl FnOnce(&Reading) -> bool,
    ) -> bool {
        if self.latest.as_ref().is_some_and(|latest| reading.asked < latest.asked) || reading.asked > now {
            return false;
        }
        self.in_flight = None;
        self.failures = 0;
        self.last_fault = None;
        self.refused = None;
        let view = self.classify(now, &reading, mine);
        let odd = matches!(view, View::Odd(_)) && !self.is_excused(view, &reading, explained);
        self.suspect(&reading, odd);
        self.equal_since = match (view, self.equal_since) {
            (View::Equal, None) => Some(reading.asked),
            (View::Equal, since) => since,
            _ => None,
        };
        self.view = if odd || !matches!(view, View::Odd(_)) { view } else { View::Lagging };
        self.latest = Some(reading);
        true
    }

    /// An open intent explains a difference as long as a replica may lag, and no rollback at all: what has come to
    /// stay is a change.
    fn is_excused(
        &mut self,
        view: View,
        reading: &Reading,
        explained: impl FnOnce(&Reading) -> bool,
    ) -> bool {
        let excusable = !matches!(view, View::Odd(Odd::RolledBack)) && explained(reading);
        if !matches!(view, View::Odd(_)) || !excusable {
            self.excused_since = None;
            return false;
        }
        let since = *self.excused_since.get_or_insert(reading.asked);
        reading.asked - since < LAG
    }

    fn suspect(&mut self, reading: &Reading, odd: bool) {
        if !odd {
            self.suspicion = None;
            return;
        }
        match &mut self.suspicion {
            Some(before) if same(&before.reading, reading) => {
                before.confirmed |= reading.asked - before.first >= ODD_APART;
            }
            slot => {
                *slot = Some(Suspicion { reading: reading.clone(), first: reading.asked, confirmed: false });
            }
        }
        if let Some(open) = self.suspicion.as_ref().filter(|open| !open.confirmed) {
            let second = open.first + ODD_APART;
            self.want(second);
        }
    }

    /// The newest marker changed: the latest reading means something else now.
    pub(crate) fn believe(&mut self, now: Time, before: Option<Marker>, mine: Option<&Marker>) {
        if let Some(before) = before {
            self.prior = Some((before, now + LAG));
        }
        self.suspicion = None;
        self.equal_since = None;
        self.view = match &self.latest {
            Some(reading) => self.classify(now, reading, mine),
            None => View::Unread,
        };
        if matches!(self.view, View::Odd(_)) {
            // Read before the change: it only asks for another look.
            self.view = View::Lagging;
            self.want(now);
        }
    }

    fn classify(&self, now: Time, reading: &Reading, mine: Option<&Marker>) -> View {
        let ours = only_marker(reading).filter(|marker| marker.fleet == self.fleet);
        let Some(mine) = mine else {
            return if ours.is_some() { View::Newer } else { View::NotAdopted };
        };
        if reading.cname {
            return View::Odd(Odd::Cname);
        }
        if reading.a.len() > 1 || reading.markers.len() > 1 {
            return View::Odd(Odd::Doubled);
        }
        let Some(address) = reading.a.first() else { return View::Odd(Odd::Deleted) };
        let read = match reading.markers.first() {
            None => return View::Odd(Odd::MarkerDeleted),
            Some(MarkerText::Foreign(_)) => return View::Odd(Odd::MarkerEdited),
            Some(MarkerText::Marker(read)) if read.fleet != self.fleet => return View::Odd(Odd::OtherFleet),
            Some(MarkerText::Marker(read)) => read,
        };
        if read.epoch > mine.epoch {
            return View::Newer;
        }
        let lagging = self.prior.as_ref().is_some_and(|(prior, until)| prior == read && now < *until);
        if lagging && *address == read.address {
            return View::Lagging;
        }
        match () {
            () if read.epoch < mine.epoch => View::Odd(Odd::RolledBack),
            () if read != mine => View::Odd(Odd::MarkerEdited),
            () if *address != mine.address => View::Odd(Odd::Edited),
            () => View::Equal,
        }
    }

    /// The difference that two readings confirmed.
    pub(crate) fn changed(&self) -> Option<Odd> {
        let confirmed = self.suspicion.as_ref().is_some_and(|open| open.confirmed);
        let View::Odd(odd) = self.view else { return None };
        confirmed.then_some(odd)
    }

    /// Two readings equal to the newest epoch, 5 s apart.
    pub(crate) fn settled(&self) -> bool {
        let since = self.equal_since.zip(self.asked());
        since.is_some_and(|(first, last)| last - first >= ODD_APART)
    }

    /// Why the provider cannot be used: two questions in a row without an answer.
    pub(crate) fn unreachable(&self) -> Option<&str> {
        self.last_fault.as_deref().filter(|_| self.failures >= 2)
    }

    pub(crate) fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// COLD: what was read before does not count any more.
    pub(crate) fn chill(&mut self, now: Time) {
        self.in_flight = None;
        self.failures = 0;
        self.last_fault = None;
        self.suspicion = None;
        self.equal_since = None;
        self.latest = None;
        self.view = View::Unread;
        self.next = now;
    }
}

fn only_marker(reading: &Reading) -> Option<&Marker> {
    match (reading.a.as_slice(), reading.markers.as_slice()) {
        ([_], [MarkerText::Marker(marker)]) if !reading.cname => Some(marker),
        _ => None,
    }
}

/// Equal in everything but the time.
fn same(a: &Reading, b: &Reading) -> bool {
    a.a == b.a && a.markers == b.markers && a.cname == b.cname
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;

    fn marker(epoch: u64, last: u8) -> Marker {
        Marker {
            fleet: Short8::of(&[1, 2, 3, 4]),
            epoch,
            address: Ipv4Addr::new(203, 0, 113, last),
            member: Short8::of(&[last, 0, 0, 0]),
            nonce: Short8::of(&[epoch as u8, 9, 9, 9]),
            previous: Short8::of(&[0; 4]),
            unknown: vec![],
        }
    }

    fn reading(at: u64, address: u8, markers: &[Marker]) -> Reading {
        Reading {
            asked: Time::from_ms(at),
            a: vec![Ipv4Addr::new(203, 0, 113, address)],
            markers: markers.iter().cloned().map(MarkerText::Marker).collect(),
            aaaa: false,
            cname: false,
        }
    }

    fn read(register: &mut Register, reading: Reading, mine: &Marker) -> View {
        let now = reading.asked + Span::from_ms(20);
        register.on_reading(now, reading, Some(mine), |_| false);
        register.view()
    }

    #[test]
    fn one_odd_reading_triggers_a_second_and_two_equal_ones_are_believed() {
        let mine = marker(4, 7);
        let mut register = Register::new(mine.fleet, Time::ZERO);
        assert_eq!(read(&mut register, reading(0, 7, from_ref(&mine)), &mine), View::Equal);
        let edited = reading(30_000, 8, from_ref(&mine));
        register.next = Time::from_ms(60_000);
        assert_eq!(read(&mut register, edited.clone(), &mine), View::Odd(Odd::Edited));
        assert_eq!(register.changed(), None);
        assert_eq!(register.next, Time::from_ms(35_000));
        read(&mut register, Reading { asked: Time::from_ms(34_999), ..edited.clone() }, &mine);
        assert_eq!(register.changed(), None);
        read(&mut register, Reading { asked: Time::from_ms(35_000), ..edited }, &mine);
        assert_eq!(register.changed(), Some(Odd::Edited));
        assert_eq!(read(&mut register, reading(36_000, 7, from_ref(&mine)), &mine), View::Equal);
        assert!(!register.settled());
        read(&mut register, reading(41_000, 7, from_ref(&mine)), &mine);
        assert!(register.settled());
    }

    #[test]
    fn each_change_has_its_name() {
        let mine = marker(4, 7);
        let mut register = Register::new(mine.fleet, Time::ZERO);
        let mut at = 0;
        let mut view = |mut reading: Reading| {
            at += 1_000;
            reading.asked = Time::from_ms(at);
            read(&mut register, reading, &mine)
        };
        assert_eq!(view(reading(0, 7, &[marker(5, 8)])), View::Newer);
        assert_eq!(view(reading(0, 7, &[marker(3, 7)])), View::Odd(Odd::RolledBack));
        assert_eq!(view(reading(0, 7, &[])), View::Odd(Odd::MarkerDeleted));
        assert_eq!(view(reading(0, 7, &[mine.clone(), marker(5, 8)])), View::Odd(Odd::Doubled));
        assert_eq!(view(Reading { a: vec![], ..reading(0, 7, from_ref(&mine)) }), View::Odd(Odd::Deleted));
        assert_eq!(view(Reading { cname: true, ..reading(0, 7, from_ref(&mine)) }), View::Odd(Odd::Cname));
        let other = Marker { fleet: Short8::of(&[9; 4]), ..mine.clone() };
        assert_eq!(view(reading(0, 7, &[other])), View::Odd(Odd::OtherFleet));
        let foreign = vec![MarkerText::Foreign("v=spf1".into())];
        assert_eq!(view(Reading { markers: foreign, ..reading(0, 7, &[]) }), View::Odd(Odd::MarkerEdited));
    }

    #[test]
    fn what_was_just_replaced_is_a_lagging_replica_for_a_minute() {
        let (old, mine) = (marker(4, 7), marker(5, 8));
        let mut register = Register::new(mine.fleet, Time::ZERO);
        read(&mut register, reading(0, 7, from_ref(&old)), &old);
        register.believe(Time::from_ms(100), Some(old.clone()), Some(&mine));
        assert_eq!(read(&mut register, reading(1_000, 7, from_ref(&old)), &mine), View::Lagging);
        assert_eq!(read(&mut register, reading(61_000, 7, &[old]), &mine), View::Odd(Odd::RolledBack));
    }

    #[test]
    fn answers_out_of_order_do_not_bring_the_past_back() {
        let mine = marker(4, 7);
        let mut register = Register::new(mine.fleet, Time::ZERO);
        read(&mut register, reading(2_000, 7, from_ref(&mine)), &mine);
        assert_eq!(read(&mut register, reading(1_000, 9, from_ref(&mine)), &mine), View::Equal);
    }
}
