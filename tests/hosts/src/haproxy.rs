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
