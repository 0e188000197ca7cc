//! What people say goes through the store's sealer, is still found, and comes under a new key.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use ibid_runtime::Clock;
use ibid_store::{
    KeptPlace, NewKept, RepositoryId, RunRow, SealedColumn, Sealer, Sqlite, SqliteConfig, Store,
    ThreadsQuery, Totp, TurnEnd, TurnStart, code_segment_insert, entity_insert, episode_insert, fact_insert,
    run_insert, thread_insert, turn_finish, turn_insert,
};
use ibid_types::memory::{
    Cause, Entity, EntityKind, Episode, EpisodeKind, Fact, Known, MemoryKind, Owner, Said, Sensitivity, Span,
    Stated,
};
use ibid_types::{
    ContentHash, EntityId, EpisodeId, Error, FactId, FactVersionId, Result, RunId, Secret, ThreadId,
    Timestamp, TurnId, WorkspaceId,
};
use serde_json::json;

/// Writes the key and the place before a text, and the text backwards.
#[derive(Debug)]
struct Backwards(&'static str);

impl Backwards {
    fn head(&self, place: &[u8]) -> String {
        format!("{}:{}:", self.0, place.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }
}

impl Sealer for Backwards {
    fn is_sealing(&self) -> bool {
        true
    }

    fn seal_text(&self, place: &[u8], text: &str) -> Result<String> {
        Ok(self.head(place) + &text.chars().rev().collect::<String>())
    }

    fn open_text(&self, place: &[u8], stored: &str) -> Result<String> {
        let sealed = stored.split_once(':').and_then(|(_, rest)| rest.strip_prefix(&self.head(place)[2..]));
        let sealed = sealed.ok_or_else(|| Error::unavailable("checkpoint_key_missing", stored.to_owned()))?;
        Ok(sealed.chars().rev().collect())
    }

    fn reseal_text(&self, place: &[u8], stored: &str) -> Result<Option<String>> {
        if stored.starts_with(&self.head(place)) {
            return Ok(None);
        }
        self.seal_text(place, &self.open_text(place, stored).unwrap_or_else(|_| stored.to_owned())).map(Some)
    }
}

struct Fixture {
    store: Store,
    workspace: WorkspaceId,
    clock: Clock,
    dir: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Timestamp(1_000_000));
    let db = Arc::new(Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap());
    let store = Store::new(db, clock.clone()).with_sealer(Arc::new(Backwards("a")));
    let workspace = store.workspace_ensure("default").unwrap().id;
    Fixture { store, workspace, clock, dir }
}

impl Fixture {
    fn ask(&self, thread: ThreadId, question: &str) -> RunId {
        let (run, now) = (RunId::new(), self.store.now());
        let turn = TurnStart {
            id: TurnId::new(),
            workspace: self.workspace,
            thread,
            run,
            question,
            options: &json!({"path": "harbour"}),
            now,
        };
        let mut batch = turn_insert(&turn, self.store.sealer()).unwrap();
        batch.push(run_insert(&RunRow {
            id: run,
            workspace: self.workspace,
            flow: ContentHash([1; 32]),
            flow_name: "chat".to_owned(),
            status: "running".to_owned(),
            idempotency_key: None,
            thread: Some(thread),
            forked_from: None,
            wake_at: None,
            asks: 0,
            failure_code: None,
            lease_owner: None,
            lease_until: None,
            created_at: now,
            updated_at: now,
            finished_at: None,
            owner: None,
        }));
        self.store.db().batch(batch).unwrap();
        run
    }

    /// A thread in which everything was said about a harbour.
    fn harbour(&self) -> (ThreadId, RunId) {
        let thread = self.store.thread_create(self.workspace, "About the harbour", None).unwrap();
        let run = self.ask(thread, "When was the harbour built?");
        let end = TurnEnd {
            run,
            status: "finished",
            answer: Some(&json!({"text": "The harbour is of 1911"})),
            failure: Some(("closed", "the harbour is closed")),
            now: self.store.now(),
        };
        self.store.db().batch(turn_finish(&end, self.store.sealer()).unwrap()).unwrap();
        self.store.thread_summarise(thread, "harbours").unwrap();
        self.store.feedback_save(self.workspace, run, -1, Some("harbour"), Some("1912, harbour")).unwrap();
        (thread, run)
    }

    /// An answer that may be given again.
    fn keep(&self, question: &str) {
        let hash = ContentHash([1; 32]);
        let new = NewKept {
            workspace: self.workspace,
            shape: hash,
            evidence: hash,
            passages: &[],
            run: None,
            question,
            answer: "a harbour",
            replaces: None,
        };
        self.store.kept_save(&new, 9).unwrap();
    }

    /// A note about the harbour, what it is about, and what it says.
    fn remember(&self) -> FactId {
        let (workspace, owner, now) = (self.workspace, Owner::Machine, self.store.now());
        let said = Said { text: "The harbour is deep.".to_owned(), ..Said::default() };
        let episode = Episode {
            id: EpisodeId::new(),
            workspace,
            owner,
            kind: EpisodeKind::Note,
            series: None,
            at: now,
            recorded_at: now,
            importance: None,
            archived_at: None,
            said,
        };
        let known = Known { name: "harbour".to_owned(), aliases: Vec::new() };
        let kind = EntityKind::Place;
        let entity = Entity { id: EntityId::new(), workspace, owner, kind, created_at: now, known };
        let stated = Stated { statement: "The harbour is deep".to_owned(), ..Stated::default() };
        let fact = Fact {
            version: FactVersionId::new(),
            id: FactId::new(),
            workspace,
            owner,
            kind: MemoryKind::Fact,
            subject: entity.id,
            object: None,
            valid: Span::default(),
            recorded_at: now,
            retracted_at: None,
            cause: Cause::Recorded,
            closed_by: None,
            confidence: 1.0,
            importance: 0.5,
            sensitivity: Sensitivity::Ordinary,
            archived_at: None,
            stated,
        };
        let sealer = self.store.sealer();
        let mut batch = episode_insert(&episode, None, sealer).unwrap();
        batch.extend(entity_insert(&entity, sealer).unwrap());
        batch.extend(fact_insert(&fact, sealer).unwrap());
        self.store.db().batch(batch).unwrap();
        fact.id
    }

    /// So many threads more.
    fn fill(&self, count: usize) {
        let thread = |number| {
            self.clock.advance_ms(1);
            let (title, now) = (format!("Number {number}"), self.store.now());
            thread_insert(ThreadId::new(), self.workspace, &title, None, now, self.store.sealer()).unwrap()
        };
        self.store.db().batch((0..count).map(thread).collect()).unwrap();
    }

    fn find(&self, text: &str, limit: usize, cursor: Option<String>) -> ibid_store::ThreadsPage {
        let query = ThreadsQuery { text: Some(text.to_owned()), seen_by: None, limit, cursor };
        self.store.thread_list(self.workspace, &query).unwrap()
    }

    fn under(&self, key: &'static str) -> Store {
        self.store.clone().with_sealer(Arc::new(Backwards(key)))
    }
}

fn kept(f: &Fixture, store: &Store) -> Vec<String> {
    let hash = ContentHash([1; 32]);
    let place = KeptPlace { workspace: f.workspace, shape: hash, not_before: Timestamp(0) };
    store.kept_of_evidence(&place, hash, 9).unwrap().into_iter().map(|row| row.question).collect()
}

fn renew_all(store: &Store) -> usize {
    let mut statements = Vec::new();
    for column in SealedColumn::ALL {
        for text in store.sealed_after(column, None, 99).unwrap() {
            statements.extend(store.sealed_renew(column, &text).unwrap());
        }
    }
    let count = statements.len();
    store.db().batch(statements).unwrap();
    count
}

#[test]
fn everything_that_is_said_is_sealed_and_comes_back() {
    let f = fixture();
    let (thread, run) = f.harbour();
    f.keep("Where is the harbour?");
    assert_eq!(kept(&f, &f.store), ["Where is the harbour?"]);
    let row = f.store.thread_find(f.workspace, thread).unwrap().unwrap();
    assert_eq!((row.title.as_str(), row.summary.as_deref()), ("About the harbour", Some("harbours")));
    let turn = f.store.turn_of_run(run).unwrap().unwrap();
    assert_eq!(turn.question, "When was the harbour built?");
    assert_eq!(
        (turn.options, turn.answer.unwrap()["text"].as_str()),
        (json!({"path": "harbour"}), Some("The harbour is of 1911"))
    );
    assert_eq!(turn.failure.unwrap().1, "the harbour is closed");
    assert_eq!(f.store.feedback_find(run).unwrap().unwrap().correction.as_deref(), Some("1912, harbour"));
    let files = std::fs::read_dir(f.dir.path()).unwrap().map(|entry| std::fs::read(entry.unwrap().path()));
    let shown = files.flatten().map(|file| file.windows(7).filter(|part| part == b"harbour").count());
    assert_eq!(shown.sum::<usize>(), 0);
}

#[test]
fn an_empty_title_stays_empty_until_the_first_question() {
    let f = fixture();
    let thread = f.store.thread_create(f.workspace, "", None).unwrap();
    let title = ibid_store::thread_title(thread, "named", f.store.sealer()).unwrap();
    f.store.db().batch(vec![title]).unwrap();
    assert_eq!(f.store.thread_find(f.workspace, thread).unwrap().unwrap().title, "named");
}

#[test]
fn sealed_threads_are_found_by_title_and_question() {
    let f = fixture();
    let (harbour, _) = f.harbour();
    f.fill(250);
    f.clock.advance_ms(1);
    let other = f.store.thread_create(f.workspace, "100% cotton", None).unwrap();
    let _ = f.ask(other, "Who keeps the HARBOUR?");
    assert_eq!(
        f.find("harbour", 9, None).items.iter().map(|thread| thread.id).collect::<Vec<_>>(),
        [other, harbour]
    );
    assert_eq!(f.find("0%", 9, None).items.len(), 1);
    let first = f.find("harbour", 1, None);
    assert_eq!(first.items[0].id, other);
    let second = f.find("harbour", 1, first.next);
    assert_eq!((second.items[0].id, second.next), (harbour, None));
    assert_eq!(f.find("number", 250, None).items.len(), 250);
    assert!(f.find("nothing", 9, None).items.is_empty());
}

#[test]
fn one_search_opens_a_bounded_number_of_threads() {
    let f = fixture();
    let (harbour, _) = f.harbour();
    f.fill(1000);
    let first = f.find("harbour", 9, None);
    assert!(first.items.is_empty() && first.next.is_some());
    assert_eq!(f.find("harbour", 9, first.next).items[0].id, harbour);
}

#[test]
fn a_fork_opens_what_its_turns_say() {
    let f = fixture();
    let (thread, _) = f.harbour();
    let turns = f.store.turn_list(thread, 0, 9).unwrap();
    let fork = f.store.thread_fork(f.workspace, "fork", &turns, Some("harbours"), None).unwrap();
    assert_eq!(f.store.turn_list(fork, 0, 9).unwrap()[0].question, turns[0].question);
    assert_eq!(f.store.thread_find(f.workspace, fork).unwrap().unwrap().summary.as_deref(), Some("harbours"));
}

#[test]
fn all_texts_come_under_a_new_key_once() {
    let f = fixture();
    let (thread, run) = f.harbour();
    let ada = f.store.user_create("ada", None).unwrap().id;
    f.store.totp_set(ada, Some(&Totp { secret: Secret::new("code".to_owned()), step_used: 7 })).unwrap();
    f.store.signing_keys_set(&Secret::new("keys".to_owned())).unwrap();
    f.keep("Where is the harbour?");
    let fact = f.remember();
    let repository = RepositoryId::of("/src/one");
    let segment = code_segment_insert(f.workspace, repository, (1, 1), "harbours", f.store.sealer()).unwrap();
    f.store.db().batch(vec![segment]).unwrap();
    let new = f.under("b");
    assert_eq!(renew_all(&new), SealedColumn::ALL.len());
    let segments = new.code_segments(f.workspace, repository, 1).unwrap();
    assert_eq!(segments, [(1, "harbours".to_owned())]);
    assert_eq!(renew_all(&new), 0);
    assert_eq!(new.totp(ada).unwrap().unwrap().secret.reveal(), "code");
    assert_eq!(new.signing_keys().unwrap().unwrap().reveal(), "keys");
    assert_eq!(new.thread_find(f.workspace, thread).unwrap().unwrap().title, "About the harbour");
    assert_eq!(new.feedback_find(run).unwrap().unwrap().reason.as_deref(), Some("harbour"));
    assert_eq!(kept(&f, &new), ["Where is the harbour?"]);
    assert_eq!(new.facts_by_id(&[fact]).unwrap()[0].stated.statement, "The harbour is deep");
}

#[test]
fn a_text_that_changed_meanwhile_is_not_written_over() {
    let f = fixture();
    let (thread, _) = f.harbour();
    let new = f.under("b");
    let old = new.sealed_after(SealedColumn::Title, None, 9).unwrap();
    let renew = new.sealed_renew(SealedColumn::Title, &old[0]).unwrap().unwrap();
    new.thread_rename(f.workspace, thread, "Renamed").unwrap();
    new.db().batch(vec![renew]).unwrap();
    assert_eq!(new.thread_find(f.workspace, thread).unwrap().unwrap().title, "Renamed");
}
