//! `http_get` against a real server on a free port.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Error, ErrorKind, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ibid_tools::{HttpGet, Lookup, Tool, ToolContext, conformance};
use ibid_types::{Result, WorkspaceId};
use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(60);

/// A server that answers by path, on a thread that lives as long as the test's process.
#[derive(Clone, Debug)]
struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { address: listener.local_addr().unwrap(), requests: Arc::default() };
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.answer(stream));
            }
        });
        server
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut lines =
            BufReader::new(stream.try_clone().unwrap()).lines().map_while(std::result::Result::ok);
        let request = lines.next().unwrap_or_default();
        let agent = lines
            .take_while(|line| !line.is_empty())
            .find(|line| line.to_lowercase().starts_with("user-agent"));
        self.requests.fetch_add(1, Ordering::SeqCst);
        let port = self.address.port();
        let response = match request.split(' ').nth(1).unwrap_or_default() {
            "/page" => text("hello, Größe"),
            "/agent" => text(&agent.unwrap_or_default()),
            "/large" => text(&"x".repeat(100_000)),
            "/binary" => text("\0\u{1}\u{2}"),
            "/none" => {
                "HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\nconnection: close\r\n\r\ngone".to_owned()
            }
            "/moved" => moved("/page"),
            "/loop" => moved("/loop"),
            "/elsewhere" => moved(&format!("http://localhost:{port}/page")),
            "/away" => moved("http://169.254.169.254/latest/meta-data"),
            "/file" => moved("file:///etc/hostname"),
            // Promises more than it sends and then holds the connection until the client is gone.
            "/stuck" => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegin");
                let _ = std::io::Read::read(&mut stream, &mut [0; 1]);
                return;
            }
            "/cut" => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\nbegin".to_owned(),
            _ => "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(),
        };
        let _ = stream.write_all(response.as_bytes());
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn text(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn moved(place: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {place}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

/// Names with the addresses that a test gives them, one answer after the other; the last one stays.
#[derive(Debug, Default)]
struct Names(BTreeMap<&'static str, Vec<IpAddr>>, AtomicUsize);

impl Names {
    fn one(name: &'static str, addresses: &[&str]) -> Arc<Self> {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self(BTreeMap::from([(name, addresses)]), AtomicUsize::new(0)))
    }
}

impl Lookup for Names {
    fn addresses(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let addresses = self.0.get(host).ok_or(Error::from(ErrorKind::NotFound))?;
        let turn = self.1.fetch_add(1, Ordering::SeqCst).min(addresses.len() - 1);
        Ok(vec![addresses[turn]])
    }
}

fn tool(hosts: &[String], names: Arc<dyn Lookup>) -> Arc<dyn Tool> {
    Arc::new(HttpGet::new(hosts, 50_000, LONG, names).unwrap())
}

/// Reads a path of a server that is listed.
fn get(path: &str) -> Result<Value> {
    let server = Server::start();
    let tool = tool(&[server.address.to_string()], Arc::new(Names::default()));
    conformance::call(&tool, &json!({"url": server.url(path)}))
}

fn refusal(hosts: &[&str], url: &str, names: Arc<dyn Lookup>) -> &'static str {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    conformance::call(&tool(&hosts, names), &json!({"url": url})).unwrap_err().code
}

#[test]
fn it_conforms() {
    let server = Server::start();
    let tool = tool(&[server.address.to_string()], Arc::new(Names::default()));
    let wrong = [
        (json!({}), "/"),
        (json!({"url": 5}), "/url"),
        (json!({"url": ""}), "/url"),
        (json!({"url": "http://x", "method": "POST"}), "/"),
    ];
    conformance::check(&tool, &json!({"url": server.url("/page")}), &wrong);
}

#[test]
fn a_page_is_read() {
    let page = get("/page").unwrap();
    assert_eq!((&page["status"], &page["text"]), (&json!(200), &json!("hello, Größe")));
    assert_eq!((&page["content_type"], &page["truncated"]), (&json!("text/plain"), &json!(false)));
    assert!(get("/agent").unwrap()["text"].as_str().unwrap().contains("ibid/"));
}

#[test]
fn a_missing_page_is_an_answer_too() {
    let page = get("/none").unwrap();
    assert_eq!((&page["status"], &page["text"]), (&json!(404), &json!("gone")));
}

#[test]
fn size_is_bounded_and_binary_refused() {
    let page = get("/large").unwrap();
    assert_eq!((page["text"].as_str().unwrap().len(), &page["truncated"]), (50_000, &json!(true)));
    assert_eq!(get("/binary").unwrap_err().code, "http_content_not_text");
}

#[test]
fn redirects_stay_within_the_list() {
    let page = get("/moved").unwrap();
    assert!(page["url"].as_str().unwrap().ends_with("/page"), "{page}");
    assert_eq!(get("/elsewhere").unwrap_err().code, "http_host_not_allowed");
    assert_eq!(get("/away").unwrap_err().code, "http_host_not_allowed");
    assert_eq!(get("/file").unwrap_err().code, "http_url_invalid");
    assert_eq!(get("/loop").unwrap_err().code, "http_redirects");
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let server = Server::start();
    let tool = HttpGet::new(&[server.address.to_string()], 1000, LONG, Arc::new(Names::default())).unwrap();
    let context = ToolContext::new(WorkspaceId::new(), "", Duration::from_millis(200));
    let error = tool.call(&json!({"url": server.url("/stuck")}), &context).unwrap_err();
    assert_eq!(error.code, "tool_timeout", "{}", error.chain());
}

#[test]
fn a_cut_connection_is_told() {
    assert_eq!(get("/cut").unwrap_err().code, "http_unreachable");
}

#[test]
fn nothing_is_reached_without_a_list() {
    let server = Server::start();
    assert_eq!(refusal(&[], &server.url("/page"), Arc::new(Names::default())), "http_host_not_allowed");
    assert_eq!(server.requests.load(Ordering::SeqCst), 0);
}

#[test]
fn other_addresses_of_this_machine_are_refused_in_every_dress() {
    for url in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]/",
        "http://[::ffff:7f00:1]/",
    ] {
        assert_eq!(
            refusal(&["example.org", "*.org"], url, Arc::new(Names::default())),
            "http_host_not_allowed",
            "{url}"
        );
    }
    for url in ["ftp://example.org/", "file:///etc/passwd", "no address", "http://user:secret@example.org/"] {
        assert_eq!(refusal(&["example.org"], url, Arc::new(Names::default())), "http_url_invalid", "{url}");
    }
}

#[test]
fn a_listed_name_that_leads_inside_is_refused() {
    let server = Server::start();
    let port = server.address.port();
    let (host, url) = (format!("evil.test:{port}"), format!("http://evil.test:{port}/page"));
    for inside in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "0.0.0.0", "::ffff:127.0.0.1"] {
        let code = refusal(&[&host], &url, Names::one("evil.test", &[inside]));
        assert_eq!(code, "http_address_private", "{inside}");
    }
    assert_eq!(server.requests.load(Ordering::SeqCst), 0);
}

/// The first answer is good, all later ones lead inside: what was checked is what is connected to, or nothing is.
#[test]
fn a_name_that_changes_its_mind_gains_nothing() {
    let server = Server::start();
    let port = server.address.port();
    let hosts = vec![format!("rebind.test:{port}"), format!("127.0.0.1:{port}")];
    let names = Names::one("rebind.test", &["127.0.0.1", "10.0.0.1"]);
    let tool = tool(&hosts, names);
    let url = json!({"url": format!("http://rebind.test:{port}/page")});
    assert_eq!(conformance::call(&tool, &url).unwrap()["status"], json!(200));
    assert_eq!(conformance::call(&tool, &url).unwrap_err().code, "http_address_private");
}

#[test]
fn what_is_down_is_said_without_the_address_bar() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let tool = tool(&[closed.to_string()], Arc::new(Names::default()));
    let error =
        conformance::call(&tool, &json!({"url": format!("http://{closed}/?token=hunter2")})).unwrap_err();
    assert_eq!(error.code, "http_unreachable");
    assert!(!error.chain().contains("hunter2"), "{}", error.chain());
}
