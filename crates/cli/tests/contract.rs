//! The server does what its description says: Schemathesis makes requests from `/openapi.json`, right ones and wrong ones, and
//! looks at what is answered: no fault of the server, no status, type of content or shape that is not described, nothing taken
//! that the description excludes, nothing open that is not said to be.
//!
//! `IBID_TEST_CLIENTS` names the folder that `scripts/setup-clients.sh` made; without it this test says that it skips.
//! `IBID_CONTRACT_SECONDS` has it look on for so long, with other requests each time.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::PathBuf;
use std::process::{Command, Output};

use ibid_testkit::{Home, Server};

/// Requests of each endpoint that are made up, besides one for each bound that its description has.
const MADE_UP_MAX: &str = "6";
/// Not checked: whether all that fits the description is taken. What a cursor, a holder or a credential refers to cannot be said in it.
const UNCHECKED: &str = "positive_data_acceptance";

#[test]
fn the_server_keeps_to_its_description() {
    let Some(program) = program() else { return };
    let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
    let _ = home.write("bakery.txt", "The bakery opens at six in the morning.");
    let _ = home.ok(&["ingest", &home.files()]);
    let unhurried = ["requests_per_minute=0", "workspace_requests_per_minute=0", "strangers_per_minute=0"];
    let settings: Vec<String> = unhurried.iter().map(|setting| format!("limits.{setting}")).collect();
    let arguments: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting.as_str()]).collect();
    let server = home.serve(&arguments);
    let looked = look(&home, &server, &program);
    let said = String::from_utf8_lossy(&looked.stdout);
    assert!(looked.status.success(), "{said}\n{}", String::from_utf8_lossy(&looked.stderr));
    assert!(said.contains("Tested: ") && said.contains("generated"), "{said}");
    assert_eq!(server.get("/health/live").0, 200);
}

fn program() -> Option<PathBuf> {
    let folder = std::env::var_os("IBID_TEST_CLIENTS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: IBID_TEST_CLIENTS names no folder; run scripts/setup-clients.sh FOLDER");
    }
    Some(folder?.join("venv/bin/schemathesis"))
}

fn look(home: &Home, server: &Server, program: &PathBuf) -> Output {
    let description = home.write("openapi.json", server.get("/openapi.json").1.to_string());
    let mut command = Command::new(program);
    command.current_dir(home.path()).arg("run").arg(description).args(["--url", &server.base]);
    command.args(["--header", &format!("Authorization: Bearer {}", home.token())]);
    command.args(["--exclude-checks", UNCHECKED, "--continue-on-failure", "--no-color"]);
    match std::env::var("IBID_CONTRACT_SECONDS") {
        Ok(seconds) => {
            command.args(["--phases", "examples,coverage,fuzzing,stateful", "--max-time", &seconds])
        }
        Err(_) => command
            .args(["--phases", "examples,coverage,fuzzing", "--max-examples", MADE_UP_MAX])
            .arg("--generation-deterministic"),
    };
    command.output().unwrap()
}
