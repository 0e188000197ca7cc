//! The door, tried from outside: certificates of server and clients, other certificates without a restart, clients that are slow or
//! many, addresses that are not answered.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use ibid_testkit::{Authority, Home, Server, answer};
use reqwest::blocking::{Client, ClientBuilder};
use reqwest::{Certificate, Identity};
use serde_json::json;

fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_ibid"))
}

/// An authority with the files of a server and of a client that it signed.
struct Papers {
    authority: Authority,
    ca: String,
    certificate: String,
    key: String,
    client: String,
}

impl Papers {
    fn new(home: &Home) -> Self {
        let authority = Authority::default();
        let ca = home.write("authority.pem", authority.pem());
        let (certificate, key) = authority.sign(90);
        let certificate = home.write("server.pem", certificate);
        let key = home.write("server.key", key);
        let (one, other) = authority.sign(90);
        let client = home.write("client.pem", format!("{one}{other}"));
        let text = |path: &Path| path.display().to_string();
        Self {
            authority,
            ca: text(&ca),
            certificate: text(&certificate),
            key: text(&key),
            client: text(&client),
        }
    }

    fn settings(&self) -> Vec<String> {
        [("certificate", &self.certificate), ("key", &self.key)]
            .map(|(name, path)| format!("--set=server.tls.{name}={path}"))
            .to_vec()
    }

    fn browser(&self) -> ClientBuilder {
        ibid_runtime::set_up_tls();
        let authority = Certificate::from_pem(&std::fs::read(&self.ca).unwrap()).unwrap();
        ClientBuilder::new().tls_certs_only([authority]).timeout(Duration::from_secs(20))
    }

    fn program(&self) -> Client {
        let identity = Identity::from_pem(&std::fs::read(&self.client).unwrap()).unwrap();
        self.browser().identity(identity).build().unwrap()
    }
}

fn serve(home: &Home, settings: &[String]) -> Server {
    home.serve(&settings.iter().map(String::as_str).collect::<Vec<_>>())
}

fn address(server: &Server) -> SocketAddr {
    server.base.rsplit('/').next().unwrap().parse().unwrap()
}

/// What comes back until the server closes.
fn said(server: &Server, text: &str) -> String {
    let mut stream = TcpStream::connect(address(server)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_server_with_a_certificate_answers_by_tls_only_and_commands_find_it() {
    let home = home();
    let papers = Papers::new(&home);
    let server = serve(&home, &papers.settings());
    assert!(server.base.starts_with("https://"));
    let browser = papers.browser().build().unwrap();
    let live = browser.get(format!("{}/health/live", server.base)).send().unwrap();
    assert_eq!(live.headers()["strict-transport-security"], "max-age=31536000; includeSubDomains");
    assert!(!said(&server, "GET /health/live HTTP/1.0\r\n\r\n").contains("200 OK"));
    let key = home.ok(&["keys", "create", "ci"]).out.trim().to_owned();
    let by_name = ["--server", &server.base, "--key", &key, "workspace", "list"];
    assert_ne!(home.run(&by_name).code, 0, "nobody trusts this authority");
    assert!(home.ok(&[&["--server-ca", &papers.ca], &by_name[..]].concat()).out.contains("default"));
    assert!(!home.run(&["doctor"]).out.contains("server_hung"));
}

#[test]
fn sessions_go_by_tls_only() {
    let home = home();
    let papers = Papers::new(&home);
    let server = serve(&home, &papers.settings());
    let token = home.ok(&["auth", "link"]).out.trim().rsplit('/').next().unwrap().to_owned();
    let request = json!({ "token": token, "name": "ada", "password": "seven grey herons wade slowly" });
    let browser = papers.browser().build().unwrap();
    let response = browser.post(format!("{}/v1/auth/link", server.base)).json(&request).send().unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-ibid_session=") && cookie.contains("; Secure"), "{cookie}");
    let shown = cookie.split(';').next().unwrap();
    let me = |cookie: &str| {
        let request = browser.get(format!("{}/v1/auth/me", server.base)).header("cookie", cookie);
        request.send().unwrap().status().as_u16()
    };
    assert_eq!((me(shown), me(shown.trim_start_matches("__Host-"))), (200, 401));
}

#[test]
fn clients_show_a_certificate_where_one_is_wanted() {
    let home = home();
    let papers = Papers::new(&home);
    let wanted = |more: &[&str]| {
        let mut settings = papers.settings();
        settings.push(format!("--set=server.tls.client_ca={}", papers.ca));
        settings.extend(more.iter().map(|setting| format!("--set={setting}")));
        serve(&home, &settings)
    };
    let get =
        |client: &Client, server: &Server, path: &str| client.get(format!("{}{path}", server.base)).send();
    let (stranger, program) = (papers.browser().build().unwrap(), papers.program());
    let server = wanted(&[]);
    assert!(get(&stranger, &server, "/health/live").is_err());
    assert_eq!(get(&program, &server, "/health/live").unwrap().status(), 200);
    assert!(home.ok(&["workspace", "list"]).out.contains("default"), "this machine needs none");
    assert_eq!(server.stop(), 0);
    let server = wanted(&["server.tls.client_for=api"]);
    assert_eq!(get(&stranger, &server, "/health/live").unwrap().status(), 200);
    let (status, body) = answer(get(&stranger, &server, "/v1/workspaces").unwrap());
    assert_eq!((status, &body["error"]["code"]), (403, &json!("client_certificate_missing")));
    assert_eq!(
        get(&program, &server, "/v1/workspaces").unwrap().status(),
        401,
        "a key is needed all the same"
    );
}

#[test]
fn another_certificate_is_shown_without_a_restart_and_a_broken_one_is_not() {
    let home = home();
    let papers = Papers::new(&home);
    let server = serve(&home, &papers.settings());
    let remaining = || home.ok(&["doctor", "--only", "certificates", "--json"]).out;
    assert!(!remaining().contains("certificate_expiring"));
    std::fs::write(&papers.certificate, "none").unwrap();
    server.signal("HUP");
    let refused = until(|| home.run(&["doctor", "--only", "certificates"]).out, "tls_certificate_refused");
    assert!(refused.contains("tls_certificate_malformed"), "{refused}");
    let browser = papers.browser().build().unwrap();
    assert_eq!(browser.get(format!("{}/health/live", server.base)).send().unwrap().status(), 200);
    let (certificate, key) = papers.authority.sign(2);
    std::fs::write(&papers.certificate, certificate).unwrap();
    std::fs::write(&papers.key, key).unwrap();
    server.signal("HUP");
    until(|| home.run(&["doctor", "--only", "certificates"]).out, "certificate_expiring");
    assert!(home.ok(&["audit", "list"]).out.contains("certificate.reloaded"));
}

/// Looks again until a text shows, as a person would.
fn until(look: impl Fn() -> String, wanted: &str) -> String {
    let found = (0..100).map(|_| look()).find(|text| text.contains(wanted));
    found.unwrap_or_else(|| panic!("'{wanted}' did not show: {}", look()))
}

#[test]
fn clients_that_are_slow_are_given_up() {
    let home = home();
    let server = home.serve(&["--set=server.header_seconds_max=1", "--set=server.body_pause_seconds_max=1"]);
    assert_eq!(said(&server, ""), "", "a client that says nothing");
    assert_eq!(said(&server, "GET /health/live HTTP/1.1\r\nHost: a\r\nX-Slow: "), "", "half a head");
    let head = format!(
        "POST /v1/search HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
        home.token()
    );
    let slow = said(&server, &head);
    assert!(
        slow.starts_with("HTTP/1.1 408") && slow.contains("request_slow") && slow.contains("nosniff"),
        "{slow}"
    );
}

#[test]
fn heads_have_a_size_and_connections_a_number() {
    let home = home();
    let server = home.serve(&["--set=server.header_bytes_max=8192", "--set=server.connections_max=2"]);
    let long = format!("GET /health/live HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "x".repeat(20_000));
    let refused = said(&server, &long);
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 431"), "{refused}");
    let held: Vec<TcpStream> = (0..2).map(|_| TcpStream::connect(address(&server)).unwrap()).collect();
    let full = until(|| said(&server, "GET /health/live HTTP/1.0\r\n\r\n"), "connections_many");
    assert!(full.starts_with("HTTP/1.1 503") && full.contains("Retry-After"), "{full}");
    drop(held);
    until(|| said(&server, "GET /health/live HTTP/1.0\r\n\r\n"), "200 OK");
}

#[test]
fn whoever_is_not_known_yet_says_little() {
    let home = home();
    let server = home.serve(&[]);
    let head = "POST /v1/auth/sign-in HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 200000\r\n\r\n{";
    let answer = said(&server, head);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("request_too_large"), "{answer}");
}

#[test]
fn a_request_has_one_end() {
    let home = home();
    let server = home.serve(&[]);
    let post = |heads: &str, rest: &str| {
        said(&server, &format!("POST /v1/search HTTP/1.1\r\nHost: a\r\n{heads}\r\n{rest}"))
    };
    for heads in [
        "Content-Length: 4\r\nContent-Length: 40\r\n",
        "Content-Length: +4\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
    ] {
        let refused = post(heads, "{}{}");
        assert!(refused.starts_with("HTTP/1.1 400"), "{heads}: {refused}");
    }
    let both = "Content-Length: 40\r\nTransfer-Encoding: chunked\r\n";
    let answers = post(both, "0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(answers.starts_with("HTTP/1.1 4") && answers.matches("HTTP/1.1 ").count() <= 2, "{answers}");
}

#[test]
fn blocked_addresses_are_not_answered_also_after_a_restart() {
    let home = home();
    let settings = ["--set=server.trusted_proxies=['127.0.0.1']", "--set=limits.refusals_max=3"];
    let server = home.serve(&settings);
    let from = |server: &Server, address: &str| {
        let request = server.stranger().get(format!("{}/v1/workspaces", server.base));
        let (status, body) = answer(request.header("X-Forwarded-For", address).send().unwrap());
        (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let blocked = (403, "address_blocked".to_owned());
    assert_eq!(from(&server, "192.0.2.7").0, 401);
    let _ = home.ok(&["limits", "block", "192.0.2.0/24", "--for", "1h", "--reason", "it floods"]);
    assert_eq!(from(&server, "192.0.2.7"), blocked);
    assert_eq!(server.stop(), 0);
    let server = home.serve_again(&settings);
    assert_eq!(from(&server, "192.0.2.7"), blocked);
    assert!(home.ok(&["limits", "list"]).out.contains("it floods"));
    let _ = home.ok(&["limits", "allow", "192.0.2.0/24"]);
    assert_eq!(from(&server, "192.0.2.7").0, 401);
    // Whoever guesses too often is blocked by itself; this machine never is.
    let codes: Vec<u16> = (0..6).map(|_| from(&server, "198.51.100.9").0).collect();
    assert_eq!(codes, [401, 401, 401, 401, 403, 403]);
    assert!((0..6).all(|_| from(&server, "127.0.0.1").0 == 401));
    let audit = home.ok(&["audit", "list"]).out;
    assert!(audit.contains("address.blocked") && audit.contains("PUT  /v1/limits/blocks"), "{audit}");
}

#[test]
fn an_address_that_others_reach_is_not_listened_on_in_the_clear() {
    let home = home();
    for address in ["0.0.0.0:0", "[::]:0"] {
        let said = home.run(&["serve", "--address", address]);
        assert!(said.code != 0 && said.err.contains("[server_unencrypted]"), "{said:?}");
        assert!(
            said.err.contains("server.tls.certificate") && !said.err.contains("Ibid answers"),
            "{said:?}"
        );
    }
    let told = home.run(&["doctor", "--only", "port", "--set=server.address=0.0.0.0:0"]);
    assert!(told.out.contains("server_unencrypted"), "{told:?}");
    // Whoever knows that the network encrypts by itself says so, and is told what that means.
    let wanted = ["--address", "0.0.0.0:0", "--set=server.unencrypted=true"];
    let server = home.serve(&wanted);
    assert_eq!(server.get("/v1/auth/me").0, 200);
    assert!(home.ok(&["doctor", "--only", "keys"]).out.contains("server_unencrypted"));
    drop(server);
    let papers = Papers::new(&home);
    let proxied = home.serve(&["--address", "0.0.0.0:0", "--set=server.trusted_proxies=['10.0.0.7']"]);
    assert_eq!(proxied.get("/v1/auth/me").0, 200);
    drop(proxied);
    let settings = papers.settings();
    let mut arguments = vec!["--address", "0.0.0.0:0"];
    arguments.extend(settings.iter().map(String::as_str));
    assert!(home.serve(&arguments).base.starts_with("https://"));
}

#[test]
fn what_is_sent_far_in_the_clear_is_refused_or_told() {
    let home = home();
    let far = "--set=telemetry.otlp_endpoint=http://collector.example";
    let said = home.run(&["status", far]);
    assert!(
        said.err.contains("[config_invalid]") && said.err.contains("guard.unencrypted_hosts"),
        "{said:?}"
    );
    let told = home.run(&["doctor", "--only", "configuration", far]);
    assert!(told.out.contains("telemetry.otlp_endpoint"), "{told:?}");
    let named = "--set=guard.unencrypted_hosts=['collector.example']";
    let told = home.run(&["doctor", "--quick", "--only", "providers", far, named]);
    assert!(told.out.contains("[sent_unencrypted]") && told.out.contains("collector.example"), "{told:?}");
}
