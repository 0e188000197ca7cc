//! Answers that are kept to be given again, and what erases them.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use ibid_runtime::Clock;
use ibid_store::{DocumentChange, KeptPlace, KeptRow, NewKept, Sqlite, SqliteConfig, Statement, Store};
use ibid_types::{ChunkId, ContentHash, DocumentId, KeptId, RunId, Timestamp, VersionId, WorkspaceId};

const EVIDENCE: ContentHash = ContentHash([2; 32]);

struct House {
    store: Store,
    clock: Clock,
    workspace: WorkspaceId,
    document: DocumentId,
    chunk: ChunkId,
    _dir: tempfile::TempDir,
}

fn house() -> House {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Timestamp(1_000_000));
    let db = Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap();
    let store = Store::new(Arc::new(db), clock.clone());
    let workspace = store.workspace_ensure("default").unwrap().id;
    let house =
        House { store, clock, workspace, document: DocumentId::new(), chunk: ChunkId::new(), _dir: dir };
    house.put_document(VersionId::new());
    house
}

impl House {
    fn put_document(&self, version: VersionId) {
        let document = "INSERT INTO documents (id, workspace_id, source, status, current_version, title, tags, date, created_at, updated_at) \
                        VALUES ($1, $2, 'a.md', 'ready', $3, '', '[]', 1, 1, 1)";
        let row = "INSERT INTO versions (id, document_id, number, status, content, size_bytes, media_type, chunk_count, text_bytes, \
                   warnings, created_at) VALUES ($1, $2, 1, 'ready', zeroblob(32), 1, 'text/plain', 1, 1, '[]', 1)";
        let chunk = "INSERT INTO chunks (id, document_id, version_id, ordinal, start_byte, end_byte, start_char, pages, heading_path, kind, \
                     tokens, text) VALUES ($1, $2, $3, 0, 0, 1, 0, '[]', '[]', 'text', 1, 'a')";
        let statements = vec![
            Statement::new(document, vec![self.document.into(), self.workspace.into(), version.into()]),
            Statement::new(row, vec![version.into(), self.document.into()]),
            Statement::new(chunk, vec![self.chunk.into(), self.document.into(), version.into()]),
        ];
        self.store.db().batch(statements).unwrap();
    }

    fn keep(&self, question: &str) -> KeptId {
        self.keep_of(question, None, None)
    }

    fn keep_of(&self, question: &str, run: Option<RunId>, replaces: Option<KeptId>) -> KeptId {
        let passages = [(self.chunk, self.document)];
        let new = NewKept {
            workspace: self.workspace,
            shape: ContentHash([1; 32]),
            evidence: EVIDENCE,
            passages: &passages,
            run,
            question,
            answer: "{}",
            replaces,
        };
        self.clock.advance_ms(1);
        self.store.kept_save(&new, 3).unwrap()
    }

    fn place(&self) -> KeptPlace {
        KeptPlace { workspace: self.workspace, shape: ContentHash([1; 32]), not_before: Timestamp(0) }
    }

    fn rows(&self) -> Vec<KeptRow> {
        self.store.kept_of_evidence(&self.place(), EVIDENCE, 10).unwrap()
    }

    fn questions(&self) -> Vec<String> {
        self.rows().into_iter().map(|row| row.question).collect()
    }
}

#[test]
fn an_answer_is_found_by_its_place_and_its_passages() {
    let house = house();
    house.keep("Why?");
    assert_eq!(house.questions(), ["Why?"]);
    assert_eq!(house.store.kept_of_passage(&house.place(), house.chunk, 10).unwrap(), house.rows());
    let found =
        |place: KeptPlace, evidence| house.store.kept_of_evidence(&place, evidence, 10).unwrap().len();
    assert_eq!(found(house.place(), ContentHash([3; 32])), 0);
    assert_eq!(found(KeptPlace { workspace: WorkspaceId::new(), ..house.place() }, EVIDENCE), 0);
    assert_eq!(found(KeptPlace { shape: ContentHash([4; 32]), ..house.place() }, EVIDENCE), 0);
    assert_eq!(found(KeptPlace { not_before: Timestamp(2_000_000), ..house.place() }, EVIDENCE), 0);
    assert!(house.store.kept_of_passage(&house.place(), ChunkId::new(), 10).unwrap().is_empty());
}

#[test]
fn those_used_longest_ago_make_room() {
    let house = house();
    for question in ["one", "two", "three"] {
        house.keep(question);
    }
    house.clock.advance_ms(100_000);
    let first = house.rows().pop().unwrap();
    house.store.kept_used(first.id, first.used_at).unwrap();
    assert_eq!(house.questions(), ["one", "three", "two"]);
    house.keep("four");
    assert_eq!(house.questions(), ["four", "one", "three"]);
    house.keep_of("anew", None, Some(house.rows()[0].id));
    assert_eq!(house.questions(), ["anew", "one", "three"]);
}

#[test]
fn a_use_within_a_minute_writes_nothing() {
    let house = house();
    house.keep("Why?");
    house.clock.advance_ms(59_000);
    let before = house.rows();
    house.store.kept_used(before[0].id, before[0].used_at).unwrap();
    assert_eq!(house.rows(), before);
}

#[test]
fn deleting_or_changing_a_document_erases_answers() {
    let house = house();
    house.keep("Why?");
    house.store.document_change(house.workspace, house.document, DocumentChange::default()).unwrap();
    assert_eq!(house.store.kept_count().unwrap(), 0);
    house.keep("Why?");
    house.store.document_delete(house.workspace, house.document).unwrap();
    assert_eq!(house.store.kept_count().unwrap(), 0);
    let passages = house.store.db().query("SELECT COUNT(*) FROM kept_passages", &[]).unwrap();
    assert_eq!(passages[0].get::<i64>(0).unwrap(), 0);
}

#[test]
fn nothing_is_kept_of_a_document_that_was_deleted_meanwhile() {
    let house = house();
    house.store.document_delete(house.workspace, house.document).unwrap();
    house.keep("Why?");
    assert_eq!(house.store.kept_count().unwrap(), 0);
}

#[test]
fn answers_go_with_their_workspace_and_their_run() {
    let house = house();
    let run = RunId::new();
    house.keep_of("Why?", Some(run), None);
    house.keep("How?");
    house.store.run_delete(run).unwrap();
    assert_eq!(house.questions(), ["How?"]);
    house.store.workspace_delete(house.workspace).unwrap();
    assert_eq!(house.store.kept_count().unwrap(), 0);
}

#[test]
fn the_clean_up_erases_what_is_old_and_what_is_of_former_versions() {
    let house = house();
    house.keep("Why?");
    assert_eq!(house.store.kept_cleanup(Timestamp(0), 3).unwrap(), 0);
    assert_eq!(house.store.kept_cleanup(Timestamp(2_000_000), 3).unwrap(), 1);
    house.keep("Why?");
    let sql = "UPDATE documents SET current_version = $2 WHERE id = $1";
    let params = vec![house.document.into(), VersionId::new().into()];
    house.store.db().batch(vec![Statement::new(sql, params)]).unwrap();
    assert_eq!(house.store.kept_cleanup(Timestamp(0), 3).unwrap(), 1);
}
