//! The audit log arrives at receivers of every kind, in order, whole, also where they were away for a while.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use ibid_config::{Config, Layers};
use ibid_ops::audit::{ENTRIES_AT_ONCE, Outlet, behind, outlets};
use ibid_runtime::Clock;
use ibid_store::{Sqlite, SqliteConfig, Store};
use ibid_testkit::Inbox;
use ibid_types::Timestamp;
use serde_json::Value;

const LONG: Duration = Duration::from_secs(20);

struct Log {
    store: Store,
    _folder: tempfile::TempDir,
}

impl Log {
    fn of(entries: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Sqlite::open(SqliteConfig::new(folder.path().join("ibid.db"))).unwrap();
        let log = Self { store: Store::new(Arc::new(db), Clock::manual(Timestamp(1000))), _folder: folder };
        log.grow(entries);
        log
    }

    fn grow(&self, entries: usize) {
        for _ in 0..entries {
            drop(self.store.audit_append("user ada", "key.created", "laptop").unwrap());
        }
    }
}

fn config(receiver: &str) -> Config {
    let mut layers = Layers::defaults().unwrap();
    layers.flag(&format!("audit.receivers=[{receiver}]"));
    layers.finish().unwrap().0
}

fn outlet(url: &str, more: &str) -> Outlet {
    outlets(&config(&format!("{{name='siem', url='{url}'{more}}}"))).unwrap().remove(0)
}

/// The numbers in lines of JSON.
fn numbers(text: &str) -> Vec<i64> {
    let number = |line: &str| serde_json::from_str::<Value>(line).unwrap()["number"].as_i64().unwrap();
    text.lines().map(number).collect()
}

#[test]
fn entries_arrive_in_order_and_go_on_where_a_receiver_was_away() {
    let (log, inbox) = (Log::of(3), Inbox::start(&[503, 200]));
    let outlet = outlet(&inbox.url(), ", headers={Authorization='Splunk hunter2'}");
    assert_eq!(behind(&log.store, "siem").unwrap().entries, 3);
    assert_eq!(outlet.send_next(&log.store).unwrap_err().code, "audit_refused");
    assert_eq!(behind(&log.store, "siem").unwrap().entries, 3, "what was not taken is still to be sent");
    log.grow(1);
    assert_eq!(outlet.send_next(&log.store).unwrap(), 4);
    assert_eq!(outlet.send_next(&log.store).unwrap(), 0);
    assert_eq!(behind(&log.store, "siem").unwrap(), ibid_ops::audit::Behind::default());
    log.grow(ENTRIES_AT_ONCE + 1);
    assert_eq!(outlet.send_next(&log.store).unwrap(), ENTRIES_AT_ONCE);
    assert_eq!(outlet.send_next(&log.store).unwrap(), 1);
    let posts = inbox.posts();
    assert_eq!(numbers(&posts[0].text), [1, 2, 3]);
    let arrived: Vec<i64> = posts[1..].iter().flat_map(|post| numbers(&post.text)).collect();
    assert!(arrived.iter().copied().eq(1..=205), "{arrived:?}");
    assert_eq!(posts[1].header("authorization"), "Splunk hunter2");
    assert_eq!(posts[1].header("content-type"), "application/x-ndjson");
    assert_ne!(
        posts[0].header("idempotency-key"),
        posts[1].header("idempotency-key"),
        "there are more entries"
    );
}

#[test]
fn each_receiver_has_its_own_place() {
    let (log, first, second) = (Log::of(2), Inbox::start(&[]), Inbox::start(&[]));
    let receivers = format!(
        "{{name='one', url='{}'}}, {{name='two', url='{}', format='cef'}}",
        first.url(),
        second.url()
    );
    let both = outlets(&config(&receivers)).unwrap();
    assert_eq!(both[0].send_next(&log.store).unwrap(), 2);
    assert_eq!(behind(&log.store, "two").unwrap().entries, 2);
    assert_eq!(both[1].send_next(&log.store).unwrap(), 2);
    assert!(second.posts()[0].text.starts_with("CEF:0|Ibid|ibid|"), "{:?}", second.posts());
}

/// A collector of syslog that reads one connection as `read` does, and tells what it read.
fn collector(read: impl Fn(TcpStream) -> String + Send + 'static) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, told) = channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let _ = sender.send(read(stream));
        }
    });
    (port, told)
}

fn whole(mut stream: impl Read) -> String {
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8(text).unwrap()
}

/// Messages by their octet counts.
fn unframed(mut text: &str) -> Vec<&str> {
    let mut all = Vec::new();
    while let Some((count, rest)) = text.split_once(' ') {
        let (message, next) = rest.split_at(count.parse().unwrap());
        all.push(message);
        text = next;
    }
    all
}

#[test]
fn syslog_over_tcp_is_framed_and_counts_when_it_was_read() {
    let log = Log::of(2);
    let (port, told) = collector(whole);
    let outlet = outlet(&format!("syslog+tcp://127.0.0.1:{port}"), "");
    assert_eq!(outlet.send_next(&log.store).unwrap(), 2);
    let text = told.recv_timeout(LONG).unwrap();
    let messages = unframed(&text);
    assert_eq!(messages.len(), 2, "{text}");
    assert!(
        messages[0].starts_with("<110>1 1970-01-01T00:00:01")
            && messages[0].contains(" ibid - key.created - {")
    );
    assert_eq!(
        numbers(messages[1].split_once(" - {").map(|(_, json)| format!("{{{json}")).unwrap().as_str()),
        [2]
    );
}

#[test]
fn a_collector_that_goes_before_it_has_read_gets_it_again() {
    let log = Log::of(1);
    // Reads a byte and closes with the rest unread, which resets the connection.
    let (port, told) = collector(|mut stream| {
        let _ = stream.read(&mut [0]);
        String::new()
    });
    let outlet = outlet(&format!("syslog+tcp://127.0.0.1:{port}"), "");
    assert_eq!(outlet.send_next(&log.store).unwrap_err().code, "audit_unreachable");
    told.recv_timeout(LONG).unwrap();
    assert_eq!(behind(&log.store, "siem").unwrap().entries, 1);
}

#[test]
fn syslog_over_udp_is_a_message_each() {
    let log = Log::of(2);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    let outlet = outlet(&format!("syslog+udp://{}", socket.local_addr().unwrap()), ", format='cef'");
    assert_eq!(outlet.send_next(&log.store).unwrap(), 2);
    let mut heard = [0; 4096];
    for number in 1..=2 {
        let length = socket.recv(&mut heard).unwrap();
        let text = std::str::from_utf8(&heard[..length]).unwrap();
        assert!(text.starts_with("<110>1 ") && text.ends_with(&format!("externalId={number}")), "{text}");
    }
}

#[test]
fn a_collector_that_this_machine_does_not_trust_gets_nothing() {
    let log = Log::of(1);
    let authority = ibid_testkit::Authority::default();
    let config = authority.server(30);
    let (port, told) = collector(move |stream| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        whole(rustls::StreamOwned::new(connection, stream))
    });
    let outlet = outlet(&format!("syslog+tls://127.0.0.1:{port}"), "");
    assert_eq!(outlet.send_next(&log.store).unwrap_err().code, "audit_unreachable");
    assert_eq!(told.recv_timeout(LONG).unwrap(), "");
}

#[test]
fn an_own_authority_is_trusted_where_the_machine_trusts_it() {
    // The file is named in the environment, which is a process's: so it is tried in one of its own.
    if let Ok(port) = std::env::var("AUDIT_TEST_PORT") {
        return by_tls_to(&port);
    }
    let folder = tempfile::tempdir().unwrap();
    let authority = ibid_testkit::Authority::default();
    let config = authority.server(30);
    let (port, told) = collector(move |stream| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut sealed = rustls::StreamOwned::new(connection, stream);
        let text = whole(&mut sealed);
        sealed.conn.send_close_notify();
        let _ = sealed.flush();
        text
    });
    let this = std::env::current_exe().unwrap();
    let mut again = std::process::Command::new(this);
    again.args(["--exact", "an_own_authority_is_trusted_where_the_machine_trusts_it"]);
    again.env("SSL_CERT_FILE", authority.file(folder.path())).env("AUDIT_TEST_PORT", port.to_string());
    assert!(again.status().unwrap().success());
    assert_eq!(unframed(&told.recv_timeout(LONG).unwrap()).len(), 1);
}

fn by_tls_to(port: &str) {
    let log = Log::of(1);
    let outlet = outlet(&format!("syslog+tls://localhost:{port}"), "");
    assert_eq!(outlet.send_next(&log.store).unwrap(), 1);
}
