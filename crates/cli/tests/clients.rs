//! The official clients for Python and Node work against the server as they are: those of OpenAI, and those of MCP.
//!
//! `IBID_TEST_CLIENTS` names the folder that `scripts/setup-clients.sh` made; without it these tests say that they
//! skip. What is checked stands in `clients/`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ibid_testkit::{Home, Said};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ibid");

#[test]
fn the_python_client_works() {
    let Some(clients) = clients() else { return };
    check(&[], |arguments| python(&clients, "client.py", arguments));
}

#[test]
fn the_node_client_works() {
    let Some(clients) = clients() else { return };
    check(&[], |arguments| node(&clients, "client.mjs", arguments));
}

#[test]
fn the_python_sdk_for_agents_works() {
    let Some(clients) = clients() else { return };
    check(&[PROGRAM], |arguments| python(&clients, "agent.py", arguments));
}

#[test]
fn the_typescript_sdk_for_agents_works() {
    let Some(clients) = clients() else { return };
    check(&[PROGRAM], |arguments| node(&clients, "agent.mjs", arguments));
}

fn python(clients: &Path, script: &str, arguments: &[&str]) -> Said {
    let mut python = Command::new(clients.join("venv/bin/python"));
    python.arg(scripts().join(script)).args(arguments).output().unwrap().into()
}

/// Read from standard input, a script finds the packages of the folder that it runs in.
fn node(clients: &Path, script: &str, arguments: &[&str]) -> Said {
    let script = std::fs::File::open(scripts().join(script)).unwrap();
    let mut node = Command::new("node");
    node.current_dir(clients).args(["--input-type=module", "-"]).args(arguments);
    node.stdin(Stdio::from(script)).output().unwrap().into()
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
fn check(more: &[&str], client: impl Fn(&[&str]) -> Said) {
    let home = Home::new(PROGRAM);
    let _ = home.write("bakery.txt", "The bakery in Elm Street opens at six in the morning.");
    let _ = home.ok(&["ingest", &home.files()]);
    let server = home.serve(&[]);
    let key = home.ok(&["keys", "create", "client"]).out;
    expect_ok(&client(&[&[&server.base, key.trim()], more].concat()));
    assert_eq!(server.stop(), 0);
}

fn expect_ok(said: &Said) {
    assert_eq!((said.code, said.out.trim()), (0, "ok"), "{}", said.err);
}
