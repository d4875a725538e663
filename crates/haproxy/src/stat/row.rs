//! One line of `show stat` with types.

use super::{Column, Record, StatError, Table, bounded_text};

/// What a row describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// A frontend's totals.
    Frontend,
    /// A backend's totals.
    Backend,
    /// One server.
    Server,
    /// One `bind` line (only with `option socket-stats`).
    Listener,
}

/// The status word, classified by its prefix: what follows it (counts, sources) differs between versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerStatus {
    /// A frontend or listener that accepts.
    Open,
    /// A listener at its limit.
    Full,
    /// A listener that waits for others' limits.
    Waiting,
    /// A frontend that was paused.
    Paused,
    /// A frontend that was stopped.
    Stopped,
    /// Up.
    Up,
    /// Up, with failed checks on the way down (`UP 1/3`).
    GoingDown,
    /// Down.
    Down,
    /// Down, with good checks on the way up (`DOWN 1/2`).
    ComingUp,
    /// Says by itself that it wants no new sessions.
    NoLoadBalancing,
    /// In drain.
    Drain,
    /// In maintenance.
    Maintenance,
    /// Runs without a health check.
    Unchecked,
    /// A word this version does not know.
    Unknown,
}

impl ServerStatus {
    /// Classifies HAProxy's word.
    #[must_use]
    pub fn of(word: &str) -> Self {
        let (head, tail) = word.split_once(' ').unwrap_or((word, ""));
        let on_the_way = tail.starts_with(|first: char| first.is_ascii_digit());
        match (head, on_the_way) {
            ("OPEN", _) => Self::Open,
            ("FULL", _) => Self::Full,
            ("WAITING", _) => Self::Waiting,
            ("PAUSED", _) => Self::Paused,
            ("STOP", _) => Self::Stopped,
            ("UP", false) => Self::Up,
            ("UP", true) => Self::GoingDown,
            ("DOWN", false) => Self::Down,
            ("DOWN", true) => Self::ComingUp,
            ("NOLB", _) => Self::NoLoadBalancing,
            ("DRAIN", _) => Self::Drain,
            ("MAINT", _) => Self::Maintenance,
            ("no", _) if tail == "check" => Self::Unchecked,
            _ => Self::Unknown,
        }
    }
}

/// What the health check of a server said last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Check {
    /// HAProxy's word, for example `L7OK`; the mark of a running check is taken off.
    pub status: String,
    /// The code, for example an HTTP status.
    pub code: Option<u64>,
    /// How long the check took.
    pub duration_ms: Option<u64>,
    /// What the server answered, as HAProxy keeps it.
    pub last: String,
    /// HAProxy's words for the status.
    pub description: String,
    /// Good checks that bring it up.
    pub rise: Option<u64>,
    /// Failed checks that take it down.
    pub fall: Option<u64>,
    /// Position between 0 and `rise + fall - 1`; up from `rise` on.
    pub health: Option<u64>,
}

/// HTTP answers by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Responses {
    /// 1xx.
    pub informational: u64,
    /// 2xx.
    pub ok: u64,
    /// 3xx.
    pub redirect: u64,
    /// 4xx.
    pub client_error: u64,
    /// 5xx.
    pub server_error: u64,
    /// Anything else.
    pub other: u64,
}

/// Averages over the last 1024 sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// In the queue.
    pub queue_ms: Option<u64>,
    /// Until connected.
    pub connect_ms: Option<u64>,
    /// Until the answer.
    pub response_ms: Option<u64>,
    /// In total.
    pub total_ms: Option<u64>,
}

/// One frontend, backend, server or listener. Counters that a version or a kind of row does not have are zero
/// where zero says the same, and `None` where it would not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The proxy it belongs to.
    pub proxy: String,
    /// `FRONTEND`, `BACKEND`, or the name of the server or listener.
    pub name: String,
    /// What it is.
    pub kind: RowKind,
    /// Its status, classified.
    pub status: ServerStatus,
    /// Its status in HAProxy's words.
    pub status_text: String,
    /// `tcp`, `http` or another mode; empty in versions that do not say.
    pub mode: String,
    /// The balancing algorithm of a backend.
    pub algorithm: String,
    /// Address of a server or listener; empty when the socket's level hides it.
    pub address: String,
    /// Sessions now.
    pub sessions: u64,
    /// Most sessions at one time.
    pub sessions_max: u64,
    /// Limit of sessions.
    pub sessions_limit: Option<u64>,
    /// Sessions in all.
    pub sessions_total: u64,
    /// New sessions in the last second.
    pub session_rate: u64,
    /// HTTP requests in the last second.
    pub request_rate: Option<u64>,
    /// HTTP requests in all.
    pub requests_total: Option<u64>,
    /// Requests waiting for a server.
    pub queued: u64,
    /// Bytes in.
    pub in_bytes: u64,
    /// Bytes out.
    pub out_bytes: u64,
    /// Denied requests and answers.
    pub denied: u64,
    /// Faulty requests.
    pub request_errors: u64,
    /// Failed connections to servers.
    pub connect_errors: u64,
    /// Faulty answers.
    pub response_errors: u64,
    /// Retried connections.
    pub retries: u64,
    /// Sessions sent to another server.
    pub redispatches: u64,
    /// Effective weight.
    pub weight: Option<u64>,
    /// Active servers of a backend; 1 for an active server.
    pub active: u64,
    /// Backup servers of a backend; 1 for a backup server.
    pub backup: u64,
    /// Times it went down.
    pub downs: u64,
    /// Seconds since the status changed.
    pub changed_s: Option<u64>,
    /// Seconds spent down.
    pub downtime_s: Option<u64>,
    /// Percentage during slow start.
    pub throttle_percent: Option<u64>,
    /// The server whose checks it follows.
    pub tracked: String,
    /// HTTP answers by class, where HTTP is spoken.
    pub responses: Option<Responses>,
    /// Averages.
    pub times: Times,
    /// Health check of a server that has one.
    pub check: Option<Check>,
}

/// Reads a whole `show stat` answer.
///
/// # Errors
/// The text breaks one of the rules of [`super`].
pub fn rows(answer: &[u8]) -> Result<Vec<Row>, StatError> {
    let text = bounded_text(answer)?;
    let mut table = Table::open(&text)?;
    let columns = Columns::of(&table)?;
    let mut rows = Vec::new();
    while let Some(record) = table.next_record()? {
        rows.push(columns.row(&record)?);
    }
    Ok(rows)
}

pub(super) fn kind(record: &Record<'_, '_>, column: Column) -> Result<RowKind, StatError> {
    match record.text(column) {
        "0" => Ok(RowKind::Frontend),
        "1" => Ok(RowKind::Backend),
        "2" => Ok(RowKind::Server),
        "3" => Ok(RowKind::Listener),
        _ => Err(StatError::Kind { row: record.row() }),
    }
}

macro_rules! columns {
    (required { $($need:ident = $need_name:literal),* $(,)? } optional { $($may:ident = $may_name:literal),* $(,)? }) => {
        struct Columns { $($need: Column,)* $($may: Column,)* }

        impl Columns {
            fn of(table: &Table<'_>) -> Result<Self, StatError> {
                Ok(Self { $($need: table.require($need_name)?,)* $($may: table.column($may_name),)* })
            }
        }
    };
}

columns! {
    required {
        pxname = "pxname", svname = "svname", kind = "type", status = "status", scur = "scur", stot = "stot",
    }
    optional {
        mode = "mode", algo = "algo", addr = "addr", smax = "smax", slim = "slim", rate = "rate",
        req_rate = "req_rate", req_tot = "req_tot", qcur = "qcur", bin = "bin", bout = "bout", dreq = "dreq",
        dresp = "dresp", ereq = "ereq", econ = "econ", eresp = "eresp", wretr = "wretr", wredis = "wredis",
        weight = "weight", act = "act", bck = "bck", chkdown = "chkdown", lastchg = "lastchg",
        downtime = "downtime", throttle = "throttle", tracked = "tracked", hrsp_1xx = "hrsp_1xx",
        hrsp_2xx = "hrsp_2xx", hrsp_3xx = "hrsp_3xx", hrsp_4xx = "hrsp_4xx", hrsp_5xx = "hrsp_5xx",
        hrsp_other = "hrsp_other", qtime = "qtime", ctime = "ctime", rtime = "rtime", ttime = "ttime",
        check_status = "check_status", check_code = "check_code", check_duration = "check_duration",
        last_chk = "last_chk", check_desc = "check_desc", check_rise = "check_rise",
        check_fall = "check_fall", check_health = "check_health",
    }
}

impl Columns {
    fn row(&self, record: &Record<'_, '_>) -> Result<Row, StatError> {
        let owned = |column| record.text(column).to_owned();
        let count = |column| record.number(column).map(Option::unwrap_or_default);
        Ok(Row {
            proxy: owned(self.pxname),
            name: owned(self.svname),
            kind: kind(record, self.kind)?,
            status: ServerStatus::of(record.text(self.status)),
            status_text: owned(self.status),
            mode: owned(self.mode),
            algorithm: owned(self.algo),
            address: owned(self.addr),
            sessions: count(self.scur)?,
            sessions_max: count(self.smax)?,
            sessions_limit: record.number(self.slim)?,
            sessions_total: count(self.stot)?,
            session_rate: count(self.rate)?,
            request_rate: record.number(self.req_rate)?,
            requests_total: record.number(self.req_tot)?,
            queued: count(self.qcur)?,
            in_bytes: count(self.bin)?,
            out_bytes: count(self.bout)?,
            denied: count(self.dreq)?.saturating_add(count(self.dresp)?),
            request_errors: count(self.ereq)?,
            connect_errors: count(self.econ)?,
            response_errors: count(self.eresp)?,
            retries: count(self.wretr)?,
            redispatches: count(self.wredis)?,
            weight: record.number(self.weight)?,
            active: count(self.act)?,
            backup: count(self.bck)?,
            downs: count(self.chkdown)?,
            changed_s: record.number_or_never(self.lastchg)?,
            downtime_s: record.number_or_never(self.downtime)?,
            throttle_percent: record.number(self.throttle)?,
            tracked: owned(self.tracked),
            responses: self.responses(record)?,
            times: Times {
                queue_ms: record.number(self.qtime)?,
                connect_ms: record.number(self.ctime)?,
                response_ms: record.number(self.rtime)?,
                total_ms: record.number(self.ttime)?,
            },
            check: self.check(record)?,
        })
    }

    fn responses(&self, record: &Record<'_, '_>) -> Result<Option<Responses>, StatError> {
        if record.text(self.hrsp_2xx).is_empty() {
            return Ok(None);
        }
        let count = |column| record.number(column).map(Option::unwrap_or_default);
        Ok(Some(Responses {
            informational: count(self.hrsp_1xx)?,
            ok: count(self.hrsp_2xx)?,
            redirect: count(self.hrsp_3xx)?,
            client_error: count(self.hrsp_4xx)?,
            server_error: count(self.hrsp_5xx)?,
            other: count(self.hrsp_other)?,
        }))
    }

    fn check(&self, record: &Record<'_, '_>) -> Result<Option<Check>, StatError> {
        let status = record.text(self.check_status);
        if status.is_empty() {
            return Ok(None);
        }
        Ok(Some(Check {
            status: status.strip_prefix("* ").unwrap_or(status).to_owned(),
            code: record.number(self.check_code)?,
            duration_ms: record.number(self.check_duration)?,
            last: record.text(self.last_chk).to_owned(),
            description: record.text(self.check_desc).to_owned(),
            rise: record.number(self.check_rise)?,
            fall: record.number(self.check_fall)?,
            health: record.number(self.check_health)?,
        }))
    }
}
