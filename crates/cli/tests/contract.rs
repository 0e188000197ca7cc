//! The server does what its description says. Schemathesis makes requests from `/openapi.json`, right ones and wrong ones, and
//! looks at what is answered: no fault of the server, no status, type of content or shape that is not described, nothing taken
//! that the description excludes, nothing open that is not said to be.
//!
//! `IBID_TEST_CLIENTS` names the folder that `scripts/setup-clients.sh` made; without it this test says that it skips.
//! `IBID_CONTRACT_SECONDS` has it look on for so long, with other requests each time.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Output};

use ibid_testkit::{Home, Server};
use serde_json::{Value, json};

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

/// Requests with a field that holds one word of several, and what the field is called in them.
fn bodies_of_words() -> [(&'static str, &'static str, Value); 9] {
    let question = json!({ "question": "When does the bakery open?" });
    [
        ("/v1/search", "mode", json!({ "query": "bakery" })),
        ("/v1/ask", "mode", question.clone()),
        ("/v1/threads/{id}/turns", "mode", question.clone()),
        ("/v1/threads/{id}/turns", "quality", question),
        ("/v1/keys", "role", json!({ "name": "laptop" })),
        ("/v1/memory/facts", "kind", json!({ "subject": "a", "relation": "b", "object": "c" })),
        ("/v1/memory/facts", "subject_kind", json!({ "subject": "a", "relation": "b", "object": "c" })),
        ("/v1/memory/facts", "sensitivity", json!({ "subject": "a", "relation": "b", "object": "c" })),
        ("/v1/memory/import", "from", json!({ "data": "{}" })),
    ]
}

#[test]
fn the_words_of_the_description_are_those_that_are_read() {
    let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
    let server = home.serve(&[]);
    let description = server.get("/openapi.json").1;
    let asked = parameters_of_words(&description);
    assert!(asked.len() >= 4, "{asked:?}");
    for (route, name, words) in asked {
        let (status, refusal) = server.get(&format!("{route}?{name}=nonsense"));
        assert_eq!((status, told(&refusal)), (400, words), "{route} {name}");
    }
    let thread = server.post("/v1/threads", &json!({})).1["id"].as_str().unwrap().to_owned();
    for (route, field, mut body) in bodies_of_words() {
        let words = words(&description, field_of(&description, route, field));
        body[field] = json!("nonsense");
        let (status, refusal) = server.post(&route.replace("{id}", &thread), &body);
        assert_eq!((status, told(&refusal)), (400, words), "{route} {field}");
    }
}

/// Reading endpoints without parts in their path, with each parameter that is one word of several.
fn parameters_of_words(description: &Value) -> Vec<(String, String, BTreeSet<String>)> {
    let paths = description["paths"].as_object().unwrap().iter();
    let readings = paths.filter(|(route, item)| !route.contains('{') && item["get"].is_object());
    let parameters = readings.flat_map(|(route, item)| {
        let all = item["get"]["parameters"].as_array().into_iter().flatten();
        all.map(move |parameter| {
            let name = parameter["name"].as_str().unwrap().to_owned();
            (route.clone(), name, words(description, &parameter["schema"]))
        })
    });
    parameters.filter(|(_, _, words)| !words.is_empty()).collect()
}

fn field_of<'a>(description: &'a Value, route: &str, field: &str) -> &'a Value {
    let body = &description["paths"][route]["post"]["requestBody"]["content"]["application/json"]["schema"];
    &resolved(description, body)["properties"][field]
}

/// The words that a schema allows, without `null`.
fn words(description: &Value, schema: &Value) -> BTreeSet<String> {
    let choices = schema["oneOf"].as_array().into_iter().flatten();
    let own = resolved(description, schema)["enum"].as_array().into_iter().flatten();
    let own = own.filter_map(Value::as_str).map(str::to_owned);
    own.chain(choices.flat_map(|choice| words(description, choice))).collect()
}

fn resolved<'a>(description: &'a Value, schema: &'a Value) -> &'a Value {
    let place = schema["$ref"].as_str().and_then(|place| place.strip_prefix('#'));
    place.map_or(schema, |place| description.pointer(place).unwrap())
}

/// The words that a refusal says are to be used.
fn told(refusal: &Value) -> BTreeSet<String> {
    let (_, list) = refusal["error"]["message"].as_str().unwrap().split_once("use ").unwrap();
    let words = list.split([',', ' ']).filter(|word| !word.is_empty() && *word != "or");
    words.map(str::to_owned).collect()
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
