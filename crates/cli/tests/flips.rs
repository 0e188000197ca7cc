//! Random bits flip in every kind of file that a library and its backup consist of. Each flip is told (at the start, by the answer,
//! by `verify` or by the doctor), or nothing comes out differently.
//!
//! `IBID_FLIPS` says how many are tried, `IBID_FLIPS_SEED` which; the figures are printed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use ibid_config::{Config, Layers};
use ibid_serve::{App, Backups, Client, Mode};
use ibid_testkit::{Dice, Home, answer};
use ibid_types::{Error, Result};
use serde_json::{Value, json};

const FLIPS: u64 = 40;
const ECHO: &str = "name: echo\ninput: {question: text}\nnodes: {wait: {kind: wait, with: {seconds: 0}}}\noutput: \
                    {answer: '{{ question }}'}\n";
const QUESTIONS: [&str; 4] =
    ["refunds of the manager", "two engines", "rent of the boathouse", "winter course"];

/// What a file is, by its path in the data directory.
const KINDS: [(&str, &str); 10] = [
    ("database", "ibid.db"),
    ("log of the database", "ibid.db-wal"),
    ("sums of the database", "ibid.db-sums"),
    ("originals", "blobs/"),
    ("vectors and documents of the index", "index/"),
    ("index of words", "/lexical/"),
    ("log of the backup", "/log/"),
    ("bases of the backup", "/bases/"),
    ("pieces of the backup", "/pieces/"),
    ("notes and spool of the backup", "outgoing/"),
];

/// How a flip ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Told(&'static str),
    Harmless,
    Wrong,
    Panicked,
}

fn kind_of(path: &str) -> Option<&'static str> {
    let is = |part: &str| path == part || (part.ends_with('/') && path.contains(part));
    // The later ones are the narrower ones.
    KINDS.iter().rev().find(|(_, part)| is(part)).map(|(kind, _)| *kind)
}

/// A library of a few documents and a conversation; its log holds what is not folded in yet, its second destination is away.
fn library() -> Home {
    let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
    let texts = [
        ("bakery.md", "# Bakery\n\nThe bakery opens at six. The manager approves refunds.\n"),
        ("boats.md", "# Boats\n\nThe Kittiwake has two engines of different age.\n"),
        ("lease.md", "# Lease\n\nThe rent of the boathouse is nine crowns a month.\n"),
        ("course.md", "# Course\n\nThe winter course on chisels costs fifteen crowns.\n"),
    ];
    for (name, text) in texts {
        let _ = home.write(name, format!("{text}\n{}", "Nothing else is said of it here. ".repeat(40)));
    }
    let _ = home.ok(&["ingest", &home.files()]);
    let away = r#"backup.destinations=[{name="here",kind="folder",path="DIR/backups"},{name="away",kind="folder",path="/dev/null/away"}]"#;
    let away = away.replace("DIR", &home.path().join("data").display().to_string());
    let server = home.serve(&["--set", &away]);
    let flow = server.http.put(format!("{}/v1/flows/echo", server.base)).json(&json!({ "source": ECHO }));
    assert!(answer(flow.send().unwrap()).0 < 300);
    let thread = server.post("/v1/threads", &json!({})).1["id"].as_str().unwrap().to_owned();
    for question in QUESTIONS {
        let asked = json!({ "question": question, "flow": "echo" });
        assert_eq!(server.post(&format!("/v1/threads/{thread}/turns"), &asked).0, 200);
    }
    assert_eq!(server.post("/v1/ops/backups", &json!({})).0, 200);
    let asked = json!({ "question": "One more.", "flow": "echo" });
    assert_eq!(server.post(&format!("/v1/threads/{thread}/turns"), &asked).0, 200);
    assert_eq!(server.post("/v1/ops/backups", &json!({})).0, 200);
    server.kill();
    home
}

fn config(data: &Path, has_backup: bool) -> Config {
    let mut layers = Layers::defaults().unwrap();
    layers.flag(&format!("data.dir={}", data.display()));
    layers.flag(&format!("backup.enabled={has_backup}"));
    layers.flag("chat.ollama_detect=false");
    if let Some(models) = ibid_testkit::models() {
        layers.flag(&format!("models.dir={}", models.display()));
    }
    layers.finish().unwrap().0
}

/// The library in this process. Stopped when dropped.
struct Open {
    app: std::sync::Arc<App>,
    client: Client,
    _runtime: tokio::runtime::Runtime,
}

impl Open {
    fn new(data: &Path, has_backup: bool) -> Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let app = App::open(config(data, has_backup), Mode::Command)?;
        let (router, token) = (ibid_serve::router(&app), app.local_token().clone());
        let client = Client::InProcess { router, runtime: runtime.handle().clone(), token };
        Ok(Self { app, client, _runtime: runtime })
    }

    /// All that can be asked of it, by what was asked.
    fn answers(&self, has_vectors: bool) -> Result<BTreeMap<String, Value>> {
        let mut answers = BTreeMap::new();
        let mut get = |path: String| -> Result<Value> {
            let body = self.client.get(&path)?.bytes()?;
            let text = String::from_utf8_lossy(&body).into_owned();
            let value: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
            answers.insert(path, value.clone());
            Ok(value)
        };
        for document in list(&get("/v1/documents".to_owned())?, "documents") {
            let id = document["id"].as_str().unwrap_or_default().to_owned();
            let version =
                get(format!("/v1/documents/{id}"))?["version"]["id"].as_str().unwrap_or_default().to_owned();
            let passage = "passage?start_byte=0&end_byte=0&context_bytes=4000";
            get(format!("/v1/documents/{id}/versions/{version}/{passage}"))?;
            get(format!("/v1/documents/{id}/versions"))?;
            get(format!("/v1/documents/{id}/content"))?;
        }
        for thread in list(&get("/v1/threads".to_owned())?, "threads") {
            get(format!("/v1/threads/{}/turns", thread["id"].as_str().unwrap_or_default()))?;
        }
        let modes: &[&str] = if has_vectors { &["lexical", "dense", "hybrid"] } else { &["lexical"] };
        for question in QUESTIONS {
            for mode in modes {
                let asked = json!({ "query": question, "mode": mode });
                let mut found: Value = self.client.post("/v1/search", &asked)?.json()?;
                found.as_object_mut().unwrap().retain(|key, _| key == "hits");
                answers.insert(format!("{mode}: {question}"), found);
            }
        }
        Ok(answers)
    }

    /// What the doctor and the index find wrong.
    fn complaints(&self) -> Vec<String> {
        let mut found = self.app.index_differences().unwrap_or_else(|error| vec![error.chain()]);
        let said: Result<Value> = self.client.get("/v1/ops/doctor").and_then(|reply| reply.json());
        let is_bad = |finding: &&Value| {
            finding["state"] == "problem"
                && ["store", "index", "blobs"].iter().any(|area| finding["area"] == *area)
        };
        let findings = said.map(|said| list(&said, "findings")).unwrap_or_default();
        found.extend(findings.iter().filter(is_bad).map(ToString::to_string));
        found
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.app.stop();
    }
}

fn list(value: &Value, key: &str) -> Vec<Value> {
    value.as_array().or_else(|| value[key].as_array()).cloned().unwrap_or_default()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() { found.extend(files(&entry)) } else { found.push(entry) }
    }
    found.sort();
    found
}

fn copied(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for file in files(from) {
        let place = to.path().join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(&file, place).unwrap();
    }
    to
}

struct Reference {
    data: PathBuf,
    /// By kind, paths in the data directory.
    files: BTreeMap<&'static str, Vec<PathBuf>>,
    answers: BTreeMap<String, Value>,
    /// The newest state in the backup.
    restored: Vec<u8>,
}

impl Reference {
    fn new(data: &Path) -> Self {
        let mut by_kind: BTreeMap<&'static str, Vec<PathBuf>> = BTreeMap::new();
        for file in files(data) {
            let path = file.strip_prefix(data).unwrap().to_owned();
            let is_empty = fs::metadata(&file).unwrap().len() == 0;
            if let (Some(kind), false) = (kind_of(path.to_str().unwrap()), is_empty) {
                by_kind.entry(kind).or_default().push(path);
            }
        }
        let copy = copied(data);
        let open = Open::new(copy.path(), false).unwrap();
        let answers = open.answers(true).unwrap();
        let restored = restored(data).unwrap();
        Self { data: data.to_owned(), files: by_kind, answers, restored }
    }

    fn flip(&self, kind: &'static str, dice: &mut Dice) -> (End, String) {
        let file = &self.files[kind][usize::try_from(dice.below(self.files[kind].len() as u64)).unwrap()];
        let copy = copied(&self.data);
        let place = copy.path().join(file);
        let mut bytes = fs::read(&place).unwrap();
        let bit = usize::try_from(dice.below(bytes.len() as u64 * 8)).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&place, bytes).unwrap();
        let looked = catch_unwind(AssertUnwindSafe(|| self.look(kind, copy.path())));
        let (end, why) = looked.unwrap_or_else(|_| (End::Panicked, String::new()));
        (end, format!("{kind}: bit {bit} of {}: {end:?} {why}", file.display()))
    }

    fn look(&self, kind: &str, data: &Path) -> (End, String) {
        let outcome = match kind {
            "log of the backup" | "bases of the backup" | "pieces of the backup" => self.look_at_backup(data),
            "notes and spool of the backup" => self.look_at_notes(data),
            _ => self.look_at_library(data, kind.contains("vectors")),
        };
        outcome.unwrap_or_else(|error| {
            let is_damage = ["store_", "blob_", "index_", "backup_", "restore_"]
                .iter()
                .any(|room| error.code.starts_with(room));
            (
                if is_damage { End::Told("by an error") } else { End::Wrong },
                format!("{} [{}]", error.chain(), error.code),
            )
        })
    }

    fn look_at_library(&self, data: &Path, has_vectors: bool) -> Result<(End, String)> {
        let open = Open::new(data, false)?;
        let answers = open.answers(has_vectors)?;
        let other = answers.iter().find(|(asked, said)| self.answers.get(*asked) != Some(said));
        let lost = self
            .answers
            .keys()
            .find(|asked| !answers.contains_key(*asked) && (has_vectors || asked.starts_with('/')));
        if other.is_none() && lost.is_none() {
            return Ok((End::Harmless, String::new()));
        }
        let complaints = open.complaints();
        let end = if complaints.is_empty() { End::Wrong } else { End::Told("by the doctor") };
        Ok((end, format!("{other:?} {lost:?} {complaints:?}")))
    }

    fn look_at_backup(&self, data: &Path) -> Result<(End, String)> {
        let verified = Backups::open(&config(data, true), None)?.verify(&|_, _, _| ())?;
        if verified.iter().any(|one| !one.damages.is_empty()) {
            // What is restored in spite of it is another way to the same state.
            return match restored(data) {
                Ok(bytes) if bytes != self.restored => {
                    Ok((End::Wrong, "another state is restored".to_owned()))
                }
                _ => Ok((End::Told("by verify"), String::new())),
            };
        }
        let is_same = restored(data)? == self.restored;
        Ok((if is_same { End::Harmless } else { End::Wrong }, String::new()))
    }

    /// The backup goes on, and holds what is written afterwards.
    fn look_at_notes(&self, data: &Path) -> Result<(End, String)> {
        let open = Open::new(data, true)?;
        open.client.post("/v1/workspaces", &json!({ "name": "afterwards" }))?;
        open.client.post("/v1/ops/backups", &json!({}))?;
        let now = open.answers(false)?;
        drop(open);
        let into = tempfile::tempdir().unwrap();
        let target = into.path().join("data");
        Backups::open(&config(data, true), None)?.restore("latest".parse()?, &target, &|_, _, _| ())?;
        let again = Open::new(&target, false)?;
        let names: Value = again.client.get("/v1/workspaces")?.json()?;
        let is_same = again.answers(false)? == now && names.to_string().contains("afterwards");
        let is_as_before = now.iter().all(|(asked, said)| self.answers.get(asked) == Some(said));
        Ok((if is_same && is_as_before { End::Harmless } else { End::Wrong }, String::new()))
    }
}

/// The database file of the newest state in the backup.
fn restored(data: &Path) -> Result<Vec<u8>> {
    let into = tempfile::tempdir().unwrap();
    let target = into.path().join("data");
    Backups::open(&config(data, true), None)?.restore("latest".parse()?, &target, &|_, _, _| ())?;
    fs::read(target.join("ibid.db"))
        .map_err(|error| Error::internal("restore_unread", "no database").caused_by(error))
}

#[test]
fn no_flipped_bit_is_served() {
    let number =
        |name: &str, usual: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (count, seed) = (number("IBID_FLIPS", FLIPS), number("IBID_FLIPS_SEED", 1));
    let home = library();
    let reference = Reference::new(&home.path().join("data"));
    for (kind, _) in KINDS {
        assert!(reference.files.contains_key(kind), "there is no file of the kind: {kind}");
    }
    let mut dice = Dice::new(seed);
    let mut ends: BTreeMap<&str, BTreeMap<End, u64>> = BTreeMap::new();
    let mut bad = Vec::new();
    for trial in 0..count {
        let kind = KINDS[usize::try_from(trial).unwrap() % KINDS.len()].0;
        let (end, what) = reference.flip(kind, &mut dice);
        *ends.entry(kind).or_default().entry(end).or_default() += 1;
        if end == End::Told("by the doctor") {
            println!("{what}");
        }
        if matches!(end, End::Wrong | End::Panicked) {
            println!("{what}");
            bad.push(what);
        }
    }
    for (kind, ends) in &ends {
        println!("{kind}: {ends:?}");
    }
    let sum = |wanted: fn(&End) -> bool| -> u64 {
        ends.values().flatten().filter(|(end, _)| wanted(end)).map(|(_, count)| count).sum()
    };
    println!(
        "{count} bits flipped in {} kinds of files: {} told, {} without consequence, {} wrong answers served, {} panics",
        KINDS.len(),
        sum(|end| matches!(end, End::Told(_))),
        sum(|end| *end == End::Harmless),
        sum(|end| *end == End::Wrong),
        sum(|end| *end == End::Panicked)
    );
    assert!(bad.is_empty(), "{bad:#?}");
}
