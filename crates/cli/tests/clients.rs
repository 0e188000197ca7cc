//! The official OpenAI clients for Python and Node work against the server as they are.
//!
//! `IBID_TEST_CLIENTS` names the folder that `scripts/setup-clients.sh` made; without it these tests say that they
//! skip. What is checked stands in `clients/client.py` and `clients/client.mjs`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ibid_testkit::{Home, Said};

#[test]
fn the_python_client_works() {
    let Some(clients) = clients() else { return };
    let script = scripts().join("client.py");
    check(|arguments| {
        Command::new(clients.join("venv/bin/python")).arg(&script).args(arguments).output().unwrap().into()
    });
}

#[test]
fn the_node_client_works() {
    let Some(clients) = clients() else { return };
    // Read from standard input, a script finds the packages of the folder that it runs in.
    check(|arguments| {
        let script = std::fs::File::open(scripts().join("client.mjs")).unwrap();
        let mut node = Command::new("node");
        node.current_dir(&clients).args(["--input-type=module", "-"]).args(arguments);
        node.stdin(Stdio::from(script)).output().unwrap().into()
    });
}

fn clients() -> Option<PathBuf> {
    let folder = std::env::var_os("IBID_TEST_CLIENTS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: IBID_TEST_CLIENTS names no folder; run scripts/setup-clients.sh FOLDER");
    }
    folder
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// Runs the client with a key.
fn check(client: impl Fn(&[&str]) -> Said) {
    let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
    let _ = home.write("bakery.txt", "The bakery opens at six in the morning.");
    let _ = home.ok(&["ingest", &home.files()]);
    let server = home.serve(&[]);
    let key = home.ok(&["keys", "create", "client"]).out;
    expect_ok(&client(&[&server.base, key.trim()]));
    assert_eq!(server.stop(), 0);
}

fn expect_ok(said: &Said) {
    assert_eq!((said.code, said.out.trim()), (0, "ok"), "{}", said.err);
}
