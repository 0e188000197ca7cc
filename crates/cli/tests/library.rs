//! The main job from outside: documents in, cited answers out, with the real model and the real files.

use ibid_testkit::{Home, repository};
use serde_json::Value;

fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_ibid"))
}

/// The sample corpus, ingested.
fn samples() -> Home {
    let home = home();
    let summary = home.ok(&["--json", "ingest", &repository().join("samples").display().to_string()]).json();
    assert_eq!(summary["failed"], serde_json::json!([]), "{summary}");
    assert_eq!(summary["ingested"], summary["files"], "{summary}");
    home
}

fn ask(home: &Home, question: &str) -> Value {
    let said = home.run(&["--json", "ask", question]);
    assert!(said.code == 0 || said.code == 7, "{said:?}");
    said.json()
}

#[test]
fn every_sample_answers_its_question() {
    let home = samples();
    let questions = [
        ("How long may I keep a power tool?", "7 days", "members-handbook.pdf"),
        ("When was the lighthouse lit for the first time?", "3 October 1861", "island-history.epub"),
        ("Why was the purchase of a wood chipper rejected?", "noise", "spring-meeting.docx"),
        ("At which angle is the secondary bevel honed?", "30 degrees", "sharpening.pptx"),
        ("How much did the tile cutter cost?", "210", "inventory.xlsx"),
        ("How do I reserve a tool by telephone?", "5512", "reservations.eml"),
        ("What does the winter course on chisels cost?", "15 crowns", "winter-course.html"),
        ("Where do oily rags go?", "red metal bin", "house-rules.md"),
        ("How strong was the wind on 12 February 2026?", "24 metres", "weather-log.txt"),
    ];
    for (question, answer, source) in questions {
        let said = ask(&home, question);
        let text = said["text"].as_str().unwrap();
        assert!(text.contains(answer), "{question}: {text}");
        let sources: Vec<&str> =
            said["citations"].as_array().unwrap().iter().map(|c| c["source"].as_str().unwrap()).collect();
        assert!(sources.iter().any(|cited| cited.ends_with(source)), "{question}: {sources:?}");
    }
}

#[test]
fn what_the_documents_do_not_hold_is_not_answered() {
    let home = samples();
    let said = home.run(&["ask", "Who won the chess world championship in 1972?"]);
    assert_eq!(said.code, 7, "{said:?}");
}

#[test]
fn a_quote_stands_at_its_place_in_the_document() {
    let home = samples();
    let answer = ask(&home, "How long may I keep a power tool?");
    let citation = &answer["citations"][0];
    assert_eq!(citation["page"], 2, "{citation}");
    let text = home.ok(&["documents", "text", citation["document"].as_str().unwrap()]).out;
    let at = |name: &str| usize::try_from(citation[name].as_u64().unwrap()).unwrap();
    assert_eq!(&text[at("start_byte")..at("end_byte")], citation["quote"].as_str().unwrap());
}

#[test]
fn a_file_is_taken_in_once_and_anew_when_it_changed() {
    let home = home();
    let file = home.write("note.md", "# Tea\n\nThe kettle boils at 96 degrees in the hut.\n");
    let ingest = || home.ok(&["--json", "ingest", &home.files()]).json();
    assert_eq!(ingest()["ingested"], 1);
    assert_eq!(ingest()["unchanged"], 1);
    std::fs::write(&file, "# Tea\n\nThe kettle boils at 93 degrees in the hut.\n").unwrap();
    assert_eq!(ingest()["ingested"], 1);
    let answer = ask(&home, "At how many degrees does the kettle boil?");
    assert!(answer["text"].as_str().unwrap().contains("93"), "{answer}");
    assert!(!answer.to_string().contains("96 degrees"), "{answer}");
    let list = home.ok(&["--json", "documents", "list"]).json();
    assert_eq!((&list["total"], &list["documents"][0]["version"]["number"]), (&1.into(), &2.into()));
}

#[test]
fn a_deleted_document_is_gone_at_once() {
    let home = home();
    let _ = home.write("secret.txt", "The code of the safe is seven four one.");
    let _ = home.ok(&["ingest", &home.files()]);
    let list = home.ok(&["--json", "documents", "list"]).json();
    let _ = home.ok(&["documents", "delete", list["documents"][0]["id"].as_str().unwrap()]);
    assert_eq!(home.ok(&["--json", "search", "code of the safe"]).json()["hits"], serde_json::json!([]));
}

#[test]
fn filters_narrow_inside_the_search() {
    let home = home();
    for number in 0..30 {
        let _ = home
            .write(&format!("b/{number}.txt"), format!("The harbour master is called Bo number {number}."));
    }
    let _ = home.write("a/only.txt", "The harbour master is called Ann.");
    let _ = home.ok(&["ingest", &format!("{}/b", home.files()), "--tag", "old"]);
    let _ = home.ok(&["ingest", &format!("{}/a", home.files()), "--tag", "new"]);
    let hits = home.ok(&["--json", "search", "harbour master", "--tag", "new", "-n", "5"]).json();
    assert_eq!(hits["hits"].as_array().unwrap().len(), 1, "{hits}");
    assert!(hits["hits"][0]["text"].as_str().unwrap().contains("Ann"));
}

#[test]
fn a_search_explains_itself() {
    let home = samples();
    let found = home.ok(&["--json", "search", "chain saw helmet", "--explain"]).json();
    let why = &found["hits"][0]["why"];
    assert!(why["lexical"]["rank"].is_u64() && why["dense"]["score"].is_number(), "{why}");
    assert!(found["trace"]["timings"].as_array().unwrap().len() > 2);
}

#[test]
fn one_bad_file_fails_alone_with_a_reason() {
    let home = home();
    let _ = home.write("good.txt", "Good text about lighthouses.");
    let _ = home.write("bad.pdf", b"%PDF-1.7 this is no PDF at all");
    let _ = home.write("empty.txt", "");
    let said = home.run(&["--json", "ingest", &home.files()]);
    assert_eq!(said.code, 6, "{said:?}");
    let summary = said.json();
    assert_eq!(summary["ingested"], 1, "{summary}");
    let failed = summary["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 2, "{summary}");
    assert!(
        failed.iter().all(|failed| failed["code"].as_str().unwrap().starts_with("document_")),
        "{summary}"
    );
}

#[test]
fn standard_input_and_flags_are_taken() {
    let home = home();
    let said = home.run_with_input(
        &["ingest", "-", "--name", "memo.md", "--title", "Memo", "--author", "Zoe"],
        "Ducks like barley.",
    );
    assert_eq!(said.code, 0, "{said:?}");
    let list = home.ok(&["--json", "documents", "list"]).json();
    let document = &list["documents"][0];
    assert_eq!(
        (&document["source"], &document["title"], &document["author"]),
        (&"memo.md".into(), &"Memo".into(), &"Zoe".into())
    );
}

#[test]
fn wrong_input_is_told_with_an_exit_code() {
    let home = home();
    let cases: [(&[&str], i32, &str); 6] = [
        (&["ingest", "/no/such/folder"], 4, "path_unknown"),
        (&["ask", "  "], 2, "question_empty"),
        (&["documents", "show", "nonsense"], 2, "id_malformed"),
        (&["-w", "nowhere", "search", "x"], 4, "workspace_unknown"),
        (&["--set", "server.adress=1", "status"], 2, "config_invalid"),
        (&["--server", "http://127.0.0.1:9", "status"], 5, "server_unreachable"),
    ];
    for (arguments, code, name) in cases {
        let said = home.run(arguments);
        assert_eq!(said.code, code, "{arguments:?}: {said:?}");
        assert!(said.err.contains(name), "{arguments:?}: {said:?}");
        assert!(said.out.is_empty(), "{said:?}");
    }
}

#[test]
fn a_missing_model_says_what_to_do() {
    let home = home();
    let _ = home.write("a.txt", "Some words.");
    let said =
        home.command(&["ingest", &home.files()]).env("IBID_MODELS_DIR", "/no/models").output().unwrap();
    let err = String::from_utf8_lossy(&said.stderr);
    assert!(err.contains("ibid models pull"), "{err}");
    assert_ne!(said.status.code(), Some(0));
}

#[test]
fn two_processes_do_not_share_a_data_directory() {
    let home = home();
    let server = home.serve(&[]);
    assert_eq!(home.ok(&["--json", "status"]).json()["documents"], 0);
    let second = home.run(&["serve", "--address", "127.0.0.1:0"]);
    assert_eq!(second.code, 5, "{second:?}");
    assert!(second.err.contains("store_locked"), "{second:?}");
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_judged_collection_is_measured() {
    let home = home();
    let corpus =
        [("d1", "The ferry leaves at nine."), ("d2", "Oily rags catch fire."), ("d3", "Bees sleep.")];
    let line = |(id, text): &(&str, &str)| format!(r#"{{"_id":"{id}","title":"","text":"{text}"}}"#);
    let _ = home.write("corpus.jsonl", corpus.iter().map(line).collect::<Vec<_>>().join("\n"));
    let _ = home.write("queries.jsonl", r#"{"_id":"q1","text":"When does the boat go?"}"#);
    let _ = home.write("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\n");
    let reports = home
        .ok(&["--json", "eval", &home.files(), "--with", "candidates=50", "--compare", "lexical_weight=0.5"])
        .json();
    let modes = reports[0]["modes"].as_array().unwrap();
    assert_eq!(modes.len(), 3, "{reports}");
    for mode in modes.iter().filter(|mode| mode["mode"] != "lexical") {
        assert_eq!(
            (&mode["figures"]["ndcg_10"], &mode["compared"]["better"]),
            (&1.0.into(), &0.into()),
            "{mode}"
        );
    }
    assert_eq!(home.run(&["eval", "/no/such/folder"]).code, 4);
}
