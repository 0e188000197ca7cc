//! Killed at any instant, the program loses nothing that it acknowledged and takes nothing in twice.
//!
//! A round begins with an empty library. `ibid ingest`, `ibid serve` with uploads or `ibid index rebuild`, as the dice
//! say, is killed some times at instants that the dice choose; a file changes in between; then the work is left to end
//! and everything is compared with what was put in. `IBID_KILLS` says how many kills there are in all (12),
//! `IBID_KILL_SEED` what the dice begin with; the test prints both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "kill/corpus.rs"]
mod corpus;

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use corpus::{Document, changed, corpus};
use ibid_testkit::{Dice, Home, Server};
use reqwest::blocking::multipart::{Form, Part};
use serde_json::{Value, json};

const KILLS_A_ROUND: u64 = 6;
/// Longest life before a kill, in milliseconds; short ones are as frequent, so that starting is hit as often as work.
const LIVES_MS: [u64; 4] = [150, 600, 1_500, 4_000];
/// Longest wait for all to be taken in once nothing is killed any more.
const WORK_WITHIN: Duration = Duration::from_secs(600);

#[test]
fn kills_lose_nothing_and_double_nothing() {
    let (kills, seed) = (setting("IBID_KILLS", 12), setting("IBID_KILL_SEED", 1));
    let (mut dice, mut done) = (Dice::new(seed), Figures::default());
    let begun = Instant::now();
    println!("kill test: seed {seed}, {kills} kills");
    while done.kills < kills {
        done.rounds += 1;
        let in_this = (kills - done.kills).min(KILLS_A_ROUND);
        round(&mut dice, &mut done, in_this);
        println!("{done:?} after {:.0} s", begun.elapsed().as_secs_f64());
    }
    assert_eq!(done.differences, 0);
}

/// A killed server leaves its address behind, and another program may get its port.
#[test]
fn a_stranger_on_a_killed_servers_port_is_not_asked() {
    let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
    let server = home.serve(&[]);
    let address = server.base.trim_start_matches("http://").to_owned();
    server.kill();
    let _stranger = TcpListener::bind(address).unwrap();
    let said = home.start(&["--json", "status"]).within(Duration::from_secs(60));
    assert_eq!(said.expect("it does not wait for the stranger").json()["documents"], 0);
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().expect(name))
}

/// What the test did and found.
#[derive(Debug, Default)]
struct Figures {
    rounds: u64,
    kills: u64,
    /// Kills that left acknowledged documents which were not ready yet.
    amid_work: u64,
    /// Kills that met a command which had ended by itself already are none; they are counted here.
    ended_before: u64,
    documents: u64,
    changed: u64,
    differences: usize,
}

fn round(dice: &mut Dice, done: &mut Figures, kills: u64) {
    let mut library = Library::new(corpus(dice));
    let mut left = kills;
    while left > 0 {
        let longest = dice.pick(&LIVES_MS);
        let life = Duration::from_millis(dice.below(longest) + 1);
        let killed = match dice.below(5) {
            0 | 1 => library.ingest_for(life),
            2 | 3 => library.serve_for(life),
            _ => library.rebuild_for(life),
        };
        left -= u64::from(killed);
        done.kills += u64::from(killed);
        done.ended_before += u64::from(!killed);
        let waiting = library.check_after_kill();
        done.amid_work += u64::from(killed && waiting > 0);
        if library.change_one(dice, done.rounds) {
            done.changed += 1;
        }
    }
    if dice.below(2) == 0 {
        library.ingest_to_the_end()
    } else {
        library.serve_to_the_end()
    }
    done.documents += library.files.len() as u64;
    done.differences += library.check_whole();
}

/// A library and what must be in it.
struct Library {
    home: Home,
    files: BTreeMap<String, File>,
    /// By source: the document that was acknowledged or seen.
    known: BTreeMap<String, String>,
    ready: BTreeSet<String>,
    changed: Option<String>,
}

struct File {
    document: Document,
    versions: u64,
    /// The word of an earlier version, which must not be found any more.
    gone: Option<String>,
    acknowledged: bool,
}

impl Library {
    fn new(documents: Vec<Document>) -> Self {
        let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
        let file = |document: Document| {
            let path = home.write(&document.name, &document.bytes).canonicalize().unwrap();
            let source = path.to_string_lossy().into_owned();
            (source, File { document, versions: 1, gone: None, acknowledged: false })
        };
        let files = documents.into_iter().map(file).collect();
        Self { home, files, known: BTreeMap::new(), ready: BTreeSet::new(), changed: None }
    }

    /// Whether the command was killed; if it ended first, it must have taken in everything.
    fn ingest_for(&mut self, life: Duration) -> bool {
        let files = self.home.files();
        let Some(said) = self.home.start(&["--json", "ingest", &files]).within(life) else { return true };
        assert_eq!(said.code, 0, "{said:?}");
        self.expect_all_ready();
        false
    }

    fn ingest_to_the_end(&mut self) {
        let said = self.home.ok(&["--json", "ingest", &self.home.files()]);
        assert_eq!(said.json()["failed"], json!([]), "{said:?}");
        self.expect_all_ready();
    }

    /// Whether the command was killed; if it ended first, it must have found the index as it should be.
    fn rebuild_for(&self, life: Duration) -> bool {
        let Some(said) = self.home.start(&["--json", "index", "rebuild"]).within(life) else { return true };
        assert_eq!(said.code, 0, "{said:?}");
        for rebuilt in said.json()["rebuilt"].as_array().unwrap() {
            assert_eq!(rebuilt["differences"], json!([]), "{rebuilt}");
        }
        false
    }

    fn expect_all_ready(&mut self) {
        let list = self.list();
        let waiting: Vec<&Value> =
            list.iter().filter(|it| it["status"] != "ready").map(|it| &it["source"]).collect();
        assert!(waiting.is_empty(), "the command said that all is in, but: {waiting:?}");
        assert_eq!(list.len(), self.files.len());
        self.files.values_mut().for_each(|file| file.acknowledged = true);
    }

    fn serve_for(&mut self, life: Duration) -> bool {
        let server = self.home.serve(&[]);
        let (accepted, acknowledged) = channel();
        let uploads = self.upload_all(&server, accepted.clone());
        let end = Instant::now() + life;
        while let Ok((source, id)) = acknowledged.recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            self.acknowledge(source, id);
        }
        server.kill();
        uploads.join().unwrap();
        drop(accepted);
        acknowledged.into_iter().for_each(|(source, id)| self.acknowledge(source, id));
        true
    }

    fn serve_to_the_end(&mut self) {
        let server = self.home.serve(&[]);
        let (accepted, acknowledged) = channel();
        self.upload_all(&server, accepted).join().unwrap();
        acknowledged.into_iter().for_each(|(source, id)| self.acknowledge(source, id));
        wait_for_jobs(&server);
        assert!(self.files.values().all(|file| file.acknowledged));
        assert_eq!(server.stop(), 0);
    }

    /// Uploads what is not acknowledged, file by file, until an upload gets no answer.
    fn upload_all(&self, server: &Server, accepted: Sender<(String, String)>) -> std::thread::JoinHandle<()> {
        let waiting = self.files.iter().filter(|(_, file)| !file.acknowledged);
        let files: Vec<(String, Vec<u8>)> =
            waiting.map(|(source, file)| (source.clone(), file.document.bytes.clone())).collect();
        let (http, url) = (server.http.clone(), format!("{}/v1/documents", server.base));
        std::thread::spawn(move || {
            for (source, bytes) in files {
                let part = Part::bytes(bytes).file_name(source.rsplit('/').next().unwrap().to_owned());
                let form = Form::new().text("source", source.clone()).part("file", part);
                let Ok(response) = http.post(&url).multipart(form).send() else { return };
                let status = response.status();
                let Ok(text) = response.text() else { return };
                let Ok(reply) = serde_json::from_str::<Value>(&text) else { return };
                assert_eq!(status, 202, "{source}: {reply}");
                let id = reply["files"][0]["document"].as_str().unwrap().to_owned();
                accepted.send((source, id)).unwrap();
            }
        })
    }

    fn acknowledge(&mut self, source: String, id: String) {
        self.files.get_mut(&source).unwrap().acknowledged = true;
        let before = self.known.insert(source, id.clone());
        assert!(before.is_none_or(|before| before == id), "a source has become another document");
    }

    /// What is known stays known, as the same document; what is ready stays ready; nothing is there twice. Gives the
    /// number of documents that are known and not ready.
    fn check_after_kill(&mut self) -> usize {
        let list = self.list();
        let text = |document: &Value, name: &str| document[name].as_str().unwrap().to_owned();
        let now: BTreeMap<String, String> =
            list.iter().map(|document| (text(document, "source"), text(document, "id"))).collect();
        assert_eq!(now.len(), list.len(), "a source is there twice");
        for (source, id) in &self.known {
            assert_eq!(now.get(source), Some(id), "{source} was acknowledged");
        }
        let with = |status: &str| -> BTreeSet<String> {
            list.iter().filter(|document| document["status"] == status).map(|it| text(it, "source")).collect()
        };
        assert_eq!(with("failed"), BTreeSet::new());
        let ready = with("ready");
        assert!(ready.is_superset(&self.ready), "{:?}", self.ready.difference(&ready));
        (self.known, self.ready) = (now, ready);
        self.known.len() - self.ready.len()
    }

    fn list(&self) -> Vec<Value> {
        let said = self.home.ok(&["--json", "documents", "list", "-n", "500"]);
        said.json()["documents"].as_array().unwrap().clone()
    }

    /// Once in a round, as soon as a document is known, one that is known gets other content.
    fn change_one(&mut self, dice: &mut Dice, number: u64) -> bool {
        if self.changed.is_some() || self.known.is_empty() {
            return false;
        }
        let texts: Vec<&String> = self.known.keys().filter(|source| self.files[*source].is_text()).collect();
        if texts.is_empty() {
            return false;
        }
        let source = dice.pick(&texts).clone();
        let file = self.files.get_mut(&source).unwrap();
        let document = changed(dice, &file.document, number % 100);
        let _ = self.home.write(&document.name, &document.bytes);
        let gone = std::mem::replace(&mut file.document, document).word;
        (file.versions, file.gone, file.acknowledged) = (2, Some(gone), false);
        self.changed = Some(source);
        true
    }

    /// Compares all with what was put in, and the index with one made anew. Gives the number of differences.
    fn check_whole(&self) -> usize {
        let server = self.home.serve(&[]);
        wait_for_jobs(&server);
        let (_, list) = server.get("/v1/documents?limit=500");
        assert_eq!(list["total"], self.files.len(), "{list}");
        for document in list["documents"].as_array().unwrap() {
            let source = document["source"].as_str().unwrap();
            self.files[source].check(&server, document);
        }
        let (_, jobs) = server.get("/v1/jobs?limit=1");
        for state in ["queued", "running", "failed", "cancelled"] {
            assert_eq!(jobs["counts"][state], 0, "{jobs}");
        }
        let (status, report) = server.post("/v1/index/rebuild", &json!({}));
        assert_eq!(status, 200, "{report}");
        let rebuilt = &report["rebuilt"][0];
        assert_eq!(rebuilt["documents"], self.files.len(), "{report}");
        let differences = rebuilt["differences"].as_array().unwrap();
        differences.iter().for_each(|difference| println!("difference: {difference}"));
        assert_eq!(server.stop(), 0);
        differences.len()
    }
}

impl File {
    fn is_text(&self) -> bool {
        self.document.name.starts_with(char::is_numeric)
    }

    fn check(&self, server: &Server, listed: &Value) {
        let (id, name) = (listed["id"].as_str().unwrap(), &self.document.name);
        assert_eq!(listed["status"], "ready", "{listed}");
        let (_, versions) = server.get(&format!("/v1/documents/{id}/versions"));
        let numbers: Vec<u64> =
            versions.as_array().unwrap().iter().map(|version| version["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=self.versions).rev().collect::<Vec<_>>(), "{name}: {versions}");
        assert_eq!(listed["version"]["number"], self.versions, "{listed}");
        let content = server.http.get(format!("{}/v1/documents/{id}/content", server.base)).send().unwrap();
        assert_eq!(content.bytes().unwrap(), self.document.bytes, "{name}");
        let found = sources(server, &self.document.word);
        assert!(found.iter().any(|source| source.ends_with(name)), "{name}: {found:?}");
        if self.is_text() {
            assert!(found.iter().all(|source| source.ends_with(name)), "{name}: {found:?}");
        }
        if let Some(gone) = &self.gone {
            assert_eq!(sources(server, gone), [""; 0], "{name} was found by its old content");
        }
    }
}

fn wait_for_jobs(server: &Server) {
    let events = server.http.get(format!("{}/v1/jobs/events", server.base)).timeout(WORK_WITHIN);
    let said = events.send().unwrap().text().unwrap();
    assert!(said.contains("event: done"), "{said}");
}

fn sources(server: &Server, word: &str) -> Vec<String> {
    let (status, found) =
        server.post("/v1/search", &json!({ "query": word, "mode": "lexical", "limit": 50 }));
    assert_eq!(status, 200, "{found}");
    let hits = found["hits"].as_array().unwrap();
    hits.iter().map(|hit| hit["source"].as_str().unwrap().to_owned()).collect()
}
