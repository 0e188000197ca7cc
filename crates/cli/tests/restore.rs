//! A part of a backup back into the living library, through the real program: documents, threads, workspaces, and what is refused.
#![allow(clippy::unwrap_used)]

use ibid_store::{Db as _, Sqlite, SqliteConfig, Statement};
use ibid_testkit::{Home, Said, Server, answer};
use serde_json::{Value, json};

const KEY: &str =
    r#"flow.keys=[{id=1,key="1111111111111111111111111111111111111111111111111111111111111111"}]"#;
const OTHER_KEY: &str =
    r#"flow.keys=[{id=2,key="2222222222222222222222222222222222222222222222222222222222222222"}]"#;
const ECHO: &str = "name: echo\ninput: {question: text}\nnodes: {wait: {kind: wait, with: {seconds: 0}}}\noutput: \
                    {answer: '{{ question }}'}\n";
const QUESTION: &str = "Who approves refunds?";

fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_ibid"))
}

/// A library of two documents.
fn bakery() -> Home {
    let home = home();
    let _ = home.write("bakery.md", "# Bakery\n\nThe bakery opens at six. The manager approves refunds.\n");
    let _ = home.write("boats.md", "# Boats\n\nThe Kittiwake has two engines of different age.\n");
    let _ = home.ok(&["ingest", &home.files()]);
    home
}

/// The newest commit, which is in the backup then.
fn commit(home: &Home) -> String {
    home.ok(&["--json", "backup", "now"]).json()["commit"].to_string()
}

fn documents(home: &Home) -> Vec<Value> {
    let mut listed =
        home.ok(&["--json", "documents", "list"]).json()["documents"].as_array().unwrap().clone();
    listed.sort_by_key(|document| document["source"].to_string());
    listed
}

/// The document's id.
fn id_of(home: &Home, source: &str) -> String {
    let found = documents(home).into_iter().find(|d| d["source"].as_str().unwrap().ends_with(source));
    found.unwrap()["id"].as_str().unwrap().to_owned()
}

/// The first citation of an answer, after it was seen that its quote stands in its place.
fn citation(home: &Home) -> Value {
    let answer = home.ok(&["--json", "ask", QUESTION]).json();
    let citation = answer["citations"][0].clone();
    let text = home.ok(&["documents", "text", citation["document"].as_str().unwrap()]).out;
    let at = |name: &str| usize::try_from(citation[name].as_u64().unwrap()).unwrap();
    assert_eq!(&text[at("start_byte")..at("end_byte")], citation["quote"].as_str().unwrap());
    citation
}

fn restored(home: &Home, to: &str, only: &str) -> Value {
    home.ok(&["--json", "restore", "--to", to, "--only", only]).json()
}

fn code(said: &Said) -> String {
    let start = said.err.rfind('[').map_or(0, |at| at + 1);
    said.err[start..].split(']').next().unwrap_or_default().to_owned()
}

fn put(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    answer(server.http.put(format!("{}{path}", server.base)).json(body).send().unwrap())
}

#[test]
fn a_deleted_document_is_cited_again_byte_for_byte() {
    let home = bakery();
    let (before, all) = (citation(&home), documents(&home));
    let (id, moment) = (id_of(&home, "bakery.md"), commit(&home));
    let _ = home.ok(&["documents", "delete", &id]);
    assert_eq!(home.run(&["ask", QUESTION]).code, 7);
    // Its original is gone, not only hidden.
    let blobs = home.path().join("data/blobs");
    std::fs::remove_dir_all(&blobs).unwrap();
    let dry = home
        .ok(&["--json", "restore", "--to", &moment, "--only", &format!("document={id}"), "--dry-run"])
        .json();
    assert_eq!((dry["documents"].as_u64(), dry["is_dry_run"].as_bool()), (Some(1), Some(true)), "{dry}");
    assert_eq!((&dry["items"][0]["id"], &dry["items"][0]["is_there"]), (&json!(id), &json!(false)));
    assert_eq!(documents(&home).len(), 1, "a dry run changes nothing");
    let source = before["source"].as_str().unwrap();
    let back = restored(&home, &moment, &format!("document={source}"));
    assert_eq!(
        (back["documents"].as_u64(), back["originals_missing"].as_u64()),
        (Some(1), Some(0)),
        "{back}"
    );
    assert_eq!(documents(&home), all);
    assert_eq!(citation(&home), before);
    assert!(blobs.exists());
    assert_eq!(home.ok(&["--json", "index", "rebuild"]).json()["rebuilt"][0]["was_equal"], true);
    assert!(!home.path().join("data/restoring").exists());
}

#[test]
fn a_server_brings_a_former_version_back_while_it_works() {
    let home = bakery();
    let server = home.serve(&[]);
    let (id, moment) = (id_of(&home, "bakery.md"), commit(&home));
    let before = citation(&home);
    let _ = home.write("bakery.md", "# Bakery\n\nThe bakery opens at six. Nobody approves anything.\n");
    let _ = home.write("new.md", "# New\n\nThe harbour has a new crane since spring.\n");
    let _ = home.ok(&["ingest", &home.files()]);
    let back = restored(&home, &moment, &format!("document={id}"));
    assert_eq!(back["items"][0]["is_there"], true, "{back}");
    assert_eq!(citation(&home), before);
    assert_eq!(documents(&home).len(), 3, "what came later stays");
    let original = server.http.get(format!("{}/v1/documents/{id}/content", server.base)).send().unwrap();
    assert!(original.text().unwrap().contains("The manager approves refunds"));
    assert_eq!(server.post("/v1/index/rebuild", &json!({})).1["rebuilt"][0]["was_equal"], true);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_sealed_thread_comes_back_beside_its_fork() {
    let home = home();
    let server = home.serve(&["--set", KEY]);
    assert!(put(&server, "/v1/flows/echo", &json!({ "source": ECHO })).0 < 300);
    let thread = server.post("/v1/threads", &json!({})).1["id"].as_str().unwrap().to_owned();
    let ask = |thread: &str, question: &str| {
        let asked = json!({ "question": question, "flow": "echo" });
        let (status, turn) = server.post(&format!("/v1/threads/{thread}/turns"), &asked);
        assert_eq!((status, turn["status"].as_str()), (200, Some("finished")), "{turn}");
        turn["id"].as_str().unwrap().to_owned()
    };
    let first = ask(&thread, "Where is the lighthouse?");
    let _ = ask(&thread, "And the pier?");
    let rated = json!({ "rating": -1, "reason": "wrong", "correction": "it is in the west" });
    assert_eq!(put(&server, &format!("/v1/turns/{first}/feedback"), &rated).0, 200);
    let (status, fork) = server.post(&format!("/v1/threads/{thread}/fork"), &json!({ "turn": 1 }));
    assert!(status < 300, "{fork}");
    let fork = fork["id"].as_str().unwrap().to_owned();
    let turns = |thread: &str| server.get(&format!("/v1/threads/{thread}/turns")).1;
    let (before, before_fork, moment) = (turns(&thread), turns(&fork), commit(&home));
    let deleted = server.http.delete(format!("{}/v1/threads/{thread}", server.base)).send().unwrap();
    assert!(deleted.status().is_success());
    assert_eq!(server.get(&format!("/v1/threads/{thread}")).0, 404);
    let back = restored(&home, &moment, &format!("thread={thread}"));
    assert_eq!((back["threads"].as_u64(), back["turns_away"].as_u64()), (Some(1), Some(0)), "{back}");
    assert_eq!(turns(&thread), before);
    assert_eq!(turns(&fork), before_fork);
    let runs = server.get(&format!("/v1/runs?thread={thread}")).1;
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2, "{runs}");
    let _ = ask(&thread, "It goes on.");
    let _ = ask(&fork, "So does the fork.");
    assert_eq!(server.stop(), 0);
    let only = format!("thread={thread}");
    let said = home.run(&["--set", OTHER_KEY, "restore", "--to", &moment, "--only", &only]);
    assert_eq!(code(&said), "checkpoint_key_missing", "{said:?}");
}

#[test]
fn a_deleted_workspace_comes_back_with_all_that_was_in_it() {
    let home = home();
    let _ = home.ok(&["workspace", "create", "legal"]);
    let lease = home.write("lease.md", "# Lease\n\nThe rent of the boathouse is nine crowns a month.\n");
    let _ = home.ok(&["-w", "legal", "ingest", lease.to_str().unwrap()]);
    let server = home.serve(&[]);
    assert!(put(&server, "/v1/flows/echo", &json!({ "source": ECHO })).0 < 300);
    let thread = server.post("/v1/threads?workspace=legal", &json!({ "workspace": "legal" })).1;
    let thread = thread["id"].as_str().unwrap();
    let path = format!("/v1/threads/{thread}/turns?workspace=legal");
    let asked = json!({ "question": "What is the rent?", "flow": "echo" });
    assert_eq!(server.post(&path, &asked).1["status"], "finished");
    let moment = commit(&home);
    let search =
        || server.post("/v1/search", &json!({ "query": "rent of the boathouse", "workspace": "legal" }));
    let before = search().1["hits"][0].clone();
    let deleted = server.http.delete(format!("{}/v1/workspaces/legal", server.base)).send().unwrap();
    assert!(deleted.status().is_success());
    assert_eq!(search().0, 404);
    let said = home.ok(&["restore", "--to", &moment, "--only", "workspace=legal"]);
    assert!(said.out.contains("1 document, 1 thread and 0 runs came back"), "{said:?}");
    assert_eq!(search().1["hits"][0]["text"], before["text"]);
    assert_eq!(server.get(&path).1["turns"].as_array().unwrap().len(), 1);
    assert_eq!(server.stop(), 0);
}

/// What is believed now, in order.
fn facts(home: &Home, workspace: &str) -> Vec<String> {
    let listed = home.ok(&["-w", workspace, "--json", "memory", "facts"]).json();
    let facts = listed["facts"].as_array().unwrap();
    let mut told: Vec<String> =
        facts.iter().map(|fact| fact["statement"].as_str().unwrap().to_owned()).collect();
    told.sort();
    told
}

#[test]
fn a_deleted_workspace_comes_back_with_what_was_remembered_there() {
    let home = home();
    let _ = home.ok(&["workspace", "create", "legal"]);
    let server = home.serve(&["--set", KEY]);
    let _ = home.ok(&["-w", "legal", "memory", "add", "Zebulon Quatermass works at Initech."]);
    let _ = home.ok(&["-w", "legal", "memory", "relate", "billing", "DEPENDS_ON", "Redis", "--shared"]);
    let (before, moment) = (facts(&home, "legal"), commit(&home));
    assert_eq!(before.len(), 2, "{before:?}");
    let deleted = server.http.delete(format!("{}/v1/workspaces/legal", server.base)).send().unwrap();
    assert!(deleted.status().is_success());
    assert_eq!(server.stop(), 0);
    let left = home.ok(&["--set", KEY, "-w", "default", "memory", "stats"]);
    assert!(!holds(&home.path().join("data/ibid.db"), "billing depends"), "{left:?}");
    let said = home.run(&["--set", OTHER_KEY, "restore", "--to", &moment, "--only", "workspace=legal"]);
    assert!(said.out.contains("checkpoint_key_missing"), "{said:?}");
    let server = home.serve_again(&["--set", KEY]);
    let said = home.ok(&["restore", "--to", &moment, "--only", "workspace=legal"]);
    assert!(
        said.out.contains("the memory of 2 owners: 2 episodes, 4 entities and 2 facts came back"),
        "{said:?}"
    );
    assert_eq!(facts(&home, "legal"), before);
    let asked = json!({ "query": "Where does Quatermass work?", "workspace": "legal" });
    let found = server.post("/v1/memory/recall", &asked).1.to_string();
    assert!(found.contains("Initech"), "{found}");
    assert_eq!(server.stop(), 0);
}

fn holds(file: &std::path::Path, words: &str) -> bool {
    std::fs::read(file).unwrap().windows(words.len()).any(|part| part == words.as_bytes())
}

#[test]
fn somebodys_memory_comes_back_and_what_they_had_forgotten_only_when_they_ask() {
    let home = home();
    let _ = home.ok(&["memory", "add", "Ada Marlow works at Initech. Otto Brandt lives in Bonn."]);
    let (before, moment) = (facts(&home, "default"), commit(&home));
    let _ = home.ok(&["memory", "forget", "--yes", "--entity", "Otto Brandt"]);
    let _ = home.ok(&["memory", "add", "The billing service depends on Redis."]);
    let later = facts(&home, "default");
    assert!(!later.concat().contains("Otto") && later.concat().contains("Redis"), "{later:?}");
    let only = ["restore", "--to", &moment, "--only", "memory=machine"];
    let refused = home.run(&only);
    assert_eq!(code(&refused), "restore_forgotten", "{refused:?}");
    assert_eq!(facts(&home, "default"), later, "nothing came back");
    let dry = home.ok(&[&only[..], &["--forgotten", "--dry-run"]].concat());
    assert!(dry.out.contains("1 episode, 2 entities and 1 fact would come back"), "{dry:?}");
    let _ = home.ok(&[&only[..], &["--forgotten"]].concat());
    let now = facts(&home, "default");
    assert!(before.iter().all(|fact| now.contains(fact)) && now.len() == before.len() + 1, "{now:?}");
    let _ = home.ok(&["memory", "consent", "off"]);
    let _ = home.ok(&["memory", "forget", "--yes", "--everything"]);
    let refused = home.run(&[&only[..], &["--forgotten"]].concat());
    assert_eq!(code(&refused), "memory_consent", "{refused:?}");
    assert_eq!(facts(&home, "default"), Vec::<String>::new());
}

#[test]
fn what_is_gone_by_itself_comes_back_beside_what_is_there() {
    let home = home();
    let _ = home.ok(&["memory", "add", "Ada Marlow works at Initech."]);
    let (before, moment) = (facts(&home, "default"), commit(&home));
    lose(&home);
    let _ = home.ok(&["memory", "add", "Ada Marlow likes tea."]);
    assert!(!facts(&home, "default").concat().contains("Initech"));
    let said = home.ok(&["restore", "--to", &moment, "--only", "memory=machine"]);
    // Ada is known again by now, under another id.
    assert!(said.out.contains("1 episode, 1 entity and 1 fact came back"), "{said:?}");
    let now = facts(&home, "default");
    assert!(now.len() == 2 && now.contains(&before[0]), "{now:?}");
    let of_ada = home.ok(&["memory", "facts", "Ada Marlow"]).out;
    assert!(of_ada.contains("Initech") && of_ada.contains("tea"), "{of_ada}");
    let again = home.ok(&["restore", "--to", &moment, "--only", "memory=machine"]);
    assert!(again.out.contains("0 episodes, 0 entities and 0 facts came back"), "{again:?}");
    assert_eq!(facts(&home, "default"), now);
}

/// As it is when rows are kept for a time that is over.
fn lose(home: &Home) {
    let database = Sqlite::open(SqliteConfig::new(home.path().join("data/ibid.db"))).unwrap();
    let all = [
        "DELETE FROM episodes",
        "DELETE FROM entities",
        "DELETE FROM facts",
        "DELETE FROM fact_sources",
        "DELETE FROM memory_vectors",
    ];
    database.batch(all.map(|sql| Statement::new(sql, Vec::new())).to_vec()).unwrap();
}

#[test]
fn what_cannot_come_back_is_said() {
    let home = bakery();
    let moment = commit(&home);
    let refused = |arguments: &[&str]| {
        let said = home.run(&[&["restore"], arguments].concat());
        assert_ne!(said.code, 0, "{said:?}");
        code(&said)
    };
    assert_eq!(refused(&["--only", "bakery.md"]), "restore_part_malformed");
    assert_eq!(refused(&["--only", "thread=bakery"]), "restore_part_malformed");
    assert_eq!(refused(&["--only", "document="]), "restore_part_malformed");
    assert_eq!(refused(&["--only", "memory=Ada"]), "restore_part_malformed");
    assert_eq!(refused(&["--only", "memory=machine"]), "restore_part_unknown");
    assert_eq!(refused(&["--only", "document=absent.md", "--to", &moment]), "restore_part_unknown");
    assert_eq!(refused(&["--only", "workspace=absent"]), "restore_part_unknown");
    let nobody = "thread=01234567-89ab-7def-8123-456789abcdef";
    assert_eq!(refused(&["--only", nobody, "--dry-run"]), "restore_part_unknown");
    assert_eq!(refused(&["--only", "document=x", "--to", "yesterday"]), "restore_moment");
    assert_eq!(refused(&["--only", "document=x", "--to", "99999999"]), "restore_unfinished");
    assert_eq!(home.run(&["restore", "--only", "document=x", "--into", "dir"]).code, 2);
    assert_eq!(documents(&home).len(), 2);
}

#[test]
fn a_rehearsal_is_a_page_to_print() {
    let home = bakery();
    assert_eq!(code(&home.run(&["drill", "report"])), "drill_unknown");
    let report = home.ok(&["--json", "drill", "now"]).json();
    assert_eq!(
        (report["is_passed"].as_bool(), report["questions"].as_array().unwrap().len() > 1),
        (Some(true), true)
    );
    assert!(report["checks"].as_array().unwrap().iter().all(|check| check["is_passed"] == true), "{report}");
    let out = home.path().join("report.html");
    let _ = home.ok(&["drill", "report", "--out", out.to_str().unwrap()]);
    let page = std::fs::read_to_string(&out).unwrap();
    assert_eq!(page, home.ok(&["drill", "report", "--at", &report["at"].to_string()]).out);
    for said in [
        "<!doctype html>",
        "Recovery point (RPO)",
        "Recovery time (RTO)",
        "bakery.md",
        "<th>chunks</th>",
        "_code",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert_eq!(code(&home.run(&["drill", "report", "--at", "2020-01-01T00:00:00Z"])), "drill_unknown");
    assert_eq!(code(&home.run(&["drill", "report", "--out", "/dev/null/report.html"])), "output_unwritable");
}
