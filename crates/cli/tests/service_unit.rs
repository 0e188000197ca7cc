//! The unit for systemd is one that systemd takes, confines the service, and starts the program as the program wants to be started.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::path::Path;
use std::process::Command;

use ibid_testkit::{Home, repository};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ibid");
/// What `systemd-analyze security` gives for exposure, times ten: 100 is a service that may do anything, below 20 it calls "OK".
const EXPOSURE_MAX: &str = "--threshold=15";

fn unit() -> String {
    std::fs::read_to_string(repository().join("deploy/systemd/ibid.service")).unwrap()
}

/// What it said; nothing where this machine has no systemd.
fn analyze(arguments: &[&str], unit: &Path) -> Option<(bool, String)> {
    let run = Command::new("systemd-analyze").args(arguments).arg(unit).env("SYSTEMD_COLORS", "0").output();
    let Ok(output) = run else {
        println!("skipped: there is no systemd-analyze");
        return None;
    };
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Some((output.status.success(), text.concat()))
}

#[test]
fn systemd_takes_the_unit_and_finds_it_confined() {
    let home = Home::new(PROGRAM);
    // The program is where it is built, and the credentials are wanted.
    let text = unit().replace("/usr/local/bin/ibid", PROGRAM).replace("#LoadCredential", "LoadCredential");
    let path = home.write("ibid.service", text);
    let Some((is_well, said)) = analyze(&["verify", "--man=no"], &path) else { return };
    assert!(is_well && said.trim().is_empty(), "{said}");
    let security = ["security", "--offline=true", "--no-pager", EXPOSURE_MAX];
    let (is_well, said) = analyze(&security, &path).unwrap();
    assert!(is_well, "{said}");
    // A unit that confines nothing would not do.
    let open: String = unit()
        .lines()
        .filter(|line| !line.contains("Protect") && !line.contains("Restrict"))
        .fold(String::new(), |text, line| text + &line.replace("/usr/local/bin/ibid", PROGRAM) + "\n");
    assert!(!analyze(&security, &home.write("open/ibid.service", open)).unwrap().0);
}

#[test]
fn the_program_starts_as_the_unit_says() {
    let home = Home::new(PROGRAM);
    let text = unit();
    let start = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let secret = home.write("credentials/chat-key", "hunter2\n");
    let config =
        home.write("ibid.toml", "[chat]\napi_key_file = \"chat-key\"\n[server]\naddress = \"127.0.0.1:0\"\n");
    let data = home.path().join("data").display().to_string();
    let line = start
        .replace("${STATE_DIRECTORY}", &data)
        .replace("/etc/ibid/ibid.toml", &config.display().to_string());
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(words[0], "/usr/local/bin/ibid");
    // Instead of serving it shows what it would serve with.
    assert_eq!(words.last(), Some(&"serve"));
    let mut command = Command::new(PROGRAM);
    command.args(&words[1..words.len() - 1]).args(["config", "show"]);
    command.env_clear().env("CREDENTIALS_DIRECTORY", secret.parent().unwrap());
    let output = command.output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line = shown.lines().find(|line| line.contains("chat.api_key")).unwrap_or_default();
    assert!(line.contains("[set]") && line.contains("ibid.toml") && !shown.contains("hunter2"), "{shown}");
}
