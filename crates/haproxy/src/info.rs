//! Reader of HAProxy's `show info`.
//!
//! `Name: value` lines; which names there are differs by version, so nothing is required and unknown names are
//! kept out. A line that is no pair is skipped: the answer is for display and never decides.

/// Longest text that is read.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// What `show info` says, as far as it is shown somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessFacts {
    /// Version, for example `2.6.12-1+deb12u4`.
    pub version: String,
    /// Pid of the worker.
    pub pid: Option<u32>,
    /// Seconds since the worker started.
    pub uptime_s: Option<u64>,
    /// Threads.
    pub threads: Option<u32>,
    /// Limit of connections.
    pub connections_max: Option<u64>,
    /// Connections now.
    pub connections: Option<u64>,
    /// Connections in all.
    pub connections_total: Option<u64>,
    /// Requests in all.
    pub requests_total: Option<u64>,
    /// Sessions in the last second.
    pub session_rate: Option<u64>,
    /// Share of time spent waiting.
    pub idle_percent: Option<u32>,
    /// The node name it was given.
    pub node: String,
    /// Whether it is on its way out.
    pub stopping: bool,
}

/// Reads a `show info` answer; what lies beyond [`TEXT_BYTES_MAX`] is not looked at.
#[must_use]
pub fn read(answer: &[u8]) -> ProcessFacts {
    let text = String::from_utf8_lossy(&answer[..answer.len().min(TEXT_BYTES_MAX)]);
    let mut facts = ProcessFacts::default();
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match name {
            "Version" => value.clone_into(&mut facts.version),
            "Pid" => facts.pid = value.parse().ok(),
            "Uptime_sec" => facts.uptime_s = value.parse().ok(),
            "Nbthread" => facts.threads = value.parse().ok(),
            "Maxconn" => facts.connections_max = value.parse().ok(),
            "CurrConns" => facts.connections = value.parse().ok(),
            "CumConns" => facts.connections_total = value.parse().ok(),
            "CumReq" => facts.requests_total = value.parse().ok(),
            "SessRate" => facts.session_rate = value.parse().ok(),
            "Idle_pct" => facts.idle_percent = value.parse().ok(),
            "node" => value.clone_into(&mut facts.node),
            "Stopping" => facts.stopping = value != "0",
            _ => {}
        }
    }
    facts
}

/// Reads the version out of `haproxy -v`, whose first line begins `HAProxy version` or, up to 2.3, `HA-Proxy
/// version`.
#[must_use]
pub fn version_of_banner(output: &str) -> Option<&str> {
    let line = output.lines().next()?;
    let rest = line.strip_prefix("HAProxy version ").or_else(|| line.strip_prefix("HA-Proxy version "))?;
    rest.split_ascii_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_knows_and_skips_the_rest() {
        let facts = read(
            b"Name: HAProxy\nVersion: 2.6.12-1+deb12u4\nPid: 412\nUptime: 0d 0h01m03s\nUptime_sec: 63\n\
              Maxconn: 20000\nCurrConns: 3\nIdle_pct: 98\nStopping: 0\nodd line\nnode: edge-1\n\n",
        );
        assert_eq!(facts.version, "2.6.12-1+deb12u4");
        assert_eq!((facts.pid, facts.uptime_s, facts.connections), (Some(412), Some(63), Some(3)));
        assert_eq!((facts.idle_percent, facts.stopping, facts.node.as_str()), (Some(98), false, "edge-1"));
    }

    #[test]
    fn both_banners_are_known() {
        assert_eq!(version_of_banner("HAProxy version 2.8.3-86e043a 2023/09/07 - x"), Some("2.8.3-86e043a"));
        assert_eq!(version_of_banner("HA-Proxy version 2.0.33 2023/02/14\nx"), Some("2.0.33"));
        assert_eq!(version_of_banner("bash: haproxy: not found"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(0_u8.., 0..4096)) {
            let _ = read(&bytes);
        }
    }
}
