//! Certificates by ACME from a real authority for tests: Let's Encrypt's Pebble, Debian's package of that name. Without it the test
//! says so and ends.
#![allow(clippy::unwrap_used)]

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use ibid_testkit::{Authority, Home};
use serde_json::json;

/// Ended with the test.
struct Program(Child);

impl Program {
    fn start(name: &str, arguments: &[&str], folder: &std::path::Path) -> Option<Self> {
        let mut command = Command::new(name);
        // The authority waits at random before it looks, and forgets what it knows now and then, unless it is told not to.
        command.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "0");
        let quiet = command.args(arguments).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.spawn().ok().map(Self)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Free a moment ago; held no longer.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn an_authority_signs_for_whoever_answers_under_the_name() {
    let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
    let authority = Authority::default();
    let ca = home.write("authority.pem", authority.pem());
    let (certificate, key) = authority.sign(90);
    let (certificate, key) = (home.write("pebble.pem", certificate), home.write("pebble.key", key));
    let [directory, management, names, names_management, port] = [(); 5].map(|()| free_port());
    let config = json!({ "pebble": {
        "listenAddress": format!("127.0.0.1:{directory}"), "managementListenAddress": format!("127.0.0.1:{management}"),
        "certificate": certificate, "privateKey": key, "httpPort": 1, "tlsPort": port,
        "ocspResponderURL": "", "externalAccountBindingRequired": false
    } });
    let config = home.write("pebble.json", config.to_string());
    let at = |port: u16| format!("127.0.0.1:{port}");
    let (config, names, management) = (config.display().to_string(), at(names), at(names_management));
    let dns: Vec<&str> = "-defaultIPv4 127.0.0.1 -http01 '' -https01 '' -tlsalpn01 '' -dns01 NAMES -management MANAGEMENT -defaultIPv6 ''"
        .split(' ')
        .map(|word| match word {
            "''" => "",
            "NAMES" => names.as_str(),
            "MANAGEMENT" => management.as_str(),
            word => word,
        })
        .collect();
    let folder = home.path().to_path_buf();
    let Some(_dns) = Program::start("pebble-challtestsrv", &dns, &folder) else {
        eprintln!("skipped: Debian's package pebble is not installed");
        return;
    };
    let _pebble = Program::start("pebble", &["-config", &config, "-dnsserver", &names], &folder).unwrap();
    let reached = (0..2000).any(|_| std::net::TcpStream::connect(at(directory)).is_ok() || pause());
    assert!(reached, "pebble does not listen");
    let server = home.serve(&[
        "--address",
        &at(port),
        "--set=server.tls.acme_domains=['ibid.example']",
        &format!("--set=server.tls.acme_directory=https://localhost:{directory}/dir"),
        &format!("--set=server.tls.acme_directory_ca={}", ca.display()),
    ]);
    let log = || home.ok(&["audit", "list"]).out;
    let fetched = (0..600).any(|_| log().contains("certificate.fetched") || pause());
    assert!(fetched, "{} {:?}", log(), home.run(&["doctor", "--only", "certificates"]));
    let kept: Vec<_> = std::fs::read_dir(home.path().join("data/acme")).unwrap().flatten().collect();
    assert_eq!(kept.len(), 2, "an account and a certificate");
    assert!(kept.iter().all(|file| file.metadata().unwrap().permissions().mode() & 0o077 == 0));
    // A certificate that holds is taken up, and not fetched again.
    assert_eq!(server.stop(), 0);
    let again = home.serve(&[
        "--address",
        &at(port),
        "--set=server.tls.acme_domains=['ibid.example']",
        "--set=server.tls.acme_directory=https://localhost:1/dir",
    ]);
    assert!(again.base.starts_with("https://"));
}

/// A look costs little; between two of them others have their turn.
fn pause() -> bool {
    let (_open, nothing) = std::sync::mpsc::channel::<()>();
    nothing.recv_timeout(std::time::Duration::from_millis(10)).is_ok()
}
