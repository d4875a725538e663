use super::*;

const HEADER: &str = "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,rtime,ttime,agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,check_health,agent_rise,agent_fall,agent_health,addr,cookie,mode,algo,";

/// One row with the given columns set, everything else unset, as HAProxy writes it.
fn line(set: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for column in HEADER.trim_start_matches("# ").trim_end_matches(',').split(',') {
        text.push_str(set.iter().find(|(name, _)| *name == column).map_or("", |(_, value)| value));
        text.push(',');
    }
    text
}

fn server(name: &str, status: &str, weight: &str) -> String {
    line(&[
        ("pxname", "web"),
        ("svname", name),
        ("type", "2"),
        ("status", status),
        ("weight", weight),
        ("scur", "0"),
        ("stot", "0"),
    ])
}

fn answer(lines: &[String]) -> String {
    format!("{HEADER}\n{}\n\n", lines.join("\n"))
}

#[test]
fn a_server_row_is_read_by_names() {
    let text = answer(&[line(&[
        ("pxname", "web"),
        ("svname", "app-1"),
        ("type", "2"),
        ("status", "UP 2/3"),
        ("scur", "4"),
        ("smax", "9"),
        ("stot", "1200"),
        ("rate", "7"),
        ("weight", "100"),
        ("act", "1"),
        ("lastsess", "-1"),
        ("hrsp_2xx", "1190"),
        ("hrsp_5xx", "10"),
        ("check_status", "* L7OK"),
        ("check_code", "200"),
        ("check_duration", "3"),
        ("last_chk", "\"OK, said \"\"fine\"\"\""),
        ("check_rise", "2"),
        ("check_fall", "3"),
        ("check_health", "4"),
        ("addr", "10.0.0.9:8080"),
        ("mode", "http"),
    ])]);
    let rows = rows(text.as_bytes()).unwrap();
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!((row.proxy.as_str(), row.name.as_str(), row.kind), ("web", "app-1", RowKind::Server));
    assert_eq!((row.status, row.status_text.as_str()), (ServerStatus::GoingDown, "UP 2/3"));
    assert_eq!((row.sessions, row.sessions_max, row.sessions_total, row.session_rate), (4, 9, 1200, 7));
    assert_eq!(row.responses.map(|r| (r.ok, r.server_error)), Some((1190, 10)));
    let check = row.check.as_ref().unwrap();
    assert_eq!((check.status.as_str(), check.code, check.health), ("L7OK", Some(200), Some(4)));
    assert_eq!(check.last, "OK, said \"fine\"");
    assert_eq!((row.address.as_str(), row.mode.as_str()), ("10.0.0.9:8080", "http"));
}

#[test]
fn status_words_are_classified_by_prefix() {
    let of = ServerStatus::of;
    assert_eq!(of("UP"), ServerStatus::Up);
    assert_eq!(of("UP (UNPUB)"), ServerStatus::Up);
    assert_eq!(of("DOWN 1/2"), ServerStatus::ComingUp);
    assert_eq!(of("DOWN (agent)"), ServerStatus::Down);
    assert_eq!(of("MAINT (via web/app-2)"), ServerStatus::Maintenance);
    assert_eq!(of("MAINT (resolution)"), ServerStatus::Maintenance);
    assert_eq!(of("DRAIN 1/2"), ServerStatus::Drain);
    assert_eq!(of("NOLB"), ServerStatus::NoLoadBalancing);
    assert_eq!(of("no check"), ServerStatus::Unchecked);
    assert_eq!(of("no idea"), ServerStatus::Unknown);
    assert_eq!(of(""), ServerStatus::Unknown);
}

#[test]
fn the_summary_counts_each_server_once() {
    let text = answer(&[
        line(&[
            ("pxname", "in"),
            ("svname", "FRONTEND"),
            ("type", "0"),
            ("status", "OPEN"),
            ("scur", "12"),
            ("stot", "50"),
            ("rate", "3"),
        ]),
        server("a", "UP", "1"),
        server("b", "no check", "1"),
        server("c", "UP", "0"),
        server("d", "DOWN 1/2", "1"),
        server("e", "MAINT", "1"),
        server("f", "DRAIN", "0"),
        server("g", "UP 1/3", "1"),
        line(&[
            ("pxname", "web"),
            ("svname", "BACKEND"),
            ("type", "1"),
            ("status", "DOWN"),
            ("scur", "12"),
            ("stot", "50"),
        ]),
    ]);
    let totals = summarise(text.as_bytes()).unwrap();
    assert_eq!((totals.servers_up, totals.servers_down), (3, 1));
    assert_eq!((totals.servers_drain, totals.servers_maint), (2, 1));
    assert_eq!((totals.backends_down, totals.sessions, totals.session_rate), (1, 12, 3));
}

#[test]
fn a_text_that_breaks_a_rule_is_refused_whole() {
    let refused = |text: &str| rows(text.as_bytes()).unwrap_err();
    assert!(
        matches!(refused("Permission denied\n\n"), StatError::NoHeader { line } if line == "Permission denied")
    );
    assert_eq!(refused("# pxname,svname,\n"), StatError::MissingColumn { column: "type" });
    let short = format!("{HEADER}\nweb,app-1,1,\n");
    assert!(matches!(refused(&short), StatError::Width { row: 1, fields: 4, .. }));
    let wide = format!("{HEADER}\n{}x,y,\n", server("a", "UP", "1"));
    assert!(matches!(refused(&wide), StatError::Width { row: 1, .. }));
    let open = format!("{HEADER}\n{}", line(&[("pxname", "\"web")]));
    assert_eq!(refused(&open), StatError::Quote { row: 1 });
    let behind = format!("{HEADER}\n{}", line(&[("pxname", "\"web\"x")]));
    assert_eq!(refused(&behind), StatError::Quote { row: 1 });
    let words = answer(&[server("a", "UP", "heavy")]);
    assert_eq!(refused(&words), StatError::Number { row: 1, column: "weight" });
    let kind = answer(&[line(&[("type", "9")])]);
    assert_eq!(refused(&kind), StatError::Kind { row: 1 });
}

#[test]
fn size_rows_and_columns_are_bounded() {
    assert!(matches!(rows(&vec![b'#'; TEXT_BYTES_MAX + 1]), Err(StatError::TooLong { .. })));
    let wide = format!("# {}\n", "c,".repeat(COLUMNS_MAX + 1));
    assert_eq!(rows(wide.as_bytes()), Err(StatError::TooManyColumns));
    let header = "# pxname,svname,type,status,scur,stot,\n";
    let full = format!("{header}{}", "p,s,2,UP,,,\n".repeat(ROWS_MAX));
    assert_eq!(rows(full.as_bytes()).map(|rows| rows.len()), Ok(ROWS_MAX));
    let over = format!("{full}p,s,2,UP,,,\n");
    assert_eq!(rows(over.as_bytes()), Err(StatError::TooManyRows));
}

#[test]
fn an_empty_line_ends_the_answer_and_a_break_in_a_quote_does_not() {
    let text = format!(
        "{HEADER}\r\n{}\r\n\r\nsomething else\n",
        line(&[("pxname", "\"two\nlines\""), ("type", "0")])
    );
    let rows = rows(text.as_bytes()).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].proxy, "two\nlines");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(0_u8.., 0..4096)) {
        let _ = rows(&bytes);
        let _ = summarise(&bytes);
    }

    #[test]
    fn any_rows_behind_a_real_header_are_survived(tail in "[a-z0-9,\"\n \\-]{0,600}") {
        let text = format!("# pxname,svname,type,status,scur,stot,weight,\n{tail}");
        let rows = rows(text.as_bytes());
        let totals = summarise(text.as_bytes());
        if let Ok(rows) = rows {
            let servers = rows.iter().filter(|row| row.kind == RowKind::Server).count();
            let totals = totals.unwrap();
            let counted = totals.servers_up + totals.servers_down + totals.servers_drain + totals.servers_maint;
            proptest::prop_assert_eq!(servers, counted as usize);
        }
    }
}
