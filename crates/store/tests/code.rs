//! Segments of repositories: written once each, read from an ordinal on, sealed, and gone when the workspace forgets what it shares.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use ibid_runtime::Clock;
use ibid_store::{
    CodeHead, RepositoryId, Sqlite, SqliteConfig, Store, code_forget, code_segment_insert, owner_forget,
};
use ibid_types::memory::Owner;
use ibid_types::{Timestamp, WorkspaceId};

struct Fixture {
    store: Store,
    workspace: WorkspaceId,
    _dir: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let db = Arc::new(Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap());
    let store = Store::new(db, Clock::manual(Timestamp(1_000_000)));
    let workspace = store.workspace_ensure("default").unwrap().id;
    Fixture { store, workspace, _dir: dir }
}

fn put(store: &Store, workspace: WorkspaceId, at: (u64, u64), body: &str) -> ibid_types::Result<()> {
    let of = RepositoryId::of("/src/one");
    let row = code_segment_insert(workspace, of, at, body, store.sealer())?;
    store.db().batch(vec![row]).map(drop)
}

#[test]
fn an_update_adds_one_segment_and_never_a_second_of_its_place() {
    let Fixture { store, workspace, _dir } = fixture();
    put(&store, workspace, (1, 1), "one").unwrap();
    put(&store, workspace, (1, 2), "second").unwrap();
    assert_eq!(put(&store, workspace, (1, 2), "other").unwrap_err().code, "store_conflict");
    let of = RepositoryId::of("/src/one");
    assert_eq!(
        store.code_heads(workspace).unwrap(),
        [CodeHead { repository: of, basis: 1, ordinal: 2, bytes: 9 }]
    );
    assert_eq!(store.code_segments(workspace, of, 2).unwrap(), [(2, "second".to_owned())]);
    store.db().batch(vec![code_forget(workspace, of, 2)]).unwrap();
    assert_eq!(store.code_segments(workspace, of, 0).unwrap(), [(2, "second".to_owned())]);
}

#[test]
fn it_goes_with_what_the_workspace_shares_and_with_nothing_else() {
    let Fixture { store, workspace, _dir } = fixture();
    put(&store, workspace, (1, 1), "one").unwrap();
    store.db().batch(owner_forget(workspace, Owner::Machine)).unwrap();
    assert_eq!(store.code_heads(workspace).unwrap().len(), 1);
    store.db().batch(owner_forget(workspace, Owner::Shared)).unwrap();
    assert!(store.code_heads(workspace).unwrap().is_empty());
}
