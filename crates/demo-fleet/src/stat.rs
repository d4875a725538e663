//! What a pretended HAProxy counts, and its answers on the runtime socket. The figures are made up; their form is not.

use std::fmt::Write as _;

/// Columns of `show stat`, in the order of HAProxy 2.6, as far as a screen shows them.
const COLUMNS: &str = "pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,\
                       weight,act,bck,chkfail,chkdown,lastchg,downtime,pid,iid,sid,tracked,type,rate,rate_max,\
                       check_status,check_code,check_duration,hrsp_2xx,hrsp_4xx,hrsp_5xx,req_rate,req_rate_max,req_tot,\
                       qtime,ctime,rtime,ttime,mode,algo,addr";
const BACKEND: &str = "web";
const SERVERS: [(&str, &str); 3] =
    [("web-1", "10.20.0.11:80"), ("web-2", "10.20.0.12:80"), ("web-3", "10.20.0.13:80")];
/// Sessions around which an active member wanders.
const BUSY: u64 = 180;
/// Bytes of a request and of its answer.
const IN_BYTES: u64 = 640;
const OUT_BYTES: u64 = 14_000;

/// Whether clients come to a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// They do: the record points at it.
    Here,
    /// They do not.
    #[default]
    Elsewhere,
}

/// Small steps up and down: spread is all that is asked of it.
#[derive(Clone, Debug)]
pub(crate) struct Wander(u64);

impl Wander {
    pub(crate) fn new(name: &str) -> Self {
        Self(
            name.bytes().fold(0x9E37_79B9_7F4A_7C15, |seed, byte| (seed ^ u64::from(byte)).wrapping_mul(31))
                | 1,
        )
    }

    /// A number below `below`.
    pub(crate) fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// One row of the table.
struct Line<'a> {
    proxy: &'a str,
    name: &'a str,
    kind: &'a str,
    status: &'a str,
    address: &'a str,
    /// Of how many rows it carries one part.
    parts: u64,
}

/// The counters of one worker.
#[derive(Clone, Debug)]
pub(crate) struct Counters {
    name: String,
    wander: Wander,
    up_s: u64,
    sessions: u64,
    sessions_max: u64,
    rate: u64,
    rate_max: u64,
    total: u64,
}

impl Counters {
    /// Those of a worker that just started.
    pub(crate) fn new(name: &str) -> Self {
        let wander = Wander::new(name);
        let name = name.to_owned();
        Self { name, wander, up_s: 0, sessions: 0, sessions_max: 0, rate: 0, rate_max: 0, total: 0 }
    }

    /// A second goes by.
    pub(crate) fn tick(&mut self, traffic: Traffic) {
        self.up_s += 1;
        match traffic {
            Traffic::Here => {
                let wanted = BUSY - 20 + self.wander.next(40);
                // Clients come by and by, as caches run out.
                self.sessions = (self.sessions * 3 + wanted).div_ceil(4);
                self.rate = self.sessions / 4 + self.wander.next(9);
            }
            Traffic::Elsewhere => {
                self.sessions = self.sessions * 3 / 4;
                self.rate = self.sessions / 4;
            }
        }
        self.total += self.rate;
        self.sessions_max = self.sessions_max.max(self.sessions);
        self.rate_max = self.rate_max.max(self.rate);
    }

    /// The answer to `show stat`.
    pub(crate) fn stat(&self) -> String {
        let mut text = format!("# {COLUMNS},\n");
        let front =
            Line { proxy: "http-in", name: "FRONTEND", kind: "0", status: "OPEN", address: "", parts: 1 };
        self.row(&mut text, &front);
        for (name, address) in SERVERS {
            let parts = SERVERS.len() as u64;
            self.row(&mut text, &Line { proxy: BACKEND, name, kind: "2", status: "UP", address, parts });
        }
        let back = Line { proxy: BACKEND, name: "BACKEND", kind: "1", status: "UP", address: "", parts: 1 };
        self.row(&mut text, &back);
        text.push('\n');
        text
    }

    fn row(&self, text: &mut String, line: &Line<'_>) {
        let kind = line.kind;
        let share = |number: u64| (number / line.parts).to_string();
        for column in COLUMNS.split(',') {
            let value = match column {
                "pxname" => line.proxy.to_owned(),
                "svname" => line.name.to_owned(),
                "type" => kind.to_owned(),
                "status" => line.status.to_owned(),
                "scur" => share(self.sessions),
                "smax" => share(self.sessions_max),
                "stot" | "req_tot" | "hrsp_2xx" => share(self.total),
                "rate" | "req_rate" => share(self.rate),
                "rate_max" | "req_rate_max" => share(self.rate_max),
                "bin" => share(self.total * IN_BYTES),
                "bout" => share(self.total * OUT_BYTES),
                "slim" if kind == "0" => "20000".to_owned(),
                "mode" => "http".to_owned(),
                "addr" => line.address.to_owned(),
                "algo" if kind == "1" => "roundrobin".to_owned(),
                "lastchg" if kind != "0" => self.up_s.to_string(),
                "act" | "weight" | "check_duration" if kind == "2" => "1".to_owned(),
                "act" | "weight" if kind == "1" => SERVERS.len().to_string(),
                "check_status" if kind == "2" => "L7OK".to_owned(),
                "check_code" if kind == "2" => "200".to_owned(),
                "ctime" if kind != "0" => "0".to_owned(),
                "rtime" if kind != "0" => "11".to_owned(),
                "ttime" if kind != "0" => "14".to_owned(),
                "qcur" | "qmax" | "dreq" | "dresp" | "ereq" | "econ" | "eresp" | "wretr" | "wredis"
                | "chkdown" | "downtime" | "hrsp_4xx" | "hrsp_5xx" => "0".to_owned(),
                _ => String::new(),
            };
            text.push_str(&value);
            text.push(',');
        }
        text.push('\n');
    }

    /// The answer to `show info`.
    pub(crate) fn info(&self, version: &str) -> String {
        let mut text = String::new();
        let pairs: [(&str, String); 9] = [
            ("Name", "HAProxy".to_owned()),
            ("Version", version.to_owned()),
            ("Uptime_sec", self.up_s.to_string()),
            ("Nbthread", "2".to_owned()),
            ("Maxconn", "20000".to_owned()),
            ("CurrConns", self.sessions.to_string()),
            ("CumConns", self.total.to_string()),
            ("SessRate", self.rate.to_string()),
            ("node", self.name.clone()),
        ];
        for (name, value) in pairs {
            // Writing into a text cannot fail.
            let _ = writeln!(text, "{name}: {value}");
        }
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_are_read_by_the_products_own_readers() {
        let mut counters = Counters::new("edge-1");
        for _ in 0..30 {
            counters.tick(Traffic::Here);
        }
        let stat = counters.stat();
        let totals = haproxy::stat::summarise(stat.as_bytes()).unwrap();
        assert_eq!((totals.servers_up, totals.servers_down, totals.backends_down), (3, 0, 0));
        assert!(totals.sessions > BUSY / 2 && totals.session_rate > 0, "{totals:?}");
        let rows = haproxy::stat::rows(stat.as_bytes()).unwrap();
        assert_eq!(rows.len(), 5);
        assert_eq!(rows[1].address, "10.20.0.11:80");
        let facts = haproxy::info::read(counters.info("2.6").as_bytes());
        assert_eq!((facts.version.as_str(), facts.uptime_s), ("2.6", Some(30)));
    }

    #[test]
    fn without_clients_the_sessions_run_out() {
        let mut counters = Counters::new("edge-1");
        counters.tick(Traffic::Here);
        for _ in 0..30 {
            counters.tick(Traffic::Elsewhere);
        }
        assert_eq!(haproxy::stat::summarise(counters.stat().as_bytes()).unwrap().sessions, 0);
    }
}
