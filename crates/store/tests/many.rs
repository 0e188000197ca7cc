//! Many documents in one commit: uploads that are accepted together, and documents that come in with their vectors.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use ibid_runtime::Clock;
use ibid_store::{Accepted, JobsQuery, NewUpload, ReadyChunk, ReadyDocument, Sqlite, SqliteConfig, Store};
use ibid_types::access::Readable;
use ibid_types::document::{ChunkSpan, DocumentStatus};
use ibid_types::parsed::Metadata;
use ibid_types::{ContentHash, DocumentId, Timestamp, WorkspaceId};

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

impl Fixture {
    fn upload(&self, source: &str, content: u8) -> NewUpload {
        NewUpload {
            workspace: self.workspace,
            source: source.to_owned(),
            content: ContentHash([content; 32]),
            size_bytes: 3,
            media_type: "text/plain".to_owned(),
            metadata: Metadata::default(),
            readers: None,
            batch: "b".to_owned(),
        }
    }

    fn ready(&self, source: &str, texts: &[&str]) -> ReadyDocument {
        let chunk = |text: &&str| ReadyChunk {
            span: ChunkSpan::default(),
            text: (*text).to_owned(),
            vector: vec![1.0, 0.0],
        };
        ReadyDocument { upload: self.upload(source, 1), chunks: texts.iter().map(chunk).collect() }
    }

    fn texts(&self, document: DocumentId) -> Vec<String> {
        let found = self.store.searchable(document, "m").unwrap().unwrap();
        found.chunks.into_iter().map(|(chunk, _)| chunk.text).collect()
    }
}

fn document_of(accepted: &Accepted) -> DocumentId {
    match accepted {
        Accepted::Queued { document, .. } | Accepted::Unchanged { document } => *document,
    }
}

#[test]
fn uploads_are_accepted_together_in_order() {
    let f = fixture();
    let uploads: Vec<NewUpload> = (0..300).map(|number| f.upload(&format!("{number}.txt"), 1)).collect();
    let accepted = f.store.accept_many(&uploads).unwrap();
    let (document, _) = f.store.document_by_source(f.workspace, "299.txt").unwrap().unwrap();
    assert_eq!((accepted.len(), document_of(&accepted[299])), (300, document.id));
    assert_eq!(f.store.accept_many(&uploads).unwrap(), accepted, "asked twice while they wait");
    let jobs = f.store.jobs().list(&Readable::All, &JobsQuery { limit: 1, ..JobsQuery::default() }).unwrap();
    assert_eq!(jobs.counts.queued, 300);
    assert!(f.store.accept_many(&[]).unwrap().is_empty());
}

#[test]
fn the_last_upload_of_a_source_wins() {
    let f = fixture();
    let accepted = f.store.accept_many(&[f.upload("a", 1), f.upload("b", 1), f.upload("a", 2)]).unwrap();
    assert_eq!(document_of(&accepted[0]), document_of(&accepted[2]));
    let versions = f.store.version_list(f.workspace, document_of(&accepted[2])).unwrap();
    assert_eq!((versions.len(), versions[0].content), (2, ContentHash([2; 32])));
}

#[test]
fn ready_documents_are_searchable_without_a_job() {
    let f = fixture();
    let ids = f.store.put_ready("m", &[f.ready("a", &["one", "two"]), f.ready("b", &["three"])]).unwrap();
    assert_eq!((f.texts(ids[0]), f.texts(ids[1])), (vec!["one".into(), "two".into()], vec!["three".into()]));
    let (document, version) = f.store.document_find(f.workspace, ids[0]).unwrap().unwrap();
    let version = version.unwrap();
    assert_eq!((document.status, document.current), (DocumentStatus::Ready, Some(version.id)));
    assert_eq!((version.chunk_count, version.text_bytes), (2, 6));
    assert_eq!(f.store.feed_read(0, 9).unwrap().len(), 2);
    assert_eq!(f.store.jobs().counts().unwrap().queued, 0);
}

#[test]
fn a_ready_document_follows_what_its_source_had() {
    let f = fixture();
    let first = f.store.put_ready("m", &[f.ready("a", &["one"])]).unwrap();
    let second = f.store.put_ready("m", &[f.ready("a", &["two"])]).unwrap();
    assert_eq!((&first, f.texts(second[0])), (&second, vec!["two".into()]));
    assert_eq!(f.store.version_list(f.workspace, first[0]).unwrap().len(), 2);
}

#[test]
fn a_source_that_occurs_twice_is_refused_whole() {
    let f = fixture();
    let error = f.store.put_ready("m", &[f.ready("a", &["one"]), f.ready("a", &["two"])]).unwrap_err();
    assert_eq!((error.code, f.store.feed_head().unwrap()), ("store_conflict", 0));
}

#[test]
fn as_many_documents_are_read_as_have_the_chunks() {
    let f = fixture();
    let documents: Vec<ReadyDocument> =
        (0..100).map(|number| f.ready(&number.to_string(), &["x", "y"])).collect();
    let mut ids = f.store.put_ready("m", &documents).unwrap();
    ids.insert(1, DocumentId::new());
    let read = |chunks_max| f.store.searchables(&ids, "m", chunks_max).unwrap();
    assert_eq!([0, 2, 4, 5, 1000].map(|chunks_max| read(chunks_max).len()), [1, 2, 3, 3, 101]);
    assert!(read(4)[1].is_none() && read(4)[2].as_ref().unwrap().document.id == ids[2]);
    assert!(f.store.searchables(&[], "m", 9).unwrap().is_empty());
}
