//! Parts of a restored library in the living one: what takes the place of what, what stays, what is refused.
#![allow(clippy::unwrap_used)]

mod old;

use std::path::Path;
use std::sync::Arc;

use ibid_runtime::Clock;
use ibid_store::{DocumentsQuery, Part, Sqlite, SqliteConfig, Statement, Store, ThreadsQuery, Value};
use ibid_types::access::Readable;
use ibid_types::{DocumentId, Error, RunId, ThreadId, Timestamp, VersionId, WorkspaceId};

const WORKSPACE: WorkspaceId = WorkspaceId::from_bytes([1; 16]);
const DOCUMENT: DocumentId = DocumentId::from_bytes([2; 16]);
const RUN: RunId = RunId::from_bytes([7; 16]);
const THREAD: ThreadId = ThreadId::from_bytes([8; 16]);

fn open(path: &Path) -> Store {
    Store::new(
        Arc::new(Sqlite::open(SqliteConfig::new(path.to_owned())).unwrap()),
        Clock::manual(Timestamp(9)),
    )
}

/// The restored library and the living one, which began as the same; the restored one was of the second version.
fn two() -> (Store, Store, tempfile::TempDir) {
    two_of(2)
}

fn two_of(migrations: usize) -> (Store, Store, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = |name: &str, migrations: usize| {
        let path = dir.path().join(name).join("ibid.db");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        old::database(&path, migrations);
        open(&path)
    };
    (store("restored", migrations), store("living", old::RELEASED.len()), dir)
}

fn run(store: &Store, sql: &'static str) {
    store.db().batch(vec![Statement::new(sql, vec![])]).unwrap();
}

fn number(store: &Store, sql: &str) -> i64 {
    store.db().query(sql, &[]).unwrap()[0].get(0).unwrap()
}

fn document(named: &str) -> Part {
    Part::Document { named: named.to_owned(), workspace: None }
}

fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> &'static str {
    outcome.unwrap_err().code
}

fn text(store: &Store) -> String {
    store.text_of(VersionId::from_bytes([3; 16])).unwrap()
}

#[test]
fn a_deleted_document_comes_back_with_all_that_it_had() {
    let (restored, living, _dir) = two_of(1);
    living.document_delete(WORKSPACE, DOCUMENT).unwrap();
    assert_eq!(living.cleanup(10).unwrap().documents, 1);
    let head = living.feed_head().unwrap();
    assert_eq!(restored.part_held(&document("lease.txt")).unwrap().documents, [DOCUMENT]);
    assert_eq!(restored.document_contents(DOCUMENT).unwrap().len(), 1);
    assert!(!living.document_named(&restored, DOCUMENT).unwrap().is_there);
    living.document_merge(&restored, DOCUMENT).unwrap();
    assert_eq!(text(&living), "rent is 9 €");
    let searchable = living.searchable(DOCUMENT, "m").unwrap().unwrap();
    assert_eq!((searchable.chunks.len(), searchable.chunks[0].1.len()), (1, 4));
    let entry = living.feed_read(head, 10).unwrap().pop().unwrap();
    assert_eq!((entry.kind.as_str(), entry.key.as_slice()), ("document", [2; 16].as_slice()));
    assert_eq!(number(&living, "SELECT count(*) FROM signatures"), 1);
    assert!(living.document_named(&restored, DOCUMENT).unwrap().is_there);
}

#[test]
fn a_changed_document_is_replaced_and_nothing_else() {
    let (restored, living, _dir) = two();
    run(&living, "UPDATE documents SET title = 'Changed'");
    run(&living, "UPDATE chunks SET text = 'rent is 10 €'");
    run(
        &living,
        "INSERT INTO documents SELECT x'0a', workspace_id, 'other', status, NULL, 'Other', NULL, NULL, '[]', 1, 1, 1, NULL, NULL FROM documents",
    );
    living.document_merge(&restored, DOCUMENT).unwrap();
    assert_eq!(text(&living), "rent is 9 €");
    let sql = "SELECT count(*) FROM documents WHERE title IN ('Lease', 'Other') AND deleted_at IS NULL";
    assert_eq!(number(&living, sql), 2);
}

#[test]
fn a_document_takes_the_place_of_another_of_its_source() {
    let (restored, living, _dir) = two();
    living.document_delete(WORKSPACE, DOCUMENT).unwrap();
    run(
        &living,
        "INSERT INTO documents SELECT x'0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', workspace_id, source, 'ready', NULL, 'New', NULL, NULL, '[]', \
         1, 1, 1, NULL, NULL FROM documents",
    );
    assert!(living.document_named(&restored, DOCUMENT).unwrap().is_there);
    living.document_merge(&restored, DOCUMENT).unwrap();
    let query = DocumentsQuery { limit: 10, ..DocumentsQuery::default() };
    let titles: Vec<String> = living
        .document_list(WORKSPACE, &Readable::All, &query)
        .unwrap()
        .items
        .into_iter()
        .map(|(d, _)| d.title)
        .collect();
    assert_eq!(titles, ["Lease"]);
}

#[test]
fn what_works_on_a_document_loses_its_lease_and_a_version_on_its_way_stays_away() {
    let (restored, living, _dir) = two();
    let sql = "INSERT INTO versions SELECT x'0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', document_id, 2, 'pending', content, 1, 'text/plain', 0, 0, NULL, '[]', NULL, NULL, \
               NULL, 5 FROM versions";
    run(&restored, sql);
    run(
        &living,
        "UPDATE jobs SET state = 'running', lease_token = x'01', lease_until = 5, finished_at = NULL",
    );
    living.document_merge(&restored, DOCUMENT).unwrap();
    assert_eq!(number(&living, "SELECT count(*) FROM versions"), 1);
    let sql = "SELECT count(*) FROM jobs WHERE state = 'cancelled' AND lease_token IS NULL";
    assert_eq!(number(&living, sql), 1);
}

#[test]
fn a_thread_comes_back_with_its_run_and_what_was_said_of_it() {
    let (restored, living, _dir) = two();
    living.thread_delete(WORKSPACE, THREAD).unwrap();
    assert!(living.run_find(RUN).unwrap().is_none());
    assert_eq!(restored.part_held(&Part::Thread(THREAD)).unwrap().threads, [THREAD]);
    assert_eq!(living.thread_named(&restored, THREAD).unwrap().name, "Rent");
    assert_eq!(living.thread_merge(&restored, THREAD).unwrap(), 0);
    assert_eq!(living.turn_list(THREAD, 0, 9).unwrap(), restored.turn_list(THREAD, 0, 9).unwrap());
    assert_eq!(living.run_find(RUN).unwrap(), restored.run_find(RUN).unwrap());
    assert_eq!(living.checkpoint_last(RUN).unwrap(), restored.checkpoint_last(RUN).unwrap());
    assert_eq!(living.run_values(RUN).unwrap().len(), 1);
    for table in ["feedback", "flow_values", "flows", "threads", "turns"] {
        assert_eq!(number(&living, &format!("SELECT count(*) FROM {table}")), 1, "{table}");
    }
}

#[test]
fn a_fork_comes_back_with_the_runs_of_the_thread_that_it_came_from_and_leaves_that_thread_alone() {
    let (restored, living, _dir) = two();
    let turns = restored.turn_list(THREAD, 0, 9).unwrap();
    let fork = restored.thread_fork(WORKSPACE, "Fork", &turns, None, None).unwrap();
    run(&living, "UPDATE feedback SET rating = -1");
    living.thread_merge(&restored, fork).unwrap();
    assert_eq!(living.turn_list(fork, 0, 9).unwrap()[0].run, RUN);
    assert_eq!(number(&living, "SELECT rating FROM feedback"), -1, "it is of the other thread");
    living.thread_delete(WORKSPACE, THREAD).unwrap();
    living.thread_merge(&restored, fork).unwrap();
    assert!(living.run_find(RUN).unwrap().is_some());
    assert_eq!(number(&living, "SELECT rating FROM feedback"), 1);
    assert_eq!(living.thread_find(WORKSPACE, THREAD).unwrap(), None);
}

#[test]
fn what_was_not_over_stays_away_and_what_is_not_over_is_not_replaced() {
    let (restored, living, _dir) = two();
    run(
        &restored,
        "INSERT INTO turns SELECT x'0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c', thread_id, 2, x'0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d', 'q', '{}', 'running', NULL, NULL, NULL, 6, NULL FROM turns",
    );
    assert_eq!(living.thread_merge(&restored, THREAD).unwrap(), 1);
    assert_eq!(living.turn_list(THREAD, 0, 9).unwrap().len(), 1);
    run(&living, "UPDATE runs SET status = 'running', finished_at = NULL");
    run(&living, "UPDATE threads SET title = 'Now'");
    assert_eq!(code(living.thread_merge(&restored, THREAD)), "restore_busy");
    assert_eq!(living.thread_find(WORKSPACE, THREAD).unwrap().unwrap().title, "Now");
}

#[test]
fn a_key_of_idempotency_stays_with_the_run_that_has_it_now() {
    let (restored, living, _dir) = two();
    living.thread_delete(WORKSPACE, THREAD).unwrap();
    let sql = "INSERT INTO runs (id, workspace_id, flow_hash, flow_name, status, idempotency_key, asks, created_at, updated_at) \
               VALUES (x'0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e', x'01010101010101010101010101010101', zeroblob(32), 'chat', 'running', 'key', 0, 1, 1)";
    run(&living, sql);
    living.thread_merge(&restored, THREAD).unwrap();
    assert_eq!(living.run_find(RUN).unwrap().unwrap().idempotency_key, None);
    assert_eq!(number(&living, "SELECT count(*) FROM runs WHERE idempotency_key = 'key'"), 1);
}

#[test]
fn a_deleted_workspace_comes_back_under_its_name() {
    let (restored, living, _dir) = two();
    living.workspace_delete(WORKSPACE).unwrap();
    living.cleanup(10).unwrap();
    living.threads_cleanup(10).unwrap();
    // As at a start, where it is the default one.
    let empty = living.workspace_ensure("legal").unwrap().id;
    let held = restored.part_held(&Part::Workspace("legal".to_owned())).unwrap();
    assert_eq!((held.documents.len(), held.threads.len(), held.runs.len()), (1, 1, 0));
    living.document_merge(&restored, DOCUMENT).unwrap();
    living.thread_merge(&restored, THREAD).unwrap();
    assert_eq!(living.workspace_find("legal").unwrap().unwrap().id, WORKSPACE);
    assert!(living.workspace_list().unwrap().iter().any(|w| w.id == empty && w.name.contains("(deleted ")));
    let query = ThreadsQuery { limit: 9, ..ThreadsQuery::default() };
    assert_eq!(living.thread_list(WORKSPACE, &query).unwrap().items.len(), 1);
    assert_eq!(living.workspace_counts(WORKSPACE, &Readable::All).unwrap().documents, 1);
}

#[test]
fn another_workspace_of_the_name_is_not_taken_over() {
    let (restored, living, _dir) = two();
    living.workspace_delete(WORKSPACE).unwrap();
    let other = living.workspace_ensure("legal").unwrap().id;
    let sql =
        "INSERT INTO threads (id, workspace_id, title, created_at, updated_at) VALUES (x'0f', $1, 'T', 1, 1)";
    living.db().batch(vec![Statement::new(sql, vec![Value::from(other)])]).unwrap();
    assert_eq!(code(living.document_merge(&restored, DOCUMENT)), "restore_conflict");
    assert_eq!(living.workspace_find("legal").unwrap().unwrap().id, other);
}

#[test]
fn a_run_of_no_thread_comes_back() {
    let (restored, living, _dir) = two();
    run(&restored, "UPDATE runs SET thread_id = NULL");
    assert!(living.run_delete(RUN).unwrap());
    assert_eq!(restored.part_held(&Part::Workspace("legal".to_owned())).unwrap().runs, [RUN]);
    assert_eq!(living.run_named(&restored, RUN).unwrap().name, "chat");
    living.run_merge(&restored, RUN).unwrap();
    assert_eq!(living.run_find(RUN).unwrap(), restored.run_find(RUN).unwrap());
}

#[test]
fn what_the_backup_does_not_hold_is_named() {
    let (restored, living, _dir) = two();
    let missing = [
        document("absent.txt"),
        document(&DocumentId::new().to_string()),
        Part::Thread(ThreadId::new()),
        Part::Workspace("absent".to_owned()),
        Part::Document { named: "lease.txt".to_owned(), workspace: Some("absent".to_owned()) },
    ];
    for part in missing {
        assert_eq!(code(restored.part_held(&part)), "restore_part_unknown", "{part:?}");
    }
    assert_eq!(code(living.document_merge(&restored, DocumentId::new())), "restore_part_unknown");
    run(&restored, "INSERT INTO workspaces VALUES (x'10101010101010101010101010101010', 'second', 1)");
    run(
        &restored,
        "INSERT INTO documents SELECT x'0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', x'10101010101010101010101010101010', source, 'ready', \
         current_version, 'New', NULL, NULL, '[]', 1, 1, 1, NULL, NULL FROM documents",
    );
    assert_eq!(code(restored.part_held(&document("lease.txt"))), "restore_part_ambiguous");
    let in_second = Part::Document { named: "lease.txt".to_owned(), workspace: Some("legal".to_owned()) };
    assert_eq!(restored.part_held(&in_second).unwrap().documents, [DOCUMENT]);
}

fn list(store: &Store) -> Option<String> {
    store.db().query("SELECT readers FROM documents WHERE deleted_at IS NULL", &[]).unwrap()[0]
        .get(0)
        .unwrap()
}

const EVE: &str = "user:0e0e0e0e-0e0e-0e0e-0e0e-0e0e0e0e0e0e";

#[test]
fn a_document_keeps_the_access_list_that_it_has_here() {
    let (restored, living, _dir) = two();
    run(&living, "UPDATE documents SET readers = 'user:0e0e0e0e-0e0e-0e0e-0e0e-0e0e0e0e0e0e'");
    assert_eq!(list(&restored), None, "it was open then");
    living.document_merge(&restored, DOCUMENT).unwrap();
    assert_eq!(list(&living).as_deref(), Some(EVE));
    living.document_delete(WORKSPACE, DOCUMENT).unwrap();
    living.document_merge(&restored, DOCUMENT).unwrap();
    assert_eq!(list(&living).as_deref(), Some(EVE), "also when it was deleted");
    run(&living, "UPDATE documents SET readers = NULL");
    run(&restored, "UPDATE documents SET readers = 'user:0e0e0e0e-0e0e-0e0e-0e0e-0e0e0e0e0e0e'");
    living.document_merge(&restored, DOCUMENT).unwrap();
    assert_eq!(list(&living), None, "and where it was opened");
}

#[test]
fn a_document_that_is_gone_comes_back_no_more_open_than_what_it_replaces() {
    let (restored, living, _dir) = two();
    living.document_delete(WORKSPACE, DOCUMENT).unwrap();
    run(
        &living,
        "INSERT INTO documents SELECT x'0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', workspace_id, source, 'ready', NULL, 'New', NULL, NULL, '[]', \
         1, 1, 1, NULL, 'user:0e0e0e0e-0e0e-0e0e-0e0e-0e0e0e0e0e0e' FROM documents",
    );
    assert_eq!(living.cleanup(10).unwrap().documents, 1);
    let named = living.document_named(&restored, DOCUMENT).unwrap();
    assert_eq!(named.readers.iter().map(ToString::to_string).collect::<Vec<_>>(), [EVE]);
    living.document_merge(&restored, DOCUMENT).unwrap();
    assert_eq!(list(&living).as_deref(), Some(EVE));
}
