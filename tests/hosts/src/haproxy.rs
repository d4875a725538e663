//! A member's HAProxy: real, and answering with the member's name, so that a client can tell who served it.

/// The port that clients ask.
pub const PORT: u16 = 80;

/// A whole configuration: one frontend whose answer is `name`, and the admin socket where Debian has it.
pub fn answering(name: &str) -> String {
    format!(
        "global
    log /dev/log local0
    chroot /var/lib/haproxy
    stats socket /run/haproxy/admin.sock mode 660 level admin expose-fd listeners
    stats timeout 30s
    user haproxy
    group haproxy
    daemon

defaults
    log global
    mode http
    option dontlognull
    timeout connect 5s
    timeout client 30s
    timeout server 30s

frontend web
    bind :{PORT}
    http-request return status 200 content-type text/plain string {name}
"
    )
}

/// The same with a backend of so many servers, as on a busy host. Nobody answers at them and nobody asks.
pub fn answering_with_servers(name: &str, count: u32) -> String {
    let servers = (0..count).map(|number| format!("    server s{number} 127.0.0.1:{}\n", 20_000 + number));
    format!("{}\nbackend many\n{}", answering(name), servers.collect::<String>())
}
