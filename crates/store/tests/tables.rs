//! The tables, typed: uploads, versions, the feed, the queue, keys, clean-up.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use ibid_runtime::Clock;
use ibid_store::{
    Accepted, DocumentsQuery, JobState, JobsQuery, Lease, NewUpload, PublishVersion, Sqlite, SqliteConfig,
    Store, UploadPayload, statements,
};
use ibid_types::access::{Holder, Readable};
use ibid_types::document::{Chunk, ChunkSpan, DocumentStatus};
use ibid_types::parsed::Metadata;
use ibid_types::{ChunkId, ContentHash, Error, Timestamp, UserId, WorkspaceId};

struct Fixture {
    store: Store,
    clock: Clock,
    workspace: WorkspaceId,
    _dir: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let db = Arc::new(Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap());
    let clock = Clock::manual(Timestamp(1_000_000));
    let store = Store::new(db, clock.clone());
    let workspace = store.workspace_ensure("default").unwrap().id;
    Fixture { store, clock, workspace, _dir: dir }
}

impl Fixture {
    fn accept(&self, source: &str, content: u8) -> Accepted {
        self.accept_in("b", source, content)
    }

    fn accept_in(&self, batch: &str, source: &str, content: u8) -> Accepted {
        self.store
            .accept(NewUpload {
                workspace: self.workspace,
                source: source.to_owned(),
                content: ContentHash([content; 32]),
                size_bytes: 3,
                media_type: "text/plain".to_owned(),
                metadata: Metadata::default(),
                readers: None,
                batch: batch.to_owned(),
            })
            .unwrap()
    }

    fn lease(&self) -> Lease {
        let owner = self.store.jobs().owner();
        self.store.jobs().lease("ingest", &owner, 60_000, 1).unwrap().pop().expect("a job is due")
    }

    /// Does the next job: one chunk with the text.
    fn publish(&self, text: &str, signature: u64) -> Lease {
        self.publish_leased(self.lease(), text, signature)
    }

    fn publish_leased(&self, lease: Lease, text: &str, signature: u64) -> Lease {
        let payload = UploadPayload::read(&lease.job).unwrap();
        let document = lease.job.document.unwrap();
        let span = ChunkSpan { end: text.len(), ..ChunkSpan::default() };
        let chunk = Chunk {
            id: ChunkId::new(),
            document,
            version: payload.version,
            ordinal: 0,
            span,
            text: text.to_owned(),
        };
        let near_duplicate_of = self.store.near_duplicate(self.workspace, document, signature).unwrap();
        let mut all = statements::chunks(std::slice::from_ref(&chunk));
        all.extend(statements::embeddings("m", &[(chunk.id, &[0.5, -1.0])]));
        all.extend(statements::publish(&PublishVersion {
            workspace: self.workspace,
            document,
            version: payload.version,
            title: lease.job.subject.clone(),
            author: None,
            language: None,
            tags: vec!["t".to_owned()],
            date: self.store.now(),
            page_count: None,
            text_bytes: text.len() as u64,
            chunk_count: 1,
            warnings: vec![],
            signature,
            near_duplicate_of,
            now: self.store.now(),
        }));
        all.push(self.store.jobs().done_statement(&lease, &serde_json::json!({ "chunks": 1 })));
        self.store.db().batch(all).unwrap();
        lease
    }
}

#[test]
fn an_upload_becomes_a_searchable_document() {
    let f = fixture();
    let Accepted::Queued { document, version, job } = f.accept("a.txt", 1) else { panic!("not queued") };
    assert_eq!(
        f.store.document_find(f.workspace, document).unwrap().unwrap().0.status,
        DocumentStatus::Pending
    );
    f.publish("hello", 1);
    let (found, shown) = f.store.document_find(f.workspace, document).unwrap().unwrap();
    assert_eq!((found.status, found.current), (DocumentStatus::Ready, Some(version)));
    assert_eq!(shown.unwrap().chunk_count, 1);
    let searchable = f.store.searchable(document, "m").unwrap().unwrap();
    assert_eq!(searchable.chunks[0].0.text, "hello");
    assert_eq!(searchable.chunks[0].1, statements::packed(&[0.5, -1.0]));
    assert_eq!(f.store.text_of(version).unwrap(), "hello");
    assert_eq!(f.store.jobs().find(job).unwrap().unwrap().state, JobState::Done);
    let entry = f.store.feed_read(0, 10).unwrap().pop().unwrap();
    assert_eq!((entry.kind.as_str(), entry.key.as_slice()), ("document", document.as_bytes().as_slice()));
}

#[test]
fn a_changed_file_and_a_new_one_get_in_together() {
    let f = fixture();
    let _ = f.accept("old.txt", 1);
    f.publish("hello", 1);
    let upload = |source: &str| NewUpload {
        workspace: f.workspace,
        source: source.to_owned(),
        content: ContentHash([2; 32]),
        size_bytes: 3,
        media_type: "text/plain".to_owned(),
        metadata: Metadata::default(),
        readers: None,
        batch: "b".to_owned(),
    };
    assert_eq!(f.store.accept_many(&[upload("old.txt"), upload("new.txt")]).unwrap().len(), 2);
}

#[test]
fn the_same_bytes_are_unchanged_and_others_a_new_version() {
    let f = fixture();
    let first = f.accept("a.txt", 1);
    assert_eq!(f.accept("a.txt", 1), first, "asked twice while it waits");
    f.publish("one", 1);
    assert!(matches!(f.accept("a.txt", 1), Accepted::Unchanged { .. }));
    let Accepted::Queued { document, .. } = f.accept("a.txt", 2) else { panic!("not queued") };
    f.publish("two", 2);
    let versions = f.store.version_list(f.workspace, document).unwrap();
    assert_eq!(versions.iter().map(|version| version.number).collect::<Vec<_>>(), [2, 1]);
    assert!(matches!(f.accept("a.txt", 1), Accepted::Queued { .. }), "back to the older bytes is a change");
}

#[test]
fn whoever_asks_last_for_waiting_bytes_can_follow_their_job() {
    let f = fixture();
    let first = f.accept_in("killed", "a.txt", 1);
    assert_eq!(f.accept_in("again", "a.txt", 1), first);
    let query = JobsQuery { batch: Some("again".to_owned()), limit: 10, ..JobsQuery::default() };
    assert_eq!(f.store.jobs().list(&Readable::All, &query).unwrap().counts.queued, 1);
}

#[test]
fn uploads_of_one_source_at_the_same_instant_all_get_in() {
    let f = fixture();
    std::thread::scope(|scope| {
        for content in 1..=8 {
            let f = &f;
            scope.spawn(move || assert!(matches!(f.accept("a.txt", content), Accepted::Queued { .. })));
        }
    });
    let Accepted::Queued { document, .. } = f.accept("a.txt", 9) else { panic!("not queued") };
    assert_eq!(f.store.version_list(f.workspace, document).unwrap().len(), 9);
}

#[test]
fn bytes_that_come_back_while_others_wait_win() {
    let f = fixture();
    f.accept("a.txt", 1);
    f.publish("one", 1);
    f.accept("a.txt", 2);
    let Accepted::Queued { version, document, .. } = f.accept("a.txt", 1) else { panic!("not queued") };
    f.publish("two", 2);
    f.publish("one", 1);
    let current = f.store.document_find(f.workspace, document).unwrap().unwrap().0.current;
    assert_eq!(current, Some(version));
}

#[test]
fn an_older_version_that_ends_late_does_not_replace_a_newer() {
    let f = fixture();
    f.accept("a.txt", 1);
    let slow = f.lease();
    let Accepted::Queued { version, document, .. } = f.accept("a.txt", 2) else { panic!("not queued") };
    f.publish("two", 2);
    f.publish_leased(slow, "one", 1);
    let (found, shown) = f.store.document_find(f.workspace, document).unwrap().unwrap();
    assert_eq!((found.current, shown.unwrap().number), (Some(version), 2));
    assert_eq!(f.store.version_list(f.workspace, document).unwrap().len(), 2);
}

#[test]
fn a_failed_version_says_why_and_can_be_tried_again() {
    let f = fixture();
    let Accepted::Queued { document, version, .. } = f.accept("a.pdf", 1) else { panic!("not queued") };
    let lease = f.lease();
    let error = Error::bad_request("document_encrypted", "the file is encrypted");
    let mut all = statements::fail(version, error.code, &error.message, f.store.now());
    all.push(f.store.jobs().dead_statement(&lease, &error));
    f.store.db().batch(all).unwrap();
    let (found, shown) = f.store.document_find(f.workspace, document).unwrap().unwrap();
    assert_eq!(
        (found.status, shown.unwrap().failure.unwrap().code),
        (DocumentStatus::Failed, "document_encrypted".to_owned())
    );
    let Accepted::Queued { version: again, .. } = f.accept("a.pdf", 1) else { panic!("not queued") };
    assert_eq!(again, version);
}

#[test]
fn a_near_duplicate_is_named_and_a_far_one_is_not() {
    let f = fixture();
    let Accepted::Queued { document, .. } = f.accept("a.txt", 1) else { panic!() };
    f.publish("one", 0b1111 << 30);
    let other = ibid_types::DocumentId::new();
    assert_eq!(f.store.near_duplicate(f.workspace, other, 0b1110 << 30).unwrap(), Some(document));
    assert_eq!(f.store.near_duplicate(f.workspace, other, u64::MAX).unwrap(), None);
    assert_eq!(f.store.near_duplicate(f.workspace, document, 0b1111 << 30).unwrap(), None, "not of itself");
}

#[test]
fn a_deleted_document_is_invisible_and_later_gone() {
    let f = fixture();
    let Accepted::Queued { document, version, .. } = f.accept("a.txt", 1) else { panic!() };
    f.publish("one", 1);
    let position = f.store.document_delete(f.workspace, document).unwrap();
    assert_eq!(position, f.store.feed_head().unwrap());
    assert!(f.store.document_find(f.workspace, document).unwrap().is_none());
    assert!(f.store.searchable(document, "m").unwrap().is_none());
    assert_eq!(f.store.document_delete(f.workspace, document).unwrap_err().code, "store_conflict");
    let garbage = f.store.cleanup(10).unwrap();
    assert_eq!((garbage.documents, garbage.blobs), (1, vec![ContentHash([1; 32])]));
    assert_eq!(f.store.text_of(version).unwrap(), "");
}

#[test]
fn documents_of_many_ids_are_read_at_once_and_only_those_of_the_workspace() {
    let f = fixture();
    let accept = |number| match f.accept(&format!("{number}.txt"), number) {
        Accepted::Queued { document, .. } | Accepted::Unchanged { document } => document,
    };
    let ids: Vec<_> = (0..70).map(accept).collect();
    assert_eq!(f.store.documents_by_id(f.workspace, &ids).unwrap().len(), 70);
    f.store.document_delete(f.workspace, ids[0]).unwrap();
    assert_eq!(f.store.documents_by_id(f.workspace, &ids[..3]).unwrap().len(), 2);
    assert!(f.store.documents_by_id(WorkspaceId::new(), &ids).unwrap().is_empty());
}

#[test]
fn bytes_that_another_document_names_stay() {
    let f = fixture();
    let Accepted::Queued { document, .. } = f.accept("a.txt", 1) else { panic!() };
    f.accept("b.txt", 1);
    f.store.document_delete(f.workspace, document).unwrap();
    assert_eq!(f.store.cleanup(10).unwrap().blobs, []);
}

#[test]
fn lists_page_filter_and_search() {
    let f = fixture();
    for number in 0..7 {
        f.clock.advance_ms(1);
        f.accept(&format!("dir/100%_{number}.txt"), number);
        f.publish("x", u64::from(number) << 20);
    }
    let mut query = DocumentsQuery { limit: 3, ..DocumentsQuery::default() };
    let mut sources = Vec::new();
    loop {
        let page = f.store.document_list(f.workspace, &Readable::All, &query).unwrap();
        assert_eq!(page.total, 7);
        sources.extend(page.items.into_iter().map(|(document, _)| document.source));
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(sources.len(), 7);
    assert_eq!(sources[0], "dir/100%_6.txt", "newest first");
    let total = |query: DocumentsQuery| {
        f.store
            .document_list(f.workspace, &Readable::All, &DocumentsQuery { limit: 9, ..query })
            .unwrap()
            .total
    };
    assert_eq!(total(DocumentsQuery { text: Some("100%_3".into()), ..DocumentsQuery::default() }), 1);
    assert_eq!(total(DocumentsQuery { text: Some("100__3".into()), ..DocumentsQuery::default() }), 0);
    assert_eq!(total(DocumentsQuery { tag: Some("t".into()), ..DocumentsQuery::default() }), 7);
    assert_eq!(
        total(DocumentsQuery { status: Some(DocumentStatus::Failed), ..DocumentsQuery::default() }),
        0
    );
}

#[test]
fn a_lease_is_exclusive_and_runs_out() {
    let f = fixture();
    f.accept("a.txt", 1);
    let first = f.lease();
    let owner = f.store.jobs().owner();
    assert!(f.store.jobs().lease("ingest", &owner, 1, 9).unwrap().is_empty());
    f.clock.advance_ms(60_001);
    let second = f.lease();
    assert_eq!(second.job.attempts, 2);
    assert_eq!(
        f.store.jobs().heartbeat(&first, &serde_json::json!({}), 1).unwrap_err().code,
        "store_conflict"
    );
    let late = f.store.jobs().done_statement(&first, &serde_json::json!({}));
    assert!(f.store.db().batch(vec![late]).is_err());
    f.store.jobs().heartbeat(&second, &serde_json::json!({}), 60_000).unwrap();
}

#[test]
fn attempts_are_spaced_and_end_as_a_dead_letter() {
    let f = fixture();
    let Accepted::Queued { job, .. } = f.accept("a.txt", 1) else { panic!() };
    let error = Error::unavailable("provider_unreachable", "no answer");
    for attempt in 1..=5 {
        let lease = f.lease();
        assert_eq!(lease.job.attempts, attempt);
        f.store.jobs().fail(&lease, &error, true).unwrap();
        let owner = f.store.jobs().owner();
        assert!(f.store.jobs().lease("ingest", &owner, 1, 1).unwrap().is_empty(), "not at once");
        f.clock.advance_ms(400_000);
    }
    let dead = f.store.jobs().find(job).unwrap().unwrap();
    assert_eq!(
        (dead.state, dead.failure.unwrap().code),
        (JobState::Failed, "provider_unreachable".to_owned())
    );
    f.store.jobs().retry(job).unwrap();
    assert_eq!(f.lease().job.attempts, 1);
}

#[test]
fn a_waiting_job_can_be_cancelled_and_a_running_one_not() {
    let f = fixture();
    let Accepted::Queued { job, .. } = f.accept("a.txt", 1) else { panic!() };
    f.store.jobs().cancel(job).unwrap();
    assert_eq!(
        f.store
            .jobs()
            .list(&Readable::All, &JobsQuery { limit: 9, ..JobsQuery::default() })
            .unwrap()
            .counts
            .cancelled,
        1
    );
    f.store.jobs().retry(job).unwrap();
    let _lease = f.lease();
    assert_eq!(f.store.jobs().cancel(job).unwrap_err().code, "job_not_waiting");
}

#[test]
fn a_deleted_workspace_takes_its_documents_along() {
    let f = fixture();
    f.accept("a.txt", 1);
    f.publish("one", 1);
    f.store.workspace_delete(f.workspace).unwrap();
    assert!(f.store.workspace_find("default").unwrap().is_none());
    assert_eq!(f.store.counts().unwrap().documents, 0);
    assert_ne!(f.store.workspace_ensure("default").unwrap().id, f.workspace);
}

#[test]
fn lists_of_documents_and_jobs_hold_what_is_readable() {
    let f = fixture();
    let (ada, bob) = (Holder::User(UserId::new()), Holder::User(UserId::new()));
    let upload = |source: &str, readers: Option<Vec<Holder>>| NewUpload {
        workspace: f.workspace,
        source: source.to_owned(),
        content: ContentHash([1; 32]),
        size_bytes: 3,
        media_type: "text/plain".to_owned(),
        metadata: Metadata::default(),
        readers,
        batch: "b".to_owned(),
    };
    f.store.accept_many(&[upload("open", None), upload("closed", Some(vec![ada]))]).unwrap();
    let seen = |holder| {
        let readable = Readable::Open(vec![holder]);
        let query = DocumentsQuery { limit: 9, ..DocumentsQuery::default() };
        let documents = f.store.document_list(f.workspace, &readable, &query).unwrap();
        let jobs = f.store.jobs().list(&readable, &JobsQuery { limit: 9, ..JobsQuery::default() }).unwrap();
        assert_eq!(documents.total as usize, documents.items.len());
        (documents.items.len(), jobs.items.len(), jobs.counts.queued)
    };
    assert_eq!((seen(ada), seen(bob)), ((2, 2, 2), (1, 1, 1)));
    f.store.accept(upload("closed", None)).unwrap();
    assert_eq!(seen(bob), (1, 1, 1), "a file without a list leaves the list as it is");
    let head = f.store.feed_head().unwrap();
    f.store.accept(upload("closed", Some(vec![bob]))).unwrap();
    assert_eq!((seen(ada).0, seen(bob).0), (1, 2));
    assert!(f.store.feed_head().unwrap() > head, "the indexes learn of it");
    f.store.accept(upload("closed", Some(vec![]))).unwrap();
    assert_eq!((seen(ada).0, seen(bob).0), (2, 2));
}

#[test]
fn workspaces_take_turns_in_the_queue() {
    let f = fixture();
    let late = f.store.workspace_ensure("late").unwrap().id;
    for number in 0..40 {
        let _ = f.accept(&format!("{number}.txt"), number);
    }
    let upload = |number: u8| NewUpload {
        workspace: late,
        source: format!("{number}.txt"),
        content: ContentHash([number; 32]),
        size_bytes: 3,
        media_type: "text/plain".to_owned(),
        metadata: Metadata::default(),
        readers: None,
        batch: "b".to_owned(),
    };
    f.store.accept_many(&(0..3).map(upload).collect::<Vec<_>>()).unwrap();
    let owner = f.store.jobs().owner();
    let subjects = |leases: &[Lease], workspace| {
        let of = leases.iter().filter(|lease| lease.job.workspace == Some(workspace));
        let mut subjects: Vec<String> = of.map(|lease| lease.job.subject.clone()).collect();
        subjects.sort();
        subjects
    };
    let leases = f.store.jobs().lease("ingest", &owner, 60_000, 4).unwrap();
    assert_eq!(subjects(&leases, late), ["0.txt", "1.txt"], "though forty came before");
    assert_eq!(subjects(&leases, f.workspace), ["0.txt", "1.txt"]);
    let leases = f.store.jobs().lease("ingest", &owner, 60_000, 4).unwrap();
    assert_eq!(
        (subjects(&leases, late).len(), subjects(&leases, f.workspace).len()),
        (1, 3),
        "nobody's turn is lost"
    );
    assert_eq!(f.store.jobs().lease("ingest", &owner, 60_000, 99).unwrap().len(), 35);
}
