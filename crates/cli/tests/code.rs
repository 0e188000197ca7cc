//! Code memory from outside: repositories are ingested, asked who calls this, what changed since and why, and forgotten.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use ibid_testkit::{Home, Said};
use serde_json::{Value, json};

/// A library, and a repository beside it.
struct Fixture {
    home: Home,
    folder: PathBuf,
}

impl Fixture {
    fn new() -> Self {
        let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
        let folder = home.path().join("project");
        std::fs::create_dir_all(&folder).unwrap();
        let made = Self { home, folder };
        made.git("2026-01-01T00:00:00Z", &["init", "-q", "-b", "main"]);
        made.write("Cargo.toml", "[package]\nname = \"project\"\n");
        made.write(
            "src/parse.rs",
            "/// Reads a line.\npub fn parse_line(text: &str) -> usize {\n    text.len()\n}\n",
        );
        made.write("src/main.rs", "mod parse;\nfn run_all() {\n    parse::parse_line(\"a\");\n}\n");
        made.write("src/idle.rs", "pub fn never_changed() {}\n");
        made.commit("2026-01-01T00:00:00Z", "Begin with parse_line");
        made
    }

    fn git(&self, at: &str, arguments: &[&str]) {
        let output = Command::new("git")
            .arg("-C")
            .arg(&self.folder)
            .args([
                "-c",
                "commit.gpgSign=false",
                "-c",
                "user.name=Ann Weaver",
                "-c",
                "user.email=ann@example.com",
            ])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_AUTHOR_DATE", at)
            .env("GIT_COMMITTER_DATE", at)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn commit(&self, at: &str, message: &str) {
        self.git(at, &["add", "-A"]);
        self.git(at, &["commit", "-q", "-m", message]);
    }

    /// The call moves from `run_all` to `read_twice`.
    fn change(&self) {
        self.write(
            "src/main.rs",
            "mod parse;\nfn run_all() {}\nfn read_twice() {\n    parse::parse_line(\"b\");\n}\n",
        );
        self.commit(
            "2026-03-01T00:00:00Z",
            "Let read_twice call parse_line\n\nrun_all held the lock for too long.",
        );
    }

    fn source(&self) -> String {
        self.folder.canonicalize().unwrap().display().to_string()
    }

    fn ingest(&self, more: &[&str]) -> Said {
        let folder = self.source();
        let mut arguments = vec!["ingest", "--json", &folder];
        arguments.extend(more);
        self.home.run(&arguments)
    }

    /// What became of the code alone.
    fn take(&self) -> Value {
        let said = self.ingest(&["--code"]);
        assert_eq!(said.code, 0, "{said:?}");
        said.json()["code"][0].clone()
    }

    fn told(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["memory", "--json"];
        all.extend(arguments);
        self.home.ok(&all).json()
    }

    fn callers(&self, arguments: &[&str]) -> Vec<String> {
        let mut all = vec!["callers"];
        all.extend(arguments);
        names(&self.told(&all)["symbols"][0]["callers"], "from")
    }
}

fn names(list: &Value, field: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
}

fn code(said: &Said) -> String {
    let start = said.err.rfind('[').map_or(0, |at| at + 1);
    said.err[start..].trim_end().trim_end_matches(']').to_owned()
}

fn holds(folder: &Path, words: &str) -> bool {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return holds(&path, words);
        }
        std::fs::read(&path)
            .is_ok_and(|bytes| bytes.windows(words.len()).any(|part| part == words.as_bytes()))
    })
}

#[test]
fn a_second_ingest_reads_only_what_changed() {
    let f = Fixture::new();
    let first = f.take();
    assert_eq!(
        (&first["files_read"], &first["commits"], &first["symbols_read"]),
        (&json!(4), &json!(1), &json!(3))
    );
    assert_eq!(f.callers(&["parse_line"]), ["src/main.rs#run_all"]);
    let again = f.take();
    assert_eq!((&again["is_unchanged"], &again["files_read"]), (&json!(true), &json!(0)));
    f.change();
    let second = f.take();
    assert_eq!(
        (&second["files_read"], &second["files_unchanged"], &second["commits"]),
        (&json!(1), &json!(3), &json!(1))
    );
    assert_eq!(second["relations_ended"], 1, "{second}");
    assert_eq!(f.callers(&["parse_line"]), ["src/main.rs#read_twice"]);
    assert_eq!(f.callers(&["parse_line", "--valid-at", "2026-02-01"]), ["src/main.rs#run_all"]);
    assert_eq!(f.callers(&["src/parse.rs#parse_line"]), ["src/main.rs#read_twice"]);
    let known = f.told(&["code"]);
    assert_eq!(
        (&known["repositories"][0]["files"], &known["repositories"][0]["name"]),
        (&json!(4), &json!("project"))
    );
    assert_eq!(code(&f.home.run(&["memory", "callers", "no_such_name"])), "symbol_unknown");
}

#[test]
fn what_changed_since_is_told_by_commit_and_by_day() {
    let f = Fixture::new();
    let first = f.take()["commit"].as_str().unwrap().to_owned();
    f.change();
    let _ = f.take();
    for since in [&first[..10], "2026-02-01"] {
        let changed = f.told(&["since", since]);
        assert_eq!(changed["commits"].as_array().unwrap().len(), 1, "{changed}");
        assert_eq!(names(&json!([{"path": changed["paths"][0]}]), "path"), ["src/main.rs"]);
        assert!(names(&changed["began"], "from").contains(&"src/main.rs#read_twice".to_owned()), "{changed}");
        assert_eq!(names(&changed["ended"], "from"), ["src/main.rs#run_all"]);
    }
    let elsewhere = f.told(&["since", "2026-02-01", "src/idle.rs"]);
    assert_eq!((&elsewhere["commits"], &elsewhere["paths"]), (&json!([]), &json!([])));
    assert_eq!(code(&f.home.run(&["memory", "since", "yesterday"])), "commit_unknown");
}

#[test]
fn why_tells_the_commit_and_what_people_said() {
    let f = Fixture::new();
    let _ = f.take();
    f.change();
    let _ = f.take();
    let _ = f.told(&["add", "parse_line must not allocate, said the audit."]);
    let why = f.told(&["why", "parse_line"]);
    let commits = why["things"][0]["commits"].as_array().unwrap();
    let messages: Vec<&str> = commits.iter().map(|one| one["commit"]["message"].as_str().unwrap()).collect();
    assert!(messages.iter().any(|message| message.contains("held the lock for too long")), "{why}");
    assert_eq!(why["things"][0]["thing"]["doc"], "Reads a line.");
    let said = names(&json!([why["memories"][0]["episode"].clone()]), "text");
    assert_eq!(said, ["parse_line must not allocate, said the audit."], "{why}");
    let of_file = f.told(&["why", "src/main.rs"]);
    assert_eq!(of_file["things"][0]["commits"].as_array().unwrap().len(), 2);
    let recalled = f.told(&["recall", "Who calls parse_line?"]);
    assert_eq!(recalled["code"][0]["callers"][0]["from"], "src/main.rs#read_twice", "{recalled}");
    assert!(
        recalled["hits"].as_array().unwrap().iter().any(|hit| {
            hit["episode"]["source"].as_str().is_some_and(|source| source.contains("/project@"))
        })
    );
}

#[test]
fn the_graph_holds_code_and_what_people_say_of_it() {
    let f = Fixture::new();
    let _ = f.take();
    let near = f.told(&["neighbours", "run_all"]);
    assert!(names(&near["nodes"], "name").contains(&"src/parse.rs#parse_line".to_owned()), "{near}");
    let _ = f.told(&["relate", "parse_line", "DEPENDS_ON", "Redis"]);
    let path = f.told(&["path", "Redis", "run_all"]);
    let statements = names(&path["facts"], "statement");
    assert_eq!(statements.len(), 3, "{path}");
    assert!(statements.contains(&"src/main.rs#run_all calls src/parse.rs#parse_line".to_owned()), "{path}");
    f.change();
    let _ = f.take();
    let timeline = f.told(&["timeline", "run_all"]);
    let ended =
        timeline["states"].as_array().unwrap().iter().find(|state| !state["valid_to"].is_null()).unwrap();
    assert_eq!(ended["statement"], "src/main.rs#run_all calls src/parse.rs#parse_line");
    // What people remember is not drowned: none of it is a fact of theirs.
    assert!(!f.home.ok(&["memory", "export"]).out.contains("CALLS"));
}

#[test]
fn what_is_forgotten_is_in_no_file() {
    let f = Fixture::new();
    f.write("src/zeb.rs", "// Why: Quatermass asked for it.\npub fn quatermass_rule() {}\n");
    f.commit("2026-04-01T00:00:00Z", "Add a rule\n\nQuatermass asked for it.");
    let _ = f.take();
    let _ = f.told(&["relate", "Quatermass", "WORK_AT", "Initech", "--shared"]);
    let _ = f.told(&["forget", "--entity", "Quatermass", "--shared", "--yes"]);
    let why = f.told(&["why", "quatermass_rule"]).to_string();
    assert!(!why.contains("Quatermass"), "{why}");
    let receipt = f.told(&["forget", "--code", "project", "--yes"]);
    assert_eq!(receipt["receipt"]["what"], "repository");
    assert!(receipt["receipt"]["episodes"].as_u64().unwrap() >= 1, "{receipt}");
    assert_eq!(f.told(&["code"])["repositories"], json!([]));
    assert_eq!(f.home.run(&["memory", "recall", "parse_line"]).code, 7, "nothing is remembered of it");
    let _ = f.take();
    let _ = f.told(&["forget", "--everything", "--shared", "--yes"]);
    assert_eq!(f.told(&["code"])["repositories"], json!([]));
    assert!(!holds(&f.home.path().join("data"), "parse_line"));
    assert_eq!(
        code(&f.home.run(&["memory", "forget", "--code", "project", "--yes"])),
        "repository_not_known"
    );
}

#[test]
fn a_folder_that_is_no_repository_is_as_it_was() {
    let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
    let _ = home.write("note.txt", "The bakery opens at six.");
    let taken = home.ok(&["ingest", "--json", &home.files()]).json();
    assert_eq!((&taken["ingested"], &taken["code"]), (&json!(1), &Value::Null));
    assert_eq!(code(&home.run(&["ingest", "--code", &home.files()])), "repository_unknown");
}

#[test]
fn a_broken_repository_keeps_no_document_out() {
    let f = Fixture::new();
    std::fs::write(f.folder.join(".git/HEAD"), "ref: refs/heads/gone\n").unwrap();
    let taken = f.ingest(&[]);
    assert_eq!(taken.code, 0, "{taken:?}");
    let taken = taken.json();
    assert_eq!(
        (&taken["failed"], &taken["code"][0]["left_out"]["code"]),
        (&json!([]), &json!("commit_unknown"))
    );
    assert_eq!(code(&f.home.run(&["ingest", "--code", &f.source()])), "commit_unknown");
    let without =
        f.home.command(&["ingest", "--code", &f.source()]).env("PATH", "/nowhere").output().unwrap();
    assert_eq!(code(&without.into()), "git_missing");
}

#[test]
fn documents_of_a_few_readers_leave_no_code_for_all() {
    let f = Fixture::new();
    let reader = ["--reader", "user:ada"];
    let said = f.ingest(&[&["--code"], &reader[..]].concat());
    assert_eq!(code(&said), "code_readers");
}

#[test]
fn it_is_read_here_and_kept_by_the_server() {
    let f = Fixture::new();
    let server = f.home.serve(&[]);
    assert_eq!(f.take()["files_read"], 4);
    f.change();
    assert_eq!(f.take()["files_read"], 1);
    let (status, found) = server.get("/v1/memory/code/callers?symbol=parse_line");
    assert_eq!((status, &found["symbols"][0]["callers"][0]["from"]), (200, &json!("src/main.rs#read_twice")));
    let (_, key) = server.post("/v1/keys", &json!({"name": "agent", "role": "reader"}));
    let key = key["secret"].as_str().or(key["key"].as_str()).unwrap().to_owned();
    let send = |body: &Value| {
        let request =
            server.stranger().post(format!("{}/v1/memory/code", server.base)).bearer_auth(&key).json(body);
        request.send().unwrap().status().as_u16()
    };
    assert_eq!(send(&json!({"source": "/x", "delta": {}})), 403, "who only reads changes nothing");
    let wrong = json!({"source": "/x", "delta": {"files": {"a.rs": {"blob": "1"}}}});
    let (status, refused) = server.post("/v1/memory/code", &wrong);
    assert_eq!((status, &refused["error"]["code"]), (400, &json!("code_malformed")));
    assert_eq!(server.stop(), 0);
    assert_eq!(f.callers(&["parse_line"]), ["src/main.rs#read_twice"]);
}
