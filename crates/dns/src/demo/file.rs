//! The zone on disk: one line per record, replaced as a whole, so that a kill at any moment leaves the old or the new.
//!
//! Each line is the record as people read it, a tab, and its wire form in hex, which is what is read back. The last
//! line counts them.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use hickory_proto::{
    rr::{LowerName, RData, Record, RecordType},
    serialize::binary::{BinDecodable, BinDecoder, BinEncodable},
};

use super::{
    DemoError,
    zone::{Records, Zone},
};

/// Far more than a demo zone holds; a larger file is not one of ours.
const FILE_SIZE_BYTES_MAX: u64 = 16 * 1024 * 1024;

#[derive(Clone)]
pub(super) struct ZoneFile {
    path: PathBuf,
}

impl ZoneFile {
    pub(super) fn new(directory: &Path) -> Self {
        Self { path: directory.join("zone") }
    }

    /// Reads the zone; `None` when none was ever saved.
    pub(super) fn load(&self, origin: &LowerName) -> Result<Option<Records>, DemoError> {
        let unreadable = |source| DemoError::Load { path: self.path.clone(), source };
        match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
            Ok(about) if about.len() > FILE_SIZE_BYTES_MAX => {
                return Err(unreadable(invalid("it is too large")));
            }
            Ok(_) => {}
        }
        let text = fs::read_to_string(&self.path).map_err(unreadable)?;
        parse(&text, origin).map(Some).map_err(unreadable)
    }

    /// Makes the records durable: written, synced, renamed, and the directory synced.
    pub(super) fn save(&self, records: &Records) -> Result<(), DemoError> {
        let failed = |source| DemoError::Save { path: self.path.clone(), source };
        let text = render(records).map_err(failed)?;
        let fresh = self.path.with_extension("new");
        let mut file = File::create(&fresh).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&fresh, &self.path).map_err(failed)?;
        if let Some(directory) = self.path.parent() {
            File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
        }
        Ok(())
    }
}

fn render(records: &Records) -> io::Result<String> {
    let mut text = String::new();
    let mut count = 0;
    for record in records.values().flat_map(|set| set.records_without_rrsigs()) {
        let bytes = record.to_bytes().map_err(io::Error::other)?;
        let shown = record.to_string().replace(['\t', '\n', '\r'], " ");
        let _ = write!(text, "{shown}\t");
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
        count += 1;
    }
    let _ = writeln!(text, "end\t{count}");
    Ok(text)
}

fn parse(text: &str, origin: &LowerName) -> io::Result<Records> {
    let mut zone = Zone { origin: origin.clone(), records: Records::new() };
    let mut count = 0_usize;
    let mut ended = false;
    for line in text.lines() {
        let (shown, machine) = line.rsplit_once('\t').ok_or_else(|| invalid("a line has no second part"))?;
        if shown == "end" {
            ended = machine == count.to_string();
            continue;
        }
        let bytes = unhex(machine).ok_or_else(|| invalid("a line is not hex"))?;
        let record = Record::<RData>::read(&mut BinDecoder::new(&bytes)).map_err(io::Error::other)?;
        let name = LowerName::new(&record.name);
        let kind = record.record_type();
        let mut all: Vec<RData> = zone
            .records
            .get(&hickory_proto::rr::RrKey::new(name.clone(), kind))
            .map(|set| set.records_without_rrsigs().map(|record| record.data.clone()).collect())
            .unwrap_or_default();
        all.push(record.data);
        zone.put(&name, kind, record.ttl, all);
        count += 1;
    }
    let soa = hickory_proto::rr::RrKey::new(origin.clone(), RecordType::SOA);
    if !ended || !zone.records.contains_key(&soa) {
        return Err(invalid("it is incomplete, or of another zone"));
    }
    Ok(zone.records)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits?;
    (digits.len() % 2 == 0).then(|| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn origin() -> LowerName {
        LowerName::new(&hickory_proto::rr::Name::from_ascii("example.com.").unwrap())
    }

    const GOOD: &str = "example.com. 60 IN SOA a. b. 1 2 3 4 5\t\
        076578616d706c6503636f6d0000060001000000\
        3c001a0161000162000000000100000002000000030000000400000005\nend\t1\n";

    #[test]
    fn a_stored_zone_survives_its_own_text_and_a_cut_one_is_refused() {
        let records = parse(GOOD, &origin()).unwrap();
        assert_eq!(parse(&render(&records).unwrap(), &origin()).unwrap(), records);
        let cut = GOOD.replace("end\t1\n", "");
        assert!(parse(&cut, &origin()).unwrap_err().to_string().contains("incomplete"));
        assert!(parse("end\t0\n", &origin()).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_files_are_read_or_refused(text in "([a-z. ]{0,8}\t[0-9a-f]{0,60}\n){0,4}(end\t[0-9]\n)?") {
            drop(parse(&text, &origin()));
        }
    }
}
