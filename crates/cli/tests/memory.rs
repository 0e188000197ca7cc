//! Memory from outside: told, recalled, corrected and forgotten with the command line and over HTTP.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use ibid_testkit::{Home, Said};
use serde_json::{Value, json};

fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_ibid"))
}

fn told(home: &Home, arguments: &[&str]) -> Value {
    let mut all = vec!["memory", "--json"];
    all.extend(arguments);
    home.ok(&all).json()
}

fn statements(home: &Home, arguments: &[&str]) -> Vec<String> {
    let page = told(home, arguments);
    page["facts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fact| fact["statement"].as_str().unwrap().to_owned())
        .collect()
}

fn code(said: &Said) -> String {
    let start = said.err.rfind('[').map_or(0, |at| at + 1);
    said.err[start..].trim_end().trim_end_matches(']').to_owned()
}

#[test]
fn what_is_told_is_recalled_with_its_words_and_its_times() {
    let home = home();
    let text = "I moved to Lisbon in May. The billing service depends on Redis.";
    let taken = told(&home, &["add", text, "--speaker", "Tom", "--at", "2026-06-01"]);
    let facts = taken["facts"].as_array().unwrap();
    assert_eq!(facts.len(), 2, "{taken}");
    for fact in facts {
        let source = &fact["sources"][0];
        let place = source["start"].as_u64().unwrap() as usize..source["end"].as_u64().unwrap() as usize;
        assert_eq!(&text[place], source["quote"].as_str().unwrap());
    }
    let _ = told(&home, &["add", "I moved to Oslo.", "--speaker", "Tom", "--at", "2026-10-01"]);
    assert_eq!(statements(&home, &["facts", "Tom", "--valid-at", "2026-11-01"]), ["I moved to Oslo"]);
    assert_eq!(
        statements(&home, &["facts", "Tom", "--valid-at", "2026-07-01"]),
        ["I moved to Lisbon in May"]
    );
    assert_eq!(statements(&home, &["facts", "Tom", "--believed-at", "2020-01-01"]), Vec::<String>::new());
    let conflicts = told(&home, &["conflicts"]);
    assert_eq!(conflicts["conflicts"][0]["by"]["statement"], "I moved to Oslo");
    let found = told(&home, &["recall", "Where did Tom move?", "--explain"]);
    let hits = found["hits"].as_array().unwrap();
    assert!(hits.iter().any(|hit| hit["episode"]["text"] == "I moved to Oslo."), "{found}");
    for hit in hits {
        let parts = hit["why"].as_array().unwrap().iter();
        let sum: f64 =
            parts.map(|part| part["value"].as_f64().unwrap() * part["weight"].as_f64().unwrap()).sum();
        assert!((sum - hit["score"].as_f64().unwrap()).abs() < 1e-4, "{hit}");
    }
}

#[test]
fn a_person_corrects_decides_and_takes_back() {
    let home = home();
    let relate =
        |place: &str| told(&home, &["relate", "Ada", "lives in", place, "--single", "--from", "2026-01-01"]);
    let paris = relate("Paris")["id"].as_str().unwrap().to_owned();
    let _ = relate("Rome");
    let now = || statements(&home, &["facts", "Ada", "--valid-at", "2026-03-01"]);
    assert_eq!(now(), ["Ada lives in Rome"]);
    let _ = told(&home, &["change", &paris, "--decide"]);
    assert_eq!(now(), ["Ada lives in Paris"]);
    let _ = told(&home, &["change", &paris, "--statement", "Ada has a flat in Paris"]);
    assert_eq!(now(), ["Ada has a flat in Paris"]);
    let _ = told(&home, &["change", &paris, "--retract"]);
    assert_eq!(now(), ["Ada lives in Rome"]);
    assert_eq!(code(&home.run(&["memory", "change", &paris, "--retract"])), "fact_gone");
    let history = told(&home, &["fact", &paris]);
    assert!(history["states"].as_array().unwrap().len() >= 3, "{history}");
}

#[test]
fn a_time_can_be_set_moved_and_opened_again() {
    let home = home();
    let times = ["--from", "2026-01-01", "--to", "2026-06-01"];
    let fact = told(&home, &[&["relate", "Ada", "works at", "Initech"][..], &times].concat());
    let id = fact["id"].as_str().unwrap();
    let held = |arguments: &[&str]| {
        let fact = told(&home, &[&["change", id], arguments].concat());
        ["valid_from", "valid_to"].map(|end| fact[end].as_str().map(|at| at[..10].to_owned()))
    };
    let on = |day: &str| Some(day.to_owned());
    assert_eq!(held(&["--to", "2026-07-01"]), [on("2026-01-01"), on("2026-07-01")], "what is left out stays");
    assert_eq!(held(&["--no-to"]), [on("2026-01-01"), None]);
    assert_eq!(held(&["--no-from", "--to", "2026-05-01"]), [None, on("2026-05-01")]);
    assert_eq!(held(&["--no-to"]), [None, None]);
    assert_eq!(held(&["--importance", "0.9"]), [None, None]);
    assert_eq!(home.run(&["memory", "change", id, "--from", "2026-01-01", "--no-from"]).code, 2);
}

#[test]
fn days_are_shown_as_they_were_meant() {
    let home = home();
    let text = "Ada Marlow joined Initech last Monday.";
    let said = home.ok(&["memory", "add", text, "--at", "2026-11-20T23:30:00Z", "--zone", "Europe/Berlin"]);
    assert!(said.out.contains("since 2026-11-16"), "{said:?}");
    assert!(home.ok(&["memory", "facts"]).out.contains("(2026-11-21)"), "it was past midnight there");
    assert!(home.ok(&["memory", "recall", "Where does Ada work?"]).out.contains("2026-11-21"));
}

#[test]
fn one_is_shown_and_names_stand_in_no_address() {
    let home = home();
    let server = home.serve(&[]);
    let told = json!({ "episodes": [{ "text": "Ada Marlow works at Initech." }], "wait": true });
    let told = server.post("/v1/memory/episodes", &told).1;
    let episode = told["episodes"][0].as_str().unwrap();
    let subject = told["facts"][0]["subject"]["id"].as_str().unwrap();
    let (status, shown) = server.get(&format!("/v1/memory/episodes/{episode}"));
    assert_eq!((status, shown["text"].as_str()), (200, Some("Ada Marlow works at Initech.")), "{shown}");
    let (status, shown) = server.get(&format!("/v1/memory/entities/{subject}"));
    assert_eq!((status, &shown["name"], &shown["facts"]), (200, &json!("Ada Marlow"), &json!(1)), "{shown}");
    let nobody = "01234567-89ab-7def-8123-456789abcdef";
    for sort in ["episodes", "entities"] {
        assert_eq!(server.get(&format!("/v1/memory/{sort}/{nobody}")).0, 404, "{sort}");
    }
    let _ = home.ok(&["memory", "relate", "Redis", "PART_OF", "Initech"]);
    let key = home.ok(&["keys", "create", "stranger"]).out.trim().to_owned();
    let asked = |path: String| server.http.get(format!("{}{path}", server.base)).bearer_auth(&key);
    let status = asked(format!("/v1/memory/episodes/{episode}")).send().unwrap().status().as_u16();
    assert_eq!(status, 404, "it is somebody else's");
    let find = |path: &str, body: Value| server.post(&format!("/v1/memory/{path}"), &body);
    let ada = json!({ "entity": "Ada Marlow" });
    assert_eq!(find("facts/find", ada.clone()).1["facts"].as_array().unwrap().len(), 1);
    assert_eq!(find("timeline", ada).1["states"].as_array().unwrap().len(), 1);
    assert_eq!(find("entities/find", json!({ "text": "marlow" })).1["total"], 1);
    assert_eq!(find("entities/find", json!({ "words": "marlow" })).0, 400);
    let between = json!({ "from": "Ada Marlow", "to": "Redis" });
    assert_eq!(find("graph/path/find", between).1["facts"].as_array().unwrap().len(), 2);
    let around = json!({ "around": "Initech", "communities": true });
    let graph = find("graph/find", around).1;
    let nodes = graph["nodes"].as_array().unwrap();
    assert!(nodes.len() == 3 && nodes.iter().all(|node| node["community"] == 0), "{graph}");
    assert!(server.get("/v1/memory/graph").1["nodes"][0].get("community").is_none());
}

#[test]
fn a_path_has_the_form_that_is_asked_for() {
    let home = home();
    for (from, relation, to) in [
        ("web", "DEPENDS_ON", "billing"),
        ("billing", "DEPENDS_ON", "Redis"),
        ("Redis", "PART_OF", "shop"),
        ("web", "RELATES_TO", "shop"),
    ] {
        let _ = told(&home, &["relate", from, relation, to]);
    }
    let names = |arguments: &[&str]| -> Vec<String> {
        let found = told(&home, &[&["path", "web", "shop"], arguments].concat());
        let nodes = found["nodes"].as_array().unwrap().iter();
        nodes.map(|node| node["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&[]), ["web", "shop"]);
    assert_eq!(names(&["--pattern", "DEPENDS_ON* PART_OF"]), ["web", "billing", "Redis", "shop"]);
    assert_eq!(names(&["--relation", "DEPENDS_ON", "--relation", "PART_OF"]).len(), 4);
    assert_eq!(names(&["--pattern", "DEPENDS_ON"]), Vec::<String>::new());
    let refused = home.run(&["memory", "path", "web", "shop", "--pattern", "_{99,99}"]);
    assert_eq!(code(&refused), "graph_pattern_invalid");
}

#[test]
fn the_graph_answers() {
    let home = home();
    for (from, to) in
        [("billing", "Redis"), ("billing", "Postgres"), ("mail", "Postgres"), ("web", "billing")]
    {
        let _ = told(&home, &["relate", from, "DEPENDS_ON", to]);
    }
    let path = told(&home, &["path", "Redis", "mail"]);
    let names: Vec<&str> =
        path["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Redis", "billing", "Postgres", "mail"]);
    assert_eq!(path["facts"].as_array().unwrap().len(), 3);
    assert_eq!(told(&home, &["neighbours", "billing"])["edges"].as_array().unwrap().len(), 3);
    for by in ["degree", "pagerank", "betweenness"] {
        assert_eq!(told(&home, &["central", "--by", by])["nodes"][0]["name"], "billing", "{by}");
    }
    let communities = told(&home, &["communities"]);
    let sizes =
        communities["communities"].as_array().unwrap().iter().map(|one| one["size"].as_u64().unwrap());
    assert_eq!(sizes.sum::<u64>(), 5, "{communities}");
    assert_eq!(code(&home.run(&["memory", "path", "Redis", "Nowhere"])), "entity_unknown");
    assert_eq!(told(&home, &["changes", "2020-01-01"])["recorded"].as_array().unwrap().len(), 4);
}

#[test]
fn consent_is_kept_and_what_is_wrong_is_told() {
    let home = home();
    assert_eq!(told(&home, &["consent"])["consent"], "asked");
    let _ = told(&home, &["consent", "off"]);
    let refused = home.run(&["memory", "add", "The API depends on Redis."]);
    assert_eq!((refused.code, code(&refused).as_str()), (3, "memory_consent"));
    let _ = told(&home, &["consent", "on"]);
    assert_eq!(code(&home.run(&["memory", "add", " "])), "episode_empty");
    assert_eq!(code(&home.run(&["memory", "add", "x", "--zone", "Mars/Base"])), "zone_unknown");
    assert_eq!(code(&home.run(&["memory", "add", "x", "--at", "soon"])), "date_malformed");
    assert_eq!(code(&home.run(&["memory", "relate", "Ada", "!!", "Bob"])), "relation_malformed");
    assert_eq!(
        code(&home.run(&["memory", "relate", "A", "r", "B", "--from", "2026-02-01", "--to", "2026-01-01"])),
        "fact_times"
    );
    assert_eq!(code(&home.run(&["memory", "facts", "Nobody"])), "entity_unknown");
    assert_eq!(code(&home.run(&["memory", "forget", "--everything"])), "confirmation_needed");
    let both = home.run(&["memory", "forget", "--everything", "--entity", "x", "--yes"]);
    assert!(["forget_what", "entity_unknown"].contains(&code(&both).as_str()), "{}", both.err);
}

/// Files of the library that hold a name; backups hold it until they are deleted, and say until when.
fn files_with(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(files_with(&entry, name));
        } else if std::fs::read(&entry)
            .is_ok_and(|bytes| bytes.windows(name.len()).any(|part| part == name.as_bytes()))
        {
            found.push(entry);
        }
    }
    found
}

#[test]
fn forgetting_leaves_no_byte_in_the_library() {
    let home = home();
    let quiet = ["--set", "backup.enabled=false"];
    let run = |arguments: &[&str]| {
        let all: Vec<&str> = ["memory"].iter().chain(arguments).chain(&quiet).copied().collect();
        home.ok(&all).out
    };
    let _ = run(&["add", "Zebulon Quatermass works at Initech. It rained. The API depends on Redis."]);
    let _ = run(&["relate", "Zebulon Quatermass", "likes", "chess"]);
    assert!(!files_with(home.path(), "Quatermass").is_empty(), "it was there");
    let receipt = run(&["forget", "--entity", "Zebulon Quatermass", "--yes"]);
    assert!(receipt.starts_with("entity forgotten"), "{receipt}");
    assert_eq!(files_with(home.path(), "Quatermass"), Vec::<PathBuf>::new());
    assert!(run(&["facts"]).contains("The API depends on Redis"), "what was said beside it stays");
    assert!(!run(&["recall", "Quatermass chess"]).contains("Quatermass"));
    let _ = run(&["forget", "--everything", "--yes"]);
    assert_eq!(files_with(home.path(), "Initech"), Vec::<PathBuf>::new());
    assert!(run(&["receipts"]).lines().count() == 2);
}

#[test]
fn forgetting_is_whole_while_a_server_ships_its_log() {
    let home = home();
    let server = home.serve(&[]);
    let episodes = json!({"episodes": [{"text": "Zebulon Quatermass works at Initech."}], "wait": true});
    let (status, taken) = server.post("/v1/memory/episodes", &episodes);
    assert_eq!((status, taken["facts"].as_array().unwrap().len()), (200, 1), "{taken}");
    let (status, receipt) = server.post("/v1/memory/forget", &json!({"everything": true}));
    assert_eq!(status, 200, "{receipt}");
    assert!(
        receipt["receipt"]["backups_gone_at"].is_i64()
            && receipt["signature"].as_str().unwrap().split('.').count() == 3
    );
    let database = home.path().join("data/ibid.db");
    for file in [database.clone(), database.with_extension("db-wal")] {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(10).any(|part| part == b"Quatermass"), "{}", file.display());
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn an_export_is_taken_in_again() {
    let home = home();
    let _ = told(&home, &["add", "The API depends on Redis since March 2025.", "--speaker", "Tom"]);
    let _ = told(&home, &["relate", "Ada", "lives in", "Paris"]);
    let export = home.ok(&["memory", "export"]).out;
    assert_eq!(export.lines().filter(|line| line.contains("\"type\":\"fact\"")).count(), 2, "{export}");
    let other = self::home();
    let imported = other.run_with_input(&["memory", "--json", "import", "-"], &export).json();
    assert_eq!(
        (imported["from"].as_str(), imported["rejected"].as_array().map(Vec::len)),
        (Some("ibid"), Some(0)),
        "{imported}"
    );
    assert_eq!(statements(&other, &["facts"]).len(), 2);
    for (format, begins) in [("graphml", "<?xml"), ("jsonld", "{"), ("csv", "id,")] {
        assert!(home.ok(&["memory", "export", "--format", format]).out.starts_with(begins), "{format}");
    }
    let partly = other.run_with_input(
        &["memory", "import", "-"],
        "{\"text\": \"The mail service depends on Kafka.\"}\nrubbish\n",
    );
    assert_eq!(partly.code, 6, "{}", partly.out);
    assert_eq!(code(&other.run_with_input(&["memory", "import", "-"], "a,b,c")), "import_unreadable");
}

#[test]
fn keys_have_memories_of_their_own() {
    let home = home();
    let server = home.serve(&[]);
    let key = |name: &str, role: &str| {
        let (_, made) = server.post("/v1/keys", &json!({"name": name, "role": role}));
        made["key"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    };
    let (one, other) = (key("one", "reader"), key("other", "reader"));
    let call = |key: &str, path: &str, body: &Value| {
        let request = server.stranger().post(format!("{}{path}", server.base)).bearer_auth(key).json(body);
        ibid_testkit::answer(request.send().unwrap())
    };
    let episodes = json!({"episodes": [{"text": "The API depends on Redis."}], "wait": true});
    assert_eq!(call(&one, "/v1/memory/episodes", &episodes).0, 200);
    let recall = json!({"query": "What does the API depend on?"});
    assert!(!call(&one, "/v1/memory/recall", &recall).1["hits"].as_array().unwrap().is_empty());
    assert_eq!(call(&other, "/v1/memory/recall", &recall).1["hits"], json!([]));
    let shared = json!({"episodes": [{"text": "The mail service depends on Kafka."}], "shared": true});
    assert_eq!(call(&one, "/v1/memory/episodes", &shared).0, 403, "a reader writes nothing for all");
    let forget = json!({"everything": true, "person": "machine"});
    assert_eq!(call(&one, "/v1/memory/forget", &forget).0, 403, "only an administrator has others forgotten");
    assert_eq!(server.stop(), 0);
}
