use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;

fn facts(text: &str) -> Facts {
    Facts::of(&[Document::read(text.as_bytes())])
}

fn words(line: &str) -> Vec<String> {
    Document::read(line.as_bytes()).lines[0].words.iter().map(|word| word.text.clone()).collect()
}

fn tcp(text: &str) -> (Host, u16, u16) {
    let Address::Tcp { host, ports } = Address::read(text, "") else { panic!("{text} is not TCP") };
    (host, ports.first, ports.last)
}

const DEBIAN: &str = "\
global
\tlog /dev/log\tlocal0
\tchroot /var/lib/haproxy
\tstats socket /run/haproxy/admin.sock mode 660 level admin
\tstats timeout 30s

defaults
\tlog\tglobal
\tmode\thttp
\toption\tdontlognull

frontend web
\tbind *:80
\tbind :443,[::]:443 ssl crt /etc/haproxy/certs/ alpn h2,http/1.1
\tmonitor-uri /haproxy-alive
\tdefault_backend apps

backend apps
\tserver app-1 10.0.0.9:8080 check
\tserver-template app 2-5 apps.internal:80 check

listen db
\tmode tcp
\tbind 10.0.0.4:3306 accept-proxy
\tserver db-1 10.0.0.20:3306
";

#[test]
fn words_follow_quotes_escapes_and_comments() {
    assert_eq!(words("  a\tb  # c"), ["a", "b"]);
    assert_eq!(words(r"a\ b c\#d \\ \x41"), ["a b", "c#d", "\\", "A"]);
    assert_eq!(words(r#"a"b c"d 'x "y" \z' "it\"s""#), ["ab cd", r#"x "y" \z"#, "it\"s"]);
    assert_eq!(words("a#b"), ["a"]);
    assert_eq!(words("''"), [""]);
    let open = Document::read(b"bind \"*:80 ssl");
    assert_eq!(open.lines[0].fault, Some(Fault::OpenQuote));
    let variable = Document::read(b"bind \"${ADDR}\":80 '$PLAIN'");
    let expands: Vec<bool> = variable.lines[0].words.iter().map(|word| word.expands).collect();
    assert_eq!(expands, [false, true, false]);
}

#[test]
fn a_debian_configuration_gives_its_facts() {
    let facts = facts(DEBIAN);
    assert_eq!(facts.runtime_socket(), Some(("/run/haproxy/admin.sock", StatsLevel::Admin)));
    let names: Vec<_> = facts.proxies.iter().map(|proxy| (proxy.name.as_str(), proxy.mode)).collect();
    assert_eq!(names, [("web", Mode::Http), ("apps", Mode::Http), ("db", Mode::Tcp)]);
    let web = &facts.proxies[0];
    let binds: Vec<_> = web.binds.iter().map(|bind| (bind.text.as_str(), bind.tls)).collect();
    assert_eq!(binds, [("*:80", false), (":443", true), ("[::]:443", true)]);
    assert_eq!(web.monitor_uri.as_deref(), Some("/haproxy-alive"));
    assert_eq!(facts.proxies[1].servers, ["app-1", "app2-5"]);
    assert!(facts.proxies[2].binds[0].accept_proxy);
    assert_eq!(facts.proxies[2].monitor_uri, None);
}

#[test]
fn addresses_are_read_in_all_their_forms() {
    assert_eq!(tcp("*:80"), (Host::AnyV4, 80, 80));
    assert_eq!(tcp(":80"), (Host::AnyV4, 80, 80));
    assert_eq!(tcp("0.0.0.0:8000-8010"), (Host::AnyV4, 8000, 8010));
    assert_eq!(tcp(":::443"), (Host::AnyV6, 443, 443));
    assert_eq!(tcp("[::]:443"), (Host::AnyV6, 443, 443));
    assert_eq!(tcp("ipv6@:443"), (Host::AnyV6, 443, 443));
    assert_eq!(
        tcp("[2001:db8::1]:443"),
        (Host::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 443, 443)
    );
    assert_eq!(tcp("2001:db8::1:443").0, Host::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)));
    assert_eq!(tcp("ipv4@10.1.2.3:80"), (Host::V4(Ipv4Addr::new(10, 1, 2, 3)), 80, 80));
    assert_eq!(tcp("edge-1.example:80"), (Host::Name("edge-1.example".into()), 80, 80));
    let read = |text| Address::read(text, "");
    assert_eq!(read("/run/x.sock"), Address::Unix("/run/x.sock".into()));
    assert_eq!(Address::read("unix@x.sock", "/run/"), Address::Unix("/run/x.sock".into()));
    assert_eq!(read("abns@x"), Address::Abstract("x".into()));
    assert_eq!(read("fd@3"), Address::Inherited);
    assert!(matches!(read("quic4@:443"), Address::Udp { .. }));
    for odd in ["", "*", "*:", "*:0", "*:90-80", "*:70000", "${X}:80", "what@1:2", "a b:80"] {
        assert_eq!(read(odd), Address::Unreadable, "{odd}");
    }
}

#[test]
fn defaults_are_inherited_by_order_and_by_name() {
    let facts = facts(
        "defaults plain\n mode tcp\ndefaults web from plain\n mode http\n monitor-uri /up\n\
         frontend a\nfrontend b from plain\n mode http\nfrontend c from plain\ndefaults\nlisten d\n",
    );
    let modes: Vec<_> = facts.proxies.iter().map(|proxy| proxy.mode).collect();
    assert_eq!(modes, [Mode::Http, Mode::Http, Mode::Tcp, Mode::Tcp]);
    assert_eq!(facts.proxies[0].monitor_uri.as_deref(), Some("/up"));
    assert_eq!(facts.proxies[3].monitor_uri, None);
}

#[test]
fn what_stands_in_a_condition_is_not_certain() {
    let facts = facts("frontend a\n.if defined(X)\n bind :80\n.else\n bind :81\n.endif\n bind :82\n");
    let certain: Vec<_> = facts.proxies[0].binds.iter().map(|bind| bind.certainty).collect();
    assert_eq!(certain, [Certainty::Conditional, Certainty::Conditional, Certainty::Certain]);
}

#[test]
fn the_socket_that_allows_most_is_used() {
    let text = "global\n stats socket ipv4@127.0.0.1:9 level admin\n stats socket /a\n\
                global\n stats socket /b level admin\n stats socket /c level user\n";
    assert_eq!(facts(text).runtime_socket(), Some(("/b", StatsLevel::Admin)));
    assert_eq!(facts("global\n stats socket \"$S\" level admin\n").runtime_socket(), None);
}

#[test]
fn other_sections_keep_their_lines_to_themselves() {
    let facts = facts("frontend a\n bind :80\npeers p\n bind :10000\n server x 10.0.0.1:1\n");
    assert_eq!(facts.proxies.len(), 1);
    assert_eq!((facts.proxies[0].binds.len(), facts.proxies[0].servers.len()), (1, 0));
}

#[test]
fn a_file_is_written_as_it_was_read() {
    for text in [DEBIAN, "", "\n", "a\r\nb", "\n\n#x\n", "frontend \"open\n"] {
        assert_eq!(Document::read(text.as_bytes()).text(), text.as_bytes());
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_come_back_unchanged(bytes in proptest::collection::vec(0_u8.., 0..2048)) {
        let document = Document::read(&bytes);
        proptest::prop_assert_eq!(document.text(), bytes);
        let _ = Facts::of(&[document]);
    }

    #[test]
    fn any_lines_of_known_words_are_survived(
        text in "((global|defaults|frontend x|listen y from z|bind|server|stats socket|mode|\\.if|\\.endif|[:*/\\[\\]0-9,$\"'\\\\ -]{0,12})[ \n]){0,60}"
    ) {
        let document = Document::read(text.as_bytes());
        for line in &document.lines {
            for word in &line.words {
                proptest::prop_assert!(word.span.end <= line.raw.len());
            }
        }
        let _ = Facts::of(&[document]);
    }
}
